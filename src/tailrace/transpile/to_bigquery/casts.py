"""Casts and types. DuckDB's TIMESTAMP, with a zone or without, is BigQuery's TIMESTAMP, read in UTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, cast, string_of, text
from tailrace.transpile.signatures import INSTANTS, Kind
from tailrace.transpile.types import kind_of_type

_T = exp.DType
_SMALL = (_T.TINYINT, _T.SMALLINT, _T.INT)
_SIMPLE: dict[exp.DType, str] = {
    **dict.fromkeys((*_SMALL, _T.BIGINT), "INT64"),
    **dict.fromkeys((_T.FLOAT, _T.DOUBLE), "FLOAT64"),
    **dict.fromkeys((_T.TEXT, _T.VARCHAR, _T.CHAR), "STRING"),
    **dict.fromkeys((_T.TIMESTAMP, _T.TIMESTAMPNTZ, _T.TIMESTAMPTZ, _T.TIMESTAMP_S, _T.TIMESTAMP_MS), "TIMESTAMP"),
    _T.BOOLEAN: "BOOL", _T.DATE: "DATE", _T.TIME: "TIME", _T.BLOB: "BYTES", _T.VARBINARY: "BYTES", _T.JSON: "JSON",
}  # fmt: skip
_TRUE, _FALSE = ("true", "t", "1", "yes", "y"), ("false", "f", "0", "no", "n")
_REFUSED = {
    _T.INT128: "Cast to BIGINT, or to DECIMAL(38, 0)", _T.UINT128: "Cast to DECIMAL(38, 0)", _T.UUID: "Keep it as VARCHAR",
    **dict.fromkeys((_T.UTINYINT, _T.USMALLINT, _T.UINT, _T.UBIGINT), "Cast to BIGINT"),
    _T.TIMESTAMP_NS: "Cast to TIMESTAMP: BigQuery counts microseconds", _T.TIMETZ: "Cast to TIME", _T.INTERVAL: "Count days in a number",
    _T.MAP: "Use a struct, or a list of structs", _T.ENUM: "Keep it as VARCHAR", _T.BIT: "Keep it as a number or VARCHAR",
}  # fmt: skip


def type_name(w: Writer, to: exp.DataType, place: exp.Expr) -> str | None:
    """BigQuery's name for a type; None where it has none, which is said."""
    if to.this in _SIMPLE:
        return _SIMPLE[to.this]
    if to.this == _T.DECIMAL:
        return _decimal(to)
    if to.this in (_T.ARRAY, _T.LIST) and to.expressions and isinstance(to.expressions[0], exp.DataType):
        inner = type_name(w, to.expressions[0], place)
        return inner and f"ARRAY<{inner}>"
    shown = to.sql(dialect="duckdb")
    shown = {"INT128": "HUGEINT", "UINT128": "UHUGEINT"}.get(shown, shown)
    fix = _REFUSED.get(to.this, "Cast to a type that both engines have")
    w.refuse(
        w.places.word(place, shown.upper(), shown.partition("(")[0].upper()),
        f"BigQuery has no type {shown}",
        fix,
    )
    return None


def _decimal(to: exp.DataType) -> str:
    sizes = [int(part.name) for part in to.expressions if part.name.isdigit()]
    precision, scale = [*sizes, 0][:2] if sizes else (18, 3)
    return "NUMERIC" if scale <= 9 and precision - scale <= 29 else "BIGNUMERIC"


def written_cast(w: Writer, node: exp.Cast) -> exp.Expr:
    to, safe = node.to, isinstance(node, exp.TryCast)
    target = type_name(w, to, node)
    if target is None:
        return exp.Null()
    if node.args.get("format") or node.args.get("default"):
        return w.refuse(node, "a cast with a format has no counterpart", "Write strptime() or strftime()")
    if safe and to.this in _SMALL:
        fix = "Write TRY_CAST(x AS BIGINT)"
        return w.refuse(
            node, "BigQuery's whole numbers are of 64 bits: a smaller TRY_CAST lets more through", fix
        )
    if (mark := string_of(node.this)) is not None and to.this not in _SMALL:
        if target == "JSON":
            return call("PARSE_JSON", text(mark))
        return _to_scale(to, cast(text(mark), target, safe=safe))
    depends = target in ("STRING", "INT64", "BOOL", "TIMESTAMP")
    return _converted(w, node, target, w.told(node.this) if depends else w.kind(node.this), safe=safe)


def _converted(w: Writer, node: exp.Cast, target: str, source: Kind, *, safe: bool) -> exp.Expr:
    from tailrace.transpile.to_bigquery import dates

    if target == "DATE" and (found := dates.as_date(w, node.this, safe=safe)) is not None:
        return found
    if target == "STRING":
        return as_text(w, node.this, cast_unknown=True)
    if target == "INT64" and source.name == "double":
        return _whole(w.write(node.this), safe=safe)
    if target == "INT64" and safe and source.name in ("text", ""):
        # DuckDB reads '2.5' as 3
        return cast(call("ROUND", cast(w.write(node.this), "BIGNUMERIC", safe=True)), "INT64", safe=True)
    if target == "BOOL" and source.name == "text":
        return _truth(w.write(node.this), safe=safe)
    if target == "BOOL" and safe:
        fix = "Compare: lower(x) IN ('true', 't', '1', 'yes')"
        return w.refuse(node, "DuckDB reads more words as a BOOLEAN than BigQuery", fix)
    if target == "JSON":
        return call("PARSE_JSON", w.write(node.this))
    if target == "TIMESTAMP" and source.name in INSTANTS:
        return w.write(node.this)
    if target.startswith("ARRAY"):
        return w.refuse(
            node,
            "a cast of a list has no counterpart",
            "Cast its elements: list_transform(x, e -> CAST(e AS ...))",
        )
    return _to_scale(node.to, cast(w.write(node.this), target, safe=safe))


