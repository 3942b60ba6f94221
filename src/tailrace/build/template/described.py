"""Models, seeds and sources as dbt's nodes: what macros read of `model`, `node` and `graph`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from tailrace.build.template.moment import Batch
from tailrace.project.spec import ColumnDoc, Exposure, ModelFile, SeedFile, SourceTable

if TYPE_CHECKING:
    from tailrace.build.graph import ModelNode
    from tailrace.build.template.scope import Scope

DEFAULTS: Mapping[str, Any] = {
    "enabled": True, "alias": None, "schema": None, "database": None, "tags": [], "meta": {}, "group": None,
    "materialized": "view", "incremental_strategy": None, "unique_key": None, "on_schema_change": "ignore",
    "full_refresh": None, "persist_docs": {}, "post-hook": [], "pre-hook": [], "quoting": {}, "column_types": {},
    "grants": {}, "packages": [], "docs": {"show": True, "node_color": None}, "contract": {"enforced": False}, "event_time": None,
}  # fmt: skip
"""dbt's configuration of a model that says nothing."""


def plain(value: Any) -> Any:
    """A copy that a template may change."""
    if isinstance(value, Mapping) and type(value).__name__ != "Relation":
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


class Described(dict[str, Any]):
    """A node; whoever reads what only the whole graph tells, before it is known, is late."""

    _OF_GRAPH = ("depends_on", "refs", "sources")

    def __init__(self, scope: Scope, parts: Mapping[str, Any]) -> None:
        super().__init__(parts)
        self._scope = scope

    def __getitem__(self, key: str) -> Any:
        if key in self._OF_GRAPH and not self._scope.nodes:
            self._scope.ask()
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default


def described(scope: Scope, file: ModelFile | SeedFile) -> dict[str, Any]:
    """One model, snapshot or seed: as its file says, and in the whole graph as it is built."""
    node = scope.nodes.get(file.name)
    kind = file.kind if isinstance(file, ModelFile) else "seed"
    package = file.package or scope.root
    named = scope.calls.names.model(file.name)
    alias = named.table.name if named else str(file.config.get("alias") or file.name)
    path = _inside(scope, file)
    config = _config(file, node)
    parts = {
        "name": file.name,
        "resource_type": kind,
        "package_name": package,
        "unique_id": f"{kind}.{package}.{file.name}",
        "fqn": [package, *PurePosixPath(path).parts[1:-1], file.name],
        "path": "/".join(PurePosixPath(path).parts[1:]),
        "original_file_path": path,
        "database": scope.database,
        "schema": named.table.schema if named else file.schema,
        "alias": alias,
        "identifier": alias,
        "relation_name": str(scope.calls.relation(named.table.schema, alias)) if named else alias,
        "description": file.description,
        "columns": _columns(file.columns),
        "tags": plain(config["tags"]),
        "meta": plain(config["meta"]),
        "config": config,
        "raw_code": file.sql if isinstance(file, ModelFile) else "",
        "language": "sql",
        "batch": None,
        **_reads(scope, node),
    }
    return Described(scope, parts)


def _config(file: ModelFile | SeedFile, node: ModelNode | None) -> dict[str, Any]:
    """Dbt's defaults, the file's own, and what its config() adds once that is known."""
    found = {
        **plain(DEFAULTS),
        "tags": list(file.tags),
        "meta": plain(file.meta),
        **plain(file.config),
    }
    if node is None:
        return found
    said = plain(node.config)
    meta = {**plain(file.meta), **(said.get("meta") or {})}
    hooks = {"pre-hook": _hooks(node.settings.pre_hooks), "post-hook": _hooks(node.settings.post_hooks)}
    return {
        **found,
        **said,
        **hooks,
        "materialized": node.materialized,
        "tags": list(node.tags),
        "meta": meta,
    }


def _hooks(texts: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"sql": text, "transaction": True, "index": None} for text in texts]


