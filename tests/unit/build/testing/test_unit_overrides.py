"""Unit tests that override macros, variables, the environment and the clock; incremental, ephemeral, microbatch and late models."""

from __future__ import annotations

import os

import pytest
from tests.unit.build.testing.layout import PLACE, given, project_of, unit

from tailrace.build.testing.check import check_tests
from tailrace.build.testing.run import run_unit_tests
from tailrace.project.spec import EMPTY

EVENTS = "SELECT 1 AS id, TIMESTAMP '2026-01-01' AS seen"
INCREMENTAL = (
    "{{ config(materialized='incremental', unique_key='id') }}\n"
    "SELECT id, seen FROM {{ ref('events') }}\n"
    "{% if is_incremental() %}WHERE seen > (SELECT max(seen) FROM {{ this }}){% endif %}\n"
)
FILES = {"models/staging/events.sql": EVENTS, "models/marts/m.sql": INCREMENTAL}
TWO = given("ref('events')", {"id": 1, "seen": "2026-01-01"}, {"id": 2, "seen": "2026-01-02"})


def run(tmp_path, model, givens, expect, files=FILES, overrides=EMPTY):
    project, graph = project_of(tmp_path / "p", files)
    return run_unit_tests(project, graph, [unit(model, givens, expect, overrides=overrides)])[0]


def test_a_model_is_not_incremental_unless_a_test_says_so(tmp_path):
    found = run(tmp_path, "m", [TWO], [{"id": 1}, {"id": 2}])
    assert (found.status, found.message) == ("pass", "")


def test_an_incremental_run_reads_this(tmp_path):
    this = given("this", {"id": 1, "seen": "2026-01-01"})
    macros = {"macros": {"is_incremental": True}}
    assert run(tmp_path, "m", [TWO, this], [{"id": 2}], overrides=macros).status == "pass"
    found = run(tmp_path / "again", "m", [TWO], [{"id": 2}], overrides=macros)
    assert (
        found.message
        == f"{PLACE}: m reads this, and the test does not give it. Add `- input: this` with `rows: []`"
    )


def test_variables_and_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("REGION", raising=False)
    sql = "SELECT id, '{{ var('currency') }}' AS currency, '{{ env_var('REGION', 'none') }}' AS region FROM {{ ref('events') }}"
    files = {**FILES, "models/marts/v.sql": sql}
    overrides = {"vars": {"currency": "CHF"}, "env_vars": {"REGION": "eu"}}
    expect = [{"currency": "CHF", "region": "eu"}] * 2
    assert run(tmp_path, "v", [TWO], expect, files, overrides).status == "pass"
    assert "REGION" not in os.environ
    assert (
        run(tmp_path / "2", "v", [TWO], [{"currency": "EUR", "region": "none"}] * 2, files).status == "pass"
    )


@pytest.mark.parametrize("word", ["current_timestamp", "current_date", "now"])
def test_a_word_for_now_sets_the_clock(tmp_path, word):
    files = {
        **FILES,
        "models/marts/c.sql": "SELECT date_diff('day', seen, current_date) AS age FROM {{ ref('events') }}",
    }
    overrides = {"macros": {word: "2026-01-11 10:00:00"}}
    assert run(tmp_path, "c", [TWO], [{"age": 10}, {"age": 9}], files, overrides).status == "pass"


MACROS = {
    "macros/own.sql": "{% macro rate(currency) %}{{ halved(2) }}{% endmacro %}{% macro halved(n) %}{{ n // 2 }}{% endmacro %}",
    "macros/money/fees.sql": "{% macro fee() %}7{% endmacro %}",
    "models/marts/r.sql": "SELECT id * {{ rate('EUR') }} + {{ money.fee() }} AS n FROM {{ ref('events') }}",
}


@pytest.mark.parametrize(
    ("macros", "wanted"),
    [({}, (8, 9)), ({"rate": 10}, (17, 27)), ({"halved": 3}, (10, 13)), ({"money.fee": 0}, (1, 2)), ({"rate": "(2)", "money.fee": "id"}, (3, 6))],
)  # fmt: skip
def test_any_macro_gives_the_value(tmp_path, macros, wanted):
    found = run(tmp_path, "r", [TWO], [{"n": n} for n in wanted], {**FILES, **MACROS}, {"macros": macros})
    assert (found.status, found.message, found.difference) == ("pass", "", None)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"macros": {"rat": 1}}, "nothing calls rat, so there is nothing to override. Did you mean rate?"),
        ({"macros": {"mony.fee": 1}}, "there is no package mony. Did you mean money?"),
        ({"macros": {"dbt.dateadd": 1}}, "dbt.dateadd cannot be overridden. Override dateadd, and call it so"),
        ({"macros": {"is_incremental": "yes"}}, "is_incremental has to be true or false. Write is_incremental: true"),
        ({"macros": {"is_incremental": True}}, "r is no incremental model, so is_incremental is always false. Remove the override"),
        ({"macro": {}}, "nothing is overridden by macro. Did you mean macros?"),
        ({"vars": ["x"]}, "overrides.vars has to name what it overrides. Write `name: value` lines"),
    ],
)  # fmt: skip
def test_overrides_that_cannot_be(tmp_path, overrides, message):
    project, graph = project_of(tmp_path / "p", {**FILES, **MACROS})
    test = unit("r", [TWO], [], overrides=overrides)
    found = run_unit_tests(project, graph, [test])[0]
    assert (found.status, found.message) == ("error", f"{PLACE}: {message}")
    from dataclasses import replace

    assert [str(one) for one in check_tests(replace(project, unit_tests=(test,)), graph)] == [found.message]


def test_an_ephemeral_input_is_given_like_any_other(tmp_path):
    files = {
        **FILES,
        "models/staging/e.sql": "{{ config(materialized='ephemeral') }} SELECT id * 100 AS id FROM {{ ref('events') }}",
        "models/marts/reader.sql": "SELECT id + 1 AS id FROM {{ ref('e') }}",
    }
    assert run(tmp_path, "reader", [given("ref('e')", {"id": 1})], [{"id": 2}], files).status == "pass"


def test_a_microbatch_model_sees_all_that_is_given(tmp_path):
    sql = (
        "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='seen', batch_size='day', begin='2026-01-01') }}\n"
        "SELECT id, seen FROM {{ ref('events') }}"
    )
    files = {
        "models/staging/events.sql": "{{ config(event_time='seen') }} " + EVENTS,
        "models/marts/daily.sql": sql,
    }
    rows = given("ref('events')", {"id": 1, "seen": "1999-01-01"}, {"id": 2, "seen": None})
    assert run(tmp_path, "daily", [rows], [{"id": 1}, {"id": 2}], files).status == "pass"


def test_a_model_that_asks_the_warehouse_asks_the_fixtures(tmp_path):
    sql = (
        "{% set ids = run_query('SELECT DISTINCT id FROM ' ~ ref('events') ~ ' ORDER BY 1').columns[0].values() if execute else [] %}\n"
        "SELECT {% for one in ids %}count(*) FILTER (id = {{ one }}) AS n_{{ one }}, {% endfor %} 1 AS x FROM {{ ref('events') }}"
    )
    found = run(tmp_path, "p", [TWO], [{"n_1": 1, "n_2": 1}], {**FILES, "models/marts/p.sql": sql})
    assert (found.status, found.message) == ("pass", "")
