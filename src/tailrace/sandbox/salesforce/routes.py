"""Which handler answers which path; the version in it is a parameter of the call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

VERSION = re.compile(r"v\d+\.0")


@dataclass(frozen=True)
class Route:
    """A method and a path behind /services/data/vXX.0; segments in braces are arguments."""

    method: str
    pattern: tuple[str, ...]
    handler: str


def _route(line: str) -> Route:
    method, path, handler = line.split()
    return Route(method, tuple(path.split("/")), handler)


ROUTES = tuple(
    map(
        _route,
        (
            "GET query query",
            "GET queryAll query_all",
            "GET query/{locator} more",
            "GET queryAll/{locator} more",
            "GET limits limits",
            "GET sobjects describe_all",
            "GET sobjects/{object} basics",
            "GET sobjects/{object}/describe describe",
            "GET sobjects/{object}/deleted deleted",
            "GET sobjects/{object}/updated updated",
            "POST jobs/query query_job_create",
            "GET jobs/query/{id} query_job_read",
            "PATCH jobs/query/{id} query_job_change",
            "DELETE jobs/query/{id} query_job_remove",
            "GET jobs/query/{id}/results query_job_results",
            "POST sobjects/{object} create",
            "GET sobjects/{object}/{id} read",
            "PATCH sobjects/{object}/{id} update",
            "DELETE sobjects/{object}/{id} delete",
            "GET sobjects/{object}/{field}/{value} read_by",
            "PATCH sobjects/{object}/{field}/{value} upsert",
            "POST composite composite",
            "POST composite/sobjects insert_many",
            "PATCH composite/sobjects update_many",
            "DELETE composite/sobjects delete_many",
            "PATCH composite/sobjects/{object}/{field} upsert_many",
            "GET jobs/ingest ingest_listing",
            "POST jobs/ingest ingest_create",
            "PUT jobs/ingest/{id}/batches ingest_upload",
            "GET jobs/ingest/{id} ingest_read",
            "PATCH jobs/ingest/{id} ingest_change",
            "DELETE jobs/ingest/{id} ingest_remove",
            "GET jobs/ingest/{id}/successfulResults ingest_successful",
            "GET jobs/ingest/{id}/failedResults ingest_failures",
            "GET jobs/ingest/{id}/unprocessedRecords ingest_unprocessed",
        ),
    )
)


def find_route(method: str, path: str) -> tuple[str, str, dict[str, str]] | None:
    """(handler, version, arguments) of a path with or without a slash at its end; None where there is none."""
    parts = [part for part in path.split("/") if part]
    if len(parts) < 4 or parts[:2] != ["services", "data"] or not VERSION.fullmatch(parts[2]):
        return None
    for route in ROUTES:
        if route.method == method and len(route.pattern) == len(parts) - 3:
            arguments = _arguments(route.pattern, parts[3:])
            if arguments is not None:
                return route.handler, parts[2], arguments
    return None


def _arguments(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    found = {}
    for wanted, given in zip(pattern, parts, strict=True):
        if wanted[0] == "{":
            found[wanted[1:-1]] = unquote(given)
        elif wanted.lower() != given.lower():
            return None
    return found
