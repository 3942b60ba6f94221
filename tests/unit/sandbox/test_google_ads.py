"""The Google Ads fake: GAQL, answer shapes, errors in Google's words, records changed by the admin."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import orjson
import pytest

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.google_ads import GoogleAds
from tailrace.sandbox.google_ads.gaql import Condition, Query, QueryError, parse
from tailrace.sandbox.server import Sandbox
from tailrace.sandbox.vendor import Settings
from tailrace.sandbox.wire import Request
from tailrace.sandbox.world import make_world

TODAY = date(2026, 11, 21)
WORLD = make_world(7, 100, TODAY)
US, DE, GB, MANAGER = "4100000001", "4100000002", "4100000003", "4100000000"
HEADERS = {"authorization": "Bearer sandbox", "developer-token": "dev", "login-customer-id": MANAGER}
SPEND = (
    "SELECT customer.id, customer.currency_code, customer.time_zone, campaign.id, campaign.name, campaign.status, segments.date, "
    "metrics.cost_micros, metrics.impressions, metrics.clicks, metrics.conversions, metrics.conversions_value FROM campaign "
    "WHERE segments.date BETWEEN '2026-10-01' AND '2026-11-21' ORDER BY segments.date"
)


class Ticking:
    """A clock's source that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def ads() -> GoogleAds:
    return GoogleAds(WORLD, Clock(), Settings(today=TODAY))


def post(fake: GoogleAds, path: str, body: object, headers: dict[str, str] = HEADERS):
    return fake.handle(Request("POST", path, (), headers, orjson.dumps(body)))


def stream(fake: GoogleAds, query: str, customer: str = US):
    """The rows of all chunks."""
    response = post(fake, f"/v26/customers/{customer}/googleAds:searchStream", {"query": query})
    assert response.status == 200, response.body
    return [row for chunk in orjson.loads(response.body) for row in chunk.get("results", [])]


def refusal(fake: GoogleAds, query: str, customer: str = US) -> str:
    """The QueryError code of a refused query."""
    response = post(fake, f"/v26/customers/{customer}/googleAds:searchStream", {"query": query})
    assert response.status == 400, response.body
    error = orjson.loads(response.body)[0]["error"]
    assert error["status"] == "INVALID_ARGUMENT"
    return error["details"][0]["errors"][0]["errorCode"]["queryError"]


