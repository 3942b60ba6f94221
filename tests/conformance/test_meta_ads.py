"""Meta Ads against the source suite, and what is its own: report runs, breakdowns, resuming, ranges of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Backfills, Connector, Examines
from tailrace.errors import FatalError
from tailrace.records import Checkpoint, Page, Scope
from tailrace.sandbox.server import Sandbox
from tests.conformance.source_suite import SourceSuite
from tests.conformance.vendors import Desk, Landed, connect, spec, utc_now

LOGIN = {"access_token": "sandbox", "app_secret": "sandbox-app-secret", "poll_interval": 0.001}
WRONG = {**LOGIN, "access_token": "EAAB-not-this-one"}
LONG_AGO = (utc_now() - timedelta(days=200)).date().isoformat()
US, DE = "310000000000001", "310000000000002"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=120, limits=False) as sandbox:
        yield sandbox


class MetaAdsInsights(SourceSuite):
    vendor, login, wrong_login = "meta_ads", LOGIN, WRONG
    options = {"start_date": LONG_AGO, "limit": 40}
    route = "*/insights"
    level: str

    def key(self, record: dict[str, Any]) -> tuple[str, ...]:
        return record["account_id"], record[f"{self.level}_id"], record["date_start"]

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {self.key(row): self.value(row) for row in desk.records("meta_ads", self.resource)}

    def value(self, row: dict[str, Any]) -> Any:
        leads = {entry["action_type"]: entry["value"] for entry in row.get("actions") or []}
        return Decimal(row["spend"]), int(row["impressions"]), leads

    def last(self, desk: Desk) -> dict[str, Any]:
        return max(
            desk.records("meta_ads", self.resource), key=lambda row: (row["date_start"], self.key(row))
        )

    def edit(self, desk: Desk) -> None:
        last = self.last(desk)
        desk.save("meta_ads", self.resource, {**last, "spend": f"{Decimal(last['spend']) + 1}"})

    def remove(self, desk: Desk) -> None:
        last = self.last(desk)
        desk.remove("meta_ads", self.resource, f"{last[f'{self.level}_id']}/{last['date_start']}")


class TestMetaAdsCampaignInsights(MetaAdsInsights):
    resource, level = "campaign_insights", "campaign"


class TestMetaAdsAdInsightsAtOnce(MetaAdsInsights):
    resource, level = "ad_insights", "ad"
    login = {**LOGIN, "async": "never"}
    options = {"start_date": LONG_AGO}


class TestMetaAdsAds(SourceSuite):
    vendor, login, wrong_login = "meta_ads", LOGIN, WRONG
    resource, options = "ads", {"limit": 5}
    route = "*/ads"

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {
            (record["id"],): (record["name"], record["effective_status"])
            for record in desk.records("meta_ads", "ads")
        }

    def value(self, row: dict[str, Any]) -> Any:
        return row["name"], row["effective_status"]

    def edit(self, desk: Desk) -> None:
        desk.save(
            "meta_ads",
            "ads",
            {"id": desk.records("meta_ads", "ads")[0]["id"], "name": "Renamed", "status": "PAUSED"},
        )

    def remove(self, desk: Desk) -> None:
        desk.replace("meta_ads", "ads", desk.records("meta_ads", "ads")[1:])


class TestMetaAdsAccounts(SourceSuite):
    vendor, login, wrong_login = "meta_ads", LOGIN, WRONG
    resource, route = "accounts", "*/me/adaccounts"

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {(row["account_id"],): row["name"] for row in desk.records("meta_ads", "accounts")}

    def value(self, row: dict[str, Any]) -> Any:
        return row["name"]

    def edit(self, desk: Desk) -> None:
        desk.save("meta_ads", "accounts", {"id": f"act_{US}", "account_id": US, "name": "Renamed"})

    def remove(self, desk: Desk) -> None:
        for obj in ("accounts", "campaigns", "adsets", "ads", *(f"{level}_insights" for level in LEVELS)):
            kept = [row for row in desk.records("meta_ads", obj) if row["account_id"] != DE]
            desk.replace("meta_ads", obj, kept)


LEVELS = ("account", "campaign", "adset", "ad")


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def open_(sandbox: Sandbox) -> Iterator[Any]:
    opened: list[Connector] = []

    def make(**more: Any) -> Connector:
        opened.append(connect("meta_ads", sandbox.base_url("meta_ads"), {**LOGIN, **more}))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


def landed(connector: Connector, resource: str, **options: Any) -> Landed:
    wanted = spec("meta_ads", resource, options)
    return Landed(connector.source().schema(wanted)).read(connector.source(), wanted)


def test_at_once_and_by_report_runs_the_same_rows_come(open_: Any, desk: Desk) -> None:
    before = len(desk.requests("meta_ads"))
    at_once = landed(open_(**{"async": "never"}), "campaign_insights")
    assert {entry["method"] for entry in desk.requests("meta_ads")[before:]} == {"GET"}
    before = len(desk.requests("meta_ads"))
    by_runs = landed(open_(**{"async": "always"}), "campaign_insights")
    asked = desk.requests("meta_ads")[before:]
    assert sum(entry["method"] == "POST" for entry in asked) == 2 * 3  # 91 days in slices of 31, two accounts
    assert by_runs.rows == at_once.rows and len(at_once.rows) > 400


def test_auto_makes_a_report_run_of_a_first_read_alone(open_: Any, desk: Desk) -> None:
    connector, wanted = open_(), spec("meta_ads", "account_insights")
    first = Landed(connector.source().schema(wanted)).read(connector.source(), wanted)
    assert any(entry["method"] == "POST" for entry in desk.requests("meta_ads"))
    before = len(desk.requests("meta_ads"))
    desk.call("POST", "advance")
    first.read(connector.source(), wanted)
    assert {entry["method"] for entry in desk.requests("meta_ads")[before:]} == {"GET"}
    assert len(desk.requests("meta_ads")) - before == 3


def test_every_level_tells_the_same_spend(open_: Any, desk: Desk) -> None:
    desk.call("POST", "advance", {"rounds": 5})
    totals = []
    for level in LEVELS:
        found = landed(open_(), f"{level}_insights", start_date=LONG_AGO)
        spend: Counter[tuple[str, str]] = Counter()
        for row in found.rows.values():
            spend[row["account_id"], row["date_start"]] += Decimal(row["spend"])  # type: ignore[assignment]
        totals.append(spend)
    assert totals[0] == totals[1] == totals[2] == totals[3]
    assert len(totals[0]) > 200


def test_breakdowns_are_key_and_add_up(open_: Any) -> None:
    whole = landed(open_(), "campaign_insights", start_date=LONG_AGO)
    split = landed(open_(), "campaign_insights", start_date=LONG_AGO, breakdowns=["age", "gender"])
    assert split.schema.primary_key == ("account_id", "campaign_id", "date_start", "age", "gender")
    assert split.shown == len(split.rows) > len(whole.rows)
    for name in ("spend", "impressions", "clicks"):
        assert _total(split, name) == _total(whole, name) > 0


def _total(found: Landed, name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in found.rows.values()), Decimal(0))


def test_currency_and_zone_go_with_every_row(open_: Any) -> None:
    rows = landed(open_(), "account_insights").rows.values()
    assert {(row["account_id"], row["account_currency"], row["account_timezone_name"]) for row in rows} == {
        (US, "USD", "America/New_York"),
        (DE, "EUR", "Europe/Berlin"),
    }


def test_types_are_the_vendors(open_: Any) -> None:
    options = {"fields": ["spend", "clicks", "ctr", "actions", "objective"], "breakdowns": ["age"]}
    schema = open_().source().schema(spec("meta_ads", "ad_insights", options))
    types = {column.name: column.type for column in schema.columns}
    assert types == {
        **dict.fromkeys(
            ("account_id", "campaign_id", "adset_id", "ad_id", "account_currency", "objective"), "text"
        ),
        "spend": "decimal",
        "clicks": "bigint",
        "ctr": "double",
        "actions": "json",
        "date_start": "date",
        "date_stop": "date",
        "age": "text",
        "account_timezone_name": "text",
    }
    node = open_().source().schema(spec("meta_ads", "campaigns"))
    assert node.cursor_columns == ("updated_time",)
    assert {column.name: column.type for column in node.columns}["created_time"] == "timestamp"


def test_other_windows_or_fields_read_all_again(open_: Any) -> None:
    found = landed(open_(), "account_insights")
    other = open_(action_attribution_windows=["28d_click"])
    wanted = spec("meta_ads", "account_insights")
    before = len(found.rows)
    found.read(other.source(), wanted)
    assert found.shown == before
    entries = [entry for row in found.rows.values() for entry in row["actions"] or []]
    assert any("28d_click" in entry for entry in entries)
    assert not any("7d_click" in entry for entry in entries)


def test_a_first_read_that_is_cut_off_goes_on_behind_its_last_slice(open_: Any, desk: Desk) -> None:
    connector = open_(account_ids=[US], **{"async": "never"})
    wanted = spec("meta_ads", "campaign_insights", {"start_date": LONG_AGO, "restate": 3})
    schema = connector.source().schema(wanted)
    parts = connector.source().read(wanted, schema, None)
    cut = [part for part, _ in zip(parts, range(5), strict=False)]
    last = [part for part in cut if isinstance(part, Checkpoint)][-1]
    through = last.position["accounts"][US]["through"]  # type: ignore[index]
    found = Landed(schema, position=last.position)
    before = len(desk.requests("meta_ads"))
    found.read(connector.source(), wanted)
    asked = [entry["path"] for entry in desk.requests("meta_ads")[before:] if "insights" in entry["path"]]
    resumed = (date.fromisoformat(through) - timedelta(days=3)).isoformat()
    assert resumed in asked[0] and LONG_AGO not in asked[0]
    first = [row for page in cut if isinstance(page, Page) for row in page.rows]
    seen = {found.key(row) for row in first if row["date_start"] < resumed} | found.rows.keys()
    assert seen == landed(open_(account_ids=[US]), "campaign_insights", start_date=LONG_AGO).rows.keys()
    # every scope is of days that were shown whole
    scopes = [scope for part in cut if isinstance(part, Checkpoint) for scope in part.scopes]
    assert scopes and all(scope.between[2] <= through for scope in scopes if scope.between)


def test_a_range_of_days_is_read_and_nothing_else(open_: Any) -> None:
    source = open_().source()
    assert isinstance(source, Backfills)
    wanted = spec("meta_ads", "campaign_insights")
    schema = source.schema(wanted)
    last = utc_now().date() - timedelta(days=100)
    parts = list(source.backfill(wanted, schema, last - timedelta(days=9), last))
    days = {row["date_start"] for part in parts if isinstance(part, Page) for row in part.rows}
    assert days == {(last - timedelta(days=ago)).isoformat() for ago in range(10)}
    assert isinstance(parts[-1], Checkpoint)
    scopes = [scope for part in parts if isinstance(part, Checkpoint) for scope in part.scopes]
    between = ("date_start", (last - timedelta(days=9)).isoformat(), last.isoformat())
    assert scopes == [Scope({"account_id": (key,)}, between) for key in (US, DE)]
    with pytest.raises(FatalError, match="ads has no days"):
        source.backfill(spec("meta_ads", "ads"), schema, last, last)


def test_a_range_that_has_not_come_yet_is_empty(open_: Any) -> None:
    source, wanted = open_().source(), spec("meta_ads", "campaign_insights")
    ahead = utc_now().date() + timedelta(days=30)
    parts = list(source.backfill(wanted, source.schema(wanted), ahead, ahead))
    assert [part for part in parts if isinstance(part, Page)] == []
    assert all(part.scopes == () for part in parts) and parts


def test_deleted_nodes_stay_as_long_as_they_are_asked_for(open_: Any, desk: Desk) -> None:
    gone = desk.records("meta_ads", "campaigns")[0]["id"]
    desk.remove("meta_ads", "campaigns", gone)
    assert landed(open_(), "campaigns").rows[(gone,)]["effective_status"] == "DELETED"
    assert (gone,) not in landed(open_(), "campaigns", statuses=["ACTIVE", "PAUSED"]).rows
    assert (gone,) not in landed(open_(), "campaigns", statuses=[]).rows


def test_doctor_is_told_what_the_token_may(open_: Any, desk: Desk) -> None:
    connector = open_()
    assert isinstance(connector, Examines)
    found = {(finding.level, finding.subject): finding.text for finding in connector.examine()}
    assert found["ok", "permissions"] == "ads_read is granted"
    assert found["ok", "access_token"] == "does not end"
    assert found["ok", "accounts"] == "2 can be read"
    soon = int((utc_now() + timedelta(days=3)).timestamp())
    answers = {
        "*/me/permissions": {"data": [{"permission": "ads_read", "status": "declined"}]},
        "*/debug_token": {"data": {"expires_at": soon}},
        "*/me/adaccounts": {"data": [{"id": "act_5", "account_id": "5", "name": "Old", "account_status": 2}]},
    }
    rules = [
        {"vendor": "meta_ads", "route": route, "nth": 1, "status": 200, "body": body}
        for route, body in answers.items()
    ]
    desk.faults(*rules)
    found = {(finding.level, finding.subject): finding.text for finding in connector.examine()}
    assert found["error", "permissions"] == "ads_read is declined"
    assert found["warning", "access_token"].startswith("ends on 2")
    assert found["warning", "act_5"] == "Old is not active (account_status 2)"
    named = open_(account_ids=[US, "77"])
    errors = [finding for finding in named.examine() if finding.level == "error"]
    assert len(errors) == 1 and "act_77" in errors[0].text
