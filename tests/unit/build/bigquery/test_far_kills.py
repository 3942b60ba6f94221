"""kill -9 around what BigQuery is told: rows that were added are not added twice, and the next build makes what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.emulator import client as client_of
from tests.unit.build.bigquery.twin import FarPlot, Twin
from tests.unit.build.materialize.plot import Plot

from tailrace.build.asked import Asked
from tailrace.build.fingerprint import UNENDED
from tailrace.warehouse.base import TableRef

WHOLE = "SELECT id, day, amount FROM raw.events"
POINTS = (
    "build:before_commit",
    "sent",
    "build:after_commit",
    "batch:before_commit",
    "batch:after_commit",
    "batch:before_swap",
    "batch:after_swap",
)
AFTER = datetime(2026, 1, 11, tzinfo=UTC)


def modelled(plot: Plot) -> Plot:
    plot.incremental("added", WHOLE, f"{WHOLE} WHERE amount > 10", reads=("events",), strategy="append")
    plot.incremental(
        "kept", WHOLE, f"{WHOLE} WHERE amount > 10", reads=("events",), strategy="append", full_refresh=False
    )
    plot.incremental("merged", WHOLE, reads=("events",), strategy="merge", unique_key=("id",))
    plot.model("whole", WHOLE, reads=("events",))
    plot.snapshot("history", WHOLE, reads=("events",), strategy="check", unique_key=("id",))
    plot.microbatch(
        "daily",
        "SELECT day, sum(amount) AS amount FROM {events} GROUP BY day",
        {"events": "day"},
        event_time="day",
    )
    return plot


def land(plot: Plot) -> None:
    plot.land(
        "events",
        "UPDATE raw.events SET amount = amount + 1",
        "INSERT INTO raw.events VALUES (9, DATE '2026-01-09', 90)",
    )
    plot.now = AFTER


def die(path: str, address: str, model: str, *, full_refresh: bool = False) -> None:
    """In a process of its own, which ends at TAILRACE_FAILPOINT, or where BigQuery has answered and nobody has noted it."""
    plot = FarPlot(Path(path), client_of(address), fresh=False)
    plot.now, plot.runs = AFTER, 5
    modelled(plot)
    if os.environ["TAILRACE_FAILPOINT"] == "sent":
        commit = plot.warehouse._commit

        def sent(script):
            commit(script)
            if any("`marts`" in one or "`models`" in one for one in script.statements):
                os._exit(137)

        plot.warehouse._commit = sent
    plot.build(model, asked=Asked(full_refresh=full_refresh))


def begin(twin: Twin) -> None:
    for plot in twin.both:
        plot.land("events", "CREATE TABLE raw.events (id BIGINT, day DATE, amount BIGINT)",
                  "INSERT INTO raw.events VALUES (1, DATE '2026-01-02', 10), (2, DATE '2026-01-03', 20)")  # fmt: skip
        modelled(plot)


def killed(twin: Twin, path: Path, client, model: str, point: str, *, full_refresh: bool = False) -> FarPlot:
    """A build that dies; what stands after it, opened anew."""
    address = client._connection.API_BASE_URL
    twin.far.local.close()
    script = (
        "from tests.unit.build.bigquery.test_far_kills import die;"
        f" die({str(path)!r}, {address!r}, {model!r}, full_refresh={full_refresh})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "TAILRACE_FAILPOINT": point},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 137, done.stderr
    far = modelled(FarPlot(path, client, AFTER, fresh=False))
    far.runs = 8
    return far


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("model", ["added", "merged", "whole", "history", "daily"])
def test_the_next_build_is_as_if_nothing_had_happened(tmp_path, bigquery, model, point):
    if point.startswith("batch") != (model == "daily") and point != "sent":
        pytest.skip("it does not pass there")
    twin = Twin(tmp_path, bigquery)
    begin(twin)
    if not point.endswith("swap"):  # a swap comes with the first build
        assert model in twin.built()
    for plot in twin.both:
        land(plot)
    far = killed(twin, tmp_path, bigquery, model, point)
    twin.near.build(model)
    results = far.build(model)
    assert results[model].status in ("ok", "skipped"), results[model].error
    columns = "id, day, amount, dbt_valid_to IS NULL AS now" if model == "history" else "*"
    assert sorted(far.rows(model, columns), key=repr) == sorted(twin.near.rows(model, columns), key=repr)
    assert far.build(model)[model].status == "skipped"
    far.local.close()
    twin.near.warehouse.close()


@pytest.mark.parametrize(
    ("model", "how"),
    [
        ("added", "full refresh"), ("merged", "full refresh"), ("whole", "full refresh"),
        ("daily", "full refresh"), ("added", "dropped"), ("kept", "dropped"), ("added", "first"), ("kept", "first"),
        ("merged", "first"), ("history", "first"), ("whole", "first"),
    ],
)  # fmt: skip
def test_a_build_from_nothing_that_was_killed_is_begun_again(tmp_path, bigquery, model, how):
    """Its table has swapped, and nothing says so: rows that are in it already do not join it once more."""
    twin = Twin(tmp_path, bigquery)
    begin(twin)
    if how != "first":
        assert model in twin.built()
    if how == "dropped":
        for plot in twin.both:
            plot.warehouse.execute(f"DROP TABLE marts.{model}")
    for plot in twin.both:
        land(plot)
    point = "batch:before_swap" if model == "daily" else "build:before_commit"
    far = killed(twin, tmp_path, bigquery, model, point, full_refresh=how == "full refresh")
    twin.near.build(model, asked=Asked(full_refresh=how == "full refresh"))
    assert far.warehouse.columns(TableRef("marts", model)), "it was killed behind the swap"
    results = far.build(model)
    assert results[model].status in ("ok", "skipped"), results[model].error
    columns = "id, day, amount, dbt_valid_to IS NULL AS now" if model == "history" else "*"
    assert sorted(far.rows(model, columns), key=repr) == sorted(twin.near.rows(model, columns), key=repr)
    assert far.build(model)[model].status == "skipped"
    far.local.close()
    twin.near.warehouse.close()


def failing(plot: Plot, sql: str = WHOLE, **settings: object) -> None:
    plot.incremental(
        "added", sql, f"{WHOLE} WHERE amount > 10", reads=("events",), strategy="append", settings=settings
    )


def test_a_post_hook_that_fails_behind_the_swap(tmp_path, bigquery):
    twin = Twin(tmp_path, bigquery)
    begin(twin)
    far = twin.far
    far.build("added")
    land(far)
    failing(far, post_hooks=("SELECT nobody FROM marts.added",))
    assert far.build("added", asked=Asked(full_refresh=True))["added"].status == "failed"
    modelled(far)
    assert UNENDED not in far.why("added"), "it has new data, which says more"
    assert far.build("added")["added"].status == "ok"
    assert sorted(row[0] for row in far.rows("added")) == [1, 2, 9]
    twin.close()


def test_what_fails_before_the_swap_leaves_what_is_remembered(tmp_path, bigquery):
    """The next build joins the rows that are new, and is not billed for all."""
    twin = Twin(tmp_path, bigquery)
    begin(twin)
    far = twin.far
    far.build("added")
    failing(far, pre_hooks=("SELECT nobody FROM raw.events",))
    assert far.build("added", asked=Asked(full_refresh=True))["added"].status == "failed"
    modelled(far)
    assert far.build("added")["added"].status == "skipped"
    twin.close()
