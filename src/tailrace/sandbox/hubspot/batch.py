"""Records a hundred at a time: read, create, update, upsert, archive.

A row is refused alone, in a 207, where its input carries an objectWriteTraceId or its record does not exist; any other
refusal rejects the whole batch before anything is written. Results come in id order, never in the order of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tailrace.sandbox.clock import iso
from tailrace.sandbox.hubspot.call import Call, batch_answer, inputs_of, show, show_written, view_of
from tailrace.sandbox.hubspot.errors import Refusal, invalid
from tailrace.sandbox.hubspot.kinds import SINGULAR
from tailrace.sandbox.hubspot.linking import Given, add_given, check_given
from tailrace.sandbox.hubspot.objects import check_id_property
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.hubspot.rows import check_required, check_row_errors, check_unique, check_values
from tailrace.sandbox.store import Record
from tailrace.sandbox.wire import Response

MOST_INPUTS = 100
MOST_INPUTS_WITH_HISTORY = 50


@dataclass(frozen=True)
class _Planned:
    """One row that will be written: a new record where `record` is None."""

    record: Record | None
    values: dict[str, str]
    trace: str | None
    given: list[Given] = field(default_factory=list)


class _Missing(Refusal):
    """The record of a row does not exist: a row error with or without a trace id."""


Planner = Callable[[Portal, Call, str, dict[str, Any], dict[str, str]], _Planned]


def read(portal: Portal, call: Call) -> Response:
    """POST objects/{o}/batch/read, by id or by a unique property."""
    obj = portal.object_type(call.args["o"])
    document = call.body()
    started = iso(portal.clock.now())
    history = _names(document, "propertiesWithHistory")
    inputs = inputs_of(document, MOST_INPUTS_WITH_HISTORY if history else MOST_INPUTS)
    id_property = document.get("idProperty")
    check_id_property(portal, obj, id_property)
    view = view_of(portal, obj, _names(document, "properties"), history)
    found: dict[str, Record] = {}
    missing: list[str] = []
    for entry in inputs:
        key = str(entry.get("id", ""))
        record = _in_state(portal, obj, key, id_property, call.flag("archived"))
        if record is None:
            missing.append(key)
        else:
            found[record["id"]] = record
    results = [show(portal, obj, record, view) for record in _by_id(found.values())]
    errors = [_missing(obj, missing).as_row({})] if missing else []
    return batch_answer(portal, 200, results, errors, started)


def create(portal: Portal, call: Call) -> Response:
    """POST objects/{o}/batch/create: 201."""
    return _write(portal, call, _plan_create, 201)


def update(portal: Portal, call: Call) -> Response:
    """POST objects/{o}/batch/update."""
    return _write(portal, call, _plan_update, 200)


def upsert(portal: Portal, call: Call) -> Response:
    """POST objects/{o}/batch/upsert: results say with `new` whether the record was made."""
    return _write(portal, call, _plan_upsert, 200, with_new=True)


def archive(portal: Portal, call: Call) -> Response:
    """POST objects/{o}/batch/archive: 204 whatever the records' states."""
    obj = portal.object_type(call.args["o"])
    inputs = inputs_of(call.body(), MOST_INPUTS)
    archived = sum(portal.archive(obj, str(entry.get("id", ""))) for entry in inputs)
    return Response(204, rows_written=archived)


def _write(portal: Portal, call: Call, plan: Planner, status: int, with_new: bool = False) -> Response:
    obj = portal.object_type(call.args["o"])
    started = iso(portal.clock.now())
    inputs = inputs_of(call.body(), MOST_INPUTS)
    _refuse_duplicates(inputs)
    planned, errors = _plan_all(portal, call, obj, inputs, plan)
    results = []
    with portal.clock.one_moment():
        written = [_apply(portal, obj, row) for row in planned]
    for row, record in zip(planned, written, strict=True):
        shown = show_written(obj, record, row.values)
        if with_new:
            shown["new"] = row.record is None
        if row.trace is not None:
            shown["objectWriteTraceId"] = row.trace
        results.append(shown)
    response = batch_answer(portal, status, _by_id(results), errors, started)
    response.rows_written = len(results)
    return response


def _plan_all(
    portal: Portal, call: Call, obj: str, inputs: list[dict[str, Any]], plan: Planner
) -> tuple[list[_Planned], list[dict[str, Any]]]:
    """Every row that will be written and every row error; raises the first refusal that is the whole batch's."""
    planned: list[_Planned] = []
    errors: list[dict[str, Any]] = []
    unknown: list[str] = []
    claimed: dict[str, str] = {}
    for entry in inputs:
        trace = entry.get("objectWriteTraceId")
        try:
            planned.append(plan(portal, call, obj, entry, claimed))
        except _Missing as missing:
            if trace is None:
                unknown.append(str(entry.get("id", "")))
            else:
                errors.append(missing.as_row({"objectWriteTraceId": [str(trace)]}))
        except Refusal as refusal:
            if trace is None and not _named_by_fault(call, refusal):
                raise
            context = {"objectWriteTraceId": [str(trace)]} if trace is not None else {}
            errors.append(refusal.as_row({**context, **_ids(entry)}))
    if unknown:
        errors.append(_missing(obj, unknown).as_row({}))
    return planned, errors


