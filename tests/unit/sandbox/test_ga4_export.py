"""The GA4 export fake: tables made of the sessions, times, late events, the intraday table, BigQuery's shapes and errors."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from typing import Any

import orjson
import pytest

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.ga4_export import Ga4Export
from tailrace.sandbox.vendor import Settings
from tailrace.sandbox.wire import Request
from tailrace.sandbox.world import make_world

TODAY = date(2026, 11, 21)
WORLD = make_world(7, 60, TODAY)
ROOT = "/bigquery/v2/projects/tailrace-sandbox"
TABLES = f"{ROOT}/datasets/analytics_320000001/tables"
MIDNIGHT = 1_795_219_200_000


@pytest.fixture
def fake() -> Ga4Export:
    return Ga4Export(WORLD, Clock(), Settings(today=TODAY))


def ask(
    fake: Ga4Export, path: str, status: int = 200, token: str = "sandbox", **query: str
) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}"}
    response = fake.handle(Request("GET", path, tuple(query.items()), headers))
    assert response.status == status, response.body
    found: dict[str, Any] = orjson.loads(response.body)
    return found


def post(fake: Ga4Export, path: str, body: Any, status: int = 200) -> dict[str, Any]:
    request = Request("POST", path, (), {"authorization": "Bearer sandbox"}, orjson.dumps(body))
    response = fake.handle(request)
    assert response.status == status, response.body
    found: dict[str, Any] = orjson.loads(response.body)
    return found


def described(fake: Ga4Export, name: str) -> dict[str, Any]:
    return ask(fake, f"{TABLES}/{name}")


def test_events_are_what_the_sessions_count(fake: Ga4Export) -> None:
    events = fake.records("events")
    days = {event["event_date"] for event in events}
    sessions = [row for row in WORLD.ga4.sessions if row["date"] in days]
    assert len(days) == 13 and sessions
    found = Counter(event["event_name"] for event in events)
    assert found["session_start"] == len(sessions)
    assert found["first_visit"] == sum(row["newUsers"] for row in sessions)
    assert found["page_view"] == sum(row["screenPageViews"] for row in sessions)
    assert found["generate_lead"] == sum(row["keyEvents"] for row in sessions)
    assert len(events) == sum(row["eventCount"] for row in sessions)
    assert {event["user_pseudo_id"] for event in events} == {row["userPseudoId"] for row in sessions}


def test_a_login_is_a_person_of_the_crm(fake: Ga4Export) -> None:
    logins = {event["user_id"] for event in fake.records("events") if event["user_id"]}
    assert logins and logins <= {str(contact["id"]) for contact in WORLD.hubspot["contacts"]}


def test_everything_happened_before_today(fake: Ga4Export) -> None:
    for obj in ("events", "events_intraday"):
        assert max(event["event_timestamp"] for event in fake.records(obj)) < MIDNIGHT * 1000
    for item in ask(fake, TABLES)["tables"]:
        found = described(fake, item["tableReference"]["tableId"])
        assert int(found["creationTime"]) <= int(found["lastModifiedTime"]) < MIDNIGHT


def test_a_reset_gives_the_same_again(fake: Ga4Export) -> None:
    before = fake.records("events"), described(fake, "events_20261119")
    fake.advance(random.Random(1), 0)
    fake.remove("events", before[0][0]["user_pseudo_id"])
    assert (fake.records("events"), described(fake, "events_20261119")) != before
    fake.reset()
    assert (fake.records("events"), described(fake, "events_20261119")) == before
    assert Ga4Export(WORLD, Clock(), Settings(today=TODAY)).records("events") == before[0]


def test_late_events_come_and_the_intraday_table_becomes_the_daily_one(fake: Ga4Export) -> None:
    old, late = described(fake, "events_20261117"), described(fake, "events_20261119")
    fake.advance(random.Random(1), 0)
    assert described(fake, "events_20261117") == old
    found = described(fake, "events_20261119")
    assert int(found["numRows"]) > int(late["numRows"])
    assert int(found["lastModifiedTime"]) > int(late["lastModifiedTime"])
    assert "20261120" not in {event["event_date"] for event in fake.records("events")}
    fake.advance(random.Random(2), 1)
    assert fake.records("events_intraday") == []
    assert "20261120" in {event["event_date"] for event in fake.records("events")}
    ask(fake, f"{TABLES}/events_intraday_20261120", 404)


def test_only_tables_that_changed_get_another_time(fake: Ga4Export) -> None:
    before = {
        name: described(fake, name)["lastModifiedTime"] for name in ("events_20261110", "events_20261111")
    }
    records = [dict(event) for event in fake.records("events")]
    next(event for event in records if event["event_date"] == "20261110")["event_name"] = "renamed"
    fake.replace("events", records)
    assert described(fake, "events_20261110")["lastModifiedTime"] > before["events_20261110"]
    assert described(fake, "events_20261111")["lastModifiedTime"] == before["events_20261111"]
    fake.replace("events", [event for event in records if event["event_date"] != "20261110"])
    ask(fake, f"{TABLES}/events_20261110", 404)


def test_a_saved_event_takes_the_place_of_the_same_one(fake: Ga4Export) -> None:
    events = fake.records("events")
    fake.upsert("events", [{**events[0], "platform": "IOS"}, {**events[0], "event_timestamp": 1}])
    found = fake.records("events")
    assert len(found) == len(events) + 1
    assert [event["platform"] for event in found if event["event_timestamp"] == events[0]["event_timestamp"]][
        -1
    ] == "IOS"
    assert fake.remove("events", "nobody") is False


@pytest.mark.parametrize(
    "record", [{}, {"event_date": "2026-11-20"}, {"event_date": "20261120", "device": "phone"}]
)
def test_malformed_records_are_refused(fake: Ga4Export, record: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="record 1 of events"):
        fake.replace("events", [record])
    with pytest.raises(KeyError, match="ga4_export has no users"):
        fake.records("users")


def test_new_columns_are_part_of_the_schema(fake: Ga4Export) -> None:
    fresh = {"event_date": "20261119", "publisher": {"ad": 1.5, "units": [{"id": 7}]}, "score": 3, "ok": True}
    fake.replace("events", [{"event_date": "20261119", "publisher": {"ad": None}}, fresh])
    fields = {field["name"]: field for field in described(fake, "events_20261119")["schema"]["fields"]}
    assert (fields["score"]["type"], fields["ok"]["type"]) == ("INTEGER", "BOOLEAN")
    inner = {field["name"]: (field["type"], field["mode"]) for field in fields["publisher"]["fields"]}
    assert inner == {"ad": ("FLOAT", "NULLABLE"), "units": ("RECORD", "REPEATED")}
    row = ask(fake, f"{TABLES}/events_20261119/data")["rows"][1]["f"]
    place = [field["name"] for field in described(fake, "events_20261119")["schema"]["fields"]].index(
        "publisher"
    )
    assert row[place] == {"v": {"f": [{"v": "1.5"}, {"v": [{"v": {"f": [{"v": "7"}]}}]}]}}


def test_rows_come_in_pages(fake: Ga4Export) -> None:
    first = ask(fake, f"{TABLES}/events_20261119/data", maxResults="5")
    second = ask(fake, f"{TABLES}/events_20261119/data", maxResults="5", pageToken=first["pageToken"])
    assert len(first["rows"]) == len(second["rows"]) == 5 and first["rows"] != second["rows"]
    assert first["totalRows"] == described(fake, "events_20261119")["numRows"]
    listed = ask(fake, TABLES, maxResults="13")
    assert len(listed["tables"]) == 13
    assert len(ask(fake, TABLES, pageToken=listed["nextPageToken"])["tables"]) == 1
    assert {"lastModifiedTime", "numRows", "schema"}.isdisjoint(listed["tables"][0])


@pytest.mark.parametrize(
    ("path", "query", "status", "reason"),
    [
        (f"{TABLES}/events_19990101", {}, 404, "notFound"),
        (f"{ROOT}/datasets/other/tables", {}, 404, "notFound"),
        ("/bigquery/v2/projects/other/datasets/x/tables", {}, 403, "accessDenied"),
        (TABLES, {"maxResults": "many"}, 400, "invalid"),
        (TABLES, {"pageToken": "x"}, 400, "invalid"),
        (f"{ROOT}/queries", {}, 405, "httpMethodNotAllowed"),
        (TABLES.removeprefix("/bigquery/v2"), {}, 404, "notFound"),
        (f"{ROOT}/jobs/none", {}, 404, "notFound"),
    ],
)
def test_refusals_have_a_reason(
    fake: Ga4Export, path: str, query: dict[str, str], status: int, reason: str
) -> None:
    error = ask(fake, path, status, **query)["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (status, reason)


def test_tokens_are_checked(fake: Ga4Export) -> None:
    assert ask(fake, TABLES, 401, token="wrong")["error"]["status"] == "UNAUTHENTICATED"
    ask(fake, TABLES, 200, token="a.self-signed.jwt")


def test_only_simple_queries_are_run(fake: Ga4Export) -> None:
    table = "`tailrace-sandbox.analytics_320000001.events_20261119`"

    def query(text: str, status: int = 200, **more: Any) -> dict[str, Any]:
        return post(fake, f"{ROOT}/queries", {"query": text, "useLegacySql": False, **more}, status)

    count = query(f"SELECT COUNT(*) FROM {table}")
    assert count["rows"] == [{"f": [{"v": described(fake, "events_20261119")["numRows"]}]}]
    part = query(f"SELECT event_name, platform FROM {table} LIMIT 3", maxResults=2)
    assert (len(part["rows"]), part["totalRows"]) == (2, "3")
    rest = ask(fake, f"{ROOT}/queries/{part['jobReference']['jobId']}", pageToken=part["pageToken"])
    assert len(rest["rows"]) == 1
    for text in (
        f"SELECT 1 + 1 FROM {table}",
        f"DELETE FROM {table}",
        f"SELECT * FROM {table} JOIN x",
        "SELECT * FROM t",
    ):
        query(text, 400)
    query(f"SELECT * FROM {table}", 400, useLegacySql=True)
    query("SELECT * FROM `tailrace-sandbox.analytics_320000001.events_1`", 404)
    post(fake, f"{ROOT}/queries", [1], 400)
