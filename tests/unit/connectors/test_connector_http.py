from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest
from tests.conformance.vendors import connect
from tests.unit.connectors.scripted import JSON, Budget, Vendor, utc_now, vendor

from tailrace.connectors.hubspot.connection import day_spent, named_window, told_limit
from tailrace.connectors.sdk.auth import Bearer, Renewing
from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.http import Http, Lost, Manners
from tailrace.connectors.sdk.patience import retry_after
from tailrace.errors import AuthError, RateLimited, Unavailable, VendorRefused
from tailrace.events import Event, RequestDone, Waiting, listening

FINE = (200, JSON, b'{"ok": true}')
DOWN = (503, {}, b"")
LIMITED = (429, JSON, b'{"message": "slow down", "policyName": "TEN_SECONDLY_ROLLING"}')
MANNERS = Manners(0.01, told_limit, day_spent, named_window)
TOKEN = "pat-secret-token-1"
OPENED: list[Http] = []


def http(found: Vendor, budget: Budget | None = None, auth=None, **more) -> Http:
    context = Context("crm", budget or Budget(), utc_now)
    settings = {"manners": MANNERS, "first_wait": 0.001, **more}
    OPENED.append(Http(found.url, auth or Bearer(TOKEN), context, **settings))
    return OPENED[-1]


@pytest.fixture(autouse=True)
def closing():
    yield
    while OPENED:
        OPENED.pop().close()


def test_five_attempts_and_no_more():
    with vendor(DOWN) as found, pytest.raises(Lost, match=r"crm: the vendor failed \(503\)"):
        http(found).request("GET", "/x")
    assert len(found.asked) == 5


def test_the_fifth_attempt_counts():
    with vendor(
        DOWN, None, (200, JSON, b"{"), (200, {"Content-Type": "text/html"}, b"<html>"), FINE
    ) as found:
        assert http(found).request("GET", "/x").json() == {"ok": True}
    assert len(found.asked) == 5


def test_a_body_shorter_than_announced_is_read_again():
    short = (200, {**JSON, "Content-Length": "400"}, b'{"results": []}')
    with vendor(short, FINE) as found:
        assert http(found).request("GET", "/x").json() == {"ok": True}


@pytest.mark.parametrize(
    "failure", [DOWN, None, (200, JSON, b'{"results"')], ids=["503", "reset", "cut short"]
)
def test_a_write_is_not_repeated_unless_the_caller_says_so(failure):
    with vendor(failure, FINE) as found:
        with pytest.raises(Lost):
            http(found).request("POST", "/x", json={})
        assert len(found.asked) == 1
        assert http(found).request("POST", "/x", json={}).json() == {"ok": True}
    with vendor(failure, FINE) as found:
        assert http(found).request("POST", "/x", json={}, retry=True).json() == {"ok": True}


def test_limits_cost_no_attempt_and_are_waited_for_also_by_writes():
    budget = Budget()
    with vendor(*[LIMITED] * 8, FINE) as found:
        assert http(found, budget).request("POST", "/x", json={}).json() == {"ok": True}
    assert len(found.asked) == 9
    assert budget.blocked == [(0.01, "")] * 8
    assert len(budget.acquired) == 9


def test_the_wait_is_the_vendors_own():
    slow = (429, {**JSON, "Retry-After": "0.03"}, b"{}")
    secondly = (429, JSON, b'{"message": "You have reached your secondly limit.", "category": "RATE_LIMITS"}')
    waits: list[Event] = []
    with listening(waits.append):
        with vendor(slow, FINE) as found:
            http(found).request("GET", "/x")
        with vendor(secondly) as found, pytest.raises(RateLimited) as caught:
            http(found, max_wait=0.5).request("GET", "/x", bucket="search")
    assert [event.seconds for event in waits if isinstance(event, Waiting)] == [0.03]
    assert caught.value.retry_after == 1.0
    assert len(found.asked) == 1


def test_all_waits_together_stay_below_the_most():
    slow = (429, {**JSON, "Retry-After": "0.04"}, b"{}")
    with vendor(slow) as found, pytest.raises(RateLimited):
        http(found, max_wait=0.1).request("GET", "/x")
    assert len(found.asked) == 3


def test_the_headers_tell_the_window_once():
    told = {"X-HubSpot-RateLimit-Max": "100", "X-HubSpot-RateLimit-Interval-Milliseconds": "20"}
    budget = Budget()
    with vendor((200, {**JSON, **told}, b"{}"), (200, {**JSON, **told}, b"{}"), LIMITED, FINE) as found:
        client = http(found, budget)
        for _ in range(3):
            client.request("GET", "/x")
    assert budget.learned == [(100, 0.02, "")]
    assert budget.blocked == [(0.02, "")]


def test_a_spent_day_stops_at_once():
    daily = (429, JSON, b'{"message": "You have reached your daily limit.", "policyName": "DAILY"}')
    with vendor(daily) as found, pytest.raises(RateLimited, match="daily"):
        http(found).request("GET", "/x")
    assert len(found.asked) == 1


def test_locked_data_is_waited_for_and_a_long_migration_is_reported():
    with vendor((423, {"Retry-After": "0.01"}, b""), FINE) as found:
        assert http(found).request("POST", "/x", json={}).json() == {"ok": True}
    with vendor((477, {"Retry-After": "86400"}, b"")) as found, pytest.raises(Unavailable) as caught:
        http(found).request("GET", "/x")
    assert caught.value.retry_after == 86400
    assert len(found.asked) == 1


