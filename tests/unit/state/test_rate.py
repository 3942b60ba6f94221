"""The rate limiter with a clock of its own: what it grants never exceeds the budget in any window."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from tailrace.errors import RateLimited
from tailrace.events import Waiting, listening
from tailrace.state.rate import NoLimiter, SharedLimiter
from tailrace.state.sqlite import SQLiteStore


class Clock:
    def __init__(self):
        self.now = 1_000_000.0
        self.slept = []

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    store = SQLiteStore(tmp_path / "state.db")
    yield store
    store.close()


def limiter(store, clock, account="hubspot", margin=0.25):
    return SharedLimiter(store, account, margin=margin, clock=clock.time, sleep=clock.sleep)


def most_in_a_window(times, window):
    return max(sum(1 for other in times if at <= other < at + window) for at in times)


def test_no_window_holds_more_than_the_budget(store, clock):
    limit = limiter(store, clock)
    limit.learn(19, 1.0)
    times = []
    for _ in range(200):
        limit.acquire()
        times.append(clock.now)
    assert most_in_a_window(times, 1.25) == 19
    assert times[-1] - times[0] == pytest.approx(10 * 1.25, abs=0.01)


def test_nothing_is_limited_before_numbers_are_told(store, clock):
    limit = limiter(store, clock)
    assert [limit.acquire() for _ in range(500)] == [0.0] * 500
    assert store.read("SELECT count(*) FROM grants") == [(0,)]


def test_buckets_and_accounts_are_apart(store, clock):
    limit = limiter(store, clock)
    limit.learn(1, 10.0)
    limit.learn(1, 10.0, "search")
    other = limiter(store, clock, "salesforce")
    other.learn(1, 10.0)
    assert limit.acquire() == limit.acquire("search") == other.acquire() == 0.0
    assert limit.acquire() > 10


def test_a_block_holds_everyone_and_waiting_places_too(store, clock):
    limit = limiter(store, clock)
    limit.learn(100, 1.0)
    limit.acquire()
    limit.block(5.0)
    assert limit.acquire() == pytest.approx(5.0)
    limit.learn(1, 10.0)

    def sleep(seconds, inner=clock.sleep):
        inner(seconds)
        if len(clock.slept) == 2:
            limit.block(7.0)  # a 429 that came while this one waited

    limit._sleep = sleep
    assert limit.acquire() >= 10.0 + 7.0


def test_budget_survives_the_process(tmp_path, store, clock):
    limit = limiter(store, clock)
    limit.learn(2, 60.0)
    limit.acquire()
    limit.acquire()
    again = limiter(SQLiteStore(tmp_path / "state.db"), clock)
    assert again.acquire() == pytest.approx(60.25)


def test_a_wait_is_said_before_it_begins(store, clock):
    told = []
    limit = limiter(store, clock)
    limit.learn(1, 10.0)
    limit.acquire()
    with listening(lambda event: told.append((event, list(clock.slept)))):
        assert limit.acquire() == 10.25
    assert told == [(Waiting("hubspot", 10.25, "rate limit"), [])]


def test_old_places_are_forgotten(store, clock):
    limit = limiter(store, clock)
    limit.learn(5, 1.0)
    for _ in range(100):
        limit.acquire()
    assert store.read("SELECT count(*) FROM grants")[0][0] <= 11


def test_a_clock_set_back_does_not_block_for_ever(store, clock):
    limit = limiter(store, clock)
    limit.learn(2, 1.0)
    limit.acquire()
    limit.acquire()
    clock.now -= 86_400
    assert limit.acquire() < 30


def test_headers_are_written_only_when_they_change(store, clock):
    limit = limiter(store, clock)
    limit.learn(190, 10.0)
    before = store.read("PRAGMA data_version")
    changes = store.connection().total_changes
    for _ in range(50):
        limit.learn(190, 10.0)
    assert store.connection().total_changes == changes
    assert store.read("PRAGMA data_version") == before
    limit.learn(100, 10.0)
    assert store.read("SELECT requests, window FROM buckets") == [(100, 10.0)]


def test_off_limits_nothing():
    off = NoLimiter()
    off.learn(1, 60.0)
    off.block(60.0)
    assert [off.acquire() for _ in range(3)] == [0.0, 0.0, 0.0]


PROCESS = """
import sys, threading, time
from pathlib import Path
from tailrace.state.rate import SharedLimiter
from tailrace.state.sqlite import SQLiteStore
limit = SharedLimiter(SQLiteStore(Path(sys.argv[1])), "hubspot", margin=0.0)
limit.learn(10, 0.4)
def work():
    for _ in range(8):
        limit.acquire()
