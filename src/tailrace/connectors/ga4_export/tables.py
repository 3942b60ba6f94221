"""The tables of an export, wherever they lie: one interface over BigQuery and over files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tailrace.records import Column

Event = dict[str, Any]
"""One row, nested as exported. What is NULL or empty in it is left out, so that the API's rows and a file's are the same."""
TABLE = re.compile(r"events_(intraday_)?(\d{8})")


@dataclass(frozen=True)
class Table:
    """One day's table; `daily` is False for the intraday one, which GA4 drops once the daily one is complete."""

    suffix: str
    daily: bool = True

    @property
    def name(self) -> str:
        return f"events_{self.suffix}" if self.daily else f"events_intraday_{self.suffix}"


@dataclass(frozen=True)
class State:
    """A table at one moment: `stamp` changes whenever its content does; `rows` None: not known beforehand."""

    stamp: str
    rows: int | None
    columns: Callable[[], Sequence[Column]]


class Gone(Exception):
    """The table vanished between two requests."""


class Export(Protocol):
    """Where the tables are."""

    def tables(self) -> list[Table]:
        """All tables there are, daily and intraday, in any order."""
        ...

    def state(self, table: Table) -> State | None:
        """None where the table is there no more."""
        ...

    def pages(self, table: Table, limit: int) -> Iterator[list[Event]]:
        """The table's rows, in pages that are not empty. Raises Gone."""
        ...


def table_of(name: str) -> Table | None:
    """The table of that name; None for what is none of the export's event tables."""
    found = TABLE.fullmatch(name)
    return Table(found[2], found[1] is None) if found else None
