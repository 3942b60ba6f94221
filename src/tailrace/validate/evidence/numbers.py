"""Queries for what is judged of a column or table as a whole: the number itself, or the values and how often each occurs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tailrace.validate.evidence.rows import Rows, Shown
from tailrace.validate.question import Question

COUNT = "rows"
"""How the number of rows is called beside a value."""

_OF_A_COLUMN = {
    "expect_column_max_to_be_between": "max({0})",
    "expect_column_min_to_be_between": "min({0})",
    "expect_column_mean_to_be_between": "avg({0})",
    "expect_column_sum_to_be_between": "sum({0})",
    "expect_column_stdev_to_be_between": "stddev_samp({0})",
    "expect_column_unique_value_count_to_be_between": "count(DISTINCT {0})",
    "expect_column_proportion_of_unique_values_to_be_between": "count(DISTINCT {0}) / nullif(count({0}), 0)",
    "expect_column_proportion_of_non_null_values_to_be_between": "count({0}) / nullif(count(*), 0)",
}
_OF_THE_TABLE = (
    *("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal"),
    "expect_table_row_count_to_equal_other_table",
)
_OF_ITS_COLUMNS = (
    *("expect_column_to_exist", "expect_column_type_to_be", "expect_column_values_to_be_of_type"),
    *("expect_column_values_to_be_in_type_list", "expect_table_column_count_to_be_between"),
    *("expect_table_column_count_to_equal", "expect_table_columns_to_match_ordered_list"),
    "expect_table_columns_to_match_set",
)


def shown(question: Question, rows: Rows) -> Shown | None:
    """The query for one of these expectations; None for those that are not known here."""
    if question.type in _OF_A_COLUMN:
        expression = _OF_A_COLUMN[question.type].format(_column(question, rows))
        return Shown(rows.select(expression), "number", (str(question.kwargs["column"]),))
    if question.type in _OF_THE_TABLE:
        return Shown(_row_counts(question, rows), "number")
    if question.type in _OF_ITS_COLUMNS:
        return Shown(_columns(rows), "about")
    build = _BUILT.get(question.type)
    return build(question, rows) if build else None


def _column(question: Question, rows: Rows) -> str:
    return rows.dialect.quote(str(question.kwargs["column"]))


def _row_counts(question: Question, rows: Rows) -> str:
    other = question.kwargs.get("other_table_name")
    if not other:
        return rows.select("count(*)")
    table = ".".join(rows.dialect.quote(part) for part in str(other).split("."))
    return f"SELECT ({rows.select('count(*)')}) AS staged, (SELECT count(*) FROM {table}) AS other"


def _columns(rows: Rows) -> str:
    """Names and types as the engine's own catalogue has them."""
    name = rows.dialect.literal(rows.ref.name)
    if rows.dialect.name == "bigquery":
        source, schema = f"{rows.dialect.quote(rows.ref.schema)}.INFORMATION_SCHEMA.COLUMNS", ""
    else:
        source = "information_schema.columns"
        schema = f" AND table_schema = {rows.dialect.literal(rows.ref.schema)}"
    return (
        f"SELECT column_name, data_type FROM {source} WHERE table_name = {name}{schema}"
        " ORDER BY ordinal_position"
    )


def _quantiles(question: Question, rows: Rows) -> Shown:
    """One number for each quantile; BigQuery's is a window function, the same in every row."""
    column = _column(question, rows)
    asked = question.kwargs.get("quantile_ranges", {}).get("quantiles", [0.5])
    bigquery = rows.dialect.name == "bigquery"
    call = "percentile_disc({0}, {1}) OVER ()" if bigquery else "quantile_disc({0}, {1})"
    parts = [
        f"{call.format(column, rows.value(share))} AS {rows.dialect.quote(f'q{share:g}'.replace('.', '_'))}"
        for share in asked
    ]
    return Shown(rows.select(("DISTINCT " if bigquery else "") + ", ".join(parts)), "number")


def _median(question: Question, rows: Rows) -> Shown:
    column = _column(question, rows)
    if rows.dialect.name == "bigquery":
        return Shown(rows.select(f"DISTINCT percentile_cont({column}, 0.5) OVER ()"), "number")
    return Shown(rows.select(f"quantile_cont({column}, 0.5)"), "number")


def _values(question: Question, rows: Rows, condition: str = "", limit: str = "") -> Shown:
    """Each value and the number of its rows, the most frequent first."""
    column = _column(question, rows)
    count = rows.dialect.quote(COUNT)
    conditions = f"{column} IS NOT NULL" + (f" AND {condition}" if condition else "")
    sql = rows.select(
        f"{column}, count(*) AS {count}",
        conditions,
        f"GROUP BY {column} ORDER BY {count} DESC, {column}{limit}",
    )
    return Shown(sql, "values", (str(question.kwargs["column"]),))


def _outside(question: Question, rows: Rows) -> Shown:
    allowed = rows.values(question.kwargs["value_set"])
    return _values(question, rows, f"{_column(question, rows)} NOT IN ({allowed})")


def _spread(question: Question, rows: Rows) -> Shown:
    return replace(_values(question, rows), counted=False)


def _most_common(question: Question, rows: Rows) -> Shown:
    return replace(_values(question, rows, limit=" LIMIT 10"), counted=False)


_BUILT: Mapping[str, Callable[[Question, Rows], Shown]] = {
    "expect_column_quantile_values_to_be_between": _quantiles,
    "expect_column_median_to_be_between": _median,
    "expect_column_distinct_values_to_be_in_set": _outside,
    "expect_column_distinct_values_to_contain_set": _spread,
    "expect_column_distinct_values_to_equal_set": _spread,
    "expect_column_most_common_value_to_be_in_set": _most_common,
    "expect_column_kl_divergence_to_be_less_than": _spread,
}
