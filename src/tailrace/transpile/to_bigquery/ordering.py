"""ORDER BY: NULLs come last in DuckDB either way, and first of an ascending order in BigQuery."""

from __future__ import annotations

from sqlglot import exp

from tailrace.transpile.rewrite import Writer


def statement_keys(w: Writer, order: list[exp.Ordered]) -> list[exp.Expr]:
    """The keys of a query's own ORDER BY, where BigQuery takes NULLS FIRST and LAST."""
    return [_ordered(w, key, first=_nulls_first(key)) for key in order]


def keys(w: Writer, order: list[exp.Ordered], *, backwards: bool = False) -> list[exp.Expr]:
    """The keys of an order inside a function or window, where only a key more can move NULLs."""
    found: list[exp.Expr] = []
    for key in order:
        down = bool(key.args.get("desc")) != backwards
        first = _nulls_first(key) != backwards
        written = w.write(key.this)
        if first == down:  # BigQuery: ascending first, descending last
            empty = exp.Is(this=written.copy(), expression=exp.Null())
            found.append(exp.Ordered(this=empty, desc=first or None, nulls_first=not first))
        found.append(exp.Ordered(this=written, desc=down or None, nulls_first=not down))
    return found


def _nulls_first(key: exp.Ordered) -> bool:
    return bool(key.args.get("nulls_first"))


def _ordered(w: Writer, key: exp.Ordered, *, first: bool) -> exp.Expr:
    return exp.Ordered(this=w.write(key.this), desc=key.args.get("desc") or None, nulls_first=first)
