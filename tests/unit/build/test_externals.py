"""Tables that nobody here makes: read once, they tell whether they changed; what cannot be read is built on every time."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb
import pytest
from tests.unit.build.layout import compiled, lay_out

from tailrace.build.externals import Externals
from tailrace.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def warehouse(tmp_path):
    with duckdb.connect(str(tmp_path / "other.duckdb")) as con:
        con.execute("CREATE SCHEMA crm; CREATE TABLE crm.people AS SELECT 1 AS id")
    found = DuckDBWarehouse(None, attach=[{"path": str(tmp_path / "other.duckdb"), "alias": "other"}])
    found.execute("CREATE SCHEMA own")
    found.execute("CREATE TABLE own.t AS SELECT 1 AS id, 'a' AS name")
    found.execute("CREATE TABLE main.bare AS SELECT 1 AS id")
    yield found
    found.close()


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO own.t VALUES (1, 'a')",
        "UPDATE own.t SET name = NULL",
        "DELETE FROM own.t",
        "ALTER TABLE own.t RENAME name TO nom",
        "ALTER TABLE own.t ALTER id TYPE VARCHAR",
    ],
)
def test_a_table_of_the_warehouse_tells_by_its_content(warehouse, change):
    before = Externals(warehouse, "?").version("own.t")
    assert Externals(warehouse, "?").version("own.t") == before
    warehouse.execute(change)
    assert Externals(warehouse, "?").version("own.t") != before


def test_a_name_without_a_schema_is_mains(warehouse):
    assert Externals(warehouse, "?").is_known("bare")


def test_an_attached_file_tells_by_its_times_and_is_not_read(warehouse, tmp_path):
    found = Externals(warehouse, "?")
    before = found.version("other.crm.people")
    assert found.is_known("other.crm.people")
    warehouse.execute("DETACH other")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as con:
        con.execute("INSERT INTO crm.people VALUES (2)")
    warehouse.attach(tmp_path / "other.duckdb", "other")
    assert Externals(warehouse, "?").version("other.crm.people") != before


@pytest.mark.parametrize("name", ["read_csv()", "own.nothing", "nowhere.crm.people"])
def test_what_cannot_be_told_is_said(warehouse, name):
    assert not Externals(warehouse, "?").is_known(name)


def test_a_table_is_read_once_a_build(warehouse):
    asked = []
    query = warehouse.query
    warehouse.query = lambda sql, params=(): asked.append(sql) or query(sql, params)
    found = Externals(warehouse, "?")
    for _ in range(3):
        found.version("own.t")
    assert sum("hash(t)" in sql for sql in asked) == 1


def far(stamp, columns=("id",)):
    """A warehouse whose tables are far away: what reads one is billed."""

    def query(*_):
        raise AssertionError("a table of BigQuery is read to see whether it changed")

    return SimpleNamespace(
        engine="bigquery",
        columns=lambda _ref: dict.fromkeys(columns, "BIGINT"),
        stamp=lambda _ref: stamp,
        query=query,
    )


def test_a_far_table_tells_by_its_stamp_and_is_not_read():
    assert Externals(far("monday|2|80"), "?").version("crm.people") == "monday|2|80"
    assert Externals(far("tuesday|2|80"), "?").version("crm.people") == "tuesday|2|80"


@pytest.mark.parametrize(
    ("name", "stamp", "columns"),
    [("crm.people", "", ("id",)), ("crm.gone", "", ()), ("other.crm.people", "monday", ("id",))],
)
def test_a_far_view_or_other_project_is_not_known(name, stamp, columns):
    assert not Externals(far(stamp, columns), "?").is_known(name)


def test_a_batched_model_reads_an_attached_table_whole(tmp_path):
    files = {
        "profiles.yml": "acme: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb, attach: [{path: other.duckdb, alias: other}],"
        " connections: {hubspot: {type: hubspot, access_token: sandbox}}}}}",
        "models/sources.yml": "version: 2\nsources:\n  - name: far\n    database: other\n    schema: crm\n"
        "    tables: [{name: people, config: {event_time: seen}}]\n",
        "models/marts/daily.sql": "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='seen',"
        " batch_size='day', begin='2026-01-01') }} SELECT id, seen FROM {{ source('far', 'people') }}",
    }
    node = compiled(lay_out(tmp_path, files)).nodes["daily"]
    assert node.batch_inputs == ()
    assert "other.crm.people" in node.externals
    assert "WHERE" not in node.sql