def test_gaql_is_read_whole() -> None:
    assert parse(
        "select a.id, a.name from campaign where a.x = 'it\\'s' and a.y in (1, 'b') AND a.d during last_30_days "
        "and a.n not like '%z' and a.k is not null order by a.id desc, a.name limit 5;"
    ) == Query(
        ("a.id", "a.name"),
        "campaign",
        (
            Condition("a.x", "=", ("it's",)),
            Condition("a.y", "IN", ("1", "b")),
            Condition("a.d", "DURING", ("LAST_30_DAYS",)),
            Condition("a.n", "NOT LIKE", ("%z",)),
            Condition("a.k", "IS NOT NULL", ()),
        ),
        (("a.id", True), ("a.name", False)),
        5,
    )


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "EXPECTED_SELECT"),
        ("SELECT", "UNEXPECTED_END_OF_QUERY"),
        ("SELECT a.b", "EXPECTED_FROM"),
        ("SELECT a.b, FROM c", "BAD_FIELD_NAME"),
        ("SELECT a.b FROM c, d", "UNEXPECTED_FROM_CLAUSE"),
        ("SELECT a.b FROM c WHERE a.b ~ 1", "BAD_SYMBOL"),
        ("SELECT a.b FROM c WHERE a.b = 1 OR a.c = 2", "EXPECTED_AND"),
        ("SELECT a.b FROM c WHERE a.b IN ()", "PROHIBITED_EMPTY_LIST_IN_CONDITION"),
        ("SELECT a.b FROM c WHERE a.b IN 1", "EXPECTED_LIST"),
        ("SELECT a.b FROM c WHERE a.b IN (1", "EXPECTED_LIST"),
        ("SELECT a.b FROM c WHERE a.b BETWEEN 1 OR 2", "EXPECTED_VALUE_WITH_BETWEEN_OPERATOR"),
        ("SELECT a.b FROM c WHERE a.b CONTAINS ANY (1)", "BAD_OPERATOR"),
        ("SELECT a.b FROM c ORDER a.b", "EXPECTED_BY"),
        ("SELECT a.b FROM c LIMIT 0", "BAD_LIMIT_VALUE"),
        ("SELECT a.b FROM c LIMIT x", "BAD_LIMIT_VALUE"),
        ("SELECT a.b FROM c PARAMETERS include_drafts=true", "BAD_PARAMETER_NAME"),
        ("SELECT a.b FROM c extra", "UNEXPECTED_INPUT"),
    ],
)
def test_gaql_that_cannot_be_read(query: str, code: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert caught.value.code == code


def test_the_stream_is_an_array_of_chunks_with_int64_as_strings(ads: GoogleAds) -> None:
    response = post(ads, f"/v26/customers/{US}/googleAds:searchStream", {"query": SPEND})
    chunks = orjson.loads(response.body)
    assert len(chunks) == 1
    assert set(chunks[0]) == {"results", "fieldMask", "requestId", "queryResourceConsumption"}
    assert chunks[0]["fieldMask"].startswith(
        "customer.id,customer.currencyCode,customer.timeZone,campaign.id"
    )
    row = chunks[0]["results"][0]
    assert set(row) == {"customer", "campaign", "segments", "metrics"}
    assert row["customer"] == {
        "id": US,
        "currencyCode": "USD",
        "timeZone": "America/New_York",
        "resourceName": f"customers/{US}",
    }
    assert set(row["campaign"]) == {"id", "name", "status", "resourceName"}
    assert set(row["metrics"]) == {"costMicros", "impressions", "clicks", "conversions", "conversionsValue"}
    assert all(isinstance(row["metrics"][name], str) for name in ("costMicros", "impressions", "clicks"))
    assert all(isinstance(row["metrics"][name], float) for name in ("conversions", "conversionsValue"))


def test_rows_are_the_records_of_that_account_and_period(ads: GoogleAds) -> None:
    rows = stream(ads, SPEND, DE)
    records = [
        record
        for record in ads.records("campaign_stats")
        if record["customer"]["id"] == DE and "2026-10-01" <= record["segments"]["date"] <= "2026-11-21"
    ]
    assert len(rows) == len(records) > 100
    assert {row["customer"]["currencyCode"] for row in rows} == {"EUR"}
    assert sum(int(row["metrics"]["costMicros"]) for row in rows) == sum(
        int(r["metrics"]["costMicros"]) for r in records
    )
    dates = [row["segments"]["date"] for row in rows]
    assert dates == sorted(dates)


@pytest.mark.parametrize("resource", ["customer", "campaign", "ad_group", "ad_group_ad"])
def test_every_level_adds_up_to_the_same(ads: GoogleAds, resource: str) -> None:
    query = f"SELECT segments.date, metrics.clicks, metrics.cost_micros FROM {resource} WHERE segments.date DURING LAST_14_DAYS"
    rows = stream(ads, query)
    records = [
        r
        for r in ads.records("ad_stats")
        if r["customer"]["id"] == US and r["segments"]["date"] >= "2026-11-07"
    ]
    for name in ("clicks", "costMicros"):
        assert sum(int(row["metrics"][name]) for row in rows) == sum(int(r["metrics"][name]) for r in records)


def test_without_segments_metrics_are_totals_and_idle_campaigns_are_zeros(ads: GoogleAds) -> None:
    query = "SELECT campaign.name, metrics.clicks, metrics.impressions, metrics.ctr FROM campaign WHERE segments.date DURING LAST_7_DAYS"
    rows = {row["campaign"]["name"]: row["metrics"] for row in stream(ads, query)}
    assert len(rows) == 5
    assert rows["US | Display | Retargeting"] == {"clicks": "0", "impressions": "0", "ctr": 0.0}
    brand = rows["US | Search | Brand"]
    assert brand["ctr"] == pytest.approx(int(brand["clicks"]) / int(brand["impressions"]))


def test_segments_of_a_date_group_its_days(ads: GoogleAds) -> None:
    query = "SELECT segments.month, metrics.clicks FROM customer WHERE segments.date BETWEEN '2026-09-01' AND '2026-10-31' ORDER BY segments.month DESC"
    rows = stream(ads, query)
    assert [row["segments"]["month"] for row in rows] == ["2026-10-01", "2026-09-01"]
    expected = sum(
        int(r["metrics"]["clicks"])
        for r in ads.records("campaign_stats")
        if r["customer"]["id"] == US and r["segments"]["date"][:7] == "2026-09"
    )
    assert rows[1]["metrics"]["clicks"] == str(expected)


def test_rows_without_any_metric_are_dropped_when_segmented(ads: GoogleAds) -> None:
    record = {
        "customer": {"id": US},
        "campaign": {"id": "9", "name": "New"},
        "segments": {"date": "2026-11-01"},
        "metrics": {"impressions": "0", "clicks": "0", "costMicros": "0", "conversions": 0.0},
    }
    ads.upsert(
        "campaign_stats",
        [record, {**record, "segments": {"date": "2026-11-02"}, "metrics": {"conversions": 1.0}}],
    )
    rows = stream(ads, SPEND.replace("WHERE", "WHERE campaign.id = 9 AND"))
    assert [(row["segments"]["date"], row["metrics"]["conversions"]) for row in rows] == [("2026-11-02", 1.0)]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("campaign.name = 'US | Search | Brand'", {"US | Search | Brand"}),
        ("campaign.name LIKE '%brand'", {"US | Search | Brand"}),
        ("campaign.name NOT LIKE '%Search%'", {"US | PMax | Demo", "US | Display | Retargeting"}),
        ("campaign.status IN ('PAUSED', 'REMOVED')", {"US | Display | Retargeting"}),
        ("campaign.id > 21000000103 AND campaign.status != PAUSED", {"US | PMax | Demo"}),
        (
            "campaign.id NOT IN (21000000101, 21000000102, 21000000103, 21000000104)",
            {"US | Display | Retargeting"},
        ),
        ("campaign.start_date IS NOT NULL", set()),
    ],
)
def test_conditions_on_attributes(ads: GoogleAds, where: str, names: set[str]) -> None:
    assert {
        row["campaign"]["name"] for row in stream(ads, f"SELECT campaign.name FROM campaign WHERE {where}")
    } == names


