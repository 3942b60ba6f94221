"""Compares what is landed with what the vendor holds now, key by key; writes nothing but temporary tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tailrace.connectors.sdk.base import Counts, ResourceSpec, Source
from tailrace.errors import FatalError
from tailrace.events import Progress, emit
from tailrace.land.batches import Losses, Rows, build_batch
from tailrace.land.layout import KEYS, Layout, quoted, same_key
from tailrace.land.schema import Plan, Slot
from tailrace.land.scopes import condition
from tailrace.project.spec import Contract
from tailrace.records import Page, Schema, Scope
from tailrace.warehouse.base import TableRef, Warehouse

THEIRS, BATCH = "_tailrace_theirs", "_tailrace_theirs_batch"
EXAMPLES = 20
UNVERSIONED = datetime(1, 1, 1)  # noqa: DTZ001 -- older than every version, so it is behind none


@dataclass(frozen=True)
class Difference:
    """How many keys differ in one way, and the first of them, in order."""

    count: int = 0
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reconciled:
    """`missing`: the vendor has it, we do not. `surplus`: the other way round. `behind`: ours is an older version.

    `complete` is False where only a part of ours could be compared (`compared` rows: report days inside the window that is
    read; none where a source never shows all that it once gave).
    """

    theirs: int
    ours: int
    compared: int
    missing: Difference
    surplus: Difference
    behind: Difference
    complete: bool = True

    @property
    def agrees(self) -> bool:
        return not (self.missing.count or self.surplus.count or self.behind.count)


@dataclass
class _Shown:
    """What the vendor named, and inside which scopes it named everything."""

    rows: int = 0
    scopes: list[Scope] = field(default_factory=list)


def reconcile(warehouse: Warehouse, source: Source, spec: ResourceSpec, current: TableRef) -> Reconciled:
    """By a census where the source has one, else by reading all from the start; the cursor is not moved."""
    schema = source.schema(spec)
    for ref in (current, current.suffixed("__keys")):
        warehouse.keep_near(ref)
    stored = warehouse.columns(current)
    kinds = {column.name: column.type for column in schema.columns}
    if any(name not in stored for name in schema.primary_key):
        raise FatalError(f"{current} is not in the warehouse", "run `tailrace land`, and publish it")
    plan = Plan(
        tuple(Slot(name, kinds[name], kinds[name]) for name in schema.primary_key),
        schema.primary_key,
        Contract(),
    )
    layout = Layout(current, schema.primary_key, (), stored)
    _ensure_theirs(warehouse, layout, plan)
    try:
        shown = _read(warehouse, layout, plan, _pages(source, spec, schema))
        return _compare(warehouse, layout, shown)
    finally:
        warehouse.execute(f"DROP TABLE IF EXISTS {THEIRS}")


def _pages(source: Source, spec: ResourceSpec, schema: Schema) -> Iterator[Page | tuple[Scope, ...]]:
    if isinstance(source, Counts):
        yield from source.census(spec, schema)
        yield (Scope(),)
        return
    for item in source.read(spec, schema, None):
        yield item if isinstance(item, Page) else item.scopes


def _ensure_theirs(warehouse: Warehouse, layout: Layout, plan: Plan) -> None:
    dialect = warehouse.dialect
    columns = [f"{dialect.quote(slot.name)} {layout.columns[slot.name]}" for slot in plan.slots]
    columns += [f"{name} {dialect.type(KEYS[name])}" for name in ("_version_at", "_deleted")]
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {THEIRS} ({', '.join(columns)})")


def _read(
    warehouse: Warehouse, layout: Layout, plan: Plan, items: Iterator[Page | tuple[Scope, ...]]
) -> _Shown:
    shown = _Shown()
    names = quoted(warehouse, (*layout.key, "_version_at", "_deleted"))
    for item in items:
        if not isinstance(item, Page):
            shown.scopes.extend(item)
        elif item.rows:
            shown.rows += len(item.rows)
            emit(Progress("reconcile", layout.name, shown.rows, None, "rows"))
            with warehouse.registered(
                BATCH, build_batch(layout.name, plan, _rows(item), Losses()).keys
            ) as batch:
                warehouse.execute(f"INSERT INTO {THEIRS} ({names}) SELECT {names} FROM {batch}")
    return shown


def _rows(page: Page) -> Rows:
    versions = page.versions or [UNVERSIONED] * len(page.rows)
    return Rows(
        page.rows,
        [version or UNVERSIONED for version in versions],
        [UNVERSIONED] * len(page.rows),
        page.deleted,
        0,
        "",
    )


def _compare(warehouse: Warehouse, layout: Layout, shown: _Shown) -> Reconciled:
    """A key counts as theirs where the newest word about it is no tombstone."""
    table, key = warehouse.dialect.table, quoted(warehouse, layout.key)
    newest = f"SELECT {key}, MAX(_version_at) AS _version_at, MAX(CASE WHEN _deleted THEN _version_at END) AS _ended"
    live = f"(SELECT * FROM ({newest} FROM {THEIRS} GROUP BY {key}) AS n WHERE _ended IS NULL OR _version_at > _ended)"
    conditions = [condition(warehouse, layout, scope) for scope in shown.scopes]
    inside = f"({' OR '.join(conditions)})" if conditions else "FALSE"
    ours, keys = table(layout.current), table(layout.keys)
    there = f"SELECT 1 FROM {ours} AS t WHERE {same_key(warehouse, layout, 't', 's')}"
    here = f"SELECT 1 FROM {live} AS s WHERE {same_key(warehouse, layout, 's', 't')}"
    behind = f"JOIN {keys} AS k ON {same_key(warehouse, layout, 'k', 's')} WHERE k._version_at < s._version_at AND EXISTS ({there})"
    counts = warehouse.query(
        f"SELECT (SELECT COUNT(*) FROM {live} AS s), (SELECT COUNT(*) FROM {ours} AS t WHERE {inside}),"
        f" (SELECT COUNT(*) FROM {ours})"
    )[0]
    return Reconciled(
        int(counts[0]),
        int(counts[2]),
        int(counts[1]),
        _difference(warehouse, layout, "s", f"{live} AS s WHERE NOT EXISTS ({there})"),
        _difference(warehouse, layout, "t", f"{ours} AS t WHERE {inside} AND NOT EXISTS ({here})"),
        _difference(warehouse, layout, "s", f"{live} AS s {behind}"),
        complete=counts[1] == counts[2],
    )


def _difference(warehouse: Warehouse, layout: Layout, alias: str, found: str) -> Difference:
    count = int(warehouse.query(f"SELECT COUNT(*) FROM {found}")[0][0])
    if not count:
        return Difference()
    key = quoted(warehouse, layout.key, alias)
    rows = warehouse.query(f"SELECT {key} FROM {found} ORDER BY {key} LIMIT {EXAMPLES}")
    return Difference(count, tuple(_text(row) for row in rows))


def _text(key: Sequence[object]) -> str:
    return " / ".join(str(part) for part in key)
