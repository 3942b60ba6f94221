"""What a template may call: ref, source, var, env_var, config, is_incremental, log; for one model or text at a time.

A wrong call is a diagnostic and the template goes on with something harmless, so that all of them show at once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any

from tailrace.build.batches import filtered
from tailrace.build.names import Named, Names
from tailrace.build.template.relation import Relation
from tailrace.errors import Diagnostic, Location, near_miss
from tailrace.events import Notice, emit

_UNSET = object()
UNKNOWN = "tailrace_unknown"
"""The schema of what a call did not find: the SQL can still be read for its other problems."""
HARMLESS = "1"
"""What a failed call gives where a text, a number or a name is wanted."""
CTE = "__dbt__cte__"
"""What the name of an ephemeral model begins with in those who read it, as in dbt."""
Quote = Callable[[str], str]


def quoter(dialect: str) -> Quote:
    """How the models' dialect quotes a name."""
    mark = mark_of(dialect)
    return lambda name: f"{mark}{name}{mark}"


def mark_of(dialect: str) -> str:
    """The sign around a quoted name."""
    return "`" if dialect == "bigquery" else '"'


def quoted(name: str, mark: str) -> str:
    """A name between its signs; one inside of it is doubled."""
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


@dataclass
class Said:
    """What a template asked for while it was rendered. `env` are digests of the variables it read, never values.

    `batch_inputs` are what a batch sees its own rows of, models by name and sources as they are called, with their quoted names. `late`: it asked the warehouse, which it can only while a run has one open. `asked_incremental`: it differs by that.
    """

    refs: dict[str, Location] = field(default_factory=dict)
    sources: dict[tuple[str, str], Location] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Location] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    batch_inputs: dict[str, str] = field(default_factory=dict)
    macro_files: dict[str, None] = field(default_factory=dict)
    spoke: bool = False
    late: bool = False
    asked_incremental: bool = False


@dataclass(frozen=True)
class Owner:
    """Whose template it is. `this` is the relation that it builds or tests; `batched`: a microbatch model, whose inputs are filtered.

    `early`: only its configuration is wanted, before anybody knows where models are.
    """

    name: str
    path: str
    package: str = ""
    this: Named | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    incremental: bool = False
    batched: bool = False
    early: bool = False


