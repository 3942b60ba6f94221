"""`data_tests:` of models, columns, seeds, snapshots and sources, by dbt's rules of names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.errors import Location
from tailrace.project.dbt.described import Context
from tailrace.project.model_config import Config, Layer, along
from tailrace.project.reader import Reader
from tailrace.project.spec import EMPTY, DataTest, Marks

TEST_CONFIGS = (
    "severity", "tags", "enabled", "where", "limit", "warn_if", "error_if", "fail_calc", "store_failures",
    "store_failures_as", "meta", "database", "schema", "alias",
)  # fmt: skip
TEST_ONLY_CONFIGS = ("group", "sql_header", "static_analysis")
TEST_KEYS = ("test_name", "name", "description", "arguments", "config")
_NAME = re.compile(r"(?:(?P<package>[A-Za-z_]\w*)\.)?(?P<test>[A-Za-z_]\w*)\Z")
_ODD = re.compile(r"[^0-9a-zA-Z_]+")
_LONGEST = 63
"""A longer name is too long for some warehouses' tables, so dbt's alias of it ends in a hash."""


@dataclass(frozen=True)
class Tested:
    """What tests are of: a model, seed or snapshot, or a table of a source, whose tags they have. `folders` are the YAML file's."""

    name: str
    folders: tuple[str, ...]
    source: tuple[str, str] | None = None
    tags: tuple[str, ...] = ()


def read_tests(reader: Reader, tested: Tested, context: Context) -> list[DataTest]:
    """The tests of one entry and of its columns."""
    found = _listed(reader, tested, context, "", tested.tags)
    for index, column in enumerate(reader.data.get("columns") or ()):
        if isinstance(column, Mapping) and ("data_tests" in column or "tests" in column):
            inner = reader.under("a column", "columns", index)
            name = column.get("name")
            if isinstance(name, str) and name:
                quoted = f'"{name}"' if reader.lax is not None and column.get("quote") is True else name
                found += _listed(inner, tested, context, quoted, (*tested.tags, *_tags(inner)))
    return found


def _tags(column: Reader) -> tuple[str, ...]:
    """A column's own tags, in either of the two places that dbt knows."""
    config = column.data.get("config")
    inner = column.under("config", "config").texts("tags") if isinstance(config, Mapping) else ()
    return (*column.texts("tags"), *inner)


def _listed(
    reader: Reader, tested: Tested, context: Context, column: str, tags: tuple[str, ...]
) -> list[DataTest]:
    found = []
    origin = context.origin
    configured = "data_tests" in origin.trees or "data_tests" in origin.over
    for key in ("data_tests", "tests"):
        if key not in reader.data:
            continue
        for index, item in enumerate(reader.items(key)):
            if type(item) is str and item.isidentifier() and not configured:
                found.append(_bare(item, reader.marks.at(key, index), tested, column, tags, origin.package))
                continue
            test = _Written.of(reader, key, index, item)
            if test is not None and (made := test.made(tested, context, column, tags)):
                found.append(made)
    return found


def _bare(
    test: str, place: Location, tested: Tested, column: str, tags: tuple[str, ...], package: str
) -> DataTest:
    """A test that is a name alone: most are, and nothing of them is left to find out."""
    short, name = _names(None, test, tested, column, EMPTY)
    config: dict[str, Any] = {"tags": list(tags)} if tags else {}
    if name != short:
        config["alias"] = short
    return DataTest(
        name,
        place.file,
        place,
        test,
        model="" if tested.source else tested.name,
        source=tested.source,
        column=column,
        package=package,
        config=config,
        tags=tags,
    )


