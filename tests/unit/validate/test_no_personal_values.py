"""Values of personal columns are planted everywhere, and looked for in all that a judgement shows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime

import pytest
from tests.unit.validate.made import Clock, expect, staged, suite

from tailrace.cli.render import step_line
from tailrace.events import listening
from tailrace.project.spec import Parameter
from tailrace.validate.audience import Audience
from tailrace.validate.run import judge
from tailrace.validate.standing import standing
from tailrace.warehouse.duckdb import DuckDBWarehouse

PERSONAL = frozenset({"email", "salary", "born", "copy"})
ROWS = """SELECT 'planted' || range || '@x.io' AS email, 31337 + range / 1000 AS salary, DATE '1971-03-14' AS born,
  range AS id, range % 7 AS score, 'planted' || range || '@x.io' AS "copy", 1 AS wage, DATE '2020-01-01' AS day FROM range(130)"""
PLANTED = ("planted", "31337", "1971-03")

ITEMS = [
    expect("expect_column_max_to_be_between", column="salary", max_value=1),
    expect("expect_column_min_to_be_between", "warn", column="Salary", max_value=1),
    expect("expect_column_mean_to_be_between", "warn", column="salary", max_value=1),
    expect("expect_column_median_to_be_between", "warn", column="salary", max_value=1),
    expect("expect_column_sum_to_be_between", "warn", column="salary", max_value=1),
    expect("expect_column_max_to_be_between", "warn", column="born", max_value="1950-01-01"),
    expect("expect_column_max_to_be_between", "warn", column="email", max_value="a"),
    expect("expect_column_quantile_values_to_be_between", "warn", column="salary",
           quantile_ranges={"quantiles": [0.1, 0.9], "value_ranges": [[0, 1], [0, 1]]}),
    expect("expect_column_distinct_values_to_be_in_set", "warn", column="email", value_set=["a"]),
    expect("expect_column_distinct_values_to_equal_set", "warn", column="born", value_set=["a"]),
    expect("expect_column_distinct_values_to_contain_set", "warn", column="email", value_set=["a"]),
    expect("expect_column_most_common_value_to_be_in_set", "warn", column="born", value_set=["a"]),
    expect("expect_column_values_to_be_in_set", "quarantine", column="email", value_set=["a"]),
    expect("expect_column_values_to_be_between", "quarantine", column="salary", max_value=1),
    expect("expect_column_values_to_not_match_regex", "quarantine", column="email", regex="9@"),
    expect("expect_column_values_to_be_unique", "warn", column="born"),
    expect("expect_compound_columns_to_be_unique", "warn", column_list=["born", "score"]),
    expect("expect_column_pair_values_to_be_equal", "warn", column_A="email", column_B="born"),
    expect("expect_column_value_lengths_to_equal", "warn", column="email", value=3),
    expect("expect_column_value_z_scores_to_be_less_than", "warn", column="salary", threshold=0.1, double_sided=True),
    expect("expect_column_values_to_be_in_set", "warn", column="score", value_set=[99]),
    expect("unexpected_rows_expectation", "warn", unexpected_rows_query="SELECT * FROM {batch} WHERE salary > 1"),
    expect("unexpected_rows_expectation", "warn", unexpected_rows_query="SELECT * FROM {batch} WHERE CAST(email AS INTEGER) > 1"),
    expect("unexpected_rows_expectation", "warn", unexpected_rows_query="SELECT error('row of ' || email) FROM {batch}"),
    expect("unexpected_rows_expectation", "warn", unexpected_rows_query="SELECT CAST(salary AS TINYINT) AS t FROM {batch}"),
    expect("expect_column_values_to_be_in_set", "warn", column="email", value_set=[1, 2]),
    expect("expect_column_values_to_be_between", "warn", column="score", max_value=1, where="CAST(email AS INTEGER) > 1"),
    expect("fresh", "warn", column="born", max_age="1d"),
    expect("no_missing_days", "warn", column="born", by=["email"], last="7d"),
    expect("total_matches_source", "warn", column="salary", source="main.bills", source_column="paid"),
    expect("total_matches_source", "warn", column="score", source="main.bills", source_column="paid", by=["email"],
           source_by=["email"]),
    expect("exists_in", "quarantine", column="email", table="main.bills", to_column="email"),
    expect("no_drift", "warn", column="salary"),
    expect("expect_column_max_to_be_between", "warn", column="email", max_value="2020-01-01"),
    expect("expect_column_min_to_be_between", "warn", column="email", min_value=date(2020, 1, 1)),
    expect("expect_column_max_to_be_between", "warn", column="email", max_value=datetime(2020, 1, 1)),
    expect("expect_column_min_to_be_between", "warn", column="email", min_value=1),
    expect("expect_column_mean_to_be_between", "warn", column="email", min_value=1),
    expect("expect_column_values_to_be_between", "warn", column="email", max_value="2020-01-01", mostly=0.5),
    expect("expect_column_values_to_be_between", "quarantine", column="score", max_value=1, where="error(email)"),
    expect("unexpected_rows_expectation", "warn", unexpected_rows_query="SELECT json_extract('{}', '$[' || email) FROM {batch}"),
    expect("unexpected_rows_expectation", "warn", unexpected_rows_query="SELECT strptime(email, '%Y') FROM {batch}"),
    expect("unexpected_rows_expectation", "warn", unexpected_rows_query="SELECT email::JSON FROM {batch}"),
    expect("expect_column_values_to_not_be_in_set", "warn", column="email", value_set={"$PARAMETER": "mails"}),
    expect("expect_column_values_to_not_be_in_set", "quarantine", column="copy", value_set={"$PARAMETER": "mails"}),
    expect("expect_column_distinct_values_to_contain_set", "warn", column="score", value_set={"$PARAMETER": "mails"}),
    expect("expect_column_max_to_be_between", "warn", column="score", max_value={"$PARAMETER": "pay"}, min_value=10**9),
    expect("expect_column_values_to_be_between", "warn", column="wage", max_value={"$PARAMETER": "most"}, min_value=10**9),
    expect("expect_column_values_to_be_between", "warn", column="score", max_value={"$PARAMETER": "mail"}),
    expect("expect_column_values_to_be_between", "warn", column="score", max_value={"$PARAMETER": "broken"}),
    expect("fresh", "warn", column="day", max_age={"$PARAMETER": "mail"}),
    expect("expect_column_values_to_match_regex", "warn", column="copy", regex={"$PARAMETER": "mail"}),
    expect("expect_column_quantile_values_to_be_between", "warn", column="score",
           quantile_ranges={"quantiles": [0.5], "value_ranges": [[{"$PARAMETER": "pay"}, {"$PARAMETER": "pay"}]]}),
]  # fmt: skip
PARAMETERS = {
    "mails": "SELECT list(DISTINCT email) FROM {batch}",
    "mail": "SELECT min(email) FROM {batch}",
    "pay": "SELECT max(salary) FROM {batch}",
    "most": "SELECT max(columns('sal.*')) + 1000 FROM {batch}",
    "broken": "SELECT max(CAST(email AS INTEGER)) FROM {batch}",
}


@pytest.fixture
def told():
    """Everything that one judgement says or writes, but for tables whose rows are a model's own."""
    warehouse, heard = DuckDBWarehouse(None), list[object]()
    warehouse.execute("CREATE TABLE main.bills AS SELECT 'planted@y.io' AS email, 31337.5 AS paid")
    table = staged(warehouse, ROWS)
    parameters = {name: Parameter(name, sql=sql) for name, sql in PARAMETERS.items()}
    wanted = suite(*ITEMS, key="email", max_quarantined=1.0, parameters=parameters)
    with listening(heard.append):
        verdict, step = judge(
            warehouse, wanted, table, run_id="r1", now=Clock(), audience=Audience(PERSONAL, "email")
        )
        again, reused = judge(
            warehouse, wanted, table, run_id="r2", now=Clock(), audience=Audience(PERSONAL, "email")
        )
    found = {
        f"{name} {number}": str(row)
        for name in warehouse.tables("tailrace_meta")
        for number, row in enumerate(warehouse.query(f"SELECT * FROM tailrace_meta.{name}"))
    }
    for number, result in enumerate((step, reused)):
        document = {**result.document(), "detail": dict(result.detail)}
        found[f"step {number}"] = json.dumps(document)
        found[f"line {number}"] = step_line(result.document(), result.detail)
    found |= {f"event {number}": repr(event) for number, event in enumerate(heard)}
    found |= {"verdict": repr(verdict), "again": repr(again)}
    yield warehouse, found
    warehouse.close()


