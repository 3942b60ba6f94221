"""HubSpot on a bad day: each run goes on correctly or stops with the reason, and the next one repairs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conformance.hubspot import api, live, merge
from tests.conformance.vendors import Desk, FreeLimiter, connect, spec

from tailrace.connectors.sdk.base import Connector
from tailrace.errors import RateLimited, TailraceError, Unavailable
from tailrace.events import Event, Notice, listening
from tailrace.land.raw import ArrowWriter
from tailrace.land.run import land_resource
from tailrace.project.spec import Marks, Pipeline, Resource
from tailrace.records import Page
from tailrace.sandbox.server import Sandbox
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

LIST = "/crm/objects/2026-09/contacts"
JSON = {"content-type": "application/json"}
LOGIN = {"access_token": "sandbox", "max_wait": "2s"}
OAUTH = {"client_id": "app", "client_secret": "app-secret", "refresh_token": "sandbox", "max_wait": "2s"}
PLACE = Marks("pipelines/hubspot.yml")
BASE = {"properties": ["email", "lead_score", "jobtitle"]}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=130, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five pages of contacts; of the listings the first is that of the archived, one page."""
    monkeypatch.setattr("tailrace.connectors.hubspot.api.LIST_PAGE", 30)


class Runs:
    """`hubspot.contacts` in a warehouse; every call is a run of the command, with a new connection."""

    def __init__(self, sandbox: Sandbox, **login: Any) -> None:
        self.warehouse, self.limiter = DuckDBWarehouse(None), FreeLimiter()
        self._url, self._login = sandbox.base_url("hubspot"), login or LOGIN
        self.told: list[str] = []
        self.runs = 0

    def connector(self) -> Connector:
        return connect("hubspot", self._url, self._login, self.limiter)

    def run(self, **options: Any) -> int:
        """The number of rows that were read."""
        connector, self.runs, self.told = self.connector(), self.runs + 1, []
        resource = Resource("contacts", {}, PLACE)
        pipeline = Pipeline("hubspot", "hubspot", "hubspot", (resource,), PLACE, "pipelines/hubspot.yml")
        try:
            with listening(self._hear):
                return land_resource(
                    self.warehouse,
                    connector.source(),
                    pipeline,
                    resource,
                    spec("hubspot", "contacts", {**BASE, **options}),
                    True,
                    run_id=f"run{self.runs}",
                    now=lambda: datetime.now(UTC),
                    writer=ArrowWriter(),
                ).rows_in
        finally:
            connector.close()

    def stops(self, kind: type[TailraceError], match: str, **options: Any) -> None:
        with pytest.raises(kind, match=match):
            self.run(**options)

    def rows(self, column: str = "email") -> dict[str, Any]:
        return dict(self.warehouse.query(f"SELECT id, {column} FROM hubspot.contacts"))

    def _hear(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.told.append(event.text)


@pytest.fixture
def runs(sandbox: Sandbox) -> Runs:
    return Runs(sandbox)


def assert_whole(runs: Runs, desk: Desk) -> None:
    truth = {one["id"]: one["properties"].get("email") for one in desk.records("hubspot", "contacts")}
    assert runs.rows() == truth


def listed(desk: Desk, since: int) -> list[str]:
    """The listing requests behind the first `since`, but those for the archived."""
    paths = [entry["path"] for entry in desk.requests("hubspot", f"{LIST}?")[since:]]
    return [path for path in paths if "archived=true" not in path]


def too_many(policy: str, **headers: str) -> dict[str, Any]:
    text = f"You have reached your {policy.lower()} limit."
    body = {"status": "error", "message": text, "errorType": "RATE_LIMIT", "policyName": policy}
    return {"status": 429, "headers": {**JSON, **headers}, "body": body}


PASSING = {
    "ten-secondly": too_many("TEN_SECONDLY_ROLLING"),
    "with Retry-After": too_many("TEN_SECONDLY_ROLLING", **{"retry-after": "0"}),
    "secondly": too_many("SECONDLY"),
    "423": {"status": 423, "headers": {"retry-after": "0"}, "body": "locked"},
    "502": {"status": 502, "body": "bad gateway"},
    "522": {"status": 522, "body": "cloudflare"},
    "reset": {"reset": True},
    "lost answer": {"lost_answer": True},
    "cut short": {"status": 200, "headers": JSON, "body": '{"results": [{"id": "1", "prop'},
    "wrong content type": {
        "status": 200,
        "headers": {"content-type": "text/html"},
        "body": "<html>busy</html>",
    },
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_is_waited_for(runs: Runs, desk: Desk, fault: dict[str, Any]) -> None:
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": [2, 4], **fault})
    assert runs.run() == 130
    assert_whole(runs, desk)
    key = min(live(desk))
    desk.save("hubspot", "contacts", {"id": key, "properties": {"email": "later@storm.example"}})
    desk.faults({"vendor": "hubspot", "route": f"{LIST}/search", "nth": 1, **fault})
    assert runs.run() == 1
    assert_whole(runs, desk)


def test_without_retry_after_the_wait_is_the_limits_window(runs: Runs, desk: Desk) -> None:
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": 2, **too_many("TEN_SECONDLY_ROLLING")})
    runs.run()
    desk.faults({"vendor": "hubspot", "route": f"{LIST}/search", "nth": 1, **too_many("SECONDLY")})
    runs.run()
    assert runs.limiter.blocked == [(0.2, ""), (1.0, "search")], "0.2 s is the window of these tests"


STAYING = {
    "500": ({"status": 500, "body": "down"}, "the vendor failed"),
    "reset": ({"reset": True}, "connection broke"),
    "cut short": ({"status": 200, "headers": JSON, "body": "["}, "is not the JSON that was due"),
    "not a listing": ({"status": 200, "headers": JSON, "body": {"total": 7}}, "the answer has no results"),
    "a list": ({"status": 200, "headers": JSON, "body": [1]}, "the answer is no JSON object"),
}


@pytest.mark.parametrize(("fault", "reason"), STAYING.values(), ids=STAYING)
def test_what_stays_stops_the_run_and_the_next_goes_on(
    runs: Runs, desk: Desk, fault: dict[str, Any], reason: str
) -> None:
    """The 4th to the 99th listing request fail: two pages were taken over, and are not asked for again."""
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": list(range(4, 99)), **fault})
    runs.stops(Unavailable, reason)
    assert len(runs.rows()) == 60
    desk.faults()
    before = len(desk.requests("hubspot", f"{LIST}?"))
    assert runs.run() == 70
    assert len(listed(desk, before)) == 3 and all("after=" in path for path in listed(desk, before))
    runs.run()
    assert_whole(runs, desk)


def test_a_spent_day_stops_politely_and_the_next_goes_on(runs: Runs, desk: Desk) -> None:
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": 5, **too_many("DAILY")})
    sent = len(desk.requests("hubspot", LIST))
    runs.stops(RateLimited, "daily requests are spent.*run again tomorrow")
    assert len(desk.requests("hubspot", LIST)) - sent == 5, "it is not asked again"
    assert len(runs.rows()) == 90
    assert runs.run() == 40
    assert_whole(runs, desk)


def test_a_spent_day_in_the_middle_of_changes(
    runs: Runs, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tailrace.connectors.hubspot.api.SEARCH_PAGE", 20)
    monkeypatch.setattr("tailrace.connectors.hubspot.walks.SEARCH_PAGE", 20)
    runs.run()
    for key in sorted(live(desk))[:50]:
        desk.save("hubspot", "contacts", {"id": key, "properties": {"email": f"{key}@changed.example"}})
    desk.faults({"vendor": "hubspot", "route": f"{LIST}/search", "nth": 3, **too_many("DAILY")})
    runs.stops(RateLimited, "daily")
    changed = [email for email in runs.rows().values() if str(email).endswith("@changed.example")]
    assert len(changed) >= 38, "two pages, which overlap by the row that both begin and end at"
    runs.run()
    assert_whole(runs, desk)
    assert runs.run() == 0


def test_a_token_that_ends_in_mid_listing_is_renewed_once(sandbox: Sandbox, desk: Desk) -> None:
    runs = Runs(sandbox, **OAUTH)
    expired = {"status": "error", "category": "EXPIRED_AUTHENTICATION", "message": "The OAuth token expired."}
    desk.faults(
        {"vendor": "hubspot", "route": LIST, "nth": 3, "status": 401, "headers": JSON, "body": expired}
    )
    minted = len(desk.requests("hubspot", "/oauth/2026-09/token"))
    assert runs.run() == 130
    assert len(desk.requests("hubspot", "/oauth/2026-09/token")) - minted == 2
    assert_whole(runs, desk)


# ---- listings ----------------------------------------------------------------------------------------------

EXPIRED = {
    "status": 400,
    "headers": JSON,
    "body": {"category": "VALIDATION_ERROR", "message": "Invalid cursor"},
}


def test_a_cursor_that_expires_begins_the_listing_again(runs: Runs, desk: Desk) -> None:
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": 4, **EXPIRED})
    assert runs.run() == 60 + 130
    assert any("cursor has expired (Invalid cursor); it begins again" in text for text in runs.told)
    assert_whole(runs, desk)


def test_a_cursor_that_expired_overnight_begins_again_and_sees_what_is_gone(
    runs: Runs, desk: Desk, sandbox: Sandbox
) -> None:
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": 4, **too_many("DAILY")})
    runs.stops(RateLimited, "daily")
    gone = min(live(desk))
    sandbox.house.fakes["hubspot"]._portal.erase("contacts", gone)
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": 1, **EXPIRED})
    assert runs.run() == 129
    assert gone not in runs.rows()
    assert_whole(runs, desk)


def test_a_cursor_that_always_expires_stops_the_run(runs: Runs, desk: Desk) -> None:
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": [4, 6, 7], **EXPIRED})
    runs.stops(Unavailable, "cursor through contacts expires at once")
    desk.faults()
    runs.run()
    assert_whole(runs, desk)


def page_of(desk: Desk, ids: list[str], after: str | None) -> dict[str, Any]:
    """A page of the listing as HubSpot would answer it."""
    records = [one for one in desk.records("hubspot", "contacts") if one["id"] in ids]
    document: dict[str, Any] = {"results": records}
    if after is not None:
        document["paging"] = {"next": {"after": after}}
    return {"status": 200, "headers": JSON, "body": document}


def test_a_page_that_comes_again_stops_the_run(runs: Runs, desk: Desk) -> None:
    keys = sorted(live(desk), key=int)
    repeated = page_of(desk, keys[30:60], keys[29])
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": 3, **repeated})
    runs.stops(Unavailable, "repeats the page cursor")
    desk.faults()
    runs.run()
    assert_whole(runs, desk)


def test_a_page_that_is_skipped_takes_nobody_for_erased(runs: Runs, desk: Desk) -> None:
    runs.run()
    keys = sorted(live(desk), key=int)
    skipping = page_of(desk, keys[30:60], keys[89])
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": 2, **skipping})
    runs.run(sweep="0s")
    assert any("listed 100 records and counts 130" in text for text in runs.told)
    assert_whole(runs, desk)
    desk.faults()
    runs.run(sweep="0s")
    assert runs.told == []


def test_a_record_without_its_id_takes_nobody_for_erased(runs: Runs, desk: Desk) -> None:
    runs.run()
    keys = sorted(live(desk), key=int)
    page = page_of(desk, keys[:30], keys[29])
    page["body"]["results"][7] = {**page["body"]["results"][7], "id": None}
    desk.faults({"vendor": "hubspot", "route": LIST, "nth": 1, **page})
    runs.run(sweep="0s")
    assert any("without its id" in text for text in runs.told)
    assert_whole(runs, desk)
    desk.faults()
    runs.run()
    assert len(listed(desk, 0)) and runs.told == []
    assert_whole(runs, desk)


def test_a_changed_record_without_its_id_is_read_by_the_next_run(runs: Runs, desk: Desk) -> None:
    runs.run()
    key = min(live(desk))
    desk.save("hubspot", "contacts", {"id": key, "properties": {"email": "nameless@storm.example"}})
    record = next(one for one in desk.records("hubspot", "contacts") if one["id"] == key)
    nameless = {name: value for name, value in record.items() if name != "id"}
    body = {"total": 1, "results": [nameless]}
    desk.faults(
        {
            "vendor": "hubspot",
            "route": f"{LIST}/search",
            "nth": 1,
            "status": 200,
            "headers": JSON,
            "body": body,
        }
    )
    runs.run()
    assert runs.rows()[key] != "nameless@storm.example"
    runs.run()
    assert_whole(runs, desk)


def test_the_log_tells_a_merge_from_an_archive_from_an_erasure(
    runs: Runs, desk: Desk, sandbox: Sandbox
) -> None:
    runs.run()
    winner, loser, archived, erased = sorted(live(desk), key=int)[:4]
    emails = runs.rows()
    merge(sandbox, winner, loser)
    desk.remove("hubspot", "contacts", archived)
    body = {"objectId": erased}
    assert api(sandbox, "POST", f"{LIST}/gdpr-delete", body).status_code == 204
    runs.run(sweep="0s")
    log = runs.warehouse.query(
        "SELECT id, _merged_into, email FROM hubspot.contacts__changes WHERE _op = 'delete' ORDER BY id"
    )
    ends = {key: (into, email) for key, into, email in log}
    assert ends == {
        loser: (winner, emails[loser]),
        archived: (None, emails[archived]),
        erased: (None, None),
    }
    assert_whole(runs, desk)
    desk.save("hubspot", "contacts", {"id": archived, "properties": {}})
    runs.run()
    assert_whole(runs, desk)
    before = runs.warehouse.query("SELECT count(*) FROM hubspot.contacts__changes")
    runs.run(sweep="0s")
    assert runs.run() == 0
    assert runs.warehouse.query("SELECT count(*) FROM hubspot.contacts__changes") == before


# ---- values ------------------------------------------------------------------------------------------------


def test_a_property_that_vanishes_between_pages_leaves_nothing_behind(runs: Runs, desk: Desk) -> None:
    connector = runs.connector()
    resource = spec("hubspot", "contacts", BASE)
    schema = connector.source().schema(resource)
    rows = []
    for part in connector.source().read(resource, schema, None):
        if isinstance(part, Page):
            rows += part.rows
            if len(rows) == 30:
                desk.remove("hubspot", "contacts.properties", "jobtitle")
    connector.close()
    assert len(rows) == 130
    assert all(row.get("jobtitle") is None for row in rows[30:])
    desk.reset()
    runs.run()
    before = runs.rows("jobtitle")
    desk.remove("hubspot", "contacts.properties", "jobtitle")
    runs.run(properties=["email", "lead_score"])
    assert runs.rows("jobtitle") == before, "what the vendor no longer has keeps its last values"


def test_a_time_to_come_keeps_no_later_edit_out(runs: Runs, desk: Desk) -> None:
    key = min(live(desk))
    record = next(one for one in desk.records("hubspot", "contacts") if one["id"] == key)
    ahead = {**record["properties"], "lastmodifieddate": "2099-01-01T00:00:00.000Z"}
    others = [one for one in desk.records("hubspot", "contacts") if one["id"] != key]
    desk.replace(
        "hubspot",
        "contacts",
        [{**record, "properties": ahead, "updatedAt": ahead["lastmodifieddate"]}, *others],
    )
    runs.run()
    assert runs.run() == 0
    desk.replace("hubspot", "contacts", [record, *others])
    desk.save("hubspot", "contacts", {"id": key, "properties": {"email": "edited@storm.example"}})
    runs.run()
    assert runs.rows()[key] == "edited@storm.example"


@pytest.mark.parametrize("value", ["NaN", "1" * 40, "-0.000000000000000000000000000000000000001", "1e999"])
def test_odd_numbers_stop_nothing(runs: Runs, desk: Desk, value: str) -> None:
    key = min(live(desk))
    desk.save("hubspot", "contacts", {"id": key, "properties": {"lead_score": value}})
    assert runs.run() == 130
    assert_whole(runs, desk)
    columns = [
        name
        for name in runs.warehouse.columns(TableRef("hubspot", "contacts"))
        if name.startswith("lead_score")
    ]
    found = [runs.rows(name)[key] for name in columns]
    assert any(one is not None for one in found), (
        "the value stands in its column, or in the one for what does not fit"
    )
    assert runs.run() == 0


def test_long_texts_are_landed_whole(runs: Runs, desk: Desk) -> None:
    key, text = min(live(desk)), "ä" * 2_500_000
    assert len(text.encode()) == 5_000_000
    desk.save("hubspot", "contacts", {"id": key, "properties": {"jobtitle": text}})
    runs.run()
    assert runs.rows("jobtitle")[key] == text
