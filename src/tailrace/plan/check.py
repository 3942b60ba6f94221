"""Everything that can be known without a connection, across files: the vendors judge their own options here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tailrace.activate.check import check_sync
from tailrace.build.graph import Graph
from tailrace.build.testing.check import check_tests
from tailrace.connectors.sdk import registry
from tailrace.connectors.sdk.base import Declaration, ObjectType
from tailrace.connectors.sdk.options import (
    check_connection,
    check_object,
    check_resource,
    object_type,
    resource_type,
)
from tailrace.errors import Diagnostic, Location, near_miss
from tailrace.plan.conditions import Conditions
from tailrace.plan.suites import check_suites
from tailrace.project.load_pipelines import INLINE_KEYS, RESOURCE_KEYS, can_name
from tailrace.project.spec import Connection, Pipeline, Project, Sync


def check_project(project: Project, graph: Graph, conditions: Conditions | None = None) -> list[Diagnostic]:
    """All diagnostics that need the connectors' declarations, the models' columns or the expectations' catalogue.

    `conditions`: verdicts on SQL conditions that an earlier check has kept.
    """
    conditions = conditions or Conditions(None)
    problems: list[Diagnostic] = []
    declarations: dict[str, Declaration] = {}
    for connection in project.target.connections.values():
        found = registry.declaration(connection.type)
        if found is None:
            fix = near_miss(connection.type, _names(inline=False))
            problems.append(_at(connection, ("type",), f"there is no connector {connection.type}", fix))
            continue
        if found.inline:
            what = f"{connection.type} is no connection"
            fix = f"Name it in a pipeline: `source: {connection.type}`"
            problems.append(_at(connection, ("type",), what, fix))
            continue
        declarations[connection.name] = found
        problems += _connection(connection, found)
    problems += _publish(project, graph)
    for pipeline in project.pipelines:
        if pipeline.source:
            problems += check_inline(pipeline, project.root)
        else:
            problems += check_resources(pipeline, declarations.get(pipeline.connection))
    problems += check_suites(project, graph, conditions)
    if graph.nodes:  # without models, every test would only repeat that they are missing
        problems += check_tests(project, graph)
    for sync in project.syncs:
        columns = columns_of(graph, sync.model)
        problems += _sync(sync, declarations.get(sync.connection), columns, conditions)
    return problems


def columns_of(graph: Graph, model: str) -> tuple[str, ...] | None:
    """A model's columns where the SQL alone tells them; None where a star reads a landed table."""
    node = graph.nodes.get(model)
    return node.columns if node else None


def _publish(project: Project, graph: Graph) -> Iterator[Diagnostic]:
    """Schemas that nobody makes would be published empty, and the others left out unseen."""
    made = {pipeline.dataset for pipeline in project.pipelines} | {
        node.schema for node in graph.nodes.values()
    }
    for number, schema in enumerate(project.target.publish_schemas):
        if schema not in made:
            place = project.target.marks.at("publish", "schemas", number)
            yield Diagnostic(place, f"nothing makes a schema {schema}", near_miss(schema, sorted(made)))


def _at(connection: Connection, path: tuple[str | int, ...], message: str, fix: str) -> Diagnostic:
    return Diagnostic(connection.marks.at(*connection.path, *path), message, fix)


def _connection(connection: Connection, declaration: Declaration) -> Iterator[Diagnostic]:
    for path, message, fix in check_connection(declaration, connection.options)[1]:
        yield _at(connection, path, message, fix)


def _names(*, inline: bool) -> list[str]:
    """The connectors that a connection, or a pipeline's `source:`, may name."""
    found = {name: registry.declaration(name) for name in registry.known()}
    return [name for name, one in found.items() if one is not None and one.inline is inline]


def check_inline(pipeline: Pipeline, root: Path) -> Iterator[Diagnostic]:
    """A pipeline with a `source:` of its own: which one, its options, and its resources against them."""
    place, declaration = pipeline.marks.at("source"), registry.declaration(pipeline.source)
    if declaration is None:
        fix = near_miss(pipeline.source, _names(inline=True))
        yield Diagnostic(place, f"there is no source {pipeline.source}", fix)
        return
    if not declaration.inline:
        fix = "Land from a connection: replace `source:` with `connection:`"
        yield Diagnostic(place, f"{pipeline.source} is read through a connection", fix)
        return
    found = [*_options(pipeline, declaration), *check_resources(pipeline, declaration)]
    yield from found
    if not found and pipeline.is_open and declaration.resource_names is not None:
        for name in declaration.resource_names(pipeline.options) or ():
            if not can_name(name):
                fix = "Name the others under `resources:`, or rename it"
                yield Diagnostic(pipeline.marks.at("config"), f"{name[:60]!r} cannot name a table here", fix)
    if not found and declaration.validate_pipeline is not None:
        named = {resource.name: resource.options for resource in pipeline.resources}
        for path, message, fix in declaration.validate_pipeline(pipeline.options, named, root):
            yield Diagnostic(_place(pipeline, path, message), message, fix)


