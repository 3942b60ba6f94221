"""What is wrong between files, as far as it shows without SQL and without a connector.

A list that is known to be incomplete (a file of it cannot be read) is never the reason for calling a name unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tailrace.errors import Diagnostic, Location
from tailrace.project.reader import hint
from tailrace.project.spec import ModelFile, Pipeline, SeedFile, Suite, Sync, Target

_RESERVED_SCHEMAS = ("information_schema", "pg_catalog", "temp", "system")


@dataclass(frozen=True)
class Parts:
    """All that was read. `target` is None, or `suites_known` False, where not everything of it could be."""

    target: Target | None
    pipelines: tuple[Pipeline, ...]
    models: tuple[ModelFile, ...]
    seeds: tuple[SeedFile, ...]
    suites: tuple[Suite, ...]
    syncs: tuple[Sync, ...]
    suites_known: bool


def cross_check(parts: Parts) -> Iterator[Diagnostic]:
    """Every diagnostic between the files of a project."""
    yield from _name_clashes(parts)
    yield from _schemas(parts)
    yield from _landed_twice(parts.pipelines)
    yield from _connections(parts)
    yield from _models_named(parts)
    yield from _gates(parts)
    yield from _stages(parts)
    yield from _written_twice(parts.syncs)


def _name_clashes(parts: Parts) -> Iterator[Diagnostic]:
    tables: list[ModelFile | SeedFile] = [*parts.models, *parts.seeds]
    tables.sort(key=lambda table: table.path)
    yield from _clashes("model or seed", ((table.name, Location(table.path)) for table in tables))
    yield from _clashes("pipeline", ((item.name, item.marks.at("pipeline")) for item in parts.pipelines))
    yield from _clashes("suite", ((item.name, item.marks.at("suite")) for item in parts.suites))
    yield from _clashes("sync", ((item.name, item.marks.at("sync")) for item in parts.syncs))


def _clashes(what: str, named: Iterable[tuple[str, Location]]) -> Iterator[Diagnostic]:
    """Names are compared as a warehouse compares them: case does not count."""
    first: dict[str, Location] = {}
    for name, place in named:
        if name and first.setdefault(name.casefold(), place) is not place:
            message = f"{name} is already the name of a {what}: {first[name.casefold()].file}"
            yield Diagnostic(place, message, "Rename one of the two")


def _schemas(parts: Parts) -> Iterator[Diagnostic]:
    tables: list[ModelFile | SeedFile] = [*parts.seeds, *parts.models]
    built = {table.schema.casefold(): table.path for table in tables}
    for schema, path in sorted(built.items()):
        if why := _reserved(schema):
            yield Diagnostic(
                Location(path), f"a model's schema cannot be called {schema}: {why}", "Rename the folder"
            )
    for pipeline in parts.pipelines:
        dataset = pipeline.dataset
        place = pipeline.marks.at("dataset" if "dataset" in _keys(pipeline) else "pipeline")
        if why := _reserved(dataset):
            yield Diagnostic(
                place, f"a dataset cannot be called {dataset}: {why}", "Choose another `dataset:`"
            )
        elif collides := built.get(dataset.casefold()):
            message = f"dataset {dataset} is also the schema that models are built in ({collides})"
            yield Diagnostic(place, message, "Choose another `dataset:`, or rename the models' folder")


def _keys(pipeline: Pipeline) -> set[str | int]:
    return {path[0] for path in pipeline.marks.keys if len(path) == 1}


def _reserved(schema: str) -> str:
    name = schema.casefold()
    if name.startswith("tailrace_"):
        return "tailrace keeps its own tables in such schemas"
    return "the warehouse has a schema of that name" if name in _RESERVED_SCHEMAS else ""


def _landed_twice(pipelines: tuple[Pipeline, ...]) -> Iterator[Diagnostic]:
    first: dict[tuple[str, str], tuple[Pipeline, str]] = {}
    for pipeline in pipelines:
        for resource in pipeline.resources:
            table = (pipeline.dataset.casefold(), resource.name.casefold())
            other, name = first.setdefault(table, (pipeline, resource.name))
            place = resource.marks.key("resources", resource.name)
            if other is pipeline and name != resource.name:
                message = f"{resource.name} and {name} differ only in case and would be one table"
                yield Diagnostic(place, message, "Remove one of the two")
            elif other is not pipeline and pipeline.dataset:
                message = (
                    f"{pipeline.dataset}.{name} is already landed by pipeline {other.name} ({other.path})"
                )
                yield Diagnostic(place, message, "Remove it here, or give the pipelines different datasets")
    for pipeline in pipelines:
        if pipeline.is_open and any(
            other is not pipeline and other.dataset.casefold() == pipeline.dataset.casefold()
            for other in pipelines
        ):
            message = f"{pipeline.name} lands all that its source has into {pipeline.dataset}, as another pipeline does"
            yield Diagnostic(
                pipeline.marks.at("pipeline"), message, "Name its resources, or give it another `dataset:`"
            )


def _connections(parts: Parts) -> Iterator[Diagnostic]:
    if parts.target is None:
        return
    known = list(parts.target.connections)
    users: list[Pipeline | Sync] = [*parts.pipelines, *parts.syncs]
    for user in users:
        if user.connection and user.connection not in known:
            message = f"target {parts.target.name} has no connection {user.connection}"
            fix = hint(user.connection, known) or "Add it to profiles.yml"
            yield Diagnostic(user.marks.at("connection"), message, fix)


def _models_named(parts: Parts) -> Iterator[Diagnostic]:
    known = [model.name for model in parts.models] + [seed.name for seed in parts.seeds]
    users: list[Suite | Sync] = [*parts.suites, *parts.syncs]
    for user in users:
        if not user.model or user.model in known:
            continue
        if isinstance(user, Suite) and ("model",) not in user.marks.keys:
            yield _named_no_model(user)
        else:
            fix = hint(user.model, known) or "Write it in models/"
            yield Diagnostic(user.marks.at("model"), f"there is no model {user.model}", fix)


def _named_no_model(suite: Suite) -> Diagnostic:
    """Great Expectations' own JSON, which knows no models."""
    file = suite.path.partition("/")[2]
    message = f"suite {suite.name} names no model, and there is no model {suite.model}"
    fix = f'Add "tailrace": {{"model": ...}} under meta, or name the file in a YAML suite: `gx_suite: {file}`'
    return Diagnostic(suite.marks.at("suite"), message, fix)


