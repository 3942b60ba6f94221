"""Rows that were not sent though they had to be, or were taken for another row."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.activate.test_landed import run

from tailrace.project.spec import Association, FieldMap


def people(house, *rows: str) -> None:
    """One row each: contact_id, email, score, grade."""
    house.model(f"SELECT * FROM (VALUES {', '.join(rows)}) t(contact_id, email, score, grade)")


def field(house, *maps: tuple[str, str]) -> None:
    house.with_sync(mode="upsert", fields=tuple(FieldMap(*each) for each in maps))


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        ([("f", "contact_id")], [("f", "email")], {"f": "a@x.io"}),
        ([("f", "score"), ("g", "grade"), ("h", "score")], [("f", "score"), ("g", "grade"), ("h", "grade")], {"h": "A"}),
    ],
)  # fmt: skip
def test_a_field_of_another_column_is_sent(house, before, after, sent):
    field(house, *before)
    people(house, "(1, 'a@x.io', 7, 'A')")
    house.run()
    field(house, *after)
    assert house.run().counts.to_send == 1
    assert sent.items() <= house.crm.records["1000"].items()
    assert house.run().counts.to_send == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("true", "1"),
        ("1.50::DECIMAL(10, 2)", "150"),
        ("1.5::DECIMAL(10, 1)", "0.15::DECIMAL(10, 2)"),
        ("DATE '2026-01-01'", "20454"),
        ("INTERVAL 30 DAYS", "INTERVAL 1 MONTH"),
    ],
)
def test_values_that_the_engine_hashes_alike_are_told_apart(house, before, after):
    field(house, ("f", "v"))
    house.model(f"SELECT 1 AS contact_id, 'a@x.io' AS email, {before} AS v")
    house.run()
    house.model(f"SELECT 1 AS contact_id, 'a@x.io' AS email, {after} AS v")
    assert house.run().counts.to_send == 1


@pytest.mark.parametrize("limit", [None, 1])
def test_keys_swapped_over_two_runs_are_both_written(house, limit):
    for name in "ab":
        house.crm.add({"email": f"{name}@x.io"})
    people(house, "(1, 'a@x.io', 1, 'A')", "(2, 'b@x.io', 2, 'A')")
    house.run()
    people(house, "(1, 'b@x.io', 1, 'A')", "(2, 'a@x.io', 2, 'A')")
    for _ in range(3):
        house.run(limit=limit)
    assert house.statuses() == {"acked": 2}
    assert {r["email"]: r["lead_score"] for r in house.crm.records.values()} == {"b@x.io": 1, "a@x.io": 2}


def test_a_row_that_waits_elsewhere_does_not_own_the_record(house):
    for name in "ab":
        house.crm.add({"email": f"{name}@x.io"})
    people(house, "(1, 'b@x.io', 1, 'A')", "(2, 'a@x.io', 2, 'A')")
    house.run()
    people(house, "(1, 'gone@x.io', 1, 'A')", "(2, 'b@x.io', 2, 'A')")
    house.run()
    people(house, "(1, 'gone@x.io', 1, 'A')", "(2, 'b@x.io', 3, 'A')")
    house.run()
    assert house.ledger(2)["status"] == "acked"
    assert house.statuses() == {"acked": 1, "unmatched": 1}


@pytest.mark.parametrize("limit", [None, 5])
def test_only_means_the_primary_key_and_no_other_rows_match_value(house, limit):
    house.with_sync(mode="upsert")
    people(house, "(5, '7', 1, 'A')", "(7, '5', 1, 'A')")
    house.run(only="5", limit=limit)
    assert [row.key for batch in house.crm.batches for row in batch.rows] == ["7"]
    house.run(only="5", limit=limit)
    assert [row.key for batch in house.crm.batches[1:] for row in batch.rows] == ["7"]


def test_a_record_is_given_up_only_once_its_new_row_is_accepted(house):
    house.with_sync(mode="mirror", on_removed="archive")
    people(house, "(1, 'a@x.io', 1, 'A')", "(9, 'z@x.io', 1, 'A')")
    house.run()
    house.crm.refuse = lambda values: "bad" if values.get("lead_grade") == "Z" else None
    people(house, "(101, 'a@x.io', 1, 'Z')", "(9, 'z@x.io', 1, 'A')")
    for _ in range(2):
        house.run()
    people(house, "(9, 'z@x.io', 1, 'A')")
    house.run()
    assert [record["email"] for record in house.crm.records.values()] == ["z@x.io"]


def test_a_record_whose_new_row_is_accepted_is_never_archived(house):
    house.with_sync(mode="mirror", on_removed="archive")
    people(house, "(1, 'a@x.io', 1, 'A')")
    house.run()
    people(house, "(101, 'a@x.io', 2, 'A')")
    for _ in range(3):
        house.run()
    assert house.statuses() == {"acked": 1, "removed": 1}
    assert [record["lead_score"] for record in house.crm.records.values()] == [2]


def test_a_dotted_capital_i_makes_twins_and_no_crash(house):
    house.with_sync(mode="upsert")
    people(house, "(1, '\u0130@x.io', 1, 'A')", "(2, 'i\u0307@x.io', 1, 'A')")
    house.run()
    assert house.statuses() == {"dead": 2}
    assert "the same in 2 rows" in house.ledger(1)["error"]


def test_without_a_change_log_a_landed_record_is_found_all_the_same(house):
    people(house, "(1, 'late@x.io', 5, 'A')")
    house.warehouse.ensure_schema("hubspot")
    house.warehouse.execute("CREATE TABLE hubspot.contacts (id VARCHAR, email VARCHAR)")
    for _ in range(2):
        run(house)
    assert len(house.crm.batches) == 1  # not landed yet: nobody is asked again
    number = house.crm.add({"email": "late@x.io"})
    house.warehouse.execute(f"INSERT INTO hubspot.contacts VALUES ('{number}', 'late@x.io')")
    run(house)
    assert house.ledger(1)["status"] == "acked"


def test_other_rules_of_an_association_send_the_rows_that_have_one(house):
    def linked(match_field: str, label: str) -> int:
        house.with_sync(associations=(Association("companies", match_field, "company", label),))
        return house.run().counts.to_send

    house.obj = replace(house.obj, associations=("*",))
    house.with_sync(mode="upsert")
    house.rows(4, more=", CASE WHEN i < 3 THEN 'c.io' END AS company")
    assert linked("domain", "") == 4
    assert linked("domain", "Partner") == 3
    assert linked("name", "Partner") == 3
    house.with_sync(fields=house.sync.fields[:1])
    assert linked("name", "Partner") == 0
