"""Merge fields: a list's own columns, their kinds, and what a value of each kind has to look like."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from tailrace.sandbox.mailchimp.listing import Call, one, page
from tailrace.sandbox.mailchimp.problem import Problem, invalid, not_found
from tailrace.sandbox.mailchimp.stock import Record
from tailrace.sandbox.wire import Response

TYPES = (
    "text",
    "number",
    "address",
    "phone",
    "date",
    "url",
    "imageurl",
    "radio",
    "dropdown",
    "birthday",
    "zip",
)
LONGEST_TAG = 10
CHANGEABLE = ("name", "required", "default_value", "help_text")


def listed(call: Call) -> Response:
    """GET /lists/{list}/merge-fields."""
    list_id = _list_id(call)
    rows = call.account["merge_fields"].of("list_id", list_id)
    kind = call.request.param("type")
    rows = [row for row in rows if kind is None or row["type"] == kind]
    return page(call, "merge_fields", rows, f"/lists/{list_id}/merge-fields", list_id=list_id)


def read(call: Call) -> Response:
    """GET one."""
    return _shown(call, _field(call))


def define(call: Call) -> Response:
    """POST: the tag is made of the name where none is given; members get the default value."""
    list_id, body = _list_id(call), call.body()
    for name in ("name", "type"):
        if not body.get(name):
            raise invalid(name, f"Required fields were not provided: {name}")
    if body["type"] not in TYPES:
        raise invalid("type", f"Value must be one of: {', '.join(TYPES)}")
    tag = str(body.get("tag") or body["name"])[:LONGEST_TAG].upper()
    known = call.account["merge_fields"].of("list_id", list_id)
    if not re.fullmatch(r"[A-Z0-9_]+", tag) or len(str(body.get("tag") or "")) > LONGEST_TAG:
        raise invalid("tag", f"Merge tags hold up to {LONGEST_TAG} letters, digits and underscores")
    if any(row["tag"] == tag for row in known):
        raise Problem(400, f'A Merge Field with the tag "{tag}" already exists for this list.')
    number = max((int(row["merge_id"]) for row in known), default=0) + 1
    record = defined(list_id, number, tag, body)
    call.account["merge_fields"].put(record)
    for member in list(call.account["members"].of("list_id", list_id)):
        fields = {**member["merge_fields"], tag: record["default_value"]}
        call.account["members"].put({**member, "merge_fields": fields})
    return _shown(call, record)


def update(call: Call) -> Response:
    """PATCH: name, whether it is required, its default; never its kind."""
    record, body = _field(call), call.body()
    changed = {name: value for name, value in body.items() if name in CHANGEABLE}
    call.account["merge_fields"].put({**record, **changed})
    return _shown(call, {**record, **changed})


def remove(call: Call) -> Response:
    """DELETE: the values go with it."""
    record = _field(call)
    call.account["merge_fields"].drop(record)
    for member in list(call.account["members"].of("list_id", record["list_id"])):
        kept = {tag: value for tag, value in member["merge_fields"].items() if tag != record["tag"]}
        call.account["members"].put({**member, "merge_fields": kept})
    return Response(204)


def defined(list_id: str, number: int, tag: str, body: Mapping[str, Any]) -> Record:
    """A merge field as it is returned."""
    return {
        "merge_id": number,
        "tag": tag,
        "name": body["name"],
        "type": body["type"],
        "required": bool(body.get("required", False)),
        "default_value": str(body.get("default_value", "")),
        "public": bool(body.get("public", False)),
        "display_order": number + 1,
        "options": dict(body.get("options") or {}),
        "help_text": str(body.get("help_text", "")),
        "list_id": list_id,
    }


def checked_fields(call: Call, list_id: str, given: Any, held: Mapping[str, Any]) -> Record:
    """The values of known tags; 400 naming every one that its kind does not take. Unknown tags are ignored (recorded).

    A required field must have a value, given or `held`, unless skip_merge_validation is asked for.
    """
    if not isinstance(given, dict):
        raise invalid("merge_fields", "Schema describes object, but the value is none")
    fields = {row["tag"]: row for row in call.account["merge_fields"].of("list_id", list_id)}
    kept = {tag: value for tag, value in given.items() if tag in fields}
    wrong = {tag: why for tag, value in kept.items() if (why := _misfit(fields[tag], value))}
    if not call.is_set("skip_merge_validation"):
        after = {**held, **kept}
        missing = [tag for tag, row in fields.items() if row["required"] and after.get(tag) in ("", None)]
        wrong |= dict.fromkeys(missing, "This value should not be blank.")
    if wrong:
        errors = [{"field": tag, "message": why} for tag, why in wrong.items()]
        raise Problem(400, "Your merge fields were invalid.", errors=errors)
    longest = call.habits.longest_text
    return {tag: _stored(fields[tag]["type"], value, longest) for tag, value in kept.items()}


def full_name(fields: Mapping[str, Any]) -> str:
    """First and last name, where they are."""
    return " ".join(str(fields[tag]) for tag in ("FNAME", "LNAME") if fields.get(tag))


def _misfit(field: Record, value: Any) -> str | None:
    """Why the kind does not take the value; the number's words are recorded, the others from memory."""
    kind = field["type"]
    if value in ("", None):
        return None
    if kind == "number":
        return None if _is_number(value) else "Please enter a number"
    if kind == "date":
        return None if _is_date(value) else "Please enter the date"
    if kind == "address":
        whole = isinstance(value, dict) and all(value.get(name) for name in ("addr1", "city", "state", "zip"))
        return None if whole else "Please enter a complete address"
    if kind == "birthday" and not _is_birthday(value):
        return "Please enter a month (01-12) and a day (01-31)"
    if kind == "zip" and not re.fullmatch(r"\d{5}(-\d{4})?", str(value)):
        return "Please enter a zip code (5 digits)"
    choices = field["options"].get("choices")
    if kind in ("radio", "dropdown") and choices and value not in choices:
        return "This value is not one of the choices."
    return None


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", value.strip(), re.ASCII) is not None
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_birthday(value: Any) -> bool:
    """MM/DD, of a leap year."""
    found = re.fullmatch(r"(\d{2})/(\d{2})", str(value))
    return found is not None and _is_date(f"2024-{found[1]}-{found[2]}")


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(str(value)[:10])
    except ValueError:
        return False
    return True


def _stored(kind: str, value: Any, longest: int) -> Any:
    """Numbers are doubles, but for whole ones; a text too long is cut (both from memory)."""
    if kind == "number" and isinstance(value, str) and value:
        number = float(value)
        whole = int(value) if re.fullmatch(r"-?\d+", value) else int(number)
        return whole if number.is_integer() and abs(whole) < 2**63 else number
    if kind == "text" and isinstance(value, str):
        return value[:longest]
    if kind == "date" and value:
        return str(value)[:10]
    return "" if value is None else value


def _list_id(call: Call) -> str:
    if call.account["lists"].get(call.args["list"]) is None:
        raise not_found()
    return call.args["list"]


def _field(call: Call) -> Record:
    found = call.account["merge_fields"].get(_list_id(call), call.args["field"])
    if found is None:
        raise not_found()
    return found


def _shown(call: Call, record: Record) -> Response:
    response = one(call, record, f"/lists/{record['list_id']}/merge-fields/{record['merge_id']}")
    response.rows_written = int(call.request.method != "GET")
    return response
