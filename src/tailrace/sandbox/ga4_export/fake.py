"""BigQuery's REST API v2 over one export dataset: tables, their rows, and simple queries (vendor-apis 6.2)."""

from __future__ import annotations

import random
import re
from typing import Any
from urllib.parse import unquote

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.ga4_export.dataset import DAILY, INTRADAY, Dataset, Table, reference
from tailrace.sandbox.ga4_export.queries import Query, parse, select
from tailrace.sandbox.ga4_export.schema import encode
from tailrace.sandbox.google import ApiError, TokenDesk
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import World
from tailrace.sandbox.world.sessions import PROPERTY_ID

PROJECT, DATASET = "tailrace-sandbox", f"analytics_{PROPERTY_ID}"
LOCATION = "US"
PREFIXES = {"events": DAILY, "events_intraday": INTRADAY}
MOST_TABLES, MOST_ROWS = 1000, 10_000
"""What one answer holds here; BigQuery ends a page of rows by its bytes."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"
ROUTES = {
    "listed": ("GET", re.compile(r"/projects/([^/]+)/datasets/([^/]+)/tables")),
    "described": ("GET", re.compile(r"/projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)")),
    "rows": ("GET", re.compile(r"/projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)/data")),
    "queried": ("POST", re.compile(r"/projects/([^/]+)/queries")),
    "inserted": ("POST", re.compile(r"/projects/([^/]+)/jobs")),
    "job": ("GET", re.compile(r"/projects/([^/]+)/jobs/([^/]+)")),
    "results": ("GET", re.compile(r"/projects/([^/]+)/queries/([^/]+)")),
}
REASONS = {
    400: "invalid",
    401: "authError",
    403: "accessDenied",
    404: "notFound",
    405: "httpMethodNotAllowed",
}


class Ga4Export:
    """One project with one dataset."""

    name = "ga4_export"

    def __init__(self, world: World, clock: Clock, settings: Settings) -> None:
        self.row_errors: list[RowError] = []
        self._world, self._clock, self._settings = world, clock, settings
        self._tokens = TokenDesk(clock, settings.token, SCOPE, self_signed=True)
        self._jobs: dict[str, dict[str, Any]] = {}
        self._dataset = self._fresh()

    def _fresh(self) -> Dataset:
        return Dataset(self._world, self._clock, self._settings.seed, self._settings.today)

    def handle(self, request: Request) -> Response:
        """Answer one request; errors in BigQuery's envelope, which names a reason."""
        path = unquote(request.path)
        if path == "/token" and request.method == "POST":
            return self._tokens.mint(request)
        try:
            return Response.of(200, self._route(request, path))
        except ApiError as error:
            return _refusal(error)

    def _route(self, request: Request, path: str) -> dict[str, Any]:
        if self._tokens.check(request):
            raise ApiError(401, "Request had invalid authentication credentials.")
        inner = path.removeprefix("/bigquery/v2")
        for name, (method, route) in ROUTES.items():
            found = route.fullmatch(inner)
            if found is not None and inner != path:
                if request.method != method:
                    raise ApiError(405, "Request method is not allowed for this URL.")
                if found[1] != PROJECT:
                    raise ApiError(
                        403, f"Access Denied: Project {found[1]}: User does not have the permission."
                    )
                document: dict[str, Any] = getattr(self, f"_{name}")(request, *found.groups()[1:])
                return document
        raise ApiError(404, f"Request path {path} was not found.")

    def _known(self, dataset: str) -> None:
        if dataset != DATASET:
            raise ApiError(404, f"Not found: Dataset {PROJECT}:{dataset}")

    def _table(self, dataset: str, name: str) -> Table:
        self._known(dataset)
        table = self._dataset.tables.get(name)
        if table is None:
            raise ApiError(404, f"Not found: Table {PROJECT}:{dataset}.{name}")
        return table

    def _listed(self, request: Request, dataset: str) -> dict[str, Any]:
        """Names and times of creation, as the reference of tables.list has them: no rows, no time of change."""
        self._known(dataset)
        tables = [self._dataset.tables[name] for name in sorted(self._dataset.tables)]
        start, end = _span(request, MOST_TABLES, "maxResults")
        document: dict[str, Any] = {"kind": "bigquery#tableList", "etag": f"list-{len(tables)}"}
        if tables[start:end]:
            document["tables"] = [_item(table) for table in tables[start:end]]
        if end < len(tables):
            document["nextPageToken"] = str(end)
        return {**document, "totalItems": len(tables)}

    def _described(self, request: Request, dataset: str, name: str) -> dict[str, Any]:  # noqa: ARG002 - as all routes
        table = self._table(dataset, name)
        return {
            **_item(table),
            "kind": "bigquery#table",
            "etag": f"etag-{table.modified}",
            "schema": {"fields": table.fields()},
            "numRows": str(len(table.rows)),
            "numBytes": str(len(table.rows) * 1000),
            "lastModifiedTime": str(table.modified),
            "location": LOCATION,
        }

    def _rows(self, request: Request, dataset: str, name: str) -> dict[str, Any]:
        table = self._table(dataset, name)
        document = _page(request, table.fields(), table.rows)
        return {"kind": "bigquery#tableDataList", "etag": f"rows-{table.modified}", **document}

    def _queried(self, request: Request) -> dict[str, Any]:
        """jobs.query: parsed, run and answered at once, as BigQuery does with what is quick."""
        body = _body(request)
        return self._answer(self._job_for(body.get("query"), body), request, body.get("maxResults"))

    def _inserted(self, request: Request) -> dict[str, Any]:
        body = _body(request)
        query = (body.get("configuration") or {}).get("query") or {}
        wanted = (body.get("jobReference") or {}).get("jobId")
        return self._resource(self._job_for(query.get("query"), query, wanted))

    def _job(self, request: Request, key: str) -> dict[str, Any]:  # noqa: ARG002 - as all routes
        return self._resource(self._held(key))

    def _results(self, request: Request, key: str) -> dict[str, Any]:
        return self._answer(self._held(key), request, request.param("maxResults"))

    def _held(self, key: str) -> str:
        if key not in self._jobs:
            raise ApiError(404, f"Not found: Job {PROJECT}:{LOCATION}.{key}")
        return key

    def _job_for(self, text: Any, options: dict[str, Any], wanted: str | None = None) -> str:
        if options.get("useLegacySql", True) is not False:
            raise ApiError(400, "The sandbox runs GoogleSQL only: send useLegacySql false.")
        query = parse(text) if isinstance(text, str) else None
        if query is None:
            raise ApiError(
                400, "The sandbox runs SELECT * | COUNT(*) | columns FROM one table [LIMIT n] only."
            )
        fields, rows = self._run(query)
        key = wanted or f"job_{len(self._jobs) + 1:06d}"
        self._jobs[key] = {"text": text, "fields": fields, "rows": rows}
        return key

    def _run(self, query: Query) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        project, _, rest = query.table.replace(":", ".", 1).partition(".")
        dataset, _, name = rest.partition(".")
        if not name or project != PROJECT:
            raise ApiError(400, f'Table "{query.table}" must be qualified with a project and a dataset.')
        table = self._table(dataset, name)
        try:
            return select(query, table.fields(), table.rows)
        except KeyError as error:
            raise ApiError(400, f"Unrecognized name: {error.args[0]}") from None

    def _reference(self, key: str) -> dict[str, Any]:
        return {"projectId": PROJECT, "jobId": key, "location": LOCATION}

    def _resource(self, key: str) -> dict[str, Any]:
        return {
            "kind": "bigquery#job",
            "id": f"{PROJECT}:{LOCATION}.{key}",
            "jobReference": self._reference(key),
            "configuration": {
                "jobType": "QUERY",
                "query": {"query": self._jobs[key]["text"], "useLegacySql": False},
            },
            "status": {"state": "DONE"},
            "statistics": {"query": {"statementType": "SELECT"}},
        }

    def _answer(self, key: str, request: Request, most: Any) -> dict[str, Any]:
        job = self._jobs[key]
        page = _page(request, job["fields"], job["rows"], None if most is None else int(most))
        return {
            "kind": "bigquery#queryResponse",
            "jobReference": self._reference(key),
            "jobComplete": True,
            "schema": {"fields": job["fields"]},
            **page,
        }

    def objects(self) -> list[str]:
        """Events (the daily tables) and events_intraday."""
        return list(PREFIXES)

    def records(self, obj: str) -> list[dict[str, Any]]:
        """Rows of all tables of that kind, nested as BigQuery's JSON has them."""
        return self._dataset.events(_prefix(obj))

    def replace(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Hold exactly these, in one table per event_date."""
        self._dataset.replace(_prefix(obj), records)

    def upsert(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Add events, or put them in the place of the same ones."""
        self._dataset.upsert(_prefix(obj), records)

    def remove(self, obj: str, key: str) -> bool:
        """All events of one user_pseudo_id."""
        return self._dataset.remove(_prefix(obj), key)

    def writes(self, obj: str) -> dict[str, int]:
        """None: nothing is written through this API."""
        _prefix(obj)
        return {}

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """Late events in the last 3 days' tables; in every second round the intraday table becomes the daily one."""
        if rounds_done % 2:
            self._dataset.complete()
        if self._dataset.tables:
            self._dataset.late_events(rng)

    def reset(self) -> None:
        """The generated tables, with their times; jobs and tokens stay."""
        self._dataset = self._fresh()


def _prefix(obj: str) -> str:
    if obj not in PREFIXES:
        raise KeyError(f"ga4_export has no {obj}; it has {', '.join(PREFIXES)}")
    return PREFIXES[obj]


def _item(table: Table) -> dict[str, Any]:
    return {
        "kind": "bigquery#table",
        "id": f"{PROJECT}:{DATASET}.{table.name}",
        "tableReference": reference(PROJECT, DATASET, table.name),
        "type": "TABLE",
        "creationTime": str(table.created),
    }


def _page(
    request: Request, fields: list[dict[str, Any]], rows: list[dict[str, Any]], most: int | None = None
) -> dict[str, Any]:
    start, end = _span(request, MOST_ROWS, "maxResults", most)
    document: dict[str, Any] = {"totalRows": str(len(rows))}
    if rows[start:end]:
        document["rows"] = [encode(fields, row) for row in rows[start:end]]
    if end < len(rows):
        document["pageToken"] = str(end)
    return document


def _span(request: Request, most: int, name: str, given: int | None = None) -> tuple[int, int]:
    """First and last of a page; the token is a row's number, as an opaque text."""
    token = request.param("pageToken") or request.param("startIndex") or "0"
    size = request.param(name) if given is None else str(given)
    if not token.isdecimal():
        raise ApiError(400, "Invalid page token.")
    if size is not None and not size.isdecimal():
        raise ApiError(400, f"Invalid value for {name}: {size}")
    return int(token), int(token) + min(most, most if size is None else int(size))


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError as error:
        raise ApiError(400, f"Invalid JSON payload received. {error}") from error
    if not isinstance(body, dict):
        raise ApiError(400, "Invalid JSON payload received. Root element must be a message.")
    return body


def _refusal(error: ApiError) -> Response:
    document = error.document()
    item = {"message": error.message, "domain": "global", "reason": REASONS.get(error.status, "invalid")}
    document["error"]["errors"] = [item]
    return Response.of(error.status, document)
