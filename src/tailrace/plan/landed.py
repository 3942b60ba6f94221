"""Where a sync's own object is landed, so that its changeset can see what the vendor has."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.activate.result import Landed
from tailrace.connectors.sdk import registry
from tailrace.connectors.sdk.options import resource_type
from tailrace.project.spec import Pipeline, Project, Resource, Sync
from tailrace.warehouse.base import TableRef


def landed_of(project: Project, sync: Sync) -> Landed | None:
    """The landed table of the sync's object; None where no pipeline lands it, or not under one key."""
    for pipeline, resource in resources_of(project, sync.connection, sync.object):
        declaration = registry.declaration(project.target.connections[pipeline.connection].type)
        kind = resource_type(declaration, resource.name) if declaration else None
        if kind is not None and len(kind.key) == 1:
            return Landed(TableRef(pipeline.dataset, resource.name), kind.key[0])
    return None


def resources_of(project: Project, connection: str, obj: str) -> Iterator[tuple[Pipeline, Resource]]:
    """Every resource that lands a vendor's object over this connection."""
    for pipeline in project.pipelines:
        if pipeline.connection == connection and not pipeline.source:
            for resource in pipeline.resources:
                if resource.name == obj:
                    yield pipeline, resource
