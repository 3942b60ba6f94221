"""What a whole run asks of BigQuery, counted there: nothing when nothing changed, and no more for many rows than for a few."""

from __future__ import annotations

import pytest

from tailrace.sandbox.server import Sandbox
from tests import emulator
from tests.faults.machines import client_of, machine, new_project


@pytest.fixture
def world(tmp_path):
    if not emulator.PYTHON.exists():
        pytest.skip("no emulator of BigQuery here: make .venv-emulator/run.stamp")
    with emulator.running() as address, Sandbox.start(contacts=0, limits=False) as sandbox:
        project = new_project()
        worker = machine(tmp_path / "a", sandbox.url, address, project)
        worker.admin("POST", "reset")
        model = tmp_path / "a" / "models" / "marts" / "scores.sql"
        model.write_text("{{ config(materialized='table') }}\n" + model.read_text())
        client = client_of(address, project)
        yield worker, client
        client.close()


def test_an_idle_run_asks_nothing_and_statements_do_not_grow_with_the_rows(world):
    worker, client = world
    known: set[str] = set()

    def asked() -> tuple[int, int]:
        """Queries and loads since the last look, as the emulator counts them."""
        new = [job for job in client.list_jobs(all_users=True) if job.job_id not in known]
        known.update(job.job_id for job in new)
        kinds = [job.job_type for job in new if not getattr(job, "dry_run", False)]
        return kinds.count("query"), len(kinds) - kinds.count("query")

    def run() -> tuple[int, int]:
        done = worker.tailrace("run", "--target", "prod", "--approve")
        assert done.code == 0, done.out + done.err
        return asked()

    def edit(number: int, letter: str) -> None:
        contacts = [
            {"id": str(1000 + n), "properties": {"email": f"{letter}{n}@x.io"}} for n in range(number)
        ]
        worker.admin("POST", "records/hubspot/contacts", contacts)

    edit(700, "p")
    run()
    run()  # our own writes come back
    assert run() == (0, 0)
    edit(10, "q")
    few, _ = run()
    run()
    edit(600, "r")
    many, _ = run()
    assert 0 < many <= few
