"""What the project and all its packages declare, as one, and what is wrong between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tailrace.errors import Diagnostic, Location
from tailrace.project.dbt.described import Context
from tailrace.project.dbt.docs_blocks import Docs, read_docs
from tailrace.project.dbt.origin import Origin
from tailrace.project.dbt.origins import Origins
from tailrace.project.load_models import Tables, read_macros, read_tables
from tailrace.project.reader import hint
from tailrace.project.spec import DataTest, Exposure, ModelFile, SeedFile, SourceTable, UnitTest


@dataclass(frozen=True)
class Declared:
    """Everything, the project's own first."""

    models: tuple[ModelFile, ...]
    seeds: tuple[SeedFile, ...]
    macros: dict[str, str]
    macro_packages: dict[str, str]
    sources: tuple[SourceTable, ...]
    data_tests: tuple[DataTest, ...]
    unit_tests: tuple[UnitTest, ...]
    exposures: tuple[Exposure, ...]
    docs: Docs


def read_declared(origins: Origins, problems: list[Diagnostic], notices: list[Diagnostic]) -> Declared:
    """Reads every file of every origin once."""
    docs: Docs = {}
    for origin in origins.all:
        docs |= read_docs(origin, problems)
    tables = [(origin, read_tables(Context(origin, docs, problems, notices))) for origin in origins.all]
    macros: dict[str, str] = {}
    packages: dict[str, str] = {}
    for origin in origins.all:
        texts = read_macros(origin, problems)
        macros |= texts
        packages |= {path: _package_of(origin, path) for path in texts}
    every = [found for _, found in tables]
    models, seeds, off = _without_switched_off(every)
    unit_tests = [
        test for found in every for test in found.properties.unit_tests if test.model.casefold() not in off
    ]
    problems += _unknown_models(unit_tests, models)
    notices += [*_unused(every), *_unused_folders(origins, every)]
    return Declared(
        models=tuple(models),
        seeds=tuple(seeds),
        macros=macros,
        macro_packages=packages,
        sources=tuple(source for found in every for source in found.properties.sources),
        data_tests=tuple(test for found in every for test in found.tests if test.model.casefold() not in off),
        unit_tests=tuple(unit_tests),
        exposures=tuple(exposure for found in every for exposure in found.properties.exposures),
        docs=docs,
    )


def _package_of(origin: Origin, path: str) -> str:
    """In a project of ours, `macros/<package>/x.sql` is that package's, too."""
    if origin.package or origin.lax is not None:
        return origin.package
    parts = path.split("/")
    return parts[1] if parts[0] == "macros" and len(parts) > 2 else ""


def _without_switched_off(
    every: list[Tables],
) -> tuple[list[ModelFile], list[SeedFile], set[str]]:
    """Models, seeds, and the names of those that are switched off and stand for nothing: their tests go with them.

    A table that is switched off gives way to another one of its name, as when a project replaces a package's model.
    """
    models = [model for found in every for model in found.models]
    seeds = [seed for found in every for seed in found.seeds]
    tables: list[ModelFile | SeedFile] = [*models, *seeds]
    on = {table.name.casefold() for table in tables if _is_on(table)}
    off = {table.name.casefold() for table in tables} - on
    kept = [model for model in models if _is_on(model) or model.name.casefold() in off]
    return kept, [seed for seed in seeds if _is_on(seed)], off


def _is_on(table: ModelFile | SeedFile) -> bool:
    return table.config.get("enabled") is not False


def _unknown_models(tests: Iterable[UnitTest], models: list[ModelFile]) -> Iterator[Diagnostic]:
    names = sorted(model.name for model in models)
    known = set(names)
    for test in tests:
        if test.model and test.model not in known:
            message = f"unit test {test.name} is of a model that is not there: {test.model}"
            yield Diagnostic(test.location, message, hint(test.model, names))


def _unused_folders(origins: Origins, every: list[Tables]) -> Iterator[Diagnostic]:
    """A folder or package of a config tree that is not there configures nothing, and dbt warns of it, too."""
    if origins.file is None:
        return
    for tree in ("models", "seeds", "snapshots"):
        paths = [fqn for found in every for fqn in found.fqns.get(tree, ())]
        paths += [(origin.name,) for origin in origins.all]
        there = {fqn[:length] for fqn in paths for length in range(len(fqn) + 1)}
        for path, layer in origins.project.trees.get(tree, {}).items():
            if path in there:
                continue
            parent = next(n for n in range(len(path)) if path[: n + 1] not in there)
            beside = sorted(
                {one[parent] for one in there if one[:parent] == path[:parent] and len(one) > parent}
            )
            message = f"{tree}: {'.'.join(path)} configures nothing: there is no {path[parent]}"
            yield Diagnostic(min(layer.places.values()), message, hint(path[parent], beside))


def _unused(every: list[Tables]) -> Iterator[Diagnostic]:
    places: list[Location] = [place for found in every for place in found.properties.unused]
    if places:
        message = "metrics, semantic models and saved queries are dbt's semantic layer's, and nothing here reads them"
        yield Diagnostic(min(places), message)
