"""The GA4 Data API fake: reports computed from sessions, events and recorded tables; Google's shapes and errors."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import orjson
import pytest

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.ga4 import Ga4
from tailrace.sandbox.ga4.channels import default_channel_group
from tailrace.sandbox.server import Sandbox
from tailrace.sandbox.vendor import Settings
from tailrace.sandbox.wire import Request
from tailrace.sandbox.world import make_world

TODAY = date(2026, 11, 21)
WORLD = make_world(7, 100, TODAY)
PATH = "/v1beta/properties/320000001"
HEADERS = {"authorization": "Bearer sandbox"}
ALL_DAYS = [{"startDate": "120daysAgo", "endDate": "today"}]


@pytest.fixture
def ga4() -> Ga4:
    return Ga4(WORLD, Clock(), Settings(today=TODAY))


def body(dimensions: str = "", metrics: str = "", **more: object) -> dict:
    return {
        "dateRanges": ALL_DAYS,
        "dimensions": [{"name": name} for name in dimensions.split()],
        "metrics": [{"name": name} for name in metrics.split()],
        **more,
    }


def post(fake: Ga4, document: object, route: str = ":runReport", headers: dict[str, str] = HEADERS):
    return fake.handle(Request("POST", PATH + route, (), headers, orjson.dumps(document)))


def report(fake: Ga4, document: dict) -> dict:
    response = post(fake, document)
    assert response.status == 200, response.body
    return orjson.loads(response.body)


def table(answer: dict) -> list[tuple[str, ...]]:
    return [
        tuple(value["value"] for value in [*row.get("dimensionValues", []), *row.get("metricValues", [])])
        for row in answer.get("rows", [])
    ]


def refusal(fake: Ga4, document: object, status: int = 400) -> str:
    response = post(fake, document)
    assert response.status == status, response.body
    error = orjson.loads(response.body)["error"]
    assert error["code"] == status
    return error["message"]


def test_the_answer_has_googles_shape(ga4: Ga4) -> None:
    answer = report(ga4, body("date sessionMedium", "sessions keyEvents userEngagementDuration"))
    assert set(answer) == {"dimensionHeaders", "metricHeaders", "rows", "rowCount", "metadata", "kind"}
    assert answer["kind"] == "analyticsData#runReport"
    assert answer["dimensionHeaders"] == [{"name": "date"}, {"name": "sessionMedium"}]
    assert answer["metricHeaders"] == [
        {"name": "sessions", "type": "TYPE_INTEGER"},
        {"name": "keyEvents", "type": "TYPE_FLOAT"},
        {"name": "userEngagementDuration", "type": "TYPE_SECONDS"},
    ]
    assert answer["metadata"] == {"currencyCode": "USD", "timeZone": "America/New_York"}
    assert answer["rowCount"] == len(answer["rows"])
    assert all(isinstance(value, str) for row in table(answer) for value in row)


def test_groups_are_what_the_sessions_say(ga4: Ga4) -> None:
    rows = table(report(ga4, body("sessionCampaignName", "sessions newUsers totalUsers engagementRate")))
    sessions, new, engaged, users = Counter(), Counter(), Counter(), {}
    for session in ga4.records("sessions"):
        name = session["sessionCampaignName"]
        sessions[name] += 1
        new[name] += session["newUsers"]
        engaged[name] += session["engagedSessions"]
        users.setdefault(name, set()).add(session["userPseudoId"])
    assert len(rows) == len(sessions)
    for name, count, fresh, total, rate in rows:
        assert (int(count), int(fresh), int(total)) == (sessions[name], new[name], len(users[name]))
        assert float(rate) == pytest.approx(engaged[name] / sessions[name])


def test_totals_need_no_dimension(ga4: Ga4) -> None:
    answer = report(ga4, body(metrics="sessions"))
    assert table(answer) == [(str(len(ga4.records("sessions"))),)]
    assert "dimensionHeaders" not in answer


@pytest.mark.parametrize(
    ("span", "days"),
    [
        ({"startDate": "yesterday", "endDate": "today"}, {"20261120"}),
        ({"startDate": "3daysAgo", "endDate": "2daysAgo"}, {"20261118", "20261119"}),
        ({"startDate": "2026-11-01", "endDate": "2026-11-01"}, {"20261101"}),
    ],
)
def test_date_words(ga4: Ga4, span: dict[str, str], days: set[str]) -> None:
    assert {row[0] for row in table(report(ga4, body("date", "sessions", dateRanges=[span])))} == days


def test_no_rows_means_no_rows_key(ga4: Ga4) -> None:
    answer = report(
        ga4, body("date", "sessions", dateRanges=[{"startDate": "2020-01-01", "endDate": "2020-01-02"}])
    )
    assert set(answer) == {"dimensionHeaders", "metricHeaders", "metadata", "kind"}


def test_row_count_counts_all_rows_of_all_pages(ga4: Ga4) -> None:
    whole = report(ga4, body("date sessionMedium", "sessions"))
    pages = []
    while len(pages) < whole["rowCount"]:
        page = report(ga4, body("date sessionMedium", "sessions", limit="100", offset=str(len(pages))))
        assert page["rowCount"] == whole["rowCount"]
        pages += page["rows"]
    assert pages == whole["rows"]


def test_two_ranges_add_a_dimension(ga4: Ga4) -> None:
    ranges = [
        {"startDate": "1daysAgo", "endDate": "1daysAgo"},
        {"startDate": "2daysAgo", "endDate": "1daysAgo", "name": "two"},
    ]
    answer = report(ga4, body("date", "sessions", dateRanges=ranges))
    assert [header["name"] for header in answer["dimensionHeaders"]] == ["date", "dateRange"]
    assert {row[:2] for row in table(answer)} == {
        ("20261120", "date_range_0"),
        ("20261120", "two"),
        ("20261119", "two"),
    }


@pytest.mark.parametrize(
    ("expression", "channels"),
    [
        ({"filter": {"fieldName": "sessionMedium", "stringFilter": {"value": "CPC"}}}, {"cpc"}),
        (
            {
                "filter": {
                    "fieldName": "sessionMedium",
                    "stringFilter": {"value": "CPC", "caseSensitive": True},
                }
            },
            set(),
        ),
        (
            {"filter": {"fieldName": "sessionMedium", "stringFilter": {"matchType": 2, "value": "e"}}},
            {"email"},
        ),
        (
            {
                "filter": {
                    "fieldName": "sessionMedium",
                    "stringFilter": {"matchType": "ENDS_WITH", "value": "al"},
                }
            },
            {"referral", "paid_social"},
        ),
        (
            {
                "filter": {
                    "fieldName": "sessionMedium",
                    "stringFilter": {"matchType": "FULL_REGEXP", "value": "c.c|em.*"},
                }
            },
            {"cpc", "email"},
        ),
        (
            {"filter": {"fieldName": "sessionMedium", "inListFilter": {"values": ["cpc", "email"]}}},
            {"cpc", "email"},
        ),
        (
            {
                "andGroup": {
                    "expressions": [
                        {
                            "filter": {
                                "fieldName": "sessionMedium",
                                "stringFilter": {"matchType": "CONTAINS", "value": "c"},
                            }
                        },
                        {
                            "notExpression": {
                                "filter": {"fieldName": "sessionSource", "stringFilter": {"value": "google"}}
                            }
                        },
                    ]
                }
            },
            {"organic", "paid_social"},
        ),
        (
            {
                "orGroup": {
                    "expressions": [
                        {"filter": {"fieldName": "sessionMedium", "stringFilter": {"value": "email"}}},
                        {"filter": {"fieldName": "sessionSource", "stringFilter": {"value": "bing"}}},
                    ]
                }
            },
            {"email", "organic"},
        ),
    ],
)
def test_dimension_filters(ga4: Ga4, expression: dict, channels: set[str]) -> None:
    assert {
        row[0] for row in table(report(ga4, body("sessionMedium", "sessions", dimensionFilter=expression)))
    } == channels


def test_metric_filters_and_orders(ga4: Ga4) -> None:
    more = {
        "filter": {
            "fieldName": "sessions",
            "numericFilter": {"operation": "GREATER_THAN", "value": {"int64Value": "1000"}},
        }
    }
    plain = table(report(ga4, body("country", "sessions")))
    filtered = table(report(ga4, body("country", "sessions", metricFilter=more)))
    assert 0 < len(filtered) < len(plain)
    assert filtered == [row for row in plain if int(row[1]) > 1000]
    assert [int(row[1]) for row in plain] == sorted((int(row[1]) for row in plain), reverse=True)
    by_name = body(
        "country", "sessions", orderBys=[{"dimension": {"dimensionName": "country"}, "desc": True}]
    )
    names = [row[0] for row in table(report(ga4, by_name))]
    assert names == sorted(names, reverse=True)
    ascending = body("country", "sessions", orderBys=[{"metric": {"metricName": "sessions"}}])
    assert [row[1] for row in table(report(ga4, ascending))] == [row[1] for row in reversed(plain)]


def test_derived_dimensions(ga4: Ga4) -> None:
    rows = table(report(ga4, body("yearMonth sessionSourceMedium dayOfWeekName", "sessions", limit=5)))
    assert all(len(row[0]) == 6 and " / " in row[1] and row[2].endswith("day") for row in rows)


def test_empty_rows_are_dropped_unless_kept(ga4: Ga4) -> None:
    dropped = report(ga4, body("date landingPage deviceCategory", "keyEvents"))["rowCount"]
    kept = report(ga4, body("date landingPage deviceCategory", "keyEvents", keepEmptyRows=True))["rowCount"]
    assert dropped < kept


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metrics": [{"name": "sesions"}]}, "Field sesions is not a valid metric"),
        ({"dimensions": [{"name": "sessions"}]}, "Field sessions is not a valid dimension"),
        ({"dimensions": [{"name": "eventName"}]}, "incompatible"),
        ({"dateRanges": []}, "A dateRange is required"),
        ({"dateRanges": [{"startDate": "today", "endDate": "yesterday"}]}, "Invalid date range"),
        ({"dateRanges": [{"startDate": "20261101", "endDate": "today"}]}, "Invalid startDate"),
        ({"dimensions": [], "metrics": []}, "at least one dimension or metric"),
        ({"metrics": [{"name": "sessions"}] * 2}, "Duplicate"),
        ({"dimensions": [{"name": f"d{n}"} for n in range(10)]}, "limited to 9 dimensions"),
        ({"limit": "0"}, "Limit must be positive"),
        ({"offset": "-1"}, "Invalid value at 'offset'"),
        ({"colour": "red"}, 'Unknown name "colour"'),
        ({"property": "properties/1"}, "does not match"),
        ({"orderBys": [{"metric": {"metricName": "newUsers"}}]}, "not in this request"),
        (
            {"dimensionFilter": {"filter": {"fieldName": "nope", "stringFilter": {"value": "x"}}}},
            "Field nope",
        ),
        ({"dimensionFilter": {"filter": {"fieldName": "date", "numericFilter": {}}}}, "needs exactly one of"),
        (
            {"dimensionFilter": {"filter": {"fieldName": "date", "stringFilter": {"matchType": 9}}}},
            "Invalid value",
        ),
        (
            {
                "dimensionFilter": {
                    "filter": {"fieldName": "date", "stringFilter": {"matchType": 5, "value": "("}}
                }
            },
            "regular expression",
        ),
        ({"dimensionFilter": {"neither": {}}}, "Unknown name"),
    ],
)
def test_refused_requests(ga4: Ga4, change: dict, words: str) -> None:
    assert words in refusal(ga4, {**body("date", "sessions"), **change})


def test_what_the_sandbox_does_not_serve_it_says(ga4: Ga4) -> None:
    assert "metricAggregations" in refusal(ga4, body("date", "sessions", metricAggregations=["TOTAL"]), 501)
    assert "by name only" in refusal(
        ga4, body() | {"metrics": [{"name": "x", "expression": "sessions/2"}]}, 501
    )


@pytest.mark.parametrize(
    ("headers", "path", "status", "word"),
    [
        ({}, PATH, 401, "UNAUTHENTICATED"),
        ({"authorization": "Bearer wrong"}, PATH, 401, "UNAUTHENTICATED"),
        ({"authorization": "Basic sandbox"}, PATH, 401, "UNAUTHENTICATED"),
        (HEADERS, "/v1beta/properties/1", 403, "PERMISSION_DENIED"),
        (HEADERS, "/v1beta/properties/UA-1", 400, "INVALID_ARGUMENT"),
        (HEADERS, "/v1/properties/320000001", 404, "NOT_FOUND"),
    ],
)
def test_refused_access(ga4: Ga4, headers: dict[str, str], path: str, status: int, word: str) -> None:
    response = ga4.handle(
        Request("POST", f"{path}:runReport", (), headers, orjson.dumps(body("date", "sessions")))
    )
    assert (response.status, orjson.loads(response.body)["error"]["status"]) == (status, word)


def test_a_self_signed_jwt_and_a_minted_token_pass(ga4: Ga4) -> None:
    form = b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c"
    token = orjson.loads(ga4.handle(Request("POST", "/token", (), {}, form)).body)["access_token"]
    for bearer in ("eyJh.eyJp.c2ln", token):
        assert (
            post(ga4, body("date", "sessions"), headers={"authorization": f"Bearer {bearer}"}).status == 200
        )


def test_quota_is_told_and_runs_out_by_the_hour() -> None:
    now = [datetime(2026, 11, 21, 12, tzinfo=UTC)]
    fake = Ga4(WORLD, Clock(lambda: now[0]), Settings(today=TODAY))
    ask = body("date", "sessions", returnPropertyQuota=True)
    first, second = (report(fake, ask)["propertyQuota"]["tokensPerHour"] for _ in range(2))
    assert first["consumed"] > 0
    assert second["remaining"] == first["remaining"] - second["consumed"]
    fake._quota.use(14_000)
    response = post(fake, ask)
    assert (response.status, orjson.loads(response.body)["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    now[0] += timedelta(hours=1)
    assert post(fake, ask).status == 200
    unlimited = Ga4(WORLD, Clock(), Settings(today=TODAY, limits=False))
    unlimited._quota.use(300_000)
    assert post(unlimited, ask).status == 200


def test_batches_of_up_to_five(ga4: Ga4) -> None:
    one = body("date", "sessions", limit=1)
    answer = orjson.loads(
        post(ga4, {"requests": [one, {**one, "property": "properties/320000001"}]}, ":batchRunReports").body
    )
    assert answer["kind"] == "analyticsData#batchRunReports"
    assert answer["reports"] == [report(ga4, one)] * 2
    assert post(ga4, {"requests": [one] * 6}, ":batchRunReports").status == 400


def test_metadata_lists_what_can_be_asked(ga4: Ga4) -> None:
    answer = orjson.loads(ga4.handle(Request("GET", f"{PATH}/metadata", (), HEADERS)).body)
    assert answer["name"] == "properties/320000001/metadata"
    assert {"date", "sessionCampaignName", "landingPage"} <= {
        item["apiName"] for item in answer["dimensions"]
    }
    assert {item["apiName"]: item["type"] for item in answer["metrics"]}["sessions"] == "TYPE_INTEGER"


def event(name: str, user: str, session: int, day: str = "20201103", **parameters: int) -> dict:
    pairs = {"ga_session_id": session, **parameters}
    return {
        "event_date": day,
        "event_timestamp": 1604361600000000 + session,
        "event_name": name,
        "user_pseudo_id": user,
        "event_params": [
            {"key": key, "value": {"string_value": None, "int_value": value}} for key, value in pairs.items()
        ],
        "device": {"category": "mobile", "web_info": {"browser": "Chrome"}},
        "geo": {"country": "France"},
        "traffic_source": {"source": "google", "medium": "organic", "name": "(organic)"},
    }


def test_reports_are_computed_from_exported_events(ga4: Ga4) -> None:
    ga4.replace("sessions", [])
    ga4.replace(
        "events",
        [
            event("first_visit", "u1", 1),
            event("page_view", "u1", 1, engagement_time_msec=1500, session_engaged=1),
            event("page_view", "u1", 2),
            event("page_view", "u2", 2),
            {
                **event("page_view", "u2", 3, day="20201104"),
                "collected_traffic_source": {"manual_source": "bing", "manual_medium": "cpc"},
            },
        ],
    )
    days = [{"startDate": "2020-11-03", "endDate": "2020-11-04"}]
    metrics = "sessions engagedSessions totalUsers newUsers screenPageViews eventCount userEngagementDuration"
    answer = report(ga4, body("date sessionSource country browser", metrics, dateRanges=days))
    assert table(answer) == [
        ("20201103", "google", "France", "Chrome", "3", "1", "2", "1", "3", "4", "1.5"),
        ("20201104", "bing", "France", "Chrome", "1", "0", "1", "0", "1", "1", "0"),
    ]
    names = table(report(ga4, body("eventName", "eventCount", dateRanges=days)))
    assert names == [("page_view", "4"), ("first_visit", "1")]
    assert ga4.remove("events", "u1")
    assert table(report(ga4, body("eventName", "eventCount", dateRanges=days))) == [("page_view", "2")]


def test_a_session_has_one_origin_and_one_landing_page(ga4: Ga4) -> None:
    ga4.replace("sessions", [])
    later = event("page_view", "u1", 1)
    first = event("session_start", "u1", 1)
    first["event_timestamp"] -= 10
    first["event_params"] += [
        {"key": "source", "value": {"string_value": "linkedin"}},
        {"key": "medium", "value": {"string_value": "paid_social"}},
        {"key": "page_location", "value": {"string_value": "https://millbrook.example/demo?a=1"}},
    ]
    ga4.replace("events", [later, first])
    ask = body("sessionSource sessionDefaultChannelGroup landingPage", "sessions eventCount")
    ask["dateRanges"] = [{"startDate": "2020-11-03", "endDate": "2020-11-03"}]
    assert table(report(ga4, ask)) == [("linkedin", "Paid Social", "/demo", "1", "2")]


@pytest.mark.parametrize(
    ("source", "medium", "group"),
    [
        ("(direct)", "(none)", "Direct"),
        (None, None, "Direct"),
        ("google", "organic", "Organic Search"),
        ("google", "cpc", "Paid Search"),
        ("linkedin", "paid_social", "Paid Social"),
        ("partner", "cpc", "Paid Other"),
        ("x", "cpm", "Display"),
        ("news", "email", "Email"),
        ("facebook.com", "social", "Organic Social"),
        ("blog", "referral", "Referral"),
        ("<Other>", "<Other>", "Unassigned"),
    ],
)
def test_channel_groups(source: str | None, medium: str | None, group: str) -> None:
    assert default_channel_group(source, medium) == group


def test_recorded_reports_answer_what_their_columns_can(ga4: Ga4) -> None:
    for obj in ga4.objects():
        ga4.replace(obj, [])
    rows = [
        {"property_id": "555", "date": "20230424", "browser": "Edge", "totalUsers": 3, "bounceRate": 0.5},
        {"property_id": "555", "date": "20230424", "browser": "Opera", "totalUsers": 1, "bounceRate": 1.0},
        {"property_id": "555", "date": "20230425", "browser": "Edge", "totalUsers": 2, "bounceRate": 0.0},
    ]
    ga4.replace("devices", rows)
    assert ga4.objects() == ["sessions", "events", "devices"]
    ask = body(
        "date browser",
        "totalUsers bounceRate",
        dateRanges=[{"startDate": "2023-04-24", "endDate": "2023-04-24"}],
    )
    response = ga4.handle(Request("POST", "/v1beta/properties/555:runReport", (), HEADERS, orjson.dumps(ask)))
    answer = orjson.loads(response.body)
    assert table(answer) == [("20230424", "Edge", "3", "0.5"), ("20230424", "Opera", "1", "1")]
    assert [header["type"] for header in answer["metricHeaders"]] == ["TYPE_INTEGER", "TYPE_FLOAT"]
    assert "incompatible" in refusal(ga4, body("country", "totalUsers"))
    ga4.upsert("devices", [{**rows[0], "totalUsers": 9}])
    assert [row["totalUsers"] for row in ga4.records("devices")] == [9, 1, 2]
    ga4.reset()
    assert ga4.objects() == ["sessions", "events"]
    assert ga4.records("sessions") == WORLD.ga4.sessions


def test_malformed_records_are_refused(ga4: Ga4) -> None:
    with pytest.raises(ValueError, match="record 1 of sessions has no date"):
        ga4.replace("sessions", [{"sessionSource": "x"}])
    with pytest.raises(ValueError, match="event_date"):
        ga4.upsert("events", [{"event_name": "x"}])
    with pytest.raises(KeyError):
        ga4.records("nothing")
    assert ga4.records("events") == []


def test_late_sessions_change_the_last_two_days_only(ga4: Ga4) -> None:
    ask = body("date", "sessions", orderBys=[{"dimension": {"dimensionName": "date"}}])
    before = dict(table(report(ga4, ask)))
    ga4.advance(random.Random(1), 0)
    after = dict(table(report(ga4, ask)))
    assert {day for day in after if after[day] != before[day]} == {"20261119", "20261120"}
    assert ga4.writes("sessions") == {}


def test_over_http() -> None:
    with Sandbox.start(contacts=20, today=TODAY) as sandbox:
        url = f"{sandbox.base_url('ga4')}{PATH}:runReport?%24alt=json%3Benum-encoding%3Dint"
        request = HttpRequest(
            url, orjson.dumps(body(metrics="sessions")), {"Content-Type": "application/json", **HEADERS}
        )
        with urlopen(request, timeout=10) as answer:
            counted = table(orjson.loads(answer.read()))
        with urlopen(f"{sandbox.url}/_sandbox/records/ga4/sessions", timeout=10) as answer:
            records = orjson.loads(answer.read())
    assert counted == [(str(len(records)),)]
