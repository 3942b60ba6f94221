"""One value of a configuration at a time, as the type it must have; what is wrong is said at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.errors import Diagnostic, Location, near_miss

Place = Callable[[str], Location]
"""Where a key of the configuration stands."""


@dataclass(frozen=True)
class Values:
    """A model's merged configuration; every reader says what is wrong and gives its default then."""

    data: Mapping[str, Any]
    place: Place
    problems: list[Diagnostic]

    def problem(self, key: str, message: str, fix: str) -> None:
        self.problems.append(Diagnostic(self.place(key), message, fix))

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self.data.get(key)
        if value is None:
            return default
        if value not in allowed:
            fix = near_miss(str(value), allowed)
            self.problem(key, f"{key} cannot be {str(value)[:60]}", fix[:1].upper() + fix[1:])
            return default
        return str(value)

    def flag(self, key: str, default: bool | None) -> bool | None:
        """True or false."""
        value = self.data.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.problem(key, f"{key} must be true or false", "Write true or false")
        return default

    def text(self, key: str, default: str = "") -> str:
        value = self.data.get(key)
        if value is None or isinstance(value, str):
            return default if value is None else value
        self.problem(key, f"{key} must be a text", f"Write {key}='...'")
        return default

    def texts(self, key: str) -> tuple[str, ...]:
        """A text or a list of texts."""
        value = self.data.get(key)
        found = () if value is None else (value,) if isinstance(value, str) else value
        if isinstance(found, list | tuple) and all(isinstance(one, str) for one in found):
            return tuple(found)
        self.problem(key, f"{key} must be a list of texts", f"Write {key}=['one', 'two']")
        return ()

    def number(self, key: str, default: int, *, least: int = 0) -> int:
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        self.problem(key, f"{key} must be a whole number from {least} on", f"Write {key}={max(least, 1)}")
        return default
