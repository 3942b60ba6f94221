"""Windows: OVER (...), named windows, frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, number, respecting, whole_of
from tailrace.transpile.to_bigquery.aggregates import FILTERABLE
from tailrace.transpile.to_bigquery.casts import as_instant
from tailrace.transpile.to_bigquery.dates import MICROS, counted
from tailrace.transpile.to_bigquery.ordering import keys
from tailrace.transpile.to_bigquery.texts import Rule

_NUMBERING = ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead")
_IN_ORDER = (
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
)


def over(w: Writer, node: exp.Window) -> exp.Expr:
    """A call over a window, or the definition of a named one."""
    order = node.args.get("order")
    frame = node.args.get("spec")
    arguments: dict[str, Any] = {"over": node.args.get("over"), "alias": _name(node.args.get("alias"))}
    arguments["this"] = _name(node.this) if isinstance(node.this, exp.Identifier) else _called(w, node)
    arguments["partition_by"] = w.all(node.args.get("partition_by") or [])
    written = keys(w, order.expressions) if order is not None else []
    if frame is not None:
        written = _framed(w, node, frame, order, written, arguments)
    if written:
        arguments["order"] = exp.Order(expressions=written)
    return exp.Window(**{key: value for key, value in arguments.items() if value})


def _name(node: Any) -> Any:
    return node.copy() if isinstance(node, exp.Expr) else node


def _called(w: Writer, node: exp.Window) -> exp.Expr:
    inner = node.this
    ignores = isinstance(inner, exp.IgnoreNulls)
    called = inner.this if isinstance(inner, exp.IgnoreNulls | exp.RespectNulls) else inner
    if ignores and isinstance(called, exp.Anonymous):
        if called.this not in ("first_value", "last_value", "nth_value"):
            return w.refuse(
                called,
                f"IGNORE NULLS of {called.this}() has no counterpart",
                "Write last_value(x IGNORE NULLS) over a frame",
            )
        found = w.write(called)
        found.set("expressions", [*found.expressions[:-1], exp.IgnoreNulls(this=found.expressions[-1])])
        return found
    if (
        isinstance(called, exp.Anonymous)
        and called.this in _IN_ORDER
        and not (node.args.get("order") or node.alias)
    ):
        return w.refuse(
            called, f"{called.this}() needs an order in BigQuery", "Say which: OVER (ORDER BY ...)"
        )
    if isinstance(called, exp.Anonymous) and called.this in _NUMBERING and node.args.get("spec") is not None:
        return w.refuse(called, f"{called.this}() takes no frame in BigQuery", "Leave ROWS or RANGE out")
    if (
        isinstance(called, exp.Anonymous)
        and called.this in FILTERABLE
        and any(_ordered(a) for a in called.expressions)
    ):
        return w.refuse(called, "ORDER BY in a function over a window has no counterpart", "Order the window")
    return w.write(called)


def _ordered(argument: exp.Expr) -> bool:
    return isinstance(argument, exp.Order)


def _framed(
    w: Writer,
    node: exp.Window,
    frame: exp.WindowSpec,
    order: exp.Order | None,
    written: list[exp.Expr],
    arguments: dict[str, Any],
) -> list[exp.Expr]:
    """Sets the frame; a RANGE over a distance has one key, which is counted in microseconds where it is a time."""
    kind = str(frame.args.get("kind")).upper()
    if frame.args.get("exclude") is not None or kind == "GROUPS":
        what = "EXCLUDE in a frame" if kind != "GROUPS" else "a frame of GROUPS"
        w.refuse(node, f"{what} has no counterpart", "Write the frame in ROWS or RANGE")
        return written
    sides = {side: frame.args.get(side) for side in ("start", "end")}
    distances = {side: value for side, value in sides.items() if isinstance(value, exp.Expr)}
    parts: dict[str, Any] = {key: value for key, value in frame.args.items() if isinstance(value, str)}
    if kind == "RANGE" and distances:
        return _ranged(w, node, order, distances, arguments, parts)
    arguments["spec"] = exp.WindowSpec(**parts, **{side: w.write(value) for side, value in distances.items()})
    return written


def _ranged(
    w: Writer,
    node: exp.Window,
    order: exp.Order | None,
    distances: dict[str, exp.Expr],
    arguments: dict[str, Any],
    parts: dict[str, Any],
) -> list[exp.Expr]:
    key = order.expressions[0] if order is not None else None
    if key is None or "UNBOUNDED" in parts.values() or len(order.expressions if order else ()) != 1:
        w.refuse(node, "this frame has no counterpart", "Give RANGE two distances, or write ROWS")
        return []
    times = [w.kind(value).name == "interval" for value in distances.values()]
    for side, value in distances.items():
        distance = _distance(w, value) if any(times) else w.write(value)
        if distance is None:
            w.refuse(
                w.places.word(value, "INTERVAL"),
                "a frame of months or years has no counterpart",
                "Count in days",
            )
            return []
        parts[side] = distance
    arguments["spec"] = exp.WindowSpec(**parts)
    written = call("UNIX_MICROS", as_instant(w, key.this)) if any(times) else w.write(key.this)
    down = bool(key.args.get("desc"))
    return [exp.Ordered(this=written, desc=down or None, nulls_first=not down)]


def _distance(w: Writer, node: exp.Expr) -> exp.Expr | None:
    found = counted(w, node)
    count = whole_of(found[0]) if found else None
    return number(count * MICROS[found[1]]) if found and count is not None and found[1] in MICROS else None


def ranked(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call(str(node.this).upper(), *w.all(node.expressions))


def moved(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """lag() and lead(): BigQuery takes only a distance that is written out and not below 0."""
    if len(node.expressions) > 1 and not isinstance(node.expressions[1], exp.IgnoreNulls):
        distance = whole_of(node.expressions[1])
        if distance is None or distance < 0:
            return w.refuse(
                node,
                f"the distance of {node.this}() has to be written out, and not below 0",
                "Write a number",
            )
    if any(isinstance(value, exp.IgnoreNulls) for value in node.expressions):
        return w.refuse(
            node,
            f"IGNORE NULLS of {node.this}() has no counterpart",
            "Write last_value(x IGNORE NULLS) over a frame",
        )
    return ranked(w, node)


def valued(w: Writer, node: exp.Anonymous) -> exp.Expr:
    last = node.expressions[-1]
    if isinstance(last, exp.IgnoreNulls):
        return call(
            str(node.this).upper(), *w.all(node.expressions[:-1]), exp.IgnoreNulls(this=w.write(last.this))
        )
    return ranked(w, node)


CALLS: dict[str, tuple[int, int, Rule]] = {
    **dict.fromkeys(("row_number", "rank", "dense_rank", "percent_rank", "cume_dist"), (0, 0, ranked)), "ntile": (1, 1, ranked),
    "lag": (1, 3, moved), "lead": (1, 3, moved), "first_value": (1, 1, valued), "last_value": (1, 1, valued), "nth_value": (2, 2, valued),
}  # fmt: skip
RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Window: over,
    exp.RespectNulls: respecting,
}
