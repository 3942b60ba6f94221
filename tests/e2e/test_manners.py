"""What a person meets: gates that hold for every command, words for slips, Ctrl-C, quiet runs, queries."""

from __future__ import annotations

import json
import signal
import sqlite3
import time

import pytest

UPDATE = {"vendor": "hubspot", "route": "/crm/*/batch/update"}


def test_no_command_publishes_what_its_suite_would_block(acme):
    acme.run()
    before = acme.query("SELECT max(score) FROM marts.lead_scores")
    acme.edit(
        "models/marts/lead_scores.sql",
        "fit + engagement + recency AS",
        "fit + engagement + recency + 1000 AS",
    )
    assert acme.run("lead_scores", "--exclude", "suite:lead_scores", "sync:hubspot_lead_scores", code=3)
    assert acme.query("SELECT max(score) FROM marts.lead_scores") == before
    assert acme.tailrace("publish").code == 3
    assert acme.query("SELECT max(score) FROM marts.lead_scores") == before


def test_publish_refuses_what_a_killed_run_left(acme):
    acme.run()
    acme.admin("POST", "advance", {"rounds": 1})
    assert acme.tailrace("run", env={"TAILRACE_FAILPOINT": "run:landed"}).code == 137
    refused = acme.tailrace("publish")
    assert refused.code == 2
    assert "ended half way" in refused.err
    assert acme.run().document["status"] == "ok"
    assert acme.tailrace("publish").code == 0


def test_a_field_that_the_crm_lacks_is_one_message_and_no_write(acme):
    acme.edit("reverse/hubspot_lead_scores.yml", "lead_grade: grade", "lead_grad: grade")
    ran = acme.run(code=1)
    step = ran.steps("activate")["hubspot_lead_scores"]
    assert "contacts of hubspot has no field lead_grad" in step["error"]
    assert "did you mean lead_grade?" in step["error"]
    assert ran.sync()["requests"] == 0
    assert acme.admin("GET", "writes/hubspot/contacts") == {}
    acme.edit("reverse/hubspot_lead_scores.yml", "lead_grad: grade", "lead_grade: grade")
    assert acme.run().sync()["updated"] > 200


def test_a_renamed_sync_leaves_nothing_behind(acme):
    assert acme.tailrace("run", env={"TAILRACE_FAILPOINT": "activate:after_answer@2"}).code == 137
    assert acme.tailrace("status", "--json").document["deliveries_left"]
    state = sqlite3.connect(acme.root / ".tailrace" / "dev" / "state.db")
    (answered,) = state.execute("SELECT coalesce(sum(n), 0) FROM batches WHERE state = 1").fetchone()
    state.close()
    acme.edit("reverse/hubspot_lead_scores.yml", "sync: hubspot_lead_scores", "sync: renamed")
    acme.run()
    assert acme.tailrace("status", "--json").document["deliveries_left"] == []
    statuses = dict(
        acme.query(
            "SELECT status, count(*) FROM tailrace_meta.ledger WHERE sync = 'hubspot_lead_scores' GROUP BY 1"
        )
    )
    assert statuses.get("acked", 0) == answered


def test_ctrl_c_ends_a_run_and_the_same_command_goes_on(acme):
    acme.admin("PUT", "faults", [{**UPDATE, "delay": 1.0}])
    before = len(acme.admin("GET", "requests?vendor=ga4"))
    process = acme.start("run")
    deadline = time.monotonic() + 120
    while len(acme.admin("GET", "requests?vendor=ga4")) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "run the same command again" in err
    acme.admin("PUT", "faults", [])
    (last,) = acme.tailrace("runs", "--last", "1", "--json").document
    assert (last["status"], last["error"]) == ("failed", "interrupted")
    assert acme.run().sync()["updated"] > 200
    assert set(acme.admin("GET", "writes/hubspot/contacts").values()) == {1}


def test_quiet_says_what_went_wrong_and_nothing_else(acme):
    acme.admin(
        "PUT",
        "faults",
        [
            {
                "vendor": "ga4",
                "route": "*",
                "status": 403,
                "body": {"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}},
            }
        ],
    )
    ran = acme.tailrace("run", "-q")
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith("land ga4.sessions: ")
    acme.admin("PUT", "faults", [])
    assert acme.tailrace("run", "-q").err == ""


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("land", "hubspot_lead_scores"), "selects nothing to land"),
        (("activate", "pipeline:hubspot"), "selects nothing to activate"),
        (("run", "lead_scorez"), "lead_score"),
        (("run", "--limit", "0"), "--limit"),
        (("demo", "--contacts", "-5"), "--contacts"),
        (("query", "SELECT 1"), "nothing is published yet"),
        (("show", "last"), "nothing has run here yet"),
        (("approve", "abc"), "abc"),
        (("publish",), "nothing to publish"),
        (("rnu",), "rnu"),
    ],
)
def test_a_slip_is_bad_input_with_and_without_json(acme, args, words):
    said = acme.tailrace(*args)
    assert said.code == 2
    assert words in said.err
    document = acme.tailrace(*args, "--json")
    assert document.code == 2
    if args[0] != "rnu":
        assert words in json.loads(document.out)["error"]


def test_queries_answer_in_every_form(acme):
    acme.run()
    assert acme.tailrace("query", "").code == 2
    wrong = acme.tailrace("query", "SELECT nothing FROM marts.lead_scores")
    assert wrong.code == 2
    assert "nothing" in wrong.err
    assert acme.tailrace("query", "DROP TABLE marts.lead_scores").code == 2
    assert acme.tailrace("query", "SELECT * FROM read_csv('/etc/passwd')").code == 2
    odd = acme.tailrace(
        "query", "SELECT 1 AS a, 2 AS a, 'NaN'::DOUBLE AS n, 1.50::DECIMAL(9, 2) AS d", "--json"
    ).document
    assert odd == [{"a": 1, "a_1": 2, "n": None, "d": 1.5}]
    assert acme.tailrace("query", "SELECT 1 AS a, NULL AS b", "--format", "csv").out == "a,b\n1,\n"
