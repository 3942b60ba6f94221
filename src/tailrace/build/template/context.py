"""What a template may call, by name: dbt's context."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType, SimpleNamespace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from tailrace.build.template import described
from tailrace.build.template.adapter import Adapter
from tailrace.build.template.asking import Asking
from tailrace.build.template.column import ColumnClass
from tailrace.build.template.described import plain
from tailrace.build.template.failures import Mistake
from tailrace.build.template.functions import FUNCTIONS
from tailrace.build.template.modules import modules
from tailrace.build.template.printing import Truth
from tailrace.build.template.scope import Changing, Scope
from tailrace.events import Notice, emit

_UNSET = object()
DBT_VERSION = "1.11.0"
"""Whose language this is."""


class Config:
    """`config(...)`, `config.get('x')`, `config.require('x')`."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._scope.calls.call("config", args, options)

    def get(self, name: str, default: Any = None, validator: Any = None) -> Any:  # noqa: ARG002 - dbt's signature
        """A key of the configuration, or the default."""
        found = self._scope.calls.configured(name)
        if found is not None:
            return plain(found)
        return described.DEFAULTS.get(name) if default is None else default

    def require(self, name: str, validator: Any = None) -> Any:  # noqa: ARG002 - dbt's signature
        """A key that has to be there."""
        found = self.get(name)
        if found is None:
            raise Mistake(f"the configuration has no {name}", f"Write config({name}=...)")
        return found

    def meta_get(self, name: str, default: Any = None) -> Any:
        """A key of the configuration's meta."""
        return (self.get("meta") or {}).get(name, default)

    def persist_relation_docs(self) -> bool:
        return bool((self.get("persist_docs") or {}).get("relation"))

    def persist_column_docs(self) -> bool:
        return bool((self.get("persist_docs") or {}).get("columns"))


class Var:
    """`var('x')`, `var('x', default)`, `var.has_var('x')`."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return plain(self._scope.calls.call("var", args, kwargs))

    def has_var(self, name: str) -> bool:
        return self._scope.calls.has_var(name)


class Execute(Truth):
    """True while a warehouse is open; whoever reads it without one is late."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __bool__(self) -> bool:
        return self._scope.ask() is not None


class GraphView(Mapping[str, Any]):
    """`graph.nodes`, `graph.sources`, `graph.exposures`: empty until a warehouse is open, as in dbt while it parses."""

    _PARTS: Mapping[str, Callable[[Scope], dict[str, Any]]] = {
        "nodes": described.nodes, "sources": described.sources, "exposures": described.exposures,
        "metrics": lambda _scope: {}, "groups": lambda _scope: {},
    }  # fmt: skip

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, key: str) -> dict[str, Any]:
        part = self._PARTS[key]
        return part(self._scope) if self._scope.ask() is not None else {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._PARTS)

    def __len__(self) -> int:
        return len(self._PARTS)


class Flags(Mapping[str, Any]):
    """`flags.FULL_REFRESH`: what the command says is known once it runs, so whoever reads that is late."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, key: str) -> Any:
        found = _FLAGS[key]
        if key not in _OF_COMMAND:
            return found
        self._scope.ask()
        return self._scope.flags.get(key, found)

    def __iter__(self) -> Iterator[str]:
        return iter(_FLAGS)

    def __len__(self) -> int:
        return len(_FLAGS)


class Names(Mapping[str, Any]):
    """`context['name']` and `builtins.name`: names looked up by a text."""

    def __init__(self, find: Callable[[str], Any], names: Callable[[], Iterable[str]]) -> None:
        self._find = find
        self._names = names

    def __getitem__(self, key: str) -> Any:
        found = self._find(key)
        if found is Scope.ABSENT:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(list(self._names()))


def functions_of(scope: Scope, asking: Asking) -> Mapping[str, Any]:
    """The context's own names."""
    columns = ColumnClass(scope.project.dialect)
    adapter = Adapter(scope, asking, columns)
    found: dict[str, Any] = {name: _call(scope, name) for name in ("ref", "source", "env_var", "log")}
    found |= {"var": Var(scope), "config": Config(scope), "adapter": adapter, "execute": Execute(scope)}
    found |= {
        "this": Changing(lambda: scope.calls.this),
        "model": Changing(lambda: described.current(scope)),
        "schema": Changing(lambda: described.current(scope)["schema"]),
        "graph": GraphView(scope),
        "target": _target(scope),
        "flags": Flags(scope),
        "api": SimpleNamespace(Relation=adapter.Relation, Column=columns),
        "exceptions": _exceptions(scope),
        "modules": modules(partial(_now, scope)),
        "run_started_at": Changing(lambda: _now(scope)),
        "load_result": asking.load_result, "store_result": asking.store_result,
        "invocation_id": Changing(lambda: str(uuid5(NAMESPACE_OID, _now(scope).isoformat()))),
        "thread_id": "Thread-1", "dbt_version": DBT_VERSION, "project_name": scope.root, "database": scope.database,
        "selected_resources": Changing(lambda: list(GraphView(scope)["nodes"])),
    }  # fmt: skip
    found |= FUNCTIONS
    found["print"] = lambda message: scope.calls.log(message, info=True)
    found["builtins"] = Names(lambda name: _present(found.get(name, Scope.ABSENT)), lambda: found)
    found["context"] = Names(scope.find, scope.known)
    return found


