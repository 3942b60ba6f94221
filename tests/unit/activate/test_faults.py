"""What a vendor, a disk or a kill does, the next run repairs."""

from __future__ import annotations

import shutil
import threading

import pytest

from tailrace.activate import run as activate
from tailrace.connectors.sdk.writing import WriteResult
from tailrace.errors import AuthError, FatalError, Unavailable
from tailrace.project.spec import FieldMap
from tailrace.state import journal


def raising(error, after=0):
    calls = []

    def hook(batch):
        calls.append(batch)
        if len(calls) > after:
            raise error

    return hook


def test_a_vendor_that_is_down_leaves_the_rest_pending(house):
    house.rows(1000)
    house.crm.before = raising(Unavailable("crm: cannot reach it"), after=3)
    result = house.run()
    assert result.status == "failed"
    assert "cannot reach" in result.error
    assert house.statuses() == {"acked": 300, "unknown": 100, "pending": 600}
    house.crm.before = lambda batch: None
    assert house.run().counts.updated == 700
    assert house.statuses() == {"acked": 1000}
    assert max(house.crm.written.values()) == 1  # that batch never arrived


def test_a_refused_token_stops_without_doubt(house):
    house.rows(300)
    house.crm.before = raising(AuthError("crm: 401"), after=1)
    result = house.run()
    assert result.status == "failed"
    assert house.statuses() == {"acked": 100, "pending": 200}


@pytest.mark.parametrize("mode", ["update", "upsert", "insert"])
def test_a_lost_answer_is_asked_for_or_sent_again_never_doubled(house, mode):
    house.with_sync(mode=mode)
    house.rows(250)
    lost = []

    def lose(batch, results):
        if not lost:
            lost.append(batch)
            raise Unavailable("connection reset")
        return results

    house.crm.after = lose
    house.run()
    assert house.statuses()["unknown"] == 100
    house.run()
    assert house.statuses() == {"acked": 250}
    assert len(house.crm.records) == 250
    expected = 1 if mode == "insert" else 2
    assert max(house.crm.written.values()) == expected
    remote = house.warehouse.query("SELECT count(DISTINCT remote_id) FROM tailrace_meta.ledger")
    assert remote == [(250,)]


def test_rows_without_a_word_are_unknown_and_sent_again(house):
    house.rows(10)
    house.crm.after = lambda batch, results: results[:7]
    house.run()
    assert house.statuses() == {"acked": 7, "unknown": 3}
    house.crm.after = lambda batch, results: results[::-1]
    house.run()
    assert house.statuses() == {"acked": 10}
    for i in range(10):
        assert house.crm.records[house.ledger(i)["remote_id"]]["email"] == f"p{i}@x.io"


def test_an_unknown_row_is_sent_though_its_value_went_back(house):
    house.rows(5)
    house.run()
    house.rows(5, score="500")
    house.crm.after = lambda batch, results: []
    house.run()
    house.crm.after = lambda batch, results: results
    house.rows(5)
    house.run()
    assert {record["lead_score"] for record in house.crm.records.values()} == {0, 1, 2, 3, 4}


def test_a_refused_row_holds_back_itself_alone_and_is_not_asked_twice(house):
    house.rows(250)
    house.run()
    house.crm.refuse = lambda values: "score is too high" if values["key"] == "p9@x.io" else None
    house.rows(250, score="i + 300")
    house.run()
    dead = house.ledger(9)
    assert (dead["status"], dead["error"], dead["attempts"]) == ("dead", "score is too high", 1)
    assert '"lead_score":9' in dead["acked_values"]
    letter = activate.dead_list(house.warehouse)[0]
    assert (letter.reason, letter.field, letter.attempts) == ("score is too high", "score", 1)
    assert '"lead_score":309' in letter.payload
    requests = len(house.crm.batches)
    house.run()
    assert len(house.crm.batches) == requests
    activate.dead_retry(house.warehouse, "scores", ["9"])
    house.run()
    again = activate.dead_list(house.warehouse)[0]
    assert (again.attempts, again.first_at) == (2, letter.first_at)
    house.rows(250, score="CASE WHEN i = 9 THEN 9 ELSE i + 300 END")
    house.run()  # back to what was accepted: nothing to send
    assert house.ledger(9)["status"] == "acked"
    assert len(house.crm.batches) == requests + 1
    assert activate.dead_list(house.warehouse) == []


