"""One table from one engine to another: landed ones through a Parquet file, what tailrace remembers by rows. It arrives whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tailrace.runner.copying.tables import Table
from tailrace.warehouse.base import META, Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

    from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse

PAGE = 100_000
"""Rows in memory at once."""
WIDE = ("HUGEINT", "UHUGEINT")
"""Of these Parquet has no type: they travel as decimals."""


def carry(source: Warehouse, target: Warehouse, table: Table, path: Path) -> int:
    """In place of what is there of it; returns the rows."""
    columns = {name: _kind(kind) for name, kind in source.columns(table.ref).items()}
    if table.where:
        return _rows(source, target, table, columns)
    rows = _write(_pages(source, table, columns), path, zoned=target.engine == "bigquery")
    if target.engine == "bigquery":
        _into_bigquery(cast("BigQueryWarehouse", target), table, columns, path)
    else:
        _into_duckdb(target, table, columns, path)
    path.unlink()
    return rows


def _kind(kind: str) -> str:
    return "DECIMAL(38,0)" if kind in WIDE else kind


def _pages(source: Warehouse, table: Table, columns: dict[str, str]) -> Iterator[pa.Table]:
    """The first one is empty: it has the columns, which a table without rows has, too."""
    import pyarrow as pa

    quote, con = source.dialect.quote, source.native()
    nothing = ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in columns.items())
    yield con.execute(f"SELECT {nothing} LIMIT 0").to_arrow_table()
    if source.engine == "bigquery" and table.ref.schema != META:
        yield from cast("BigQueryWarehouse", source).jobs.read(table.ref)
        return
    listed = ", ".join(f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind in columns.items())
    found = con.execute(f"SELECT {listed} FROM {_named(source, table)}").to_arrow_reader(PAGE)
    for batch in found:
        yield pa.Table.from_batches([batch])


def _named(warehouse: Warehouse, table: Table) -> str:
    return warehouse.dialect.table(table.ref) + (f" WHERE {table.where}" if table.where else "")


def _rows(source: Warehouse, target: Warehouse, table: Table, columns: dict[str, str]) -> int:
    """Those that the table's condition names, in one transaction: all others of the target stay as they were."""
    name = target.dialect.table(table.ref)
    _ensure(target, table, columns)
    rows = 0
    with target.transaction():
        target.execute(f"DELETE FROM {name} WHERE {table.where}")
        for page in _pages(source, table, columns):
            if page.num_rows:
                with target.registered("tailrace_carried", page) as new:
                    target.execute(f"INSERT INTO {name} BY NAME SELECT * FROM {new}")
            rows += page.num_rows
    return rows


def _ensure(target: Warehouse, table: Table, columns: dict[str, str]) -> None:
    """The table with the source's columns, which an earlier release's may lack."""
    name, there = target.dialect.table(table.ref), target.columns(table.ref)
    target.ensure_schema(table.ref.schema)
    if not there:
        listed = ", ".join(f"{target.dialect.quote(column)} {kind}" for column, kind in columns.items())
        target.execute(f"CREATE TABLE IF NOT EXISTS {name} ({listed})")
    elif new := {column: kind for column, kind in columns.items() if column not in there}:
        target.add_columns(table.ref, new)


def _write(pages: Iterator[pa.Table], path: Path, *, zoned: bool) -> int:
    """`zoned`: instants with their zone, without which BigQuery takes them for local times."""
    import pyarrow.parquet as pq

    from tailrace.warehouse.bigquery import types

    writer: Any = None
    rows = 0
    try:
        for page in pages:
            whole = types.loadable(page) if zoned else page
            if writer is None:
                writer, schema = pq.ParquetWriter(path, whole.schema), whole.schema
            writer.write_table(whole.select(schema.names).cast(schema))
            rows += whole.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def _into_duckdb(target: Warehouse, table: Table, columns: dict[str, str], path: Path) -> None:
    name, quote = target.dialect.table(table.ref), target.dialect.quote
    target.ensure_schema(table.ref.schema)
    with target.transaction():
        listed = ", ".join(f"{quote(column)} {kind}" for column, kind in columns.items())
        target.execute(f"CREATE OR REPLACE TABLE {name} ({listed})")
        target.execute(
            f"INSERT INTO {name} BY NAME SELECT * FROM read_parquet({target.dialect.literal(str(path))})"
        )


def _into_bigquery(target: BigQueryWarehouse, table: Table, columns: dict[str, str], path: Path) -> None:
    """A load job, which costs nothing, into a table that is not there: of one that is there the partitions would have to fit."""
    from tailrace.warehouse.bigquery.whole_table import drop, load_file

    target.check_lease()
    target.jobs.ensure_dataset(table.ref.schema)
    drop(target.jobs, table.ref)
    load_file(target.jobs, path, table.ref, columns, partition=table.day, cluster=table.key)


def count(warehouse: Warehouse, table: Table) -> int:
    """Rows as the engine itself counts them: BigQuery does so from its catalogue, and bills nothing."""
    sql = f"SELECT count(*) FROM {_named(warehouse, table)}"
    if warehouse.engine == "bigquery" and not table.where:
        return int(cast("BigQueryWarehouse", warehouse).jobs.rows(sql.replace('"', "`"))[0][0])
    return int(warehouse.query(sql)[0][0])
