from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.connectors.scripted import JSON, Budget, utc_now, vendor

from tailrace.connectors.meta_ads import DECLARATION
from tailrace.connectors.meta_ads.api import QueryToken
from tailrace.connectors.meta_ads.connection import MetaAds
from tailrace.connectors.meta_ads.fields import insight_fields, insight_schema, node_schema
from tailrace.connectors.meta_ads.graph import kind, message, quotas, regain
from tailrace.connectors.meta_ads.rows import plain, rows
from tailrace.connectors.sdk.base import Context, ResourceSpec
from tailrace.connectors.sdk.http import Answer
from tailrace.connectors.sdk.options import check_connection, check_resource
from tailrace.errors import FatalError, Unavailable, VendorRefused
from tailrace.events import listening
from tailrace.sandbox.meta_ads.fields import FIELDS, INSIGHT_FIELDS, STATUSES

TOKEN = "EAAB|secret-token"
LOGIN = {"access_token": TOKEN}


def problems(**options):
    return [(path, what) for path, what, _ in check_connection(DECLARATION, {**LOGIN, **options})[1]]


@pytest.mark.parametrize(
    ("options", "path", "what"),
    [
        ({"access_token": None}, ("access_token",), "option 'access_token' is missing"),
        ({"api_version": "26"}, ("api_version",), "'26' is no API version"),
        ({"api_version": "v26"}, ("api_version",), "'v26' is no API version"),
        ({"account_ids": ["act_1", "my account"]}, ("account_ids", 1), "'my account' is no ad account's id"),
        (
            {"action_attribution_windows": ["7d_click", "28d_view"]},
            ("action_attribution_windows", 1),
            "Meta answers no 28d_view any more since 2026-01-12",
        ),
        (
            {"action_attribution_windows": ["7d_view"]},
            ("action_attribution_windows", 0),
            "Meta answers no 7d_view any more since 2026-01-12",
        ),
        ({"async": "sometimes"}, ("async",), "option 'async': 'sometimes' is not one of auto, always, never"),
        ({"poll_interval": "0s"}, ("poll_interval",), "poll_interval is 0"),
        ({"base_url": "graph"}, ("base_url",), "'graph' is no URL"),
        ({"restate": -1}, ("restate",), "restate is below 0"),
        ({"start_date": "last year"}, ("start_date",), "'last year' is no date"),
        ({"in_flight": 0}, ("in_flight",), "in_flight is below 1"),
        ({"rate_limit": {"requests": 5}}, ("rate_limit",), "rate_limit lacks requests or seconds"),
        ({"acount_ids": ["1"]}, ("acount_ids",), "unknown option 'acount_ids'"),
    ],
)
def test_bad_connections_are_told_apart(options, path, what):
    assert problems(**options) == [(path, what)]


def test_a_good_connection_has_no_problem():
    assert problems(account_ids=["act_12", "34"], app_secret="s", action_attribution_windows=[]) == []


@pytest.mark.parametrize(
    ("name", "options", "path", "what"),
    [
        ("ad_insights", {"fields": []}, ("fields",), "ad_insights has no fields"),
        ("ad_insights", {"fields": ["Spend!"]}, ("fields", 0), "'Spend!' is no field's name"),
        ("ad_insights", {"breakdowns": ["a,b"]}, ("breakdowns", 0), "'a,b' is no field's name"),
        (
            "ad_insights",
            {"fields": ["age"], "breakdowns": ["age"]},
            ("breakdowns", 0),
            "age is also in fields",
        ),
        (
            "ad_insights",
            {"fields": ["account_timezone_name"]},
            ("fields", 0),
            "account_timezone_name is always there",
        ),
        ("ads", {"limit": 0}, ("limit",), "limit is below 1"),
        ("ads", {"restate": 3}, ("restate",), "unknown option 'restate'"),
        ("campaign_insights", {"start_date": "x"}, ("start_date",), "'x' is no date"),
        ("insights", {}, (), "meta_ads has no resource 'insights'"),
    ],
)
def test_bad_resources_are_told_apart(name, options, path, what):
    assert [(place, said) for place, said, _ in check_resource(DECLARATION, name, options)[1]] == [
        (path, what)
    ]


def test_columns_and_keys():
    schema = insight_schema("adset", ("spend", "adset_name", "campaign_id"), ("age",))
    assert schema.primary_key == ("account_id", "adset_id", "date_start", "age")
    assert schema.names() == (
        *("account_id", "campaign_id", "adset_id", "account_currency", "spend", "adset_name"),
        *("date_start", "date_stop", "age", "account_timezone_name"),
    )
    assert insight_schema("account", ("spend",), ()).primary_key == ("account_id", "date_start")
    times = {column.name: column.type for column in insight_schema("ad", ("created_time",), ()).columns}
    assert times["created_time"] == "date"
    assert node_schema("accounts", ("currency",)).primary_key == ("account_id",)
    assert node_schema("accounts", ("currency",)).cursor_columns == ()


