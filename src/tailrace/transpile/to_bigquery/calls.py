"""Every function that DuckDB's models may call, with the rule that writes it for BigQuery."""

from __future__ import annotations

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, uncalled
from tailrace.transpile.to_bigquery import (
    aggregates,
    dates,
    json_of,
    lists,
    numbers,
    patterns_of,
    texts,
    windows,
)
from tailrace.transpile.to_bigquery.texts import Rule

CALLS: dict[str, tuple[int, int, Rule]] = {
    **texts.CALLS, **numbers.CALLS, **dates.CALLS, **patterns_of.CALLS, **lists.CALLS, **json_of.CALLS, **aggregates.CALLS, **windows.CALLS,
}  # fmt: skip
INSTEAD = {
    "hash": "Write md5(x)", "mode": "Count and rank in a CTE", "age": "Write date_diff('month', a, b)", "time_bucket": "Write date_trunc()",
    "format": "Write printf() or ||", "columns": "Name the columns", "list_sort": "Build it in order: list(x ORDER BY x)",
    "array_sort": "Build it in order: list(x ORDER BY x)", "list_distinct": "Write list(DISTINCT x ORDER BY x)", "flatten": "Unnest twice",
    "list_aggregate": "Write list_sum(), list_min(), list_max(), list_avg() or list_count()", "list_concat": "Write a || b",
    "map": "Use a struct, or a list of structs", "quantile_disc": "Rank in a CTE", "approx_quantile": "Write quantile_cont(x, q) OVER (...)",
    "regexp_split_to_array": "Write string_split()", "isfinite": "Write NOT isinf(x)", "row": "Name the fields: {'a': x}",
    "list_append": "Write a || [x]", "struct_extract": "Write s.field", "unnest": "Join it: FROM t, unnest(t.items) AS u(x)",
    "generate_series": "Put it into FROM: FROM generate_series(a, b) AS s(x)", "range": "Put it into FROM: FROM range(a, b) AS s(x)",
    "levenshtein": "Compare in Python, or after lower() and trim()", "epoch_ns": "Write epoch_us()", "initcap": "Write it in the mart's reader",
}  # fmt: skip
"""What to write for functions that have no counterpart."""


def called(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """A function by its name; one that no rule knows is refused rather than passed on."""
    known = CALLS.get(str(node.this).lower())
    if known is None or not known[0] <= len(node.expressions) <= known[1]:
        return uncalled(w, node, CALLS, INSTEAD)
    return known[2](w, node)
