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
