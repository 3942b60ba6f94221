"""Mailchimp's own SDK reads back what our destination wrote, value by value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import mailchimp_marketing
import pytest

from tailrace.sandbox.server import Sandbox
from tests.conformance.mailchimp_writing import CUSTOMERS, LOGIN, NEWSLETTER, Writing, members, row
from tests.conformance.vendors import Desk, connect

FORMULA = '=HYPERLINK("https://x.example","click")'
NASTY = f"{FORMULA}\nline two\t\"quoted\" 'single' \\ ; , 🎉 é e\u0301"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def client(sandbox: Sandbox, desk: Desk) -> Any:  # noqa: ARG001 - the reset
    client = mailchimp_marketing.Client()
    client.set_config({"server": "us1", "api_key": "sandbox-us1"})
    client.api_client.host = f"{sandbox.base_url('mailchimp')}/3.0"
    for tag, kind in (("BORN", "birthday"), ("HOME", "address"), ("ZIPCODE", "zip"), ("SITE", "url")):
        client.lists.add_list_merge_field(NEWSLETTER, {"tag": tag, "name": tag.title(), "type": kind})
    return client


@pytest.fixture
def writing(sandbox: Sandbox) -> Iterator[Writing]:
    connector = connect("mailchimp", sandbox.base_url("mailchimp"), LOGIN)
    yield Writing(connector.destination(), tags=["gold", "silver"], status_if_new="pending")
    connector.close()


VALUES = {
    "FNAME": (NASTY, NASTY),
    "LNAME": (9007199254740993, "9007199254740993"),
    "COMPANY": (datetime(1901, 2, 3, 4, 5, 6, 789000, tzinfo=UTC), "1901-02-03T04:05:06.789Z"),
    "PHONE": (True, "true"),
    "GRADE": (Decimal("0.10"), "0.1"),
    "LTV": (Decimal("12345678.91"), 12345678.91),
    "SCORE": (9007199254740993, 9007199254740993),
    "JOINED": (date(1931, 12, 31), "1931-12-31"),
    "BORN": (date(1969, 7, 4), "07/04"),
    "ZIPCODE": ("12545", "12545"),
    "SITE": ("https://x.example/?a=1&b=ü", "https://x.example/?a=1&b=ü"),
    "HOME": (
        '{"addr1": "1 Mill Lane", "city": "Millbrook", "state": "NY", "zip": "12545"}',
        {"addr1": "1 Mill Lane", "city": "Millbrook", "state": "NY", "zip": "12545"},
    ),
}


@pytest.mark.parametrize("operation", ["create", "upsert", "update"])
def test_every_kind_of_value_arrives_as_it_is(
    client: Any, writing: Writing, desk: Desk, operation: str
) -> None:
    email = members(desk)[0]["email_address"] if operation == "update" else "New.Person@Tailrace.example"
    given = {tag: value for tag, (value, _) in VALUES.items()}
    results = writing.send(
        operation,  # type: ignore[arg-type]
        row(email, language="de", vip=True, tags="gold", **given),
    )
    assert [(each.outcome, each.reason) for each in results] == [("acked", None)]
    shown = client.lists.get_list_member(NEWSLETTER, results[0].remote_id)
    assert {tag: shown["merge_fields"][tag] for tag in VALUES} == {
        tag: kept for tag, (_, kept) in VALUES.items()
    }
    assert (shown["email_address"], shown["language"], shown["vip"]) == (email, "de", True)
    assert shown["status"] == ("subscribed" if operation == "update" else "pending")
    tags = client.lists.get_list_member_tags(NEWSLETTER, results[0].remote_id)["tags"]
    assert "gold" in {tag["name"] for tag in tags}


@pytest.mark.parametrize("operation", ["upsert", "update", "clear"])
def test_null_clears_whatever_the_kind(client: Any, writing: Writing, operation: str) -> None:
    given = {tag: value for tag, (value, _) in VALUES.items()}
    key = writing.send("upsert", row("a@tailrace.example", **given))[0].remote_id
    results = writing.send(operation, row("a@tailrace.example", **dict.fromkeys(given)))  # type: ignore[arg-type]
    assert [each.outcome for each in results] == ["acked"]
    shown = client.lists.get_list_member(NEWSLETTER, key)
    assert {tag: shown["merge_fields"][tag] for tag in VALUES} == dict.fromkeys(VALUES, "")


def test_what_mailchimp_would_not_keep_is_a_dead_row(client: Any, writing: Writing, desk: Desk) -> None:
    bad = {
        "cut@tailrace.example": {"FNAME": "x" * 256},
        "rounded@tailrace.example": {"LTV": Decimal("0.12345678901234567890")},
        "huge@tailrace.example": {"LTV": "1" * 30 + ".5"},
        "kind@tailrace.example": {"LTV": "a lot"},
        "day@tailrace.example": {"BORN": "1969-07-04"},
        "home@tailrace.example": {"HOME": "1 Mill Lane"},
        "nan@tailrace.example": {"LTV": float("nan")},
        "gone@tailrace.example": {"NOPE": "x"},
        "yes@tailrace.example": {"vip": "perhaps"},
        "not an address": {"FNAME": "x"},
        "": {"FNAME": "x"},
    }
    rows = [row(email, email or "none", **values) for email, values in bad.items()]
    good = row(members(desk)[0]["email_address"], FNAME="x" * 255)
    results = writing.send("upsert", *rows, good)
    assert [each.outcome for each in results] == ["dead"] * len(bad) + ["acked"]
    named = {each.trace: each.field for each in results}
    assert [named[email or "none"] for email in list(bad)[:9]] == [
        next(iter(v)) for v in list(bad.values())[:9]
    ]
    assert "cut it to 255 characters" in (results[0].reason or "")
    assert all(each.reason for each in results[:-1])
    assert (
        client.lists.get_list_member(NEWSLETTER, results[-1].remote_id)["merge_fields"]["FNAME"] == "x" * 255
    )


def test_the_other_list_has_nothing_of_it(client: Any, writing: Writing) -> None:
    before = client.lists.get_list_members_info(CUSTOMERS, count=1000)["members"]
    writing.send("upsert", row("a@tailrace.example", FNAME="A"))
    assert client.lists.get_list_members_info(CUSTOMERS, count=1000)["members"] == before


def test_an_archived_member_is_so_for_the_sdk(client: Any, writing: Writing, desk: Desk) -> None:
    one = members(desk)[0]
    assert writing.send("archive", row(one["email_address"]))[0].outcome == "acked"
    assert client.lists.get_list_member(NEWSLETTER, one["id"])["status"] == "archived"


def test_a_batch_that_the_sdk_sends_is_what_ours_is(client: Any, writing: Writing, desk: Desk) -> None:
    body = {
        "members": [
            {"email_address": "sdk@tailrace.example", "status": "pending", "merge_fields": {"FNAME": "S"}}
        ]
    }
    client.lists.batch_list_members(NEWSLETTER, body)
    writing.send("create", row("ours@tailrace.example", FNAME="S"))
    found = {
        each["email_address"]: (each["status"], each["merge_fields"], each["tags"])
        for each in members(desk, "pending")
        if each["email_address"].endswith("@tailrace.example")
    }
    assert found["sdk@tailrace.example"] == found["ours@tailrace.example"]
