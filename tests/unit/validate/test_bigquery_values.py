"""Values on their way to BigQuery: hostile texts, days and instants, numbers, NaN; and the SQL where the emulator cannot tell."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from tests.emulator import PROJECT
from tests.unit.validate.shop import Recorded

from tailrace.validate.question import Question

GOLDEN = Path(__file__).parents[2] / "golden" / "validate" / "bigquery"
TYPES = {
    "id": "INT64", "text": "STRING", "day": "DATE", "at": "TIMESTAMP", "local": "DATETIME", "clock": "TIME",
    "amount": "NUMERIC", "share": "FLOAT64", "other": "FLOAT64", "yes": "BOOL",
}  # fmt: skip
ROWS = f"(SELECT * FROM `{PROJECT}.shop.odd`)"
TEXTS = (
    "plain", "it's", 'say "x"', "both ' and \"", "C:\\dir", "100%", "%s %(x)s %%", "a\nb\tc", "é 日本 😀", "\u2028\u200b",
    ":name @name ?", "`back`", "", "trailing\\", "\x7f", "{batch}", "a_b", "axb", "-- /* */ ;",
)  # fmt: skip


@pytest.fixture(scope="module")
def client(bigquery):
    """One row for every text, with the same moments and numbers in each but the last, which is later and larger."""
    from google.cloud.bigquery import QueryJobConfig
    from google.cloud.bigquery import ScalarQueryParameter as Value

    columns = ", ".join(f"`{name}` {kind}" for name, kind in TYPES.items())
    bigquery.create_dataset("shop", exists_ok=True)
    bigquery.query_and_wait(f"CREATE OR REPLACE TABLE shop.odd ({columns})")
    last = len(TEXTS) - 1
    for number, text in enumerate(TEXTS):
        year = 2027 if number == last else 2026
        values = [
            number, text, date(year, 1, 5), datetime(year, 1, 5, 10, tzinfo=UTC), datetime(year, 1, 5, 10),
            time(10, 30), Decimal("2.2" if number == last else "1.1"), 2.2 if number == last else 1.1, 1.1, number != last,
        ]  # fmt: skip
        given = [
            Value(f"p{at}", kind, value)
            for at, (kind, value) in enumerate(zip(TYPES.values(), values, strict=True))
        ]
        names = ", ".join(f"@p{at}" for at in range(len(values)))
        bigquery.query_and_wait(
            f"INSERT INTO shop.odd VALUES ({names})", job_config=QueryJobConfig(query_parameters=given)
        )
    yield Recorded(bigquery)
    bigquery.delete_table("shop.odd")


@pytest.fixture(scope="module")
def examiner(client):
    from tailrace.validate.gx import lean

    lean.load()
    from tailrace.validate.gx.bigquery import BigQueryExaminer

    return BigQueryExaminer(client)


def failing(bigquery, examiner, kind: str, kwargs: dict) -> list[int]:
    """Ids of the failing rows, as many as were counted."""
    question = Question(0, ROWS, kind, kwargs)
    answer = examiner.answers([question])[0]
    assert answer.raised is None
    found = sorted(row[0] for row in bigquery.query_and_wait(examiner.failing_rows(question, ["id"])))
    assert answer.unexpected == len(found)
    return found


@pytest.mark.parametrize("number", range(len(TEXTS)), ids=[ascii(text) for text in TEXTS])
def test_every_text_is_itself_in_a_set(bigquery, examiner, number):
    kwargs = {"column": "text", "value_set": [TEXTS[number], "none of them"]}
    others = [other for other in range(len(TEXTS)) if other != number]
    assert failing(bigquery, examiner, "expect_column_values_to_be_in_set", kwargs) == others


@pytest.mark.parametrize(
    ("regex", "matching"),
    [
        (r"^C:\\dir$", {4}),
        (r"\\", {4, 13}),
        ("'", {1, 3}),
        ('"', {2, 3}),
        ("%", {5, 6}),
        (r"%\(x\)s", {6}),
        (r"\n", {7}),
        ("日|😀", {8}),
        ("^$", {12}),
        (r"\x7f", {14}),
        (":name", {10}),
    ],
)
def test_regular_expressions_find_part_of_a_text(bigquery, examiner, regex, matching):
    kwargs = {"column": "text", "regex": regex}
    wanted = [number for number in range(len(TEXTS)) if number not in matching]
    assert failing(bigquery, examiner, "expect_column_values_to_match_regex", kwargs) == wanted


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("C:\\%", {4}),
        ("%\\", {13}),
        ("100%", {5}),
        ("a_b", {16, 17}),
        ("a\\_b", set()),
        ("%'%", {1, 3}),
        ("%😀", {8}),
    ],
)
def test_a_backslash_in_like_stands_for_itself(bigquery, examiner, pattern, matching):
    """As on DuckDB; on BigQuery it would escape what follows."""
    kwargs = {"column": "text", "like_pattern": pattern}
    wanted = [number for number in range(len(TEXTS)) if number not in matching]
    assert failing(bigquery, examiner, "expect_column_values_to_match_like_pattern", kwargs) == wanted


LAST = [len(TEXTS) - 1]


@pytest.mark.parametrize(
    ("column", "bound"),
    [
        ("day", "2026-06-01"),
        ("day", "2026-01-05T12:00:00"),
        ("at", "2026-06-01"),
        ("at", "2026-01-05T10:00:00"),
        ("at", "2026-01-05T12:00:00+02:00"),
        ("at", "2026-01-05 10:00:00Z"),
        ("local", "2026-06-01"),
        ("local", "2026-01-05T12:00:00+02:00"),
        ("amount", 1.1),
        ("amount", 2),
        ("share", 1.1),
        ("id", len(TEXTS) - 2),
    ],
)
def test_bounds_are_typed_by_their_column(bigquery, client, examiner, column, bound):
    kwargs = {"column": column, "max_value": bound}
    assert failing(bigquery, examiner, "expect_column_values_to_be_between", kwargs) == LAST
    assert client.refused({"odd": TYPES}) == []


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("day", ["2026-01-05"]),
        ("at", ["2026-01-05T10:00:00"]),
        ("at", ["2026-01-05T11:00:00+01:00", "2020-01-01"]),
        ("local", ["2026-01-05 10:00:00"]),
        ("amount", [1.1, 5]),
        ("amount", ["1.1"]),
        ("share", [1.1]),
        ("yes", [True]),
        ("id", [str(number) for number in range(len(TEXTS) - 1)]),
    ],
)
def test_sets_are_typed_by_their_column(bigquery, client, examiner, column, values):
    kwargs = {"column": column, "value_set": values}
    assert failing(bigquery, examiner, "expect_column_values_to_be_in_set", kwargs) == LAST
    assert client.refused({"odd": TYPES}) == []


@pytest.mark.parametrize(
    ("kind", "kwargs", "success"),
    [
        ("expect_column_max_to_be_between", {"column": "at", "max_value": "2027-01-05T10:00:00"}, True),
        ("expect_column_max_to_be_between", {"column": "at", "max_value": "2027-01-05T09:59:59Z"}, False),
        ("expect_column_min_to_be_between", {"column": "local", "min_value": "2026-01-05"}, True),
        ("expect_column_max_to_be_between", {"column": "day", "max_value": "2026-12-31"}, False),
        ("expect_column_max_to_be_between", {"column": "amount", "max_value": 2.2}, True),
        ("expect_column_distinct_values_to_be_in_set", {"column": "day", "value_set": ["2026-01-05", "2027-01-05"]}, True),
        ("expect_column_distinct_values_to_be_in_set", {"column": "at", "value_set": ["2026-01-05T10:00:00"]}, False),
        ("expect_column_values_to_be_of_type", {"column": "local", "type_": "DATETIME"}, True),
        ("expect_column_values_to_be_in_type_list", {"column": "amount", "type_list": ["NUMERIC", "BIGNUMERIC"]}, True),
        ("expect_column_type_to_be", {"column": "clock", "type_": "TIME"}, True),
    ],
)  # fmt: skip
def test_what_a_column_holds_is_compared_in_its_type(examiner, kind, kwargs, success):
    answer = examiner.answers([Question(0, ROWS, kind, kwargs)])[0]
    assert answer.raised is None
    assert answer.success is success


def test_types_that_bigquery_does_not_compare_are_told(client, examiner):
    """The emulator would let it pass; BigQuery has no operator, and what it refuses blocks."""
    asked = Question(
        0, ROWS, "expect_column_pair_values_to_be_equal", {"column_A": "at", "column_B": "local"}
    )
    before = len(client.sent)
    examiner.answers([asked])
    alone = Recorded(None)
    alone.sent = client.sent[before:]
    del client.sent[before:]
    assert alone.refused({"odd": TYPES})


def golden() -> list[tuple[str, dict, str]]:
    """Blocks of `== why`, the question as JSON, and BigQuery's SQL for its failing rows."""
    blocks = (GOLDEN / "conditions.txt").read_text(encoding="utf-8").split("== ")[1:]
    parts = [block.split("\n", maxsplit=2) for block in blocks]
    return [(why, json.loads(question), sql.strip()) for why, question, sql in parts]


@pytest.mark.parametrize(("why", "question", "sql"), golden(), ids=[why for why, _, _ in golden()])
def test_compiles_to_the_golden(examiner, why, question, sql):
    found = examiner.failing_rows(Question(0, ROWS, question["type"], question["kwargs"]), ["id"])
    condition = found.rsplit("AS `anon_1`", maxsplit=1)[1].strip()
    assert condition == sql
