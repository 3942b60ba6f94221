"""The ledger takes over what the CRM holds: nothing is sent, and then only what differs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.unit.activate.crm import CRM

from tailrace.activate import ledger
from tailrace.activate.adopt import Adopted, adopt
from tailrace.activate.changeset import question
from tailrace.activate.result import Scope
from tailrace.errors import FatalError
from tailrace.project.spec import FieldMap
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.stage import stage


def adopted(house) -> Adopted:
    ledger.ensure(house.warehouse)
    staged = stage(house.warehouse, TableRef("marts", "lead_scores"), house.sync.name)
    scope = Scope(house.account, house.sync.object, house.sync.name)
    asked = question(
        house.warehouse, house.sync, staged, scope,
        known=ledger.relation(house.warehouse, scope), quarantined=None, full_resync=False,
    )  # fmt: skip
    return adopt(house.warehouse, asked, house.crm, run_id="r0000", now=lambda: datetime.now(UTC))


def test_what_the_crm_has_already_is_not_sent_again(house):
    house.rows(250)
    for number, record in enumerate(house.crm.records.values()):
        record |= {"lead_score": f"{number % 100}.0", "lead_grade": "A"}
    list(house.crm.records.values())[17]["lead_score"] = "3"
    del house.crm.records[list(house.crm.records)[40]]
    assert adopted(house) == Adopted(same=248, differing=1, unknown=1)
    assert house.crm.batches == []
    house.one_row_each()
    assert house.statuses() == {"acked": 248, "pending": 2}
    found = house.ledger(17)
    assert found["acked_values"] == '{"lead_grade":"A","lead_score":"3"}'
    result = house.run()
    assert (result.counts.updated, result.counts.unmatched, result.counts.unchanged) == (1, 1, 248)
    assert [row.key for batch in house.crm.batches for row in batch.rows] == ["p17@x.io", "p40@x.io"]


def test_a_model_that_becomes_what_the_crm_has_costs_nothing(house):
    house.rows(3)
    for record in house.crm.records.values():
        record |= {"lead_score": "55", "lead_grade": "A"}
    assert adopted(house).differing == 3
    house.rows(3, score="55")
    assert house.run().counts.unchanged == 3
    assert house.crm.batches == []


def test_a_skipped_null_is_no_difference(house):
    house.with_sync(fields=(FieldMap("lead_score", "score", if_null="skip"), FieldMap("lead_grade", "grade")))
    house.rows(3, score="NULL")
    for record in house.crm.records.values():
        record |= {"lead_score": "55", "lead_grade": "A"}
    assert adopted(house) == Adopted(3, 0, 0)
    assert house.run().counts.unchanged == 3
    assert house.crm.batches == []


def test_gates_hold_and_a_second_adoption_asks_only_for_the_rest(house):
    house.with_sync(suppress="contact_id = 1")
    house.rows(4)
    assert adopted(house).asked == 3
    assert house.statuses() == {"pending": 3, "suppressed": 1}
    for record in house.crm.records.values():
        record |= {"lead_score": record["email"][1:-5], "lead_grade": "A"}
    assert adopted(house) == Adopted(3, 0, 0)
    reads = len(house.crm.reads)
    assert adopted(house).asked == 0
    assert len(house.crm.reads) == reads


def test_a_vendor_that_cannot_be_read_is_said_and_nothing_is_written(house):
    class Audience(CRM):
        def read_fields(self, *_args, **_more):
            return {}

        def fields(self, obj, options=None):  # noqa: ARG002
            return {}

    house.crm = Audience()
    house.rows(3)
    with pytest.raises(FatalError, match="cannot be read back"):
        adopted(house)
    assert house.statuses() == {}


@pytest.mark.parametrize("conflict", ["theirs", "if_empty"])
@pytest.mark.parametrize("before", [False, True])
def test_what_people_wrote_into_a_field_with_a_rule_is_not_taken_for_ours(house, conflict, before):
    house.with_sync(
        mode="upsert",
        fields=(FieldMap("lead_score", "score", conflict=conflict), FieldMap("lead_grade", "grade")),
    )
    house.crm.add({"email": "p0@x.io"})
    if before:
        house.rows(1, score="1")
        house.run()
    [record] = house.crm.records.values()
    record |= {"lead_score": "HUMAN", "lead_grade": "B"}
    house.rows(1, score="7")
    assert adopted(house) == Adopted(same=0, differing=1, unknown=0)
    kept = '{"lead_grade":"B","lead_score":1}' if before else '{"lead_grade":"B"}'
    assert house.ledger(0)["acked_values"] == kept
    counts = house.run().counts
    assert (record["lead_score"], record["lead_grade"], counts.kept) == ("HUMAN", "A", 1)


def test_a_skipped_null_of_a_field_with_a_rule_is_no_difference_and_takes_nothing_over(house):
    house.with_sync(
        fields=(
            FieldMap("lead_score", "score", if_null="skip", conflict="theirs"),
            FieldMap("lead_grade", "grade"),
        )
    )
    house.rows(1, score="NULL")
    [record] = house.crm.records.values()
    record |= {"lead_score": "55", "lead_grade": "A"}
    assert adopted(house) == Adopted(1, 0, 0)
    assert house.run().counts.to_send == 0
    house.rows(1, score="7")
    house.run()
    assert record["lead_score"] == "55"


def test_a_key_that_the_vendor_spells_in_its_own_way_is_found(house):
    class Spelling(CRM):
        def read_fields(self, obj, match_field, keys, fields, options=None):
            return {record["email"]: {"id": number, **record} for number, record in self.records.items()}

    house.crm = Spelling()
    house.crm.add({"email": " Jos\u00c9@x.io", "lead_score": "1", "lead_grade": "A"})
    house.model("SELECT 0 AS contact_id, 'jose\u0301@x.io' AS email, 1::BIGINT AS score, 'A' AS grade")
    assert adopted(house) == Adopted(1, 0, 0)
