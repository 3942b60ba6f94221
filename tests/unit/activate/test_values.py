"""Maps, associations, keys in every shape, values that a vendor's field cannot take."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.unit.activate.crm import CONTACTS
from tests.unit.activate.test_operations import operations

from tailrace.activate import changeset, ledger
from tailrace.activate import run as activate
from tailrace.activate.check import check_sync
from tailrace.activate.result import Scope
from tailrace.connectors.sdk.writing import RemoteField
from tailrace.project.spec import Association, FieldMap
from tailrace.state import journal
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.stage import stage

STAGES = {"lead": "Lead", "won": "Customer"}


def staged_rows(house, prepared):
    """The delivery's file, by primary key."""
    delivery = journal.find(house.store, prepared.delivery)
    names = [
        row[0] for row in house.warehouse.query(f"DESCRIBE SELECT * FROM read_parquet('{delivery.stage}')")
    ]
    rows = house.warehouse.query(f"SELECT * FROM read_parquet('{delivery.stage}')")
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def fields_asked(**fields):
    asked = []

    def remote():
        asked.append(1)
        return {name: replace(RemoteField(name, "text"), **more) for name, more in fields.items()}

    remote.asked = asked
    return remote


def prepare(house, remote=None, landed=None, **options):
    staged = stage(house.warehouse, TableRef("marts", "lead_scores"), house.sync.name)
    from datetime import UTC, datetime

    return activate.prepare(
        house.warehouse, house.store, house.sync, house.obj, house.account, staged, house.quarantined,
        run_id=f"r{next(house.numbers):04d}", now=lambda: datetime.now(UTC), folder=house.folder / "stage",
        options=activate.Options(**{"sandbox": True, **options}), remote=remote, landed=landed,
    )  # fmt: skip


def deliver(house, prepared):
    activate.deliver(house.store, prepared.delivery, house.crm, in_flight=1)
    return activate.settle(house.warehouse, house.store, prepared.delivery)


def test_a_map_speaks_the_vendors_words_and_what_it_lacks_is_dead(house):
    house.with_sync(fields=(FieldMap("stage", "stage", map=STAGES),))
    house.rows(4, more=", CASE i WHEN 0 THEN 'lead' WHEN 1 THEN 'won' WHEN 2 THEN 'lost' END AS stage")
    house.run()
    assert house.statuses() == {"acked": 3, "dead": 1}
    assert [row.values for row in house.crm.batches[0].rows] == [
        {"stage": "Lead"}, {"stage": "Customer"}, {"stage": None},
    ]  # fmt: skip
    (letter,) = activate.dead_list(house.warehouse)
    assert (letter.primary_key, letter.field) == ("2", "stage")
    assert letter.reason == "stage is lost, which the map of stage lacks"
    house.run()
    assert len(house.crm.batches) == 1
    house.with_sync(fields=(FieldMap("stage", "stage", map={**STAGES, "lost": "Lost"}),))
    assert house.run().counts.updated == 1  # the others' values are what they were
    assert house.statuses() == {"acked": 4}
    assert activate.dead_list(house.warehouse) == []


def test_a_value_that_leaves_the_map_is_seen_although_it_reads_as_null(house):
    house.with_sync(fields=(FieldMap("stage", "stage", map=STAGES, if_null="skip"),))
    house.rows(1, more=", NULL::VARCHAR AS stage")
    house.run()
    house.rows(1, more=", 'lost' AS stage")
    house.run()
    assert house.statuses() == {"dead": 1}
    house.rows(1, more=", NULL::VARCHAR AS stage")
    house.run()
    assert house.statuses() == {"acked": 1}
    assert len(house.crm.batches) == 1


@pytest.mark.parametrize(
    ("value", "key"),
    [("true", "True"), ("false", "false"), ("1.50::DECIMAL(10,2)", "1.5"), ("7::HUGEINT", "7"), ("DATE '1969-07-20'", "1969-07-20"),
     ("'O''Neil \"x\"'", "O'Neil \"x\"")],
)  # fmt: skip
def test_maps_of_all_types(house, value, key):
    house.with_sync(fields=(FieldMap("word", "word", map={key: "it's"}),))
    house.rows(1, more=f", {value} AS word")
    house.run()
    assert house.crm.batches[0].rows[0].values == {"word": "it's"}


