"""Dates and instants: TIMESTAMP and DATETIME are both DuckDB's TIMESTAMP, in UTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.formats import in_duckdb
from tailrace.transpile.rewrite import Writer, call, cast, number, string_of, text
from tailrace.transpile.signatures import INSTANTS

Rule = Callable[[Writer, exp.Anonymous], exp.Expr]
_UNITS = ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "QUARTER", "YEAR")


def _unit(w: Writer, node: exp.Expr) -> str | None:
    """DuckDB's word for a part; its weeks begin on Monday, BigQuery's WEEK on Sunday."""
    name = node.name.upper() if isinstance(node, exp.Column | exp.Var) else ""
    if (
        isinstance(node, exp.Anonymous)
        and node.this == "week"
        and node.expressions
        and node.expressions[0].name.upper() == "MONDAY"
    ):
        name = "ISOWEEK"
    if name in _UNITS:
        return name.lower()
    if name == "ISOWEEK":
        return "week"
    w.refuse(
        node, "this part of a date has no counterpart", "Write DAY, ISOWEEK, MONTH, QUARTER, YEAR, HOUR, ..."
    )
    return None


def difference(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """DATE_DIFF and DATETIME_DIFF count borders."""
    end, start, part = node.expressions
    unit = _unit(w, part)
    if unit is None:
        return exp.Null()
    sides = [w.write(start), w.write(end)]
    if unit == "week":
        weeks = call("date_diff", text("day"), *(call("date_trunc", text("week"), side) for side in sides))
        return exp.IntDiv(this=weeks, expression=number(7))
    if node.this == "timestamp_diff":
        return call("date_sub", text(unit), *sides)  # whole units
    return call("date_diff", text(unit), *sides)


def moved(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, amount = node.expressions
    sign = exp.Sub if str(node.this).endswith("sub") else exp.Add
    if not isinstance(amount, exp.Interval):
        return w.refuse(node, f"{node.this}() needs an INTERVAL written out", "Write INTERVAL n DAY")
    found = sign(this=w.write(value), expression=w.write(amount))
    return cast(found, "DATE", dialect="duckdb") if str(node.this).startswith("date_") else exp.paren(found)


def truncated(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, part = node.expressions
    unit = _unit(w, part)
    if unit is None:
        return exp.Null()
    found = call("date_trunc", text(unit), w.write(value))
    stays = node.this != "date_trunc" or w.kind(value).name in INSTANTS
    return found if stays else cast(found, "DATE", dialect="duckdb")


def extracted(w: Writer, node: exp.Extract) -> exp.Expr:
    name, value = node.name.upper(), node.expression
    if isinstance(value, exp.AtTimeZone):
        return w.refuse(
            node, "EXTRACT of another zone has no counterpart", "Write EXTRACT(... FROM DATETIME(x, zone))"
        )

    def part(word: str) -> exp.Expr:
        return exp.Extract(this=exp.var(word), expression=w.write(value))

    if name == "DATE":
        return cast(w.write(value), "DATE", dialect="duckdb")
    if name == "DAYOFWEEK":
        return exp.paren(exp.Add(this=part("DOW"), expression=number(1)))
    if name in ("MILLISECOND", "MICROSECOND"):
        return exp.Mod(this=part(name), expression=number(1000 if name == "MILLISECOND" else 1_000_000))
    words = {"ISOWEEK": "WEEK", "DAYOFYEAR": "DOY", "ISOYEAR": "ISOYEAR"} | {unit: unit for unit in _UNITS}
    if name not in words:
        return w.refuse(
            node,
            f"EXTRACT({name} ...) has no counterpart",
            "Write YEAR, QUARTER, MONTH, ISOWEEK, DAY, HOUR, ...",
        )
    return part(words[name])


def formatted(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call("strftime", w.write(node.expressions[1]), _format(w, node.expressions[0]))


def parsed(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return _parsed(w, node, "strptime")


def parsed_safely(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return _parsed(w, node, "try_strptime")


def _parsed(w: Writer, node: exp.Anonymous, function: str) -> exp.Expr:
    found = call(function, w.write(node.expressions[1]), _format(w, node.expressions[0]))
    return cast(found, "DATE", dialect="duckdb") if node.this == "parse_date" else found


def _format(w: Writer, node: exp.Expr) -> exp.Expr:
    pattern = string_of(node)
    ours = None if pattern is None else in_duckdb(pattern)
    if ours is None:
        return w.refuse(
            node,
            "this date format has no counterpart",
            "Use %Y %m %d %H %M %S %F %T %j %a %A %b %B, written out",
        )
    return text(ours)


def date(w: Writer, node: exp.Anonymous) -> exp.Expr:
    values = w.all(node.expressions)
    if len(values) == 3:
        return call("make_date", *values)
    return cast(_elsewhere(values[0], values[1]) if len(values) == 2 else values[0], "DATE", dialect="duckdb")


def datetime(w: Writer, node: exp.Anonymous) -> exp.Expr:
    values = w.all(node.expressions)
    if len(values) == 6:
        return call("make_timestamp", *values)
    if len(values) > 2:
        return w.refuse(node, "DATETIME() of this many values has no counterpart", "Give one, two or six")
    return (
        _elsewhere(values[0], values[1])
        if len(values) == 2
        else cast(values[0], "TIMESTAMP", dialect="duckdb")
    )


def timestamp(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, *zone = w.all(node.expressions)
    found = cast(value, "TIMESTAMP", dialect="duckdb")
    return _in_zones(found, zone[0], text("UTC")) if zone else found


def _elsewhere(value: exp.Expr, zone: exp.Expr) -> exp.Expr:
    return _in_zones(value, text("UTC"), zone)


def _in_zones(value: exp.Expr, meant: exp.Expr, shown: exp.Expr) -> exp.Expr:
    return exp.AtTimeZone(this=exp.AtTimeZone(this=value, zone=meant), zone=shown)


def since_epoch(scale: int) -> Rule:
    def write(w: Writer, node: exp.Anonymous) -> exp.Expr:
        [value] = w.all(node.expressions)
        return call(
            "make_timestamp",
            value if scale == 1 else exp.Mul(this=exp.paren(value), expression=number(scale)),
        )

    return write


def to_epoch(function: str) -> Rule:
    def write(w: Writer, node: exp.Anonymous) -> exp.Expr:
        return call(function, *w.all(node.expressions))

    return write


def unix_seconds(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return cast(call("floor", call("epoch", *w.all(node.expressions))), "BIGINT", dialect="duckdb")


CALLS: dict[str, tuple[int, int, Rule]] = {
    **dict.fromkeys(("date_diff", "datetime_diff", "timestamp_diff"), (3, 3, difference)),
    **dict.fromkeys(("date_add", "date_sub", "datetime_add", "datetime_sub", "timestamp_add", "timestamp_sub"), (2, 2, moved)),
    **dict.fromkeys(("date_trunc", "datetime_trunc", "timestamp_trunc"), (2, 2, truncated)),
    **dict.fromkeys(("format_date", "format_timestamp", "format_datetime"), (2, 2, formatted)),
    **dict.fromkeys(("parse_date", "parse_timestamp", "parse_datetime"), (2, 2, parsed)),
    "date": (1, 3, date), "datetime": (1, 6, datetime), "timestamp": (1, 2, timestamp), "last_day": (1, 1, to_epoch("last_day")),
    "timestamp_seconds": (1, 1, since_epoch(1_000_000)), "timestamp_millis": (1, 1, since_epoch(1000)), "timestamp_micros": (1, 1, since_epoch(1)),
    "unix_seconds": (1, 1, unix_seconds), "unix_millis": (1, 1, to_epoch("epoch_ms")), "unix_micros": (1, 1, to_epoch("epoch_us")),
}  # fmt: skip
RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {exp.Extract: extracted}
