"""Leases on a real Postgres: who holds, when it ends, and that nothing is written without one."""

from __future__ import annotations

import socket
import threading
import time
from itertools import count

import pytest
from tests.conformance.store_suite import NOW, RUNS
from tests.conformance.test_postgres_store import Opener

from tailrace.errors import LockHeld, LockLost
from tailrace.state import journal, leases, runs
from tailrace.state.locks import held
from tailrace.state.rate import SharedLimiter

NAMES = count()
LEASES = "SELECT name, token, run_id, expires_at > clock_timestamp() FROM leases ORDER BY name"


@pytest.fixture
def opener(postgres, tmp_path):
    made = Opener(postgres, tmp_path)
    made.schema = f"leases {next(NAMES)} \"of\" Ünï 'x' \\ %"  # a name that has to be quoted everywhere
    yield made
    [store.close() for store in made.opened]


def expire(opener, name="run"):
    """As if its time had passed on the database's clock, which its holder does not see."""
    schema = opener.schema.replace('"', '""')
    opener.server.admin(
        f"UPDATE \"{schema}\".leases SET expires_at = clock_timestamp() WHERE name = '{name}'", "state"
    )


def test_the_holder_is_named(opener):
    one, other = opener(run_id="r1"), opener()
    with held(one, "run"), pytest.raises(LockHeld) as caught, held(other, "run"):
        pass
    assert f"on {socket.gethostname()}, run r1)" in caught.value.message
    assert (
        caught.value.fix
        == "wait until it ends, then run again; killed, it holds the lock for 60 more seconds"
    )


def test_the_token_only_grows(opener):
    one, other = opener(run_id="r1"), opener()
    tokens = []
    for store in (one, other, one):
        with held(store, "run") as lease:
            tokens.append(lease.token)
    assert tokens == [1, 2, 3]
    assert one.read(LEASES) == [("run", 3, None, False)]


def test_a_lease_is_renewed_while_it_is_held(opener):
    one, other = opener(lease=1.2), opener()
    with held(one, "run"), held(one, "sync-a"):
        time.sleep(2.5)
        one.check()
        one.remember("a", "1")
        for name in ("run", "sync-a"):
            with pytest.raises(LockHeld), held(other, name):
                pass
    with held(other, "run"), held(other, "sync-a"):
        pass
    assert other.fact("a") == "1"


def test_a_lease_that_is_not_renewed_ends_by_itself(opener, monkeypatch):
    one, other = opener(lease=1.0), opener()
    monkeypatch.setattr(leases.Leases, "_renew_all", lambda self: None)
    with held(one, "run") as lease:
        with held(other, "run", wait=20.0) as later:
            assert (lease.token, later.token) == (1, 2)
            for stopped in (lease.check, one.check, lambda: one.remember("a", "1")):
                with pytest.raises(LockLost, match="this run lost the run lock") as caught:
                    stopped()
            assert caught.value.fix == "run again: what was in flight is looked up or sent again"
    assert other.fact("a") is None


def test_the_holder_notices_before_the_database_says_so(opener, monkeypatch):
    """Its own clock runs from before it asked, so it ends no later than the lease."""
    one = opener(lease=600.0)
    with held(one, "run") as lease:
        monkeypatch.setattr(leases, "elapsed", lambda: lease.ends)
        with pytest.raises(LockLost):
            lease.check()
        assert one.read(LEASES) == [("run", 1, None, True)]


