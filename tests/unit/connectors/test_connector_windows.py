from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.connectors.hubspot.newest import Newest, iso, moment
from tailrace.connectors.sdk.days import Lookback, slices, today_in
from tailrace.connectors.sdk.google import day_spent, google_message, retry_delay
from tailrace.connectors.sdk.http import Answer
from tailrace.connectors.sdk.paging import by_cursor, by_offset
from tailrace.connectors.sdk.unchanged import Window
from tailrace.errors import Unavailable
from tailrace.events import listening
from tailrace.records import Scope

TODAY = date(2026, 11, 20)


def test_a_window_begins_where_restating_may_reach():
    assert Lookback(30).first_day(None, TODAY) == TODAY - timedelta(days=90)
    assert Lookback(30, "2026-11-01").first_day(None, TODAY) == date(2026, 11, 1)
    assert Lookback(30).first_day("2026-11-10", TODAY) == date(2026, 10, 11)
    assert Lookback(30, "2026-11-01").first_day("2026-11-10", TODAY) == date(2026, 11, 1)
    assert Lookback(0).first_day("2026-11-20", TODAY) == TODAY
    assert Lookback(3, "2027-01-01").first_day(None, TODAY) == TODAY
    assert Lookback(3, "2026-01-01").of({"restate": 5, "start_date": None}) == Lookback(5, "2026-01-01")


def test_today_is_the_accounts():
    late = datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert today_in("America/New_York", late) == date(2026, 11, 19)
    assert today_in("Europe/Berlin", late) == date(2026, 11, 20)
    assert today_in("Nowhere/At_All", late) == today_in(None, late) == date(2026, 11, 20)


@given(st.integers(0, 400), st.integers(1, 100))
def test_slices_cover_every_day_once(length, days):
    last = TODAY + timedelta(days=length)
    found = [
        first + timedelta(days=number)
        for first, end in slices(TODAY, last, days)
        for number in range((end - first).days + 1)
    ]
    assert found == [TODAY + timedelta(days=number) for number in range(length + 1)]


def _walk(window: Window, pages):
    return [row for page in window.pages(iter(pages)) for row in page]


def test_an_unchanged_window_hands_on_nothing_whatever_its_order():
    rows = [{"id": str(number), "v": 1.5} for number in range(10)]
    first = Window(None)
    assert _walk(first, [rows[:4], rows[4:]]) == rows
    second = Window(first.digest)
    assert _walk(second, [rows[::-1]]) == []
    assert second.same and second.digest == first.digest


@given(st.lists(st.integers(0, 3), max_size=6), st.lists(st.integers(0, 3), max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_change_hands_on_everything(before, after):
    first = Window(None)
    _walk(first, [[{"v": value} for value in before]])
    second = Window(first.digest)
    shown = _walk(second, [[{"v": value} for value in after]])
    assert second.same == (sorted(before) == sorted(after))
    assert shown == ([] if second.same else [{"v": value} for value in after])


def test_a_long_window_is_handed_on_as_it_comes():
    rows = [{"v": number} for number in range(10)]
    known = Window(None)
    _walk(known, [rows])
    window = Window(known.digest, held_rows=5)
    assert _walk(window, [rows[:6], rows[6:]]) == rows
    assert not window.same


def test_only_rows_that_come_again_are_remembered():
    rows = [{"v": number} for number in range(10)]
    first = Window(None, lambda row: row["v"] >= 7)
    _walk(first, [rows])
    second = Window(first.digest, lambda row: row["v"] >= 7)
    assert _walk(second, [rows[7:]]) == []
    assert second.same


def test_newest_keeps_what_the_overlap_will_show_again():
    newest = Newest(timedelta(seconds=10))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = [iso(start + timedelta(seconds=number)) for number in (0, 30, 5, 25, 19)]
    for number, time in enumerate(times):
        newest.add([(str(number), time)])
    assert newest.until(None) == (times[1], {"1": times[1], "3": times[3]})
    # nothing beyond the read's start is taken for read
    since, seen = newest.until(start + timedelta(seconds=26))
    assert since == iso(start + timedelta(seconds=26))
    assert seen.keys() >= {"1", "3"}
    assert Newest(timedelta(seconds=1)).until(None) == (None, {})


def test_times_come_in_every_spelling():
    at = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    for text in (
        "2026-01-02T03:04:05.678Z",
        "2026-01-02T03:04:05.678+00:00",
        str(int(at.timestamp() * 1000)),
    ):
        assert moment(text) == at
    assert iso(at) == "2026-01-02T03:04:05.678Z"


def test_a_cursor_that_stands_still_is_no_endless_loop():
    with pytest.raises(Unavailable, match="repeats the page cursor"):
        list(by_cursor(lambda cursor: {"next": "a"}, lambda document: document["next"]))


def test_cursors_that_run_in_a_circle_are_no_endless_loop():
    circle = {None: "a", "a": "b", "b": "a"}
    with pytest.raises(Unavailable, match="repeats the page cursor 'a'"):
        list(by_cursor(lambda cursor: {"next": circle[cursor]}, lambda document: document["next"]))


def test_an_empty_page_before_the_end_is_no_end():
    pages = {0: {"rows": [1, 2], "total": 3}, 2: {"rows": [], "total": 3}}
    with pytest.raises(Unavailable, match="2 of 3 rows"):
        list(
            by_offset(
                lambda offset: pages[offset], lambda page: len(page["rows"]), lambda page: page["total"]
            )
        )


def test_googles_errors_are_read_in_both_envelopes():
    quota = {"errorCode": {"quotaError": "RESOURCE_EXHAUSTED"}, "message": "Too many operations today"}
    delay = {
        "errorCode": {"quotaError": "RESOURCE_TEMPORARILY_EXHAUSTED"},
        "message": "Too fast",
        "details": {"quotaErrorDetails": {"retryDelay": "30s"}},
    }
    day = Answer(429, {}, b"", [{"error": {"message": "outer", "details": [{"errors": [quota]}]}}])
    soon = Answer(429, {}, b"", {"error": {"message": "outer", "details": [{"errors": [delay]}]}})
    tokens = Answer(429, {}, b"", {"error": {"message": "Exhausted property tokens per day."}})
    assert (day_spent(day), day_spent(soon), day_spent(tokens)) == (True, False, True)
    assert (retry_delay(day), retry_delay(soon)) == (None, 30.0)
    assert (google_message(day), google_message(tokens)) == (
        "Too many operations today",
        tokens.document["error"]["message"],
    )
    assert google_message(Answer(502, {}, b"<html>")) == ""


def test_a_list_that_is_suddenly_empty_removes_nothing_until_it_is_empty_twice():
    scopes = (Scope(),)
    first = Window(None)
    list(first.pages([[{"v": 1}]]))
    assert first.covered(scopes, "crm.x") == scopes
    empty = Window(first.digest)
    with listening((heard := []).append):
        assert _walk(empty, []) == [] and empty.covered(scopes, "crm.x") == ()
    assert "crm.x: the vendor shows no row where there were some" in heard[0].text
    again = Window(empty.digest)
    assert _walk(again, []) == [] and again.covered(scopes, "crm.x") == scopes
    idle = Window(again.digest)
    assert _walk(idle, []) == [] and idle.same and idle.covered(scopes, "crm.x") == ()
    back = Window(empty.digest)
    assert _walk(back, [[{"v": 1}]]) == [{"v": 1}] and back.covered(scopes, "crm.x") == scopes
