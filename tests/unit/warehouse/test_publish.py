"""The published file: whole, read-only, atomic, with two earlier ones kept; readers never wait."""

from __future__ import annotations

import stat
import subprocess
import sys
from types import SimpleNamespace

import duckdb
import pytest

from tailrace.errors import FatalError, LockHeld, WarehouseError
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.marks import state_of
from tailrace.warehouse.publish import publish, publish_meta, rollback


@pytest.fixture
def work(tmp_path):
    path = tmp_path / "state" / "work.duckdb"
    path.parent.mkdir()
    write(
        path,
        "CREATE SCHEMA marts; CREATE SCHEMA raw; CREATE TABLE marts.a AS SELECT 1 AS x; CREATE TABLE raw.r AS SELECT 5 AS y",
    )
    return path


def write(path, sql):
    warehouse = DuckDBWarehouse(path)
    for statement in sql.split(";"):
        warehouse.execute(statement)
    warehouse.checkpoint()
    warehouse.close()


def read(path, sql):
    con = duckdb.connect(str(path), read_only=True)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def test_the_copy_is_whole_and_read_only(work, tmp_path):
    target = tmp_path / "warehouse.duckdb"
    done = publish(work, target)
    assert done.copied == target.stat().st_size == work.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o444
    assert read(target, "SELECT x FROM marts.a") == [(1,)]


def test_an_open_reader_keeps_its_file_and_two_earlier_ones_stay(work, tmp_path):
    target = tmp_path / "warehouse.duckdb"
    publish(work, target)
    reader = duckdb.connect(str(target), read_only=True)
    for value in (2, 3, 4):
        write(work, f"UPDATE marts.a SET x = {value}")
        publish(work, target)
    assert reader.execute("SELECT x FROM marts.a").fetchall() == [(1,)]
    reader.close()
    names = sorted(path.name for path in tmp_path.glob("warehouse.duckdb*"))
    assert names == ["warehouse.duckdb", "warehouse.duckdb.1", "warehouse.duckdb.2"]
    values = [read(tmp_path / name, "SELECT x FROM marts.a")[0][0] for name in names]
    assert values == [4, 3, 2]
    rollback(target)
    assert read(target, "SELECT x FROM marts.a") == [(3,)]
    rollback(target)
    assert read(target, "SELECT x FROM marts.a") == [(2,)]
    with pytest.raises(FatalError, match="no earlier file"):
        rollback(target)


def test_narrowed_to_schemas(work, tmp_path):
    write(work, "CREATE VIEW marts.v AS SELECT * FROM raw.r")
    target = tmp_path / "warehouse.duckdb"
    publish(work, target, ("marts",))
    assert read(target, "SELECT y FROM marts.v") == [(5,)]
    schemas = {row[0] for row in read(target, "SELECT table_schema FROM information_schema.tables")}
    assert schemas == {"marts", "tailrace_meta"}


def test_only_the_meta_tables_past_a_gate_that_said_no(work, tmp_path):
    target = tmp_path / "warehouse.duckdb"
    publish(work, target)
    write(
        work,
        "UPDATE marts.a SET x = 99; CREATE TABLE tailrace_meta.validations AS SELECT 'block' AS decision",
    )
    publish_meta(work, target)
    assert read(target, "SELECT x FROM marts.a") == [(1,)]
    assert read(target, "SELECT decision FROM tailrace_meta.validations") == [("block",)]


def test_what_says_how_far_the_data_is_stays_with_the_data(work, tmp_path):
    """A lost work file is restored from this one: a cursor ahead of its rows would lose them for ever."""
    write(
        work,
        "CREATE TABLE tailrace_meta.cursors AS SELECT 1 AS position; CREATE TABLE tailrace_meta.models AS SELECT 'a' AS built",
    )
    target, first = tmp_path / "warehouse.duckdb", tmp_path / "first.duckdb"
    publish(work, target)
    write(work, "UPDATE tailrace_meta.cursors SET position = 2; UPDATE tailrace_meta.models SET built = 'b'")
    publish_meta(work, target)
    assert read(target, "SELECT position, built FROM tailrace_meta.cursors, tailrace_meta.models") == [
        (1, "a")
    ]
    publish_meta(work, first)
    names = read(
        first, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'tailrace_meta'"
    )
    assert names == [("format",)]


