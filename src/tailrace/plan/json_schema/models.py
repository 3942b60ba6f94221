"""The YAML beside models and seeds, and `[tool.tailrace]`, in JSON Schema."""

from __future__ import annotations

from tailrace.build.settings.model import KEYS, MATERIALIZED, ON_STALE
from tailrace.plan.json_schema.values import (
    FILLED,
    FLAG,
    NAMED,
    OBJECT,
    OURS,
    SQL_NAMED,
    TEXT,
    TEXTS,
    Schema,
    about,
    document,
    mapping,
    word,
)
from tailrace.project.load_models import COLUMN_KEYS, DESCRIBED_MODEL_KEYS, DESCRIBED_SEED_KEYS, SEED_CONFIGS
from tailrace.project.toml import DIALECTS, SETTINGS_KEYS

CONFIG = {
    "materialized": about("how the model is stored", word(MATERIALIZED), default="view"),
    "schema": about("default: the folder's", {**SQL_NAMED, "not": {"pattern": OURS}}),
    "tags": about("for tag:x", TEXTS),
    "meta": about("yours, kept as it is", {}),
    "on_stale": about("what to do where something before it failed", word(ON_STALE), default="build"),
    "enabled": about("false: the model is left out", FLAG, default=True),
}
SEED_CONFIG = {
    "column_types": about(
        "column to SQL type", {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}
    ),
    "tags": about("for tag:x", TEXTS),
}
COLUMN = {
    "name": about("the column", FILLED),
    "description": TEXT,
    "data_type": FILLED,
    "meta": OBJECT,
    "pii": about("it holds personal data", FLAG),
}
ENTRY = {
    "name": about("an existing file's stem", FILLED),
    "description": TEXT,
    "tags": about("for tag:x", TEXTS),
}


def models() -> Schema:
    """models/**/*.yml."""
    columns = {"type": "array", "items": mapping(COLUMN_KEYS, COLUMN, ("name",))}
    table = {**ENTRY, "config": mapping(KEYS, CONFIG), "meta": OBJECT, "columns": columns}
    return _file("models", mapping(DESCRIBED_MODEL_KEYS, table, ("name",)))


def seeds() -> Schema:
    """seeds/**/*.yml."""
    table = {**ENTRY, "config": mapping(SEED_CONFIGS, SEED_CONFIG)}
    return _file("seeds", mapping(DESCRIBED_SEED_KEYS, table, ("name",)))


def _file(folder: str, entry: Schema) -> Schema:
    table = {"version": {"const": 2}, folder: {"type": "array", "items": entry}}
    return document(f"tailrace: {folder}/**/*.yml", mapping(tuple(table), table, (folder,)))


def pyproject() -> Schema:
    """pyproject.toml: other tools' tables are theirs. Tables under `models` are folders and models, as deep as these lie."""
    table = {
        "name": about("the project's name", NAMED),
        "profile": about("the profile of profiles.yml; default: the name", NAMED),
        "dialect": about("the dialect that models are written in", word(DIALECTS), default="duckdb"),
        "vars": about("what var('x') gives", {"type": "object", "propertyNames": NAMED}),
        "models": about("configuration of models, by folder", {"$ref": "#/$defs/folder"}),
    }
    folder = {
        "type": "object",
        "properties": CONFIG,
        "additionalProperties": {"$ref": "#/$defs/folder"},
    }
    ours = mapping(SETTINGS_KEYS, table, ("name",))
    tool = {"type": "object", "properties": {"tailrace": ours}, "required": ["tailrace"]}
    schema = {"type": "object", "properties": {"tool": tool}, "required": ["tool"]}
    return document("tailrace: pyproject.toml", schema, {"folder": folder})
