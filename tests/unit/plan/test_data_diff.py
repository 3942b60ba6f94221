"""Two tables compared, against what was put into them."""

from __future__ import annotations

import pytest

from tailrace.plan.data_diff import Key, data_diff
from tailrace.warehouse.duckdb import DuckDBWarehouse

ID = (Key(("id",), "unique_key"),)


@pytest.fixture
def warehouse():
    found = DuckDBWarehouse(None)
    yield found
    found.close()


@pytest.fixture
def diff(warehouse):
    def run(before, after, keys=ID, **more):
        warehouse.execute(f"CREATE OR REPLACE TABLE b AS {before}")
        warehouse.execute(f"CREATE OR REPLACE TABLE a AS {after}")
        return data_diff(warehouse, "m", ("b", "a"), keys, **more)

    return run


def counts(found):
    return found.only_before, found.only_after, found.changed, found.same


def test_rows_that_came_went_changed_and_stayed(diff, warehouse):
    found = diff(
        "SELECT range AS id, range * 10 AS x, 'k' AS y FROM range(6)",
        "SELECT range AS id, CASE WHEN range = 3 THEN NULL ELSE range * 10 END AS x, 'k' AS y FROM range(2, 9)",
    )
    assert counts(found) == (2, 3, 1, 3)
    assert [(column.column, column.changed) for column in found.columns] == [("id", 0), ("x", 1), ("y", 0)]
    assert found.columns[1].before == {"type": "BIGINT", "min": 0, "max": 50, "nulls": 0.0}
    assert found.columns[1].after == {"type": "BIGINT", "min": 20, "max": 80, "nulls": round(1 / 7, 6)}
    assert [(one["operation"], one["key"]) for one in found.examples] == [
        ("changed", 3), ("only after", 6), ("only after", 7), ("only after", 8), ("only before", 0), ("only before", 1),
    ]  # fmt: skip
    assert found.examples[0]["fields"] == {"x": [30, None]}
    assert (
        warehouse.query("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'tailrace_diff%'") == []
    )


def test_ten_examples_at_most(diff):
    found = diff("SELECT range AS id, 1 AS x FROM range(50)", "SELECT range AS id, 2 AS x FROM range(50)")
    assert (found.changed, len(found.examples)) == (50, 10)


def test_columns_that_came_went_and_changed_their_type(diff):
    found = diff("SELECT 1 AS id, 5 AS x, 1 AS gone", "SELECT 1 AS id, 5.0 AS x, 'n' AS came")
    assert counts(found) == (0, 0, 0, 1)
    assert [(c.column, c.changed, c.before is None, c.after is None) for c in found.columns] == [
        ("id", 0, False, False), ("x", 0, False, False), ("gone", None, False, True), ("came", None, True, False),
    ]  # fmt: skip
    assert diff("SELECT 1 AS id, '5' AS x", "SELECT 1 AS id, 6 AS x").changed == 1


def test_any_name_and_type(diff):
    found = diff(
        """SELECT 1 AS "from", {'a': 1} AS "str-uct", [1, 2] AS "li""st", MAP {'k': 1} AS m""",
        """SELECT 1 AS "FROM", {'a': 2} AS "str-uct", [1, 2] AS "li""st", MAP {'k': 2} AS m""",
        (Key(("From",), "suite s"),),
    )
    assert (found.key, found.changed) == (("From",), 1)
    assert [(column.column, column.changed) for column in found.columns] == [
        ("from", 0), ("str-uct", 1), ('li"st', 0), ("m", 1),
    ]  # fmt: skip


def test_a_key_of_two_columns_with_other_types(diff):
    found = diff(
        "SELECT 1 AS a, 'x' AS b, 1 AS v UNION ALL SELECT 1, 'y', 2",
        "SELECT CAST(1 AS BIGINT) AS a, 'x' AS b, 1 AS v UNION ALL SELECT 1, 'y', 3",
        (Key(("a", "b"), "unique_key"),),
    )
    assert counts(found) == (0, 0, 1, 1)
    assert found.examples == [{"key": [1, "y"], "operation": "changed", "fields": {"v": [2, 3]}}]