def _gates(parts: Parts) -> Iterator[Diagnostic]:
    suites = {suite.name: suite for suite in parts.suites}
    for sync in parts.syncs:
        if not sync.validate:
            continue
        suite = suites.get(sync.validate)
        place = sync.marks.at("validate")
        if suite is None:
            if parts.suites_known:
                fix = hint(sync.validate, list(suites)) or "Write it in expectations/"
                yield Diagnostic(place, f"there is no suite {sync.validate}", fix)
        elif suite.model and sync.model and suite.model != sync.model:
            message = f"suite {suite.name} checks the model {suite.model}, and this sync sends {sync.model}"
            yield Diagnostic(place, message, "Name a suite of the same model")
        elif suite.key and sync.primary_key and suite.key.casefold() != sync.primary_key.casefold():
            # rows are quarantined by the suite's key: under another name they would be sent all the same
            message = f"suite {suite.name} names rows by {suite.key}, and this sync by {sync.primary_key}"
            yield Diagnostic(place, message, "Give both the same column")


def _stages(parts: Parts) -> Iterator[Diagnostic]:
    """A sync sends from a table of its own name, which must be none that a suite or a model's rebuilding has beside it."""
    taken = {f"held__{suite.name}": f"the rows that suite {suite.name} holds back" for suite in parts.suites}
    taken |= {f"suite_{suite.name}": f"the rows that suite {suite.name} judges" for suite in parts.suites}
    taken |= {f"rebuild__{model.name}": f"model {model.name} while it is rebuilt" for model in parts.models}
    known = {name.casefold(): what for name, what in taken.items()}
    for sync in parts.syncs:
        name = sync.name.casefold()
        what = known.get(name) or (
            "rows that a suite holds back, which nobody is shown" if name.startswith("held__") else None
        )
        if what:
            message = f"a sync cannot be called {sync.name}: its staged table is named as that of {what}"
            yield Diagnostic(sync.marks.at("sync"), message, "Rename it")


def _written_twice(syncs: tuple[Sync, ...]) -> Iterator[Diagnostic]:
    """Two syncs on one field would overwrite each other for ever, each seeing the other's value as a change."""
    first: dict[tuple[str, ...], Sync] = {}
    for sync in syncs:
        if (
            not sync.connection or not sync.object or sync.mode == "append"
        ):  # what is appended overwrites nothing
            continue
        place_written = (sync.connection, sync.object.casefold(), repr(sorted(sync.options.items())))
        for mapped in sync.fields:
            other = first.setdefault((*place_written, mapped.field.casefold()), sync)
            if other is not sync:
                message = (
                    f"{sync.connection} {sync.object}.{mapped.field} is already written by sync {other.name}"
                )
                place = sync.marks.key("fields", mapped.field)
                yield Diagnostic(place, f"{message} ({other.path})", "Remove it from one of the two")
