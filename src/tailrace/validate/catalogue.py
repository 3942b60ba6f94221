"""What expectations are called and take; of Great Expectations' from a file, so that checking a suite needs no import of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tailrace.project.reader import hint
from tailrace.validate.entry import Entry as Entry  # noqa: PLC0414  # whoever asks for entries names them
from tailrace.validate.own import registry

PATH = Path(__file__).with_name("catalogue.json")
COLUMN_KWARGS = ("column", "column_A", "column_B", "column_list", "by")
"""Kwargs that name columns which the model must have."""

UNAVAILABLE: Mapping[str, str] = {
    "expect_column_values_to_be_dateutil_parseable": "Use try_cast in the model and expect_column_values_to_not_be_null",
    "expect_column_values_to_match_strftime_format": "Use expect_column_values_to_match_regex, or try_strptime in the model",
    "expect_column_values_to_be_decreasing": "Put lag() into the model and use expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_values_to_be_increasing": "Put lag() into the model and use expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_values_to_be_json_parseable": "Put json_valid() into the model and use expect_column_values_to_be_in_set",
    "expect_column_values_to_match_json_schema": "Put the JSON's parts into columns of the model and expect something of those",
    "expect_query_results_to_match_comparison": "Use total_matches_source, or a query: unexpected_rows_expectation",
}
"""Expectations without SQL for this engine, each with what to write in its place."""

_GONE = (
    "expect_column_bootstrapped_ks_test_p_value_to_be_greater_than",
    "expect_column_chisquare_test_p_value_to_be_greater_than",
    "expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than",
)
_OF_DBT: Mapping[str, str] = {
    "not_null": "expect_column_values_to_not_be_null",
    "unique": "expect_column_values_to_be_unique",
    "accepted_values": "expect_column_values_to_be_in_set",
    "relationships": "exists_in",
    "unique_combination_of_columns": "expect_compound_columns_to_be_unique",
    "expression_is_true": "unexpected_rows_expectation",
    "accepted_range": "expect_column_values_to_be_between",
}


def unknown_type(name: str) -> tuple[str, str]:
    """What is wrong with a type that there is not, and the fix."""
    if name in _GONE:
        return f"Great Expectations no longer has {name}", "Use no_drift, which compares with earlier runs"
    if name in _OF_DBT:
        return f"{name} is dbt's name", f"Write {_OF_DBT[name]}"
    known = sorted(set(entries()) - set(UNAVAILABLE))
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    fix = f"Write {snake}" if snake in known else hint(name, known)
    return f"Great Expectations has no {name}", fix


@cache
def entries() -> Mapping[str, Entry]:
    """All expectations of the release that the file was made from, and tailrace's own, by type."""
    found = json.loads(PATH.read_text())["expectations"]
    theirs = {
        name: Entry(
            entry["kind"],
            entry["by_row"],
            {kwarg: tuple(takes) for kwarg, takes in entry["kwargs"].items()},
            tuple(entry["required"]),
        )
        for name, entry in found.items()
    }
    return theirs | dict(registry.entries())


def columns_of(kwargs: Mapping[str, object]) -> list[tuple[tuple[str | int, ...], str]]:
    """The columns that an expectation's kwargs name, each with its path below `kwargs`."""
    named: list[tuple[tuple[str | int, ...], str]] = []
    for kwarg in COLUMN_KWARGS:
        value = kwargs.get(kwarg)
        if isinstance(value, str):
            named.append(((kwarg,), value))
        elif isinstance(value, list | tuple):
            named += [((kwarg, place), item) for place, item in enumerate(value) if isinstance(item, str)]
    return named
