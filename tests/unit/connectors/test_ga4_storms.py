"""What can go wrong while GA4's reports are read: the run goes on correctly, or stops with the reason and the next one repairs it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.conformance.vendors import Desk
from tests.unit.connectors.ga4_lake import Lake, close_all, connect
from tests.unit.connectors.scripted import JSON, Budget, vendor

from tailrace.errors import AuthError, RateLimited, Unavailable
from tailrace.events import Event, Notice, listening
from tailrace.sandbox.server import Sandbox

TODAY = date(2026, 6, 1)
LOGIN = {"property_id": "320000001", "access_token": "sandbox"}
REPORT = {"dimensions": ["date", "sessionSource"], "metrics": ["sessions"], "limit": 40}
PER_DAY = "Exhausted property tokens per day. Quota will reset within one day."
PER_HOUR = "Exhausted property tokens per hour. Quota will reset within one hour."


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=10, today=TODAY, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    close_all()
    desk.reset()


def lake_of(sandbox: Sandbox, now: datetime | None = None, budget: Budget | None = None, **more: Any) -> Lake:
    login = {**LOGIN, "base_url": sandbox.base_url("ga4"), "start_date": "2026-02-01", **more}
    moment = now or datetime(2026, 6, 1, 16, tzinfo=UTC)
    return Lake(connect("ga4", login, budget, lambda: moment), "ga4", "report", REPORT)


@pytest.fixture
def lake(sandbox: Sandbox, desk: Desk) -> Lake:
    return lake_of(sandbox)


def held(desk: Desk) -> Counter[tuple[str, str]]:
    records = desk.records("ga4", "sessions")
    return Counter((row["date"], row["sessionSource"]) for row in records if row["date"] >= "20260201")


def landed(lake: Lake) -> Counter[tuple[str, str]]:
    return Counter({(f"{row['date']:%Y%m%d}", row["sessionSource"]): row["sessions"] for row in lake.rows()})


def exhausted(message: str, **more: Any) -> dict[str, Any]:
    error = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", **more}
    return {"vendor": "ga4", "route": "*:runReport", "status": 429, "body": {"error": error}}


def asked(desk: Desk, before: int) -> int:
    return len(desk.requests("ga4", ":runReport")) - before


@pytest.mark.parametrize(
    "what",
    [
        {"status": 429, "headers": {"retry-after": "0"}, "body": "{}"},
        exhausted("Too many concurrent requests", details=[{"retryDelay": "0.1s"}]),
        exhausted(PER_HOUR),
        {"status": 500, "body": {"error": {"code": 500, "message": "Internal", "status": "INTERNAL"}}},
        {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"rows": [{"dim'},
        {"lost_answer": True},
    ],
    ids=["429", "429 with retryDelay", "the hour for a moment", "500", "truncated", "lost answer"],
)
def test_what_passes_is_waited_out(lake: Lake, desk: Desk, what: dict[str, Any]) -> None:
    desk.faults({"vendor": "ga4", "route": "*:runReport", "nth": [3, 5], **what})
    lake.run()
    assert landed(lake) == held(desk)


def test_a_spent_hour_stops_politely_where_it_outlasts_our_patience(sandbox: Sandbox, desk: Desk) -> None:
    budget = Budget()
    lake = lake_of(sandbox, budget=budget, max_wait="0.2s")
    desk.faults({"probability": 1, **exhausted(PER_HOUR)})
    with pytest.raises(RateLimited, match="still limits requests: Exhausted property tokens per hour"):
        lake.run()
    assert budget.blocked
    desk.faults()
    lake.run()
    assert landed(lake) == held(desk)


def test_a_spent_day_ends_the_read_and_the_next_one_goes_on_from_there(lake: Lake, desk: Desk) -> None:
    desk.faults({"nth": 8, **exhausted(PER_DAY)})
    before = len(desk.requests("ga4"))
    with pytest.raises(RateLimited, match="daily requests are spent: Exhausted property tokens per day"):
        lake.run()
    assert asked(desk, before) == 8  # no second try
    first = landed(lake)
    assert 0 < len(first) < len(held(desk))
    committed = max(day for day, _ in first)
    spans = watch(lake)
    lake.run()
    assert landed(lake) == held(desk)
    reports = [span for span in spans if span["limit"] != "1"]
    assert reports[0]["dateRanges"][0]["startDate"].replace("-", "") == next_day(committed)


def next_day(day: str) -> str:
    return f"{datetime.strptime(day, '%Y%m%d').replace(tzinfo=UTC) + timedelta(days=1):%Y%m%d}"


def watch(lake: Lake, deed: Callable[[int], Any] | None = None) -> list[Mapping[str, Any]]:
    """Every report asked for from now on; `deed` is called with its number before GA4 sees it."""
    connector: Any = lake.connector
    told: list[Mapping[str, Any]] = []
    inner = connector.report

    def report(body: Mapping[str, Any]) -> Mapping[str, Any]:
        told.append(body)
        if deed is not None:
            deed(len(told))
        found: Mapping[str, Any] = inner(body)
        return found

    connector.report = report
    return told


def test_an_unfinished_first_read_does_not_lose_a_day_over_a_pause(sandbox: Sandbox, desk: Desk) -> None:
    lake = lake_of(sandbox, datetime(2026, 5, 20, 16, tzinfo=UTC))
    desk.faults({"nth": 8, **exhausted(PER_DAY)})
    with pytest.raises(RateLimited):
        lake.run()
    lake.connector = lake_of(sandbox).connector
    lake.run()
    assert landed(lake) == held(desk)


def test_a_token_that_ends_stops_with_the_reason(lake: Lake, desk: Desk) -> None:
    body = {
        "error": {
            "code": 401,
            "message": "Request had invalid authentication credentials.",
            "status": "UNAUTHENTICATED",
        }
    }
    desk.faults({"vendor": "ga4", "route": "*:runReport", "nth": 4, "status": 401, "body": body})
    with pytest.raises(AuthError, match=r"refuses the credentials \(401\): Request had invalid"):
        lake.run()
    lake.run()
    assert landed(lake) == held(desk)


def session(desk: Desk, day: str, source: str) -> dict[str, Any]:
    return {**desk.records("ga4", "sessions")[-1], "date": day, "sessionSource": source}


def test_a_report_that_grows_between_its_pages_is_asked_for_again(lake: Lake, desk: Desk) -> None:
    late = [session(desk, "20260202", source) for source in ("aaa", "bbb")]
    watch(lake, lambda number: desk.save("ga4", "sessions", *late) if number == 3 else None)
    lake.run()
    assert landed(lake) == held(desk)
    assert ("20260202", "aaa") in landed(lake)


def test_a_report_that_shrinks_between_its_pages_is_asked_for_again(lake: Lake, desk: Desk) -> None:
    kept = [
        row
        for row in desk.records("ga4", "sessions")
        if (row["date"], row["sessionSource"]) != ("20260201", "google")
    ]
    watch(lake, lambda number: desk.replace("ga4", "sessions", kept) if number == 3 else None)
    lake.run()
    assert landed(lake) == held(desk)
    assert ("20260201", "google") not in landed(lake)


def test_a_report_that_never_stands_still_is_left_to_the_next_run(lake: Lake, desk: Desk) -> None:
    watch(lake, lambda number: desk.save("ga4", "sessions", session(desk, "20260202", f"source{number}")))
    with pytest.raises(Unavailable, match=r"ga4\.report: the report changed while its pages were read"):
        lake.run()
    assert landed(lake) == Counter()
    lake.connector = lake_of(desk.sandbox).connector
    lake.run()
    assert landed(lake) == held(desk)


def test_a_late_session_and_a_vanished_row_are_seen(lake: Lake, desk: Desk) -> None:
    lake.run()
    assert lake.run().rows_in == 0
    kept = [
        row
        for row in desk.records("ga4", "sessions")
        if (row["date"], row["sessionSource"]) != ("20260530", "bing")
    ]
    desk.replace("ga4", "sessions", kept)
    desk.call("POST", "advance", {"rounds": 1})
    lake.run()
    assert landed(lake) == held(desk)


# ---- answers that the sandbox would never give ---------------------------------------------------------

HEADS = {
    "dimensionHeaders": [{"name": "date"}, {"name": "sessionSource"}],
    "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}],
}


def answer(*sources: str, total: int | None = None, **metadata: Any) -> tuple[int, dict[str, str], bytes]:
    rows = [
        {"dimensionValues": [{"value": "20260530"}, {"value": source}], "metricValues": [{"value": "1"}]}
        for source in sources
    ]
    told = {"metadata": {"currencyCode": "EUR", "timeZone": "Europe/Vienna", **metadata}}
    count = len(rows) if total is None else total
    document = {**HEADS, **told, **({"rows": rows} if rows else {}), **({"rowCount": count} if count else {})}
    return 200, JSON, json.dumps(document).encode()


def scripted(url: str) -> Lake:
    login = {**LOGIN, "base_url": url, "start_date": "2026-05-30"}
    return Lake(
        connect("ga4", login, now=lambda: datetime(2026, 6, 1, 16, tzinfo=UTC)), "ga4", "report", REPORT
    )


def test_an_empty_page_before_the_end_is_not_taken_for_the_end() -> None:
    with vendor(answer(), answer("a", total=3), answer(total=3), answer(), answer("a", "b", "c")) as seen:
        lake = scripted(seen.url)
        with pytest.raises(Unavailable, match="1 of 3 rows and then an empty page"):
            lake.run()
        assert lake.rows() == []
        lake.run()
        assert sorted(row["sessionSource"] for row in lake.rows()) == ["a", "b", "c"]
        close_all()


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"rowCount": 0},
        [],
        "word",
        None,
        {**HEADS, "rows": {"a": 1}},
        {**HEADS, "rows": ["a"]},
        {"metadata": "x"},
    ],
    ids=str,
)
def test_an_answer_that_is_no_report_removes_nothing(document: Any) -> None:
    body = json.dumps(document).encode()
    with vendor(answer(), answer("a"), answer("a"), answer(), (200, JSON, body)) as seen:
        lake = scripted(seen.url)
        lake.run()
        shown = lake.rows()
        with pytest.raises(Unavailable, match=r"ga4: the answer is no report of GA4's\. run again"):
            for _ in range(4):
                lake.run()
        assert [row["sessionSource"] for row in shown] == ["a"]
        assert {row["sessionSource"] for row in lake.rows()} == {"a"}
        close_all()


@pytest.mark.parametrize("document", [{}, [], None, {"dimensions": {"a": 1}}], ids=str)
def test_metadata_of_another_shape_is_told(document: Any) -> None:
    with vendor((200, JSON, json.dumps(document).encode())) as seen:
        connector: Any = scripted(seen.url).connector
        with pytest.raises(Unavailable, match="no metadata of GA4's"):
            list(connector.examine())
        close_all()


def test_a_window_that_turns_empty_is_believed_the_second_time() -> None:
    one, none = answer("a"), answer()
    with vendor(none, one, none, none, none, none) as seen:
        lake = scripted(seen.url)
        lake.run()
        assert len(lake.rows()) == 1
        lake.run()
        assert len(lake.rows()) == 1
        lake.run()
        assert lake.rows() == []
        assert lake.run().rows_in == 0
        close_all()


def test_shortcomings_are_told_once_a_read() -> None:
    told: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Notice):
            told.append(event.text)

    pages = [answer(name, total=3, samplingMetadatas=[{"samplesReadCount": "1"}]) for name in ("a", "b", "c")]
    with vendor(answer(), *pages, answer(), *pages) as seen, listening(hear):
        lake = scripted(seen.url)
        lake.run()
        assert told == ["ga4.report: the numbers are sampled (said by GA4)"]
        lake.run()
        assert len(told) == 2
        close_all()


def test_an_empty_property_is_no_error() -> None:
    with vendor(answer()) as seen:
        lake = scripted(seen.url)
        lake.run()
        assert lake.rows() == [] and lake.run().rows_in == 0
        close_all()
