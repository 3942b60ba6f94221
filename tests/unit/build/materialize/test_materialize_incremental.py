"""Incremental models: what joins the table by which strategy, when it is made from nothing, what is refused."""

from __future__ import annotations

import pytest
from tests.unit.build.materialize.plot import Plot

from tailrace.build.asked import Asked
from tailrace.warehouse.base import TableRef

WHOLE = "SELECT id, day, amount FROM raw.events"
NEW = "SELECT id, day, amount FROM raw.events WHERE day >= (SELECT max(day) FROM marts.m)"


@pytest.fixture
def plot():
    found = Plot()
    found.land("events", "CREATE TABLE raw.events AS SELECT 1 AS id, DATE '2026-01-01' AS day, 10 AS amount")
    yield found
    found.warehouse.close()


def grown(plot, **words):
    """A model that was built once, and one more day of rows, with a late change of the first."""
    plot.incremental("m", WHOLE, NEW, reads=("events",), **words)
    assert plot.built() == ["m"]
    plot.land(
        "events",
        "UPDATE raw.events SET amount = 11",
        "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 20)",
    )


def test_append_adds_and_an_unchanged_build_adds_nothing(plot):
    grown(plot, strategy="append")
    assert plot.built() == ["m"]
    assert plot.rows("m", "id, amount") == [(1, 10), (1, 11), (2, 20)]
    assert plot.built() == []
    assert len(plot.rows("m")) == 3


@pytest.mark.parametrize("strategy", ["merge", "delete+insert"])
def test_known_keys_are_replaced(plot, strategy):
    grown(plot, strategy=strategy, unique_key=("ID",))
    found = plot.build()["m"]
    assert (found.status, found.rows_out, found.detail["why"]) == ("ok", 2, "raw.events has new data")
    assert plot.rows("m", "id, amount") == [(1, 11), (2, 20)]


def test_delete_insert_by_a_part_of_the_table(plot):
    """A key that repeats names what is replaced: here whole days."""
    plot.land("events", "INSERT INTO raw.events VALUES (9, DATE '2026-01-01', 90)")
    grown(plot, strategy="delete+insert", unique_key=("day",))
    plot.land("events", "DELETE FROM raw.events WHERE id = 9")
    plot.built()
    assert plot.rows("m", "id, amount") == [(1, 11), (2, 20)]


def test_keys_of_several_columns_and_of_odd_names(plot):
    plot.land(
        "events",
        """CREATE OR REPLACE TABLE raw.events AS SELECT 1 AS "from", 'a' AS "the-key", 1 AS v""",
    )
    plot.incremental(
        "m", "SELECT * FROM raw.events", reads=("events",), strategy="merge", unique_key=("from", "The-Key")
    )
    plot.built()
    plot.land("events", "UPDATE raw.events SET v = 2", "INSERT INTO raw.events VALUES (1, 'b', 3)")
    plot.built()
    assert plot.rows("m") == [(1, "a", 2), (1, "b", 3)]


def test_a_merge_may_keep_columns(plot):
    grown(plot, strategy="merge", unique_key=("id",), update_columns=("day",))
    plot.built()
    assert plot.rows("m", "id, amount") == [(1, 10), (2, 20)]


def test_a_merge_may_leave_columns_out(plot):
    grown(plot, strategy="merge", unique_key=("id",), exclude_columns=("AMOUNT",))
    plot.land("events", "UPDATE raw.events SET day = DATE '2026-01-05'")
    plot.built()
    assert plot.rows("m", "id, day::VARCHAR, amount") == [(1, "2026-01-05", 10), (2, "2026-01-05", 20)]


@pytest.mark.parametrize(
    ("strategy", "predicate"),
    [("merge", "DBT_INTERNAL_DEST.day >= DATE '2026-01-02'"), ("delete+insert", "day >= DATE '2026-01-02'")],
)
def test_predicates_narrow_what_is_replaced(plot, strategy, predicate):
    grown(plot, strategy=strategy, unique_key=("id",), predicates=(predicate,))
    plot.built()
    assert plot.rows("m", "id, amount") == [(1, 10), (1, 11), (2, 20)]


