"""`tailrace test` as a person meets it: on a fresh clone, after a run, with faults, beside another run."""

from __future__ import annotations

import json
import subprocess
import sys

import duckdb

from tailrace.state.locks import held
from tests.e2e.test_start_up import modules

UNIT = ["a_rate_that_contradicts_itself_is_no_rate", "a_score_is_the_sum_of_what_people_see", "spend_without_a_rate_is_no_amount"]  # fmt: skip
ASKED_HEAVY = {"pandas", "great_expectations", "dlt", "httpx2", "pyarrow"}


def by_name(ran):
    return {test["name"]: test for test in ran.document["tests"]}


def test_a_fresh_clone_runs_its_unit_tests(acme):
    ran = acme.tailrace("test", "--type", "unit", "--json")
    assert ran.code == 0
    assert {name: test["status"] for name, test in by_name(ran).items()} == dict.fromkeys(UNIT, "pass")
    assert not (acme.root / "warehouse.duckdb").exists()
    assert not (acme.root / ".tailrace" / "dev" / "work.duckdb").exists()


def test_a_fresh_clone_skips_its_data_tests_and_says_so(acme):
    ran = acme.tailrace("test", "--type", "data")
    assert ran.code == 0
    assert "skip   unique_lead_scores_contact_id" in ran.out
    assert "nothing is built yet (tailrace run)" in ran.out
    assert "pass" not in ran.out.splitlines()[-1]
    assert not (acme.root / ".tailrace" / "dev" / "work.duckdb").exists()


def test_what_a_run_built_passes(acme):
    acme.run()
    ran = acme.tailrace("test", "--json")
    assert ran.code == 0, ran.out
    found = by_name(ran)
    assert {test["status"] for test in found.values()} <= {"pass", "warn"}
    assert len(found) >= 15
    assert sorted(name for name, test in found.items() if test["type"] == "unit") == UNIT
    assert acme.tailrace("test", "lead_scores").code == 0
    assert not modules(acme, "test", "lead_scores") & ASKED_HEAVY


def test_faults_are_found_masked_kept_and_recorded(acme):
    acme.run()
    (acme.root / "tests").mkdir()
    (acme.root / "tests" / "nobody_is_called_a.sql").write_text(
        "SELECT contact_id, email, grade FROM {{ ref('lead_scores') }} WHERE email LIKE 'a%' -- a note\n"
    )
    (acme.root / "tests" / "few.sql").write_text(
        "{{ config(severity='warn', tags=['soft']) }} SELECT grade FROM {{ ref('lead_scores') }} WHERE grade = 'D'"
    )
    acme.edit("models/marts/marts.yml", "{values: [A, B, C, D]}", "{values: [A, B]}")
    ran = acme.tailrace("test", "lead_scores", "--type", "data", "--store-failures")
    assert ran.code == 1
    assert "models/marts/marts.yml:" in ran.out
    assert (
        "tailrace query 'SELECT * FROM main_dbt_test__audit.accepted_values_lead_scores_grade__A__B'"
        in ran.out
    )
    assert "***" in ran.out
    assert "@" not in ran.out
    found = by_name(
        acme.tailrace(
            "test", "few", "nobody_is_called_a", "accepted_values_lead_scores_grade__A__B", "--json"
        )
    )
    assert {name: test["status"] for name, test in found.items()} == {
        "few": "warn",
        "nobody_is_called_a": "fail",
        "accepted_values_lead_scores_grade__A__B": "fail",
    }
    assert {row["email"] for row in found["nobody_is_called_a"]["samples"]} == {"***"}
    work = duckdb.connect(str(acme.root / ".tailrace" / "dev" / "work.duckdb"), read_only=True)
    kept = work.execute(
        "SELECT value_field FROM main_dbt_test__audit.accepted_values_lead_scores_grade__A__B ORDER BY 1"
    ).fetchall()
    work.close()
    assert kept == [("C",), ("D",)]
    shown = acme.tailrace("show", "last", "--json").document
    assert shown["command"] == "test"
    assert {step["name"]: step["status"] for step in shown["steps"]} == {
        "few": "ok",
        "nobody_is_called_a": "failed",
        "accepted_values_lead_scores_grade__A__B": "failed",
    }
    assert "@" not in json.dumps(shown)


def test_selecting_and_stopping(acme):
    names = lambda *args: sorted(by_name(acme.tailrace("test", "--json", *args)))  # noqa: E731
    assert names("test_type:unit") == UNIT
    assert names("lead_scores,test_type:unit") == [UNIT[1]]
    assert names("test_name:accepted_values") == ["accepted_values_lead_scores_grade__A__B__C__D"]
    assert names("lead_scores", "-x", "test_type:unit") == names("lead_scores,test_type:data")
    acme.edit("models/marts/marts.yml", "score: 84", "score: 85")
    ran = acme.tailrace("test", "--fail-fast", "--json")
    assert ran.code == 1
    last = ran.document["tests"][-1]
    assert (last["name"], last["status"], last["failures"]) == (UNIT[1], "fail", 1)
    assert last["samples"][0]["score"] == "85 -> 84"
    for wrong in (
        ("nobody",),
        ("test_name:nobdy",),
        ("test_type:unt",),
        ("+test_type:unit",),
        ("path:reverse",),
    ):
        refused = acme.tailrace("test", *wrong)
        assert (refused.code, refused.out) == (2, ""), wrong


def test_another_run_is_waited_for_by_nobody(acme):
    acme.run()
    with held(acme.root / ".tailrace" / "dev", "run"):
        ran = acme.tailrace("test", "--json")
    assert ran.code == 75
    assert acme.tailrace("test", "--type", "unit").code == 0


def test_what_fails_its_tests_reaches_nobody(acme):
    acme.run()
    before = acme.query("SELECT count(*), max(score) FROM marts.lead_scores")
    acme.edit(
        "models/marts/lead_scores.sql", "fit + engagement + recency AS", "fit + engagement + recency + 100 AS"
    )
    ran = acme.run("--tests", code=1)
    assert (
        "a test fails: a_score_is_the_sum_of_what_people_see (2 rows differ)"
        in ran.steps("build")["lead_scores"]["error"]
    )
    assert ran.steps("test")["unique_lead_scores_contact_id"]["status"] == "ok"
    assert acme.query("SELECT count(*), max(score) FROM marts.lead_scores") == before
    assert acme.tailrace("build", "lead_scores").code == 0


def test_words_that_are_no_option():
    done = subprocess.run(
        [sys.executable, "-m", "tailrace", "test", "--type", "units"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "'data', 'unit'" in done.stderr
