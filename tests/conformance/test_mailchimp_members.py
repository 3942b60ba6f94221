"""Mailchimp's members: merge fields, archived ones, many of one second, kills, lists that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.errors import FatalError, SchemaError
from tailrace.records import Checkpoint, Page
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import Desk, Landed, connect, spec

LOGIN = {"api_key": "sandbox-us1"}
NEWSLETTER, CUSTOMERS = "a5b0c1d2e3", "f6a7b8c9d0"


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
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("mailchimp", sandbox.base_url("mailchimp"), LOGIN)
    yield connector
    connector.close()


def land(connector: Connector, name: str, options: dict[str, Any] | None = None) -> Landed:
    resource = spec("mailchimp", name, options)
    return Landed(connector.source().schema(resource)).read(connector.source(), resource)


def again(connector: Connector, landed: Landed, name: str, options: dict[str, Any] | None = None) -> Landed:
    return landed.read(connector.source(), spec("mailchimp", name, options))


def test_merge_fields_are_columns_of_their_kind(connector: Connector) -> None:
    schema = connector.source().schema(spec("mailchimp", "members"))
    kinds = {column.name: column.type for column in schema.columns if column.name.startswith("merge_fields_")}
    assert kinds == {
        "merge_fields_FNAME": "text",
        "merge_fields_LNAME": "text",
        "merge_fields_ADDRESS": "json",
        "merge_fields_PHONE": "text",
        "merge_fields_COMPANY": "text",
        "merge_fields_LTV": "double",
        "merge_fields_JOINED": "date",
        "merge_fields_SCORE": "double",
        "merge_fields_GRADE": "text",
        "merge_fields_RENEWAL": "date",
    }


def test_a_new_merge_field_is_a_new_column(connector: Connector, desk: Desk) -> None:
    landed = land(connector, "members")
    field = {"list_id": NEWSLETTER, "merge_id": 99, "tag": "NPS", "name": "NPS", "type": "number"}
    desk.save("mailchimp", "merge_fields", field)
    key = next(key for key in landed.rows if key[0] == NEWSLETTER)
    desk.save("mailchimp", "members", {"list_id": key[0], "id": key[1], "merge_fields": {"NPS": 9}})
    landed.schema = connector.source().schema(spec("mailchimp", "members"))
    assert "merge_fields_NPS" in landed.schema.names()
    assert again(connector, landed, "members").rows[key]["merge_fields_NPS"] == 9


def test_one_tag_of_two_kinds_is_text(connector: Connector, desk: Desk) -> None:
    field = next(
        row
        for row in desk.records("mailchimp", "merge_fields")
        if row["list_id"] == CUSTOMERS and row["tag"] == "LTV"
    )
    desk.save("mailchimp", "merge_fields", {**field, "type": "dropdown"})
    kinds = {one.name: one.type for one in connector.source().schema(spec("mailchimp", "members")).columns}
    assert kinds["merge_fields_LTV"] == "text"
    only = connector.source().schema(spec("mailchimp", "members", {"lists": [NEWSLETTER]}))
    assert {one.name: one.type for one in only.columns}["merge_fields_LTV"] == "double"


def test_tags_that_differ_in_case_only_are_an_error(connector: Connector, desk: Desk) -> None:
    field = {"list_id": CUSTOMERS, "merge_id": 99, "tag": "Fname", "name": "First", "type": "text"}
    desk.save("mailchimp", "merge_fields", field)
    with pytest.raises(SchemaError, match="'FNAME' and 'Fname' would be one column"):
        connector.source().schema(spec("mailchimp", "members"))


@pytest.mark.parametrize(("inclusive", "archived"), [(True, True), (True, False), (False, False)])
def test_what_is_nowhere_written_makes_no_difference(
    connector: Connector, desk: Desk, sandbox: Sandbox, inclusive: bool, archived: bool
) -> None:
    """Whether `since` shows its own second, and whether a listing without status shows the archived."""
    fake: Any = sandbox.house.fakes["mailchimp"]
    fake.habits = replace(fake.habits, since_inclusive=inclusive, archived_listed=archived)
    landed = land(connector, "members")
    held = {(row["list_id"], row["id"]): row for row in desk.records("mailchimp", "members")}
    assert {row["status"] for row in held.values()} >= {"subscribed", "archived", "unsubscribed"}
    assert landed.shown == len(held) and set(landed.rows) == set(held)
    position = landed.position
    assert again(connector, landed, "members").shown == 0
    assert landed.position == position
    key = next(key for key, row in held.items() if row["status"] == "subscribed")
    desk.remove("mailchimp", "members", "/".join(key))  # as a user does: archives it
    assert again(connector, landed, "members").shown == 1
    assert landed.rows[key]["status"] == "archived"
    again(connector, landed, "members", {"sweep": "0s"})
    assert set(landed.rows) == set(held)


def test_many_members_of_one_second_fill_more_than_a_page(connector: Connector, desk: Desk) -> None:
    """An import gives thousands the same stamp; all are read, once, and an idle run shows none of them."""
    pattern = desk.records("mailchimp", "members")[0]
    at = "2026-01-05T10:00:00+00:00"
    crowd = [
        {**pattern, "list_id": CUSTOMERS, "id": f"{number:032x}", "last_changed": at, "web_id": number}
        for number in range(2300)
    ]
    later = [
        {**crowd[0], "id": f"{number:032x}", "last_changed": "2026-01-05T10:00:01+00:00"}
        for number in range(5000, 5400)
    ]
    desk.replace("mailchimp", "members", [*crowd, *later])
    landed = land(connector, "members")
    assert landed.shown == len(landed.rows) == 2700
    assert again(connector, landed, "members").shown == 0


def test_two_edits_in_one_second_both_count(connector: Connector, desk: Desk) -> None:
    """The stamp is the same, the later state's version is not."""
    landed = land(connector, "members")
    record = desk.records("mailchimp", "members")[0]
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    versions = []
    for name in ("One", "Two", "Three"):
        desk.save("mailchimp", "members", {**record, "merge_fields": {"FNAME": name}, "last_changed": now})
        parts = list(connector.source().read(spec("mailchimp", "members"), landed.schema, landed.position))
        versions += [version for page in parts if isinstance(page, Page) for version in page.versions or ()]
        landed.position = parts[-1].position
    assert len(versions) == 3 and versions == sorted(set(versions))
    assert {version.replace(microsecond=0).isoformat() for version in versions} == {now}


