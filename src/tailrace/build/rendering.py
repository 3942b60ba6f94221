"""Templates become SQL: literals without Jinja, the rest through it, and what Jinja gave is kept while nothing it read changed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from tailrace.build.batches import reads_whole
from tailrace.build.calls import Calls, Owner, Said, digest, mark_of
from tailrace.build.facts import Cache, key_of
from tailrace.build.names import Names
from tailrace.build.static import Call, Rendered, place, render, scan
from tailrace.build.template.unit import Unit
from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import ModelFile, Project, SeedFile

if TYPE_CHECKING:
    from tailrace.build.template.environment import Templates

_OVERRIDES = re.compile(r"\{%-?\s*macro\s+(?:ref|source|var|config)\s*\(")


@dataclass(frozen=True)
class Template:
    """A rendered template, what it said, and what it becomes where its table stands already (None: the same)."""

    rendered: Rendered
    said: Said
    incremental: Rendered | None = None


class Renderer:
    """Renders the models of one project. `names` are set once everything is placed.

    `exact`: what was parsed under other comments is parsed again, for its places.
    """

    def __init__(
        self,
        project: Project,
        cache: Cache,
        problems: list[Diagnostic],
        now: datetime | None = None,
        *,
        exact: bool = False,
    ) -> None:
        self.project = project
        self.cache = cache
        self.problems = problems
        self.now = now
        self.exact = exact
        self.names = Names(project.name, {}, {}, frozenset())
        self._templates: Templates | None = None
        self._shared = ""
        self._overridden = any(_OVERRIDES.search(text) for text in project.macros.values())

    @property
    def templates(self) -> Templates:
        """Jinja, imported when the first text needs it."""
        if self._templates is None:
            from tailrace.build.template.environment import Templates

            self._templates = Templates(self.project, self.problems, now=self.now)
        return self._templates

    def early(self, model: ModelFile) -> Mapping[str, Any]:
        """The configuration that the template gives itself; what is wrong with it shows when it is rendered for good."""
        key = key_of("early", model.path, model.sql, self._surroundings())
        kept = self.cache.get(key)
        if kept is not None and all(digest(os.environ.get(name)) == was for name, was in kept["env"].items()):
            return dict(kept["config"])
        before = len(self.problems)
        calls = self._calls(
            Owner(model.name, model.path, model.package, config=model.config, early=True), model
        )
        rendered = self.templates.render(unit_of(model), calls)
        del self.problems[before:]
        config = _plain(calls.said.config)
        if rendered is not None:
            self.cache.put(key, {"config": config, "env": calls.said.env})
        return config

    def generate(self, what: str, file: ModelFile | SeedFile, custom: str | None) -> str | None:
        """What the project's own generate_<what>_name macro says; None where it has none."""
        macro = f"generate_{what}_name"
        if not any(
            macro in text and not self.project.macro_packages.get(path)
            for path, text in self.project.macros.items()
        ):
            return None
        key = key_of(macro, file.name, file.path, str(custom), str(_plain(file.config)), self._surroundings())
        kept = self.cache.get(key)
        if kept is not None and all(digest(os.environ.get(name)) == was for name, was in kept["env"].items()):
            return kept["said"]  # type: ignore[no-any-return]
        before = len(self.problems)
        owner = Owner(file.name, file.path, file.package, config=file.config, early=True)
        calls = self.calls(owner, lambda _word: Location(file.path))
        found = self.templates.call_macro(macro, "", calls, custom, self.templates.described(file, calls))
        said = str(found).strip() if found is not None else None
        if len(self.problems) == before and not calls.said.spoke:
            self.cache.put(key, {"said": said, "env": calls.said.env})
        return said

    def render(self, model: ModelFile, owner: Owner, *, incremental: bool) -> Template | None:
        """The model's SQL; None where it failed, which is a diagnostic. `incremental`: render it for a standing table too."""
        calls = None if self._overridden else scan(model.sql)
        if calls is not None:
            rendered, said = self._literal(model, owner, calls)
            return Template(rendered, said)
        key = key_of(
            "rendered", model.path, model.sql, str((owner.batched, incremental)), self._surroundings()
        )
        if kept := self._kept(key, model):
            return kept
        before = len(self.problems)
        found = self._with_jinja(model, owner, incremental=incremental)
        if found is not None and len(self.problems) == before and not found.said.spoke:
            self.cache.put(key, self._keep(found))
        return found

    def _literal(self, model: ModelFile, owner: Owner, calls: list[Call]) -> tuple[Rendered, Said]:
        """A template without anything for Jinja to evaluate."""
        at = 0

        def answer(call: Call) -> str:
            nonlocal at
            at = call.start
            return str(functions.call(call.name, call.args, call.kwargs or {})) if call.name else ""

        def where(word: str) -> Location:
            found = model.sql.find(word, at) if word else -1
            end = next((call.end for call in calls if call.start == at), len(model.sql))
            return place(model.path, model.sql, found if at <= found < end else at, model.line)

        functions = self.calls(owner, where)
        return render(model.path, model.sql, calls, answer, model.line), functions.said

    def _with_jinja(self, model: ModelFile, owner: Owner, *, incremental: bool) -> Template | None:
        calls = self._calls(owner, model)
        rendered = self.templates.render(unit_of(model), calls)
        if rendered is None:
            return None
        if not (incremental and calls.said.asked_incremental):
            _forget_whole(calls.said, rendered)
            return Template(rendered, calls.said)
        again = self._calls(replace(owner, incremental=True), model)
        second = self.templates.render(unit_of(model), again)
        if second is None:
            return None
        for name in ("refs", "sources", "env", "batch_inputs"):
            getattr(calls.said, name).update(getattr(again.said, name))
        calls.said.late |= again.said.late
        _forget_whole(calls.said, rendered, second)
        return Template(rendered, calls.said, second)

    def _calls(self, owner: Owner, model: ModelFile) -> Calls:
        unit = unit_of(model)
        return self.calls(owner, lambda word: self.templates.where(unit, word))

    def calls(self, owner: Owner, where: Callable[[str], Location]) -> Calls:
        """The functions of an owner's template."""
        target = self.project.target
        return Calls(
            owner,
            self.names,
            self.project.vars_of(owner.package),
            mark_of(self.project.dialect),
            where,
            self.problems,
            lambda text, calls: str(self.templates.render_text(text, calls)),
            target.path.stem if target.path else "",
        )

    def _surroundings(self) -> str:
        """What every template of the project may read."""
        if not self._shared:
            target = self.project.target
            packages = {name: [found.vars, found.version] for name, found in self.project.packages.items()}
            dbt = self.project.dbt
            parts = [
                self.project.vars,
                self.project.macros,
                target.name,
                target.type,
                target.schema,
                self.project.name,
                packages,
                [dbt.name, dbt.dispatch] if dbt else [],
            ]
            text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=_jsonable)
            self._shared = key_of(text.decode())
        return self._shared

    def surroundings(self) -> str:
        """A digest of what every template may read: variables, macros, the target."""
        return self._surroundings()

    def settings(self) -> str:
        """A digest of the variables and the target alone."""
        target = self.project.target
        packages = {name: found.vars for name, found in self.project.packages.items()}
        parts = [self.project.vars, packages, target.name, target.type, target.schema]
        return key_of(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=_jsonable).decode())

    def _keep(self, found: Template) -> dict[str, Any]:
        said = found.said
        return {
            "sql": _written(found.rendered),
            "incremental": _written(found.incremental) if found.incremental else None,
            "refs": {name: self._place(name) for name in said.refs},
            "sources": [[*pair, self._source_place(*pair)] for pair in said.sources],
            "config": _plain(said.config),
            "env": said.env,
            "batch_inputs": list(said.batch_inputs),
            "late": said.late,
            "places": {key: [at.file, at.line, at.col] for key, at in said.places.items()},
        }

    def _kept(self, key: str, model: ModelFile) -> Template | None:
        """What the template gave last time, if all that it asked for would be answered the same today."""
        kept = self.cache.get(key)
        if kept is None:
            return None
        same = (
            all(self._place(name) == place for name, place in kept["refs"].items())
            and all(digest(os.environ.get(name)) == value for name, value in kept["env"].items())
            and all(self._source_place(one, two) == place for one, two, place in kept["sources"])
        )
        if not same:
            return None
        said = Said(config=kept["config"], env=kept["env"], late=kept["late"])
        said.places.update((name, Location(*at)) for name, at in kept["places"].items())
        said.refs.update((name, Location("")) for name in kept["refs"])
        said.sources.update(((dataset, table), Location("")) for dataset, table, _ in kept["sources"])
        said.batch_inputs.update(dict.fromkeys(kept["batch_inputs"], ""))
        incremental = _read(kept["incremental"], model) if kept["incremental"] else None
        return Template(_read(kept["sql"], model), said, incremental)

    def _place(self, name: str) -> str:
        found = self.names.model(name)
        if found is None or not found.enabled:
            return ""
        return f"{found.table} {found.materialized} {found.event_time}"

    def _source_place(self, dataset: str, table: str) -> str:
        if declared := self.names.declared_source(dataset, table):
            return f"{declared.database}.{declared.schema}.{declared.identifier} {declared.config.get('event_time')}"
        return (
            "landed" if self.names.source(dataset, table) or not self.names.no_source(dataset, table) else ""
        )


def unit_of(model: ModelFile) -> Unit:
    """The model's template."""
    return Unit(model.path, model.sql, model.package, model.line)


def _forget_whole(said: Said, *rendered: Rendered) -> None:
    """What is read without a batch's filter as well may touch any batch."""
    for name, relation in list(said.batch_inputs.items()):
        if any(reads_whole(one.sql, relation) for one in rendered):
            del said.batch_inputs[name]


def _written(rendered: Rendered) -> list[Any]:
    return [rendered.sql, [list(piece) for piece in rendered.pieces]]


def _read(kept: list[Any], model: ModelFile) -> Rendered:
    pieces = tuple(tuple(piece) for piece in kept[1])
    return Rendered(kept[0], model.path, model.sql, pieces, model.line)


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives it back, so that a kept and a fresh configuration are alike."""
    return dict(orjson.loads(orjson.dumps(dict(config), default=str, option=orjson.OPT_NON_STR_KEYS)))


def _jsonable(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
