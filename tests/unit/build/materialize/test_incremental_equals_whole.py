"""Whatever happens to the inputs, and wherever a build is interrupted: the rows are those of a build from nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.build.materialize.plot import Plot

from tailrace.build.asked import Asked

DAYS = 6
MOMENTS = st.one_of(
    st.none(),
    st.integers(-30, DAYS * 24 + 30).map(lambda hour: datetime(2026, 1, 29) + timedelta(hours=hour)),
)
ROWS = st.tuples(st.integers(1, 5), MOMENTS, st.integers(0, 3))
EDITS = st.one_of(
    st.tuples(st.just("insert"), st.sampled_from(["orders", "clicks"]), ROWS),
    st.tuples(st.just("repeat"), st.sampled_from(["orders", "clicks"]), st.integers(1, 5)),
    st.tuples(st.just("delete"), st.sampled_from(["orders", "clicks"]), st.integers(1, 5)),
    st.tuples(st.just("move"), st.sampled_from(["orders", "clicks"]), ROWS),
    st.tuples(st.just("price"), st.just("prices"), st.integers(0, 2)),
)
ROUNDS = st.lists(
    st.tuples(st.lists(EDITS, max_size=5), st.integers(0, 30), st.integers(0, 6)), min_size=1, max_size=5
)
"""Edits, hours by which the clock moves on, and the batch after which the build is broken off (0: it is not)."""
BEGIN = datetime(2026, 1, 29, tzinfo=UTC)
SQL = """SELECT date_trunc('day', o.ts) AS ts, o.id, sum(o.v * p.price) AS v, count(c.id) AS clicks
FROM {orders} AS o LEFT JOIN {clicks} AS c ON c.id = o.id LEFT JOIN raw.prices AS p ON p.id = o.id GROUP BY ALL"""


class Interrupted(BaseException):
    """As a kill would be: nothing of the build may catch it."""


def world(size: Any) -> Plot:
    plot = Plot(now=BEGIN + timedelta(days=2))
    for name in ("orders", "clicks"):
        plot.land(name, f"CREATE TABLE raw.{name} (id INTEGER, ts TIMESTAMP, v INTEGER)")
    plot.land("prices", "CREATE TABLE raw.prices AS SELECT i AS id, i AS price FROM range(6) AS t(i)")
    plot.microbatch("m", SQL, {"orders": "ts", "clicks": "ts"}, size=size, begin=BEGIN, reads=("prices",))
    plot.microbatch("plain", "SELECT ts, id, v FROM {orders}", {"orders": "ts"}, size=size, begin=BEGIN)
    plot.microbatch(
        "over", "SELECT ts, v FROM {m} WHERE v > 0", {}, models={"m": "ts"}, size=size, begin=BEGIN
    )
    return plot


def edit(plot: Plot, change: tuple[str, str, Any]) -> None:
    what, table, value = change
    run = plot.warehouse.execute
    if what == "insert":
        run(f"INSERT INTO raw.{table} VALUES (?, ?, ?)", value)
    elif what == "repeat":
        run(f"INSERT INTO raw.{table} SELECT * FROM raw.{table} WHERE id = ?", [value])
        run(f"DELETE FROM raw.{table} WHERE id = ? AND (SELECT count(*) FROM raw.{table}) > 40", [value])
    elif what == "delete":
        run(f"DELETE FROM raw.{table} WHERE id = ?", [value])
    elif what == "move":
        run(f"UPDATE raw.{table} SET ts = ?, v = ? WHERE id = ?", [value[1], value[2], value[0]])
    else:
        run("UPDATE raw.prices SET price = ?", [value])
    plot.land(table)


def broken_off(plot: Plot, after: int) -> None:
    """A build that ends after so many batches were committed."""
    from tailrace.build.materialize import microbatch

    seen: list[str] = []

    def reach(name: str) -> None:
        seen.append(name)
        if seen.count("batch:after_commit") == after:
            raise Interrupted

    kept, microbatch.reach = microbatch.reach, reach
    try:
        plot.build()
    except Interrupted:
        pass
    finally:
        microbatch.reach = kept


def contents(plot: Plot) -> dict[str, list[tuple[Any, ...]]]:
    return {name: plot.rows(name) for name in plot.nodes}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROUNDS, st.sampled_from(["day", "month"]))
def test_batches_equal_a_full_refresh(rounds, size):
    plot = world(size)
    for edits, hours, after in rounds:
        plot.now += timedelta(hours=hours)
        for change in edits:
            edit(plot, change)
        if after:
            broken_off(plot, after)
        plot.built()
    found = contents(plot)
    assert plot.built() == []
    plot.built(Asked(full_refresh=True))
    assert contents(plot) == found
    plot.warehouse.close()


@settings(max_examples=15, deadline=None)
@given(st.lists(EDITS.filter(lambda change: change[1] == "orders"), min_size=1, max_size=4))
def test_only_the_touched_batches_are_built(edits):
    """Days on which a row is there more or less often than before, counted the long way round."""
    plot = world("day")
    for number in range(5):
        edit(
            plot,
            ("insert", "orders", (number + 1, datetime(2026, 1, 29) + timedelta(hours=9 * number), number)),
        )
    plot.built()

    def by_day() -> dict[Any, list[Any]]:
        rows = plot.warehouse.query("SELECT * FROM raw.orders WHERE ts >= '2026-01-29' AND ts < '2026-02-01'")
        days: dict[Any, list[Any]] = {}
        for row in sorted(rows, key=str):
            days.setdefault(row[1].date().isoformat(), []).append(row)
        return days

    before = by_day()
    for change in edits:
        edit(plot, change)
    after = by_day()
    plot.built()
    touched = sorted(day for day in {**before, **after} if before.get(day) != after.get(day))
    assert plot.batches("plain") == touched
    plot.warehouse.close()


KEYED = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2), st.integers(0, 9)), min_size=0, max_size=4)


@settings(max_examples=20, deadline=None)
@given(st.lists(KEYED, min_size=1, max_size=5), st.sampled_from(["merge", "delete+insert"]))
def test_a_right_filter_gives_the_rows_of_a_full_refresh(rounds, strategy):
    """Rows change on the newest day or on the next, where `>= the last day` sees them: dbt would be right as well."""
    plot = Plot()
    plot.land("events", "CREATE TABLE raw.events (id INTEGER, day INTEGER, v INTEGER)")
    plot.incremental(
        "m", "SELECT * FROM raw.events",
        "SELECT * FROM raw.events WHERE day >= (SELECT coalesce(max(day), -1) FROM marts.m)",
        reads=("events",), strategy=strategy, unique_key=("id",),
    )  # fmt: skip
    for changes in rounds:
        newest = plot.warehouse.query("SELECT coalesce(max(day), 0) FROM raw.events")[0][0]
        for key, later, value in changes:
            plot.warehouse.execute("DELETE FROM raw.events WHERE id = ?", [key])
            plot.warehouse.execute("INSERT INTO raw.events VALUES (?, ?, ?)", [key, newest + later, value])
        plot.land("events")
        plot.built()
    found = plot.rows("m")
    plot.built(Asked(full_refresh=True))
    assert plot.rows("m") == found
    plot.warehouse.close()
