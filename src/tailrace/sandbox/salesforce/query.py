"""GET query, queryAll, and the pages behind their locators (vendor-apis.md 2.2)."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from tailrace.sandbox.salesforce import soql
from tailrace.sandbox.salesforce.call import Call
from tailrace.sandbox.salesforce.errors import Refusal
from tailrace.sandbox.salesforce.evaluate import field_of, run
from tailrace.sandbox.salesforce.org import Org, Record
from tailrace.sandbox.salesforce.schema import ObjectSchema
from tailrace.sandbox.wire import Response

PAGE = 2000
SMALLEST_BATCH = 200
OPEN_CURSORS = 50


class Cursors:
    """Results that were not read to their end; the oldest are forgotten."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[str, list[str], list[Record], int]] = OrderedDict()
        self._count = 0

    def keep(self, obj: str, names: list[str], records: list[Record], page: int) -> str:
        """The locator's first part."""
        self._count += 1
        key = f"01g5e{self._count:010d}AAA"
        self._open[key] = (obj, names, records, page)
        while len(self._open) > OPEN_CURSORS:
            self._open.popitem(last=False)
        return key

    def find(self, key: str) -> tuple[str, list[str], list[Record], int]:
        """What a locator stands for; Refusal INVALID_QUERY_LOCATOR where it is over."""
        if key not in self._open:
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._open[key]

    def clear(self) -> None:
        """Every locator is over."""
        self._open.clear()


def query(org: Org, cursors: Cursors, call: Call, *, deleted: bool) -> Response:
    """GET query?q= and queryAll?q=."""
    text = call.request.param("q")
    if not text:
        raise soql.malformed("A query string has to be specified")
    found = search(org, text, deleted=deleted)
    if found.query.counts:
        return Response.of(200, {"totalSize": len(found.records), "done": True, "records": []})
    key = ""
    page = _page_size(call)
    if len(found.records) > page:
        key = cursors.keep(found.schema.name, found.names, found.records, page)
    return _page(call, found.schema.name, found.names, found.records, key, 0, page)


def more(org: Org, cursors: Cursors, call: Call) -> Response:  # noqa: ARG001 - every handler is called alike
    """GET query/{locator}: the page from that row on."""
    key, _, start = call.args["locator"].partition("-")
    if not start.isdigit():
        raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    obj, names, records, page = cursors.find(key)
    return _page(call, obj, names, records, key, int(start), page)


class Found:
    """A query with what it found; `names` are the selected fields as the object spells them."""

    def __init__(self, schema: ObjectSchema, parsed: soql.Query, records: list[Record]) -> None:
        self.schema, self.query, self.records = schema, parsed, records
        self.names = [field_of(schema, name).name for name in parsed.fields]


def search(org: Org, text: str, *, deleted: bool) -> Found:
    """Run a query over the live records, or over all that are there."""
    parsed = soql.parse(text)
    table = org.table(parsed.object)
    for name in parsed.fields:
        field_of(table.schema, name)
    records = org.visible(table) if deleted else org.live(table)
    return Found(table.schema, parsed, run(table.schema, parsed, records))


def shown(record: Record, obj: str, names: Sequence[str], version: str) -> dict[str, Any]:
    """A record as REST shows it."""
    url = f"/services/data/{version}/sobjects/{obj}/{record['Id']}"
    return {"attributes": {"type": obj, "url": url}, **{name: record.get(name) for name in names}}


def _page(
    call: Call, obj: str, names: list[str], records: list[Record], key: str, start: int, page: int
) -> Response:
    rows = records[start : start + page]
    done = start + page >= len(records)
    document: dict[str, Any] = {"totalSize": len(records), "done": done}
    if not done:
        document["nextRecordsUrl"] = f"/services/data/{call.version}/query/{key}-{start + page}"
    document["records"] = [shown(row, obj, names, call.version) for row in rows]
    return Response.of(200, document)


def _page_size(call: Call) -> int:
    match = re.search(r"batchSize=(\d+)", call.request.headers.get("sforce-query-options", ""))
    return PAGE if match is None else min(max(int(match[1]), SMALLEST_BATCH), PAGE)
