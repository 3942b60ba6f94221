"""What a template may call: ref, source, var, env_var, config, is_incremental, log; for one model at a time.

A wrong call is a diagnostic and the template goes on with something harmless, so that all of them show at once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from tailrace.build.names import Names
from tailrace.errors import Diagnostic, Location, near_miss
from tailrace.events import Notice, emit
from tailrace.project.spec import ModelFile

_UNSET = object()
UNKNOWN = "tailrace_unknown"
"""The schema of what a call did not find: the SQL can still be read for its other problems."""
HARMLESS = "1"
"""What a failed call gives where a text, a number or a name is wanted."""
Quote = Callable[[str], str]


def quoter(dialect: str) -> Quote:
    """How the models' dialect quotes a name."""
    mark = "`" if dialect == "bigquery" else '"'
    return lambda name: f"{mark}{name}{mark}"


@dataclass
class Said:
    """What a template asked for while it was rendered. `env` are digests of the variables it read, never values."""

    refs: dict[str, Location] = field(default_factory=dict)
    sources: dict[tuple[str, str], Location] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Location] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    spoke: bool = False


class Calls:
    """The functions of one model's template; `where(word)` is the place of the call that is running."""

    def __init__(
        self,
        model: ModelFile,
        names: Names,
        variables: Mapping[str, Any],
        quote: Quote,
        where: Callable[[str], Location],
        problems: list[Diagnostic],
    ) -> None:
        self.said = Said()
        self._model = model
        self._names = names
        self._vars = variables
        self._quote = quote
        self._where = where
        self._problems = problems

    def call(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """One call by name; wrong arguments are a diagnostic."""
        function = getattr(self, name)
        try:
            signature(function).bind(*args, **kwargs)
        except TypeError:
            self._problem(name, f"{name}() does not take these arguments", _USAGE[name])
            if name == "source":
                return self._relation(UNKNOWN, "x")
            return "" if name in ("config", "log") else HARMLESS
        return function(*args, **kwargs)

    def ref(self, *names: Any, **more: Any) -> str:
        """The table of a model or seed, quoted."""
        name = names[-1] if names else None
        if more or len(names) not in (1, 2) or not all(isinstance(part, str) for part in names):
            said = f"ref() takes a model's name, not {', '.join(more) or 'this'}"
            self._problem("ref", said, _USAGE["ref"])
            return self._relation(UNKNOWN, "x")
        assert isinstance(name, str)
        if len(names) == 2 and names[0] != self._names.project:
            fix = f"Write ref('{name}'): models are those of {self._names.project}"
            self._problem(names[0], f"there is no package {names[0]}", fix)
        found = self._names.model(name)
        if found is None:
            self._problem(name, *self._names.no_model(name))
        elif not found.enabled:
            self._problem(name, *self._names.disabled(found))
        else:
            self.said.refs.setdefault(found.name, self._where(name))
            return self._relation(found.schema, found.name)
        return self._relation(UNKNOWN, name)

    def source(self, dataset: str, table: str) -> str:
        """A landed table, or one that is in the warehouse already; quoted."""
        if not isinstance(dataset, str) or not isinstance(table, str):
            self._problem("source", "source() takes two texts", _USAGE["source"])
            return self._relation(UNKNOWN, "x")
        if self._names.source(dataset, table) is None and (problem := self._names.no_table(dataset, table)):
            self._problem(table if "lands into" not in problem[0] else dataset, *problem)
            return self._relation(UNKNOWN, table)
        self.said.sources.setdefault((dataset, table), self._where(table))
        return self._relation(dataset, table)

    def var(self, name: str, default: Any = _UNSET) -> Any:
        """A variable of [tool.tailrace.vars]."""
        if name in self._vars:
            return self._vars[name]
        if default is not _UNSET:
            return default
        fix = near_miss(name, list(self._vars)) or "add it to [tool.tailrace.vars], or give a default"
        self._problem(name, f"there is no variable {name}", fix[:1].upper() + fix[1:])
        return HARMLESS

    def env_var(self, name: str, default: Any = _UNSET) -> Any:
        """An environment variable."""
        value = os.environ.get(name)
        self.said.env[name] = digest(value)
        if value is not None:
            return value
        if default is not _UNSET:
            return default
        fix = f"Set it, or give a default: env_var('{name}', '...')"
        self._problem(name, f"the environment variable {name} is not set", fix)
        return HARMLESS

    def config(self, *args: Any, **options: Any) -> str:
        """Sets the model's configuration; renders as nothing."""
        if args:
            self._problem(
                "config", "config() takes key=value arguments", "Write config(materialized='table')"
            )
        for key, value in options.items():
            self.said.config[key] = value
            self.said.places[key] = self._where(key)
        return ""

    def log(self, message: Any, info: bool = False) -> str:
        """With `info`, tells the person; without it the message is for nobody here."""
        self.said.spoke = True
        if info:
            emit(Notice("info", f"{self._model.path}: {message}"))
        return ""

    def is_incremental(self) -> bool:
        """False: this release builds views and tables, which are always built whole."""
        return False

    @property
    def this(self) -> str:
        found = self._names.model(self._model.name)
        return self._relation(found.schema if found else self._model.schema, self._model.name)

    def _relation(self, schema: str, name: str) -> str:
        return f"{self._quote(schema)}.{self._quote(name)}"

    def _problem(self, word: str, message: str, fix: str = "") -> None:
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