def _to_scale(to: exp.DataType, value: exp.Expr) -> exp.Expr:
    """A cast to DECIMAL(10, 2) rounds, half away from zero on both sides."""
    if to.this != _T.DECIMAL:
        return value
    return call("ROUND", value, exp.Literal.number(max(0, kind_of_type(to).scale)))


def _whole(value: exp.Expr, *, safe: bool) -> exp.Expr:
    """DuckDB rounds the half of a DOUBLE to the even number, BigQuery away from zero."""
    rounded = call(
        "ROUND", cast(value, "BIGNUMERIC", safe=safe), exp.Literal.number(0), text("ROUND_HALF_EVEN")
    )
    return cast(rounded, "INT64", safe=safe)


def _truth(value: exp.Expr, *, safe: bool) -> exp.Expr:
    """All words that DuckDB reads as a BOOLEAN; BigQuery reads true and false alone, and fails at others."""
    read = exp.Case(default=None if safe else cast(value.copy(), "BOOL"))
    for words, truth in ((_TRUE, exp.true()), (_FALSE, exp.false())):
        read = read.when(
            exp.In(this=call("LOWER", value.copy()), expressions=[text(word) for word in words]), truth
        )
    return read


def as_text(w: Writer, node: exp.Expr, *, cast_unknown: bool) -> exp.Expr:
    """A value as DuckDB writes it; refused where BigQuery would write it otherwise."""
    kind = w.told(node)
    if kind.name in ("text", "null") or (not kind.name and not cast_unknown):
        return w.write(node)
    if kind.name == "double":
        fix = "Cast to a DECIMAL first: CAST(CAST(x AS DECIMAL(18, 2)) AS VARCHAR)"
        return w.refuse(node, "DuckDB and BigQuery write a DOUBLE differently", fix)
    if kind.name == "decimal":
        if kind.scale < 0:
            fix = "Cast to one first: CAST(CAST(x AS DECIMAL(18, 2)) AS VARCHAR)"
            return w.refuse(node, "the digits of a DECIMAL of unknown scale are not known", fix)
        return call("FORMAT", text(f"%.{kind.scale}f"), w.write(node))
    if kind.name in INSTANTS:
        if kind.name == "timestamptz":
            return w.refuse(
                node, "an instant's text depends on the session's zone", "Cast to TIMESTAMP first"
            )
        whole = call("FORMAT_TIMESTAMP", text("%F %H:%M:%E6S"), w.write(node))
        return call("RTRIM", call("RTRIM", whole, text("0")), text("."))
    if kind.name in ("list", "interval", "json", "bytes"):
        return w.refuse(
            node, f"DuckDB and BigQuery write {kind.name} values differently", "Build the text from its parts"
        )
    return cast(w.write(node), "STRING")


def at_time_zone(w: Writer, node: exp.AtTimeZone) -> exp.Expr:
    """A wall clock is an instant whose UTC reading shows it. `x AT TIME ZONE 'UTC'` changes nothing then but the meaning."""
    zone = node.args["zone"]
    name = string_of(zone)
    inner = node.this.this if isinstance(node.this, exp.Paren) else node.this
    if name == "UTC":
        return as_instant(w, inner)
    if (
        isinstance(inner, exp.AtTimeZone)
        and string_of(inner.args["zone"]) == "UTC"
        and not w.kind(inner).name
    ):
        # landed instants are without a zone: said to be UTC first, then shown elsewhere
        return _wall(as_instant(w, inner.this), w.write(zone))
    kind = w.kind(inner).name
    if kind == "timestamptz":
        return _wall(w.write(inner), w.write(zone))
    if kind in ("timestamp", "date"):
        return call("TIMESTAMP", cast(w.write(inner), "DATETIME"), w.write(zone))
    fix = "Say what it is: CAST(x AS TIMESTAMP) AT TIME ZONE ..., or x AT TIME ZONE 'UTC' AT TIME ZONE ... for a UTC instant"
    return w.refuse(
        node,
        "AT TIME ZONE goes one way with a zone and the other way without, and the type is not known",
        fix,
    )


def as_instant(w: Writer, node: exp.Expr) -> exp.Expr:
    """The value as a TIMESTAMP, cast unless it is one."""
    return w.write(node) if w.kind(node).name in INSTANTS else cast(w.write(node), "TIMESTAMP")


def _wall(instant: exp.Expr, zone: exp.Expr) -> exp.Expr:
    return call("TIMESTAMP", call("DATETIME", instant, zone))


RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Cast: written_cast, exp.TryCast: written_cast, exp.AtTimeZone: at_time_zone,
}  # fmt: skip
