"""What can go wrong while an export is read: the run goes on correctly, or stops with the reason and the next one repairs it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from tests.conformance.vendors import Desk
from tests.unit.connectors.ga4_lake import Lake, Meddling, close_all, connect
from tests.unit.connectors.scripted import JSON, Budget, vendor

from tailrace.errors import AuthError, RateLimited, Unavailable, VendorRefused
from tailrace.events import Event, Notice, listening
from tailrace.sandbox.server import Sandbox

TODAY = date(2026, 6, 1)
EVENTS, INTRADAY = "ga4_export/events", "ga4_export/events_intraday"
LOGIN = {"project": "tailrace-sandbox", "dataset": "analytics_320000001", "access_token": "sandbox"}
FIRST, LAST = "20260528", "20260530"
OPTIONS = {"start_date": "2026-05-28", "limit": 50}
DATA = "*/data"


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=0, today=TODAY, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    few = [row for row in desk.records("ga4_export", "events") if FIRST <= row["event_date"] <= LAST]
    kept = [
        row for day in (28, 29, 30) for row in [r for r in few if r["event_date"] == f"202605{day}"][:120]
    ]
    desk.replace("ga4_export", "events", kept)
    yield desk
    desk.reset()


@pytest.fixture
def lake(sandbox: Sandbox, desk: Desk) -> Lake:
    return lake_of(sandbox)


def lake_of(sandbox: Sandbox, budget: Budget | None = None, **connection: Any) -> Lake:
    options = {**LOGIN, "base_url": sandbox.base_url("ga4_export"), **connection}
    return Lake(connect("ga4_export", options, budget), "ga4_export", "events", OPTIONS)


def held(desk: Desk, obj: str = "events") -> list[tuple[str, str, int, str]]:
    return sorted(map(told, desk.records("ga4_export", obj)))


def told(row: dict[str, Any]) -> tuple[str, str, int, str]:
    return row["event_date"], row["user_pseudo_id"], int(row["event_timestamp"]), row["event_name"]


def landed(lake: Lake) -> list[tuple[str, str, int, str]]:
    return sorted(map(told, lake.rows("event_date, user_pseudo_id, event_timestamp, event_name")))


def fault(desk: Desk, route: str = DATA, **what: Any) -> None:
    desk.faults({"vendor": "ga4_export", "route": route, **what})


def refusal(status: int, reason: str, message: str) -> dict[str, Any]:
    body = {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}
    return {"status": status, "body": body}


@pytest.fixture
def notices() -> Iterator[list[str]]:
    found: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Notice):
            found.append(event.text)

    with listening(hear):
        yield found


@pytest.mark.parametrize(
    "what",
    [
        {"status": 429, "headers": {"retry-after": "0"}, "body": "{}"},
        refusal(403, "rateLimitExceeded", "Exceeded rate limits: too many api requests per user"),
        refusal(503, "backendError", "Error encountered during execution. Retrying may solve the problem."),
        {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"rows": [{"f"'},
        {"reset": True},
    ],
    ids=["429", "403 that means 429", "503", "truncated", "reset"],
)
def test_what_passes_is_waited_out(lake: Lake, desk: Desk, what: dict[str, Any]) -> None:
    fault(desk, nth=[2, 4], **what)
    assert lake.run().rows_out == len(held(desk))
    assert landed(lake) == held(desk)


def test_a_quota_that_stays_spent_stops_politely_and_the_next_run_goes_on(
    sandbox: Sandbox, desk: Desk
) -> None:
    lake = lake_of(sandbox, max_wait="0.1s")
    fault(
        desk,
        route=f"*events_{LAST}/data",
        probability=1,
        **refusal(403, "quotaExceeded", "Quota exceeded: per minute"),
    )
    with pytest.raises(RateLimited, match="Quota exceeded: per minute"):
        lake.run()
    assert {row[0] for row in landed(lake)} == {"20260528", "20260529"}
    desk.faults()
    before = len(desk.requests("ga4_export", "/data?"))
    lake.run()
    assert landed(lake) == held(desk)
    assert {path["path"].split("/")[-2] for path in desk.requests("ga4_export", "/data?")[before:]} == {
        f"events_{LAST}"
    }


def test_a_token_that_ends_stops_with_the_reason(lake: Lake, desk: Desk) -> None:
    fault(desk, nth=4, **refusal(401, "authError", "Request had invalid authentication credentials."))
    with pytest.raises(AuthError, match=r"refuses the credentials \(401\)"):
        lake.run()
    lake.run()
    assert landed(lake) == held(desk)


def test_a_missing_permission_or_dataset_is_named(sandbox: Sandbox, desk: Desk) -> None:
    with pytest.raises(AuthError, match="Access Denied: Project elsewhere"):
        lake_of(sandbox, project="elsewhere").run()
    with pytest.raises(VendorRefused, match=r"Not found: Dataset \S+:analytics_1"):
        lake_of(sandbox, dataset="analytics_1").run()


def renamed(desk: Desk, day: str, number: int = 0, name: str = "renamed") -> None:
    records = desk.records("ga4_export", "events")
    of_day = [row for row in records if row["event_date"] == day]
    of_day[number]["event_name"] = name
    desk.replace("ga4_export", "events", records)


@pytest.mark.parametrize("nth", [1, 3], ids=["before later pages", "behind the last page"])
def test_a_table_that_is_rewritten_meanwhile_is_read_again(lake: Lake, desk: Desk, nth: int) -> None:
    lake.run(lambda source: Meddling(source, nth, lambda: renamed(desk, FIRST)))
    assert landed(lake) == held(desk)
    assert [row[0] for row in landed(lake) if row[3] == "renamed"] == [FIRST]
    assert lake.run().rows_in == 0


def test_a_table_that_shrinks_or_grows_between_pages_is_read_again(lake: Lake, desk: Desk) -> None:
    records = desk.records("ga4_export", "events")
    of_day = [row for row in records if row["event_date"] == FIRST]
    other = [row for row in records if row["event_date"] != FIRST]
    lake.run(
        lambda source: Meddling(
            source, 1, lambda: desk.replace("ga4_export", "events", [*other, *of_day[:60]])
        )
    )
    assert landed(lake) == held(desk)
    more = [{**row, "event_timestamp": row["event_timestamp"] + 1} for row in of_day]
    desk.replace("ga4_export", "events", [*other, *of_day])
    lake.run(
        lambda source: Meddling(
            source, 1, lambda: desk.replace("ga4_export", "events", [*other, *of_day, *more])
        )
    )
    assert landed(lake) == held(desk)


def test_a_table_that_never_stands_still_is_left_to_the_next_run(lake: Lake, desk: Desk) -> None:
    names = iter(f"renamed{number}" for number in range(100))

    class Restless(Meddling):
        def read(self, resource: Any, schema: Any, position: Any) -> Iterator[Any]:
            for item in self.source.read(resource, schema, position):
                renamed(desk, FIRST, name=next(names))
                yield item

    with pytest.raises(Unavailable, match=f"events_{FIRST} was rewritten 3 times while it was read"):
        lake.run(lambda source: Restless(source, 0, lambda: None))
    assert landed(lake) == []
    lake.run()
    assert landed(lake) == held(desk)


def test_a_table_that_vanishes_between_list_and_read_is_passed_over(
    lake: Lake, desk: Desk, notices: list[str]
) -> None:
    gone = refusal(404, "notFound", f"Not found: Table tailrace-sandbox:analytics_320000001.events_{LAST}")
    fault(desk, route=f"*/events_{LAST}*", nth=[1, 2], **gone)
    lake.run()
    assert {row[0] for row in landed(lake)} == {"20260528", "20260529"}
    assert [text for text in notices if f"events_{LAST} vanished" in text]
    lake.run()
    assert landed(lake) == held(desk)


def test_a_table_that_vanishes_between_its_pages_is_read_by_the_next_run(
    lake: Lake, desk: Desk, notices: list[str]
) -> None:
    fault(desk, route=f"*/events_{LAST}/data", nth=2, **refusal(404, "notFound", "Not found: Table"))
    lake.run()
    assert len([row for row in landed(lake) if row[0] == LAST]) == 50
    assert any(f"events_{LAST} vanished" in text for text in notices)
    lake.run()
    assert landed(lake) == held(desk)


def test_the_daily_table_takes_the_place_of_the_intraday_one(sandbox: Sandbox, desk: Desk) -> None:
    desk.replace("ga4_export", "events_intraday", desk.records("ga4_export", "events_intraday")[:70])
    without, lake = lake_of(sandbox), lake_of(sandbox, intraday=True)
    without.run()
    lake.run()
    assert landed(lake) == sorted([*held(desk), *held(desk, "events_intraday")])
    assert landed(without) == held(desk)
    for _ in range(2):  # late events, then the daily table of the day
        desk.call("POST", "advance", {"rounds": 1})
        lake.run()
        assert landed(lake) == sorted([*held(desk), *held(desk, "events_intraday")])
    assert held(desk, "events_intraday") == [] and landed(lake)[-1][0] == "20260531"
    assert lake.run().rows_in == 0


def test_both_tables_of_a_day_are_read_once_and_the_daily_one_wins(sandbox: Sandbox, desk: Desk) -> None:
    first = [row for row in desk.records("ga4_export", "events") if row["event_date"] == FIRST]
    desk.save("ga4_export", "events_intraday", *({**row, "event_name": "provisional"} for row in first[:5]))
    lake = lake_of(sandbox, intraday=True)
    lake.run()
    assert "provisional" not in {row[3] for row in landed(lake)}


def test_late_events_are_seen_and_an_idle_round_describes_four_tables(lake: Lake, desk: Desk) -> None:
    lake.run()
    desk.call("POST", "advance", {"rounds": 3})
    lake.run()
    assert landed(lake) == held(desk)
    before = len(desk.requests("ga4_export"))
    assert lake.run().rows_in == 0
    paths = [
        re.sub(r"\?.*", "", entry["path"]).split("/tables")[1]
        for entry in desk.requests("ga4_export")[before:]
    ]
    assert paths[0] == "" and len(paths) == 1 + 4
    assert not [path for path in paths if path.endswith("/data")]


def test_a_table_that_left_the_newest_is_looked_at_once_more(sandbox: Sandbox, desk: Desk) -> None:
    """A pause of many days between two runs: what came late before the pause ended is not lost."""
    lake = lake_of(sandbox, restate=1)
    records = desk.records("ga4_export", "events")
    desk.replace("ga4_export", "events", [row for row in records if row["event_date"] == FIRST])
    lake.run()
    late = {**next(row for row in records if row["event_date"] == FIRST), "event_name": "late"}
    desk.replace("ga4_export", "events", [*records, late])
    lake.run()
    assert landed(lake) == held(desk)
    renamed(desk, FIRST)
    assert lake.run().rows_in == 0


def test_a_new_record_column_appears_by_itself(lake: Lake, desk: Desk) -> None:
    lake.run()
    records = desk.records("ga4_export", "events")
    fresh = {
        **copy.deepcopy(records[-1]),
        "event_name": "new",
        "consent": {"ads": "granted", "steps": [1, 2]},
    }
    desk.replace("ga4_export", "events", [*records, fresh])
    lake.run()
    found = [json.loads(row["consent"]) for row in lake.rows("consent") if row["consent"]]
    assert found == [{"ads": "granted", "steps": [1, 2]}]
    assert lake.rows("count(other_columns) AS n") == [{"n": 0}]


def test_backfill_reads_the_days_asked_for(lake: Lake, desk: Desk) -> None:
    lake.run()
    renamed(desk, FIRST)
    before = len(desk.requests("ga4_export", "/data?"))
    lake.run(days=(date(2026, 5, 28), date(2026, 5, 28)))
    assert {entry["path"].split("/")[-2] for entry in desk.requests("ga4_export", "/data?")[before:]} == {
        f"events_{FIRST}"
    }
    assert landed(lake) == held(desk)
    lake.run(days=(date(2026, 1, 1), date(2026, 1, 2)))
    assert landed(lake) == held(desk)


# ---- answers that the sandbox would never give ---------------------------------------------------------


def answer(document: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return 200, JSON, json.dumps(document).encode()


LISTED = answer({"tables": [{"tableReference": {"tableId": "events_20260530"}, "type": "TABLE"}]})
DESCRIBED = answer(
    {
        "schema": {"fields": [{"name": "event_name", "type": "STRING", "mode": "NULLABLE"}]},
        "numRows": "3",
        "lastModifiedTime": "1",
    }
)


def page(*names: str, token: str | None = None) -> tuple[int, dict[str, str], bytes]:
    rows = {"rows": [{"f": [{"v": name}]} for name in names]} if names else {}
    return answer({"totalRows": "3", **rows, **({"pageToken": token} if token else {})})


def scripted(url: str) -> Lake:
    return Lake(
        connect("ga4_export", {**LOGIN, "base_url": url, "max_wait": "1s"}), "ga4_export", "events", {}
    )


def test_an_empty_page_before_the_end_is_no_end() -> None:
    with vendor(LISTED, DESCRIBED, page("a", token="1"), page(token="2"), page("b", "c"), DESCRIBED) as seen:
        lake = scripted(seen.url)
        lake.run()
        assert sorted(row["event_name"] for row in lake.rows()) == ["a", "b", "c"]


def test_fewer_rows_than_the_table_has_are_not_taken_for_all() -> None:
    with vendor(
        LISTED, DESCRIBED, page("a", "b"), DESCRIBED, LISTED, DESCRIBED, page("a", "b", "c"), DESCRIBED
    ) as seen:
        lake = scripted(seen.url)
        with pytest.raises(Unavailable, match="events_20260530 has 3 rows, and 2 came"):
            lake.run()
        assert lake.rows() == []
        lake.run()
        assert len(lake.rows()) == 3


def test_a_token_that_comes_again_is_no_circle() -> None:
    with (
        vendor(LISTED, DESCRIBED, page("a", token="1"), page("b", token="1")) as seen,
        pytest.raises(Unavailable, match="repeats the page cursor '1'"),
    ):
        scripted(seen.url).run()


BROKEN: dict[str, list[Any]] = {
    "nothing at all": [b""],
    "an empty object": [{}],
    "a listing of words": [{"tables": ["events_20260530"]}],
    "a listing of no list": [{"tables": {"a": 1}}],
    "a description of nothing": [LISTED, {}],
    "an empty description": [LISTED, b""],
    "a description without its time": [LISTED, {"schema": {"fields": []}, "numRows": "3"}],
    "a count of words": [LISTED, {"lastModifiedTime": "1", "numRows": "many"}],
    "a field without a name": [LISTED, {"lastModifiedTime": "1", "schema": {"fields": [{"type": "STRING"}]}}],
    "rows that are none": [LISTED, DESCRIBED, {}],
    "no rows": [LISTED, DESCRIBED, b""],
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_of_another_shape_is_told(name: str) -> None:
    steps = [
        step if isinstance(step, tuple) else (200, JSON, step) if isinstance(step, bytes) else answer(step)
        for step in BROKEN[name]
    ]
    with vendor(*steps) as seen, pytest.raises(Unavailable, match=r"BigQuery's answer is not .*\. run again"):
        scripted(seen.url).run()


def test_tables_that_expire_are_warned_of(sandbox: Sandbox) -> None:
    item = {"tableReference": {"tableId": "events_20260530"}, "type": "TABLE", "expirationTime": "1"}
    with vendor(answer({"tables": [item]})) as seen:
        found = list(scripted(seen.url).connector.examine())  # type: ignore[attr-defined]
    assert [(finding.level, finding.text.split(":")[0]) for finding in found] == [
        ("ok", "1 events_ tables, events_20260530 to events_20260530"),
        ("warning", "the dataset's tables expire"),
    ]
