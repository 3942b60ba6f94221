"""The reference project's models and seeds on both engines, over the same landed rows: equal marts."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from tests.unit.build.test_reference_models import NOW, ROOT, TABLES, Filled

from tailrace.build.compile import compile_project
from tailrace.build.run import build
from tailrace.project.load import load_project
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse

TEXTS = {
    "id": [str(number) for number in range(40)], "currency": ["USD", "EUR", "XXX"], "zone": ["America/New_York", "UTC"],
    "email": [" Ann@Example.COM ", "", "b@x.org", "no mail"], "jobtitle": ["VP Operations", "Analyst", "CEO", " "],
    "lifecyclestage": ["customer", "lead"], "source": ["PAID_SEARCH", "ORGANIC_SEARCH"], "name": ["Brand", "Other", "Spring sale"],
    "numemployees": ["1000+", "10-50"], "domain": [" X.Org ", "y.org"], "session": ["(not set)", "Brand"],
}  # fmt: skip


class Far(Filled):
    def __init__(self, path: Any, client: Any) -> None:
        for dataset in list(client.list_datasets()):
            client.delete_dataset(dataset, delete_contents=True)
        self.project = load_project(ROOT, target="prod")
        self.local = DuckDBWarehouse(path / "work.duckdb")
        self.warehouse = BigQueryWarehouse(
            self.local, Jobs(client, {"project": client.project, "location": "US"})
        )  # type: ignore[assignment]
        for table, columns in TABLES.items():
            self.warehouse.ensure_schema(table.partition(".")[0])
            self.warehouse.execute(f"CREATE TABLE {table} ({columns})")


def rows_of(table: str, columns: str, dice: random.Random) -> list[dict[str, Any]]:
    listed = [one.strip().rsplit(" ", 1) for one in columns.split(",")]
    return [
        {name.strip('"'): _value(name.strip('"'), kind, number, dice) for name, kind in listed}
        for number in range(40)
    ]


def _value(name: str, kind: str, number: int, dice: random.Random) -> Any:
    if name in ("id", "campaign_id", "from_id", "to_id", "associatedcompanyid"):
        return str(number if name == "id" else dice.randrange(40))
    if dice.random() < 0.15:
        return None
    if kind == "VARCHAR":
        word = next((word for word in TEXTS if word in name.lower()), "name")
        return dice.choice(TEXTS[word])
    if kind == "BOOLEAN":
        return dice.random() < 0.5
    if kind == "DATE":
        return date(2026, 8, 1) + timedelta(days=dice.randrange(100))
    if kind == "TIMESTAMP":
        return datetime(2026, 8, 1, 3) + timedelta(minutes=dice.randrange(160_000))
    return float(dice.randrange(40)) * 7 if kind == "DOUBLE" else dice.randrange(9_000_000)


def fill(filled: Filled) -> None:
    dice = random.Random(7)
    for table, columns in TABLES.items():
        rows = rows_of(table, columns, dice)
        names = ", ".join(f'"{name}"' for name in rows[0])
        values = ", ".join("(" + ", ".join("?" * len(rows[0])) + ")" for _ in rows)
        filled.warehouse.execute(
            f"INSERT INTO {table} ({names}) VALUES {values}",
            [value for row in rows for value in row.values()],
        )


def test_equal_marts(tmp_path, bigquery):
    near, far = Filled(), Far(tmp_path, bigquery)
    try:
        for filled in (near, far):
            fill(filled)
            graph = compile_project(filled.project, now=NOW, cache_dir=None)
            found = build(filled.warehouse, graph, set(graph.nodes), root=ROOT, run_id="r", now=lambda: NOW)
            assert {one.name: one.error for one in found if one.status != "ok"} == {}
        counted = 0
        for node in graph.nodes.values():
            names = ", ".join(f'"{name}"' for name in near.warehouse.columns(node.table))
            sql = f"SELECT {names} FROM {near.warehouse.dialect.table(node.table)}"
            mine, theirs = (sorted(map(_plain, filled.rows(sql)), key=repr) for filled in (near, far))
            assert theirs == mine, node.name
            counted += len(mine)
        assert counted > 500
        found = build(far.warehouse, graph, set(graph.nodes), root=ROOT, run_id="r2", now=lambda: NOW)
        assert {one.status for one in found} == {"skipped"}
    finally:
        near.warehouse.close()
        far.local.close()


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A number is its value: BigQuery has one type of decimals."""
    return tuple(float(one) if type(one).__name__ == "Decimal" else one for one in row)