@dataclass(frozen=True)
class _Written:
    """One test as it is written: its name, and a reader of what stands under it."""

    name: str
    reader: Reader
    marks: Marks

    @staticmethod
    def of(parent: Reader, key: str, index: int, item: Any) -> _Written | None:
        marks = parent.marks.under(key, index)
        if isinstance(item, str):
            return _Written(item, Reader(EMPTY, marks, parent.problems, item, parent.lax), marks)
        if isinstance(item, Mapping) and isinstance(item.get("test_name"), str):
            inner = {name: value for name, value in item.items() if name != "test_name"}
            return _Written(
                item["test_name"], Reader(inner, marks, parent.problems, "a test", parent.lax), marks
            )
        if isinstance(item, Mapping) and len(item) == 1:
            name, inner = next(iter(item.items()))
            below = marks.under(name)
            return _Written(name, Reader(inner or EMPTY, below, parent.problems, name, parent.lax), marks)
        fix = "Write its name, or its name with its arguments and config indented below it"
        parent.problem("a test is a name, or one name with what belongs to it", fix, key, index)
        return None

    def made(self, tested: Tested, context: Context, column: str, tags: tuple[str, ...]) -> DataTest | None:
        """The test, or None where it is switched off or cannot be read."""
        named = _NAME.match(self.name)
        if named is None:
            fix = "Use letters, digits and _, with its package and a dot in front if it is a package's"
            self.reader.problem(f"{self.name[:60]!r} cannot name a test", fix)
            return None
        kwargs = self._kwargs()
        written = self._config(context)
        short, full = _names(named["package"], named["test"], tested, column, kwargs)
        name = self.reader.text("name") or full
        config = Config()
        origin = context.origin
        fqn = origin.fqn(*tested.folders, name)
        own = along(origin.trees.get("data_tests", {}), fqn)
        over = along(origin.over.get("data_tests", {}), fqn)
        for layer in (*own, written, Layer(tags=tags), *over):
            config.add(layer)
        if name != short and "name" not in self.reader.data:
            config.values.setdefault("alias", short)
        if config.values.get("enabled") is False:
            return None
        return DataTest(
            name=name,
            path=self.marks.file,
            location=self.marks.at(),
            test=self.name,
            kwargs=kwargs,
            model="" if tested.source else tested.name,
            source=tested.source,
            column=column,
            package=origin.package,
            config=config.values,
            tags=config.tags,
            description=context.description(self.reader),
            written=frozenset(key for layer in (written, *over) for key in layer.values),
        )

    def _kwargs(self) -> dict[str, Any]:
        """What the test's macro is called with; `arguments:` and keys beside it count alike."""
        beside = {
            key: value
            for key, value in self.reader.data.items()
            if key not in ("config", "name", "description", "arguments", *TEST_CONFIGS)
        }
        inside = self.reader.data.get("arguments")
        if "model" in beside or (isinstance(inside, Mapping) and "model" in inside):
            self.reader.key_problem("model is what the test is of", "Remove it", "model")
        return {**beside, **(self.reader.mapping("arguments") if inside is not None else {})}

    def _config(self, context: Context) -> Layer:
        """Config keys, flat or under `config:`; the latter count."""
        reader = self.reader
        flat = {key: reader.data[key] for key in TEST_CONFIGS if reader.data.get(key) is not None}
        inner = reader.mapping("config")
        if not flat and not inner:
            return Layer()
        places = {key: reader.marks.key(key) for key in flat}
        if inner:
            nested = reader.under(f"config of {self.name}", "config")
            nested.known(*TEST_CONFIGS, *TEST_ONLY_CONFIGS)
            places |= {key: nested.marks.key(key) for key in inner}
        values = context.origin.templates.render({**flat, **inner}, reader.marks)
        severity = str(values.get("severity", "error")).lower()
        if severity not in ("error", "warn"):
            where = ("config", "severity") if "severity" in inner else ("severity",)
            reader.problem(f"severity cannot be {severity[:40]}", "Write error or warn", *where)
        tags = values.get("tags", ())
        return Layer(values, places, (tags,) if isinstance(tags, str) else tuple(map(str, tags)))


def _names(
    package: str | None, test: str, tested: Tested, column: str, kwargs: Mapping[str, Any]
) -> tuple[str, str]:
    """Names of a test as in dbt: the short one, with a hash where the whole one is too long, and the whole one."""
    kind = ("source_" if tested.source else "") + test
    head = f"{package}_{kind}" if package else kind
    target = "_".join(tested.source) if tested.source else tested.name
    arguments = {**kwargs, "column_name": column} if column else kwargs
    words: list[str] = []
    for key in sorted(arguments):
        value = arguments[key]
        parts = value if isinstance(value, list) else [value]
        words += map(str, value.values() if isinstance(value, Mapping) else parts)
    words = [word if word.isidentifier() and word.isascii() else _ODD.sub("_", word) for word in words]
    full = f"{head}_{target}_{'__'.join(words)}"
    if len(full) <= _LONGEST:
        return full, full
    digest = hashlib.md5(full.encode(), usedforsecurity=False).hexdigest()
    return f"{f'{head}_{target}'[:30]}_{digest}", full
