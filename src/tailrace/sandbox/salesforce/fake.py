"""One Salesforce org behind its documented paths."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.limits import DailyLimit
from tailrace.sandbox.salesforce import composite, many, people, query, resources, single, stock
from tailrace.sandbox.salesforce.call import Call
from tailrace.sandbox.salesforce.errors import Refusal, not_found
from tailrace.sandbox.salesforce.ingest import IngestJobs
from tailrace.sandbox.salesforce.org import Org
from tailrace.sandbox.salesforce.query import Cursors
from tailrace.sandbox.salesforce.query_jobs import QueryJobs
from tailrace.sandbox.salesforce.routes import find_route
from tailrace.sandbox.salesforce.tokens import Tokens
from tailrace.sandbox.salesforce.world import INTEGRATION_USER, ORGANIZATION, HubSpotWorld, make_org
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response

DAILY_REQUESTS = 100_000
Handler = Callable[[Org, Call], Response]


class Salesforce:
    """REST and Bulk 2.0. The org is made when something is first asked of it."""

    name = "salesforce"

    def __init__(self, world: HubSpotWorld, clock: Clock, settings: Settings) -> None:
        self.row_errors: list[RowError] = []
        self.daily = DailyLimit(DAILY_REQUESTS, clock)
        self._world, self._clock, self._limited = world, clock, settings.limits
        self._org: Org | None = None
        self.tokens = Tokens(settings.token, clock, ORGANIZATION, INTEGRATION_USER)
        self.reset()

    @property
    def org(self) -> Org:
        """The state."""
        if self._org is None:
            self._org = Org(make_org(self._world), self._clock, INTEGRATION_USER)
        return self._org

    def handle(self, request: Request) -> Response:
        """Route, authenticate, count, and answer."""
        path = request.path.rstrip("/")
        if (request.method, path) == ("POST", "/services/oauth2/token"):
            return self.tokens.grant(request)
        if (request.method, path) == ("GET", "/services/data"):
            return resources.versions()
        try:
            self.tokens.check(request)
            self._count()
            response = self._answer(request, path)
        except Refusal as refusal:
            response = refusal.response()
        used = f"api-usage={self.daily.used}/{self.daily.limit}"
        response.headers["Sforce-Limit-Info"] = used
        return response

    def _count(self) -> None:
        if not self.daily.take() and self._limited:
            raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def _answer(self, request: Request, path: str) -> Response:
        if (request.method, path) == ("GET", "/services/oauth2/userinfo"):
            return resources.userinfo(request)
        found = find_route(request.method, request.path)
        if found is None or found[1].removeprefix("v") not in resources.VERSIONS:
            raise not_found()
        handler, version, arguments = found
        return self._handlers()[handler](self.org, Call(request, version, arguments, self.row_errors))

    def _handlers(self) -> dict[str, Handler]:
        cursors, jobs = self.cursors, self.query_jobs
        return {
            "query": lambda org, call: query.query(org, cursors, call, deleted=False),
            "query_all": lambda org, call: query.query(org, cursors, call, deleted=True),
            "more": lambda org, call: query.more(org, cursors, call),
            "limits": lambda _org, _call: resources.limits(self.daily),
            "describe_all": resources.describe_all,
            "basics": resources.basics,
            "describe": resources.describe,
            "deleted": resources.deleted,
            "updated": resources.updated,
            "query_job_create": jobs.create,
            "query_job_read": jobs.read,
            "query_job_change": jobs.change,
            "query_job_remove": jobs.remove,
            "query_job_results": jobs.results,
            "create": single.create,
            "read": single.read,
            "update": single.update,
            "delete": single.delete,
            "read_by": single.read_by,
            "upsert": single.upsert,
            "composite": lambda org, call: composite.run(org, call, self._inner),
            "insert_many": many.insert,
            "update_many": many.update,
            "delete_many": many.delete,
            "upsert_many": many.upsert,
            **self._ingest(),
        }

    def _ingest(self) -> dict[str, Handler]:
        jobs = self.ingest_jobs
        return {
            "ingest_listing": jobs.listing,
            "ingest_create": jobs.create,
            "ingest_upload": jobs.upload,
            "ingest_read": jobs.read,
            "ingest_change": jobs.change,
            "ingest_remove": jobs.remove,
            "ingest_successful": jobs.successful,
            "ingest_failures": jobs.failures,
            "ingest_unprocessed": jobs.unprocessed,
        }

    def _inner(self, request: Request) -> Response:
        """A request inside a composite one: already authenticated and counted."""
        try:
            return self._answer(request, request.path.rstrip("/"))
        except Refusal as refusal:
            return refusal.response()

    def objects(self) -> list[str]:
        """Object types, and `<type>.fields`."""
        return stock.objects(self.org)

    def records(self, obj: str) -> list[dict[str, Any]]:
        """What lives, in id order."""
        return stock.records(self.org, obj)

    def replace(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Hold exactly these."""
        stock.replace(self.org, obj, records)

    def upsert(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Add or change by id."""
        stock.upsert(self.org, obj, records)

    def remove(self, obj: str, key: str) -> bool:
        """Put one record into the recycle bin."""
        return stock.remove(self.org, obj, key)

    def writes(self, obj: str) -> dict[str, int]:
        """How often the API wrote each record."""
        return stock.writes(self.org, obj)

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """One round of people at work."""
        people.work(self.org, rng, rounds_done)

    def reset(self) -> None:
        """The world's records again; minted tokens stay valid."""
        self._org = None
        self.cursors, self.query_jobs, self.ingest_jobs = Cursors(), QueryJobs(), IngestJobs()
