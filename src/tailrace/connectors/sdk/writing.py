"""What a destination is given and gives back: rows on their way to a vendor, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol, runtime_checkable

NOTHING: Mapping[str, Any] = MappingProxyType({})


Operation = Literal["create", "update", "upsert", "clear", "archive"]


Outcome = Literal["acked", "dead", "unmatched", "unknown", "later"]
"""`later`: refused for the moment only (a locked row, a row's own throttle); nothing was written, so it is tried again."""


@dataclass(frozen=True)
class Link:
    """An association that a row wants: a record of `object` whose `match_field` is `key`; `key` None: none of that kind.

    `before`: the key last accepted, None where none was; a destination that can takes the former association out.
    """

    object: str
    match_field: str
    key: str | None
    label: str = ""
    before: str | None = None


@dataclass(frozen=True)
class WriteRow:
    """One row to send. `trace` is unique in the batch; `key` the match value (None: by `remote_id`); values are typed.

    `links` are the row's associations, all of those that the sync keeps. `previous_key`: the match value last accepted, where it
    is another one: a destination without ids (audiences) takes it out.
    """

    trace: str
    key: Any
    values: Mapping[str, Any]
    remote_id: str | None = None
    links: tuple[Link, ...] = ()
    previous_key: str | None = None


@dataclass(frozen=True)
class WriteBatch:
    """At most `batch_size` rows for one object, one operation, no key twice. `match_field` None: by remote id.

    `options` are the sync's, checked and with defaults. `name` is the same for the same rows and values, however often they
    are sent. `bulk`: at most `bulk_size` rows, by the vendor's interface for many.
    """

    object: str
    operation: Operation
    match_field: str | None
    rows: tuple[WriteRow, ...]
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    name: str = ""
    bulk: bool = False


@dataclass(frozen=True)
class WriteResult:
    """What became of one row. `unknown`: no word about it came back, so it is looked up or sent again.

    `touched`: not accepted, and yet something of it was written, so that the record is not as it was before.
    """

    trace: str
    outcome: Outcome
    remote_id: str | None = None
    reason: str | None = None
    field: str | None = None
    touched: bool = False


@dataclass(frozen=True)
class TextBatch:
    """A batch of updates or upserts by key as texts: no Python object for a row, for vendors that take every value as a text.

    `documents` are JSON objects of field to text: "" clears, numbers have no exponent, instants are ISO 8601 in UTC with
    milliseconds. Row `i` has the trace `str(first + i)`; no key comes twice.
    """

    object: str
    operation: Operation
    match_field: str
    first: int
    keys: Sequence[str]
    documents: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True)
class Written:
    """What became of a TextBatch: remote ids of the accepted rows by trace, and every other row's result."""

    accepted: Mapping[str, str]
    others: Sequence[WriteResult] = ()


@dataclass(frozen=True)
class RemoteField:
    """A field as the vendor describes it; `options` are an enumeration's values.

    `many`: it takes several of them, joined by `;`. `longest`: characters it takes, 0 where not known. `upserts`: an upsert can
    match on it, where it is unique.
    """

    name: str
    kind: str
    writable: bool = True
    unique: bool = False
    options: tuple[str, ...] = ()
    many: bool = False
    longest: int = 0
    upserts: bool = True


@dataclass(frozen=True)
class NewField:
    """A field to make: one of the object's `field_types`, or the one that fits `engine_type` where `type` is empty."""

    name: str
    type: str
    label: str
    engine_type: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edit:
    """A field's value as it is, and when it last changed (None: not known).

    Where the vendor keeps no history of fields, it is the record's time. `by_api`: a program wrote it, as we do (None: the
    vendor does not tell). `earlier`: values before it, as far as the vendor tells them.
    """

    value: Any
    at: datetime | None
    by_api: bool | None = None
    earlier: tuple[Any, ...] = ()


class Destination(Protocol):
    """Writes. One result per row, always; raises only FatalError or RetriableError.

    A batch that raises RetriableError may or may not have been committed.
    """

    def fields(self, obj: str, options: Mapping[str, Any] = NOTHING) -> Mapping[str, RemoteField]: ...

    def write(self, batch: WriteBatch) -> list[WriteResult]: ...

    def read_fields(
        self,
        obj: str,
        match_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str],
        options: Mapping[str, Any] = NOTHING,
    ) -> Mapping[str, Mapping[str, Any]]:
        """Current values by match key (lower-cased as the vendor compares them) or, with match_field None, by remote id.

        Each row also carries `id`, the remote id. Empty where the vendor cannot be asked (audiences, webhooks).
        """
        ...


@runtime_checkable
class WritesTexts(Protocol):
    """A destination that takes batches as texts as well: it is asked for each object, and `write` then only for odd rows."""

    def takes_texts(self, obj: str, options: Mapping[str, Any] = NOTHING) -> bool: ...

    def write_texts(self, batch: TextBatch) -> Written:
        """As `write`: raises only FatalError or RetriableError."""
        ...


@runtime_checkable
class CreatesFields(Protocol):
    """A destination that can make fields."""

    def create_field(self, obj: str, new: NewField, options: Mapping[str, Any] = NOTHING) -> None:
        """Does nothing where the field is there already."""
        ...


@runtime_checkable
class TellsEdits(Protocol):
    """A destination that knows when a field was last changed; objects whose `conflicts` hold `newest` need it."""

    def read_edits(
        self,
        obj: str,
        match_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str],
        options: Mapping[str, Any] = NOTHING,
    ) -> Mapping[str, Mapping[str, Edit]]:
        """As `read_fields`, with times."""
        ...


class WriteOnly:
    """What a destination says that nobody can ask: no fields beyond the declared ones, nothing to read back."""

    def fields(self, obj: str, options: Mapping[str, Any] = NOTHING) -> Mapping[str, RemoteField]:  # noqa: ARG002
        return {}

    def read_fields(
        self,
        obj: str,  # noqa: ARG002
        match_field: str | None,  # noqa: ARG002
        keys: Sequence[str],  # noqa: ARG002
        fields: Sequence[str],  # noqa: ARG002
        options: Mapping[str, Any] = NOTHING,  # noqa: ARG002
    ) -> Mapping[str, Mapping[str, Any]]:
        return {}
