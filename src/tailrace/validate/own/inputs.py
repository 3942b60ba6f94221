"""The other tables that a suite reads, and what tells that one of them has changed since the last verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tailrace.project.spec import Suite
from tailrace.validate.own.registry import tables_of
from tailrace.validate.own.tables import MISSING, state_of
from tailrace.validate.suite import suite_hash
from tailrace.warehouse.base import META, TableRef, Warehouse

_VERDICTS = TableRef(META, "verdicts")
_QUERY = "unexpected_rows_query"


def state(warehouse: Warehouse, suite: Suite) -> str:
    """JSON of every table that the suite reads beside its model, each with what changes when its rows do; "" where it reads none.

    The names in SQL are taken from the suite's last verdict where the suite is the same, so that nothing is parsed to find out that
    nothing happened.
    """
    names = {name for item in suite.expectations for _, name in tables_of(item)}
    if any(True for _ in _queries(suite)):
        remembered = _remembered(warehouse, suite)
        names |= remembered if remembered is not None else (_read(suite) or set())
    asked = "\n".join(
        [
            *(f"{json.dumps(item.kwargs, default=str)} {item.where or ''}" for item in suite.expectations),
            *_queries(suite),
        ]
    )
    return json.dumps({name: state_of(warehouse, name, asked) for name in sorted(names)}) if names else ""


def is_bound(suite: Suite, read: str) -> bool:
    """Whether `read`, a state of the suite, tells all that it reads: else the same rows may be judged otherwise at any time."""
    known = json.loads(read).values() if read else ()
    return MISSING not in known and _read(suite) is not None


def _queries(suite: Suite) -> Iterator[str]:
    """SQL of the suite's own that reads what it likes."""
    for item in suite.expectations:
        if _QUERY in item.kwargs:
            yield str(item.kwargs[_QUERY])
    for parameter in suite.parameters.values():
        if parameter.sql:
            yield parameter.sql


def _read(suite: Suite) -> set[str] | None:
    """`schema.table` of all that SQL in the suite reads; None where that cannot be told, or its results differ from call to call."""
    found: set[str] = set()
    for query in _queries(suite):
        from tailrace.validate.own.reads import tables_read

        tables = tables_read(query)
        if tables is None:
            return None
        found |= tables
    return found


def _remembered(warehouse: Warehouse, suite: Suite) -> set[str] | None:
    if "inputs" not in warehouse.columns(_VERDICTS):
        return None
    rows = warehouse.query(
        f"SELECT inputs FROM {warehouse.dialect.table(_VERDICTS)} WHERE suite = ? AND suite_hash = ?",
        [suite.name, suite_hash(suite)],
    )
    if not rows or rows[0][0] is None:
        return None
    return set(json.loads(rows[0][0])) if rows[0][0] else set()
