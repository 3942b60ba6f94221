"""Judging on this machine what is built on another: the tables that a suite compares with are brought here first, for nothing.

They are found under their own names, so that what is asked, and what is shown of it, is the same on every engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from tailrace.validate.own.declaration import CannotTell
from tailrace.validate.own.tables import table_of
from tailrace.warehouse.base import TableRef, Warehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import stage

if TYPE_CHECKING:
    from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse

INPUT = "input__"
"""What copies of other tables are staged as."""
BESIDE = "tailrace_beside"


@contextmanager
def nearby(warehouse: Warehouse, read: str) -> Iterator[Warehouse]:
    """The warehouse to judge in. `read` is a suite's state of the tables that it reads beside its model, by name."""
    if warehouse.engine == "duckdb":
        yield warehouse
        return
    far = cast("BigQueryWarehouse", warehouse)
    found = Beside(far.local)
    _fetch(far, json.loads(read) if read else {}, found)
    try:
        found.open()
        yield found
    finally:
        found.leave()


def input_name(ref: TableRef) -> str:
    return f"{INPUT}{ref.schema}__{ref.name}"


def _fetch(warehouse: BigQueryWarehouse, read: Mapping[str, str], found: Beside) -> None:
    """Tables that are not here, as staged copies. One that is not there at all is told by the check that asks for it."""
    for name, state in read.items():
        with suppress(CannotTell):
            ref = table_of(warehouse, name)
            if warehouse.near.is_here(ref):
                continue
            there = warehouse.jobs.table(ref)
            if there is not None and there.rows > warehouse.near.limit:
                found.large[ref] = there.rows
            else:
                found.copies[ref] = stage(warehouse, ref, input_name(ref), version=state).ref


class Beside(DuckDBWarehouse):
    """The warehouse of this machine, in which copies are also known by the names of the tables that they are copies of."""

    def __init__(self, local: DuckDBWarehouse) -> None:
        self.__dict__.update(local.__dict__)
        self.copies: dict[TableRef, TableRef] = {}
        self.large: dict[TableRef, int] = {}
        """Tables that stay where they are, with their rows."""

    def open(self) -> None:
        """The names, in a database in memory that is looked through after the file."""
        if not self.copies:
            return
        home, quote = str(self.query("SELECT current_database()")[0][0]), self.dialect.quote
        self.execute(f"ATTACH ':memory:' AS {BESIDE}")
        path = [f"{quote(home)}.main"]
        for schema in dict.fromkeys(ref.schema for ref in self.copies):
            self.ensure_schema(schema)  # only what is there may be looked through
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {BESIDE}.{quote(schema)}")
            path += [f"{quote(home)}.{quote(schema)}", f"{BESIDE}.{quote(schema)}"]
        for ref, copy in self.copies.items():
            table = self.dialect.table
            self.execute(f"CREATE VIEW {BESIDE}.{table(ref)} AS SELECT * FROM {quote(home)}.{table(copy)}")
        self.execute(f"SET search_path = {self.dialect.literal(','.join(path))}")

    def leave(self) -> None:
        if self.copies:
            self.execute("RESET search_path")
            self.execute(f"DETACH DATABASE IF EXISTS {BESIDE}")

    def columns(self, ref: TableRef) -> dict[str, str]:
        if ref in self.large:
            raise CannotTell(
                f"{ref} has {self.large[ref]:,} rows, more than `near_rows` of the target lets in;"
                " compare with a model that adds them up, or raise it"
            )
        return super().columns(self.copies.get(ref, ref))

    def tables(self, schema: str) -> dict[str, str]:
        copies = {ref.name: "table" for ref in self.copies if ref.schema == schema}
        return {**super().tables(schema), **copies}
