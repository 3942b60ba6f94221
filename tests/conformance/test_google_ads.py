"""Google Ads beyond campaigns: every level of its stats, accounts below managers, accounts that are refused."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.connectors.sdk.base import Backfills, Connector, Examines
from tailrace.errors import VendorRefused
from tailrace.records import Checkpoint, Page
from tailrace.sandbox.server import Sandbox
from tests.conformance.source_suite import SourceSuite
from tests.conformance.vendors import Desk, Landed, connect, spec, utc_now

LOGIN = {"access_token": "sandbox", "developer_token": "dev-token"}
LONG_AGO = (utc_now() - timedelta(days=200)).date().isoformat()
US, DE, GB, MANAGER = "4100000001", "4100000002", "4100000003", "4100000000"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()
    sandbox.house.fakes["google_ads"].access.direct = None  # type: ignore[attr-defined]


class Stats(SourceSuite):
    """One level; `ids` are the paths of the ids between the customer's and the day."""

    vendor, login, wrong_login = "google_ads", LOGIN, {**LOGIN, "access_token": "not-this-one"}
    options = {"start_date": LONG_AGO, "metrics": ["cost_micros", "conversions"]}
    route = "*googleAds:searchStream"
    ids: tuple[tuple[str, ...], ...]

    def key(self, record: dict[str, Any]) -> tuple[str, ...]:
        found = []
        for path in (("customer", "id"), *self.ids, ("segments", "date")):
            value: Any = record
            for part in path:
                value = value[part]
            found.append(str(value))
        return tuple(found)

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {
            self.key(record): (int(record["metrics"]["costMicros"]), float(record["metrics"]["conversions"]))
            for record in desk.records("google_ads", self.resource)
            if record["metrics"]["costMicros"] != "0" or record["metrics"]["conversions"]
        }

    def value(self, row: dict[str, Any]) -> Any:
        return int(row["metrics_cost_micros"]), float(row["metrics_conversions"])

    def last(self, desk: Desk) -> dict[str, Any]:
        shown = self.expected(desk)
        records = desk.records("google_ads", self.resource)
        return max(
            (r for r in records if self.key(r) in shown), key=lambda r: (r["segments"]["date"], self.key(r))
        )

    def edit(self, desk: Desk) -> None:
        record = copy.deepcopy(self.last(desk))
        record["metrics"]["costMicros"] = str(int(record["metrics"]["costMicros"]) + 1)
        desk.save("google_ads", self.resource, record)

    def remove(self, desk: Desk) -> None:
        gone = self.key(self.last(desk))
        kept = [r for r in desk.records("google_ads", self.resource) if self.key(r) != gone]
        desk.replace("google_ads", self.resource, kept)


class TestAdGroupStats(Stats):
    resource, ids = "ad_group_stats", (("campaign", "id"), ("adGroup", "id"))


class TestAdStats(Stats):
    resource, ids = "ad_stats", (("campaign", "id"), ("adGroup", "id"), ("adGroupAd", "ad", "id"))


class TestAds(SourceSuite):
    vendor, login, wrong_login = "google_ads", LOGIN, {**LOGIN, "access_token": "not-this-one"}
    resource, route = "ads", "*googleAds:searchStream"

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {
            (r["customer"]["id"], r["adGroup"]["id"], r["adGroupAd"]["ad"]["id"]): r["adGroupAd"]["status"]
            for r in desk.records("google_ads", "ads")
        }

    def value(self, row: dict[str, Any]) -> Any:
        return row["ad_group_ad_status"]

    def edit(self, desk: Desk) -> None:
        desk.remove("google_ads", "ads", desk.records("google_ads", "ads")[0]["adGroupAd"]["ad"]["id"])

    def remove(self, desk: Desk) -> None:
        desk.replace("google_ads", "ads", desk.records("google_ads", "ads")[1:])


Opened = Callable[..., Connector]


@pytest.fixture
def opened(sandbox: Sandbox) -> Iterator[Opened]:
    """Opens connections and closes them all."""
    made: list[Connector] = []

    def open_one(**login: Any) -> Connector:
        made.append(connect("google_ads", sandbox.base_url("google_ads"), {**LOGIN, **login}))
        return made[-1]

    yield open_one
    for connector in made:
        connector.close()