def internal_of(scope: Scope, asking: Asking) -> Mapping[str, Any]:
    """What dbt has as and is Python here; the others stand in macros/."""
    adapter = scope.functions["adapter"]
    return {
        "run_query": asking.run_query,
        "statement": asking.statement,
        "is_incremental": lambda *args, **kwargs: scope.calls.call("is_incremental", args, kwargs),
        "should_full_refresh": lambda: _wanted(scope, "full_refresh"),
        "should_store_failures": lambda: _wanted(scope, "store_failures"),
        "get_columns_in_relation": adapter.get_columns_in_relation,
        "load_relation": adapter.load_relation,
        "load_cached_relation": adapter.load_relation,
        "create_schema": adapter.create_schema,
        "drop_schema": adapter.drop_schema,
        "drop_relation": adapter.drop_relation,
        "drop_relation_if_exists": lambda relation: (
            adapter.drop_relation(relation) if relation is not None else ""
        ),
        "rename_relation": adapter.rename_relation,
        "truncate_relation": adapter.truncate_relation,
        "get_column_schema_from_query": adapter.get_column_schema_from_query,
    }


def _wanted(scope: Scope, name: str) -> bool:
    """What the configuration says, else the command."""
    found = scope.calls.configured(name)
    return bool(scope.functions["flags"][name.upper()] if found is None else found)


def _present(value: Any) -> Any:
    return value.now() if isinstance(value, Changing) else value


def _call(scope: Scope, name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        return scope.calls.call(name, args, kwargs)

    return function


def _now(scope: Scope) -> Any:
    """The run's clock; SQL that was made with it is not kept."""
    scope.calls.said.spoke = True
    return scope.now


def _target(scope: Scope) -> Mapping[str, Any]:
    target = scope.project.target
    found = {
        "name": target.name, "target_name": target.name, "type": scope.project.dialect, "schema": target.schema,
        "database": scope.database, "dbname": scope.database, "profile_name": scope.project.name, "threads": target.threads,
    }  # fmt: skip
    return MappingProxyType(found)


def _exceptions(scope: Scope) -> SimpleNamespace:
    def warn(message: Any, *_more: Any) -> str:
        scope.calls.said.spoke = True
        if not scope.calls.owner.early:
            emit(Notice("warning", f"{scope.calls.owner.path}: {message}"))
        return ""

    def fail(message: Any = "", *_more: Any) -> None:
        raise Mistake(str(message).strip() or "the template raises an error without a message")

    names = (
        "raise_compiler_error", "raise_database_error", "raise_not_implemented", "raise_dependency_error", "raise_fail_fast_error",
        "missing_relation", "column_type_missing", "relation_wrong_type", "raise_contract_error",
    )  # fmt: skip
    return SimpleNamespace(warn=warn, **dict.fromkeys(names, fail))


_FLAGS: dict[str, Any] = {
    "FULL_REFRESH": False, "STORE_FAILURES": False, "WHICH": "build", "EMPTY": False, "FAIL_FAST": False, "DEBUG": False,
    "INTROSPECT": True, "WARN_ERROR": False,
}  # fmt: skip
_OF_COMMAND = ("FULL_REFRESH", "STORE_FAILURES", "WHICH")
