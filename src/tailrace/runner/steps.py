"""Land and validate: the steps in their order, each with open things as arguments, each failing alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tailrace.connectors.sdk.base import (
    Lists,
    ResourceSpec,
    ResourceType,
    Source,
)
from tailrace.connectors.sdk.inline import WrongSetting
from tailrace.connectors.sdk.options import check_resource, resource_type
from tailrace.errors import Diagnostic, FatalError
from tailrace.plan.audience import audience_of, reader_of, reading
from tailrace.plan.resolve import Chosen, Resolved
from tailrace.project.load_pipelines import can_name
from tailrace.project.spec import Pipeline, Project, Resource, Suite, Sync
from tailrace.runner.own_writes import syncs_to, written_to
from tailrace.runner.session import Session
from tailrace.state.runs import StepResult
from tailrace.validate.retention import STAGED, clear
from tailrace.validate.run import judge
from tailrace.warehouse.base import TableRef, Warehouse
from tailrace.warehouse.stage import stage


def land(session: Session, warehouse: Warehouse, chosen: Chosen) -> None:
    """Every resource of every chosen pipeline; one that fails stops no other."""
    for pipeline in chosen.pipelines:
        for resource in resources_of(session, pipeline):
            with session.step("land", f"{pipeline.dataset}.{resource.name}"), placed(pipeline):
                session.record(_land(session, warehouse, pipeline, resource))


def resources_of(session: Session, pipeline: Pipeline) -> tuple[Resource, ...]:
    """Those that a pipeline names, else all that its source has; a source that cannot be opened is a failed step."""
    if not pipeline.is_open:
        return pipeline.resources
    with session.step("land", f"{pipeline.dataset}.*"), placed(pipeline):
        connector = session.connector_of(pipeline)
        assert isinstance(connector, Lists), "check asks for the resources of any other source"
        names = connector.names()
        wrong = [name for name in names if not can_name(name)]
        if wrong:
            fix = "name the others under `resources:`"
            raise FatalError(f"{wrong[0][:60]!r} cannot name a table here", fix)
        return tuple(Resource(name, {}, pipeline.marks) for name in names)
    return ()


@contextmanager
def placed(pipeline: Pipeline) -> Iterator[None]:
    """What only the open source can tell of the pipeline's own words, said with its place in the file."""
    try:
        yield
    except WrongSetting as wrong:
        raise FatalError(str(Diagnostic(pipeline.marks.at(*wrong.path), wrong.message, wrong.fix))) from None


def _land(session: Session, warehouse: Warehouse, pipeline: Pipeline, resource: Resource) -> StepResult:
    from tailrace.land.run import land_resource

    if session.days is not None and not kind_of(session, pipeline, resource).backfill:
        name = f"{pipeline.dataset}.{resource.name}"
        return StepResult("land", name, "skipped", error="it cannot be read by days: land it without --from")
    return land_resource(
        warehouse,
        source_of(session, pipeline),
        pipeline,
        resource,
        spec_of(session, pipeline, resource),
        changes_of(session, pipeline, resource),
        run_id=session.run_id,
        now=session.now,
        days=session.days,
        written=written_to(session, warehouse, pipeline, resource),
    )


def source_of(session: Session, pipeline: Pipeline) -> Source:
    """What a pipeline reads from, open."""
    return session.connector_of(pipeline).source()


def kind_of(session: Session, pipeline: Pipeline, resource: Resource) -> ResourceType:
    """The resource as its connector declares it."""
    kind = resource_type(session.declaration_of(pipeline), resource.name)
    assert kind is not None, "check names unknown resources before anything runs"
    return kind


def spec_of(session: Session, pipeline: Pipeline, resource: Resource) -> ResourceSpec:
    """The resource with its options, defaults filled in, and what syncs write to its records."""
    options, _ = check_resource(session.declaration_of(pipeline), resource.name, resource.options)
    named = options.get(kind_of(session, pipeline, resource).fields_option) or ()
    fields = (name for sync in syncs_to(session.project, pipeline, resource) for name in _fields(sync))
    also = tuple(dict.fromkeys(name for name in fields if name not in named)) if named else ()
    return ResourceSpec(resource.name, options, also)


def _fields(sync: Sync) -> Iterator[str]:
    """What the vendor has of a sync, its key included."""
    yield from (each.field for each in sync.fields)
    if sync.match_field:
        yield sync.match_field


def changes_of(session: Session, pipeline: Pipeline, resource: Resource) -> bool:
    """Whether a change log is kept: as declared, else as the connector does."""
    return kind_of(session, pipeline, resource).changes if resource.changes is None else resource.changes


def suites_of(resolved: Resolved, chosen: Chosen, wanted: tuple[str, ...]) -> tuple[Suite, ...]:
    """The chosen suites, the gates of the chosen syncs where they are about to send, and all of them before a publication.

    What nobody changed keeps its verdict, so judging all costs a hash a suite; but no blocked data is published unseen.
    """
    if "publish" in wanted:
        return resolved.project.suites
    gates = {sync.validate for sync in chosen.syncs} if "activate" in wanted else set()
    chosen_names = {suite.name for suite in chosen.suites}
    return tuple(suite for suite in resolved.project.suites if suite.name in chosen_names | gates)


def validate(session: Session, warehouse: Warehouse, resolved: Resolved, suites: tuple[Suite, ...]) -> None:
    """Each suite on the table that its sync will send from (others of the model stage the same rows), or on a staged copy of its model where no sync reads it."""
    versions = versions_of(warehouse, resolved) if suites else {}
    for suite in suites:
        with session.step("validate", suite.name), reading(resolved, suite.model):
            table = model_table(resolved, suite.model)
            if not warehouse.columns(table):
                session.record(
                    StepResult("validate", suite.name, "skipped", error=f"model {suite.model} is not built")
                )
                continue
            version = versions.get(suite.model, "")
            staged = stage(warehouse, table, stage_name(resolved.project, suite), version=version)
            audience = audience_of(resolved, suite)
            _, result = judge(
                warehouse, suite, staged, run_id=session.run_id, now=session.now, audience=audience
            )
            session.record(result)
    project = resolved.project
    stages = [
        *(sync.name for sync in project.syncs),
        *(stage_name(project, suite) for suite in project.suites),
    ]
    clear(warehouse, [suite.name for suite in project.suites], stages, project.keeping, session.now())


def stage_name(project: Project, suite: Suite) -> str:
    """Under which name a suite's model is staged: its first sync's, which sends from that very table."""
    reader = reader_of(project, suite)
    return reader.name if reader else STAGED + suite.name


def versions_of(warehouse: Warehouse, resolved: Resolved) -> Mapping[str, str]:
    """By model what changes with its rows, for an engine whose rows are not here; where they are, the rows themselves tell."""
    if warehouse.engine == "duckdb":
        return {}
    from tailrace.build.fingerprint import contents

    return contents(warehouse, resolved.graph)


def model_table(resolved: Resolved, model: str) -> TableRef:
    """Where a model's rows are."""
    return resolved.graph.nodes[model].table