def test_conditions_on_metrics_order_and_limit(ads: GoogleAds) -> None:
    query = "SELECT ad_group_ad.ad.id, metrics.clicks FROM ad_group_ad WHERE metrics.clicks > 10 ORDER BY metrics.clicks DESC LIMIT 3"
    rows = stream(ads, query)
    clicks = [int(row["metrics"]["clicks"]) for row in rows]
    assert clicks == sorted(clicks, reverse=True)
    assert len(clicks) == 3
    assert rows[0]["adGroupAd"]["resourceName"].startswith(f"customers/{US}/adGroupAds/")
    assert (
        rows[0]["adGroupAd"]["ad"]["resourceName"] == f"customers/{US}/ads/{rows[0]['adGroupAd']['ad']['id']}"
    )


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT campaign.nme FROM campaign", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaing", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("SELECT ad_group.id FROM campaign", "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"),
        ("SELECT segments.date, metrics.clicks FROM campaign", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        (
            "SELECT metrics.clicks FROM campaign WHERE segments.date >= '2026-01-01'",
            "EXPECTED_FILTERS_ON_DATE_RANGE",
        ),
        ("SELECT metrics.clicks FROM campaign WHERE segments.date = '2026-13-01'", "BAD_VALUE"),
        (
            "SELECT metrics.clicks FROM campaign WHERE segments.date DURING LAST_9_DAYS",
            "INVALID_VALUE_WITH_DURING_OPERATOR",
        ),
        ("SELECT metrics.clicks FROM campaign WHERE metrics.clicks > 'many'", "BAD_NUMBER"),
        ("SELECT campaign.id FROM campaign WHERE campaign.status = 'ON'", "BAD_ENUM_CONSTANT"),
        (
            "SELECT campaign.id FROM campaign ORDER BY metrics.clicks",
            "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE",
        ),
        (
            "SELECT metrics.clicks FROM campaign WHERE segments.day_of_week = MONDAY",
            "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE",
        ),
    ],
)
def test_refused_queries(ads: GoogleAds, query: str, code: str) -> None:
    assert refusal(ads, query) == code


