"""Checking a write before it happens: every refusal of a row is known before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tailrace.sandbox.hubspot.errors import Problem, Refusal, invalid, invalid_properties
from tailrace.sandbox.hubspot.kinds import SINGULAR
from tailrace.sandbox.hubspot.portal import Portal, bare
from tailrace.sandbox.hubspot.schema import is_read_only
from tailrace.sandbox.hubspot.values import BadValue, as_text, checked
from tailrace.sandbox.store import Record
from tailrace.sandbox.vendor import RowError

STRICT_VERSIONS = ("2026-09",)


@dataclass(frozen=True)
class RequiredWhen:
    """A rule of the account, enforced on API writes from 2026-09 on: `required` must be set where `name` is `value`."""

    obj: str
    name: str
    value: str
    required: str


RULES = (RequiredWhen("deals", "dealstage", "closedwon", "closedate"),)


def check_values(portal: Portal, obj: str, given: Any, version: str, record: Record | None) -> dict[str, str]:
    """The property values of a write as they will be stored; Refusal lists everything that is wrong with them."""
    if not isinstance(given, dict):
        raise invalid("Invalid input JSON: properties must be an object")
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        try:
            values[name] = _check_value(portal, obj, name, value)
        except BadValue as bad:
            problems.append(Problem(name, bad.code, str(bad)))
    if problems:
        raise invalid_properties(problems)
    _check_rules(obj, values, version, record)
    return values


def _check_value(portal: Portal, obj: str, name: str, value: Any) -> str:
    definition = portal.schemas[obj].live(name)
    if definition is None:
        raise BadValue("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if is_read_only(definition):
        raise BadValue("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    text = checked(definition, as_text(value) or "")
    if name == "email" and text in portal.blocked_emails:
        raise BadValue("BLOCKED_EMAIL", f"{text} was deleted for privacy reasons")
    return text


def _check_rules(obj: str, values: dict[str, str], version: str, record: Record | None) -> None:
    if version not in STRICT_VERSIONS:
        return
    after = {**(record["properties"] if record else {}), **values}
    missing = [
        Problem(
            rule.required, "REQUIRED_FIELD", f'"{rule.required}" is required when {rule.name} is {rule.value}'
        )
        for rule in RULES
        if rule.obj == obj and after.get(rule.name) == rule.value and not after.get(rule.required)
    ]
    if missing:
        raise invalid_properties(missing)


def check_unique(
    portal: Portal,
    obj: str,
    values: dict[str, str],
    own_id: str | None,
    claimed: dict[str, str] | None = None,
) -> None:
    """409 where another record, or an earlier row of the same batch (`claimed`), has a value that must be unique."""
    schema = portal.schemas[obj]
    for name, value in values.items():
        if not value or not schema.is_unique(name):
            continue
        holder = portal.by_value(obj, name).get(value.strip().lower())
        if holder is not None and holder != own_id:
            raise _taken(obj, holder)
        if claimed is not None:
            key = f"{name}={value.strip().lower()}"
            if key in claimed and (own_id is None or claimed[key] != own_id):
                raise _taken(obj, claimed[key] or "in this batch")
            claimed[key] = own_id or ""


def check_required(portal: Portal, obj: str, values: dict[str, str]) -> None:
    """400 where a new record of a custom object lacks what its schema requires."""
    required = portal.own_properties(obj)[:1] if obj in portal.custom else []
    missing = [name for name in required if not values.get(name)]
    if missing:
        message = f"Error creating {bare(obj).upper()}. Some required properties were not set."
        raise Refusal(400, "VALIDATION_ERROR", message, context={"properties": missing})


def _taken(obj: str, holder: str) -> Refusal:
    kind = SINGULAR.get(obj, obj).capitalize()
    return Refusal(409, "CONFLICT", f"{kind} already exists. Existing ID: {holder}")


def check_row_errors(errors: list[RowError], record: Record | None, entry: dict[str, Any]) -> None:
    """Refuse a row that a fault rule names by its id, its match value or its e-mail."""
    if not errors:
        return
    given = entry.get("properties")
    email = given.get("email") if isinstance(given, dict) else None
    stored = (record["id"], record["properties"].get("email")) if record else ()
    keys = {str(key).strip().lower() for key in (entry.get("id"), email, *stored) if key}
    for error in errors:
        if keys & error.keys:
            raise Refusal(400, error.category, error.message)