def _place(pipeline: Pipeline, path: tuple[str | int, ...], message: str) -> Location:
    """The key itself where it is not known, else its value."""
    of_the_key = ("unknown option", " has no key ", " takes no argument ")
    place = pipeline.marks.key if any(words in message for words in of_the_key) else pipeline.marks.at
    return place(*path)


def _options(pipeline: Pipeline, declaration: Declaration) -> Iterator[Diagnostic]:
    known = [*(option.name for option in declaration.options), *INLINE_KEYS]
    for path, message, fix in check_connection(declaration, pipeline.options)[1]:
        better = near_miss(str(path[-1]), known) if message.startswith("unknown option") else fix
        yield Diagnostic(_place(pipeline, path, message), message, better)


def check_resources(pipeline: Pipeline, declaration: Declaration | None) -> Iterator[Diagnostic]:
    if declaration is None:
        return
    if not declaration.resources and not declaration.inline:
        what = f"{declaration.name} is no source: nothing can be landed from it"
        yield Diagnostic(pipeline.marks.at("connection"), what, "Name a connection that rows come from")
        return
    for resource in pipeline.resources:
        for path, message, fix in check_resource(declaration, resource.name, resource.options)[1]:
            unknown = message.startswith("unknown option")
            place = resource.marks.key if unknown else resource.marks.at
            known = [*_option_names(declaration, resource.name), *RESOURCE_KEYS]
            better = near_miss(str(path[-1]), known) if unknown else fix
            yield Diagnostic(place("resources", resource.name, *path), message, better)


def _option_names(declaration: Declaration, resource: str) -> list[str]:
    kind = resource_type(declaration, resource)
    return [option.name for option in kind.options] if kind else []


def _sync(
    sync: Sync,
    declaration: Declaration | None,
    columns: Sequence[str] | None,
    conditions: Conditions,
) -> Iterator[Diagnostic]:
    """A sync against what its vendor can do and what its model has."""
    obj = object_type(declaration, sync.object) if declaration else None
    if declaration is not None and not declaration.objects:
        what = f"{declaration.name} is no destination"
        yield Diagnostic(sync.marks.at("connection"), what, "Name a connection that rows can be sent to")
    elif declaration is not None and obj is None:
        names = [known.name for known in declaration.objects]
        what = f"{declaration.name} has no object {sync.object}"
        yield Diagnostic(sync.marks.at("object"), what, near_miss(sync.object, names))
    if declaration is not None and obj is not None:
        for path, message, fix in check_object(declaration, sync.object, sync.mode, sync.options)[1]:
            unknown = message.startswith("unknown option")
            place = sync.marks.key if unknown and ("options",) in sync.marks.keys else sync.marks.at
            yield Diagnostic(place("options", *path), message, fix)
        yield from _new_names(sync, obj)
        yield from _associated(sync, declaration)
    yield from check_sync(sync, obj, None if columns is None else dict.fromkeys(columns, ""))
    if sync.updated_at and columns is not None and sync.updated_at not in columns:
        what = f"model {sync.model} has no column {sync.updated_at}"
        yield Diagnostic(sync.marks.at("updated_at"), what, near_miss(sync.updated_at, columns))
    for key, sql in (("where", sync.where), ("suppress", sync.suppress)):
        if sql is not None:
            yield from conditions.check(sql, sync.marks.at(key), key, columns)


def _associated(sync: Sync, declaration: Declaration) -> Iterator[Diagnostic]:
    """Objects of associations whose name is nearly a declared one's."""
    names = [known.name for known in declaration.objects if not known.any_name]
    for each in sync.associations:
        if object_type(declaration, each.object) is None:
            what = f"{declaration.name} has no object {each.object}"
            yield Diagnostic(sync.marks.key("associations", each.object), what, near_miss(each.object, names))


def _new_names(sync: Sync, obj: ObjectType) -> Iterator[Diagnostic]:
    """Names that the vendor would refuse, of fields that are said to be new: their `type` or `label` is given."""
    pattern, words = obj.field_names
    for each in sync.fields if pattern and sync.create_fields else ():
        if (each.type or each.label) and not re.fullmatch(pattern, each.field):
            what = f"{each.field!r} is no name for a new field of {sync.object}"
            yield Diagnostic(sync.marks.key("fields", each.field), what, f"Write {words}")
