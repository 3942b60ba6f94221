"""What a sender makes of a batch: rows put off, words that are not believed, fields of people, names of batches."""

from __future__ import annotations

import threading
import unicodedata
from collections import Counter
from dataclasses import replace

import duckdb
import pytest
from tests.unit.activate.crm import CONTACTS, CRM

from tailrace.activate import run as activate
from tailrace.activate import sender as sending
from tailrace.activate.staging import StagedBatch, StagedFile, StagedTexts, fields_of
from tailrace.connectors.sdk.writing import Link, WriteResult, Written
from tailrace.errors import FatalError, RateLimited, Unavailable
from tailrace.project.spec import Association, FieldMap
from tailrace.state import journal


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    monkeypatch.setattr(sending, "LATER_WAITS", (0.0, 0.0, 0.0))


def put_off(keys, times):
    """Those rows are `later` in the first `times` batches that hold one of them, and nothing of them is written."""
    calls = []

    def after(batch, results):
        late = {row.trace for row in batch.rows if row.key in keys}
        if not late or len(calls) >= times:
            return results
        calls.append(late)
        return [
            replace(each, outcome="later", reason="row is locked") if each.trace in late else each
            for each in results
        ]

    return after


def test_a_row_put_off_is_sent_again_alone_and_its_neighbours_are_not(house):
    house.rows(250)
    house.crm.after = put_off({"p7@x.io", "p8@x.io"}, 2)
    result = house.run()
    assert house.statuses() == {"acked": 250}
    assert [len(batch.rows) for batch in house.crm.batches] == [100, 2, 2, 100, 50]
    assert (result.status, result.counts.requests, result.counts.updated) == ("ok", 5, 250)


def test_a_row_put_off_to_the_end_stays_pending_and_goes_with_the_next_run(house):
    house.rows(150)
    house.crm.after = put_off({"p7@x.io"}, 4)
    result = house.run()
    assert (result.status, result.counts.pending, result.counts.updated) == ("ok", 1, 149)
    assert house.statuses() == {"acked": 149, "pending": 1}
    assert house.ledger(7)["error"] == "row is locked"
    assert activate.dead_list(house.warehouse) == []
    assert len(house.crm.batches) == 1 + 3 + 1
    house.run()
    assert house.statuses() == {"acked": 150}
    assert [row.key for row in house.crm.batches[-1].rows] == ["p7@x.io"]


@pytest.mark.parametrize(
    ("error", "status"), [(Unavailable("down"), "unknown"), (FatalError("no scope"), "pending")]
)
def test_a_failure_while_a_row_is_tried_again_takes_nothing_back(house, error, status):
    house.rows(100)
    house.crm.after = put_off({"p7@x.io"}, 1)

    def before(batch):
        if len(batch.rows) == 1:
            raise error

    house.crm.before = before
    assert house.run().status == "failed"
    assert house.statuses() == {"acked": 99, status: 1}
    house.crm.before = lambda batch: None
    house.run()
    assert house.statuses() == {"acked": 100}


def test_a_trace_that_comes_twice_or_was_not_sent_is_not_believed(house):
    house.rows(10)
    house.crm.after = lambda batch, results: [
        *results, WriteResult("3", "dead", None, "refused"), WriteResult("99", "acked", "1"), WriteResult("", "acked", "1"),
    ]  # fmt: skip
    house.run()
    assert house.statuses() == {"acked": 9, "unknown": 1}
    assert (house.ledger(3)["status"], house.ledger(3)["error"]) == ("unknown", "two answers came for it")


def test_results_of_every_kind_add_up_to_the_rows(house):
    kinds = ["acked", "dead", "unmatched", "unknown"]
    house.rows(400)
    house.crm.after = lambda batch, results: [
        replace(each, outcome=kinds[int(each.trace) % 4]) for each in results if int(each.trace) % 5
    ]
    house.run(in_flight=3)
    delivered = house.delivered
    assert delivered.acked + delivered.dead + delivered.unmatched + delivered.unknown == 400
    assert delivered.unknown == 80 + 80


def test_a_key_twice_in_one_batch_is_refused_before_anything_is_sent(house):
    house.rows(3)
    prepared = house.prepare()
    stage = journal.find(house.store, prepared.delivery).stage
    duckdb.sql(f"CREATE TABLE t AS SELECT * REPLACE ('p1@x.io' AS match_key) FROM '{stage}'")
    duckdb.sql(f"COPY t TO '{stage}' (FORMAT parquet)")
    duckdb.sql("DROP TABLE t")
    with pytest.raises(AssertionError, match="a key twice in batch 0"):
        activate.deliver(house.store, prepared.delivery, house.crm)
    assert house.crm.batches == []


