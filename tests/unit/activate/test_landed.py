"""What the landed records tell a changeset: rows whose record has come, records that were merged, records of two rows."""

from __future__ import annotations

import pytest
from tests.unit.activate.test_values import deliver, prepare, staged_rows

from tailrace.activate import changeset, ledger
from tailrace.activate import run as activate
from tailrace.activate.result import Landed, Scope
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.stage import stage

CONTACTS = Landed(TableRef("hubspot", "contacts"), "id")


@pytest.fixture
def landed(house):
    """The vendor's records as a pipeline lands them; the log is kept by `log`."""
    house.warehouse.ensure_schema("hubspot")
    house.warehouse.execute("CREATE TABLE hubspot.contacts (id VARCHAR, email VARCHAR)")
    house.warehouse.execute(
        "CREATE TABLE hubspot.contacts__changes (_seq BIGINT, _op VARCHAR, _run_id VARCHAR, _merged_into VARCHAR, id VARCHAR,"
        " email VARCHAR)"
    )

    def land():
        house.warehouse.execute("DELETE FROM hubspot.contacts")
        for number, record in house.crm.records.items():
            house.warehouse.execute("INSERT INTO hubspot.contacts VALUES (?, ?)", [number, record["email"]])

    return land


def log(house, op, number, email, merged=None):
    run = f"r{next(house.numbers):04d}"
    house.warehouse.execute(
        "INSERT INTO hubspot.contacts__changes SELECT coalesce(max(_seq), 0) + 1, ?, ?, ?, ?, ? FROM hubspot.contacts__changes",
        [op, run, merged, number, email],
    )


def run(house, **options):
    activate.recover(house.warehouse, house.store)
    prepared = prepare(house, landed=CONTACTS, **options)
    house.one_row_each()
    return deliver(house, prepared).counts if prepared.delivery else prepared.counts


def merge(house, loser, winner):
    """As the vendor does it: one record is left."""
    record = house.crm.records.pop(loser)
    house.crm.emails[record["email"].lower()] = winner
    house.crm.by_key = lambda field, key: (
        (n := house.crm.emails.get(key.lower())) and n in house.crm.records and n or None
    )
    log(house, "delete", loser, record["email"], winner)


def test_there_is_told_by_key_and_by_id_and_null_where_nothing_is_landed(house, landed):
    house.with_sync(mode="upsert")
    house.rows(3)
    house.crm.add({"email": "P1@X.io"})
    landed()
    assert there(house, CONTACTS) == {"0": False, "1": True, "2": False}
    assert there(house, None) == {"0": None, "1": None, "2": None}
    assert there(house, Landed(TableRef("hubspot", "nothing"), "id")) == {"0": None, "1": None, "2": None}


def there(house, landed):
    scope = Scope(house.account, "contacts", "scores")
    ledger.ensure(house.warehouse)
    staged = stage(house.warehouse, TableRef("marts", "lead_scores"), "scores")
    asked = changeset.question(
        house.warehouse, house.sync, staged, scope, known=ledger.relation(house.warehouse, scope), quarantined=None,
        full_resync=False, landed=landed,
    )  # fmt: skip
    changeset.collect(house.warehouse, asked)
    found = dict(house.warehouse.query(f"SELECT primary_key, there FROM {changeset.CHANGES}"))
    changeset.discard(house.warehouse)
    return found


def test_an_unmatched_row_goes_out_once_when_its_record_is_landed(house, landed):
    house.model("SELECT 1 AS contact_id, 'Nobody@x.io' AS email, 1 AS score, 'A' AS grade")
    landed()
    run(house)
    assert house.statuses() == {"unmatched": 1}
    run(house)
    assert len(house.crm.batches) == 1
    number = house.crm.add({"email": "nobody@x.io"})
    landed()
    log(house, "insert", number, "nobody@x.io")
    run(house)
    assert house.statuses() == {"acked": 1}
    assert house.crm.records[number]["lead_score"] == 1


def test_a_record_landed_that_is_gone_meanwhile_is_tried_once(house, landed):
    house.model("SELECT 1 AS contact_id, 'nobody@x.io' AS email, 1 AS score, 'A' AS grade")
    run(house)
    log(house, "insert", "7", "nobody@x.io")
    house.warehouse.execute("INSERT INTO hubspot.contacts VALUES ('7', 'nobody@x.io')")
    run(house)
    run(house)
    run(house)
    assert len(house.crm.batches) == 2
    assert house.statuses() == {"unmatched": 1}


