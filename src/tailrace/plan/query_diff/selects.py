"""Two SELECTs compared: what they read, the columns they make, the clauses that choose their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sqlglot import exp

from tailrace.plan.query_diff.found import Compare, Found, Known, What, retable
from tailrace.plan.query_diff.normal import own_name, text_of
from tailrace.plan.query_diff.shape import (
    LIMITED,
    Projection,
    Source,
    aggregates,
    clauses_of,
    projections_of,
    sources_of,
)

SHOWN = 60


class Selects:
    """Two SELECTs; `compare` is for the queries inside of them."""

    def __init__(self, before: exp.Select, after: exp.Select, known: Known, compare: Compare) -> None:
        self._selects = before, after
        self._known = known
        self._compare = compare
        self._found = Found()
        self._sources: dict[str, Found] = {}

    def compare(self) -> Found:
        """Columns and rows that differ."""
        before, after = self._selects
        old, new = sources_of(before), sources_of(after)
        replaced = _replaced(old, new)
        for name, former in replaced.items():
            self._found.rows.append(f"it reads {name} instead of {former}")
            retable(after, name, former)
            new = {former if key == name else key: one for key, one in new.items()}
        for name in old.keys() | new.keys():
            self._source(name, old.get(name), new.get(name), taken=name in replaced.values())
        was = projections_of(before, old, self._known.before)
        now = projections_of(
            after, {key: replace(one, name=key) for key, one in new.items()}, self._known.after
        )
        self._columns(was, now)
        self._clauses(was, now)
        self._rows_of_columns(was, now)
        self._joins(old, new)
        self._found.rows = list(dict.fromkeys(self._found.rows))
        return self._found

    def _source(self, name: str, old: Source | None, new: Source | None, *, taken: bool) -> None:
        said = self._found.rows
        if old is None or new is None:
            said.append(f"it reads {_shown(name)} as well" if new else f"it reads {_shown(name)} no more")
            return
        if old.query is not None and new.query is not None:
            inner = self._compare(old.query.copy(), new.query.copy(), self._known)
        else:
            inner = self._known.found.get(own_name(old.node), Found())
        self._sources[name] = inner
        said += [one if one.startswith("in ") else f"in {_shown(name)}, {one}" for one in inner.rows]
        if old.text != new.text and not taken:
            said.append(f"it reads {_shown(name)} in another way")
        if old.how != new.how and "" not in (old.how, new.how):
            said.append(f"the join with {_shown(name)} was {old.how} and is {new.how}")

    def _joins(self, old: Mapping[str, Source], new: Mapping[str, Source]) -> None:
        for name in old.keys() & new.keys():
            if changed := self._differs(old[name].on, new[name].on):
                self._found.rows.append(f"the join with {_shown(name)} changed{changed}")

    def _columns(self, was: list[Projection], now: list[Projection]) -> None:
        old, new = ({one.name: one for one in some} for some in (was, now))
        columns = self._found.columns
        for name in old.keys() - new.keys():
            columns[name] = "gone"
        for one in now:
            if one.name not in old:
                columns[one.name] = "new"
            elif one.text != old[one.name].text or self._through(one, columns):
                columns[one.name] = "otherwise"
        for name in [name for name, what in columns.items() if what == "gone"]:
            same = [one.name for one in now if one.text == old[name].text and columns.get(one.name) == "new"]
            if len(same) == 1:
                self._found.renamed[name] = same[0]
        shared = [name for name in new if name in old]
        if shared != [name for name in old if name in new]:
            self._found.notes.append("the columns are in another order")

    def _through(self, one: Projection, columns: Mapping[str, What]) -> bool:
        """Whether it is made of something that differs: a column of a source, or an alias before it."""
        if one.node is None:
            return one.text.rpartition(".")[2] in self._sources.get(one.source, Found()).columns
        own = {name: what for name, what in columns.items() if not self._is_source(name)}
        return any(True for _ in self._touched([one.node], own))

    def _touched(self, nodes: Iterable[exp.Expr], aliases: Mapping[str, What]) -> Iterator[str]:
        for node in nodes:
            for column in node.find_all(exp.Column):
                places = (
                    [self._sources.get(column.table, Found())] if column.table else [*self._sources.values()]
                )
                made_here = not column.table and aliases.get(column.name, "new") != "new"
                if made_here or any(column.name in place.columns for place in places):
                    yield column.name
            for table in node.find_all(exp.Table):
                if not table.db and self._known.found.get(table.name):
                    yield table.name

    def _clauses(self, was: list[Projection], now: list[Projection]) -> None:
        before, after = (clauses_of(one, some) for one, some in zip(self._selects, (was, now), strict=True))
        for word in before:
            if changed := self._differs(before[word], after[word]):
                self._found.rows.append(_worded(word, changed, bool(before[word]), bool(after[word])))
        orders = [text_of(one.args.get("order")) for one in self._selects]
        if orders[0] != orders[1] and not after[LIMITED]:
            self._found.notes.append("the order of the rows changed")

    def _differs(self, before: Iterable[exp.Expr], after: Iterable[exp.Expr]) -> str:
        """What came and went among parts of a clause, or through which column it changed; "" where nothing did."""
        after = list(after)
        old, new = [text_of(one) for one in before], [text_of(one) for one in after]
        parts = [f"+ {_cut(one)}" for one in new if one not in old] + [
            f"- {_cut(one)}" for one in old if one not in new
        ]
        if parts:
            return f": {', '.join(parts)}"
        own = {name: what for name, what in self._found.columns.items() if not self._is_source(name)}
        through = dict.fromkeys(self._touched(after, own))
        return f" through {', '.join(through)}" if through else ""

    def _is_source(self, name: str) -> bool:
        """Whether a column made here has the name of one that it is made of: clauses mean the latter."""
        made = (one for select in self._selects for one in select.expressions if one.alias_or_name == name)
        return any(_names(one, name) for one in made)

    def _rows_of_columns(self, was: list[Projection], now: list[Projection]) -> None:
        """Columns that add, split or merge rows by being there."""
        said, columns = self._found.rows, self._found.columns
        if self._selects[1].args.get("distinct") is not None and columns:
            said.append(f"its rows are distinct by other columns: {', '.join(sorted(columns))}")
        for one in now:
            if columns.get(one.name) == "new" and one.node is not None:
                if any(one.node.find_all(exp.Unnest, exp.Explode, exp.GenerateSeries)):
                    said.append(f"column {one.name} makes several rows of one")
                elif aggregates(one.node) and not _aggregated(self._selects[0], was):
                    said.append(f"column {one.name} makes one row of all")


def _aggregated(select: exp.Select, columns: list[Projection]) -> bool:
    return select.args.get("group") is not None or any(
        one.node is not None and aggregates(one.node) for one in columns
    )


def _replaced(old: Mapping[str, Source], new: Mapping[str, Source]) -> dict[str, str]:
    """The one source that took another's place."""
    gone, came = [name for name in old if name not in new], [name for name in new if name not in old]
    same = len(gone) == len(came) == 1 and old[gone[0]].how == new[came[0]].how
    return {came[0]: gone[0]} if same else {}


def _names(node: exp.Expr, name: str) -> bool:
    return any(column.name == name for column in node.find_all(exp.Column))


def _worded(word: str, changed: str, had: bool, has: bool) -> str:
    if word == "DISTINCT":
        return (
            "it is DISTINCT now" if not had else "it is DISTINCT no more" if not has else "DISTINCT changed"
        )
    return f"the {word} changed{changed}"


def _shown(name: str) -> str:
    return name.removeprefix("__dbt__cte__")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