def test_a_half_open_pair_is_a_finite_range(ads: GoogleAds) -> None:
    query = "SELECT segments.date FROM customer WHERE segments.date > '2026-11-18' AND segments.date < '2026-11-21'"
    assert [row["segments"]["date"] for row in stream(ads, query)] == ["2026-11-19", "2026-11-20"]


def test_nothing_found_is_a_chunk_without_results(ads: GoogleAds) -> None:
    query = "SELECT metrics.clicks, segments.date FROM campaign WHERE segments.date = '2020-01-01'"
    response = post(ads, f"/v26/customers/{US}/googleAds:searchStream", {"query": query})
    (chunk,) = orjson.loads(response.body)
    assert "results" not in chunk


def test_more_than_ten_thousand_rows_come_in_chunks_and_pages(ads: GoogleAds) -> None:
    ads.replace(
        "campaigns",
        [{"customer": {"id": US}, "campaign": {"id": str(n), "name": f"c{n}"}} for n in range(10_001)],
    )
    query = {"query": "SELECT campaign.id FROM campaign"}
    chunks = orjson.loads(post(ads, f"/v25/customers/{US}/googleAds:searchStream", query).body)
    assert [len(chunk["results"]) for chunk in chunks] == [10_000, 1]
    first = orjson.loads(post(ads, f"/v25/customers/{US}/googleAds:search", query).body)
    last = orjson.loads(
        post(
            ads, f"/v25/customers/{US}/googleAds:search", {**query, "pageToken": first["nextPageToken"]}
        ).body
    )
    assert (len(first["results"]), len(last["results"])) == (10_000, 1)
    assert "nextPageToken" not in last
    assert last["results"][0]["campaign"]["id"] == "10000"


def error_code(response) -> tuple[int, str, str]:
    document = orjson.loads(response.body)
    error = (document[0] if isinstance(document, list) else document)["error"]
    ((group, code),) = error["details"][0]["errors"][0]["errorCode"].items()
    return response.status, group, code


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        (
            f"/v26/customers/{US}/googleAds:search",
            {"authorization": ""},
            (401, "authenticationError", "OAUTH_TOKEN_HEADER_INVALID"),
        ),
        (
            f"/v26/customers/{US}/googleAds:search",
            {"authorization": "Bearer no"},
            (401, "authenticationError", "OAUTH_TOKEN_INVALID"),
        ),
        (
            f"/v26/customers/{US}/googleAds:search",
            {"authorization": "Bearer a.b.c"},
            (401, "authenticationError", "OAUTH_TOKEN_INVALID"),
        ),
        (
            f"/v26/customers/{US}/googleAds:search",
            {"developer-token": ""},
            (400, "requestError", "DEVELOPER_TOKEN_PARAMETER_MISSING"),
        ),
        ("/v26/customers/410-000-0001/googleAds:search", {}, (400, "requestError", "INVALID_CUSTOMER_ID")),
        (
            f"/v26/customers/{US}/googleAds:search",
            {"login-customer-id": "410-0"},
            (400, "headerError", "INVALID_LOGIN_CUSTOMER_ID"),
        ),
        (
            f"/v26/customers/{US}/googleAds:search",
            {"login-customer-id": DE},
            (403, "authorizationError", "USER_PERMISSION_DENIED"),
        ),
        (
            "/v26/customers/9999999999/googleAds:search",
            {},
            (403, "authorizationError", "USER_PERMISSION_DENIED"),
        ),
        (f"/v19/customers/{US}/googleAds:search", {}, (400, "requestError", "UNSUPPORTED_VERSION")),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_refused_requests(
    ads: GoogleAds, path: str, headers: dict[str, str], expected: tuple[int, str, str], stream: bool
) -> None:
    response = post(
        ads, path + "Stream" * stream, {"query": "SELECT customer.id FROM customer"}, {**HEADERS, **headers}
    )
    assert error_code(response) == expected
    assert isinstance(orjson.loads(response.body), list) == stream


