"""Declared sources and landed tables, as the manifest's sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tailrace.plan.artifacts.ids import Ids
from tailrace.plan.artifacts.nodes import columns_of, database_of, quoted
from tailrace.project.spec import Pipeline, SourceTable


def sources_of(ids: Ids) -> Iterator[dict[str, Any]]:
    """Every declared source, and every landed table that none declares."""
    declared = [source for source in ids.project.sources if source.enabled]
    yield from (_declared(ids, source) for source in declared)
    known = {(source.source, source.name) for source in declared}
    read = {(table.schema, table.name) for node in ids.graph.nodes.values() for table in node.sources}
    for pipeline in ids.project.pipelines:
        names = {resource.name for resource in pipeline.resources}
        names |= {name for schema, name in read if schema == pipeline.dataset}
        yield from (
            _landed(ids, pipeline, name) for name in sorted(names) if (pipeline.dataset, name) not in known
        )


def _declared(ids: Ids, source: SourceTable) -> dict[str, Any]:
    package = ids.package(source.package)
    path = ids.in_package(source.path, source.package)
    found = _table(
        ids, package, source.source, source.name, source.schema, source.identifier, source.database
    )
    freshness = {"filter": None, **source.freshness} if source.freshness else None
    return {
        **found,
        "path": path,
        "original_file_path": path,
        "fqn": [package, *path.split("/")[1:-1], source.source, source.name],
        "source_description": source.source_description,
        "description": source.description,
        "columns": columns_of(source.columns),
        "meta": dict(source.meta),
        "tags": list(source.tags),
        "loaded_at_field": source.loaded_at_field,
        "freshness": freshness,
        "config": {
            **found["config"],
            **source.config,
            "enabled": True,
            "tags": list(source.tags),
            "meta": dict(source.meta),
        },
        "unrendered_config": dict(source.config),
    }


def _landed(ids: Ids, pipeline: Pipeline, name: str) -> dict[str, Any]:
    found = _table(ids, ids.own, pipeline.dataset, name, pipeline.dataset, name, None)
    vendor = pipeline.connection or pipeline.source
    return {
        **found,
        "path": pipeline.path,
        "original_file_path": pipeline.path,
        "source_description": f"Landed by the pipeline {pipeline.name} from {vendor}.",
        "loader": "tailrace",
        "tags": list(pipeline.tags),
    }


def _table(
    ids: Ids, package: str, source: str, name: str, schema: str, identifier: str, database: str | None
) -> dict[str, Any]:
    return {
        "database": database or database_of(ids),
        "schema": schema,
        "name": name,
        "resource_type": "source",
        "package_name": package,
        "path": "",
        "original_file_path": "",
        "unique_id": ids.source(source, name),
        "fqn": [package, source, name],
        "source_name": source,
        "source_description": "",
        "loader": "",
        "identifier": identifier,
        "quoting": {"database": None, "schema": None, "identifier": None, "column": None},
        "loaded_at_field": None,
        "loaded_at_query": None,
        "freshness": None,
        "external": None,
        "description": "",
        "columns": {},
        "meta": {},
        "source_meta": {},
        "tags": [],
        "config": {
            "enabled": True, "event_time": None, "meta": {}, "tags": [], "freshness": None, "loaded_at_field": None,
            "loaded_at_query": None, "static_analysis": None,
        },
        "patch_path": None,
        "unrendered_config": {},
        "relation_name": quoted(ids, schema, identifier, database),
        "created_at": ids.graph.now.timestamp(),
        "unrendered_database": None,
        "unrendered_schema": None,
        "doc_blocks": [],
    }  # fmt: skip