def test_the_state_changes_with_writes_and_only_with_them(work):
    before = state_of(work)
    warehouse = DuckDBWarehouse(work)
    warehouse.query("SELECT * FROM marts.a")
    warehouse.execute("CREATE TEMP TABLE t AS SELECT 1")
    warehouse.close()
    assert state_of(work) == before
    write(work, "UPDATE marts.a SET x = 7")
    assert state_of(work) != before


def test_copying_keeps_the_writers_lock(work, tmp_path):
    """A copy inside the process that has the file open would drop its lock; a second writer could then get in."""
    warehouse = DuckDBWarehouse(work)
    publish(work, tmp_path / "warehouse.duckdb")
    second = subprocess.run(
        [sys.executable, "-c", f"import duckdb; duckdb.connect({str(work)!r})"],
        capture_output=True,
        text=True,
        check=False,
    )
    warehouse.close()
    assert "lock" in second.stderr.lower()


def test_a_file_of_a_newer_tailrace_is_refused(work):
    write(work, "UPDATE tailrace_meta.format SET version = 99")
    with pytest.raises(WarehouseError, match="newer tailrace"):
        DuckDBWarehouse(work)


def test_a_file_that_is_no_database_says_so(tmp_path):
    path = tmp_path / "work.duckdb"
    path.write_text("no database " * 1000)
    with pytest.raises(WarehouseError, match="is damaged"):
        DuckDBWarehouse(path)


def test_an_open_file_names_its_holder(work):
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(work)!r}); print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline()
        with pytest.raises(LockHeld, match="open in another process"):
            DuckDBWarehouse(work)
    finally:
        holder.communicate(b"")


def test_nothing_is_published_without_room(work, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(FatalError, match="free some disk space"):
        publish(work, tmp_path / "warehouse.duckdb")
    assert list(tmp_path.glob("*warehouse*")) == []


def test_what_a_killed_run_left_spoils_nothing(work, tmp_path):
    target = tmp_path / "warehouse.duckdb"
    left = tmp_path / ".warehouse.duckdb.new"
    (tmp_path / ".warehouse.duckdb.new-x").mkdir()
    (tmp_path / ".warehouse.duckdb.new.wal").write_bytes(b"of another file")
    with left.open("wb") as orphan:  # the child of a killed run, still copying
        publish(work, target, ("marts",))
        orphan.write(b"stale" * 100)
    assert read(target, "SELECT x FROM marts.a") == [(1,)]
    publish_meta(work, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "state",
        "warehouse.duckdb",
        "warehouse.duckdb.1",
    ]


def test_keys_that_suites_hold_back_are_in_no_narrowed_file(work, tmp_path):
    write(
        work,
        "CREATE SCHEMA tailrace_stage; CREATE TABLE tailrace_stage.held__s AS SELECT 1 AS k;"
        " CREATE TABLE tailrace_stage.crm AS SELECT 1 AS x; CREATE TABLE tailrace_stage.erp AS SELECT 1 AS x",
    )
    tables = "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema <> 'tailrace_meta' ORDER BY 1"
    staged = [TableRef("tailrace_stage", "crm"), TableRef("tailrace_stage", "held__s")]
    narrow = tmp_path / "narrow.duckdb"
    publish(work, narrow, ("marts",), staged)
    assert read(narrow, tables) == [("marts.a",), ("tailrace_stage.crm",)]
    publish(work, narrow, ("marts", "tailrace_stage"))
    assert read(narrow, tables) == [("marts.a",), ("tailrace_stage.crm",), ("tailrace_stage.erp",)]
    after_a_block = tmp_path / "meta.duckdb"
    publish_meta(work, after_a_block, staged)
    assert read(after_a_block, tables) == [("tailrace_stage.crm",)]
    publish(work, tmp_path / "whole.duckdb")
    assert ("tailrace_stage.held__s",) in read(tmp_path / "whole.duckdb", tables)
