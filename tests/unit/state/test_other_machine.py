"""A delivery that one machine staged and another one finds: one warehouse, one journal, two folders."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from tests.conformance.test_postgres_store import Opener
from tests.unit.activate.conftest import NO_LIMITS, SYNC, House

from tailrace.activate import run as activate
from tailrace.state import journal
from tailrace.warehouse.duckdb import DuckDBWarehouse

NAMES = count()


@pytest.fixture
def machines(postgres, tmp_path):
    """Two houses on one warehouse, as on BigQuery, with the vendor in common."""
    opener = Opener(postgres, tmp_path)
    opener.schema = f"machines_{next(NAMES)}"
    warehouse = DuckDBWarehouse(tmp_path / "work.duckdb")
    sync = replace(SYNC, guardrails=NO_LIMITS)
    one = House(tmp_path / "machine0", warehouse, opener(), sync=sync)
    two = House(tmp_path / "machine1", warehouse, opener(), sync=sync, crm=one.crm)
    yield one, two
    [store.close() for store in opener.opened]
    warehouse.close()


def test_what_another_machine_had_in_flight_is_sent_again(machines):
    one, two = machines
    one.rows(250)
    delivery = one.prepare().delivery
    activate.deliver(one.store, delivery, one.crm)  # and then its machine is gone
    (left,) = journal.deliveries(two.store)
    assert (left.delivery, left.stage.exists()) == (delivery, False)
    assert [record.n for record in journal.batches(two.store, delivery)] == [100, 100, 50]

    (given_up,) = activate.recover(two.warehouse, two.store)
    assert given_up.status == "failed"
    assert given_up.error.endswith("is gone: what was in flight is looked up or sent again")
    assert two.statuses() == {"unknown": 250}
    assert journal.deliveries(one.store) == []

    assert two.run().status == "ok"
    assert two.statuses() == {"acked": 250}
    assert {record["email"]: record["lead_score"] for record in two.crm.records.values()} == {
        f"p{i}@x.io": i % 100 for i in range(250)
    }


def test_the_machine_that_comes_back_clears_its_folder(machines):
    one, two = machines
    one.rows(120)
    stage = journal.find(one.store, one.prepare().delivery).stage
    two.run()
    assert stage.exists() and two.statuses() == {"acked": 120}
    one.rows(120, "i % 100 + 1")
    assert one.run().status == "ok"
    assert not stage.exists()


def test_a_delivery_that_sent_nothing_is_only_forgotten(machines):
    one, two = machines
    one.rows(120)
    one.prepare()
    assert one.statuses() == {"pending": 120}
    activate.recover(two.warehouse, two.store)
    assert two.statuses() == {"pending": 120} and journal.deliveries(two.store) == []
    two.run()
    assert two.statuses() == {"acked": 120}
