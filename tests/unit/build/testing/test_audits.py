"""Tests between a model and its readers: `build --tests`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from tests.unit.build.layout import NOW
from tests.unit.build.testing.layout import LANDED, project_of

from tailrace.build.run import build
from tailrace.build.testing.audit import audits_of
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

MODELS = {
    "models/staging/events.sql": "{{ config(materialized='table') }} SELECT id, kind FROM own.events",
    "models/marts/totals.sql": "{{ config(materialized='table') }} SELECT kind, count(*) AS n FROM {{ ref('events') }} GROUP BY 1",
    "models/marts/reader.sql": "{{ config(materialized='table') }} SELECT max(n) AS most FROM {{ ref('totals') }}",
    "models/marts/m.yml": """
version: 2
models:
  - name: events
    columns:
      - name: kind
        data_tests: [accepted_values: {arguments: {values: [a, b]}, config: {severity: warn}}]
  - name: totals
    columns:
      - {name: kind, data_tests: [unique, not_null]}
      - name: n
        data_tests:
          - relationships: {name: of_two_models, arguments: {to: ref('reader'), field: most}, config: {error_if: "> 5", warn_if: "> 5"}}
unit_tests:
  - name: counts
    model: totals
    given: [{input: ref('events'), rows: [{id: 1, kind: a}, {id: 2, kind: a}]}]
    expect: {rows: [{kind: a, n: 2}]}