def test_an_association_is_part_of_the_value_and_no_field(house):
    house.obj = replace(CONTACTS, associations=("companies",))
    house.with_sync(associations=(Association("companies", "domain", "domain", "primary"),))
    house.rows(2, more=", CASE i WHEN 0 THEN ' acme.com ' END AS domain")
    rows = staged_rows(house, prepare(house))
    assert json.loads(rows["0"]["links"]) == [
        {"object": "companies", "match_field": "domain", "key": "acme.com", "label": "primary"}
    ]
    assert json.loads(rows["1"]["links"])[0]["key"] is None
    assert json.loads(rows["0"]["sent"]) == {"lead_score": 0, "lead_grade": "A"}
    assert json.loads(rows["0"]["vals"])["associations.companies"] == "acme.com"
    house.run()
    assert json.loads(house.ledger(0)["acked_values"])["associations.companies"] == "acme.com"
    assert house.run().counts.to_send == 0
    house.rows(2, more=", 'other.com' AS domain")
    assert house.run().counts.updated == 2


def test_nothing_but_a_membership(house):
    house.obj = replace(CONTACTS, takes_fields="any")
    house.with_sync(fields=(), mode="upsert")
    house.rows(3)
    assert house.run().counts.created == 3
    assert house.run().counts.to_send == 0
    house.rows(5)
    assert house.run().counts.created == 2


def test_a_changed_key_tells_the_one_before(house):
    house.with_sync(mode="upsert")
    house.rows(2)
    house.run()
    house.warehouse.execute(
        "UPDATE marts.lead_scores SET email = CASE contact_id WHEN 0 THEN 'P0@X.io' ELSE 'new@x.io' END, score = 77"
    )
    rows = staged_rows(house, prepare(house))
    assert {key: row["previous_key"] for key, row in rows.items()} == {"0": None, "1": "p1@x.io"}


def test_rows_without_a_match_are_appended_each_time_they_change(house):
    house.obj = replace(CONTACTS, modes=("append",), match_fields=())
    house.with_sync(mode="append", match_field="", match_column="")
    house.rows(3)
    rows = staged_rows(house, prepare(house))
    assert {(row["operation"], row["match_key"]) for row in rows.values()} == {("create", None)}
    assert house.statuses() == {"pending": 3}


def test_the_time_of_our_change_goes_along_in_utc(house):
    house.with_sync(updated_at="moment")
    house.rows(1, more=", TIMESTAMPTZ '1969-12-31 23:00:00-05' AS moment")
    assert str(staged_rows(house, prepare(house))["0"]["updated_at"]) == "1970-01-01 04:00:00"


def test_a_day_is_no_time(house):
    house.with_sync(updated_at="day")
    columns = {
        "contact_id": "BIGINT",
        "email": "VARCHAR",
        "score": "BIGINT",
        "grade": "VARCHAR",
        "day": "DATE",
    }
    (found,) = check_sync(house.sync, house.obj, columns)
    assert found.message == "column day is DATE, and updated_at has to be a time"
    (found,) = check_sync(replace(house.sync, updated_at="dya"), house.obj, columns)
    assert "no column dya" in found.message


def test_options_and_lengths_are_asked_for_once_and_only_with_something_to_send(house):
    remote = fields_asked(lead_grade={"options": ("A", "B")}, lead_score={"longest": 2}, note={"longest": 4}, tags={"options": ("x", "y"), "many": True})  # fmt: skip
    house.with_sync(fields=(*house.sync.fields, FieldMap("note", "note"), FieldMap("tags", "tags")))
    house.rows(
        6, score="i + 100",
        more=", CASE i WHEN 1 THEN 'a' ELSE 'B' END AS g, CASE i WHEN 2 THEN 'long' || chr(128512) WHEN 3 THEN 'four' END AS note,"
        " CASE i WHEN 4 THEN 'x;y' WHEN 5 THEN 'x;z' END AS tags",
    )  # fmt: skip
    house.with_sync(
        fields=tuple(replace(f, column="g") if f.field == "lead_grade" else f for f in house.sync.fields)
    )
    deliver(house, prepare(house, remote))
    assert len(remote.asked) == 1
    letters = {each.primary_key: (each.field, each.reason) for each in activate.dead_list(house.warehouse)}
    assert letters == {
        "1": ("lead_grade", "g is a, which is no option of lead_grade"),
        "2": ("note", "note has 5 characters, note takes 4"),
        "5": ("tags", "tags is x;z, which is no option of tags"),
    }
    house.warehouse.execute("UPDATE marts.lead_scores SET g = 'B', note = NULL, tags = NULL")
    deliver(house, prepare(house, remote))
    assert len(remote.asked) == 2
    assert house.statuses() == {"acked": 6}
    prepare(house, remote)
    assert len(remote.asked) == 2


