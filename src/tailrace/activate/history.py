"""One row through all syncs: its ledger rows, everything that was sent for it, and what holds it back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tailrace.activate.dead_letter import next_try
from tailrace.activate.ledger import DEAD_LETTERS, LEDGER, SYNC_LOG
from tailrace.warehouse.base import META, TableRef, Warehouse

QUARANTINE = TableRef(META, "quarantine")
NEAR = 0.85
"""Similarity (Jaro-Winkler) from which a key may be meant by another one."""


@dataclass(frozen=True)
class RowHistory:
    """A ledger row and what belongs to it; `sent` in the order of time, `accepted` the values the vendor has of us."""

    sync: str
    account: str
    object: str
    primary_key: str
    status: str
    error: str | None
    remote_id: str | None
    match_key: str | None
    subject: str | None
    attempts: int
    accepted: Mapping[str, Any] | None
    accepted_at: datetime | None
    run_id: str
    sent: Sequence[Mapping[str, Any]]
    held: Sequence[Mapping[str, Any]]
    letter: Mapping[str, Any] | None

    def document(self) -> dict[str, Any]:
        return asdict(self)


def row_histories(
    warehouse: Warehouse, key: str, suites: Mapping[str, str], sync: str | None = None
) -> list[RowHistory]:
    """Every ledger row whose primary key, match value (now or before) or remote id is `key`; `suites` by sync."""
    if LEDGER.name not in warehouse.tables(META):
        return []
    rows = warehouse.query(
        "SELECT sync, account, object, primary_key, status, error, remote_id, match_key, subject, coalesce(attempts, 0),"
        f" acked_values, acked_at, run_id FROM {warehouse.dialect.table(LEDGER)} l WHERE (? IS NULL OR sync = ?) AND"
        " (primary_key = ? OR remote_id = ? OR lower(match_key) = lower(?) OR lower(subject) = lower(?)"
        f" OR (account, object, sync, primary_key) IN ({_earlier(warehouse)})) ORDER BY sync, account, primary_key",
        [sync, sync, key, key, key, key, key],
    )
    return [_history(warehouse, row, suites) for row in rows]


def _earlier(warehouse: Warehouse) -> str:
    """Rows that had this match value when they were sent."""
    table = warehouse.dialect.table(SYNC_LOG)
    return f"SELECT (account, object, sync, key) FROM {table} WHERE lower(subject) = lower(?)"


def near_keys(warehouse: Warehouse, key: str, sync: str | None = None) -> list[str]:
    """Up to three keys that look like it."""
    if LEDGER.name not in warehouse.tables(META):
        return []
    alike = "jaro_winkler_similarity(lower(k), lower(?))"
    rows = warehouse.query(
        f"SELECT k FROM (SELECT DISTINCT unnest([primary_key, match_key, subject]) AS k FROM {warehouse.dialect.table(LEDGER)}"
        f" WHERE (? IS NULL OR sync = ?)) WHERE k IS NOT NULL AND {alike} >= {NEAR} ORDER BY {alike} DESC, k LIMIT 3",
        [sync, sync, key, key],
    )
    return [str(found) for (found,) in rows]


def _history(warehouse: Warehouse, row: Sequence[Any], suites: Mapping[str, str]) -> RowHistory:
    (
        sync,
        account,
        obj,
        primary_key,
        status,
        error,
        remote_id,
        match_key,
        subject,
        attempts,
        acked,
        at,
        run_id,
    ) = row
    owner = [sync, account, obj, primary_key]
    return RowHistory(
        sync, account, obj, primary_key, status, error, remote_id, match_key, subject, int(attempts), _json(acked), at, run_id,
        _sent(warehouse, owner), _held(warehouse, suites.get(sync), primary_key), _letter(warehouse, owner),
    )  # fmt: skip


def _sent(warehouse: Warehouse, owner: Sequence[str]) -> list[dict[str, Any]]:
    rows = warehouse.query(
        f'SELECT "at", run_id, operation, fields, answer FROM {warehouse.dialect.table(SYNC_LOG)}'
        ' WHERE sync = ? AND account = ? AND object = ? AND key = ? ORDER BY "at", run_id',
        owner,
    )
    words = ("at", "run_id", "operation", "fields", "answer")
    found = [dict(zip(words, row, strict=True)) for row in rows]
    return [{**each, "fields": _json(each["fields"])} for each in found]


def _held(warehouse: Warehouse, suite: str | None, key: str) -> list[dict[str, Any]]:
    if suite is None or QUARANTINE.name not in warehouse.tables(META):
        return []
    rows = warehouse.query(
        f'SELECT suite, expectation, reason FROM {warehouse.dialect.table(QUARANTINE)} WHERE suite = ? AND "key" = ?'
        " ORDER BY expectation",
        [suite, key],
    )
    return [dict(zip(("suite", "expectation", "reason"), row, strict=True)) for row in rows]


def _letter(warehouse: Warehouse, owner: Sequence[str]) -> dict[str, Any] | None:
    words = ("reason", "field", "attempts", "first_at", "last_at")
    rows = warehouse.query(
        f"SELECT {', '.join(words)}, {next_try()} FROM {warehouse.dialect.table(DEAD_LETTERS)}"
        " WHERE sync = ? AND account = ? AND object = ? AND primary_key = ?",
        owner,
    )
    return dict(zip((*words, "next_try"), rows[0], strict=True)) if rows else None


def _json(text: str | None) -> Any:
    return json.loads(text) if text else None