def test_the_noise_of_sums_is_no_change(diff):
    found = diff(
        "SELECT * FROM (VALUES (1, 0.1::DOUBLE + 0.2::DOUBLE), (2, 1.0::DOUBLE), (3, 'nan'::DOUBLE), (4, 'inf'::DOUBLE)) t(id, x)",
        "SELECT * FROM (VALUES (1, 0.3::DOUBLE), (2, 1.00001::DOUBLE), (3, 'nan'::DOUBLE), (4, 5.0::DOUBLE)) t(id, x)",
    )
    assert counts(found) == (0, 0, 2, 2)
    assert [one["key"] for one in found.examples] == [2, 4]


@pytest.mark.parametrize(
    ("keys", "note"),
    [
        ((), "the model has no key: rows are compared as a whole"),
        (ID, "id (unique_key) is not unique, or NULL in some rows: rows are compared as a whole"),
        ((Key(("nobody",), "sync s"),), "nobody (sync s) is no key here: nobody is not on both sides: rows are compared as a whole"),
    ],
)  # fmt: skip
def test_without_a_key_rows_count_as_often_as_they_are_there(diff, keys, note):
    found = diff(
        "SELECT unnest([1, 1, 1, 2]) AS id, 0.5::DOUBLE AS x",
        "SELECT unnest([1, 2, 2, NULL]) AS id, 0.5::DOUBLE AS x",
        keys,
    )
    assert (found.only_before, found.only_after, found.same, found.notes) == (2, 2, 2, [note])
    assert {one["operation"] for one in found.examples} == {"only before", "only after"}


def test_the_next_key_is_taken(diff):
    found = diff(
        "SELECT 1 AS id, range AS k, 1 AS v FROM range(3)",
        "SELECT 1 AS id, range AS k, 2 AS v FROM range(3)",
        (*ID, Key(("k",), "sync s")),
    )
    assert (found.key, found.changed) == (("k",), 3)
    assert found.notes == ["id (unique_key) is not unique, or NULL in some rows"]


@pytest.mark.parametrize("keys", [ID, ()])
def test_empty_tables(diff, keys):
    found = diff("SELECT 1 AS id, 2 AS x LIMIT 0", "SELECT 1 AS id, 2 AS x", keys)
    assert (found.only_before, found.only_after) == (0, 1)
    assert found.columns[1].before == {"type": "INTEGER", "min": None, "max": None, "nulls": 0.0}


def test_a_sample_follows_keys_and_not_the_order_of_rows(diff):
    before = "SELECT range AS id, range % 7 AS x FROM range(1000)"
    found = diff(
        before,
        f"SELECT id, CASE WHEN id % 2 = 0 THEN 99 ELSE x END AS x FROM ({before}) ORDER BY id DESC",
        sample=100,
    )
    assert (found.one_in, found.rows_before) == (10, 1000)
    assert (found.only_before, found.only_after) == (0, 0)
    assert 50 < found.changed + found.same < 150
    assert 0 < found.changed < found.changed + found.same


def test_personal_values_are_never_shown(diff):
    found = diff(
        "SELECT 'ann@example.com' AS id, 'Ann' AS name, 1 AS x",
        "SELECT 'ann@example.com' AS id, 'Bob' AS name, 2 AS x UNION ALL SELECT 'eve@example.com', 'Eve', 3",
        personal=frozenset({"id", "name"}),
    )
    said = repr(found.document())
    assert found.examples[0] == {
        "key": "***",
        "operation": "changed",
        "fields": {"name": ["***", "***"], "x": [1, 2]},
    }
    assert not any(word in said for word in ("example.com", "Ann", "Bob", "Eve"))
