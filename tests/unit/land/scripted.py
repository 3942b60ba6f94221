"""A source that hands out given pages, a landing of it, and the invariants that anyone can check on its tables."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.land.raw import ArrowWriter
from tailrace.land.run import land_resource
from tailrace.project.spec import Contract, Marks, Pipeline, Resource
from tailrace.records import Checkpoint, Column, Page, Schema, Scope
from tailrace.warehouse.base import TableRef, Warehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse

CONTACTS = Schema(
    (
        Column("id"),
        Column("email"),
        Column("score", "double"),
        Column("born", "date"),
        Column("seen", "timestamp"),
    ),
    ("id",),
    ("seen",),
)
START = datetime(2024, 3, 1, tzinfo=UTC)


class Scripted:
    """What `read` yields is set from outside; `asked` keeps the positions that it was asked to resume from."""

    def __init__(self, schema: Schema = CONTACTS) -> None:
        self.declared, self.items, self.asked = schema, [], []

    def schema(self, resource: ResourceSpec) -> Schema:
        return self.declared

    def read(self, resource, schema, position) -> Iterator[Page | Checkpoint]:
        self.asked.append(position)
        for item in self.items:
            if isinstance(item, BaseException):
                raise item
            yield copy.deepcopy(item)


@dataclass
class Landing:
    """One resource `crm.contacts` in one warehouse; every read is one run."""

    warehouse: Warehouse = field(default_factory=lambda: DuckDBWarehouse(None))
    source: Scripted = field(default_factory=Scripted)
    resource: Resource = field(default_factory=lambda: Resource("contacts", {}, Marks("pipelines/crm.yml")))
    changes: bool = True
    writer: object = field(default_factory=ArrowWriter)
    step: timedelta = timedelta(seconds=1)
    runs: int = 0
    at: datetime = START
    dataset: str = "crm"

    def now(self) -> datetime:
        self.at += self.step
        return self.at

    def contract(self, **words: str) -> None:
        self.resource = replace(self.resource, contract=Contract(**words))

    def land(self, *items, position=None, scopes: tuple[Scope, ...] = ()):
        """Land pages (or checkpoints), ended by a checkpoint at `position` (default: the run's number)."""
        self.runs += 1
        self.source.items = [*items, Checkpoint({"at": self.runs} if position is None else position, scopes)]
        return self.again()

    def again(self, spec: ResourceSpec | None = None, **more):
        pipeline = Pipeline(
            "crm", "crm", self.dataset, (self.resource,), Marks("pipelines/crm.yml"), "pipelines/crm.yml"
        )
        return land_resource(
            self.warehouse,
            self.source,
            pipeline,
            self.resource,
            spec or ResourceSpec("contacts"),
            self.changes,
            run_id=f"run{self.runs}",
            now=self.now,
            writer=self.writer,
            **more,
        )

    def rows(self, suffix: str = "", order: str = "1") -> list[dict]:
        found = self.warehouse.arrow(f'SELECT * FROM {self.dataset}."contacts{suffix}" ORDER BY {order}')
        return found.to_pylist()

    def columns(self, suffix: str = "") -> dict[str, str]:
        return self.warehouse.columns(TableRef(self.dataset, f"contacts{suffix}"))

    def count(self, suffix: str = "") -> int:
        return self.warehouse.query(f'SELECT count(*) FROM {self.dataset}."contacts{suffix}"')[0][0]


def row(key, email=None, **more) -> dict:
    return {"id": key, "email": email, **more}


def page(*rows: dict, at=None, deleted: bool = False) -> Page:
    """All rows of one version: `at` seconds after the start; None: the vendor has no versions."""
    return Page(list(rows), None if at is None else [moment(at)] * len(rows), deleted)


def gone(*keys, at) -> Page:
    return page(*({"id": key} for key in keys), at=at, deleted=True)


def moment(at: float) -> str:
    return (START + timedelta(seconds=at)).isoformat().replace("+00:00", "Z")


def assert_folds(
    landing: Landing, cursors: tuple[str, ...] = ("seen",), erased: tuple[str, ...] = ()
) -> None:
    """The log, folded in its order, is the current table; every change fits what was there before it."""
    key = landing.source.declared.primary_key
    state: dict[tuple, dict] = {}
    last = 0
    for change in landing.rows("__changes", "_seq"):
        assert change["_seq"] > last
        last = change["_seq"]
        mine = {name: value for name, value in change.items() if not name.startswith("_")}
        before = state.get(tuple(mine[name] for name in key))
        if change["_op"] == "delete" and change.get("id") in erased:
            before = {name: value if name in key else None for name, value in before.items()}
        _fits(change, mine, before)
        if change["_op"] == "delete":
            del state[tuple(mine[name] for name in key)]
        else:
            state[tuple(mine[name] for name in key)] = mine
    current = [{name: value for name, value in row.items() if name not in cursors} for row in landing.rows()]
    assert {tuple(row[name] for name in key): row for row in current} == state
    assert len(current) == len(state)


def _fits(change: dict, mine: dict, before: dict | None) -> None:
    if change["_op"] == "insert":
        assert before is None and change["_changed_fields"] is None
    elif change["_op"] == "delete":
        assert mine == before and change["_changed_fields"] is None
    else:
        assert change["_op"] == "update" and before is not None
        changed = {name for name in mine if mine[name] != before[name]}
        assert changed and set(change["_changed_fields"].split(",")) == changed


def open_file(path: Path, **more) -> Landing:
    return Landing(DuckDBWarehouse(path), **more)


__all__ = [
    "CONTACTS",
    "Checkpoint",
    "Column",
    "Landing",
    "Page",
    "Schema",
    "Scope",
    "Scripted",
    "assert_folds",
    "gone",
    "moment",
    "open_file",
    "page",
    "row",
]
