"""Every materialization on both engines from the same rows, in several rounds: equal rows, equal decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.build.bigquery.twin import Twin

from tailrace.build.asked import Asked
from tailrace.build.settings.storage import Partition, Storage
from tailrace.project.spec import ColumnDoc

WHOLE = "SELECT id, day, amount FROM raw.events"
NEW = "SELECT id, day, amount FROM raw.events WHERE day >= (SELECT max(day) FROM marts.m)"
EVENTS = "CREATE TABLE raw.events AS SELECT 1 AS id, DATE '2026-01-01' AS day, 10 AS amount"


@pytest.fixture
def twin(tmp_path, bigquery):
    found = Twin(tmp_path, bigquery)
    found.land("events", EVENTS)
    yield found
    found.close()


def test_tables_and_views(twin):
    twin.model("t", WHOLE, reads=("events",))
    twin.model("v", "SELECT id, amount * 2 AS twice FROM marts.t", "view", depends_on=("t",))
    twin.model("over", "SELECT sum(twice) AS s FROM marts.v", depends_on=("v",))
    assert twin.built() == ["over", "t", "v"]
    assert twin.rows("t") == [(1, datetime(2026, 1, 1).date(), 10)]
    sent = len(twin.far.sent)
    assert twin.built() == []
    assert twin.far.sent[sent:] == [], "what has nothing to do asks BigQuery nothing that is billed"
    twin.land("events", "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 5)")
    assert twin.built() == ["over", "t"]
    assert twin.rows("over") == [(30,)]
    twin.model("v", WHOLE, "table", reads=("events",))
    twin.model("t", WHOLE, "view", reads=("events",))
    twin.model("over", "SELECT count(*) AS n FROM marts.v", depends_on=("v",))
    assert twin.built() == ["over", "t", "v"]
    assert twin.rows("t") == twin.rows("v")


@pytest.mark.parametrize("strategy", ["append", "merge", "delete+insert"])
def test_incremental(twin, strategy):
    key = () if strategy == "append" else ("id",)
    twin.incremental("m", WHOLE, NEW, reads=("events",), strategy=strategy, unique_key=key)
    assert twin.built() == ["m"]
    twin.land(
        "events",
        "UPDATE raw.events SET amount = 11 WHERE id = 1",
        "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 20)",
    )
    assert twin.built() == ["m"]
    twin.rows("m")
    assert twin.built() == []
    assert twin.built(Asked(full_refresh=True)) == ["m"]
    assert len(twin.rows("m")) == 2


def test_microbatch(twin):
    twin.land("clicks", "CREATE TABLE raw.clicks AS SELECT 1 AS id, TIMESTAMP '2026-01-02 10:00:00' AS ts")
    twin.microbatch(
        "m", "SELECT ts, id FROM {clicks}", {"clicks": "ts"}, begin=datetime(2026, 1, 1, tzinfo=UTC)
    )
    twin.at(datetime(2026, 1, 4, 12, tzinfo=UTC))
    assert twin.built() == ["m"]
    assert twin.rows("m") == [(datetime(2026, 1, 2, 10), 1)]
    twin.land(
        "clicks",
        "INSERT INTO raw.clicks VALUES (2, TIMESTAMP '2026-01-03 00:00:00'), (3, TIMESTAMP '2026-01-01 00:00:00')",
    )
    assert twin.built() == ["m"]
    assert len(twin.rows("m")) == 3
    assert twin.built() == []
    twin.land("clicks", "DELETE FROM raw.clicks WHERE id = 2", "UPDATE raw.clicks SET id = 7 WHERE id = 3")
    assert twin.built() == ["m"]
    assert [row[1] for row in twin.rows("m")] == [7, 1]


@pytest.mark.parametrize("deletes", ["ignore", "invalidate", "new_record"])
def test_snapshot(twin, deletes):
    twin.snapshot("s", WHOLE, reads=("events",), strategy="check", unique_key=("id",), hard_deletes=deletes)
    assert twin.built() == ["s"]
    twin.land(
        "events",
        "UPDATE raw.events SET amount = 12",
        "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 5)",
    )
    twin.at(datetime(2026, 1, 11, tzinfo=UTC))
    assert twin.built() == ["s"]
    columns = "id, day, amount, dbt_scd_id, dbt_updated_at, dbt_valid_from, dbt_valid_to"
    assert len(twin.rows("s", columns)) == 3
    twin.land("events", "DELETE FROM raw.events WHERE id = 1")
    twin.at(datetime(2026, 1, 12, tzinfo=UTC))
    assert twin.built() == ["s"]
    twin.rows("s", columns)
    assert twin.built() == []


def test_insert_overwrite(twin):
    partition = Partition("day", granularity="day")
    twin.land(
        "events",
        "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 20), (3, DATE '2026-01-02', 30), (4, NULL, 1)",
    )
    twin.incremental(
        "m", WHOLE, "SELECT id, day, amount FROM raw.events WHERE day = DATE '2026-01-02' OR day IS NULL", reads=("events",),
        strategy="insert_overwrite", partition=partition, settings={"storage": Storage(partition)},
    )  # fmt: skip
    assert twin.built() == ["m"]
    twin.land(
        "events", "DELETE FROM raw.events WHERE id = 3", "UPDATE raw.events SET amount = 99 WHERE id = 1"
    )
    assert twin.built() == ["m"]
    assert [(row[0], row[2]) for row in twin.rows("m")] == [(1, 10), (2, 20), (4, 1)]


@pytest.mark.parametrize(
    ("kind", "granularity"), [("timestamp", "hour"), ("timestamp", "month"), ("int64", "day")]
)
def test_partitions_of_other_types(twin, kind, granularity):
    """Rows of 60 hours and 60 numbers; what is computed anew is the second half."""
    span = (0, 40, 7) if kind == "int64" else None
    partition = Partition("n" if span else "ts", kind, granularity, span)
    twin.land(
        "clicks",
        "CREATE TABLE raw.clicks (id BIGINT, n BIGINT, ts TIMESTAMP)",
    )  # fmt: skip
    rows = ", ".join(
        f"({i}, {i - 5}, TIMESTAMP '{datetime(2026, 1, 30, 22, 30) + timedelta(hours=i)}')" for i in range(60)
    )
    twin.land("clicks", f"INSERT INTO raw.clicks VALUES {rows}")
    twin.incremental(
        "m", "SELECT id, n, ts FROM raw.clicks", "SELECT id, n, ts FROM raw.clicks WHERE id >= 30", reads=("clicks",),
        strategy="insert_overwrite", partition=partition, settings={"storage": Storage(partition)},
    )  # fmt: skip
    assert twin.built() == ["m"]
    twin.land(
        "clicks", "DELETE FROM raw.clicks WHERE id > 50", "UPDATE raw.clicks SET n = NULL WHERE id = 40"
    )
    assert twin.built() == ["m"]
    assert len(twin.rows("m")) == {"hour": 60, "month": 47, "day": 42}[granularity]


@pytest.mark.parametrize("change", ["append_new_columns", "sync_all_columns", "ignore"])
def test_schema_change(twin, change):
    twin.incremental(
        "m", WHOLE, NEW, reads=("events",), strategy="merge", unique_key=("id",), on_schema_change=change
    )
    assert twin.built() == ["m"]
    grown = NEW.replace("amount FROM", "amount * 1.5 AS amount, 'x' AS note, id AS again, day AS since FROM")
    twin.incremental(
        "m", WHOLE, grown, reads=("events",), strategy="merge", unique_key=("id",), on_schema_change=change,
        full_refresh=False,
    )  # fmt: skip
    twin.land("events", "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 21)")
    assert twin.built() == ["m"]
    # all in one: Google takes five updates of a table in ten seconds
    assert sum("ADD COLUMN" in sql for sql in twin.far.sent) == (change != "ignore")
    rows = [
        tuple(float(one) if type(one).__name__ == "Decimal" else one for one in row)
        for plot in twin.both
        for row in plot.rows("m")
    ]
    assert len(set(rows)) == 2, rows


def test_a_schema_change_that_fails(twin):
    twin.incremental("m", WHOLE, NEW, reads=("events",), strategy="append", on_schema_change="fail")
    assert twin.built() == ["m"]
    twin.incremental(
        "m", WHOLE, NEW.replace("amount FROM", "amount, 1 AS b FROM"), reads=("events",), strategy="append",
        on_schema_change="fail", full_refresh=False,
    )  # fmt: skip
    twin.land("events", "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 21)")
    assert "its columns changed (new: b)" in (twin.build()["m"].error or "")
    assert len(twin.rows("m")) == 1


@pytest.mark.parametrize("strategy", ["merge", "delete+insert"])
def test_wrong_keys_are_refused_and_nothing_is_swapped(twin, strategy):
    twin.incremental("m", WHOLE, NEW, reads=("events",), strategy=strategy, unique_key=("id",))
    twin.land("events", "INSERT INTO raw.events VALUES (NULL, DATE '2026-01-02', 20)")
    assert "unique_key id is NULL in 1 new rows" in (twin.build()["m"].error or "")
    assert "m" not in twin.far.warehouse.tables("marts")
    twin.land("events", "DELETE FROM raw.events WHERE id IS NULL")
    assert twin.built() == ["m"]
    twin.land("events", "INSERT INTO raw.events VALUES (NULL, DATE '2026-01-02', 20)")
    assert "unique_key id is NULL in 1 new rows" in (twin.build()["m"].error or "")
    assert len(twin.rows("m")) == 1


def test_keys_of_several_columns_predicates_and_narrow_merges(twin):
    twin.incremental(
        "m", WHOLE, WHOLE, reads=("events",), strategy="merge", unique_key=("id", "day"), exclude_columns=("day",),
        predicates=("DBT_INTERNAL_DEST.amount < 100",),
    )  # fmt: skip
    assert twin.built() == ["m"]
    twin.land(
        "events",
        "UPDATE raw.events SET amount = 11",
        "INSERT INTO raw.events VALUES (1, DATE '2026-01-02', 200)",
    )
    assert twin.built() == ["m"]
    assert [row[2] for row in twin.rows("m")] == [11, 200]


def test_hooks(twin):
    twin.land("log", "CREATE TABLE raw.log (what VARCHAR)")
    hooks = {
        "pre_hooks": ("INSERT INTO raw.log (what) VALUES ('before')",),
        "post_hooks": ("INSERT INTO raw.log (what) VALUES ('after')",),
    }
    twin.model("t", WHOLE, reads=("events",), settings=hooks)
    twin.incremental("m", WHOLE, NEW, reads=("events",), strategy="append", settings=hooks)
    assert twin.built() == ["m", "t"]
    twin.land("events", "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 20)")
    assert twin.built() == ["m", "t"]
    found = [plot.warehouse.query("SELECT what FROM raw.log") for plot in twin.both]
    assert sorted(found[0]) == sorted(found[1])
    assert len(found[1]) == 8


def test_a_contract_holds_before_the_swap(twin):
    columns = (
        ColumnDoc("id", data_type="integer", constraints=({"type": "unique"},)),
        ColumnDoc("amount", data_type="integer"),
    )
    settings = {"contract": True}
    sql = "SELECT amount, id FROM raw.events"
    twin.model("t", sql, reads=("events",), settings=settings, documented=columns)
    assert twin.built() == ["t"]
    assert twin.rows("t") == [(1, 10)]
    twin.land("events", "INSERT INTO raw.events VALUES (1, DATE '2026-01-02', 20)")
    assert "id is not unique (1 values repeat)" in (twin.build()["t"].error or "")
    assert twin.rows("t") == [(1, 10)]
    twin.model(
        "t",
        "SELECT id, CAST(amount AS VARCHAR) AS amount FROM raw.events",
        reads=("events",),
        settings=settings,
        documented=columns,
    )
    near, far = (plot.build()["t"].error or "" for plot in twin.both)
    assert "amount is VARCHAR and not INTEGER" in near
    assert "amount is STRING and not INT64" in far
    assert twin.rows("t") == [(1, 10)]


def test_what_a_killed_build_left_aside_is_no_hindrance(twin):
    """Google replaces no table by one with other partitions; the emulator does, so what was asked is looked at."""
    asked, drop = [], twin.far.jobs.client.delete_table
    twin.far.jobs.client.delete_table = lambda name, **more: (
        asked.append(f"drop {name}"),
        drop(name, **more),
    )
    twin.model("t", "SELECT id, amount FROM raw.events", reads=("events",), settings={"contract": True}, documented=(
        ColumnDoc("id", data_type="integer", constraints=({"type": "unique"},)), ColumnDoc("amount", data_type="integer")))  # fmt: skip
    twin.microbatch("b", "SELECT day, amount FROM {events}", {"events": "day"}, event_time="day",
                    begin=datetime(2026, 1, 1, tzinfo=UTC))  # fmt: skip
    run = twin.far.jobs._run
    twin.far.jobs._run = lambda sql, *more: (asked.append(str(sql)), run(sql, *more))[1]
    try:
        assert sorted(twin.built()) == ["b", "t"]
    finally:
        del twin.far.jobs.client.delete_table
    for name in ("build__t", "rebuild__b"):
        made = next(at for at, one in enumerate(asked) if one.startswith("CREATE") and f"`{name}`" in one)
        dropped = next(at for at, one in enumerate(asked) if one.startswith("drop") and one.endswith(name))
        assert dropped < made, name


def test_a_clone_outlasts_what_it_was_cloned_from(twin, monkeypatch):
    """Whether Google's clone takes the expiry along nobody says; here it does. The emulator keeps none."""
    client, told = twin.far.jobs.client, []
    get_table = client.get_table

    def expiring(name, **more):
        found = get_table(name, **more)
        found.expires = datetime(2036, 1, 1, tzinfo=UTC)
        return found

    monkeypatch.setattr(client, "get_table", expiring)
    monkeypatch.setattr(
        client, "update_table", lambda table, fields: told.append((table.table_id, table.expires, fields))
    )
    twin.microbatch("b", "SELECT day, amount FROM {events}", {"events": "day"}, event_time="day",
                    begin=datetime(2026, 1, 1, tzinfo=UTC))  # fmt: skip
    assert twin.built() == ["b"]
    assert told == [("b", None, ["expires"])]


def test_a_contract_of_rows_that_join(twin):
    columns = (
        ColumnDoc("id", data_type="integer", constraints=({"type": "unique"},)),
        ColumnDoc("day"),
        ColumnDoc("amount"),
    )
    columns = tuple(
        replace(one, data_type=kind)
        for one, kind in zip(columns, ("integer", "date", "integer"), strict=True)
    )
    settings = {"contract": True}
    twin.incremental(
        "m", WHOLE, NEW, reads=("events",), strategy="append", settings=settings, documented=columns
    )
    assert twin.built() == ["m"]
    twin.land("events", "INSERT INTO raw.events VALUES (2, DATE '2026-01-02', 20)")
    assert "id is not unique (1 values repeat)" in (twin.build()["m"].error or "")
    assert len(twin.rows("m")) == 1
    twin.land("events", "DELETE FROM raw.events WHERE id = 1")
    assert twin.built() == ["m"]
    assert len(twin.rows("m")) == 2
