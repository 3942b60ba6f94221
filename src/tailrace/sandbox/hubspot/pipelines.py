"""Pipelines and their stages: read only here; the administrator may put others."""

from __future__ import annotations

from tailrace.sandbox.hubspot.call import Call
from tailrace.sandbox.hubspot.errors import not_found
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.store import Record
from tailrace.sandbox.wire import Response


def list_all(portal: Portal, call: Call) -> Response:
    """GET pipelines/{o}, without paging."""
    return Response.of(200, {"results": _pipelines(portal, call)})


def read(portal: Portal, call: Call) -> Response:
    """GET pipelines/{o}/{id}."""
    return Response.of(200, _pipeline(portal, call))


def list_stages(portal: Portal, call: Call) -> Response:
    """GET pipelines/{o}/{id}/stages."""
    return Response.of(200, {"results": _pipeline(portal, call)["stages"]})


def _pipelines(portal: Portal, call: Call) -> list[Record]:
    return portal.pipelines.get(portal.object_type(call.args["o"]), [])


def _pipeline(portal: Portal, call: Call) -> Record:
    found = next((one for one in _pipelines(portal, call) if one["id"] == call.args["id"]), None)
    if found is None:
        raise not_found()
    return found
