"""Microbatch models: which batches are built again, and that nobody reads half of a rebuild."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.unit.build.materialize.plot import NOW, Plot

from tailrace.build.asked import Asked, restating
from tailrace.errors import BadInput

DAILY = "SELECT date_trunc('day', ts) AS ts, count(*) AS n, sum(v) AS v FROM {events} GROUP BY ALL"
EVERY_DAY = [f"2026-01-{day:02d}" for day in range(1, 11)]


@pytest.fixture
def plot():
    found = Plot()
    found.land(
        "events",
        """CREATE TABLE raw.events AS SELECT i AS id, TIMESTAMP '2026-01-01 06:00:00' + INTERVAL (i) HOUR AS ts, i AS v
           FROM range(0, 200, 5) t(i)""",
    )
    yield found
    found.warehouse.close()


def daily(plot, **words):
    plot.microbatch("daily", DAILY, {"events": "ts"}, **words)
    assert plot.built() == ["daily"]
    return plot


def whole(plot, sql=DAILY):
    """The rows that a model built at once would have."""
    return plot.warehouse.query(
        sql.replace("{events}", "raw.events WHERE ts >= '2026-01-01' AND ts < '2026-01-11'") + " ORDER BY ALL"
    )


def test_the_first_build_makes_every_batch_up_to_the_clock(plot):
    daily(plot)
    assert plot.batches("daily") == EVERY_DAY
    assert plot.rows("daily") == whole(plot)
    assert plot.build()["daily"].detail["why"] == "up to date"
    assert plot.warehouse.tables("tailrace_stage") == {}


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        ("INSERT INTO raw.events VALUES (900, '2026-01-03 01:00:00', 1)", ["2026-01-03"]),
        ("DELETE FROM raw.events WHERE id = 0", ["2026-01-01"]),
        ("UPDATE raw.events SET v = v + 1 WHERE ts::DATE = '2026-01-04'", ["2026-01-04"]),
        ("UPDATE raw.events SET ts = '2026-01-06 00:00:00' WHERE id = 0", ["2026-01-01", "2026-01-06"]),
        ("INSERT INTO raw.events SELECT * FROM raw.events WHERE id = 50", ["2026-01-03"]),
        ("DELETE FROM raw.events WHERE ts::DATE = '2026-01-02'", ["2026-01-02"]),
        ("INSERT INTO raw.events VALUES (901, '2026-01-10 23:00:00', 1)", ["2026-01-10"]),
        ("INSERT INTO raw.events VALUES (902, NULL, 1), (903, '2025-12-31', 1), (904, '2026-01-11', 1)", []),
        ("UPDATE raw.events SET id = id", []),
    ],
)  # fmt: skip
def test_exactly_the_touched_days_are_built_again(plot, change, touched):
    daily(plot)
    plot.land("events", change)
    found = plot.build()["daily"]
    assert (found.status, plot.batches("daily")) == ("ok" if touched else "skipped", touched)
    assert found.detail["why"] == f"raw.events has new data; {len(touched)} of 10 batches"
    assert plot.rows("daily") == whole(plot)
    assert plot.built() == []


def test_lookback_adds_the_newest_batches_where_anything_is_new(plot):
    daily(plot, lookback=2)
    plot.land("events", "DELETE FROM raw.events WHERE id = 0")
    plot.built()
    assert plot.batches("daily") == ["2026-01-01", "2026-01-08", "2026-01-09"]
    plot.land("events")
    assert plot.build()["daily"].status == "skipped"


def test_the_next_day_has_a_batch_and_no_other_is_touched(plot):
    daily(plot)
    plot.land("events", "INSERT INTO raw.events VALUES (904, '2026-01-11 03:00:00', 1)")
    assert plot.built() == []
    plot.now = NOW + timedelta(days=1)
    assert plot.why("daily") == "a new batch began"
    plot.built()
    assert plot.batches("daily") == ["2026-01-11"]
    assert plot.rows("daily", "v")[-1] is not None
    assert plot.warehouse.query("SELECT n FROM marts.daily WHERE ts = '2026-01-11'") == [(1,)]


@pytest.mark.parametrize(("size", "count"), [("hour", 229), ("month", 1), ("year", 1)])
def test_batches_of_other_sizes(plot, size, count):
    plot.microbatch("daily", "SELECT * FROM {events}", {"events": "ts"}, size=size)
    plot.built()
    assert len(plot.batches("daily")) == count
    assert len(plot.rows("daily")) == 40
    plot.land("events", "UPDATE raw.events SET v = -1 WHERE id = 0")
    plot.built()
    assert len(plot.batches("daily")) == 1


def test_an_input_without_event_time_touches_all(plot):
    plot.land("rates", "CREATE TABLE raw.rates AS SELECT 2 AS factor")
    sql = "SELECT date_trunc('day', ts) AS ts, sum(v) * any_value(factor) AS v FROM {events}, raw.rates GROUP BY 1"
    plot.microbatch("daily", sql, {"events": "ts"}, reads=("rates",))
    plot.built()
    plot.land("events", "DELETE FROM raw.events WHERE id = 0")
    plot.built()
    assert plot.batches("daily") == ["2026-01-01"]
    plot.land("rates", "UPDATE raw.rates SET factor = 3")
    plot.built()
    assert plot.batches("daily") == EVERY_DAY
    assert plot.rows("daily", "sum(v)") == [(3 * sum(range(5, 200, 5)),)]


def test_a_microbatch_model_over_another_is_touched_only_where_its_rows_changed(plot):
    daily(plot)
    plot.microbatch("second", "SELECT ts, n * 2 AS n FROM {daily}", {}, models={"daily": "ts"})
    plot.model("reader", "SELECT count(*) AS n FROM marts.second", depends_on=("second",))
    assert plot.built() == ["reader", "second"]
    plot.land("events", "UPDATE raw.events SET id = 999 WHERE id = 0")
    assert plot.built() == ["daily"]
    plot.land("events", "DELETE FROM raw.events WHERE id = 999")
    assert plot.built() == ["daily", "reader", "second"]
    assert plot.batches("second") == ["2026-01-01"]


def test_columns_of_other_types_hold_the_time(plot):
    plot.land(
        "events",
        "CREATE OR REPLACE TABLE raw.events AS SELECT id, ts::DATE AS ts, v FROM raw.events",
    )
    daily(plot)
    plot.land("events", "DELETE FROM raw.events WHERE id = 0")
    plot.built()
    assert plot.batches("daily") == ["2026-01-01"]
    plot.land(
        "events", "CREATE OR REPLACE TABLE raw.events AS SELECT id, ts::TIMESTAMPTZ AS ts, v FROM raw.events"
    )
    plot.microbatch("daily", DAILY.replace("date_trunc('day', ts)", "ts::DATE"), {"events": "TS"})
    plot.built()
    plot.land("events", "UPDATE raw.events SET v = 0 WHERE ts::DATE = '2026-01-02'")
    plot.built()
    assert plot.batches("daily") == ["2026-01-02"]


def test_rows_outside_the_batch_are_left_out_as_in_dbt(plot):
    plot.microbatch("daily", "SELECT ts - INTERVAL 5 HOUR AS ts, id FROM {events}", {"events": "ts"})
    plot.built()
    before = plot.rows("daily")
    assert len(before) < 40
    plot.land("events", "UPDATE raw.events SET v = 7")
    plot.built()
    assert plot.rows("daily") == before


def test_other_sql_is_built_beside_the_table(plot):
    """It fails in the middle: the old rows stand, what was finished is not built again, and then all of it is swapped."""
    daily(plot)
    before = plot.rows("daily")
    plot.land("events", "INSERT INTO raw.events VALUES (950, '2026-01-05 01:00:00', NULL)")
    plot.microbatch(
        "daily",
        "SELECT ts, CASE WHEN ts::DATE = '2026-01-05' AND v IS NULL THEN error('no v') ELSE v END AS v FROM {events}",
        {"events": "ts"},
    )
    said = plot.error("daily")
    assert "batch 2026-01-05 00:00: " in said
    assert "no v" in said
    assert plot.rows("daily") == before
    assert plot.batches("daily") == EVERY_DAY[:4]
    plot.land("events", "UPDATE raw.events SET v = 1 WHERE v IS NULL")
    found = plot.build()["daily"]
    assert (found.status, found.detail["batches"]) == ("ok", 6)
    assert plot.batches("daily") == EVERY_DAY[4:]
    assert len(plot.rows("daily")) == 41
    assert plot.warehouse.query("SELECT DISTINCT complete FROM tailrace_meta.intervals") == [(True,)]
    assert plot.warehouse.tables("tailrace_stage") == {}


def test_what_was_left_beside_is_not_used_by_other_sql(plot):
    text = "SELECT ts, CASE WHEN ts::DATE = '2026-01-05' THEN error('no') ELSE {} END AS v FROM {{events}}"
    plot.microbatch("daily", text.format("v"), {"events": "ts"})
    plot.error("daily")
    plot.microbatch("daily", text.format("-v"), {"events": "ts"})
    plot.error("daily")
    plot.microbatch("daily", "SELECT ts, -v AS v FROM {events}", {"events": "ts"})
    plot.built()
    assert plot.batches("daily") == EVERY_DAY
    assert {row[0] for row in plot.rows("daily", "v <= 0")} == {True}


def test_a_star_over_a_table_that_grew_is_built_anew(plot):
    plot.microbatch("daily", "SELECT * FROM {events}", {"events": "ts"})
    plot.built()
    plot.land("events", "ALTER TABLE raw.events ADD COLUMN more INTEGER")
    plot.built()
    assert len(plot.rows("daily", "more")) == 40


def test_inputs_that_return_to_what_they_were_are_not_believed(plot):
    """One batch was built on the new rows before the next one failed: the old version of the input is not what it holds."""
    text = "SELECT ts, CASE WHEN v = 999 THEN error('no') ELSE v END AS v FROM {events}"
    plot.microbatch("daily", text, {"events": "ts"})
    plot.built()
    before = plot.rows("daily")
    kept = plot.warehouse.query("SELECT data_version FROM tailrace_meta.cursors")[0][0]
    plot.warehouse.execute("CREATE TABLE raw.old AS FROM raw.events")
    plot.land(
        "events", "UPDATE raw.events SET v = 888 WHERE id = 0", "UPDATE raw.events SET v = 999 WHERE id = 100"
    )
    plot.error("daily")
    assert plot.rows("daily") != before
    plot.warehouse.execute("CREATE OR REPLACE TABLE raw.events AS FROM raw.old")
    plot.warehouse.execute("UPDATE tailrace_meta.cursors SET data_version = ?", [kept])
    plot.built()
    assert plot.batches("daily") == ["2026-01-01"]
    assert plot.rows("daily") == before


def test_restated_days_and_the_same_days_downstream(plot):
    daily(plot)
    plot.microbatch("monthly", "SELECT ts, n FROM {daily}", {}, models={"daily": "ts"}, size="month")
    plot.model("reader", "SELECT count(*) AS n FROM marts.daily", depends_on=("daily",))
    plot.built()
    asked = restating(plot.graph, {"daily"}, ["daily"], date(2026, 1, 2), date(2026, 1, 3))
    assert asked.restated == {"daily", "monthly"}
    found = plot.build("daily", asked=asked)
    assert {name: result.status for name, result in found.items()} == {"daily": "ok", "monthly": "ok"}
    assert found["daily"].detail["why"] == "restated from 2026-01-02 to 2026-01-03; 2 of 10 batches"
    assert plot.batches("daily") == ["2026-01-02", "2026-01-03"]
    assert plot.batches("monthly") == ["2026-01-01"]
    assert plot.built() == ["reader"]


@pytest.mark.parametrize(
    ("chosen", "named", "days", "said"),
    [
        (["reader"], ["reader"], (1, 2), "reader has no intervals to restate"),
        (["daily", "reader"], ["daily", "reader"], (1, 2), "reader has no intervals"),
        (["reader"], [], (1, 2), "nothing chosen has no intervals"),
        (["daily"], ["daily"], (3, 2), "--restate 2026-01-03 2026-01-02 ends before it begins"),
    ],
)
def test_what_cannot_be_restated_is_refused(plot, chosen, named, days, said):
    plot.microbatch("daily", DAILY, {"events": "ts"})
    plot.model("reader", "SELECT 1", depends_on=("daily",))
    with pytest.raises(BadInput, match=said):
        restating(plot.graph, chosen, named, *(date(2026, 1, day) for day in days))


def test_full_refresh_builds_every_batch_and_a_protected_model_none(plot):
    daily(plot)
    plot.built(Asked(full_refresh=True))
    assert plot.batches("daily") == EVERY_DAY
    plot.microbatch("daily", DAILY, {"events": "ts"}, full_refresh=False)
    assert plot.built(Asked(full_refresh=True)) == []
    plot.microbatch("daily", DAILY.replace("sum(v)", "-sum(v)"), {"events": "ts"}, full_refresh=False)
    plot.land("events", "DELETE FROM raw.events WHERE id = 0")
    plot.built()
    assert plot.batches("daily") == ["2026-01-01"]


@pytest.mark.parametrize("table", ["models", "intervals"])
def test_deleted_state_costs_a_rebuild_and_no_wrong_row(plot, table):
    daily(plot)
    plot.land("events", "DELETE FROM raw.events WHERE id = 0")
    plot.warehouse.execute(f"DROP TABLE tailrace_meta.{table}")
    plot.built()
    assert plot.batches("daily") == EVERY_DAY
    assert plot.rows("daily") == whole(plot)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"begin": datetime(2027, 1, 1, tzinfo=UTC)}, "begin 2027-01-01 lies in the future"),
        ({"event_time": "tss"}, "event_time tss is no column of marts.daily. did you mean ts?"),
        ({"inputs": {"events": "tss"}}, "event_time tss is no column of raw.events. did you mean ts?"),
    ],
)
def test_what_is_wrong_is_said(plot, words, said):
    plot.microbatch("daily", DAILY, words.pop("inputs", {"events": "ts"}), **words)
    assert said in plot.error("daily")
    assert plot.warehouse.tables("marts") == {}


def test_batches_without_rows_run_too(plot):
    """A calendar gives rows of its own for days on which nothing happened."""
    plot.land(
        "days",
        "CREATE TABLE raw.days AS SELECT unnest(generate_series(DATE '2026-01-01', DATE '2026-01-31', INTERVAL 1 DAY)) AS ts",
    )
    plot.land("events", "DELETE FROM raw.events WHERE ts::DATE BETWEEN '2026-01-02' AND '2026-01-04'")
    sql = "SELECT d.ts, count(e.id) AS n FROM raw.days AS d LEFT JOIN {events} AS e ON e.ts::DATE = d.ts GROUP BY ALL"
    plot.microbatch("daily", sql, {"events": "ts"}, reads=("days",))
    plot.built()
    assert [row[0] for row in plot.rows("daily", "n")].count(0) >= 3
    assert len(plot.rows("daily")) == 10


def test_an_input_that_changed_is_scanned_and_no_other(plot):
    plot.land("clicks", "CREATE TABLE raw.clicks AS FROM raw.events")
    sql = "SELECT ts, id FROM {events} UNION ALL SELECT ts, id FROM {clicks}"
    plot.microbatch("daily", sql, {"events": "ts", "clicks": "ts"})
    plot.built()
    said, run = [], plot.warehouse._run
    plot.warehouse._run = lambda sql, params: said.append(sql) or run(sql, params)
    plot.built()
    assert not [sql for sql in said if "hash(" in sql]
    plot.land("clicks", "DELETE FROM raw.clicks WHERE id = 0")
    plot.built()
    assert [sql.split(" FROM ")[1].split(" ")[0] for sql in said if "hash(" in sql] == ['"raw"."clicks"']


@pytest.mark.parametrize(
    ("before", "after", "read"),
    [
        ("1 AS a, 10 AS b", "1 AS b, 10 AS a", "b - a"),
        ("1::INT AS a", "1::SMALLINT AS a", "typeof(a)"),
        ("{'a': 1, 'b': 10} AS s", "{'b': 1, 'a': 10} AS s", "s.b - s.a"),
        ("INTERVAL 30 DAYS AS a", "INTERVAL 1 MONTH AS a", "DATE '2026-02-01' + a"),
        ("0.0::DOUBLE AS a", "-0.0::DOUBLE AS a", "a::VARCHAR"),
        ("[0.0::DOUBLE] AS a", "[-0.0::DOUBLE] AS a", "a::VARCHAR"),
    ],
    ids=["names", "types", "fields", "intervals", "signs", "signs in lists"],
)
def test_rows_that_hash_alike_and_are_others(plot, before, after, read):
    make = "CREATE OR REPLACE TABLE raw.things AS SELECT TIMESTAMP '2026-01-01' AS ts, {}"
    plot.land("things", make.format(before))
    plot.microbatch("daily", f"SELECT ts, {read} AS d FROM {{things}}", {"things": "ts"})
    plot.built()
    plot.land("things", make.format(after))
    assert plot.built() == ["daily"]
    assert plot.rows("daily", "d") == plot.warehouse.query(f"SELECT {read} FROM raw.things")


def test_a_star_whose_columns_change_though_no_batch_does(plot):
    """The view is another one, and the digests of its rows and columns were kept from it."""
    plot.microbatch("daily", "SELECT *, {'x': 1} AS s FROM {events}", {"events": "ts"})
    plot.built()
    plot.warehouse.execute("ALTER TABLE marts.daily ADD COLUMN other INTEGER")
    plot.land("events")
    plot.built()
    assert "other" not in plot.warehouse.query("SELECT list(column_name) FROM (DESCRIBE marts.daily)")[0][0]
    assert len(plot.rows("daily", "s")) == 40


@pytest.mark.parametrize("away", ["begin moved on", "the clock went back"])
def test_what_came_while_a_batch_was_not_watched_arrives(plot, away):
    daily(plot)
    late = "2026-01-02" if away == "begin moved on" else "2026-01-09"
    if away == "begin moved on":
        plot.microbatch("daily", DAILY, {"events": "ts"}, begin=datetime(2026, 1, 5, tzinfo=UTC))
    else:
        plot.now = NOW - timedelta(days=4)
    plot.land("events", f"INSERT INTO raw.events VALUES (900, '{late} 01:00:00', 1000)")
    plot.build()
    plot.now = NOW
    daily(plot)
    assert late in plot.batches("daily")
    assert plot.rows("daily") == whole(plot)


@pytest.mark.parametrize("whose", ["the input", "the model"])
def test_a_text_is_no_event_time(plot, whose):
    if whose == "the input":
        plot.land("events", "ALTER TABLE raw.events ALTER ts TYPE VARCHAR")
    text = "SELECT ts::VARCHAR AS ts FROM {events}"
    plot.microbatch("daily", text, {"events": "ts"})
    table = "raw.events" if whose == "the input" else "marts.daily"
    said = plot.error("daily")
    assert f"event_time ts of {table} is VARCHAR; it must be a date or a timestamp" in said
    assert plot.warehouse.tables("marts") == {}


def test_a_rebuild_begun_with_other_columns_begins_anew(plot):
    """The input read whole has a column more by then: what was built aside has no place for it."""
    plot.land("rates", "CREATE TABLE raw.rates AS SELECT 1 AS rate")
    text = "SELECT e.ts, CASE WHEN e.v = 50 THEN error('no') END AS v, r.* FROM {events} AS e, raw.rates AS r"
    plot.microbatch("daily", text, {"events": "ts"}, reads=("rates",))
    plot.error("daily")
    plot.land("rates", "ALTER TABLE raw.rates ADD COLUMN more INTEGER DEFAULT 7")
    plot.land("events", "UPDATE raw.events SET v = 51 WHERE v = 50")
    plot.built()
    assert plot.rows("daily", "DISTINCT rate, more") == [(1, 7)]


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ({"begin": datetime(2026, 1, 3, tzinfo=UTC)}, EVERY_DAY[2:]),
        ({"event_time": "up"}, EVERY_DAY),
        ({"size": "month"}, EVERY_DAY[:1]),
    ],
    ids=["begin", "event_time", "batch_size"],
)
def test_a_rebuild_begun_with_other_settings_begins_anew(plot, words, days):
    """Batches that were finished under the settings before would stand for rows that these never chose."""
    text = "SELECT ts, ts + INTERVAL 1 HOUR AS up, if(v = 999, error('no'), v) AS v FROM {events}"
    plot.land("events", "UPDATE raw.events SET v = 999 WHERE ts::DATE = '2026-01-05'")
    plot.microbatch("daily", text, {"events": "ts"})
    plot.error("daily")
    assert plot.batches("daily") == EVERY_DAY[:4]
    plot.land("events", "UPDATE raw.events SET v = 0 WHERE v = 999")
    plot.microbatch("daily", text, {"events": "ts"}, **words)
    plot.built()
    assert plot.batches("daily") == days
    first = words.get("begin", datetime(2026, 1, 1)).replace(tzinfo=None)
    assert plot.rows("daily", f"min(ts) >= TIMESTAMP '{first}'") == [(True,)]