def _reads(scope: Scope, node: ModelNode | None) -> dict[str, Any]:
    """What the model reads; which macros it calls is not told."""
    models = [scope.nodes[name] for name in node.depends_on if name in scope.nodes] if node else []
    calls = node.source_calls if node else ()
    owners = {(found.source, found.name): found.package for found in scope.project.sources}
    ids = [_unique_id(scope, one) for one in models]
    ids += [f"source.{owners.get(call) or scope.root}.{'.'.join(call)}" for call in calls]
    return {
        "depends_on": {"macros": [], "nodes": ids},
        "refs": [{"name": one.name, "package": None, "version": None} for one in models],
        "sources": [list(call) for call in calls],
    }


def _unique_id(scope: Scope, node: ModelNode) -> str:
    kind = "snapshot" if node.materialized == "snapshot" else node.kind
    return f"{kind}.{node.package or scope.root}.{node.name}"


def current(scope: Scope) -> dict[str, Any]:
    """Who is being rendered; a hook or a test of no model has its file's name."""
    owner = scope.calls.owner
    if file := scope.file(owner.package, owner.name):
        node = described(scope, file)
        if owner.batched:
            node["batch"] = Batch(str(scope.calls.configured("batch_size") or ""))
        if file.name in scope.nodes:
            return node
        node["config"] |= plain(owner.config) | plain(scope.calls.said.config)
        return node
    package = owner.package or scope.root
    return {
        "name": owner.name, "resource_type": "operation", "package_name": package, "original_file_path": owner.path, "path": owner.path,
        "unique_id": f"operation.{package}.{owner.name}", "fqn": [package, owner.name], "alias": owner.name, "tags": [], "meta": {},
        "columns": {}, "config": {**plain(DEFAULTS), **plain(owner.config)}, "schema": scope.project.target.schema,
        "database": scope.database,
    }  # fmt: skip


def nodes(scope: Scope) -> dict[str, Any]:
    """Every model, snapshot and seed by its unique id; in the whole graph those that are switched on."""
    files = (file for file in scope.files() if not scope.nodes or file.name in scope.nodes)
    return {node["unique_id"]: node for node in (described(scope, file) for file in files)}


def sources(scope: Scope) -> dict[str, Any]:
    """Every declared source by its unique id."""
    return dict(_source(scope, found) for found in scope.project.sources)


def exposures(scope: Scope) -> dict[str, Any]:
    """Every exposure by its unique id."""
    return dict(_exposure(scope, found) for found in scope.project.exposures)


def _source(scope: Scope, found: SourceTable) -> tuple[str, dict[str, Any]]:
    package = found.package or scope.root
    unique_id = f"source.{package}.{found.source}.{found.name}"
    return unique_id, {
        "name": found.name, "source_name": found.source, "resource_type": "source", "package_name": package, "unique_id": unique_id,
        "database": found.database or scope.database, "schema": found.schema, "identifier": found.identifier,
        "description": found.description, "source_description": found.source_description, "columns": _columns(found.columns),
        "tags": list(found.tags), "meta": plain(found.meta), "config": plain(found.config), "original_file_path": found.path,
        "loaded_at_field": found.loaded_at_field, "freshness": plain(found.freshness),
        "relation_name": str(scope.calls.relation(found.schema, found.identifier)),
    }  # fmt: skip


def _exposure(scope: Scope, found: Exposure) -> tuple[str, dict[str, Any]]:
    package = found.package or scope.root
    unique_id = f"exposure.{package}.{found.name}"
    return unique_id, {
        "name": found.name, "type": found.type, "resource_type": "exposure", "package_name": package, "unique_id": unique_id,
        "description": found.description, "owner": plain(found.owner), "url": found.url, "maturity": found.maturity,
        "label": found.label, "tags": list(found.tags), "meta": plain(found.meta), "original_file_path": found.path,
    }  # fmt: skip


def _columns(docs: tuple[ColumnDoc, ...]) -> dict[str, Any]:
    return dict(_column(doc) for doc in docs)


def _column(doc: ColumnDoc) -> tuple[str, dict[str, Any]]:
    return doc.name, {
        "name": doc.name, "description": doc.description, "data_type": doc.data_type, "meta": plain(doc.meta), "tags": list(doc.tags),
        "constraints": plain(doc.constraints),
    }  # fmt: skip


def _inside(scope: Scope, file: ModelFile | SeedFile) -> str:
    """The path inside of its own package."""
    package = scope.project.packages.get(file.package)
    return file.path.removeprefix(package.path).lstrip("/") if package else file.path
