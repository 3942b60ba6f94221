"""The sentence of the product, on one command: land, build, validate, publish, activate."""

from __future__ import annotations

import json
import shutil

from tests.e2e.project import assert_crm_is_the_model, assert_log_folds

CURSORS = {
    "contacts": ("lastmodifieddate",),
    "companies": ("hs_lastmodifieddate",),
    "deals": ("hs_lastmodifieddate",),
}


def test_the_loop_and_then_nothing_to_send(acme):
    first = acme.run()
    assert first.document["status"] == "ok"
    assert set(first.steps("land")) == {
        "hubspot.contacts", "hubspot.companies", "hubspot.deals", "hubspot.deals_contacts",
        "google_ads.accounts", "google_ads.campaigns", "google_ads.campaign_stats", "ga4.sessions",
        "meta_ads.campaigns", "meta_ads.campaign_insights", "linkedin_ads.campaigns", "linkedin_ads.campaign_analytics",
        "mailchimp.lists", "mailchimp.members",
    }  # fmt: skip
    sent = first.sync()
    assert sent["updated"] > 200
    assert sent["requests"] == -(-sent["updated"] // 100)
    assert assert_crm_is_the_model(acme) == sent["updated"] - sent["dead"]

    held = dict(acme.query("SELECT status, count(*) FROM tailrace_meta.ledger GROUP BY 1"))
    assert held["quarantined"] >= 1
    assert held["suppressed"] >= 1
    assert sent["held_back"] == held["quarantined"] + held["suppressed"] + held.get("filtered", 0)
    quarantined = acme.query('SELECT "key", reason FROM tailrace_meta.quarantine')
    assert len({key for key, _ in quarantined}) == held["quarantined"]
    assert all(reason for _, reason in quarantined)

    writes = len(acme.write_requests())
    second = acme.run()
    assert second.sync()["requests"] == 0
    assert second.sync()["unchanged"] == sent["updated"] - sent["dead"]
    assert len(acme.write_requests()) == writes
    assert set(acme.admin("GET", "writes/hubspot/contacts").values()) == {1}
    for resource, cursors in CURSORS.items():
        assert_log_folds(acme, "hubspot", resource, cursors=cursors)


def test_our_own_write_comes_back_under_our_name_and_once(acme):
    sent = acme.run().sync()
    before = acme.query("SELECT max(_seq) FROM hubspot.contacts__changes")[0][0]
    acme.run()
    acme.run()
    later = f"FROM hubspot.contacts__changes WHERE _seq > {before}"
    assert acme.query(f"SELECT DISTINCT _op, _origin {later}") == [("update", "hubspot_lead_scores")]
    assert acme.query(f"SELECT count(*), count(DISTINCT id) {later}") == [
        (sent["updated"] - sent["dead"],) * 2
    ]


def test_an_idle_run_imports_little_and_copies_nothing(acme):
    acme.run()
    acme.run()
    seen = {path.name: path.stat().st_mtime_ns for path in acme.root.glob("warehouse.duckdb*")}
    trace = acme.root / "imports.json"
    code = (
        "import atexit, json, sys; atexit.register(lambda: json.dump(sorted(sys.modules), open(sys.argv[-1], 'w')));"
        "sys.argv = ['tailrace', 'run', '--json', sys.argv[-1]]; from tailrace.cli.main import cli;"
        "from tailrace.cli.frame import invoke; sys.exit(invoke(cli, ['run', '--json']))"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code, str(trace)],
        cwd=acme.root,
        env=acme.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    modules = {name.partition(".")[0] for name in json.loads(trace.read_text())}
    assert not modules & {"dlt", "great_expectations", "pandas"}
    assert [step["status"] for step in document["steps"] if step["step"] == "publish"] == ["skipped"]
    assert {path.name: path.stat().st_mtime_ns for path in acme.root.glob("warehouse.duckdb*")} == seen


def test_a_day_passes_and_only_what_changed_moves(acme):
    first = acme.run()
    acme.admin("POST", "advance", {"rounds": 1})
    second = acme.run()
    landed = second.steps("land")["hubspot.contacts"]
    assert 0 < landed["rows_out"] < 60
    assert 0 < second.sync()["updated"] < first.sync()["updated"] / 3
    assert_crm_is_the_model(acme)
    for resource, cursors in CURSORS.items():
        assert_log_folds(acme, "hubspot", resource, cursors=cursors)
    ids = {record["id"] for record in acme.admin("GET", "records/hubspot/contacts")}
    assert {row[0] for row in acme.query("SELECT id FROM hubspot.contacts")} == ids
    assert acme.query("SELECT count(*) FROM hubspot.contacts__changes WHERE _op = 'delete'")[0][0] > 0


def test_plan_says_what_a_changed_score_would_do_and_writes_nothing(acme):
    acme.run()
    acme.run()
    before = {path: path.stat().st_mtime_ns for path in acme.root.rglob("*.duckdb*")}
    acme.edit("models/marts/lead_scores.sql", "2 * visits", "3 * visits")
    plan = acme.tailrace("plan", "--json")
    assert plan.code == 0, plan.err
    models = {model["model"]: model for model in plan.document["models"]}
    assert models["lead_scores"]["action"] == "build"
    assert "SQL" in models["lead_scores"]["why"]
    assert models["daily_sessions"]["action"] == "skip"
    planned = plan.sync()
    assert planned["updated"] > 0
    assert len(planned["examples"]) == 10
    assert {path: path.stat().st_mtime_ns for path in acme.root.rglob("*.duckdb*")} == before
    ran = acme.run(code=3)
    stopped = ran.sync()
    assert stopped["requests"] == 0
    changeset = stopped["changeset"]
    assert acme.tailrace("approve", changeset).code == 0
    sent = acme.run().sync()
    assert (sent["updated"], sent["created"]) == (planned["updated"], 0)
    assert_crm_is_the_model(acme)


def test_a_blocked_suite_sends_nothing_and_keeps_the_published_data(acme):
    acme.run()
    scores = acme.query("SELECT count(*), sum(score) FROM marts.lead_scores")
    writes = len(acme.write_requests())
    acme.edit(
        "models/marts/lead_scores.sql",
        "fit + engagement + recency AS INTEGER",
        "fit + engagement + recency + 1000 AS INTEGER",
    )
    ran = acme.run(code=3)
    assert ran.steps("validate")["lead_scores"]["status"] == "stopped"
    assert len(acme.write_requests()) == writes
    assert acme.query("SELECT count(*), sum(score) FROM marts.lead_scores") == scores
    assert acme.query("SELECT decision FROM tailrace_meta.verdicts WHERE suite = 'lead_scores'") == [
        ("blocked",)
    ]


def test_one_vendor_down_stops_only_what_depends_on_it(acme):
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
    ran = acme.run(code=1)
    assert ran.steps("land")["ga4.sessions"]["status"] == "failed"
    assert ran.steps("land")["hubspot.contacts"]["status"] == "ok"
    assert ran.sync()["updated"] > 200
    acme.admin("PUT", "faults", [])
    assert acme.run().document["status"] == "ok"
    assert acme.query("SELECT count(*) FROM ga4.sessions")[0][0] > 0


def test_a_lost_work_file_comes_back_from_the_published_one(acme):
    acme.run()
    writes = len(acme.write_requests())
    shutil.rmtree(acme.root / ".tailrace")
    assert acme.run().sync()["requests"] == 0
    assert len(acme.write_requests()) == writes
