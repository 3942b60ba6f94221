"""What a query gives: columns that know where they come from, and tables of which nobody knows all columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Ref = tuple[str, str, str]
"""Schema, table and column as the warehouse writes them; the column `*` is one that nobody can name."""
Refs = frozenset[Ref]
NONE: Refs = frozenset()
ANY = "*"


@dataclass(frozen=True, slots=True)
class Output:
    """A column. `direct` is what its value is computed from, `indirect` what the subqueries inside it join and filter by.

    `expression` is the syntax tree of the last step that computes something; None for a table's own column.
    """

    name: str
    direct: Refs = NONE
    indirect: Refs = NONE
    expression: Any = None


@dataclass(frozen=True, slots=True)
class Part:
    """Columns without names: those of a table less `excluded` (lower case), or, where `fixed` is set, any computed from it."""

    schema: str
    table: str
    excluded: frozenset[str] = frozenset()
    fixed: Refs | None = None

    def give(self, name: str) -> Refs:
        return self.fixed if self.fixed is not None else frozenset({(self.schema, self.table, name)})

    def without(self, names: Iterable[str]) -> Part:
        return Part(self.schema, self.table, self.excluded.union(names), self.fixed)


Rest = tuple[tuple[Part, ...], ...]
"""A column that is not listed comes from one part of each group: groups are the arms of a union, parts the tables of a join."""


@dataclass(frozen=True, slots=True)
class Relation:
    """`columns` by lower-case name, in order; `filters` are the columns by which its rows are joined, grouped and chosen."""

    columns: Mapping[str, Output] = field(default_factory=dict)
    rest: Rest = ()
    filters: Refs = NONE

    @property
    def complete(self) -> bool:
        return not self.rest

    def may_hold(self, name: str) -> bool:
        """Whether a column that is not listed can be among the unnamed ones."""
        lowered = name.lower()
        return any(lowered not in part.excluded for group in self.rest for part in group)

    def find(self, name: str) -> tuple[Output | None, tuple[Part, ...]]:
        """The column, and the parts between which nobody can decide."""
        known = self.columns.get(name.lower())
        return (known, ()) if known is not None else unlisted(self.rest, name)

    def whole(self) -> Output:
        """A row as one value."""
        refs: set[Ref] = set()
        indirect: set[Ref] = set()
        for output in self.columns.values():
            refs |= output.direct
            indirect |= output.indirect
        for group in self.rest:
            for part in group:
                refs |= part.give(ANY)
        return Output(ANY, frozenset(refs), frozenset(indirect))


def unlisted(rest: Rest, name: str) -> tuple[Output | None, tuple[Part, ...]]:
    """A column among the unnamed ones: of every union arm, from each table of it that may have it."""
    refs: set[Ref] = set()
    doubtful: tuple[Part, ...] = ()
    for group in rest:
        able = tuple(part for part in group if name.lower() not in part.excluded)
        for part in able:
            refs |= part.give(name)
        if len(able) > 1:
            doubtful = able
    held = any(name.lower() not in part.excluded for group in rest for part in group)
    return (Output(name, frozenset(refs)) if held else None), doubtful


def named(outputs: Iterable[Output], rest: Rest = (), filters: Refs = NONE) -> Relation:
    """A relation of outputs in order; a name that comes twice is numbered, as DuckDB does: `x`, `x_1`."""
    columns: dict[str, Output] = {}
    for output in outputs:
        name, number = output.name, 0
        while name.lower() in columns:
            number += 1
            name = f"{output.name}_{number}"
        renamed = output if name == output.name else with_name(output, name)
        columns[name.lower()] = renamed
    return Relation(columns, rest, filters)


def with_name(output: Output, name: str) -> Output:
    return Output(name, output.direct, output.indirect, output.expression)


def table(schema: str, name: str, columns: Iterable[str], *, complete: bool) -> Relation:
    """A table of the warehouse, whose columns come from themselves."""
    listed = {
        column.lower(): Output(column, frozenset({(schema, name, column)}))
        for column in dict.fromkeys(columns)
    }
    return Relation(listed, () if complete else ((Part(schema, name, frozenset(listed)),),))


def renamed(relation: Relation, names: list[str]) -> Relation:
    """Column aliases of a table or CTE: `AS t(a, b)`, by position; what nobody can place comes from any of its columns."""
    if not names:
        return relation
    known = list(relation.columns.values())
    outputs = [
        with_name(known[i], name)
        if relation.complete and i < len(known)
        else with_name(relation.whole(), name)
        for i, name in enumerate(names)
    ]
    taken = {name.lower() for name in names}
    outputs += known[len(names) :] if relation.complete else ()
    rest = tuple(tuple(part.without(taken) for part in group) for group in relation.rest)
    return named(outputs, rest, relation.filters)


def united(arms: list[Relation], *, by_name: bool) -> Relation:
    """The arms of a UNION, by position or by name; tables without known columns are matched by name."""
    filters = frozenset[Ref]().union(*(arm.filters for arm in arms))
    rest = tuple(group for arm in arms for group in arm.rest)
    if not by_name and not rest:
        rows = [list(arm.columns.values()) for arm in arms]
        merged = [_merged([row[i] for row in rows if i < len(row)]) for i in range(len(rows[0]))]
        return named(merged, (), filters)
    outputs = []
    for name in dict.fromkeys(name for arm in arms for name in arm.columns):
        found = [output for arm in arms if (output := arm.find(_shown(arms, name))[0]) is not None]
        outputs.append(_merged(found))
    rest = tuple(
        tuple(part.without(output.name.lower() for output in outputs) for part in group) for group in rest
    )
    return named(outputs, rest, filters)


def _shown(arms: list[Relation], lowered: str) -> str:
    """The name as the first arm that has it writes it."""
    return next(arm.columns[lowered].name for arm in arms if lowered in arm.columns)


def _merged(outputs: list[Output]) -> Output:
    first = outputs[0]
    if len(outputs) == 1:
        return first
    return Output(
        first.name,
        NONE.union(*(output.direct for output in outputs)),
        NONE.union(*(output.indirect for output in outputs)),
        next((output.expression for output in outputs if output.expression is not None), None),
    )


def everything(outputs: Iterable[Output]) -> Refs:
    """All that some columns come from, directly or not."""
    return NONE.union(*(output.direct | output.indirect for output in outputs))
