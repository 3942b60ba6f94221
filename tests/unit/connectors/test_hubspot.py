"""HubSpot's options before anything is connected, and the small parts of its reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tailrace.connectors.hubspot import DECLARATION
from tailrace.connectors.hubspot.ends import Merges, restored
from tailrace.connectors.hubspot.newest import Newest
from tailrace.connectors.hubspot.offers import STANDARD, ends_of
from tailrace.connectors.sdk.options import check_connection, check_resource, resource_type

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("company", "companies"),
        ("contact", "contacts"),
        ("contcts", "contacts"),
        ("0-1", "contacts"),
        ("Contacts", "contacts"),
        ("line_item", "line_items"),
        ("ticket", "tickets"),
        ("task", "tasks"),
        ("owner", "owners"),
        ("pipeline", "pipelines"),
        ("contacts_company", "contacts_companies"),
        ("notes_contact", "notes_contacts"),
    ],
)
def test_a_slip_of_the_pen_is_told_offline(name: str, meant: str) -> None:
    problems = check_resource(DECLARATION, name, {})[1]
    assert problems == [((), f"hubspot has no resource {name!r}", f"did you mean {meant}?")]


@pytest.mark.parametrize("name", ["subscriptions", "p_pets", "p62515_contact", "2-123", "cars", "Vehicle"])
def test_what_may_be_a_custom_object_is_for_the_account_to_say(name: str) -> None:
    filled, problems = check_resource(DECLARATION, name, {"properties": ["a"], "sweep": "off"})
    assert problems == []
    assert filled == {"properties": ("a",), "overlap": None, "sweep": "off"}


@pytest.mark.parametrize("name", ["a b", "pets/1", "näme", ""])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert "is no object's name" in check_resource(DECLARATION, name, {})[1][0][1]


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("contacts_companies", ("contacts", "companies")),
        ("deals_line_items", ("deals", "line_items")),
        ("line_items_deals", ("line_items", "deals")),
        ("contacts_contacts", ("contacts", "contacts")),
        ("2-123_contacts", ("2-123", "contacts")),
        ("tasks_2-123", ("tasks", "2-123")),
        ("contacts", None),
        ("line_items", None),
        ("contacts_pets", None),
        ("contacts_companies_deals", None),
    ],
)
def test_an_associations_name_is_its_two_ends(name: str, ends: tuple[str, str] | None) -> None:
    assert ends_of(name) == ends
    kind = resource_type(DECLARATION, name)
    assert kind is not None
    assert ("batch" in {option.name for option in kind.options}) == (ends is not None)


def test_every_two_standard_objects_can_be_asked_about() -> None:
    for one in STANDARD:
        for other in STANDARD:
            filled, problems = check_resource(DECLARATION, f"{one}_{other}", {})
            assert (filled, problems) == ({"batch": 1000}, [])


@pytest.mark.parametrize(
    ("name", "options", "where", "what"),
    [
        ("notes_contacts", {"properties": ["a"]}, ("properties",), "unknown option 'properties'"),
        ("contacts", {"batch": 5}, ("batch",), "unknown option 'batch'"),
        ("deals_contacts", {"batch": 0}, ("batch",), "batch is out of range"),
        ("properties", {"objects": ["contacts", "company"]}, ("objects", 1), "'company' is no object's name"),
        ("pipelines", {"objects": ["a b"]}, ("objects", 0), "'a b' is no object's name"),
        ("owners", {"sweep": "1h"}, ("sweep",), "unknown option 'sweep'"),
        ("contacts", {"sweep": "sometimes"}, ("sweep",), "option 'sweep': 'sometimes' is not a duration"),
        ("contacts", {"overlap": -1}, ("overlap",), "option 'overlap': -1 is not a duration"),
    ],
)
def test_bad_options_are_named(name: str, options: dict, where: tuple, what: str) -> None:
    problems = check_resource(DECLARATION, name, options)[1]
    assert [(path, text) for path, text, _ in problems] == [(where, what)]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({}, "no complete credentials"),
        ({"client_id": "a", "client_secret": "b"}, "no complete credentials"),
        ({"access_token": "a", "client_id": "b"}, "both access_token and OAuth are given"),
        ({"access_token": "a", "api_version": "v2"}, "'v2' is no API version"),
        ({"access_token": "a", "api_version": "2026-9"}, "'2026-9' is no API version"),
        ({"access_token": "a", "base_url": "api.hubapi.com"}, "'api.hubapi.com' is no URL"),
        ({"access_token": "a", "in_flight": 0}, "in_flight is below 1"),
        ({"access_token": "a", "rate_limit": {"requests": 5}}, "rate_limit lacks requests or seconds"),
        ({"acces_token": "a"}, "unknown option 'acces_token'"),
    ],
)
def test_bad_connections_are_named(options: dict, what: str) -> None:
    assert what in [text for _, text, _ in check_connection(DECLARATION, options)[1]]


def test_versions_are_named_with_their_ends() -> None:
    assert {version.name: str(version.ends) for version in DECLARATION.versions} == {
        "2026-09": "2028-03-31",
        "2026-03": "2027-09-30",
        "v3": "2027-09-30",
    }


def test_merges_are_taken_once_and_never_of_oneself() -> None:
    merges = Merges()
    merges.add("1", "2; 3;1;;", "2026-01-01T00:00:00.000Z")
    pages = list(merges.take())
    assert [page.rows for page in pages] == [[{"id": "2"}, {"id": "3"}]]
    assert [(page.merged_into, page.deleted) for page in pages] == [(["1", "1"], True)]
    assert list(merges.take()) == []


def test_older_merges_end_nothing_in_an_empty_table() -> None:
    merges = Merges("2026-01-02T00:00:00.000Z")
    merges.add("1", "2", "2026-01-01T00:00:00.000Z")
    merges.add("3", "4", "2026-01-02T00:00:00.000Z")
    assert [page.rows for page in merges.take()] == [[{"id": "4"}]]


def test_a_restored_record_is_later_than_its_end_and_no_later_than_its_edit() -> None:
    end = "2026-01-02T00:00:00.000Z"
    assert restored("2026-01-01T00:00:00.000Z", end) == "2026-01-02T00:00:00.001Z"
    assert restored("2026-01-03T00:00:00.000Z", end) == "2026-01-03T00:00:00.000Z"


def test_a_reading_that_is_taken_up_again_ends_as_if_it_had_not_stopped() -> None:
    rows = [(str(number), f"2026-01-01T{number:02d}:00:00.000Z") for number in range(12)]
    whole = Newest(2 * HOUR)
    whole.add(rows)
    limit = datetime(2026, 1, 1, 9, tzinfo=UTC)
    for cut in range(len(rows)):
        first = Newest(2 * HOUR)
        first.add(rows[:cut])
        rest = Newest(2 * HOUR, *first.until(limit))
        rest.add(rows[cut:])
        assert rest.until(limit)[0] == whole.until(limit)[0] == "2026-01-01T09:00:00.000Z"
        near = set(rest.until(limit)[1])
        assert {"9", "10", "11"} <= near <= {"7", "8", "9", "10", "11"}, (
            "all that the next overlap shows again"
        )