def test_bodies_are_checked(ads: GoogleAds) -> None:
    path = f"/v26/customers/{US}/googleAds:search"
    query = "SELECT customer.id FROM customer"
    assert error_code(post(ads, path, {"query": query, "pageSize": 10})) == (
        400,
        "requestError",
        "PAGE_SIZE_NOT_SUPPORTED",
    )
    assert error_code(post(ads, path, {"query": query, "pageToken": "x"})) == (
        400,
        "requestError",
        "INVALID_PAGE_TOKEN",
    )
    assert error_code(post(ads, path, {})) == (400, "requestError", "REQUIRED_FIELD_MISSING")
    assert post(ads, path, {"query": query, "colour": 1}).status == 400
    assert post(ads, path, {"query": query, "summaryRowSetting": "SUMMARY_ROW_ONLY"}).status == 501
    assert ads.handle(Request("POST", path, (), HEADERS, b"{")).status == 400
    assert ads.handle(Request("GET", path, (), HEADERS)).status == 405
    assert ads.handle(Request("POST", "/v26/nowhere", (), HEADERS)).status == 404


def test_the_daily_operations_run_out_unless_limits_are_off() -> None:
    for limits, expected in ((True, 429), (False, 200)):
        fake = GoogleAds(WORLD, Clock(), Settings(today=TODAY, limits=limits))
        fake._daily.used = 15_000
        response = post(
            fake, f"/v26/customers/{US}/googleAds:search", {"query": "SELECT customer.id FROM customer"}
        )
        assert response.status == expected


def test_the_manager_lists_its_clients_but_has_no_metrics(ads: GoogleAds) -> None:
    rows = stream(
        ads,
        "SELECT customer_client.id, customer_client.level, customer_client.manager FROM customer_client",
        MANAGER,
    )
    clients = [row["customerClient"] for row in rows]
    assert [(c["id"], c["level"], c["manager"]) for c in clients] == [
        (MANAGER, "0", True),
        (US, "1", False),
        (DE, "1", False),
        (GB, "1", False),
    ]
    assert refusal(ads, "SELECT metrics.clicks FROM campaign", MANAGER) == "REQUESTED_METRICS_FOR_MANAGER"
    response = ads.handle(Request("GET", "/v26/customers:listAccessibleCustomers", (), HEADERS))
    assert orjson.loads(response.body) == {"resourceNames": [f"customers/{key}" for key in (US, DE, GB)]}


def test_a_refreshed_token_lives_an_hour() -> None:
    time = Ticking()
    fake = GoogleAds(WORLD, Clock(time), Settings(today=TODAY))
    form = b"grant_type=refresh_token&client_id=i&client_secret=s&refresh_token=r"
    answer = orjson.loads(fake.handle(Request("POST", "/token", (), {}, form)).body)
    assert (answer["expires_in"], answer["token_type"]) == (3600, "Bearer")
    headers = {**HEADERS, "authorization": f"Bearer {answer['access_token']}"}
    path, body = f"/v26/customers/{US}/googleAds:search", {"query": "SELECT customer.id FROM customer"}
    assert post(fake, path, body, headers).status == 200
    time.now += timedelta(seconds=3600)
    assert error_code(post(fake, path, body, headers)) == (401, "authenticationError", "OAUTH_TOKEN_EXPIRED")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (b"grant_type=password", "unsupported_grant_type"),
        (b"grant_type=refresh_token&client_id=i", "invalid_request"),
    ],
)
def test_a_bad_token_request_is_named(ads: GoogleAds, form: bytes, error: str) -> None:
    response = ads.handle(Request("POST", "/token", (), {}, form))
    assert (response.status, orjson.loads(response.body)["error"]) == (400, error)


