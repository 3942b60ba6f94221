"""What Google gets: every statement of a first build and of the next one, as it stands in tests/golden/build/bigquery."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.build.bigquery.twin import FarPlot

from tailrace.build.settings.storage import Partition, Storage
from tailrace.project.spec import ColumnDoc

GOLDEN = Path(__file__).parents[3] / "golden" / "build" / "bigquery"
WHOLE = "SELECT id, day, amount FROM raw.events"
NEW = f"{WHOLE} WHERE day >= (SELECT max(day) FROM marts.m)"
BY_DAY = Partition("day")
KEPT = Storage(BY_DAY, ("id",), True, 90.0, (("team", "marketing"),))
ID = ColumnDoc("id", data_type="integer", constraints=({"type": "unique"}, {"type": "not_null"}))


def incremental(plot, **words):
    plot.incremental("m", WHOLE, NEW, reads=("events",), **words)


WAYS = {
    "view": lambda plot: plot.model("m", WHOLE, "view", reads=("events",), settings={"storage": Storage(labels=(("team", "ops"),))}),
    "table": lambda plot: plot.model("m", WHOLE, reads=("events",)),
    "table_kept": lambda plot: plot.model("m", WHOLE, reads=("events",), settings={"storage": KEPT}),
    "table_contract": lambda plot: plot.model(
        "m", "SELECT id FROM raw.events", reads=("events",), settings={"contract": True}, documented=(ID,)),
    "append": lambda plot: incremental(plot, strategy="append"),
    "merge": lambda plot: incremental(plot, strategy="merge", unique_key=("id",)),
    "merge_filtered": lambda plot: incremental(plot, strategy="merge", unique_key=("id",), settings={"storage": KEPT}),
    "delete_insert": lambda plot: incremental(plot, strategy="delete+insert", unique_key=("id", "day")),
    "insert_overwrite": lambda plot: incremental(plot, strategy="insert_overwrite", partition=BY_DAY, settings={"storage": KEPT}),
    "microbatch": lambda plot: plot.microbatch(
        "m", "SELECT day, amount FROM {events}", {"events": "day"}, event_time="day", settings={"storage": Storage(BY_DAY)},
        begin=datetime(2026, 1, 8, tzinfo=UTC)),
    "snapshot_check": lambda plot: plot.snapshot(
        "m", WHOLE, reads=("events",), strategy="check", unique_key=("id",), hard_deletes="new_record"),
    "snapshot_timestamp": lambda plot: plot.snapshot(
        "m", "SELECT id, CAST(day AS TIMESTAMP) AS at_time FROM raw.events", reads=("events",), strategy="timestamp",
        updated_at="at_time", unique_key=("id",), hard_deletes="invalidate"),
}  # fmt: skip


@pytest.mark.parametrize("way", sorted(WAYS))
def test_exactly_this(tmp_path, bigquery, way):
    plot = FarPlot(tmp_path, bigquery)
    plot.land("events", "CREATE TABLE raw.events (id BIGINT, day DATE, amount BIGINT)",
              "INSERT INTO raw.events VALUES (1, DATE '2026-01-08', 5), (2, DATE '2026-01-09', 10)")  # fmt: skip
    WAYS[way](plot)
    got = ""
    for build in ("first", "next"):
        plot.sent.clear()
        assert plot.built() == ["m"]
        got += f"-- the {build} build\n" + "".join(
            f"{sql.strip()}\n;\n" for sql in plot.sent if "CREATE TABLE IF NOT" not in sql
        )
        plot.now = datetime(2026, 1, 10, 13, tzinfo=UTC)
        plot.land(
            "events",
            "UPDATE raw.events SET amount = 11 WHERE id = 2",
            "INSERT INTO raw.events VALUES (3, DATE '2026-01-10', 20)",
        )
        plot.model("m", WHOLE, "view", reads=("events",)) if way == "view" else None
    plot.local.close()
    path = GOLDEN / f"{way}.sql"
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        path.write_text(got)
    assert got == path.read_text()
