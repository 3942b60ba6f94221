"""A sync over BigQuery: what it asks there does not grow with its rows, and the ledger there is the ledger here."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.unit.activate.conftest import NO_LIMITS, SYNC, House

from tailrace.activate import run as activate
from tailrace.activate.dead_letter import dead_drop, dead_list, dead_retry
from tailrace.activate.ledger import COLUMNS, DEAD_LETTERS, LEDGER, TABLES
from tailrace.state.sqlite import SQLiteStore
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import stage


class FarHouse(House):
    """The model is over there; each of its versions is another one."""

    version = 0

    def model(self, select: str) -> None:
        self.version += 1
        self.warehouse.jobs.ensure_dataset(self.table.schema)
        self.warehouse.jobs.load(self.warehouse.local.arrow(select), self.table, replace=True)

    @property
    def table(self) -> TableRef:
        return TableRef(f"marts_{self.account}", "lead_scores")

    def prepare(self, **options):
        staged = stage(self.warehouse, self.table, self.sync.name, version=str(self.version))
        return activate.prepare(
            self.warehouse, self.store, self.sync, self.obj, self.account, staged, self.quarantined,
            run_id=f"r{next(self.numbers):04d}", now=lambda: datetime.now(UTC), folder=self.folder / "stage",
            options=activate.Options(**{"sandbox": True, **options}),
        )  # fmt: skip

    def one_row_each(self) -> None:
        """Told by `assert_equal` at the end."""

    def asked(self) -> dict[str, int]:
        """Billed statements by kind since the last time, and load jobs."""
        tally = self.warehouse.jobs.tally
        found = {**tally.statements, "LOAD": tally.loads}
        before, self._before = getattr(self, "_before", {}), found
        return {
            kind: number - before.get(kind, 0)
            for kind, number in found.items()
            if number > before.get(kind, 0)
        }

    def assert_equal(self, ref: TableRef = LEDGER, by: str = "account") -> int:
        """The table here row by row as the table there; returns its rows."""
        names = ", ".join(f"`{name}`" for name in TABLES[ref])
        where = f"WHERE {by} = '{self.account}'" if by == "account" else f"WHERE sync = '{self.sync.name}'"
        there = self.warehouse.jobs.rows(f"SELECT {names} FROM `{ref.schema}`.`{ref.name}` {where}")
        here = self.warehouse.query(f"SELECT {names.replace('`', chr(34))} FROM {ref} {where}")
        assert sorted(map(repr, there)) == sorted(map(repr, here))
        return len(here)


@pytest.fixture
def far(tmp_path, bigquery):
    made = []

    def open_one(name: str) -> FarHouse:
        folder = tmp_path / name
        folder.mkdir()
        local = DuckDBWarehouse(folder / "work.duckdb")
        store = SQLiteStore(folder / "state.db")
        made.extend((local, store))
        warehouse = BigQueryWarehouse(local, Jobs(bigquery, {"project": bigquery.project, "location": "US"}))
        account = f"p{secrets.token_hex(3)}"
        sync = replace(
            SYNC, name=f"scores_{account}", guardrails=NO_LIMITS
        )  # the ledger there is everybody's
        return FarHouse(folder, warehouse, store, sync=sync, account=account)

    yield open_one
    for one in made:
        one.close()


def test_statements_do_not_grow_with_the_rows(far):
    asked = {}
    for rows in (300, 5000):
        house = far(str(rows))
        house.rows(rows)
        house.run()
        first = house.asked()
        house.rows(rows, score="(i + 7) % 100")
        house.asked()  # the model's own load
        result = house.run()
        assert result.counts.updated == rows
        asked[rows] = (first, house.asked())
        assert house.assert_equal() == rows
        house.asked()  # the test's own look
        assert house.run().counts.requests == 0
        assert not house.asked()
    assert asked[300] == asked[5000], asked


def test_a_sync_of_few_rows_asks_no_more(far):
    """Few rows are written into the statement itself, so there is no load."""
    few, many = far("few"), far("many")
    asked = []
    for house, rows in ((few, 5), (many, 3000)):
        house.rows(rows)
        house.run()
        found = house.asked()
        found.pop("LOAD", None)
        asked.append(found)
    assert asked[0] == asked[1], asked


def test_an_idle_sync_asks_nothing(far):
    house = far("idle")
    house.rows(20)
    house.run()
    house.asked()
    assert house.run().counts.unchanged == 20
    assert house.asked() == {}


def test_letters_are_retried_and_dropped_on_both_sides(far):
    house = far("letters")
    house.crm.refuse = lambda values: "score is not wanted" if values.get("lead_score") in (3, 5) else None
    house.rows(8)
    house.run()
    assert house.assert_equal(DEAD_LETTERS) == 2
    assert dead_retry(house.warehouse, house.sync.name, ["3"], reason="NOT WANTED") == 1
    house.assert_equal()
    house.crm.refuse = lambda values: None
    assert house.run().counts.updated == 1
    assert dead_drop(house.warehouse, house.sync.name, ["5"]) == 1
    assert [letter.primary_key for letter in dead_list(house.warehouse, house.sync.name)] == []
    house.assert_equal()
    assert house.assert_equal(DEAD_LETTERS) == 0


def test_a_record_that_two_rows_wrote_to(far):
    """What the first row's ledger says is no longer so: it is forgotten on both sides."""
    house = far("twice")
    house.rows(3)
    house.run()
    house.model(
        "SELECT * FROM (VALUES (0, 'p1@x.io', 50, 'B'), (1, 'p9@x.io', 1, 'A'), (2, 'p2@x.io', 2, 'A'))"
        " AS t(contact_id, email, score, grade)"
    )
    house.crm.add({"email": "p9@x.io"})
    house.run()
    assert house.assert_equal() == 3
    assert set(COLUMNS) <= set(house.warehouse.columns(LEDGER))
