"""The export's tables in BigQuery, by tables.list, tables.get and tabledata.list: none of them runs a query, or costs one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tailrace.connectors.ga4_export.cells import columns_of, decoder
from tailrace.connectors.ga4_export.tables import Event, Gone, State, Table, table_of
from tailrace.connectors.sdk.google import error_of, google_manners
from tailrace.connectors.sdk.http import Answer, Http, Kind, Manners
from tailrace.connectors.sdk.paging import by_cursor
from tailrace.errors import Unavailable
from tailrace.records import Column

TABLES_A_PAGE = "1000"
NOT_FOUND = 404
LISTING: Mapping[str, type] = {"tables": list, "nextPageToken": str, "totalItems": int}
TABLE: Mapping[str, type] = {"schema": dict, "lastModifiedTime": str}
ROWS: Mapping[str, type] = {"rows": list, "pageToken": str, "totalRows": str}
"""What tells an answer from another one, and of which type it is; an empty listing has no tables, an empty table no rows."""
LIMITS = frozenset({"rateLimitExceeded", "quotaExceeded"})
"""Reasons that BigQuery gives with a 403 where others say 429 [memory]: both are waited for."""


class BigQueryExport:
    """One dataset. `http` draws on the account's budget; `api_version` like v2."""

    def __init__(self, http: Http, project: str, dataset: str, api_version: str) -> None:
        self._http = http
        self._path = f"/bigquery/{api_version}/projects/{project}/datasets/{dataset}/tables"
        self._fields: dict[Table, list[Mapping[str, Any]]] = {}

    def tables(self) -> list[Table]:
        found = (table_of(item["tableReference"]["tableId"]) for item in self.listing())
        return [table for table in found if table is not None]

    def listing(self) -> Iterator[Mapping[str, Any]]:
        """The dataset's tables as tables.list describes them: no rows, no time of change (its reference page)."""

        def fetch(token: str | None) -> Mapping[str, Any]:
            params = {"maxResults": TABLES_A_PAGE, **({"pageToken": token} if token else {})}
            return self._document(self._http.request("GET", self._path, params=params), LISTING)

        for page in by_cursor(fetch, lambda page: page.get("nextPageToken")):
            items = page.get("tables") or []
            if not all(isinstance(item, Mapping) and "tableReference" in item for item in items):
                raise self._unclear("a list of tables")
            yield from (item for item in items if item.get("type", "TABLE") == "TABLE")

    def state(self, table: Table) -> State | None:
        answer = self._http.request("GET", f"{self._path}/{table.name}", accept=(NOT_FOUND,))
        if answer.status == NOT_FOUND:
            return None
        found = self._document(answer, TABLE)
        fields, count = (found.get("schema") or {}).get("fields") or [], str(found.get("numRows") or 0)
        if not found.get("lastModifiedTime") or not count.isdigit() or not _are_fields(fields):
            raise self._unclear("a table's description")
        self._fields[table] = fields
        rows = int(count)

        def columns() -> list[Column]:
            return columns_of(fields)

        # rows in the streaming buffer are read, but not counted
        return State(
            f"{found['lastModifiedTime']} {rows}", None if found.get("streamingBuffer") else rows, columns
        )

    def pages(self, table: Table, limit: int) -> Iterator[list[Event]]:
        decode = decoder(self._fields[table])
        for page in by_cursor(
            lambda token: self._page(table, limit, token), lambda page: page.get("pageToken")
        ):
            events = [decode(row) for row in page.get("rows") or []]
            if events:
                yield events

    def _page(self, table: Table, limit: int, token: str | None) -> Mapping[str, Any]:
        params = {"maxResults": str(limit), "formatOptions.useInt64Timestamp": "true"}
        if token:
            params["pageToken"] = token
        answer = self._http.request(
            "GET", f"{self._path}/{table.name}/data", params=params, accept=(NOT_FOUND,)
        )
        if answer.status == NOT_FOUND:
            raise Gone
        return self._document(answer, ROWS)

    def _document(self, answer: Answer, parts: Mapping[str, type]) -> Mapping[str, Any]:
        """Unavailable where the answer is no object of such parts."""
        document = answer.json()
        if not isinstance(document, Mapping) or not any(name in document for name in ("kind", *parts)):
            raise self._unclear("what was asked for")
        if not all(isinstance(document.get(name) or kind(), kind) for name, kind in parts.items()):
            raise self._unclear("what was asked for")
        found: Mapping[str, Any] = document
        return found

    def _unclear(self, what: str) -> Unavailable:
        return Unavailable(f"{self._http.context.connection}: BigQuery's answer is not {what}", "run again")


def _are_fields(fields: Any) -> bool:
    return isinstance(fields, list) and all(
        isinstance(field, Mapping) and "name" in field and "type" in field for field in fields
    )


def bigquery_manners(interval: float) -> Manners:
    """Google's, and BigQuery's habit of saying "too many" by a 403."""
    return replace(google_manners(interval), kind=_kind)


def _kind(answer: Answer) -> Kind | None:
    reasons = {error.get("reason") for error in error_of(answer).get("errors") or []}
    return "limited" if answer.status != 401 and reasons & LIMITS else None
