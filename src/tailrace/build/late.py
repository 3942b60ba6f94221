"""Templates that are rendered when their turn comes: models that ask the warehouse, hooks, tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from tailrace.build.calls import Calls, Owner, quoter
from tailrace.build.clock import set_clock
from tailrace.build.columns_read import columns_read
from tailrace.build.ctes import ephemeral_ctes, with_ctes
from tailrace.build.facts import key_of
from tailrace.build.graph import LateSql, ModelNode
from tailrace.build.marks import placed_tables
from tailrace.build.names import Named
from tailrace.build.origin import Origin
from tailrace.build.plain import model_of
from tailrace.build.rendering import Renderer
from tailrace.build.static import Rendered
from tailrace.build.template.unit import Unit
from tailrace.errors import Diagnostic, FatalError
from tailrace.warehouse.base import Warehouse

if TYPE_CHECKING:
    from tailrace.project.spec import ModelFile
    from tailrace.transpile.schema import Schema


@dataclass
class LateTemplates:
    """`nodes` are set once the graph is whole, `flags` by the command. Not for several threads."""

    renderer: Renderer
    now: datetime
    nodes: Mapping[str, ModelNode] = field(default_factory=dict)
    flags: Mapping[str, Any] = field(default_factory=dict)
    written: Mapping[str, tuple[Rendered, Rendered | None]] = field(default_factory=dict)
    """What each model's template became, and what it becomes where its table stands, if that is something else."""
    _files: Mapping[str, ModelFile] = field(default_factory=dict)
    _configs: dict[Any, tuple[Mapping[str, Any], list[Diagnostic]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._files = {model.name: model for model in self.renderer.project.models}

    def flagged(self, flags: Mapping[str, Any]) -> LateTemplates:
        return replace(self, flags={**self.flags, **flags})

    def node(self, name: str, warehouse: Warehouse, *, incremental: bool) -> LateSql:
        """A late model's SQL now."""
        node, model = self.nodes[name], self._files[name]
        owner = owner_of(self.renderer, model, node, incremental=incremental)
        unit = Unit(model.path, model.sql, model.package, model.line)
        rendered, calls = self._rendered(unit, owner, warehouse)
        macros = self.renderer.project.macros
        called = [macros[path] for path in sorted(calls.said.macro_files)]
        definition = key_of(model.sql, *called, self.renderer.settings())
        return replace(self._typed(rendered, node, warehouse), definition=definition)

    def typed(self, node: ModelNode, warehouse: Warehouse) -> ModelNode:
        """A model that is no late one, carried over to the target by the types of what it reads; itself where it is as typed."""
        if node.late or node.kind == "seed" or self.renderer.project.dialect == self._target:
            return node
        rendered, again = self.written[node.name]
        sql = self._typed(rendered, node, warehouse).sql
        more = self._typed(again, node, warehouse).sql if again is not None and node.incremental_sql else ""
        return replace(node, sql=sql, incremental_sql=more)

    def _typed(self, rendered: Rendered, node: ModelNode, warehouse: Warehouse) -> LateSql:
        """Exact, or refused; where not all columns are known, as near as the SQL alone tells."""
        if self.renderer.project.dialect == self._target:
            return self._finished(rendered, node)
        schema, whole = columns_read(node, self.nodes, warehouse)
        try:
            return self._finished(rendered, node, schema)
        except FatalError:
            if whole:
                raise
            return self._finished(rendered, node)

    @property
    def _target(self) -> str:
        return "bigquery" if self.renderer.project.target.type == "bigquery" else "duckdb"

    def text(
        self,
        text: str,
        warehouse: Warehouse | None,
        *,
        path: str,
        package: str,
        model: str = "",
        names: Mapping[str, Any] | None = None,
        writing: bool = False,
    ) -> str:
        """Any template as the target's SQL, its clock set."""
        unit = Unit(path, text, package, names=names or {})
        rendered, _ = self._rendered(unit, self._owner(unit, model), warehouse, writing=writing)
        return self._finished(rendered, None).sql if rendered.sql.strip() else ""

    def config(
        self, text: str, *, path: str, package: str, model: str = "", names: Mapping[str, Any] | None = None
    ) -> tuple[Mapping[str, Any], list[Diagnostic]]:
        """The configuration that a template gives itself while no warehouse is open, and what is wrong with it."""
        unit = Unit(path, text, package, names=names or {})
        key = (path, package, model, text, repr(names))
        if key not in self._configs:
            templates, problems = self.renderer.templates, self.renderer.problems
            before = len(problems)
            with templates.connected(None):
                calls = self.renderer.calls(
                    self._owner(unit, model), lambda word: templates.where(unit, word)
                )
                templates.render(unit, calls)
            self._configs[key] = calls.said.config, problems[before:]
            del problems[before:]
        return self._configs[key]

    def _owner(self, unit: Unit, model: str) -> Owner:
        """Whose the template of a hook or test is: the model's that it is of, if that is one."""
        node = self.nodes.get(model)
        if node is not None and model in self._files:
            # a test or hook of a microbatch model reads the whole table
            owner = owner_of(self.renderer, self._files[model], node, incremental=False)
            return replace(owner, batched=False)
        named = self.renderer.names.model(model) if model else None
        return Owner(model or unit.path, unit.path, unit.package, named)

    def _rendered(
        self, unit: Unit, owner: Owner, warehouse: Warehouse | None, *, writing: bool = False
    ) -> tuple[Rendered, Calls]:
        templates = self.renderer.templates
        connected = templates.connected(warehouse, writing=writing, nodes=self.nodes, flags=self.flags)
        with _told(self.renderer.problems), connected:
            calls = self.renderer.calls(owner, lambda word: templates.where(unit, word))
            rendered = templates.render(unit, calls)
            assert rendered is not None or self.renderer.problems
            return rendered or Rendered("", unit.path, unit.text), calls

    def _finished(self, rendered: Rendered, node: ModelNode | None, schema: Schema | None = None) -> LateSql:
        """With the target's words, its tables and its clock."""
        from tailrace.build.sql import Wrong, read_sql, read_text

        project, names, target = self.renderer.project, self.renderer.names, self._target
        read: Callable[..., Any] = partial(read_sql, schema=schema) if node is not None else read_text
        try:
            facts = read(rendered.sql, project.dialect, target)
        except Wrong as wrong:
            wrongs = [rendered.problem(it.offset, it.message, it.fix) for it in wrong.problems]
            raise FatalError("\n".join(map(str, wrongs))) from None
        if node is not None:
            _refuse_unforeseen(node, [one for table in facts.tables if (one := model_of(table, names))])
        sql = placed_tables(facts.sql, names, quoter(target))
        ctes = ephemeral_ctes(self.nodes, names, sql)
        carried, *moved = with_ctes(sql, ctes)
        origin = Origin(rendered, *moved) if project.dialect == target else None
        return LateSql(set_clock(carried, self.now), facts.canonical, volatile=facts.volatile, origin=origin)


def _refuse_unforeseen(node: ModelNode, read: list[Named]) -> None:
    """What a model reads decides when it is built, so it cannot come up only then."""
    for found in read:
        if found.name not in (*node.depends_on, node.name):
            said = f"{node.path}: it reads {found.name} only once its template is answered"
            raise FatalError(said, f"name it before: -- depends_on: {{{{ ref('{found.name}') }}}}")


@contextmanager
def _told(problems: list[Diagnostic]) -> Iterator[None]:
    """Diagnostics that a rendering adds become one FatalError; the list is as it was afterwards."""
    before = len(problems)
    yield
    found = problems[before:]
    del problems[before:]
    if found:
        raise FatalError("\n".join(str(one) for one in sorted(set(found))))


def owner_of(renderer: Renderer, model: ModelFile, node: ModelNode, *, incremental: bool) -> Owner:
    """Whose template a model's is, once its settings are known."""
    batched = node.settings.incremental is not None and node.settings.incremental.microbatch is not None
    return Owner(
        model.name,
        model.path,
        model.package,
        renderer.names.model(model.name),
        node.config,
        incremental,
        batched,
    )
