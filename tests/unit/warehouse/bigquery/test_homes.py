"""Where statements run: what is near is read here, what lives in both places is written twice, and one script writes it there."""

from __future__ import annotations

import secrets

import pyarrow as pa
import pytest

from tailrace.errors import WarehouseError
from tailrace.warehouse.base import META, TableRef
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse, Native
from tailrace.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def opened(tmp_path, bigquery):
    made = []

    def open_one(name: str = "work", **more):
        local = DuckDBWarehouse(tmp_path / f"{name}.duckdb")
        made.append(local)
        return BigQueryWarehouse(
            local, Jobs(bigquery, {"project": bigquery.project, "location": "US"}), **more
        )

    yield open_one
    for local in made:
        local.close()


@pytest.fixture
def near(opened):
    """A table of both places, with two rows."""
    warehouse = opened()
    ref = TableRef(f"d_{secrets.token_hex(3)}", "rows")
    warehouse.ensure_schema(ref.schema)
    warehouse.keep_near(ref)
    warehouse.execute(f"CREATE TABLE {ref} (k BIGINT, v VARCHAR)")
    warehouse.execute(f"INSERT INTO {ref} VALUES (1, 'a'), (2, ?)", ["it's"])
    return warehouse, ref


def there(warehouse, ref):
    return sorted(warehouse.jobs.rows(f"SELECT * FROM `{ref.schema}`.`{ref.name}`"))


def test_a_near_table_is_written_twice_and_read_for_nothing(near):
    warehouse, ref = near
    assert there(warehouse, ref) == [(1, "a"), (2, "it's")]
    before = dict(warehouse.jobs.tally.statements)
    assert warehouse.query(f"SELECT * FROM {ref} ORDER BY k") == [(1, "a"), (2, "it's")]
    assert warehouse.jobs.tally.statements == before


def test_columns_are_added_in_one_statement(near):
    """Google takes five updates of a table in ten seconds."""
    warehouse, ref = near
    before = sum(warehouse.jobs.tally.statements.values())
    new = {f"c{number}": "DECIMAL(38,9)" for number in range(8)}
    warehouse.add_columns(ref, new)
    assert sum(warehouse.jobs.tally.statements.values()) == before + 1
    assert list(warehouse.jobs.table(ref).columns) == ["k", "v", *new]
    assert warehouse.local.columns(ref) == {"k": "BIGINT", "v": "VARCHAR"} | new


def test_a_transaction_is_one_script(near):
    warehouse, ref = near
    before = sum(warehouse.jobs.tally.statements.values())
    with warehouse.transaction():
        warehouse.execute(f"DELETE FROM {ref} WHERE k = 1")
        warehouse.execute(f"INSERT INTO {ref} SELECT k + 1, v FROM {ref}")
        assert warehouse.query(f"SELECT k FROM {ref} ORDER BY k") == [(2,), (3,)]
    assert sum(warehouse.jobs.tally.statements.values()) == before + 1
    assert there(warehouse, ref) == [(2, "it's"), (3, "it's")]


def test_a_script_that_fails_leaves_both_places_as_they_were(near):
    warehouse, ref = near
    with pytest.raises(WarehouseError), warehouse.transaction():
        warehouse.execute(f"DELETE FROM {ref} WHERE true")
        warehouse.execute(f"INSERT INTO {ref.schema}.nowhere SELECT * FROM {ref}")
    assert (
        there(warehouse, ref) == warehouse.query(f"SELECT * FROM {ref} ORDER BY k") == [(1, "a"), (2, "it's")]
    )


def test_rows_of_this_machine_travel_with_the_statement(near):
    warehouse, ref = near
    others = set(warehouse.jobs.tables("tailrace_stage"))  # of tests that share the emulator
    far = TableRef(ref.schema, "far")
    warehouse.execute(f"CREATE TABLE {far} (k BIGINT, v VARCHAR)")
    warehouse.execute(f"INSERT INTO {far} SELECT * FROM {ref}")
    many = pa.table({"k": list(range(5_000)), "v": [f"é\n'{n}" for n in range(5_000)]})
    with warehouse.registered("many", many) as name:
        assert warehouse.query(f"SELECT count(*), min(m.v) FROM {far} AS f JOIN {name} AS m USING (k)") == [
            (2, "é\n'1")
        ]
        warehouse.execute(f"INSERT INTO {far} SELECT k + 10, v FROM {name}")
    assert warehouse.query(f"SELECT count(*), max(v) FROM {far}") == [(5_002, max(many["v"].to_pylist()))]
    warehouse.execute("CREATE TEMP TABLE gone AS SELECT 1 AS k")
    warehouse.execute(f"DELETE FROM {far} AS t WHERE EXISTS (SELECT 1 FROM gone AS g WHERE g.k = t.k)")
    assert warehouse.query(f"SELECT k FROM {far} WHERE k < 10") == [(2,)]
    assert set(warehouse.jobs.tables("tailrace_stage")) <= others


