"""Lists and their members (paths: vendor-apis 1.2; shapes: both official SDKs). A list's id is not an object's id.

Only static lists take members by the API: an active one (DYNAMIC) is filled by HubSpot itself.
"""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.clock import iso
from tailrace.sandbox.hubspot.call import Call
from tailrace.sandbox.hubspot.errors import Refusal, invalid, not_found
from tailrace.sandbox.hubspot.member_lists import MemberList
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.vendor import RowError
from tailrace.sandbox.wire import Response

TYPES = ("MANUAL", "DYNAMIC", "SNAPSHOT")
MOST_MEMBERS = 100_000
"""Ids in one request: unverified."""
MOST_LISTED = 250


def create(portal: Portal, call: Call) -> Response:
    """POST lists: 200."""
    given = call.body()
    missing = [key for key in ("name", "objectTypeId", "processingType") if not given.get(key)]
    if missing:
        raise invalid(f"Some required fields were not set: [{', '.join(missing)}]")
    if given["processingType"] not in TYPES:
        raise invalid(f"processingType must be one of {', '.join(TYPES)}")
    obj = portal.object_type(str(given["objectTypeId"]))
    if any(one.name == given["name"] for one in portal.lists.by_id.values()):
        raise invalid(f"A list named {given['name']} already exists")
    key = portal.lists.next_id()
    made = MemberList(
        key, given["name"], portal.type_id(obj), given["processingType"], iso(portal.clock.now())
    )
    portal.lists.by_id[key] = made
    return Response.of(200, {"list": made.shown()})


def read(portal: Portal, call: Call) -> Response:
    """GET lists/{list}."""
    return Response.of(200, {"list": _list(portal, call).shown()})


def members(portal: Portal, call: Call) -> Response:
    """GET lists/{list}/memberships, by ascending record id."""
    found = _list(portal, call)
    limit, after = call.limit(100, MOST_LISTED), call.after()
    rest = [key for key in sorted(found.members, key=int) if int(key) > after]
    results = [{"recordId": key, "membershipTimestamp": found.members[key]} for key in rest[:limit]]
    document: dict[str, Any] = {"results": results, "total": len(found.members)}
    if len(rest) > limit:
        document["paging"] = {"next": {"after": rest[limit - 1], "link": ""}}
    return Response.of(200, document)


def add(portal: Portal, call: Call) -> Response:
    """PUT lists/{list}/memberships/add with a list of record ids."""
    return _change(portal, call, _ids(_json(call)), [])


def remove(portal: Portal, call: Call) -> Response:
    """PUT lists/{list}/memberships/remove with a list of record ids."""
    return _change(portal, call, [], _ids(_json(call)))


def add_and_remove(portal: Portal, call: Call) -> Response:
    """PUT lists/{list}/memberships/add-and-remove."""
    given = call.body()
    return _change(portal, call, _ids(given.get("recordIdsToAdd")), _ids(given.get("recordIdsToRemove")))


def remove_all(portal: Portal, call: Call) -> Response:
    """DELETE lists/{list}/memberships: 204."""
    found = _writable(portal, call)
    removed = len(found.members)
    found.members.clear()
    return Response(204, rows_written=removed)


def _change(portal: Portal, call: Call, wanted: list[str], unwanted: list[str]) -> Response:
    found = _writable(portal, call)
    if len(wanted) + len(unwanted) > MOST_MEMBERS:
        raise invalid(f"The maximum number of records in one request is {MOST_MEMBERS}")
    obj = portal.object_type(found.type_id)
    missing = [key for key in (*wanted, *unwanted) if _is_missing(portal, call.row_errors, obj, key)]
    now = iso(portal.clock.stamp())
    added = [key for key in dict.fromkeys(wanted) if key not in missing and key not in found.members]
    removed = [key for key in dict.fromkeys(unwanted) if key not in missing and key in found.members]
    found.members.update(dict.fromkeys(added, now))
    for key in removed:
        del found.members[key]
    portal.lists.writes.update({key for key in (*wanted, *unwanted) if key not in missing})
    document = {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing}
    response = Response.of(200, document)
    response.rows_written = len(added) + len(removed)
    return response


def _is_missing(portal: Portal, errors: list[RowError], obj: str, key: str) -> bool:
    """No record lives under that id; a fault's row error says the same, as HubSpot has no other word for a member."""
    record = portal.find(obj, key)
    if record is None:
        return True
    names = {key, str(record["properties"].get("email") or "").lower()}
    return any(names & error.keys for error in errors)


def _list(portal: Portal, call: Call) -> MemberList:
    found = portal.lists.by_id.get(call.args["list"])
    if found is None:
        raise not_found(f"List does not exist with ID {call.args['list']}.")
    return found


def _writable(portal: Portal, call: Call) -> MemberList:
    found = _list(portal, call)
    if found.processing == "DYNAMIC":
        message = f"List {found.key} is a DYNAMIC list, so its members cannot be changed manually."
        raise Refusal(400, "VALIDATION_ERROR", message, sub_category="ILS.LIST_NOT_MANUAL_OR_SNAPSHOT")
    return found


def _json(call: Call) -> Any:
    try:
        return call.request.json()
    except ValueError as error:
        raise invalid(f"Invalid input JSON on line 1: {error}") from error


def _ids(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(key, str | int) for key in given):
        raise invalid("Invalid input JSON: a list of record ids is expected")
    return [str(key) for key in given]
