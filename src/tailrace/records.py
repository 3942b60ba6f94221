"""Rows on their way: columns, schemas and pages, without a word about any vendor or engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Type = Literal["text", "bigint", "double", "decimal", "bool", "timestamp", "date", "json"]


@dataclass(frozen=True)
class Column:
    """A column under the vendor's own name. `type` is tailrace's; each engine maps it to its own."""

    name: str
    type: Type = "text"
    description: str = ""


@dataclass(frozen=True)
class Schema:
    """The columns of one landed table, its primary key, and which columns are only cursors.

    A change in `cursor_columns` alone is no change: they are kept current in place, never logged.
    """

    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    cursor_columns: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def hashed(self) -> tuple[str, ...]:
        """The columns whose change is a change: all but the key's and the cursors', by name."""
        skip = {*self.primary_key, *self.cursor_columns}
        return tuple(sorted(name for name in self.names() if name not in skip))


@dataclass(frozen=True)
class Page:
    """Rows of one resource as a vendor returned them, flattened to column names.

    `rows` hold vendor values (str, int, float, bool, None, dict, list); `versions` is the vendor's time of each row
    (None for the whole page where the vendor has none: the time of arrival stands in). `deleted` marks a page of
    tombstones; of those, `merged_into` names for each the key of the record that it was merged into (None: it was not),
    and `erased` says that the vendor erased the persons: their rows are not written into the log once more.
    Rows may be mutated by the reader: a page belongs to whom it was given.
    """

    rows: Sequence[dict[str, Any]]
    versions: Sequence[datetime | str] | None = None
    deleted: bool = False
    merged_into: Sequence[str | None] | None = None
    erased: bool = False


@dataclass(frozen=True)
class Scope:
    """What a read covered completely: a current row inside it that the read did not show is gone.

    Every condition must hold: `equals` (column is one of the values), `between` (column, first, last; inclusive).
    Without any condition the scope is the whole table. `erased`: what such a read no longer shows, the vendor has erased
    (every other end of a record it tells of by itself).
    """

    equals: dict[str, tuple[str, ...]] = field(default_factory=dict)
    between: tuple[str, Any, Any] | None = None
    erased: bool = False


@dataclass(frozen=True)
class Checkpoint:
    """Says that everything up to `position` was handed over, and which scopes were read completely.

    `position` is the resource's own cursor, as JSON-able data; it is committed with the rows or not at all. None leaves
    the position as it was.
    """

    position: dict[str, Any] | None
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True)
class Quota:
    """What the vendor last said of a long budget: the day's requests, GA4's tokens, a percentage used."""

    name: str
    limit: float
    remaining: float
    unit: str = "requests"
    resets_at: datetime | None = None