def test_a_temporary_table_of_what_is_far_lies_here(near):
    warehouse, ref = near
    far = TableRef(ref.schema, "far2")
    warehouse.execute(f"CREATE TABLE {far} AS SELECT * FROM {ref}")
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE t AS SELECT k, upper(v) AS v FROM {far}")
    before = dict(warehouse.jobs.tally.statements)
    assert warehouse.query("SELECT * FROM t ORDER BY k") == [(1, "A"), (2, "IT'S")]
    assert warehouse.jobs.tally.statements == before


def test_reading_what_the_open_transaction_wrote_there_is_refused(near):
    warehouse, ref = near
    far = TableRef(ref.schema, "far3")
    warehouse.execute(f"CREATE TABLE {far} (k BIGINT)")
    with (
        pytest.raises(WarehouseError, match="is read in the transaction that writes it"),
        warehouse.transaction(),
    ):
        warehouse.execute(f"INSERT INTO {far} VALUES (1)")
        warehouse.query(f"SELECT * FROM {far}")
    assert warehouse.query(f"SELECT * FROM {far}") == []


def test_native_text_goes_as_it_is(near):
    warehouse, ref = near
    assert warehouse.query(
        Native(f"SELECT SAFE_CAST('x' AS INT64), ANY_VALUE(k) FROM `{ref.schema}`.`{ref.name}` WHERE k = 2")
    ) == [(None, 2)]


def test_another_machine_fetches_what_is_kept_near(near, opened):
    warehouse, ref = near
    warehouse.execute(
        f"CREATE TABLE IF NOT EXISTS {META}.facts_{ref.schema} (name VARCHAR, told_at TIMESTAMP)"
    )
    warehouse.execute(f"INSERT INTO {META}.facts_{ref.schema} VALUES ('x', '1969-12-31 23:59:59.5')")
    other = opened("other")
    other.refresh()
    assert other.query(f"SELECT * FROM {META}.facts_{ref.schema}") == warehouse.query(
        f"SELECT * FROM {META}.facts_{ref.schema}"
    )
    other.keep_near(ref)
    before = dict(other.jobs.tally.statements)
    assert other.query(f"SELECT * FROM {ref} ORDER BY k") == [(1, "a"), (2, "it's")]
    assert other.jobs.tally.statements == before == {}


def test_after_a_kill_between_the_two_commits_the_copies_are_fetched_anew(near, opened, tmp_path):
    warehouse, ref = near
    warehouse.jobs.execute(f"INSERT INTO `{ref.schema}`.`{ref.name}` VALUES (3, 'there alone')")
    (tmp_path / "work.duckdb.ahead").touch()
    warehouse.local.close()
    again = opened()
    assert again.query(f"SELECT v FROM {ref} WHERE k = 3") == [("there alone",)]
    assert not (tmp_path / "work.duckdb.ahead").exists()


def test_a_table_that_grew_is_let_go_and_read_there(near, opened):
    warehouse, ref = near
    warehouse.local.close()
    small = opened(near_rows=1)
    small.keep_near(ref)
    assert small.local.columns(ref) == {}
    assert small.query(f"SELECT count(*) FROM {ref}") == [(2,)]
    assert sum(small.jobs.tally.statements.values()) == 1


def test_many_values_are_loaded_and_not_written_into_the_script(near):
    warehouse, ref = near
    rows = ", ".join(["(?, ?)"] * 2_000)
    values = [value for n in range(2_000) for value in (n + 10, "x" * 1_000)]
    with warehouse.transaction():
        warehouse.execute(f"INSERT INTO {ref} (k, v) VALUES {rows}", values)
    assert len(there(warehouse, ref)) == 2_002 == warehouse.query(f"SELECT count(*) FROM {ref}")[0][0]


def test_a_script_that_google_would_not_take_is_never_sent(near):
    warehouse, ref = near
    with pytest.raises(WarehouseError, match="longer than BigQuery takes"), warehouse.transaction():
        for n in range(3):
            warehouse.execute(f"UPDATE {ref} SET v = ? WHERE k = ?", ["x" * 600_000, n])
    assert (
        there(warehouse, ref) == warehouse.query(f"SELECT * FROM {ref} ORDER BY k") == [(1, "a"), (2, "it's")]
    )


def test_a_literal_null_goes_into_any_column(opened):
    warehouse = opened()
    table = f"{META}.nulls_{secrets.token_hex(3)}"
    kinds = {"t": "TIMESTAMP", "b": "BOOLEAN", "d": "DATE", "n": "DOUBLE", "k": "BIGINT", "v": "VARCHAR"}
    warehouse.ensure_schema(META)
    warehouse.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in kinds.items())})")
    warehouse.execute(
        f"INSERT INTO {table} ({', '.join(kinds)}) VALUES (?, ?, ?, ?, ?, ?)", [None] * len(kinds)
    )
    assert there(warehouse, TableRef(*table.split("."))) == [(None,) * len(kinds)]


