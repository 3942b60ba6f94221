"""`activate --only KEY`: which row is meant, and why it may not go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tailrace.activate.ledger import LEDGER
from tailrace.errors import BadInput, GateStopped
from tailrace.plan.keys import personal_columns
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Sync
from tailrace.runner.steps import model_table
from tailrace.warehouse.base import Warehouse

NEAR = 0.85
"""Similarity (Jaro-Winkler) from which another key may be meant."""

WHY = {
    "suppressed": "`suppress` is true for it, or not known",
    "filtered": "`where` is not true for it",
    "quarantined": "its suite holds it back",
    "acked": "mode insert sends a row once, and it was accepted",
    "unmatched": "the vendor knows no such record",
    "dead": "no request could carry it",
}


def rows_named(warehouse: Warehouse, resolved: Resolved, syncs: Iterable[Sync], key: str) -> dict[str, str]:
    """The row's primary key in each sync whose model has it, by primary key or match value; BadInput where none has.

    Names no value of a personal column: what is said here is kept with the run.
    """
    found: dict[str, str] = {}
    near: list[str] = []
    for sync in syncs:
        if not warehouse.columns(model_table(resolved, sync.model)):
            continue
        rows = _lookup(warehouse, resolved, sync, key)
        if len(rows) > 1:
            raise BadInput(
                f"{len(rows)} rows of {sync.model} have that {sync.match_column}",
                f"name one by its {sync.primary_key}{_named(resolved, sync, rows)}",
            )
        if rows:
            found[sync.name] = rows[0]
        else:
            near += _near(warehouse, resolved, sync, key)
    if not found:
        raise BadInput(
            "--only: no chosen sync has a row with that key", f"did you mean {near[0]}?" if near else ""
        )
    return found


def _lookup(warehouse: Warehouse, resolved: Resolved, sync: Sync, key: str) -> list[str]:
    """By primary key; only where there is none by match value, in whatever letter case."""
    pk, match = _columns(warehouse, sync)
    table = warehouse.dialect.table(model_table(resolved, sync.model))
    for condition in (f"{pk} = ?", f"lower(trim({match})) = lower(trim(?))"):
        rows = warehouse.query(f"SELECT {pk} FROM {table} WHERE {condition} ORDER BY 1 LIMIT 6", [key])
        if rows:
            return [str(row) for (row,) in rows]
    return []


def _columns(warehouse: Warehouse, sync: Sync) -> tuple[str, str]:
    quote = warehouse.dialect.quote
    match = f"CAST({quote(sync.match_column)} AS VARCHAR)" if sync.match_column else "NULL"
    return f"CAST({quote(sync.primary_key)} AS VARCHAR)", match


def _near(warehouse: Warehouse, resolved: Resolved, sync: Sync, key: str) -> list[str]:
    """The most alike row, in words that hold nothing personal."""
    pk, match = _columns(warehouse, sync)
    table = warehouse.dialect.table(model_table(resolved, sync.model))
    alike = "greatest(jaro_winkler_similarity(lower({}), lower(?)), 0)"
    sql = (
        f"SELECT pk, mk, a > b FROM (SELECT {pk} AS pk, {match} AS mk, {alike.format(pk)} AS a,"
        f" coalesce({alike.format(match)}, 0) AS b FROM {table})"
        f" WHERE greatest(a, b) >= {NEAR} ORDER BY greatest(a, b) DESC, pk LIMIT 1"
    )
    hidden = personal_columns(resolved.graph.nodes[sync.model])
    for primary_key, value, by_key in warehouse.query(sql, [key, key]):
        if by_key:
            return [] if sync.primary_key.lower() in hidden else [str(primary_key)]
        if sync.match_column.lower() not in hidden:
            return [str(value)]
        if sync.primary_key.lower() not in hidden:
            return [f"row {primary_key}, whose {sync.match_column} is much like it"]
    return []


def _named(resolved: Resolved, sync: Sync, rows: Iterable[str]) -> str:
    hidden = sync.primary_key.lower() in personal_columns(resolved.graph.nodes[sync.model])
    return "" if hidden else f": {', '.join(rows)}"


def refuse(warehouse: Warehouse, sync: Sync, account: str, primary_key: str, *, hidden: bool) -> None:
    """Say why a row that was asked for by its key is not among those to send, from what its ledger row says now.

    `hidden`: the model has personal columns, and a vendor's reason may repeat their values; what is said here is kept with the run.
    """
    rows = warehouse.query(
        f"SELECT status, error FROM {warehouse.dialect.table(LEDGER)}"
        " WHERE sync = ? AND account = ? AND object = ? AND primary_key = ?",
        [sync.name, account, sync.object, primary_key],
    )
    known: Mapping[str, str | None] = dict(rows)
    for status, error in known.items():
        raise GateStopped(
            f"{sync.name}: the row is {status}: {_why(status, error, hidden=hidden)}",
            "`tailrace show --key` tells its history",
        )
    raise GateStopped(f"{sync.name}: the row is not in the model as it was staged", "run `tailrace build`")


def _why(status: str, error: str | None, *, hidden: bool) -> str:
    if error and hidden:
        return "its reason may hold personal values, and is not repeated here"
    return error or WHY.get(status, "there is nothing to send")
