"""Every materialization on both engines from the same rows, in several rounds: equal rows, equal decisions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.unit.build.bigquery.twin import Twin

from tailrace.build.asked import Asked

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
    assert twin.built() == []
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
    columns = "id, day, amount, dbt_updated_at, dbt_valid_from, dbt_valid_to"
    assert len(twin.rows("s", columns)) == 3
    twin.land("events", "DELETE FROM raw.events WHERE id = 1")
    twin.at(datetime(2026, 1, 12, tzinfo=UTC))
    assert twin.built() == ["s"]
    twin.rows("s", columns)
    assert twin.built() == []
