"""How questions are put to one vendor: an error ends its own question, and is said once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tailrace.connectors.sdk.base import Finding
from tailrace.errors import TailraceError
from tailrace.project.spec import Pipeline, Sync


@dataclass(frozen=True)
class Use:
    """A connection, and what of the chosen reads from it and writes to it."""

    connection: str
    pipelines: tuple[Pipeline, ...] = ()
    syncs: tuple[Sync, ...] = ()


@dataclass
class Asking:
    """`failed`: the last question ended in an error. `skipped`: questions that ended as an earlier one did."""

    told: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)
    failed: TailraceError | None = None

    def ask(self, subject: str, question: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
        """What the question finds, then the error that ended it, if any."""
        self.failed = None
        try:
            yield from question()
        except TailraceError as error:
            self.failed = error
            if str(error) in self.told:
                self.skipped.append(subject)
            else:
                self.told.add(str(error))
                yield Finding("error", subject, error.message, error.fix)
        except Exception as error:  # noqa: BLE001 -- a connector's bug ends one question, not the examination
            text = f"the connector broke ({type(error).__name__}: {error})"
            yield Finding("error", subject, text, "report this")

    def rest(self, subject: str) -> Iterator[Finding]:
        """What was not found out, because an error said before ended it too."""
        if self.skipped:
            text = f"not looked at, for the reason above: {', '.join(self.skipped)}"
            yield Finding("warning", subject, text)