def test_the_same_rows_and_values_give_a_batch_its_name_until_they_are_accepted(house):
    def name_of(score, settled):
        house.rows(120, score=score)
        delivery = house.prepare(full_resync=True).delivery
        activate.deliver(house.store, delivery, house.crm, in_flight=1)
        if settled:
            activate.recover(house.warehouse, house.store)
        else:  # the answers are lost with the journal, as with a machine
            journal.drop(house.store, delivery)
        names = [batch.name for batch in house.crm.batches]
        house.crm.batches.clear()
        return names

    first, again = name_of("i", settled=False), name_of("i", settled=False)
    other = name_of("i + CASE WHEN i = 119 THEN 1 ELSE 0 END", settled=True)
    later = name_of("i", settled=True)
    assert first == again
    assert (first[0] == other[0], first[1] == other[1]) == (True, False)
    assert set(later).isdisjoint({*first, *other})


def test_associations_and_the_key_before_go_with_the_row(house):
    house.obj = replace(CONTACTS, associations=("companies",))
    house.with_sync(mode="upsert", associations=(Association("companies", "domain", "company", "employer"),))
    house.rows(2, more=", CASE WHEN i = 0 THEN 'x.io' END AS company")
    house.run()
    rows = {row.key: row for row in house.crm.batches[0].rows}
    assert rows["p0@x.io"].links == (Link("companies", "domain", "x.io", "employer"),)
    assert rows["p1@x.io"].links == (Link("companies", "domain", None, "employer"),)
    assert rows["p0@x.io"].previous_key is None
    house.model(
        "SELECT 0 AS contact_id, 'q0@x.io' AS email, 0::BIGINT AS score, 'A' AS grade, 'x.io' AS company"
        " UNION ALL SELECT 1, 'p1@x.io', 1, 'A', NULL"
    )
    house.run()
    [moved] = house.crm.batches[-1].rows
    assert moved.previous_key == "p0@x.io"


def test_a_large_changeset_goes_in_bulk_batches(house):
    house.obj = replace(CONTACTS, bulk_from=200, bulk_size=500)
    house.rows(700)
    house.run()
    assert [(len(batch.rows), batch.bulk) for batch in house.crm.batches] == [(500, True), (200, True)]
    house.rows(700, score="i % 100 + CASE WHEN i < 150 THEN 1 ELSE 0 END")
    house.run()
    assert [(len(batch.rows), batch.bulk) for batch in house.crm.batches[2:]] == [(100, False), (50, False)]


def test_fields_kept_and_written_over_are_counted(house):
    house.with_sync(
        fields=(FieldMap("lead_score", "score"), FieldMap("owner_note", "note", conflict="if_empty"))
    )
    house.rows(4, more=", 'ours' AS note")
    house.run()
    edited = house.crm.records[house.crm.by_key("email", "p1@x.io")]
    cleared = house.crm.records[house.crm.by_key("email", "p2@x.io")]
    edited["owner_note"], cleared["owner_note"] = "call on Monday", None
    house.rows(4, score="i + 7", more=", 'new' AS note")
    counts = house.run().counts
    assert (counts.kept, counts.overwritten) == (1, 1)
    assert (edited["owner_note"], cleared["owner_note"]) == ("call on Monday", "new")
    answers = dict(house.warehouse.query('SELECT key, answer FROM tailrace_meta.sync_log ORDER BY "at"'))
    assert answers["1"] == "acked: kept as edited at the vendor: owner_note"
    assert answers["2"] == "acked: written over an edit: owner_note"


def test_a_spent_day_leaves_the_rest_pending_and_says_so(house):
    house.rows(1000)
    calls = []

    def before(batch):
        calls.append(batch)
        if len(calls) > 3:
            raise RateLimited("crm: the account's daily requests are spent", "run again tomorrow")

    house.crm.before = before
    result = house.run()
    assert (result.status, house.statuses()) == ("failed", {"acked": 300, "unknown": 100, "pending": 600})
    assert "daily requests are spent" in result.error
    assert len(calls) == 4, "the vendor is not asked again that day"


