"""What analysts see is a whole run, whatever other commands left in the work file."""

from __future__ import annotations

import time

import pytest

SCORE = "fit + engagement + recency AS INTEGER"
HIGHEST = "SELECT max(score) <= 100 FROM marts.lead_scores"


def test_no_command_publishes_what_another_one_left_half_done(acme):
    """A single step while a delivery is on its way, and a run killed before its gate: neither is for analysts."""
    slow = {"vendor": "hubspot", "route": "*/contacts/batch/update", "probability": 1.0, "delay": 5}
    acme.admin("PUT", "faults", [slow])
    delivering = acme.start("run", "--json")
    published = acme.root / "warehouse.duckdb"
    while not published.exists():
        assert delivering.poll() is None
        time.sleep(0.1)
    acme.edit("models/marts/lead_scores.sql", SCORE, f"1000 + {SCORE}")
    assert acme.tailrace("build").code == 0
    assert delivering.poll() is None, "the delivery was over before the build"
    delivering.communicate(timeout=60)
    assert delivering.returncode == 0
    assert acme.query(HIGHEST) == [(True,)]
    assert acme.query("SELECT count(*) > 0 FROM tailrace_meta.ledger WHERE status = 'acked'") == [(True,)]

    acme.admin("PUT", "faults", [])
    acme.tailrace("run", env={"TAILRACE_FAILPOINT": "run:built"})
    assert acme.tailrace("dead", "retry", "hubspot_lead_scores").code == 0
    assert acme.query(HIGHEST) == [(True,)]
    acme.edit("models/marts/lead_scores.sql", f"1000 + {SCORE}", SCORE)
    assert acme.run().sync()["requests"] == 0


@pytest.mark.parametrize("command", [("dead", "retry"), ("dead", "drop")])
def test_nothing_is_published_where_nothing_has_run(acme, command):
    ran = acme.tailrace(*command, "hubspot_lead_scores")
    assert ran.code == 2
    assert "nothing has run here yet" in ran.err
    assert not (acme.root / "warehouse.duckdb").exists()
