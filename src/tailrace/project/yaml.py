"""Strict YAML: plain data and the place of every key and value; everything that is wrong is collected, nothing raised.

YAML 1.2's core scalars only (`no`, `on`, `12:30` and dates stay text); no anchors, aliases, merge keys or tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import Marks

MAX_BYTES = 1 << 20
MAX_DEPTH = 50

# libyaml's parser is ten times faster than PyYAML's own; both give the same events.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WORDS |= dict.fromkeys(("", "~", "null", "Null", "NULL"))  # type: ignore[arg-type]
_INT = re.compile(r"[-+]?[0-9]+\Z")
_KEY_AND_VALUE = re.compile(r"[\s-]*(?P<key>[A-Za-z_]+):(?P<value>[^\s:/][^\s:]*)\s*")
_OTHER_INT = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL_FLOAT = re.compile(r"([-+]?)\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """One YAML file as plain data, and where each part of it stands; `templated`: a text of it may be a template."""

    data: Any
    marks: Marks
    templated: bool = True


class Unreadable(Exception):
    """Reading cannot go on; the diagnostic is already collected."""


def read_text(path: Path, file: str, problems: list[Diagnostic]) -> str | None:
    """A project file's text (UTF-8, at most 1 MiB), or None and a diagnostic at its first bad byte."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        problems.append(
            Diagnostic(Location(file), f"cannot be read ({error.strerror})", "Check its permissions")
        )
        return None
    if len(raw) > MAX_BYTES:
        problems.append(
            Diagnostic(Location(file), f"{len(raw):,} bytes, and a project file has at most 1 MiB")
        )
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        problems.append(
            Diagnostic(_place(file, before, len(before)), "not UTF-8 text", "Save the file as UTF-8")
        )
        return None


def read_yaml(path: Path, file: str, problems: list[Diagnostic]) -> Document | None:
    """A file's document; None where it cannot be read at all. `file` is the name that diagnostics show."""
    text = read_text(path, file, problems)
    return None if text is None else parse_yaml(text, file, problems)


def parse_yaml(text: str, file: str, problems: list[Diagnostic]) -> Document | None:
    """The one document of a text; of a duplicate key the first value is kept, so that the rest can be checked too."""
    builder = _Builder(file, problems)
    try:
        data = builder.document(_events(text))
    except Unreadable:
        return None
    except yaml.MarkedYAMLError as error:
        problems.append(syntax_problem(error, file, text))
        return None
    except yaml.reader.ReaderError as error:
        problems.append(character_problem(error, file, text))
        return None
    return Document(data, Marks(file, builder.places, builder.keys), is_templated(text))


def is_templated(text: str) -> bool:
    """Whether Jinja may have something to do in a text."""
    return "{{" in text or "{%" in text