def test_no_planted_value_is_in_anything_that_is_shown(told):
    warehouse, found = told
    failing = warehouse.query(
        "SELECT count(DISTINCT position) FROM tailrace_meta.validations WHERE NOT success"
    )
    assert failing == [(len(ITEMS),)], "each of them has something to tell"
    shown = {place: text for place, text in found.items() if any(value in text for value in PLANTED)}
    assert shown == {}


def test_what_is_masked_is_there_and_says_so(told):
    warehouse, found = told
    observed = dict(
        warehouse.query(
            "SELECT position, observed FROM tailrace_meta.validations WHERE run_id = 'r1' AND position < 12"
        )
    )
    assert set(observed.values()) == {"***", None}, "None where it could not be judged"
    assert list(observed.values()).count("***") == 10
    rows = warehouse.query("SELECT count(*), count(DISTINCT subject) FROM tailrace_meta.quarantine")
    assert rows == [(130 + 130 + 13 + 130 + 130, 130)]
    samples = warehouse.query('SELECT "row" FROM tailrace_meta.validation_samples')
    assert len(samples) > 20
    assert all("***" in text for (text,) in samples)
    assert "the highest salary is above 1: it is ***" in found["step 0"]


def test_a_column_that_becomes_personal_later_is_masked_at_the_next_look():
    warehouse = DuckDBWarehouse(None)
    maximum = expect("expect_column_max_to_be_between", "warn", column="salary", max_value=1)
    wanted = suite(
        maximum,
        expect("expect_column_values_to_not_match_regex", "quarantine", column="email", regex="9@"),
        expect(
            "expect_column_value_z_scores_to_be_less_than",
            "warn",
            column="salary",
            threshold=0.1,
            double_sided=True,
        ),
    )
    clock = Clock()
    for run, rows in (("r1", ROWS), ("r2", f"{ROWS} LIMIT 129")):
        judge(warehouse, wanted, staged(warehouse, rows), run_id=run, now=clock)
    tables = ("validations", "validation_samples", "quarantine")

    def shown() -> set[str]:
        return {
            t
            for t in tables
            if any(v in str(warehouse.query(f"SELECT * FROM tailrace_meta.{t}")) for v in PLANTED)
        }

    assert shown() == set(tables)
    verdict, _ = judge(
        warehouse,
        wanted,
        staged(warehouse, f"{ROWS} LIMIT 129"),
        run_id="r3",
        now=clock,
        audience=Audience(PERSONAL),
    )
    assert (verdict.reused, shown()) == (False, set())
    assert warehouse.query("SELECT run_id, reason FROM tailrace_meta.validations WHERE position = 0 ORDER BY 1") == [
        ("r1", "the highest salary is above 1"), ("r2", "the highest salary is above 1"),
        ("r3", "the highest salary is above 1: it is ***"),
    ]  # fmt: skip
    # the sync asks for the rows, not for who may see them
    assert standing(warehouse, wanted, staged(warehouse, f"{ROWS} LIMIT 129"), clock()).verdict
    warehouse.close()


