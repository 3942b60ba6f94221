"""YAML as dbt reads it: version 1.1 with anchors, aliases and merge keys, and the place of every key and value."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import Marks
from tailrace.project.yaml import (
    MAX_DEPTH,
    Document,
    Path_,
    Unreadable,
    character_problem,
    is_templated,
    read_text,
    syntax_problem,
)

MAX_VALUES = 500_000
"""Values that a file may spell out once its aliases are followed."""
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


def read_lax(path: Path, file: str, problems: list[Diagnostic]) -> Document | None:
    """A file's document; None, and a diagnostic, where it cannot be read at all."""
    text = read_text(path, file, problems)
    return None if text is None else parse_lax(text, file, problems)


def parse_lax(text: str, file: str, problems: list[Diagnostic]) -> Document | None:
    """The one document of a text; of a duplicate key the last value counts. Dates are ISO texts, keys are texts."""
    walker = _Walker(file, problems)
    try:
        node = _composed(text)
        data = None if node is None else walker.value(node, (), 0)
    except Unreadable:
        return None
    except RecursionError:
        problems.append(Diagnostic(Location(file), "an alias holds itself", "Write the value out"))
        return None
    except yaml.MarkedYAMLError as error:
        problems.append(syntax_problem(error, file, text))
        return None
    except yaml.reader.ReaderError as error:
        problems.append(character_problem(error, file, text))
        return None
    return Document(data, Marks(file, walker.places, walker.keys), is_templated(text))


class _Loader(_Base):  # type: ignore[misc]
    """Remembers what a plain scalar is: the same few words make up most of a file."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._tags: dict[str, str] = {}

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is not yaml.ScalarNode:
            return _TAG + ("map" if kind is yaml.MappingNode else "seq")
        if not implicit[0]:
            return _TAG + "str"
        tag = self._tags.get(value)
        if tag is None:
            tag = self._tags[value] = super().resolve(kind, value, implicit)
        return tag


class _Places(dict[Path_, Any]):
    """Lines and columns by path, as Locations once somebody asks: most are never asked for."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file

    def __getitem__(self, path: Path_) -> Location:
        line, col = super().__getitem__(path)
        return Location(self.file, line, col)

    def get(self, path: Path_, default: Any = None) -> Any:
        found = super().get(path)
        return default if found is None else Location(self.file, *found)


def _composed(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


class _Walker:
    """Turns composed nodes into plain data, and notes the place of each key and value."""

    def __init__(self, file: str, problems: list[Diagnostic]) -> None:
        self.file = file
        self.problems = problems
        self.places = _Places(file)
        self.keys = _Places(file)
        self.places[()] = (1, 1)
        self.count = 0
        self._scalars = yaml.constructor.SafeConstructor()

    def value(self, node: Any, path: Path_, depth: int) -> Any:
        self.count += 1
        if isinstance(node, yaml.ScalarNode):
            mark = node.start_mark
            self.places[path] = (mark.line + 1, mark.column + 1)
            return node.value if node.tag == _TAG + "str" else self.scalar(node)
        if depth >= MAX_DEPTH or self.count > MAX_VALUES:
            what = f"nested deeper than {MAX_DEPTH} levels" if depth >= MAX_DEPTH else "too much by aliases"
            self.problems.append(Diagnostic(self.place(node), what, "Write it out, or shorten it"))
            raise Unreadable
        if path not in self.places:
            self.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        return self.mapping(node, path, depth)

    def mapping(self, node: Any, path: Path_, depth: int) -> dict[str, Any]:
        if any(key.tag == _TAG + "merge" for key, _ in node.value):
            self._scalars.flatten_mapping(node)
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                fix = "Put quotes around a text that holds {{ }}"
                message = "a key must be text, not a list or mapping"
                self.problems.append(Diagnostic(self.place(key), message, fix))
                continue
            name = str(key.value)
            here = (*path, name)
            mark = key.start_mark
            self.keys[here] = at = (mark.line + 1, mark.column + 1)
            if not isinstance(value, yaml.ScalarNode):
                self.places[here] = at
            found[name] = self.value(value, here, depth + 1)
        return found

    def scalar(self, node: Any) -> Any:
        """A typed value; what YAML 1.1 calls a date or a number and is none stays text."""
        try:
            value = self._scalars.construct_object(node)
        except (ValueError, OverflowError):
            return node.value
        if isinstance(value, datetime):
            return value.isoformat(sep=" ")
        if isinstance(value, bytes):
            return node.value
        return value.isoformat() if isinstance(value, date) else value

    def place(self, node: Any) -> Location:
        mark = node.start_mark
        return Location(self.file, mark.line + 1, mark.column + 1)
