from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.activate.crm import CONTACTS, CRM

from tailrace.activate import run as activate
from tailrace.activate.target import scope_of
from tailrace.project.spec import FieldMap, Guardrails, Marks, Sync
from tailrace.state.sqlite import SQLiteStore
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import stage

SYNC = Sync(
    name="scores", model="lead_scores", connection="hubspot", object="contacts", mode="update",
    primary_key="contact_id", match_field="email", match_column="email",
    fields=(FieldMap("lead_score", "score"), FieldMap("lead_grade", "grade")),
    marks=Marks("reverse/scores.yml"), path="reverse/scores.yml",
)  # fmt: skip
NO_LIMITS = Guardrails(None, None, None, None)


@dataclass
class House:
    """One sync's world: a warehouse with a model, a state store, a vendor."""

    folder: Path
    warehouse: DuckDBWarehouse
    store: SQLiteStore
    crm: CRM = field(default_factory=CRM)
    sync: Sync = SYNC
    account: str = "portal"
    obj = CONTACTS
    numbers = itertools.count(1)
    quarantined: str | None = None

    def model(self, select: str) -> None:
        self.warehouse.ensure_schema("marts")
        self.warehouse.execute(f"CREATE OR REPLACE TABLE marts.lead_scores AS {select}")

    def rows(self, n: int, score: str = "i % 100", more: str = "") -> None:
        self.model(
            f"SELECT i AS contact_id, 'p' || i || '@x.io' AS email, CAST({score} AS BIGINT) AS score,"
            f" 'A' AS grade{more} FROM range({n}) t(i)"
        )
        known = {record.get("email") for record in self.crm.records.values()}
        for i in range(n):
            if self.sync.mode == "update" and f"p{i}@x.io" not in known:
                self.crm.add({"email": f"p{i}@x.io"})

    def with_sync(self, **changes) -> None:
        self.sync = replace(self.sync, **changes)

    def prepare(self, **options):
        staged = stage(self.warehouse, TableRef("marts", "lead_scores"), self.sync.name)
        prepared = activate.prepare(
            self.warehouse, self.store, self.sync, self.obj, self.account, staged, self.quarantined,
            run_id=f"r{next(self.numbers):04d}", now=lambda: datetime.now(UTC), folder=self.folder / "stage",
            options=activate.Options(**{"sandbox": True, **options}),
        )  # fmt: skip
        self.one_row_each()
        return prepared

    def run(self, in_flight: int = 1, **options):
        """What the runner does; returns the SyncResult, or the counts' result where nothing was to send."""
        activate.recover(self.warehouse, self.store)
        prepared = self.prepare(**options)
        if prepared.delivery is None:
            return activate.SyncResult("ok", prepared.counts)
        self.delivered = activate.deliver(self.store, prepared.delivery, self.crm, in_flight=in_flight)
        self.one_row_each()
        result = activate.settle(self.warehouse, self.store, prepared.delivery)
        self.one_row_each()
        return result

    def one_row_each(self) -> None:
        """Every primary key of the model has exactly one ledger row with one status."""
        wrong = self.warehouse.query(
            "SELECT m.contact_id, count(l.primary_key) FROM marts.lead_scores m LEFT JOIN tailrace_meta.ledger l"
            " ON l.primary_key = CAST(m.contact_id AS VARCHAR) AND l.sync = ? AND l.account = ?"
            " GROUP BY 1 HAVING count(l.primary_key) <> 1 LIMIT 5",
            [self.sync.name, scope_of(self.obj, self.account, self.sync).account],
        )
        assert wrong == []
        assert self.warehouse.query("SELECT count(*) FROM tailrace_meta.ledger WHERE status IS NULL") == [
            (0,)
        ]

    def statuses(self) -> dict[str, int]:
        return dict(self.warehouse.query("SELECT status, count(*) FROM tailrace_meta.ledger GROUP BY 1"))

    def ledger(self, key) -> dict:
        names = [name for name in self.warehouse.columns(TableRef("tailrace_meta", "ledger"))]
        rows = self.warehouse.query("SELECT * FROM tailrace_meta.ledger WHERE primary_key = ?", [str(key)])
        return dict(zip(names, rows[0], strict=True))


@pytest.fixture
def house(tmp_path):
    warehouse = DuckDBWarehouse(tmp_path / "work.duckdb")
    store = SQLiteStore(tmp_path / "state.db")
    yield House(tmp_path, warehouse, store, sync=replace(SYNC, guardrails=NO_LIMITS))
    warehouse.close()
    store.close()
