"""What a name in a model stands for: a model, a seed, a landed table, a declared source, or a table nobody here knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tailrace.errors import near_miss
from tailrace.project.spec import Project, SourceTable
from tailrace.warehouse.base import TableRef

LANDED_SUFFIXES = ("", "__changes", "__keys", "__raw")
Problem = tuple[str, str]
"""A message and its fix."""


@dataclass(frozen=True)
class Named:
    """A model or a seed by name, where it is built, and whether `enabled` keeps it in the project."""

    name: str
    schema: str
    kind: str
    enabled: bool = True
    alias: str = ""
    materialized: str = ""
    event_time: str = ""
    package: str = ""

    @property
    def table(self) -> TableRef:
        return TableRef(self.schema, self.alias or self.name)


@dataclass(frozen=True)
class Names:
    """Everything that can be named; keys are casefolded, as a warehouse compares them.

    `landed` maps a landed table, its change log and the like to the resource's own table. `unlisted` are datasets by
    casefolded name whose pipeline lands whatever its source has: any table may be there. `declared` are the tables of
    `sources:`; `lax`: a table that nobody names is somebody else's, as dbt has it.
    """

    project: str
    tables: Mapping[str, Named]
    landed: Mapping[tuple[str, str], TableRef]
    attached: frozenset[str]
    unlisted: Mapping[str, str] = field(default_factory=dict)
    declared: Mapping[tuple[str, str], SourceTable] = field(default_factory=dict)
    packages: frozenset[str] = frozenset()
    lax: bool = False
    _relations: Mapping[tuple[str, str], Named] = field(default_factory=dict)

    def model(self, name: str) -> Named | None:
        """The model or seed of that name."""
        return self.tables.get(name.casefold())

    def qualified(self, schema: str, name: str) -> Named | None:
        """The model or seed that is built as `schema.name`."""
        return self._relations.get((schema.casefold(), name.casefold()))

    def source(self, dataset: str, table: str) -> TableRef | None:
        """The resource whose rows `dataset.table` holds."""
        found = self.landed.get((dataset.casefold(), table.casefold()))
        if found is not None or dataset.casefold() not in self.unlisted:
            return found
        suffix = next(end for end in reversed(LANDED_SUFFIXES) if table.lower().endswith(end))
        return TableRef(self.unlisted[dataset.casefold()], table[: len(table) - len(suffix)])

    def declared_source(self, source: str, table: str) -> SourceTable | None:
        """The entry of `sources:` that `source(source, table)` names."""
        return self.declared.get((source.casefold(), table.casefold()))

    def no_model(self, name: str) -> Problem:
        known = [found.name for found in self.tables.values() if found.enabled]
        return f"there is no model or seed {name}", _capital(near_miss(name, known))

    def disabled(self, found: Named) -> Problem:
        return (
            f"{found.kind} {found.name} is switched off (enabled: false)",
            "Switch it on, or do not read it",
        )

    def no_source(self, source: str, table: str) -> Problem | None:
        """Why source(source, table) cannot be right; None where it may be a table that others keep in the warehouse."""
        tables = [found.name for (of, _), found in self.declared.items() if of == source.casefold()]
        if tables:
            return f"source {source} has no table {table}", _capital(near_miss(table, sorted(tables)))
        sources = sorted({found.source for found in self.declared.values()})
        if self.lax or (sources and _close(source, sources)):
            return f"there is no source {source}", _capital(near_miss(source, sources))
        return self.no_table(source, table)

    def no_table(self, schema: str, name: str) -> Problem | None:
        """Why `schema.name` cannot be right; None where it may be a table that others keep in the warehouse."""
        if self.lax or schema.casefold() in self.attached or self._is_declared(schema, name):
            return None
        datasets = sorted({ref.schema for ref in self.landed.values()} | set(self.unlisted.values()))
        resources = [ref.name for ref in self.landed.values() if ref.schema.casefold() == schema.casefold()]
        if resources:
            fix = _capital(near_miss(name, sorted(set(resources))))
            return f"no pipeline lands {name} into {schema}", fix
        models = [
            found.table.name for found in self.tables.values() if found.schema.casefold() == schema.casefold()
        ]
        if models and schema.casefold() != "main" and (close := _close(name, models)):
            return f"there is no model {schema}.{name}", close
        if schema.casefold() not in {found.schema.casefold() for found in self.tables.values()}:
            close = _close(schema, [*datasets, *sorted(self.attached)])
            if close:
                return f"no pipeline lands into {schema}", close
        return None

    def _is_declared(self, schema: str, name: str) -> bool:
        wanted = (schema.casefold(), name.casefold())
        return any(wanted == (s.schema.casefold(), s.identifier.casefold()) for s in self.declared.values())


def names_of(project: Project, placed: Mapping[str, Named]) -> Names:
    """Every name of a project; `placed` are its models and seeds by casefolded name."""
    landed = {
        (pipeline.dataset.casefold(), (resource.name + suffix).casefold()): TableRef(
            pipeline.dataset, resource.name
        )
        for suffix in reversed(LANDED_SUFFIXES)  # a resource that is really called x__keys wins
        for pipeline in project.pipelines
        for resource in pipeline.resources
    }
    return Names(
        project=project.dbt.name if project.dbt else project.name,
        tables=placed,
        landed=landed,
        attached=frozenset(other["alias"].casefold() for other in project.target.attach),
        unlisted={found.dataset.casefold(): found.dataset for found in project.pipelines if found.is_open},
        declared={(s.source.casefold(), s.name.casefold()): s for s in project.sources if s.enabled},
        packages=frozenset(project.packages),
        lax=project.dbt is not None,
        _relations=by_relation(placed.values()),
    )


def by_relation(placed: Iterable[Named]) -> dict[tuple[str, str], Named]:
    """Models and seeds by the casefolded schema and name of what is built; one that is switched off gives way."""
    found: dict[tuple[str, str], Named] = {}
    for named in sorted(placed, key=lambda one: one.enabled):
        found[named.table.schema.casefold(), named.table.name.casefold()] = named
    return found


def _close(word: str, known: list[str]) -> str:
    text = near_miss(word, known)
    return _capital(text) if text.startswith("did you mean") else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
