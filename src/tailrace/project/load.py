"""A folder as a Project. Every file is read whatever is wrong with the others, and all diagnostics come at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tailrace.errors import Diagnostic, ProjectError
from tailrace.project.crosscheck import Parts, cross_check
from tailrace.project.dbt.origins import Chosen, Origins, choose_settings, find_origins
from tailrace.project.declared import Declared as DeclaredTables
from tailrace.project.declared import read_declared
from tailrace.project.files import YAML, walk
from tailrace.project.load_pipelines import read_pipeline
from tailrace.project.load_suites import read_suites
from tailrace.project.load_syncs import read_sync
from tailrace.project.profiles import read_target
from tailrace.project.spec import EMPTY, Pipeline, Project, Suite, Sync, Target
from tailrace.project.yaml import Document, read_yaml

Declared = TypeVar("Declared", Pipeline, Sync)


def load_project(
    root: Path, target: str | None = None, variables: Mapping[str, Any] | None = None
) -> Project:
    """The project in `root` for one target (default: the profile's own); ProjectError with every diagnostic.

    `variables` are the command line's and win over every other. Reads files only: SQL is text here, and the options of
    connectors are checked by whoever knows them.
    """
    root = Path(root).absolute()
    given = variables or EMPTY
    problems: list[Diagnostic] = []
    notices: list[Diagnostic] = []
    settings = choose_settings(root, given, problems)
    if settings is None:
        raise ProjectError(problems)
    chosen = _read_target(root, settings, target, problems)
    pipelines, _ = _read_all(root, "pipelines", partial(read_pipeline, root=root), problems)
    suites, suites_known = read_suites(root, problems)
    syncs, _ = _read_all(root, "reverse", read_sync, problems)
    origins = find_origins(root, settings, chosen, given, problems, notices)
    tables = read_declared(origins, problems, notices)
    suites_known = suites_known and all(suite.name for suite in suites)
    parts = Parts(chosen, pipelines, tables.models, tables.seeds, suites, syncs, suites_known)
    problems += cross_check(parts)
    if problems or chosen is None:
        raise ProjectError(problems)
    return _project(root, settings, chosen, origins, tables, (pipelines, suites, syncs), notices)


def _project(
    root: Path,
    chosen: Chosen,
    target: Target,
    origins: Origins,
    tables: DeclaredTables,
    flow: tuple[tuple[Pipeline, ...], tuple[Suite, ...], tuple[Sync, ...]],
    notices: list[Diagnostic],
) -> Project:
    pipelines, suites, syncs = flow
    return Project(
        name=chosen.settings.name,
        root=root,
        target=target,
        pipelines=pipelines,
        models=tables.models,
        seeds=tables.seeds,
        macros=tables.macros,
        suites=suites,
        syncs=syncs,
        vars=origins.project.vars,
        dialect=chosen.settings.dialect if chosen.dialect_is_written else target.type,
        macro_packages=tables.macro_packages,
        packages=origins.as_packages(),
        sources=tables.sources,
        data_tests=tables.data_tests,
        unit_tests=tables.unit_tests,
        exposures=tables.exposures,
        docs=tables.docs,
        dbt=origins.as_dbt(),
        lint=chosen.settings.lint,
        notices=tuple(dict.fromkeys(notices)),
        keeping=chosen.settings.keeping,
    )


def _read_target(root: Path, chosen: Chosen, target: str | None, problems: list[Diagnostic]) -> Target | None:
    settings = chosen.settings
    place = settings.marks.at("profile")
    if settings.marks.prefix and "profile" not in _top_keys(settings.marks):
        place = settings.marks.at("name")
    return read_target(root, settings.profile, place, target, problems, dbt=chosen.reader is not None)


def _top_keys(marks: Any) -> set[str | int]:
    prefix = marks.prefix
    return {
        path[len(prefix)] for path in marks.keys if len(path) > len(prefix) and path[: len(prefix)] == prefix
    }


def _read_all(
    root: Path,
    folder: str,
    read: Callable[[Document, str, list[Diagnostic]], Declared],
    problems: list[Diagnostic],
) -> tuple[tuple[Declared, ...], bool]:
    """What the YAML files of a folder declare, and whether every one of them could be read."""
    found: list[Declared] = []
    whole = True
    for path, file in walk(root, folder, YAML):
        document = read_yaml(path, file, problems)
        if document is None:
            whole = False
        else:
            found.append(read(document, file, problems))
    return tuple(found), whole
