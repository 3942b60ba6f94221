"""Bulk API 2.0 query jobs: for full reads that are large, and queries too long for a URL (vendor-apis.md 2.5)."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from tailrace.connectors.salesforce.api import Api, Record
from tailrace.connectors.salesforce.jobs import Watch
from tailrace.connectors.sdk.http import Answer
from tailrace.errors import RetriableError, Unavailable
from tailrace.records import Schema, Type

PAGE_ROWS = 20_000
"""Rows of one result page: a page is held in memory."""
ATTEMPTS = 3
LONGEST_FIELD = 16 * 1024 * 1024
csv.field_size_limit(LONGEST_FIELD)
Batch = tuple[list[Record], dict[str, Any] | None]
"""Rows, and where a read can go on behind them (None: it cannot, or this was the end)."""


class JobEnded(Exception):
    """A job that Failed or was Aborted; the text says why."""


class Jobs:
    """Query jobs of one org."""

    def __init__(self, api: Api, watch: Watch) -> None:
        self._api, self._watch = api, watch

    def create(self, soql: str, *, deleted: bool) -> str:
        """A job's id; the query is in the body, so it may be long."""
        body = {
            "operation": "queryAll" if deleted else "query",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        # sent twice, it makes a second job, which Salesforce removes after seven days
        answer = self._api.http.request("POST", self._api.path("jobs/query"), json=body, retry=True)
        return str(answer.json()["id"])

    def wait(self, job: str) -> None:
        """Until the job is complete; JobEnded where it will never be, Refused NOT_FOUND where it is gone."""
        found = self._watch.ended(job, self._path(job))
        if found["state"] != "JobComplete":
            raise JobEnded(f"{found['state']}: {found.get('errorMessage') or 'no reason given'}")

    def results(self, job: str, schema: Schema, locator: str) -> Iterator[Batch]:
        """Pages of a complete job from a locator on ("": the first)."""
        kinds: dict[str, Type] = {"IsDeleted": "bool"}
        kinds |= {column.name: column.type for column in schema.columns}
        while True:
            records, following = self._page(job, locator, kinds)
            done = following in ("", "null", locator)
            yield records, None if done else {"job": job, "locator": following}
            if done:
                return
            locator = following

    def remove(self, job: str) -> None:
        """Tidies up; a job that stays is removed by Salesforce after seven days."""
        try:
            self._api.http.request("DELETE", self._path(job), media="", accept=(400, 403, 404))
        except RetriableError:
            return

    def _page(self, job: str, locator: str, kinds: Mapping[str, Type]) -> tuple[list[Record], str]:
        params = {"maxRecords": str(PAGE_ROWS), **({"locator": locator} if locator else {})}
        due = found = 0
        for _ in range(ATTEMPTS):
            answer = self._api.http.request(
                "GET",
                f"{self._path(job)}/results",
                params=params,
                headers={"Accept": "text/csv"},
                media="csv",
            )
            records = rows(answer.content, kinds)
            due, found = _due(answer, len(records)), len(records)
            if found == due:
                return records, answer.headers.get("sforce-locator") or ""
        raise Unavailable(
            f"{self._api.connection}: bulk job {job} answered {found} of {due} rows", "run again"
        )

    def _path(self, job: str) -> str:
        return self._api.path(f"jobs/query/{job}")


def _due(answer: Answer, found: int) -> int:
    told = answer.headers.get("sforce-numberofrecords") or ""
    return int(told) if told.isdigit() else found


def rows(content: bytes, kinds: Mapping[str, Type]) -> list[Record]:
    """A CSV's rows with the values that REST would have: nothing is NULL, numbers, true and false.

    A row that was cut short is none, so that fewer are counted than were told.
    """
    reader = csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline=""), strict=True)
    names = next(reader, [])
    read = [_reader(kinds.get(name, "text")) for name in names]
    found: list[Record] = []
    with contextlib.suppress(csv.Error):
        for line in reader:
            if len(line) == len(names):
                cells = zip(names, read, line, strict=True)
                found.append({name: to(cell) if cell else None for name, to, cell in cells})
    return found


def _reader(kind: Type) -> Callable[[str], Any]:
    if kind == "bool":
        return lambda cell: cell == "true"
    if kind == "timestamp":
        return lambda cell: f"{cell[:-1]}+0000" if cell.endswith("Z") else cell
    return _number if kind in ("bigint", "double", "decimal") else str


def _number(cell: str) -> Any:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
