"""`sources:`: tables that others fill, by the names that source() knows them under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.project.dbt.data_tests import Tested, read_tests
from tailrace.project.dbt.described import Context, columns_of
from tailrace.project.model_config import Config, Layer, along, read_layer
from tailrace.project.reader import Reader
from tailrace.project.spec import DataTest, SourceTable

SOURCE_KEYS = (
    "name", "description", "schema", "database", "tables", "meta", "tags", "config", "loaded_at_field", "freshness",
)  # fmt: skip
TABLE_KEYS = (
    "name", "description", "identifier", "columns", "meta", "tags", "config", "loaded_at_field", "freshness",
    "data_tests", "tests",
)  # fmt: skip
CONFIG_KEYS = ("enabled", "event_time", "meta", "tags", "freshness", "loaded_at_field")
_UNUSED = ("loader", "quoting", "loaded_at_query", "external", "docs", "data_type", "overrides", "enabled")


def read_source(
    reader: Reader, folders: tuple[str, ...], context: Context
) -> tuple[list[SourceTable], list[DataTest]]:
    """The tables of one entry of `sources:`, and the tests of them."""
    reader.known(*SOURCE_KEYS, also=() if reader.lax is None else _UNUSED)
    if reader.data.get("overrides"):
        fix = "Set the package's variables, or change its copy"
        reader.key_problem("a source that overrides a package's is not read", fix, "overrides")
    name = reader.text("name", required=True)
    tables: list[SourceTable] = []
    tests: list[DataTest] = []
    for index in range(len(reader.items("tables"))):
        table = reader.under("a table of a source", "tables", index)
        table.known(*TABLE_KEYS, also=() if reader.lax is None else _UNUSED)
        own = table.text("name", required=True)
        if not name or not own:
            continue
        found = _table(reader, table, (name, own), folders, context)
        tables.append(found)
        if found.enabled:
            tests += read_tests(table, Tested(own, folders, (name, own), found.tags), context)
    return tables, tests


def _table(
    source: Reader, table: Reader, name: tuple[str, str], folders: tuple[str, ...], context: Context
) -> SourceTable:
    config = _config(source, table, context.origin.fqn(*folders, *name), context)
    loaded_at = table.text("loaded_at_field") or config.values.get("loaded_at_field")
    return SourceTable(
        source=name[0],
        name=name[1],
        schema=source.text("schema") or name[0],
        identifier=table.text("identifier") or name[1],
        path=source.marks.file,
        location=table.marks.at("name"),
        database=source.text("database") or None,
        package=context.origin.package,
        description=context.description(table),
        source_description=context.description(source),
        columns=columns_of(table, context),
        config=config.values,
        meta={**source.mapping("meta"), **table.mapping("meta"), **config.values.get("meta", {})},
        tags=config.tags,
        enabled=config.values.get("enabled") is not False,
        loaded_at_field=loaded_at or source.text("loaded_at_field") or None,
        freshness=_freshness(source, table, config),
        config_places=config.places,
    )


def _config(source: Reader, table: Reader, fqn: tuple[str, ...], context: Context) -> Config:
    origin = context.origin
    config = Config()
    for layer in along(origin.trees.get("sources", {}), fqn):
        config.add(layer)
    for reader in (source, table):
        if reader.mapping("config"):
            config.add(_layer(reader.under("config", "config")))
        config.add(Layer(tags=reader.texts("tags")))
    for layer in along(origin.over.get("sources", {}), fqn):
        config.add(layer)
    return config


def _layer(reader: Reader) -> Layer:
    """A `config:` mapping; one that dbt reads may hold keys of other programs, and its own with a `+`."""
    others = () if reader.lax is None else (*_UNUSED, *(key for key in reader.data if key.startswith("+")))
    reader.known(*CONFIG_KEYS, also=others)
    reader.text("event_time")
    reader.flag("enabled")
    return read_layer(reader)


def _freshness(source: Reader, table: Reader, config: Config) -> Mapping[str, Any]:
    """The table's own, else the source's; `freshness: null` of a table switches it off, as in dbt."""
    if "freshness" in table.data:
        return table.data["freshness"] or {}
    inner = table.data.get("config")
    if isinstance(inner, Mapping) and "freshness" in inner:
        return inner["freshness"] or {}
    return source.data.get("freshness") or config.values.get("freshness") or {}
