"""What `copy` carries takes the place of the same accounts' and resources' rows; all others of the target stay."""

from __future__ import annotations

import pytest

from tailrace.activate import ledger
from tailrace.land.cursors import REF as CURSORS
from tailrace.land.cursors import Cursor, ensure_cursors, write_cursor
from tailrace.runner.copying.moving import carry, count
from tailrace.runner.copying.tables import NOBODY, PARTS, order
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse

OURS = "(account = 'same' AND object = 'x' AND sync = 'other')"


@pytest.fixture(params=["duckdb", "bigquery"])
def prod(request, tmp_path):
    local = DuckDBWarehouse(tmp_path / "prod.duckdb")
    if request.param == "duckdb":
        yield local
    else:
        client = request.getfixturevalue("bigquery")
        for dataset in list(client.list_datasets()):
            client.delete_dataset(dataset, delete_contents=True)
        yield BigQueryWarehouse(local, Jobs(client, {"project": client.project, "location": "US"}))
    local.close()


@pytest.fixture
def dev(tmp_path):
    """Rows of an account that both have and of one that is its own; only `ga4.events` is landed."""
    warehouse = DuckDBWarehouse(tmp_path / "dev.duckdb")
    prepared(warehouse)
    acked(warehouse, "same", "x", "other", "1", "2")
    acked(warehouse, "sandbox-1", "contacts", "s", "0", "1", "2")
    warehouse.ensure_schema("ga4")
    for end in ("", "__raw"):
        warehouse.execute(f"CREATE TABLE ga4.events{end} (id BIGINT)")
    for resource in ("ga4.events", "ga4.users", "hubspot.contacts"):
        write_cursor(warehouse, Cursor(resource, raw_done=7))
    yield warehouse
    warehouse.close()


def prepared(warehouse):
    ledger.ensure(warehouse)
    ensure_cursors(warehouse)


def acked(warehouse, account, obj, sync, *keys):
    for key in keys:
        warehouse.execute(
            "INSERT INTO tailrace_meta.ledger (account, object, sync, primary_key, status, attempts, acked_at)"
            " VALUES (?, ?, ?, ?, 'acked', 1, TIMESTAMP '2026-01-01 10:00:00')",
            [account, obj, sync, key],
        )


def carried(dev, prod, path, datasets=("ga4",), where=OURS):
    tables = order(dev, PARTS, datasets, where)
    for table in tables:
        rows = carry(dev, prod, table, path / "c.parquet")
        assert rows == count(dev, table) == count(prod, table), table
    return [str(table.ref) for table in tables]


LEDGER = "SELECT account, primary_key FROM tailrace_meta.ledger ORDER BY ALL"
READ = f"SELECT resource, raw_done FROM {CURSORS} ORDER BY ALL"


def of_target(prod, sql):
    """The rows, which are the same where a target keeps them twice."""
    found = prod.query(sql)
    if prod.engine == "bigquery":
        there = prod.jobs.rows(sql.replace("ORDER BY ALL", "ORDER BY 1, 2"))
        assert [tuple(row) for row in there] == found
    return found


def test_rows_that_are_not_carried_stay(dev, prod, tmp_path):
    prepared(prod)
    acked(prod, "portal-9", "contacts", "s", "0", "1", "2")
    acked(prod, "same", "x", "other", "2", "3")
    write_cursor(prod, Cursor("hubspot.contacts", raw_done=500))
    write_cursor(prod, Cursor("ga4.users", raw_done=400))
    write_cursor(prod, Cursor("ga4.events", raw_done=300))
    carried(dev, prod, tmp_path)
    assert of_target(prod, LEDGER) == [
        ("portal-9", "0"), ("portal-9", "1"), ("portal-9", "2"), ("same", "1"), ("same", "2"),
    ]  # fmt: skip
    assert of_target(prod, READ) == [("ga4.events", 7), ("ga4.users", 400), ("hubspot.contacts", 500)]
    assert prod.query("SELECT DISTINCT acked_at::VARCHAR FROM tailrace_meta.ledger") == [
        ("2026-01-01 10:00:00",)
    ]


def test_where_no_account_agrees_the_ledger_is_not_touched(dev, prod, tmp_path):
    prepared(prod)
    acked(prod, "portal-9", "contacts", "s", "0")
    assert carried(dev, prod, tmp_path, where=NOBODY) == [
        "ga4.events", "ga4.events__raw", "tailrace_meta.cursors",
    ]  # fmt: skip
    assert of_target(prod, LEDGER) == [("portal-9", "0")]


def test_where_nothing_is_landed_no_cursor_is_touched(dev, prod, tmp_path):
    prepared(prod)
    write_cursor(prod, Cursor("hubspot.contacts", raw_done=500))
    carried(dev, prod, tmp_path, datasets=())
    assert of_target(prod, READ) == [("hubspot.contacts", 500)]


def test_a_target_without_tables_or_with_an_earlier_release_s(dev, prod, tmp_path):
    prod.ensure_schema("tailrace_meta")
    prod.execute("CREATE TABLE tailrace_meta.cursors (resource VARCHAR, raw_done BIGINT)")
    prod.execute("INSERT INTO tailrace_meta.cursors VALUES ('hubspot.contacts', 500)")
    carried(dev, prod, tmp_path)
    assert of_target(prod, LEDGER) == [("same", "1"), ("same", "2")]
    assert of_target(prod, READ) == [("ga4.events", 7), ("hubspot.contacts", 500)]
    assert prod.columns(CURSORS) == dev.columns(CURSORS)


def test_more_rows_than_a_page(dev, prod, tmp_path, monkeypatch):
    monkeypatch.setattr("tailrace.runner.copying.moving.PAGE", 2048)
    dev.execute(
        "INSERT INTO tailrace_meta.ledger (account, object, sync, primary_key)"
        " SELECT 'same', 'x', 'other', 'k' || n FROM range(5000) AS r(n)"
    )
    carried(dev, prod, tmp_path)
    assert len(of_target(prod, LEDGER)) == 5002
