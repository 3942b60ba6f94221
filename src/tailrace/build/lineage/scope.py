"""What a name means inside one SELECT: a column of its tables, an alias of its list, something of the query around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sqlglot import exp

from tailrace.build.lineage.relation import NONE, Output, Relation

First = Literal["column", "alias"]


@dataclass(frozen=True, slots=True)
class Source:
    """One table of a FROM. `schema` is "" for whatever is no table of the warehouse; a semi join's right side is not `visible`."""

    alias: str
    relation: Relation
    schema: str = ""
    table: str = ""
    visible: bool = True


@dataclass(slots=True)
class Scope:
    """`ctes` by lower-case name; `aliases` are the outputs of the list so far; `merged` the columns that USING made one.

    `notes` gathers what could not be decided. `certain` are names that some place of this SELECT showed to be columns.
    `lateral`: an alias may be used by what comes after it.
    """

    ctes: Mapping[str, Relation]
    notes: dict[str, None]
    outer: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    aliases: dict[str, Output] = field(default_factory=dict)
    merged: dict[str, Output] = field(default_factory=dict)
    windows: dict[str, exp.Expr] = field(default_factory=dict)
    lateral: bool = True
    certain: set[str] = field(default_factory=set)

    def visible(self) -> list[Source]:
        return [source for source in self.sources if source.visible]

    def hide_last(self) -> None:
        """Of a semi or anti join only the condition sees the right side."""
        self.sources[-1] = replace(self.sources[-1], visible=False)

    def column(self, node: exp.Column, first: First = "column") -> Output:
        """What a column's reference comes from; nothing, with a note, where nobody has such a column."""
        if isinstance(node.this, exp.Star):
            return self.whole(node.table)
        if not node.args.get("table"):
            return self.bare(node.name, first)
        return self.named([part.name for part in node.parts])

    def named(self, parts: list[str]) -> Output:
        """A column by the parts of its name; nothing, with a note, where nobody has such a column."""
        if len(parts) == 1:
            return self.bare(parts[0])
        found = self.dotted(parts)
        if found is None:
            self.note(f"{'.'.join(parts)} is no column of what the query reads")
            return Output(parts[-1])
        return found

    def dotted(self, parts: list[str]) -> Output | None:
        """`t.c`, `schema.t.c`, `t.struct.field` or `struct.field`; a field of a column is as much as the column."""
        for scope in self.chain():
            for depth in range(len(parts) - 1):
                source = scope.source(parts[depth], parts[depth - 1] if depth else "")
                if source is not None:
                    return scope.of(source, parts[depth + 1])
        return next((found for scope in self.chain() if (found := scope.seen(parts[0])) is not None), None)

    def source(self, alias: str, schema: str = "") -> Source | None:
        lowered = alias.lower()
        for source in self.sources:
            if source.alias == lowered and (
                not (schema and source.schema) or schema.lower() == source.schema.lower()
            ):
                return source
        return None

    def of(self, source: Source, name: str) -> Output:
        found, doubtful = source.relation.find(name)
        if doubtful:
            tables = " or ".join(f"{part.schema}.{part.table}" for part in doubtful)
            self.note(f"{name} may be of {tables}, whose columns are not known: it counts for each")
        if name.lower() == "rowid" and found is None:
            return Output(name)
        if found is None and source.table:
            self.note(f"{_names([source])} is not known to have a column {name}")
            return Output(name, frozenset({(source.schema, source.table, name)}))
        if found is None:
            self.note(f"{source.alias}.{name} is no column of what the query reads")
        return found or Output(name)

    def bare(self, name: str, first: First = "column") -> Output:
        """A name without a table: of this query or of one around it, a row as a whole, or a column not known yet."""
        for scope in self.chain():
            if (found := scope.seen(name, first)) is not None:
                return found
            first = "column"
        row = next((source for scope in self.chain() if (source := scope.source(name)) is not None), None)
        if row is not None:
            return row.relation.whole()
        if len(self.visible()) == 1 and self.visible()[0].table:
            return self.of(self.visible()[0], name)
        self.note(f"{name} is no column of what the query reads")
        return Output(name)

    def seen(self, name: str, first: First = "column") -> Output | None:
        """A column or an alias of this very SELECT."""
        lowered = name.lower()
        alias = self.aliases.get(lowered)
        if alias is not None and first == "alias":
            return alias
        if lowered in self.merged:
            return self.merged[lowered]
        holders = [source for source in self.visible() if lowered in source.relation.columns]
        if holders:
            return self._listed(name, holders)
        able = [source for source in self.visible() if source.relation.may_hold(name)]
        if able and (alias is None or lowered in self.certain or not self.lateral):
            self.certain.add(lowered)
            return self._unlisted(name, able)
        if alias is not None and able:
            self.note(f"{name} is taken for the alias: a column of that name would come first")
        return alias

    def _listed(self, name: str, holders: list[Source]) -> Output:
        if len(holders) > 1:
            self.note(f"{name} is in {_names(holders)}: it counts for each")
        return joined(name, [source.relation.columns[name.lower()] for source in holders])

    def _unlisted(self, name: str, able: list[Source]) -> Output:
        if len(able) > 1:
            self.note(f"{name} may be of {_names(able)}, whose columns are not known: it counts for each")
        elif any(_lists(scope, name) for scope in self.chain() if scope is not self):
            self.note(f"{name} is taken for a column of {_names(able)}, whose columns are not known")
        if len(able) == 1:
            return self.of(able[0], name)
        return joined(name, [found for source in able if (found := source.relation.find(name)[0])])

    def chain(self) -> Iterator[Scope]:
        """Scopes from here outwards."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def whole(self, table: str) -> Output:
        """`t.*` as a value."""
        source = self.source(table)
        if source is not None:
            return source.relation.whole()
        return self.outer.whole(table) if self.outer is not None else self.bare(table)

    def note(self, text: str) -> None:
        self.notes[text] = None


def _lists(scope: Scope, name: str) -> bool:
    return any(name.lower() in source.relation.columns for source in scope.visible())


def _names(sources: list[Source]) -> str:
    return " or ".join(
        f"{source.schema}.{source.table}".lstrip(".") if source.table else source.alias or "a subquery"
        for source in sources
    )


def joined(name: str, outputs: list[Output]) -> Output:
    """One column that is any of several."""
    if len(outputs) == 1:
        return outputs[0]
    return Output(
        name,
        NONE.union(*(output.direct for output in outputs)),
        NONE.union(*(output.indirect for output in outputs)),
    )
