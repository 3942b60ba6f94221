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
from tailrace.records import Column

TABLES_A_PAGE = "1000"
NOT_FOUND = 404
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
            document: Mapping[str, Any] = self._http.request("GET", self._path, params=params).json()
            return document

        for page in by_cursor(fetch, lambda page: page.get("nextPageToken")):
            yield from (item for item in page.get("tables") or [] if item.get("type", "TABLE") == "TABLE")

    def state(self, table: Table) -> State | None:
        answer = self._http.request("GET", f"{self._path}/{table.name}", accept=(NOT_FOUND,))
        if answer.status == NOT_FOUND:
            return None
        found: Mapping[str, Any] = answer.json()
        self._fields[table] = fields = list((found.get("schema") or {}).get("fields") or [])
        count = int(found.get("numRows") or 0)

        def columns() -> list[Column]:
            return columns_of(fields)

        # rows in the streaming buffer are read, but not counted
        return State(
            f"{found['lastModifiedTime']} {count}", None if found.get("streamingBuffer") else count, columns
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
        document: Mapping[str, Any] = answer.json()
        return document


def bigquery_manners(interval: float) -> Manners:
    """Google's, and BigQuery's habit of saying "too many" by a 403."""
    return replace(google_manners(interval), kind=_kind)


def _kind(answer: Answer) -> Kind | None:
    reasons = {error.get("reason") for error in error_of(answer).get("errors") or []}
    return "limited" if answer.status != 401 and reasons & LIMITS else None