def test_a_definition_that_bigquery_refuses_is_not_made_here(near, monkeypatch, tmp_path):
    warehouse, ref = near
    monkeypatch.setattr(warehouse.jobs, "execute", _refusing)
    with pytest.raises(WarehouseError, match="no luck"):
        warehouse.execute(f"CREATE TABLE {META}.late_{ref.schema} (k BIGINT)")
    assert warehouse.local.columns(TableRef(META, f"late_{ref.schema}")) == {}
    assert (tmp_path / "work.duckdb.ahead").exists()  # nobody knows what became of it there


def _refusing(_sql):
    raise WarehouseError("no luck")


def test_a_table_made_of_what_the_open_transaction_wrote_is_refused(near):
    warehouse, ref = near
    far = TableRef(ref.schema, "far4")
    warehouse.execute(f"CREATE TABLE {far} (k BIGINT)")
    with (
        pytest.raises(WarehouseError, match="is read in the transaction that writes it"),
        warehouse.transaction(),
    ):
        warehouse.execute(f"INSERT INTO {far} VALUES (1)")
        warehouse.execute(f"CREATE OR REPLACE TABLE {ref.schema}.far5 AS SELECT * FROM {far}")


def lose_answer(monkeypatch, warehouse, ref):
    """The next script's answer is lost, and it goes on; returns what ends it."""
    jobs, kept = warehouse.jobs, []
    execute = jobs.execute

    def lost(sql):
        kept.append((sql, jobs._next))
        raise WarehouseError("BigQuery does not answer")

    def await_end(name):
        assert name == kept[0][1]
        raise WarehouseError(f"job {name} has not ended")

    monkeypatch.setattr(jobs, "execute", lost)
    monkeypatch.setattr(jobs, "await_end", await_end)

    def end(*, done=True):
        monkeypatch.undo()
        if done:
            execute(kept[0][0])

    with pytest.raises(WarehouseError, match="does not answer"), warehouse.transaction():
        warehouse.execute(f"INSERT INTO {ref} VALUES (3, 'late')")
    return end


@pytest.mark.parametrize("done", [True, False])
def test_a_script_whose_answer_was_lost_is_awaited_before_its_copies_are_fetched(
    near, monkeypatch, tmp_path, done
):
    warehouse, ref = near
    end = lose_answer(monkeypatch, warehouse, ref)
    assert (tmp_path / "work.duckdb.ahead").read_text()
    for use in (
        lambda: warehouse.query(f"SELECT * FROM {ref}"),
        lambda: warehouse.arrow(f"SELECT * FROM {ref}"),
        lambda: warehouse.execute(f"INSERT INTO {ref} VALUES (4, 'x')"),
        lambda: warehouse.transaction().__enter__(),
    ):
        with pytest.raises(WarehouseError, match="has not ended"):
            use()
    end(done=done)
    expected = [(1, "a"), (2, "it's"), *([(3, "late")] if done else [])]
    assert sorted(warehouse.query(f"SELECT * FROM {ref}")) == expected == there(warehouse, ref)
    assert not (tmp_path / "work.duckdb.ahead").exists()


def test_the_next_run_waits_for_what_the_one_before_had_on_its_way(near, opened, monkeypatch, tmp_path):
    warehouse, _ref = near
    warehouse.local.close()
    (tmp_path / "work.duckdb.ahead").write_text("tailrace_job")
    asked = []
    monkeypatch.setattr(Jobs, "await_end", lambda _self, name: asked.append(name))
    opened()
    assert asked == ["tailrace_job"]
    assert not (tmp_path / "work.duckdb.ahead").exists()


def test_a_table_whose_definition_lost_its_answer_is_here_as_it_is_there(near, monkeypatch):
    warehouse, ref = near
    execute = warehouse.jobs.execute

    def lost(sql):
        execute(sql)
        raise WarehouseError("BigQuery does not answer")

    monkeypatch.setattr(warehouse.jobs, "execute", lost)
    with pytest.raises(WarehouseError, match="does not answer"):
        warehouse.execute(f"ALTER TABLE {ref} ADD COLUMN more VARCHAR")
    monkeypatch.undo()
    assert warehouse.query(f"SELECT more FROM {ref} WHERE k = 1") == [(None,)]


def test_rows_of_a_far_table_are_not_known_inside_a_transaction(near):
    warehouse, ref = near
    far = TableRef(ref.schema, "far")
    warehouse.execute(f"CREATE TABLE {far} (k BIGINT)")
    with warehouse.transaction():
        assert warehouse.query(f"INSERT INTO {far} SELECT k FROM {far}") == [(None,)]