def landed(opened: Opened, resource: str, options: dict[str, Any] | None = None, **login: Any) -> Landed:
    connector = opened(**login)
    asked = spec("google_ads", resource, options)
    return Landed(connector.source().schema(asked)).read(connector.source(), asked)


def test_accounts_below_a_manager_need_not_be_named(sandbox: Sandbox, desk: Desk, opened: Opened) -> None:
    sandbox.house.fakes["google_ads"].access.direct = frozenset([MANAGER])  # type: ignore[attr-defined]
    shown = landed(opened, "accounts")
    assert {key: row["customer_manager"] for (key,), row in shown.rows.items()} == {
        MANAGER: True,
        US: False,
        DE: False,
        GB: False,
    }
    stats = landed(opened, "account_stats", {"start_date": LONG_AGO})
    assert {key[0] for key in stats.rows} == {US, DE, GB}


def test_an_account_reached_both_ways_needs_no_manager(sandbox: Sandbox, desk: Desk, opened: Opened) -> None:
    sandbox.house.fakes["google_ads"].access.direct = frozenset([MANAGER, US])  # type: ignore[attr-defined]
    connector = opened()
    through = {account.id: account.through for account in connector.reach().accounts}  # type: ignore[attr-defined]
    assert through == {MANAGER: None, US: None, DE: MANAGER, GB: MANAGER}


def test_the_login_customer_bounds_what_is_read(sandbox: Sandbox, desk: Desk, opened: Opened) -> None:
    shown = landed(opened, "accounts", login_customer_id="410-000-0000")
    assert {key for (key,) in shown.rows} == {MANAGER, US, DE, GB}
    named = landed(opened, "accounts", login_customer_id=MANAGER, customer_ids=["410-000-0002"])
    assert [row["customer_currency_code"] for row in named.rows.values()] == ["EUR"]


def test_ended_and_hidden_accounts_are_skipped_and_keep_their_rows(
    sandbox: Sandbox, desk: Desk, opened: Opened
) -> None:
    sandbox.house.fakes["google_ads"].access.direct = frozenset([MANAGER])  # type: ignore[attr-defined]
    before = landed(opened, "campaigns")
    desk.save("google_ads", "customers", {"customer": {"id": GB, "hidden": True}})
    desk.remove("google_ads", "customers", DE)
    connector = opened()
    assert dict(connector.reach().skipped) == {DE: "CANCELED", GB: "hidden"}  # type: ignore[attr-defined]
    again = Landed(before.schema, dict(before.rows)).read(connector.source(), spec("google_ads", "campaigns"))
    assert set(again.rows) == set(before.rows)
    assert isinstance(connector, Examines)
    warned = [(found.subject, found.text) for found in connector.examine() if found.level == "warning"]
    assert warned == [
        (f"account {DE}", "CANCELED, so it is not read"),
        (f"account {GB}", "hidden, so it is not read"),
    ]


@pytest.mark.parametrize("resource", ["campaigns", "campaign_stats"])
def test_one_closed_account_does_not_cost_the_others(
    sandbox: Sandbox, desk: Desk, opened: Opened, resource: str
) -> None:
    """Named in the connection, so it is not skipped: the run fails, after the others."""
    options = {"start_date": LONG_AGO} if resource == "campaign_stats" else {}
    whole = landed(opened, resource, options)
    desk.remove("google_ads", "customers", DE)
    connector = opened(customer_ids=[DE, US, GB])
    asked, source = spec("google_ads", resource, options), connector.source()
    parts = source.read(asked, source.schema(asked), None)
    shown, checked = [], 0
    with pytest.raises(
        AccountRefused, match=rf"account {DE} cannot be read: The customer account can't be accessed"
    ):
        for part in parts:
            if isinstance(part, Page):
                shown += part.rows
            else:
                checked = len(shown)
                assert all(DE not in scope.equals["customer_id"] for scope in part.scopes)
    assert checked == len(shown) == len([key for key in whole.rows if key[0] != DE])
    assert {str(row["customer_id"]) for row in shown} == {US, GB}
    desk.reset()
    repaired = Landed(whole.schema).read(opened().source(), asked)
    assert repaired.rows == whole.rows


