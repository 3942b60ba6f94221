"""Reads one mapping of a project file key by key: types, choices, shares, durations; problems are collected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tailrace.errors import Diagnostic, near_miss
from tailrace.project.spec import EMPTY, Marks

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
SQL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhdw])\Z")
SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%\Z")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_MISSING = object()
_FIXES = {
    "text": "Write one text",
    "true or false": "Write true or false",
    "a list of texts": "Write [one, two]",
    "a list": "Write its items with a - before each",
    "a mapping": "Write `key: value` lines",
    "a column of the model": "Write the column's name",
    "an SQL type": "Write one such as varchar",
}


def parse_duration(text: str) -> float | None:
    """Seconds of `90s`, `15m`, `1h`, `30d` or `2w`; None where it is none of them."""
    found = DURATION.match(text)
    return float(found[1]) * _SECONDS[found[2]] if found else None


def parse_share(text: str) -> float | None:
    """`5%` as 0.05; None where it is no percentage from 0 to 100."""
    found = SHARE.match(text)
    share = float(found[1]) / 100 if found else 2.0
    return share if share <= 1 else None


def hint(word: str, known: Sequence[str]) -> str:
    """`Did you mean x?`, or the known words: a fix for a word that is not known."""
    text = near_miss(word, known)
    return text[:1].upper() + text[1:]


def typed_for(word: str, known: Sequence[str]) -> str:
    """The known word that this one was most likely meant to be, or "": nearer than a near miss."""
    return _typed_for(word, tuple(known))


@lru_cache(maxsize=256)
def _typed_for(word: str, known: tuple[str, ...]) -> str:
    """Remembered, since a key of one's own stands beside every model."""
    import difflib

    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.8)), "")


