"""One record at a time: sobjects/X, sobjects/X/{id}, sobjects/X/{field}/{value} (vendor-apis.md 2.4)."""

from __future__ import annotations

from tailrace.sandbox.salesforce.call import Call
from tailrace.sandbox.salesforce.errors import Refusal, not_found
from tailrace.sandbox.salesforce.evaluate import field_of
from tailrace.sandbox.salesforce.org import Org, Record, Table
from tailrace.sandbox.salesforce.query import shown
from tailrace.sandbox.salesforce.rows import Several, Writer
from tailrace.sandbox.wire import Response


def create(org: Org, call: Call) -> Response:
    """POST sobjects/X."""
    record = _writer(org, call).insert(call.body())
    return _written(Response.of(201, {"id": record["Id"], "success": True, "errors": []}))


def read(org: Org, call: Call) -> Response:
    """GET sobjects/X/{id}, with ?fields=."""
    return _shown(org, call, _found(org, call))


def read_by(org: Org, call: Call) -> Response:
    """GET sobjects/X/{field}/{value}."""
    table = _table(org, call)
    writer = Writer(org, table)
    ids = writer.matching(writer.external(call.args["field"]), call.args["value"])
    if not ids:
        raise not_found()
    if len(ids) > 1:
        return _several(call, ids)
    return _shown(org, call, table.rows[ids[0]])


def update(org: Org, call: Call) -> Response:
    """PATCH sobjects/X/{id}."""
    _found(org, call)
    _writer(org, call).update(call.args["id"], call.body())
    return _written(Response(204))


def upsert(org: Org, call: Call) -> Response:
    """PATCH sobjects/X/{field}/{value}; the key must not stand in the body, too."""
    body, field = call.body(), call.args["field"]
    if field in body:
        message = f"The {field} field should not be specified in the sobject data."
        raise Refusal(400, "INVALID_FIELD", message, [field])
    try:
        record, made = _writer(org, call).upsert(field, call.args["value"], body)
    except Several as several:
        return _several(call, several.ids)
    document = {"id": record["Id"], "success": True, "errors": [], "created": made}
    return _written(Response.of(201 if made else 200, document))


def delete(org: Org, call: Call) -> Response:
    """DELETE sobjects/X/{id}."""
    _found(org, call)
    _writer(org, call).delete(call.args["id"])
    return _written(Response(204))


def _table(org: Org, call: Call) -> Table:
    try:
        return org.table(call.args["object"])
    except Refusal:
        raise not_found() from None


def _writer(org: Org, call: Call) -> Writer:
    return Writer(org, _table(org, call), call.row_errors)


def _found(org: Org, call: Call) -> Record:
    """The record that the path names; 404 where there is none."""
    try:
        return _writer(org, call).live(call.args["id"])
    except Refusal as refusal:
        if refusal.code == "ENTITY_IS_DELETED":
            raise
        raise not_found() from None


def _shown(org: Org, call: Call, record: Record) -> Response:
    schema = _table(org, call).schema
    asked = [name for name in (call.request.param("fields") or "").split(",") if name]
    names = [field_of(schema, name).name for name in asked] or [
        found.name for found in schema.fields.values()
    ]
    return Response.of(200, shown(record, schema.name, names, call.version))


def _several(call: Call, ids: list[str]) -> Response:
    base = f"/services/data/{call.version}/sobjects/{call.args['object']}"
    return Response.of(300, [f"{base}/{key}" for key in ids])


def _written(response: Response) -> Response:
    response.rows_written = 1
    return response
