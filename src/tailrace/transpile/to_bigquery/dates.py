"""Dates, instants and intervals. An unknown column is cast to what the function needs, so a DATE and a TIMESTAMP both come out right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.formats import in_bigquery
from tailrace.transpile.rewrite import Writer, call, cast, number, string_of, text
from tailrace.transpile.signatures import INSTANTS
from tailrace.transpile.to_bigquery.casts import as_instant

_UNITS = {
    **{word: unit for unit in ("year", "month", "day", "hour", "minute", "second", "week", "quarter") for word in (unit, f"{unit}s")},
    "yr": "year", "mon": "month", "d": "day", "h": "hour", "m": "minute", "min": "minute", "s": "second", "sec": "second", "w": "week",
    "y": "year", "millisecond": "millisecond", "milliseconds": "millisecond", "ms": "millisecond",
    "microsecond": "microsecond", "microseconds": "microsecond", "us": "microsecond",
    "dow": "dow", "dayofweek": "dow", "weekday": "dow", "isodow": "isodow", "doy": "doy", "dayofyear": "doy", "isoyear": "isoyear",
    "weekofyear": "week", "epoch": "epoch",
}  # fmt: skip
"""What DuckDB takes for the parts of a date."""
_EXACT = ("day", "hour", "minute", "second", "millisecond", "microsecond")
MICROS = {
    "microsecond": 1, "millisecond": 1000, "second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6, "day": 86_400 * 10**6,
    "week": 7 * 86_400 * 10**6,
}  # fmt: skip
_DAYS = ("year", "quarter", "month", "week", "day")


def part_of(w: Writer, node: exp.Expr) -> str | None:
    """The part of a date that a literal names."""
    name = string_of(node)
    found = _UNITS.get(name.lower()) if name is not None else None
    if found is None:
        w.refuse(
            node,
            "the part of a date is not one that both engines know",
            "Write 'year', 'month', 'week', 'day', 'hour', ...",
        )
    return found


def as_date(w: Writer, node: exp.Expr, *, safe: bool) -> exp.Expr | None:
    """CAST(... AS DATE) of a truncated or shifted date, without the way over an instant; None where it is neither."""
    inner = node.this if isinstance(node, exp.Paren) else node
    if w.kind(inner).name == "date":
        return w.write(inner)
    if (
        isinstance(inner, exp.Anonymous)
        and inner.this in ("date_trunc", "datetrunc")
        and len(inner.expressions) == 2
    ):
        unit = part_of(w, inner.expressions[0])
        if unit in _DAYS:
            return call("DATE_TRUNC", date_of(w, inner.expressions[1], safe=safe), _unit(unit))
        return None
    amount = _shift(inner)
    if amount is None or w.kind(amount[1]).name != "interval":
        return None
    found = counted(w, amount[1])
    if found is None or found[1] not in _DAYS:
        return None
    function = "DATE_SUB" if amount[2] else "DATE_ADD"
    return call(function, date_of(w, amount[0], safe=safe), _interval(*found))


def _shift(node: exp.Expr) -> tuple[exp.Expr, exp.Expr, bool] | None:
    if isinstance(node, exp.Add | exp.Sub):
        return node.left, node.right, isinstance(node, exp.Sub)
    if isinstance(node, exp.Anonymous) and node.this == "date_add" and len(node.expressions) == 2:
        return node.expressions[0], node.expressions[1], False
    return None


def date_of(w: Writer, node: exp.Expr, *, safe: bool = False) -> exp.Expr:
    """The value as a DATE, cast unless it is one."""
    return w.write(node) if w.kind(node).name == "date" else cast(w.write(node), "DATE", safe=safe)


def _unit(unit: str) -> exp.Expr:
    """DuckDB's weeks begin on Monday."""
    return exp.var("ISOWEEK" if unit == "week" else unit.upper())


def _interval(count: exp.Expr, unit: str) -> exp.Expr:
    return exp.Interval(this=count, unit=exp.var(unit.upper()))


def counted(w: Writer, node: exp.Expr) -> tuple[exp.Expr, str] | None:
    """How many of which unit an interval is; None where it is not known or not whole, which is said."""
    if isinstance(node, exp.Paren):
        return counted(w, node.this)
    if isinstance(node, exp.Anonymous) and node.this.startswith("to_"):
        unit = _UNITS.get(node.this.removeprefix("to_"))
        return (w.write(node.expressions[0]), unit) if unit and len(node.expressions) == 1 else None
    if isinstance(node, exp.Mul):
        one, many = (
            (node.left, node.right)
            if isinstance(_plain(node.left), exp.Interval)
            else (node.right, node.left)
        )
        unit_of = counted(w, one)
        if unit_of and isinstance(unit_of[0], exp.Literal):
            times = w.write(_plain(many))
            return (
                times if unit_of[0].name == "1" else exp.Mul(this=exp.paren(times), expression=unit_of[0])
            ), unit_of[1]
        return None
    if isinstance(node, exp.Interval) and (unit_name := node.args.get("unit")) is not None:
        unit = _UNITS.get(unit_name.name.lower())
        value = node.this
        if isinstance(value, exp.Literal):
            digits = value.name.strip()
            sign, digits = (-1, digits[1:]) if digits.startswith("-") else (1, digits)
            return (number(sign * int(digits)), unit) if unit and digits.isdigit() else None
        return (w.write(_plain(value)), unit) if unit else None
    return None