def test_a_first_read_goes_on_after_a_kill(connector: Connector, desk: Desk, sandbox: Sandbox) -> None:
    pattern = desk.records("mailchimp", "members")[0]
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    crowd = [
        {
            **pattern,
            "list_id": CUSTOMERS,
            "id": f"{number:032x}",
            "web_id": number,
            "last_changed": (begin + timedelta(seconds=number // 2)).isoformat(),
        }
        for number in range(12_000)
    ]
    desk.replace("mailchimp", "members", crowd)
    resource = spec("mailchimp", "members", {"lists": [CUSTOMERS]})
    schema = connector.source().schema(resource)
    shown, parts = 0, connector.source().read(resource, schema, None)
    for part in parts:
        if isinstance(part, Checkpoint):
            break
        shown += len(part.rows)
    assert 9_000 < shown < 11_000
    assert part.scopes == ()
    landed = Landed(schema, position=part.position)
    again(connector, landed, "members", {"lists": [CUSTOMERS]})
    assert 12_000 - shown <= landed.shown <= 12_000 - shown + 500
    assert (CUSTOMERS, f"{11_999:032x}") in landed.rows
    rest = list(connector.source().read(resource, schema, part.position))
    assert rest[-1].scopes == ()  # this read did not show all


def test_a_vanished_list_takes_its_members_with_it(connector: Connector, desk: Desk) -> None:
    landed = land(connector, "members")
    desk.remove("mailchimp", "lists", CUSTOMERS)
    again(connector, landed, "members")
    assert {key[0] for key in landed.rows} == {NEWSLETTER}
    assert set(landed.position["lists"]) == {NEWSLETTER}


def test_lists_that_are_not_asked_for_any_more_keep_their_members(connector: Connector, desk: Desk) -> None:
    landed = land(connector, "members")
    before = len(landed.rows)
    again(connector, landed, "members", {"lists": [NEWSLETTER], "sweep": "0s"})
    assert len(landed.rows) == before


def test_an_unknown_list_is_named(connector: Connector) -> None:
    with pytest.raises(FatalError, match="Mailchimp has no list 'a5b0c1d2e4'.*did you mean a5b0c1d2e3"):
        land(connector, "members", {"lists": ["a5b0c1d2e4"]})