def test_a_401_renews_the_token_once():
    minted = iter([("old", 1800.0), ("new", 1800.0), ("newest", 1800.0)])
    with vendor((401, JSON, b"{}"), FINE) as found:
        client = http(found, auth=Renewing(lambda: next(minted), utc_now))
        assert client.request("POST", "/x", json={}).json() == {"ok": True}
    assert [headers["Authorization"] for _, _, headers, _ in found.asked] == ["Bearer old", "Bearer new"]
    minted = iter([("old", 1800.0), ("new", 1800.0), ("newest", 1800.0)])
    with vendor((401, JSON, b"{}")) as found, pytest.raises(AuthError):
        http(found, auth=Renewing(lambda: next(minted), utc_now)).request("GET", "/x")
    assert len(found.asked) == 2


def test_refusals_say_what_the_vendor_said_but_no_secret():
    leak = f'{{"message": "token {TOKEN} may not read this"}}'.encode()
    for status, kind in ((401, AuthError), (403, AuthError), (400, VendorRefused)):
        with vendor((status, JSON, leak)) as found, pytest.raises(kind) as caught:
            http(found).request("GET", "/x")
        assert "may not read this" in str(caught.value)
        assert TOKEN not in str(caught.value)
        assert len(found.asked) == 1


def test_events_carry_no_query_and_count_attempts():
    events: list[Event] = []
    with vendor(DOWN, FINE) as found, listening(events.append):
        http(found).request("GET", "/x?token=abc", params=None)
    done = [event for event in events if isinstance(event, RequestDone)]
    assert [(event.path, event.status, event.attempt) for event in done] == [("/x", 503, 1), ("/x", 200, 2)]


def test_nan_is_read_as_some_vendors_write_it():
    with vendor((200, JSON, b'{"a": NaN}')) as found:
        value = http(found).request("GET", "/x").json()["a"]
    assert value != value


BARE = {
    b"12345678901234567890123": 12345678901234567890123,
    b"0.12345678901234567890": "0.12345678901234567890",
    b"12345678901234567.25": "12345678901234567.25",
    b"-9007199254740993.5": "-9007199254740993.5",
    b"0.30000000000000004": 0.30000000000000004,
    b"0.10000000000000001": 0.1,
    b"1.5": 1.5,
    b'"120210000000000000"': "120210000000000000",
}


@pytest.mark.parametrize("bare", BARE)
def test_bare_numbers_keep_their_digits_where_a_vendor_sends_such(bare):
    with vendor((200, JSON, b'{"a": [' + bare + b"]}")) as found:
        answer = http(found, manners=replace(MANNERS, exact=True)).request("GET", "/x")
    value = answer.json()["a"][0]
    assert (value, type(value)) == (BARE[bare], type(BARE[bare]))


@pytest.mark.parametrize("name", ["linkedin_ads", "google_ads"])
def test_vendors_that_send_bare_numbers_read_them_exactly(name):
    login = {
        "linkedin_ads": {"access_token": "a"},
        "google_ads": {"access_token": "a", "developer_token": "d"},
    }
    connector = connect(name, "http://127.0.0.1:9", login[name])
    http = connector._http if name == "google_ads" else connector._api.http
    assert http.manners.exact
    connector.close()


def test_an_accepted_status_is_an_answer():
    with vendor((409, JSON, b'{"a": 1}')) as found:
        answer = http(found).request("POST", "/x", json={}, accept=(409,))
    assert (answer.status, answer.json()) == (409, {"a": 1})


def test_nothing_listens_on_this_machine():
    with vendor(FINE) as found:
        pass
    with pytest.raises(Unavailable, match="connection refused") as caught:
        http(found).request("GET", "/x?secret=1")
    assert "secret" not in str(caught.value)
    assert caught.value.fix.endswith("tailrace sandbox")


def test_a_base_url_that_is_none_is_refused():
    with pytest.raises(VendorRefused, match="base_url"):
        http(Vendor("ftp://127.0.0.1")).request("GET", "/x")


def test_retry_after_takes_seconds_and_dates():
    now = utc_now().replace(microsecond=0)
    assert retry_after("7", now) == 7.0
    assert retry_after(format_datetime(now + timedelta(seconds=30), usegmt=True), now) == 30.0
    assert retry_after(format_datetime(now - timedelta(seconds=30), usegmt=True), now) == 0.0
    assert retry_after("soon", now) is None
    assert retry_after(None, now) is None


def test_off_draws_on_no_budget():
    budget = Budget()
    with vendor(LIMITED, FINE) as found:
        http(found, budget, shared=False).request("GET", "/x")
    assert (budget.acquired, budget.blocked, budget.learned) == ([], [], [])


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_requests_at_a_time_than_allowed(most):
    with vendor(FINE, slow=0.02) as found:
        client = http(found, in_flight=most)
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: client.request("GET", "/x").status, range(12)))
    assert answers == [200] * 12
    assert found.most_at_once == most


def test_what_never_passes_is_not_tried_again_and_bears_the_vendors_own_error():
    too_much = (500, JSON, b'{"error": {"message": "reduce the amount of data", "code": 1}}')
    manners = Manners(
        kind=lambda answer: "refused" if b"reduce" in answer.content else None,
        refusal=lambda answer, name, said: AuthError(f"{name} {answer.document['error']['code']}{said}"),
    )
    with (
        vendor(too_much) as found,
        pytest.raises(AuthError, match=r"^crm 1: reduce the amount of data"),
    ):
        http(found, manners=manners).request("GET", "/x")
    assert len(found.asked) == 1


def test_no_library_logs_a_query(caplog):
    caplog.set_level("INFO")
    with vendor(FINE) as found:
        http(found).request("GET", "/x", params={"access_token": TOKEN})
    assert "access_token=" in found.asked[0][1]
    assert TOKEN not in caplog.text