def test_dropped_letters_stay_unsent_until_they_change(house):
    house.rows(3)
    house.crm.refuse = lambda values: "no" if values["lead_score"] == 1 else None
    house.run()
    assert activate.dead_drop(house.warehouse, keys=["1"]) == 1
    house.run()
    assert len(house.crm.batches) == 1
    house.rows(3, score="i + 10")
    house.run()
    assert house.statuses() == {"acked": 3}


def test_unmatched_rows_are_asked_again_when_they_change_or_on_retry(house):
    house.model("SELECT 1 AS contact_id, 'nobody@x.io' AS email, 1 AS score, 'A' AS grade")
    house.run()
    assert house.statuses() == {"unmatched": 1}
    house.run()
    assert len(house.crm.batches) == 1
    house.crm.add({"email": "nobody@x.io"})
    activate.dead_retry(house.warehouse)
    house.run()
    assert house.statuses() == {"acked": 1}


def test_an_accepted_row_with_a_key_nobody_knows_stays_unmatched(house):
    house.rows(2)
    house.run()
    house.warehouse.execute("UPDATE marts.lead_scores SET email = 'moved@x.io' WHERE contact_id = 1")
    house.run()
    house.run()
    assert house.ledger(1)["status"] == "unmatched"
    assert len(house.crm.batches) == 2


def test_people_s_values_stay(house):
    house.with_sync(
        fields=(FieldMap("lead_score", "score"), FieldMap("owner_note", "note", conflict="if_empty"))
    )
    house.rows(4, more=", 'ours' AS note")
    edited = house.crm.records[house.crm.by_key("email", "p2@x.io")]
    edited["owner_note"] = "call on Monday"
    house.run()
    assert len(house.crm.reads) == 1
    assert edited == {"email": "p2@x.io", "lead_score": 2, "owner_note": "call on Monday"}
    assert house.delivered.kept == {"owner_note": 1}
    assert house.ledger(2)["acked_values"] == '{"lead_score":2}'
    house.rows(4, more=", 'new' AS note")
    result = house.run()
    notes = [record["owner_note"] for record in house.crm.records.values()]
    assert sorted(notes) == ["call on Monday", "new", "new", "new"]
    assert result.counts.conflict == 1
    assert house.ledger(2)["status"] == "conflict"
    requests = len(house.crm.batches)
    house.run()
    assert len(house.crm.batches) == requests
    house.rows(4, score="i + 50", more=", 'new' AS note")
    house.run()
    assert (edited["lead_score"], edited["owner_note"]) == (52, "call on Monday")
    assert house.statuses() == {"acked": 4}


def test_a_journal_that_cannot_be_written_reaches_every_sender(house, monkeypatch):
    house.rows(1000)
    prepared = house.prepare()
    writes = []
    original = journal.JournalWriter._write

    def full_disk(self, entries):
        writes.append(entries)
        if len(writes) > 2:
            raise FatalError("cannot write state.db: disk full")
        original(self, entries)

    monkeypatch.setattr(journal.JournalWriter, "_write", full_disk)
    with pytest.raises(FatalError, match="disk full"):
        activate.deliver(house.store, prepared.delivery, house.crm, in_flight=4)
    monkeypatch.undo()
    sent = len(house.crm.batches)
    assert threading.active_count() < 10
    recovered = activate.recover(house.warehouse, house.store)
    assert recovered[0].status == "failed"
    house.one_row_each()
    house.run()
    assert house.statuses() == {"acked": 1000}
    assert max(house.crm.written.values()) <= 2
    assert sent < 10


def test_a_bug_in_a_destination_is_not_swallowed(house):
    house.rows(500)
    house.crm.before = raising(ZeroDivisionError("bug"), after=1)
    prepared = house.prepare()
    with pytest.raises(ZeroDivisionError):
        activate.deliver(house.store, prepared.delivery, house.crm, in_flight=2)
    house.crm.before = lambda batch: None
    house.run()
    assert house.statuses() == {"acked": 500}


