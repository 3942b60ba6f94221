"""profiles.yml, in JSON Schema: targets, and each connector's options."""

from __future__ import annotations

from tailrace.connectors.sdk.base import Declaration
from tailrace.plan.json_schema.bigquery import BIGQUERY, VIEWS
from tailrace.plan.json_schema.options import declarations, options_table, required
from tailrace.plan.json_schema.values import (
    FILLED,
    NAMED,
    OBJECT,
    TEMPLATE,
    TEXT,
    TEXTS,
    Schema,
    about,
    document,
    mapping,
    when,
    word,
)
from tailrace.project.profiles import (
    ATTACHED_KEYS,
    ENGINE_KEYS,
    ENGINES,
    PROFILE_KEYS,
    PUBLISH_KEYS,
    TARGET_KEYS,
)
from tailrace.project.shared_state import STATE_KEYS

ATTACHED = mapping(
    ATTACHED_KEYS,
    {"path": about("a DuckDB file", FILLED), "alias": about("default: the file's stem", TEXT)},
    ("path",),
)
PUBLISH = mapping(PUBLISH_KEYS, {"schemas": about("what of the warehouse is published; default: all", TEXTS)})
STATE = about(
    "a Postgres that holds runs, locks, budgets and journals for several machines; default: this machine's own file",
    mapping(
        STATE_KEYS,
        {
            "url": about("postgresql://user:password@host:5432/database, as a secret", FILLED),
            "schema": about("default: tailrace_<profile>_<target>", FILLED),
            "lease": about("how long a lock outlives a killed holder", TEXT, default="60s"),
        },
        ("url",),
    ),
)
NEEDED = {"duckdb": ("path",), "bigquery": ("project",)}
OF_ENGINES = {
    "path": about("the file that is published, relative to the project", FILLED),
    "attach": about("DuckDB files attached read-only", {"type": "array", "items": ATTACHED}),
    "publish": PUBLISH,
    "settings": about(
        "DuckDB's own settings, such as memory_limit: 1GB",
        {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    ),
    **BIGQUERY,
}


def profiles(profile: str | None) -> Schema:
    """`profile` is the project's own, the only one that is read; None without a project: every one is described."""
    found = {"$ref": "#/$defs/profile"}
    schema: Schema = {"type": "object", "additionalProperties": found}
    if profile is not None:
        schema = {"type": "object", "properties": {profile: found}, "required": [profile]}
    defs: dict[str, Schema] = {
        f"{name}.connection": _connection(name, one) for name, one in declarations(inline=False).items()
    }
    defs |= {"profile": _profile(), "target": _target(), "connection": _any_connection()}
    return document("tailrace: profiles.yml", schema, defs)


def _profile() -> Schema:
    outputs = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": NAMED,
        "additionalProperties": {"$ref": "#/$defs/target"},
    }
    table = {"target": about("the target without --target", TEXT), "outputs": about("the targets", outputs)}
    return mapping(PROFILE_KEYS, table, ("outputs",))


def _target() -> Schema:
    engine = about("the engine", word(ENGINES))
    return {
        "type": "object",
        "properties": {"type": engine},
        "required": ["type"],
        "allOf": [when("type", name, _engine(name)) for name in ENGINES],
    }


def _engine(name: str) -> Schema:
    connections = {
        "type": "object",
        "propertyNames": NAMED,
        "additionalProperties": {"$ref": "#/$defs/connection"},
    }
    table = {key: OF_ENGINES[key] for key in ENGINE_KEYS[name]}
    table |= {"publish": VIEWS} if name == "bigquery" else {}
    table |= {"type": {"const": name}, "connections": about("the vendors' accounts, by name", connections)}
    table["state"] = STATE
    return mapping((*TARGET_KEYS, *ENGINE_KEYS[name]), table, ("type", *NEEDED[name]))


def _any_connection() -> Schema:
    """The connector's name decides what else it takes; a name that is a template is judged when it is rendered."""
    known = declarations(inline=False)
    kind = {"anyOf": [word(list(known)), {"type": "string", "pattern": TEMPLATE}]}
    return {
        **OBJECT,
        "properties": {"type": about("the connector", kind)},
        "required": ["type"],
        "allOf": [when("type", name, {"$ref": f"#/$defs/{name}.connection"}) for name in known],
    }


def _connection(name: str, declaration: Declaration) -> Schema:
    options = options_table(declaration.options, templates=True)
    return mapping(
        ("type", *options), {"type": {"const": name}, **options}, ("type", *required(declaration.options))
    )
