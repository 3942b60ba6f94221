"""Only changed rows are sent, in as few requests as the batch size allows."""

from __future__ import annotations

import json


def test_first_idle_and_one_percent(house):
    house.rows(10_000)
    first = house.run(in_flight=4)
    assert first.status == "ok"
    assert first.document() == {
        "sync": "scores", "created": 0, "updated": 10_000, "deleted": 0, "unchanged": 0, "held_back": 0, "dead": 0,
        "requests": 100,
    }  # fmt: skip
    assert len(house.crm.batches) == 100
    assert house.statuses() == {"acked": 10_000}

    idle = house.run()
    assert len(house.crm.batches) == 100
    assert (idle.counts.unchanged, idle.counts.requests) == (10_000, 0)

    house.rows(10_000, score="CASE WHEN i % 100 = 7 THEN 1000 ELSE i % 100 END")
    third = house.run()
    assert len(house.crm.batches) == 101
    assert (third.counts.updated, third.counts.unchanged, third.counts.requests) == (100, 9_900, 1)
    changed = [record for record in house.crm.records.values() if record["lead_score"] == 1000]
    assert len(changed) == 100
    assert house.warehouse.query("SELECT count(*) FROM tailrace_meta.sync_log") == [(10_100,)]


def test_ledger_row_after_ack(house):
    house.rows(3)
    house.run()
    row = house.ledger(2)
    assert row["status"] == "acked"
    assert row["sent_hash"] == row["acked_hash"]
    assert json.loads(row["acked_values"]) == {"lead_score": 2, "lead_grade": "A"}
    assert house.crm.records[row["remote_id"]]["email"] == "p2@x.io"
    assert row["attempts"] == 0
    assert row["acked_at"] is not None
