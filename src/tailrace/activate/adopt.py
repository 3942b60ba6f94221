"""Fill the ledger with what the vendor holds already, so that the first sync sends only what differs. Sends nothing.

The warehouse stays open while the vendor is read: it is a thing of once, and what is compared must not move meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tailrace.activate import changeset, ledger
from tailrace.activate.changeset import CHANGES, Question
from tailrace.activate.mapping import literal
from tailrace.activate.spelling import by_key, comparable
from tailrace.connectors.sdk.writing import Destination
from tailrace.errors import FatalError
from tailrace.warehouse.base import Warehouse

FOUND = "tailrace_found"
ADOPTED = "tailrace_adopted"
READ = 100
"""Records that are asked for at once; a connector splits or joins them as its vendor wants."""


@dataclass(frozen=True)
class Adopted:
    """Rows: `same` hold what the model says, `differing` something else, `unknown` have no record at the vendor."""

    same: int
    differing: int
    unknown: int

    @property
    def asked(self) -> int:
        return self.same + self.differing + self.unknown


@dataclass(frozen=True)
class _Found:
    """A record of ours at the vendor; `patch` has the fields that differ, as the vendor has them.

    Of a field with a rule for conflicts it has what was accepted before, None where nothing was. `same`: none of them is one that we would write.
    """

    primary_key: str
    remote_id: str | None
    patch: Mapping[str, Any]
    same: bool


def adopt(
    warehouse: Warehouse,
    asked: Question,
    destination: Destination,
    *,
    run_id: str,
    now: Callable[[], datetime],
    in_flight: int = 4,
) -> Adopted:
    """Read what the vendor has of every row that would be sent, and write it into the ledger as accepted.

    FatalError where nothing is matched, or the vendor cannot be asked; then nothing was written.
    """
    if not asked.sync.match_field:
        raise FatalError(
            f"{asked.sync.name}: mode {asked.sync.mode} matches nothing, so no record can be found",
            "leave --adopt out",
        )
    try:
        changeset.collect(warehouse, asked)
        rows = _wanted(warehouse)
        found = _read(asked, destination, rows, in_flight)
        if rows and not found and not _can_tell(asked, destination):
            raise FatalError(
                f"{asked.sync.object} of {asked.sync.connection} cannot be read back", "leave --adopt out"
            )
        view = changeset.new_rows(warehouse, asked, run_id, passed=False)
        ledger.write_changes(warehouse, asked.scope, view)
        _write(warehouse, asked, found, now())
        same = sum(each.same for each in found)
        return Adopted(same, len(found) - same, len(rows) - len(found))
    finally:
        warehouse.execute(f"DROP TABLE IF EXISTS temp.{FOUND}")
        changeset.discard(warehouse)


@dataclass(frozen=True)
class _Wanted:
    """A row of ours: `vals` is what it holds and `acked` what was accepted of it, as JSON."""

    primary_key: str
    mk: str
    vals: str
    acked: str | None


def _wanted(warehouse: Warehouse) -> list[_Wanted]:
    """Every eligible row whose values the ledger does not have."""
    rows = warehouse.query(
        f"SELECT primary_key, mk, vals, l_acked_values FROM {CHANGES}"
        " WHERE operation IS NOT NULL AND NOT leaving AND mk IS NOT NULL ORDER BY ord NULLS LAST, primary_key"
    )
    return [_Wanted(*row) for row in rows]


def _can_tell(asked: Question, destination: Destination) -> bool:
    """A vendor that tells of its fields can be read; audiences and webhooks tell of none."""
    return bool(destination.fields(asked.sync.object, asked.sync.options))


def _read(asked: Question, destination: Destination, rows: Sequence[_Wanted], in_flight: int) -> list[_Found]:
    parts = [rows[start : start + READ] for start in range(0, len(rows), READ)]
    with ThreadPoolExecutor(max(1, in_flight), thread_name_prefix="adopt") as pool:
        return [
            each for found in pool.map(lambda part: _part(asked, destination, part), parts) for each in found
        ]


def _part(asked: Question, destination: Destination, rows: Sequence[_Wanted]) -> list[_Found]:
    sync = asked.sync
    there = destination.read_fields(
        sync.object,
        sync.match_field,
        [row.mk for row in rows],
        [each.field for each in sync.fields],
        sync.options,
    )
    read = by_key(there)
    return [_compared(asked, row, record) for row in rows if (record := read(row.mk)) is not None]


def _compared(asked: Question, row: _Wanted, record: Mapping[str, Any]) -> _Found:
    kinds = {each.field: each.type for each in asked.fields}
    ours = json.loads(row.vals)
    nulls = {each.field for each in asked.fields if each.skips and ours.get(each.field) is None}
    guarded = {each.field for each in asked.fields if each.conflict != "ours"}
    patch = dict(_differences(ours, record, kinds))
    same = patch.keys() <= nulls
    # a person's value of a field with a rule is none that was accepted from us: it would be written over
    before = json.loads(row.acked, parse_float=Decimal) if row.acked else {}
    theirs = {name: before.get(name) for name in patch.keys() & guarded}
    kept = {name: value for name, value in {**patch, **theirs}.items() if name not in nulls & guarded}
    return _Found(row.primary_key, record.get("id"), kept, same)


def _differences(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], kinds: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    """Fields that are not what we want; of associations nothing is known, so they count as never sent."""
    for name, value in ours.items():
        kind = kinds.get(name)
        if kind is None:
            if value is not None:
                yield name, None
        elif comparable(theirs.get(name), kind) != comparable(value, kind):
            yield name, theirs.get(name)


def _write(warehouse: Warehouse, asked: Question, found: Sequence[_Found], now: datetime) -> None:
    """Equal rows as accepted; differing ones as accepted with their patch, so that they are a change."""
    if not found:
        return
    rows = [
        {"k": each.primary_key, "i": each.remote_id, "s": each.same, "p": _text(each.patch)} for each in found
    ]
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {FOUND} AS SELECT f.k, f.i, f.s, f.p FROM"
        ' (SELECT unnest(from_json(?, \'[{"k":"VARCHAR","i":"VARCHAR","s":"BOOLEAN","p":"VARCHAR"}]\')) AS f)',
        [json.dumps(rows)],
    )
    at = literal(now.astimezone(UTC).replace(tzinfo=None).isoformat())
    # a row that differs has a hash that no values have, and no digest: it is compared field by field
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {ADOPTED} AS SELECT c.primary_key,"
        " CASE WHEN f.s THEN 'acked' ELSE 'pending' END AS status,"
        " CASE WHEN f.p IS NULL THEN c.hash ELSE md5('adopted|' || f.p) END AS acked_hash,"
        " CASE WHEN f.p IS NULL THEN c.vals ELSE CAST(json_merge_patch(c.vals, f.p) AS VARCHAR) END AS acked_values,"
        " CAST(NULL AS VARCHAR) AS sent_hash, CAST(NULL AS VARCHAR) AS error, CAST(0 AS INTEGER) AS attempts,"
        f" f.i AS remote_id, CAST({at} AS TIMESTAMP) AS acked_at, c.mk AS match_key, c.mk AS subject,"
        " CASE WHEN f.p IS NULL THEN c.scan END AS scan_hash,"
        f" CASE WHEN f.p IS NULL THEN {literal(asked.digest)} END AS fields"
        f" FROM {FOUND} AS f JOIN {CHANGES} AS c ON c.primary_key = f.k"
    )
    ledger.replace_rows(warehouse, asked.scope, ADOPTED)
    warehouse.execute(f"DROP TABLE temp.{ADOPTED}")


def _text(patch: Mapping[str, Any]) -> str | None:
    return json.dumps(dict(patch), default=str) if patch else None
