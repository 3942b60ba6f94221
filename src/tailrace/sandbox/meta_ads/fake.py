"""The Meta Ads fake: versions, tokens, nodes and edges of the Graph API (vendor-apis 7.3)."""

from __future__ import annotations

import hashlib
import hmac
import random
import re
from urllib.parse import unquote

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.meta_ads import audiences, insights
from tailrace.sandbox.meta_ads.audiences import Audiences
from tailrace.sandbox.meta_ads.call import Call, known
from tailrace.sandbox.meta_ads.errors import GraphError, invalid, unknown_node
from tailrace.sandbox.meta_ads.fields import FIELDS, HIDDEN, NODES, STATUSES
from tailrace.sandbox.meta_ads.filters import conditions, passes
from tailrace.sandbox.meta_ads.records import OBJECTS, Record, Records
from tailrace.sandbox.meta_ads.reports import Reports, Run
from tailrace.sandbox.meta_ads.usage import CALLS, Usage
from tailrace.sandbox.meta_ads.work import work
from tailrace.sandbox.meta_ads.world import ACCOUNTS, BUSINESS, make_world, utc_spelled
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import World

VERSION = re.compile(r"/(v(\d+)\.\d+)(/.*)?")
OLDEST, NEWEST = 24, 26
APP_SECRET, APP_ID, USER_ID = "sandbox-app-secret", "230000000000001", "240000000000001"
PERMISSIONS = ("ads_read", "ads_management", "business_management", "public_profile")
EDGES = ("campaigns", "adsets", "ads")
LEVEL_OF = {"accounts": "account", "campaigns": "campaign", "adsets": "adset", "ads": "ad"}


