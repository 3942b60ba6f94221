"""reverse/*.yml: what to send back, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from tailrace.errors import Diagnostic
from tailrace.project.reader import Reader, refuse_templates
from tailrace.project.schedule import read_schedule
from tailrace.project.spec import Association, Conflict, FieldMap, Guardrails, Mode, OnRemoved, Sync
from tailrace.project.yaml import Document

SYNC_KEYS = (
    *("sync", "model", "connection", "object", "mode", "primary_key", "match", "fields", "where", "suppress"),
    *("on_removed", "validate", "updated_at", "guardrails", "schedule", "tags"),
    *("options", "associations", "create_fields"),
)
MODES = ("insert", "update", "upsert", "mirror", "append")
CONFLICTS = ("ours", "theirs", "newest", "if_empty")
IF_NULL = ("clear", "skip")
ON_REMOVED = ("keep", "clear", "archive")
EMPTY_MODEL = ("stop", "send")
FIELD_KEYS = ("column", "if_null", "conflict", "map", "type", "label")
ASSOCIATION_KEYS = ("match", "label")
SHARE_KEYS = ("max_changed", "max_created", "max_deleted", "max_failed", "max_nulled")
GUARDRAIL_KEYS = (*SHARE_KEYS, "empty_model")


def read_sync(document: Document, file: str, problems: list[Diagnostic]) -> Sync:
    """A sync; parts of it that are wrong are left empty, with a diagnostic."""
    reader = Reader(document.data, document.marks, problems, "a sync")
    reader.known(*SYNC_KEYS)
    fix = "Compute the value in the model and name its column"
    refuse_templates(document.data, document.marks, problems, fix)
    mode = cast("Mode", reader.choice("mode", MODES, "update", required=True))
    match_field, match_column = _match(reader, required=False)  # which objects need one, `check` knows
    create_fields = bool(reader.flag("create_fields"))
    fields = _fields(reader, create_fields)
    updated_at = reader.optional_text("updated_at")
    return Sync(
        reader.name("sync"),
        reader.name("model", sql=True),
        reader.name("connection"),
        reader.text("object", required=True),
        mode,
        reader.text("primary_key", required=True),
        match_field,
        match_column,
        fields,
        document.marks,
        file,
        where=reader.optional_text("where"),
        suppress=reader.optional_text("suppress"),
        on_removed=cast("OnRemoved", reader.choice("on_removed", ON_REMOVED, "keep")),
        validate=_suite(reader),
        updated_at=updated_at,
        guardrails=_guardrails(reader),
        schedule=read_schedule(reader, sla=False),
        tags=reader.texts("tags"),
        options=reader.mapping("options"),
        associations=_associations(reader),
        create_fields=create_fields,
    )


def _suite(reader: Reader) -> str | None:
    """One suite gates a sync: of two, each would hold back rows that the other one sends."""
    if isinstance(value := reader.data.get("validate"), list) or (isinstance(value, str) and "," in value):
        fix = "Put all expectations into one; a suite takes in a file of Great Expectations' with `gx_suite:`"
        reader.problem("validate names one suite, not several", fix, "validate")
        return None
    return reader.name("validate", required=False) or None


def _match(reader: Reader, required: bool) -> tuple[str, str]:
    """The vendor's unique property and our column for it; exactly one pair."""
    pairs = reader.mapping("match", required)
    if not isinstance(reader.data.get("match"), Mapping):
        return "", ""
    if len(pairs) != 1:
        reader.problem(
            f"match has {len(pairs)} pairs instead of one", "Write `match: {email: email}`", "match"
        )
        return "", ""
    ((field, column),) = pairs.items()
    if not isinstance(column, str) or not column:
        reader.wrong("match", column, "a column of the model", field)
        return "", ""
    return field, column


def _associations(sync: Reader) -> tuple[Association, ...]:
    """Records of other objects that a row belongs to: the object, its unique property and our column for it."""
    found = []
    for name, value in sync.mapping("associations").items():
        reader = sync.under(f"association {name}", "associations", name)
        reader.known(*ASSOCIATION_KEYS)
        field, column = _match(reader, required=True) if isinstance(value, Mapping) else ("", "")
        found.append(Association(name, field, column, reader.text("label")))
    return tuple(found)


def _fields(reader: Reader, create_fields: bool) -> tuple[FieldMap, ...]:
    """None at all where the object takes none (memberships); `check` knows which does."""
    declared = reader.mapping("fields")
    return tuple(_field(reader, field, value, create_fields) for field, value in declared.items())


def _field(sync: Reader, field: str, value: object, create_fields: bool) -> FieldMap:
    if isinstance(value, Mapping):
        reader = sync.under(f"field {field}", "fields", field)
        reader.known(*FIELD_KEYS)
        mapped = FieldMap(
            field,
            reader.text("column", required=True),
            cast("Literal['clear', 'skip']", reader.choice("if_null", IF_NULL, "clear")),
            cast("Conflict", reader.choice("conflict", CONFLICTS, "ours")),
            _map(reader),
            reader.text("type"),
            reader.text("label"),
        )
        if mapped.conflict == "newest" and "updated_at" not in sync.data:
            fix = "Add `updated_at:` with the column that says when our value changed"
            reader.problem("conflict: newest needs the sync's updated_at", fix, "conflict")
        for word in ("type", "label"):
            if word in reader.data and not create_fields:
                what = f"{word} is for a field that the sync makes"
                reader.key_problem(what, "Add `create_fields: true` to the sync, or remove it", word)
    else:
        mapped = FieldMap(field, value if isinstance(value, str) else "")
        if not isinstance(value, str) or not value:
            sync.wrong("fields", value, "a column of the model", field)
    return mapped


def _map(reader: Reader) -> Mapping[str, str] | None:
    """Our words to the vendor's; numbers and true/false are taken as their text."""
    if "map" not in reader.data:
        return None
    found = {}
    for ours, word in reader.mapping("map").items():
        theirs = str(word).lower() if isinstance(word, bool | int | float) else word
        if not isinstance(theirs, str) or not theirs:
            reader.wrong("map", theirs, "text", ours)
        else:
            found[str(ours)] = theirs
    if not found and isinstance(reader.data["map"], Mapping):
        reader.problem("map names no value", "Write `map: {ours: theirs}`, or remove it", "map")
    return found


def _guardrails(parent: Reader) -> Guardrails:
    if parent.get("guardrails") is None:
        return Guardrails()
    reader = parent.under("guardrails", "guardrails")
    defaults = Guardrails()
    reader.known(*GUARDRAIL_KEYS)
    return Guardrails(
        reader.share("max_changed", defaults.max_changed, off=True),
        reader.share("max_created", defaults.max_created, off=True),
        reader.share("max_deleted", defaults.max_deleted, off=True),
        reader.share("max_failed", defaults.max_failed, off=True),
        reader.share("max_nulled", defaults.max_nulled, off=True),
        cast("Literal['stop', 'send']", reader.choice("empty_model", EMPTY_MODEL, defaults.empty_model)),
    )