@pytest.mark.parametrize(
    ("left", "right"),
    [("'JOSÉ@x.io'", "'jose' || chr(769) || '@X.io'"), ("'straße'", "'STRASSE'"), ("chr(9) || 'a@x.io '", "'A@x.io' || chr(160)"),
     ("'ΝΙΚΟΣ'", "'νικος'")],
)  # fmt: skip
def test_one_key_in_two_spellings(house, left, right):
    house.with_sync(mode="upsert")
    house.model(
        f"SELECT 1 AS contact_id, {left} AS email, 1 AS score, 'A' AS grade UNION ALL SELECT 2, {right}, 2, 'B'"
        " UNION ALL SELECT 3, 'other@x.io', 3, 'C'"
    )
    house.run()
    assert house.statuses() == {"dead": 2, "acked": 1}


@pytest.mark.parametrize(
    ("left", "right"), [("'ı@x.io'", "'i@x.io'"), ("'a b@x.io'", "'ab@x.io'"), ("'é@x.io'", "'e@x.io'")]
)
def test_two_keys_that_look_alike(house, left, right):
    house.with_sync(mode="upsert")
    house.model(
        f"SELECT 1 AS contact_id, {left} AS email, 1 AS score, 'A' AS grade UNION ALL SELECT 2, {right}, 2, 'B'"
    )
    house.run()
    assert house.statuses() == {"acked": 2}


def test_a_key_in_another_unicode_form_is_no_change(house):
    house.with_sync(mode="upsert")
    house.model("SELECT 1 AS contact_id, 'JOSÉ@x.io' AS email, 1 AS score, 'A' AS grade")
    house.run()
    house.model("SELECT 1 AS contact_id, 'jose' || chr(769) || '@x.io' AS email, 1 AS score, 'A' AS grade")
    assert house.run().counts.to_send == 0
    assert len(house.crm.batches) == 1


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("BIGINT", "9223372036854775807", "9223372036854775807"),
        ("UBIGINT", "18446744073709551615", "18446744073709551615"),
        ("HUGEINT", "170141183460469231731687303715884105727", "170141183460469231731687303715884105727"),
        ("DECIMAL(20,3)", "12345678901234567.890", "12345678901234567.890"),
        ("UUID", "'0b1f3c2e-0000-4000-8000-00000000000a'", "0b1f3c2e-0000-4000-8000-00000000000a"),
        ("DATE", "'1931-02-03'", "1931-02-03"),
        ("VARCHAR", "' 007'", " 007"),
    ],
)
def test_primary_keys_and_match_values_of_all_types(house, kind, value, text):
    house.with_sync(
        mode="upsert",
        match_column="contact_id",
        guardrails=replace(house.sync.guardrails, empty_model="send"),
    )
    house.model(f"SELECT CAST({value} AS {kind}) AS contact_id, 'x' AS email, 1 AS score, 'A' AS grade")
    house.run()
    assert house.ledger(text)["match_key"] == text.strip()
    assert house.run().counts.to_send == 0
    house.warehouse.execute("DELETE FROM marts.lead_scores")
    house.run()
    assert house.ledger(text)["status"] == "removed"


def test_a_model_column_named_rowid(house):
    house.with_sync(mode="upsert")
    for score in (1, 2):
        house.model(
            f"SELECT i AS contact_id, 'p' || i AS email, {score} AS score, 'A' AS grade, 1 AS rowid, 0 AS place FROM range(3) t(i)"
        )
        house.run()
    assert operations(house) == [("upsert", 3), ("upsert", 3)]


