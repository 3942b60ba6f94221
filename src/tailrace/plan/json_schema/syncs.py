"""reverse/*.yml, in JSON Schema: tailrace's own keys, and what each connector's objects can take."""

from __future__ import annotations

from collections.abc import Mapping

from tailrace.connectors.sdk.base import Declaration, ObjectType
from tailrace.plan.json_schema.options import declarations, options_table
from tailrace.plan.json_schema.pipelines import schedule
from tailrace.plan.json_schema.values import (
    FILLED,
    NAMED,
    NO_TEMPLATES,
    SHARE_OR_OFF,
    SQL_NAMED,
    TEXTS,
    Schema,
    about,
    document,
    every,
    mapping,
    untemplated,
    when,
    word,
)
from tailrace.project.load_syncs import (
    ASSOCIATION_KEYS,
    CONFLICTS,
    EMPTY_MODEL,
    FIELD_KEYS,
    GUARDRAIL_KEYS,
    IF_NULL,
    MODES,
    ON_REMOVED,
    SHARE_KEYS,
    SYNC_KEYS,
)
from tailrace.project.spec import Guardrails

COLUMN = {"type": "string", "minLength": 1}
FIELD = {
    "column": about("the model's column", FILLED),
    "if_null": about("what a NULL does", word(IF_NULL), default="clear"),
    "conflict": about("who wins where a person edited the field", word(CONFLICTS), default="ours"),
    "map": about(
        "the column's values in the vendor's words",
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
    ),
    "type": about("of a field that the sync makes: the vendor's type", FILLED),
    "label": about("of a field that the sync makes: its name for people", FILLED),
}
MATCH = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": COLUMN}


def reverse(connections: Mapping[str, str] | None) -> Schema:
    """`connections` are the project's own, name to type; None without a project: the objects of any connector fit."""
    known = {name: one for name, one in declarations(inline=False).items() if one.objects}
    found = mapping(SYNC_KEYS, _table(), ("sync", "model", "connection", "object", "mode", "primary_key"))
    found["allOf"] = [untemplated(), _match_unless_append(), _column_for_newest()]
    if connections is None:
        found["anyOf"] = [{"$ref": f"#/$defs/{name}.objects"} for name in known]
    else:
        ours = {name: kind for name, kind in connections.items() if kind in known}
        found["properties"]["connection"] = about("a key of the target's connections", word(list(ours)))
        found["allOf"] += [
            when("connection", name, {"$ref": f"#/$defs/{kind}.objects"}) for name, kind in ours.items()
        ]
    defs = {f"{name}.objects": _objects(one) for name, one in known.items()}
    return document("tailrace: reverse/*.yml", found, {**defs, "untemplated": NO_TEMPLATES})


def _table() -> dict[str, Schema]:
    field = {"anyOf": [COLUMN, mapping(FIELD_KEYS, FIELD, ("column",))]}
    fields = {"type": "object", "additionalProperties": field}
    defaults = vars(Guardrails())
    guardrails = {key: about("", SHARE_OR_OFF, default=f"{defaults[key]:.0%}") for key in SHARE_KEYS}
    guardrails["empty_model"] = about("a model without rows", word(EMPTY_MODEL), default="stop")
    association = mapping(
        ASSOCIATION_KEYS,
        {
            "match": about("the other object's unique property: our column", MATCH),
            "label": about("the vendor's word for the kind of association", FILLED),
        },
        ("match",),
    )
    return {
        "sync": about("the sync's name", NAMED),
        "model": about("the model or seed that is sent", SQL_NAMED),
        "connection": about("a key of the target's connections", NAMED),
        "object": about("the vendor's object", FILLED),
        "mode": about("what may happen there", word(MODES)),
        "primary_key": about("the column that is a row's identity in the ledger", FILLED),
        "match": about("the vendor's unique property: our column", MATCH),
        "fields": about("the vendor's field: our column", fields),
        "where": about("SQL: the rows that are sent", FILLED),
        "suppress": about("SQL: rows that are never sent", FILLED),
        "on_removed": about("rows that left the model or the where", word(ON_REMOVED), default="keep"),
        "validate": about("the suite of the same model that gates the sync", NAMED),
        "updated_at": about("the column that says when our values changed", FILLED),
        "guardrails": about("shares beyond which nothing is sent", mapping(GUARDRAIL_KEYS, guardrails)),
        "schedule": schedule(of_pipeline=False),
        "tags": about("for tag:x", TEXTS),
        "options": about("the connector's own, for this object", {"type": "object"}),
        "associations": about(
            "records of other objects that a row belongs to",
            {"type": "object", "additionalProperties": association},
        ),
        "create_fields": about("make fields that the object lacks", {"type": "boolean"}, default=False),
    }


def _match_unless_append() -> Schema:
    append = {"properties": {"mode": {"const": "append"}}, "required": ["mode"]}
    return {"if": {"not": append}, "then": {"required": ["match"]}}


def _column_for_newest() -> Schema:
    newest = {
        "type": "object",
        "properties": {"conflict": {"const": "newest"}},
        "required": ["conflict"],
    }
    some = {"type": "object", "not": {"additionalProperties": {"not": newest}}}
    return {
        "if": {"properties": {"fields": some}, "required": ["fields"]},
        "then": {"required": ["updated_at"]},
    }


def _objects(declaration: Declaration) -> Schema:
    """What the objects can take; an object that only the vendor knows, where the connector takes any."""
    named = [one for one in declaration.objects if not one.any_name]
    other = next((one for one in declaration.objects if one.any_name), None)
    names = word([one.name for one in named])
    found = [when("object", one.name, _object(one)) for one in named]
    if other is None:
        return {**every(found), "properties": {"object": names}}
    return every([*found, {"if": {"not": {"properties": {"object": names}}}, "then": _object(other)}])


def _object(one: ObjectType) -> Schema:
    field: Schema = {"properties": {"conflict": word(one.conflicts)}}
    fields: Schema = {"additionalProperties": field}
    if one.read_only_fields:
        fields["propertyNames"] = {"not": word(one.read_only_fields)}
    found: Schema = {"mode": word(one.modes), "on_removed": word(one.on_removed), "fields": fields}
    found["options"] = {
        "properties": options_table(one.options, templates=False),
        "required": [option.name for option in one.options if option.required],
        "additionalProperties": False,
    }
    if not one.matches:
        found["match"] = False
    elif one.match_fields:
        found["match"] = {"propertyNames": word(one.match_fields)}
    return {"properties": found}
