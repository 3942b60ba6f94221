"""The two halves of a connector, and what it declares of itself so that a project can be checked offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol, runtime_checkable

from tailrace.records import Checkpoint, Page, Quota, Schema

NOTHING: Mapping[str, Any] = MappingProxyType({})
Operation = Literal["create", "update", "upsert", "clear", "archive"]
Outcome = Literal["acked", "dead", "unmatched", "unknown", "later"]
"""`later`: refused for the moment only (a locked row, a row's own throttle); nothing was written, so it is tried again."""


@dataclass(frozen=True)
class Option:
    """One setting of a connection or a resource, declared once: validation, docs and JSON Schema derive from it.

    `kind` is text, integer, number, bool, texts (a list of text), names (one text or a list of them; filled in as a
    tuple), mapping, or duration ("90s", "24h", or seconds; filled in as seconds). `choices` of a mapping or a duration are words taken in its place ("off").
    """

    name: str
    kind: Literal["text", "integer", "number", "bool", "texts", "names", "mapping", "duration"] = "text"
    default: Any = None
    required: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    description: str = ""
    target: bool = False
    """Of an object: it says where rows go, like a list or an audience; each value of it has ledger rows of its own."""


@dataclass(frozen=True)
class Permission:
    """A scope, role or right to grant at the vendor, and what fails without it; none beyond those listed is needed."""

    name: str
    needed_for: str


@dataclass(frozen=True)
class ApiVersion:
    """A version that `api_version` may name. `ends`: the last day that the vendor has announced for it, if any."""

    name: str
    ends: date | None = None


@dataclass(frozen=True)
class ResourceType:
    """One resource that a vendor offers. `changes`: the change log's default; `any_name` resources take any name.

    `key`, `cursor` and `deletes` say in the words of the vendor's page what rows are named by (empty: known only when
    connected), what orders reads (empty: read whole), and how a row's end is learnt. `permissions`: those it needs.
    `backfill`: the source reads a range of days on request. `fields_option`: the option that narrows what is landed; where it
    is used, the source reads `ResourceSpec.also` besides.
    """

    name: str
    options: tuple[Option, ...] = ()
    changes: bool = True
    any_name: bool = False
    pattern: str = ""
    """A regular expression that narrows `any_name` to the names it matches whole; the first type that fits is taken."""
    description: str = ""
    key: tuple[str, ...] = ()
    cursor: str = ""
    deletes: str = ""
    permissions: tuple[str, ...] = ()
    backfill: bool = False
    fields_option: str = ""


@dataclass(frozen=True)
class ObjectType:
    """What a vendor's object can take: sync modes, what may happen to removed rows, rows a request, keys to match on.

    `match_fields` empty means: known only to the vendor (checked when connected). `any_name`: also stands for objects
    that only the vendor knows (custom objects). `known_fields` empty means the same for fields; a name that ends in `*` stands
    for all that begin so. `takes_fields`: "some" needs one at least, "none" is a membership, "any" both.
    """

    name: str
    modes: tuple[str, ...]
    on_removed: tuple[str, ...] = ("keep",)
    conflicts: tuple[str, ...] = ("ours",)
    batch_size: int = 100
    match_fields: tuple[str, ...] = ()
    read_only_fields: tuple[str, ...] = ()
    any_name: bool = False
    pattern: str = ""
    """A regular expression of names that can be nothing but what `any_name` stands for, however near to a declared one."""
    options: tuple[Option, ...] = ()
    """What the sync's `options:` may say."""
    known_fields: tuple[str, ...] = ()
    fields_of_options: tuple[str, ...] = ()
    """Fields that are there only where the option of the same name is given."""
    takes_fields: Literal["some", "none", "any"] = "some"
    associations: tuple[str, ...] = ()
    """Objects that a record may be associated with; `*` is any."""
    matches: bool = True
    """False: records have no key of their own (messages), so a sync says no `match:`."""
    field_types: tuple[str, ...] = ()
    """Words for `type:` of a field to make; empty: `create_fields` is refused."""
    field_names: tuple[str, str] = ("", "")
    """A regular expression that names of fields to make must match whole, and the same in words; empty: any name."""
    bulk_from: int = 0
    """Rows of one operation from which they go in bulk batches of `bulk_size`, `WriteBatch.bulk` set; 0: never."""
    bulk_size: int = 0


@dataclass(frozen=True)
class Declaration:
    """A connector as the registry knows it: importable without a heavy package, usable without a connection."""

    name: str
    options: tuple[Option, ...]
    resources: tuple[ResourceType, ...] = ()
    objects: tuple[ObjectType, ...] = ()
    permissions: tuple[Permission, ...] = ()
    versions: tuple[ApiVersion, ...] = ()
    """Known values of the option `api_version`; others are taken, with a warning of `doctor`."""
    limit: tuple[int, float] | None = None
    """Requests in so many seconds that the vendor allows where the connection's `rate_limit` says nothing; None: not known."""
    validate_sync: (
        Callable[[str, str, Mapping[str, Any]], Sequence[tuple[tuple[str | int, ...], str, str]]] | None
    ) = None
    """Extra checks of a sync's options, each found right: (object, mode, options with defaults) to (path inside the options,
    what is wrong, fix)."""
    inline: bool = False
    """True for what pipelines name by `source:` and not by a connection: rest_api, files, databases, Python."""
    open: Callable[[Mapping[str, Any], Context], Connector] | None = None
    validate_resource: (
        Callable[[str, Mapping[str, Any]], Sequence[tuple[tuple[str | int, ...], str, str]]] | None
    ) = None
    """Extra checks of a resource's options: (path inside the options, what is wrong, fix)."""
    validate_connection: (
        Callable[[Mapping[str, Any]], Sequence[tuple[tuple[str | int, ...], str, str]]] | None
    ) = None
    """The same for the connection's options (of an inline source: the pipeline's), after each alone was found right."""
    validate_pipeline: (
        Callable[
            [Mapping[str, Any], Mapping[str, Mapping[str, Any]], Path],
            Sequence[tuple[tuple[str | int, ...], str, str]],
        ]
        | None
    ) = None
    """Of an inline source: its options, the named resources' options (none named: empty) and the project's folder against
    each other; paths start at the pipeline's file."""
    resource_names: Callable[[Mapping[str, Any]], Sequence[str] | None] | None = None
    """Of an inline source: what a pipeline lands that names no resources; None where only the open source knows."""


class Limiter(Protocol):
    """One account's request budget, shared by every thread and process that uses the account."""

    def acquire(self, bucket: str = "") -> float:
        """Wait for a place in `bucket` of this account, saying so by an event; returns the seconds waited."""

    def done(self, bucket: str = "") -> None:
        """The request that this thread acquired a place for has ended, however it did."""

    def learn(self, limit: int, window: float, bucket: str = "") -> None:
        """The vendor's headers say: `limit` requests in `window` seconds."""

    def block(self, seconds: float, bucket: str = "") -> None:
        """No request before that many seconds from now: the vendor said 429."""

    def report(self, quota: Quota) -> None:
        """What is left of a long budget, for `status` and `doctor`; the newest word of each name is kept."""


@dataclass(frozen=True)
class Context:
    """What the runner lends a connector: its name in the project, the account's budget, the clock, threads allowed.

    `root`: the project's folder, which relative paths in options start at.
    """

    connection: str
    limiter: Limiter
    now: Callable[[], datetime]
    in_flight: int = 4
    root: Path = Path()


@dataclass(frozen=True)
class ResourceSpec:
    """A resource as asked for: its name and validated options with defaults filled in.

    `also`: fields that syncs write, landed with those that the options name where the vendor has them.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()


class Source(Protocol):
    """Reads. `schema` may ask the vendor; `read` yields pages and, at points where all before is complete, checkpoints."""

    def schema(self, resource: ResourceSpec) -> Schema: ...

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        """From `position` (what the last committed Checkpoint said; None: from the start).

        Ends with a Checkpoint. The same position read twice yields at least the same rows.
        """
        ...


@runtime_checkable
class Infers(Protocol):
    """A source whose columns only its rows tell: what is new is pulled first, and handed on by `read` afterwards.

    Its `schema` looks at a sample.
    """

    def infer(self, resource: ResourceSpec, position: Mapping[str, Any] | None) -> Schema:
        """The columns of what is new since `position` and of all before it; none at all where nothing came yet."""
        ...


@runtime_checkable
class Lists(Protocol):
    """A connector of an inline source that can name its resources once it is open."""

    def names(self) -> Sequence[str]:
        """What a pipeline lands that names no resources."""
        ...


@runtime_checkable
class Backfills(Protocol):
    """A source of which a range of days can be asked, whatever its position says."""

    def backfill(
        self, resource: ResourceSpec, schema: Schema, first: date, last: date
    ) -> Iterator[Page | Checkpoint]:
        """All of the days first to last, both included: report days, or the days on which records changed (UTC).

        Ends with a Checkpoint: its scopes say what was read completely, its position is not kept.
        """
        ...


@runtime_checkable
class Counts(Protocol):
    """A source that can name everything the vendor holds now for less than a complete read."""

    def census(self, resource: ResourceSpec, schema: Schema) -> Iterator[Page]:
        """Rows with at least the primary key, `versions` where they cost nothing more."""
        ...


@dataclass(frozen=True)
class Finding:
    """One thing that `doctor` looked at: `subject` names it, `text` says how it is, `fix` what to do about it."""

    level: Literal["ok", "warning", "error"]
    subject: str
    text: str
    fix: str = ""


@runtime_checkable
class Examines(Protocol):
    """A connector that can say more of its credentials than that they work."""

    def examine(self) -> Iterator[Finding]:
        """Granted and missing permissions, the credential's age and end, what is left of quotas. Reads only."""
        ...


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


class Connector(Protocol):
    """An open connection to one account."""

    def account(self) -> str:
        """The vendor's own id of the account (portal, org, customer); part of every ledger key."""

    def source(self) -> Source: ...

    def destination(self) -> Destination: ...

    def is_sandbox(self) -> bool:
        """True where the account is the local sandbox, so that a first sync needs no approval."""

    def close(self) -> None: ...
