"""What stands beside a failing check: some of its rows, the rows held back by it, the syncs that do without them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from tailrace.project.spec import Project
from tailrace.report.document import Samples, Sync
from tailrace.report.published import Published

MASK = "***"
KEYS = 5
"""Keys of held rows that are named."""
COLUMNS = 40
"""Columns of a sample row that are shown."""

Held = Mapping[tuple[str, str], list[tuple[str, str]]]
"""(suite, expectation's type) -> (reason, key) of every row held back by it."""


def read_samples(published: Published) -> dict[tuple[str, str, int], list[dict[str, Any]]]:
    """(suite, run, position) -> rows, as they were kept: personal columns are masked there already."""
    columns = ("suite", "run_id", "position", "number", "row")
    found: dict[tuple[str, str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in published.rows("validation_samples", columns, "ORDER BY suite, position, number"):
        parsed = json.loads(row["row"] or "{}")
        if isinstance(parsed, dict):
            found[row["suite"], row["run_id"], row["position"]].append(parsed)
    return found


def samples_of(
    rows: list[dict[str, Any]], about: Collection[str], key: str | None, personal: Collection[str]
) -> Samples | None:
    """As a table: the key first, then the columns that the check is `about`; a column marked as personal since is masked here."""
    if not rows:
        return None
    names = list(dict.fromkeys(name for row in rows for name in row))
    wanted = [*([key.lower()] if key else []), *(name.lower() for name in about)]
    first = [name for word in dict.fromkeys(wanted) for name in names if name.lower() == word]
    ordered = [*first, *(name for name in names if name not in first)]
    shown = ordered[:COLUMNS]
    values = tuple(tuple(_masked(row.get(name), name, personal) for name in shown) for row in rows)
    failing = {name.lower() for name in about}
    return Samples(
        tuple(shown),
        values,
        tuple(name for name in shown if name.lower() in failing),
        len(ordered) - len(shown),
    )


def _masked(value: Any, column: str, personal: Collection[str]) -> Any:
    return MASK if value is not None and column.lower() in personal else value


def read_held(published: Published) -> Held:
    """Every row that is held back now, by suite and expectation."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    columns = ("suite", "expectation", "reason", "key")
    for row in published.rows("quarantine", columns, 'ORDER BY suite, expectation, "key"'):
        found[row["suite"], row["expectation"]].append((row["reason"] or "", row["key"] or ""))
    return found


def held_by(held: Held, suite: str, expectation: str, reason: str) -> list[str]:
    """Keys that one check holds back: its reason begins with that of its rows, and then counts them."""
    rows = held.get((suite, expectation), [])
    return [key for why, key in rows if reason == why or reason.startswith(f"{why}: ")]


def keys_shown(keys: Collection[str], *, personal: bool) -> tuple[str, ...]:
    """The first few; none of a personal key, whose values are not shown."""
    if personal:
        return ()
    return tuple([key for key in dict.fromkeys(keys) if key and key != MASK][:KEYS])


def read_syncs(published: Published, project: Project) -> dict[str, tuple[Sync, ...]]:
    """Suite -> the syncs that it gates, with their ledger's numbers and the newest moment at which something was sent."""
    ledger: dict[str, Counter[str]] = defaultdict(Counter)
    if published.columns("ledger"):
        relation = published.relation("ledger", ("sync", "status"))
        for name, status, count in published.warehouse.query(
            f"SELECT sync, status, count(*) FROM {relation} GROUP BY sync, status ORDER BY sync, status"
        ):
            ledger[name][status] += int(count)
    sent = _last_sent(published)
    found: dict[str, list[Sync]] = defaultdict(list)
    for sync in project.syncs:
        if sync.validate is not None:
            found[sync.validate].append(
                Sync(sync.name, sync.connection, sync.object, dict(ledger[sync.name]), sent.get(sync.name))
            )
    return {suite: tuple(syncs) for suite, syncs in found.items()}


def _last_sent(published: Published) -> dict[str, datetime]:
    if not published.columns("sync_log"):
        return {}
    relation = published.relation("sync_log", ("sync", "at"))
    rows: Any = published.warehouse.query(f'SELECT sync, max("at") FROM {relation} GROUP BY sync')
    return {name: at for name, at in rows if at is not None}
