"""What a person asks about: a model, a column of a model or of a landed table, or a CRM field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.lineage.graph import Known
from tailrace.build.lineage.model import ModelLineage
from tailrace.build.lineage.relation import Ref
from tailrace.errors import BadInput, near_miss
from tailrace.plan.lineage.flow import written
from tailrace.plan.lineage.known import resource_tables
from tailrace.project.spec import Project
from tailrace.warehouse.base import TableRef


@dataclass(frozen=True)
class Asked:
    """`refs` are columns, `fields` CRM fields (connection, object, field), that one name means; `model` is a whole model.

    `note` says that nobody could tell whether there is such a column.
    """

    name: str
    refs: tuple[Ref, ...] = ()
    fields: tuple[tuple[str, str, str], ...] = ()
    model: ModelNode | None = None
    note: str = ""


@dataclass(frozen=True)
class Names:
    """All that can be asked about."""

    project: Project
    graph: Graph
    models: Mapping[str, ModelLineage]
    known: Mapping[TableRef, Known]

    def find(self, text: str) -> Asked:
        """What a name means; BadInput, with near misses, where it means nothing."""
        node = self._node(text)
        if node is not None:
            return Asked(node.name, model=node)
        fields = tuple(self._fields(text))
        problem: BadInput | None = None
        for left, right in _cuts(text):
            found = self._column(left, right)
            if isinstance(found, Asked):
                return Asked(found.name, found.refs, fields, note=found.note)
            problem = problem or found
        if fields:
            return Asked(".".join(fields[0]), fields=fields)
        if problem is not None:
            raise problem
        raise BadInput(f"there is no model, column or CRM field {text}", near_miss(text, self._all(text)))

    def _node(self, text: str) -> ModelNode | None:
        lowered = text.lower()
        for node in self.graph.nodes.values():
            if lowered in (node.name.lower(), f"{node.schema}.{node.name}".lower(), str(node.table).lower()):
                return node
        return None

    def _fields(self, text: str) -> Iterator[tuple[str, str, str]]:
        for place in self._every_field():
            if ".".join(place).lower() == text.lower():
                yield place

    def _every_field(self) -> Iterator[tuple[str, str, str]]:
        """The CRM fields that syncs write, those that records are made by among them."""
        for sync in self.project.syncs:
            for name, _ in written(sync):
                yield sync.connection, sync.object, name

    def _column(self, left: str, right: str) -> Asked | BadInput | None:
        """A column of a model or of a table; BadInput where there is the one and not the other."""
        node = self._node(left)
        if node is not None:
            return self._of_model(node, right)
        for ref in sorted({*self.known, *self._read()}):
            if str(ref).lower() == left.lower():
                return self._of_table(ref, right)
        return None

    def _of_model(self, node: ModelNode, name: str) -> Asked | BadInput:
        lineage = self.models[node.name]
        listed = [column.name for column in lineage.columns.values()]
        exact = _exact(name, listed)
        ref = (node.table.schema, node.table.name, exact or name)
        if exact is not None:
            return Asked(f"{node.name}.{exact}", (ref,))
        if lineage.column(name) is None:
            return BadInput(f"{node.name} has no column {name}", near_miss(name, listed))
        why = "its SQL does not list its columns, and it is not published"
        note = f"nobody can tell whether {node.name} has a column {name}: {why}"
        return Asked(f"{node.name}.{name}", (ref,), note=note)

    def _of_table(self, ref: TableRef, name: str) -> Asked | BadInput:
        """A column of a table that no model makes, and of the change log, keys and raw rows beside it."""
        known = self.known.get(ref, Known((), complete=False))
        used = self._used(ref)
        exact = _exact(name, [*known.columns, *used])
        if exact is None:
            fields = [
                field for *home, field in self._every_field() if ".".join(home).lower() == str(ref).lower()
            ]
            return BadInput(f"{ref} has no column {name}", near_miss(name, [*known.columns, *used, *fields]))
        tables = resource_tables(ref) if self._is_landed(ref) else (ref,)
        return Asked(f"{ref}.{exact}", tuple((table.schema, table.name, exact) for table in tables))

    def _is_landed(self, ref: TableRef) -> bool:
        return any(
            (pipeline.dataset, resource.name) == (ref.schema, ref.name)
            for pipeline in self.project.pipelines
            for resource in pipeline.resources
        )

    def _used(self, ref: TableRef) -> list[str]:
        """The columns of a table that models name."""
        place = (ref.schema.lower(), ref.name.lower())
        return [
            name
            for schema, table, name in self._refs()
            if (schema.lower(), table.lower()) == place and name != "*"
        ]

    def _read(self) -> set[TableRef]:
        return {TableRef(schema, table) for schema, table, _ in self._refs()}

    def _refs(self) -> list[Ref]:
        found: set[Ref] = set()
        for lineage in self.models.values():
            found |= lineage.filters
            for column in lineage.columns.values():
                found |= column.direct | column.indirect
        return sorted(found)

    def _all(self, text: str) -> list[str]:
        """What could have been meant: columns where the text has a dot, models where it has none."""
        if "." not in text:
            return [node.name for node in self.graph.nodes.values()]
        models = [f"{name}.{column.name}" for name, m in self.models.items() for column in m.columns.values()]
        landed = [f"{ref}.{column}" for ref, known in self.known.items() for column in known.columns]
        return models + landed + [".".join(place) for place in self._every_field()]


def _cuts(text: str) -> Iterator[tuple[str, str]]:
    """Table and column, the column as short as possible first: names may hold dots themselves."""
    parts = text.split(".")
    for at in range(len(parts) - 1, 0, -1):
        yield ".".join(parts[:at]), ".".join(parts[at:])


def _exact(name: str, known: list[str]) -> str | None:
    """The name as it is written where it is known; case does not count."""
    return next((other for other in known if other.lower() == name.lower()), None)
