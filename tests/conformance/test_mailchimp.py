"""Mailchimp's resources against the source suite, and what is Mailchimp's own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tailrace.connectors.sdk.base import (
    Backfills,
    Connector,
    Counts,
    Examines,
)
from tailrace.connectors.sdk.registry import declaration
from tailrace.errors import FatalError
from tailrace.records import Checkpoint
from tailrace.sandbox.server import Sandbox
from tests.conformance.source_suite import SourceSuite
from tests.conformance.vendors import Desk, Landed, connect, spec

LOGIN = {"api_key": "sandbox-us1"}
NOT_LOGIN = {"api_key": "0123456789abcdef-us1"}
NEWSLETTER, CUSTOMERS = "a5b0c1d2e3", "f6a7b8c9d0"
FOUND = declaration("mailchimp")
assert FOUND is not None
NAMES = [resource.name for resource in FOUND.resources]


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


class Mailchimp(SourceSuite):
    """`key` names a record as its row is named; `field` is a text that a person may change."""

    vendor, login, wrong_login = "mailchimp", LOGIN, NOT_LOGIN
    key: tuple[str, ...] = ("id",)
    field: str

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        records = desk.records("mailchimp", self.resource)
        return {tuple(str(record[part]) for part in self.key): record[self.field] for record in records}

    def value(self, row: dict[str, Any]) -> Any:
        return row[self.field]

    def first(self, desk: Desk) -> dict[str, Any]:
        return desk.records("mailchimp", self.resource)[0]

    def edit(self, desk: Desk) -> None:
        record = {name: self.first(desk)[name] for name in self.key}
        desk.save("mailchimp", self.resource, {**record, self.field: "edited"})

    def remove(self, desk: Desk) -> None:
        desk.replace("mailchimp", self.resource, desk.records("mailchimp", self.resource)[1:])


class TestMembers(Mailchimp):
    resource, route, key = "members", "/3.0/lists/*/members", ("list_id", "id")

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        records = desk.records("mailchimp", "members")
        return {
            (record["list_id"], record["id"]): (record["merge_fields"]["FNAME"], record["status"])
            for record in records
        }

    def value(self, row: dict[str, Any]) -> Any:
        return row["merge_fields_FNAME"], row["status"]

    def edit(self, desk: Desk) -> None:
        record = self.first(desk)
        given = {"list_id": record["list_id"], "id": record["id"], "merge_fields": {"FNAME": "Edited"}}
        desk.save("mailchimp", "members", given)

    def test_a_removed_record_vanishes(self, connector: Connector, desk: Desk) -> None:
        """Only a sweep can see it."""
        landed = self.landed(connector)
        before = len(landed.rows)
        self.remove(desk)
        assert self.again(connector, landed).shown == 0
        assert len(landed.rows) == before
        again(connector, landed, "members", {"sweep": "0s"})
        assert len(landed.rows) == before - 1
        self.same(landed, desk)


class TestLists(Mailchimp):
    resource, route, field = "lists", "/3.0/lists", "name"


class TestMergeFields(Mailchimp):
    resource, route, field, key = "merge_fields", "/3.0/lists/*/merge-fields", "name", ("list_id", "merge_id")


class TestSegments(Mailchimp):
    resource, route, field, key = "segments", "/3.0/lists/*/segments", "name", ("list_id", "id")


class TestTags(Mailchimp):
    resource, route, field, key = "tags", "/3.0/lists/*/tag-search", "name", ("list_id", "id")


class TestInterests(Mailchimp):
    resource, route, field = "interests", "/3.0/lists/*/interests", "name"
    key = ("list_id", "category_id", "id")


class TestCampaigns(Mailchimp):
    resource, route, field = "campaigns", "/3.0/campaigns", "content_type"


class TestReports(Mailchimp):
    resource, route, field = "reports", "/3.0/reports", "campaign_title"


class TestUnsubscribes(Mailchimp):
    resource, route, field = "unsubscribes", "/3.0/reports/*/unsubscribed", "reason"
    options, key = {"recent": "1000d"}, ("campaign_id", "email_id")


# ---- campaigns and what recipients did -------------------------------------------------------------------


def activity_keys(desk: Desk) -> set[tuple[str, ...]]:
    names = ("campaign_id", "email_id", "action", "timestamp", "url", "ip")
    rows = desk.records("mailchimp", "activity")
    return {tuple(str(row.get(name, "")) for name in names) for row in rows}


def test_activity_is_every_action_once_and_then_only_what_is_new(connector: Connector, desk: Desk) -> None:
    landed = land(connector, "activity")
    assert landed.shown == len(landed.rows) > 100
    assert set(landed.rows) == activity_keys(desk)
    assert {row["action"] for row in landed.rows.values()} == {"open", "click", "bounce"}
    position = landed.position
    assert again(connector, landed, "activity").shown == 0
    assert landed.position == position
    desk.call("POST", "advance", {"rounds": 4})
    assert 0 < again(connector, landed, "activity").shown < 200
    assert set(landed.rows) == activity_keys(desk)
    assert again(connector, landed, "activity").shown == 0


def test_activity_of_old_campaigns_is_asked_for_when_their_report_changed(
    connector: Connector, desk: Desk
) -> None:
    options = {"recent": "1s"}
    landed = land(connector, "activity", options)
    sent = len(desk.requests("mailchimp", "email-activity"))
    again(connector, landed, "activity", options)
    assert len(desk.requests("mailchimp", "email-activity")) == sent
    old = min(desk.records("mailchimp", "reports"), key=lambda row: row["send_time"])["id"]
    action = next(row for row in desk.records("mailchimp", "activity") if row["campaign_id"] == old)
    desk.save(
        "mailchimp", "activity", {**action, "timestamp": datetime.now(UTC).replace(microsecond=0).isoformat()}
    )
    again(connector, landed, "activity", options)
    assert [
        f"/reports/{old}/" in entry["path"] for entry in desk.requests("mailchimp", "email-activity")[sent:]
    ] == [True]
    assert set(landed.rows) == activity_keys(desk)


def test_activity_is_committed_campaign_by_campaign(connector: Connector, desk: Desk) -> None:
    resource = spec("mailchimp", "activity")
    schema = connector.source().schema(resource)
    parts = connector.source().read(resource, schema, None)
    first = next(part for part in parts if isinstance(part, Checkpoint))
    landed = Landed(schema, position=first.position).read(connector.source(), resource)
    done = set(first.position["campaigns"])
    assert len(done) == 1
    assert {key[0] for key in landed.rows}.isdisjoint(done)


@pytest.mark.parametrize("inclusive", [True, False])
def test_activity_of_the_very_second_of_the_cursor_is_shown(
    connector: Connector, desk: Desk, sandbox: Sandbox, inclusive: bool
) -> None:
    fake: Any = sandbox.house.fakes["mailchimp"]
    fake.habits = replace(fake.habits, since_inclusive=inclusive)
    landed = land(connector, "activity")
    newest = max(desk.records("mailchimp", "reports"), key=lambda row: row["send_time"])["id"]
    action = next(row for row in desk.records("mailchimp", "activity") if row["campaign_id"] == newest)
    desk.save("mailchimp", "activity", {**action, "timestamp": landed.position["campaigns"][newest]["since"]})
    again(connector, landed, "activity")
    assert set(landed.rows) == activity_keys(desk)
    assert again(connector, landed, "activity").shown == 0


# ---- ranges, counts, credentials -------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_census_names_what_a_read_shows(connector: Connector, name: str) -> None:
    source, resource = connector.source(), spec("mailchimp", name)
    assert isinstance(source, Counts)
    landed = land(connector, name)
    named = [
        tuple(str(row[part]) for part in landed.schema.primary_key)
        for page in source.census(resource, landed.schema)
        for row in page.rows
    ]
    assert sorted(named) == sorted(landed.rows)
    assert len(named) > 0


@pytest.mark.parametrize(
    ("name", "stamps"),
    [
        ("members", ("last_changed",)),
        ("campaigns", ("create_time", "send_time")),
        ("activity", ("timestamp",)),
    ],
)
def test_a_backfill_shows_the_days_asked_for(
    connector: Connector, desk: Desk, name: str, stamps: tuple[str, ...]
) -> None:
    source, resource = connector.source(), spec("mailchimp", name)
    assert isinstance(source, Backfills)
    schema = source.schema(resource)
    records = desk.records("mailchimp", name)
    days = sorted({record[stamp][:10] for record in records for stamp in stamps if record[stamp]})
    first, last = days[len(days) // 2], days[-2]
    parts = list(source.backfill(resource, schema, date.fromisoformat(first), date.fromisoformat(last)))
    assert parts[-1] == Checkpoint(None)
    keys = schema.primary_key
    shown = {tuple(str(row[part]) for part in keys) for page in parts[:-1] for row in page.rows}
    due = {
        tuple(str(record.get(part, "")) for part in keys)
        for record in records
        if any(record[stamp] and first <= record[stamp][:10] <= last for stamp in stamps)
    }
    assert shown == due != set()
    assert len(due) < len(records)


def test_what_has_no_days_says_so(connector: Connector) -> None:
    source, resource = connector.source(), spec("mailchimp", "lists")
    with pytest.raises(FatalError, match="no range of days"):
        source.backfill(resource, source.schema(resource), date(2026, 1, 1), date(2026, 1, 2))


@pytest.mark.parametrize(
    ("role", "level"), [("owner", "ok"), ("manager", "ok"), ("viewer", "error"), ("wizard", "warning")]
)
def test_the_examination_names_account_and_role(
    connector: Connector, desk: Desk, sandbox: Sandbox, role: str, level: str
) -> None:
    fake: Any = sandbox.house.fakes["mailchimp"]
    fake.role = role
    assert isinstance(connector, Examines)
    findings = {finding.subject: finding for finding in connector.examine()}
    assert findings["role"].level == level and role in findings["role"].text
    assert connector.account() in findings["account"].text
    assert ("Manager" in findings["role"].fix) == (level != "ok")


def test_a_bearer_token_reads_like_a_key(sandbox: Sandbox, connector: Connector) -> None:
    other = connect("mailchimp", sandbox.base_url("mailchimp"), {"access_token": "sandbox"})
    assert other.account() == connector.account()
    assert land(other, "lists").rows == land(connector, "lists").rows
    other.close()


def test_rows_hold_no_links_and_no_column_is_always_empty_by_mistake(
    connector: Connector, desk: Desk
) -> None:
    """Every key of a record is a column, or a merge field."""
    for name in NAMES:
        columns = set(connector.source().schema(spec("mailchimp", name)).names())
        for record in copy.deepcopy(desk.records("mailchimp", name)):
            flat = {part.replace(".", "_") for part in _paths(record, columns)}
            assert flat <= columns, name


def _paths(record: dict[str, Any], columns: set[str], before: str = "") -> Iterator[str]:
    for name, value in record.items():
        path = f"{before}{name}"
        if path.replace(".", "_") not in columns and isinstance(value, dict):
            yield from _paths(value, columns, f"{path}.")
        else:
            yield path