def test_every_default_is_known_to_the_sandbox():
    for resource in DECLARATION.resources:
        filled, wrong = check_resource(DECLARATION, resource.name, {})
        assert wrong == []
        if resource.name.endswith("_insights"):
            level = resource.name.removesuffix("_insights")
            assert set(insight_fields(level, filled["fields"])) <= INSIGHT_FIELDS
        else:
            assert set(filled["fields"]) <= FIELDS[resource.name]
            assert set(filled.get("statuses") or ()) == set(STATUSES.get(resource.name, ()))


def answer(code=None, status=400, headers=None, **more):
    error = {"message": "It is so", "code": code, **more}
    return Answer(status, headers or {}, b"", {"error": error} if code is not None else None)


@pytest.mark.parametrize(
    ("given", "means"),
    [
        (answer(4), "limited"),
        (answer(613), "limited"),
        (answer(80014), "limited"),
        (answer(80015), None),
        (answer(190), "expired"),
        (answer(1), "passing"),
        (answer(1, error_subcode=99), "refused"),
        (answer(100, message="Please reduce the amount of data you're asking for"), "refused"),
        (answer(2), "passing"),
        (answer(100), None),
        (answer(100, is_transient=True), "passing"),
        (answer(200), None),
        (answer("190"), None),
        (answer(), None),
        (Answer(400, {}, b"", {"error": "text"}), None),
        (Answer(400, {}, b"", ["x"]), None),
    ],
)
def test_what_codes_mean(given, means):
    assert kind(given) == means


def test_messages_carry_what_support_asks_for():
    assert message(answer(100, error_subcode=33, fbtrace_id="Ax")) == "It is so (code 100/33, fbtrace_id Ax)"
    assert message(answer(100, error_user_msg="Say it kindly.")) == "Say it kindly (code 100)"
    assert message(answer()) == ""


def test_usage_becomes_percentages_and_waits():
    usage = '{"7": [{"type": "ads_insights", "call_count": 28, "total_time": 91.5, "estimated_time_to_regain_access": 2}]}'
    headers = {
        "x-business-use-case-usage": usage,
        "x-app-usage": '{"call_count": 5}',
        "x-ad-account-usage": '{"acc_id_util_pct": 9.67}',
        "x-fb-ads-insights-throttle": "{}",
    }
    found = {quota.name: (quota.remaining, quota.unit) for quota in quotas(headers)}
    assert found == {
        "meta ads_insights of 7": (8.5, "percent"),
        "meta app-usage": (95.0, "percent"),
        "meta ad-account-usage": (pytest.approx(90.33), "percent"),
    }
    assert regain(answer(80000, headers=headers)) == 120
    assert regain(answer(80000, headers={"x-app-usage": '{"call_count": 5}'})) is None
    assert quotas({}) == []


def test_rows_are_spelled_alike_whatever_their_order():
    one = [{"action_type": "b", "value": "1"}, {"value": "2", "action_type": "a"}]
    assert plain(one) == plain(one[::-1]) == [one[1], one[0]]
    assert plain(["b", "a"]) == ["b", "a"]
    assert plain({"n": [2**64, 1.5, float("inf")]}) == {"n": [str(2**64), 1.5, "inf"]}
    assert rows([{"a": 1, "z": 2}, None, "text"], ("a", "b")) == [{"a": 1, "b": None}]


def test_the_proof_is_the_tokens_hmac():
    proof = hmac.new(b"app", TOKEN.encode(), hashlib.sha256).hexdigest()
    auth = QueryToken(TOKEN, "app")
    assert auth.params() == {"access_token": TOKEN, "appsecret_proof": proof}
    assert QueryToken(TOKEN, None).params() == {"access_token": TOKEN}
    assert {TOKEN, proof, "app", "EAAB%7Csecret-token"} <= set(auth.secrets())
    assert auth.headers() == {}


ACCOUNTS = (200, JSON, b'{"data": [{"account_id": "5", "timezone_name": "UTC", "currency": "USD"}]}')


OPENED: list[MetaAds] = []


@pytest.fixture(autouse=True)
def closing():
    yield
    while OPENED:
        OPENED.pop().close()


def connection(url, **options):
    given = {**LOGIN, "base_url": url, "rate_limit": "off", **options}
    OPENED.append(MetaAds.open(DECLARATION, given, Context("meta", Budget(), utc_now)))
    return OPENED[-1]