class MetaAds:
    """Two generated accounts, or whatever accounts the loaded records name."""

    name = "meta_ads"

    def __init__(self, world: World, clock: Clock, settings: Settings) -> None:
        self.row_errors: list[RowError] = []
        self._world, self._clock, self._settings = world, clock, settings
        self._usage = Usage(CALLS if settings.limits else None)
        self._reports = Reports()
        self.audiences = Audiences(account.id for account in ACCOUNTS)
        self._requests = 0
        self._generated: dict[str, list[Record]] | None = None
        self._made: Records | None = None
        self._last: tuple[tuple[insights.Asked, int], list[Record]] | None = None

    @property
    def _records(self) -> Records:
        if self._made is None:
            if self._generated is None:
                self._generated = make_world(self._world)
            self._made = Records(self._generated)
        return self._made

    def handle(self, request: Request) -> Response:
        """Answer one request; errors in the Graph API's envelope."""
        self._requests += 1
        try:
            return self._route(request)
        except GraphError as error:
            return error.response(f"Asandbox{self._requests:012d}")

    def _route(self, request: Request) -> Response:
        match = VERSION.fullmatch(unquote(request.path))
        path = (match[3] or "").strip("/") if match else ""
        if match is None or int(match[2]) > NEWEST or not path:
            raise GraphError(2500, f"Unknown path components: {request.path}")
        if int(match[2]) < OLDEST:
            message = f"You are calling a deprecated version of the Ads API. Please update to the latest version: v{NEWEST}.0."
            raise GraphError(2635, f"(#2635) {message}")
        call = Call.of(request, match[1], path)
        self._admit(call)
        node, _, edge = path.partition("/")
        if node == "me":
            return self._me(call, edge)
        if node == "debug_token":
            return self._debug(call)
        run = self._reports.find(node)
        if run is not None:
            return self._report(call, run, edge)
        audience = self.audiences.find(node)
        if audience is not None:
            call.headers.update(self._usage.count(str(audience["account_id"]), "custom_audience"))
            return audiences.one(call, self.audiences, audience, edge, self.row_errors)
        return self._node(call, node, edge)

    def _admit(self, call: Call) -> None:
        """A token in the query, the form or the header; its proof where one is sent."""
        bearer = call.request.headers.get("authorization", "")
        token = call.text("access_token") or bearer.removeprefix("Bearer ").removeprefix("OAuth ")
        if not token:
            raise GraphError(104, "An access token is required to request this resource.")
        if token != self._settings.token:
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        proof = call.text("appsecret_proof")
        due = hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
        if proof is not None and not hmac.compare_digest(proof, due):
            message = "Invalid appsecret_proof provided in the API argument"
            raise GraphError(100, message, kind="GraphMethodException")

    def _me(self, call: Call, edge: str) -> Response:
        _only(call, "GET", "me")
        if edge == "adaccounts":
            return self._list(call, "accounts", self._records.accounts())
        if edge == "permissions":
            granted = [{"permission": name, "status": "granted"} for name in PERMISSIONS]
            return call.answer({"data": granted})
        if edge:
            raise unknown_node("me")
        return call.answer({"id": USER_ID, "name": f"{BUSINESS['name']} system user"})

    def _debug(self, call: Call) -> Response:
        _only(call, "GET", "debug_token")
        asked = call.text("input_token")
        if asked is None:
            raise invalid("You must provide a valid access token in the input_token parameter")
        valid = asked == self._settings.token
        about: Record = {"app_id": APP_ID, "is_valid": valid}
        if valid:
            never = {"expires_at": 0, "data_access_expires_at": 0}
            about |= {"type": "SYSTEM_USER", "user_id": USER_ID, "scopes": list(PERMISSIONS), **never}
        return call.answer({"data": about})

    def _node(self, call: Call, node: str, edge: str) -> Response:
        found = self._records.node(node)
        if found is None:
            raise unknown_node(node, call.request.method.lower())
        obj, record = found
        kind = "ads_insights" if edge == "insights" else "ads_management"
        call.headers.update(self._usage.count(str(record["account_id"]), kind))
        if edge == "insights":
            return self._insights(call, obj, record)
        if obj == "accounts" and edge == "customaudiences":
            return self._customaudiences(call, str(record["account_id"]))
        _only(call, "GET", node)
        if not edge:
            return call.answer(self._shown(call, obj, record))
        if obj != "accounts" or edge not in EDGES:
            raise unknown_node(node)
        return self._list(call, edge, self._records.of_account(edge, str(record["account_id"])))

    def _customaudiences(self, call: Call, account: str) -> Response:
        if call.request.method == "POST":
            return audiences.made(call, self.audiences, account)
        _only(call, "GET", f"act_{account}")
        rows, names = self.audiences.of_account(account), call.fields()
        return call.page(rows, lambda row: self.audiences.shown(row, names))

    def _insights(self, call: Call, obj: str, record: Record) -> Response:
        key = str(record["account_id"] if obj == "accounts" else record["id"])
        asked = insights.ask(call, self._records, key, LEVEL_OF[obj], self._settings.today)
        if call.request.method == "POST":
            return call.answer({"report_run_id": self._reports.start(str(record["account_id"]), asked).id})
        _only(call, "GET", key)
        return call.page(self._answered(asked), lambda row: row)

    def _answered(self, asked: insights.Asked) -> list[Record]:
        """The rows, made once for all pages of one listing."""
        state = (asked, self._records.version)
        if self._last is None or self._last[0] != state:
            self._last = (state, insights.answer(self._records, asked, whole=False))
        return self._last[1]

    def _report(self, call: Call, run: Run, edge: str) -> Response:
        _only(call, "GET", run.id)
        call.headers.update(self._usage.count(run.account, "ads_insights"))
        if edge == "insights":
            return call.page(self._reports.rows(run), lambda row: row)
        if edge:
            raise unknown_node(run.id)
        return call.answer(self._reports.look(run, self._records))

    def _list(self, call: Call, obj: str, rows: list[Record]) -> Response:
        statuses = call.texts("effective_status")
        for number, status in enumerate(statuses):
            if status not in STATUSES.get(obj, ()):
                choices = ", ".join(sorted(STATUSES.get(obj, ())))
                raise invalid(f"effective_status[{number}] must be one of the following values: {choices}")
        filtering = [
            (field if "." in field else f"{LEVEL_OF[obj]}.{field}", operator, value)
            for field, operator, value in conditions(call.document("filtering"))
        ]
        told = {field.partition(".")[2] for field, _, _ in filtering} & {"effective_status", "id"}
        shown = [
            row
            for row in rows
            if (row.get("effective_status") in statuses if statuses else told or _listed(row))
            and passes(row, filtering, self._records)
        ]
        return call.page(shown, lambda row: self._shown(call, obj, row))

    def _shown(self, call: Call, obj: str, row: Record) -> Record:
        """The fields asked for that the record has, and its id."""
        names = call.fields() or (["account_id"] if obj == "accounts" else [])
        known(names, FIELDS[obj] | row.keys(), NODES[obj])
        return {**{name: row[name] for name in names if row.get(name) is not None}, "id": row["id"]}

    def objects(self) -> list[str]:
        """accounts, campaigns, adsets, ads, the insights of four levels, audiences and their users."""
        return [*OBJECTS, *audiences.OBJECTS]

    def records(self, obj: str) -> list[Record]:
        """The object's records, as the API returns them; of an audience's users what was sent."""
        return self.audiences.all(obj) if obj in audiences.OBJECTS else self._records.all(obj)

    def replace(self, obj: str, records: list[Record]) -> None:
        """Hold exactly these."""
        if obj in audiences.OBJECTS:
            self.audiences.replace(obj, records)
        else:
            self._records.replace(obj, records)

    def upsert(self, obj: str, records: list[Record]) -> None:
        """Add or change; what a record leaves out stays as it was, and days of a level add up in those above."""
        if obj in audiences.OBJECTS:
            self.audiences.upsert(obj, records)
        else:
            self._records.upsert(obj, records, self._stamp)

    def remove(self, obj: str, key: str) -> bool:
        """Delete a node (it stays, DELETED), take one day of insights (`id/day`) away, or one user out of an audience."""
        if obj in audiences.OBJECTS:
            return self.audiences.remove(obj, key)
        return self._records.remove(obj, key, self._stamp)

    def writes(self, obj: str) -> dict[str, int]:
        """How often the API put each user into an audience or took it out; nothing else can be written."""
        if obj in audiences.OBJECTS:
            return dict(self.audiences.writes[obj])
        self._records.all(obj)
        return {}

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """Spend is restated, ads are paused, made and deleted."""
        work(self._records, rng, rounds_done, self._stamp)

    def reset(self) -> None:
        """Back to the world's records; report runs are gone."""
        self._made = self._last = None
        self.audiences = Audiences(account.id for account in ACCOUNTS)
        self._reports = Reports()

    def _stamp(self) -> str:
        return utc_spelled(self._clock.stamp())


def _listed(row: Record) -> bool:
    return row.get("effective_status") not in HIDDEN


def _only(call: Call, method: str, node: str) -> None:
    if call.request.method != method:
        raise unknown_node(node, call.request.method.lower())
