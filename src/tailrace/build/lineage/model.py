"""A model's columns as facts that JSON can hold: which columns of which tables each is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tailrace.build.lineage.relation import NONE, Output, Part, Ref, Refs, Relation, Rest, unlisted


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a model: what its value is computed from, and by what the subqueries inside of it filter."""

    name: str
    direct: Refs = NONE
    indirect: Refs = NONE


@dataclass(frozen=True)
class ModelLineage:
    """One step: tables as the model reads them. `columns` by lower-case name, in order.

    `filters` are the columns by which rows are joined, grouped and chosen: they act on every column. `rest` stands for columns that
    nobody can list (a star over a table that is not known); `notes` say what had to be guessed.
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    filters: Refs = NONE
    rest: Rest = ()
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether these are all columns that the model has."""
        return not self.rest

    def column(self, name: str) -> Column | None:
        """A column, listed or not; None where the model cannot have it. `*` stands for any of them."""
        known = self.columns.get(name.lower())
        if known is not None:
            return known
        if name == "*":
            found = Relation(
                {key: _output(column) for key, column in self.columns.items()}, self.rest
            ).whole()
            return Column("*", found.direct, found.indirect)
        unknown = unlisted(self.rest, name)[0]
        return Column(name, unknown.direct) if unknown is not None else None


def _output(column: Column) -> Output:
    return Output(column.name, column.direct, column.indirect)


def lineage_of(relation: Relation, notes: Iterable[str]) -> ModelLineage:
    """What was read from a model's SQL, without the syntax trees."""
    columns = {
        name: Column(output.name, output.direct, output.indirect) for name, output in relation.columns.items()
    }
    return ModelLineage(columns, relation.filters, relation.rest, tuple(notes))


def plain(found: ModelLineage) -> dict[str, Any]:
    """As JSON keeps it: every table column once, in `refs`, and elsewhere by its number."""
    refs: dict[Ref, int] = {}

    def numbers(some: Refs) -> list[int]:
        return [refs.setdefault(ref, len(refs)) for ref in sorted(some)]

    return {
        "columns": [
            [column.name, numbers(column.direct), numbers(column.indirect)]
            for column in found.columns.values()
        ],
        "filters": numbers(found.filters),
        "rest": [
            [
                [
                    part.schema,
                    part.table,
                    sorted(part.excluded),
                    None if part.fixed is None else numbers(part.fixed),
                ]
                for part in group
            ]
            for group in found.rest
        ],
        "notes": list(found.notes),
        "refs": [list(ref) for ref in refs],
    }


def read(kept: Mapping[str, Any]) -> ModelLineage:
    """The reverse of `plain`."""
    refs: list[Ref] = [(schema, table, column) for schema, table, column in kept["refs"]]

    def those(numbers: Iterable[int]) -> Refs:
        return frozenset(refs[number] for number in numbers)

    columns = {
        name.lower(): Column(name, those(direct), those(indirect))
        for name, direct, indirect in kept["columns"]
    }
    rest = tuple(
        tuple(
            Part(schema, table, frozenset(excluded), None if fixed is None else those(fixed))
            for schema, table, excluded, fixed in group
        )
        for group in kept["rest"]
    )
    return ModelLineage(columns, those(kept["filters"]), rest, tuple(kept["notes"]))