def test_in_mode_update_a_changed_key_follows_the_record_that_is_known(house, landed):
    house.rows(3)
    run(house)
    landed()
    before = dict(house.crm.records[house.ledger(1)["remote_id"]])
    house.warehouse.execute(
        "UPDATE marts.lead_scores SET email = 'moved@x.io', score = 88 WHERE contact_id = 1"
    )
    run(house)
    after = house.crm.records[house.ledger(1)["remote_id"]]
    assert house.ledger(1)["status"] == "acked"
    assert after == {**before, "lead_score": 88}  # its own e-mail stays: mode update writes no match field
    assert run(house).to_send == 0


def test_in_mode_update_a_changed_key_that_another_record_has_is_written_there(house, landed):
    house.rows(2)
    other = house.crm.add({"email": "other@x.io"})
    run(house)
    landed()
    house.warehouse.execute(
        "UPDATE marts.lead_scores SET email = 'other@x.io', score = 88 WHERE contact_id = 1"
    )
    run(house)
    assert house.crm.records[other]["lead_score"] == 88
    assert house.ledger(1)["remote_id"] == other


def test_a_merge_moves_the_ledger_row_and_writes_its_values_once(house, landed):
    house.rows(3)
    winner = house.crm.add({"email": "winner@x.io"})
    run(house)
    merge(house, house.ledger(1)["remote_id"], winner)
    landed()
    run(house)
    assert house.ledger(1)["remote_id"] == winner
    assert house.crm.records[winner]["lead_score"] == 1
    sent = len(house.crm.batches)
    assert run(house).to_send == 0
    assert len(house.crm.batches) == sent


def test_merges_of_merges_lead_to_the_last_record(house, landed):
    house.rows(2)
    middle, last = house.crm.add({"email": "m@x.io"}), house.crm.add({"email": "l@x.io"})
    run(house)
    merge(house, house.ledger(1)["remote_id"], middle)
    merge(house, middle, last)
    house.crm.emails["p1@x.io"] = last
    landed()
    run(house)
    assert house.ledger(1)["remote_id"] == last


def score(house, base):
    house.warehouse.execute(f"UPDATE marts.lead_scores SET score = contact_id + {base}")


def test_a_record_merged_into_another_rows_is_left_to_that_row(house, landed):
    house.rows(3)
    run(house)
    loser, winner = house.ledger(2)["remote_id"], house.ledger(0)["remote_id"]
    merge(house, loser, winner)
    landed()
    score(house, 40)
    run(house)
    reason = f"its record {loser} was merged into {winner}, which row 0 writes"
    assert (house.ledger(2)["status"], house.ledger(2)["error"]) == ("dead", reason)
    assert house.crm.records[winner]["lead_score"] == 40
    for base in (60, 80):
        score(house, base)
        run(house)
        assert house.crm.records[winner]["lead_score"] == base
        assert house.ledger(2)["error"] == reason
    house.warehouse.execute("DELETE FROM marts.lead_scores WHERE contact_id = 0")
    run(house)
    assert house.ledger(2)["status"] == "acked"
    assert house.crm.records[winner]["lead_score"] == 82


def test_two_rows_of_one_record_never_take_turns(house):
    house.rows(2)
    house.crm.emails["p1@x.io"] = house.crm.emails["p0@x.io"]
    house.crm.by_key = lambda field, key: house.crm.emails.get(key.lower())
    house.run()
    assert house.ledger(0)["remote_id"] == house.ledger(1)["remote_id"]
    sent = []
    for score in (10, 20, 20, 20):
        house.rows(2, score=f"i + {score}")
        house.run()
        sent.append(house.crm.records[house.ledger(0)["remote_id"]]["lead_score"])
    assert sent == [10, 20, 20, 20]
    assert house.ledger(1)["status"] == "dead"
    assert house.ledger(1)["error"] == f"its record {house.ledger(0)['remote_id']} is row 0's, too"


def test_merges_are_read_once(house, landed):
    house.rows(2)
    winner = house.crm.add({"email": "winner@x.io"})
    run(house)
    merge(house, house.ledger(1)["remote_id"], winner)
    run(house)
    assert house.warehouse.query("SELECT seq FROM tailrace_meta.merges_read") == [(1,)]
    house.rows(2, score="i + 7")
    rows = staged_rows(house, prepare(house, landed=CONTACTS))
    assert rows["1"]["remote_id"] == winner
