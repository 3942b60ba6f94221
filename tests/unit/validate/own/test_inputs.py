"""What else a suite reads: a verdict holds while that stays the same, and finding out imports nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tests.unit.validate.made import between, expect, suite
from tests.unit.validate.own.gate import Gate

from tailrace.project.spec import Parameter
from tailrace.validate.own import inputs
from tailrace.validate.own.reads import tables_read

ROWS = "SELECT range AS id, range % 5 AS score FROM range(50)"


def custom(query: str) -> dict:
    return expect("unexpected_rows_expectation", "warn", unexpected_rows_query=query)


READS = [
    ("SELECT * FROM {batch}", set()),
    ("SELECT * FROM {batch} WHERE id IN (SELECT id FROM ads.spend)", {"ads.spend"}),
    ("WITH x AS (SELECT * FROM {batch}) SELECT * FROM x JOIN grades USING (id)", {"main.grades"}),
    ('SELECT * FROM {batch} JOIN "Ads"."Spend 2" USING (id)', {"Ads.Spend 2"}),
    ("WITH spend AS (SELECT 1) SELECT * FROM ads.spend, spend, {batch}", {"ads.spend"}),
    ("SELECT * FROM {batch} WHERE id > random()", None),
    ("SELECT * FROM {batch} WHERE day = current_date", None),
    ("SELECT * FROM {batch} JOIN read_csv('x.csv') USING (id)", None),
    ("SELECT * FROM {batch} JOIN 'x.parquet' USING (id)", None),
    ("SELECT * FROM {batch} JOIN other.ads.spend USING (id)", None),
    ("SELECT * FROM {batch} WHERE (", None),
]


@pytest.mark.parametrize(("query", "tables"), READS)
def test_the_tables_of_a_query(query, tables):
    assert tables_read(query) == tables


def test_own_checks_and_parameters_count(warehouse):
    named = {"low": Parameter("low", sql="SELECT min(x) FROM limits.low")}
    wanted = suite(
        between(min_value={"$PARAMETER": "low"}),
        expect("exists_in", column="id", table="crm.contacts"),
        expect("total_matches_source", column="score", source="spend", source_column="x"),
        expect("expect_table_row_count_to_equal_other_table", other_table_name="other"),
        custom("SELECT * FROM {batch} JOIN grades USING (id)"),
        parameters=named,
    )
    assert json.loads(inputs.state(warehouse, wanted)) == dict.fromkeys(
        ["crm.contacts", "limits.low", "main.grades", "other", "spend"], "missing"
    )
    assert inputs.is_bound(wanted, "")
    assert not inputs.is_bound(
        wanted, inputs.state(warehouse, wanted)
    )  # what was found by SQL cannot be missing
    assert not inputs.is_bound(suite(custom("SELECT * FROM {batch} WHERE random() < 1")), "")
    assert inputs.state(warehouse, suite(between(min_value=1))) == ""


def test_a_landed_table_changes_with_its_version(warehouse):
    warehouse.execute("CREATE SCHEMA ads; CREATE TABLE ads.spend AS SELECT 1 AS id")
    warehouse.execute(
        "CREATE TABLE tailrace_meta.cursors AS SELECT 'ads.spend' AS resource, 7 AS data_version"
    )
    wanted = suite(expect("exists_in", column="id", table="ads.spend"))
    before = inputs.state(warehouse, wanted)
    assert json.loads(before) == {"ads.spend": "landed 7"}
    warehouse.execute("UPDATE tailrace_meta.cursors SET data_version = 8")
    assert inputs.state(warehouse, wanted) != before


@pytest.mark.parametrize("name", ["ADS.Spend", "ads.spend"])
def test_names_are_found_in_any_case(warehouse, name):
    warehouse.execute("CREATE SCHEMA ads; CREATE TABLE ads.Spend AS SELECT 1 AS id")
    state = inputs.state(warehouse, suite(custom(f"SELECT * FROM {{batch}} JOIN {name} USING (id)")))
    assert "missing" not in state


def models(warehouse, materialized: str) -> None:
    warehouse.execute(
        f"CREATE OR REPLACE TABLE tailrace_meta.models AS SELECT 'c' AS model, 'crm' AS schema_name, '{materialized}' AS materialized,"
        " 'f1' AS fingerprint, '{}' AS parts, TIMESTAMP '2026-11-21' AS built_at, 'r1' AS run_id"
    )


def test_a_model_changes_with_its_build_and_a_view_with_its_rows(warehouse):
    warehouse.execute(
        "CREATE SCHEMA crm; CREATE TABLE crm.base AS SELECT 1 AS id; CREATE TABLE crm.c AS FROM crm.base"
    )
    wanted = suite(expect("exists_in", column="id", table="c"))
    models(warehouse, "table")
    assert json.loads(inputs.state(warehouse, wanted)) == {"c": "built f1 2026-11-21 00:00:00 r1"}
    warehouse.execute("DROP TABLE crm.c; CREATE VIEW crm.c AS FROM crm.base")
    models(warehouse, "view")
    before = inputs.state(warehouse, wanted)
    assert "built" not in before
    warehouse.execute("INSERT INTO crm.base VALUES (2)")
    assert inputs.state(warehouse, wanted) != before


def test_what_was_judged_holds_until_an_input_changes(warehouse):
    warehouse.execute("CREATE TABLE grades AS SELECT range AS grade FROM range(5)")
    gate = Gate(warehouse, custom("SELECT * FROM {batch} WHERE score NOT IN (SELECT grade FROM grades)"))
    assert gate(ROWS).success
    gate(ROWS)
    assert gate.verdict.reused
    warehouse.execute("DELETE FROM grades WHERE grade = 4")
    assert not gate(ROWS).success
    assert not gate.verdict.reused


def test_the_other_table_of_a_count_may_be_a_model(warehouse):
    """By its plain name, as everywhere; a name that nothing has is said to have none."""
    warehouse.execute("CREATE SCHEMA crm; CREATE TABLE crm.c AS SELECT range AS id FROM range(50)")
    models(warehouse, "table")
    kind = "expect_table_row_count_to_equal_other_table"
    gate = Gate(warehouse, expect(kind, other_table_name="c"), expect(kind, "warn", other_table_name="nope"))
    found, lost = gate.all(ROWS)
    assert found.success
    assert not lost.success
    assert "there is no table nope" in lost.reason
    warehouse.execute("INSERT INTO crm.c VALUES (9)")
    warehouse.execute("UPDATE tailrace_meta.models SET run_id = 'r2'")
    assert not gate(ROWS).success


def test_an_idle_judgement_imports_nothing_heavy(tmp_path):
    """In a process of its own: the verdict of another one holds, and is found out by SQL alone."""
    body = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tests.unit.validate.made import expect, suite
from tailrace.validate.run import judge
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import stage

warehouse = DuckDBWarehouse(Path(sys.argv[1]))
if not warehouse.columns(TableRef("marts", "m")):
    warehouse.execute("CREATE SCHEMA marts; CREATE TABLE marts.m AS SELECT range AS id, DATE '2026-11-20' AS day FROM range(9)")
    warehouse.execute("CREATE TABLE grades AS SELECT range AS grade FROM range(9)")
query = "SELECT * FROM {batch} WHERE id NOT IN (SELECT grade FROM grades)"
wanted = suite(
    expect("exists_in", column="id", table="grades", to_column="grade"),
    expect("fresh", column="day", max_age="2d"),
    expect("no_missing_days", column="day"),
    expect("row_count_near_history"),
    expect("unexpected_rows_expectation", unexpected_rows_query=query),
)
now = lambda: datetime(2026, 11, 21, 9, tzinfo=UTC)
verdict, _ = judge(warehouse, wanted, stage(warehouse, TableRef("marts", "m"), "crm"), run_id="r", now=now)
warehouse.close()
heavy = {"great_expectations", "sqlglot", "pandas", "sqlalchemy", "jinja2"} & set(sys.modules)
print(verdict.decision, verdict.reused, sorted(heavy))
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])}
    said = [
        subprocess.run(
            [sys.executable, "-c", body, str(tmp_path / "w.duckdb")],
            check=True,
            capture_output=True,
            text=True,
            env=env,
        )
        for _ in range(2)
    ]
    first, second = (one.stdout.strip().splitlines()[-1] for one in said)
    assert first.startswith("pass False")
    assert second == "pass True []"
