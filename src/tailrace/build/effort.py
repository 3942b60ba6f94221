"""Whether a model may take long, as far as the engine can tell without running it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from tailrace.build.materialize.job import Job
from tailrace.errors import WarehouseError

ROWS = 1_000_000
BYTES = 5_000_000
"""What passes through one operator of a query, and how long a seed's file is, that may take a second."""
_PAIRS = ("CROSS_PRODUCT", "NESTED_LOOP_JOIN", "BLOCKWISE_NL_JOIN")
"""Operators that look at every pair of rows, however few they keep."""


def may_take_long(job: Job, made: Mapping[str, int]) -> bool:
    """A wrong guess costs one commit; a query that cannot be planned is said to take long.

    `made` are the rows by `schema.table` of what the open transaction has written: the engine does not count them yet.
    """
    node = job.node
    if node.materialized == "view":
        return False
    if node.kind == "seed":
        path = job.root / node.path
        return path.exists() and path.stat().st_size > BYTES
    sql = node.sql if job.whole else node.incremental_sql or node.sql
    try:
        rows = job.warehouse.query(f"EXPLAIN (FORMAT json)\n{sql}\n")
    except WarehouseError:
        return True
    return any(_most(operator, made)[1] > ROWS for operator in json.loads(rows[0][1]))


def _most(operator: dict[str, Any], made: Mapping[str, int]) -> tuple[int, int]:
    """The rows that an operator is expected to give, and the most that pass through it or one below it."""
    below = [_most(child, made) for child in operator["children"]]
    table = str(operator["extra_info"].get("Table", "")).partition(".")[2]
    given = [rows for rows, _ in below] or [made.get(table, 0)]
    passed = math.prod(given) if operator["name"] in _PAIRS else max(given)
    rows = int(operator["extra_info"].get("Estimated Cardinality", 0)) or passed
    return rows, max(rows, passed, *(most for _, most in below))
