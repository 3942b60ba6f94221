"""The query of a failing check selects exactly the rows that plain SQL calls failing, and its samples mask what is personal."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
import sqlglot
from tests.unit.validate.made import between, expect, staged, suite

from tailrace.project.spec import Keeping
from tailrace.validate.assess import assess
from tailrace.validate.audience import Audience
from tailrace.validate.evidence.failing import shown
from tailrace.validate.evidence.placing import placed
from tailrace.validate.evidence.rows import Rows
from tailrace.validate.question import Answer
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.sql import DuckDBDialect
from tailrace.warehouse.stage import Staged

MODEL = """
SELECT range AS id,
  CASE WHEN range % 100 = 7 THEN NULL WHEN range % 50 = 3 THEN 'no at sign' ELSE 'user' || range || '@example.com' END AS email,
  CASE WHEN range < 12 THEN 101 + range ELSE range % 100 END AS score, range / 4.0 AS price,
  ['A', 'B', 'C', 'tailrace_judged_0'][1 + range % 4] AS grade, DATE '2026-01-01' + CAST(range % 31 AS INTEGER) AS day,
  range % 3 AS a, range % 5 AS b, (range % 3) + (range % 5) AS c, 'C:\\d "q" ''s''' AS "select"
FROM range(1000)"""
PERSONAL = Audience(frozenset({"email"}))
WHERE = "grade <> 'B' -- nobody's"

# what fails, as a condition on the staged rows
BY_ROW = [
    (between(min_value=0, max_value=100), "score > 100"),
    (expect("expect_column_values_to_be_in_set", column="grade", value_set=["A", "B", "C"]), "grade LIKE 'tail%'"),
    # a value that is called like the judged view stays a value
    (expect("expect_column_values_to_not_be_in_set", column="grade", value_set=["tailrace_judged_0", "it's"]), "grade LIKE 'tail%'"),
    (expect("expect_column_values_to_not_be_null", column="email"), "email IS NULL"),
    (expect("expect_column_values_to_match_regex", column="email", regex=r"^[^@\s]+@[^@\s]+\.[a-z]+$"), "email LIKE 'no%'"),
    (expect("expect_column_values_to_not_match_regex", column="select", regex=r"^C:\\d"), "true"),
    (expect("expect_column_values_to_not_match_like_pattern", column="select", like_pattern="%'s'"), "true"),
    (expect("expect_column_value_lengths_to_equal", column="email", value=18), "length(email) <> 18"),
    (expect("expect_column_value_z_scores_to_be_less_than", column="score", threshold=1.8, double_sided=True),
     "abs((score - (SELECT avg(score) FROM t)) / (SELECT stddev_samp(score) FROM t)) >= 1.8"),
    (expect("expect_column_pair_values_to_be_equal", column_A="a", column_B="b"), "a <> b"),
    (expect("expect_column_pair_values_to_be_in_set", column_A="a", column_B="b", value_pairs_set=[[0, 0], [1, 1]]),
     "NOT ((a = 0 AND b = 0) OR (a = 1 AND b = 1))"),
    (expect("expect_multicolumn_sum_to_equal", column_list=["a", "b"], sum_total=4), "a + b <> 4"),
    (expect("expect_select_column_values_to_be_unique_within_record", column_list=["a", "b", "c"]), "a = b OR a = c OR b = c"),
    (expect("expect_column_values_to_be_unique", column="email"), "email LIKE 'no%'"),
    (expect("expect_compound_columns_to_be_unique", column_list=["email", "grade"]),
     "(email, grade) IN (SELECT (email, grade) FROM t WHERE email IS NOT NULL GROUP BY email, grade HAVING count(*) > 1)"),
]  # fmt: skip
# what is judged as a whole: the rows of the query, where SQL of another shape says the same
WHOLE = [
    (expect("expect_column_max_to_be_between", column="score", max_value=100), [(112,)]),
    (expect("expect_column_mean_to_be_between", column="a", min_value=2), [(0.999,)]),
    (expect("expect_column_median_to_be_between", column="b", min_value=3), [(2.0,)]),
    (expect("expect_column_sum_to_be_between", column="b", max_value=1), [(2000,)]),
    (expect("expect_column_unique_value_count_to_be_between", column="grade", max_value=3), [(4,)]),
    (expect("expect_column_proportion_of_unique_values_to_be_between", column="grade", min_value=0.1), [(0.004,)]),
    (expect("expect_column_proportion_of_non_null_values_to_be_between", column="email", min_value=1), [(0.99,)]),
    (expect("expect_column_quantile_values_to_be_between", column="b",
            quantile_ranges={"quantiles": [0.1, 0.9], "value_ranges": [[9, 9], [9, 9]]}), [(0, 4)]),
    (expect("expect_table_row_count_to_be_between", min_value=2000), [(1000,)]),
    (expect("expect_table_row_count_to_equal_other_table", other_table_name="few"), [(1000, 2)]),
    (expect("expect_column_distinct_values_to_be_in_set", column="grade", value_set=["A", "B"]),
     [("C", 250), ("tailrace_judged_0", 250)]),
    (expect("expect_column_distinct_values_to_contain_set", column="a", value_set=[0, 9]), [(0, 334), (1, 333), (2, 333)]),
    (expect("expect_column_most_common_value_to_be_in_set", column="a", value_set=[9]), [(0, 334), (1, 333), (2, 333)]),
    (expect("expect_column_type_to_be", column="price", type_="VARCHAR"), None),
    (expect("expect_table_column_count_to_equal", value=1), None),
    (expect("unexpected_rows_expectation", unexpected_rows_query="SELECT grade, count(*) AS n FROM {batch} GROUP BY grade;"),
     [("A", 250), ("B", 250), ("C", 250), ("tailrace_judged_0", 250)]),
]  # fmt: skip
ALL = [item for item, _ in BY_ROW] + [item for item, _ in WHOLE]


def under(item: dict, where: str | None) -> dict:
    return {**item, "on_fail": "warn", "where": where}


@pytest.fixture(scope="module")
def judged():
    """All checks of this file, whole and under a condition, judged at once."""
    warehouse = DuckDBWarehouse(None)
    stage = staged(warehouse, MODEL)
    warehouse.execute("CREATE VIEW t AS SELECT * FROM tailrace_stage.crm")
    warehouse.execute("CREATE TABLE few AS SELECT 1 AS id UNION ALL SELECT 2")
    items = [under(item, None) for item in ALL] + [under(item, WHERE) for item, _ in BY_ROW]
    checks = assess(warehouse, suite(*items), stage, audience=PERSONAL).checks
    assert [check.expectation.type for check in checks if check.decision != "warn"] == []
    yield warehouse, checks
    warehouse.close()


def rows(warehouse: DuckDBWarehouse, sql: str) -> list[tuple]:
    return sorted(warehouse.query(sql), key=repr)


@pytest.mark.parametrize("number", range(len(BY_ROW)), ids=lambda number: BY_ROW[number][0]["type"])
def test_the_query_selects_every_failing_row_and_no_other(judged, number):
    warehouse, checks = judged
    check, (_, failing) = checks[number], BY_ROW[number]
    expected = rows(warehouse, f"SELECT * FROM t WHERE {failing}")
    assert rows(warehouse, check.query) == expected
    assert len(expected) == check.answer.unexpected > 0
    assert len(check.samples) == min(10, len(expected))


@pytest.mark.parametrize("number", range(len(BY_ROW)), ids=lambda number: BY_ROW[number][0]["type"])
def test_the_condition_of_an_expectation_is_in_its_query(judged, number):
    warehouse, checks = judged
    check = checks[len(ALL) + number]
    failing = BY_ROW[number][1].replace("FROM t", "FROM (SELECT * FROM t WHERE grade <> 'B')")
    if "GROUP BY" in failing:  # the condition comes before the groups
        failing = failing.replace("WHERE email IS", "AS t WHERE email IS")
    expected = rows(warehouse, f"SELECT * FROM t WHERE ({failing}) AND grade <> 'B'")
    assert len(expected) == check.answer.unexpected
    assert rows(warehouse, check.query) == expected


@pytest.mark.parametrize("number", range(len(WHOLE)), ids=lambda number: WHOLE[number][0]["type"])
def test_the_query_of_a_number_shows_it(judged, number):
    warehouse, checks = judged
    check, (_, expected) = checks[len(BY_ROW) + number], WHOLE[number]
    found = rows(warehouse, check.query)
    if expected is None:
        assert found == sorted(warehouse.columns(TableRef("tailrace_stage", "crm")).items(), key=repr)
    else:
        assert found == expected


def test_queries_read_real_tables_only(judged):
    _, checks = judged
    assert all("tailrace_stage" in check.query for check in checks)
    assert [
        check.query
        for check in checks
        if "tailrace_judged_0" in check.query.replace("'tailrace_judged_0'", "")
    ] == []


def test_repeated_values_stand_together(judged):
    warehouse, checks = judged
    emails = [row[1] for row in warehouse.query(checks[13].query)]
    assert emails == sorted(emails)


def test_samples_show_the_key_first_and_no_personal_value(judged):
    warehouse, checks = judged
    samples = [json.loads(text) for check in checks for text in check.samples]
    assert len(samples) > 100
    assert {row["email"] for row in samples if "email" in row} == {"***", None}
    by_row = [json.loads(text) for text in checks[0].samples]
    assert list(by_row[0])[:2] == ["id", "score"]
    assert [row["id"] for row in by_row] == list(range(10))
    assert not any("@" in text or "no at" in text for check in checks for text in check.samples)


def test_values_are_sampled_with_how_often_they_occur(judged):
    _, checks = judged
    at = len(BY_ROW) + [item["type"] for item, _ in WHOLE].index("expect_column_distinct_values_to_be_in_set")
    assert checks[at].samples == ('{"grade":"C","rows":250}', '{"grade":"tailrace_judged_0","rows":250}')


def custom(query: str, audience: Audience = PERSONAL, key: str | None = "id"):
    warehouse = DuckDBWarehouse(None)
    stage = staged(warehouse, MODEL)
    warehouse.execute(
        "CREATE TABLE people AS SELECT range AS id, 'p' || range || '@example.com' AS mail FROM range(20)"
    )
    item = expect("unexpected_rows_expectation", "warn", unexpected_rows_query=query)
    check = assess(warehouse, suite(item, key=key), stage, audience=audience).checks[0]
    assert (check.decision, bool(check.query)) == ("warn", True)
    warehouse.close()
    return [json.loads(text) for text in check.samples]


def test_a_query_of_the_suites_own_cannot_rename_a_personal_value():
    for select in (
        "email AS grade, id",
        "upper(email) AS x, id",
        "subselect AS x, id",
        "* RENAME (email AS x)",
        "COLUMNS('.*') AS 'c_\\0', id",
    ):
        for row in custom(f"SELECT {select} FROM {{batch}} WHERE score > 105 AND email IS NOT NULL"):
            assert row["email"] == "***"
            assert list(row)[:2] == ["id", "email"]
    assert custom("SELECT upper(email) AS x FROM {batch} WHERE score > 105 AND email IS NOT NULL") == []
    assert custom("SELECT p.mail FROM {batch} AS b JOIN people AS p USING (id)", Audience(), None) == []


def test_a_query_shows_its_own_columns_where_they_cannot_be_personal():
    many = "SELECT grade, count(*) AS n FROM {batch} GROUP BY grade HAVING count(*) > 1"
    assert custom(many)[0] == {"grade": "A", "n": 250}
    assert custom("SELECT email AS e FROM {batch} WHERE id = 1", Audience()) == [{"e": "user1@example.com"}]
    assert [row["email"] for row in custom("SELECT * FROM {batch} WHERE id = 1", key=None)] == ["***"]


def test_a_query_is_filled_in_as_the_package_fills_it_in():
    braces = "SELECT id /* no JOIN, no {{batch}} */ FROM {batch} WHERE regexp_matches(email, '^user9{{2}}@')"
    assert custom(braces) == custom("SELECT id FROM {batch} WHERE subselect.id = 99")
    assert len(custom("SELECT p.id FROM {batch} AS b JOIN people AS p USING (id) WHERE b.id < 3")) == 3


def test_as_many_samples_as_are_kept():
    item = between("warn", max_value=100)
    for kept in (0, 3):
        warehouse = DuckDBWarehouse(None)
        stage = staged(warehouse, MODEL)
        audience = Audience(keeping=Keeping(samples=kept))
        check = assess(warehouse, suite(item), stage, audience=audience).checks[0]
        assert len(check.samples) == kept
        assert check.query


class Mistaken:
    """An examiner that finds other rows than it counted, or none at all."""

    def __init__(self, error: bool) -> None:
        self.error = error

    def answers(self, questions):
        return [Answer(item.index, False, unexpected=3) for item in questions]

    def failing_rows(self, question, columns=()):  # noqa: ARG002  # an Examiner's
        if self.error:
            raise RuntimeError("no rows today")
        return f"SELECT * FROM {question.relation} WHERE score > 100"


@pytest.mark.parametrize("error", [False, True])
def test_a_query_that_cannot_be_proven_is_not_shown_and_the_verdict_stands(error):
    warehouse = DuckDBWarehouse(None)
    stage = staged(warehouse, MODEL)
    found = assess(warehouse, suite(between("warn", max_value=100)), stage, lambda _: Mistaken(error))
    check = found.checks[0]
    assert (found.decision, check.decision, check.query, check.samples) == ("pass", "warn", "", ())
    assert check.asked is not None


def test_a_check_that_passes_has_no_evidence():
    warehouse = DuckDBWarehouse(None)
    stage = staged(warehouse, MODEL)
    check = assess(warehouse, suite(between(max_value=1000)), stage).checks[0]
    assert (check.decision, check.query, check.samples) == ("pass", "", ())


OWN = {
    "exists_in": (
        expect("exists_in", "warn", where="id > 2", column="a", table="main.known"),
        "SELECT * FROM tailrace_stage.crm WHERE a = 2 AND id > 2",
    ),
    "exists_in_other_name": (
        expect("exists_in", "warn", column="email", table="main.known", to_column="mail"),
        "SELECT * FROM tailrace_stage.crm WHERE email IS NOT NULL AND email <> 'user1@example.com'",
    ),
    "no_missing_days": (
        expect("no_missing_days", "warn", column="day", last="40d", until="0d"),
        "SELECT DATE '2026-02-01', DATE '2026-02-09', 9",
    ),
    "total_matches_source": (
        expect("total_matches_source", "warn", column="b", source="main.known", source_column="amount", by=["a"]),
        ("SELECT a, CAST(sum(b) AS DECIMAL(38, 9)) AS ours, CAST(any_value(a + 1) AS DECIMAL(38, 9)) AS theirs, ours - theirs"
        " FROM tailrace_stage.crm WHERE a < 2 GROUP BY a UNION ALL SELECT 2, sum(b), 0, sum(b) FROM tailrace_stage.crm WHERE a = 2"),
    ),
    "fresh": (expect("fresh", "warn", column="day", max_age="1d"), "SELECT DATE '2026-01-31'"),
}  # fmt: skip


@pytest.fixture(scope="module")
def own():
    warehouse = DuckDBWarehouse(None)
    stage = staged(warehouse, MODEL)
    warehouse.execute(
        "CREATE TABLE known AS SELECT range AS a, range + 1 AS amount, 'user1@example.com' AS mail FROM range(2)"
    )
    items = [item for item, _ in OWN.values()]
    clock = datetime(2026, 2, 9, 12, tzinfo=UTC)
    checks = assess(warehouse, suite(*items), stage, audience=PERSONAL, now=clock).checks
    yield warehouse, dict(zip(OWN, checks, strict=True))
    warehouse.close()


@pytest.mark.parametrize("name", OWN)
def test_a_check_of_our_own_shows_what_it_found(own, name):
    warehouse, checks = own
    check = checks[name]
    assert (check.decision, check.answer.raised) == ("warn", None)
    assert rows(warehouse, check.query) == rows(warehouse, OWN[name][1])
    assert "tailrace_judged" not in check.query


def test_the_query_for_totals_breaks_no_line_in_an_expression(own):
    lines = own[1]["total_matches_source"].query.splitlines()
    assert [line for line in lines if line.startswith(")")] == ["), totals AS (", ")"]
    assert "CAST((amount) AS DECIMAL(38, 9))" in own[1]["total_matches_source"].query


@pytest.mark.parametrize("name", ["no_missing_days", "total_matches_source"])
def test_a_query_of_our_own_is_shown_only_with_as_many_rows_as_were_counted(own, name):
    warehouse, checks = own
    check, table = checks[name], Staged(TableRef("tailrace_stage", "crm"), 1000, "")
    seen = check.answer.result["observed_value"]
    for counted in (seen, seen + 1):
        again = replace(check, answer=replace(check.answer, result={"observed_value": counted}))
        found = shown(warehouse, None, table, again, check.asked)
        assert (found is not None) is (counted == seen)


def test_samples_of_our_own_checks_are_what_misses_or_differs(own):
    _, checks = own
    assert checks["no_missing_days"].samples == (
        '{"missing_from":"2026-02-01","missing_to":"2026-02-09","missing_days":9}',
    )
    assert [json.loads(text)["a"] for text in checks["total_matches_source"].samples] == [0, 1, 2]
    lost = [json.loads(text) for text in checks["exists_in_other_name"].samples]
    assert [list(row)[:2] for row in lost] == [["id", "email"]] * 10
    assert {row["email"] for row in lost} == {"***"}


def test_totals_of_a_personal_column_are_masked():
    warehouse = DuckDBWarehouse(None)
    stage = staged(warehouse, MODEL)
    warehouse.execute("CREATE TABLE known AS SELECT 0 AS a, 1 AS amount")
    item = OWN["total_matches_source"][0]
    check = assess(warehouse, suite(item), stage, audience=Audience(frozenset({"b"}))).checks[0]
    shown = json.loads(check.samples[0])
    assert shown == {"a": 0, "model_total": "***", "source_total": "***", "difference": "***"}


@dataclass(frozen=True)
class BigQuery(DuckDBDialect):
    """How BigQuery quotes, for SQL that no server of it reads here."""

    name: str = "bigquery"

    def quote(self, name: str) -> str:
        return f"`{name}`"


def test_a_query_for_bigquery_keeps_its_dialect_and_its_values():
    where = "grade <> 'tailrace_judged_0'"
    rows_of = Rows(BigQuery(), TableRef("tailrace_stage", "crm"), where)
    asked = (
        "SELECT * FROM (SELECT * FROM `tailrace_judged_0` WHERE true) AS `anon_1`"
        r" WHERE `email` IS NOT NULL AND NOT REGEXP_CONTAINS(`email`, r'^a\d \'tailrace_judged_0')"
    )
    placed_sql = placed(asked, "tailrace_judged_0", rows_of)
    assert placed_sql.startswith(
        "SELECT * FROM `tailrace_stage`.`crm` WHERE (grade <> 'tailrace_judged_0') AND "
    )
    assert placed_sql.count("tailrace_judged_0") == 2
    [pattern] = sqlglot.parse_one(placed_sql, read="bigquery").find_all(sqlglot.exp.RegexpLike)
    assert (
        pattern.expression.name
        == sqlglot.parse_one(asked, read="bigquery").find(sqlglot.exp.RegexpLike).expression.name
    )


def test_a_column_that_names_its_table_keeps_the_name():
    rows_of = Rows(DuckDBDialect(), TableRef("tailrace_stage", "crm"))
    asked = 'SELECT "v"."id" FROM "v" WHERE "v"."x" = \'v\' AND id IN (SELECT id FROM v AS w WHERE w.x > 1)'
    assert placed(asked, "v", rows_of) == (
        'SELECT "v"."id" FROM "tailrace_stage"."crm" AS v WHERE "v"."x" = \'v\''
        ' AND id IN (SELECT id FROM "tailrace_stage"."crm" AS w WHERE w.x > 1)'
    )


def test_samples_of_repeated_values_are_the_first_rows_of_the_query(judged):
    warehouse, checks = judged
    first = warehouse.query(f"SELECT id FROM ({checks[13].query}) ORDER BY email, id LIMIT 10")
    assert [json.loads(text)["id"] for text in checks[13].samples] == [id_ for (id_,) in first]
