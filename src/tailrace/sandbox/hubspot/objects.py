"""Records one at a time: list, read, create, update, archive, merge, GDPR delete."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.hubspot.call import Call, show, show_written, view_of
from tailrace.sandbox.hubspot.errors import Refusal, invalid, not_found
from tailrace.sandbox.hubspot.linking import add_given, check_given
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.hubspot.rows import check_required, check_row_errors, check_unique, check_values
from tailrace.sandbox.store import Record
from tailrace.sandbox.wire import Response

MOST_LISTED = 100
MOST_LISTED_WITH_HISTORY = 50


def list_page(portal: Portal, call: Call) -> Response:
    """GET objects/{o}: in id order; the cursor is the id after which the next page starts."""
    obj = portal.object_type(call.args["o"])
    history = call.listed("propertiesWithHistory")
    view = view_of(portal, obj, call.listed("properties"), history, call.listed("associations"))
    limit = call.limit(10, MOST_LISTED_WITH_HISTORY if history else MOST_LISTED)
    records, more = portal.tables[obj].page(call.after(), limit, call.flag("archived"))
    document: dict[str, Any] = {"results": [show(portal, obj, record, view) for record in records]}
    if more:
        after = records[-1]["id"]
        host = call.request.headers.get("host", "")
        link = f"http://{host}/hubspot{call.request.path}?limit={limit}&after={after}"
        document["paging"] = {"next": {"after": after, "link": link}}
    return Response.of(200, document)


def read(portal: Portal, call: Call) -> Response:
    """GET objects/{o}/{id}, by id or by a unique property."""
    obj = portal.object_type(call.args["o"])
    if call.flag("archived"):
        record = portal.tables[obj].get(call.args["id"])
        record = record if record and record["archived"] else None
    else:
        record = _addressed(portal, obj, call)
    if record is None:
        raise not_found()
    view = view_of(
        portal,
        obj,
        call.listed("properties"),
        call.listed("propertiesWithHistory"),
        call.listed("associations"),
    )
    return Response.of(200, show(portal, obj, record, view))


def create(portal: Portal, call: Call) -> Response:
    """POST objects/{o}: 409 where a unique value is taken."""
    obj = portal.object_type(call.args["o"])
    document = call.body()
    check_row_errors(call.row_errors, None, document)
    values = check_values(portal, obj, document.get("properties", {}), call.version, None)
    check_required(portal, obj, values)
    check_unique(portal, obj, values, None)
    given = check_given(portal, obj, document.get("associations"))
    record = portal.create(obj, values)
    add_given(portal, obj, record["id"], given)
    response = Response.of(201, show_written(obj, record, values))
    response.rows_written = 1
    return response


def update(portal: Portal, call: Call) -> Response:
    """PATCH objects/{o}/{id}, by id or by a unique property."""
    obj = portal.object_type(call.args["o"])
    document = call.body()
    record = _addressed(portal, obj, call)
    if record is None:
        raise not_found()
    check_row_errors(call.row_errors, record, document)
    values = check_values(portal, obj, document.get("properties", {}), call.version, record)
    check_unique(portal, obj, values, record["id"])
    response = Response.of(200, show_written(obj, portal.update(obj, record, values), values))
    response.rows_written = 1
    return response


def archive(portal: Portal, call: Call) -> Response:
    """DELETE objects/{o}/{id}: 204 whatever the record's state."""
    obj = portal.object_type(call.args["o"])
    return Response(204, rows_written=int(portal.archive(obj, call.args["id"])))


def merge(portal: Portal, call: Call) -> Response:
    """POST objects/{o}/merge."""
    obj = portal.object_type(call.args["o"])
    document = call.body()
    winner = portal.find(obj, str(document.get("primaryObjectId")))
    loser = portal.find(obj, str(document.get("objectIdToMerge")))
    if winner is None or loser is None:
        raise not_found()
    if winner["id"] == loser["id"]:
        raise invalid("Cannot merge a record with itself")
    merged = portal.merge(obj, winner, loser)
    response = Response.of(200, show_written(obj, merged, merged["properties"]))
    response.rows_written = 2
    return response


def gdpr_delete(portal: Portal, call: Call) -> Response:
    """POST objects/{o}/gdpr-delete: an e-mail that nobody has is blocked for the future."""
    obj = portal.object_type(call.args["o"])
    document = call.body()
    key, id_property = str(document.get("objectId", "")), document.get("idProperty")
    if not key:
        raise invalid("Some required fields were not set: [objectId]")
    record = portal.find(obj, key, id_property)
    if record is None and id_property in (None, "hs_object_id"):
        record = portal.tables[obj].get(key)
    if record is None:
        if id_property == "email":
            portal.blocked_emails.add(key.strip().lower())
        return Response(204)
    portal.erase(obj, record["id"])
    return Response(204, rows_written=1)


def _addressed(portal: Portal, obj: str, call: Call) -> Record | None:
    id_property = call.request.param("idProperty")
    check_id_property(portal, obj, id_property)
    return portal.find(obj, call.args["id"], id_property)


def check_id_property(portal: Portal, obj: str, id_property: Any) -> None:
    """400 where records cannot be addressed by that property."""
    if id_property in (None, "", "hs_object_id"):
        return
    if not isinstance(id_property, str) or not portal.schemas[obj].is_unique(id_property):
        kind = portal.type_id(obj)
        raise Refusal(
            400,
            "VALIDATION_ERROR",
            f"Unable to perform update/upsert by non-unique {kind} property {id_property}",
        )