def test_settling_twice_and_half_way_gives_the_same(house, monkeypatch):
    house.rows(25_000)
    prepared = house.prepare()
    activate.deliver(house.store, prepared.delivery, house.crm, in_flight=4)

    from tailrace.activate import settle as settling

    merged = []
    original = settling._merge_chunk

    def dying(warehouse, delivery, last):
        original(warehouse, delivery, last)
        merged.append(last)
        if len(merged) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(settling, "_merge_chunk", dying)
    with pytest.raises(KeyboardInterrupt):
        activate.settle(house.warehouse, house.store, prepared.delivery)
    house.one_row_each()
    assert house.statuses() == {"acked": 20_000, "pending": 5_000}
    [result] = activate.recover(house.warehouse, house.store)
    assert merged == [99, 199, 249]
    assert (result.status, result.counts.updated, result.counts.requests) == ("ok", 25_000, 250)
    assert house.statuses() == {"acked": 25_000}
    assert house.warehouse.query("SELECT count(*), count(DISTINCT key) FROM tailrace_meta.sync_log") == [
        (25_000, 25_000)
    ]
    assert activate.recover(house.warehouse, house.store) == []


def test_consent_withdrawn_while_a_run_lay_dead_is_honoured(house):
    house.with_sync(suppress="not consent")
    house.rows(300, more=", true AS consent")
    house.prepare()  # killed before the first request
    house.rows(300, more=", i <> 250 AS consent")
    house.run()
    assert house.ledger(250)["status"] == "suppressed"
    assert "lead_score" not in house.crm.records[house.crm.by_key("email", "p250@x.io")]


def test_a_lost_stage_is_no_dead_end(house):
    """Somebody cleaned up between the kill and the next run: the rows are sent again, none twice created."""
    house.with_sync(mode="upsert")
    house.rows(250)
    prepared = house.prepare()
    activate.deliver(house.store, prepared.delivery, house.crm, in_flight=1)
    shutil.rmtree(house.folder / "stage")
    [result] = activate.recover(house.warehouse, house.store)
    assert result.status == "failed"
    assert house.statuses() == {"unknown": 250}
    assert house.run().status == "ok"
    assert house.statuses() == {"acked": 250}
    assert len(house.crm.records) == 250


def test_garbage_of_a_killed_prepare_is_removed(house):
    house.rows(3)
    (house.folder / "stage").mkdir()
    (house.folder / "stage" / "scores-r9.parquet.tmp").write_bytes(b"half")
    (house.folder / "stage" / "scores-r8.parquet").write_bytes(b"whole")
    house.prepare()
    assert len(list((house.folder / "stage").iterdir())) == 1


def test_an_older_warehouse_sends_again_and_ends_the_same(house, tmp_path):
    house.rows(200)
    house.warehouse.checkpoint()
    older = (tmp_path / "work.duckdb").read_bytes()
    house.run()
    house.warehouse.close()
    (tmp_path / "work.duckdb").write_bytes(older)
    from tailrace.warehouse.duckdb import DuckDBWarehouse

    house.warehouse = DuckDBWarehouse(tmp_path / "work.duckdb")
    house.run()
    assert house.statuses() == {"acked": 200}
    assert max(house.crm.written.values()) == 2


def test_results_are_matched_by_trace(house):
    house.rows(150)
    house.crm.after = lambda batch, results: [*reversed(results), WriteResult("nobody", "acked", "1")]
    house.run(in_flight=3)
    for i in (0, 77, 149):
        assert house.crm.records[house.ledger(i)["remote_id"]]["email"] == f"p{i}@x.io"


def test_a_refusal_after_a_lost_answer_proves_nothing_about_the_value_before_it(house):
    house.rows(2)
    house.run()
    house.rows(2, score="700")
    house.crm.after = lambda batch, results: []
    house.run()  # written, but nobody told us
    house.crm.after = lambda batch, results: results
    house.crm.refuse = lambda values: "not now"
    house.rows(2)
    house.run()
    house.crm.refuse = lambda values: None
    activate.dead_retry(house.warehouse)
    house.run()
    assert sorted(record["lead_score"] for record in house.crm.records.values()) == [0, 1]