def _plain(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Paren) else node


def shifted(w: Writer, node: exp.Expr, value: exp.Expr, amount: exp.Expr, *, backwards: bool) -> exp.Expr:
    """A date or instant and an interval; what comes out is an instant, as in DuckDB."""
    found = counted(w, amount)
    if found is None or found[1] not in (*_EXACT, *_DAYS):
        place = w.places.word(amount, "INTERVAL")
        return w.refuse(
            place, "this interval has no counterpart", "Write one unit: INTERVAL 3 MONTH, INTERVAL (n) DAY"
        )
    if w.kind(value).name in ("interval", "time"):
        return w.refuse(node, "arithmetic on intervals and times has no counterpart", "Count in a number")
    count, unit = found
    if unit in _EXACT:
        function = "TIMESTAMP_SUB" if backwards else "TIMESTAMP_ADD"
        return call(function, as_instant(w, value), _interval(count, unit))
    function = "DATETIME_SUB" if backwards else "DATETIME_ADD"
    return cast(call(function, cast(w.write(value), "DATETIME"), _interval(count, unit)), "TIMESTAMP")


def date_add(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return shifted(w, node, node.expressions[0], node.expressions[1], backwards=False)


def truncated(w: Writer, node: exp.Anonymous) -> exp.Expr:
    unit = part_of(w, node.expressions[0])
    if unit is None:
        return exp.Null()
    if unit not in (*_EXACT, *_DAYS):
        return w.refuse(
            node,
            "date_trunc() of this part has no counterpart",
            "Truncate to year, quarter, month, week, day, ...",
        )
    return call("TIMESTAMP_TRUNC", as_instant(w, node.expressions[1]), _unit(unit))


def difference(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """date_diff() counts borders that are crossed, and of weeks whole ones."""
    unit, start, end = part_of(w, node.expressions[0]), node.expressions[1], node.expressions[2]
    if unit is None:
        return exp.Null()
    if unit == "week":
        return call("DIV", call("DATE_DIFF", date_of(w, end), date_of(w, start), exp.var("DAY")), number(7))
    if unit in _DAYS:
        return call("DATE_DIFF", date_of(w, end), date_of(w, start), _unit(unit))
    if unit in _EXACT:
        sides = [call("TIMESTAMP_TRUNC", as_instant(w, side), _unit(unit)) for side in (end, start)]
        return call("TIMESTAMP_DIFF", *sides, _unit(unit))
    return w.refuse(
        node,
        "date_diff() of this part has no counterpart",
        "Count years, quarters, months, weeks, days, hours, ...",
    )


def whole_difference(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """date_sub('day', a, b) of DuckDB: whole units between two instants."""
    unit, start, end = part_of(w, node.expressions[0]), node.expressions[1], node.expressions[2]
    if unit is None:
        return exp.Null()
    if unit not in _EXACT:
        fix = "Write date_diff(), which counts borders that are crossed"
        return w.refuse(node, "date_sub() of whole months, quarters or years has no counterpart", fix)
    micros = call("TIMESTAMP_DIFF", as_instant(w, end), as_instant(w, start), exp.var("MICROSECOND"))
    return micros if unit == "microsecond" else call("DIV", micros, number(MICROS[unit]))


def part(w: Writer, node: exp.Expr, unit: str | None, value: exp.Expr) -> exp.Expr:
    """A part of a date as DuckDB counts it."""

    def extract(word: str) -> exp.Expr:
        return exp.Extract(this=exp.var(word), expression=w.write(value))

    if unit in ("year", "quarter", "month", "day", "hour", "minute", "second", "isoyear"):
        return extract(unit.upper())
    if unit == "week":
        return extract("ISOWEEK")
    if unit == "doy":
        return extract("DAYOFYEAR")
    if unit == "dow":
        return exp.paren(exp.Sub(this=extract("DAYOFWEEK"), expression=number(1)))
    if unit == "isodow":
        shifted_day = exp.Add(this=extract("DAYOFWEEK"), expression=number(5))
        return exp.paren(exp.Add(this=call("MOD", shifted_day, number(7)), expression=number(1)))
    if unit in ("millisecond", "microsecond"):
        factor = 1000 if unit == "millisecond" else 1_000_000
        seconds = exp.Mul(this=extract("SECOND"), expression=number(factor))
        return exp.paren(exp.Add(this=seconds, expression=extract(unit.upper())))
    if unit == "epoch":
        return seconds_of(w, value)
    return w.refuse(
        node, "this part of a date has no counterpart", "Write year, month, day, dow, week, hour, epoch, ..."
    )


def seconds_of(w: Writer, value: exp.Expr) -> exp.Expr:
    return call("IEEE_DIVIDE", call("UNIX_MICROS", as_instant(w, value)), number(1_000_000))


def extracted(w: Writer, node: exp.Extract) -> exp.Expr:
    return part(w, node, _UNITS.get(node.name.lower()), node.expression)


def date_part(w: Writer, node: exp.Anonymous) -> exp.Expr:
    unit = part_of(w, node.expressions[0])
    return exp.Null() if unit is None else part(w, node, unit, node.expressions[1])


def named_part(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return part(w, node, _UNITS[node.this], node.expressions[0])


def formatted(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, pattern = node.expressions
    if string_of(value) is not None and string_of(pattern) is None:
        value, pattern = pattern, value
    theirs = _format(w, pattern, reads=False)
    if w.kind(value).name == "date":
        return call("FORMAT_DATE", theirs, w.write(value))
    return call("FORMAT_TIMESTAMP", theirs, as_instant(w, value))


def parsed(w: Writer, node: exp.Anonymous) -> exp.Expr:
    function = "SAFE.PARSE_TIMESTAMP" if node.this == "try_strptime" else "PARSE_TIMESTAMP"
    return call(function, _format(w, node.expressions[1], reads=True), w.write(node.expressions[0]))


def _format(w: Writer, node: exp.Expr, *, reads: bool) -> exp.Expr:
    pattern = string_of(node)
    theirs = None if pattern is None else in_bigquery(pattern, reads=reads)
    if theirs is None:
        fix = "Use %Y %m %d %H %M %S %y %j %a %A %b %B %p %I %G %V %u %w, written out"
        return w.refuse(node, "this date format has no counterpart", fix)
    return text(theirs)


def epoch(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return seconds_of(w, node.expressions[0])


def epoch_ms(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """Of an instant its milliseconds, of a number the instant; BigQuery refuses a wrong guess itself."""
    [value] = node.expressions
    if w.told(value).name in ("date", *INSTANTS):
        return call("UNIX_MILLIS", as_instant(w, value))
    return call("TIMESTAMP_MILLIS", w.write(value))


def epoch_us(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call("UNIX_MICROS", as_instant(w, node.expressions[0]))


def from_seconds(w: Writer, node: exp.Anonymous) -> exp.Expr:
    [value] = node.expressions
    if w.told(value).name in ("double", "decimal"):
        micros = call("ROUND", exp.Mul(this=exp.paren(w.write(value)), expression=number(1_000_000)))
        return call("TIMESTAMP_MICROS", cast(micros, "INT64"))
    return call("TIMESTAMP_SECONDS", w.write(value))


def from_parts(w: Writer, node: exp.Anonymous) -> exp.Expr:
    values = w.all(node.expressions)
    if node.this == "make_date":
        return call("DATE", *values)
    if len(values) == 1:
        return call("TIMESTAMP_MICROS", *values)
    if w.kind(node.expressions[-1]).name in ("double", "decimal"):
        return w.refuse(
            node, "make_timestamp() of a part of a second has no counterpart", "Give whole seconds"
        )
    return call("TIMESTAMP", call("DATETIME", *values))


def of_date(function: str, *before: exp.Expr) -> Callable[[Writer, exp.Anonymous], exp.Expr]:
    def write(w: Writer, node: exp.Anonymous) -> exp.Expr:
        return call(function, *(argument.copy() for argument in before), date_of(w, node.expressions[0]))

    return write


CALLS: dict[str, tuple[int, int, Callable[[Writer, exp.Anonymous], exp.Expr]]] = {
    **dict.fromkeys(("date_trunc", "datetrunc"), (2, 2, truncated)),
    **dict.fromkeys(("date_diff", "datediff"), (3, 3, difference)),
    **dict.fromkeys(("date_sub", "datesub"), (3, 3, whole_difference)),
    **dict.fromkeys(("date_part", "datepart"), (2, 2, date_part)),
    **dict.fromkeys(("year", "quarter", "month", "week", "weekofyear", "day", "hour", "minute", "second", "dayofweek", "isodow", "dayofyear",
                     "isoyear", "weekday"), (1, 1, named_part)),
    "date_add": (2, 2, date_add), "strftime": (2, 2, formatted), "strptime": (2, 2, parsed), "try_strptime": (2, 2, parsed),
    "epoch": (1, 1, epoch), "epoch_ms": (1, 1, epoch_ms), "epoch_us": (1, 1, epoch_us), "to_timestamp": (1, 1, from_seconds),
    "make_date": (3, 3, from_parts), "make_timestamp": (1, 6, from_parts), "last_day": (1, 1, of_date("LAST_DAY")),
    "dayname": (1, 1, of_date("FORMAT_DATE", text("%A"))), "monthname": (1, 1, of_date("FORMAT_DATE", text("%B"))),
}  # fmt: skip
RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {exp.Extract: extracted}
