"""Values of two types that meet: DuckDB casts one of them, BigQuery has no operator for them."""

from __future__ import annotations

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, cast, string_of
from tailrace.transpile.signatures import INSTANTS, NUMBERS

_FAMILIES = {**dict.fromkeys(NUMBERS, "numbers"), **dict.fromkeys(INSTANTS, "instants"), "text": "texts", "bool": "BOOLEANs", "date": "dates",
             "time": "times"}  # fmt: skip
_READ_FROM_TEXT = ("dates", "instants", "times")


def family(w: Writer, node: exp.Expr) -> str:
    """What a value may be compared with; "" where nobody knows, or where it is none of these."""
    return _FAMILIES.get(w.kind(node).name, "")


def compatible(w: Writer, nodes: list[exp.Expr]) -> bool:
    """Whether BigQuery brings the values to one type, dates and instants aside; the first that it does not is refused."""
    told = [(node, family(w, node)) for node in nodes]
    families = {name for _, name in told if name}
    times = families & {*_READ_FROM_TEXT}
    for node, name in told:
        if name == "texts" and times and string_of(node) is not None:
            continue  # it reads a literal as one of these
        others = {
            other
            for other_node, other in told
            if other and not (other == "texts" and times and string_of(other_node) is not None)
        }
        others -= {"dates", "instants"} if name in ("dates", "instants") else {name}
        if name and others:
            other = min(others)
            w.refuse(
                node, f"BigQuery does not bring {name} and {other} together", "Cast one to the other's type"
            )
            return False
    return True


def unified(w: Writer, nodes: list[exp.Expr]) -> list[exp.Expr]:
    """Values of which one is taken: a date beside an instant becomes one."""
    compatible(w, nodes)
    instant = any(family(w, node) == "instants" for node in nodes)
    return [
        cast(w.write(node), "TIMESTAMP") if instant and family(w, node) == "dates" else w.write(node)
        for node in nodes
    ]


def chosen(w: Writer, node: exp.Case) -> exp.Expr:
    """CASE: what it may give is of one type, and so is what it compares."""
    subject, branches, default = node.args.get("this"), node.args["ifs"], node.args.get("default")
    if subject is not None:
        compatible(w, [subject, *(branch.this for branch in branches)])
    values = unified(
        w, [*(branch.args["true"] for branch in branches), *([default] if default is not None else [])]
    )
    ifs = [
        exp.If(this=w.write(branch.this), true=value) for branch, value in zip(branches, values, strict=False)
    ]
    written = exp.Case(this=w.write(subject) if subject is not None else None, ifs=ifs)
    if default is not None:
        written.set("default", values[-1])
    return written
