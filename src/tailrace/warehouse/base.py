"""The one interface that every engine answers to, and the few words in which their SQL differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tailrace.records import Type

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

META = "tailrace_meta"
STAGE = "tailrace_stage"
FORMAT = 1
"""Version of tailrace's own tables; a warehouse written by a newer one is refused."""


@dataclass(frozen=True, order=True)
class TableRef:
    """A table's schema and name, unquoted."""

    schema: str
    name: str

    def suffixed(self, suffix: str) -> TableRef:
        """`contacts` -> `contacts__changes`."""
        return TableRef(self.schema, self.name + suffix)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Dialect(Protocol):
    """How an engine spells what the templates need; everything else is SQL that both engines read."""

    @property
    def name(self) -> str:
        """Duckdb or bigquery."""

    def quote(self, name: str) -> str:
        """An identifier, quoted."""

    def table(self, ref: TableRef) -> str:
        """A table, quoted."""

    def literal(self, text: str) -> str:
        """A text as a SQL literal."""

    def type(self, kind: Type) -> str:
        """The engine's type for one of tailrace's."""

    def row_hash(self, alias: str, columns: Mapping[str, str]) -> str:
        """32 hex characters over named columns (name -> engine type); a NULL column counts as absent."""

    def typed_text(self, expression: str, engine_type: str) -> str:
        """Canonical text of a value, equal on every engine (numbers without trailing zeros, instants in microseconds)."""


class Warehouse(Protocol):
    """An open warehouse; whoever opened it closes it. Errors are WarehouseError."""

    @property
    def dialect(self) -> Dialect:
        """The engine's spelling."""

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""

    def arrow(self, sql: str) -> pa.Table:
        """The rows of a SELECT as an Arrow table."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        """One statement without rows."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; nests into the outer one."""

    def sparing(self, rows: int) -> AbstractContextManager[None]:
        """Inside, work goes on in small statements over `rows` rows; the engine may be told so."""

    def amply(self, work: Callable[[], T]) -> T:
        """What `work` returns, which may be done twice: with what `sparing` leaves it, and where that is too little with all."""

    @property
    def engine(self) -> str:
        """Where models are built: duckdb or bigquery."""

    def stamp(self, ref: TableRef) -> str | None:
        """Changes whenever a table is written, and costs nothing to ask; "" of a view. None: rows are as near as stamps."""

    def keep_near(self, ref: TableRef) -> bool:
        """Reads of this table are frequent: an engine that is far away keeps a copy here while it is small. Whether reads are free."""

    def create(
        self, ref: TableRef, columns: Mapping[str, str], *, partition: str = "", cluster: Sequence[str] = ()
    ) -> None:
        """A table, if it is not there yet; an engine that bills what it reads stores it by days of `partition`, sorted by `cluster`."""

    def add_columns(self, ref: TableRef, columns: Mapping[str, str]) -> None:
        """New columns of a table, at once where an engine counts the changes; those that are there already stay."""

    def bring(self, source: TableRef, into: TableRef) -> None:
        """All rows of a table into one of this session that has its columns, matched by name; nothing is billed."""

    def interrupt(self) -> None:
        """Stop what runs now; from another thread."""

    def columns(self, ref: TableRef) -> dict[str, str]:
        """Column names and engine types in order; empty where there is no such table or view."""

    def tables(self, schema: str) -> dict[str, str]:
        """Names in a schema: "table" or "view"."""

    def ensure_schema(self, schema: str) -> None:
        """Create the schema if it is not there."""

    def registered(self, name: str, table: pa.Table) -> AbstractContextManager[str]:
        """An Arrow table that SQL can read as `name` inside the `with` block."""

    def copy_to_parquet(self, sql: str, path: Path) -> int:
        """Write a SELECT's rows, in its order, as Parquet; returns their number. Durable: fsynced before it returns."""

    def dlt_destination(self) -> Any:
        """What `dlt.pipeline(destination=...)` takes to append into this warehouse on a cursor of its own."""

    def native(self) -> Any:
        """The engine's own open connection, for libraries that bring their own SQL."""

    def checkpoint(self) -> None:
        """Fold what was written into the file, so that it can be copied."""

    def close(self) -> None:
        """Flush and let go of the file or session."""


def in_batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
