"""The ledger over there: a log that grows and a view of it, which shows what this machine's copy has, whatever happened."""

from __future__ import annotations

import random

import pytest
from tests import emulator

from tailrace.activate import ledger
from tailrace.errors import WarehouseError
from tailrace.warehouse.base import META, TableRef
from tailrace.warehouse.bigquery import logged
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse

LEDGER, LETTERS = ledger.LEDGER, ledger.DEAD_LETTERS


@pytest.fixture(scope="module")
def address():
    if not emulator.PYTHON.exists():
        pytest.skip("no emulator of BigQuery here: make .venv-emulator/run.stamp")
    with emulator.running() as found:
        yield found


@pytest.fixture
def opened(tmp_path, address):
    """Machines of one target that nobody has used."""
    made = []
    client = emulator.client(address)
    client.delete_dataset(META, delete_contents=True, not_found_ok=True)

    def open_one(name: str = "work") -> BigQueryWarehouse:
        local = DuckDBWarehouse(tmp_path / f"{name}.duckdb")
        made.append(local)
        return BigQueryWarehouse(local, Jobs(client, {"project": client.project, "location": "US"}))

    yield open_one
    for local in made:
        local.close()
    client.close()


@pytest.fixture
def warehouse(opened):
    found = opened()
    ledger.ensure(found)
    return found


@pytest.fixture
def sent(warehouse, monkeypatch):
    """What writes the ledger, as it is sent."""
    said = []
    execute = warehouse.jobs.execute

    def noted(sql, *job):
        said.append(sql)
        return execute(sql, *job)

    monkeypatch.setattr(warehouse.jobs, "execute", noted)
    return said


def put(warehouse, *keys, status="acked", sync="s"):
    """Rows in place of those of the same keys, as a merge writes them."""
    listed = ", ".join(f"'{key}'" for key in keys)
    with warehouse.transaction():
        warehouse.execute(f"DELETE FROM {LEDGER} WHERE sync = '{sync}' AND primary_key IN ({listed})")
        warehouse.execute(
            f"INSERT INTO {LEDGER} BY NAME SELECT 'a' AS account, 'o' AS object, '{sync}' AS sync, k AS primary_key,"
            f" '{status}' AS status, 3 AS attempts, TIMESTAMP '1969-12-31 23:59:59.5' AS acked_at, -5 AS scan_hash"
            f" FROM (SELECT unnest([{listed}]) AS k)"
        )


def mine(warehouse, ref=LEDGER):
    names = ", ".join(warehouse.columns(ref))
    return sorted(warehouse.query(f"SELECT {names} FROM {ref}"), key=repr)


def theirs(warehouse, ref=LEDGER):
    names = ", ".join(f"`{name}`" for name in warehouse.columns(ref))
    return sorted(warehouse.jobs.rows(f"SELECT {names} FROM `{ref.schema}`.`{ref.name}`"), key=repr)


def log(warehouse, ref=LEDGER):
    return warehouse.jobs.rows(
        f"SELECT `primary_key`, `_n`, `_gone` FROM `{META}`.`{ref.name}__log` ORDER BY `_n`, `primary_key`"
    )


def test_the_tables_are_those_of_syncs_and_keep_their_columns(warehouse):
    assert {LEDGER, LETTERS} == logged.TABLES
    for ref in logged.TABLES:
        assert list(warehouse.columns(ref)) == list(ledger.TABLES[ref])
        described = warehouse.jobs.client.get_table(f"{META}.{ref.name}")
        assert described.table_type == "VIEW"
        assert [field.name for field in described.schema] == list(ledger.TABLES[ref])
        there = warehouse.jobs.client.get_table(f"{META}.{ref.name}__log")
        assert there.time_partitioning.field == "_at"
    assert not [name for name in warehouse.tables(META) if name.endswith("__log")]


def test_a_change_sends_what_it_changed_and_nothing_is_asked_of_the_rest(warehouse, sent):
    put(warehouse, "1", "2", "3")
    put(warehouse, "2", status="dead")
    warehouse.execute(f"UPDATE {LEDGER} SET status = 'unknown' WHERE status = 'dead'")
    warehouse.execute(f"DELETE FROM {LEDGER} WHERE primary_key = '3'")
    assert log(warehouse) == [
        ("1", 1, False),
        ("2", 1, False),
        ("3", 1, False),
        ("2", 2, False),
        ("2", 3, False),
        ("3", 4, True),
    ]
    assert theirs(warehouse) == mine(warehouse)
    assert [row[4] for row in mine(warehouse)] == ["acked", "unknown"]
    assert len(sent) == 4, "one job for each transaction"
    assert all(one.startswith(f"INSERT INTO `{META}`.`ledger__log`") for one in sent)
    assert not any("`ledger`" in one for one in sent)


