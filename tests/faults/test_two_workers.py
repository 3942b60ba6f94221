"""Two machines share a BigQuery target: one is killed or stands still, the other takes over, and no row is lost or doubled."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import pytest

from tailrace.sandbox.server import Sandbox
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.lease import TargetLeases
from tests.faults.machines import client_of, machine, new_project, rows, wait_until_over

CONTACTS = 260
IN_FLIGHT = 4 * 100


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox.start(contacts=0, limits=False) as found:
        yield found


@pytest.fixture
def two(tmp_path, sandbox, bigquery):
    """Machines a and b, the catalogue's leases, and a client for looking."""
    address, project = bigquery._connection.API_BASE_URL, new_project()
    a = machine(tmp_path / "a", sandbox.url, address, project)
    b = machine(tmp_path / "b", sandbox.url, address, project)
    a.admin("POST", "reset")
    people = [{"id": str(1000 + n), "properties": {"email": f"p{n}@x.io"}} for n in range(CONTACTS)]
    a.admin("PUT", "records/hubspot/contacts", people)
    client = client_of(address, project)
    leases = TargetLeases(Jobs(client, {"project": project, "location": "US"}))
    yield a, b, leases, client
    leases.close()


def run(worker, code=0, **more):
    return worker.run("--target", "prod", "--approve", code=code, **more)


def assert_all_arrived(worker, client):
    contacts = worker.contacts()
    assert len(contacts) == CONTACTS, "nobody was created twice"
    assert {key: float(found["lead_score"]) for key, found in contacts.items()} == {
        key: int(key) % 97 for key in contacts
    }
    found = rows(client, "SELECT status, COUNT(*) FROM tailrace_meta.ledger GROUP BY status")
    assert found == [("acked", CONTACTS)]


def sent(worker):
    """How often each record was written."""
    return Counter(worker.admin("GET", "writes/hubspot/contacts"))


@pytest.mark.parametrize(
    "point", ["activate:staged", "activate:after_intent@2", "activate:after_answer@2", "run:delivered"]
)
def test_killed_in_mid_delivery_and_taken_over_by_another_machine(two, point):
    a, b, leases, client = two
    killed = a.tailrace("run", "--target", "prod", "--approve", env={"TAILRACE_FAILPOINT": point})
    assert killed.code == 137, killed.err
    before = sent(a)
    busy = run(b)
    assert busy.steps("activate")["scores"]["status"] == "skipped"
    assert "another machine is delivering scores" in busy.steps("activate")["scores"]["error"]
    assert sent(b) == before
    wait_until_over(leases, "sync-scores")
    run(b)
    assert_all_arrived(b, client)
    assert max(sent(b).values()) <= 2, "what had arrived was sent once more at most"
    again = run(b)
    assert again.sync("scores")["requests"] == 0
    # the first machine is mended: what its journal has is old news
    total = sum(sent(b).values())
    back = run(a)
    assert back.sync("scores")["requests"] == 0
    assert sum(sent(a).values()) == total
    assert_all_arrived(a, client)
    assert not list((a.root / ".tailrace/prod/deliveries").glob("*.parquet"))


def test_killed_under_the_run_lock(two):
    a, b, leases, client = two
    killed = a.tailrace("run", "--target", "prod", "--approve", env={"TAILRACE_FAILPOINT": "run:built"})
    assert killed.code == 137
    held = b.tailrace("run", "--target", "prod", "--approve")
    assert held.code == 75
    assert "another run holds the run lock of the target (process" in held.err
    wait_until_over(leases)
    run(b)
    assert_all_arrived(b, client)
    assert set(sent(b).values()) == {1}


def test_two_that_start_at_once_work_one_after_the_other(two):
    a, b, _, client = two
    running = [each.start("run", "--target", "prod", "--approve") for each in (a, b)]
    for process in running:
        process.communicate(timeout=300)
    codes = sorted(process.returncode for process in running)
    assert codes in ([0, 0], [0, 75])
    run(b)
    assert_all_arrived(b, client)
    assert set(sent(b).values()) == {1}


def test_one_that_stood_still_while_another_worked_writes_nothing(two):
    a, b, leases, client = two
    run(a)
    a.admin("POST", "records/hubspot/contacts", [{"id": "1000", "properties": {"email": "new@x.io"}}])
    process = a.start("run", "--target", "prod", "--approve")
    try:
        before = leases.last("run").number
        deadline = time.monotonic() + 120
        while leases.last("run").number == before and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGSTOP)
        wait_until_over(leases)
        run(b)
        was = rows(client, "SELECT COUNT(*), MAX(run_id) FROM tailrace_meta.sync_log")
        token = rows(client, "SELECT token FROM tailrace_meta.fence")
    finally:
        os.kill(process.pid, signal.SIGCONT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, (out, err)
    assert "lost its lease on the target" in out + err
    assert "Traceback" not in err
    assert rows(client, "SELECT COUNT(*), MAX(run_id) FROM tailrace_meta.sync_log") == was
    assert rows(client, "SELECT token FROM tailrace_meta.fence") == token
    run(a)
    assert_all_arrived(a, client)


def test_copies_of_the_other_machine_are_caught_up_with(two):
    a, b, _, client = two
    run(a)
    first = run(b)
    assert first.sync("scores")["requests"] == 0, "the ledger is the target's"
    a.admin("POST", "records/hubspot/contacts", [{"id": "1001", "properties": {"email": "moved@x.io"}}])
    assert run(b).sync("scores")["updated"] == 1
    assert run(a).sync("scores")["requests"] == 0
    assert rows(client, "SELECT match_key FROM tailrace_meta.ledger WHERE primary_key = '1001'") == [
        ("moved@x.io",)
    ]