threads = [threading.Thread(target=work) for _ in range(2)]
[t.start() for t in threads]
[t.join() for t in threads]
"""


def test_threads_and_processes_share_one_budget(tmp_path):
    path = tmp_path / "state.db"
    store = SQLiteStore(path)
    store.remember("keep", "all grants")
    store.connection().execute("CREATE TABLE every (at REAL)")
    store.connection().execute(
        "CREATE TRIGGER t AFTER INSERT ON grants BEGIN INSERT INTO every VALUES (new.at); END"
    )
    running = [subprocess.Popen([sys.executable, "-c", PROCESS, str(path)]) for _ in range(3)]
    assert [each.wait(timeout=60) for each in running] == [0, 0, 0]
    times = [row[0] for row in store.read("SELECT at FROM every")]
    assert len(times) == 48
    assert most_in_a_window(times, 0.399) <= 10
    assert threading.active_count() < 10
    store.close()


def test_two_connections_of_one_account_share_its_budget_and_keep_their_names(store, clock):
    one, other = (
        SharedLimiter(store, name, shared_as="hubspot:abc", margin=0.25, clock=clock.time, sleep=clock.sleep)
        for name in ("crm", "crm_again")
    )
    one.learn(3, 10.0)
    assert [one.acquire(), other.acquire(), one.acquire()] == [0.0, 0.0, 0.0]
    with listening((heard := []).append):
        assert other.acquire() > 10
    assert [event.connection for event in heard if isinstance(event, Waiting)] == ["crm_again"]


def test_a_wait_longer_than_anybody_waits_is_told_and_not_slept(store, clock):
    limit = SharedLimiter(store, "crm", longest=300.0, clock=clock.time, sleep=clock.sleep)
    limit.block(86_400)
    with pytest.raises(RateLimited, match=r"crm: the vendor takes no request before .* UTC") as caught:
        limit.acquire()
    assert caught.value.fix == "run again then, or raise max_wait" and clock.slept == []
    clock.now += 86_300
    assert limit.acquire() == pytest.approx(100)


def test_a_place_is_free_again_a_window_after_its_answer(store, clock):
    limit = limiter(store, clock)
    limit.learn(2, 10.0)
    for _ in range(2):
        limit.acquire()
        clock.now += 1.0
        limit.done()
    assert limit.acquire() == pytest.approx(9.0), (
        "the first answer came a second ago, its place is free ten after it"
    )
    limit.done()
    assert limit.acquire() == pytest.approx(1.0)


def test_a_request_that_takes_longer_than_it_waited_for_is_waited_on(store, clock):
    limit, other = limiter(store, clock), limiter(store, clock)
    limit.learn(1, 10.0)
    limit.acquire()

    def sleep(seconds, inner=clock.sleep):
        inner(seconds)
        if len(clock.slept) == 1:
            limit.done()  # ten seconds after its grant, so the vendor may have counted it just now

    other._sleep = sleep
    assert other.acquire() == pytest.approx(20.0)
    assert clock.slept == pytest.approx([10.0, 10.0])


def test_a_request_whose_process_was_killed_holds_its_place_a_margin_longer(store, clock):
    limit, other = limiter(store, clock), limiter(store, clock)
    limit.learn(1, 10.0)
    limit.acquire()
    assert other.acquire() == pytest.approx(10.25)


def test_hardly_a_place_is_wasted_and_none_is_taken_twice(store, clock):
    """A vendor that counts somewhere between grant and answer: 0.01 to 0.09 s, one request after the other."""
    limit = limiter(store, clock)
    limit.learn(190, 10.0)
    counted, start = [], clock.now
    while clock.now - start < 100:
        limit.acquire()
        clock.now += (len(counted) % 3) * 0.02
        counted.append(clock.now)
        clock.now += 0.01
        limit.done()
    assert most_in_a_window(counted, 10.0 - 1e-6) <= 190
    assert len(counted) >= 0.98 * 1900


def test_a_clock_set_back_keeps_what_was_used_for_a_window(store, clock):
    limit = limiter(store, clock)
    limit.learn(2, 10.0)
    for _ in range(2):
        limit.acquire()
        limit.done()
    clock.now -= 5
    assert limit.acquire() == pytest.approx(10.0)


def test_a_block_from_before_the_clock_was_set_back_is_no_longer_than_it_was(store, clock):
    limit = limiter(store, clock)
    limit.block(30.0)
    clock.now -= 86_400
    assert limit.acquire() == pytest.approx(30.0)


def test_an_end_told_twice_or_without_a_place_changes_nothing(store, clock):
    limit = limiter(store, clock)
    limit.done()
    limit.learn(1, 10.0)
    limit.acquire()
    limit.done()
    clock.now += 4
    limit.done()
    assert limit.acquire() == pytest.approx(6.0)


def test_a_state_file_of_the_format_before_is_brought_up(tmp_path):
    import sqlite3

    from tailrace.state.sqlite import SINCE_FORMAT_1, TABLES

    db = sqlite3.connect(tmp_path / "old.db")
    db.executescript(
        TABLES + SINCE_FORMAT_1 + "INSERT INTO grants VALUES ('crm/', 1.0); PRAGMA user_version = 2;"
    )
    db.close()
    store = SQLiteStore(tmp_path / "old.db")
    assert store.read("SELECT at, done FROM grants") == [(1.0, None)]
    store.close()
