"""The numbers of a sync: as a changeset would make them, and as they came out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tailrace.activate import ledger
from tailrace.activate.changeset import CHANGES, Question
from tailrace.activate.conflicts import Kept
from tailrace.activate.guardrails import Planned
from tailrace.activate.result import Example, Scope, SyncCounts
from tailrace.connectors.sdk.base import ObjectType
from tailrace.events import RowsHeldBack, emit
from tailrace.warehouse.base import Warehouse

EXAMPLES = 10
REASONS = 3
NOTHING_KEPT: Mapping[str, Kept] = MappingProxyType({})
SHOWN = ("suppressed", "filtered", "quarantined", "dead", "unmatched", "conflict", "unknown", "pending")


def expected(warehouse: Warehouse, asked: Question, plan: Planned, batch_size: int) -> SyncCounts:
    """Counts of the working table on top of the ledger as it is before anything is written."""
    statuses = _statuses_after(warehouse, asked)
    groups = warehouse.query(
        f"SELECT count(*) FROM {CHANGES} WHERE operation IS NOT NULL AND chosen GROUP BY operation, by_id"
    )
    return SyncCounts(
        asked.sync.name,
        rows=asked.staged.rows,
        created=plan.created,
        updated=plan.updated,
        deleted=plan.deleted,
        unchanged=statuses["acked"],
        requests=sum(-(-int(rows) // batch_size) for (rows,) in groups),
        examples=examples(warehouse),
        **_shown(statuses),
    )


def batch_size(warehouse: Warehouse, obj: ObjectType) -> tuple[int, bool]:
    """Rows a request, and whether they go by the vendor's interface for many: from `bulk_from` rows of one operation on."""
    rows = warehouse.query(
        f"SELECT count(*) FROM {CHANGES} WHERE operation IS NOT NULL AND chosen GROUP BY operation ORDER BY 1 DESC LIMIT 1"
    )
    bulk = bool(obj.bulk_from and rows and int(rows[0][0]) >= obj.bulk_from)
    return (obj.bulk_size if bulk else obj.batch_size), bulk


def _statuses_after(warehouse: Warehouse, asked: Question) -> Counter[str]:
    """The ledger's statuses with the changes applied."""
    rows = warehouse.query(
        f"SELECT status, count(*) FROM ({asked.known}) GROUP BY 1 UNION ALL"
        f" SELECT l_status, -count(*) FROM {CHANGES} WHERE l_status IS NOT NULL GROUP BY 1 UNION ALL"
        f" SELECT status, count(*) FROM {CHANGES} GROUP BY 1"
    )
    found: Counter[str] = Counter()
    for status, number in rows:
        found[str(status)] += int(number)
    return found


def examples(warehouse: Warehouse, kept: Mapping[str, Kept] = NOTHING_KEPT) -> tuple[Example, ...]:
    """The first rows by primary key, before and after; fields that are `kept` do not change, and rows all kept are not sent."""
    whole = [key for key, each in kept.items() if each.all_changes]
    rows = warehouse.query(
        f"SELECT primary_key, operation, l_acked_values, vals FROM {CHANGES} WHERE operation IS NOT NULL AND chosen"
        f" AND primary_key NOT IN (SELECT unnest(?::VARCHAR[])) ORDER BY ord NULLS LAST, primary_key LIMIT {EXAMPLES}",
        [whole],
    )
    return tuple(
        Example(key, operation, json.loads(before) if before else None, _after(after, kept.get(key)))
        for key, operation, before, after in rows
    )


def _after(document: str | None, kept: Kept | None) -> dict[str, Any] | None:
    after: dict[str, Any] | None = json.loads(document) if document else None
    return after if after is None or kept is None else {**after, **kept.acked_patch}


def refusals(warehouse: Warehouse) -> tuple[tuple[str, int], ...]:
    """Why rows of the changeset are refused before anybody is asked."""
    rows = warehouse.query(
        f"SELECT reason, count(*) FROM {CHANGES} WHERE status IN ('dead', 'unmatched') AND operation IS NULL AND reason IS NOT NULL"
        f" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {REASONS}"
    )
    return tuple((str(reason), int(number)) for reason, number in rows)


def settled(
    warehouse: Warehouse,
    scope: Scope,
    staged: Mapping[str, int],
    answered: Counter[tuple[str, bool, str]],
    requests: int,
) -> SyncCounts:
    """Counts after delivery: what was accepted by kind, and the ledger's statuses now."""
    statuses = Counter(ledger.statuses(warehouse, scope))
    done = Counter[str]()
    for (operation, fresh, outcome), rows in answered.items():
        kind = _kind(operation, fresh=fresh)
        if outcome == "acked" or (outcome == "unmatched" and kind == "deleted"):
            done[kind] += rows
    return SyncCounts(
        scope.sync,
        rows=staged["rows"],
        unchanged=staged["unchanged"],
        created=done["created"],
        updated=done["updated"],
        deleted=done["deleted"],
        requests=requests,
        **_shown(statuses),
    )


def _kind(operation: str, *, fresh: bool) -> str:
    if operation in {"clear", "archive"}:
        return "deleted"
    return "created" if operation == "create" or (operation == "upsert" and fresh) else "updated"


def _shown(statuses: Counter[str]) -> dict[str, Any]:
    return {name: statuses[name] for name in SHOWN}


def tell_held_back(counts: SyncCounts) -> None:
    """Say which rows are not sent, and why."""
    for reason in ("suppressed", "filtered", "quarantined"):
        rows = getattr(counts, reason)
        if rows:
            emit(RowsHeldBack(counts.sync, reason, rows))


def without_changes(counts: SyncCounts) -> SyncCounts:
    """The counts of a changeset that was stopped: nothing of it happened."""
    return replace(counts, created=0, updated=0, deleted=0, requests=0)
