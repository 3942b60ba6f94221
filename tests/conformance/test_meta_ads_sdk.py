"""The vendor's own SDK against the sandbox: what facebook-business reads is what the sandbox holds."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.adobjects.campaign import Campaign
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import Desk

US = "act_310000000000001"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=60) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The SDK is a global: it is pointed at the sandbox for the length of a test, and its crash log stays off."""
    monkeypatch.setattr(FacebookSession, "GRAPH", sandbox.base_url("meta_ads"))
    monkeypatch.setattr(FacebookAdsApi, "_default_api", None)
    _login("sandbox")
    desk = Desk(sandbox)
    yield desk
    desk.reset()


def _login(token: str, secret: str | None = "sandbox-app-secret") -> None:
    FacebookAdsApi.init(access_token=token, app_secret=secret, crash_log=False)


def _ids(obj: str, desk: Desk) -> list[str]:
    return [record["id"] for record in desk.records("meta_ads", obj) if f"act_{record['account_id']}" == US]


def test_accounts(desk: Desk) -> None:
    fields = [AdAccount.Field.name, AdAccount.Field.currency, AdAccount.Field.timezone_name]
    found = {account["id"]: account for account in User("me").get_ad_accounts(fields=fields)}
    held = {record["id"]: record for record in desk.records("meta_ads", "accounts")}
    assert found.keys() == held.keys()
    assert all(found[key][field] == held[key][field] for key in held for field in fields)
    one = AdAccount(US).api_get(fields=["account_status", "business"])
    assert one["account_status"] == 1 and one["business"]["name"] == "Millbrook Stock"


def test_nodes_page_by_page(desk: Desk) -> None:
    account = AdAccount(US)
    every = {"effective_status": ["ACTIVE", "PAUSED", "ARCHIVED"], "limit": 3}
    campaigns = account.get_campaigns(fields=[Campaign.Field.name], params=every)
    assert campaigns.total() == 4  # the SDK asks for a summary
    assert [campaign["id"] for campaign in campaigns] == _ids("campaigns", desk)
    adsets = list(account.get_ad_sets(fields=[AdSet.Field.campaign_id], params=every))
    assert [adset["id"] for adset in adsets] == _ids("adsets", desk)
    ads = list(account.get_ads(fields=[Ad.Field.creative], params=every))
    assert [ad["id"] for ad in ads] == _ids("ads", desk)
    assert all(ad["creative"]["id"] for ad in ads)
    assert len(list(account.get_campaigns())) == 3  # without the archived one
    first = Campaign(_ids("campaigns", desk)[0]).api_get(fields=["objective"])
    assert first["objective"] == "OUTCOME_LEADS"


INSIGHTS: dict[str, Any] = {
    "level": "campaign",
    "time_increment": 1,
    "date_preset": "last_90d",
    "action_attribution_windows": ["7d_click", "1d_view"],
    "limit": 40,
}
FIELDS = [
    AdsInsights.Field.campaign_id,
    AdsInsights.Field.spend,
    AdsInsights.Field.impressions,
    AdsInsights.Field.actions,
]


def _held(desk: Desk) -> dict[tuple[str, str], Any]:
    rows = [row for row in desk.records("meta_ads", "campaign_insights") if f"act_{row['account_id']}" == US]
    first = sorted({row["date_start"] for row in rows})[-90]
    return {
        (row["campaign_id"], row["date_start"]): (row["spend"], row["impressions"])
        for row in rows
        if row["date_start"] >= first
    }


def _found(rows: Any) -> dict[tuple[str, str], Any]:
    return {(row["campaign_id"], row["date_start"]): (row["spend"], row["impressions"]) for row in rows}


def test_insights_page_by_page(desk: Desk) -> None:
    rows = list(AdAccount(US).get_insights(fields=FIELDS, params=INSIGHTS))
    assert _found(rows) == _held(desk) and len(rows) > 200
    entries = [entry for row in rows for entry in row.get("actions") or []]
    assert {"7d_click", "1d_view"} >= {name for entry in entries for name in entry if name[0].isdigit()}
    lead = next(entry for entry in entries if entry["action_type"] == "lead" and "1d_view" in entry)
    assert int(lead["value"]) == int(lead.get("7d_click", 0)) + int(lead["1d_view"])


def test_insights_as_a_report_run(desk: Desk) -> None:
    run = AdAccount(US).get_insights_async(fields=FIELDS, params=dict(INSIGHTS))
    assert isinstance(run, AdReportRun)
    with pytest.raises(FacebookRequestError):
        run.get_insights()
    stages = []
    while not stages or stages[-1] != ("Job Completed", 100):
        run = run.api_get()
        stages.append((run["async_status"], run["async_percent_completion"]))
    assert stages[0] == ("Job Not Started", 0) and ("Job Completed", 95) in stages
    assert _found(run.get_insights(params={"limit": 100})) == _held(desk)


def test_a_campaigns_own_insights_over_the_whole_time(desk: Desk) -> None:
    key = _ids("campaigns", desk)[0]
    (row,) = Campaign(key).get_insights(fields=["spend", "cpc"], params={"date_preset": "maximum"})
    held = [r for r in desk.records("meta_ads", "campaign_insights") if r["campaign_id"] == key]
    assert Decimal(row["spend"]) == sum(Decimal(r["spend"]) for r in held)


def test_a_throttle_is_the_sdks_own_error(desk: Desk) -> None:
    error = {"message": "too many calls", "type": "OAuthException", "code": 80004, "is_transient": True}
    usage = '{"310000000000001":[{"type":"ads_management","estimated_time_to_regain_access":3}]}'
    desk.faults(
        {
            "vendor": "meta_ads",
            "route": "*/campaigns",
            "nth": 1,
            "status": 400,
            "headers": {"x-business-use-case-usage": usage},
            "body": {"error": error},
        }
    )
    with pytest.raises(FacebookRequestError) as caught:
        AdAccount(US).get_campaigns()
    assert caught.value.api_error_code() == 80004 and caught.value.api_transient_error()
    assert caught.value.http_headers()["x-business-use-case-usage"] == usage


@pytest.mark.parametrize(
    ("token", "secret", "code"),
    [("not-this-one", None, 190), ("sandbox", "not-this-secret", 100)],
    ids=["token", "proof"],
)
def test_a_wrong_login_is_refused(desk: Desk, token: str, secret: str | None, code: int) -> None:
    _login(token, secret)
    with pytest.raises(FacebookRequestError) as caught:
        User("me").get_ad_accounts()
    assert caught.value.api_error_code() == code


@pytest.mark.filterwarnings("ignore::UserWarning")  # the SDK says it too
@pytest.mark.parametrize(
    ("fields", "params", "message"),
    [
        (["spent"], {}, "spent is not valid for fields param"),
        (["spend"], {"action_attribution_windows": ["7d_view"]}, "must be one of the following values"),
        (["spend"], {"breakdowns": ["shoe_size"]}, "must be one of the following values"),
        (["spend"], {"time_range": {"since": "2026-02-02", "until": "2026-02-01"}}, "since"),
    ],
)
def test_what_insights_refuse(desk: Desk, fields: list[str], params: dict[str, Any], message: str) -> None:
    with pytest.raises(FacebookRequestError) as caught:
        AdAccount(US).get_insights(fields=fields, params=params)
    assert caught.value.api_error_code() == 100
    assert message in caught.value.api_error_message()
