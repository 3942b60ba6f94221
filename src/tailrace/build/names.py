"""What a name in a model stands for: a model, a seed, a landed table, or a table that tailrace does not know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tailrace.errors import near_miss
from tailrace.project.spec import Project
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

    @property
    def table(self) -> TableRef:
        return TableRef(self.schema, self.name)


@dataclass(frozen=True)
class Names:
    """Everything that can be named; keys are casefolded, as a warehouse compares them.

    `landed` maps a landed table, its change log and the like to the resource's own table. `unlisted` are datasets by
    casefolded name whose pipeline lands whatever its source has: any table may be there.
    """

    project: str
    tables: Mapping[str, Named]
    landed: Mapping[tuple[str, str], TableRef]
    attached: frozenset[str]
    unlisted: Mapping[str, str] = field(default_factory=dict)

    def model(self, name: str) -> Named | None:
        """The model or seed of that name."""
        return self.tables.get(name.casefold())

    def qualified(self, schema: str, name: str) -> Named | None:
        """The model or seed that is built as `schema.name`."""
        found = self.model(name)
        return found if found and found.schema.casefold() == schema.casefold() else None

    def source(self, dataset: str, table: str) -> TableRef | None:
        """The resource whose rows `dataset.table` holds."""
        found = self.landed.get((dataset.casefold(), table.casefold()))
        if found is not None or dataset.casefold() not in self.unlisted:
            return found
        suffix = next(end for end in reversed(LANDED_SUFFIXES) if table.lower().endswith(end))
        return TableRef(self.unlisted[dataset.casefold()], table[: len(table) - len(suffix)])

    def no_model(self, name: str) -> Problem:
        known = [found.name for found in self.tables.values() if found.enabled]
        return f"there is no model or seed {name}", _capital(near_miss(name, known))

    def disabled(self, found: Named) -> Problem:
        return (
            f"{found.kind} {found.name} is switched off (enabled: false)",
            "Switch it on, or do not read it",
        )

    def no_table(self, schema: str, name: str) -> Problem | None:
        """Why `schema.name` cannot be right; None where it may be a table that others keep in the warehouse."""
        datasets = sorted({ref.schema for ref in self.landed.values()} | set(self.unlisted.values()))
        resources = [ref.name for ref in self.landed.values() if ref.schema.casefold() == schema.casefold()]
        if schema.casefold() in self.attached:
            return None
        if resources:
            fix = _capital(near_miss(name, sorted(set(resources))))
            return f"no pipeline lands {name} into {schema}", fix
        models = [
            found.name for found in self.tables.values() if found.schema.casefold() == schema.casefold()
        ]
        if models and schema.casefold() != "main" and (close := _close(name, models)):
            return f"there is no model {schema}.{name}", close
        if schema.casefold() not in {found.schema.casefold() for found in self.tables.values()}:
            close = _close(schema, [*datasets, *sorted(self.attached)])
            if close:
                return f"no pipeline lands into {schema}", close
        return None


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
    attached = frozenset(other["alias"].casefold() for other in project.target.attach)
    unlisted = {found.dataset.casefold(): found.dataset for found in project.pipelines if found.is_open}
    return Names(project.name, placed, landed, attached, unlisted)


def _close(word: str, known: list[str]) -> str:
    text = near_miss(word, known)
    return _capital(text) if text.startswith("did you mean") else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
