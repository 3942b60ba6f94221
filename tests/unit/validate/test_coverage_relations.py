"""Every expectation about rows on relations that are not plain: of a condition, with holes, all NULL, of one row, of none."""

from __future__ import annotations

import pytest
from tests.unit.validate.cases import CASES, PASS, TABLE

from tailrace.validate.catalogue import entries
from tailrace.validate.question import Answer, Question
from tailrace.warehouse.duckdb import DuckDBWarehouse

COLUMNS = ("email", "score", "price", "grade", "day", "seen_at", "a", "b", "c", "flag", "select")


def _with_nulls(condition: str) -> str:
    """The columns, each NULL in rows of its own; `{n}` is its number."""
    return ", ".join(
        f'CASE WHEN NOT ({condition.format(n=number)}) THEN "{name}" END AS "{name}"'
        for number, name in enumerate(COLUMNS)
    )


RELATIONS = {
    "of_a_condition": "SELECT * FROM t WHERE a = 1 AND id > 3",
    "with_holes": f"SELECT id, {_with_nulls('(id * 7 + {n} * 3) % 11 < 3')} FROM t",
    "all_null": f"SELECT id, {_with_nulls('true')} FROM t LIMIT 50",
    "of_one_row": "SELECT * FROM t WHERE id = 4",
    "of_none": "SELECT * FROM t LIMIT 0",
}
ROWS = [number for number, case in enumerate(CASES) if entries()[case[0]].by_row]
ASKED = [pytest.param(name, number, id=f"{name}-{number}-{CASES[number][0]}") for name in RELATIONS for number in ROWS]  # fmt: skip


@pytest.fixture(scope="module")
def warehouse():
    opened = DuckDBWarehouse(None)
    opened.execute(TABLE)
    for name, select in RELATIONS.items():
        opened.execute(f"CREATE TEMP VIEW {name} AS {select}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def examiner(warehouse):
    from tailrace.validate.assess import great_expectations

    return great_expectations(warehouse.native())


@pytest.fixture(scope="module")
def answers(examiner) -> dict[str, list[Answer]]:
    """All relations together, as the checkpoint of a suite with several conditions is."""
    questions = [
        Question(place * len(CASES) + number, name, kind, kwargs)
        for place, name in enumerate(RELATIONS)
        for number, (kind, kwargs, _) in enumerate(CASES)
    ]
    found = examiner.answers(questions)
    return {
        name: found[place * len(CASES) : (place + 1) * len(CASES)] for place, name in enumerate(RELATIONS)
    }


NULL_IS_ANOTHER = {
    "expect_column_pair_values_to_be_equal": "a IS DISTINCT FROM b",
    "expect_multicolumn_values_to_be_equal": "a IS DISTINCT FROM b OR b IS DISTINCT FROM c",
}
"""Where Great Expectations holds a NULL beside a value for a difference, unlike SQL; NULL in all columns is not judged."""


@pytest.mark.parametrize(("relation", "number"), ASKED)
def test_counts_and_names_what_sql_does(warehouse, examiner, answers, relation, number):
    kind, kwargs, wanted = CASES[number]
    condition = NULL_IS_ANOTHER.get(kind) or (wanted[0] if isinstance(wanted, tuple) else wanted)
    condition = condition.replace("FROM t", f"FROM {relation}")
    failing = warehouse.query(f"SELECT id FROM {relation} WHERE {condition} ORDER BY id")
    answer = answers[relation][number]
    assert answer.raised is None
    assert answer.unexpected == len(failing)
    rows = examiner.failing_rows(Question(number, relation, kind, kwargs), ["id"])
    assert warehouse.query(f"SELECT id FROM ({rows}) ORDER BY id") == failing
    judged = warehouse.query(f"SELECT count({_judged(kind, kwargs)}) FROM {relation}")[0][0]
    enough = kwargs.get("mostly", 1) * judged <= judged - len(failing)
    assert answer.success is enough


def _judged(kind: str, kwargs: dict) -> str:
    """What is not NULL where a row is judged: the column itself, unless NULL is what is asked about."""
    return f'"{kwargs["column"]}"' if "column" in kwargs and not kind.endswith("_be_null") else "*"


ON_NOTHING = {  # of the aggregates: what no values satisfy as well
    ("expect_column_distinct_values_to_be_in_set", PASS), ("expect_column_distinct_values_to_be_in_set", False),
    ("expect_column_proportion_of_unique_values_to_be_between", PASS), ("unexpected_rows_expectation", PASS), ("unexpected_rows_expectation", False),
}  # fmt: skip
AGGREGATES = [
    number
    for number, (kind, _, wanted) in enumerate(CASES)
    if wanted in (PASS, False)
    and not kind.startswith(("expect_table_column", "expect_column_to_", "expect_column_type"))
    and not kind.endswith(("_of_type", "_in_type_list"))
]


@pytest.mark.parametrize("relation", ["all_null", "of_none"])
@pytest.mark.parametrize("number", AGGREGATES)
def test_no_values_pass_nothing_that_asks_for_some(answers, relation, number):
    """A mean of nothing is not between 0 and 1: where there is nothing to see, an aggregate fails, and none is lost."""
    kind, _, wanted = CASES[number]
    answer = answers[relation][number]
    assert answer.success is ((kind, wanted) in ON_NOTHING)
    if kind == "expect_column_kl_divergence_to_be_less_than":
        assert answer.raised == "division by zero: there are no values"
    elif kind == "expect_table_row_count_to_equal_other_table":
        assert answer.raised == "Catalog Error: Table with name u does not exist!"
    else:
        assert answer.raised is None


@pytest.mark.parametrize("relation", RELATIONS)
def test_repeated_values_are_counted_without_their_nulls(warehouse, examiner, relation):
    """One column: its NULLs repeat nothing. Several: nor does a combination with a NULL in it."""
    asked = [
        Question(0, relation, "expect_column_values_to_be_unique", {"column": "grade"}),
        Question(1, relation, "expect_compound_columns_to_be_unique", {"column_list": ["grade", "a"]}),
    ]
    repeated = f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {relation} WHERE {{}} GROUP BY {{}} HAVING n > 1)"
    one = warehouse.query(repeated.format("grade IS NOT NULL", "grade"))[0][0]
    two = warehouse.query(repeated.format("grade IS NOT NULL AND a IS NOT NULL", "grade, a"))[0][0]
    found = examiner.answers(asked)
    assert [answer.success for answer in found] == [one == 0, two == 0]
    assert [answer.unexpected or 0 for answer in found] == [one, two]
