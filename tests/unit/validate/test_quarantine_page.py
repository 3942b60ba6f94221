"""The SQL that docs/quarantine.md shows runs on what a judgement leaves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.validate.made import Clock, between, staged, suite

from tailrace.validate.audience import Audience
from tailrace.validate.run import judge
from tailrace.warehouse.duckdb import DuckDBWarehouse

PAGE = Path(__file__).parents[3] / "docs" / "quarantine.md"
QUERIES = [
    query
    for block in re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for query in block.split(";")
    if query.strip()
]
ROWS = "SELECT range AS id, range AS score, 'Ann@Example.com' AS email FROM range(200)"


def test_there_are_as_many_as_were_read():
    assert len(QUERIES) == 5


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_finds_something(query):
    warehouse = DuckDBWarehouse(None)
    checks = [between("quarantine", max_value=197), *[between("warn", max_value=190)] * 3]
    audience = Audience(frozenset({"email"}), "email")
    judge(
        warehouse,
        suite(*checks),
        staged(warehouse, ROWS),
        run_id="r1",
        now=Clock(),
        audience=audience,
    )
    found = warehouse.query(query.replace("'lead_scores'", "'scores'"))
    assert found
    assert any(value is not None for value in found[0])
    warehouse.close()
