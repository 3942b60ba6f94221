"""pipelines/*.yml, in JSON Schema: tailrace's own keys, and each connector's resources with their options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.sdk.base import Declaration, ResourceType
from tailrace.plan.json_schema.options import declarations, options_table, required
from tailrace.plan.json_schema.values import (
    DURATION_TEXT,
    FILLED,
    FLAG,
    NAMED,
    NO_TEMPLATES,
    SCHEMA_NAMED,
    SQL_NAMED,
    TEXT,
    TEXTS,
    Schema,
    about,
    document,
    every,
    mapping,
    untemplated,
    when,
    whole,
    word,
)
from tailrace.project.load_pipelines import (
    CONTRACT_KEYS,
    CONTRACT_WORDS,
    INLINE_KEYS,
    PIPELINE_KEYS,
    RENDERED_KEYS,
    RESERVED_ENDS,
    RESOURCE_KEYS,
    RESOURCE_NAME,
)
from tailrace.project.schedule import PIPELINE_SCHEDULE_KEYS, STEPS, SYNC_SCHEDULE_KEYS

CRON = about("minute, hour, day, month, weekday", {"type": "string", "pattern": r"^\s*(\S+\s+){4}\S+\s*$"})
SCHEDULE = {
    "cron": CRON,
    "timezone": about("an IANA name", TEXT, default="UTC"),
    "sla": about("how late the data may be", DURATION_TEXT),
    "after": about("instead of cron: after this step", word(STEPS)),
}
CONTRACT = {
    "anyOf": [
        word(CONTRACT_WORDS),
        mapping(CONTRACT_KEYS, dict.fromkeys(CONTRACT_KEYS, word(CONTRACT_WORDS))),
    ]
}
OWN: Mapping[str, Schema] = {
    "changes": about("keep the change log <resource>__changes", FLAG),
    "subject": about("the column that says whose data a row is", FILLED),
    "keep_raw": about("how long rows are kept as received", DURATION_TEXT),
    "contract": about("dlt's schema contract", CONTRACT, default="evolve"),
}
RESOURCE_NAMES = {
    "pattern": whole(RESOURCE_NAME),
    "not": {"pattern": f"({'|'.join(RESERVED_ENDS)})$"},
}


def pipelines(connections: Mapping[str, str] | None) -> Schema:
    """`connections` are the project's own, name to type; None without a project: the resources of any connector fit."""
    known, inline = declarations(inline=False), declarations(inline=True)
    schema = {
        "if": {"required": ["source"]},
        "then": {
            "properties": {"source": about("what is read without a connection", word(list(inline)))},
            "required": ["source"],
            **every([when("source", name, _of_source(name, found)) for name, found in inline.items()]),
        },
        "else": _of_connection(known, connections),
        "allOf": [untemplated(*RENDERED_KEYS), _schema_name()],
        "type": "object",
    }
    defs = {f"{name}.resources": _resources(found) for name, found in (known | inline).items()}
    return document("tailrace: pipelines/*.yml", schema, {**defs, "untemplated": NO_TEMPLATES})


def schedule(*, of_pipeline: bool) -> Schema:
    """`schedule:` of a pipeline or of a sync."""
    keys = PIPELINE_SCHEDULE_KEYS if of_pipeline else SYNC_SCHEDULE_KEYS
    found = mapping(keys, {key: SCHEDULE[key] for key in keys})
    times = ["cron"] if of_pipeline else ["cron", "after"]
    return {**found, "oneOf": [{"required": [time]} for time in times]}


def _keys() -> dict[str, Schema]:
    return {
        "pipeline": about("the pipeline's name", NAMED),
        "dataset": about("the schema in the warehouse; default: the pipeline's name", SCHEMA_NAMED),
        "schedule": schedule(of_pipeline=True),
        "resources": about("what to land", {"type": "object"}),
        "tags": about("for tag:x", TEXTS),
    }


def _of_connection(known: Mapping[str, Declaration], connections: Mapping[str, str] | None) -> Schema:
    named = (
        NAMED if connections is None else word([name for name, kind in connections.items() if kind in known])
    )
    table = {**_keys(), "connection": about("a key of the target's connections", named)}
    found = mapping(PIPELINE_KEYS, table, ("pipeline", "connection", "resources"))
    if connections is None:
        found["properties"]["resources"] = {
            "description": "what to land",
            "anyOf": [{"$ref": f"#/$defs/{name}.resources"} for name in known],
        }
        return found
    narrowed = [
        when("connection", name, {"properties": {"resources": {"$ref": f"#/$defs/{kind}.resources"}}})
        for name, kind in connections.items()
        if kind in known
    ]
    return {**found, **every(narrowed)}


def _of_source(name: str, declaration: Declaration) -> Schema:
    """A pipeline with a source of its own, whose options stand beside tailrace's keys."""
    options: dict[str, Schema] = {}
    for option in declaration.options:
        options |= options_table([option], templates=option.name in RENDERED_KEYS)
    resources = {"$ref": f"#/$defs/{name}.resources"}
    table = {**_keys(), **options, "source": {"const": name}, "resources": resources}
    return mapping((*INLINE_KEYS, *options), table, ("pipeline", "source", *required(declaration.options)))


def _schema_name() -> Schema:
    """Without `dataset:`, the pipeline's name is the schema's."""
    return {"if": {"not": {"required": ["dataset"]}}, "then": {"properties": {"pipeline": SQL_NAMED}}}


def _resources(declaration: Declaration) -> Schema:
    """The resources of a connector by name; those that take any name, for names that no other takes."""
    named = {one.name: _resource(one) for one in declaration.resources if not one.any_name}
    found: Schema = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": RESOURCE_NAMES,
        "properties": named,
        "additionalProperties": False,
    }
    taken = [re.escape(name) for name in named]
    for one in declaration.resources:
        if one.any_name and one.pattern:
            others = f"(?!(?:{'|'.join(taken)})$)" if taken else ""
            found.setdefault("patternProperties", {})[f"^{others}(?:{one.pattern})$"] = _resource(one)
            taken.append(one.pattern)
        elif one.any_name:
            found["additionalProperties"] = _resource(one)
            break
    return found


def _resource(one: ResourceType) -> Schema:
    table: dict[str, Any] = {**OWN, **options_table(one.options, templates=False)}
    needed = required(one.options)
    found = mapping((*RESOURCE_KEYS, *(option.name for option in one.options)), table, needed)
    return about(one.description, found, type="object" if needed else ["object", "null"])