def kind_of(value: Any) -> str:
    """A value's type in a reader's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return (
        "a list"
        if isinstance(value, list)
        else "a mapping"
        if isinstance(value, Mapping)
        else type(value).__name__
    )


class Reader:
    """One mapping. A missing or wrong value is a diagnostic, and the method gives its default ("" or None) instead.

    With `lax`, as dbt reads: a key without a value is not there, and of unknown keys only those that look like a typing mistake are
    told, in `lax` (which may be the problems or a list of notices).
    """

    def __init__(
        self,
        data: Any,
        marks: Marks,
        problems: list[Diagnostic],
        what: str,
        lax: list[Diagnostic] | None = None,
    ) -> None:
        self.marks = marks
        self.problems = problems
        self.what = what
        self.lax = lax
        self.is_mapping = type(data) is dict or isinstance(data, Mapping)
        self.data: Mapping[str, Any] = data if self.is_mapping else EMPTY
        if not self.is_mapping:
            if data is None:
                self.problem(f"{what} is empty", "Write its keys, or remove it")
            else:
                self.problem(f"{what} must be a mapping, not {kind_of(data)}", "Write `key: value` lines")

    def problem(self, message: str, fix: str = "", *path: str | int) -> None:
        """A problem with the value of `path`."""
        self.problems.append(Diagnostic(self.marks.at(*path), message, fix))

    def key_problem(self, message: str, fix: str, *path: str | int) -> None:
        """A problem with the key itself."""
        self.problems.append(Diagnostic(self.marks.key(*path), message, fix))

    def known(self, *keys: str, fixes: Mapping[str, str] = EMPTY, also: Sequence[str] = ()) -> None:
        """Refuses every other key but `also`, which the caller judges.

        `fixes` are words for keys that people are likely to bring from elsewhere.
        """
        for key in self.data:
            if key in keys or key in also:
                continue
            message = f"{self.what} has no key {key}"
            if self.lax is None:
                self.key_problem(message, fixes.get(key) or hint(key, keys), key)
            elif close := typed_for(key, (*keys, *also)):
                self.lax.append(Diagnostic(self.marks.key(key), message, f"Did you mean {close}?"))

    def get(self, key: str, required: bool = False) -> Any:
        """The raw value, or None; a missing required key and a key without a value are problems."""
        value = self.data.get(key, _MISSING)
        if value is _MISSING:
            if required and self.is_mapping:
                self.problem(f"{self.what} needs the key {key}", f"Add `{key}: ...`")
            return None
        if value is None and self.lax is None:
            self.key_problem(f"{key} has no value", "Write one, or remove the key", key)
        return value

    def text(self, key: str, default: str = "", required: bool = False) -> str:
        value = self.get(key, required)
        if isinstance(value, str):
            if value.strip() or not required:
                return value
            self.problem(f"{key} is an empty text", "Write its value", key)
        elif value is not None:
            self.wrong(key, value, "text")
        return default

    def optional_text(self, key: str) -> str | None:
        """A text, or None where the key is not written."""
        return self.text(key, required=key in self.data) or None

    def name(self, key: str, required: bool = True, sql: bool = False) -> str:
        """A name: letters, digits, _ and - (no - where it becomes a name in SQL), no digit first."""
        value = self.text(key, required=required)
        if not value or (SQL_NAME if sql else NAME).match(value):
            return value
        signs = "letters, digits and _" if sql else "letters, digits, _ and -"
        self.problem(f"{key}: {value[:60]!r} is not a name", f"Use {signs}, and no digit first", key)
        return ""

    def choice(self, key: str, choices: Sequence[str], default: str = "", required: bool = False) -> str:
        value = self.text(key, required=required)
        if value in choices:
            return value
        if value:
            self.problem(f"{key} cannot be {value[:60]}", hint(value, choices), key)
        return default

    def flag(self, key: str, default: bool | None = None) -> bool | None:
        value = self.get(key)
        if isinstance(value, bool) or value is None:
            return default if value is None else value
        self.wrong(key, value, "true or false")
        return default

    def duration(self, key: str) -> float | None:
        """Seconds, or None where the key is not written."""
        value = self.get(key)
        seconds = parse_duration(value) if isinstance(value, str) else None
        if value is not None and seconds is None:
            self.problem(f"{key} must be a duration, not {kind_of(value)}", "Write 90s, 15m, 1h or 30d", key)
        return seconds

    def share(self, key: str, default: float | None, off: bool = False) -> float | None:
        """A percentage as a share of 1; with `off`, the word switches it off (None)."""
        value = self.get(key)
        if value is None or (off and value == "off"):
            return default if value is None else None
        share = parse_share(value) if isinstance(value, str) else None
        if share is not None:
            return share
        fix = "Write a share such as 5%" + (", or off" if off else "")
        self.problem(f"{key} must be a percentage from 0% to 100%, not {kind_of(value)}", fix, key)
        return default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; a single text counts as a list of one."""
        value = self.get(key)
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list):
            for index, item in enumerate(value):
                if not isinstance(item, str):
                    self.wrong(key, item, "text", index)
            return tuple(item for item in value if isinstance(item, str))
        if value is not None:
            self.wrong(key, value, "a list of texts")
        return ()

    def mapping(self, key: str, required: bool = False) -> Mapping[str, Any]:
        """A free mapping; whoever owns its keys checks them."""
        value = self.get(key, required)
        if value is None:
            return EMPTY
        if isinstance(value, Mapping):
            return value
        self.wrong(key, value, "a mapping")
        return EMPTY

    def items(self, key: str, required: bool = False) -> list[Any]:
        value = self.get(key, required)
        if isinstance(value, list):
            return value
        if value is not None:
            self.wrong(key, value, "a list")
        return []

    def under(self, what: str, *path: str | int) -> Reader:
        """A reader of a mapping inside this one."""
        data: Any = self.data
        for part in path:
            data = data[part]
        return Reader(data, self.marks.under(*path), self.problems, what, self.lax)

    def wrong(self, key: str, value: Any, wanted: str, *rest: str | int) -> None:
        """The value of `key` has the wrong type."""
        fix = _FIXES.get(wanted, "")
        if wanted == "text" and isinstance(value, bool | int | float):
            fix = "Put quotes around it"
        name = rest[-1] if rest and isinstance(rest[-1], str) else key
        self.problem(f"{name} must be {wanted}, not {kind_of(value)}", fix, key, *rest)


def refuse_templates(data: Any, marks: Marks, problems: list[Diagnostic], fix: str, *path: str | int) -> None:
    """A template where none is rendered would reach the vendor as it is written."""
    if isinstance(data, str):
        if "{{" in data or "{%" in data:
            message = "templates are rendered in profiles.yml and in SQL, not here"
            problems.append(Diagnostic(marks.at(*path), message, fix))
    elif isinstance(data, Mapping):
        for key, value in data.items():
            refuse_templates(value, marks, problems, fix, *path, key)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            refuse_templates(value, marks, problems, fix, *path, index)
