"""Association endpoints: batches under /crm/associations, single ones under a record (vendor-apis 1.9)."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.hubspot.call import Call, batch_answer, inputs_of
from tailrace.sandbox.hubspot.errors import Refusal, invalid, not_found
from tailrace.sandbox.hubspot.kinds import DEFAULT_TYPE, SINGULAR, category_of
from tailrace.sandbox.hubspot.labels import shown_kind
from tailrace.sandbox.hubspot.linking import End, absent, associate, checked_kinds, dissociate
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.wire import Response

# Unverified (vendor-apis 15).
MOST_READ = 1_000
MOST_CREATED = 2_000
MOST_SHOWN = 500


def batch_read(portal: Portal, call: Call) -> Response:
    """POST associations/{from}/{to}/batch/read: records without any are an error entry in a 207."""
    source, target = _pair(portal, call)
    results, without = [], []
    for entry in inputs_of(call.body(), MOST_READ):
        key = str(entry.get("id", ""))
        found = portal.links.of(source, key, target)
        if found:
            results.append(_page_of(portal, (source, target), key, found, str(entry.get("after") or "0")))
        else:
            without.append(key)
    errors = [_nothing_for(source, target, key) for key in without]
    return batch_answer(portal, 200, results, errors)


def batch_create(portal: Portal, call: Call) -> Response:
    """POST associations/{from}/{to}/batch/create: 201, or 207 where a record does not exist."""
    source, target = _pair(portal, call)
    rows = [
        (
            _id_in(entry, "from"),
            _id_in(entry, "to"),
            checked_kinds(portal, entry.get("types"), source, target),
        )
        for entry in inputs_of(call.body(), MOST_CREATED)
    ]
    return _create(portal, rows, (source, target), labels=True)


def batch_default(portal: Portal, call: Call) -> Response:
    """POST associations/{from}/{to}/batch/associate/default: the unlabeled type."""
    source, target = _pair(portal, call)
    kind = _default_kind(source, target)
    rows = [
        (_id_in(entry, "from"), _id_in(entry, "to"), [kind]) for entry in inputs_of(call.body(), MOST_CREATED)
    ]
    return _create(portal, rows, (source, target), labels=False)


def batch_archive(portal: Portal, call: Call) -> Response:
    """POST associations/{from}/{to}/batch/archive: 204 in v4, 200 in the dated versions."""
    source, target = _pair(portal, call)
    removed = 0
    for entry in inputs_of(call.body(), MOST_CREATED):
        targets = entry.get("to")
        if not isinstance(targets, list):
            raise invalid("Invalid input JSON: `to` must be a list")
        for to in targets:
            removed += dissociate(portal, source, _id_in(entry, "from"), target, str(to.get("id", "")))
    return Response(204 if call.version == "v4" else 200, rows_written=removed)


def batch_archive_labels(portal: Portal, call: Call) -> Response:
    """POST associations/{from}/{to}/batch/labels/archive: 204; without its plain type a pair is not associated at all."""
    source, target = _pair(portal, call)
    removed = 0
    for entry in inputs_of(call.body(), MOST_CREATED):
        kinds = checked_kinds(portal, entry.get("types"), source, target)
        ends = (source, _id_in(entry, "from"), target, _id_in(entry, "to"))
        whole = DEFAULT_TYPE.get((source, target)) in kinds
        removed += dissociate(portal, *ends, None if whole else frozenset(kinds))
    return Response(204, rows_written=removed)


def list_one(portal: Portal, call: Call) -> Response:
    """GET objects/{o}/{id}/associations/{to}: absent from 2026-09."""
    if call.version == "2026-09":
        raise not_found()
    source, target = portal.object_type(call.args["o"]), portal.object_type(call.args["to"])
    if portal.find(source, call.args["id"]) is None:
        raise not_found()
    found = portal.links.of(source, call.args["id"], target)
    limit = call.limit(MOST_SHOWN, MOST_SHOWN)
    page = _page_of(portal, (source, target), call.args["id"], found, str(call.after()), limit)
    del page["from"]
    page["results"] = page.pop("to")
    return Response.of(200, page)


def put_one(portal: Portal, call: Call) -> Response:
    """PUT objects/{o}/{id}/associations/{to}/{to_id} with a list of types: 201."""
    source, target = portal.object_type(call.args["o"]), portal.object_type(call.args["to"])
    kinds = checked_kinds(portal, _json_list(call), source, target)
    row = (call.args["id"], call.args["to_id"], kinds)
    return _create(portal, [row], (source, target), labels=True, alone=True)


def put_default(portal: Portal, call: Call) -> Response:
    """PUT objects/{o}/{id}/associations/default/{to}/{to_id}."""
    source, target = portal.object_type(call.args["o"]), portal.object_type(call.args["to"])
    row = (call.args["id"], call.args["to_id"], [_default_kind(source, target)])
    return _create(portal, [row], (source, target), labels=False)


def delete_one(portal: Portal, call: Call) -> Response:
    """DELETE objects/{o}/{id}/associations/{to}/{to_id}: 204."""
    source, target = portal.object_type(call.args["o"]), portal.object_type(call.args["to"])
    removed = dissociate(portal, source, call.args["id"], target, call.args["to_id"])
    return Response(204, rows_written=int(removed))


def _create(
    portal: Portal,
    rows: list[tuple[str, str, list[int]]],
    types: tuple[str, str],
    *,
    labels: bool,
    alone: bool = False,
) -> Response:
    """Associate every pair of ids whose records exist; `alone` answers with one result instead of a batch."""
    source, target = types
    results, errors = [], []
    for source_id, target_id, kinds in rows:
        missing = _first_missing(portal, (source, source_id), (target, target_id))
        if missing is not None:
            if alone:
                raise missing
            errors.append(missing.as_row({}))
            continue
        for kind in kinds:
            associate(portal, (source, source_id), (target, target_id), kind)
        ends = ((source, source_id), (target, target_id))
        results += (
            [_shown_pair(portal, *ends, kinds)] if labels else _shown_default(source_id, target_id, kinds)
        )
    status = 201 if labels else 200
    response = Response.of(status, results[0]) if alone else batch_answer(portal, status, results, errors)
    response.rows_written = len(results)
    return response


def _shown_pair(portal: Portal, one: End, other: End, kinds: list[int]) -> dict[str, Any]:
    return {
        "fromObjectTypeId": portal.type_id(one[0]),
        "fromObjectId": one[1],
        "toObjectTypeId": portal.type_id(other[0]),
        "toObjectId": other[1],
        "labels": [
            label for kind in kinds if (label := shown_kind(portal, (one[0], other[0]), kind)["label"])
        ],
    }


def _shown_default(source_id: str, target_id: str, kinds: list[int]) -> list[dict[str, Any]]:
    return [
        {
            "from": {"id": source_id},
            "to": {"id": target_id},
            "associationSpec": {"associationCategory": category_of(kind), "associationTypeId": kind},
        }
        for kind in kinds
    ]


def _page_of(
    portal: Portal,
    pair: tuple[str, str],
    key: str,
    found: list[tuple[str, list[int]]],
    after: str,
    limit: int = MOST_SHOWN,
) -> dict[str, Any]:
    start = int(after) if after.isdigit() else 0
    rest = [item for item in found if int(item[0]) > start]
    page: dict[str, Any] = {
        "from": {"id": key},
        "to": [
            {"toObjectId": target_id, "associationTypes": [shown_kind(portal, pair, kind) for kind in kinds]}
            for target_id, kinds in rest[:limit]
        ],
    }
    if len(rest) > limit:
        page["paging"] = {"next": {"after": rest[limit - 1][0], "link": ""}}
    return page


def _nothing_for(source: str, target: str, key: str) -> dict[str, Any]:
    message = f"No {SINGULAR.get(target, target)} is associated with {SINGULAR.get(source, source)} {key}."
    context = {"fromObjectId": [key], "fromObjectType": [SINGULAR.get(source, source)]}
    refusal = Refusal(404, "OBJECT_NOT_FOUND", message, context=context)
    return {**refusal.as_row({}), "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}


def _first_missing(portal: Portal, *ends: tuple[str, str]) -> Refusal | None:
    return next((absent(obj, key) for obj, key in ends if portal.find(obj, key) is None), None)


def _pair(portal: Portal, call: Call) -> tuple[str, str]:
    return portal.object_type(call.args["from"]), portal.object_type(call.args["to"])


def _id_in(entry: dict[str, Any], end: str) -> str:
    value = entry.get(end)
    if not isinstance(value, dict) or not value.get("id"):
        raise invalid(f"Invalid input JSON: {end} needs an id")
    return str(value["id"])


def _default_kind(source: str, target: str) -> int:
    kind = DEFAULT_TYPE.get((source, target))
    if kind is None:
        raise invalid(f"There is no default association from {source} to {target}")
    return kind


def _json_list(call: Call) -> Any:
    try:
        return call.request.json()
    except ValueError as error:
        raise invalid(f"Invalid input JSON on line 1: {error}") from error
