"""What every engine of the state must do. An engine gets these tests by subclassing `StoreSuite` with a fixture `opener`.

`opener()` opens the same state each time; `opener.older(n)` makes the tables say that they are of format n.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tailrace.errors import BadInput, FatalError, LockHeld
from tailrace.records import Quota
from tailrace.state import approvals, journal, runs
from tailrace.state.locks import held
from tailrace.state.quotas import quota_documents
from tailrace.state.rate import SharedLimiter
from tailrace.state.runs import StepResult
from tailrace.state.store import FORMAT

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RUNS = "SELECT run_id, status, error, finished_at FROM runs ORDER BY rowid"
STEPS = "SELECT run_id, position, step, name, status, rows_in, rows_out, seconds, error, detail FROM steps ORDER BY 1, 2"


def at_once(*works) -> list[BaseException | None]:
    """Each in a thread of its own, begun together; what each raised."""
    gate, raised = threading.Barrier(len(works)), [None] * len(works)

    def run(number, work):
        gate.wait(10)
        try:
            work()
        except BaseException as error:
            raised[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert not any(thread.is_alive() for thread in threads)
    return raised


class StoreSuite:
    @pytest.fixture
    def store(self, opener):
        return opener()

    @pytest.fixture
    def other(self, opener):
        """The same state, opened by somebody else."""
        return opener()

    # ---- facts ----

    def test_a_fact_is_remembered_and_seen_by_others(self, store, other):
        assert store.fact("published") is None
        store.remember("published", "a:1")
        store.remember("published", "Ünï: 100% 'x' \"y\" :z ?")
        store.remember("", "")
        assert (other.fact("published"), other.fact("")) == ("Ünï: 100% 'x' \"y\" :z ?", "")

    def test_a_write_is_all_or_nothing(self, store, other):
        with pytest.raises(RuntimeError), store.write() as db:
            db.execute("INSERT INTO facts VALUES (?, ?)", ("a", "1"))
            raise RuntimeError
        with pytest.raises(FatalError, match="cannot write"), store.write() as db:
            db.execute("INSERT INTO facts VALUES (?, ?)", ("a", "1"))
            db.execute("INSERT INTO facts VALUES (?, ?)", ("a", "2"))
        assert other.read("SELECT * FROM facts") == []
        store.remember("a", "3")
        assert other.fact("a") == "3"

    def test_many_values_at_once_and_none(self, store):
        with store.write() as db:
            db.executemany("INSERT INTO facts VALUES (?, ?)", ((str(n), str(n)) for n in range(2000)))
            db.executemany("INSERT INTO facts VALUES (?, ?)", [])
        assert store.read("SELECT count(*) FROM facts") == [(2000,)]

    # ---- runs ----

    def test_a_run_and_its_steps(self, store, other):
        with store.held("run"):
            runs.begin(store, "r1", "run", "dev", NOW)
            assert other.read(RUNS) == [("r1", "running", None, None)]
            runs.record(store, "r1", StepResult("land", "crm", "ok", 3, 2, 0.25, detail={"a": [1, "ü"]}))
            runs.record_all(store, "r1", [StepResult("build", n, "skipped") for n in ("a", "b")])
            runs.record(store, "r1", StepResult("publish", "w", "failed", error="no space"))
            runs.forget(store, "r1", "build", "a")
            runs.record(store, "r1", StepResult("build", "a", "ok", rows_out=10_000_000_000))
            runs.finish(store, "r1", "failed", "publish w: no space", NOW)
        assert [row[1:9] for row in other.read(STEPS)] == [
            (0, "land", "crm", "ok", 3, 2, 0.25, None),
            (2, "build", "b", "skipped", 0, 0, 0.0, None),
            (3, "publish", "w", "failed", 0, 0, 0.0, "no space"),
            (4, "build", "a", "ok", 0, 10_000_000_000, 0.0, None),
        ]
        assert other.read(RUNS) == [("r1", "failed", "publish w: no space", NOW.isoformat())]

    def test_steps_of_many_threads_get_places_of_their_own(self, store):
        runs.begin(store, "r1", "run", "dev", NOW)

        def record(name):
            for _ in range(10):
                runs.record(store, "r1", StepResult("activate", name, "ok"))

        assert at_once(*(lambda n=n: record(str(n)) for n in range(6))) == [None] * 6
        assert [row[1] for row in store.read(STEPS)] == list(range(60))

    def test_a_run_whose_process_is_gone_is_closed_by_the_next(self, store, opener):
        runs.begin(store, "r1", "run", "dev", NOW)
        opener.gone(store, "r1")
        later = opener()
        with later.held("run"):
            runs.begin(later, "r2", "run", "dev", NOW)
            assert later.read(RUNS) == [
                ("r1", "failed", "killed", NOW.isoformat()),
                ("r2", "running", None, None),
            ]

    def test_a_run_is_recorded_once(self, store):
        runs.begin(store, "r1", "run", "dev", NOW)
        with pytest.raises(FatalError, match="cannot write"):
            runs.begin(store, "r1", "run", "dev", NOW)

    # ---- approvals ----

    def test_an_approval_is_asked_given_and_used(self, store, other):
        approvals.ask(store, "c1", "crm", "30% changed", NOW)
        approvals.ask(store, "c2", "crm", "40% changed", NOW)
        approvals.ask(store, "c2", "crm", "41% changed", NOW)
        assert [(a.changeset, a.summary) for a in approvals.waiting(other)] == [("c2", "41% changed")]
        with pytest.raises(BadInput, match="no changeset c1 waits"):
            approvals.approve(other, "c1", NOW)
        assert not approvals.is_approved(store, "c2")
        assert approvals.approve(other, "c2", NOW).approved_at == NOW.isoformat()
        assert approvals.is_approved(store, "c2")
        approvals.ask(store, "c3", "crm", "50% changed", NOW)
        assert [a.changeset for a in approvals.waiting(store)] == ["c2", "c3"], "an approved one stays"
        approvals.use(store, "c2")
        approvals.forget(store, "crm")
        assert approvals.waiting(other) == []

    # ---- quotas ----

    def test_quotas_say_what_the_vendor_said_last(self, store, other):
        limiter = SharedLimiter(store, "hubspot")
        for remaining in (900, 800.5):
            limiter.report(Quota("daily", 1000, remaining, unit="requests", resets_at=NOW))
        limiter.flush()
        (found,) = quota_documents(other, ["hubspot", "ga4"])
        assert (found["limit"], found["remaining"], found["unit"]) == (1000, 800.5, "requests")
        assert found["resets_at"] == NOW.isoformat(timespec="seconds")
        told = datetime.fromisoformat(found["told_at"])
        assert abs((told - datetime.now(UTC)).total_seconds()) < 60

    # ---- the journal ----

    def delivery(self, store, name="d1", sync="crm") -> journal.Delivery:
        found = journal.Delivery(
            name, sync, "portal", "contacts", "r1", store.folder / "deliveries" / f"{name}.parquet", 300,
            NOW.isoformat(), {"a": [1, None, "ü\u0000"]},
        )  # fmt: skip
        journal.open_delivery(store, found)
        return found

    def test_a_delivery_is_seen_by_everybody_until_it_is_settled(self, store, other):
        approvals.ask(store, "c1", "crm", "30%", NOW)
        one, two = self.delivery(store), self.delivery(store, "d2", "erp")

        def there(found):
            return replace(found, stage=other.folder / "deliveries" / found.stage.name)

        assert journal.deliveries(other) == [there(one), there(two)]
        assert journal.deliveries(other, "erp") == [there(two)] and journal.find(other, "d3") is None
        journal.stop(store, "d1", "failed|down")
        assert journal.find(other, "d1").stopped == "failed|down"
        journal.drop(other, "d1")
        assert journal.deliveries(store) == [two]

    def test_an_approval_is_used_up_with_the_delivery_it_let_through(self, store):
        approvals.ask(store, "c1", "crm", "30%", NOW)
        found = journal.Delivery(
            "d1", "crm", "a", "o", "r", store.folder / "x.parquet", 1, NOW.isoformat(), {}
        )
        journal.open_delivery(store, found, used_approval="c1")
        assert approvals.waiting(store) == []
        approvals.ask(store, "c2", "crm", "40%", NOW)
        with pytest.raises(FatalError):
            journal.open_delivery(store, found, used_approval="c2")
        assert [a.changeset for a in approvals.waiting(store)] == ["c2"]

    def test_intents_and_answers_of_many_senders(self, store, other):
        self.delivery(store)
        with journal.JournalWriter(store, "d1") as writer:

            def send(start):
                answer = None
                for seq in range(start, start + 20):
                    writer.commit(answer, journal.Intent(seq, seq * 100, 100))
                    answer = journal.Answer(seq, f'{{"n": {seq}, "u": "\\u0000ü%"}}')
                writer.commit(answer, None)

            writer.commit(None, journal.Intent(90, 9000, 7))
            assert [b.outcome for b in journal.batches(other, "d1")] == [None], (
                "on the disk before the request"
            )
            assert at_once(*(lambda n=n: send(n * 20) for n in range(4))) == [None] * 4
        found = journal.batches(other, "d1")
        assert [(b.seq, b.first, b.n) for b in found] == [
            *((n, n * 100, 100) for n in range(80)),
            (90, 9000, 7),
        ]
        assert [b.outcome for b in found] == [*(f'{{"n": {n}, "u": "\\u0000ü%"}}' for n in range(80)), None]
        journal.drop(store, "d1")
        assert journal.batches(other, "d1") == []

    def test_an_intent_is_entered_once(self, store, other):
        self.delivery(store)
        with journal.JournalWriter(store, "d1") as one, journal.JournalWriter(other, "d1") as two:
            one.commit(None, journal.Intent(0, 0, 100))
            with pytest.raises(FatalError, match="cannot write"):
                two.commit(None, journal.Intent(0, 0, 100))

    # ---- the rate limiter ----

    def test_places_are_shared_and_counted_by_one_clock(self, store, other):
        one, two = SharedLimiter(store, "crm"), SharedLimiter(other, "crm")
        one.learn(3, 30.0)
        assert [one.acquire(), two.acquire(), one.acquire()] == [0.0, 0.0, 0.0]
        waits: list[float] = []
        two._sleep = lambda seconds: (waits.append(seconds), other_frees())

        def other_frees():
            with store.write() as db:
                db.execute("DELETE FROM grants")

        two.acquire()
        assert 20 < waits[0] <= 30.5

    def test_two_workers_never_take_the_last_place_twice(self, store, other):
        limiters = [SharedLimiter(each, "crm") for each in (store, other, store, other)]
        limiters[0].learn(10, 600.0)
        taken = []

        class Full(Exception):
            pass

        def sleep(seconds):
            raise Full

        def work(limiter):
            limiter._sleep = sleep
            while True:
                limiter.acquire()
                taken.append(1)

        raised = at_once(*(lambda each=each: work(each) for each in limiters))
        assert [type(each) for each in raised] == [Full] * 4
        assert len(taken) == 10
        assert store.read("SELECT count(*) FROM grants") == [(10,)]

    def test_a_place_is_free_a_window_after_its_answer(self, store):
        limiter = SharedLimiter(store, "crm")
        limiter.learn(1, 0.3)
        limiter.acquire()
        time.sleep(0.2)
        limiter.done()
        started = time.monotonic()
        limiter.acquire()
        assert time.monotonic() - started > 0.25

    def test_the_longer_of_two_blocks_counts(self, store, other):
        one, two = SharedLimiter(store, "crm"), SharedLimiter(other, "crm", longest=5.0)
        one.block(100.0)
        one.block(1.0)
        with pytest.raises(Exception, match="the vendor takes no request before"):
            two.acquire()

    def test_what_lies_in_the_future_happened_now(self, store):
        """A clock that was set back, the database's or the machine's."""
        limiter = SharedLimiter(store, "crm")
        limiter.learn(1, 10.0)
        limiter.acquire()
        limiter.done()
        with store.write() as db:
            db.execute("UPDATE grants SET at = at + 86400, done = done + 86400")
            db.execute(
                "UPDATE buckets SET blocked_at = ?, blocked_until = ?",
                (store.now() + 86400, store.now() + 86405),
            )
        waits: list[float] = []

        class Enough(Exception):
            pass

        def sleep(seconds):
            waits.append(seconds)
            raise Enough

        limiter._sleep = sleep
        with pytest.raises(Enough):
            limiter.acquire()
        assert 9 < waits[0] <= 10

    # ---- locks ----

    def test_a_lock_is_held_by_one_and_free_after_it(self, store, other):
        with held(store, "run") as lease, held(store, "sync-a"):
            lease.check()
            store.check()
            with (
                pytest.raises(LockHeld, match=r"another run holds the run lock \(process \d+") as caught,
                held(other, "run"),
            ):
                pass
            assert caught.value.exit_code == 75 and caught.value.fix.startswith("wait until it ends")
            with held(other, "sync-b"):
                pass
        with held(other, "run"):
            pass

    def test_a_lock_is_free_after_an_error(self, store, other):
        with pytest.raises(RuntimeError), held(store, "run"):
            raise RuntimeError
        with held(other, "run"):
            pass

    def test_a_lock_is_waited_for(self, store, other):
        taken = threading.Event()

        def hold():
            with held(store, "run"):
                taken.set()
                time.sleep(0.4)

        def wait():
            taken.wait(10)
            with held(other, "run", wait=30.0):
                pass

        assert at_once(hold, wait) == [None, None]

    def test_of_many_that_start_at_once_one_runs(self, opener):
        stores = [opener() for _ in range(5)]
        inside = threading.Barrier(5)

        def run(each):
            try:
                with held(each, "run"):
                    inside.wait(30)
            except LockHeld:
                inside.wait(30)
                raise

        raised = at_once(*(lambda each=each: run(each) for each in stores))
        assert sorted(type(each).__name__ for each in raised) == ["LockHeld"] * 4 + ["NoneType"]

    # ---- formats ----

    def test_a_newer_format_is_refused_and_left_alone(self, store, opener):
        store.remember("a", "1")
        opener.older(99)
        with pytest.raises(
            FatalError, match=rf"newer tailrace \(format 99, this one knows {FORMAT}\)"
        ) as caught:
            opener()
        assert caught.value.fix == "install the newer tailrace"
        opener.older(FORMAT)
        assert opener().fact("a") == "1"

    def test_an_older_format_is_brought_up_once(self, store, opener, monkeypatch):
        store.remember("a", "1")
        opener.next_format(monkeypatch, "ALTER TABLE facts ADD COLUMN note TEXT;\n")
        opened: list = []
        assert at_once(*(lambda: opened.append(opener()) for _ in range(4))) == [None] * 4
        assert [each.read("SELECT name, value, note FROM facts") for each in opened] == [
            [("a", "1", None)]
        ] * 4

    def test_a_step_that_fails_half_way_changes_nothing(self, store, opener, monkeypatch):
        store.remember("a", "1")
        with monkeypatch.context() as patched:
            opener.next_format(
                patched, "ALTER TABLE facts ADD COLUMN note TEXT;\nALTER TABLE absent ADD COLUMN x TEXT;\n"
            )
            with pytest.raises(FatalError):
                opener()
        assert opener().read("SELECT * FROM facts") == [("a", "1")]

    def test_a_moved_project_finds_its_staged_rows(self, store, opener, tmp_path):
        self.delivery(store)
        store.close()
        assert journal.find(opener.moved(tmp_path / "moved"), "d1").stage == Path(
            tmp_path / "moved" / "deliveries" / "d1.parquet"
        )
