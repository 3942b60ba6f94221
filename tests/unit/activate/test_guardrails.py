"""Emptied models and emptied fields, and the one row that somebody asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tailrace.activate import run as activate
from tailrace.activate.foresight import foresee
from tailrace.project.spec import FieldMap, Guardrails
from tailrace.state import approvals
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.stage import stage

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def stopped(house, match, **options):
    with pytest.raises(activate.ChangesetStopped, match=match) as caught:
        house.run(**options)
    assert f"tailrace approve {caught.value.changeset}" in caught.value.fix
    return caught.value


def test_an_empty_model_stops_even_a_small_sync_that_keeps_what_left(house):
    house.with_sync(guardrails=Guardrails())
    house.rows(12)
    house.run()
    sent = len(house.crm.batches)
    house.warehouse.execute("DELETE FROM marts.lead_scores")
    first = stopped(house, r"the model has no rows, and the vendor has 12 of it \(empty_model is stop\)")
    again = stopped(house, "the model has no rows")
    assert first.changeset == again.changeset
    assert house.statuses() == {"acked": 12}
    approvals.approve(house.store, first.changeset, NOW)
    assert house.run().status == "ok"
    assert house.statuses() == {"removed": 12}
    assert house.run().status == "ok"  # a person has said so once
    assert len(house.crm.batches) == sent
    house.rows(12)
    house.run()
    house.warehouse.execute("DELETE FROM marts.lead_scores")
    stopped(house, "the model has no rows")  # the word was for that time


def test_an_empty_model_may_be_sent(house):
    house.with_sync(
        mode="mirror", on_removed="archive", guardrails=Guardrails(max_deleted=None, empty_model="send")
    )
    house.rows(120)
    house.run()
    house.warehouse.execute("DELETE FROM marts.lead_scores")
    assert house.run().counts.deleted == 120


def test_a_model_that_was_always_empty_stops_nothing(house):
    house.with_sync(guardrails=Guardrails())
    house.rows(0)
    assert house.run().status == "ok"


def emptied(house, rows: int, share: str, **rules):
    house.with_sync(guardrails=Guardrails(max_changed=None, **rules))
    house.rows(rows)
    house.run()
    house.rows(rows, score=f"CASE WHEN {share} THEN NULL ELSE i % 100 END")


def test_a_field_that_would_become_empty_in_many_rows_stops(house):
    emptied(house, 200, "i < 21")
    stop = stopped(house, r"lead_score would become empty in 21 of 200 rows \(10.5%, max_nulled is 10%\)")
    approvals.approve(house.store, stop.changeset, NOW)
    assert house.run().counts.updated == 21


@pytest.mark.parametrize(
    ("rows", "share", "rules"),
    [(200, "i < 20", {}), (99, "true", {}), (200, "true", {"max_nulled": None})],
    ids=["10% is allowed", "percentages count from 100 rows on", "off"],
)
def test_what_max_nulled_lets_through(house, rows, share, rules):
    emptied(house, rows, share, **rules)
    assert house.run().status == "ok"


def test_a_null_that_is_skipped_empties_nothing(house):
    house.with_sync(fields=(FieldMap("lead_score", "score", if_null="skip"), FieldMap("lead_grade", "grade")))
    emptied(house, 200, "true")
    assert house.run().counts.updated == 0


def test_one_row_by_key_goes_whatever_changed_and_counts_in_no_share(house):
    house.with_sync(guardrails=Guardrails())
    house.rows(200)
    house.run()
    house.rows(200, score="1000 + i")
    before = house.crm.written.total()
    assert house.run(only="7").counts.updated == 1
    assert house.crm.written.total() == before + 1
    assert house.ledger(7)["acked_values"] == '{"lead_grade":"A","lead_score":1007}'
    assert house.run(only="7").counts.updated == 1  # unchanged, and sent all the same
    stopped(house, "199 of 200 rows would be changed")


def test_one_row_is_no_way_around_the_first_sync(house):
    house.rows(150)
    stopped(house, "first sync to this account: 1 rows would be sent", sandbox=False, only="7")
    assert house.crm.batches == []


def test_full_resync_honours_gates_and_rows_that_left(house):
    house.with_sync(where="score < 90", suppress="contact_id = 3")
    house.rows(100)
    house.run()
    house.rows(95)
    before = dict(house.crm.written)
    counts = house.run(full_resync=True).counts
    written = {key for key in house.crm.written if house.crm.written[key] > before.get(key, 0)}
    assert (counts.updated, len(written)) == (89, 89)  # 90 to 94 are filtered, 3 is suppressed, 95 to 99 left
    assert house.statuses() == {"acked": 89, "filtered": 5, "suppressed": 1, "removed": 5}


@pytest.mark.parametrize("mode", ["insert", "update", "upsert", "mirror"])
def test_what_is_foreseen_is_what_happens(house, mode):
    house.with_sync(mode=mode, on_removed="archive" if mode == "mirror" else "keep")
    house.rows(150)
    house.run()
    house.rows(180, score="CASE WHEN i % 3 = 0 THEN i + 500 ELSE i % 100 END")
    house.warehouse.execute("DELETE FROM marts.lead_scores WHERE contact_id BETWEEN 20 AND 29")
    staged = stage(house.warehouse, TableRef("marts", "lead_scores"), house.sync.name)
    found = foresee(house.warehouse, house.sync, house.obj, staged)
    done = house.run().counts
    expected = replace(found.counts, examples=(), stop=None)
    assert replace(done, examples=()) == expected
    assert found.counts.to_send


def test_an_approval_is_for_the_rows_that_were_lost_and_ends_with_the_next_changeset(house):
    house.with_sync(mode="upsert", on_removed="keep")

    def emptied():
        house.warehouse.execute("DELETE FROM marts.lead_scores")
        with pytest.raises(activate.ChangesetStopped, match="the model has no rows") as caught:
            house.run()
        return caught.value.changeset

    house.rows(3)
    house.run()
    first = emptied()
    approvals.approve(house.store, first, NOW)
    house.rows(3)
    house.run()  # nothing to send, and nothing was stopped: the occasion is over
    assert approvals.waiting(house.store) == []
    assert emptied() == first
    approvals.approve(house.store, first, NOW)
    house.rows(4)
    house.run(limit=1)
    assert [each.changeset for each in approvals.waiting(house.store)] == [first]
    assert emptied() != first  # other rows are lost now
    house.rows(5)
    house.run()
    assert approvals.waiting(house.store) == []


def test_an_approved_emptied_model_passes(house):
    house.with_sync(mode="mirror", on_removed="archive")
    house.rows(3)
    house.run()
    house.warehouse.execute("DELETE FROM marts.lead_scores")
    with pytest.raises(activate.ChangesetStopped) as caught:
        house.run()
    approvals.approve(house.store, caught.value.changeset, NOW)
    assert house.run().counts.deleted == 3
    assert (len(house.crm.records), approvals.waiting(house.store)) == (0, [])
