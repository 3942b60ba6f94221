"""The staged table as an expectation sees it: whole, or only the rows of its `where:`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from tailrace.errors import WarehouseError
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

_NAME = "tailrace_judged_{}"


@contextmanager
def relations(
    warehouse: Warehouse, staged: Staged, wheres: Iterable[str | None]
) -> Iterator[Mapping[str | None, str | WarehouseError]]:
    """One temporary view per distinct condition, by it; an error where the condition does not fit the table.

    Views in the connection's temporary memory work on a warehouse that is open for reading only, and any SQL
    condition works as it does in a model.
    """
    made: dict[str | None, str | WarehouseError] = {}
    table = warehouse.dialect.table(staged.ref)
    try:
        for number, where in enumerate(dict.fromkeys(wheres)):
            name = _NAME.format(number)
            rows = f"SELECT * FROM {table}" + (f" WHERE ({where}\n)" if where else "")
            try:
                warehouse.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {rows}")
                made[where] = name
            except WarehouseError as error:
                made[where] = error
        yield made
    finally:
        for view in made.values():
            if isinstance(view, str):
                warehouse.execute(f"DROP VIEW IF EXISTS {view}")
