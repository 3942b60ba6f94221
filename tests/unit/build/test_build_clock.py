"""The words for now: every spelling that DuckDB has reads the run's clock, and nothing that only looks like one does."""

from __future__ import annotations

import duckdb
import pytest
from tests.unit.build.layout import NOW, compiled, lay_out

from tailrace.build import clock
from tailrace.build.run import build
from tailrace.warehouse.duckdb import DuckDBWarehouse

OF_THE_SESSION = {
    "current_catalog", "current_database", "current_role", "current_schema", "current_schemas", "current_user", "session_user",
    "user", "in_search_path", "pg_my_temp_schema",
}  # fmt: skip
"""Say where a query runs, not when; `user` and the like are fixed words in DuckDB."""
WITHOUT_MEANING = {"error", "sleep_ms", "pg_sleep", "write_log"}
"""Give the same rows each time."""

SPELLINGS = {
    "current_date": NOW.date(), "CURRENT_DATE": NOW.date(), "today()": NOW.date(), "Current_Date()": NOW.date(),
    "now()": NOW, "current_timestamp": NOW, "get_current_timestamp()": NOW, "transaction_timestamp()": NOW,
    "localtimestamp": NOW.replace(tzinfo=None), "current_localtimestamp()": NOW.replace(tzinfo=None),
    "localtime": NOW.time(), "current_localtime()": NOW.time(), "current_time": NOW.timetz(), "get_current_time()": NOW.timetz(),
    "date_trunc('day', now())": NOW.replace(hour=0, minute=0, second=0, microsecond=0),
    "now( /* why */ )": NOW,
}  # fmt: skip


def built(tmp_path, sql):
    """The node, and its rows from an in-memory warehouse."""
    root = lay_out(tmp_path, {"models/x.sql": sql})
    node = compiled(root).nodes["x"]
    warehouse = DuckDBWarehouse(None)
    warehouse.execute("CREATE SCHEMA hubspot")
    warehouse.execute("CREATE TABLE hubspot.contacts AS SELECT '1' AS id, 'a@x' AS email")
    graph = compiled(root)
    build(warehouse, graph, {"x", "stg_contacts"}, root=root, run_id="r", now=lambda: NOW)
    rows = warehouse.query("SELECT * FROM main.x")
    warehouse.close()
    return node, rows


@pytest.mark.parametrize("word", SPELLINGS)
def test_every_spelling_reads_the_runs_clock(word, tmp_path):
    node, rows = built(tmp_path, f"SELECT {word} AS x")
    assert (node.volatile, rows) == (True, [(SPELLINGS[word],)])


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT t.current_date AS x FROM (SELECT 7 AS "current_date") AS t',
        'SELECT "current_date" AS x FROM (SELECT 7 AS "current_date")',
        "SELECT today AS x FROM (SELECT 7 AS today)",
        "SELECT now AS x FROM (SELECT 7 AS now)",
        "SELECT s.now AS x FROM (SELECT {'now': 7} AS s)",
        "SELECT 7 AS x -- now() and current_date",
        "SELECT 7 AS x /* today() */ WHERE 'current_date' <> $$now()$$",
    ],
)
def test_what_only_looks_like_a_clock_stays(sql, tmp_path):
    node, rows = built(tmp_path, sql)
    assert (node.volatile, node.sql, rows) == (False, sql, [(7,)])


def test_an_alias_is_no_clock(tmp_path):
    _, rows = built(tmp_path, "SELECT 7 AS current_date, current_date AS day FROM stg_contacts")
    assert rows == [(7, NOW.date())]


def test_places_count_in_characters_of_any_width(tmp_path):
    node, rows = built(
        tmp_path, "-- ümlaut \U0001f600\nSELECT '\U0001f600é' AS a, current_date AS d FROM stg_contacts -- é"
    )
    assert rows == [("\U0001f600é", NOW.date())]
    assert node.depends_on == ("stg_contacts",)


def test_no_function_of_the_engine_reads_a_clock_or_dice_unseen():
    """A function that a newer DuckDB adds has to be named here: a clock word, refused, or harmless."""
    rows = duckdb.sql(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate')"
        " AND stability <> 'CONSISTENT' UNION SELECT function_name FROM duckdb_functions() WHERE function_type = 'macro'"
        " AND regexp_matches(macro_definition, 'current_(t|d)|now\\(|today|random|uuid')"
    ).fetchall()
    found = {name for (name,) in rows}
    assert {"now", "random", "ago"} <= found
    known = {*clock.WORDS, *clock.RANDOM, *clock.OWN_CLOCK, *OF_THE_SESSION, *WITHOUT_MEANING}
    assert found - known == set()
