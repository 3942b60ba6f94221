"""Every expectation that works over SQL, on DuckDB, against what plain SQL says: all through one context."""

from __future__ import annotations

import pytest
from tests.unit.validate.cases import CASES, PASS, TABLE

from tailrace.validate.catalogue import UNAVAILABLE, entries
from tailrace.validate.question import Answer, Question
from tailrace.warehouse.duckdb import DuckDBWarehouse

NUMBERED = [pytest.param(number, id=f"{number}-{case[0]}") for number, case in enumerate(CASES)]


@pytest.fixture(scope="module")
def warehouse():
    opened = DuckDBWarehouse(None)
    opened.execute(TABLE)
    opened.execute("CREATE TABLE u AS SELECT * FROM t")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def examiner(warehouse):
    from tailrace.validate.assess import great_expectations

    return great_expectations(warehouse.native())


@pytest.fixture(scope="module")
def answers(examiner) -> list[Answer]:
    return examiner.answers([Question(n, "t", kind, kwargs) for n, (kind, kwargs, _) in enumerate(CASES)])


@pytest.mark.parametrize("number", NUMBERED)
def test_says_what_sql_says(warehouse, answers, number):
    kind, _, wanted = CASES[number]
    answer = answers[number]
    assert answer.raised is None
    assert answer.index == number
    if wanted in (PASS, False):
        assert answer.success is (wanted == PASS)
        return
    condition, passes = wanted if isinstance(wanted, tuple) else (wanted, None)
    expected = warehouse.query(f"SELECT count(*) FROM t WHERE {condition}")[0][0]
    assert answer.success is (expected == 0 if passes is None else passes)
    if answer.unexpected is not None:
        assert answer.unexpected == expected
    else:
        assert (kind, expected) == ("expect_column_values_to_be_unique", 0), (
            "only the cheap way counts no rows"
        )


@pytest.mark.parametrize("number", [case for case in NUMBERED if entries()[CASES[case.values[0]][0]].by_row])
def test_names_exactly_the_rows_that_it_counts(warehouse, examiner, number):
    kind, kwargs, wanted = CASES[number]
    condition = wanted[0] if isinstance(wanted, tuple) else wanted
    rows = examiner.failing_rows(Question(number, "t", kind, kwargs), ["id"])
    found = warehouse.query(f"SELECT id FROM ({rows}) ORDER BY id")
    assert found == warehouse.query(f"SELECT id FROM t WHERE {condition} ORDER BY id")


def test_what_was_observed_reads_as_what_was_counted(examiner):
    unique, query = "expect_column_values_to_be_unique", "unexpected_rows_expectation"
    asked = [
        *((unique, {"column": name}) for name in ("id", "grade")),
        *((query, {query.replace("expectation", "query"): f"SELECT * FROM {{batch}} WHERE id < {n}"}) for n in (0, 1, 2)),
        ("expect_column_values_to_not_be_null", {"column": "email"}),
    ]  # fmt: skip
    found = examiner.answers([Question(number, "t", *one) for number, one in enumerate(asked)])
    assert [(answer.observed, answer.unexpected, answer.number) for answer in found] == [
        ("all distinct", None, None), ("100% unexpected", 1000, None),
        ("0 rows", 0, 0.0), ("1 row", 1, 1.0), ("2 rows", 2, 2.0), ("1% unexpected", 10, None),
    ]  # fmt: skip


def test_of_no_rows_none_fail(warehouse, examiner):
    warehouse.execute("CREATE TABLE IF NOT EXISTS nothing AS SELECT * FROM t LIMIT 0")
    asked = ["expect_column_values_to_be_unique", "expect_column_values_to_not_be_null"]
    found = examiner.answers([Question(n, "nothing", kind, {"column": "id"}) for n, kind in enumerate(asked)])
    assert [(answer.success, answer.observed, answer.unexpected) for answer in found] == [
        (True, "0 rows", 0)
    ] * 2


def test_every_expectation_is_tried_or_refused():
    tried = {kind for kind, _, _ in CASES}
    assert tried | set(UNAVAILABLE) == {name for name, entry in entries().items() if not entry.own}
    assert not tried & set(UNAVAILABLE)


def test_what_is_refused_truly_has_no_sql(examiner):
    kwargs = {
        "expect_column_values_to_match_strftime_format": {"strftime_format": "%Y"},
        "expect_column_values_to_match_json_schema": {"json_schema": {"type": "object"}},
    }
    asked = [
        Question(number, "t", kind, {"column": "score", **kwargs.get(kind, {})})
        for number, kind in enumerate(sorted(UNAVAILABLE))
        if "column" in entries()[kind].required
    ]
    assert len(asked) == len(UNAVAILABLE) - 1
    assert all(answer.raised for answer in examiner.answers(asked))


def test_one_that_raises_does_not_take_its_neighbours_along(examiner):
    asked = [
        Question(0, "t", "expect_column_values_to_be_between", {"column": "score", "max_value": 200}),
        Question(1, "t", "expect_column_values_to_match_regex", {"column": "score", "regex": "x"}),
        Question(2, "t", "expect_column_values_to_be_between", {"column": "a", "max_value": 1}),
        Question(3, "t", "expect_column_values_to_be_between", {"column": "nowhere", "max_value": 1}),
        Question(4, "t", "expect_column_values_to_match_regex", {"column": "email", "regex": "("}),
        Question(5, "t", "expect_column_values_to_be_between", {"column": "a", "max_value": "much"}),
    ]
    found = examiner.answers(asked)
    assert [answer.success for answer in found] == [True, False, False, False, False, False]
    assert [answer.unexpected for answer in found[:3]] == [0, None, 333]
    assert found[1].raised.startswith("Binder Error")
    assert found[3].raised == 'The column "nowhere" in BatchData does not exist'
    assert all("\n" not in answer.raised for answer in (found[1], found[3], found[4], found[5]))


def test_the_catalogue_is_that_of_the_installed_release(examiner):
    import json

    from tailrace.validate.catalogue import PATH
    from tailrace.validate.gx.describe import catalogue

    assert json.loads(PATH.read_text()) == json.loads(json.dumps(catalogue()))


def test_rows_stay_where_they_are(warehouse, answers):
    """The package's default copies every batch into a temporary table."""
    assert answers
    assert warehouse.query("SELECT table_name FROM duckdb_tables() WHERE temporary") == []


def test_numbers_are_compared_with_all_their_digits():
    """DuckDB's FLOAT has 24 bits and its NUMERIC three decimals, unlike those of the dialect that is compiled from."""
    import sqlalchemy as sa

    from tailrace.validate.gx.dialect import DuckDBDialect

    kinds = (sa.Float(), sa.Numeric(), sa.REAL(), sa.Numeric(12, 2))
    found = [str(sa.cast(sa.column("select"), kind).compile(dialect=DuckDBDialect())) for kind in kinds]
    assert found == [
        *['CAST("select" AS DOUBLE)'] * 3,
        'CAST("select" AS DECIMAL(12, 2))',
    ]


def test_the_stand_ins_give_way_to_the_real_modules(answers):
    """The divergence case above needed scipy, which the lean import had left out."""
    import sys

    assert answers
    assert type(sys.modules["scipy"]).__name__ == "module"
    assert "altair" not in sys.modules
