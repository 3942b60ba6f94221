"""Intent before the request, outcome after it: durable, grouped, and never a hang."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tailrace.errors import FatalError
from tailrace.state import journal
from tailrace.state.sqlite import SQLiteStore


@pytest.fixture
def store(tmp_path):
    store = SQLiteStore(tmp_path / "state.db")
    yield store
    store.close()


def entered(store, tmp_path, name="d1", sync="scores"):
    delivery = journal.Delivery(
        name, sync, "portal", "contacts", "r1", tmp_path / f"{name}.parquet", 300, "2026", {"a": [1]}
    )
    journal.open_delivery(store, delivery)
    return delivery


def test_a_delivery_is_found_as_it_was_entered(store, tmp_path):
    delivery = entered(store, tmp_path)
    assert journal.find(store, "d1") == delivery
    assert journal.deliveries(store, "scores") == [delivery]
    assert journal.deliveries(store, "other") == []
    journal.stop(store, "d1", "failed|down")
    assert journal.find(store, "d1").stopped == "failed|down"
    journal.drop(store, "d1")
    assert journal.find(store, "d1") is None


def test_a_moved_project_finds_its_staged_rows(store, tmp_path):
    entered(store, tmp_path)
    store.close()
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    again = SQLiteStore(moved / "state.db")
    assert journal.find(again, "d1").stage == moved / "d1.parquet"
    again.close()


def test_answer_and_next_intent_share_a_commit(store, tmp_path):
    entered(store, tmp_path)
    with journal.JournalWriter(store, "d1") as writer:
        writer.commit(None, journal.Intent(0, 0, 100))
        assert journal.batches(store, "d1")[0].outcome is None
        writer.commit(journal.Answer(0, "{}"), journal.Intent(1, 100, 100))
        first, second = journal.batches(store, "d1")
        assert (first.outcome, second.outcome) == ("{}", None)
        writer.commit(journal.Answer(1, '{"x":1}'), None)
    assert [(b.seq, b.first, b.n, b.outcome) for b in journal.batches(store, "d1")] == [
        (0, 0, 100, "{}"), (1, 100, 100, '{"x":1}'),
    ]  # fmt: skip


def test_many_senders_one_writer(store, tmp_path):
    entered(store, tmp_path)
    with journal.JournalWriter(store, "d1") as writer:

        def send(start):
            answer = None
            for seq in range(start, start + 50):
                writer.commit(answer, journal.Intent(seq, seq * 100, 100))
                answer = journal.Answer(seq, "{}")
            writer.commit(answer, None)

        threads = [threading.Thread(target=send, args=(n * 50,)) for n in range(4)]
        [thread.start() for thread in threads]
        [thread.join(30) for thread in threads]
    found = journal.batches(store, "d1")
    assert [batch.seq for batch in found] == list(range(200))
    assert all(batch.outcome == "{}" for batch in found)


def test_an_error_reaches_every_sender(store, tmp_path):
    entered(store, tmp_path)
    told = []
    with journal.JournalWriter(store, "d1") as writer:
        writer.commit(None, journal.Intent(0, 0, 100))

        def send(seq):
            try:
                writer.commit(None, journal.Intent(seq, 0, 100))
            except FatalError as error:
                told.append(error)

        send(0)  # the same batch twice breaks the table's key
        threads = [threading.Thread(target=send, args=(n,)) for n in range(1, 5)]
        [thread.start() for thread in threads]
        [thread.join(10) for thread in threads]
        assert not any(thread.is_alive() for thread in threads)
    assert len(told) == 5
    with pytest.raises(FatalError):
        writer.commit(None, None)


SENDER = """
import sys
from pathlib import Path
from tailrace.state import journal
from tailrace.state.sqlite import SQLiteStore
store = SQLiteStore(Path(sys.argv[1]))
journal.open_delivery(store, journal.Delivery("d", "s", "a", "o", "r", Path("x"), 1, "2026", {}))
with journal.JournalWriter(store, "d") as writer:
    answer = None
    for seq in range(20):
        writer.commit(answer, journal.Intent(seq, seq, 1))
        sys.stderr.write("REQUEST\\n")
        answer = journal.Answer(seq, "{}")
    writer.commit(answer, None)
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_every_request_is_behind_a_sync(tmp_path):
    """A kill cannot show a missing sync, since the page cache survives it; only the calls can."""
    trace = tmp_path / "trace"
    command = [
        "strace",
        "-f",
        "-e",
        "trace=fdatasync,fsync,write",
        "-o",
        str(trace),
        sys.executable,
        "-c",
        SENDER,
    ]
    subprocess.run([*command, str(tmp_path / "state.db")], check=True, capture_output=True, timeout=60)
    synced, requests = False, 0
    for line in trace.read_text().splitlines():
        if "sync(" in line:
            synced = True
        elif "REQUEST" in line:
            assert synced
            synced, requests = False, requests + 1
    assert requests == 20


def test_full_synchronous_is_set(store):
    assert store.connection().execute("PRAGMA synchronous").fetchone() == (2,)
    assert Path(store.path).exists()


def test_the_connection_that_writes_intents_syncs_each_commit(store, tmp_path, monkeypatch):
    """FULL in WAL: the log is on the disk before COMMIT returns, and so before the request leaves."""
    entered(store, tmp_path)
    seen = []
    original = journal.JournalWriter._write

    def write(self, entries):
        db = self._store.connection()
        seen.append(
            (db.execute("PRAGMA synchronous").fetchone()[0], db.execute("PRAGMA journal_mode").fetchone()[0])
        )
        original(self, entries)

    monkeypatch.setattr(journal.JournalWriter, "_write", write)
    with journal.JournalWriter(store, "d1") as writer:
        writer.commit(None, journal.Intent(0, 0, 100))
        assert seen[0] == (2, "wal")
        other = SQLiteStore(store.path)  # what another process sees the moment the commit has returned
        assert [record.outcome for record in journal.batches(other, "d1")] == [None]
        other.close()


def test_an_intent_is_entered_once(store, tmp_path):
    """Two processes on one delivery: the second is stopped before its request."""
    entered(store, tmp_path)
    with journal.JournalWriter(store, "d1") as one, journal.JournalWriter(store, "d1") as other:
        one.commit(None, journal.Intent(0, 0, 100))
        with pytest.raises(FatalError, match="cannot write"):
            other.commit(None, journal.Intent(0, 0, 100))