def test_without_a_filter_the_whole_query_is_merged(plot):
    plot.incremental("m", WHOLE, reads=("events",), strategy="merge", unique_key=("id",))
    plot.built()
    plot.land("events", "UPDATE raw.events SET id = 5")
    plot.built()
    assert plot.rows("m", "id, amount") == [(1, 10), (5, 10)]


def test_other_sql_makes_the_table_from_nothing(plot):
    grown(plot, strategy="append")
    plot.incremental(
        "m", WHOLE.replace("amount", "-amount AS amount"), NEW, reads=("events",), strategy="append"
    )
    assert plot.why("m") == "its SQL changed"
    plot.built()
    assert plot.rows("m", "id, amount") == [(1, -11), (2, -20)]


def test_another_filter_makes_it_from_nothing_too(plot):
    grown(plot, strategy="append")
    plot.incremental("m", WHOLE, NEW + " AND true", reads=("events",), strategy="append")
    plot.built()
    assert len(plot.rows("m")) == 2


def test_another_key_makes_it_from_nothing(plot):
    grown(plot, strategy="delete+insert", unique_key=("day",))
    plot.incremental(
        "m", WHOLE, NEW, reads=("events",), strategy="delete+insert", unique_key=("id", "amount")
    )
    assert plot.why("m") == "its configuration changed: unique_key"
    plot.built()
    assert plot.rows("m", "id, amount") == [(1, 11), (2, 20)]


def test_other_sql_upstream_makes_it_from_nothing(plot):
    """Its old rows were computed by SQL that is no more; dbt would keep them."""
    plot.model("up", "SELECT *, 1 AS factor FROM raw.events", "view", reads=("events",))
    text = "SELECT id, day, amount * factor AS amount FROM marts.up"
    new = text + " WHERE day > (SELECT max(day) FROM marts.m)"
    plot.incremental("m", text, new, depends_on=("up",), strategy="append")
    plot.built()
    plot.model("up", "SELECT *, 2 AS factor FROM raw.events", "view", reads=("events",))
    assert plot.why("m") == "the SQL of what it reads changed"
    assert plot.built() == ["m", "up"]
    assert plot.rows("m", "amount") == [(20,)]


def test_a_protected_table_is_never_made_from_nothing(plot):
    grown(plot, strategy="append", full_refresh=False)
    plot.incremental(
        "m", "SELECT 1 / 0", NEW.replace("amount", "-amount"), reads=("events",),
        strategy="append", full_refresh=False, on_schema_change="append_new_columns",
    )  # fmt: skip
    plot.incremental(
        "m", WHOLE, NEW.replace(" amount", " -amount AS amount"), reads=("events",),
        strategy="append", full_refresh=False,
    )  # fmt: skip
    plot.built(Asked(full_refresh=True))
    assert plot.rows("m", "amount") == [(-20,), (-11,), (10,)]


def test_full_refresh_makes_everything_from_nothing_and_its_readers_again(plot):
    grown(plot, strategy="append")
    plot.model("reader", "SELECT count(*) AS n FROM marts.m", depends_on=("m",))
    plot.built()
    assert plot.rows("reader") == [(3,)]
    found = plot.build("m", asked=Asked(full_refresh=True))["m"]
    assert (found.status, found.detail["why"]) == ("ok", "full refresh asked for")
    assert plot.rows("m", "id, amount") == [(1, 11), (2, 20)]
    assert plot.built() == ["reader"]
    assert plot.rows("reader") == [(2,)]
    assert plot.built() == []


def test_a_table_becomes_incremental_and_back(plot):
    plot.model("m", WHOLE, reads=("events",))
    plot.built()
    plot.incremental("m", WHOLE, reads=("events",), strategy="append")
    assert plot.why("m") == "it was a table and becomes incremental"
    plot.built()
    assert len(plot.rows("m")) == 1
    plot.land("events", "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 20)")
    plot.model("m", WHOLE, "view", reads=("events",))
    assert plot.why("m") == "it was incremental and becomes a view"
    assert plot.built() == ["m"]
    assert len(plot.rows("m")) == 2


