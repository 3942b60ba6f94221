"""row_number(), lag() and first_value() without an order number and pick rows by chance: other ones at each build."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, start_of

_ORDERED = (
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
    exp.NthValue, exp.PercentRank, exp.CumeDist,
)  # fmt: skip


def check(model: Subject) -> Iterator[Found]:
    for window in model.tree.find_all(exp.Window):
        function = (
            window.this.this if isinstance(window.this, exp.IgnoreNulls | exp.RespectNulls) else window.this
        )
        named = window.args.get("alias") is not None
        if isinstance(function, _ORDERED) and window.args.get("order") is None and not named:
            fix = "Add an ORDER BY that leaves no ties"
            yield Found(f"{_name(function)}() over rows in no order", fix, start_of(function))


def _name(function: exp.Expr) -> str:
    return str(function.sql_names()[0]).lower() if isinstance(function, exp.Func) else function.key
