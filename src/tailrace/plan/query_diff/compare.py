"""Two queries compared part by part; what differs in a CTE or subquery counts as far as it is read."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from tailrace.plan.query_diff.found import Found, Known, bare, retable
from tailrace.plan.query_diff.normal import text_of
from tailrace.plan.query_diff.operations import compare_operations
from tailrace.plan.query_diff.selects import Selects
from tailrace.plan.query_diff.shape import cte_names, ctes_of


def compare(before: exp.Query, after: exp.Query, known: Known | None = None) -> Found:
    """What the query `after` makes differently; its tree is changed on the way, CTEs and tables taking their former names."""
    known = _ctes(before, after, known or Known())
    before, after = bare(before), bare(after)
    if isinstance(before, exp.Select) and isinstance(after, exp.Select):
        return Selects(before, after, known, compare).compare()
    if isinstance(before, exp.SetOperation) and isinstance(after, exp.SetOperation):
        return compare_operations(before, after, known, compare)
    if text_of(before) == text_of(after):
        return Found()
    kinds = [_kind(one) for one in (before, after)]
    return Found(
        rows=["the query is another one" if kinds[0] == kinds[1] else f"it was {kinds[0]} and is {kinds[1]}"]
    )


def _kind(query: exp.Query) -> str:
    return f"a {query.key.upper()}" if isinstance(query, exp.SetOperation) else "one SELECT"


def _ctes(before: exp.Query, after: exp.Query, known: Known) -> Known:
    """With this query's own CTEs, those of `after` under the names that they had before."""
    old = {cte.alias: cte for cte in ctes_of(before)}
    names = [cte.alias for cte in ctes_of(after)]
    outputs = dict(known.before)
    for name, cte in old.items():
        outputs[name] = cte_names(cte, outputs)
    found, later = dict(known.found), dict(known.after)
    for cte in ctes_of(after):
        if cte.alias not in old and (former := _former(cte, old, names)):
            _rename(after, cte.alias, former)
        inner = Known(found, outputs, later)
        partner = old.get(cte.alias)
        if partner is None or not isinstance(cte.this, exp.Query) or not isinstance(partner.this, exp.Query):
            found[cte.alias] = Found(rows=[] if partner is None else ["it is another query"])
        else:
            found[cte.alias] = _cte(partner, cte, inner)
        later[cte.alias] = cte_names(cte, later)
    return Known(found, outputs, later)


def _cte(before: exp.CTE, after: exp.CTE, known: Known) -> Found:
    if text_of(before) == text_of(after) and not any(known.found.values()):
        return Found()
    found = compare(before.this, after.this, known)
    if text_of(before.args["alias"]) != text_of(after.args["alias"]):
        found.rows.append("its columns are named otherwise")
    recursive = any(table.name == after.alias for table in after.this.find_all(exp.Table))
    if found and recursive:
        found.rows.append("its recursion changed")
    return found


def _former(cte: exp.CTE, old: Mapping[str, exp.CTE], names: list[str]) -> str:
    """The name that a CTE had before, where only that changed."""
    text = text_of(cte.this)
    return next((name for name, one in old.items() if name not in names and text_of(one.this) == text), "")


def _rename(tree: exp.Query, name: str, former: str) -> None:
    for cte in ctes_of(tree):
        if cte.alias == name:
            cte.args["alias"].set("this", exp.to_identifier(former))
    for table in tree.find_all(exp.Table):
        if not table.db and table.name == name:
            table.set("this", exp.to_identifier(former))
    retable(tree, name, former)
