"""manifest.json: the project as dbt's ecosystem reads it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tailrace import __version__
from tailrace.plan.artifacts.exposures import exposures_of
from tailrace.plan.artifacts.files import write_json
from tailrace.plan.artifacts.ids import Ids
from tailrace.plan.artifacts.macros import docs_of, macros_of
from tailrace.plan.artifacts.nodes import node_of
from tailrace.plan.artifacts.sources import sources_of
from tailrace.plan.artifacts.tests import data_test_of, unit_test_of
from tailrace.plan.resolve import Resolved
from tailrace.plan.secrets import redactor_of

DBT_VERSION = "1.11.0"
"""The dbt whose artifacts ours are shaped like; tailrace's own version is in `env`."""
_EMPTY = ("metrics", "groups", "selectors", "disabled", "saved_queries", "semantic_models", "functions")


def write_manifest(resolved: Resolved, folder: Path, *, run_id: str = "") -> Path:
    """Writes manifest.json (schema v12) whole or not at all; FatalError where the folder cannot be written."""
    document = manifest_of(resolved, run_id=run_id)
    return write_json(folder / "manifest.json", document, redactor_of(resolved.project).redact)


def manifest_of(resolved: Resolved, *, run_id: str = "") -> dict[str, Any]:
    """The manifest as plain data; dates are the run's clock."""
    ids = Ids(resolved.project, resolved.graph)
    nodes = [node_of(ids, resolved.graph.nodes[name]) for name in resolved.graph.order]
    tests = [data_test_of(ids, test) for test in resolved.project.data_tests]
    found = {
        "nodes": _by_id([*nodes, *tests]),
        "sources": _by_id(sources_of(ids)),
        "macros": _by_id(macros_of(ids)),
        "docs": _by_id(docs_of(ids)),
        "exposures": _by_id(exposures_of(ids)),
        "unit_tests": _by_id(unit_test_of(ids, test) for test in resolved.project.unit_tests),
    }
    parents = _parents(found)
    return {
        "metadata": _metadata(resolved, run_id, ids),
        **found,
        **{key: {} for key in _EMPTY},
        "parent_map": parents,
        "child_map": _children(parents),
        "group_map": {},
    }


def _by_id(entries: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {entry["unique_id"]: entry for entry in entries}


def _parents(found: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    known = [one for kind in ("nodes", "sources", "exposures", "unit_tests") for one in found[kind].values()]
    return {one["unique_id"]: list(one.get("depends_on", {}).get("nodes", [])) for one in known}


def _children(parents: Mapping[str, list[str]]) -> dict[str, list[str]]:
    children: dict[str, list[str]] = {unique_id: [] for unique_id in parents}
    for child, above in parents.items():
        for parent in above:
            children.setdefault(parent, []).append(child)
    return children


def common_metadata(schema: str, now: datetime, run_id: str) -> dict[str, Any]:
    """The head that both artifacts have; the invocation's id is made of the run's."""
    at = now.isoformat().replace("+00:00", "Z")
    return {
        "dbt_schema_version": f"https://schemas.getdbt.com/dbt/{schema}.json",
        "dbt_version": DBT_VERSION,
        "generated_at": at,
        "invocation_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"tailrace:{run_id or at}")),
        "invocation_started_at": at,
        "env": {"TAILRACE_VERSION": __version__, "TAILRACE_RUN_ID": run_id},
    }


def _metadata(resolved: Resolved, run_id: str, ids: Ids) -> dict[str, Any]:
    return {
        **common_metadata("manifest/v12", resolved.graph.now, run_id),
        "project_name": ids.own,
        "project_id": hashlib.md5(ids.own.encode(), usedforsecurity=False).hexdigest(),
        "user_id": None,
        "send_anonymous_usage_stats": False,
        "adapter_type": resolved.project.target.type,
        "quoting": {"database": True, "schema": True, "identifier": True, "column": None},
        "run_started_at": resolved.graph.now.isoformat(),
    }
