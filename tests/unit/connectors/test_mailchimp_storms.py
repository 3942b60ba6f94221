"""Mailchimp in bad weather: each run goes on rightly or stops with the reason, and the next one repairs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conformance.vendors import Desk, connect, spec
from tests.unit.connectors.mailchimp_engine import (
    CUSTOMERS,
    JSON,
    PAGE,
    Engine,
    fault,
    held,
    same,
)

from tailrace.connectors.mailchimp import api, walk
from tailrace.connectors.sdk.base import Connector
from tailrace.errors import AuthError, RateLimited, TailraceError, Unavailable, VendorRefused
from tailrace.events import Waiting
from tailrace.records import Checkpoint
from tailrace.sandbox.server import Sandbox

HTML = {
    "status": 403,
    "headers": {"content-type": "text/html"},
    "body": "<html><h1>403 Forbidden</h1></html>",
}
PROBLEM = {"type": "x", "title": "Forbidden", "status": 403, "detail": "This account has been deactivated."}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=120, limits=False) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "COUNT", PAGE)
    monkeypatch.setattr(walk, "COUNT", PAGE)


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    options = {"api_key": "sandbox-us1", "max_wait": "2s"}
    connector = connect("mailchimp", sandbox.base_url("mailchimp"), options)
    yield connector
    connector.close()


@pytest.fixture
def engine(connector: Connector) -> Engine:
    return Engine(connector)


# ---- answers that are none -------------------------------------------------------------------------------

PASSING = {
    "429 without headers": {"status": 429},
    "bare 403": HTML,
    "empty 403": {"status": 403},
    "500": {
        "status": 500,
        "body": {"title": "Internal Server Error", "detail": "An unexpected internal error"},
    },
    "503": {"status": 503, "body": "down"},
    "reset": {"reset": True},
    "lost answer": {"lost_answer": True},
    "cut short": {"status": 200, "headers": JSON, "body": '{"members": [{"id": "5eb0d7'},
    "wrong content type": {
        "status": 200,
        "headers": {"content-type": "text/html"},
        "body": '{"members": [], "total_items": 0}',
    },
}


@pytest.mark.parametrize("rule", list(PASSING.values()), ids=list(PASSING))
def test_a_failure_in_the_middle_passes(engine: Engine, desk: Desk, rule: dict[str, Any]) -> None:
    fault(desk, nth=[2, 4], **rule)
    assert engine.land("members").rows_out == len(held(desk))
    same(engine, desk)
    assert engine.land("members").rows_in == 0


LASTING = {
    "429 without headers": ({"status": 429}, RateLimited, "still limits requests"),
    "bare 403": (HTML, RateLimited, "still limits requests"),
    "503": ({"status": 503, "body": "down"}, Unavailable, r"the vendor failed \(503\)"),
    "reset": ({"reset": True}, Unavailable, "before a whole answer came"),
    "cut short": (PASSING["cut short"], Unavailable, "is not the JSON that was due"),
    "wrong content type": (PASSING["wrong content type"], Unavailable, "is not the JSON that was due"),
    "empty object": (
        {"status": 200, "headers": JSON, "body": "{}"},
        Unavailable,
        "has no members with total_items",
    ),
    "a list": ({"status": 200, "headers": JSON, "body": "[]"}, Unavailable, "is no object"),
    "no rows of many": (
        {"status": 200, "headers": JSON, "body": '{"members": [], "total_items": 9}'},
        Unavailable,
        "shows none of 9 members",
    ),
    "a 403 that says why": (
        {"status": 403, "headers": {"content-type": "application/problem+json"}, "body": json.dumps(PROBLEM)},
        AuthError,
        r"lack a permission \(403\): Forbidden: This account has been deactivated",
    ),
    "a 400": (
        {
            "status": 400,
            "headers": {"content-type": "application/problem+json"},
            "body": json.dumps({**PROBLEM, "status": 400}),
        },
        VendorRefused,
        "deactivated",
    ),
}


@pytest.mark.parametrize(("rule", "error", "words"), list(LASTING.values()), ids=list(LASTING))
def test_a_failure_that_stays_stops_with_its_reason_and_harms_nothing(
    engine: Engine, desk: Desk, rule: dict[str, Any], error: type[TailraceError], words: str
) -> None:
    engine.land("members")
    before = engine.rows()
    desk.call("POST", "advance", {"rounds": 1})
    fault(desk, **rule)
    with pytest.raises(error, match=words):
        engine.land("members", {"sweep": "0s"})
    assert engine.rows() == before
    desk.faults()
    engine.land("members", {"sweep": "0s"})
    same(engine, desk)


def test_a_429_waits_for_the_interval_that_is_set(engine: Engine, desk: Desk) -> None:
    fault(desk, nth=1, status=429)
    engine.land("members")
    waits = [event for event in engine.heard if isinstance(event, Waiting)]
    assert [(event.seconds, event.reason) for event in waits] == [(0.2, "rate limit")]


def test_a_key_that_is_revoked_in_the_middle_ends_the_run(engine: Engine, desk: Desk) -> None:
    fault(
        desk,
        nth=3,
        status=401,
        headers={"content-type": "application/problem+json"},
        body='{"title": "API Key Invalid"}',
    )
    with pytest.raises(AuthError, match=r"refuses the credentials \(401\): API Key Invalid"):
        engine.land("members")
    desk.faults()
    engine.land("members")
    same(engine, desk)


def test_an_account_without_any_list_takes_nothing_away(engine: Engine, desk: Desk) -> None:
    engine.land("members")
    before = engine.rows()
    fault(desk, "/3.0/lists", status=200, headers=JSON, body='{"lists": [], "total_items": 0}')
    engine.land("members")
    assert engine.rows() == before


# ---- campaigns ----------------------------------------------------------------------------------------------


def test_activity_goes_on_behind_the_campaign_that_failed(engine: Engine, desk: Desk) -> None:
    total = len(desk.records("mailchimp", "activity"))
    fault(desk, "/3.0/reports/*/email-activity", nth=list(range(9, 40)), status=503, body="down")
    with pytest.raises(Unavailable):
        engine.land("activity")
    assert 0 < engine.count("activity") < total
    desk.faults()
    sent = len(desk.requests("mailchimp", "email-activity"))
    engine.land("activity", {"recent": "1s"})
    assert engine.count("activity") == total
    asked = {entry["path"].split("/")[3] for entry in desk.requests("mailchimp", "email-activity")[sent:]}
    assert 0 < len(asked) < len(desk.records("mailchimp", "reports"))
    assert engine.land("activity").rows_out == 0


def test_activity_that_is_malformed_holds_back_itself_only(engine: Engine, desk: Desk) -> None:
    campaign = min(desk.records("mailchimp", "reports"), key=lambda row: row["send_time"])["id"]
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    emails = [
        {
            "email_id": "a",
            "email_address": "a@b.example",
            "activity": [{"action": "open", "timestamp": at, "ip": "1.1.1.1"}, {"action": "open"}, "odd"],
        },
        {"email_id": "b", "activity": None},
        {"email_id": "c"},
        {"activity": [{"action": "open", "timestamp": at}]},
    ]
    body = json.dumps({"emails": emails, "total_items": 4})
    fault(desk, f"/3.0/reports/{campaign}/email-activity", status=200, headers=JSON, body=body)
    engine.land("activity")
    own = [key for key in engine.rows("activity") if key[0] == campaign]
    assert [key[1:3] for key in own] == [("a", "open")]
    assert "1 rows have no usable key" in engine.notices()


def test_whoever_is_no_longer_listed_as_unsubscribed_is_gone(engine: Engine, desk: Desk) -> None:
    engine.land("unsubscribes")
    rows = desk.records("mailchimp", "unsubscribes")
    assert engine.count("unsubscribes") == len(rows) > 1
    desk.replace("mailchimp", "unsubscribes", rows[1:])
    engine.land("unsubscribes", {"recent": "1000d"})
    assert engine.count("unsubscribes") == len(rows) - 1
    fault(
        desk,
        "/3.0/reports/*/unsubscribed",
        status=200,
        headers=JSON,
        body='{"unsubscribes": [], "total_items": 3}',
    )
    with pytest.raises(Unavailable, match="then an empty page"):
        engine.land("unsubscribes", {"recent": "1000d"})
    assert engine.count("unsubscribes") == len(rows) - 1


# ---- answers that are suddenly empty -------------------------------------------------------------------------

NOBODY = {"status": 200, "headers": JSON, "body": '{"members": [], "total_items": 0}'}


def test_nobody_is_erased_by_one_empty_answer(engine: Engine, desk: Desk) -> None:
    engine.land("members")
    before = engine.rows()
    fault(desk, **NOBODY)
    engine.land("members", {"sweep": "0s"})
    assert before and engine.rows() == before
    assert "none is taken for erased unless the next sweep says so" in engine.notices()
    desk.faults()
    engine.land("members", {"sweep": "0s"})
    same(engine, desk)
    fault(desk, **NOBODY)
    engine.land("members", {"sweep": "0s"})
    assert engine.rows() == before
    engine.land("members", {"sweep": "0s"})
    assert engine.rows() == {}


def test_a_first_read_that_shows_nobody_of_a_list_that_counts_some_claims_nothing(
    connector: Connector, desk: Desk
) -> None:
    resource = spec("mailchimp", "members")
    fault(desk, **NOBODY)
    schema = connector.source().schema(resource)
    (first,) = connector.source().read(resource, schema, None)
    assert isinstance(first, Checkpoint) and first.scopes == ()
    again = spec("mailchimp", "members", {"sweep": "0s"})
    (second,) = connector.source().read(again, schema, first.position)
    assert isinstance(second, Checkpoint) and len(second.scopes) == 2


@pytest.mark.parametrize(
    ("name", "route", "key"),
    [
        ("segment_members", "/3.0/lists/*/segments/*/members", "members"),
        ("segment_members", "/3.0/lists/*/segments", "segments"),
        ("merge_fields", f"/3.0/lists/{CUSTOMERS}/merge-fields", "merge_fields"),
        ("campaigns", "/3.0/campaigns", "campaigns"),
        ("segments", "/3.0/lists", "lists"),
    ],
)
def test_a_listing_that_is_suddenly_empty_removes_nothing_the_first_time(
    engine: Engine, desk: Desk, name: str, route: str, key: str
) -> None:
    engine.land(name)
    before = engine.count(name)
    fault(desk, route, status=200, headers=JSON, body=json.dumps({key: [], "total_items": 0}))
    engine.land(name)
    assert before and engine.count(name) == before
    assert "where there were some" in engine.notices()
    engine.land(name)
    assert engine.count(name) < before
    desk.faults()
    engine.land(name)
    assert engine.count(name) == before
