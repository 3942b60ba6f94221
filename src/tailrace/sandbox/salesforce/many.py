"""Up to 200 records in one request: sObject Collections (vendor-apis.md 2.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tailrace.sandbox.salesforce.call import Call
from tailrace.sandbox.salesforce.errors import Refusal, json_error
from tailrace.sandbox.salesforce.ids import SHORT
from tailrace.sandbox.salesforce.org import Org
from tailrace.sandbox.salesforce.rows import Writer
from tailrace.sandbox.wire import Response

MOST = 200
Result = dict[str, Any]
Write = Callable[[Any], Result]


def insert(org: Org, call: Call) -> Response:
    """POST composite/sobjects."""

    def write(given: dict[str, Any]) -> Result:
        return _done(_writer(org, call, given).insert(_values(given))["Id"])

    return _each(org, call, _given(call), write)


def update(org: Org, call: Call) -> Response:
    """PATCH composite/sobjects: by id; one that comes twice is refused the second time."""
    taken: set[str] = set()

    def write(given: dict[str, Any]) -> Result:
        key = given.get("id") or given.get("Id")
        if not key:
            raise Refusal(400, "MISSING_ARGUMENT", "Id not specified in an update call")
        if str(key)[:SHORT] in taken:
            raise Refusal(400, "DUPLICATE_VALUE", f"Duplicate id specified: {key}", ["Id"])
        taken.add(str(key)[:SHORT])
        return _done(_writer(org, call, given).update(key, _values(given))["Id"])

    return _each(org, call, _given(call), write)


def upsert(org: Org, call: Call) -> Response:
    """PATCH composite/sobjects/X/{field}: an external id twice in one request is refused the second time."""
    obj, field = call.args["object"], call.args["field"]
    Writer(org, org.table(obj)).external(field)
    taken: set[str] = set()

    def write(given: dict[str, Any]) -> Result:
        if _type(given).lower() != obj.lower():
            raise Refusal(400, "INVALID_ARGUMENT", f"the records must be of type {obj}")
        value = given.get(field)
        if str(value).lower() in taken:
            raise Refusal(400, "DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [field])
        taken.add(str(value).lower())
        values = {name: found for name, found in _values(given).items() if name != field}
        record, made = _writer(org, call, given).upsert(field, value, values)
        return {**_done(record["Id"]), "created": made}

    return _each(org, call, _given(call), write)


def delete(org: Org, call: Call) -> Response:
    """DELETE composite/sobjects?ids=a,b&allOrNone=."""
    keys = [key for key in (call.request.param("ids") or "").split(",") if key]
    tables = {table.schema.prefix: table for table in org.tables.values()}

    def write(key: str) -> Result:
        table = tables.get(key[:3])
        if table is None:
            raise Refusal(400, "MALFORMED_ID", f"malformed id {key}")
        return _done(Writer(org, table, call.row_errors).delete(key)["Id"])

    whole = (call.request.param("allOrNone") or "").lower() == "true"
    return _each(org, call, keys, write, whole=whole)


def _each(org: Org, call: Call, items: Sequence[Any], write: Write, *, whole: bool | None = None) -> Response:
    """One result per item, in order; with allOrNone one refusal takes everything back."""
    if not items:
        raise Refusal(400, "MISSING_ARGUMENT", "The records are missing.")
    if len(items) > MOST:
        raise Refusal(
            400, "LIMIT_EXCEEDED", "record limit reached. cannot submit more than 200 records into this call"
        )
    all_or_none = bool(call.body().get("allOrNone")) if whole is None else whole
    before = org.saved()
    with org.clock.one_moment():
        results = [_result(write, item) for item in items]
    failed = [result for result in results if not result["success"]]
    if failed and all_or_none:
        org.restore(before)
        results = [_rolled_back() if result["success"] else result for result in results]
    response = Response.of(200, results)
    response.rows_written = sum(bool(result["success"]) for result in results)
    return response


def _result(write: Write, item: Any) -> Result:
    try:
        return write(item)
    except Refusal as refusal:
        return {"success": False, "errors": [refusal.row()]}


def _rolled_back() -> Result:
    text = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    refusal = Refusal(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", text)
    return {"success": False, "errors": [refusal.row()]}


def _done(key: str) -> Result:
    return {"id": key, "success": True, "errors": []}


def _given(call: Call) -> list[dict[str, Any]]:
    records = call.body().get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise json_error("records must be a list of objects")
    return records


def _type(given: dict[str, Any]) -> str:
    kind = (given.get("attributes") or {}).get("type")
    if not isinstance(kind, str):
        raise Refusal(400, "INVALID_TYPE", "attributes.type is missing")
    return kind


def _writer(org: Org, call: Call, given: dict[str, Any]) -> Writer:
    return Writer(org, org.table(_type(given)), call.row_errors)


def _values(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in ("attributes", "id", "Id")}
