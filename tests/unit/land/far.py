"""A landing on BigQuery: rows are read over there, and what is kept here of them has to be the same."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.land.scripted import Landing

from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.near import FEW
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse


def open_far(client, path: Path, near_rows: int = FEW) -> BigQueryWarehouse:
    jobs = Jobs(client, {"project": client.project, "location": "US"})
    return BigQueryWarehouse(DuckDBWarehouse(path), jobs, near_rows=near_rows)


@dataclass
class FarLanding(Landing):
    """In a dataset of its own."""

    dataset: str = field(default_factory=lambda: f"crm_{secrets.token_hex(4)}")

    def rows(self, suffix: str = "", order: str = "1") -> list[dict]:
        found = self.there(f"SELECT * FROM `{self.dataset}`.`contacts{suffix}` ORDER BY {order}")
        if self.warehouse.near.is_both(TableRef(self.dataset, f"contacts{suffix}")):
            near = self.warehouse.local.arrow(
                f'SELECT * FROM {self.dataset}."contacts{suffix}" ORDER BY {order}'
            )
            assert near.to_pylist() == found
        return found

    def there(self, sql: str) -> list[dict]:
        """Rows of BigQuery's, not counted."""
        before = dict(self.warehouse.jobs.tally.statements)
        found = self.warehouse.jobs.arrow(sql).to_pylist()
        self.warehouse.jobs.tally.statements = before
        return found

    def count(self, suffix: str = "") -> int:
        return self.there(f"SELECT COUNT(*) AS n FROM `{self.dataset}`.`contacts{suffix}`")[0]["n"]

    def asked(self) -> Counter[str]:
        """Billed statements so far, by their kind, and loads."""
        tally = self.warehouse.jobs.tally
        return Counter({**tally.statements, "loads": tally.loads})
