"""The Google Ads fake: routes, headers, GAQL in, rows out (vendor-apis 7.1)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.google import ApiError, TokenDesk, json_body, wrong_method
from tailrace.sandbox.google_ads.access import Access, clients, entities_of
from tailrace.sandbox.google_ads.check import check
from tailrace.sandbox.google_ads.fields import ENTITIES, KINDS, STATS, camel
from tailrace.sandbox.google_ads.gaql import Query, QueryError, parse
from tailrace.sandbox.google_ads.records import OBJECTS, Record, Records
from tailrace.sandbox.google_ads.report import run
from tailrace.sandbox.limits import DailyLimit
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import World
from tailrace.sandbox.world.ads import manager
from tailrace.sandbox.world.catalogue import MANAGER_ID
from tailrace.sandbox.world.people import restated_spend

SEARCH = re.compile(r"/v(\d+)/customers/([^/]+)/googleAds:(search|searchStream)")
ACCESSIBLE = re.compile(r"/v(\d+)/customers:listAccessibleCustomers")
FIRST_VERSION, LAST_VERSION = 20, 30
PAGE_ROWS = 10_000
# Basic access; from memory, so a 429 for it is possible but its number is no promise of Google's
DAILY_OPERATIONS = 15_000
SCOPE = "https://www.googleapis.com/auth/adwords"
STREAM_KEYS = frozenset({"query", "summaryRowSetting"})
SEARCH_KEYS = frozenset(
    {"query", "pageToken", "pageSize", "validateOnly", "searchSettings", "summaryRowSetting"}
)
TOKEN_ERRORS = {
    "missing": (
        "OAUTH_TOKEN_HEADER_INVALID",
        "Request is missing required authentication credential. Expected OAuth 2 access token.",
    ),
    "invalid": ("OAUTH_TOKEN_INVALID", "Request had invalid authentication credentials."),
    "expired": ("OAUTH_TOKEN_EXPIRED", "The access token in the request header has expired."),
}


class GoogleAds:
    """Three generated accounts under one manager, or whatever accounts the loaded records name."""

    name = "google_ads"

    def __init__(self, world: World, clock: Clock, settings: Settings) -> None:
        self.row_errors: list[RowError] = []
        self._world = world
        self._settings = settings
        self._tokens = TokenDesk(clock, settings.token, SCOPE, self_signed=False)
        self._daily = DailyLimit(DAILY_OPERATIONS, clock)
        self._requests = 0
        self._made: Records | None = None
        self.access = Access()

    @property
    def _records(self) -> Records:
        if self._made is None:
            self._made = Records(self._world.google_ads)
        return self._made

    def handle(self, request: Request) -> Response:
        """Answer one request; errors in Google's envelope, inside an array where the route streams."""
        path = unquote(request.path)
        if path == "/token":
            return self._tokens.answer(request)
        self._requests += 1
        streaming = path.endswith(":searchStream")
        try:
            return self._route(request, path)
        except QueryError as error:
            refused = self._failure(400, "queryError", error.code, error.message)
        except ApiError as error:
            refused = error
        response = refused.response()
        return Response.of(refused.status, [refused.document()]) if streaming else response

    def _route(self, request: Request, path: str) -> Response:
        search = SEARCH.fullmatch(path)
        accessible = ACCESSIBLE.fullmatch(path)
        match = search or accessible
        if match is None:
            raise ApiError(404, f"The requested URL {path} was not found on this server.")
        if request.method != ("POST" if search else "GET"):
            raise wrong_method()
        version = int(match[1])
        if not FIRST_VERSION <= version <= LAST_VERSION:
            raise self._failure(
                400, "requestError", "UNSUPPORTED_VERSION", f"Version v{version} is not served."
            )
        self._admit(request)
        if search is None:
            names = [f"customers/{key}" for key in self.access.accessible(self._records)]
            return Response.of(200, {"resourceNames": names})
        customer = self._customer(request, search[2])
        answer: Callable[[Request, str], Response] = (
            self._stream if search[3] == "searchStream" else self._search
        )
        return answer(request, customer)

    def _admit(self, request: Request) -> None:
        fault = self._tokens.check(request)
        if fault:
            code, message = TOKEN_ERRORS[fault]
            raise self._failure(401, "authenticationError", code, message)
        if not request.headers.get("developer-token"):
            message = "The developer-token parameter is required for all requests."
            raise self._failure(400, "requestError", "DEVELOPER_TOKEN_PARAMETER_MISSING", message)
        if self._settings.limits and not self._daily.take():
            raise self._failure(
                429, "quotaError", "RESOURCE_EXHAUSTED", "Too many requests. Retry in 3600 seconds."
            )

    def _customer(self, request: Request, customer: str) -> str:
        """The account in the path, if the login may see it."""
        refusal = self.access.refusal(self._records, request.headers, customer)
        if refusal is not None:
            raise self._failure(refusal.status, refusal.group, refusal.code, refusal.message)
        return customer

    def _stream(self, request: Request, customer: str) -> Response:
        body = json_body(request, STREAM_KEYS)
        query = self._checked(body)
        rows = self._answer(query, customer)
        starts = range(0, max(len(rows), 1), PAGE_ROWS)
        return Response.of(200, [self._chunk(query, rows[start : start + PAGE_ROWS]) for start in starts])

    def _search(self, request: Request, customer: str) -> Response:
        body = json_body(request, SEARCH_KEYS)
        if body.get("pageSize"):
            message = "Setting the page size is not supported. Search Responses will have fixed page size of '10000' rows."
            raise self._failure(400, "requestError", "PAGE_SIZE_NOT_SUPPORTED", message)
        query = self._checked(body)
        if body.get("validateOnly"):
            return Response.of(200, {})
        rows = self._answer(query, customer)
        start = self._offset(body.get("pageToken") or "")
        document = self._chunk(query, rows[start : start + PAGE_ROWS])
        del document["requestId"]  # only a stream's chunks have one
        if start + PAGE_ROWS < len(rows):
            document["nextPageToken"] = f"page-{start + PAGE_ROWS}"
        if (body.get("searchSettings") or {}).get("returnTotalResultsCount"):
            document["totalResultsCount"] = str(len(rows))
        return Response.of(200, document)

    def _offset(self, token: str) -> int:
        if not token:
            return 0
        number = token.removeprefix("page-")
        if number == token or not number.isdecimal():
            raise self._failure(400, "requestError", "INVALID_PAGE_TOKEN", "Page token is invalid.")
        return int(number)

    def _checked(self, body: dict[str, Any]) -> Query:
        if body.get("summaryRowSetting") not in (None, "NO_SUMMARY_ROW", "UNSPECIFIED"):
            raise ApiError(501, "The sandbox answers no summary rows.")
        text = body.get("query")
        if not isinstance(text, str) or not text.strip():
            raise self._failure(
                400, "requestError", "REQUIRED_FIELD_MISSING", "Required field was missing: query."
            )
        query = parse(text)
        named = {
            *query.fields,
            *(item.field for item in query.conditions),
            *(name for name, _ in query.order),
        }
        check(query, self._seen(query.resource) if named - KINDS.keys() else set(), self._settings.today)
        return query

    def _seen(self, resource: str) -> set[str]:
        """Fields that the resource's records hold, beyond those known by heart."""
        if resource not in ENTITIES:
            return set()
        return self._records.fields(ENTITIES[resource]) | self._records.fields(STATS[resource])

    def _answer(self, query: Query, customer: str) -> list[Record]:
        used = {*query.fields, *(item.field for item in query.conditions)}
        if customer == MANAGER_ID and any(field.startswith("metrics.") for field in used):
            message = "Metrics cannot be requested for a manager account. To retrieve metrics, issue separate requests "
            raise QueryError(
                "REQUESTED_METRICS_FOR_MANAGER", message + "against each client account under the manager."
            )
        if query.resource == "customer_client":
            return run(query, clients(self._records, customer), [], self._settings.today)
        stats = self._records.of_customer(STATS[query.resource], customer)
        entities = self._records.of_customer(ENTITIES[query.resource], customer)
        if query.resource == "customer" and customer == MANAGER_ID:
            entities = [{"customer": manager()}]
        return run(query, entities or entities_of(query.resource, stats), stats, self._settings.today)

    def _chunk(self, query: Query, rows: list[Record]) -> dict[str, Any]:
        chunk: dict[str, Any] = {"results": rows} if rows else {}
        chunk["fieldMask"] = ",".join(".".join(camel(field)) for field in query.fields)
        chunk["requestId"] = self._request_id()
        chunk["queryResourceConsumption"] = str(10 + len(rows))
        return chunk

    def _request_id(self) -> str:
        return f"sandbox{self._requests:015d}"

    def _failure(self, status: int, group: str, code: str, message: str) -> ApiError:
        """An ApiError that carries Google Ads' own GoogleAdsFailure; the type names the newest version here."""
        failure = {
            "@type": "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure",
            "errors": [{"errorCode": {group: code}, "message": message}],
            "requestId": self._request_id(),
        }
        summary = message if status == 401 else "Request contains an invalid argument."
        return ApiError(status, summary if status in (400, 401) else message, [failure])

    def objects(self) -> list[str]:
        """customers, campaigns, ad_groups, ads and their three stats."""
        return list(OBJECTS)

    def records(self, obj: str) -> list[Record]:
        """The object's records, nested as the REST API returns them."""
        return self._records.all(obj)

    def replace(self, obj: str, records: list[Record]) -> None:
        """Hold exactly these."""
        self._records.replace(obj, records)

    def upsert(self, obj: str, records: list[Record]) -> None:
        """Add or change; what a record leaves out stays as it was."""
        self._records.upsert(obj, records)

    def remove(self, obj: str, key: str) -> bool:
        """Set an entity to REMOVED, or take one day of stats (`id/date`) away."""
        return self._records.remove(obj, key)

    def writes(self, obj: str) -> dict[str, int]:
        """None: the sandbox's Google Ads is read-only."""
        self._records.all(obj)
        return {}

    def advance(self, rng: random.Random, rounds_done: int) -> None:  # noqa: ARG002 - every fake is called alike
        """Spend of 3 days is restated, at the lowest level that has any."""
        for obj in ("ad_stats", "ad_group_stats", "campaign_stats"):
            rows = self._records.all(obj)
            if rows:
                for record, metrics in restated_spend(rng, rows):
                    self._records.restate(obj, record, metrics)
                return

    def reset(self) -> None:
        """Back to the world's records; tokens stay valid."""
        self._made = None
