"""The staged rows that an expectation judged, as SQL says them, and what a query about them shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tailrace.warehouse.base import Dialect, TableRef

Kind = Literal["rows", "values", "query", "number", "about"]


@dataclass(frozen=True)
class Shown:
    """A query that runs as it stands.

    `kind`: rows of the staged table, values of `columns` with how often each occurs, rows of a query that the suite brought, the
    number that was judged, or something that tells about it. `order` are columns by which rows that belong together stand together;
    `counted`: it has as many rows as Great Expectations counts; `few` gives a cheaper query for the first so many rows in that order.
    """

    sql: str
    kind: Kind
    columns: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    counted: bool = True
    few: Callable[[int], str] | None = None


@dataclass(frozen=True)
class Rows:
    """The staged table, or the rows of it that an expectation's `where:` leaves."""

    dialect: Dialect
    ref: TableRef
    where: str | None = None

    def select(self, what: str, condition: str = "", more: str = "", alias: str = "") -> str:
        """SELECT `what` of these rows under one more condition; `more` follows it."""
        conditions = [part for part in (self._own(), condition) if part]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        name = f" AS {alias}" if alias else ""
        return f"SELECT {what} FROM {self.dialect.table(self.ref)}{name}{where}{' ' if more else ''}{more}"

    def relation(self) -> str:
        """What stands after FROM: the table, or a subquery in brackets."""
        return f"({self.select('*')})" if self.where else self.dialect.table(self.ref)

    def _own(self) -> str:
        if not self.where:
            return ""
        comment = any(mark in self.where for mark in ("--", "#"))  # it would swallow the bracket
        return f"({self.where}\n)" if comment else f"({self.where})"

    def value(self, value: Any) -> str:
        """A kwarg's value as a SQL literal; TypeError for what is none."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return repr(value)
        if isinstance(value, str):
            return self.dialect.literal(value)
        raise TypeError(f"no literal for {type(value).__name__}")

    def values(self, items: Any) -> str:
        """Literals for an IN list, without the NULL that no comparison finds."""
        return ", ".join(self.value(item) for item in items if item is not None) or "NULL"