""",
}


@pytest.fixture
def warehouse():
    found = DuckDBWarehouse(None)
    for statement in (*LANDED, "CREATE SCHEMA own", "CREATE TABLE own.events (id INTEGER, kind VARCHAR)",
                      "INSERT INTO own.events VALUES (1, 'a'), (2, 'b'), (3, 'b')"):  # fmt: skip
        found.execute(statement)
    yield found
    found.close()


def run(tmp_path, warehouse, files: Mapping[str, str] = MODELS, selected=None):
    number = len(list(tmp_path.iterdir()))
    project, graph = project_of(tmp_path / f"p{number}", files, NOW + timedelta(hours=number))
    chosen = set(graph.order) if selected is None else selected
    told = []
    audits = audits_of(warehouse, project, graph, chosen, told.append)
    results = build(warehouse, graph, chosen, root=project.root, run_id="r", now=lambda: NOW, audits=audits)
    return {result.name: result for result in results}, {outcome.name: outcome.status for outcome in told}


def test_tests_run_after_the_last_model_that_they_read(tmp_path, warehouse):
    results, told = run(tmp_path, warehouse)
    assert {result.status for result in results.values()} == {"ok"}
    assert list(told) == [
        "accepted_values_events_kind__a__b",
        "counts",
        "unique_totals_kind",
        "not_null_totals_kind",
        "of_two_models",
    ]
    assert set(told.values()) == {"pass"}


def test_what_fails_its_tests_is_not_swapped_in(tmp_path, warehouse):
    run(tmp_path, warehouse)
    warehouse.execute("INSERT INTO own.events VALUES (4, NULL), (5, 'c')")
    results, told = run(tmp_path, warehouse)
    assert results["totals"].status == "failed"
    assert (
        "a test fails: not_null_totals_kind (Got 1 result, configured to fail if != 0)"
        in results["totals"].error
    )
    assert told["accepted_values_events_kind__a__b"] == "warn"
    assert results["events"].status == "ok"
    assert warehouse.query("SELECT kind, n FROM marts.totals ORDER BY 1") == [("a", 1), ("b", 2)]
    assert results["reader"].detail["stale"] == ["totals"]
    warehouse.execute("DELETE FROM own.events WHERE kind IS NULL")
    assert run(tmp_path, warehouse)[0]["totals"].status == "ok"
    assert warehouse.query("SELECT kind, n FROM marts.totals ORDER BY 1") == [("a", 1), ("b", 2), ("c", 1)]


def test_a_first_build_that_fails_leaves_nothing(tmp_path, warehouse):
    warehouse.execute("INSERT INTO own.events VALUES (4, NULL)")
    results, _ = run(tmp_path, warehouse)
    assert (results["totals"].status, results["reader"].status) == ("failed", "skipped")
    assert results["reader"].detail["why"] == "upstream totals failed"
    assert warehouse.columns(TableRef("marts", "totals")) == {}


def test_a_unit_test_that_fails_stops_the_model_as_well(tmp_path, warehouse):
    wrong = {**MODELS, "models/marts/m.yml": MODELS["models/marts/m.yml"].replace("n: 2}", "n: 3}")}
    results, told = run(tmp_path, warehouse, wrong)
    assert told["counts"] == "fail"
    assert "a test fails: counts (1 row differs)" in results["totals"].error
    assert warehouse.columns(TableRef("marts", "totals")) == {}


def test_a_test_that_the_engine_cannot_run_spoils_no_other_model(tmp_path, warehouse):
    files = {**MODELS, "tests/breaks.sql": "SELECT CAST(kind AS INTEGER) FROM {{ ref('events') }}"}
    results, told = run(tmp_path, warehouse, files)
    assert told["breaks"] == "error"
    assert results["events"].status == "failed"
    assert results["keep"].status == "ok"
    assert warehouse.query("SELECT one FROM marts.keep") == [(1,)]


def test_a_model_that_is_up_to_date_is_tested_all_the_same(tmp_path, warehouse):
    project, graph = project_of(tmp_path / "untested", MODELS)
    warehouse.execute("INSERT INTO own.events VALUES (4, NULL)")
    build(warehouse, graph, set(graph.order), root=project.root, run_id="r", now=lambda: NOW)
    seeded = {
        **MODELS,
        "models/marts/keep.yml": "version: 2\nmodels: [{name: keep, columns: [{name: one, data_tests: [accepted_values: {arguments: {values: [2]}}]}]}]\n",
    }
    results, told = run(tmp_path, warehouse, seeded, {"keep"})
    assert told == {"accepted_values_keep_one__2": "fail"}
    assert results["keep"].status == "failed"


def test_tests_of_models_that_were_not_chosen_do_not_run(tmp_path, warehouse):
    run(tmp_path, warehouse)
    _, told = run(tmp_path, warehouse, selected={"events"})
    assert list(told) == ["accepted_values_events_kind__a__b"]


BATCHED = {
    "models/staging/clicks.sql": "{{ config(materialized='table', event_time='ts') }} SELECT ts, n FROM own.clicks",
    "models/marts/daily.sql": (
        "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='ts', begin='2026-11-18', "
        "batch_size='day', lookback=0) }} SELECT ts, n FROM {{ ref('clicks') }}"
    ),
    "models/marts/over.sql": "{{ config(materialized='table') }} SELECT sum(n) AS n FROM {{ ref('daily') }}",
    "models/marts/daily.yml": "version: 2\nmodels: [{name: daily, columns: [{name: n, data_tests: [not_null]}]}]\n",
}
CLICKS = (
    "CREATE TABLE own.clicks (ts TIMESTAMP, n INTEGER)",
    "INSERT INTO own.clicks VALUES ('2026-11-18 01:00:00', 1), ('2026-11-19 01:00:00', 2), ('2026-11-20 01:00:00', 3)",
)
INTERVALS = "FROM tailrace_meta.intervals ORDER BY ALL"


def batched(tmp_path, warehouse):
    return run(tmp_path, warehouse, BATCHED, {"clicks", "daily", "over"})[0]


def test_batches_that_fail_their_tests_are_undone_and_not_counted_as_built(tmp_path, warehouse):
    for statement in CLICKS:
        warehouse.execute(statement)
    assert batched(tmp_path, warehouse)["daily"].detail["batches"] == 4
    before = warehouse.query(INTERVALS)
    warehouse.execute("UPDATE own.clicks SET n = 7 WHERE n = 1")
    warehouse.execute("INSERT INTO own.clicks VALUES ('2026-11-20 02:00:00', NULL)")
    for _ in range(2):
        found = batched(tmp_path, warehouse)
        assert found["daily"].status == "failed"
        assert "a test fails: not_null_daily_n (Got 1 result" in (found["daily"].error or "")
        assert found["over"].detail["stale"] == ["daily"]
        assert warehouse.query("SELECT n FROM marts.daily ORDER BY ts") == [(1,), (2,), (3,)]
        assert warehouse.query(INTERVALS) == before
    warehouse.execute("DELETE FROM own.clicks WHERE n IS NULL")
    found = batched(tmp_path, warehouse)
    assert (found["daily"].status, found["daily"].detail["batches"]) == ("ok", 1)
    assert warehouse.query("SELECT n FROM marts.daily ORDER BY ts") == [(7,), (2,), (3,)]


def test_a_first_backfill_that_fails_its_tests_is_not_swapped_in_and_goes_on(tmp_path, warehouse):
    for statement in (*CLICKS, "INSERT INTO own.clicks VALUES ('2026-11-20 02:00:00', NULL)"):
        warehouse.execute(statement)
    kept = []
    for _ in range(2):
        found = batched(tmp_path, warehouse)
        assert (found["daily"].status, found["over"].status) == ("failed", "skipped")
        assert warehouse.tables("marts") == {}
        assert warehouse.query("SELECT count(*) FROM tailrace_stage.rebuild__daily") == [(4,)]
        kept.append(warehouse.query(INTERVALS))
    assert len(kept[0]) == 4
    assert {row[-1] for row in kept[0]} == {False}
    assert kept[1] == kept[0], "the second build makes no batch again"
    warehouse.execute("DELETE FROM own.clicks WHERE n IS NULL")
    found = batched(tmp_path, warehouse)
    assert (found["daily"].status, found["daily"].detail["batches"]) == ("ok", 1)
    assert warehouse.query("SELECT n FROM marts.over") == [(6,)]
