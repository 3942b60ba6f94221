"""What every engine must do. An engine gets these tests by subclassing `WarehouseSuite` with a fixture `warehouse`.

class TestDuckDB(WarehouseSuite):
    @pytest.fixture
    def warehouse(self, tmp_path): ...
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tailrace.errors import WarehouseError
from tailrace.warehouse.base import TableRef, Warehouse
from tailrace.warehouse.stage import fingerprint, stage


class WarehouseSuite:
    odd = "a.b"
    """A column's name with a sign in it that the engine takes."""

    @pytest.fixture
    def table_ref(self) -> TableRef:
        return TableRef("space", "Weird name")

    @pytest.fixture
    def table(self, warehouse, table_ref) -> str:
        return self.fill(warehouse, table_ref)

    def fill(self, warehouse: Warehouse, ref: TableRef) -> str:
        warehouse.ensure_schema(ref.schema)
        table = warehouse.dialect.table(ref)
        columns = ", ".join(
            f"{warehouse.dialect.quote(name)} {warehouse.dialect.type(kind)}"
            for name, kind in (
                ("id", "bigint"), ("Ext__c", "text"), (self.odd, "double"), ("d", "decimal"),
                ("at", "timestamp"), ("day", "date"), ("yes", "bool"),
            )
        )  # fmt: skip
        warehouse.execute(f"CREATE TABLE {table} ({columns})")
        warehouse.execute(
            f"INSERT INTO {table} VALUES (1, 'O''Neil', 0.5, 1.50, '1969-12-31 23:59:59.5', '0001-01-01', true),"
            " (2, NULL, NULL, NULL, NULL, NULL, NULL)"
        )
        return table

    def test_columns_keep_their_names_and_order(self, warehouse, table_ref, table):
        assert list(warehouse.columns(table_ref)) == ["id", "Ext__c", self.odd, "d", "at", "day", "yes"]
        assert warehouse.columns(TableRef(table_ref.schema, "absent")) == {}
        assert warehouse.tables(table_ref.schema) == {table_ref.name: "table"}
        assert warehouse.tables("nowhere") == {}

    def test_views_are_told_from_tables(self, warehouse, table_ref, table):
        view = TableRef(table_ref.schema, "seen")
        warehouse.execute(f"CREATE VIEW {warehouse.dialect.table(view)} AS SELECT * FROM {table}")
        assert warehouse.tables(table_ref.schema) == {table_ref.name: "table", "seen": "view"}
        assert warehouse.columns(view) == warehouse.columns(table_ref)

    def test_a_transaction_is_all_or_nothing(self, warehouse, table):
        with pytest.raises(RuntimeError), warehouse.transaction():
            warehouse.execute(f"DELETE FROM {table}")
            raise RuntimeError
        assert warehouse.query(f"SELECT count(*) FROM {table}") == [(2,)]

    def test_transactions_nest_into_the_outer_one(self, warehouse, table):
        with pytest.raises(RuntimeError), warehouse.transaction():
            with warehouse.transaction():
                warehouse.execute(f"DELETE FROM {table}")
            raise RuntimeError
        assert warehouse.query(f"SELECT count(*) FROM {table}") == [(2,)]

    def test_a_failing_statement_is_one_error_and_the_warehouse_goes_on(self, warehouse):
        with pytest.raises(WarehouseError, match="absent"):
            warehouse.query("SELECT * FROM absent")
        assert warehouse.query("SELECT 1") == [(1,)]

    def test_a_failed_transaction_leaves_the_warehouse_usable(self, warehouse, table):
        with pytest.raises(WarehouseError), warehouse.transaction():
            warehouse.execute(f"DELETE FROM {table}")
            warehouse.execute("SELECT * FROM absent")
        assert warehouse.query(f"SELECT count(*) FROM {table}") == [(2,)]

    def test_parameters_are_values_never_sql(self, warehouse, table):
        rows = warehouse.query(
            f"SELECT id FROM {table} WHERE {warehouse.dialect.quote('Ext__c')} = ?", ["O'Neil"]
        )
        assert rows == [(1,)]

    def test_arrow_in_and_out(self, warehouse):
        given = pa.table({"k": ["a", "b"], "n": [1, None]})
        with warehouse.registered("incoming", given) as name:
            back = warehouse.arrow(f"SELECT * FROM {name} ORDER BY k")
        assert back.to_pylist() == given.to_pylist()
        with pytest.raises(WarehouseError):
            warehouse.query("SELECT * FROM incoming")

    def test_parquet_keeps_the_order_and_counts(self, warehouse, tmp_path):
        path = tmp_path / "rows.parquet"
        rows = warehouse.copy_to_parquet(
            "SELECT i AS n FROM generate_series(1, 25000) AS g(i) ORDER BY i DESC", path
        )
        assert rows == 25000
        assert pq.read_table(path)["n"].to_pylist() == list(range(25000, 0, -1))
        assert [found.name for found in tmp_path.iterdir() if "tmp" in found.name] == []

    def test_the_row_hash_sees_values_and_forgets_nulls(self, warehouse, table_ref, table):
        columns = {name: kind for name, kind in warehouse.columns(table_ref).items() if name != "id"}
        hashed = warehouse.dialect.row_hash("t", columns)
        before = warehouse.query(f"SELECT {hashed} FROM {table} AS t ORDER BY id")
        assert len({row[0] for row in before}) == 2
        assert all(len(row[0]) == 32 for row in before)
        warehouse.execute(f"ALTER TABLE {table} ADD COLUMN later {warehouse.dialect.type('text')}")
        wider = warehouse.dialect.row_hash("t", {**columns, "later": warehouse.columns(table_ref)["later"]})
        assert warehouse.query(f"SELECT {wider} FROM {table} AS t ORDER BY id") == before

    def test_columns_are_added_and_those_that_are_there_stay(self, warehouse, table_ref, table):
        kinds = {name: warehouse.dialect.type(kind) for name, kind in (("one", "text"), ("two", "decimal"))}
        before = warehouse.columns(table_ref)
        warehouse.add_columns(table_ref, {"one": kinds["one"]})
        warehouse.add_columns(table_ref, kinds)
        warehouse.add_columns(table_ref, {})
        assert list(warehouse.columns(table_ref)) == [*before, "one", "two"]
        assert (
            warehouse.query(f"SELECT id, one, two FROM {table} WHERE one IS NOT NULL OR two IS NOT NULL")
            == []
        )

    def test_no_value_imitates_a_border(self, warehouse):
        hashed = warehouse.dialect.row_hash("t", {"a": "VARCHAR", "b": "VARCHAR"})
        rows = warehouse.query(
            f"SELECT {hashed} FROM (SELECT 'x|b=1:y' AS a, NULL AS b UNION ALL SELECT 'x', 'y'"
            " UNION ALL SELECT NULL, NULL UNION ALL SELECT '', '') AS t"
        )
        assert len({row[0] for row in rows}) == 4

    @pytest.mark.parametrize(
        ("sql", "kind", "text"),
        [
            ("CAST(1.500 AS DECIMAL(9, 3))", "DECIMAL(9,3)", "1.5"),
            ("CAST(100 AS DECIMAL(9, 0))", "DECIMAL(9,0)", "100"),
            ("CAST(-0.0 AS DOUBLE)", "DOUBLE", "0"),
            ("CAST(0.1 AS DOUBLE) + CAST(0.2 AS DOUBLE)", "DOUBLE", "0.3"),
            ("CAST('1969-12-31 23:59:59.5' AS TIMESTAMP)", "TIMESTAMP", "-500000"),
            ("true", "BOOLEAN", "true"),
        ],
    )
    def test_typed_text_is_canonical(self, warehouse, sql, kind, text):
        assert warehouse.query(f"SELECT {warehouse.dialect.typed_text(sql, kind)}") == [(text,)]

    def test_a_decimal_stays_exact(self, warehouse, table):
        assert warehouse.query(f"SELECT d FROM {table} WHERE id = 1")[0][0] == Decimal("1.5")

    def test_staging_copies_once_and_knows_its_content(self, warehouse, table_ref, table):
        first = stage(warehouse, table_ref, "copy", version="1")
        assert first.rows == 2
        assert stage(warehouse, table_ref, "copy", version="1") == first
        warehouse.execute(f"UPDATE {table} SET yes = false WHERE id = 1")
        second = stage(warehouse, table_ref, "copy", version="2")
        assert second.content != first.content
        assert fingerprint(warehouse, second.ref)[1] == second.content
