"""Renders the texts of one project, one after the other; whatever a template does wrong becomes a diagnostic at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from jinja2 import nodes

from tailrace.build.batches import is_broken
from tailrace.build.calls import Calls
from tailrace.build.graph import ModelNode
from tailrace.build.static import Rendered
from tailrace.build.template.asking import Asking
from tailrace.build.template.context import functions_of, internal_of
from tailrace.build.template.described import described
from tailrace.build.template.diagnose import Diagnoser
from tailrace.build.template.failures import Mistake
from tailrace.build.template.index import Place, index_of
from tailrace.build.template.limits import SECONDS, time_limit
from tailrace.build.template.sandbox import PREFIX, Environment, Source, pieces_of
from tailrace.build.template.scope import Scope
from tailrace.build.template.unit import Unit
from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import ModelFile, Project, SeedFile
from tailrace.warehouse.base import Warehouse


class Templates:
    """Renders units with the functions of their owners. A macro's file is parsed when one of its macros is called.

    `now` is the run's clock. Not for several threads.
    """

    def __init__(
        self,
        project: Project,
        problems: list[Diagnostic],
        seconds: float = SECONDS,
        now: datetime | None = None,
    ) -> None:
        before = len(problems)
        self._problems = problems
        self._seconds = seconds
        self._scope = Scope(project, index_of(project, problems), now or datetime.now(UTC), self._load)
        self._env = Environment(self._scope)
        self._diagnose = Diagnoser(self._scope)
        self._asking = Asking(self._scope)
        self._scope.functions = functions_of(self._scope, self._asking)
        self._scope.internal = internal_of(self._scope, self._asking)
        self._sources: dict[tuple[str, int, str], Source] = {}
        self._files: dict[str, dict[str, Callable[..., Any]]] = {}
        self._check_own()
        self._macros_wrong = len(problems) > before

    def render(self, unit: Unit, calls: Calls) -> Rendered | None:
        """The unit's SQL; None where it failed, which is a diagnostic then."""
        if self._macros_wrong:
            return None  # each template would only repeat what is wrong with the macros
        if "\r" in unit.text:
            unit = replace(unit, text=unit.text.replace("\r\n", "\n").replace("\r", "\n"))
        with self._running(unit, calls), self._caught(unit), time_limit(self._seconds):
            source = self._source(unit)
            sql, pieces = pieces_of(source.root_render_func(self._env.context(source)))
            if calls.owner.batched and is_broken(sql):
                raise Mistake("a batch's edge is changed after strftime()", "Print it as it is")
            return Rendered(sql, unit.path, unit.text, tuple(pieces), unit.line)
        return None

    def render_text(self, text: str, calls: Calls) -> str:
        """A template inside of another: a variable's text. What is wrong with it is wrong where it was asked for."""
        unit = Unit("", text, self._scope.unit.package, names=self._scope.unit.names)
        before = self._scope.enter(unit, calls)
        try:
            source = self._env.template(unit, text)
            return pieces_of(source.root_render_func(self._env.context(source)))[0]
        finally:
            self._scope.enter(*before)

    @contextmanager
    def connected(
        self,
        warehouse: Warehouse | None,
        *,
        writing: bool = False,
        nodes: Mapping[str, ModelNode] = MappingProxyType({}),
        flags: Mapping[str, Any] = MappingProxyType({}),
    ) -> Iterator[None]:
        """Inside, `execute` is true and templates ask this warehouse; `writing`: they may change it, as hooks do.

        `nodes` are the graph's by name, `flags` what the command says, in dbt's words.
        """
        scope = self._scope
        before = scope.warehouse, scope.writing, scope.nodes, scope.flags
        scope.warehouse, scope.writing, scope.nodes, scope.flags = warehouse, writing, nodes, flags
        try:
            yield
        finally:
            scope.warehouse, scope.writing, scope.nodes, scope.flags = before

    def has_macro(self, name: str, package: str = "") -> bool:
        """Whether the package has that macro itself; "" is the project, `dbt` what dbt brings."""
        return self._scope.macro(name, package) is not None

    def call_macro(self, name: str, package: str, calls: Calls, *args: Any, **kwargs: Any) -> Any | None:
        """What a macro gives, as templates of `package` would call it; None where it failed, which is a diagnostic."""
        if self._macros_wrong:
            return None
        unit = Unit(calls.owner.path, "", package)
        with self._running(unit, calls), self._caught(unit), time_limit(self._seconds):
            found = self._scope.macro(name, package) or self._scope.find(name)
            if found is Scope.ABSENT:
                raise Mistake(f"there is no macro {name}")
            return found(*args, **kwargs)
        return None

    def described(self, file: ModelFile | SeedFile, calls: Calls) -> dict[str, Any]:
        """The model or seed as macros get it: dbt's node."""
        with self._running(Unit(file.path, "", file.package), calls):
            return described(self._scope, file)

    def where(self, unit: Unit, word: str) -> Location:
        """The place that is being rendered, at the word where it stands there."""
        return self._diagnose.here(unit, word)

    @contextmanager
    def _running(self, unit: Unit, calls: Calls) -> Iterator[None]:
        before = self._scope.enter(unit, calls)
        try:
            yield
        finally:
            self._scope.enter(*before)
            self._asking.forget()

    @contextmanager
    def _caught(self, unit: Unit) -> Iterator[None]:
        """Whatever a template raises is the file's mistake, since a template can raise anything."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - see above
            self._problems.append(self._diagnose.failed(error, unit))

    def _source(self, unit: Unit) -> Source:
        key = (unit.path, unit.line, unit.text)
        if key not in self._sources:
            self._sources[key] = self._env.template(unit, unit.text)
        return self._sources[key]

    def _load(self, place: Place) -> Callable[..., Any]:
        """The macro itself; its file is compiled now, if it was not."""
        if place.path not in self._files:
            self._files[place.path] = self._compiled(place)
        return self._files[place.path][PREFIX + place.name]

    def _compiled(self, place: Place) -> dict[str, Callable[..., Any]]:
        unit = Unit(place.path, self._scope.index.texts[place.path], place.package)
        tree = self._env.parse(unit.text, unit.path, unit.path)
        tree.body = [node for node in tree.body if isinstance(node, nodes.Macro)]
        for node in tree.body:
            assert isinstance(node, nodes.Macro)
            node.name = PREFIX + node.name
        source = self._env.template(unit, tree)
        context = self._env.context(source)
        for _ in source.root_render_func(context):
            pass
        return context.vars

    def _check_own(self) -> None:
        """The project's own macros are parsed at once: their mistakes show before somebody calls them."""
        for path, package in self._scope.index.packages.items():
            if package == "":
                with self._caught(Unit(path, self._scope.index.texts[path])):
                    self._env.parse(self._scope.index.texts[path], path, path)
