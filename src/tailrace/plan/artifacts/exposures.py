"""Who reads models outside: the exposures that YAML declares, and the syncs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tailrace.plan.artifacts.ids import Ids
from tailrace.plan.artifacts.nodes import depends_on, ref_of
from tailrace.plan.artifacts.tests import read_by
from tailrace.project.spec import Exposure, Sync


def exposures_of(ids: Ids) -> Iterator[dict[str, Any]]:
    """Declared exposures first; a sync of the same name has `_sync` behind it."""
    taken = set()
    for exposure in ids.project.exposures:
        taken.add(exposure.name)
        yield _declared(ids, exposure)
    for sync in ids.project.syncs:
        yield _sync(ids, sync, f"{sync.name}_sync" if sync.name in taken else sync.name)


def _declared(ids: Ids, exposure: Exposure) -> dict[str, Any]:
    refs, sources = read_by(" ".join(exposure.depends_on))
    owner = {"name": exposure.owner.get("name"), "email": exposure.owner.get("email")}
    return {
        **_common(ids, exposure.name, exposure.path, exposure.package),
        "type": exposure.type,
        "owner": {**exposure.owner, **owner},
        "description": exposure.description,
        "label": exposure.label or None,
        "maturity": exposure.maturity or None,
        "meta": dict(exposure.meta),
        "tags": list(exposure.tags),
        "config": {"enabled": True, "tags": list(exposure.tags), "meta": dict(exposure.meta)},
        "url": exposure.url or None,
        "depends_on": depends_on([*ids.nodes(tuple(refs)), *(ids.source(*pair) for pair in sources)]),
        "refs": [ref_of(name) for name in refs],
        "sources": [list(pair) for pair in sources],
    }


def _sync(ids: Ids, sync: Sync, name: str) -> dict[str, Any]:
    fields = {one.field: one.column for one in sync.fields}
    meta = {
        "connection": sync.connection, "object": sync.object, "mode": sync.mode, "primary_key": sync.primary_key,
        "match": {sync.match_field: sync.match_column}, "fields": fields,
    }  # fmt: skip
    return {
        **_common(ids, name, sync.path, ""),
        "type": "application",
        "owner": {"name": sync.connection, "email": None},
        "description": f"Sends {sync.model} to {sync.object} of {sync.connection} ({sync.mode}).",
        "label": f"{sync.connection} {sync.object}",
        "maturity": None,
        "meta": {"tailrace": meta},
        "tags": list(sync.tags),
        "config": {"enabled": True, "tags": list(sync.tags), "meta": {"tailrace": meta}},
        "url": None,
        "depends_on": depends_on(ids.nodes((sync.model,))),
        "refs": [ref_of(sync.model)],
        "sources": [],
    }


def _common(ids: Ids, name: str, path: str, package: str) -> dict[str, Any]:
    owner = ids.package(package)
    path = ids.in_package(path, package)
    return {
        "name": name,
        "resource_type": "exposure",
        "package_name": owner,
        "path": path.partition("/")[2] or path,
        "original_file_path": path,
        "unique_id": f"exposure.{owner}.{name}",
        "fqn": [owner, *path.split("/")[1:-1], name],
        "unrendered_config": {},
        "metrics": [],
        "created_at": ids.graph.now.timestamp(),
    }
