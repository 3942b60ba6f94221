"""The LinkedIn fake: headers, Rest.li, reports that add up, listings, tokens, records changed by the admin."""

from __future__ import annotations

import copy
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.linkedin_ads import LinkedInAds
from tailrace.sandbox.linkedin_ads.errors import Refused
from tailrace.sandbox.linkedin_ads.restli import read_query
from tailrace.sandbox.linkedin_ads.world import METRICS, MONEY, make_world
from tailrace.sandbox.vendor import Settings
from tailrace.sandbox.wire import Request
from tailrace.sandbox.world import make_world as make_all

TODAY = date(2026, 11, 20)
WORLD = make_all(7, 100, TODAY)
US, DE = "urn:li:sponsoredAccount:510000001", "urn:li:sponsoredAccount:510000002"
HEADERS = {
    "authorization": "Bearer sandbox",
    "linkedin-version": "202607",
    "x-restli-protocol-version": "2.0.0",
}
LIST_US = "List(urn%3Ali%3AsponsoredAccount%3A510000001)"
BOTH = "List(urn%3Ali%3AsponsoredAccount%3A510000001,urn%3Ali%3AsponsoredAccount%3A510000002)"
WEEK = "(start:(year:2026,month:11,day:10),end:(year:2026,month:11,day:16))"