def read(opened, name, **options):
    filled, wrong = check_resource(DECLARATION, name, options)
    assert wrong == []
    resource = ResourceSpec(name, filled)
    return list(opened.source().read(resource, opened.source().schema(resource), None))


def test_what_goes_over_the_wire():
    with vendor(ACCOUNTS, (200, JSON, b'{"data": []}')) as found:
        opened = connection(found.url, app_secret="app", start_date="2026-11-01", **{"async": "never"})
        read(opened, "ad_insights", fields=["spend"], breakdowns=["age"])
    _, path, headers, _ = found.asked[1]
    assert urlsplit(path).path == "/v26.0/act_5/insights"
    query = {name: value for name, (value,) in parse_qs(urlsplit(path).query).items()}
    assert query.pop("time_range").startswith('{"since":"2026-11-01","until":"')
    assert query.pop("appsecret_proof") and query.pop("access_token") == TOKEN
    assert query == {
        "level": "ad",
        "time_increment": "1",
        "fields": "account_id,campaign_id,adset_id,ad_id,account_currency,spend",
        "breakdowns": '["age"]',
        "action_attribution_windows": '["7d_click","1d_view"]',
        "limit": "500",
    }
    assert headers.get("Accept") == "application/json" and "Authorization" not in headers


def test_a_report_run_is_asked_for_in_a_form():
    started = (200, JSON, b'{"report_run_id": "99"}')
    done = (200, JSON, b'{"async_status": "Job Completed", "async_percent_completion": 100}')
    empty = (200, JSON, b'{"data": []}')
    with vendor(ACCOUNTS, started, done, empty) as found:
        opened = connection(found.url, start_date="2999-01-01", **{"async": "always"})
        read(opened, "account_insights")
    method, path, _, body = found.asked[1]
    assert method == "POST" and "level" not in path and "access_token=" in path
    assert parse_qs(body.decode())["level"] == ["account"]
    assert "access_token" not in body.decode()
    assert [urlsplit(one[1]).path for one in found.asked[2:]] == ["/v26.0/99", "/v26.0/99/insights"]


@pytest.mark.parametrize("listed", [b'{"data": {}}', b"[]", b'{"nothing": 1}', b"null"])
def test_an_answer_of_another_shape_is_no_list(listed):
    with vendor((200, JSON, listed)) as found, pytest.raises(Unavailable, match="answer to me/adaccounts"):
        read(connection(found.url), "accounts")


def test_a_next_page_without_any_cursor_is_no_end():
    page = b'{"data": [], "paging": {"next": "https://graph.facebook.com/x?limit=5"}}'
    with vendor((200, JSON, page)) as found, pytest.raises(Unavailable, match="answer to me/adaccounts"):
        read(connection(found.url), "accounts")


def test_a_cursor_may_stand_in_the_next_url_alone():
    page = b'{"data": [{"account_id": "5"}], "paging": {"next": "https://graph.facebook.com/x?after=c1&access_token=t"}}'
    last = b'{"data": [{"account_id": "6"}], "paging": {"cursors": {"after": "c2"}}}'
    with vendor((200, JSON, page), (200, JSON, last)) as found:
        pages = read(connection(found.url), "accounts")
    assert [row["account_id"] for row in pages[0].rows] == ["5", "6"]
    assert "after=c1" in found.asked[1][1]
    assert len(found.asked) == 2


def test_a_token_that_reaches_no_account_is_told():
    with vendor((200, JSON, b'{"data": []}')) as found:
        with pytest.raises(FatalError, match="meta: the token reaches no ad account"):
            read(connection(found.url), "campaigns")
        with pytest.raises(FatalError, match="reaches no ad account"):
            connection(found.url).account()


def test_an_old_version_names_the_option():
    old = b'{"error": {"message": "You are calling a deprecated version", "code": 2635}}'
    with vendor((400, JSON, old)) as found, pytest.raises(VendorRefused) as caught:
        read(connection(found.url, api_version="v19.0"), "accounts")
    assert caught.value.fix == "set api_version"


def test_a_vendor_that_repeats_the_url_shows_no_token():
    echoed = f'{{"error": {{"message": "bad: {found_url()}", "code": 100}}}}'.encode()
    events = []
    with vendor((400, JSON, echoed)) as found, listening(events.append):
        with pytest.raises(VendorRefused) as caught:
            read(connection(found.url), "accounts")
    assert "access_token=***" in str(caught.value)
    assert "secret-token" not in str(caught.value) and "secret-token" not in str(events)


def found_url():
    return "https://graph.facebook.com/v26.0/me?access_token=EAAB%7Csecret-token"
