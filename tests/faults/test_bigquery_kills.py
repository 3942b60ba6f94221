"""kill -9 at any moment of a run on BigQuery, then the same command: the same rows and the same CRM as if nothing had happened."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tailrace.sandbox.server import Sandbox
from tests import emulator
from tests.faults.forked_runs import Forked, ForkedRuns
from tests.faults.run_worlds import World, _landed, _meta, _models, assert_same

POINTS = (
    "land:after_raw",
    "bigquery:sent",
    "bigquery:sent@5",
    "land:after_commit@3",
    "build:after_commit@2",
    "run:built",
    "validate:judged",
    "validate:before_commit@2",
    "run:prepared",
    "complete:cloned",
    "complete:asking",
    "complete:flipped",
    "activate:staged --limit=20",
    "activate:after_answer --limit=20",
    "run:delivered --limit=20",
    "bigquery:sent@2",
    "activate:after_merge",
)
"""Each run is the repair of the one before it, and is killed itself; where few rows are sent, the next one has some left."""
IN_FLIGHT = {"activate:after_answer"}
LEASE = 10
"""Seconds; the shortest that a profile may name."""
RANDOM_KILLS = 4


@dataclass
class FarWorld(World):
    """A world whose warehouse is an emulator of its own; views of complete runs are on."""

    address: str = ""
    client: Any = field(default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        profiles = self.root / "profiles.yml"
        text = profiles.read_text().replace(
            "      location: EU\n",
            f"      location: EU\n      lease: {LEASE}s\n      publish: {{views: true}}\n",
        )
        profiles.write_text(text)
        self.env = {"BIGQUERY_EMULATOR_HOST": self.address, "GCP_PROJECT": emulator.PROJECT}

    def start(self, point: str = "", *args: str) -> Forked:
        return super().start(point, "--target", "prod", *args)

    def killed(self, *, patiently: bool = False) -> None:
        """A killed run's lease ends by itself; without `patiently` as if it had never been."""
        if patiently:
            time.sleep(LEASE + 6)
            return
        for table in list(self.client.list_tables("tailrace_meta")):
            if table.table_id.startswith("lease_"):
                self.client.delete_table(table.reference)

    def snapshot(self) -> dict[str, Any]:
        con = duckdb.connect()
        try:
            for dataset in self.client.list_datasets():
                for table in self.client.list_tables(dataset.dataset_id):
                    self._bring(con, dataset.dataset_id, table.table_id)
            return {**_landed(con), **_models(con), **_meta(con), "crm": self.contacts()}
        finally:
            con.close()

    def _bring(self, con: duckdb.DuckDBPyConnection, dataset: str, table: str) -> None:
        if dataset in ("tailrace_stage", "tailrace_published") or table.startswith("lease_"):
            return
        rows = self.client.query(f"SELECT * FROM `{dataset}`.`{table}`").to_arrow(
            create_bqstorage_client=False
        )
        con.execute(f'CREATE SCHEMA IF NOT EXISTS "{dataset}"')
        con.register("rows", rows)
        con.execute(f'CREATE TABLE "{dataset}"."{table}" AS SELECT * FROM rows')
        con.unregister("rows")

    def shown(self) -> list[tuple[Any, ...]]:
        """What readers of whole runs see of the model that is sent."""
        sql = "SELECT contact_id, score FROM `{}`.`lead_scores` ORDER BY 1"
        live, complete = (
            [tuple(row) for row in self.client.query(sql.format(schema)).result()]
            for schema in ("marts", "marts_complete")
        )
        assert live == complete
        return live


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    if not emulator.PYTHON.exists():
        pytest.skip("no emulator of BigQuery here: make .venv-emulator/run.stamp")
    found = ForkedRuns(tmp_path_factory.mktemp("log"))
    yield found
    found.close()


@contextmanager
def world(root: Path, runs: ForkedRuns):
    with emulator.running() as address, Sandbox.start(contacts=60, limits=False) as sandbox:
        client = emulator.client(address)
        yield FarWorld(root / "acme", sandbox, runs, address=address, client=client)
        client.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, runs):
    """What a run and the one after it end in where nobody kills anything, and how many lines the first one logs."""
    with world(tmp_path_factory.mktemp("undisturbed"), runs) as found:
        assert found.run()["syncs"][0]["updated"] > 5
        lines = found.lines()
        assert found.run()["syncs"][0]["requests"] == 0
        assert found.shown()
        yield found.snapshot(), lines


def test_killed_at_every_boundary(tmp_path, runs, undisturbed):
    snapshot, _ = undisturbed
    with world(tmp_path, runs) as found:
        for point in POINTS:
            found.die_at(*point.split())
            found.killed()
        found.run()
        assert found.run()["syncs"][0]["requests"] == 0
        assert_same(found.snapshot(), snapshot)
        assert found.shown()
        assert found.most_writes() <= 1 + len(IN_FLIGHT)


def test_killed_at_random_moments(tmp_path, runs, undisturbed):
    snapshot, lines = undisturbed
    dice = random.Random(7)
    with world(tmp_path, runs) as found:
        killed = 0
        for _ in range(RANDOM_KILLS):
            killed += found.start().kill_at(dice.randrange(lines), dice.uniform(0, 0.3)) < 0
            found.killed(patiently=True)
        found.run()
        assert found.run()["syncs"][0]["requests"] == 0
        assert_same(found.snapshot(), snapshot)
        assert found.shown()
        assert killed > 1