class Ticking:
    """A clock's source that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def ads() -> LinkedInAds:
    return LinkedInAds(WORLD, Clock(), Settings(today=TODAY))


def ask(fake: LinkedInAds, path: str, query: str = "", headers: dict[str, str] = HEADERS) -> tuple[int, Any]:
    response = fake.handle(Request("GET", f"/rest{path}", (), headers, b"", query))
    return response.status, orjson.loads(response.body)


def report(
    fake: LinkedInAds, pivot: str = "CAMPAIGN", more: str = "", accounts: str = BOTH
) -> list[dict[str, Any]]:
    fields = "dateRange,pivotValues,impressions,costInLocalCurrency"
    query = f"q=analytics&pivot={pivot}&timeGranularity=DAILY&dateRange={WEEK}&accounts={accounts}"
    status, document = ask(fake, "/adAnalytics", f"{query}&fields={fields}{more}")
    assert status == 200, document
    return document["elements"]


def of_week(fake: LinkedInAds, account: str | None = None) -> list[dict[str, Any]]:
    return [
        row
        for row in fake.records("analytics")
        if "2026-11-10" <= row["date"] <= "2026-11-16" and account in (None, row["account"])
    ]


@pytest.mark.parametrize("pivot", ["ACCOUNT", "CAMPAIGN_GROUP", "CAMPAIGN", "CREATIVE"])
def test_every_pivot_adds_up_to_the_same(ads: LinkedInAds, pivot: str) -> None:
    elements, rows = report(ads, pivot), of_week(ads)
    assert sum(element["impressions"] for element in elements) == sum(row["impressions"] for row in rows) > 0
    assert sum(Decimal(element["costInLocalCurrency"]) for element in elements) == sum(
        Decimal(row["costInLocalCurrency"]) for row in rows
    )
    keys = [(element["pivotValues"][0], str(element["dateRange"])) for element in elements]
    assert len(keys) == len(set(keys))
    assert all(element["dateRange"]["start"] == element["dateRange"]["end"] for element in elements)


def test_facets_narrow_a_report(ads: LinkedInAds) -> None:
    rows = of_week(ads, US)
    campaign = rows[0]["campaign"]
    encoded = campaign.replace(":", "%3A")
    only = report(ads, "CREATIVE", f"&campaigns=List({encoded})")
    assert {element["pivotValues"][0] for element in only} == {
        row["creative"] for row in rows if row["campaign"] == campaign
    }
    assert (
        report(ads, accounts="List(urn%3Ali%3AsponsoredAccount%3A1)") == []
    )  # not readable: empty, no error


def test_the_whole_range_is_one_element(ads: LinkedInAds) -> None:
    query = f"q=analytics&pivot=ACCOUNT&timeGranularity=ALL&dateRange={WEEK}&accounts={LIST_US}"
    (element,) = ask(ads, "/adAnalytics", query)[1]["elements"]
    assert element == {
        "impressions": sum(row["impressions"] for row in of_week(ads, US)),
        "clicks": sum(row["clicks"] for row in of_week(ads, US)),
    }


def test_a_report_is_cut_without_a_word(ads: LinkedInAds) -> None:
    whole = report(ads)
    ads.habits.most_elements = 5
    assert report(ads) == whole[:5]


def test_a_tunnelled_query_is_the_same_query(ads: LinkedInAds) -> None:
    query = f"q=analytics&pivot=ACCOUNT&timeGranularity=DAILY&dateRange={WEEK}&accounts={BOTH}"
    headers = {
        **HEADERS,
        "x-http-method-override": "GET",
        "content-type": "application/x-www-form-urlencoded",
    }
    post = Request("POST", "/rest/adAnalytics", (), headers, query.encode())
    assert orjson.loads(ads.handle(post).body) == ask(ads, "/adAnalytics", query)[1]
    plain = {**headers, "content-type": "text/plain"}
    assert ads.handle(Request("POST", "/rest/adAnalytics", (), plain, query.encode())).status == 400
    assert ads.handle(Request("POST", "/rest/adAnalytics", (), HEADERS, query.encode())).status == 405


BASE = f"pivot=CAMPAIGN&timeGranularity=DAILY&dateRange={WEEK}&accounts={LIST_US}"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (f"q=statistics&{BASE}", "No finder 'statistics'"),
        (f"q=analytics&{BASE.replace('CAMPAIGN', 'MEMBER')}", "Invalid value for pivot"),
        (f"q=analytics&{BASE.replace('DAILY', 'HOURLY')}", "Invalid value for timeGranularity"),
        (
            f"q=analytics&{BASE.replace(WEEK, '(end:(year:2026,month:1,day:1))')}",
            "dateRange.start is required",
        ),
        (f"q=analytics&{BASE.replace('day:16', 'day:31')}", "Invalid date"),
        (f"q=analytics&{BASE.replace('day:16', 'day:9')}", "before dateRange.start"),
        (f"q=analytics&{BASE.partition('&accounts')[0]}", "At least one facet"),
        (f"q=analytics&{BASE.replace(LIST_US, 'urn%3Ali%3Ax%3A1')}", "Array parameter 'accounts'"),
        (f"q=analytics&{BASE.replace('%3A', ':')}", "Invalid query parameters passed to request: accounts"),
        (f"q=analytics&{BASE}&start=0", "Invalid query parameters passed to request: start"),
        (f"q=analytics&{BASE}&fields=impressions,spend", "fields that adAnalytics has not: spend"),
        (f"q=analytics&{BASE}&fields={','.join(METRICS[:21])}", "No more than 20 metrics"),
        (f"q=analytics&{BASE}&q=analytics", "given twice"),
    ],
)
def test_refused_reports(ads: LinkedInAds, query: str, words: str) -> None:
    status, document = ask(ads, "/adAnalytics", query)
    assert (status, document["status"]) == (400, 400)
    assert words in document["message"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": ""}, 401, "INVALID_ACCESS_TOKEN"),
        ({"authorization": "Bearer no"}, 401, "INVALID_ACCESS_TOKEN"),
        ({"linkedin-version": ""}, 400, "VERSION_MISSING"),
        ({"linkedin-version": "202510"}, 426, "NONEXISTENT_VERSION"),
        ({"linkedin-version": "2026-07"}, 426, "NONEXISTENT_VERSION"),
        ({"x-restli-protocol-version": "1.0.0"}, 400, "ILLEGAL_ARGUMENT"),
    ],
)
def test_headers_are_checked(ads: LinkedInAds, headers: dict[str, str], status: int, code: str) -> None:
    found, document = ask(ads, "/adAccounts", "q=search", {**HEADERS, **headers})
    assert (found, document["code"]) == (status, code)


def test_a_version_lives_twelve_months(ads: LinkedInAds) -> None:
    assert ask(ads, "/adAccounts", "q=search", {**HEADERS, "linkedin-version": "202511"})[0] == 200
    assert ask(ads, "/adAccounts", "q=search", {**HEADERS, "linkedin-version": "202610.02"})[0] == 200


def test_listings_page_by_cursor(ads: LinkedInAds) -> None:
    path = "/adAccounts/510000001/creatives"
    first = ask(ads, path, "q=criteria&pageSize=5")[1]
    second = ask(ads, path, f"q=criteria&pageSize=5&pageToken={first['metadata']['nextPageToken']}")[1]
    assert second["metadata"] == {}
    assert [*first["elements"], *second["elements"]] == [
        record for record in ads.records("creatives") if record["account"] == US
    ]
    for wrong in ("q=search", "q=criteria&start=0", "q=criteria&pageToken=x", "q=criteria&pageSize=1001"):
        assert ask(ads, path, wrong)[0] == 400


def test_listings_page_by_start_and_count(ads: LinkedInAds) -> None:
    ads.habits.cursors = False
    path = "/adAccounts/510000001/creatives"
    first = ask(ads, path, "q=criteria&start=0&count=5")[1]
    assert (first["paging"]["total"], first["paging"]["links"][0]["href"]) == (
        8,
        f"{path}?q=criteria&start=5&count=5",
    )
    rest = ask(ads, path, "q=criteria&start=5&count=5")[1]
    assert (len(first["elements"]), len(rest["elements"]), rest["paging"]["links"]) == (5, 3, [])
    assert ask(ads, path, "q=criteria&pageToken=x")[0] == 400


def test_search_and_projection(ads: LinkedInAds) -> None:
    query = "q=search&search=(status:(values:List(PAUSED)),test:false)&fields=id,name"
    elements = ask(ads, "/adAccounts/510000001/adCampaigns", query)[1]["elements"]
    assert elements == [{"id": elements[0]["id"], "name": "US | LinkedIn | Customer stories"}]


def test_what_the_member_does_not_see_is_refused(ads: LinkedInAds) -> None:
    status, document = ask(ads, "/adAccounts/999/adCampaigns", "q=search")
    assert (status, document["code"], document["serviceErrorCode"]) == (403, "ACCESS_DENIED", 100)
    assert ask(ads, "/adAccounts/510000001")[1]["currency"] == "USD"
    assert ask(ads, "/adNothing", "q=search")[0] == 404
    assert ads.handle(Request("GET", "/v2/adAccounts", (), HEADERS)).status == 404


def test_long_urls_and_spent_days(ads: LinkedInAds) -> None:
    ads.habits.longest_query = 100
    assert ask(ads, "/adAccounts", "q=search&fields=" + "id," * 40)[0] == 414
    ads.habits.daily = 2
    assert [ask(ads, "/adAccounts", "q=search")[0] for _ in range(3)] == [200, 200, 429]
    assert "DAY limit" in ask(ads, "/adAccounts", "q=search")[1]["message"]


def test_a_refreshed_token_lives_sixty_days() -> None:
    time = Ticking()
    fake = LinkedInAds(WORLD, Clock(time), Settings(today=TODAY))
    form = b"grant_type=refresh_token&client_id=i&client_secret=s&refresh_token=r"
    answer = orjson.loads(fake.handle(Request("POST", "/oauth/v2/accessToken", (), {}, form)).body)
    headers = {**HEADERS, "authorization": f"Bearer {answer['access_token']}"}
    asked = f"client_id=i&client_secret=s&token={answer['access_token']}".encode()
    facts = orjson.loads(fake.handle(Request("POST", "/oauth/v2/introspectToken", (), {}, asked)).body)
    assert (facts["active"], facts["scope"], facts["expires_at"] - facts["created_at"]) == (
        True,
        "r_ads,r_ads_reporting",
        answer["expires_in"],
    )
    assert ask(fake, "/adAccounts", "q=search", headers)[0] == 200
    time.now += timedelta(days=60)
    assert ask(fake, "/adAccounts", "q=search", headers) == (
        401,
        {
            "status": 401,
            "code": "EXPIRED_ACCESS_TOKEN",
            "message": "The token used in the request has expired",
            "serviceErrorCode": 65601,
        },
    )
    for path, form in (("accessToken", b"grant_type=password"), ("introspectToken", b"token=x")):
        assert fake.handle(Request("POST", f"/oauth/v2/{path}", (), {}, form)).status == 400
    assert fake.handle(Request("GET", "/oauth/v2/accessToken", (), {})).status == 405


@pytest.mark.parametrize("text", ["a=List(b", "a=(b)", "a=List(b)c", "a=(b:c", "a=List(b:c)"])
def test_queries_that_cannot_be_read(text: str) -> None:
    with pytest.raises(Refused, match="Invalid query parameters"):
        read_query(text)


def test_queries_are_read_with_their_nesting() -> None:
    text = "a=b%2Cc&d=List(e%3Af,(g:List(h,i),j:))&k=List()&fields=x,y"
    assert read_query(text) == {
        "a": "b,c",
        "d": ["e:f", {"g": ["h", "i"], "j": ""}],
        "k": [],
        "fields": ["x", "y"],
    }


def test_the_world_is_the_same_twice_and_ended_yesterday() -> None:
    made = make_world(WORLD)
    assert made == make_world(make_all(7, 100, TODAY))
    assert max(row["date"] for row in made["analytics"]) == "2026-11-19"
    midnight = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
    for campaign in made["campaigns"]:
        assert campaign["changeAuditStamps"]["lastModified"]["time"] < midnight
    assert set(METRICS) <= set(made["analytics"][0])
    assert all(isinstance(row[name], str) for row in made["analytics"] for name in MONEY)


def test_an_edit_moves_the_stamp_of_change(ads: LinkedInAds) -> None:
    before = ads.records("campaigns")[0]
    ads.upsert("campaigns", [{"id": before["id"], "name": "renamed"}])
    after = ads.records("campaigns")[0]
    assert (after["name"], after["status"]) == ("renamed", before["status"])
    assert after["changeAuditStamps"]["created"] == before["changeAuditStamps"]["created"]
    assert (
        after["changeAuditStamps"]["lastModified"]["time"]
        > before["changeAuditStamps"]["lastModified"]["time"]
    )


def test_removing_as_a_person_would(ads: LinkedInAds) -> None:
    creative, row = ads.records("creatives")[0], ads.records("analytics")[0]
    assert ads.remove("creatives", creative["id"])
    assert ads.records("creatives")[0]["intendedStatus"] == "ARCHIVED"
    assert ads.remove("accounts", "510000002")
    assert [account["status"] for account in ads.records("accounts")] == ["ACTIVE", "CANCELED"]
    assert ads.remove("analytics", f"{row['creative']}/{row['date']}")
    assert row not in ads.records("analytics")
    assert not ads.remove("campaigns", "1")
    assert ads.writes("campaigns") == {}


@pytest.mark.parametrize(
    ("obj", "record", "what"),
    [
        ("accounts", {"id": 1}, "currency"),
        ("campaigns", {"id": 1}, "account"),
        ("creatives", {"id": "urn:li:sponsoredCreative:1", "account": US}, "campaign"),
        ("analytics", {"creative": "c", "campaign": "b", "account": US}, "date"),
    ],
)
def test_malformed_records_are_refused_and_change_nothing(
    ads: LinkedInAds, obj: str, record: dict[str, Any], what: str
) -> None:
    before = ads.records(obj)
    with pytest.raises(ValueError, match=what):
        ads.replace(obj, [record])
    with pytest.raises(ValueError, match="there more than once"):
        ads.replace(obj, [before[0], before[0]])
    assert ads.records(obj) == before
    with pytest.raises(KeyError, match="linkedin_ads has no ads"):
        ads.replace("ads", [])


def test_advance_works_and_reset_takes_it_back(ads: LinkedInAds) -> None:
    before = {obj: copy.deepcopy(ads.records(obj)) for obj in ads.objects()}
    for number in range(3):
        ads.advance(random.Random(number), number)
    assert len(ads.records("campaigns")) == len(before["campaigns"]) + 3
    assert len(ads.records("creatives")) == len(before["creatives"]) + 3 - 1
    assert len(ads.records("analytics")) == len(before["analytics"]) - 3
    conversions = [
        sum(row["externalWebsiteConversions"] for row in rows)
        for rows in (before["analytics"], ads.records("analytics"))
    ]
    assert conversions[1] > conversions[0]
    ads.reset()
    assert {obj: ads.records(obj) for obj in ads.objects()} == before


def test_loaded_records_are_what_the_api_answers(ads: LinkedInAds) -> None:
    for obj in ads.objects():
        ads.replace(obj, [])
    ads.advance(random.Random(1), 0)  # nobody is there to work
    account = "urn:li:sponsoredAccount:5"
    ads.replace("accounts", [{"id": 5, "currency": "SEK", "name": "Loaded"}])
    names = {"account": account, "campaign": "urn:li:sponsoredCampaign:6", "campaignGroup": "urn:li:x:7"}
    ads.replace(
        "analytics",
        [
            {
                **names,
                "creative": "urn:li:sponsoredCreative:8",
                "date": "2026-11-12",
                "impressions": 3,
                "costInLocalCurrency": "1.5",
            }
        ],
    )
    (element,) = report(ads, accounts="List(urn%3Ali%3AsponsoredAccount%3A5)")
    assert (element["impressions"], element["costInLocalCurrency"]) == (3, "1.5")
    assert element["pivotValues"] == ["urn:li:sponsoredCampaign:6"]