def _events(text: str) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _place(file: str, text: str, position: int) -> Location:
    """Line and column of a character's position."""
    before = text[:position]
    return Location(file, before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


class _Builder:
    """Turns parser events into plain data, and notes the place of each key and value."""

    def __init__(self, file: str, problems: list[Diagnostic]) -> None:
        self.file = file
        self.problems = problems
        self.places: dict[Path_, Location] = {}
        self.keys: dict[Path_, Location] = {}

    def document(self, events: Iterator[Any]) -> Any:
        data: Any = None
        count = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                count += 1
                if count > 1:
                    self.problem(
                        event, "a second YAML document", "Keep one document per file: remove the ---"
                    )
                    raise Unreadable
                data = self.value(next(events), (), 0, events)
        if count == 0:
            self.places[()] = Location(self.file)
        return data

    def value(self, event: Any, path: Path_, depth: int, events: Iterator[Any]) -> Any:
        """The value that `event` begins; containers take what follows from `events`."""
        if path not in self.places:
            self.places[path] = self.location(event)
        if isinstance(event, yaml.AliasEvent):
            self.problem(event, f"aliases (*{event.anchor}) are not read", "Write the value out")
            return None
        if event.anchor is not None:
            self.problem(
                event, f"anchors (&{event.anchor}) are not read", "Write the value out where it is needed"
            )
        if event.tag is not None:
            self.problem(event, f"tags ({event.tag}) are not read", "Remove the tag")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if depth >= MAX_DEPTH:
            self.problem(event, f"nested deeper than {MAX_DEPTH} levels")
            raise Unreadable
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(path, depth, events)
        return self.mapping(path, depth, events)

    def sequence(self, path: Path_, depth: int, events: Iterator[Any]) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self.value(event, (*path, len(items)), depth + 1, events))
        return items

    def mapping(self, path: Path_, depth: int, events: Iterator[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self.mapping_key(event, path, depth, events, found)
            value = next(events)
            if key is None:
                _Builder(self.file, self.problems).value(value, (), depth + 1, events)
                continue
            here = (*path, key)
            self.keys[here] = self.location(event)
            if not isinstance(value, yaml.ScalarEvent):
                self.places[here] = self.keys[here]
            found[key] = self.value(value, here, depth + 1, events)
        return found

    def mapping_key(
        self, event: Any, path: Path_, depth: int, events: Iterator[Any], found: dict[str, Any]
    ) -> str | None:
        """The key as text, or None where it cannot stand (its value is then read and dropped)."""
        if not isinstance(event, yaml.ScalarEvent):
            fix = "Put quotes around a text that holds {{ }}"
            self.problem(event, "a key must be text, not a list or mapping", fix)
            _Builder(self.file, []).value(event, (), depth + 1, events)
            return None
        if event.anchor is not None or event.tag is not None:
            self.problem(event, "anchors and tags are not read", "Remove them from the key")
        key = str(event.value)
        if key == "<<" and event.implicit[0]:
            self.problem(event, "merge keys (<<) are not read", "Write the keys out")
            return None
        if key in found:
            first = self.keys[(*path, key)]
            self.problem(event, f"{key}: this key is already on line {first.line}", "Remove one of the two")
            return None
        return key

    def scalar(self, event: Any) -> Any:
        """Text, unless it is plain and spells null, a boolean, an integer or a float in YAML 1.2's core schema."""
        text = str(event.value)
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        try:
            if _INT.match(text):
                return int(text)
            if _OTHER_INT.match(text):
                return int(text, 0)
        except ValueError:
            self.problem(event, f"a number of {len(text):,} digits", "Put quotes around it to make it text")
            return text
        if _FLOAT.match(text) or _SPECIAL_FLOAT.match(text):
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return text

    def location(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(self.file, mark.line + 1, mark.column + 1)

    def problem(self, event: Any, message: str, fix: str = "") -> None:
        self.problems.append(Diagnostic(self.location(event), message, fix))


def character_problem(error: yaml.reader.ReaderError, file: str, text: str) -> Diagnostic:
    """A character that YAML does not allow."""
    code = ord(error.character) if isinstance(error.character, str) else int(error.character)
    place = _place(file, text, error.position)
    return Diagnostic(place, f"character U+{code:04X} is not allowed", "Remove it")


def syntax_problem(error: yaml.MarkedYAMLError, file: str, text: str) -> Diagnostic:
    """The parser's message in a reader's words, with a fix for the mistakes that people make."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Diagnostic(Location(file), f"not YAML: {error.problem or error.context}")
    line, col = mark.line + 1, mark.column + 1
    problem, context = str(error.problem or ""), str(error.context or "")
    lines = text.split("\n")
    rest = lines[mark.line][mark.column :] if mark.line < len(lines) else ""
    if "alias" in context or "anchor" in context:
        start = error.context_mark or mark
        return Diagnostic(
            Location(file, start.line + 1, start.column + 1),
            "not YAML: a plain text cannot begin with * or &",
            "Put quotes around it",
        )
    if "cannot start any token" in problem:
        if rest.startswith("\t"):
            return Diagnostic(Location(file, line, col), "a tab in the indentation", "Indent with spaces")
        return Diagnostic(
            Location(file, line, col),
            f"not YAML: a plain text cannot begin with {rest[:1]}",
            "Put quotes around it",
        )
    if "mapping values are not allowed" in problem:
        # `key:value` is a text, and the parser stumbles over a colon on the line below
        before = _KEY_AND_VALUE.fullmatch(lines[mark.line - 1]) if mark.line else None
        if before:
            key, value = before["key"], before["value"].strip()
            place = Location(file, mark.line, before.start("value") + 1)
            return Diagnostic(place, f"not YAML: no space behind {key}:", f"Write {key}: {value}")
        return Diagnostic(
            Location(file, line, col),
            "not YAML: a colon where no key can stand",
            "Check the indentation of this line, or put quotes around a text that holds ': '",
        )
    if "unknown escape character" in problem:
        return Diagnostic(
            Location(file, line, col),
            f"not YAML: \\{rest.lstrip(chr(92))[:1]} is no escape in double quotes",
            "Put single quotes around the text: in them a backslash is a backslash",
        )
    opened = error.context_mark
    since = f" (opened on line {opened.line + 1})" if opened is not None and opened.line != mark.line else ""
    what = f"{context}: {problem}" if context else problem
    return Diagnostic(
        Location(file, line, col),
        f"not YAML: {what}{since}",
        "Check the indentation, brackets and quotes here",
    )
