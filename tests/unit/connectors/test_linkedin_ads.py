"""LinkedIn Ads without a sandbox: options, columns, pages, what a report's answer must hold, LinkedIn's words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tailrace.connectors.linkedin_ads import restli
from tailrace.connectors.linkedin_ads.analytics import Analytics, Asked
from tailrace.connectors.linkedin_ads.api import Api, _following, _page
from tailrace.connectors.linkedin_ads.connection import day_spent, refusal
from tailrace.connectors.linkedin_ads.declaration import DECLARATION, METRICS
from tailrace.connectors.linkedin_ads.resources import REPORTS, entity_schema, metric_type, report_schema
from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.connectors.sdk.days import Stride
from tailrace.connectors.sdk.http import Answer
from tailrace.connectors.sdk.options import check_connection, check_resource
from tailrace.errors import SchemaError, VendorRefused

LOGIN = {"access_token": "a"}


@pytest.mark.parametrize(
    ("options", "place", "words"),
    [
        ({"refresh_token": "r"}, ("refresh_token",), "both access_token and OAuth"),
        ({"access_token": None, "client_id": "c", "client_secret": "s"}, (), "no complete credentials"),
        ({"api_version": "2026-07"}, ("api_version",), "no API version"),
        ({"api_version": "202613"}, ("api_version",), "no API version"),
        ({"account_ids": ["1", "acme"]}, ("account_ids", 1), "no ad account"),
        ({"most_elements": 1}, ("most_elements",), "below 2"),
        ({"page_size": 2000}, ("page_size",), "out of range"),
        ({"report_time_zone": "Mars/Base"}, ("report_time_zone",), "no time zone"),
        ({"start_date": "2026-02-30"}, ("start_date",), "no date"),
        ({"introspect_url": "linkedin"}, ("introspect_url",), "no URL"),
        ({"restate": "much"}, ("restate",), "not a number"),
        ({"account_id": "1"}, ("account_id",), "unknown option"),
    ],
)
def test_a_wrong_connection_is_told(options: dict[str, Any], place: tuple[Any, ...], words: str) -> None:
    ((found, what, fix),) = check_connection(DECLARATION, {**LOGIN, **options})[1]
    assert found == place
    assert words in what
    assert fix


@pytest.mark.parametrize(
    ("resource", "options", "place"),
    [
        ("campaign_analytics", {"metrics": []}, ("metrics",)),
        ("campaign_analytics", {"metrics": ["cost_in_usd"]}, ("metrics", 0)),
        ("campaign_analytics", {"metrics": ["clicks", "dateRange"]}, ("metrics", 1)),
        ("creative_analytics", {"restate": -1}, ("restate",)),
        ("creative_analytics", {"fields": ["id"]}, ("fields",)),
        ("campaigns", {"fields": ["daily budget"]}, ("fields", 0)),
        ("campaigns", {"metrics": ["clicks"]}, ("metrics",)),
        ("campaign", {}, ()),
    ],
)
def test_a_wrong_resource_is_told(resource: str, options: dict[str, Any], place: tuple[Any, ...]) -> None:
    assert [problem[0] for problem in check_resource(DECLARATION, resource, options)[1]] == [place]


def test_each_resource_says_what_it_is() -> None:
    found = {resource.name: resource for resource in DECLARATION.resources}
    assert {name for name, resource in found.items() if resource.backfill} == set(REPORTS)
    assert found["creative_analytics"].key == report_schema("creative_analytics", METRICS).primary_key
    named = {permission.name for permission in DECLARATION.permissions}
    assert all(set(resource.permissions) <= named for resource in found.values())
    assert "r_ads_reporting" not in found["campaigns"].permissions
    secret = {option.name for option in DECLARATION.options if option.secret}
    assert secret == {"access_token", "client_secret", "refresh_token"}


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("costInLocalCurrency", "decimal"),
        ("conversionValueInLocalCurrency", "decimal"),
        ("impressions", "bigint"),
        ("averageDwellTime", "double"),
        ("notInventedYet", "bigint"),
    ],
)
def test_metrics_are_typed_by_name(metric: str, kind: str) -> None:
    assert metric_type(metric) == kind


def test_a_creatives_id_is_a_urn_and_a_campaigns_a_number() -> None:
    kinds = {
        name: {column.name: column.type for column in entity_schema(name, {}).columns}
        for name in ("creatives", "campaigns")
    }
    assert (kinds["creatives"]["id"], kinds["campaigns"]["id"]) == ("text", "bigint")
    assert kinds["creatives"]["content"] == "json"
    assert kinds["campaigns"]["runSchedule_start"] == "timestamp"
    assert entity_schema("creatives", {}).cursor_columns == ("lastModifiedAt",)


@pytest.mark.parametrize(
    ("document", "following"),
    [
        ({"metadata": {"nextPageToken": "a b"}, "elements": [1]}, "pageToken=a+b"),
        ({"metadata": {}, "elements": [1]}, None),
        ({"elements": [1]}, None),
        ({"metadata": None, "paging": None}, None),
        (
            {
                "paging": {
                    "links": [
                        {"rel": "prev", "href": "/x?start=0"},
                        {"rel": "next", "href": "/x?q=a&start=5&count=5"},
                    ]
                }
            },
            "start=5&count=5",
        ),
        ({"paging": {"start": 10, "count": 5, "total": 17}, "elements": [1, 2, 3, 4, 5]}, "start=15&count=5"),
        ({"paging": {"start": 15, "count": 5, "total": 17}, "elements": [1, 2]}, None),
        ({"paging": {"start": 0, "count": 10, "links": []}, "elements": [1]}, None),
    ],
)
def test_the_next_page_is_found_in_either_kind(document: dict[str, Any], following: str | None) -> None:
    assert _following(document) == following


def test_a_page_size_goes_with_cursors_alone() -> None:
    size = {"pageSize": "50"}
    assert _page(None, size) == {"pageSize": "50"}
    assert _page("pageToken=a+b", size) == {"pageSize": "50", "pageToken": "a b"}
    assert _page("start=5&count=5", size) == {"start": "5", "count": "5"}


@pytest.mark.parametrize(
    ("name", "number"), [("urn:li:sponsoredCreative:12", "12"), ("urn:li:share:x", None), ("12", "12")]
)
def test_the_number_of_a_urn(name: str, number: str | None) -> None:
    assert restli.number_of(name) == number


class Answering(Api):
    """Answers each report from a list, and remembers the fields asked for."""

    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        self.answers, self.fields = list(answers), list[list[str]]()
        self.http = type("Http", (), {"context": type("Context", (), {"connection": "ads"})})()  # type: ignore[assignment]

    def get(self, path: str, params: Any) -> Any:
        if path.startswith("/adAnalytics"):
            self.fields.append(params["fields"])
            return {"elements": self.answers.pop(0)}
        return {"id": 5, "currency": "SEK"}

    named, page_size, version, _accounts, _refused = ("5",), None, "202607", None, {}  # type: ignore[assignment]


def analytics(api: Api, metrics: tuple[str, ...]) -> Analytics:
    asked = Asked("campaign_analytics", REPORTS["campaign_analytics"], metrics, "UTC", 100)
    return Analytics(api, asked, lambda: datetime(2026, 1, 2, tzinfo=UTC))


def element(key: int, **values: Any) -> dict[str, Any]:
    day = {"year": 2026, "month": 1, "day": 2}
    return {
        "pivotValues": [f"urn:li:sponsoredCampaign:{key}"],
        "dateRange": {"start": day, "end": day},
        **values,
    }


def test_calls_of_twenty_fields_are_merged_by_key() -> None:
    metrics = tuple(f"metric{number}" for number in range(40))
    api = Answering([element(1, metric0=1)], [element(2, metric18=5), element(1, metric18=2)], [])
    rows = analytics(api, metrics).rows("5", date(2026, 1, 2), date(2026, 1, 2))
    assert [len(fields) for fields in api.fields] == [20, 20, 6]
    assert [name for fields in api.fields for name in fields[2:]] == list(metrics)
    found = {row["campaign_id"]: row for row in rows}
    assert (found["1"]["metric0"], found["1"]["metric18"], found["1"]["metric39"]) == (1, 2, None)
    assert (found["2"]["metric0"], found["2"]["metric18"]) == (None, 5)
    assert found["1"]["date"] == "2026-01-02"
    assert (found["1"]["account_id"], found["1"]["account_currency"]) == ("5", "SEK")


@pytest.mark.parametrize(
    "broken",
    [
        {"pivotValues": []},
        {"pivotValues": ["a", "b"]},
        {"pivotValues": None},
        {"dateRange": {}},
        {"dateRange": {"start": {"year": 2026, "month": 13, "day": 1}}},
    ],
)
def test_a_row_without_its_key_is_no_row(broken: dict[str, Any]) -> None:
    api = Answering([{**element(1), **broken}])
    with pytest.raises(SchemaError, match="without one pivot value and a day"):
        analytics(api, ("clicks",)).rows("5", date(2026, 1, 2), date(2026, 1, 2))


def test_a_stride_follows_the_answers() -> None:
    stride = Stride(7, 92, rows=100)
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    lengths = []
    for (begin, end), rows in zip(
        stride.windows(first, last), [10, 50, 101, 500, 101, 0, 0, 0, 0, 0, 0], strict=False
    ):
        lengths.append((end - begin).days + 1)
        stride.took(rows)
    assert lengths == [7, 14, 14, 7, 3, 1, 2, 4, 8, 16, 32]


@pytest.mark.parametrize(
    ("message", "spent"),
    [
        ("Resource level throttle APPLICATION DAY limit for calls to this resource is reached.", True),
        ("You have exceeded the daily limit", True),
        ("Too many requests", False),
        ("", False),
    ],
)
def test_a_429_of_the_day_is_told_from_another(message: str, spent: bool) -> None:
    assert day_spent(Answer(429, {}, b"", {"status": 429, "message": message})) is spent


def test_statuses_say_what_to_do() -> None:
    ended = refusal(Answer(426, {}, b"", None), "ads", ": Requested version 20240101 is not active")
    assert type(ended) is VendorRefused and "api_version" in ended.fix
    assert type(refusal(Answer(403, {}, b"", None), "ads", ": no")) is AccountRefused
    assert str(refusal(Answer(404, {}, b"", None), "ads", "")).startswith("ads: refused (404)")
    assert refusal(Answer(400, {}, b"", None), "ads", ": no") is None
