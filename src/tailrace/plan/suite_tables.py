"""The tables that SQL and checks of a suite may name: which of them exist, and their columns."""

from __future__ import annotations

from tailrace.build.graph import Graph
from tailrace.build.names import LANDED_SUFFIXES
from tailrace.project.reader import hint
from tailrace.project.spec import Project


class Tables:
    """Every table that is known to be there, or to come, by casefolded `schema.name`."""

    def __init__(self, project: Project, graph: Graph) -> None:
        self._models = {node.name.casefold(): node for node in graph.nodes.values()}
        self._built = {str(node.table).casefold(): node for node in graph.nodes.values()}
        self._ephemeral = {name for name, node in self._built.items() if node.materialized == "ephemeral"}
        landed = {
            f"{pipeline.dataset}.{resource.name}{suffix}"
            for pipeline in project.pipelines
            for resource in pipeline.resources
            for suffix in LANDED_SUFFIXES
        }
        declared = {f"{table.schema}.{table.identifier}" for table in project.sources}
        self._known = {name.casefold() for name in (*self._built, *landed, *declared)}
        self._shown = sorted(str(node.table) for node in graph.nodes.values()) + sorted(
            name for name in landed if "__" not in name
        )
        # what lies in these nobody here can tell
        self._open = {pipeline.dataset.casefold() for pipeline in project.pipelines if pipeline.is_open}
        self._open |= {str(other["alias"]).casefold() for other in project.target.attach}
        self._open |= {"tailrace_meta", "information_schema"}
        self._lax = project.dbt is not None

    def columns(self, name: str) -> tuple[str, ...] | None:
        """The columns of a model, a seed or `schema.table`, as far as the project alone tells them."""
        node = self._models.get(name.casefold()) if "." not in name else self._built.get(name.casefold())
        return node.columns if node else None

    def columns_in_sql(self, name: str) -> tuple[str, ...] | None:
        """The same of a name in SQL."""
        return self.columns(name if "." in name else f"main.{name}")

    def wrong_with(self, name: str) -> tuple[str, str] | None:
        """What is wrong with a model's name or `dataset.table`, and the fix."""
        if "." in name:
            return self._qualified(name)
        node = self._models.get(name.casefold())
        if node is not None:
            return _no_table(name) if node.materialized == "ephemeral" else None
        fix = hint(name, sorted(node.name for node in self._models.values()))
        return f"there is no model {name}", fix

    def wrong_in_sql(self, name: str) -> tuple[str, str] | None:
        """The same of a name in SQL, where one without a schema is of `main`."""
        if "." in name:
            return self._qualified(name)
        node = self._models.get(name.casefold())
        if node is None:
            return self._qualified(f"main.{name}")
        if node.materialized == "ephemeral":
            return _no_table(name)
        is_there = node.schema.casefold() == "main" and node.table.name.casefold() == name.casefold()
        return None if is_there else (f"{name} has no schema", f"Write {node.table}")

    def _qualified(self, name: str) -> tuple[str, str] | None:
        if name.casefold() in self._ephemeral:
            return _no_table(name)
        schema = name.partition(".")[0].casefold()
        if self._lax or name.casefold() in self._known or schema in self._open:
            return None
        return f"there is no table {name}", self._meant(name)

    def _meant(self, name: str) -> str:
        """A table of that very name in another schema, before names that look alike."""
        own = name.rpartition(".")[2].casefold()
        same = [shown for shown in self._shown if shown.rpartition(".")[2].casefold() == own]
        return f"Did you mean {same[0]}?" if len(same) == 1 else hint(name, same or self._shown)


def _no_table(name: str) -> tuple[str, str]:
    return f"{name} is ephemeral: there is no table of it", "Materialize it, or read what it reads"
