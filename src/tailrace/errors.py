"""Every error of tailrace, ordered by what the caller does next.

TailraceError
├── ProjectError          bad input: all diagnostics at once, nothing was touched        (exit 2)
├── GateStopped           a suite, guardrail or first-sync gate said no                  (exit 3)
├── LockHeld              another run holds the lock: come back later                    (exit 75)
├── FatalError            stop this step; a person has to act                            (exit 1)
│   ├── AuthError             the vendor refuses the credentials or a scope is missing
│   ├── VendorRefused         the vendor refuses the request as a whole; repeating it cannot help
│   ├── SchemaError           columns collide, a type changed under a frozen contract
│   ├── LockLost              this run's lock has ended, and another run may be at work
│   └── WarehouseError        the warehouse cannot be opened, read or written
└── RetriableError        the same call may succeed later; `retry_after` in seconds, if known
    ├── RateLimited           an account's budget is spent
    └── Unavailable           the vendor is down, or the connection broke
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_DONE, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_STOPPED, EXIT_LOCKED = 0, 1, 2, 3, 75


@dataclass(frozen=True, order=True)
class Location:
    """A place in a project file; `file` is relative to the project, line and column count from 1."""

    file: str
    line: int = 1
    col: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


@dataclass(frozen=True, order=True)
class Diagnostic:
    """One thing that is wrong in the project, where it stands, and what to do about it."""

    location: Location
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.location}: {self.message}." + (f" {self.fix}" if self.fix else "")


class TailraceError(Exception):
    """Root of what tailrace raises on purpose; `fix` says what a person can do."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}. {self.fix}" if self.fix else self.message


class ProjectError(TailraceError):
    """The project is not valid: carries every diagnostic found, in file order."""

    exit_code = EXIT_BAD_INPUT

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics)))
        super().__init__("\n".join(str(diagnostic) for diagnostic in self.diagnostics))

    @classmethod
    def at(cls, location: Location, message: str, fix: str = "") -> ProjectError:
        """An error with one diagnostic."""
        return cls([Diagnostic(location, message, fix)])


class BadInput(TailraceError):
    """A command's arguments are wrong; nothing was touched."""

    exit_code = EXIT_BAD_INPUT


class GateStopped(TailraceError):
    """A gate or guardrail stopped a step before its first request."""

    exit_code = EXIT_STOPPED


class LockHeld(TailraceError):
    """Another run holds the lock."""

    exit_code = EXIT_LOCKED


class FatalError(TailraceError):
    """The step cannot go on; the same command repairs the state once the cause is mended."""


class AuthError(FatalError):
    """The vendor refuses the credentials, or they lack a scope."""


class VendorRefused(FatalError):
    """The vendor refused a whole request; sending the same again cannot help."""


class SchemaError(FatalError):
    """Columns collide, or values changed their type under a contract that freezes it."""


class LockLost(FatalError):
    """A lock of this run has ended before the run did: it stood still, or could not reach the state."""


class WarehouseError(FatalError):
    """The warehouse cannot be opened, read or written."""


def refused_by_system(error: OSError) -> FatalError:
    """What the operating system would not do, as an error that a person can act on."""
    what = f"{error.filename}: " if error.filename else ""
    return FatalError(
        f"{what}{error.strerror or error}",
        "check the path, its permissions and the free disk space, then run again",
    )


class RetriableError(TailraceError):
    """The same call may succeed later; `retry_after` is the vendor's own wait in seconds, if it said one."""

    def __init__(self, message: str, fix: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, fix)
        self.retry_after = retry_after


class RateLimited(RetriableError):
    """An account's request budget is spent."""


class Unavailable(RetriableError):
    """The vendor is down, or the connection broke before a whole answer came."""


def near_miss(word: str, known: Sequence[str]) -> str:
    """`did you mean x?` for the closest known word, or the known words, for the end of a message."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    if not known:
        return ""
    names = sorted(known)
    return "known: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
