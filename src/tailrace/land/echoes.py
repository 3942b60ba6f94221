"""Our own writes on their way back: changes of nothing but what a sync wrote, to the very values that were accepted from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tailrace.land.layout import Layout
from tailrace.land.template import OWN, Template
from tailrace.warehouse.base import Warehouse

CHANGED = "_tailrace_changed"
LAG = timedelta(hours=1)
"""How much later than its acceptance a write may come back: vendors' searches lag, and deliveries take their time."""


class Written(Protocol):
    """What one sync wrote to the records of one resource."""

    @property
    def sync(self) -> str:
        """Its name."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The vendor's fields that it writes; no two syncs write one."""

    def is_since(self, moment: datetime) -> bool:
        """Whether anything was accepted from it since then (UTC, naive)."""

    def accepted(self, columns: Mapping[str, str], keys: str, since: datetime) -> str:
        """A SELECT of `"key"`, a record's id as text, and the named columns' accepted values.

        They are `Dialect.typed_text` of the engine types given. One row per record among `keys`, a SELECT of ids, of which
        something was accepted since then.
        """


@dataclass(frozen=True)
class Echoes:
    """What may come back now."""

    written: tuple[Written, ...]
    since: datetime


@dataclass(frozen=True)
class Own:
    """Our own writes among the rows that were taken over: how many, the last one's number, and the fields that they may have moved."""

    rows: int = 0
    newest: int = 0
    columns: frozenset[str] = frozenset()

    def __add__(self, other: Own) -> Own:
        return Own(self.rows + other.rows, max(self.newest, other.newest), self.columns | other.columns)


NONE = Own()


def awaited(written: Sequence[Written], last_landed: datetime | None) -> Echoes | None:
    """None where nothing of ours can come back: nothing was accepted since the resource was landed last."""
    if last_landed is None:
        return None
    since = last_landed - LAG
    found = tuple(one for one in written if one.is_since(since))
    return Echoes(found, since) if found else None


def find_own(warehouse: Warehouse, layout: Layout, template: Template, echoes: Echoes) -> Own:
    """Put the numbers of our own writes among the landed rows into a temporary table, with whose they are."""
    owners = _owners(layout, echoes)
    if not owners:
        return NONE
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {CHANGED} AS {_changed(warehouse, layout, template, list(owners))}"
    )
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {OWN} AS {_own(warehouse, layout, echoes, owners)}")
    warehouse.execute(f"DROP TABLE {CHANGED}")
    rows, newest = warehouse.query(f"SELECT COUNT(*), COALESCE(MAX(_pos), 0) FROM {OWN}")[0]
    return Own(int(rows), int(newest), frozenset(owners) if rows else NONE.columns)


def _owners(layout: Layout, echoes: Echoes) -> dict[str, int]:
    """From each field that is landed and compared to the place of the sync that writes it."""
    compared = layout.hashed()
    return {name: at for at, one in enumerate(echoes.written) for name in one.fields if name in compared}


def _changed(warehouse: Warehouse, layout: Layout, template: Template, owned: Sequence[str]) -> str:
    """Updated rows of which only owned fields differ: which of them, and their values now."""
    dialect, compared = warehouse.dialect, layout.hashed()
    differs = {name: f"r.{dialect.quote(name)} IS DISTINCT FROM {template.before(name)}" for name in compared}
    told = ", ".join(
        f"{differs[name]} AS _c{at}, {dialect.typed_text('r.' + dialect.quote(name), compared[name])} AS _v{at}"
        for at, name in enumerate(owned)
    )
    others = "".join(f" AND NOT ({sql})" for name, sql in differs.items() if name not in owned)
    key = f"CAST(r.{dialect.quote(layout.key[0])} AS {dialect.type('text')})"
    return (
        f"WITH r AS ({template.raw_rows()}) SELECT l._pos, {key} AS _key, {told}"
        f" FROM {template.compared()} WHERE l._op = 'update'{others}"
    )


def _own(warehouse: Warehouse, layout: Layout, echoes: Echoes, owners: Mapping[str, int]) -> str:
    """Each row with the syncs whose fields came back, joined by commas."""
    dialect, compared = warehouse.dialect, layout.hashed()
    joins, named, theirs = "", [], []
    for at, one in enumerate(echoes.written):
        columns = {name: compared[name] for name, owner in owners.items() if owner == at}
        if not columns:
            continue
        accepted = one.accepted(columns, f"SELECT _key FROM {CHANGED}", echoes.since)
        joins += f' LEFT JOIN ({accepted}) AS a{at} ON a{at}."key" = c._key'
        changed = " OR ".join(f"c._c{number}" for number, name in enumerate(owners) if name in columns)
        named.append(f"CASE WHEN {changed} THEN {dialect.literal(',' + one.sync)} ELSE '' END")
    for number, (name, at) in enumerate(owners.items()):
        same = f"COALESCE(a{at}.{dialect.quote(name)}, '') = COALESCE(c._v{number}, '')"
        theirs.append(f'(NOT c._c{number} OR (a{at}."key" IS NOT NULL AND {same}))')
    some = " OR ".join(f"c._c{number}" for number in range(len(owners)))
    return (
        f"SELECT c._pos, SUBSTR(CONCAT({', '.join(named)}), 2) AS _origin FROM {CHANGED} AS c{joins}"
        f" WHERE ({some}) AND {' AND '.join(theirs)}"
    )
