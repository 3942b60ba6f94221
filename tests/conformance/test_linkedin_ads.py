"""LinkedIn Ads against the source suite, and what is its own: splitting, tunnelling, both kinds of pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.connectors.sdk.base import Backfills, Connector, Examines
from tailrace.errors import AuthError, FatalError, VendorRefused
from tailrace.records import Checkpoint, Page
from tailrace.sandbox.linkedin_ads.world import METRICS, RATES
from tailrace.sandbox.server import Sandbox
from tests.conformance.source_suite import SourceSuite
from tests.conformance.vendors import Desk, Landed, connect, spec, utc_now

LOGIN = {"access_token": "sandbox"}
NOT_LOGIN = {"access_token": "AQV-not-this-one"}
LONG_AGO = (utc_now() - timedelta(days=200)).date().isoformat()
US, DE = "510000001", "510000002"
ANALYTICS = "/rest/adAnalytics*"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    fake = sandbox.house.fakes["linkedin_ads"]
    desk = Desk(sandbox)
    yield desk
    desk.reset()
    fake.habits = type(fake.habits)()  # type: ignore[attr-defined]


class Report(SourceSuite):
    """One pivot; `column` is where the sandbox's analytics hold its URN."""

    vendor, login, wrong_login = "linkedin_ads", LOGIN, NOT_LOGIN
    options = {"start_date": LONG_AGO}
    route = ANALYTICS
    column: str

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        sums: dict[tuple[str, ...], list[Any]] = defaultdict(lambda: [Decimal(0), 0])
        for record in desk.records("linkedin_ads", "analytics"):
            account = record["account"].rpartition(":")[2]
            total = sums[account, record[self.column], record["date"]]
            total[0] += Decimal(record["costInLocalCurrency"])
            total[1] += record["impressions"]
        return {key: tuple(total) for key, total in sums.items()}

    def value(self, row: dict[str, Any]) -> Any:
        return Decimal(row["costInLocalCurrency"]), row["impressions"]

    def last(self, desk: Desk) -> dict[str, Any]:
        return max(desk.records("linkedin_ads", "analytics"), key=lambda r: (r["date"], r["creative"]))

    def edit(self, desk: Desk) -> None:
        record = self.last(desk)
        cost = str(Decimal(record["costInLocalCurrency"]) + 1)
        desk.save("linkedin_ads", "analytics", {**record, "costInLocalCurrency": cost})

    def remove(self, desk: Desk) -> None:
        last = self.last(desk)
        same = (last[self.column], last["date"])
        for record in desk.records("linkedin_ads", "analytics"):
            if (record[self.column], record["date"]) == same:
                desk.remove("linkedin_ads", "analytics", f"{record['creative']}/{record['date']}")


class TestCampaignAnalytics(Report):
    resource, column = "campaign_analytics", "campaign"


class TestCreativeAnalytics(Report):
    resource, column = "creative_analytics", "creative"


class TestGroupAnalytics(Report):
    resource, column = "campaign_group_analytics", "campaignGroup"


class TestAccountAnalytics(Report):
    resource, column = "account_analytics", "account"


class Entity(SourceSuite):
    vendor, login, wrong_login = "linkedin_ads", LOGIN, NOT_LOGIN

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {(str(r["id"]),): r["name"] for r in desk.records("linkedin_ads", self.resource)}

    def value(self, row: dict[str, Any]) -> Any:
        return row["name"]

    def edit(self, desk: Desk) -> None:
        record = desk.records("linkedin_ads", self.resource)[0]
        desk.save("linkedin_ads", self.resource, {"id": record["id"], "name": "renamed"})

    def remove(self, desk: Desk) -> None:
        desk.replace("linkedin_ads", self.resource, desk.records("linkedin_ads", self.resource)[1:])


class TestCampaigns(Entity):
    resource, route = "campaigns", "/rest/adAccounts/*/adCampaigns*"


class TestCreatives(Entity):
    resource, route = "creatives", "/rest/adAccounts/*/creatives*"


class TestGroups(Entity):
    resource, route = "campaign_groups", "/rest/adAccounts/*/adCampaignGroups*"


