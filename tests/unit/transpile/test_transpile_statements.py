"""Every file of tests/golden/transpile/statements: what the warehouse says in DuckDB's words, and what BigQuery is sent.

Those named after a module of `land` are what it says while resources are landed, replayed and reconciled; that nothing else is said
there is asked of the steps themselves. TAILRACE_GOLDEN=write writes what comes out.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.land.scripted import Column, Landing, Schema, Scripted, gone, page, row
from tests.unit.land.test_land_reconcile import compared
from tests.unit.land.test_land_replay import busy, redo
from tests.unit.transpile.test_transpile_golden import sections

from tailrace.errors import FatalError
from tailrace.transpile.statements import to_bigquery
from tailrace.warehouse.duckdb import DuckDBWarehouse

GOLDEN = Path(__file__).parents[2] / "golden" / "transpile" / "statements"
CASES = sorted(GOLDEN.glob("*.txt"))


def schema_of(text: str) -> dict[str, dict[str, str]]:
    """Lines of `table: column TYPE, column TYPE`."""
    tables = dict(line.split(": ", 1) for line in text.splitlines() if line)
    return {
        table: dict(column.split(" ", 1) for column in columns.split("; "))
        for table, columns in tables.items()
    }


def told(sql: str, schema: dict[str, dict[str, str]]) -> tuple[str, str]:
    try:
        return "bigquery", to_bigquery(sql.rstrip("\n"), schema) + "\n"
    except FatalError as refused:
        return "refused", f"{refused}\n"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_exactly_this(case, tmp_path):
    wanted = sections(case)
    schema = schema_of(wanted.get("schema", ""))
    got = dict([told(wanted["duckdb"], schema)])
    head = {name: wanted[name] for name in ("schema", "duckdb") if name in wanted}
    text = "".join(f"== {name}\n{said}" for name, said in {**head, **got}.items())
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        case.write_text(text)
        wanted = sections(case)
    (tmp_path / case.name).write_text(text)
    assert got == {name: said for name, said in wanted.items() if name not in head}


def test_there_are_cases():
    assert len(CASES) >= 60


class Overheard(DuckDBWarehouse):
    """Keeps what BigQuery could not take of all that it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refused: list[str] = []
        super().__init__(None)

    def _run(self, sql, params):
        if sql.split(maxsplit=1)[0] in (
            "SELECT",
            "WITH",
            "INSERT",
            "DELETE",
            "UPDATE",
            "CREATE",
            "DROP",
            "ALTER",
            "MERGE",
        ):
            self._heard(sql)
        return super()._run(sql, params)

    def _heard(self, sql):
        if "duckdb_" in sql:  # DuckDB's catalogue: each engine reads its own
            return
        rows = self._con.execute(
            "SELECT table_schema || '.' || table_name, column_name, data_type FROM information_schema.columns"
        ).fetchall()
        schema: dict[str, dict[str, str]] = {}
        for table, column, kind in rows:
            schema.setdefault(table.removeprefix("main."), {})[column] = kind
        self.asked.append(sql)
        try:
            to_bigquery(sql, schema)
        except FatalError as refused:
            self.refused.append(f"{sql}\n{refused}")


def test_bigquery_takes_all_that_landing_says():
    landing = Landing(warehouse=Overheard())
    busy(landing)
    compared(landing, page(row("1", "a"), at=2), page(row("9"), at=1), gone("9", at=2))
    redo(landing)
    landing.source = Scripted(Schema((Column("id"), Column("email")), ("id",)))
    landing.resource = replace(landing.resource, keep_raw=1.0)
    landing.land(page(row("1", "z"), at=9))
    landing.land(page(row("2", "z"), at=10))
    asked = " ".join(landing.warehouse.asked)
    for word in (
        "_tailrace_land AS",
        "_tailrace_kept",
        "_tailrace_seen",
        "_tailrace_rebuilt",
        "_tailrace_origins",
        "_tailrace_theirs",
    ):
        assert word in asked
    assert landing.warehouse.refused == []
