"""HubSpot's CRM API on localhost."""

from __future__ import annotations

import random
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.hubspot import account, people, stock
from tailrace.sandbox.hubspot.call import Call
from tailrace.sandbox.hubspot.errors import Refusal
from tailrace.sandbox.hubspot.portal import HubSpotWorld, Portal
from tailrace.sandbox.hubspot.quota import Meter, Quota
from tailrace.sandbox.hubspot.routes import WITHOUT_TOKEN, Route, find_route
from tailrace.sandbox.hubspot.scopes import check_scopes
from tailrace.sandbox.hubspot.search import Searches, search
from tailrace.sandbox.hubspot.tokens import Tokens, fields_of
from tailrace.sandbox.hubspot.world import make_account
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response


class HubSpot:
    """One portal behind the documented paths of v3, v4, 2026-03 and 2026-09."""

    name = "hubspot"

    def __init__(
        self, world: HubSpotWorld, clock: Clock, settings: Settings, quota: Quota | None = None
    ) -> None:
        self.row_errors: list[RowError] = []
        self._world = world
        self._clock = clock
        self._tokens = Tokens(settings.token, clock)
        self._meter = Meter(quota or Quota(), clock, settings.limits)
        self._account = make_account(settings.seed, settings.today, world.hubspot, world.hubspot_associations)
        self.search_lag = 0.0
        """Seconds for which search does not see a change; HubSpot's index lags "a few moments" (vendor-apis 1.5)."""
        self.reset()

    def handle(self, request: Request) -> Response:
        """Route, authenticate, count, and answer."""
        found = find_route(request.method, request.path)
        try:
            if found is None:
                raise Refusal(404, "OBJECT_NOT_FOUND", f"No route for {request.method} {request.path}")
            route, version, arguments = found
            if route.handler in WITHOUT_TOKEN:
                return self._grant(route, request, arguments)
            scopes = self._tokens.check(request)
            return self._counted(route, Call(request, version, arguments, self.row_errors), scopes)
        except Refusal as refusal:
            return refusal.response()

    def _grant(self, route: Route, request: Request, arguments: dict[str, str]) -> Response:
        if route.handler == "token":
            return self._tokens.grant(request)
        if route.handler == "introspect":
            return self._tokens.introspect(request)
        if route.handler == "revoke":
            return self._tokens.revoke(arguments.get("token") or fields_of(request).get("token", ""))
        if route.handler == "refresh_info":
            return self._tokens.describe_refresh(arguments["token"])
        return self._tokens.describe(arguments["token"])

    def _counted(self, route: Route, call: Call, scopes: frozenset[str]) -> Response:
        is_search = route.handler == "search"
        response = self._meter.refusal(is_search)
        if response is None:
            try:
                check_scopes(scopes, self._portal, call, route.pattern[0])
                response = self._dispatch(route, call)
            except Refusal as refusal:
                response = refusal.response()
        if not is_search:
            response.headers.update(self._meter.headers())
        return response

    def _dispatch(self, route: Route, call: Call) -> Response:
        if route.handler == "search":
            return search(self._portal, call, self._searches, self.search_lag)
        if route.handler == "daily_usage":
            return account.daily_usage(self._portal, self._meter)
        assert callable(route.handler)
        return route.handler(self._portal, call)

    def objects(self) -> list[str]:
        """Object types, owners and associations."""
        return stock.objects(self._portal)

    def records(self, obj: str) -> list[dict[str, Any]]:
        """What lives, in id order."""
        return stock.records(self._portal, obj)

    def replace(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Hold exactly these."""
        stock.replace(self._portal, obj, records)

    def upsert(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Add or change by id."""
        stock.upsert(self._portal, obj, records)

    def remove(self, obj: str, key: str) -> bool:
        """Archive one record."""
        return stock.remove(self._portal, obj, key)

    def writes(self, obj: str) -> dict[str, int]:
        """How often the API wrote each record."""
        return stock.writes(self._portal, obj)

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """One round of people at work in the CRM."""
        people.work(self._portal, rng, rounds_done)

    def reset(self) -> None:
        """The world's records again; minted tokens stay valid."""
        self._portal = Portal(self._world, self._clock, self._account)
        self._searches = Searches()