class Calls:
    """The functions of one owner's template; `where(word)` is the place of the call that is running."""

    def __init__(
        self,
        owner: Owner,
        names: Names,
        variables: Mapping[str, Any],
        mark: str,
        where: Callable[[str], Location],
        problems: list[Diagnostic],
        render_text: Callable[[str, Calls], str] | None = None,
        database: str = "",
    ) -> None:
        self.said = Said()
        self.owner = owner
        self._names = names
        self._vars = variables
        self._mark = mark
        self._where = where
        self._problems = problems
        self._render_text = render_text
        self._database = database

    def call(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """One call by name; wrong arguments are a diagnostic."""
        function = getattr(self, name)
        if (name == "config" and not args) or (name == "ref" and args and not kwargs):
            return function(
                *args, **kwargs
            )  # what nearly every model calls; binding costs more than the call
        try:
            signature(function).bind(*args, **kwargs)
        except TypeError:
            self.problem(name, f"{name}() does not take these arguments", _USAGE[name])
            if name == "source":
                return self.relation(UNKNOWN, "x")
            return "" if name in ("config", "log") else HARMLESS
        return function(*args, **kwargs)

    def ref(self, *names: Any, **more: Any) -> Relation:
        """The table of a model or seed; of an ephemeral model the CTE that its reader will carry."""
        name = names[-1] if names else None
        if more or len(names) not in (1, 2) or not all(isinstance(part, str) for part in names):
            said = f"ref() takes a model's name, not {', '.join(more) or 'this'}"
            self.problem("ref", said, _USAGE["ref"])
            return self.relation(UNKNOWN, "x")
        assert isinstance(name, str)
        if self.owner.early:
            return self.relation(UNKNOWN, name)
        found = self._names.model(name)
        if len(names) == 2 and not self._is_package(names[0], found):
            fix = f"Write ref('{name}'): models are those of {self._names.project}"
            self.problem(names[0], f"there is no package {names[0]}", fix)
        if found is None:
            self.problem(name, *self._names.no_model(name))
        elif not found.enabled:
            self.problem(name, *self._names.disabled(found))
        else:
            self.said.refs.setdefault(found.name, self._where(name))
            return self._of(found)
        return self.relation(UNKNOWN, name)

    def _is_package(self, package: Any, found: Named | None) -> bool:
        if package == self._names.project:
            return found is None or not found.package
        return package in self._names.packages

    def _of(self, found: Named) -> Relation:
        table = found.table
        if found.materialized == "ephemeral":
            return self.relation(table.schema, CTE + found.name, kind="cte", text=CTE + found.name)
        if self.owner.batched and found.event_time:
            plain = self.relation(table.schema, table.name)
            self.said.batch_inputs[found.name] = str(plain)
            return self._part(plain, found.event_time)
        return self.relation(
            table.schema, table.name, kind="view" if found.materialized == "view" else "table"
        )

    def source(self, dataset: str, table: str) -> Relation:
        """A declared or landed table, or one that is in the warehouse already."""
        if not isinstance(dataset, str) or not isinstance(table, str):
            self.problem("source", "source() takes two texts", _USAGE["source"])
            return self.relation(UNKNOWN, "x")
        if self.owner.early:
            return self.relation(dataset, table)
        declared = self._names.declared_source(dataset, table)
        if declared is not None:
            schema, name = declared.schema, declared.identifier
            attached = (declared.database or "").casefold() in self._names.attached
            self.said.sources.setdefault((dataset, table), self._where(table))
            event_time = str(declared.config.get("event_time") or "")
            database = declared.database or "" if attached else ""
            found = self.relation(schema, name, database=database)
            if (
                self.owner.batched and event_time and not database
            ):  # of another file only its times are watched
                self.said.batch_inputs[f"{dataset}.{table}"] = str(found)
                return self._part(found, event_time)
            return found
        if self._names.source(dataset, table) is None and (problem := self._names.no_source(dataset, table)):
            near_dataset = "lands into" in problem[0] or "no source" in problem[0]
            self.problem(dataset if near_dataset else table, *problem)
            return self.relation(UNKNOWN, table)
        self.said.sources.setdefault((dataset, table), self._where(table))
        return self.relation(dataset, table)

    def _part(self, found: Relation, event_time: str) -> Relation:
        """A batch's rows of a table."""
        text = filtered(str(found), quoted(event_time, self._mark))
        return replace(found, text=text, whole=str(found))

    def var(self, name: str, default: Any = _UNSET) -> Any:
        """A variable of the project; a text that is a template itself is rendered, as in dbt."""
        if name in self._vars:
            value = self._vars[name]
        elif default is not _UNSET:
            value = default
        else:
            fix = near_miss(name, list(self._vars)) or "add it to [tool.tailrace.vars], or give a default"
            self.problem(name, f"there is no variable {name}", fix[:1].upper() + fix[1:])
            return HARMLESS
        if isinstance(value, str) and "{{" in value and self._render_text is not None:
            return self._render_text(value, self)
        return value

    def has_var(self, name: str) -> bool:
        """Whether a variable is set."""
        return name in self._vars

    def env_var(self, name: str, default: Any = _UNSET) -> Any:
        """An environment variable."""
        value = os.environ.get(name)
        self.said.env[name] = digest(value)
        if value is not None:
            return value
        if default is not _UNSET:
            return default
        fix = f"Set it, or give a default: env_var('{name}', '...')"
        self.problem(name, f"the environment variable {name} is not set", fix)
        return HARMLESS

    def config(self, *args: Any, **options: Any) -> str:
        """Sets the model's configuration; renders as nothing."""
        first = args[0] if len(args) == 1 else None
        if isinstance(first, Mapping) and not options:
            options = {str(key): value for key, value in first.items()}
        elif args:
            self.problem("config", "config() takes key=value arguments", "Write config(materialized='table')")
        for key, value in options.items():
            self.said.config[key] = value
            self.said.places[key] = self._where(key)
        return ""

    @property
    def names(self) -> Names:
        """What names stand for."""
        return self._names

    def configured(self, name: str) -> Any:
        """A key of the configuration as far as it is known by now; None where it is not set."""
        found = self.said.config.get(name)
        return self.owner.config.get(name) if found is None else found

    def log(self, message: Any, info: bool = False) -> str:
        """With `info`, tells the person; without it the message is for nobody here."""
        self.said.spoke = True
        if info and not self.owner.early:
            emit(Notice("info", f"{self.owner.path}: {message}"))
        return ""

    def is_incremental(self) -> bool:
        """Whether the template is rendered for a table that stands already."""
        self.said.asked_incremental = True
        return self.owner.incremental

    @property
    def this(self) -> Relation:
        found = self.owner.this
        if found is None:
            return self.relation(UNKNOWN, self.owner.name)
        return self.relation(found.table.schema, found.table.name)

    def relation(
        self,
        schema: str,
        identifier: str,
        *,
        database: str = "",
        kind: str | None = None,
        text: str = "",
    ) -> Relation:
        """A relation in the models' own dialect."""
        if database and not text:
            quoted = (f"{self._mark}{part}{self._mark}" for part in (database, schema, identifier))
            text = ".".join(quoted)
        return Relation(schema, identifier, database or self._database, kind, self._mark, text)

    def problem(self, word: str, message: str, fix: str = "") -> None:
        """A diagnostic at the call that is running."""
        if not self.owner.early:
            self._problems.append(Diagnostic(self._where(word), message, fix))


FUNCTIONS = ("ref", "source", "var", "env_var", "config", "log", "is_incremental")
_USAGE = {
    "ref": "Write ref('model')",
    "source": "Write source('dataset', 'table')",
    "var": "Write var('name') or var('name', 'default')",
    "config": "Write config(materialized='table')",
    "env_var": "Write env_var('NAME') or env_var('NAME', 'default')",
    "log": "Write log('text', info=true)",
    "is_incremental": "Write is_incremental()",
}


def digest(value: str | None) -> str:
    """Tells values apart without keeping them."""
    return "" if value is None else hashlib.sha256(value.encode()).hexdigest()[:16]
