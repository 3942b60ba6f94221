"""Storms: answers lost, connections reset, limits without a word. In the end each row is where it belongs, however often it was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.writing import WriteBatch, WriteRow
from tailrace.errors import RetriableError
from tailrace.sandbox.server import Sandbox
from tests.conformance.hooks import MEMBERS, google, hook, slack, with_options
from tests.conformance.vendors import Desk

TRIES = 40


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=1, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    desk.reset()
    yield desk
    desk.reset()


def storm(desk: Desk, vendor: str, seed: int) -> None:
    """On every third request or so: half of them after it was carried out."""
    limited = {"status": 429, "headers": {"retry-after": "0"}, "body": "slow down"}
    down = {"status": 503, "headers": {"retry-after": "0"}, "body": "down"}
    effects: list[dict[str, Any]] = [{"lost_answer": True}, {"reset": True}, limited, down]
    desk.faults(
        *(
            {"vendor": vendor, "route": "*", "probability": 0.1, "seed": seed + number, **effect}
            for number, effect in enumerate(effects)
        )
    )


def deliver(connector: Connector, batches: list[WriteBatch]) -> Counter[str]:
    """Each batch until every row of it is accepted, as runs would; how often each row was sent without a word."""
    silent: Counter[str] = Counter()
    destination = connector.destination()
    for batch in batches:
        left = batch
        for _ in range(TRIES):
            try:
                results = destination.write(left)
            except RetriableError:
                silent.update(str(row.values) for row in left.rows)
                continue
            assert [result.trace for result in results] == [row.trace for row in left.rows]
            waiting = {result.trace for result in results if result.outcome != "acked"}
            rows = tuple(row for row in left.rows if row.trace in waiting)
            if not rows:
                break
            left = WriteBatch(left.object, left.operation, left.match_field, rows, left.options, left.name)
        else:
            pytest.fail("a batch never came through")
    return silent


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_webhook_takes_each_row_once(sandbox: Sandbox, desk: Desk, seed: int) -> None:
    storm(desk, "webhook", seed)
    batches = [
        WriteBatch("leads", "upsert", "email", tuple(row(number) for number in range(start, start + 7)))
        for start in range(0, 140, 7)
    ]
    with closing(quick(hook, sandbox)) as connector:
        deliver(connector, batches)
    assert {one["id"]: one["score"] for one in desk.records("webhook", "leads")} == {
        f"p{number}@x.example": number for number in range(140)
    }
    assert set(desk.writes("webhook", "leads").values()) == {1}
    assert sum(one["repeats"] for one in desk.records("webhook", "deliveries")) > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_slack_has_each_message_and_no_other_twice_than_those_without_an_answer(
    sandbox: Sandbox, desk: Desk, seed: int
) -> None:
    storm(desk, "slack", seed)
    batches = [
        WriteBatch("messages", "create", None, (WriteRow("0", None, {"text": f"event {number}"}),))
        for number in range(60)
    ]
    with closing(quick(slack, sandbox)) as connector:
        silent = deliver(connector, batches)
    said = Counter(one["text"] for one in desk.records("slack", "messages"))
    assert set(said) == {f"event {number}" for number in range(60)}
    assert sum(silent.values()) > 0
    for text, times in said.items():
        assert times <= 1 + silent[str({"text": text})]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_audience_is_complete(sandbox: Sandbox, desk: Desk, seed: int) -> None:
    storm(desk, "google_data_manager", seed)
    batches = [
        with_options(
            "google_data_manager",
            WriteBatch("audience_members", operation, "email", rows),
            **MEMBERS,
        )
        for operation, rows in (
            ("upsert", tuple(WriteRow(str(n), f"p{n}@x.example", {}) for n in range(40))),
            ("archive", tuple(WriteRow(str(n), f"p{n}@x.example", {}) for n in range(10))),
            ("upsert", tuple(WriteRow(str(n), f"q{n}@x.example", {}, previous_key=f"p{n}@x.example") for n in range(10, 20))),
        )
    ]  # fmt: skip
    with closing(quick(google, sandbox)) as connector:
        deliver(connector, batches)
    assert len(desk.records("google_data_manager", "audience_members")) == 30


def row(number: int) -> WriteRow:
    return WriteRow(str(number), f"p{number}@x.example", {"score": number})


def quick(opener: Callable[..., Connector], sandbox: Sandbox) -> Connector:
    """With waits that hold up no test."""
    connector: Any = opener(sandbox)
    http = connector._api.http if hasattr(connector, "_api") else connector._http
    http.first_wait = 0.001
    return connector
