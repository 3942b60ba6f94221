"""Types as the translation knows them, and what DuckDB's functions return."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A type without its width. `name` is "" where nobody knows; `scale` is a decimal's, -1 where unknown."""

    name: str = ""
    scale: int = -1
    item: Kind | None = None
    """Of a list's elements."""
    fields: tuple[tuple[str, Kind], ...] = ()


UNKNOWN = Kind()
INT, DOUBLE, TEXT, BOOL = Kind("int"), Kind("double"), Kind("text"), Kind("bool")
DATE, TIMESTAMP, ZONED, TIME = Kind("date"), Kind("timestamp"), Kind("timestamptz"), Kind("time")
JSON, BYTES, INTERVAL, NULL, DECIMAL = (
    Kind("json"),
    Kind("bytes"),
    Kind("interval"),
    Kind("null"),
    Kind("decimal"),
)
INSTANTS = ("timestamp", "timestamptz")
NUMBERS = ("int", "decimal", "double")
FUNCTIONS: dict[str, Kind] = {
    **dict.fromkeys((
        "count", "count_if", "countif", "length", "len", "char_length", "character_length", "strlen", "strpos", "instr",
        "unicode", "ascii", "ord", "year", "month", "day", "hour", "minute", "second", "quarter", "week", "dayofweek", "isodow",
        "dayofyear", "weekofyear", "isoyear", "date_diff", "datediff", "date_sub", "datesub", "date_part", "datepart",
        "row_number", "rank", "dense_rank", "ntile", "epoch_us", "array_length", "sign", "approx_count_distinct",
    ), INT),
    **dict.fromkeys((
        "lower", "upper", "trim", "ltrim", "rtrim", "lcase", "ucase", "concat", "concat_ws", "left", "right", "substr",
        "substring", "replace", "repeat", "reverse", "lpad", "rpad", "split_part", "regexp_replace", "regexp_extract", "md5",
        "sha256", "sha1", "strftime", "dayname", "monthname", "chr", "string_agg", "group_concat", "listagg", "translate",
        "printf", "format", "json_extract_string", "hex", "to_hex",
    ), TEXT),
    **dict.fromkeys((
        "avg", "mean", "epoch", "sqrt", "exp", "ln", "log", "log2", "log10", "pow", "power", "stddev", "stddev_samp",
        "stddev_pop", "variance", "var_samp", "var_pop", "corr", "covar_pop", "covar_samp", "median", "quantile_cont",
        "percent_rank", "cume_dist", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "pi",
    ), DOUBLE),
    **dict.fromkeys((
        "bool_or", "bool_and", "starts_with", "ends_with", "prefix", "suffix", "contains", "regexp_matches",
        "regexp_full_match", "list_contains", "array_contains", "list_has", "isnan", "isinf",
    ), BOOL),
    **dict.fromkeys(["last_day", "make_date"], DATE),
    **dict.fromkeys(["strptime", "try_strptime", "make_timestamp"], TIMESTAMP),
    "to_timestamp": ZONED, "json_extract": JSON,
    **dict.fromkeys((
        "to_years", "to_months", "to_weeks", "to_days", "to_hours", "to_minutes", "to_seconds", "to_milliseconds",
    ), INTERVAL),
    "string_split": Kind("list", item=TEXT), "split": Kind("list", item=TEXT), "str_split": Kind("list", item=TEXT),
    "string_to_array": Kind("list", item=TEXT), "regexp_extract_all": Kind("list", item=TEXT),
}  # fmt: skip
OF_FIRST = frozenset(
    [
        "min",
        "max",
        "any_value",
        "first",
        "last",
        "arbitrary",
        "lag",
        "lead",
        "first_value",
        "last_value",
        "nth_value",
        "abs",
        "nullif",
        "arg_max",
        "arg_min",
        "max_by",
        "min_by",
        "list_reverse",
        "array_reverse",
        "list_filter",
        "array_filter",
        "arg_max_null",
        "trunc",
    ]
)
OF_ALL = frozenset(["coalesce", "ifnull", "greatest", "least"])
