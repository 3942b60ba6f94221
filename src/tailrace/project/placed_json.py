"""JSON with the place of every key and value, which the standard reader does not keep; everything wrong is collected."""

from __future__ import annotations

import bisect
import re
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import Marks
from tailrace.project.yaml import MAX_DEPTH, Document, Path_, Unreadable, read_text

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"-?[A-Za-z_][A-Za-z_0-9]*")
_WORDS = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),  # Python's json writes these three, and so does what is built on it
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
_FIXES = {
    "'": "Put double quotes around it",
    "/": "JSON has no comments: remove it",
    "#": "JSON has no comments: remove it",
    ",": "Remove the comma",
}
_PYTHON = {"True": "Write true", "False": "Write false", "None": "Write null"}


def read_json(path: Path, file: str, problems: list[Diagnostic]) -> Document | None:
    """A file's document; None where it cannot be read at all. `file` is the name that diagnostics show."""
    text = read_text(path, file, problems)
    return None if text is None else parse_json(text, file, problems)


def parse_json(text: str, file: str, problems: list[Diagnostic]) -> Document | None:
    """The value of a text; of a duplicate key the first value is kept, so that the rest can be checked too."""
    scanner = _Scanner(text, file, problems)
    try:
        data = scanner.document()
    except Unreadable:
        return None
    return Document(data, Marks(file, scanner.places, scanner.keys), templated=False)


class _Scanner:
    """One text, read from its start to its end; `at` is the next character."""

    def __init__(self, text: str, file: str, problems: list[Diagnostic]) -> None:
        self.text = text
        self.file = file
        self.problems = problems
        self.at = 0
        self.places: dict[Path_, Location] = {}
        self.keys: dict[Path_, Location] = {}
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def document(self) -> Any:
        if not self._next():
            raise self._wrong(self.at, "the file is empty", "Write a suite, or remove it")
        data = self._value((), 0)
        if self._next():
            raise self._wrong(self.at, "not JSON: something follows the end", "Remove it")
        return data

    def _value(self, path: Path_, depth: int) -> Any:
        sign, start = self._next(), self.at
        self.places.setdefault(path, self._place(start))
        if depth >= MAX_DEPTH:
            raise self._wrong(start, f"nested deeper than {MAX_DEPTH} levels")
        if sign == "{":
            return self._mapping(path, depth)
        if sign == "[":
            return self._list(path, depth)
        if sign == '"':
            return self._string()
        if number := _NUMBER.match(self.text, start):
            self.at = number.end()
            return self._number(number, start)
        word = _WORD.match(self.text, start)
        if word and word[0] in _WORDS:
            self.at = word.end()
            return _WORDS[word[0]]
        shown = repr(word[0][:40]) if word else repr(sign) if sign else "the end of the file"
        raise self._wrong(start, f"not JSON: {shown} where a value must stand", self._fix(sign, word))

    def _fix(self, sign: str, word: re.Match[str] | None) -> str:
        if word:
            return _PYTHON.get(word[0], "Put double quotes around a text")
        is_last = self.text[: self.at].rstrip().endswith(",")
        return (
            "Remove the comma before it"
            if sign in ("]", "}") and is_last
            else _FIXES.get(sign, "Write a value here")
        )

    def _number(self, number: re.Match[str], start: int) -> float | int:
        text = number[0]
        try:
            return float(text) if number[1] or number[2] else int(text)
        except ValueError:
            self._problem(start, f"a number of {len(text):,} digits", "Put quotes around it to make it text")
            return 0

    def _string(self) -> str:
        start = self.at
        try:
            text, self.at = scanstring(self.text, start + 1, True)
        except JSONDecodeError as error:
            if error.msg.startswith("Unterminated"):
                raise self._wrong(start, "not JSON: a text without its end", 'Close it with "') from error
            fix = (
                'Close the text with ", or write a tab as \\t and a line break as \\n'
                if "control" in error.msg
                else "Double the backslash: \\\\d"
            )
            raise self._wrong(error.pos, f"not JSON: {_lower(error.msg)}", fix) from error
        return str(text)

    def _list(self, path: Path_, depth: int) -> list[Any]:
        items: list[Any] = []
        opened, self.at = self.at, self.at + 1
        if self._next() == "]":
            self.at += 1
            return items
        while True:
            items.append(self._value((*path, len(items)), depth + 1))
            if self._ends("]", opened):
                return items

    def _mapping(self, path: Path_, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        opened, self.at = self.at, self.at + 1
        if self._next() == "}":
            self.at += 1
            return found
        while True:
            place, key = self._key()
            here = (*path, key)
            is_double = key in found
            if is_double:
                first = self.keys[here]
                self._problem(
                    place, f"{key}: this key is already on line {first.line}", "Remove one of the two"
                )
                here = (*path, key, "(again)")
            else:
                self.keys[here] = self._place(place)
            if self._next() in "{[":
                self.places[here] = self._place(place)
            value = self._value(here, depth + 1)
            if not is_double:
                found[key] = value
            if self._ends("}", opened):
                return found

    def _key(self) -> tuple[int, str]:
        sign, place = self._next(), self.at
        if sign != '"':
            what = "the end of the file" if not sign else repr(sign)
            fix = (
                self._fix(sign, None)
                if sign in "}]"
                else _FIXES.get(sign, "Put double quotes around the key")
            )
            raise self._wrong(place, f"not JSON: {what} where a key must stand", fix)
        key = self._string()
        if self._next() != ":":
            raise self._wrong(self.at, "not JSON: no colon behind the key", "Write a colon and its value")
        self.at += 1
        return place, key

    def _ends(self, sign: str, opened: int) -> bool:
        """Whether the list or mapping ends here; else a comma is passed."""
        found = self._next()
        if found not in (sign, ","):
            line = self._place(opened).line
            what = "the end of the file" if not found else repr(found)
            fix = f"Write a comma, or {sign} (opened on line {line})"
            raise self._wrong(self.at, f"not JSON: {what} where a comma or {sign} must stand", fix)
        self.at += 1
        return found == sign

    def _next(self) -> str:
        """The next character that is no white space, or "" at the end."""
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        return self.text[self.at : self.at + 1]

    def _place(self, position: int) -> Location:
        line = bisect.bisect_right(self._lines, position)
        return Location(self.file, line, position - self._lines[line - 1] + 1)

    def _problem(self, position: int, message: str, fix: str = "") -> None:
        self.problems.append(Diagnostic(self._place(position), message, fix))

    def _wrong(self, position: int, message: str, fix: str = "") -> Unreadable:
        self._problem(position, message, fix)
        return Unreadable(message)


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(" at")
