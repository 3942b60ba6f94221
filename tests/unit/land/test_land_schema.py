"""Names that collide, columns that come and go, types that change: what the contract says happens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.land.scripted import (
    CONTACTS,
    Column,
    Landing,
    Schema,
    Scripted,
    assert_folds,
    gone,
    page,
    row,
)

from tailrace.errors import SchemaError
from tailrace.events import Notice, listening


def declared(*columns: Column) -> Schema:
    return Schema((Column("id"), *columns), ("id",))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("Email", "email"), "'Email' and 'email' would be one column"),
        (("a.b", "a_b"), "'a.b' and 'a_b' would be one column"),
        (("_seq",), "'_seq' is one of tailrace's own"),
        (("_Run_Id",), "'_Run_Id' is one of tailrace's own"),
        (('say "x"',), "quote or a control character"),
    ],
)
def test_names_are_judged_before_the_first_page(names, said):
    landing = Landing(source=Scripted(declared(*map(Column, names))))
    with pytest.raises(SchemaError) as caught:
        landing.land(page(row("1")))
    assert said in str(caught.value)
    assert landing.source.asked == [] and landing.columns() == {}


def test_all_collisions_are_told_at_once():
    landing = Landing(source=Scripted(declared(Column("A"), Column("a"), Column("_op"))))
    with pytest.raises(SchemaError) as caught:
        landing.land()
    assert "'A' and 'a'" in str(caught.value) and "'_op'" in str(caught.value)


def test_names_stay_the_vendors():
    names = ("Ext__c", "Weird name", "1st", "a.b", "ü", "select", "o'clock", "c,d")
    landing = Landing(source=Scripted(declared(*map(Column, names))))
    landing.land(page({"id": "1", **dict.fromkeys(names, "x")}, at=1))
    landing.land(page({"id": "1", **dict.fromkeys(names[:7], "y"), "c,d": "x"}, at=2))
    assert list(landing.columns()) == ["id", *names]
    assert landing.rows("__changes", "_seq")[1]["_changed_fields"].split(",") == list(names[:7])


def test_a_renamed_case_does_not_merge_into_the_stored_column():
    landing = Landing(source=Scripted(declared(Column("email"))))
    landing.land(page(row("1"), at=1))
    landing.source.declared = declared(Column("Email"))
    with pytest.raises(SchemaError, match="'Email' and the stored column 'email'"):
        landing.land(page(row("1"), at=2))


def test_a_subject_that_is_no_column_says_where():
    landing = Landing()
    landing.resource = replace(landing.resource, subject="emial")
    with pytest.raises(SchemaError, match=r"pipelines/crm.yml:1:1: subject 'emial'.*did you mean email"):
        landing.land()


def test_a_new_column_is_added_everywhere_and_a_vanished_one_keeps_its_last_values():
    landing = Landing(source=Scripted(declared(Column("email"))))
    landing.land(page(row("1", "e"), row("2", "e"), at=1))
    landing.source.declared = declared(Column("phone", "bigint"))
    with listening((heard := []).append):
        result = landing.land(page(row("1", phone="5"), row("2", phone=None), at=1))
    assert all("phone" in landing.columns(table) for table in ("", "__raw", "__changes"))
    assert [(found["email"], found["phone"]) for found in landing.rows()] == [("e", 5), ("e", None)]
    assert result.detail["updated"] == 1 and result.detail["vanished"] == ["email"]
    assert [one.text for one in heard if isinstance(one, Notice)] == [
        "crm.contacts no longer brings email: the last values stay. `tailrace plan` says who reads them"
    ]
    assert landing.rows("__changes", "_seq")[-1]["_changed_fields"] == "phone"
    assert_folds(landing)


def test_reading_fewer_columns_is_no_change_and_is_told_once():
    landing = Landing(source=Scripted(declared(Column("email"), Column("phone"))))
    landing.land(page(row("1", "e", phone="5"), row("2", "f", phone="6"), at=1))
    landing.source.declared = declared(Column("email"))
    assert landing.land(page(row("1", "e"), row("2", "f"), at=1)).rows_out == 0
    with listening((heard := []).append):
        assert landing.land(page(row("1", "g"), row("3", "n"), at=2)).rows_out == 2
    assert not [one for one in heard if isinstance(one, Notice)]
    assert [(found["email"], found["phone"]) for found in landing.rows()] == [
        ("g", "5"),
        ("f", "6"),
        ("n", None),
    ]
    assert landing.rows("__changes", "_seq")[-2]["phone"] == "5"
    assert_folds(landing)


def test_a_kept_value_ends_with_its_row():
    """Deleted and made anew in one read: the new record never had the value."""
    landing = Landing(source=Scripted(declared(Column("email"), Column("phone"))))
    landing.land(page(row("1", "e", phone="5"), row("2", "e", phone="6"), at=1))
    landing.source.declared = declared(Column("email"))
    landing.land(gone("1", "2", at=2), page(row("1", "e"), at=3), page(row("1", "f"), at=4))
    assert [(found["email"], found["phone"]) for found in landing.rows()] == [("f", None)]
    log = landing.rows("__changes", "_seq")[2:]
    assert [(found["_op"], found["id"], found["phone"]) for found in log] == [
        ("delete", "1", "5"),
        ("delete", "2", "6"),
        ("insert", "1", None),
        ("update", "1", None),
    ]
    assert_folds(landing)


def test_a_column_that_returns_is_compared_with_what_was_kept():
    landing = Landing(source=Scripted(declared(Column("email"), Column("phone"))))
    landing.land(page(row("1", "e", phone="5"), row("2", "e", phone="6"), at=1))
    landing.source.declared = declared(Column("email"))
    landing.land(page(row("1", "e"), row("2", "e"), at=2))
    landing.source.declared = declared(Column("email"), Column("phone"))
    again = landing.land(page(row("1", "e", phone="5"), row("2", "e", phone="7"), at=3))
    assert again.rows_out == 1
    assert landing.rows("__changes", "_seq")[-1]["_changed_fields"] == "phone"
    assert_folds(landing)


def test_the_same_version_read_with_more_columns_is_newer_whatever_its_hash():
    """Else the larger hash would win, and half of the rows would never get the new column."""
    landing = Landing(source=Scripted(declared(Column("email"))))
    keys = [str(number) for number in range(20)]
    landing.land(page(*(row(key, "e") for key in keys), at=1))
    landing.source.declared = declared(Column("email"), Column("phone"))
    landing.land(page(*(row(key, "e", phone=f"p{key}") for key in keys), at=1))
    assert all(found["phone"] == f"p{found['id']}" for found in landing.rows())
    again = landing.land(page(*(row(key, "e", phone=f"p{key}") for key in keys), at=1))
    assert again.rows_out == 0
    assert_folds(landing)


def test_a_new_column_without_values_changes_no_row():
    landing = Landing(source=Scripted(declared(Column("email"))))
    landing.land(page(row("1", "e"), at=1))
    landing.source.declared = declared(Column("email"), Column("phone"))
    assert landing.land(page(row("1", "e"), at=2)).rows_out == 0


def test_frozen_columns_and_tables():
    landing = Landing(source=Scripted(declared(Column("email"))))
    landing.contract(tables="freeze")
    with pytest.raises(SchemaError, match="freezes tables"):
        landing.land(page(row("1")))
    landing.contract(columns="freeze")
    landing.land(page(row("1"), at=1))
    landing.source.declared = declared(Column("email"), Column("phone"))
    with pytest.raises(SchemaError, match="'phone' is new and the contract freezes columns"):
        landing.land(page(row("1", phone="5"), at=2))
    assert "phone" not in landing.columns() and landing.count("__raw") == 1


def test_discarded_tables_are_skipped_with_a_word():
    landing, heard = Landing(), []
    landing.contract(tables="discard_row")
    with listening(heard.append):
        assert landing.land(page(row("1"))).status == "skipped"
    assert landing.columns() == {} and any(isinstance(event, Notice) for event in heard)


def test_discarded_new_columns():
    landing = Landing(source=Scripted(declared(Column("email"))))
    landing.land(page(row("1", "a"), at=1))
    landing.source.declared = declared(Column("email"), Column("phone"))
    landing.contract(columns="discard_value")
    landing.land(page(row("1", "b", phone="5"), at=2))
    assert landing.rows() == [{"id": "1", "email": "b"}]
    landing.contract(columns="discard_row")
    result = landing.land(page(row("1", "c", phone="5"), row("2", "c"), at=3))
    assert landing.rows() == [{"id": "1", "email": "b"}, {"id": "2", "email": "c"}]
    assert result.detail["left_out"] == ["1 rows were discarded for phone"]


def test_a_changed_type_evolves_into_a_variant():
    landing = Landing(source=Scripted(declared(Column("size", "bigint"))))
    landing.land(page(row("1", size=5), row("2", size=6), at=1))
    landing.source.declared = declared(Column("size", "double"))
    landing.land(page(row("1", size=5.0), row("2", size=6.5), row("3", size="big"), at=2))
    found = [(found["size"], found["size__v_double"], found["size__v_text"]) for found in landing.rows()]
    assert found == [(5, None, None), (None, 6.5, None), (None, None, "big")]
    assert [change["_op"] for change in landing.rows("__changes", "_seq")] == [
        "insert",
        "insert",
        "update",
        "insert",
    ]
    assert_folds(landing)


@pytest.mark.parametrize(("name", "kind"), [("size", "text"), ("size", "timestamp")])
def test_a_changed_type_under_a_frozen_contract_stops_before_reading(name, kind):
    landing = Landing(source=Scripted(declared(Column("size", "bigint"))))
    landing.land(page(row("1", size=5), at=1))
    landing.contract(data_type="freeze")
    landing.source.declared = declared(Column(name, kind))
    with pytest.raises(SchemaError, match=f"'size' was BIGINT and is {kind} now"):
        landing.land(page(row("1", size=6), at=2))
    assert len(landing.source.asked) == 1


def test_values_that_do_not_fit_go_to_the_text_variant():
    landing = Landing()
    landing.land(page(row("1", score="NaN"), row("2", score="1.5"), row("3", score=""), at=1))
    assert [(found["score"], found["score__v_text"]) for found in landing.rows()] == [
        (None, "NaN"),
        (1.5, None),
        (None, None),
    ]
    landing.land(
        page(row("4", score=float("nan")), row("5", score=10**40 + 1), row("6", score=float("-inf")), at=1)
    )
    assert [found["score__v_text"] for found in landing.rows()[3:]] == ["NaN", str(10**40 + 1), "-Infinity"]
    landing.land(page(row("1", score="2"), at=2))
    assert landing.rows("__changes", "_seq")[6]["_changed_fields"] == "score,score__v_text"
    assert_folds(landing)


def test_a_cursors_variant_is_no_change_either():
    landing = Landing()
    landing.land(page(row("1", "e", seen="soon"), at=1))
    assert landing.land(page(row("1", "e", seen="sooner"), at=2)).rows_out == 0
    assert landing.rows()[0]["seen__v_text"] == "sooner" and "seen__v_text" not in landing.columns(
        "__changes"
    )


def test_values_that_do_not_fit_a_frozen_type_name_column_key_and_value():
    landing = Landing()
    landing.contract(data_type="freeze")
    with pytest.raises(SchemaError, match="score is double, and the row 2 has 'ten'"):
        landing.land(page(row("1", score="1"), row("2", score="ten"), at=1))
    assert landing.count() == 0 and landing.count("__raw") == 0


def test_discarded_values_and_rows_are_counted():
    landing = Landing()
    landing.contract(data_type="discard_value")
    result = landing.land(page(row("1", "a", score="ten"), at=1))
    assert landing.rows()[0]["score"] is None and result.detail["left_out"] == [
        "1 values of score were discarded"
    ]
    landing.contract(data_type="discard_row")
    result = landing.land(page(row("1", "b", score="ten"), row("2", "b", score="1"), at=2))
    assert [(found["id"], found["email"]) for found in landing.rows()] == [("1", "a"), ("2", "b")]
    assert result.detail["left_out"] == ["1 rows were discarded for score"]


def test_the_keys_columns_cannot_change():
    landing = Landing(source=Scripted(Schema((Column("id", "bigint"),), ("id",))))
    landing.land(page(row(1), at=1))
    landing.source.declared = Schema((Column("id"),), ("id",))
    with pytest.raises(SchemaError, match="'id' was BIGINT and is text now"):
        landing.land(page(row("1"), at=2))
    landing.source.declared = Schema((Column("id", "bigint"), Column("part")), ("id", "part"))
    with pytest.raises(SchemaError, match="the primary key was id and is id, part now"):
        landing.land(page(row(1, part="a"), at=2))


def test_tombstones_carry_only_keys():
    landing = Landing(source=Scripted(CONTACTS))
    landing.land(page(row("1", "e", score=1.5, born="2000-01-01"), at=1))
    landing.land(gone("1", at=2))
    assert landing.rows("__changes", "_seq")[1]["email"] == "e" and landing.rows() == []
    assert_folds(landing)


def test_a_column_that_returns_empty_is_emptied():
    landing = Landing(source=Scripted(declared(Column("email"), Column("phone"))))
    landing.land(page(row("1", "e", phone="5"), at=1))
    landing.source.declared = declared(Column("email"))
    landing.land(page(row("1", "e"), at=1))
    landing.source.declared = declared(Column("email"), Column("phone"))
    landing.land(page(row("1", "e", phone=None), at=1))
    assert [found["phone"] for found in landing.rows()] == [None]
    assert_folds(landing)
