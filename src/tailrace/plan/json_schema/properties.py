"""The sections of YAML that dbt calls properties, in JSON Schema: columns, tests, sources, exposures, unit tests."""

from __future__ import annotations

from tailrace.plan.json_schema.values import (
    FILLED,
    FLAG,
    OBJECT,
    TEXT,
    TEXTS,
    Schema,
    about,
    mapping,
    word,
)
from tailrace.project.dbt.data_tests import TEST_CONFIGS, TEST_KEYS, TEST_ONLY_CONFIGS
from tailrace.project.dbt.described import COLUMN_KEYS, CONSTRAINT_KEYS, CONSTRAINT_TYPES
from tailrace.project.dbt.exposures import EXPOSURE_KEYS, MATURITIES, TYPES
from tailrace.project.dbt.sources import CONFIG_KEYS, SOURCE_KEYS, TABLE_KEYS
from tailrace.project.dbt.unit_tests import EXPECT_KEYS, FORMATS, GIVEN_KEYS, OVERRIDES, UNIT_TEST_KEYS

NAME = about("its name", FILLED)
TAGS = about("for tag:x", TEXTS)
META = about("yours, kept as it is", OBJECT)
_TEST_CONFIG = mapping(
    (*TEST_CONFIGS, *TEST_ONLY_CONFIGS),
    {
        **{key: {} for key in (*TEST_CONFIGS, *TEST_ONLY_CONFIGS)},
        "severity": about(
            "what rows that fail are",
            {"type": "string", "pattern": "^([Ww][Aa][Rr][Nn]|[Ee][Rr][Rr][Oo][Rr])$"},
        ),
        "tags": TAGS,
        "meta": META,
    },
)
_TEST = {
    "anyOf": [
        about("a test's name", FILLED),
        {
            "type": "object",
            "properties": {key: {} for key in TEST_KEYS} | {"config": _TEST_CONFIG},
            "required": ["test_name"],
        },
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": {
                "type": ["object", "null"],
                "properties": {"config": _TEST_CONFIG, "arguments": OBJECT},
            },
        },
    ]
}
TESTS: Schema = about("each row that one of them returns is a failure", {"type": "array", "items": _TEST})
CONSTRAINT = mapping(
    CONSTRAINT_KEYS,
    {
        "type": word(CONSTRAINT_TYPES),
        "name": TEXT,
        "columns": TEXTS,
        "expression": TEXT,
        "to": TEXT,
        "to_columns": TEXTS,
    },
    ("type",),
)
CONSTRAINTS: Schema = {"type": "array", "items": CONSTRAINT}
COLUMN = mapping(
    COLUMN_KEYS,
    {
        "name": about("the column", FILLED),
        "description": TEXT,
        "data_type": FILLED,
        "meta": OBJECT,
        "pii": about("it holds personal data", FLAG),
        "constraints": CONSTRAINTS,
        "tags": TAGS,
        "data_tests": TESTS,
        "tests": TESTS,
    },
    ("name",),
)
COLUMNS: Schema = {"type": "array", "items": COLUMN}
_LOADED = {
    "loaded_at_field": about("the column that says when a row was loaded", TEXT),
    "freshness": about("warn_after and error_after, each a count and a period", OBJECT),
}
_SOURCE_CONFIG = mapping(
    CONFIG_KEYS,
    {
        "enabled": about("false: the tables are left out", FLAG, default=True),
        "event_time": about("the column that says when a row happened", TEXT),
        "meta": OBJECT,
        "tags": TAGS,
        **_LOADED,
    },
)
_TABLE = mapping(
    TABLE_KEYS,
    {
        "name": NAME,
        "description": TEXT,
        "identifier": about("its name in the warehouse; default: the name", TEXT),
        "columns": COLUMNS,
        "meta": META,
        "tags": TAGS,
        "config": _SOURCE_CONFIG,
        **_LOADED,
        "data_tests": TESTS,
        "tests": TESTS,
    },
    ("name",),
)
SOURCE = mapping(
    SOURCE_KEYS,
    {
        "name": NAME,
        "description": TEXT,
        "schema": about("where its tables lie; default: the name", TEXT),
        "database": about("the alias of an attached file", TEXT),
        "tables": {"type": "array", "items": _TABLE},
        "meta": META,
        "tags": TAGS,
        "config": _SOURCE_CONFIG,
        **_LOADED,
    },
    ("name",),
)
EXPOSURE = mapping(
    EXPOSURE_KEYS,
    {
        "name": NAME,
        "type": word(TYPES),
        "owner": about("name and email", OBJECT),
        "depends_on": about("ref('x') and source('a', 'b')", TEXTS),
        "description": TEXT,
        "url": TEXT,
        "maturity": word(MATURITIES),
        "label": TEXT,
        "tags": TAGS,
        "meta": META,
        "config": OBJECT,
    },
    ("name", "type", "owner"),
)
_ROWS = {
    "rows": about("rows, or CSV or SQL as text", {"type": ["array", "string"]}),
    "format": about("how rows are written", word(FORMATS), default="dict"),
    "fixture": about("a file of tests/fixtures/, without its suffix", TEXT),
}
_GIVEN = mapping(
    GIVEN_KEYS, {"input": about("ref('x'), source('a', 'b') or this", FILLED), **_ROWS}, ("input",)
)
UNIT_TEST = mapping(
    UNIT_TEST_KEYS,
    {
        "name": NAME,
        "model": about("the model that it is of", FILLED),
        "description": TEXT,
        "given": {"type": "array", "items": _GIVEN},
        "expect": mapping(EXPECT_KEYS, _ROWS),
        "overrides": mapping(OVERRIDES, dict.fromkeys(OVERRIDES, OBJECT)),
        "config": OBJECT,
        "tags": TAGS,
        "meta": META,
    },
    ("name", "model", "given", "expect"),
)
