"""One model that is to be built, with what is needed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.materialize.writer import Writer, writer_of
from tailrace.build.settings.refused import SettingRefused
from tailrace.errors import WarehouseError, near_miss
from tailrace.warehouse.base import TableRef, Warehouse

Instead = Mapping[TableRef, TableRef]
"""Tables that are to be read in the place of others."""
Audit = Callable[[Instead], str | None]
"""A model's tests on what was just built; what fails, in a sentence."""


@dataclass(frozen=True)
class Job:
    """`standing` is the "table" or "view" that is there already; `whole`: build from nothing all the same.

    `ours` says whether the state knows who made what stands there, `shape` with which settings (see shaping.py; None where nobody
    knows). `root` is the project's folder, `now` the run's clock.
    """

    warehouse: Warehouse
    graph: Graph
    node: ModelNode
    root: Path
    now: datetime
    standing: str | None = None
    whole: bool = True
    ours: str = ""
    shape: Mapping[str, str] | None = None
    audit: Audit | None = field(default=None, compare=False, repr=False)

    @cached_property
    def writer(self) -> Writer:
        """The engine's way to write this model."""
        return writer_of(self)

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

    def audited(self, instead: Instead) -> None:
        """The model's tests, if it has any; WarehouseError where one fails."""
        if self.audit is not None and (said := self.audit(instead)):
            raise WarehouseError(said)


def matching(name: str, columns: Sequence[str]) -> str | None:
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
