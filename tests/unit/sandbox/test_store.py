"""The table's orders and indexes against the plain answer, and the limits against a clock that is told the time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from tailrace.sandbox.clock import Clock, iso
from tailrace.sandbox.limits import DailyLimit, SlidingWindow
from tailrace.sandbox.store import Table


def record(number, moment, email, archived=False):
    return {"id": str(number), "moment": moment, "email": email, "archived": archived}


def test_orders_and_indexes_follow_every_write():
    rng = random.Random(3)
    table = Table([record(n, rng.randrange(50), f"e{n}") for n in range(1, 40)], lambda row: row["moment"])
    held = {row["id"]: row for row in table}
    index = table.unique("email", lambda row: row["email"])
    table.modified_from(0)
    for _ in range(2_000):
        number = rng.randrange(1, 60)
        if rng.random() < 0.2:
            assert table.drop(str(number)) == (held.pop(str(number), None) is not None)
        else:
            row = record(number, rng.randrange(50), f"e{number}-{rng.randrange(3)}", rng.random() < 0.3)
            table.put(row)
            held[row["id"]] = row
    live = sorted((row for row in held.values() if not row["archived"]), key=lambda row: int(row["id"]))
    assert list(table) == live
    assert len(table) == len(live) > 10
    assert table.all() == sorted(held.values(), key=lambda row: int(row["id"]))
    by_time = sorted(live, key=lambda row: (row["moment"], int(row["id"])))
    assert table.modified_from(20) == [row for row in by_time if row["moment"] >= 20]
    assert index == {row["email"]: row["id"] for row in live}
    gone = [row for row in table.all() if row["archived"]]
    assert table.page(0, 1_000, archived=True) == (gone, False)


def test_pages_cover_everything_once():
    table = Table([record(n, n, None) for n in range(1, 26)], lambda row: row["moment"])
    seen, after, more = [], 0, True
    while more:
        rows, more = table.page(after, 10)
        seen += [int(row["id"]) for row in rows]
        after = seen[-1]
    assert seen == list(range(1, 26))


def test_a_window_slides_and_refusals_do_not_count():
    now = [0.0]
    window = SlidingWindow(2, 10, lambda: now[0])
    assert [window.take(), window.take(), window.take(), window.remaining] == [True, True, False, 0]
    now[0] = 9.9
    assert not window.take()
    now[0] = 10.0
    assert [window.take(), window.take(), window.take()] == [True, True, False]


def test_a_day_ends_at_midnight_utc():
    now = [datetime(2026, 1, 31, 23, 59, tzinfo=UTC)]
    daily = DailyLimit(1, Clock(lambda: now[0]))
    assert [daily.take(), daily.take(), daily.remaining] == [True, False, 0]
    now[0] += timedelta(minutes=1)
    assert [daily.take(), daily.used] == [True, 1]


def test_no_two_stamps_are_alike_and_time_never_goes_back():
    now = [datetime(2026, 1, 31, 12, tzinfo=UTC)]
    clock = Clock(lambda: now[0])
    stamps = [clock.stamp() for _ in range(100)]
    assert len({iso(stamp) for stamp in stamps}) == 100
    assert stamps == sorted(stamps)
    now[0] -= timedelta(hours=1)
    assert clock.now() == stamps[-1]
    assert clock.stamp() > stamps[-1]


def test_one_request_is_one_moment():
    clock = Clock(lambda: datetime(2026, 1, 31, 12, tzinfo=UTC))
    before = clock.stamp()
    with clock.one_moment():
        stamps = {clock.stamp() for _ in range(100)}
    assert len(stamps) == 1
    assert before < stamps.pop() < clock.stamp()
