"""What the project's syncs wrote to a resource's records, for landing to tell it from what others did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tailrace.activate.result import Scope
from tailrace.activate.target import scope_of
from tailrace.activate.written import Written, syncs_with_rows
from tailrace.connectors.sdk.options import check_object, object_type, resource_type
from tailrace.plan.landed import resources_of
from tailrace.project.spec import Pipeline, Project, Resource, Sync
from tailrace.runner.session import Session
from tailrace.warehouse.base import Warehouse


def syncs_to(project: Project, pipeline: Pipeline, resource: Resource) -> Iterator[Sync]:
    """The syncs that write to the very records that a resource lands."""
    for sync in project.syncs:
        for found, landed in resources_of(project, sync.connection, sync.object):
            if found.name == pipeline.name and landed.name == resource.name:
                yield sync


def _scope(session: Session, account: str, sync: Sync) -> Scope:
    declaration = session.declaration(sync.connection)
    obj = object_type(declaration, sync.object)
    if obj is None:
        return Scope(account, sync.object, sync.name)
    filled, _ = check_object(declaration, sync.object, sync.mode, sync.options)
    return scope_of(obj, account, replace(sync, options=filled))


def written_to(
    session: Session, warehouse: Warehouse, pipeline: Pipeline, resource: Resource
) -> tuple[Written, ...]:
    """Nothing is asked of the vendor where nothing was ever written, or records are not named by one id."""
    kind = None if pipeline.source else resource_type(session.declaration_of(pipeline), resource.name)
    if kind is None or len(kind.key) != 1:
        return ()
    syncs = {sync.name: sync for sync in syncs_to(session.project, pipeline, resource)}
    wrote = syncs_with_rows(warehouse, list(syncs), resource.name)
    if not wrote:
        return ()
    account = session.account(pipeline.connection)
    return tuple(
        Written(
            warehouse,
            _scope(session, account, syncs[name]),
            tuple(each.field for each in syncs[name].fields),
            syncs[name].on_removed == "clear",
        )
        for name in wrote
    )
