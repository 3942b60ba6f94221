"""The YAML beside models and seeds, and `[tool.tailrace]`, in JSON Schema."""

from __future__ import annotations

from tailrace.build.settings import incremental, snapshot, storage
from tailrace.build.settings.model import KEYS, MATERIALIZED, ON_STALE
from tailrace.plan.json_schema.properties import (
    COLUMNS,
    CONSTRAINTS,
    EXPOSURE,
    META,
    SOURCE,
    TAGS,
    TESTS,
    UNIT_TEST,
)
from tailrace.plan.json_schema.values import (
    DURATION_TEXT,
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
from tailrace.project.dbt.described import (
    DESCRIBED_MODEL_KEYS,
    DESCRIBED_SEED_KEYS,
    DESCRIBED_SNAPSHOT_KEYS,
    SEED_CONFIGS,
)
from tailrace.project.dbt.properties import PROPERTY_KEYS, UNUSED_SECTIONS
from tailrace.project.toml import DIALECTS, MOST_SAMPLES, SETTINGS_KEYS, VALIDATION_KEYS

_HOOKS = {"anyOf": [TEXT, {"type": "array", "items": {"type": ["string", "object"]}}]}
_COUNT = {"type": "integer", "minimum": 0}
_MODEL_CONFIG = {
    "materialized": about("how the model is stored", word(MATERIALIZED), default="view"),
    "schema": about("default: the folder's", {**SQL_NAMED, "not": {"pattern": OURS}}),
    "alias": about("the table's name; default: the model's", SQL_NAMED),
    "tags": TAGS,
    "meta": about("yours, kept as it is", {}),
    "on_stale": about("what to do where something before it failed", word(ON_STALE), default="build"),
    "enabled": about("false: the model is left out", FLAG, default=True),
    "event_time": about("the column that says when a row happened", TEXT),
    "contract": about("enforced: true holds the columns and types of this file against the table", OBJECT),
    "pre_hook": about("SQL before the build", _HOOKS),
    "post_hook": about("SQL after the build", _HOOKS),
}
_INCREMENTAL_CONFIG = {
    "incremental_strategy": about("how new rows join the table", word(incremental.STRATEGIES)),
    "unique_key": about("the column or columns that name a row", TEXTS),
    "on_schema_change": about("what other columns do", word(incremental.ON_SCHEMA_CHANGE), default="ignore"),
    "incremental_predicates": about("conditions on the rows that are compared", TEXTS),
    "predicates": about("as incremental_predicates", TEXTS),
    "merge_update_columns": about("the only columns that a merge updates", TEXTS),
    "merge_exclude_columns": about("columns that a merge does not update", TEXTS),
    "full_refresh": about("true: always whole; false: never", FLAG),
    "batch_size": about("of microbatch", word(incremental.BATCH_SIZES)),
    "begin": about("the first batch of microbatch, an ISO date", TEXT),
    "lookback": about("batches before the newest that are built again", _COUNT, default=1),
}
_SNAPSHOT_CONFIG = {
    "strategy": about("how a changed row is known", word(snapshot.STRATEGIES)),
    "updated_at": about("the column that says when a row changed", TEXT),
    "check_cols": about("the columns that are compared, or all", TEXTS),
    "hard_deletes": about("what a row that is gone does", word(snapshot.HARD_DELETES), default="ignore"),
    "invalidate_hard_deletes": FLAG,
    "dbt_valid_to_current": about("what dbt_valid_to is of a current row", TEXT),
    "snapshot_meta_column_names": about("other names for the columns dbt_valid_from and so on", OBJECT),
    "target_schema": TEXT,
}
_PARTITION = {
    "field": FILLED,
    "data_type": about("the field's type", word(storage.DATA_TYPES), default="date"),
    "granularity": about("how much lies in one partition", word(storage.GRANULARITIES), default="day"),
    "range": about("of an int64: start, end and interval", OBJECT),
}
_STORAGE_CONFIG = {
    "partition_by": about(
        "BigQuery: which rows lie together", mapping(storage.PARTITION, _PARTITION, ("field",))
    ),
    "cluster_by": about("BigQuery: up to four columns by which rows are sorted", TEXTS),
    "require_partition_filter": about("BigQuery: queries have to name partitions", FLAG, default=False),
    "partition_expiration_days": about(
        "BigQuery: when a partition goes", {"type": "number", "exclusiveMinimum": 0}
    ),
    "labels": about("BigQuery: labels of the table", {"type": "object", "additionalProperties": TEXT}),
    "hours_to_expiration": about("BigQuery: when the table goes", {"type": "integer", "minimum": 1}),
    "kms_key_name": about("BigQuery: the key that encrypts the table", TEXT),
}
CONFIG = {**_MODEL_CONFIG, **_INCREMENTAL_CONFIG, **_SNAPSHOT_CONFIG, **_STORAGE_CONFIG}
SEED_CONFIG = {
    "column_types": about(
        "column to SQL type", {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}
    ),
    "schema": TEXT,
    "alias": about("the table's name; default: the file's", TEXT),
    "delimiter": about("what stands between fields", TEXT, default=","),
    "quote_columns": FLAG,
    "enabled": about("false: the seed is left out", FLAG, default=True),
    "tags": TAGS,
    "meta": META,
    "event_time": about("the column that says when a row happened", TEXT),
}
_ENTRY = {
    "name": about("an existing file's stem", FILLED),
    "description": TEXT,
    "tags": TAGS,
    "meta": OBJECT,
    "columns": COLUMNS,
    "data_tests": TESTS,
    "tests": TESTS,
}
_MODEL = {**_ENTRY, "config": mapping(KEYS, CONFIG), "constraints": CONSTRAINTS}
_SEED = {**_ENTRY, "config": mapping(SEED_CONFIGS, SEED_CONFIG)}
_SNAPSHOT = {
    **_ENTRY,
    "config": mapping(KEYS, CONFIG),
    "relation": about("what it is of: ref('x') or source('a', 'b')", FILLED),
}
_SECTIONS = {
    "models": mapping(DESCRIBED_MODEL_KEYS, _MODEL, ("name",)),
    "seeds": mapping(DESCRIBED_SEED_KEYS, _SEED, ("name",)),
    "snapshots": mapping(DESCRIBED_SNAPSHOT_KEYS, _SNAPSHOT, ("name",)),
    "sources": SOURCE,
    "exposures": EXPOSURE,
    "unit_tests": UNIT_TEST,
    "data_tests": about("what is said of a test in tests/", mapping(DESCRIBED_SEED_KEYS, _SEED, ("name",))),
}


def models() -> Schema:
    """models/**/*.yml."""
    return _file("models")


def seeds() -> Schema:
    """seeds/**/*.yml."""
    return _file("seeds")


def _file(folder: str) -> Schema:
    table: Schema = {"version": {"const": 2}}
    table |= {key: {"type": "array", "items": section} for key, section in _SECTIONS.items()}
    table |= dict.fromkeys(UNUSED_SECTIONS, about("dbt's; nothing here reads it", {}))
    return document(f"tailrace: {folder}/**/*.yml", mapping((*PROPERTY_KEYS, *UNUSED_SECTIONS), table))


_VALIDATION = {
    "keep_results": about("of tailrace_meta.validations", DURATION_TEXT, default="400d"),
    "keep_rows": about("of rows held back, or shown as examples", DURATION_TEXT, default="30d"),
    "samples": about(
        "examples of a failing check", {"type": "integer", "minimum": 0, "maximum": MOST_SAMPLES}, default=10
    ),
}


def pyproject() -> Schema:
    """pyproject.toml: other tools' tables are theirs. Tables under `models` are folders and models, as deep as these lie."""
    table = {
        "name": about("the project's name", NAMED),
        "profile": about("the profile of profiles.yml; default: the name", NAMED),
        "dialect": about("the dialect that models are written in", word(DIALECTS), default="duckdb"),
        "vars": about("what var('x') gives", {"type": "object", "propertyNames": NAMED}),
        "models": about("configuration of models, by folder", {"$ref": "#/$defs/folder"}),
        "lint": about("rules that are off, and rules that fail the command", OBJECT),
        "validation": about("how long results of validation are kept", mapping(VALIDATION_KEYS, _VALIDATION)),
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
