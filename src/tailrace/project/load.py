"""A folder as a Project. Every file is read whatever is wrong with the others, and all diagnostics come at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from tailrace.errors import Diagnostic, Location, ProjectError
from tailrace.project.crosscheck import Parts, cross_check
from tailrace.project.files import YAML, walk
from tailrace.project.load_models import read_macros, read_models, read_seeds
from tailrace.project.load_pipelines import read_pipeline
from tailrace.project.load_suites import read_suite
from tailrace.project.load_syncs import read_sync
from tailrace.project.profiles import read_target
from tailrace.project.spec import Pipeline, Project, Suite, Sync, Target
from tailrace.project.toml import Settings, read_settings
from tailrace.project.yaml import Document, read_yaml

Declared = TypeVar("Declared", Pipeline, Suite, Sync)


def load_project(root: Path, target: str | None = None) -> Project:
    """The project in `root` for one target (default: the profile's own); ProjectError with every diagnostic.

    Reads files only: SQL is text here, and the options of connectors are checked by whoever knows them.
    """
    root = Path(root).absolute()
    problems: list[Diagnostic] = []
    settings = read_settings(root, problems)
    if settings is None:
        raise ProjectError(problems)
    chosen = _read_target(root, settings, target, problems)
    pipelines, _ = _read_all(root, "pipelines", partial(read_pipeline, root=root), problems)
    suites, suites_known = _read_all(root, "expectations", read_suite, problems)
    syncs, _ = _read_all(root, "reverse", read_sync, problems)
    models = read_models(root, settings.models, settings.marks.under("models"), problems)
    seeds, macros = read_seeds(root, problems), read_macros(root, problems)
    _refuse_packages(root, problems)
    suites_known = suites_known and all(suite.name for suite in suites)
    parts = Parts(chosen, pipelines, models, seeds, suites, syncs, suites_known)
    problems += cross_check(parts)
    if problems or chosen is None:
        raise ProjectError(problems)
    return Project(
        name=settings.name,
        root=root,
        target=chosen,
        pipelines=pipelines,
        models=models,
        seeds=seeds,
        macros=macros,
        suites=suites,
        syncs=syncs,
        vars=settings.vars,
        dialect=settings.dialect,
    )


def _read_target(
    root: Path, settings: Settings, target: str | None, problems: list[Diagnostic]
) -> Target | None:
    place = settings.marks.at("profile" if "profile" in _top_keys(settings) else "name")
    return read_target(root, settings.profile, place, target, problems)


def _top_keys(settings: Settings) -> set[str | int]:
    prefix = settings.marks.prefix
    return {
        path[len(prefix)]
        for path in settings.marks.keys
        if len(path) > len(prefix) and path[: len(prefix)] == prefix
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


def _refuse_packages(root: Path, problems: list[Diagnostic]) -> None:
    for _, file in walk(root, "packages", ("dbt_project.yml",)):
        fix = "Copy the package's macros to macros/<package>/ and its models to models/"
        problems.append(Diagnostic(Location(file), "dbt packages are not read in this release", fix))
