"""A column that is not there is said with the one that was meant, where the table is known."""

from __future__ import annotations

import pytest
from tests.unit.build.layout import NOW, compiled, lay_out

from tailrace.build.run import build
from tailrace.warehouse.duckdb import DuckDBWarehouse

UP = "{{ config(materialized='KIND') }} SELECT 1 AS id, 'x' AS email"


@pytest.mark.parametrize("kind", ["view", "table"])
@pytest.mark.parametrize(
    ("sql", "col", "fix"),
    [
        ("SELECT p.emial FROM {{ ref('up') }} AS p", 8, " did you mean email?"),
        ("SELECT up.zzz FROM {{ ref('up') }}", 8, " known: email, id"),
        ("SELECT k.one, p.emial FROM {{ ref('keep') }} k JOIN {{ ref('up') }} p ON true", 15, " did you mean email?"),
        ("SELECT p.emial FROM (SELECT 1 AS emial_1, 2 AS b) AS p, {{ ref('up') }} AS q", 8, None),
    ],
)  # fmt: skip
def test_the_nearest_column_of_the_alias_is_named(tmp_path, kind, sql, col, fix):
    files = {"models/staging/up.sql": UP.replace("KIND", kind), "models/marts/m.sql": sql}
    graph = compiled(lay_out(tmp_path, files))
    warehouse = DuckDBWarehouse(None)
    wanted = {"up", "keep", "m"}
    steps = build(warehouse, graph, wanted, root=tmp_path, run_id="r", now=lambda: NOW)
    warehouse.close()
    found = {step.name: step for step in steps}
    assert [found[name].status for name in ("up", "keep", "m")] == ["ok", "ok", "failed"]
    said = found["m"].error or ""
    assert said.startswith(f"models/marts/m.sql:1:{col}: Binder Error: ")
    assert said.endswith(f".{fix}" if fix else '"emial"'), said
