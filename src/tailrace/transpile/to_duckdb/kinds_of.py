"""Kinds of BigQuery's expressions: its literals and functions return other types than DuckDB's."""

from __future__ import annotations

from sqlglot import exp

from tailrace.transpile.kinds import Kinds
from tailrace.transpile.signatures import BOOL, DATE, DOUBLE, INT, TEXT, TIMESTAMP, UNKNOWN, Kind
from tailrace.transpile.types import literal_kind

_RETURNS: dict[str, Kind] = {
    **dict.fromkeys((
        "count", "countif", "length", "char_length", "strpos", "instr", "date_diff", "timestamp_diff", "datetime_diff", "div",
        "array_length", "unix_seconds", "unix_millis", "unix_micros", "unix_date", "row_number", "rank", "dense_rank",
    ), INT),
    **dict.fromkeys((
        "concat", "lower", "upper", "trim", "ltrim", "rtrim", "substr", "substring", "left", "right", "replace", "format_date",
        "format_timestamp", "format_datetime", "regexp_extract", "regexp_replace", "to_hex", "string_agg", "json_value",
    ), TEXT),
    **dict.fromkeys(("avg", "ieee_divide", "sqrt", "exp", "ln", "log", "log10", "stddev", "variance"), DOUBLE),
    **dict.fromkeys(("date", "date_add", "date_sub", "last_day", "parse_date"), DATE),
    **dict.fromkeys((
        "timestamp", "datetime", "timestamp_add", "timestamp_sub", "datetime_add", "datetime_sub", "timestamp_trunc",
        "datetime_trunc", "parse_timestamp", "parse_datetime", "timestamp_seconds", "timestamp_millis", "timestamp_micros",
    ), TIMESTAMP),
    **dict.fromkeys(("starts_with", "ends_with", "regexp_contains", "logical_or", "logical_and"), BOOL),
}  # fmt: skip
_OF_FIRST = (
    "min",
    "max",
    "any_value",
    "date_trunc",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nullif",
    "abs",
    "coalesce",
    "ifnull",
)


class BigQueryKinds(Kinds):
    """Kinds by BigQuery's rules; TIMESTAMP and DATETIME are both DuckDB's TIMESTAMP."""

    def _call(self, node: exp.Anonymous) -> Kind:
        name = str(node.this)
        if name in _OF_FIRST and node.expressions:
            return self.of(node.expressions[0])
        return _RETURNS.get(name, UNKNOWN)

    def _literal(self, node: exp.Literal) -> Kind:
        found = literal_kind(node)
        return DOUBLE if found.name == "decimal" else found
