"""The LinkedIn fake: headers, versions, routes, tunnelled queries (vendor-apis 7.4)."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.limits import DailyLimit
from tailrace.sandbox.linkedin_ads.analytics import report
from tailrace.sandbox.linkedin_ads.errors import Refused, bad_parameter
from tailrace.sandbox.linkedin_ads.listing import listing
from tailrace.sandbox.linkedin_ads.records import OBJECTS, Record, Records
from tailrace.sandbox.linkedin_ads.restli import read_query
from tailrace.sandbox.linkedin_ads.tokens import Tokens
from tailrace.sandbox.linkedin_ads.working import work
from tailrace.sandbox.linkedin_ads.world import make_world
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import World

VERSION = re.compile(r"(20\d\d)(0[1-9]|1[0-2])(\.\d\d)?")
ACCOUNT = re.compile(r"/adAccounts/(\d+)(?:/(adCampaignGroups|adCampaigns|creatives))?")
BELOW = {"adCampaignGroups": "campaign_groups", "adCampaigns": "campaigns", "creatives": "creatives"}
MONTHS = 12
FORM = "application/x-www-form-urlencoded"
NO_VERSION = "A version must be present. Please specify a version by adding the LinkedIn-Version header."
DAY_LIMIT = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."


@dataclass
class Habits:
    """What the documentation leaves open, or changed with versions.

    `cursors`: listings page by pageToken, else by start and count. `most_elements`: where a report is cut;
    `longest_query`: characters of a URL's query from which the answer is 414; `daily`: requests a day.
    """

    cursors: bool = True
    most_elements: int = 15_000
    longest_query: int = 8_000
    daily: int = 100_000


class LinkedInAds:
    """Two generated accounts, or whatever the loaded records name."""

    name = "linkedin_ads"

    def __init__(self, world: World, clock: Clock, settings: Settings) -> None:
        self.row_errors: list[RowError] = []
        self.habits = Habits()
        self.tokens = Tokens(clock, settings.token)
        self._world, self._clock, self._settings = world, clock, settings
        self._daily = DailyLimit(self.habits.daily, clock)
        self._made: Records | None = None

    @property
    def _records(self) -> Records:
        if self._made is None:
            self._made = Records(make_world(self._world), self._stamp)
        return self._made

    def _stamp(self) -> int:
        return int(self._clock.stamp().timestamp() * 1000)

    def handle(self, request: Request) -> Response:
        """Answer one request; errors as Rest.li words them."""
        if request.path in ("/oauth/v2/accessToken", "/oauth/v2/introspectToken"):
            if request.method != "POST":
                return Refused(405, "METHOD_NOT_ALLOWED", "Method not allowed").response()
            return (
                self.tokens.mint(request)
                if "accessToken" in request.path
                else self.tokens.introspect(request)
            )
        try:
            return self._rest(request)
        except Refused as refused:
            return refused.response()

    def _rest(self, request: Request) -> Response:
        if not request.path.startswith("/rest/"):
            raise Refused(404, "RESOURCE_NOT_FOUND", f"No virtual resource found: {request.path}")
        refused = self.tokens.refuse(request)
        if refused:
            raise Refused(401, *refused)
        self._check_version(request)
        request = self._untunnelled(request)
        if request.method != "GET":
            raise Refused(405, "METHOD_NOT_ALLOWED", f"No method {request.method} on {request.path}")
        if self._settings.limits:
            self._daily.limit = self.habits.daily
            if not self._daily.take():
                raise Refused(429, "TOO_MANY_REQUESTS", DAY_LIMIT, 101)
        document = self._answer(request.path.removeprefix("/rest"), read_query(request.raw_query))
        return Response.of(200, document, x_restli_protocol_version="2.0.0")

    def _check_version(self, request: Request) -> None:
        version = request.headers.get("linkedin-version")
        if not version:
            raise Refused(400, "VERSION_MISSING", NO_VERSION)
        match = VERSION.fullmatch(version)
        today = self._settings.today
        age = (today.year - int(match[1])) * 12 + today.month - int(match[2]) if match else MONTHS + 1
        if age > MONTHS:
            raise Refused(426, "NONEXISTENT_VERSION", f"Requested version {version}01 is not active")
        if request.headers.get("x-restli-protocol-version") != "2.0.0":
            raise bad_parameter("Rest.li protocol version 2.0.0 is needed for this query's syntax")

    def _untunnelled(self, request: Request) -> Request:
        """A POST that says it is a GET has its query in the body."""
        if request.method != "POST" or request.headers.get("x-http-method-override") != "GET":
            if len(request.raw_query) > self.habits.longest_query:
                raise Refused(414, "URI_TOO_LONG", "Request URI Too Long")
            return request
        if not request.headers.get("content-type", "").startswith(FORM):
            raise bad_parameter(f"A tunnelled query has the content type {FORM}")
        return replace(request, method="GET", raw_query=request.body.decode("utf-8", "replace"))

    def _answer(self, path: str, params: dict[str, Any]) -> Record:
        if path == "/adAnalytics":
            return report(self._records, params, self._settings.today, self.habits.most_elements)
        cursors = self.habits.cursors
        if path == "/adAccounts":
            return listing(self._records.all("accounts"), params, "search", cursors=cursors, path=path)
        match = ACCOUNT.fullmatch(path)
        if match is None:
            raise Refused(404, "RESOURCE_NOT_FOUND", f"No virtual resource found: {path}")
        account = self._account(match[1], path)
        if match[2] is None:
            return account
        found = self._records.of_account(BELOW[match[2]], f"urn:li:sponsoredAccount:{match[1]}")
        finder = "criteria" if match[2] == "creatives" else "search"
        return listing(found, params, finder, cursors=cursors, path=path)

    def _account(self, key: str, path: str) -> Record:
        for account in self._records.all("accounts"):
            if str(account["id"]) == key:
                return account
        raise Refused(403, "ACCESS_DENIED", f"Not enough permissions to access: GET {path}", 100)

    def objects(self) -> list[str]:
        """Accounts and what is below them; `analytics` is one row a creative and day."""
        return list(OBJECTS)

    def records(self, obj: str) -> list[Record]:
        """The object's records as LinkedIn returns them; analytics flat."""
        return self._records.all(obj)

    def replace(self, obj: str, records: list[Record]) -> None:
        """Hold exactly these."""
        self._records.replace(obj, records)

    def upsert(self, obj: str, records: list[Record]) -> None:
        """Add or change; what a record leaves out stays as it was."""
        self._records.upsert(obj, records)

    def remove(self, obj: str, key: str) -> bool:
        """Set an entity to removed, or take one day of analytics (`creative/date`) away."""
        return self._records.remove(obj, key)

    def writes(self, obj: str) -> dict[str, int]:
        """None: the sandbox's LinkedIn is read-only."""
        self._records.all(obj)
        return {}

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """Days are restated, campaigns renamed, paused and made, a draft creative dropped."""
        work(self._records, rng, rounds_done, self._clock.now())

    def reset(self) -> None:
        """Back to the world's records; tokens and habits stay."""
        self._made = None
