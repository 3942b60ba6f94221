"""Unit tests of models: fixtures in, rows out, and what is wrong said at its place."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.unit.build.testing.layout import PLACE, given, project_of, unit

from tailrace.build.testing.run import run_unit_tests
from tailrace.project.spec import Fixture
from tailrace.warehouse.duckdb import DuckDBWarehouse

STAGING = "SELECT id, email, amount FROM {{ source('hubspot', 'contacts') }}"
MART = (
    "SELECT id, upper(email) AS email, amount * 2 AS double FROM {{ ref('stg_contacts') }} WHERE amount > 0\n"
)
FILES = {"models/staging/stg_contacts.sql": STAGING, "models/marts/totals.sql": MART}
ONE = given("ref('stg_contacts')", {"id": 1, "email": "a@b.c", "amount": 3}, {"id": 2, "amount": -1})


def run(tmp_path, *tests, files=FILES):
    project, graph = project_of(tmp_path / "p", files)
    found = run_unit_tests(project, graph, tests)
    assert not (tmp_path / "p" / ".tailrace").exists()
    return found if len(tests) > 1 else found[0]


def test_a_test_passes_on_rows_alone(tmp_path):
    found = run(tmp_path, unit("totals", [ONE], [{"id": 1, "email": "A@B.C", "double": 6}]))
    assert (found.status, found.failures, found.message, found.difference) == ("pass", 0, "", None)


def test_only_the_expected_columns_are_compared(tmp_path):
    assert run(tmp_path, unit("totals", [ONE], [{"double": 6}])).status == "pass"


def test_rows_are_counted_and_not_only_looked_for(tmp_path):
    twice = given("ref('stg_contacts')", *[{"id": 1, "amount": 1}] * 2)
    found = run(
        tmp_path, unit("totals", [twice], [{"id": 1}]), unit("totals", [twice], [{"id": 1}, {"id": 1}])
    )
    assert [(one.status, one.failures) for one in found] == [("fail", 1), ("pass", 0)]
    assert found[0].difference.rows == (("unexpected", "1"),)


def test_the_order_of_rows_is_nothing(tmp_path):
    two = given("ref('stg_contacts')", {"id": 1, "amount": 1}, {"id": 2, "amount": 2})
    assert run(tmp_path, unit("totals", [two], [{"id": 2}, {"id": 1}])).status == "pass"


def test_nothing_is_expected(tmp_path):
    none = given("ref('stg_contacts')")
    found = run(tmp_path, unit("totals", [none], []), unit("totals", [ONE], []))
    assert [one.status for one in found] == ["pass", "fail"]
    assert found[1].difference.columns == ("row", "id", "email", "double")


def test_the_difference_shows_cells_side_by_side(tmp_path):
    two = given(
        "ref('stg_contacts')",
        {"id": 1, "email": "a", "amount": 1},
        {"id": 2, "email": "b", "amount": 2},
        {"id": 3, "email": None, "amount": 3},
    )
    expected = [
        {"id": 1, "email": "A", "double": 5},
        {"id": 9, "email": "", "double": 9},
        {"id": 3, "email": None, "double": 6},
    ]
    found = run(tmp_path, unit("totals", [two], expected))
    assert found.message == "3 rows differ"
    assert found.difference.columns == ("row", "id", "email", "double")
    assert found.difference.rows == (
        ("changed", "1", "A", "5 -> 2"),
        ("missing", "9", "''", "9"),
        ("unexpected", "2", "B", "4"),
    )


def test_values_take_the_types_of_the_columns(tmp_path):
    model = "SELECT CAST(amount AS DECIMAL(9, 2)) AS amount, CAST(email AS DATE) AS day, [id, id] AS ids, {'a': id} AS s FROM {{ ref('stg_contacts') }}"
    files = {**FILES, "models/marts/typed.sql": model}
    one = given("ref('stg_contacts')", {"id": 7, "email": "2026-01-31", "amount": 1.10})
    expected = [{"amount": "1.1", "day": dt.date(2026, 1, 31), "ids": [7, 7], "s": {"a": 7}}]
    found = run(
        tmp_path,
        unit("typed", [one], expected),
        unit("typed", [one], [{"amount": Decimal("1.11")}]),
        files=files,
    )
    assert [one.status for one in found] == ["pass", "fail"]
    assert found[1].difference.rows == (("missing", "1.11"), ("unexpected", "1.10"))


def test_a_csvs_texts_become_numbers_dates_and_truths(tmp_path):
    model = "SELECT id + 1 AS n, date_trunc('month', day) AS month, NOT ok AS off, code || 'x' AS code FROM {{ source('hubspot', 'contacts') }}"
    files = {"models/marts/csv.sql": model}
    cells = {"id": "1", "day": "2026-03-17", "ok": "true", "code": "a1"}
    one = given("source('hubspot', 'contacts')", cells, {**cells, "ok": None}, typed=False)
    expected = Fixture("", PLACE, ({"n": "2", "month": "2026-03-01", "off": "false", "code": "a1x"},
                                   {"n": "2", "month": "2026-03-01", "off": None, "code": "a1x"}), typed=False)  # fmt: skip
    assert run(tmp_path, unit("csv", [one], expected), files=files).difference is None


def test_columns_that_only_the_sql_names_are_null(tmp_path):
    model = "SELECT c.id, lower(c.email) AS email, sum(amount) OVER () AS all FROM {{ source('hubspot', 'contacts') }} AS c\n"
    one = given("source('hubspot', 'contacts')", {"id": 1})
    found = run(
        tmp_path,
        unit("loose", [one], [{"id": 1, "email": None, "all": None}]),
        files={"models/marts/loose.sql": model.replace("AS all", 'AS "all"')},
    )
    assert (found.status, found.message) == ("pass", "")


def test_the_published_tables_types_come_first(tmp_path):
    files = {
        "models/marts/m.sql": "SELECT id, created - INTERVAL 1 DAY AS before FROM {{ source('hubspot', 'contacts') }}"
    }
    project, graph = project_of(tmp_path / "p", files)
    published = DuckDBWarehouse(project.target.path)
    published.execute("CREATE SCHEMA hubspot")
    published.execute("CREATE TABLE hubspot.contacts (id VARCHAR, created TIMESTAMP, email VARCHAR)")
    published.execute("INSERT INTO hubspot.contacts VALUES ('x', TIMESTAMP '2026-01-01', 'secret')")
    published.close()
    one = given("source('hubspot', 'contacts')", {"id": 1, "created": "2026-01-02"})
    typo = given("source('hubspot', 'contacts')", {"id": 1, "creatd": "2026-01-02"})
    found = run_unit_tests(
        project, graph, [unit("m", [one], [{"id": "1", "before": "2026-01-01"}]), unit("m", [typo], [])]
    )
    assert [one.status for one in found] == ["pass", "error"]
    assert (
        found[1].message
        == f"{PLACE}: source('hubspot', 'contacts') has no column creatd. Did you mean created?"
    )


def test_a_models_types_come_from_empty_inputs(tmp_path):
    files = {
        "seeds/rates.csv": "month,usd\n2026-01-01,1.5\n",
        "models/staging/r.sql": "SELECT CAST(month AS TIMESTAMP) AS since, CAST(usd AS DECIMAL(9, 4)) AS usd FROM {{ ref('rates') }}",
        "models/marts/m.sql": "SELECT typeof(since) AS a, typeof(usd) AS u FROM {{ ref('r') }}",
    }
    one = given("ref('r')", {"since": "2026-01-01", "usd": 1})
    found = run(tmp_path, unit("m", [one], [{"a": "TIMESTAMP", "u": "DECIMAL(9,4)"}]), files=files)
    assert found.status == "pass"


def test_sql_fixtures_on_both_sides(tmp_path):
    one = given("ref('stg_contacts')", sql="SELECT 1 AS id, 'x' AS email, 2 AS amount;")
    expect = Fixture("", PLACE, sql="SELECT '4' AS double, 'X' AS EMAIL")
    assert run(tmp_path, unit("totals", [one], expect)).status == "pass"


def test_plain_names_are_inputs_as_well(tmp_path):
    files = {**FILES, "models/marts/plain.sql": "SELECT id FROM stg_contacts JOIN hubspot.deals USING (id)"}
    test = unit(
        "plain",
        [given("ref('stg_contacts')", {"id": 1}), given("source('hubspot', 'deals')", {"id": 1})],
        [{"id": 1}],
    )
    assert run(tmp_path, test, files=files).status == "pass"


@pytest.mark.parametrize(
    ("givens", "expect", "message"),
    [
        ([], [{"id": 1}], "totals reads ref('stg_contacts'), and the test does not give it. Add `- input: ref('stg_contacts')` with `rows: []`"),
        ([ONE, given("ref('keep')")], [{"id": 1}], "totals does not read ref('keep'). It reads ref('stg_contacts')"),
        ([ONE, given("ref('stg_contact')")], [], "there is no model or seed stg_contact. Did you mean stg_contacts?"),
        ([ONE, ONE], [], "ref('stg_contacts') is given twice. Remove one of them"),
        ([ONE, given("source('hubspot', 'contacts')")], [], "totals does not read source('hubspot', 'contacts'). It reads ref('stg_contacts')"),
        ([ONE, given("stg_contacts")], [], "stg_contacts is no input. Write ref('x'), source('a', 'b') or this"),
        ([ONE, given("__import__('os').system('x')")], [], "__import__('os').system('x') is no input. Write ref('x'), source('a', 'b') or this"),
        ([given("ref('stg_contacts')", {"emial": "x"})], [], "ref('stg_contacts') has no column emial. Did you mean email?"),
        ([ONE], [{"dubble": 1}], "what is expected has no column dubble. Did you mean double?"),
        ([ONE], [{"double": 6}, {"double": "six"}], "row 2 of what is expected: double is BIGINT, and 'six' is not. Write a value of that type"),
        ([given("ref('stg_contacts')", sql="SELECT 1 AS id; DROP TABLE x")], [], "this has to be one SELECT. Write its rows' query and nothing else"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(tmp_path, givens, expect, message):
    found = run(tmp_path, unit("totals", givens, expect))
    assert found.status == "error"
    assert found.message == f"{PLACE}: {message}"


def test_everything_wrong_at_once(tmp_path):
    test = unit("totals", [given("ref('a')"), given("ref('b')")], [])
    assert len(run(tmp_path, test).message.splitlines()) == 2


def test_a_model_that_fails_names_its_file(tmp_path):
    files = {
        **FILES,
        "models/marts/bad.sql": "SELECT CAST(email AS INTEGER) AS n FROM {{ ref('stg_contacts') }}",
    }
    found = run(tmp_path, unit("bad", [given("ref('stg_contacts')", {"email": "x"})], []), files=files)
    assert found.status == "error"
    assert found.message.startswith(
        "models/marts/bad.sql: Conversion Error: Could not convert string 'x' to INT32"
    )


def test_a_column_called_like_the_model_is_not_the_model(tmp_path):
    files = {
        **FILES,
        "models/marts/total.sql": "WITH stg_contacts AS (SELECT * FROM {{ ref('stg_contacts') }}) SELECT sum(id) AS total FROM stg_contacts",
    }
    assert run(tmp_path, unit("total", [ONE], [{"total": 3}]), files=files).status == "pass"


def test_a_bigquery_target_tests_on_duckdb(tmp_path):
    profile = "acme:\n  target: prod\n  outputs:\n    prod: {type: bigquery, project: p, location: EU, connections: {hubspot: {type: hubspot, access_token: x}}}\n"
    files = {**FILES, "profiles.yml": profile}
    assert run(tmp_path, unit("totals", [ONE], [{"id": 1, "double": 6}]), files=files).message == ""


def test_hostile_values_types_and_names_are_data(tmp_path):
    yaml = "version: 2\nmodels:\n  - name: stg_contacts\n    columns: [{name: id, data_type: 'INTEGER) FROM x; CREATE TABLE y AS SELECT (1'}]\n"
    hostile = given("ref('stg_contacts')", {"email": "x'); DROP TABLE t; --", "amount": 1})
    found = run(tmp_path, unit("totals", [hostile], [{"email": "X'); DROP TABLE T; --"}]))
    assert found.status == "pass"
    found = run(
        tmp_path / "typed", unit("totals", [hostile], []), files={**FILES, "models/staging/s.yml": yaml}
    )
    assert (found.status, found.message) == (
        "error",
        f"{PLACE}: this has to be one SELECT. Write its rows' query and nothing else",
    )
