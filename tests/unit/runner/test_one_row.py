"""Why one row is not sent, in words that hold nothing personal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tailrace.activate import ledger
from tailrace.errors import GateStopped
from tailrace.runner.one_row import refuse
from tailrace.warehouse.duckdb import DuckDBWarehouse

SYNC = SimpleNamespace(name="people", object="contacts")
REASON = "lead_grade: +49-170-1234 is not among the options"


@pytest.fixture
def warehouse():
    found = DuckDBWarehouse(None)
    ledger.ensure(found)
    for key, status, error in (("1", "dead", REASON), ("2", "filtered", None)):
        found.execute(
            "INSERT INTO tailrace_meta.ledger BY NAME SELECT 'people' AS sync, 'portal' AS account, 'contacts' AS object,"
            " ? AS primary_key, ? AS status, ? AS error",
            [key, status, error],
        )
    yield found
    found.close()


def refused(warehouse, key, hidden):
    with pytest.raises(GateStopped) as caught:
        refuse(warehouse, SYNC, "portal", key, hidden=hidden)
    return str(caught.value)


def test_a_reason_is_repeated_where_nothing_is_personal(warehouse):
    assert REASON in refused(warehouse, "1", hidden=False)


def test_a_reason_that_may_hold_personal_values_is_not_repeated(warehouse):
    said = refused(warehouse, "1", hidden=True)
    assert "1234" not in said and "the row is dead" in said and "tailrace show --key" in said


def test_our_own_words_are_said_all_the_same(warehouse):
    assert "`where` is not true for it" in refused(warehouse, "2", hidden=True)