def test_what_changes_nothing_sends_nothing(warehouse, sent):
    put(warehouse, "1")
    del sent[:]
    warehouse.execute(f"DELETE FROM {LEDGER} WHERE primary_key = 'nobody'")
    warehouse.execute(f"UPDATE {LEDGER} SET status = 'dead' WHERE false")
    assert sent == []


def test_a_key_stays_what_it_is(warehouse):
    put(warehouse, "1")
    with pytest.raises(WarehouseError, match=r"account is a key of tailrace_meta\.ledger"):
        warehouse.execute(f"UPDATE {LEDGER} SET account = 'b'")


def step(warehouse, lots, keys):
    """One statement or transaction, out of a lot."""
    some = lots.sample(keys, lots.randint(1, len(keys)))
    listed = ", ".join(f"'{key}'" for key in some)
    kind = lots.choice(["put", "put", "delete", "update", "letters", "undone"])
    if kind == "put":
        put(warehouse, *some, status=lots.choice(["acked", "dead", "pending"]), sync=lots.choice("st"))
    elif kind == "delete":
        warehouse.execute(f"DELETE FROM {LEDGER} WHERE primary_key IN ({listed})")
    elif kind == "update":
        warehouse.execute(
            f"UPDATE {LEDGER} SET attempts = attempts + 1, error = 'it''s' WHERE primary_key IN ({listed})"
        )
    elif kind == "letters":
        with warehouse.transaction():
            warehouse.execute(f"DELETE FROM {LETTERS} WHERE primary_key IN ({listed})")
            warehouse.execute(
                f"INSERT INTO {LETTERS} BY NAME SELECT NULL AS account, 'o' AS object, 's' AS sync, k AS primary_key"
                f" FROM (SELECT unnest([{listed}]) AS k) WHERE k > '2'"
            )
            warehouse.execute(f"UPDATE {LEDGER} SET status = 'dead' WHERE primary_key IN ({listed})")
    else:
        with pytest.raises(KeyError), warehouse.transaction():
            put(warehouse, *some, status="undone")
            raise KeyError


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("least", [logged.LEAST, 4], ids=["as it is", "begun anew often"])
def test_the_view_shows_what_is_here_and_so_does_a_machine_that_fetches_it(
    opened, warehouse, monkeypatch, seed, least
):
    monkeypatch.setattr(logged, "LEAST", least)
    lots, keys = random.Random(seed), [str(number) for number in range(1, 8)]
    machines = [warehouse, opened("other")]
    for turn in range(4):
        at_work = machines[turn % 2]
        at_work.refresh()
        for _ in range(lots.randint(1, 6)):
            step(at_work, lots, keys)
        for ref in (LEDGER, LETTERS):
            assert theirs(at_work, ref) == mine(at_work, ref)
        reader = opened(f"reader{turn}")
        reader.refresh()
        for ref in (LEDGER, LETTERS):
            assert mine(reader, ref) == mine(at_work, ref)
        assert reader.jobs.tally.statements == {}, "the log is listed, which is free"
        assert not [row for row in mine(at_work) if "undone" in row]


def test_a_log_that_outgrew_its_table_is_begun_anew_in_the_transaction(opened, warehouse, sent, monkeypatch):
    monkeypatch.setattr(logged, "LEAST", 5)
    put(warehouse, "1", "2")
    for status in ("dead", "pending"):
        put(warehouse, "1", status=status)
    assert len(log(warehouse)) == 4
    put(warehouse, "1", "2", "3", status="acked")
    put(warehouse, "1", status="dead")
    put(warehouse, "1", status="dead")
    assert len(log(warehouse)) == 9, "three for each row are not too many"
    del sent[:]
    put(warehouse, "1", status="last")
    assert log(warehouse) == [(key, 7, False) for key in "123"]
    (said,) = sent
    assert said.startswith(f"BEGIN TRANSACTION;\nTRUNCATE TABLE `{META}`.`ledger__log`;\nINSERT INTO")
    assert theirs(warehouse) == mine(warehouse)
    assert not list(warehouse.path.parent.glob("*.parquet")), "the file on the way is taken away"


def test_a_table_that_lost_all_rows_has_an_empty_log(opened, warehouse, monkeypatch):
    monkeypatch.setattr(logged, "LEAST", 3)
    put(warehouse, "1", "2")
    warehouse.execute(f"DELETE FROM {LEDGER} WHERE true")
    assert log(warehouse) == [] == theirs(warehouse)
    put(warehouse, "5")
    other = opened("other")
    other.refresh()
    put(other, "5", "6", status="dead")
    assert theirs(other) == mine(other)
    assert [row[4] for row in mine(other)] == ["dead", "dead"]