def test_a_breaker_stops_within_the_batches_in_flight(house):
    house.with_sync(guardrails=replace(house.sync.guardrails, max_failed=0.05))
    house.rows(5_000)
    house.crm.refuse = lambda values: "no"
    result = house.run(in_flight=4)
    assert result.status == "stopped"
    assert 3 <= len(house.crm.batches) <= 3 + 4


class Texts:
    """The CRM as a destination that takes texts as well."""

    def __init__(self, crm, answer=None):
        self.crm, self.batches, self.answer = crm, [], answer

    def takes_texts(self, obj, options=None):
        return obj == "contacts"

    def write_texts(self, batch):
        self.batches.append(batch)
        if self.answer is not None:
            return self.answer(batch)
        return Written({str(batch.first + place): f"id-{key}" for place, key in enumerate(batch.keys)})

    def __getattr__(self, name):
        return getattr(self.crm, name)


def test_rows_that_are_all_alike_go_as_texts(house):
    house.rows(250)
    texts = house.crm = Texts(house.crm)
    result = house.run(in_flight=3)
    assert (result.counts.requests, result.counts.updated, house.statuses()) == (3, 250, {"acked": 250})
    assert texts.crm.batches == []
    assert sorted(batch.first for batch in texts.batches) == [0, 100, 200]
    assert texts.batches[0].documents[7] == '{"lead_grade":"A","lead_score":"7"}'
    assert {house.ledger(i)["remote_id"] for i in (0, 249)} == {"id-p0@x.io", "id-p249@x.io"}


@pytest.mark.parametrize("conflict", ["theirs", "if_empty"])
def test_fields_that_need_a_look_at_the_vendor_go_typed(house, conflict):
    house.with_sync(fields=(FieldMap("lead_score", "score", conflict=conflict),))
    house.rows(10)
    house.crm = Texts(house.crm)
    house.run()
    assert (house.crm.batches, len(house.crm.crm.batches)) == ([], 1)


def test_of_texts_too_only_what_was_said_of_a_sent_row_is_believed(house):
    house.rows(6)

    def answer(batch):
        accepted = {"0": "9", "1": "8", "2": "7", "77": "6"}
        others = [
            WriteResult("2", "dead", None, "refused"),
            WriteResult("3", "dead", None, "too long", "lead_score"),
            WriteResult("4", "later"),
        ]
        return Written(accepted, others)

    house.crm = Texts(house.crm, answer)
    house.run()
    statuses = [house.ledger(i)["status"] for i in range(6)]
    assert statuses == ["acked", "acked", "unknown", "dead", "pending", "unknown"]
    assert activate.dead_list(house.warehouse)[0].field == "lead_score"


