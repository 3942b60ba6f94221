"""`unit_tests:`: a model on fixtures, written in the YAML or in files under fixtures/."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tailrace.errors import Location
from tailrace.project.dbt.described import Context
from tailrace.project.dbt.origin import File, Origin
from tailrace.project.model_config import Config, Layer, along, read_layer
from tailrace.project.reader import Reader, hint
from tailrace.project.spec import Fixture, UnitTest
from tailrace.project.yaml import read_text

UNIT_TEST_KEYS = (
    "name", "model", "description", "given", "expect", "overrides", "config", "tags", "meta",
)  # fmt: skip
GIVEN_KEYS = ("input", "rows", "format", "fixture")
EXPECT_KEYS = ("rows", "format", "fixture")
OVERRIDES = ("macros", "vars", "env_vars")
FORMATS = ("dict", "csv", "sql")


@dataclass
class Fixtures:
    """The fixture files of one project or package, by format and stem; they are looked for when a test first names one."""

    origin: Origin
    _files: dict[tuple[str, str], File] | None = field(default=None, repr=False)

    def find(self, suffix: str, name: str) -> File | None:
        return self._known().get((suffix, name))

    def names(self, suffix: str) -> list[str]:
        return [name for kind, name in self._known() if kind == suffix]

    def _known(self) -> dict[tuple[str, str], File]:
        if self._files is None:
            folders = tuple(f"{folder}/fixtures" for folder in self.origin.paths.tests)
            files = self.origin.files(folders, ".csv", ".sql")
            self._files = {(file.path.suffix[1:], file.path.stem): file for file in files}
        return self._files


def read_unit_test(
    reader: Reader, folders: tuple[str, ...], context: Context, fixtures: Fixtures
) -> UnitTest | None:
    """An entry of `unit_tests:`; None where it is switched off."""
    reader.known(*UNIT_TEST_KEYS, also=("versions",))
    if reader.data.get("versions"):
        reader.key_problem("versions of a model are not read", "Remove the key", "versions")
    name, model = reader.text("name", required=True), reader.text("model", required=True)
    config = _config(reader, context, context.origin.fqn(*folders, model, name))
    if config.values.get("enabled") is False:
        return None
    given = tuple(
        _fixture(reader.under("a given input", "given", index), context, fixtures, GIVEN_KEYS)
        for index in range(len(reader.items("given", required=True)))
    )
    if reader.mapping("expect", required=True):
        expect = _fixture(reader.under("expect", "expect"), context, fixtures, EXPECT_KEYS)
    else:
        expect = Fixture("", reader.marks.at("expect"))
    return UnitTest(
        name=name,
        model=model,
        given=given,
        expect=expect,
        path=reader.marks.file,
        location=reader.marks.at("name"),
        overrides=_overrides(reader),
        description=context.description(reader),
        tags=config.tags,
        config=config.values,
        package=context.origin.package,
    )


def _config(reader: Reader, context: Context, fqn: tuple[str, ...]) -> Config:
    origin = context.origin
    config = Config()
    for layer in along(origin.trees.get("unit_tests", {}), fqn):
        config.add(layer)
    if written := reader.mapping("config"):
        inner = reader.under("config", "config")
        config.add(read_layer(inner, origin.templates.render(written, inner.marks)))
    config.add(Layer(tags=reader.texts("tags")))
    for layer in along(origin.over.get("unit_tests", {}), fqn):
        config.add(layer)
    return config


def _overrides(reader: Reader) -> Mapping[str, Any]:
    if reader.mapping("overrides"):
        inner = reader.under("overrides", "overrides")
        inner.known(*OVERRIDES)
        return {key: inner.mapping(key) for key in OVERRIDES if inner.data.get(key)}
    return {}


def _fixture(reader: Reader, context: Context, fixtures: Fixtures, keys: tuple[str, ...]) -> Fixture:
    reader.known(*keys)
    given = reader.text("input", required=True).strip() if "input" in keys else ""
    form = reader.choice("format", FORMATS, "dict")
    place = reader.marks.at("rows")
    if name := reader.text("fixture"):
        return _from_file(reader, given, form, name, context, fixtures)
    rows = reader.data.get("rows")
    if form == "dict":
        blank = reader.data.get("rows") is None
        return Fixture(given, place, tuple(_dict_rows(reader)), is_blank=blank)
    if form == "sql":
        return Fixture(given, place, sql=reader.text("rows", required=True))
    if rows is not None and not isinstance(rows, str):
        reader.wrong("rows", rows, "text")
        rows = None
    return Fixture(given, place, tuple(_csv_rows(rows or "", reader)), typed=False)


def _from_file(
    reader: Reader, given: str, form: str, name: str, context: Context, fixtures: Fixtures
) -> Fixture:
    if "rows" in reader.data and reader.data["rows"] is not None:
        reader.problem("rows and fixture say the same twice", "Keep one of the two", "rows")
    if form == "dict":
        reader.problem("a fixture file needs its format", "Write `format: csv` or `format: sql`", "fixture")
        return Fixture(given, reader.marks.at("fixture"))
    file = fixtures.find(form, name)
    if file is None:
        fix = (
            hint(name, fixtures.names(form))
            or f"Write {fixtures.origin.paths.tests[0]}/fixtures/{name}.{form}"
        )
        reader.problem(f"there is no fixture {name}.{form}", fix, "fixture")
        return Fixture(given, reader.marks.at("fixture"))
    text = read_text(file.path, file.shown, context.problems) or ""
    if form == "sql":
        return Fixture(given, Location(file.shown), sql=text)
    return Fixture(given, Location(file.shown), tuple(_csv_rows(text, reader)), typed=False)


def _dict_rows(reader: Reader) -> Iterator[Mapping[str, Any]]:
    for index, row in enumerate(reader.items("rows")):
        if isinstance(row, Mapping):
            yield row
        else:
            reader.wrong("rows", row, "a mapping", index)


def _csv_rows(text: str, reader: Reader) -> Iterator[Mapping[str, Any]]:
    """The rows of a CSV; an empty field is NULL, as in dbt."""
    table = csv.reader(io.StringIO(text.strip("\n")), skipinitialspace=True)
    header = [name.strip() for name in next(table, [])]
    for row in table:
        if not row:
            continue
        if len(row) != len(header):
            message = f"a row of {len(row)} fields below a header of {len(header)}"
            reader.problem(message, "Mend line " + str(table.line_num), "rows")
            return
        yield {name: value if value != "" else None for name, value in zip(header, row, strict=True)}
