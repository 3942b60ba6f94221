"""Members of HubSpot's static lists: added, taken out, replaced, and what the account does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.writing import WriteBatch, WriteRow
from tailrace.errors import AuthError, FatalError, Unavailable, VendorRefused
from tailrace.sandbox.server import Sandbox
from tests.conformance.test_connectors import HUBSPOT, NOT_HUBSPOT
from tests.conformance.vendors import Desk, connect

STATIC, ACTIVE = "1", "2"
ROUTE = "*/memberships/*"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=600, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture(params=["2026-09", "v3"])
def connector(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Connector]:
    connector = connect("hubspot", sandbox.base_url("hubspot"), {**HUBSPOT, "api_version": request.param})
    yield connector
    connector.close()


@pytest.fixture
def destination(connector: Connector, desk: Desk) -> Any:
    return connector.destination()


def people(desk: Desk, most: int) -> dict[str, str]:
    """Record ids by e-mail."""
    found: dict[str, str] = {}
    for one in desk.records("hubspot", "contacts"):
        email = one["properties"].get("email") or ""
        if email.count("@") == 1 and not one["archived"] and len(found) < most:
            found[email] = one["id"]
    return found


def members(desk: Desk, key: str = STATIC) -> set[str]:
    return {one["recordId"] for one in desk.records("hubspot", "list_members") if one["listId"] == key}


def options(key: str = STATIC, **more: Any) -> dict[str, Any]:
    return {"list": key, "object": "contacts", "batch": 1000, **more}


def write(
    destination: Any, *rows: WriteRow, operation: Any = "upsert", match: str | None = "email", **more: Any
) -> list[str]:
    given = options(**more)
    results = destination.write(WriteBatch("list_members", operation, match, rows, given))
    assert [result.trace for result in results] == [one.trace for one in rows]
    assert {result.remote_id for result in results} == {None}
    return [result.outcome for result in results]


def row(email: str, before: str | None = None) -> WriteRow:
    return WriteRow(f"t-{email}", email, {}, previous_key=before)


def asked(desk: Desk, since: int) -> list[str]:
    return [one["path"].split("/")[-1] for one in desk.requests("hubspot")][since:]


def test_rows_go_in_by_one_request_after_look_ups_of_100(destination: Any, desk: Desk) -> None:
    found, before = people(desk, 250), len(desk.requests("hubspot"))
    assert write(destination, *(row(email) for email in found)) == ["acked"] * 250
    assert members(desk) == set(found.values())
    assert asked(desk, before) == [STATIC, "read", "read", "read", "add"]
    assert write(destination, *(row(email.upper()) for email in found)) == ["acked"] * 250
    assert asked(desk, before)[5:] == ["add"]  # who they are is known by now
    assert set(desk.writes("hubspot", "list_members").values()) == {2}


def test_so_many_ids_a_request_as_the_option_says(destination: Any, desk: Desk) -> None:
    found, before = people(desk, 25), len(desk.requests("hubspot"))
    assert write(destination, *(row(email) for email in found), batch=10) == ["acked"] * 25
    assert asked(desk, before).count("add") == 3
    assert members(desk) == set(found.values())


def test_archive_takes_out_ours_and_leaves_those_of_people(destination: Any, desk: Desk) -> None:
    (first, one), (_, other), (second, two) = people(desk, 3).items()
    desk.save("hubspot", "list_members", {"listId": STATIC, "recordId": other})
    assert write(destination, row(first), row(second)) == ["acked", "acked"]
    assert members(desk) == {one, other, two}
    assert write(destination, row(first), operation="archive") == ["acked"]
    assert members(desk) == {other, two}
    assert write(destination, row(first), operation="archive") == ["acked"]  # again, as after a lost answer


def test_somebody_whom_hubspot_does_not_know_is_unmatched(destination: Any, desk: Desk) -> None:
    (email, one) = next(iter(people(desk, 1).items()))
    rows = (row("nobody@tailrace.example"), row(email))
    results = destination.write(WriteBatch("list_members", "upsert", "email", rows, options()))
    assert [result.outcome for result in results] == ["unmatched", "acked"]
    assert (
        results[0].reason == "HubSpot has no single record of contacts with email=nobody@tailrace.example yet"
    )
    assert members(desk) == {one}
    gone = destination.write(WriteBatch("list_members", "archive", "email", rows[:1], options()))[0]
    assert (gone.outcome, gone.reason.endswith(": it was not taken out")) == ("unmatched", True)


def test_a_changed_key_replaces_the_member(destination: Any, desk: Desk) -> None:
    (old, one), (new, two), (third, three) = people(desk, 3).items()
    assert write(destination, row(old)) == ["acked"]
    before = len(desk.requests("hubspot"))
    assert write(destination, row(new, before=old), row(third)) == ["acked", "acked"]
    assert members(desk) == {two, three}
    assert asked(desk, before) == ["read", "add-and-remove"]
    assert write(destination, row(new, before=old)) == ["acked"]
    assert members(desk) == {two, three}


def test_two_rows_that_swap_their_keys_both_stay(destination: Any, desk: Desk) -> None:
    (first, one), (second, two) = people(desk, 2).items()
    assert write(destination, row(first), row(second)) == ["acked", "acked"]
    assert write(destination, row(second, before=first), row(first, before=second)) == ["acked", "acked"]
    assert members(desk) == {one, two}


def test_a_former_key_that_nobody_has_any_more_holds_nothing_up(destination: Any, desk: Desk) -> None:
    (email, one) = next(iter(people(desk, 1).items()))
    assert write(destination, row(email, before="former@tailrace.example")) == ["acked"]
    assert members(desk) == {one}


def test_a_record_that_went_since_it_was_found_is_unmatched(destination: Any, desk: Desk) -> None:
    (first, one), (second, two) = people(desk, 2).items()
    assert write(destination, row(first), row(second)) == ["acked", "acked"]
    desk.remove("hubspot", "contacts", one)
    assert write(destination, row(first), row(second)) == ["unmatched", "acked"]


def test_a_member_that_hubspot_refuses_is_told(destination: Any, desk: Desk) -> None:
    (first, _), (second, two) = people(desk, 2).items()
    refused = {"keys": [first], "category": "VALIDATION_ERROR", "message": "no"}
    desk.faults({"vendor": "hubspot", "route": ROUTE, "row_error": refused})
    assert write(destination, row(first), row(second)) == ["unmatched", "acked"]
    assert members(desk) == {two}


def test_ids_and_companies_and_values_that_repeat(destination: Any, desk: Desk) -> None:
    desk.save("hubspot", "lists", {"id": "7", "name": "Firms", "objectTypeId": "0-2"})
    one, other, third = (found["id"] for found in desk.records("hubspot", "companies")[:3])
    by_id = (WriteRow("a", one, {}), WriteRow("b", "999", {}))
    given = {"object": "companies", "key": "7"}
    assert write(destination, *by_id, match="hs_object_id", **given) == ["acked", "unmatched"]
    for found in (other, third):
        desk.save("hubspot", "companies", {"id": found, "properties": {"domain": "twin.example"}})
    assert write(destination, WriteRow("c", "twin.example", {}), match="domain", **given) == ["unmatched"]
    assert members(desk, "7") == {one}


@pytest.mark.parametrize(
    ("key", "obj", "wrong", "fix"),
    [
        (ACTIVE, "contacts", r"list 2 \(All customers\) is an active list", "make a static list"),
        ("99", "contacts", "HubSpot has no list 99", "write the list's id"),
        (STATIC, "deals", r"list 1 \(Newsletter\) holds records of 0-1, not deals", "name the list's object"),
    ],
)
def test_a_list_that_cannot_be_written_ends_the_sync_before_it_begins(
    destination: Any, desk: Desk, key: str, obj: str, wrong: str, fix: str
) -> None:
    for attempt in (
        lambda: destination.fields("list_members", options(key, object=obj)),
        lambda: write(destination, row(next(iter(people(desk, 1)))), key=key, object=obj),
    ):
        with pytest.raises(FatalError, match=wrong) as caught:
            attempt()
        assert caught.value.fix.startswith(fix)
    assert members(desk) == set()


def test_a_list_that_became_active_since_is_told_in_hubspots_words(destination: Any, desk: Desk) -> None:
    email = next(iter(people(desk, 1)))
    assert write(destination, row(email)) == ["acked"]
    desk.save("hubspot", "lists", {"id": STATIC, "name": "Newsletter", "processingType": "DYNAMIC"})
    with pytest.raises(VendorRefused, match="DYNAMIC list, so its members cannot be changed manually"):
        write(destination, row(email))


def test_a_list_has_no_fields_and_nothing_to_read(destination: Any) -> None:
    assert destination.fields("list_members", options()) == {}
    assert destination.read_fields("list_members", "email", ["a@b.example"], [], options()) == {}


def test_an_answer_that_tells_of_no_ids_is_no_word(destination: Any, desk: Desk) -> None:
    answer = {"status": 200, "headers": {"content-type": "application/json"}, "body": "{}"}
    desk.faults({"vendor": "hubspot", "route": ROUTE, **answer})
    assert write(destination, *(row(email) for email in people(desk, 2))) == ["unknown", "unknown"]


@pytest.mark.parametrize("told", ["recordsIdsAdded", "recordIdsAdded"])
def test_either_spelling_of_the_answer_is_read(destination: Any, desk: Desk, told: str) -> None:
    (first, one), (second, _) = people(desk, 2).items()
    body = f'{{"{told}": [], "recordIdsMissing": [{one}]}}'
    answer = {"status": 200, "headers": {"content-type": "application/json"}, "body": body}
    desk.faults({"vendor": "hubspot", "route": ROUTE, **answer})
    assert write(destination, row(first), row(second)) == ["unmatched", "acked"]


def test_a_lost_answer_is_asked_for_again(destination: Any, desk: Desk) -> None:
    (email, one) = next(iter(people(desk, 1).items()))
    desk.faults({"vendor": "hubspot", "route": ROUTE, "nth": 1, "lost_answer": True})
    assert write(destination, row(email)) == ["acked"]
    assert members(desk) == {one}
    assert desk.writes("hubspot", "list_members") == {one: 2}


def test_a_wrong_login_and_an_outage(sandbox: Sandbox, desk: Desk) -> None:
    for url, login, error in (
        (sandbox.base_url("hubspot"), NOT_HUBSPOT, AuthError),
        ("http://127.0.0.1:9", HUBSPOT, Unavailable),
    ):
        connector = connect("hubspot", url, login)
        with pytest.raises(error):
            write(connector.destination(), row("a@b.example"))
        connector.close()


def test_a_reset_brings_back_the_same_lists(desk: Desk) -> None:
    before = desk.records("hubspot", "lists")
    assert [(one["listId"], one["processingType"]) for one in before] == [("1", "MANUAL"), ("2", "DYNAMIC")]
    desk.save("hubspot", "lists", {"id": "9", "name": "Other"})
    desk.remove("hubspot", "lists", "1")
    desk.reset()
    assert desk.records("hubspot", "lists") == before