def test_null_keys_and_repeated_keys_are_refused_and_nothing_happens(plot):
    grown(plot, strategy="merge", unique_key=("id",))
    before = plot.rows("m")
    plot.land("events", "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 21)")
    said = plot.error("m")
    assert said == (
        "models/marts/m.sql:1:1: unique_key repeats in the new rows (2 times id 2). keep one row of each key"
    )
    plot.land("events", "UPDATE raw.events SET id = NULL WHERE amount = 21")
    assert "unique_key id is NULL in 1 new rows" in plot.error("m")
    assert plot.rows("m") == before
    plot.land("events", "UPDATE raw.events SET id = 3 WHERE id IS NULL")
    assert plot.built() == ["m"]


def test_a_key_that_is_no_column(plot):
    plot.incremental("m", WHOLE, reads=("events",), strategy="merge", unique_key=("amout",))
    assert plot.error("m").startswith(
        "models/marts/m.sql:1:1: unique_key amout is no column of marts.m. did you mean amount?"
    )
    assert plot.warehouse.tables("marts") == {}


def star(plot, change):
    plot.incremental(
        "m", "SELECT * FROM raw.events", "SELECT * FROM raw.events WHERE id > (SELECT max(id) FROM marts.m)",
        reads=("events",), strategy="append", on_schema_change=change,
    )  # fmt: skip
    plot.built()
    plot.land(
        "events",
        "ALTER TABLE raw.events ADD COLUMN stage VARCHAR",
        "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 20, 'won')",
    )


def test_a_new_column_is_ignored(plot):
    star(plot, "ignore")
    plot.built()
    assert plot.rows("m", "id, amount") == [(1, 10), (2, 20)]
    assert list(plot.warehouse.columns(TableRef("marts", "m"))) == ["id", "day", "amount"]


@pytest.mark.parametrize("change", ["append_new_columns", "sync_all_columns"])
def test_a_new_column_is_added(plot, change):
    star(plot, change)
    plot.built()
    assert plot.rows("m", "id, stage") == [(1, None), (2, "won")]


def test_a_new_column_fails(plot):
    star(plot, "fail")
    before = plot.rows("m")
    said = plot.error("m")
    assert "its columns changed (new: stage)" in said
    assert "--full-refresh" in said
    assert plot.rows("m") == before
    plot.built(Asked(full_refresh=True))
    assert len(plot.rows("m")) == 2


def test_columns_that_go_and_change_their_type(plot):
    star(plot, "sync_all_columns")
    plot.built()
    plot.land(
        "events",
        "ALTER TABLE raw.events DROP COLUMN stage",
        "ALTER TABLE raw.events ALTER amount TYPE DOUBLE",
        "INSERT INTO raw.events VALUES (3, DATE '2026-01-03', 0.5)",
    )
    plot.built()
    assert plot.rows("m", "amount") == [(0.5,), (10.0,), (20.0,)]
    assert plot.warehouse.columns(TableRef("marts", "m")) == {
        "id": "INTEGER",
        "day": "DATE",
        "amount": "DOUBLE",
    }


def test_a_column_that_went_is_refused_where_it_is_ignored(plot):
    star(plot, "ignore")
    plot.built()
    plot.land(
        "events",
        "ALTER TABLE raw.events DROP COLUMN amount",
        "INSERT INTO raw.events VALUES (3, DATE '2026-01-03', 'x')",
    )
    assert "the new rows lack amount, which marts.m has" in plot.error("m")


def test_deleted_state_costs_a_rebuild_and_no_wrong_row(plot):
    grown(plot, strategy="append")
    plot.warehouse.execute("DROP TABLE tailrace_meta.models")
    assert plot.built() == ["m"]
    assert plot.rows("m", "id, amount") == [(1, 11), (2, 20)]


def test_columns_written_in_another_case(plot):
    plot.incremental("m", WHOLE, "SELECT ID, DAY, AMOUNT FROM raw.events", reads=("events",),
                     strategy="merge", unique_key=("Id",), on_schema_change="fail")  # fmt: skip
    plot.built()
    plot.land("events", "UPDATE raw.events SET amount = 12")
    plot.built()
    assert plot.rows("m", "amount") == [(12,)]
