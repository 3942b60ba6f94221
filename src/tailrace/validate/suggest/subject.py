"""What a suite is proposed for, and what a proposal is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tailrace.project.spec import EMPTY, OnFail, Severity
from tailrace.warehouse.base import TableRef

Part = Literal["table", "key", "row", "statistics"]


@dataclass(frozen=True)
class Parent:
    """A model or seed that a column of the judged one may refer to."""

    name: str
    table: TableRef
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """Columns that somebody calls the key; `said` names who, for messages."""

    columns: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class Subject:
    """A model with all that the project says of it. Column names are lower case.

    `sent` are columns that syncs send, match by or choose rows by; `matched` those that a vendor is matched by.
    """

    model: str
    table: TableRef
    suite: str = ""
    keys: tuple[Key, ...] = ()
    personal: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()
    matched: frozenset[str] = frozenset()
    parents: tuple[Parent, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """One expectation. `reason` says what was seen, without values of personal columns; `columns` are those it is about."""

    part: Part
    type: str
    kwargs: Mapping[str, Any]
    reason: str
    severity: Severity = "warning"
    on_fail: OnFail = "warn"
    description: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remark:
    """What a person should know and what no expectation says."""

    text: str


Found = Proposal | Remark


@dataclass(frozen=True)
class Wish:
    """Aggregates that a rule needs over the rows looked at, and what it makes of their values."""

    asks: tuple[str, ...]
    then: Callable[[tuple[Any, ...]], Iterable[Found]]


@dataclass(frozen=True)
class Suggestion:
    """A proposed suite. `rows` are the table's, `looked_at` those that were looked at."""

    subject: Subject
    rows: int
    looked_at: int
    key: str | None
    proposals: tuple[Proposal, ...]
    remarks: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=lambda: EMPTY)

    @property
    def sampled(self) -> bool:
        return self.looked_at < self.rows