WRITES = {
    "fact": lambda store: store.remember("a", "1"),
    "begin": lambda store: runs.begin(store, "r9", "run", "dev", NOW),
    "finish": lambda store: runs.finish(store, "r1", "ok", None, NOW),
    "stop": lambda store: journal.stop(store, "d1", "x"),
    "drop": lambda store: journal.drop(store, "d1"),
    "place": lambda store: SharedLimiter(store, "crm").acquire(),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_whose_token_is_not_the_newest_is_refused(opener, write):
    """The holder believes in its lease: only the database knows better."""
    one, other = opener(run_id="r1"), opener(run_id="r2")
    SharedLimiter(other, "crm").learn(1, 60.0)
    journal.open_delivery(
        other, journal.Delivery("d1", "s", "a", "o", "r", other.folder / "x", 1, "2026", {})
    )
    with held(one, "run"):
        runs.begin(one, "r1", "run", "dev", NOW)
        expire(opener)
        with held(other, "run"):
            runs.begin(other, "r2", "run", "dev", NOW)
            before = _everything(other)
            with pytest.raises(LockLost):
                WRITES[write](one)
            with pytest.raises(LockLost):  # and never again, its lock given back or not
                one.remember("b", "2")
            assert _everything(other) == before
    with pytest.raises(LockLost), held(one, "run"):
        pass
    with pytest.raises(LockLost):
        one.remember("b", "2")
    assert _everything(other) == before


def _everything(store):
    tables = ("runs", "facts", "deliveries", "batches", "grants", "buckets")
    return {name: store.read(f"SELECT * FROM {name} ORDER BY 1") for name in tables}


def test_an_expired_lease_is_lost_even_if_nobody_took_it(opener):
    one = opener()
    with held(one, "run"):
        expire(opener)
        with pytest.raises(LockLost):
            one.remember("a", "1")
    assert one.read("SELECT * FROM facts") == []


def test_one_lost_lock_stops_every_write_of_its_run(opener):
    one = opener()
    with held(one, "run"), held(one, "sync-a"):
        expire(opener, "sync-a")
        with pytest.raises(LockLost, match="lost the sync-a lock"):
            one.remember("a", "1")


def test_nobody_takes_over_beneath_a_write(opener):
    """The lease ends while its holder writes: whoever comes after waits, and then sees what was written."""
    one, other = opener(), opener()
    with held(one, "run"):
        with one.write() as db:
            db.execute("INSERT INTO facts VALUES ('a', '1')", ())
            expire(opener)
            with pytest.raises(LockHeld), held(other, "run"):
                pass
    with held(other, "run"):
        assert other.fact("a") == "1"


def test_renewing_goes_on_beside_a_write(opener):
    one = opener(lease=0.9)
    with held(one, "run"), one.write() as db:
        db.execute("INSERT INTO facts VALUES ('a', '1')", ())
        time.sleep(2.0)
    assert one.fact("a") == "1"


def test_a_run_at_work_is_not_closed_by_another_ones_start(opener):
    """It delivers, and holds no more than the lock of its sync."""
    one, other = opener(run_id="r1"), opener(run_id="r2")
    with held(one, "sync-a"):
        with held(one, "run"):
            runs.begin(one, "r1", "run", "dev", NOW)
        with held(other, "run"):
            runs.begin(other, "r2", "run", "dev", NOW)
            assert [row[:2] for row in other.read(RUNS)] == [("r1", "running"), ("r2", "running")]


def test_the_journal_stops_its_senders(opener):
    one, other = opener(), opener()
    journal.open_delivery(one, journal.Delivery("d1", "a", "a", "o", "r", one.folder / "x", 1, "2026", {}))
    with held(one, "sync-a"), journal.JournalWriter(one, "d1") as writer:
        writer.commit(None, journal.Intent(0, 0, 1))
        expire(opener, "sync-a")
        with held(other, "sync-a"):
            journal.drop(other, "d1")
            raised = []

            def send(seq):
                try:
                    writer.commit(None, journal.Intent(seq, seq, 1))
                except LockLost as error:
                    raised.append(error)

            threads = [threading.Thread(target=send, args=(n,)) for n in range(1, 4)]
            [thread.start() for thread in threads]
            [thread.join(20) for thread in threads]
            assert len(raised) == 3
    assert other.read("SELECT count(*) FROM batches") == [(0,)]