class TestAccounts(Entity):
    resource, route = "accounts", "/rest/adAccounts*"


Opened = Callable[..., Connector]


@pytest.fixture
def opened(sandbox: Sandbox) -> Iterator[Opened]:
    """Opens connections and closes them all."""
    made: list[Connector] = []

    def open_one(**options: Any) -> Connector:
        login = {} if "client_id" in options else LOGIN
        made.append(connect("linkedin_ads", sandbox.base_url("linkedin_ads"), {**login, **options}))
        return made[-1]

    yield open_one
    for connector in made:
        connector.close()


def landed(opened: Opened, resource: str, options: dict[str, Any] | None = None, **login: Any) -> Landed:
    connector = opened(**login)
    asked = spec("linkedin_ads", resource, options)
    return Landed(connector.source().schema(asked)).read(connector.source(), asked)


def habits(sandbox: Sandbox) -> Any:
    return sandbox.house.fakes["linkedin_ads"].habits  # type: ignore[attr-defined]


def oauth(sandbox: Sandbox) -> dict[str, str]:
    url = sandbox.base_url("linkedin_ads") + "/oauth/v2/"
    urls = {"token_url": url + "accessToken", "introspect_url": url + "introspectToken"}
    return {"client_id": "app", "client_secret": "no-secret", "refresh_token": "no-token", **urls}


def test_every_row_names_account_currency_and_days(opened: Opened, desk: Desk) -> None:
    shown = landed(opened, "creative_analytics", {"start_date": LONG_AGO})
    facts = {
        (row["account_id"], row["account_currency"], row["account_time_zone"]) for row in shown.rows.values()
    }
    assert facts == {(US, "USD", "UTC"), (DE, "EUR", "UTC")}
    assert all(row["pivotValue"].endswith(f":{row['creative_id']}") for row in shown.rows.values())


def test_reports_are_split_where_linkedin_cuts(sandbox: Sandbox, opened: Opened, desk: Desk) -> None:
    """8 campaigns' creatives a day and account at most: 9 elements hold one day, not two."""
    whole = landed(opened, "creative_analytics", {"start_date": LONG_AGO})
    habits(sandbox).most_elements = 9
    cut = landed(opened, "creative_analytics", {"start_date": LONG_AGO}, most_elements=9)
    assert cut.rows == whole.rows
    assert cut.shown == len(whole.rows) > 500


def test_a_day_that_is_cut_is_split_by_campaigns(sandbox: Sandbox, opened: Opened, desk: Desk) -> None:
    whole = landed(opened, "creative_analytics", {"start_date": LONG_AGO})
    habits(sandbox).most_elements = 3
    cut = landed(opened, "creative_analytics", {"start_date": LONG_AGO}, most_elements=3)
    assert cut.rows == whole.rows


def test_a_day_of_groups_is_split_by_groups(sandbox: Sandbox, opened: Opened, desk: Desk) -> None:
    whole = landed(opened, "campaign_group_analytics", {"start_date": LONG_AGO})
    habits(sandbox).most_elements = 2
    cut = landed(opened, "campaign_group_analytics", {"start_date": LONG_AGO}, most_elements=2)
    assert cut.rows == whole.rows


def test_a_campaign_that_is_cut_stops_with_the_reason(sandbox: Sandbox, opened: Opened, desk: Desk) -> None:
    habits(sandbox).most_elements = 2
    with pytest.raises(
        FatalError, match=r"creative_analytics: account 510000001 on .* has 2 elements or more of urn"
    ):
        landed(opened, "creative_analytics", {"start_date": LONG_AGO}, most_elements=2)


def test_campaigns_that_are_not_listed_cannot_be_split_by(
    sandbox: Sandbox, opened: Opened, desk: Desk
) -> None:
    """Their numbers are in the cut answer and in none of the parts."""
    desk.replace("linkedin_ads", "campaigns", desk.records("linkedin_ads", "campaigns")[2:])
    habits(sandbox).most_elements = 3
    with pytest.raises(FatalError, match=r"campaigns as listed explain \d of them"):
        landed(opened, "campaign_analytics", {"start_date": LONG_AGO}, most_elements=3)


