"""One model that is to be built, with what is needed for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.settings.refused import SettingRefused
from tailrace.errors import near_miss
from tailrace.warehouse.base import Warehouse


@dataclass(frozen=True)
class Job:
    """`standing` is the "table" or "view" that is there already; `whole`: build from nothing all the same.

    `ours` says whether the state knows who made what stands there. `root` is the project's folder, `now` the run's clock.
    """

    warehouse: Warehouse
    graph: Graph
    node: ModelNode
    root: Path
    now: datetime
    standing: str | None = None
    whole: bool = True
    ours: str = ""

    @property
    def table(self) -> str:
        """The relation's name, quoted."""
        return self.warehouse.dialect.table(self.node.table)

    @property
    def is_taking(self) -> bool:
        """Whether something stands there that is not known to be this model's."""
        return self.standing is not None and not self.ours

    def quoted(self, name: str) -> str:
        return self.warehouse.dialect.quote(name)

    def listed(self, names: Sequence[str]) -> str:
        """Quoted names with commas between them."""
        return ", ".join(self.quoted(name) for name in names)

    def scratch(self, purpose: str) -> str:
        """A temporary table's name, quoted; whoever makes one drops it."""
        return self.quoted(f"tailrace_{purpose}_{self.node.name}")


def columns_of(job: Job, temporary: str) -> dict[str, str]:
    """Names and types of a quoted table, a temporary one too."""
    rows = job.warehouse.query(f"SELECT column_name, column_type FROM (DESCRIBE {temporary})")
    return {str(name): str(kind) for name, kind in rows}


def replace_table(job: Job, select: str, columns: Sequence[str] = ()) -> int:
    """The relation anew from a SELECT that begins a line of its own, with these columns of it if any; returns its rows."""
    make_way(job, "table")
    rows = job.warehouse.query(f"CREATE OR REPLACE TABLE {job.table} AS {in_order(job, select, columns)}")
    return int(rows[0][0]) if rows else 0


def in_order(job: Job, select: str, columns: Sequence[str]) -> str:
    """A SELECT on the lines below the first, of these columns if any are given."""
    return f"SELECT {job.listed(columns)} FROM (\n{select}\n)" if columns else f"\n{select}\n"


def make_way(job: Job, kind: str) -> None:
    """A view does not replace a table, nor a table a view."""
    if job.standing is not None and job.standing != kind:
        job.warehouse.execute(f"DROP {job.standing.upper()} {job.table}")


def thawed(job: Job) -> None:
    """A table in place of the view that stands for it where a plan works on the published file."""
    if job.standing != "view":
        return
    kept = job.scratch("kept")
    job.warehouse.execute(f"CREATE TEMP TABLE {kept} AS SELECT * FROM {job.table}")
    job.warehouse.execute(f"DROP VIEW {job.table}")
    job.warehouse.execute(f"CREATE TABLE {job.table} AS SELECT * FROM {kept}")
    job.warehouse.execute(f"DROP TABLE {kept}")


def drop_scratch(job: Job, name: str) -> None:
    job.warehouse.execute(f"DROP TABLE IF EXISTS {name}")


def matching(name: str, columns: list[str]) -> str | None:
    """The column of that name as it is written in the relation, whatever its case."""
    return next((column for column in columns if column.casefold() == name.casefold()), None)


def key_columns(job: Job, what: str, names: tuple[str, ...], columns: list[str]) -> list[str]:
    """Columns that the setting `what` names, as the relation writes them; SettingRefused names one that is none."""
    found = []
    for name in names:
        column = matching(name, columns)
        if column is None:
            said = f"{what} {name} is no column of {job.node.table}"
            raise SettingRefused(said, near_miss(name, columns), job.node.settings.places.get(what))
        found.append(column)
    return found