def test_no_batch_is_handed_to_two_senders(house):
    house.rows(2_050)
    delivery = journal.find(house.store, house.prepare().delivery)
    for texts in (True, False):
        taken, guard = [], threading.Lock()
        with StagedFile(delivery, fields_of(delivery.meta), 50, texts=texts) as staged:

            def take(staged=staged, taken=taken, guard=guard):
                while (batch := staged.next()) is not None:
                    with guard:
                        taken.append(batch)

            threads = [threading.Thread(target=take) for _ in range(6)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
        taken.sort(key=lambda batch: batch.seq)
        assert {type(batch) for batch in taken} == {StagedTexts if texts else StagedBatch}
        assert [batch.seq for batch in taken] == list(range(41))
        assert [batch.first for batch in taken] == list(range(0, 2_050, 50))
        assert sum(batch.n for batch in taken) == 2_050


def test_a_stage_whose_rows_lie_mixed_is_not_sent(house):
    house.rows(3)
    prepared = house.prepare()
    stage = journal.find(house.store, prepared.delivery).stage
    duckdb.sql(
        f"CREATE TABLE m AS SELECT * REPLACE (CASE WHEN match_key = 'p1@x.io' THEN 'clear' ELSE operation END AS operation) FROM '{stage}'"
    )
    duckdb.sql(f"COPY m TO '{stage}' (FORMAT parquet)")
    duckdb.sql("DROP TABLE m")
    with pytest.raises(FatalError, match="kinds of requests lie mixed"):
        activate.deliver(house.store, prepared.delivery, house.crm)
    assert house.crm.batches == []


class Stumbling:
    """A connector that takes an odd answer apart: its error names a person's value."""

    def __init__(self, crm, where):
        self.crm, self.where = crm, where

    def write(self, batch):
        results = self.crm.write(batch)
        if self.where == "result":
            return [*results[:-1], None]
        if self.where == "write":
            raise KeyError("p7@x.io")
        return results

    def read_fields(self, *given, **more):
        if self.where == "read":
            raise TypeError("'p7@x.io' is no mapping")
        return self.crm.read_fields(*given, **more)

    def __getattr__(self, name):
        return getattr(self.crm, name)


def failed(house):
    """A run whose connector stumbles: the error is raised, and what was answered is in the journal."""
    with pytest.raises((KeyError, TypeError, AttributeError)):
        house.run()
    [result] = activate.recover(house.warehouse, house.store)
    return result


@pytest.mark.parametrize(
    ("where", "status", "written"),
    [("write", "unknown", 1), ("result", "unknown", 1), ("read", "pending", 0)],
)
def test_an_answer_that_a_connector_stumbles_over_is_a_failed_delivery(house, where, status, written):
    house.with_sync(fields=(FieldMap("lead_score", "score", conflict="theirs"),))
    house.rows(150)
    crm = house.crm
    house.crm = Stumbling(crm, where)
    result = failed(house)
    assert (result.status, house.statuses()) == ("failed", dict(Counter({status: 100}) + Counter(pending=50)))
    assert "does not understand" in result.error and "p7@x.io" not in result.error
    assert len(crm.batches) == written
    house.crm = crm
    assert house.run().status == "ok"
    assert house.statuses() == {"acked": 150}


def test_texts_that_a_connector_stumbles_over_are_a_failed_delivery(house):
    house.rows(150)
    house.crm = Texts(house.crm, lambda batch: None)
    result = failed(house)
    assert (result.status, house.statuses()) == ("failed", {"unknown": 100, "pending": 50})


def test_a_row_put_off_and_then_stumbled_over_is_unknown(house):
    house.rows(100)
    house.crm.after = put_off({"p7@x.io"}, 1)
    first = house.crm.write
    house.crm.write = lambda batch: first(batch) if len(batch.rows) > 1 else [None]
    assert failed(house).status == "failed"
    assert house.statuses() == {"acked": 99, "unknown": 1}


def half_done(outcome):
    """The record is written, and then the vendor refuses the rest of the row."""
    return lambda batch, results: [
        replace(each, outcome=outcome, reason="no room for its company", touched=True) for each in results
    ]


@pytest.mark.parametrize("outcome", ["dead", "unmatched", "later"])
def test_a_half_done_write_is_not_called_unchanged_when_the_model_goes_back(house, outcome):
    house.rows(1, score="1")
    house.run()
    house.crm.after = half_done(outcome)
    house.rows(1, score="2")
    house.run()
    [record] = house.crm.records.values()
    assert (house.ledger(0)["status"], record["lead_score"]) == (
        {"later": "pending"}.get(outcome, outcome),
        2,
    )
    assert house.ledger(0)["acked_values"] == '{"lead_grade":"A","lead_score":1}'
    house.crm.after = lambda batch, results: results
    house.rows(1, score="1")
    house.run()
    assert (house.ledger(0)["status"], record["lead_score"]) == ("acked", 1)


def test_what_was_written_before_a_row_was_put_off_stays_written(house):
    house.rows(1, score="1")
    house.run()
    kinds = ["later", "dead"]
    house.crm.after = lambda batch, results: [
        replace(each, outcome=kinds[0], reason="no", touched=kinds.pop(0) == "later") for each in results
    ]
    house.rows(1, score="2")
    house.run()
    house.crm.after = lambda batch, results: results
    house.rows(1, score="1")
    house.run()
    assert next(iter(house.crm.records.values()))["lead_score"] == 1


def test_a_record_written_under_another_unicode_form_is_forgotten_by_the_row_before(house):
    class NoIds(CRM):
        def _row(self, batch, row):
            return replace(super()._row(batch, row), remote_id=None)

        def by_key(self, field, key):
            folded = unicodedata.normalize("NFC", key).lower()
            records = self.records.items()
            return next(
                (n for n, r in records if unicodedata.normalize("NFC", r["email"]).lower() == folded), None
            )

    def model(second):
        house.model(
            "SELECT * FROM (VALUES (1, 'jos\u00e9@x.io', 1::BIGINT, 'A', false), (2, 'jose\u0301@x.io', 9, 'B', true))"
            f" t(contact_id, email, score, grade, suppressed) WHERE suppressed = {second}"
        )

    house.crm = NoIds()
    house.with_sync(mode="upsert")
    for second in ("false", "true", "false"):
        model(second)
        house.run()
    assert [record["lead_score"] for record in house.crm.records.values()] == [1]
