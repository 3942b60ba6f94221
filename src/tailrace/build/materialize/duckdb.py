"""Models in DuckDB: everything in the transaction of whoever calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from tailrace.build.materialize.contract import ordered_columns
from tailrace.build.materialize.writer import Check, Span
from tailrace.errors import WarehouseError
from tailrace.warehouse.base import STAGE, TableRef, Warehouse

if TYPE_CHECKING:
    from tailrace.build.materialize.job import Job

_TYPE = re.compile(r"[\w \t(),\[\]\"'.:]+")


class DuckDBWriter:
    """See Writer. Readers see nothing of it before the transaction ends, so that all checks may come last."""

    transactional = True
    waits = False
    swapped = False

    def __init__(self, job: Job) -> None:
        self._job = job
        self._warehouse = job.warehouse

    def scratch(self, purpose: str) -> str:
        return self._job.quoted(f"tailrace_{purpose}_{self._job.node.name}")

    def stage(self, table: str, select: str) -> int:
        return int(self._warehouse.query(f"CREATE OR REPLACE TEMP TABLE {table} AS\n{select}\n")[0][0])

    def derive(self, table: str, select: str) -> int:
        return self.stage(table, select)

    def drop(self, table: str) -> None:
        self._warehouse.execute(f"DROP TABLE IF EXISTS {table}")

    def columns(self, table: str) -> dict[str, str]:
        rows = self._warehouse.query(f"SELECT column_name, column_type FROM (DESCRIBE {table})")
        return {str(name): str(kind) for name, kind in rows}

    def stands(self, table: TableRef) -> bool:
        return bool(self._warehouse.columns(table))

    def result(self, select: str) -> dict[str, str]:
        return self.columns(f"SELECT * FROM (\n{select}\n)")

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self._warehouse.query(sql)

    def change(self, sql: str) -> None:
        self._warehouse.execute(sql)

    def replace(self, select: str, check: Check | None, *, own: bool = False) -> int:
        columns = [] if own else ordered_columns(self._job, select)
        self._make_way("table")
        text = in_order(self._job.listed(columns), select)
        rows = self._warehouse.query(f"CREATE OR REPLACE TABLE {self._job.table} AS {text}")
        if check is not None:
            check(self._job.table)
        return int(rows[0][0]) if rows else 0

    def define(self, select: str, check: Check | None) -> None:
        self._make_way("view")
        self._warehouse.execute(f"CREATE OR REPLACE VIEW {self._job.table} AS\n{select}\n")
        if check is not None:
            check(self._job.table)

    def load(self, select: str, check: Check | None) -> int:
        return self.replace(select, check)

    def _make_way(self, kind: str) -> None:
        """A view does not replace a table, nor a table a view."""
        if self._job.standing is not None and self._job.standing != kind:
            self._warehouse.execute(f"DROP {self._job.standing.upper()} {self._job.table}")

    def begin(self, table: str, select: str, columns: Sequence[str]) -> None:
        self._warehouse.ensure_schema(STAGE)
        text = in_order(self._job.listed(columns), select)
        self._warehouse.execute(f"CREATE TABLE {table} AS SELECT * FROM ({text}) LIMIT 0")

    def overwrite(self, table: str, span: Span, select: str, columns: Sequence[str]) -> int:
        time = f"CAST({self._job.quoted(span[0])} AS TIMESTAMP)"
        inside, listed = f"{time} >= ? AND {time} < ?", self._job.listed(columns)
        edges = [at.astimezone(UTC).replace(tzinfo=None) for at in span[1:]]
        self._warehouse.execute(f"DELETE FROM {table} WHERE {inside}", edges)
        rows = self._warehouse.query(
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM (\n{select}\n) AS new WHERE {inside}", edges
        )
        return int(rows[0][0])

    def take(self, table: str, check: Check | None) -> int:
        rows = self.replace(f"SELECT * FROM {table}", check, own=True)
        self._warehouse.execute(f"DROP TABLE {table}")
        return rows

    def thaw(self) -> None:
        if self._job.standing != "view":
            return
        kept, table = self.scratch("kept"), self._job.table
        self._warehouse.execute(f"CREATE TEMP TABLE {kept} AS SELECT * FROM {table}")
        self._warehouse.execute(f"DROP VIEW {table}")
        self._warehouse.execute(f"CREATE TABLE {table} AS SELECT * FROM {kept}")
        self._warehouse.execute(f"DROP TABLE {kept}")

    def add_columns(self, kinds: Mapping[str, str]) -> None:
        self._warehouse.add_columns(self._job.node.table, kinds)

    def drop_column(self, name: str) -> None:
        self._warehouse.execute(f"ALTER TABLE {self._job.table} DROP COLUMN {self._job.quoted(name)}")

    def retype_columns(self, kinds: Mapping[str, str]) -> None:
        for name, kind in kinds.items():
            column = self._job.quoted(name)
            self._warehouse.execute(f"ALTER TABLE {self._job.table} ALTER {column} TYPE {kind}")

    def words(self, expression: str) -> str:
        return expression

    def compiled(self, text: str) -> str:
        return text

    def cast(self, expression: str, kind: str) -> str:
        return f"CAST({expression} AS {kind})"

    def differ(self, one: str, other: str, kind: str) -> str:  # noqa: ARG002 - any type is compared alike
        return f"{one} IS DISTINCT FROM {other}"

    def guard(self, alias: str) -> str:  # noqa: ARG002 - no table asks for one
        return ""

    def type_of(self, declared: str) -> str | None:
        return engine_type(self._warehouse, declared)

    def hook(self, sql: str) -> None:
        self._warehouse.execute(sql)

    def finish(self, check: Check | None, *, seen: bool = True) -> None:  # noqa: ARG002 - one transaction hides both
        if check is not None:
            check(self._job.table)

    def clear(self) -> None:
        pass  # scratch tables went where they were dropped


def in_order(columns: str, select: str) -> str:
    """A SELECT on the lines below the first, of these columns if any are given, quoted."""
    return f"SELECT {columns} FROM (\n{select}\n)" if columns else f"\n{select}\n"


def engine_type(warehouse: Warehouse, declared: str) -> str | None:
    """A type as DuckDB writes it; None where it has no such type."""
    if not _TYPE.fullmatch(declared):
        return None
    try:
        rows = warehouse.query(f"SELECT column_type FROM (DESCRIBE SELECT CAST(NULL AS {declared}) AS c)")
    except WarehouseError:
        return None
    return str(rows[0][0])
