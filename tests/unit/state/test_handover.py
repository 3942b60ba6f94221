"""What one machine has taken of an account's budget counts on the next."""

from __future__ import annotations

import pytest

from tailrace.state import handover
from tailrace.state.rate import SharedLimiter
from tailrace.state.sqlite import SQLiteStore


@pytest.fixture
def stores(tmp_path):
    made = [SQLiteStore(tmp_path / f"{name}.db") for name in "ab"]
    yield made
    for store in made:
        store.close()


def used(store, places, *, limit=10, window=60.0):
    limiter = SharedLimiter(store, "hubspot", shared_as="key", sleep=lambda _: None)
    limiter.learn(limit, window, "burst")
    for _ in range(places):
        limiter.acquire("burst")
        limiter.done("burst")
    return limiter


def grants(store):
    return store.read("SELECT count(*) FROM grants")[0][0]


def test_places_and_blocks_are_taken_over(stores):
    first, second = stores
    used(first, 4).block(30, "burst")
    told = handover.taken(first)
    assert list(told) == ["key/burst"]
    handover.take(second, told)
    assert grants(second) == 4
    again = handover.taken(second)["key/burst"]
    assert again[:2] == (10, 60.0)
    assert abs(again[2] - told["key/burst"][2]) < 2
    assert again[4] == 4


def test_what_both_know_of_is_counted_once(stores):
    first, second = stores
    used(first, 4)
    handover.take(second, handover.taken(first))
    used(second, 3)
    handover.take(first, handover.taken(second))
    assert grants(first) == 7
    handover.take(first, handover.taken(second))
    assert grants(first) == 7


def test_what_is_over_is_not_told(stores):
    first, _ = stores
    used(first, 4, window=0.0)
    assert handover.taken(first) == {}


def test_times_are_moved_between_the_clocks(stores):
    """The first machine's clock is 300 seconds behind Google's, the second one's 200 ahead of it."""
    first, second = stores
    used(first, 2).block(30, "burst")
    told = handover.taken(first, later=300.0)
    handover.take(second, told, later=-200.0)
    until = second.read("SELECT blocked_until FROM buckets")[0][0]
    assert abs(until - (first.read("SELECT blocked_until FROM buckets")[0][0] + 500)) < 1
