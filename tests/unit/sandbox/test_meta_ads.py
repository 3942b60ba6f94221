"""The Meta Ads fake: what it answers, what it refuses in Meta's words, records changed by the admin, report runs."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import pytest
from tests.unit.sandbox.talk import ask

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.meta_ads import MetaAds
from tailrace.sandbox.meta_ads.usage import Usage
from tailrace.sandbox.server import Sandbox
from tailrace.sandbox.vendor import Settings
from tailrace.sandbox.wire import Request
from tailrace.sandbox.world import make_world

TODAY = date(2026, 11, 21)
WORLD = make_world(7, 100, TODAY)
US, DE = "310000000000001", "310000000000002"
CAMPAIGN = "12021000001010001"
LEVELS = ("account", "campaign", "adset", "ad")
RANGE = '{"since":"2026-10-01","until":"2026-11-20"}'


@pytest.fixture
def meta() -> MetaAds:
    return MetaAds(WORLD, Clock(), Settings(today=TODAY))


def call(fake: MetaAds, path: str, method: str = "GET", headers: dict[str, str] | None = None, **params: Any):
    query = tuple({"access_token": "sandbox", **{name: str(value) for name, value in params.items()}}.items())
    found = fake.handle(Request(method, path, query, headers or {}))
    return found.status, orjson.loads(found.body), found.headers


def get(fake: MetaAds, path: str, **params: Any) -> Any:
    status, document, _ = call(fake, f"/v26.0/{path}", **params)
    assert status == 200, document
    return document


def refused(fake: MetaAds, path: str, method: str = "GET", **params: Any) -> dict[str, Any]:
    status, document, _ = call(fake, path, method, **params)
    assert status >= 400
    error = document["error"]
    assert {"message", "type", "code", "fbtrace_id"} <= error.keys()
    return error


def all_rows(fake: MetaAds, path: str, **params: Any) -> list[dict[str, Any]]:
    rows, after = [], {}
    while True:
        page = get(fake, path, **params, **after)
        rows += page["data"]
        if "next" not in page.get("paging", {}):
            return rows
        after = {"after": page["paging"]["cursors"]["after"]}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v21.0/me", 2635),
        ("/v99.0/me", 2500),
        ("/me", 2500),
        ("/v26.0/12345", 100),
        ("/v26.0/act_5/campaigns", 100),
        (f"/v26.0/{CAMPAIGN}/ads", 100),
        (f"/v26.0/act_{US}/audiences", 100),
    ],
)
def test_paths_that_lead_nowhere(meta: MetaAds, path: str, code: int) -> None:
    assert refused(meta, path)["code"] == code


def test_tokens_and_proofs(meta: MetaAds) -> None:
    assert refused(meta, "/v26.0/me", access_token="")["code"] == 104
    assert refused(meta, "/v26.0/me", access_token="EAAB")["code"] == 190
    assert "appsecret_proof" in refused(meta, "/v26.0/me", appsecret_proof="00")["message"]
    proof = hmac.new(b"sandbox-app-secret", b"sandbox", hashlib.sha256).hexdigest()
    assert get(meta, "me", appsecret_proof=proof)["id"]
    assert call(meta, "/v26.0/me", headers={"authorization": "Bearer sandbox"}, access_token="")[0] == 200
    assert get(meta, "debug_token", input_token="x")["data"] == {
        "app_id": "230000000000001",
        "is_valid": False,
    }
    granted = {row["permission"] for row in get(meta, "me/permissions")["data"]}
    assert "ads_read" in granted


def test_the_world_is_the_companys(meta: MetaAds) -> None:
    accounts = get(meta, "me/adaccounts", fields="name,currency,timezone_name")["data"]
    assert [(row["currency"], row["timezone_name"]) for row in accounts] == [
        ("USD", "America/New_York"),
        ("EUR", "Europe/Berlin"),
    ]
    names = {account["customer"]["descriptiveName"] for account in WORLD.google_ads["customers"]}
    assert {row["name"] for row in accounts} <= names
    assert max(row["date_start"] for row in meta.records("ad_insights")) == "2026-11-20"
    twin = MetaAds(make_world(7, 100, TODAY), Clock(), Settings(today=TODAY))
    assert all(twin.records(obj) == meta.records(obj) for obj in meta.objects())


def test_levels_add_up(meta: MetaAds) -> None:
    totals = []
    for level in LEVELS:
        rows = all_rows(
            meta,
            f"act_{US}/insights",
            level=level,
            time_increment=1,
            time_range=RANGE,
            fields="spend,clicks,actions",
        )
        days: Counter[str] = Counter()
        for row in rows:
            leads = [entry for entry in row.get("actions", []) if entry["action_type"] == "lead"]
            days[f"spend {row['date_start']}"] += Decimal(row["spend"])
            days[f"clicks {row['date_start']}"] += int(row["clicks"])
            days["leads"] += sum(int(entry["value"]) for entry in leads)
        totals.append(days)
    assert totals[0] == totals[1] == totals[2] == totals[3]
    assert totals[0]["leads"] > 10


@pytest.mark.parametrize("breakdowns", [["age"], ["gender", "publisher_platform"], ["country"]])
def test_breakdowns_add_up_and_are_the_same_every_time(meta: MetaAds, breakdowns: list[str]) -> None:
    asked = {"level": "ad", "time_increment": 1, "time_range": RANGE, "fields": "spend,impressions,actions"}
    whole = all_rows(meta, f"act_{US}/insights", limit=5000, **asked)
    split = all_rows(meta, f"act_{US}/insights", limit=5000, breakdowns=",".join(breakdowns), **asked)
    assert split == all_rows(meta, f"act_{US}/insights", limit=5000, breakdowns=",".join(breakdowns), **asked)
    assert len(split) > len(whole) and set(breakdowns) <= split[0].keys()
    for name in ("spend", "impressions"):
        assert sum(Decimal(row[name]) for row in split) == sum(Decimal(row[name]) for row in whole)
    assert _actions(split) == _actions(whole)
    assert all(int(row["impressions"]) > 0 for row in split)


def _actions(rows: list[dict[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        for entry in row.get("actions", []):
            found[entry["action_type"]] += int(entry["value"])
    return found


def test_periods(meta: MetaAds) -> None:
    def ends(**params: Any) -> list[tuple[str, str]]:
        rows = get(meta, f"act_{US}/insights", fields="spend", limit=100, **params)["data"]
        return [(row["date_start"], row["date_stop"]) for row in rows]

    assert ends(time_range=RANGE) == [("2026-10-01", "2026-11-20")]
    assert ends(time_range=RANGE, time_increment="monthly") == [
        ("2026-10-01", "2026-10-31"),
        ("2026-11-01", "2026-11-20"),
    ]
    assert ends(time_range=RANGE, time_increment=40) == [
        ("2026-10-01", "2026-11-09"),
        ("2026-11-10", "2026-11-20"),
    ]
    assert ends(date_preset="yesterday") == [("2026-11-20", "2026-11-20")]
    assert ends(date_preset="last_3d", time_increment=1) == [(f"2026-11-{day}",) * 2 for day in (18, 19, 20)]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"level": "keyword"}, "level must be one of"),
        ({"fields": "spent"}, "spent is not valid for fields param"),
        ({"breakdowns": "shoe_size"}, "breakdowns[0] must be one of"),
        ({"action_attribution_windows": '["28d_view"]'}, "action_attribution_windows[0] must be one of"),
        ({"time_range": "yesterday"}, "time_range must be an array or object"),
        ({"time_range": '{"since":"2026-10-01"}'}, "since and until"),
        ({"time_range": '{"since":"2026-10-01","until":"2026-13-01"}'}, "valid date"),
        ({"time_range": '{"since":"2020-01-01","until":"2020-01-02"}'}, "37 months"),
        ({"date_preset": "last_5y"}, "date_preset must be one of"),
        ({"time_increment": "0"}, "time_increment must be"),
        ({"limit": "0"}, "limit"),
        ({"after": "nonsense!"}, "Invalid cursors"),
        ({"filtering": '[{"field":"campaign.id","operator":"LIKE","value":1}]'}, "operator"),
        ({"sort": "spend_descending"}, "does not answer"),
    ],
)
def test_what_insights_refuse(meta: MetaAds, params: dict[str, str], words: str) -> None:
    error = refused(meta, f"/v26.0/act_{US}/insights", **params)
    assert error["code"] == 100 and words in error["message"]


def test_a_campaign_has_no_level_above_it(meta: MetaAds) -> None:
    assert "level" in refused(meta, f"/v26.0/{CAMPAIGN}/insights", level="account")["message"]
    rows = get(meta, f"{CAMPAIGN}/insights", level="ad", fields="ad_id", limit=100)["data"]
    assert len({row["ad_id"] for row in rows}) == 4


def test_listings_hide_what_is_deleted_until_asked(meta: MetaAds) -> None:
    assert meta.remove("campaigns", CAMPAIGN)
    ids = [row["id"] for row in all_rows(meta, f"act_{US}/campaigns")]
    assert CAMPAIGN not in ids and len(ids) == 2
    asked = all_rows(meta, f"act_{US}/campaigns", effective_status='["DELETED"]', fields="status")
    assert asked == [{"status": "DELETED", "id": CAMPAIGN}]
    wanted = '[{"field":"effective_status","operator":"IN","value":["DELETED","ARCHIVED"]}]'
    assert len(all_rows(meta, f"act_{US}/campaigns", filtering=wanted)) == 2
    below = get(meta, f"act_{US}/ads", fields="effective_status", effective_status='["DELETED"]')["data"]
    assert len(below) == 4
    assert (
        "effective_status[0]" in refused(meta, f"/v26.0/act_{US}/ads", effective_status='["GONE"]')["message"]
    )
    assert "nonexisting field (colour)" in refused(meta, f"/v26.0/act_{US}/ads", fields="colour")["message"]


def test_a_paused_campaign_pauses_what_hangs_on_it(meta: MetaAds) -> None:
    before = get(meta, CAMPAIGN, fields="updated_time")["updated_time"]
    meta.upsert("campaigns", [{"id": CAMPAIGN, "status": "PAUSED", "name": "Renamed"}])
    assert get(meta, CAMPAIGN, fields="effective_status,updated_time") == {
        "effective_status": "PAUSED",
        "updated_time": get(meta, CAMPAIGN, fields="updated_time")["updated_time"],
        "id": CAMPAIGN,
    }
    assert get(meta, CAMPAIGN, fields="updated_time")["updated_time"] != before
    states = {row["effective_status"] for row in meta.records("ads") if row["campaign_id"] == CAMPAIGN}
    assert states == {"CAMPAIGN_PAUSED"}
    names = {row["campaign_name"] for row in meta.records("ad_insights") if row["campaign_id"] == CAMPAIGN}
    assert names == {"Renamed"}


def test_pages_carry_cursors_and_the_whole_next_url() -> None:
    with Sandbox.start(contacts=20, today=TODAY) as sandbox:
        path = f"/meta_ads/v26.0/act_{US}/ads?{urlencode({'access_token': 'sandbox', 'limit': 7})}"
        ids: list[str] = []
        while path:
            page = ask(sandbox.url, "GET", path, headers={"accept": "*/*"}).json()
            ids += [row["id"] for row in page["data"]]
            following = urlsplit(page["paging"].get("next", ""))
            assert not following.netloc or following.netloc == urlsplit(sandbox.url).netloc
            path = f"{following.path}?{following.query}" if following.path else ""
        logged = [entry["path"] for entry in sandbox.house.log]
    assert len(ids) == len(set(ids)) == 12
    assert all("access_token=***" in entry and "=sandbox" not in entry for entry in logged)


def test_a_report_run_takes_its_time(meta: MetaAds) -> None:
    path = f"/v26.0/act_{US}/insights"
    _, started, _ = call(
        meta, path, "POST", level="campaign", time_increment=1, time_range=RANGE, fields="spend"
    )
    run = started["report_run_id"]
    assert refused(meta, f"/v26.0/{run}/insights")["error_subcode"] == 1487534
    stages = []
    for _ in range(4):
        state = get(meta, f"{run}/")  # the SDK's trailing slash
        stages.append((state["async_status"], state["async_percent_completion"]))
    assert stages == [
        ("Job Not Started", 0),
        ("Job Running", 45),
        ("Job Completed", 95),
        ("Job Completed", 100),
    ]
    asked = {"level": "campaign", "time_increment": 1, "time_range": RANGE, "fields": "spend"}
    assert all_rows(meta, f"{run}/insights") == all_rows(meta, f"act_{US}/insights", **asked)
    assert refused(meta, path, "POST", level="nothing")["code"] == 100
    meta.reset()
    assert refused(meta, f"/v26.0/{run}")["code"] == 100


def test_an_answer_can_be_too_large_to_be_made_at_once(
    meta: MetaAds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tailrace.sandbox.meta_ads.insights.MOST_ROWS_AT_ONCE", 50)
    asked = {"level": "ad", "time_increment": 1, "date_preset": "last_7d"}
    status, document, _ = call(meta, f"/v26.0/act_{US}/insights", **asked)
    assert (status, document["error"]["code"]) == (500, 1)
    assert "reduce the amount of data" in document["error"]["message"]
    assert call(meta, f"/v26.0/act_{US}/insights", "POST", **asked)[0] == 200


def test_limits_are_told_and_kept(meta: MetaAds) -> None:
    _, _, headers = call(meta, f"/v26.0/act_{US}/insights")
    (entry,) = orjson.loads(headers["x-business-use-case-usage"])[US]
    assert entry["type"] == "ads_insights" and entry["estimated_time_to_regain_access"] == 0
    meta._usage = Usage(2)
    for _ in range(2):
        get(meta, f"act_{US}/campaigns")
    status, document, headers = call(meta, f"/v26.0/act_{US}/campaigns")
    assert (status, document["error"]["code"]) == (400, 80004)
    (entry,) = orjson.loads(headers["x-business-use-case-usage"])[US]
    assert entry["estimated_time_to_regain_access"] == 5
    assert get(meta, f"act_{DE}/campaigns")


def test_loaded_records_are_what_the_api_answers(meta: MetaAds) -> None:
    for obj in meta.objects():
        meta.replace(obj, [])
    row = {
        "account_id": "77",
        "account_currency": "SEK",
        "campaign_id": "5",
        "campaign_name": "Loaded",
        "impressions": "10",
        "spend": "1.005",
        "wish_bid": "3",
        "date_start": "2026-05-05",
        "date_stop": "2026-05-05",
    }
    meta.replace("campaign_insights", [row, {**row, "date_start": "2026-05-06", "date_stop": "2026-05-06"}])
    accounts = get(meta, "me/adaccounts", fields="currency")["data"]
    assert accounts == [{"currency": "SEK", "id": "act_77"}]
    asked = {"level": "campaign", "fields": "campaign_name,spend,wish_bid", "date_preset": "this_year"}
    (found,) = get(meta, "act_77/insights", **asked)["data"]
    assert (found["campaign_name"], found["spend"], found["wish_bid"]) == ("Loaded", "2.010", "3")
    by_age = get(meta, "act_77/insights", breakdowns="age", **asked)["data"]
    assert sum(Decimal(part["spend"]) for part in by_age) == Decimal("2.010")
    meta.advance(random.Random(1), 0)
    assert meta.records("ad_insights") == [] and meta.records("account_insights") != []
    meta.reset()
    assert len(meta.records("ads")) == 28


@pytest.mark.parametrize(
    ("obj", "record", "what"),
    [
        ("campaigns", {"id": "1"}, "has no account_id"),
        ("ads", {"account_id": "1"}, "has no id"),
        ("ad_insights", {"account_id": "1", "ad_id": "2"}, "has no date_start"),
        ("accounts", {"id": "act_1"}, "has no account_id"),
    ],
)
def test_malformed_records_are_refused_and_change_nothing(
    meta: MetaAds, obj: str, record: dict[str, Any], what: str
) -> None:
    before = meta.records(obj)
    with pytest.raises(ValueError, match=what):
        meta.replace(obj, [record])
    with pytest.raises(ValueError, match="there more than once"):
        meta.replace(obj, [before[0], before[0]])
    assert meta.records(obj) == before
    with pytest.raises(KeyError):
        meta.replace("pixels", [])


def test_advance_restates_and_reset_restores(meta: MetaAds) -> None:
    before = {obj: meta.records(obj) for obj in meta.objects()}
    for number in range(3):
        meta.advance(random.Random(number), number)
    days = {row["date_start"] for row in meta.records("ad_insights") if row not in before["ad_insights"]}
    assert 1 <= len(days) <= 6 and min(days) >= "2026-11-07"
    assert len(meta.records("ad_insights")) == len(before["ad_insights"]) - 3
    assert len(meta.records("ads")) == len(before["ads"]) + 2
    assert sum(ad["status"] == "DELETED" for ad in meta.records("ads")) == 1
    spend = [sum(Decimal(row["spend"]) for row in meta.records(f"{level}_insights")) for level in LEVELS]
    assert len(set(spend)) == 1
    meta.reset()
    assert {obj: meta.records(obj) for obj in meta.objects()} == before
    assert meta.writes("ads") == {}


def test_removing_as_a_person_would(meta: MetaAds) -> None:
    row = meta.records("ad_insights")[0]
    count = len(meta.records("ad_insights"))
    assert meta.remove("ad_insights", f"{row['ad_id']}/{row['date_start']}")
    assert not meta.remove("ad_insights", "1/2026-01-01")
    assert len(meta.records("ad_insights")) == count - 1
    spend = [sum(Decimal(row["spend"]) for row in meta.records(f"{level}_insights")) for level in LEVELS]
    assert len(set(spend)) == 1