def test_more_metrics_than_one_call_takes_are_merged(opened: Opened, desk: Desk) -> None:
    options = {"start_date": LONG_AGO, "metrics": list(METRICS)}
    before = len(desk.requests("linkedin_ads", "adAnalytics"))
    shown = landed(opened, "account_analytics", options)
    calls = len(desk.requests("linkedin_ads", "adAnalytics")) - before
    once = landed(opened, "account_analytics", {**options, "metrics": ["likes", "videoViews"]})
    assert len(METRICS) > 20
    assert calls == 2 * (len(desk.requests("linkedin_ads", "adAnalytics")) - before - calls)
    for key, row in once.rows.items():
        assert (row["likes"], row["videoViews"]) == (shown.rows[key]["likes"], shown.rows[key]["videoViews"])
    totals = {name: sum(int(row[name]) for row in shown.rows.values()) for name in RATES}
    wanted = {name: sum(row[name] for row in desk.records("linkedin_ads", "analytics")) for name in RATES}
    assert totals == wanted


@pytest.mark.parametrize("page_size", [None, 3])
@pytest.mark.parametrize("cursors", [True, False], ids=["pageToken", "start and count"])
def test_both_kinds_of_pages_are_walked(
    sandbox: Sandbox, opened: Opened, desk: Desk, cursors: bool, page_size: int | None
) -> None:
    creatives = desk.records("linkedin_ads", "creatives")
    more = [{**creatives[0], "id": f"urn:li:sponsoredCreative:{number}"} for number in range(1, 300)]
    desk.replace("linkedin_ads", "creatives", [*creatives, *more])
    habits(sandbox).cursors = cursors
    size = {} if page_size is None or not cursors else {"page_size": page_size}
    shown = landed(opened, "creatives", **size)
    assert len(shown.rows) == shown.shown == len(creatives) + 299


def test_a_long_query_is_tunnelled(sandbox: Sandbox, opened: Opened, desk: Desk) -> None:
    campaign = desk.records("linkedin_ads", "campaigns")[0]
    many = [{**campaign, "id": 700_000_000 + number} for number in range(150)]
    desk.replace("linkedin_ads", "campaigns", [*desk.records("linkedin_ads", "campaigns"), *many])
    habits(sandbox).most_elements = 4
    whole = landed(opened, "campaign_analytics", {"start_date": LONG_AGO}, most_elements=4, account_ids=[US])
    sent = {entry["method"] for entry in desk.requests("linkedin_ads", "adAnalytics")}
    assert sent == {"GET", "POST"}
    habits(sandbox).most_elements = 15_000
    assert landed(opened, "campaign_analytics", {"start_date": LONG_AGO}, account_ids=[US]).rows == whole.rows


def test_a_range_of_days_is_read_on_request(opened: Opened, desk: Desk) -> None:
    source = opened().source()
    assert isinstance(source, Backfills)
    asked = spec("linkedin_ads", "creative_analytics")
    last = date.today() - timedelta(days=50)
    first = last - timedelta(days=20)
    parts = list(source.backfill(asked, source.schema(asked), first, last))
    days = {row["date"] for part in parts if isinstance(part, Page) for row in part.rows}
    assert days == {(first + timedelta(days=number)).isoformat() for number in range(21)}
    scopes = [scope for part in parts if isinstance(part, Checkpoint) for scope in part.scopes]
    assert [(scope.equals, scope.between) for scope in scopes] == [
        ({"account_id": (account,)}, ("date", first.isoformat(), last.isoformat())) for account in (US, DE)
    ]


