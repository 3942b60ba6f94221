"""Reconcile: which keys the vendor has and we do not, and the other way round."""

from __future__ import annotations

import pytest
from tests.unit.land.scripted import Column, Landing, Schema, Scripted, gone, page, row

from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.errors import FatalError
from tailrace.land.reconcile import Difference, reconcile
from tailrace.records import Checkpoint, Scope
from tailrace.warehouse.base import TableRef

CONTACTS = TableRef("crm", "contacts")


WHOLE = (Scope(),)


def compared(landing: Landing, *items, scopes=WHOLE):
    landing.source.items = [*items, Checkpoint({"at": "x"}, scopes)]
    return reconcile(landing.warehouse, landing.source, ResourceSpec("contacts"), CONTACTS)


def landed() -> Landing:
    landing = Landing()
    landing.land(page(row("1", "a"), row("2", "b"), row("3", "c"), at=1))
    return landing


def test_the_same_on_both_sides_agrees():
    landing = landed()
    found = compared(landing, page(row("3"), at=1), page(row("1"), row("2"), row("2"), at=1))
    assert found.agrees and found.complete and (found.theirs, found.ours) == (3, 3)


def test_every_difference_is_counted_and_named():
    landing = landed()
    found = compared(
        landing, page(row("1", "a"), at=2), page(row("8"), row("9"), row("2"), at=1), gone("9", at=2)
    )
    assert not found.agrees and (found.theirs, found.ours) == (3, 3)
    assert found.missing == Difference(1, ("8",))
    assert found.surplus == Difference(1, ("3",))
    assert found.behind == Difference(1, ("1",))


def test_nothing_is_written():
    landing = landed()
    before = [landing.rows(suffix) for suffix in ("", "__raw", "__changes", "__keys")]
    compared(landing, page(row("9"), at=5))
    assert [landing.rows(suffix) for suffix in ("", "__raw", "__changes", "__keys")] == before
    landing.land()
    assert landing.source.asked[-1] == {"at": 1}


def test_only_what_was_read_completely_is_compared():
    landing = Landing()
    landing.land(
        page(row("1", born="2024-01-01"), row("2", born="2024-01-05"), row("3", born="2024-01-06"), at=1)
    )
    between = Scope({}, ("born", "2024-01-05", "2024-01-09"))
    found = compared(landing, page(row("2", born="2024-01-05"), at=1), scopes=(between,))
    assert found.surplus == Difference(1, ("3",)) and not found.complete
    assert (found.ours, found.compared) == (3, 2)


def test_a_census_is_asked_where_there_is_one():
    class Counted(Scripted):
        def census(self, resource, schema):
            yield page({"id": "1"}, {"id": "2"})

    landing = Landing(source=Counted())
    landing.land(page(row("1", "a"), row("3", "c"), at=1))
    asked = len(landing.source.asked)
    found = compared(landing)
    assert len(landing.source.asked) == asked
    assert (found.missing.keys, found.surplus.keys, found.behind.count) == (("2",), ("3",), 0)


def test_keys_are_compared_as_they_are_stored():
    schema = Schema((Column("account", "bigint"), Column("day", "date")), ("account", "day"))
    landing = Landing(source=Scripted(schema))
    landing.land(page({"account": "7", "day": "2024-01-01"}, at=1))
    found = compared(
        landing, page({"account": 7, "day": "2024-01-01"}, {"account": 7, "day": "20240102"}, at=1)
    )
    assert found.missing == Difference(1, ("7 / 2024-01-02",)) and not found.surplus.count


def test_a_table_that_is_not_there_says_so():
    with pytest.raises(FatalError, match=r"crm\.contacts is not in the warehouse"):
        compared(Landing())
