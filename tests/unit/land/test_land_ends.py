"""How rows end: merged into another, erased at the vendor; and ranges of days that are read on request."""

from __future__ import annotations

from datetime import date

import pytest
from tests.unit.land.scripted import Column, Landing, Schema, Scripted, assert_folds, gone, moment, page, row

from tailrace.errors import FatalError
from tailrace.records import Checkpoint, Page, Scope


def merged(*pairs, at) -> Page:
    """(loser, winner) pairs."""
    return Page(
        [{"id": loser} for loser, _ in pairs],
        [moment(at)] * len(pairs),
        deleted=True,
        merged_into=[winner for _, winner in pairs],
    )


def erased(*keys, at) -> Page:
    return Page([{"id": key} for key in keys], [moment(at)] * len(keys), deleted=True, erased=True)


def log(landing: Landing) -> list[tuple]:
    names = ("_op", "id", "email", "_merged_into")
    return [tuple(change[name] for name in names) for change in landing.rows("__changes", "_seq")]


def test_the_losers_delete_names_its_winner():
    landing = Landing()
    landing.land(page(row("1", "a"), row("2", "b"), row("3", "c"), at=1))
    landing.land(page(row("1", "ab"), at=2), merged(("2", "1"), at=2), gone("3", at=2))
    assert log(landing)[3:] == [
        ("update", "1", "ab", None),
        ("delete", "2", "b", "1"),
        ("delete", "3", "c", None),
    ]
    assert_folds(landing)
    assert landing.land(merged(("2", "1"), at=2)).rows_out == 0


def test_a_merge_of_what_was_never_seen_is_remembered_and_not_logged():
    landing = Landing()
    landing.land(page(row("1", "a"), at=1), merged(("9", "1"), at=5))
    landing.land(page(row("9", "late"), at=2))
    assert [found["id"] for found in landing.rows()] == ["1"]
    assert log(landing) == [("insert", "1", "a", None)]


@pytest.mark.parametrize("first", [True, False])
def test_an_erasure_does_not_write_the_person_down_once_more(first):
    landing = Landing()
    landing.land(page(row("1", "a"), row("2", "b"), at=1))
    pages = [page(row("1", "x"), at=2)] if not first else []
    landing.land(*pages, erased("1", at=3))
    assert log(landing)[-1] == ("delete", "1", None, None)
    assert [found["id"] for found in landing.rows()] == ["2"]


def test_what_an_erasing_scope_no_longer_shows_is_erased():
    landing = Landing()
    landing.land(page(row("1", "a"), row("2", "b"), row("3", "c"), at=1))
    landing.land(page(row("1", "a"), at=1), gone("3", at=2), scopes=(Scope(erased=True),))
    assert sorted(log(landing)[3:]) == [("delete", "2", None, None), ("delete", "3", "c", None)]
    assert landing.rows("__keys", "id")[1]["_hash"] == ""


def test_columns_of_an_older_release_are_added():
    landing = Landing()
    landing.land(page(row("1", "a"), at=1))
    for table, names in {"__raw": ("_merged_into", "_erased"), "__changes": ("_merged_into",)}.items():
        for name in names:
            landing.warehouse.execute(f'ALTER TABLE crm."contacts{table}" DROP COLUMN {name}')
    landing.land(merged(("1", "2"), at=2))
    assert log(landing)[-1] == ("delete", "1", "a", "2")


class Ranged(Scripted):
    """Answers a range by the rows born in it."""

    def backfill(self, resource, schema, first, last):
        self.asked.append((first, last))
        yield from self.items


def test_a_range_is_landed_and_the_cursor_stays():
    landing = Landing(source=Ranged())
    landing.land(
        page(row("1", "a", born="2024-01-01"), row("2", "b", born="2024-01-05"), at=1),
        position={"at": "here"},
    )
    days = (date(2024, 1, 1), date(2024, 1, 3))
    between = Scope({}, ("born", "2024-01-01", "2024-01-03"))
    landing.source.items = [
        page(row("3", "c", born="2024-01-02"), at=1),
        Checkpoint({"at": "there"}, (between,)),
    ]
    result = landing.again(days=days)
    assert landing.source.asked[-1] == days and (result.rows_in, result.rows_out) == (1, 2)
    assert [found["id"] for found in landing.rows()] == ["2", "3"]
    landing.land()
    assert landing.source.asked[-1] == {"at": "here"}
    assert_folds(landing)


def test_a_range_of_a_table_never_landed_leaves_the_first_read_to_come():
    landing = Landing(source=Ranged())
    landing.source.items = [page(row("1", "a"), at=1), Checkpoint({"at": "there"})]
    assert landing.again(days=(date(2024, 1, 1), date(2024, 1, 1))).rows_out == 1
    landing.land(page(row("1", "a"), row("2", "b"), at=1), scopes=(Scope(),))
    assert landing.source.asked[-1] is None and landing.count() == 2


def test_a_source_without_ranges_says_so():
    with pytest.raises(FatalError, match="cannot be asked for a range of days"):
        Landing().again(days=(date(2024, 1, 1), date(2024, 1, 1)))


def test_a_log_that_is_turned_on_later_begins_with_the_rows_as_they_are():
    landing = Landing(changes=False)
    landing.land(page(row("1", "a"), row("2", "b"), at=1))
    landing.changes = True
    landing.land(page(row("1", "c"), at=2), gone("2", at=3))
    assert log(landing) == [
        ("insert", "1", "a", None),
        ("insert", "2", "b", None),
        ("update", "1", "c", None),
        ("delete", "2", "b", None),
    ]
    assert_folds(landing)


def test_rows_named_by_other_columns_are_all_read_anew_where_no_log_would_be_lost():
    def keyed(*key: str) -> Schema:
        return Schema((Column("day"), Column("device"), Column("spend", "bigint")), key)

    landing = Landing(source=Scripted(keyed("day", "device")), changes=False)
    landing.land(page({"day": "1", "device": "a", "spend": 1}, {"day": "1", "device": "b", "spend": 2}))
    landing.source.declared = keyed("day")
    landing.land(page({"day": "1", "spend": 3}))
    assert landing.source.asked == [None, None]
    assert [(found["day"], found["spend"]) for found in landing.rows()] == [("1", 3)]
    assert [found["day"] for found in landing.rows("__keys")] == ["1"]


def test_edits_in_the_last_digit_are_edits():
    landing = Landing()
    landing.land(page(row("1", score="1234567890123456"), row("2", score="0.3"), at=1))
    assert landing.land(page(row("1", score="1234567890123457"), at=2)).rows_out == 1
    assert landing.land(page(row("2", score=0.1 + 0.2), at=2)).rows_out == 1
    assert_folds(landing)
