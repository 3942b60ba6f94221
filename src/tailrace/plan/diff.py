"""What a change of the project does to those who read a model: breaking or not, and by which of its parts, in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tailrace.build.built import Built
from tailrace.build.fingerprint import Decision
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.shaping import shape_of

Kind = Literal["breaking", "non-breaking", "indirect", "data", "new", "unknown"]
Sql = tuple[str, str]
"""What builds a model, and what runs where its table stands ("" where that is the same)."""
HARMLESS = ("contract",)
LISTED = 8


@dataclass(frozen=True)
class Change:
    """`columns` are those that came, went, or whose values or type may be others; `rows`: there may be other rows."""

    kind: Kind
    details: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: bool = False

    def read_differently(self) -> tuple[str, ...]:
        """Columns that a reader may trip over."""
        return tuple(name for name, what in self.columns.items() if what != "new")

    def retyped(self, columns: Mapping[str, Sequence[str]]) -> Change:
        """With what building it showed: columns added, removed and retyped, each as `name type`."""
        seen = {"added": "new", "removed": "gone", "retyped": "retyped"}
        found = {text.split(" ")[0].lower(): seen[word] for word in seen for text in columns.get(word, ())}
        kind = self.kind
        if kind == "non-breaking" and any(what != "new" for what in found.values()):
            kind = "breaking"
        own = () if kind in ("breaking", "non-breaking") else _column_words(found)
        typed = tuple(f"column {name} has another type" for name, what in found.items() if what == "retyped")
        details = dict.fromkeys((*self.details, *own, *typed))
        return replace(self, kind=kind, details=tuple(details), columns={**self.columns, **found})


@dataclass(frozen=True)
class Versions:
    """Each model's SQL as it was built last and as it would be; a model is left out where that is not known."""

    before: Mapping[str, Sql]
    after: Mapping[str, Sql]
    dialect: str


def changes_of(
    graph: Graph, decisions: Iterable[Decision], built: Mapping[str, Built], versions: Versions
) -> dict[str, Change]:
    """Of every model that would be built, in the graph's order."""
    found: dict[str, Change] = {}
    for decision in decisions:
        if decision.action == "build":
            found[decision.model] = _change(graph, decision, built.get(decision.model), versions, found)
    return found


def _change(
    graph: Graph, decision: Decision, built: Built | None, versions: Versions, others: Mapping[str, Change]
) -> Change:
    node = graph.nodes[decision.model]
    if built is None:
        return Change("new")
    own = _own(graph, node, built, versions, modified=decision.modified)
    if own is not None:
        return own
    moved = [
        up for up in _upstream(graph, node) if up in others and others[up].kind not in ("data", "indirect")
    ]
    if not moved:
        return Change("data")
    far = [up for up in moved if up not in node.depends_on]  # the nearest are named as the reason
    details = (f"{_and(far)} changed",) if far == moved else ()
    return Change("indirect", details, rows=any(others[up].rows for up in moved))


def _own(graph: Graph, node: ModelNode, built: Built, versions: Versions, *, modified: bool) -> Change | None:
    """What changed in the model itself; None where nothing did."""
    settings = tuple(_settings(node, built))
    if settings:
        own = _by_sql(graph, node, built, versions)
        same = own is None or own.kind in ("unknown", "non-breaking")
        return Change("breaking", (*settings, *(() if same or own is None else own.details)), rows=True)
    if not modified and not node.late:
        return None
    return _by_sql(graph, node, built, versions) or _contract(node, built)


def _by_sql(graph: Graph, node: ModelNode, built: Built, versions: Versions) -> Change | None:
    """What its SQL, or a seed's file, says; None where that is the same."""
    before, after = versions.before.get(node.name), versions.after.get(node.name)
    if node.kind == "seed":
        return Change("data", ("its file changed",)) if built.parts.sql != node.canonical else None
    if after is None:
        return Change("unknown", ("its SQL is not known before it is built",))
    if before is None:
        return Change("unknown", ("an older release built it, and the SQL was not kept",))
    if before == after:
        return None
    found = compared_sql(before, after, versions.dialect, (built.parts.day, graph.run_date))
    return None if node.late and found.kind == "non-breaking" and not found.columns else found


