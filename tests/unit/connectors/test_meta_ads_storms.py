"""Meta Ads in bad weather: each run goes on rightly or stops with the reason, and the next one repairs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from tests.conformance.vendors import Desk, FreeLimiter, Landed, connect, spec, utc_now

from tailrace.connectors.sdk.base import Connector, ResourceSpec
from tailrace.errors import AuthError, RateLimited, TailraceError, Unavailable, VendorRefused
from tailrace.events import Event, Waiting, listening
from tailrace.land.raw import ArrowWriter
from tailrace.land.run import land_resource
from tailrace.project.spec import Marks, Pipeline, Resource
from tailrace.sandbox.meta_ads import insights as sandbox_insights
from tailrace.sandbox.server import Sandbox
from tailrace.warehouse.duckdb import DuckDBWarehouse

LOGIN = {"access_token": "sandbox", "poll_interval": 0.001}
US, DE = "310000000000001", "310000000000002"
US_INSIGHTS, DE_INSIGHTS = f"/v26.0/act_{US}/insights", f"/v26.0/act_{DE}/insights"
RUN, RUN_ROWS = "/v26.0/61*", "/v26.0/61*/insights"
RESOURCE = "campaign_insights"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=60, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def open_(sandbox: Sandbox) -> Iterator[Any]:
    opened: list[Connector] = []

    def make(limiter: FreeLimiter | None = None, **more: Any) -> Connector:
        options = {**LOGIN, "async": "never", **more}
        opened.append(connect("meta_ads", sandbox.base_url("meta_ads"), options, limiter))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


def graph_error(code: int, message: str = "said by Meta", **more: Any) -> dict[str, Any]:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Atrace", **more}
    return {"status": 400, "headers": JSON, "body": {"error": error}}


def fault(desk: Desk, route: str, answer: dict[str, Any], **which: Any) -> None:
    desk.faults({"vendor": "meta_ads", "route": route, **which, **answer})


def wanted(**options: Any) -> ResourceSpec:
    return spec("meta_ads", RESOURCE, options)


def begin(connector: Connector, resource: ResourceSpec) -> Landed:
    return Landed(connector.source().schema(resource))


def whole(connector: Connector, resource: ResourceSpec | None = None) -> Landed:
    resource = resource or wanted()
    return begin(connector, resource).read(connector.source(), resource)


def keys(desk: Desk, account: str | None = None) -> set[tuple[str, str, str]]:
    first = {
        one["account_id"]: (utc_now().astimezone(ZoneInfo(one["timezone_name"])).date() - timedelta(days=90))
        for one in desk.records("meta_ads", "accounts")
    }
    return {
        (row["account_id"], row["campaign_id"], row["date_start"])
        for row in desk.records("meta_ads", RESOURCE)
        if row["date_start"] >= first[row["account_id"]].isoformat() and account in (None, row["account_id"])
    }


def asked(desk: Desk, before: int, part: str) -> list[dict[str, Any]]:
    return [entry for entry in desk.requests("meta_ads")[before:] if part in entry["path"]]


# ---- limits, tokens, passing failures -------------------------------------------------------------------


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80000, 80004, 80014])
def test_a_throttle_without_a_header_is_waited_for(open_: Any, desk: Desk, code: int) -> None:
    limiter = FreeLimiter()
    fault(desk, US_INSIGHTS, graph_error(code), nth=[1, 2])
    assert whole(open_(limiter)).rows.keys() == keys(desk)
    assert [seconds for seconds, _ in limiter.blocked] == [0.2, 0.2]  # rate_limit's seconds


def test_a_throttle_that_names_minutes_ends_the_read_politely(open_: Any, desk: Desk) -> None:
    usage = {US: [{"type": "ads_insights", "call_count": 100, "estimated_time_to_regain_access": 19}]}
    headers = {**JSON, "x-business-use-case-usage": orjson.dumps(usage).decode()}
    fault(desk, DE_INSIGHTS, {**graph_error(80000), "headers": headers})
    limiter, resource = FreeLimiter(), wanted()
    connector = open_(limiter)
    landed = begin(connector, resource)
    with pytest.raises(RateLimited, match=r"meta_ads: .*said by Meta \(code 80000") as caught:
        landed.read(connector.source(), resource)
    assert caught.value.retry_after == 19 * 60
    assert limiter.blocked == [(19 * 60, "")]
    assert limiter.quotas[f"meta ads_insights of {US}"].remaining == 0
    assert landed.rows.keys() == keys(desk, US)
    desk.faults()
    assert landed.read(connector.source(), resource).rows.keys() == keys(desk)


@pytest.mark.parametrize(
    "header", ["no json", "[]", '{"1": 2}', '{"1": [{"estimated_time_to_regain_access": "x"}]}']
)
def test_a_usage_header_that_cannot_be_read_is_no_matter(open_: Any, desk: Desk, header: str) -> None:
    headers = {**JSON, "x-business-use-case-usage": header, "x-app-usage": header}
    fault(desk, US_INSIGHTS, {**graph_error(17), "headers": headers}, nth=1)
    assert whole(open_()).rows.keys() == keys(desk)


@pytest.mark.parametrize("status", [400, 401])
def test_a_token_that_ends_in_mid_run(open_: Any, desk: Desk, status: int) -> None:
    words = "Error validating access token: sandbox expired on Saturday"
    fault(desk, DE_INSIGHTS, {**graph_error(190, words, error_subcode=463), "status": status})
    resource, connector = wanted(), open_()
    landed = begin(connector, resource)
    with pytest.raises(AuthError, match="meta_ads: Meta refuses the access token") as caught:
        landed.read(connector.source(), resource)
    assert "make a new token" in caught.value.fix
    assert "code 190/463, fbtrace_id Atrace" in str(caught.value)
    assert "sandbox" not in str(caught.value) and "***" in str(caught.value)
    assert landed.rows.keys() == keys(desk, US)
    desk.faults()
    landed.read(connector.source(), resource)
    assert landed.rows.keys() == keys(desk)
    assert landed.shown == len(keys(desk, DE))  # the other account's window is as it was


@pytest.mark.parametrize(
    "answer",
    [
        graph_error(2, "Service temporarily unavailable"),
        {**graph_error(1, "An unknown error occurred"), "status": 500},
        graph_error(100, "odd, but it will pass", is_transient=True),
        {"status": 200, "headers": JSON, "body": '{"data": [{"campaign_id": "12'},
        {"status": 200, "headers": {"content-type": "text/html"}, "body": "<html>busy</html>"},
        {"status": 502, "headers": {"content-type": "text/html"}, "body": "<html>bad gateway</html>"},
        {"reset": True},
    ],
    ids=["code 2", "code 1", "is_transient", "truncated", "html", "502", "reset"],
)
def test_what_passes_is_tried_again(open_: Any, desk: Desk, answer: dict[str, Any]) -> None:
    fault(desk, US_INSIGHTS, answer, nth=[1, 3])
    assert whole(open_()).rows.keys() == keys(desk)


def test_neither_log_nor_event_shows_the_token(
    open_: Any, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    fault(desk, US_INSIGHTS, graph_error(2), nth=1)
    seen: list[Event] = []
    with listening(seen.append):
        whole(open_(app_secret="sandbox-app-secret"))
    asked_for = [entry["path"] for entry in desk.requests("meta_ads")][-1]
    assert "access_token=***" in asked_for and "appsecret_proof=" in asked_for
    assert "sandbox" not in caplog.text
    assert seen and not any("sandbox" in str(event) for event in seen)


# ---- answers that are none ------------------------------------------------------------------------------


def test_an_answer_without_data_is_no_empty_account(open_: Any, desk: Desk) -> None:
    resource, connector = wanted(), open_()
    landed = whole(connector, resource)
    before = landed.rows.keys()
    fault(desk, US_INSIGHTS, {"status": 200, "headers": JSON, "body": {}})
    with pytest.raises(Unavailable, match="is not Meta's"):
        landed.read(connector.source(), resource)
    assert landed.rows.keys() == before == keys(desk)


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"]], ids=["stands still", "circle"])
def test_pages_that_repeat_end(open_: Any, desk: Desk, cursors: list[str]) -> None:
    pages = [
        {
            "vendor": "meta_ads",
            "route": US_INSIGHTS,
            "nth": number,
            "status": 200,
            "headers": JSON,
            "body": {"data": [], "paging": {"cursors": {"after": cursor}, "next": "https://graph/next"}},
        }
        for number, cursor in enumerate(cursors, 1)
    ]
    desk.faults(*pages)
    resource, connector = wanted(), open_()
    landed = begin(connector, resource)
    with pytest.raises(Unavailable, match="repeats the page cursor 'a'"):
        landed.read(connector.source(), resource)
    assert landed.rows == {} and landed.position is None
    assert landed.read(connector.source(), resource).rows.keys() == keys(desk)


# ---- too much at once -----------------------------------------------------------------------------------


def test_too_much_is_halved_down_to_a_day(open_: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_insights, "MOST_ROWS_AT_ONCE", 5)
    before = len(desk.requests("meta_ads"))
    landed = whole(open_(account_ids=[US]))
    assert landed.rows.keys() == keys(desk, US)
    answers = [entry["status"] for entry in asked(desk, before, "insights")]
    assert answers.count(500) > 30 and answers.count(200) > 30
    assert {entry["method"] for entry in asked(desk, before, "insights")} == {"GET"}


def test_a_day_that_is_too_much_is_made_by_a_report_run(
    open_: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_insights, "MOST_ROWS_AT_ONCE", 0)
    start = (utc_now().date() - timedelta(days=4)).isoformat()
    before = len(desk.requests("meta_ads"))
    landed = whole(open_(account_ids=[US], **{"async": "auto"}), wanted(start_date=start))
    assert landed.rows.keys() == {key for key in keys(desk, US) if key[2] >= start}
    runs = [entry for entry in asked(desk, before, "insights") if entry["method"] == "POST"]
    assert len(runs) == 4


def test_a_day_that_stays_too_much_is_named(open_: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_insights, "MOST_ROWS_AT_ONCE", 0)
    start = (utc_now().date() - timedelta(days=4)).isoformat()
    connector, resource = open_(account_ids=[US]), wanted(start_date=start)
    with pytest.raises(VendorRefused, match=f"even the insights of {start} alone") as caught:
        whole(connector, resource)
    assert "fewer fields or breakdowns" in caught.value.fix
    assert "sandbox" not in str(caught.value)


def test_a_listing_that_is_too_much_takes_smaller_pages(open_: Any, desk: Desk) -> None:
    too_much = {**graph_error(1, "Please reduce the amount of data you're asking for"), "status": 500}
    fault(desk, f"/v26.0/act_{US}/ads", too_much, nth=[1, 2])
    before = len(desk.requests("meta_ads"))
    found = whole(open_(), spec("meta_ads", "ads"))
    assert len(found.rows) == len(desk.records("meta_ads", "ads"))
    sizes = [entry["path"].split("limit=")[1].split("&")[0] for entry in asked(desk, before, f"{US}/ads")]
    assert sizes == ["500", "250", "125"]


# ---- report runs ----------------------------------------------------------------------------------------

STATE = {"id": "1", "async_percent_completion": 100}


def state(words: str) -> dict[str, Any]:
    return {"status": 200, "headers": JSON, "body": {**STATE, "async_status": words}}


@pytest.mark.parametrize("words", ["Job Failed", "Job Skipped"])
def test_a_report_run_that_fails_is_started_once_more(open_: Any, desk: Desk, words: str) -> None:
    fault(desk, RUN, state(words), nth=1)
    before = len(desk.requests("meta_ads"))
    landed = whole(open_(account_ids=[US], **{"async": "always"}))
    assert landed.rows.keys() == keys(desk, US)
    assert sum(entry["method"] == "POST" for entry in asked(desk, before, "insights")) == 3 + 1


def test_a_report_run_that_fails_twice_costs_the_other_account_nothing(open_: Any, desk: Desk) -> None:
    fault(desk, RUN, state("Job Failed"), nth=[1, 2])
    connector, resource = open_(**{"async": "always"}), wanted()
    landed = begin(connector, resource)
    with pytest.raises(VendorRefused, match=rf"act_{US}: Meta gave up on the report .* twice \(Job Failed\)"):
        landed.read(connector.source(), resource)
    assert landed.rows.keys() == keys(desk, DE)
    desk.faults()
    landed.read(connector.source(), resource)
    assert landed.rows.keys() == keys(desk)


def test_a_report_run_that_takes_too_long_is_told_and_made_again(open_: Any, desk: Desk) -> None:
    slow = {
        "status": 200,
        "headers": JSON,
        "body": {"async_status": "Job Running", "async_percent_completion": 7},
    }
    fault(desk, RUN, slow)
    connector, resource = open_(account_ids=[US], report_wait=0.005, **{"async": "always"}), wanted()
    landed = begin(connector, resource)
    seen: list[Event] = []
    with (
        pytest.raises(VendorRefused, match=r"is not done after 0 s \(Job Running, 7%\)"),
        listening(seen.append),
    ):
        landed.read(connector.source(), resource)
    assert any(isinstance(event, Waiting) and event.reason == "report run, 7% done" for event in seen)
    desk.faults()
    again = open_(account_ids=[US], **{"async": "always"})
    assert landed.read(again.source(), resource).rows.keys() == keys(desk, US)


def test_completed_below_a_hundred_percent_is_not_done(open_: Any, desk: Desk) -> None:
    """The sandbox says `Job Completed` at 95 percent, and refuses the rows until 100."""
    before = len(desk.requests("meta_ads"))
    assert whole(open_(account_ids=[US], **{"async": "always"})).rows.keys() == keys(desk, US)
    looks = [entry for entry in asked(desk, before, "/v26.0/61") if "insights" not in entry["path"]]
    assert len(looks) == 3 * 4
    fetched = asked(desk, before, "insights")
    assert all(entry["status"] == 200 for entry in fetched)


def test_the_rows_of_a_report_run_pass_a_storm_too(open_: Any, desk: Desk) -> None:
    fault(desk, RUN_ROWS, {"status": 200, "headers": JSON, "body": '{"data": ['}, nth=[1, 3])
    assert whole(open_(**{"async": "always"}), wanted(limit=30)).rows.keys() == keys(desk)


# ---- restatement ----------------------------------------------------------------------------------------


def test_a_day_that_vanishes_is_removed_and_nothing_else(open_: Any, desk: Desk) -> None:
    connector, resource = open_(), wanted()
    landed = whole(connector, resource)
    day = (utc_now().date() - timedelta(days=5)).isoformat()
    kept = [row for row in desk.records("meta_ads", RESOURCE) if row["date_start"] != day]
    desk.replace("meta_ads", RESOURCE, kept)
    gone = {key for key in landed.rows if key[2] == day}
    before = set(landed.rows)
    landed.read(connector.source(), resource)
    assert gone and before - landed.rows.keys() == gone
    assert landed.read(connector.source(), resource).shown == 0


def test_days_before_the_window_stay_as_they_were(open_: Any, desk: Desk) -> None:
    connector, resource = open_(), wanted(restate=7)
    landed = whole(connector, resource)
    before = set(landed.rows)
    cut = (utc_now().date() - timedelta(days=20)).isoformat()
    kept = [row for row in desk.records("meta_ads", RESOURCE) if row["date_start"] >= cut]
    desk.replace("meta_ads", RESOURCE, kept)
    landed.read(connector.source(), resource)
    assert set(landed.rows) == before


# ---- accounts that cannot be read -----------------------------------------------------------------------

DENIED = [
    {
        **graph_error(200, "Ad account owner has NOT grant ads_management or ads_read permission"),
        "status": 403,
    },
    graph_error(10, "Application does not have permission for this action"),
    graph_error(100, "Unsupported get request", error_subcode=33),
]


@pytest.mark.parametrize("answer", DENIED, ids=["200", "10", "100/33"])
def test_one_account_that_is_refused_costs_the_others_nothing(
    open_: Any, desk: Desk, answer: dict[str, Any]
) -> None:
    connector, resource = open_(), wanted()
    landed = whole(connector, resource)
    theirs = [row for row in desk.records("meta_ads", RESOURCE) if row["account_id"] == DE]
    changed = max(theirs, key=lambda row: row["date_start"])
    desk.save("meta_ads", RESOURCE, {**changed, "spend": "999.99"})
    fault(desk, US_INSIGHTS, answer)
    before = set(landed.rows)
    with pytest.raises(
        (AuthError, VendorRefused), match=rf"not read, while all other accounts were: act_{US} \("
    ):
        landed.read(connector.source(), resource)
    assert set(landed.rows) == before  # what the refused account had before stays
    assert landed.rows[DE, changed["campaign_id"], changed["date_start"]]["spend"] == "999.99"
    desk.faults()
    assert landed.read(connector.source(), resource).shown == 0


@pytest.mark.parametrize("name", ["accounts", "campaigns", "ad_insights"])
def test_a_named_account_that_is_not_there_is_told_after_the_others(
    open_: Any, desk: Desk, name: str
) -> None:
    connector, resource = open_(account_ids=["77", f"act_{US}"]), spec("meta_ads", name)
    landed = begin(connector, resource)
    with pytest.raises(TailraceError, match=r"act_77 \(.*does not exist"):
        landed.read(connector.source(), resource)
    assert {row["account_id"] for row in landed.rows.values()} == {US}
    assert landed.position is not None


def test_an_account_that_is_gone_is_removed_only_where_all_could_be_asked(open_: Any, desk: Desk) -> None:
    resource, both = spec("meta_ads", "accounts"), open_(account_ids=[US, DE])
    landed = whole(both, resource)
    fault(desk, f"/v26.0/act_{DE}", graph_error(10))
    with pytest.raises(AuthError):
        landed.read(both.source(), resource)
    assert {key for (key,) in landed.rows} == {US, DE}
    desk.faults()
    landed.read(open_(account_ids=[US]).source(), resource)
    assert {key for (key,) in landed.rows} == {US}


# ---- into a warehouse -----------------------------------------------------------------------------------


def land(warehouse: DuckDBWarehouse, connector: Connector, options: dict[str, Any]) -> int:
    """One run of the resource; the changes that it made."""
    resource = Resource(RESOURCE, options, Marks("pipelines/meta.yml"))
    pipeline = Pipeline(
        "meta", "meta_ads", "meta", (resource,), Marks("pipelines/meta.yml"), "pipelines/meta.yml"
    )
    result = land_resource(
        warehouse,
        connector.source(),
        pipeline,
        resource,
        wanted(**options),
        True,
        run_id="run1",
        now=utc_now,
        writer=ArrowWriter(),
    )
    return result.rows_out


def test_what_was_read_before_an_error_is_committed(open_: Any, desk: Desk) -> None:
    warehouse, connector = DuckDBWarehouse(None), open_()
    fault(desk, US_INSIGHTS, DENIED[0])
    with pytest.raises(AuthError, match=f"act_{US}"):
        land(warehouse, connector, {})
    count = f'SELECT account_id, count(*) FROM meta."{RESOURCE}" GROUP BY 1 ORDER BY 1'
    assert warehouse.query(count) == [(DE, len(keys(desk, DE)))]
    desk.faults()
    assert land(warehouse, connector, {}) == len(keys(desk, US))
    assert warehouse.query(count) == [(US, len(keys(desk, US))), (DE, len(keys(desk, DE)))]
    assert land(warehouse, connector, {}) == 0


LONG = "1234567890123456789012345678901234567890"


@pytest.mark.parametrize(
    "spend",
    ['"NaN"', "NaN", f'"{LONG}"', LONG, f'"{LONG}.25"', '""', '"12,50"'],
    ids=["text NaN", "bare NaN", "40 digits", "bare 40 digits", "40 digits and a fraction", "empty", "comma"],
)
def test_numbers_that_are_none_hold_up_nobody(open_: Any, desk: Desk, spend: str) -> None:
    """A value that does not fit its column lands beside it, as landing does with every vendor."""
    yesterday = (utc_now().date() - timedelta(days=1)).isoformat()
    good = {
        "account_id": US,
        "campaign_id": "1",
        "spend": "3.10",
        "date_start": yesterday,
        "date_stop": yesterday,
    }
    odd = orjson.dumps({**good, "campaign_id": "2", "spend": "HERE"}).decode().replace('"HERE"', spend)
    # a bare NaN is no JSON, but some vendors write it; beside it a whole number beyond 64 bits stays one
    body = f'{{"data": [{orjson.dumps(good).decode()}, {odd}], "nothing": NaN}}'
    warehouse, options = DuckDBWarehouse(None), {"fields": ["spend"], "start_date": yesterday}
    connector = open_(account_ids=[US])
    fault(desk, US_INSIGHTS, {"status": 200, "headers": JSON, "body": body})
    assert land(warehouse, connector, options) == 2
    rows = warehouse.arrow(f'SELECT * FROM meta."{RESOURCE}" ORDER BY campaign_id').to_pylist()
    assert rows[0]["spend"] == Decimal("3.10")
    assert rows[1]["spend"] is None
    others = [
        str(value) for name, value in rows[1].items() if name.startswith("spend_") and value is not None
    ]
    assert others == {'""': [], "NaN": ["nan"]}.get(spend, [spend.strip('"')])
    assert land(warehouse, connector, options) == 0
