"""What YAML says of one model, seed, snapshot or source table: prose, configuration, columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tailrace.errors import BadInput, Diagnostic, Location
from tailrace.project.dbt.docs_blocks import resolve_docs
from tailrace.project.dbt.origin import Origin
from tailrace.project.model_config import Layer, read_layer
from tailrace.project.reader import Reader
from tailrace.project.spec import EMPTY, ColumnDoc

_TESTS = ("data_tests", "tests")
DESCRIBED_MODEL_KEYS = ("name", "description", "config", "columns", "tags", "meta", "constraints", *_TESTS)
DESCRIBED_SEED_KEYS = ("name", "description", "config", "columns", "tags", "meta", *_TESTS)
DESCRIBED_SNAPSHOT_KEYS = (
    "name", "description", "relation", "config", "columns", "tags", "meta", *_TESTS,
)  # fmt: skip
COLUMN_KEYS = ("name", "description", "data_type", "meta", "pii", "constraints", "tags", *_TESTS)
CONSTRAINT_KEYS = ("type", "name", "columns", "expression", "to", "to_columns")
CONSTRAINT_TYPES = ("not_null", "unique", "primary_key", "foreign_key", "check", "custom")
SEED_CONFIGS = (
    "column_types", "schema", "alias", "delimiter", "quote_columns", "enabled", "tags", "meta", "event_time",
)  # fmt: skip
KEYS = {"models": DESCRIBED_MODEL_KEYS, "seeds": DESCRIBED_SEED_KEYS, "snapshots": DESCRIBED_SNAPSHOT_KEYS}
UNUSED = (
    "access", "deprecation_date", "docs", "group", "latest_version", "primary_key", "quote_columns", "time_spine", "versions",
    "arguments", "freshness", "identifier", "loaded_at_field", "quoting",
)  # fmt: skip
_UNUSED_OF_COLUMNS = ("config", "dimension", "docs", "entity", "granularity", "policy_tags", "quote")
_ELSEWHERE = {"unit_tests": "Write unit_tests at the left of the file, each with its model"}
_UNUSED_OF_CONSTRAINTS = ("warn_unenforced", "warn_unsupported")


@dataclass(frozen=True)
class Described:
    """What a YAML file says of one table."""

    location: Location
    description: str = ""
    config: Layer = field(default_factory=Layer)
    tags: tuple[str, ...] = ()
    columns: tuple[ColumnDoc, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    constraints: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Context:
    """Whose YAML is read, with every docs block there is, and where problems and notices go."""

    origin: Origin
    docs: Mapping[tuple[str, str], str]
    problems: list[Diagnostic]
    notices: list[Diagnostic]

    def description(self, reader: Reader, key: str = "description") -> str:
        text = reader.text(key)
        if "{{" not in text:
            return text
        try:
            return resolve_docs(text, self.origin.package, self.docs)
        except BadInput as error:
            told = self.problems if reader.lax is None else reader.lax
            told.append(Diagnostic(reader.marks.at(key), error.message, error.fix))
            return text


def describe(reader: Reader, kind: str, context: Context) -> Described:
    """An entry of `models:`, `seeds:` or `snapshots:`."""
    reader.known(*KEYS[kind], also=() if reader.lax is None else UNUSED, fixes=_ELSEWHERE)
    if reader.data.get("versions"):
        fix = "Give each version a model of its own, or keep the latest one"
        reader.key_problem("versions of a model are not read", fix, "versions")
    return Described(
        reader.marks.at("name"),
        context.description(reader),
        config_of(reader, kind),
        reader.texts("tags"),
        columns_of(reader, context),
        reader.mapping("meta"),
        _constraints(reader),
    )


def config_of(reader: Reader, kind: str) -> Layer:
    if not reader.mapping("config"):
        return Layer()
    inner = reader.under("config", "config")
    if kind == "seeds":
        inner.known(*SEED_CONFIGS)
        for key in ("schema", "alias", "delimiter", "event_time"):
            inner.text(key)
        for key in ("quote_columns", "enabled"):
            inner.flag(key)
        for column, sql_type in inner.mapping("column_types").items():
            if not isinstance(sql_type, str) or not sql_type:
                inner.wrong("column_types", sql_type, "an SQL type", column)
    layer = read_layer(inner)
    typed = layer.values.get("column_types") if kind == "seeds" else None
    if not isinstance(typed, Mapping):
        return layer
    places = {f"column_types.{column}": inner.marks.at("column_types", column) for column in typed}
    return replace(layer, places={**layer.places, **places})


def columns_of(table: Reader, context: Context) -> tuple[ColumnDoc, ...]:
    columns: dict[str, ColumnDoc] = {}
    for index in range(len(table.items("columns"))):
        reader = table.under("a column", "columns", index)
        reader.known(*COLUMN_KEYS, also=() if reader.lax is None else _UNUSED_OF_COLUMNS)
        column = _column(reader, context)
        if column.name.casefold() not in columns:
            if column.name:
                columns[column.name.casefold()] = column
            continue
        message = f"column {column.name} is described twice"
        told = reader.problems if reader.lax is None else reader.lax
        told.append(Diagnostic(reader.marks.at("name"), message, "Remove one of the two"))
    return tuple(columns.values())


def _column(reader: Reader, context: Context) -> ColumnDoc:
    config = reader.mapping("config") if reader.lax is not None else EMPTY
    inner = reader.under("config", "config") if config else None
    return ColumnDoc(
        reader.text("name", required=True),
        context.description(reader),
        reader.optional_text("data_type") if reader.lax is None else reader.text("data_type") or None,
        bool(reader.flag("pii")),
        {**reader.mapping("meta"), **(inner.mapping("meta") if inner else {})},
        reader.marks.at("name"),
        _constraints(reader),
        tuple(dict.fromkeys((*reader.texts("tags"), *(inner.texts("tags") if inner else ())))),
    )


def _constraints(parent: Reader) -> tuple[Mapping[str, Any], ...]:
    if "constraints" not in parent.data:
        return ()
    found = []
    for index in range(len(parent.items("constraints"))):
        reader = parent.under("a constraint", "constraints", index)
        reader.known(*CONSTRAINT_KEYS, also=() if reader.lax is None else _UNUSED_OF_CONSTRAINTS)
        if reader.choice("type", CONSTRAINT_TYPES, required=True):
            found.append(reader.data)
    return tuple(found)