def test_a_limit_taken_from_a_column_that_becomes_personal_is_masked_at_the_next_look():
    warehouse, clock = DuckDBWarehouse(None), Clock()
    low = {"$PARAMETER": "low"}
    wanted = suite(
        expect("expect_column_values_to_be_between", "warn", column="score", min_value=low),
        parameters={"low": Parameter("low", sql="SELECT min(salary) FROM {batch}")},
    )

    def told() -> list[tuple[str, ...]]:
        names = "reason, description, kwargs, asked, query"
        return warehouse.query(f"SELECT {names} FROM tailrace_meta.validations ORDER BY run_id")

    judge(warehouse, wanted, staged(warehouse, ROWS), run_id="r1", now=clock)
    assert all("31337" in text for text in told()[0]), "a number of a column that is nobody's"
    judge(warehouse, wanted, staged(warehouse, ROWS), run_id="r2", now=clock, audience=Audience(PERSONAL))
    words = ("every score is at least ***", '{"column": "score", "min_value": "***"}')
    asked = (
        '{"type": "expect_column_values_to_be_between", "kwargs": {"column": "score", "min_value": "***"}}'
    )
    assert told() == [
        ("score is below ***", *words, None, None),
        ("score is below ***: 130 rows", *words, asked, None),
    ]
    warehouse.close()


