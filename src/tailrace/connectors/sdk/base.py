"""The two halves of a connector, and what it declares of itself so that a project can be checked offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from tailrace.connectors.sdk.writing import Destination
from tailrace.records import Checkpoint, Page, Quota, Schema


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


class Connector(Protocol):
    """An open connection to one account."""

    def account(self) -> str:
        """The vendor's own id of the account (portal, org, customer); part of every ledger key."""

    def source(self) -> Source: ...

    def destination(self) -> Destination: ...

    def is_sandbox(self) -> bool:
        """True where the account is the local sandbox, so that a first sync needs no approval."""

    def close(self) -> None: ...
