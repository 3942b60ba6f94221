"""Many not_null and unique tests of one table in one statement: most projects have little else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tailrace.errors import WarehouseError
from tailrace.warehouse.base import Warehouse, in_batches

AT_ONCE = 40
"""Tests in a statement: a table's columns are read once for all of them."""
_PLAIN = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass(frozen=True)
class Count:
    """One not_null or unique test; `table` is quoted, `column` is not."""

    test: str
    table: str
    column: str

    def can_join(self) -> bool:
        """Anything but a plain name may be an expression, and is asked alone."""
        return _PLAIN.match(self.column) is not None


def count_sql(test: str, table: str, column: str) -> str:
    """The failing rows of one of them; `column` is quoted here."""
    quoted = '"' + column.replace('"', '""') + '"'
    if test == "not_null":
        return f"select {quoted} from {table} where {quoted} is null"
    return (
        f"select {quoted} as unique_field, count(*) as n_records from {table}"
        f" where {quoted} is not null group by {quoted} having count(*) > 1"
    )


def counted(warehouse: Warehouse, counts: Sequence[Count]) -> dict[Count, int]:
    """Failing rows of each; one of which the statement does not run is left out, to fail on its own."""
    found: dict[Count, int] = {}
    for table in dict.fromkeys(count.table for count in counts):
        mine = list(dict.fromkeys(count for count in counts if count.table == table))
        for some in in_batches(mine, AT_ONCE):
            found |= _asked(warehouse, table, some)
    return found


def _asked(warehouse: Warehouse, table: str, counts: Sequence[Count]) -> dict[Count, int]:
    try:
        row = warehouse.query(f"select {', '.join(_columns(counts))} from {table}")[0]
    except WarehouseError:
        if len(counts) == 1:
            return {}
        return {count: n for one in counts for count, n in _asked(warehouse, table, [one]).items()}
    return {count: int(n) for count, n in zip(counts, row, strict=True)}


def _columns(counts: Sequence[Count]) -> Iterator[str]:
    for count in counts:
        quoted = '"' + count.column.replace('"', '""') + '"'
        if count.test == "not_null":
            yield f"count(*) filter (where {quoted} is null)"
        else:
            yield f"(select count(*) from ({count_sql('unique', count.table, count.column)}))"