def test_loaded_records_are_what_the_api_answers(ads: GoogleAds) -> None:
    for obj in ads.objects():
        ads.replace(obj, [])
    row = {
        "customer": {"id": "77", "currencyCode": "SEK"},
        "campaign": {"id": "5", "name": "Loaded", "videoBrandSafety": "LOW"},
        "segments": {"date": "2021-05-05", "device": "MOBILE"},
        "metrics": {
            "impressions": "3",
            "clicks": "1",
            "costMicros": "900",
            "interactions": "2",
            "activeViewCpm": 1.5,
        },
    }
    ads.replace("campaign_stats", [row, {**row, "segments": {"date": "2021-05-05", "device": "DESKTOP"}}])
    query = (
        "SELECT campaign.video_brand_safety, metrics.interactions, metrics.active_view_cpm FROM campaign "
        "WHERE segments.date = '2021-05-05'"
    )
    (found,) = stream(ads, query, "77")
    assert found["campaign"] == {"videoBrandSafety": "LOW", "resourceName": "customers/77/campaigns/5"}
    assert found["metrics"] == {"interactions": "4", "activeViewCpm": 3.0}
    by_device = stream(ads, query.replace("SELECT", "SELECT segments.device,"), "77")
    assert {r["segments"]["device"]: r["metrics"]["interactions"] for r in by_device} == {
        "MOBILE": "2",
        "DESKTOP": "2",
    }
    assert stream(ads, "SELECT campaign.name FROM campaign", "77")[0]["campaign"]["name"] == "Loaded"
    ads.reset()
    assert len(stream(ads, SPEND)) > 100


@pytest.mark.parametrize(
    ("obj", "record", "what"),
    [
        ("campaign_stats", {"customer": {"id": "1"}, "segments": {"date": "2026-01-01"}}, "campaign.id"),
        ("campaign_stats", {"customer": {"id": "1"}, "campaign": {"id": "2"}}, "segments.date"),
        ("campaigns", {"campaign": {"id": "2"}}, "customer.id"),
    ],
)
def test_malformed_records_are_refused_and_change_nothing(
    ads: GoogleAds, obj: str, record: dict, what: str
) -> None:
    before = ads.records(obj)
    with pytest.raises(ValueError, match=what):
        ads.replace(obj, [record])
    assert ads.records(obj) == before
    with pytest.raises(ValueError, match="21000000101 is there more than once"):
        ads.replace("campaigns", [ads.records("campaigns")[0]] * 2)
    with pytest.raises(KeyError):
        ads.replace("keywords", [])


def test_a_renamed_campaign_is_renamed_in_its_history(ads: GoogleAds) -> None:
    ads.upsert(
        "campaigns",
        [{"customer": {"id": US}, "campaign": {"id": "21000000101", "name": "Renamed", "status": "PAUSED"}}],
    )
    rows = [row for row in stream(ads, SPEND) if row["campaign"]["id"] == "21000000101"]
    assert {(row["campaign"]["name"], row["campaign"]["status"]) for row in rows} == {("Renamed", "PAUSED")}
    assert WORLD.google_ads["campaigns"][0]["campaign"]["name"] == "US | Search | Brand"


def test_removing_as_a_person_would(ads: GoogleAds) -> None:
    assert ads.remove("campaigns", "21000000101")
    assert not ads.remove("campaigns", "1")
    statuses = {
        row["campaign"]["id"]: row["campaign"]["status"]
        for row in stream(ads, "SELECT campaign.id, campaign.status FROM campaign")
    }
    assert statuses["21000000101"] == "REMOVED"
    rows = len(stream(ads, SPEND))
    assert ads.remove("campaign_stats", "21000000101/2026-11-20")
    assert len(stream(ads, SPEND)) == rows - 1
    assert ads.writes("campaigns") == {}


