"""Models, snapshots and seeds as the manifest's nodes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tailrace.build.graph import ModelNode
from tailrace.plan.artifacts.ids import Ids, kind_of
from tailrace.project.spec import ColumnDoc, ModelFile, SeedFile

_CONFIG: Mapping[str, Any] = {
    "enabled": True, "alias": None, "schema": None, "database": None, "tags": [], "meta": {}, "group": None,
    "incremental_strategy": None, "batch_size": None, "lookback": 1, "begin": None, "persist_docs": {}, "post-hook": [],
    "pre-hook": [], "quoting": {}, "column_types": {}, "full_refresh": None, "unique_key": None,
    "on_schema_change": "ignore", "on_configuration_change": "apply", "grants": {}, "packages": [], "event_time": None,
    "concurrent_batches": None, "static_analysis": None,
}  # fmt: skip
_OF_KIND: Mapping[str, Mapping[str, Any]] = {
    "model": {"access": "protected", "freshness": None},
    "seed": {"delimiter": ",", "quote_columns": None},
    "snapshot": {
        "strategy": None,
        "target_schema": None,
        "target_database": None,
        "updated_at": None,
        "check_cols": None,
    },
}
_HOOKS = {"pre_hook": "pre-hook", "post_hook": "post-hook"}


def node_of(ids: Ids, node: ModelNode) -> dict[str, Any]:
    """One model, snapshot or seed; its SQL is compiled, its clock set."""
    file = ids.files[node.name]
    found = _common(ids, node, file)
    if node.kind == "seed":
        return {**found, "root_path": str(ids.project.root), "depends_on": {"macros": []}}
    sources = ids.sources_of(node)
    models = ids.models_of(node)
    return {
        **found,
        "language": "sql",
        "refs": [ref_of(name) for name in models],
        "sources": [list(pair) for pair in sources],
        "metrics": [],
        "functions": [],
        "depends_on": depends_on([*ids.nodes(models), *(ids.source(*pair) for pair in sources)]),
        "compiled_path": None,
        "compiled": bool(node.sql),
        "compiled_code": node.sql or None,
        "extra_ctes_injected": True,
        "extra_ctes": [],
        "contract": {"enforced": node.settings.contract, "alias_types": True, "checksum": None},
        "access": "protected",
        "constraints": [dict(one) for one in node.constraints],
        "version": None,
        "latest_version": None,
        "deprecation_date": None,
        "primary_key": ids.primary_key(node, file),
        "time_spine": None,
    }


def _common(ids: Ids, node: ModelNode, file: ModelFile | SeedFile) -> dict[str, Any]:
    path = ids.in_package(file.path, file.package)
    package = ids.package(file.package)
    raw = file.sql.strip() if isinstance(file, ModelFile) else ""
    database = database_of(ids)
    return {
        "database": database,
        "schema": node.schema,
        "name": node.name,
        "resource_type": kind_of(node),
        "package_name": package,
        "path": path.partition("/")[2] or path,
        "original_file_path": path,
        "unique_id": ids.node(node.name),
        "fqn": fqn_of(package, path, node.name),
        "alias": node.table.name,
        "checksum": {"name": "sha256", "checksum": _checksum(ids, file, raw)},
        "config": config_of(node),
        "tags": list(node.tags),
        "description": file.description,
        "columns": columns_of(file.columns),
        "meta": dict(file.meta),
        "group": None,
        "docs": _docs(node),
        "patch_path": _patch(ids, file),
        "build_path": None,
        "unrendered_config": dict(file.config),
        "created_at": ids.graph.now.timestamp(),
        "relation_name": relation_of(ids, node),
        "raw_code": raw,
        "doc_blocks": [],
    }


def _checksum(ids: Ids, file: ModelFile | SeedFile, raw: str) -> str:
    """Of the text without the white space around it; of a seed's bytes."""
    if isinstance(file, ModelFile):
        return hashlib.sha256(raw.encode()).hexdigest()
    try:
        body = (ids.project.root / file.path).read_bytes()
    except OSError:
        body = b""  # gone since the project was read: its build tells that
    return hashlib.sha256(body.strip()).hexdigest()


def config_of(node: ModelNode) -> dict[str, Any]:
    """Dbt's keys with their defaults, and over them what the project says."""
    config: dict[str, Any] = {**_CONFIG, **_OF_KIND[kind_of(node)], "materialized": node.materialized}
    for key, value in node.config.items():
        config[_HOOKS.get(key, key)] = value
    for key in _HOOKS.values():
        config[key] = [_hook(one) for one in _listed(config[key])]
    config["tags"] = list(node.tags)
    config["docs"] = _docs(node)
    config["contract"] = {"enforced": node.settings.contract, "alias_types": True}
    return config


def _docs(node: ModelNode) -> dict[str, Any]:
    given = node.config.get("docs")
    return {"show": True, "node_color": None, **(given if isinstance(given, Mapping) else {})}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value] if value else []


def _hook(one: Any) -> dict[str, Any]:
    if isinstance(one, Mapping):
        return {"transaction": True, "index": None, **one}
    return {"sql": str(one), "transaction": True, "index": None}


def columns_of(documented: Iterable[ColumnDoc]) -> dict[str, Any]:
    """The documented columns by name; what a table really has is a catalog's to tell."""
    return {column.name: _column(column) for column in documented}


def _column(column: ColumnDoc) -> dict[str, Any]:
    meta = {**column.meta, **({"pii": True} if column.pii else {})}
    return {
        "name": column.name,
        "description": column.description,
        "meta": meta,
        "data_type": column.data_type,
        "constraints": [dict(one) for one in column.constraints],
        "quote": None,
        "config": {"meta": meta, "tags": list(column.tags)},
        "tags": list(column.tags),
        "granularity": None,
        "doc_blocks": [],
    }


def _patch(ids: Ids, file: ModelFile | SeedFile) -> str | None:
    """The YAML file that describes it, as far as its columns tell."""
    found = next((column.location.file for column in file.columns if column.location), None)
    return f"{ids.package(file.package)}://{ids.in_package(found, file.package)}" if found else None


def fqn_of(package: str, path: str, name: str) -> list[str]:
    """The package, the folders below the first, and the name."""
    return [package, *Path(path).parts[1:-1], name]


def ref_of(name: str) -> dict[str, Any]:
    return {"name": name, "package": None, "version": None}


def depends_on(nodes: Iterable[str]) -> dict[str, Any]:
    return {"macros": [], "nodes": list(dict.fromkeys(nodes))}


def database_of(ids: Ids) -> str:
    """Dbt's database: the file's name without its suffix, or BigQuery's project."""
    target = ids.project.target
    return target.path.stem if target.path else str(target.settings.get("project", ""))


def relation_of(ids: Ids, node: ModelNode) -> str | None:
    """The quoted name of the table; an ephemeral model has none."""
    return None if node.materialized == "ephemeral" else quoted(ids, node.table.schema, node.table.name)


def quoted(ids: Ids, schema: str, name: str, database: str | None = None) -> str:
    """A relation in the target's quotes."""
    mark = "`" if ids.project.target.type == "bigquery" else '"'
    parts = (database or database_of(ids), schema, name)
    return ".".join(f"{mark}{part.replace(mark, mark * 2)}{mark}" for part in parts)