def test_segments_split_rows_and_name_them(sandbox: Sandbox, desk: Desk, opened: Opened) -> None:
    options = {"start_date": LONG_AGO, "metrics": ["clicks", "cost_micros"]}
    whole = landed(opened, "campaign_stats", options)
    split = landed(opened, "campaign_stats", {**options, "segments": ["device"]})
    assert split.schema.primary_key == ("customer_id", "campaign_id", "segments_date", "segments_device")
    assert {key[3] for key in split.rows} == {"MOBILE", "DESKTOP", "TABLET"}
    for name in ("metrics_clicks", "metrics_cost_micros"):
        assert sum(int(row[name]) for row in split.rows.values()) == sum(
            int(row[name]) for row in whole.rows.values()
        )


def test_a_range_of_days_is_read_on_request(sandbox: Sandbox, desk: Desk, opened: Opened) -> None:
    source = opened().source()
    assert isinstance(source, Backfills)
    asked = spec("google_ads", "ad_stats")
    last = date.today() - timedelta(days=60)
    first = last - timedelta(days=20)
    parts = list(source.backfill(asked, source.schema(asked), first, last))
    days = {str(row["segments_date"]) for part in parts if isinstance(part, Page) for row in part.rows}
    assert days == {(first + timedelta(days=number)).isoformat() for number in range(21)}
    scopes = [scope for part in parts if isinstance(part, Checkpoint) for scope in part.scopes]
    assert [scope.equals["customer_id"] for scope in scopes] == [(US,), (DE,), (GB,)]
    assert {scope.between for scope in scopes} == {("segments_date", first.isoformat(), last.isoformat())}


def test_a_long_first_read_asks_few_days_at_a_time_and_can_stop_between(
    sandbox: Sandbox, desk: Desk, opened: Opened
) -> None:
    connector = opened(customer_ids=[US])
    source, asked = connector.source(), spec("google_ads", "ad_stats", {"start_date": LONG_AGO})
    parts = source.read(asked, source.schema(asked), None)
    position = next(part.position for part in parts if isinstance(part, Checkpoint))
    assert position is not None
    parts.close()  # type: ignore[attr-defined]
    reached = position["through"][US]
    assert LONG_AGO < reached < date.today().isoformat()
    resumed = Landed(source.schema(asked), {}, position).read(source, asked)
    first = date.fromisoformat(reached) - timedelta(days=30)
    assert min(row["segments_date"] for row in resumed.rows.values()) >= first.isoformat()
    assert resumed.position is not None and resumed.position["digest"][US]


def test_a_version_that_is_not_served_is_named(sandbox: Sandbox, desk: Desk, opened: Opened) -> None:
    with pytest.raises(VendorRefused, match="no longer serves this version") as caught:
        landed(opened, "campaigns", api_version="v19")
    assert caught.value.fix == "raise api_version"


def test_a_login_is_examined(sandbox: Sandbox, desk: Desk, opened: Opened) -> None:
    connector = opened(customer_ids=[US, "999"])
    assert isinstance(connector, Examines)
    found = [(finding.level, finding.subject) for finding in connector.examine()]
    assert found == [
        ("ok", "access token"),
        ("ok", "developer token"),
        ("ok", f"account {US}"),
        ("error", "account 999"),
    ]
    wrong = opened(access_token="not-this-one")
    assert isinstance(wrong, Examines)
    assert [finding.level for finding in wrong.examine()] == ["error"]


class TestAccounts(SourceSuite):
    vendor, login, wrong_login = "google_ads", LOGIN, {**LOGIN, "access_token": "not-this-one"}
    resource, route = "accounts", "*googleAds:searchStream"

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        live = [r["customer"] for r in desk.records("google_ads", "customers")]
        return {(one["id"],): one["descriptiveName"] for one in live if one["status"] == "ENABLED"}

    def value(self, row: dict[str, Any]) -> Any:
        return row["customer_descriptive_name"]

    def edit(self, desk: Desk) -> None:
        desk.save("google_ads", "customers", {"customer": {"id": DE, "descriptiveName": "renamed"}})

    def remove(self, desk: Desk) -> None:
        """No record of it anywhere: the login reaches it no more."""
        fake = self.sandbox.house.fakes["google_ads"]
        for obj in fake.objects():
            kept = [r for r in desk.records("google_ads", obj) if r["customer"]["id"] != DE]
            desk.replace("google_ads", obj, kept)

    @pytest.fixture(autouse=True)
    def with_sandbox(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