def test_an_earlier_error_is_cut_off_once_its_column_is_personal():
    warehouse, clock = DuckDBWarehouse(None), Clock()
    query = "SELECT * FROM {batch} WHERE strptime(salary::VARCHAR, '%Y-%m') IS NULL"
    wanted = suite(expect("unexpected_rows_expectation", "warn", unexpected_rows_query=query))
    judge(warehouse, wanted, staged(warehouse, ROWS), run_id="r1", now=clock)
    planted = "unexpected_rows_expectation() could not be judged: it could not parse 31337"
    warehouse.execute("UPDATE tailrace_meta.validations SET reason = ?", [planted])
    judge(warehouse, wanted, staged(warehouse, ROWS), run_id="r2", now=clock, audience=Audience(PERSONAL))
    reasons = warehouse.query("SELECT reason FROM tailrace_meta.validations ORDER BY run_id")
    assert reasons[0] == ("unexpected_rows_expectation() could not be judged",)
    assert "31337" not in reasons[1][0]
    warehouse.close()


@pytest.mark.parametrize("name", ["scores", "another"])
def test_what_a_removed_expectation_or_suite_left_is_masked_with_the_column(name):
    warehouse, clock = DuckDBWarehouse(None), Clock()
    before = suite(
        expect("expect_column_max_to_be_between", "warn", column="salary", max_value=1),
        expect("expect_column_max_to_be_between", "warn", column="salary", max_value=2),
        expect("no_missing_days", "warn", column="day", by=["salary"]),
        expect("expect_column_value_z_scores_to_be_less_than", "warn", column="salary", threshold=0.1, double_sided=True),
        expect("expect_column_max_to_be_between", "warn", column="score", max_value=1),
    )  # fmt: skip
    judge(warehouse, before, staged(warehouse, ROWS), run_id="r1", now=clock)
    warehouse.execute(
        "UPDATE tailrace_meta.validations SET kwargs = NULL WHERE position = 1"
    )  # an older release
    after = replace(suite(expect("expect_column_values_to_not_be_null", column="id")), name=name)
    judge(warehouse, after, staged(warehouse, ROWS), run_id="r2", now=clock, audience=Audience(PERSONAL))
    rows = warehouse.query("SELECT * FROM tailrace_meta.validations")
    assert not [value for value in PLANTED if value in str(rows)]
    told = warehouse.query(
        "SELECT observed, reason FROM tailrace_meta.validations WHERE run_id = 'r1' ORDER BY position"
    )
    assert [observed for observed, _ in told] == ["***", "***", "***", told[3][0], "6"]
    assert told[0][1] == "the highest salary is above 1"
    assert told[4][1] == "the highest score is above 1: it is 6"
    warehouse.close()


def test_what_a_spread_counted_is_masked_with_its_column():
    warehouse, clock = DuckDBWarehouse(None), Clock()
    before = suite(expect("no_drift", "warn", column="city", min_runs=1))
    cities = "SELECT range AS id, CASE WHEN range % 2 = 0 THEN 'Quartzville' ELSE 'Berlin' END AS city FROM range(300)"
    for run, rows in (
        ("r1", cities),
        ("r2", cities.replace("% 2", "% 20")),
        ("r3", cities.replace("% 2", "% 7")),
    ):
        judge(warehouse, before, staged(warehouse, rows), run_id=run, now=clock)
    tables = ("validations", "distributions", "verdicts", "validation_samples")
    shown = lambda: str([warehouse.query(f"SELECT * FROM tailrace_meta.{table}") for table in tables])  # noqa: E731
    assert "Quartzville" in shown()
    after = suite(expect("expect_column_values_to_not_be_null", column="id"))
    judge(
        warehouse,
        after,
        staged(warehouse, cities),
        run_id="r4",
        now=clock,
        audience=Audience(frozenset({"city"})),
    )
    assert "Quartzville" not in shown()
    warehouse.close()
