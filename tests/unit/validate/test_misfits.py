"""What Great Expectations raises, in words: which column, of which type, and what it was given; never a value."""

from __future__ import annotations

import pytest
from tests.unit.validate.made import between, expect, staged, suite

from tailrace.validate.assess import assess
from tailrace.validate.question import Question
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = """SELECT range AS id, 'zoe' || range AS email, range AS score, DATE '2026-01-01' AS day, [range] AS tags
FROM range(100)"""
MAX, SUM, MEDIAN = (f"expect_column_{name}_to_be_between" for name in ("max", "sum", "median"))
QUANTILES = "expect_column_quantile_values_to_be_between"
HALF = {"quantiles": [0.5], "value_ranges": [[1, 2]]}

CASES = [
    (expect(MAX, column="email", max_value=3), "email is VARCHAR and cannot be compared with a number"),
    (expect(MAX, column="score", max_value="2026-01-01"), "score is BIGINT and cannot be compared with a date"),
    (expect(MAX, column="day", max_value=3), "day is DATE and cannot be compared with a number"),
    (expect(MAX.replace("max", "min"), column="email", min_value="2026-01-01"), "email is VARCHAR and cannot be compared with a date"),
    (between(column="email", max_value=3), "email is VARCHAR and cannot be compared with a number"),
    (expect(MEDIAN, column="email", max_value=3), f"email is VARCHAR, and {MEDIAN} is about numbers"),
    (expect(QUANTILES, column="email", quantile_ranges=HALF), f"email is VARCHAR, and {QUANTILES} is about numbers"),
    (expect(QUANTILES, column="day", quantile_ranges=HALF), f"day is DATE, and {QUANTILES} is about numbers"),
    (expect(SUM, column="score", max_value="zoe1"), "max_value is text, not a date or a number"),
    (between(max_value="zoe1", min_value=[1]), "max_value is text, not a date or a number; min_value is a list, not a date or a number"),
    (expect("expect_table_row_count_to_be_between", min_value="zoe1"), "min_value is text, not a date or a number"),
]  # fmt: skip


@pytest.fixture(scope="module")
def checks():
    warehouse = DuckDBWarehouse(None)
    found = assess(warehouse, suite(*(item for item, _ in CASES)), staged(warehouse, ROWS))
    yield found.checks
    warehouse.close()


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_misfit_is_told_in_words(checks, number):
    wanted = CASES[number][1]
    assert (checks[number].answer.raised, checks[number].answer.own_words) == (wanted, True)
    assert "zoe" not in checks[number].reason


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("KeyError: MetricConfigurationID(metric_name='column.partition', metric_domain_kwargs_id='x')",
         "Great Expectations found nothing that it could compare"),
        ("'<' not supported between instances of 'Foo' and 'Bar'", "its values cannot be compared with what it is given"),
        ("could not convert string to float: 'zoe'", "its values are no numbers"),
        ("Conversion Error: Could not convert string 'zoe' to INT32", None),
        ("the disk is full", None),
    ],
)  # fmt: skip
def test_where_types_tell_nothing_the_kind_of_error_does(message, told):
    from tailrace.validate.gx.misfits import in_words

    assert in_words(message, Question(0, "t", MAX, {"column": "score"}), dict) == told
