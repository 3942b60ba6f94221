"""What the sources that a pipeline names by `source:` have in common: options of a resource, and how they hang together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from tailrace.connectors.sdk.auth import reveal
from tailrace.connectors.sdk.base import Option, ResourceSpec
from tailrace.connectors.sdk.options import Problem
from tailrace.errors import FatalError, near_miss

ROW_KEY = "row_key"
"""The primary key of rows that have none of their own."""
WRITES = ("replace", "append", "merge")
TYPES = ("text", "bigint", "double", "decimal", "bool", "timestamp", "date", "json")

PRIMARY_KEY = Option(
    "primary_key", "names", description="the column, or the columns together, that name a row"
)
COLUMNS = Option(
    "columns", "mapping", description="column to type, where it is to be another than the one found"
)


def write_option(default: str) -> Option:
    """`write`; `default` says in words what holds where it is not written."""
    return Option("write", choices=WRITES, description=f"what a read does to the table; default: {default}")


@runtime_checkable
class Looks(Protocol):
    """An inline source that finds most mistakes in a resource's options without reading rows."""

    def look(self, resource: ResourceSpec) -> None:
        """Raises what hinders the resource from being read: WrongSetting for the pipeline's own words."""
        ...


class WrongSetting(FatalError):
    """A pipeline's own words are wrong, which only its open source could tell. `path` leads to them in its file."""

    def __init__(self, path: tuple[str | int, ...], message: str, fix: str = "") -> None:
        super().__init__(message, fix)
        self.path = path


def write_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    """A key for rows that no one looks for, and types that are none of ours."""
    if options["write"] == "append" and options["primary_key"]:
        fix = "write: merge updates rows by their key; append keeps every row under a row_key of its own"
        yield ("primary_key",), "append looks for no key", fix
    for name, kind in (options["columns"] or {}).items():
        if kind not in TYPES:
            yield ("columns", name), f"{kind!r} is no type of a column", near_miss(str(kind), TYPES)


def keyless_merge(options: Mapping[str, Any]) -> Iterator[Problem]:
    """`merge` where nothing but the pipeline could name a key."""
    if options["write"] == "merge" and not options["primary_key"]:
        fix = "Add `primary_key:` with the column or columns that name a row"
        yield ("write",), "merge needs a primary_key", fix


def revealed(value: Any) -> Any:
    """The value with every secret inside it as the text that it is: for whom it is meant, and for nobody else."""
    if isinstance(value, Mapping):
        return {key: revealed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [revealed(inner) for inner in value]
    return reveal(value)


def hidden_in(value: Any) -> tuple[str, ...]:
    """The texts of all secrets inside a value."""
    if isinstance(value, Mapping | list | tuple):
        parts = value.values() if isinstance(value, Mapping) else value
        return tuple(text for inner in parts for text in hidden_in(inner))
    return tuple(value.reveal_all()) if hasattr(value, "reveal_all") else ()
