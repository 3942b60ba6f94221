"""The Mailchimp fake: credentials, shapes as recorded, records changed by the admin, people at work."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.mailchimp import Mailchimp
from tailrace.sandbox.mailchimp.stock import KEYS, OBJECTS
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import make_world

TODAY = date(2026, 11, 21)
WORLD = make_world(7, 200, TODAY)
NEWSLETTER, CUSTOMERS = "a5b0c1d2e3", "f6a7b8c9d0"
BEARER = {"authorization": "Bearer sandbox", "host": "127.0.0.1:8080"}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def fake() -> Mailchimp:
    return Mailchimp(WORLD, Clock(lambda: NOON), Settings(today=TODAY))


def ask(
    fake: Mailchimp, line: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[Response, Any]:
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    response = fake.handle(Request(method, path, tuple(parse_qsl(query)), headers or BEARER, content))
    return response, json.loads(response.body) if response.body else None


def state(fake: Mailchimp) -> str:
    return json.dumps({name: fake.records(name) for name in fake.objects()})


def basic(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize(
    ("headers", "title"),
    [
        ({"host": "x"}, "API Key Missing"),
        ({"authorization": "Bearer other"}, "API Key Invalid"),
        (basic("user:other"), "API Key Invalid"),
        (basic("sandbox"), "API Key Invalid"),
        ({"authorization": "Basic &&&"}, "API Key Invalid"),
        (basic("user:sandbox-us2"), "API Key Invalid"),
    ],
)
def test_who_is_not_let_in(fake: Mailchimp, headers: dict[str, str], title: str) -> None:
    response, problem = ask(fake, "GET /3.0/ping", headers=headers)
    assert (response.status, problem["title"]) == (401, title)
    assert response.headers["content-type"] == "application/problem+json; charset=utf-8"
    assert set(problem) == {"type", "title", "status", "detail", "instance"}


@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"authorization": "OAuth sandbox"},
        basic("any:sandbox"),
        basic("user:sandbox-us1"),
        basic(":sandbox"),
    ],
)
def test_who_is(fake: Mailchimp, headers: dict[str, str]) -> None:
    assert ask(fake, "GET /3.0/ping", headers=headers)[0].status == 200


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /3.0/nothing", 404),
        ("GET /2.0/lists", 404),
        ("GET /3.0/lists/nope/members", 404),
        (f"GET /3.0/lists/{NEWSLETTER}/members/nobody", 404),
        ("PUT /3.0/lists", 405),
        (f"GET /3.0/lists/{NEWSLETTER}/segments/1/members", 404),
        ("GET /3.0/reports/c900000001", 404),
        ("GET /3.0/lists?count=1001", 400),
        ("GET /3.0/lists?count=many", 400),
        ("GET /3.0/lists?fields=lists.id&exclude_fields=lists.name", 400),
    ],
)
def test_what_is_not_there(fake: Mailchimp, line: str, status: int) -> None:
    response, problem = ask(fake, line)
    assert (response.status, problem["status"]) == (status, status)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
def test_a_body_that_is_no_object(fake: Mailchimp, body: bytes) -> None:
    request = Request("POST", f"/3.0/lists/{NEWSLETTER}/members", (), BEARER, body)
    assert fake.handle(request).status == 400


def test_the_world_joins_with_the_crm_and_is_over_before_today(fake: Mailchimp) -> None:
    members = fake.records("members")
    crm = {(one["properties"].get("email") or "").strip().lower() for one in WORLD.hubspot["contacts"]}
    assert {row["email_address"].lower() for row in members} <= crm
    assert len({(row["list_id"], row["id"]) for row in members}) == len(members) > 150
    opted_out = {
        one["properties"]["email"].strip().lower()
        for one in WORLD.hubspot["contacts"]
        if one["properties"].get("hs_email_optout") == "true" and one["properties"].get("email")
    }
    wanted = {row["email_address"].lower() for row in members if row["status"] == "subscribed"}
    assert opted_out and wanted.isdisjoint(opted_out)
    stamps = [row["last_changed"] for row in members] + [row["timestamp"] for row in fake.records("activity")]
    stamps += [row["timestamp"] for row in fake.records("unsubscribes")]
    assert max(stamps) < f"{TODAY}T00:00:00+00:00"
    assert {row["list_id"] for row in members} == {NEWSLETTER, CUSTOMERS}


def test_reports_count_what_was_done(fake: Mailchimp) -> None:
    activity, left = fake.records("activity"), fake.records("unsubscribes")
    for report in fake.records("reports"):
        own = [row for row in activity if row["campaign_id"] == report["id"]]
        assert report["opens"]["opens_total"] == sum(row["action"] == "open" for row in own)
        assert report["clicks"]["clicks_total"] == sum(row["action"] == "click" for row in own)
        assert report["unsubscribed"] == sum(row["campaign_id"] == report["id"] for row in left)
    stats = {row["id"]: row["stats"] for row in fake.records("lists")}
    for list_id, found in stats.items():
        members = [row for row in fake.records("members") if row["list_id"] == list_id]
        assert found["member_count"] == sum(row["status"] == "subscribed" for row in members)


def test_the_same_seed_gives_the_same_and_reset_gives_it_back(fake: Mailchimp) -> None:
    before = state(fake)
    assert state(Mailchimp(make_world(7, 200, TODAY), Clock(), Settings(today=TODAY))) == before
    assert state(Mailchimp(make_world(8, 200, TODAY), Clock(), Settings(seed=8, today=TODAY))) != before
    for number in range(4):
        fake.advance(random.Random(number), number)
    ask(fake, f"DELETE /3.0/lists/{CUSTOMERS}")
    assert state(fake) != before
    fake.reset()
    assert state(fake) == before


def test_people_work_whether_or_not_anybody_looked_before(fake: Mailchimp) -> None:
    other = Mailchimp(WORLD, Clock(lambda: NOON), Settings(today=TODAY))
    fake.records("members")
    for one in (fake, other):
        for number in range(3):
            one.advance(random.Random(number), number)
    seen = {row["id"]: row for row in Mailchimp(WORLD, Clock(), Settings(today=TODAY)).records("members")}
    for one in (fake, other):
        members = {row["id"]: row for row in one.records("members")}
        assert members.keys() - seen.keys() and seen.keys() - members.keys()
        assert any(row["last_changed"] > f"{TODAY}" for row in members.values())
        assert len(one.records("campaigns")) == 10
    assert [row["id"] for row in fake.records("members")] == [row["id"] for row in other.records("members")]


def test_an_empty_account_works_on(fake: Mailchimp) -> None:
    for name in OBJECTS:
        fake.replace(name, [])
    for number in range(4):
        fake.advance(random.Random(number), number)
    assert all(fake.records(name) == [] for name in OBJECTS)
    assert ask(fake, "GET /3.0/lists")[1]["total_items"] == 0


@pytest.mark.parametrize("name", OBJECTS)
def test_the_admin_replaces_adds_and_removes(fake: Mailchimp, name: str) -> None:
    if name == "segment_members":
        fake.replace(name, [{**fake.records("members")[0], "segment_id": 70000001}])
    records = fake.records(name)
    fake.replace(name, [{**record, "_links": []} for record in records])
    assert fake.records(name) == records
    with pytest.raises(ValueError, match="is there more than once"):
        fake.replace(name, [records[0], records[0]])
    with pytest.raises(ValueError, match=f"record 1 of {name} has no {KEYS[name][0]}"):
        fake.replace(name, [{"name": "nobody"}])
    key = "/".join(str(records[0].get(part, "")) for part in KEYS[name])
    assert fake.remove(name, key) is True
    assert fake.remove(name, "nothing/of/that") is False
    fake.upsert(name, [records[0]])
    assert {str(row) for row in fake.records(name)} == {str(row) for row in records}


def test_unknown_objects_are_named(fake: Mailchimp) -> None:
    with pytest.raises(KeyError, match="mailchimp has no contacts; it has lists"):
        fake.records("contacts")
    with pytest.raises(KeyError):
        fake.writes("contacts")


def test_an_edit_by_the_admin_is_stamped_now_and_merged(fake: Mailchimp) -> None:
    member = fake.records("members")[0]
    given = {"list_id": member["list_id"], "id": member["id"], "merge_fields": {"FNAME": "Ada"}}
    fake.upsert("members", [given])
    new = next(row for row in fake.records("members") if row["id"] == member["id"])
    assert new["last_changed"].startswith("2026-11-21T12:00")
    assert new["merge_fields"] == {**member["merge_fields"], "FNAME": "Ada"}
    assert fake.writes("members") == {}


def test_a_member_removed_by_a_user_is_archived(fake: Mailchimp) -> None:
    member = next(row for row in fake.records("members") if row["status"] == "subscribed")
    count = next(
        row["stats"]["member_count"] for row in fake.records("lists") if row["id"] == member["list_id"]
    )
    assert fake.remove("members", f"{member['list_id']}/{member['id']}")
    document = ask(fake, f"GET /3.0/lists/{member['list_id']}/members/{member['id']}")[1]
    assert document["status"] == "archived"
    assert ask(fake, f"GET /3.0/lists/{member['list_id']}")[1]["stats"]["member_count"] == count - 1


def test_new_activity_of_the_admin_is_in_the_report(fake: Mailchimp) -> None:
    action = fake.records("activity")[0]
    before = ask(fake, f"GET /3.0/reports/{action['campaign_id']}")[1]["opens"]["opens_total"]
    fake.upsert("activity", [{**action, "action": "open", "timestamp": "2026-11-20T01:00:00+00:00"}])
    after = ask(fake, f"GET /3.0/reports/{action['campaign_id']}")[1]["opens"]
    assert after["opens_total"] == before + 1


def test_row_errors_refuse_a_member_by_email_or_hash(fake: Mailchimp) -> None:
    member = fake.records("members")[0]
    fake.row_errors = [RowError(frozenset({member["id"]}), "Invalid Resource", "refused on purpose")]
    body = {
        "members": [
            {"email_address": member["email_address"]},
            {"email_address": "a@b.example", "status": "subscribed"},
        ]
    }
    answer = ask(fake, f"POST /3.0/lists/{member['list_id']}", {**body, "update_existing": True})[1]
    assert [row["error"] for row in answer["errors"]] == ["refused on purpose"]
    assert answer["total_created"] == 1


def test_one_request_has_one_moment_in_whole_seconds(fake: Mailchimp) -> None:
    members = [{"email_address": f"m{number}@b.example", "status": "subscribed"} for number in range(200)]
    answer = ask(fake, f"POST /3.0/lists/{NEWSLETTER}", {"members": members})[1]
    assert {row["last_changed"] for row in answer["new_members"]} == {"2026-11-21T12:00:00+00:00"}


def test_fields_reach_into_what_is_inside(fake: Mailchimp) -> None:
    line = f"GET /3.0/lists/{NEWSLETTER}/members?count=2&fields=members.merge_fields.FNAME,total_items"
    document = ask(fake, line)[1]
    assert set(document) == {"members", "total_items"}
    assert [set(row) for row in document["members"]] == [{"merge_fields"}] * 2
    assert [set(row["merge_fields"]) for row in document["members"]] == [{"FNAME"}] * 2
    line = f"GET /3.0/lists/{NEWSLETTER}/members?count=2&exclude_fields=members.merge_fields.FNAME,members._links"
    document = ask(fake, line)[1]
    assert all(
        "FNAME" not in row["merge_fields"] and "LNAME" in row["merge_fields"] for row in document["members"]
    )


def test_oauth_metadata_as_recorded(fake: Mailchimp) -> None:
    document = ask(fake, "GET /oauth2/metadata", headers={"authorization": "OAuth sandbox"})[1]
    assert set(document) == {"dc", "role", "accountname", "user_id", "login", "login_url", "api_endpoint"}


def test_a_batch_needs_operations_and_an_address_needs_its_batch(fake: Mailchimp) -> None:
    assert ask(fake, "POST /3.0/batches", {"operations": []})[0].status == 400
    assert (
        ask(fake, "POST /3.0/batches", {"operations": [{"method": "TRACE", "path": "/lists"}]})[0].status
        == 400
    )
    assert ask(fake, "GET /batch-results/none-response.tar.gz")[0].status == 404
