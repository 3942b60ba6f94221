"""The reference project with its state on a Postgres: every command works as with a file, and another worker is told of it."""

from __future__ import annotations

import os
import signal
import time
from itertools import count

import pytest

from tests.e2e.project import assert_crm_is_the_model
from tests.e2e.test_start_up import modules
from tests.postgres import PASSWORD

NAMES = count()


@pytest.fixture
def shared(acme, postgres):
    acme.env["TAILRACE_STATE"] = postgres.url()
    acme.schema = f"e2e_{next(NAMES)}"
    state = f"      state: {{url: \"{{{{ secret('env:TAILRACE_STATE') }}}}\", schema: {acme.schema}, lease: 15s}}\n"
    acme.edit("profiles.yml", "      type: duckdb\n", f"      type: duckdb\n{state}")
    acme.rows = lambda sql: postgres.admin(sql, "state", acme.schema)
    return acme


def said(ran) -> str:
    assert PASSWORD not in ran.out + ran.err
    return ran.out + ran.err


def test_every_command_finds_its_state_there(shared):
    assert "nothing has run here yet" in said(shared.tailrace("status"))
    assert shared.tailrace("check").code == 0
    first = shared.run()
    assert not (shared.root / ".tailrace" / "dev" / "state.db").exists()
    assert assert_crm_is_the_model(shared) > 100
    writes = len(shared.write_requests())
    assert shared.run().sync()["requests"] == 0
    assert len(shared.write_requests()) == writes
    listed = shared.tailrace("runs", "--json").document
    assert [row["status"] for row in listed] == ["ok", "ok"]
    assert listed[1]["run_id"] == first.document["run_id"]
    steps = shared.tailrace("show", listed[1]["run_id"], "--json").document["steps"]
    assert [step["name"] for step in steps] == [step["name"] for step in first.document["steps"]]
    status = shared.tailrace("status", "--json").document
    assert status["last_run"]["run_id"] == listed[0]["run_id"] and status["deliveries_left"] == []
    assert shared.tailrace("plan").code == 0
    assert shared.tailrace("report", "--json").code == 0
    told = said(shared.tailrace("doctor"))
    assert "/state can be read and written" in told and "no run is at work" in told
    assert "another run" not in told
    assert shared.rows("SELECT count(*) FROM leases WHERE expires_at > clock_timestamp()") == [(0,)]


def test_a_killed_run_is_waited_for_and_repaired(shared):
    shared.run()
    shared.admin("POST", "advance", {"rounds": 1})
    process = shared.start("run", "--json")
    while not shared.rows("SELECT 1 FROM leases WHERE name = 'run' AND expires_at > clock_timestamp()"):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    held = shared.tailrace("run", "--json")
    assert held.code == 75
    assert f"another run holds the run lock (process {process.pid} on " in said(held)
    assert "more seconds" in held.err
    deadline = time.monotonic() + 60
    while (ran := shared.tailrace("run", "--json")).code == 75:
        assert time.monotonic() < deadline
        time.sleep(1)
    assert ran.code == 0, ran.err
    assert_crm_is_the_model(shared)
    statuses = [(row["status"], row["error"]) for row in shared.tailrace("runs", "--json").document]
    assert statuses[0] == ("ok", None) and statuses[-1] == ("ok", None)
    assert statuses[1:-1] in ([], [("failed", "killed")])


def test_a_wrong_address_touches_nothing(shared, postgres):
    wrong = {"TAILRACE_STATE": postgres.url(password="hunter2hunter2")}
    asked = len(shared.admin("GET", "requests"))
    for command in ("run", "status", "runs"):
        ran = shared.tailrace(command, env=wrong)
        assert ran.code == 1
        assert "check the user and the password in `state: url:`" in said(ran)
        assert "hunter2hunter2" not in ran.out + ran.err
    ran = shared.tailrace("doctor", env=wrong)
    assert ran.code == 1 and "check the user and the password" in said(ran)
    ran = shared.tailrace("check", env={"TAILRACE_STATE": "mysql://a:hunter2hunter2@h/b"})
    assert ran.code == 2 and "url is not one of postgresql://" in said(ran)
    assert "hunter2hunter2" not in ran.out + ran.err
    assert not (shared.root / "warehouse.duckdb").exists()
    assert not [
        each
        for each in shared.admin("GET", "requests")[asked:]
        if each["method"] != "GET" and each["rows_written"]
    ]


def test_a_state_in_a_file_imports_nothing_of_it(acme):
    acme.run()
    for command in ("status", "runs", "check", "ls"):
        assert not modules(acme, command) & {"sqlalchemy", "psycopg"}, command