def test_advance_restates_three_days_at_every_level(ads: GoogleAds) -> None:
    before = {obj: ads.records(obj) for obj in ("ad_stats", "ad_group_stats", "campaign_stats")}
    ads.advance(random.Random(3), 0)
    for obj, rows in before.items():
        changed = [(old, new) for old, new in zip(rows, ads.records(obj), strict=True) if old != new]
        assert len({new["segments"]["date"] for _, new in changed}) == 3
    cost = [sum(int(r["metrics"]["costMicros"]) for r in ads.records(obj)) for obj in before]
    assert cost[0] == cost[1] == cost[2]
    conversions = [sum(r["metrics"]["conversions"] for r in ads.records(obj)) for obj in before]
    assert conversions[0] == pytest.approx(conversions[2])
    assert before["ad_stats"] == WORLD.google_ads["ad_stats"]
    ads.reset()
    assert ads.records("campaign_stats") == WORLD.google_ads["campaign_stats"]


def test_over_http_with_an_encoded_colon() -> None:
    with Sandbox.start(contacts=20, today=TODAY) as sandbox:
        url = f"{sandbox.base_url('google_ads')}/v26/customers/{US}/googleAds%3AsearchStream"
        request = HttpRequest(
            url, orjson.dumps({"query": SPEND}), {"Content-Type": "application/json", **HEADERS}
        )
        with urlopen(request, timeout=10) as answer:
            chunks = orjson.loads(answer.read())
        with urlopen(f"{sandbox.url}/_sandbox/records/google_ads/campaign_stats", timeout=10) as answer:
            records = orjson.loads(answer.read())
    expected = [r for r in records if r["customer"]["id"] == US and r["segments"]["date"] >= "2026-10-01"]
    assert len(chunks[0]["results"]) == len(expected) > 100


def test_a_login_that_reaches_only_the_manager_acts_in_its_name(ads: GoogleAds) -> None:
    ads.access.direct = frozenset([MANAGER])
    response = ads.handle(Request("GET", "/v26/customers:listAccessibleCustomers", (), HEADERS))
    assert orjson.loads(response.body) == {"resourceNames": [f"customers/{MANAGER}"]}
    path, body = f"/v26/customers/{US}/googleAds:search", {"query": "SELECT customer.id FROM customer"}
    alone = {name: value for name, value in HEADERS.items() if name != "login-customer-id"}
    assert post(ads, path, body).status == 200
    assert error_code(post(ads, path, body, alone)) == (403, "authorizationError", "USER_PERMISSION_DENIED")


@pytest.mark.parametrize("status", ["CANCELED", "CLOSED"])
def test_an_ended_account_is_listed_but_answers_nothing(ads: GoogleAds, status: str) -> None:
    ads.upsert("customers", [{"customer": {"id": DE, "status": status}}])
    path = f"/v26/customers/{DE}/googleAds:searchStream"
    refused = post(ads, path, {"query": "SELECT campaign.id FROM campaign"})
    assert error_code(refused) == (403, "authorizationError", "CUSTOMER_NOT_ENABLED")
    query = "SELECT customer_client.id, customer_client.status FROM customer_client"
    shown = {
        row["customerClient"]["id"]: row["customerClient"]["status"] for row in stream(ads, query, MANAGER)
    }
    assert shown == {MANAGER: "ENABLED", US: "ENABLED", DE: status, GB: "ENABLED"}


def test_removing_an_account_cancels_it(ads: GoogleAds) -> None:
    assert ads.remove("customers", GB)
    assert {r["customer"]["id"]: r["customer"]["status"] for r in ads.records("customers")}[GB] == "CANCELED"


def test_devices_add_up_to_the_day(ads: GoogleAds) -> None:
    days = "WHERE segments.date DURING LAST_7_DAYS"
    names = "metrics.clicks, metrics.cost_micros, metrics.conversions"
    (whole,) = stream(ads, f"SELECT {names} FROM customer {days}")
    parts = stream(ads, f"SELECT segments.device, {names} FROM customer {days}")
    assert {row["segments"]["device"] for row in parts} == {"MOBILE", "DESKTOP", "TABLET"}
    for name in ("clicks", "costMicros"):
        assert sum(int(row["metrics"][name]) for row in parts) == int(whole["metrics"][name])
    assert sum(row["metrics"]["conversions"] for row in parts) == pytest.approx(
        whole["metrics"]["conversions"]
    )
    where = f"SELECT {names} FROM customer {days} AND segments.device = 'MOBILE'"
    assert refusal(ads, where) == "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"
