"""Every YAML file of a project or package, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tailrace.errors import Diagnostic, Location
from tailrace.project.dbt.data_tests import Tested, read_tests
from tailrace.project.dbt.described import Context, Described, describe
from tailrace.project.dbt.lax_yaml import read_lax
from tailrace.project.dbt.origin import File
from tailrace.project.files import YAML
from tailrace.project.model_config import Config
from tailrace.project.reader import Reader, hint, typed_for
from tailrace.project.spec import DataTest, Exposure, SourceTable, UnitTest
from tailrace.project.yaml import Document, read_yaml

PROPERTY_KEYS = (
    "version", "models", "seeds", "snapshots", "sources", "exposures", "unit_tests", "data_tests",
)  # fmt: skip
UNUSED_SECTIONS = (
    "macros", "analyses", "groups", "metrics", "semantic_models", "saved_queries", "functions", "tests",
)  # fmt: skip
_SEMANTIC = ("metrics", "semantic_models", "saved_queries")
_UNRENDERED = frozenset((
    "description", "data_tests", "tests", "unit_tests", "relation", "loaded_at_query", "pre_hook", "post_hook", "pre-hook",
    "post-hook", *UNUSED_SECTIONS,
))  # fmt: skip
_ENTRIES = {
    "sources": "a source",
    "exposures": "an exposure",
    "unit_tests": "a unit test",
    "data_tests": "a test",
}
_MOST_MISSING = 20
"""So many names that are not there are compared with those that are; a file of another project would take minutes."""
TABLES = {"models": "model", "seeds": "seed", "snapshots": "snapshot"}


@dataclass(frozen=True)
class YamlSnapshot:
    """A snapshot that YAML alone declares: `relation` is the template's words for what it reads."""

    name: str
    relation: str
    file: File
    location: Location


@dataclass
class Properties:
    """What all the YAML files of one project or package say."""

    described: dict[str, dict[str, Described]] = field(default_factory=lambda: {kind: {} for kind in TABLES})
    snapshots: list[YamlSnapshot] = field(default_factory=list)
    sources: list[SourceTable] = field(default_factory=list)
    tests: list[DataTest] = field(default_factory=list)
    unit_tests: list[UnitTest] = field(default_factory=list)
    exposures: list[Exposure] = field(default_factory=list)
    singular: dict[str, Described] = field(default_factory=dict)
    unused: list[Location] = field(default_factory=list)


def read_properties(context: Context, names: Mapping[str, set[str]]) -> Properties:
    """The YAML under the folders of models, seeds, snapshots, and in a dbt project of macros, tests and analyses.

    `names` are the tables that there are by kind: what YAML says of others is a problem, in a package a notice.
    """
    origin = context.origin
    paths = origin.paths
    folders = (*paths.models, *paths.seeds, *paths.snapshots)
    if origin.lax is not None:
        folders += (*paths.macros, *paths.tests, *paths.analyses)
    found = Properties()
    reading = _Reading(context, found, names)
    for file in origin.files(folders, *YAML):
        read = read_yaml if origin.lax is None else read_lax
        document = read(file.path, file.shown, context.problems)
        if document is not None:
            reading.file(file, document)
    _refuse_twice(found, context)
    return found