def _contract(node: ModelNode, built: Built) -> Change | None:
    same = shape_of(node).get("contract") == built.parts.config.get("contract")
    return None if same else Change("non-breaking", ("its contract changed",))


def _settings(node: ModelNode, built: Built) -> Iterable[str]:
    """Settings that give it another place, kind or way to grow."""
    if built.materialized != node.materialized:
        yield f"it was {_a(built.materialized)} and becomes {_a(node.materialized)}"
    if (built.schema, built.relation(node.name)) != (node.schema, node.table.name):
        yield f"it moves from {built.schema}.{built.relation(node.name)} to {node.table}"
    old, new = built.parts.config, shape_of(node)
    if built.materialized != node.materialized:
        return
    for key in sorted({*old, *new} - {*HARMLESS, "alias"}):
        if old.get(key) != new.get(key):
            hook = key.endswith("_hook")
            yield (
                f"its {key} changed"
                if hook
                else f"{key} was {_value(old.get(key))} and is {_value(new.get(key))}"
            )


def compared_sql(before: Sql, after: Sql, dialect: str, days: tuple[str | None, str]) -> Change:
    """By the syntax trees, first of what builds the whole, then of what runs where the table stands."""
    from tailrace.plan.query_diff.compare import compare
    from tailrace.plan.query_diff.found import Found
    from tailrace.plan.query_diff.normal import Unreadable, normalised

    found = Found()
    for which, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new or not (old and new):
            found.rows += [] if old == new else ["what it does where its table stands already changed"]
            continue
        try:
            one = compare(normalised(old, dialect, days[0]), normalised(new, dialect, days[1]))
        except Unreadable:
            return Change("unknown", ("its SQL cannot be compared",))
        found.columns.update(one.columns)
        found.renamed.update(one.renamed)
        found.notes += one.notes
        found.rows += [
            f"where its table stands, {row}" if which and row not in found.rows else row for row in one.rows
        ]
    breaks = found.rows or any(what != "new" for what in found.columns.values())
    details = [*found.rows, *_column_words(found.columns, found.renamed), *found.notes]
    return Change(
        "breaking" if breaks else "non-breaking",
        tuple(dict.fromkeys(details)) or ("only how it is written changed",),
        found.columns,
        rows=bool(found.rows),
    )


def _column_words(columns: Mapping[str, str], renamed: Mapping[str, str] | None = None) -> tuple[str, ...]:
    renamed = renamed or {}
    found = [f"column {old} is called {new} now" for old, new in renamed.items()]
    for what, word in (("otherwise", "computed otherwise"), ("gone", "gone"), ("new", "new")):
        names = [n for n, w in columns.items() if w == what and n not in {*renamed, *renamed.values()}]
        stars = [name for name in names if name.startswith("* of ")]
        if named := [name for name in names if name not in stars]:
            found.append(
                f"column{'s' if named[1:] else ''} {_and(named)} {'are' if named[1:] else 'is'} {word}"
            )
        found += ["its star takes other columns"] if stars else []
    return tuple(dict.fromkeys(found))


def _upstream(graph: Graph, node: ModelNode) -> list[str]:
    """All that the model comes from, nearest first."""
    found: dict[str, None] = {}
    waiting = list(node.depends_on)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting += graph.nodes[name].depends_on
    return list(found)


def _and(names: Sequence[str]) -> str:
    shown = list(names[:LISTED])
    if len(names) > LISTED:
        return f"{', '.join(shown)} and {len(names) - LISTED} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _a(kind: str) -> str:
    return kind if kind in ("incremental", "ephemeral") else f"a {kind}"


def _value(text: str | None) -> str:
    """A setting as a person wrote it."""
    if not text:
        return "not set"
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)
