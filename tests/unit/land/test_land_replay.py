"""Replay: from raw rows alone come the same tables, the same log, under the same numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.land.scripted import Column, Landing, Schema, Scripted, assert_folds, gone, page, row
from tests.unit.land.test_land_ends import erased, merged

from tailrace.errors import FatalError
from tailrace.land.cursors import read_cursor
from tailrace.land.replay import replay
from tailrace.records import Scope
from tailrace.warehouse.base import TableRef

CONTACTS = TableRef("crm", "contacts")


def tables(landing: Landing) -> dict[str, list]:
    return {
        suffix: landing.rows(suffix, order)
        for suffix, order in (("", "id"), ("__changes", "_seq"), ("__keys", "id"))
    }


def busy(landing: Landing) -> None:
    landing.land(page(row("1", "a", score=1), row("2", "b"), row("3", "c"), row("4", "d"), at=1))
    landing.land(page(row("1", "a2"), at=2), gone("2", at=2), merged(("3", "1"), at=2))
    landing.land(page(row("1", "late"), at=1.5), page(row("2", "back"), at=3), erased("4", at=3))
    landing.land(page(row("5", "e"), at=4), scopes=(Scope(),))
    landing.land(page(row("5", "e", seen="2024-03-01T00:00:09Z"), at=5))


def redo(landing: Landing, days=None, changes=True):
    return replay(landing.warehouse, CONTACTS, days, changes=changes)


@pytest.mark.parametrize("dropped", [(), ("",), ("__keys",), ("__changes",), ("", "__keys", "__changes")])
def test_the_same_tables_come_from_raw_rows(dropped):
    landing = Landing()
    busy(landing)
    before = tables(landing)
    for suffix in dropped:
        landing.warehouse.execute(f'DROP TABLE crm."contacts{suffix}"')
    done = redo(landing)
    assert tables(landing) == before
    assert done.keys == 5 and done.changes == len(before["__changes"])
    assert_folds(landing, erased=("4",))
    assert landing.land(page(row("1", "a2"), at=2)).rows_out == 0


def test_what_somebody_spoilt_is_put_right_and_models_learn_of_it():
    landing = Landing()
    busy(landing)
    before, cursor = tables(landing), read_cursor(landing.warehouse, "crm.contacts")
    landing.warehouse.execute("UPDATE crm.contacts SET email = 'oops'")
    landing.warehouse.execute("DELETE FROM crm.contacts__changes WHERE id = '1'")
    redo(landing)
    assert tables(landing) == before
    after = read_cursor(landing.warehouse, "crm.contacts")
    assert after.data_version > cursor.data_version and after.position == cursor.position
    landing.land(page(row("9", "new"), at=9))
    assert_folds(landing, erased=("4",))


def test_raw_rows_that_were_let_go_are_no_loss():
    landing = Landing(step=timedelta(hours=1))
    busy(landing)
    landing.resource = replace(landing.resource, keep_raw=3 * 3600.0)
    landing.land(page(row("5", "f"), at=6))
    before = tables(landing)
    kept = landing.count("__raw")
    assert kept == redo(landing).rows < 11
    assert tables(landing) == before
    assert_folds(landing, erased=("4",))


def test_only_keys_with_a_raw_row_of_those_days_are_rebuilt():
    landing = Landing(step=timedelta(days=1))
    landing.land(page(row("1", "a"), at=1))
    first = landing.rows("__raw")[0]["_seen_at"].date()
    landing.land(page(row("2", "b"), at=1))
    landing.warehouse.execute("UPDATE crm.contacts SET email = 'oops'")
    assert redo(landing, (first, first)).keys == 1
    assert [found["email"] for found in landing.rows()] == ["a", "oops"]
    with pytest.raises(FatalError, match="no raw rows of those days"):
        redo(landing, (date(1999, 1, 1), date(1999, 1, 1)))
    assert [found["email"] for found in landing.rows()] == ["a", "oops"]


def test_columns_that_came_and_went_are_replayed_as_they_were_read():
    def declared(*names: str) -> Schema:
        return Schema((Column("id"), *map(Column, names)), ("id",))

    landing = Landing(source=Scripted(declared("email", "phone")))
    landing.land(page(row("1", "a", phone="5"), row("2", "b", phone="6"), at=1))
    landing.source.declared = declared("email")
    landing.land(page(row("1", "a2"), at=2))
    landing.source.declared = declared("email", "phone", "city")
    landing.land(page(row("2", "b", phone="7", city="x"), at=3))
    before = tables(landing)
    redo(landing)
    assert tables(landing) == before
    assert before[""][0]["phone"] == "5"


def test_without_a_log_the_current_table_is_rebuilt():
    landing = Landing(changes=False)
    busy(landing)
    before = landing.rows()
    landing.warehouse.execute("DROP TABLE crm.contacts")
    redo(landing, changes=False)
    assert landing.rows() == before


def test_a_resource_that_was_never_landed_says_so():
    with pytest.raises(FatalError, match=r"crm\.contacts was never landed here"):
        redo(Landing())


KEY = st.sampled_from("123")
CHANGE = st.one_of(
    st.builds(
        lambda key, email, at: page(row(key, email), at=at), KEY, st.sampled_from("ab"), st.integers(1, 6)
    ),
    st.builds(lambda key, at: gone(key, at=at), KEY, st.integers(1, 6)),
    st.builds(lambda key, at: merged((key, "1"), at=at), KEY, st.integers(1, 6)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.lists(CHANGE, max_size=4), st.booleans()), min_size=1, max_size=5))
def test_any_history_is_replayed(history):
    landing = Landing()
    for pages, complete in history:
        landing.land(*pages, scopes=(Scope(),) if complete else ())
    if not landing.count("__raw"):
        return
    before = tables(landing)
    for suffix in ("", "__keys", "__changes"):
        landing.warehouse.execute(f'DROP TABLE crm."contacts{suffix}"')
    redo(landing)
    assert tables(landing) == before


def pruned(*reads, changes=True) -> Landing:
    """Each read an hour after the one before it; raw rows of all but the last two reads are let go."""
    landing = Landing(changes=changes, step=timedelta(0))
    for number, (pages, scopes) in enumerate(reads):
        landing.at += timedelta(hours=1)
        if number == len(reads) - 1:
            landing.resource = replace(landing.resource, keep_raw=1.5 * 3600.0)
        landing.land(*pages, scopes=scopes)
    return landing


NOTHING: tuple = ()
HISTORIES = {
    "swept and taken back": [
        ([page(row("1", "a"), row("2", "b"), at=1)], NOTHING),
        ([page(row("2", "b"), at=1)], (Scope(),)),
        ([page(row("1", "a"), row("2", "b"), at=1)], (Scope(),)),
        ([page(row("2", "c"), at=2)], NOTHING),
        ([page(row("3", "c"), at=2)], NOTHING),
    ],
    "a touch, then a late page": [
        ([page(row("1", "v1"), at=1)], NOTHING),
        ([page(row("1", "v1", seen="2024-03-01T00:00:05Z"), at=5)], NOTHING),
        ([page(row("1", "v3"), at=3)], NOTHING),
        ([page(row("2", "x"), at=3)], NOTHING),
    ],
    "the tombstone of an unknown key": [
        ([gone("1", at=9), page(row("2", "x"), at=1)], NOTHING),
        ([page(row("1", "late"), at=3)], NOTHING),
        ([page(row("2", "y"), at=3)], NOTHING),
    ],
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("changes", [True, False])
def test_a_replay_after_pruning_goes_back_in_nothing(name, changes):
    landing = pruned(*HISTORIES[name], changes=changes)
    suffixes = ("", "__changes", "__keys") if changes else ("", "__keys")
    before = [landing.rows(suffix, "_seq" if "changes" in suffix else "id") for suffix in suffixes]
    redo(landing, changes=changes)
    assert [landing.rows(suffix, "_seq" if "changes" in suffix else "id") for suffix in suffixes] == before


def test_rows_that_a_kill_left_behind_are_nobodys():
    landing = Landing()
    landing.land(page(row("1", "a"), row("2", "b"), at=1))
    landing.warehouse.execute(
        "INSERT INTO crm.contacts__raw (id, _raw_seq, _version_at, _deleted, _shape) VALUES ('2', 3, TIMESTAMP '2030-01-01', TRUE, 0)"
    )
    redo(landing)
    landing.land(page(row("3", "c"), at=1))
    redo(landing)
    assert [found["id"] for found in landing.rows()] == ["1", "2", "3"]