def test_big_decimals_survive_a_skipped_neighbour(house):
    house.with_sync(fields=(FieldMap("money", "money"), FieldMap("note", "note", if_null="skip")))
    house.rows(1, more=", 12345678901234567890.123456789::DECIMAL(38,9) AS money, NULL::VARCHAR AS note")
    row = staged_rows(house, prepare(house))["0"]
    assert row["sent"] == '{"money":12345678901234567890.123456789}'


def test_one_row_alone_changed_or_not(house):
    house.rows(5)
    house.run()
    house.rows(5, score="i + 50")
    for only, key in (("3", "3"), ("P2@x.io", "2"), ("3", "3")):
        result = house.run(only=only)
        assert result.counts.updated == 1
        assert [row.key for row in house.crm.batches[-1].rows] == [f"p{key}@x.io"]
    assert house.statuses() == {"acked": 2, "pending": 3}
    assert house.run(only="nobody").counts.to_send == 0
    house.run()
    assert house.statuses() == {"acked": 5}


def test_one_field_of_all_rows_is_one_write_of_each(house):
    house.rows(250)
    house.run()
    house.rows(250, score="i + 1000")
    assert house.run().counts.requests == 3


def test_a_row_that_reverts_before_it_was_sent_costs_nothing(house):
    house.rows(20)
    house.run()
    house.rows(20, score="i + 1000")
    house.run(limit=5)
    assert house.statuses() == {"acked": 5, "pending": 15}
    house.rows(20, score="CASE WHEN i < 5 THEN i + 1000 ELSE i % 100 END")
    assert house.run().counts.to_send == 0
    assert house.statuses() == {"acked": 20}


def test_bulk_from_the_declared_number_of_rows(house):
    house.obj = replace(CONTACTS, bulk_from=30, bulk_size=1000)
    house.rows(29)
    meta = journal.find(house.store, prepare(house).delivery).meta
    assert (meta["bulk"], meta["batch_size"]) == (False, 100)
    activate.recover(house.warehouse, house.store)
    house.rows(30)
    meta = journal.find(house.store, prepare(house).delivery).meta
    assert (meta["bulk"], meta["batch_size"]) == (True, 1000)


def test_an_idle_run_writes_nothing_for_rows_that_are_held_back(house):
    house.with_sync(where="score > 50", suppress="contact_id % 2 = 0")
    house.rows(90)
    house.run()
    scope = Scope(house.account, "contacts", "scores")
    staged = stage(house.warehouse, TableRef("marts", "lead_scores"), "scores")
    asked = changeset.question(
        house.warehouse, house.sync, staged, scope, known=ledger.relation(house.warehouse, scope), quarantined=None, full_resync=False
    )  # fmt: skip
    changeset.collect(house.warehouse, asked)
    assert house.warehouse.query("SELECT count(*) FROM tailrace_candidates") == [(0,)]
    changeset.discard(house.warehouse)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("DATE", "infinity"), ("DATE", "-infinity"), ("TIMESTAMP", "infinity"), ("TIMESTAMPTZ", "-infinity"),
        ("TIMESTAMP_S", "infinity"), ("HUGEINT", "1" + "0" * 38), ("HUGEINT", "-1" + "0" * 38), ("UHUGEINT", "3" + "0" * 38),
    ],
)  # fmt: skip
def test_a_value_that_no_vendor_could_take_is_one_dead_row(house, kind, value):
    good = "7" if "HUGE" in kind else "1969-07-20"
    house.with_sync(fields=(FieldMap("lead_score", "odd"),))
    select = f"CAST(CASE WHEN i = 1 THEN '{value}' WHEN i = 3 THEN NULL ELSE '{good}' END AS {kind}) AS odd"
    house.rows(4, more=f", {select}")
    assert house.run().counts.updated == 3
    assert house.statuses() == {"acked": 3, "dead": 1}
    letter = activate.dead_list(house.warehouse)[0]
    assert (letter.primary_key, letter.field) == ("1", "lead_score")
    assert letter.reason == ("odd has more than 38 digits" if "HUGE" in kind else "odd is infinite")
    house.rows(4, more=f", {select.replace(value, good)}")
    assert house.run().counts.updated == 1
