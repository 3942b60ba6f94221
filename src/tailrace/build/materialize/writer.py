"""What an engine does for a materialization: each way to keep a model is written once, over these few deeds.

Two kinds of SQL go through a writer. A model's own text is in the target's words already, as compile left it. Everything else is our
own, in DuckDB's words, with names quoted as DuckDB quotes them; an engine that speaks otherwise translates it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from tailrace.warehouse.base import TableRef

if TYPE_CHECKING:
    from tailrace.build.materialize.job import Job

Span = tuple[str, datetime, datetime]
"""A column, and the instants between which it lies: the first inclusive, the last exclusive; UTC."""
Check = Callable[[str], None]
"""Asked of a table or view by its quoted name, before anybody reads it; raises WarehouseError on what is wrong."""


class Writer(Protocol):
    """Writes one model. Tables are named quoted; columns come with the engine's own types."""

    @property
    def transactional(self) -> bool:
        """Whether all of it, tables that come and go too, is part of the transaction that is open."""

    @property
    def waits(self) -> bool:
        """Whether rows were changed that nobody sees before the transaction ends."""

    @property
    def swapped(self) -> bool:
        """Whether the model's table may be another one already, though the transaction has not ended."""

    def scratch(self, purpose: str) -> str:
        """The name of a table of this build alone; whoever makes one drops it."""

    def stage(self, table: str, select: str) -> int:
        """A scratch table of a model's own SQL; returns its rows."""

    def derive(self, table: str, select: str) -> int:
        """A scratch table of a SELECT of ours; returns its rows."""

    def drop(self, table: str) -> None:
        """A scratch table goes."""

    def columns(self, table: str) -> dict[str, str]:
        """Names and types of a table or view, in order."""

    def stands(self, table: TableRef) -> bool:
        """Whether there is such a table where models are built."""

    def result(self, select: str) -> dict[str, str]:
        """Names and types of what a model's own SQL gives; it is not run."""

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a SELECT of ours."""

    def change(self, sql: str) -> None:
        """An INSERT, UPDATE, DELETE or MERGE of ours on the model's table; not to be read before the transaction ends."""

    def replace(self, select: str, check: Check | None, *, own: bool = False) -> int:
        """The model's table from a SELECT (`own`: one of ours), if `check` has nothing against its rows; returns them."""

    def define(self, select: str, check: Check | None) -> None:
        """The model's view."""

    def load(self, select: str, check: Check | None) -> int:
        """The model's table from a SELECT over files of this machine, in DuckDB's words; returns its rows."""

    def begin(self, table: str, select: str, columns: Sequence[str]) -> None:
        """An empty table in tailrace_stage for what a model's own SQL gives, its columns in this order if any is given."""

    def overwrite(self, table: str, span: Span, select: str, columns: Sequence[str]) -> int:
        """The rows of a table in a span of time are replaced by those of a model's own SQL that lie in it; returns these."""

    def take(self, table: str, check: Check | None) -> int:
        """The table that was begun becomes the model's, if `check` has nothing against it; returns its rows."""

    def thaw(self) -> None:
        """A table where a view stands for one, as a plan's copy of the warehouse has it."""

    def add_columns(self, kinds: Mapping[str, str]) -> None:
        """More columns of the model's table, of the engine's types."""

    def drop_column(self, name: str) -> None:
        """One column less."""

    def retype_columns(self, kinds: Mapping[str, str]) -> None:
        """Columns of the model's table get other types, their values cast."""

    def words(self, expression: str) -> str:
        """A person's expression, to be put into SQL of ours."""

    def compiled(self, text: str) -> str:
        """A name or expression in the target's words, to be put into SQL of ours."""

    def cast(self, expression: str, kind: str) -> str:
        """An expression of ours, cast to the engine's type."""

    def differ(self, one: str, other: str, kind: str) -> str:
        """Whether two expressions of an engine's type differ, NULL being equal to NULL."""

    def guard(self, alias: str) -> str:
        """A condition that is always true, and that the engine wants to see where the model's table is read; "" where it wants none."""

    def type_of(self, declared: str) -> str | None:
        """A type that a person declared as the engine writes it; None where it has no such type."""

    def hook(self, sql: str) -> None:
        """A person's statement, in the target's words."""

    def finish(self, check: Check | None, *, seen: bool = True) -> None:
        """All changes are told: `check` is asked of the table as they leave it, and they join the transaction.

        `seen`: they are changes of the model's own table, and not of one that was begun.
        """

    def clear(self) -> None:
        """The transaction has ended: scratch tables that it read go."""


def writer_of(job: Job) -> Writer:
    """The writer for the engine on which the job's model is built."""
    if job.warehouse.engine == "bigquery":
        from tailrace.build.materialize.bigquery.writer import BigQueryWriter

        return BigQueryWriter(job)
    from tailrace.build.materialize.duckdb import DuckDBWriter

    return DuckDBWriter(job)
