"""Everything that a sync's changeset depends on, gathered once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tailrace.activate import merged
from tailrace.activate.mapping import MappedField, digest, linked, mapped
from tailrace.activate.result import Landed, Scope
from tailrace.connectors.sdk.writing import RemoteField
from tailrace.project.spec import Sync
from tailrace.warehouse.base import Dialect, Warehouse
from tailrace.warehouse.stage import Staged

CHANGES = "tailrace_changes"
CANDIDATES = "tailrace_candidates"
CREATING = {"insert": "create", "append": "create", "upsert": "upsert", "mirror": "upsert"}


@dataclass(frozen=True)
class Question:
    """`known` is a SELECT of the ledger's rows of `scope`, with their `rowid` as `lid` and `merged_from`.

    `quarantined` is a SELECT of the keys held back, as `"key"` of the primary key's own type; `waiting` one of refused rows' primary
    keys that are not to be tried yet. `only`: one row by primary key or match value, sent whether it changed or not.
    `merges`: the newest row of the landed log that tells of a merge, where there are new ones.
    """

    sync: Sync
    staged: Staged
    scope: Scope
    dialect: Dialect
    fields: tuple[MappedField, ...]
    links: tuple[MappedField, ...]
    columns: dict[str, str]
    digest: str
    known: str
    quarantined: str | None
    full_resync: bool
    remote: Callable[[], Mapping[str, RemoteField]] | None = None
    landed: Landed | None = None
    only: str | None = None
    waiting: str | None = None
    merges: int | None = None
    landed_columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[MappedField, ...]:
        """What a row's value is made of: its fields and its associations, by name as hashes need it."""
        return tuple(sorted((*self.fields, *self.links), key=lambda each: each.field))

    @property
    def creates(self) -> bool:
        return CREATING.get(self.sync.mode) == "create"


def question(
    warehouse: Warehouse,
    sync: Sync,
    staged: Staged,
    scope: Scope,
    *,
    known: str,
    quarantined: str | None,
    full_resync: bool,
    remote: Callable[[], Mapping[str, RemoteField]] | None = None,
    landed: Landed | None = None,
    only: str | None = None,
    waiting: str | None = None,
) -> Question:
    columns = warehouse.columns(staged.ref)
    fields = mapped(sync, columns, warehouse.dialect)
    merges = merged.look(warehouse, scope, landed)
    return Question(
        sync,
        staged,
        scope,
        warehouse.dialect,
        fields,
        linked(sync, columns, warehouse.dialect),
        columns,
        digest(sync, fields),
        known if merges is None else merged.rekeyed(known),
        quarantined,
        full_resync,
        remote,
        landed,
        only,
        waiting,
        merges,
        landed_columns=warehouse.columns(landed.table) if landed else {},
    )
