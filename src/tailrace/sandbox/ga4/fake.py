"""The GA4 Data API fake: routes, tokens, quota; reports computed from its records (vendor-apis 6.1)."""

from __future__ import annotations

import random
import re
from typing import Any
from urllib.parse import unquote

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.ga4.metrics import (
    DERIVED,
    EVENT_DIMENSIONS,
    SESSION_DIMENSIONS,
    SESSION_METRICS,
    number_types,
)
from tailrace.sandbox.ga4.quota import Quota
from tailrace.sandbox.ga4.records import Record, Records
from tailrace.sandbox.ga4.report import answer, fields_filtered
from tailrace.sandbox.ga4.request import REPORT_KEYS, read_request
from tailrace.sandbox.ga4.sources import choose
from tailrace.sandbox.google import ApiError, TokenDesk, json_body, wrong_method
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import World
from tailrace.sandbox.world.people import late_sessions
from tailrace.sandbox.world.sessions import CURRENCY, PROPERTY_ID, TIME_ZONE

ROUTE = re.compile(r"/v1beta/properties/([^/:]+)(?::(runReport|batchRunReports)|/(metadata))")
MOST_REPORTS = 5
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
TOKEN_REASONS = {
    "missing": "CREDENTIALS_MISSING",
    "invalid": "ACCESS_TOKEN_TYPE_UNSUPPORTED",
    "expired": "ACCESS_TOKEN_EXPIRED",
}


class Ga4:
    """One generated property, or the ones that the loaded records name in `property_id`."""

    name = "ga4"

    def __init__(self, world: World, clock: Clock, settings: Settings) -> None:
        self.row_errors: list[RowError] = []
        self._world = world
        self._settings = settings
        self._tokens = TokenDesk(clock, settings.token, SCOPE, self_signed=True)
        self._quota = Quota(clock)
        self._made: Records | None = None

    @property
    def _records(self) -> Records:
        if self._made is None:
            self._made = Records(self._world.ga4.sessions)
        return self._made

    def handle(self, request: Request) -> Response:
        """Answer one request; errors in Google's envelope."""
        path = unquote(request.path)
        try:
            if path == "/token":
                return self._tokens.answer(request)
            return self._route(request, path)
        except ApiError as error:
            return error.response()

    def _route(self, request: Request, path: str) -> Response:
        match = ROUTE.fullmatch(path)
        if match is None:
            raise ApiError(404, f"The requested URL {path} was not found on this server.")
        key, method, metadata = match.groups()
        if request.method != ("GET" if metadata else "POST"):
            raise wrong_method()
        self._admit(request, key)
        if metadata:
            document = self._metadata(key)
        elif method == "batchRunReports":
            document = self._batch(request, key)
        else:
            document = self._report(json_body(request, REPORT_KEYS), key)
        if "enum-encoding=int" in (request.param("$alt") or ""):
            number_types(document)
        return Response.of(200, document)

    def _admit(self, request: Request, key: str) -> None:
        fault = self._tokens.check(request)
        if fault:
            message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
            raise ApiError(
                401, message + "other valid authentication credential.", [_error_info(TOKEN_REASONS[fault])]
            )
        if not key.isdecimal():
            raise ApiError(400, f"Invalid property ID: {key}. A numeric Property ID is required.")
        if key != PROPERTY_ID and key not in self._records.properties():
            raise ApiError(403, "User does not have sufficient permissions for this property.")

    def _report(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        if body.get("property") not in (None, "", f"properties/{key}"):
            raise ApiError(
                400, f"Property {body['property']} in the body does not match properties/{key} in the URL."
            )
        if self._settings.limits:
            self._quota.check()
        asked = read_request(body, self._settings.today)
        dimensions = {*asked.dimensions, *fields_filtered(asked.dimension_filter)} - {"dateRange"}
        metrics = {*asked.metrics, *fields_filtered(asked.metric_filter)}
        source = choose(self._records.sources(), sorted(dimensions), sorted(metrics))
        document = answer(asked, source, CURRENCY, TIME_ZONE)
        tokens = 1 + len(asked.dimensions) + len(document.get("rows", ())) // 1000
        self._quota.use(tokens)
        if asked.want_quota:
            document["propertyQuota"] = self._quota.document(tokens)
        return document

    def _batch(self, request: Request, key: str) -> dict[str, Any]:
        bodies = json_body(request, frozenset({"requests"})).get("requests") or []
        if not 1 <= len(bodies) <= MOST_REPORTS:
            raise ApiError(400, f"A batch holds 1 to {MOST_REPORTS} requests. This one holds {len(bodies)}.")
        return {
            "reports": [self._report(body, key) for body in bodies],
            "kind": "analyticsData#batchRunReports",
        }

    def _metadata(self, key: str) -> dict[str, Any]:
        """Dimensions and metrics that some report here can have."""
        sources = self._records.sources()
        dimensions = {*SESSION_DIMENSIONS, *EVENT_DIMENSIONS, *DERIVED}.union(
            *(item.dimensions for item in sources)
        )
        metrics = {**SESSION_METRICS}
        for item in sources:
            metrics |= {name: metric for name, metric in item.metrics.items() if name not in metrics}
        return {
            "name": f"properties/{key}/metadata",
            "dimensions": [
                {"apiName": name, "uiName": name, "category": "Sandbox"} for name in sorted(dimensions)
            ],
            "metrics": [
                {"apiName": name, "uiName": name, "type": metrics[name].type, "category": "Sandbox"}
                for name in sorted(metrics)
            ],
        }

    def objects(self) -> list[str]:
        """sessions, events, and the recorded reports that were loaded."""
        return self._records.objects()

    def records(self, obj: str) -> list[Record]:
        """The object's records."""
        return self._records.all(obj)

    def replace(self, obj: str, records: list[Record]) -> None:
        """Hold exactly these; any new name becomes a table that reports are answered from."""
        self._records.replace(obj, records)

    def upsert(self, obj: str, records: list[Record]) -> None:
        """Sessions are added, events and table lines of the same key replaced."""
        self._records.upsert(obj, records)

    def remove(self, obj: str, key: str) -> bool:
        """All that is known of one user, or one line of a table."""
        return self._records.remove(obj, key)

    def writes(self, obj: str) -> dict[str, int]:
        """None: the Data API only reads."""
        self._records.all(obj)
        return {}

    def advance(self, rng: random.Random, rounds_done: int) -> None:  # noqa: ARG002 - every fake is called alike
        """Late sessions for the last 2 days; a property with loaded data and no sessions gets none."""
        sessions = self._records.all("sessions")
        if sessions:
            self._records.upsert("sessions", late_sessions(rng, sessions, self._settings.today))

    def reset(self) -> None:
        """Back to the world's sessions; events and tables go, tokens and quota stay."""
        self._made = None


def _error_info(reason: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
