"""The Mailchimp fake: credentials, routes, and what the admin API may do (vendor-apis 3)."""

from __future__ import annotations

import base64
import binascii
import random
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.mailchimp import batches, records
from tailrace.sandbox.mailchimp.listing import Call, Habits
from tailrace.sandbox.mailchimp.problem import Problem, not_found
from tailrace.sandbox.mailchimp.routes import find_route
from tailrace.sandbox.mailchimp.stock import OBJECTS, Account, Record
from tailrace.sandbox.mailchimp.working import work
from tailrace.sandbox.mailchimp.world import Tables, make_tables
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import World

ACCOUNT_ID, DC = "5f6e3ecf1275a0cdb5e31e90b", "us1"
LOGIN = {
    "login_id": 168_000_001,
    "login_name": "ops@millbrook.example",
    "login_email": "ops@millbrook.example",
}


class Mailchimp:
    """One account with two lists. `habits` are what the documentation leaves open."""

    name = "mailchimp"

    def __init__(self, world: World, clock: Clock, settings: Settings) -> None:
        self.row_errors: list[RowError] = []
        self.habits = Habits()
        self.role = "admin"
        self._world, self._clock, self._settings = world, clock, settings
        self._tables: Tables | None = None
        self._made: Account | None = None
        self._rounds: list[tuple[random.Random, int]] = []

    @property
    def _account(self) -> Account:
        """Made when first asked for; rounds of work until then are done then."""
        if self._made is None:
            if self._tables is None:
                self._tables = make_tables(self._world, self._settings.seed, self._settings.today)
            self._made = Account(self._tables)
            rounds, self._rounds = self._rounds, []
            for rng, number in rounds:
                work(self._made, self._clock, rng, number)
        return self._made

    def handle(self, request: Request) -> Response:
        """Answer one request; errors as problem+json."""
        try:
            if request.path.startswith("/batch-results/"):
                args = {"file": request.path.removeprefix("/batch-results/")}
                return batches.results(self._call(request, args))
            self._check(request)
            if request.path == "/oauth2/metadata":
                return Response.of(200, self._metadata(request))
            with self._clock.one_moment():
                return self._answer(request)
        except Problem as problem:
            return problem.response()

    def _answer(self, request: Request) -> Response:
        path = request.path.removeprefix("/3.0").rstrip("/")
        if not request.path.startswith("/3.0"):
            raise not_found()
        if path in ("", "/ping") and request.method == "GET":
            return Response.of(200, {"health_status": "Everything's Chimpy!"} if path else self._root())
        if (request.method, path) == ("POST", "/batches"):
            return batches.start(self._call(request, {}), self._operation)
        handler, args, known = find_route(request.method, path)
        if handler is None and known:
            text = "The requested method and resource are not compatible. See the Allow header for this resource's available methods."
            raise Problem(405, text)
        if handler is None:
            raise not_found()
        return handler(self._call(request, args))

    def _operation(self, request: Request) -> Response:
        """One operation of a batch: it fails by itself."""
        try:
            return self._answer(request)
        except Problem as problem:
            return problem.response()

    def _call(self, request: Request, args: dict[str, str]) -> Call:
        base = f"http://{request.headers.get('host', '127.0.0.1')}/{self.name}/3.0"
        return Call(self._account, self._clock, request, base, args, tuple(self.row_errors), self.habits)

    def _check(self, request: Request) -> None:
        """Basic with the key as the password whatever the user, Bearer, or OAuth; the key may end in -dc."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if not given:
            raise Problem(401, "Your request did not include an API key.", "API Key Missing")
        key = _password(given) if scheme.lower() == "basic" else given
        if key.removesuffix(f"-{DC}") != self._settings.token:
            text = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
            raise Problem(401, text)

    def _root(self) -> Record:
        """What the account says of itself and of whom the key belongs to."""
        members = self._account["members"].all()
        return {
            "account_id": ACCOUNT_ID,
            **LOGIN,
            "account_name": "Millbrook Stock",
            "email": LOGIN["login_email"],
            "role": self.role,
            "member_since": "2021-03-01T09:00:00+00:00",
            "pricing_plan_type": "monthly",
            "account_timezone": "America/New_York",
            "last_login": f"{self._settings.today}T00:00:00+00:00",
            "total_subscribers": sum(row["status"] == "subscribed" for row in members),
            "_links": [],
        }

    def _metadata(self, request: Request) -> Record:
        base = f"http://{request.headers.get('host', '127.0.0.1')}/{self.name}"
        login = {"email": LOGIN["login_email"], "avatar": None, **LOGIN}
        person = {"user_id": 131_000_001, "login": login, "login_url": base, "api_endpoint": base}
        return {"dc": DC, "role": self.role, "accountname": "Millbrook Stock", **person}

    def objects(self) -> list[str]:
        """Lists and what belongs to them, campaigns and what came of them."""
        return list(OBJECTS)

    def records(self, obj: str) -> list[dict[str, Any]]:
        """Flat records; activity is one action a record."""
        return self._account[obj].all()

    def replace(self, obj: str, records_: list[dict[str, Any]]) -> None:
        """Hold exactly these."""
        records.replace(self._account, obj, records_)

    def upsert(self, obj: str, records_: list[dict[str, Any]]) -> None:
        """Add or change."""
        records.upsert(self._account, self._clock, obj, records_)

    def remove(self, obj: str, key: str) -> bool:
        """Archive a member; take anything else away."""
        return records.remove(self._account, self._clock, obj, key)

    def writes(self, obj: str) -> dict[str, int]:
        """How often the API wrote each record, by its id."""
        self._account[obj]
        return dict(self._account.writes[obj])

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """One round, done at once where anybody has looked at the account."""
        if self._made is None:
            self._rounds.append((rng, rounds_done))
        else:
            work(self._made, self._clock, rng, rounds_done)

    def reset(self) -> None:
        """Back to the world's records, and to its habits."""
        self._made, self._rounds = None, []
        self.habits, self.role = Habits(), "admin"


def _password(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
