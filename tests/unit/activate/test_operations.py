"""Modes, rows that left, changed keys, changed mappings, NULLs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tailrace.activate import run as activate
from tailrace.errors import BadInput
from tailrace.project.spec import FieldMap


def operations(house):
    return [(batch.operation, len(batch.rows)) for batch in house.crm.batches]


def test_upsert_creates_then_updates(house):
    house.with_sync(mode="upsert")
    house.rows(150)
    first = house.run()
    assert (first.counts.created, first.counts.updated) == (150, 0)
    assert len(house.crm.records) == 150
    house.rows(150, score="1000 + i")
    second = house.run()
    assert (second.counts.created, second.counts.updated) == (0, 150)
    assert len(house.crm.records) == 150


def test_a_known_record_whose_key_changed_is_changed_in_place(house):
    house.with_sync(mode="upsert")
    house.rows(5)
    house.run()
    house.warehouse.execute("UPDATE marts.lead_scores SET email = 'new@x.io' WHERE contact_id = 3")
    house.run()
    assert len(house.crm.records) == 5
    assert house.crm.records[house.ledger(3)["remote_id"]]["email"] == "new@x.io"
    assert operations(house)[-1] == ("update", 1)
    house.run()
    assert len(house.crm.batches) == 2


def test_a_record_gone_by_its_id_is_looked_for_by_key(house):
    house.with_sync(mode="upsert")
    house.rows(3)
    house.run()
    del house.crm.records[house.ledger(1)["remote_id"]]
    house.warehouse.execute("UPDATE marts.lead_scores SET email = 'new@x.io' WHERE contact_id = 1")
    house.run()
    assert house.ledger(1)["status"] == "pending"
    house.run()
    assert house.ledger(1)["status"] == "acked"
    assert house.crm.records[house.ledger(1)["remote_id"]]["email"] == "new@x.io"


def test_insert_never_touches_a_row_again(house):
    house.with_sync(mode="insert")
    house.rows(4)
    assert house.run().counts.created == 4
    house.rows(5, score="50 + i")
    assert house.run().counts.created == 1
    assert operations(house) == [("create", 4), ("create", 1)]
    with pytest.raises(BadInput, match="create every record again"):
        house.prepare(full_resync=True)


@pytest.mark.parametrize("mode", ["update", "mirror"])
def test_rows_that_left_the_model(house, mode):
    house.with_sync(mode=mode, on_removed="clear")
    house.rows(10)
    house.run()
    house.warehouse.execute("DELETE FROM marts.lead_scores WHERE contact_id IN (2, 3)")
    result = house.run()
    assert result.counts.deleted == 2
    gone = house.ledger(2)
    assert (gone["status"], gone["acked_hash"], gone["acked_values"]) == ("removed", None, None)
    assert house.crm.records[gone["remote_id"]]["lead_score"] is None
    house.run()
    assert len(house.crm.batches) == 2
    house.rows(10)
    back = house.run()
    assert (back.counts.updated, back.counts.unchanged) == (2, 8)
    assert house.statuses() == {"acked": 10}


def test_archive_and_return(house):
    house.with_sync(mode="mirror", on_removed="archive", where="score < 1000")
    house.rows(10)
    house.run()
    house.rows(10, score="CASE WHEN i < 2 THEN 1000 ELSE i END")
    result = house.run()
    assert result.counts.deleted == 2
    assert house.statuses() == {"filtered": 2, "acked": 8}
    assert len(house.crm.records) == 8
    assert operations(house)[-1] == ("archive", 2)
    assert house.crm.batches[-1].match_field is None
    house.rows(10)
    assert house.run().counts.created == 2
    assert len(house.crm.records) == 10


def test_kept_and_suppressed_rows_get_no_request_when_they_leave(house):
    house.with_sync(mode="mirror", on_removed="archive", suppress="not consent")
    house.rows(10, more=", true AS consent")
    house.run()
    house.rows(10, more=", i <> 4 AS consent")
    house.run()
    house.warehouse.execute("DELETE FROM marts.lead_scores WHERE contact_id = 4")
    house.run()
    assert house.ledger(4)["status"] == "removed"
    assert len(house.crm.records) == 10
    house.with_sync(mode="update", on_removed="keep")
    house.warehouse.execute("DELETE FROM marts.lead_scores WHERE contact_id = 5")
    house.run()
    assert house.ledger(5)["status"] == "removed"
    assert len(house.crm.batches) == 1


def test_a_changed_mapping_sends_only_rows_whose_values_differ(house):
    house.rows(300, more=", i % 100 AS points, CASE WHEN i < 50 THEN 'x' END AS note")
    house.run()
    sent = len(house.crm.batches)
    house.with_sync(fields=(FieldMap("lead_score", "points"), FieldMap("lead_grade", "grade")))
    house.run()  # another column, the same values
    house.with_sync(fields=(FieldMap("lead_score", "points"),))
    house.run()  # one field fewer
    assert len(house.crm.batches) == sent
    assert {row[0] for row in house.warehouse.query("SELECT fields FROM tailrace_meta.ledger")} != set()
    house.with_sync(fields=(FieldMap("lead_score", "points"), FieldMap("note", "note", if_null="skip")))
    result = house.run()
    assert result.counts.updated == 300  # a field that was never sent differs from every value
    house.run()
    assert len(house.crm.batches) == sent + 3


def test_skip_leaves_a_null_out_and_keeps_the_accepted_value(house):
    house.with_sync(fields=(FieldMap("lead_score", "score"), FieldMap("note", "note", if_null="skip")))
    house.rows(3, more=", 'old' AS note")
    house.run()
    house.rows(3, more=", CASE WHEN i = 1 THEN NULL ELSE 'old' END AS note")
    house.run()
    assert len(house.crm.batches) == 1
    house.rows(3, score="i + 50", more=", CASE WHEN i = 1 THEN NULL ELSE 'old' END AS note")
    house.run()
    row = house.ledger(1)
    assert house.crm.records[row["remote_id"]]["note"] == "old"
    assert json.loads(row["acked_values"])["note"] == "old"
    assert [set(each.values) for each in house.crm.batches[-1].rows] == [
        {"lead_score", "note"}, {"lead_score"}, {"lead_score", "note"},
    ]  # fmt: skip
    log = house.warehouse.query(
        "SELECT fields FROM tailrace_meta.sync_log WHERE key = '1' ORDER BY \"at\" DESC LIMIT 1"
    )
    assert json.loads(log[0][0]) == {"lead_score": 51}


def test_clear_sends_the_null(house):
    house.rows(2)
    house.run()
    house.warehouse.execute("UPDATE marts.lead_scores SET grade = NULL WHERE contact_id = 1")
    house.run()
    assert house.crm.batches[-1].rows[0].values == {"lead_score": 1, "lead_grade": None}


def test_values_arrive_as_what_they_are(house):
    house.model(
        "SELECT 1 AS contact_id, 'a@x.io' AS email, 9007199254740993 AS big, 1.50::DECIMAL(10,2) AS money, true AS yes,"
        " DATE '2024-02-29' AS day, TIMESTAMP '2024-01-01 10:00:00.123456' AS moment,"
        " TIMESTAMPTZ '2024-01-01 10:00:00+02' AS instant, 'O\"Neil\n,;' AS name, NULL::VARCHAR AS nothing,"
        " 0.1::DOUBLE AS share, 99999999999999999999999999999999999999::HUGEINT AS huge"
    )
    house.crm.add({"email": "a@x.io"})
    names = ("big", "money", "yes", "day", "moment", "instant", "name", "nothing", "share", "huge")
    house.with_sync(fields=tuple(FieldMap(name, name) for name in names))
    house.run()
    values = house.crm.batches[0].rows[0].values
    assert values == {
        "big": 9007199254740993, "money": Decimal("1.50"), "yes": True, "day": date(2024, 2, 29),
        "moment": datetime(2024, 1, 1, 10, 0, 0, 123456, tzinfo=UTC), "instant": datetime(2024, 1, 1, 8, tzinfo=UTC),
        "name": 'O"Neil\n,;', "nothing": None, "share": 0.1, "huge": 99999999999999999999999999999999999999,
    }  # fmt: skip
    assert isinstance(values["money"], Decimal)
    house.run()
    house.with_sync(fields=(*house.sync.fields, FieldMap("again", "big")))
    assert house.run().counts.updated == 1
    house.with_sync(fields=house.sync.fields[:-1])  # every type survives the ledger's JSON
    assert house.run().counts.unchanged == 1
    assert len(house.crm.batches) == 2


def test_limit_sends_the_first_rows_by_primary_key(house):
    house.rows(250)
    result = house.run(limit=10)
    assert result.counts.updated == 10
    assert house.statuses() == {"acked": 10, "pending": 240}
    assert all(house.ledger(i)["status"] == "acked" for i in range(10))  # 0 to 9, not 0, 1, 10, 100
    assert house.run().counts.updated == 240


def test_full_resync_sends_unchanged_rows_too(house):
    house.rows(120)
    house.run()
    result = house.run(full_resync=True)
    assert (result.counts.updated, result.counts.unchanged) == (120, 0)
    assert len(house.crm.batches) == 4


def test_two_accounts_do_not_mix(house):
    house.rows(5)
    house.run()
    house.account = "other"
    from tailrace.errors import FatalError

    with pytest.raises(FatalError, match="belong to account other, its ledger to portal"):
        activate.recover(house.warehouse, house.store)
        house.prepare()
    house.run(approve=True)
    assert house.warehouse.query("SELECT account, count(*) FROM tailrace_meta.ledger GROUP BY 1 ORDER BY 1") == [
        ("other", 5), ("portal", 5),
    ]  # fmt: skip
    house.run()
    assert len(house.crm.batches) == 2


def test_mixed_operations_are_batched_apart(house):
    house.with_sync(mode="upsert", on_removed="archive", guardrails=replace(house.sync.guardrails))
    house.rows(250)
    house.run()
    house.rows(120, score="i + 500")
    house.warehouse.execute(
        "UPDATE marts.lead_scores SET email = 'q' || contact_id || '@x.io' WHERE contact_id < 5"
    )
    result = house.run()
    assert operations(house)[3:] == [
        ("archive", 100),
        ("archive", 30),
        ("update", 5),
        ("upsert", 100),
        ("upsert", 15),
    ]
    assert result.counts.requests == 5
    assert len(house.crm.records) == 120


def test_a_record_that_another_row_took_over_is_written_again_when_the_first_returns(house):
    house.with_sync(where="score < 100")
    house.model("SELECT 1 AS contact_id, 'a@x.io' AS email, 5 AS score, 'A' AS grade")
    house.crm.add({"email": "a@x.io"})
    house.run()
    house.model(
        "SELECT 1 AS contact_id, 'a@x.io' AS email, 500 AS score, 'A' AS grade UNION ALL SELECT 2, 'A@x.io', 9, 'B'"
    )
    house.run()
    house.model("SELECT 1 AS contact_id, 'a@x.io' AS email, 5 AS score, 'A' AS grade")
    house.run()
    assert [record["lead_score"] for record in house.crm.records.values()] == [5]


@pytest.mark.parametrize("on_removed", ["archive", "clear"])
def test_a_row_that_left_takes_no_record_along_that_another_row_has_now(house, on_removed):
    """The same person under a new primary key, as when duplicates are merged differently."""
    house.with_sync(mode="mirror", on_removed=on_removed)
    house.model("SELECT 1 AS contact_id, 'a@x.io' AS email, 5 AS score, 'A' AS grade")
    house.run()
    house.model("SELECT 2 AS contact_id, 'A@x.io' AS email, 6 AS score, 'A' AS grade")
    house.run()
    house.run()
    assert [record["lead_score"] for record in house.crm.records.values()] == [6]
    assert house.statuses() == {"acked": 1, "removed": 1}
    assert len(house.crm.batches) == 2
