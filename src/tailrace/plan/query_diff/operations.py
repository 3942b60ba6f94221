"""UNION and its kin compared, columns by their place."""

from __future__ import annotations

from sqlglot import exp

from tailrace.plan.query_diff.found import Compare, Found, Known, bare
from tailrace.plan.query_diff.normal import text_of
from tailrace.plan.query_diff.shape import LIMITED, Outputs, names_of, projections_of, sources_of


def compare_operations(
    before: exp.SetOperation, after: exp.SetOperation, known: Known, compare: Compare
) -> Found:
    """UNION and its kin: columns by place, under the names of the first SELECT."""
    old, new = _branches(before), _branches(after)
    if _kinds(before) != _kinds(after) or len(old) != len(new):
        word = "fewer" if len(new) < len(old) else "more"
        same = set(_kinds(before)) == set(_kinds(after))
        return Found(
            rows=[
                f"{before.key.upper()} joins {word} queries"
                if same and len(old) != len(new)
                else "the set operation changed"
            ]
        )
    merged = Found(notes=[])
    made: list[dict[str, tuple[str, ...]]] = [{}, {}]
    changed: set[str] = set()
    names = names_of(after, known.after)
    by_name = bool(after.args.get("by_name"))
    for one, other in zip(old, new, strict=True):
        found = compare(one.copy(), other.copy(), known)
        merged.rows += found.rows
        own = names_of(other, known.after)
        changed |= {(name if by_name else names[own.index(name)]) for name, what in found.columns.items()
                    if what == "otherwise" and name in own and own.index(name) < len(names)}  # fmt: skip
    for side, tree, outputs in ((0, before, known.before), (1, after, known.after)):
        made[side] = _by_place(tree, outputs, by_name=by_name)
    merged.columns |= {name: "gone" for name in made[0] if name not in made[1]}
    for name, texts in made[1].items():
        if name not in made[0]:
            merged.columns[name] = "new"
        elif texts != made[0][name] or name in changed:
            merged.columns[name] = "otherwise"
    if merged.columns and not all(kind == "UNION ALL" for kind in _kinds(after)):
        merged.rows.append("its rows are distinct by other columns")
    if _limited(before) != _limited(after):
        merged.rows.append(f"the {LIMITED} changed")
    merged.rows = list(dict.fromkeys(merged.rows))
    return merged


def _by_place(tree: exp.SetOperation, outputs: Outputs, *, by_name: bool) -> dict[str, tuple[str, ...]]:
    """The expressions that make each column, branch by branch; sources count as compared already."""
    names = names_of(tree, outputs)
    rows = []
    for branch in _branches(tree):
        select = bare(branch)
        own = projections_of(select, sources_of(select), outputs) if isinstance(select, exp.Select) else []
        rows.append(own)
    if by_name:
        every = dict.fromkeys(one.name for row in rows for one in row)
        return {name: tuple(one.text for row in rows for one in row if one.name == name) for name in every}
    return {
        name: tuple(row[place].text if place < len(row) else "" for row in rows)
        for place, name in enumerate(names)
    }


def _limited(tree: exp.SetOperation) -> list[str]:
    """LIMIT and OFFSET, and the order where that chooses rows."""
    found = [text_of(tree.args.get(key)) for key in ("limit", "offset")]
    return [*found, text_of(tree.args.get("order"))] if any(found) else []


def _branches(tree: exp.SetOperation) -> list[exp.Query]:
    found: list[exp.Query] = []
    for side in (tree.left, tree.right):
        inner = bare(side)
        found += _branches(inner) if isinstance(inner, exp.SetOperation) else [side]
    return found


def _kinds(tree: exp.SetOperation) -> list[str]:
    own = [
        f"{tree.key.upper()}{'' if tree.args.get('distinct') else ' ALL'}{' BY NAME' if tree.args.get('by_name') else ''}"
    ]
    for side in (tree.left, tree.right):
        inner = bare(side)
        own += _kinds(inner) if isinstance(inner, exp.SetOperation) else []
    return own