def _plan_create(
    portal: Portal, call: Call, obj: str, entry: dict[str, Any], claimed: dict[str, str]
) -> _Planned:
    check_row_errors(call.row_errors, None, entry)
    values = check_values(portal, obj, entry.get("properties", {}), call.version, None)
    check_required(portal, obj, values)
    check_unique(portal, obj, values, None, claimed)
    given = check_given(portal, obj, entry.get("associations"))
    return _Planned(None, values, entry.get("objectWriteTraceId"), given)


def _plan_update(
    portal: Portal, call: Call, obj: str, entry: dict[str, Any], claimed: dict[str, str]
) -> _Planned:
    key, id_property = _key(entry), entry.get("idProperty")
    check_id_property(portal, obj, id_property)
    record = portal.find(obj, key, id_property)
    check_row_errors(call.row_errors, record, entry)
    if record is None:
        raise _missing(obj, [key])
    values = check_values(portal, obj, entry.get("properties", {}), call.version, record)
    check_unique(portal, obj, values, record["id"], claimed)
    return _Planned(record, values, entry.get("objectWriteTraceId"))


def _plan_upsert(
    portal: Portal, call: Call, obj: str, entry: dict[str, Any], claimed: dict[str, str]
) -> _Planned:
    key, id_property = _key(entry), entry.get("idProperty")
    if id_property in (None, "", "hs_object_id"):
        return _plan_update(portal, call, obj, entry, claimed)
    check_id_property(portal, obj, id_property)
    record = portal.find(obj, key, id_property)
    check_row_errors(call.row_errors, record, entry)
    given = entry.get("properties", {})
    if record is None and isinstance(given, dict):
        given = {id_property: key, **given}
    values = check_values(portal, obj, given, call.version, record)
    if record is None:
        check_required(portal, obj, values)
    check_unique(portal, obj, values, record["id"] if record else None, claimed)
    return _Planned(record, values, entry.get("objectWriteTraceId"))


def _apply(portal: Portal, obj: str, row: _Planned) -> Record:
    if row.record is None:
        record = portal.create(obj, row.values)
        add_given(portal, obj, record["id"], row.given)
        return record
    # Two inputs can name one record, by id and by e-mail: the second starts from what the first left.
    current = portal.tables[obj].live(row.record["id"]) or row.record
    return portal.update(obj, current, row.values)


def _refuse_duplicates(inputs: list[dict[str, Any]]) -> None:
    seen: set[tuple[str, str]] = set()
    for entry in inputs:
        if "id" not in entry:
            continue
        key = (str(entry.get("idProperty") or ""), str(entry["id"]).strip().lower())
        if key in seen:
            raise invalid(f"Duplicate IDs found in batch input: [{entry['id']}]. IDs must be unique")
        seen.add(key)


def _named_by_fault(call: Call, refusal: Refusal) -> bool:
    """A fault's row error stays with its row even where the input has no trace id."""
    return any(
        refusal.message == error.message and refusal.category == error.category for error in call.row_errors
    )


def _ids(entry: dict[str, Any]) -> dict[str, list[str]]:
    return {"ids": [str(entry["id"])]} if entry.get("id") else {}


def _key(entry: dict[str, Any]) -> str:
    key = entry.get("id")
    if key in (None, ""):
        raise invalid("Some required fields were not set: [id]")
    return str(key)


def _names(document: dict[str, Any], name: str) -> list[str]:
    value = document.get(name) or []
    if not isinstance(value, list):
        raise invalid(f"Invalid input JSON: {name} must be a list")
    return [str(item) for item in value]


def _in_state(portal: Portal, obj: str, key: str, id_property: Any, archived: bool) -> Record | None:
    if not archived:
        return portal.find(obj, key, id_property)
    record = portal.tables[obj].get(key)
    return record if record and record["archived"] else None


def _missing(obj: str, keys: list[str]) -> _Missing:
    kind = SINGULAR.get(obj, obj).upper()
    message = (
        f"Could not get some {kind} objects, they may be deleted or not exist. Check that ids are valid."
    )
    return _Missing(404, "OBJECT_NOT_FOUND", message, context={"ids": keys})


def _by_id(records: Any) -> list[dict[str, Any]]:
    return sorted(records, key=lambda record: int(record["id"]))