@dataclass
class _Reading:
    context: Context
    found: Properties
    names: Mapping[str, set[str]]
    missed: int = 0

    def file(self, file: File, document: Document) -> None:
        origin, lax = self.context.origin, self.context.origin.lax
        if lax is not None and document.data is None:
            return
        data = document.data
        if document.templated:
            data = origin.templates.render(data, document.marks, _UNRENDERED)
        reader = Reader(data, document.marks, self.context.problems, "this file", lax)
        reader.known(*PROPERTY_KEYS, *UNUSED_SECTIONS)
        if reader.get("version") not in (None, 2):
            reader.problem("version must be the number 2", "Write `version: 2`", "version")
        self.found.unused += [reader.marks.key(key) for key in _SEMANTIC if key in reader.data]
        for kind, what in TABLES.items():
            for index in range(len(reader.items(kind))):
                self.table(reader.under(f"a {what}", kind, index), kind, file)
        for key, read in (
            ("sources", self.sources), ("exposures", self.exposures), ("unit_tests", self.unit_tests), ("data_tests", self.singular),
        ):  # fmt: skip
            if entries := reader.items(key):
                read([reader.under(_ENTRIES[key], key, index) for index in range(len(entries))], file)

    def sources(self, entries: list[Reader], file: File) -> None:
        from tailrace.project.dbt.sources import read_source

        for entry in entries:
            tables, tests = read_source(entry, file.folders, self.context)
            self.found.sources += tables
            self.found.tests += tests

    def exposures(self, entries: list[Reader], file: File) -> None:
        from tailrace.project.dbt.exposures import read_exposure

        found = (read_exposure(entry, file.folders, self.context) for entry in entries)
        self.found.exposures += [exposure for exposure in found if exposure]

    def unit_tests(self, entries: list[Reader], file: File) -> None:
        from tailrace.project.dbt.unit_tests import Fixtures, read_unit_test

        fixtures = Fixtures(self.context.origin)
        found = (read_unit_test(entry, file.folders, self.context, fixtures) for entry in entries)
        self.found.unit_tests += [test for test in found if test]

    def singular(self, entries: list[Reader], _file: File) -> None:
        for entry in entries:
            about = describe(entry, "seeds", self.context)
            self.found.singular[entry.text("name", required=True)] = about

    def table(self, reader: Reader, kind: str, file: File) -> None:
        about = describe(reader, kind, self.context)
        name = reader.text("name", required=True)
        declared = kind == "snapshots" and reader.text("relation")
        if name and declared:
            self.found.snapshots.append(YamlSnapshot(name, str(declared), file, reader.marks.at("relation")))
        elif name and name not in self.names[kind]:
            self.missing(reader, kind, name)
            return
        described = self.found.described[kind]
        if name in described:
            message = f"{name} is already described at {described[name].location}"
            reader.problem(message, "Remove one of the two", "name")
        elif name:
            described[name] = about
            self.found.tests += read_tests(reader, Tested(name, file.folders), self.context)

    def missing(self, reader: Reader, kind: str, name: str) -> None:
        self.missed += 1
        names = sorted(self.names[kind]) if self.missed <= _MOST_MISSING else []
        what = TABLES[kind]
        suffix = "csv" if kind == "seeds" else "sql"
        message = f"there is no {what} {name} ({name}.{suffix})"
        lax = reader.lax
        if lax is None:
            reader.problem(message, hint(name, names), "name")
            return
        close = typed_for(name, names)
        told = Diagnostic(
            reader.marks.at("name"),
            message,
            f"Did you mean {close}?" if close else "Remove what describes it",
        )
        (lax if close else self.context.notices).append(told)


def _refuse_twice(found: Properties, context: Context) -> None:
    """Two tests of one name would have one result between them."""
    places: dict[tuple[str, ...], Location] = {}
    for test in found.tests:
        of = ".".join(test.source) if test.source else test.model
        first = places.setdefault((test.name, of, test.column), test.location)
        if first is not test.location:
            message = f"test {test.name} is already written at {first}"
            fix = "Remove one of the two, or give it a `name:` of its own"
            context.problems.append(Diagnostic(test.location, message, fix))
    tables: dict[tuple[str, str], Location] = {}
    for table in found.sources:
        key = (table.source.casefold(), table.name.casefold())
        first = tables.setdefault(key, table.location)
        if first is not table.location:
            message = f"source {table.source}.{table.name} is already declared at {first}"
            context.problems.append(Diagnostic(table.location, message, "Remove one of the two"))


def with_singular(test: DataTest, about: Described) -> DataTest:
    """A singular test with what YAML says of it."""
    config = Config({**test.config}, tags=test.tags)
    config.add(about.config)
    return replace(test, description=about.description, config=config.values, tags=config.tags)