@pytest.mark.parametrize("resource", ["campaigns", "campaign_analytics", "accounts"])
def test_one_account_out_of_reach_does_not_cost_the_others(opened: Opened, desk: Desk, resource: str) -> None:
    options = {} if resource != "campaign_analytics" else {"start_date": LONG_AGO}
    connector = opened(account_ids=["999", f"urn:li:sponsoredAccount:{DE}"])
    source, asked = connector.source(), spec("linkedin_ads", resource, options)
    shown, checked = [], 0
    with pytest.raises(AccountRefused, match="account 999 cannot be read: Not enough permissions") as caught:
        for part in source.read(asked, source.schema(asked), None):
            if isinstance(part, Page):
                shown += part.rows
            else:
                checked = len(shown)
    assert "r_ads" in caught.value.fix
    assert checked == len(shown) > 0
    assert connector.account() == "999"


def test_only_asked_fields_land(opened: Opened, desk: Desk) -> None:
    shown = landed(opened, "campaigns", {"fields": ["name", "dailyBudget.amount", "associatedEntity"]})
    assert shown.schema.names() == (
        "id", "account", "name", "dailyBudget_amount", "associatedEntity", "changeAuditStamps_lastModified_time",
    )  # fmt: skip
    assert {column.type for column in shown.schema.columns} == {"bigint", "text", "decimal", "timestamp"}
    row = next(iter(shown.rows.values()))
    assert Decimal(row["dailyBudget_amount"]) > 0
    assert row["associatedEntity"] is None


def test_a_version_that_has_ended_is_named_with_the_setting(opened: Opened, desk: Desk) -> None:
    with pytest.raises(
        VendorRefused, match=r"ended this API version \(426\): Requested version 20240101"
    ) as caught:
        landed(opened, "campaigns", api_version="202401")
    assert "api_version" in caught.value.fix


def test_a_refreshed_token_reads_and_is_examined(sandbox: Sandbox, opened: Opened, desk: Desk) -> None:
    connector = opened(**oauth(sandbox))
    assert isinstance(connector, Examines)
    found = {finding.subject: (finding.level, finding.text) for finding in connector.examine()}
    assert found["r_ads"] == found["r_ads_reporting"] == ("ok", "granted")
    assert found["token"][0] == "ok" and found["token"][1].startswith("ends on 20")
    assert found[f"account {US}"] == ("ok", "Millbrook Stock North America (USD, ACTIVE)")
    assert found["api_version"][0] == "ok"


def test_a_missing_scope_is_found(sandbox: Sandbox, opened: Opened, desk: Desk) -> None:
    tokens = sandbox.house.fakes["linkedin_ads"].tokens  # type: ignore[attr-defined]
    tokens.scope = "r_ads"
    try:
        connector = opened(**oauth(sandbox), account_ids=[US, "999"], api_version="202512")
        assert isinstance(connector, Examines)
        wrong = [(finding.subject, finding.level) for finding in connector.examine() if finding.level != "ok"]
    finally:
        tokens.scope = "r_ads,r_ads_reporting"
    assert wrong == [("r_ads_reporting", "error"), ("account 999", "error")]


def test_what_cannot_be_examined_is_said(sandbox: Sandbox, opened: Opened, desk: Desk) -> None:
    outside = opened()
    assert isinstance(outside, Examines)
    assert [finding.text for finding in outside.examine() if finding.subject == "token"] == [
        "given from outside: only its app can ask for its scopes and its end"
    ]
    wrong = opened(access_token="not-this-one")
    assert isinstance(wrong, Examines)
    assert [finding.subject for finding in wrong.examine() if finding.level == "error"] == ["accounts"]


def test_a_member_without_accounts_has_none(opened: Opened, desk: Desk) -> None:
    desk.replace("linkedin_ads", "accounts", [])
    with pytest.raises(FatalError, match="the member sees no ad account"):
        opened().account()


def test_accounts_that_may_not_be_listed_are_a_matter_of_scopes(opened: Opened, desk: Desk) -> None:
    body = {
        "status": 403,
        "code": "ACCESS_DENIED",
        "message": "Not enough permissions to access: adAccounts.FINDER",
    }
    rule = {"vendor": "linkedin_ads", "route": "/rest/adAccounts", "status": 403}
    desk.faults({**rule, "headers": {"content-type": "application/json"}, "body": body})
    with pytest.raises(AuthError, match="Not enough permissions") as caught:
        landed(opened, "campaigns")
    assert "r_ads" in caught.value.fix
