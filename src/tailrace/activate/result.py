"""What a sync was asked, what it would do, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tailrace.errors import GateStopped
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import TableRef

Ending = Literal["ok", "failed", "stopped"]


@dataclass(frozen=True)
class Options:
    """`limit`: only the first rows by primary key; `approve`: a first sync, or a new account, may begin.

    `full_resync` sends rows that did not change as well; `sandbox` says that the account is the local one. Values of `personal`
    columns (lower case) are in no message. `only`: the one row with this primary key or match value, changed or not.
    """

    limit: int | None = None
    approve: bool = False
    full_resync: bool = False
    sandbox: bool = False
    personal: frozenset[str] = frozenset()
    only: str | None = None


@dataclass(frozen=True)
class Scope:
    """Whose ledger rows: the vendor's account, its object, our sync.

    `target`: the option that says where in the account rows go; its value is the end of `account`, behind a slash.
    """

    account: str
    object: str
    sync: str
    target: str = ""


@dataclass(frozen=True)
class Landed:
    """Where the vendor's own records of a sync's object lie, landed by a pipeline of the same connection.

    `key` is the column of the vendor's record id. The table may not be there yet, nor hold the match field.
    """

    table: TableRef
    key: str

    @property
    def changes(self) -> TableRef:
        """Its change log, if one is kept; merges have `_merged_into`."""
        return TableRef(self.table.schema, f"{self.table.name}__changes")


@dataclass(frozen=True)
class Example:
    """One row that would be sent; `before` is what the vendor last accepted from us."""

    primary_key: str
    operation: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class SyncCounts:
    """Rows of one sync. `held_back` = suppressed + filtered + quarantined.

    `deleted` counts records archived or cleared. `dead`, `unmatched`, `conflict`, `unknown` and `pending` are the
    ledger's at that moment, rows of earlier runs included.
    """

    sync: str
    rows: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    suppressed: int = 0
    filtered: int = 0
    quarantined: int = 0
    dead: int = 0
    unmatched: int = 0
    conflict: int = 0
    unknown: int = 0
    pending: int = 0
    requests: int = 0
    kept: int = 0
    """Fields left as people edited them, of the rows sent by this run."""
    overwritten: int = 0
    """Fields that people had edited and that this run wrote over, as declared."""
    examples: tuple[Example, ...] = ()
    stop: str | None = None
    """The gate or guardrail that would stop this changeset."""

    @property
    def held_back(self) -> int:
        return self.suppressed + self.filtered + self.quarantined

    @property
    def to_send(self) -> int:
        return self.created + self.updated + self.deleted

    def document(self) -> dict[str, Any]:
        """The object that `run --json` and `plan --json` show under `syncs`."""
        names = ("sync", "created", "updated", "deleted", "unchanged", "held_back", "dead", "requests")
        return {name: getattr(self, name) for name in names}

    def detail(self) -> dict[str, Any]:
        """What `tailrace show` adds to it."""
        names = (
            *("suppressed", "filtered", "quarantined", "unmatched", "conflict", "unknown", "pending"),
            *("kept", "overwritten"),
        )
        return {**self.document(), **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True)
class Prepared:
    """A changeset that passed its gates; `delivery` is None where nothing has to be sent."""

    delivery: str | None
    counts: SyncCounts


@dataclass(frozen=True)
class Delivered:
    """What the vendor answered, in rows; `requests` are writes. `kept` counts fields left as people edited them."""

    status: Ending
    rows: int
    acked: int
    dead: int
    unmatched: int
    unknown: int
    conflict: int
    requests: int
    stopped: str | None = None
    kept: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SyncResult:
    """A sync that has ended and whose outcomes are in the ledger."""

    status: Ending
    counts: SyncCounts
    error: str | None = None

    def document(self) -> dict[str, Any]:
        return self.counts.document()

    def step(self, seconds: float) -> StepResult:
        done, rows = self.counts.to_send, self.counts.rows
        return StepResult(
            "activate", self.counts.sync, self.status, rows, done, seconds, self.error, self.counts.detail()
        )


class ChangesetStopped(GateStopped):
    """A gate said no before the first request; `changeset` is what `tailrace approve` takes (None: not approvable)."""

    def __init__(self, message: str, fix: str, counts: SyncCounts, changeset: str | None = None) -> None:
        super().__init__(message, fix)
        self.counts = counts
        self.changeset = changeset