def test_a_script_that_fails_leaves_log_and_copy_as_they_were(warehouse, monkeypatch):
    put(warehouse, "1")
    before = mine(warehouse)
    for least in (logged.LEAST, 0):
        monkeypatch.setattr(logged, "LEAST", least)
        with pytest.raises(WarehouseError), warehouse.transaction():
            put(warehouse, "1", "2", status="dead")
            warehouse.execute(f"INSERT INTO {META}.nowhere SELECT * FROM {LEDGER}")
        assert mine(warehouse) == before == theirs(warehouse)
        assert log(warehouse) == [("1", 1, False)]
    monkeypatch.undo()
    put(warehouse, "1", status="later")
    assert [row[4] for row in theirs(warehouse)] == ["later"]


def test_an_answer_that_is_lost_is_seen_in_the_copy(warehouse, monkeypatch):
    """The script was done, though nobody heard of it; the numbers go on behind it."""
    put(warehouse, "1")
    execute = warehouse.jobs.execute

    def lost(sql, *job):
        execute(sql, *job)
        raise WarehouseError("no answer", "run again")

    monkeypatch.setattr(warehouse.jobs, "execute", lost)
    with pytest.raises(WarehouseError, match="no answer"):
        put(warehouse, "1", "2", status="dead")
    monkeypatch.undo()
    assert mine(warehouse) == theirs(warehouse)
    assert [row[4] for row in mine(warehouse)] == ["dead", "dead"]
    put(warehouse, "1", status="acked")
    assert [row[4] for row in theirs(warehouse)] == ["acked", "dead"]


def test_a_kill_between_there_and_here_is_mended_by_the_next_run(warehouse, opened, monkeypatch):
    """The local transaction goes back; the mark beside the file has the next one fetch the log."""
    put(warehouse, "1")
    monkeypatch.setattr(warehouse, "_resume", lambda _script: None)
    monkeypatch.setattr("tailrace.warehouse.bigquery.warehouse.reach", killed)
    with pytest.raises(KeyboardInterrupt):
        put(warehouse, "1", "2", status="dead")
    monkeypatch.undo()
    assert [row[4] for row in mine(warehouse)] == ["acked"]
    warehouse.local.close()
    again = opened()
    assert [row[4] for row in mine(again)] == ["dead", "dead"]
    put(again, "2", status="acked")
    assert theirs(again) == mine(again)
    assert [row[4] for row in mine(again)] == ["dead", "acked"]


def killed(_place: str) -> None:
    raise KeyboardInterrupt


def test_a_log_that_is_there_is_not_begun_again(warehouse, opened):
    """A kill came between the log there and the copy here, or somebody took the work file away."""
    put(warehouse, "1", "2")
    other = opened("other")
    ledger.ensure(other)
    assert mine(other) == mine(warehouse)
    put(other, "1", status="dead")
    assert sorted(row[4] for row in theirs(other)) == ["acked", "dead"]


def test_the_log_is_no_table_of_its_own_here(warehouse, opened):
    put(warehouse, "1")
    other = opened("other")
    other.refresh()
    assert "ledger__log" not in other.tables(META)
    kept = other.local.query(
        "SELECT table_name FROM duckdb_tables() WHERE table_name IN ('ledger__log', 'dead_letters__log')"
    )
    assert kept == []
    assert other.columns(TableRef(META, "ledger")) == {**warehouse.columns(LEDGER)}


def test_new_columns_come_to_log_view_and_copy(warehouse, opened):
    put(warehouse, "1")
    warehouse.add_columns(LEDGER, {"shoe": "INTEGER", "hat": "VARCHAR"})
    put(warehouse, "2")
    warehouse.execute(f"UPDATE {LEDGER} SET shoe = 42, hat = 'top' WHERE primary_key = '2'")
    assert theirs(warehouse) == mine(warehouse)
    assert [row[-2:] for row in mine(warehouse)] == [(None, None), (42, "top")]
    other = opened("other")
    other.refresh()
    assert mine(other) == mine(warehouse)


@pytest.mark.parametrize(
    "sql",
    [f"DROP TABLE {LEDGER}", f"ALTER TABLE {LEDGER} DROP COLUMN error"],
    ids=["drop", "drop a column"],
)
def test_a_log_is_not_dropped(warehouse, sql):
    put(warehouse, "1")
    with pytest.raises(WarehouseError, match="is a log in BigQuery, which takes new columns alone"):
        warehouse.execute(sql)
    assert theirs(warehouse) == mine(warehouse) != []
