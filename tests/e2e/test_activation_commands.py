"""What people type about rows: plan, activate --only and --adopt, show --key, dead letters; typed right and wrong."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest

from tests.e2e.project import Acme, assert_crm_is_the_model

SYNC = "hubspot_lead_scores"
NUMBERS = (
    *("created", "updated", "deleted", "unchanged", "held_back", "dead", "requests", "unmatched", "conflict"),
    *("suppressed", "filtered", "quarantined", "kept", "overwritten", "pending", "unknown"),
)
ACTIVATE = ("activate", "--publish", "--json")


def numbers(sync) -> dict[str, int]:
    return {name: sync[name] for name in NUMBERS}


def one(acme: Acme, sql: str) -> str:
    return str(acme.query(f"{sql} LIMIT 1")[0][0])


@pytest.fixture
def landed(acme: Acme) -> Acme:
    """Everything but the sync was run and published."""
    for step in ("land", "build", "validate"):
        assert acme.tailrace(step).code == 0
    assert acme.tailrace("publish").code == 0
    return acme


@pytest.fixture
def unlimited(landed: Acme) -> Acme:
    landed.edit(
        f"reverse/{SYNC}.yml", "max_changed: 20%, max_created: 20%", "max_changed: off, max_created: off"
    )
    return landed


def edit_contact(acme: Acme, key: str, **properties) -> None:
    records = acme.admin("GET", "records/hubspot/contacts")
    record = next(record for record in records if record["id"] == key)
    acme.admin(
        "POST", "records/hubspot/contacts", [{**record, "properties": {**record["properties"], **properties}}]
    )


@pytest.mark.parametrize("mode", ["update", "upsert", "mirror"])
def test_a_plan_says_what_the_run_then_does(unlimited, mode):
    unlimited.edit(f"reverse/{SYNC}.yml", "mode: update ", f"mode: {mode} ")
    for old, new in (("2 * visits", "3 * visits"), ("", "")):
        planned = unlimited.tailrace("plan", "--json").sync()
        requests = len(unlimited.write_requests())
        done = unlimited.tailrace(*ACTIVATE).sync()
        assert numbers(planned) == numbers(done)
        assert len(unlimited.write_requests()) - requests == planned["requests"]
        assert planned["judged_by"] == "landed"
        assert (planned["conflicts"], planned["reads"]) == (0, 0)
        if old:
            unlimited.edit("models/marts/lead_scores.sql", old, new)
            for step in ("build", "validate", "publish"):
                assert unlimited.tailrace(step).code == 0


def test_a_plan_counts_rows_that_nobody_knows_there(unlimited):
    unlimited.edit(f"reverse/{SYNC}.yml", "model: lead_scores", "model: strangers")
    unlimited.edit(f"reverse/{SYNC}.yml", "validate: lead_scores", "")
    (unlimited.root / "models/marts/strangers.sql").write_text(
        "SELECT * REPLACE (CASE WHEN contact_id IN (SELECT contact_id FROM {{ ref('lead_scores') }} WHERE email IS NOT NULL"
        " AND consent_marketing ORDER BY contact_id LIMIT 5) THEN 'nobody' || contact_id || '@x.example' ELSE email END AS email)"
        " FROM {{ ref('lead_scores') }}"
    )
    assert unlimited.tailrace("build").code == 0
    planned = unlimited.tailrace("plan", "--json").sync()
    assert planned["unmatched"] == 5
    done = unlimited.tailrace(*ACTIVATE).sync()
    assert numbers(planned) == numbers(done)
    said = unlimited.tailrace("activate", "--full-resync").out
    assert "5 rows without a record at the vendor: tailrace query" in said
    sql = said.partition('tailrace query "')[2].partition('"')[0]
    assert len(unlimited.tailrace("query", sql, "--format", "json").document) == 5


def test_a_plan_asks_for_edits_and_says_when_it_could_not(unlimited):
    unlimited.edit(
        f"reverse/{SYNC}.yml", "lead_grade: grade", "lead_grade: {column: grade, conflict: theirs}"
    )
    unlimited.edit(
        f"reverse/{SYNC}.yml", "lead_score: score", "lead_score: {column: score, conflict: if_empty}"
    )
    assert unlimited.tailrace(*ACTIVATE).code == 0
    edited = one(unlimited, "SELECT primary_key FROM tailrace_meta.ledger WHERE status = 'acked'")
    edit_contact(unlimited, edited, lead_grade="Z", lead_score="1")
    unlimited.edit("models/marts/lead_scores.sql", "    score,\n", "    score + 1 AS score,\n")
    for step in ("build", "validate"):
        assert unlimited.tailrace(step).code == 0
    assert unlimited.tailrace("publish").code == 0
    offline = unlimited.tailrace("plan", "--json", "--offline").sync()
    assert offline["conflicts"] is None
    assert offline["notes"] == ["conflicts not known: plan --offline asks nobody"]
    down = unlimited.tailrace("plan", "--json", env={"TAILRACE_SANDBOX": "http://127.0.0.1:1"})
    assert down.code == 0
    assert "conflicts not known: hubspot: cannot reach http://127.0.0.1:1" in down.sync()["notes"][0]
    planned = unlimited.tailrace("plan", "--json").sync()
    assert (planned["conflicts"], planned["reads"] > 0) == (1, True)
    assert planned["kept"] >= 1
    done = unlimited.tailrace(*ACTIVATE).sync()
    assert numbers(planned) == numbers(done)
    shown = unlimited.tailrace("show", "--key", edited)
    assert "conflict" in shown.out
    assert unlimited.contacts()[edited]["lead_grade"] == "Z"


def test_a_plan_names_fields_that_the_vendor_lacks(unlimited):
    unlimited.edit(f"reverse/{SYNC}.yml", "lead_grade: grade", "lead_graed: grade")
    ran = unlimited.tailrace("plan")
    assert ran.code == 0
    said = " ".join(ran.out.split())
    assert "would fail: contacts of hubspot has no field lead_graed. did you mean lead_grade?" in said


def test_a_plan_knows_an_approval(landed):
    assert landed.tailrace(*ACTIVATE).code == 0
    landed.edit("models/marts/lead_scores.sql", "    score,\n", "    score + 1 AS score,\n")
    for step in ("build", "validate"):
        assert landed.tailrace(step).code == 0
    assert landed.tailrace("publish").code == 0
    stopped = landed.tailrace(*ACTIVATE)
    assert stopped.code == 3
    (changeset,) = re.findall(r"approve ([0-9a-f]{12})", stopped.err + stopped.out)[:1]
    assert "would stop" in landed.tailrace("plan").out
    assert landed.tailrace("approve", changeset).code == 0
    approved = landed.tailrace("plan", "--json").sync()
    assert approved["stopped"] is None
    assert approved["notes"][:1] == [
        "approved: a guardrail would stop this very changeset, and lets it through once"
    ]
    done = landed.tailrace(*ACTIVATE)
    assert done.code == 0
    assert done.sync()["updated"] == approved["updated"]


def test_a_plan_tells_of_another_account(landed):
    assert landed.tailrace(*ACTIVATE).code == 0
    key = landed.root / ".tailrace/dev/state.db"
    with sqlite3.connect(key) as db:  # as the vendor would answer for the credentials of another portal
        db.execute("UPDATE facts SET value = '777' WHERE name LIKE 'account:hubspot:%'")
    (note,) = landed.tailrace("plan", "--json").sync()["notes"]
    assert note.startswith(f"would fail: {SYNC}: the credentials belong to account 777, its ledger to ")


def test_a_plan_shows_no_change_of_what_stays_and_says_why_rows_are_refused(unlimited):
    sync = f"reverse/{SYNC}.yml"
    unlimited.edit(sync, "lead_grade: grade", "lead_grade: {column: grade, conflict: theirs}")
    assert unlimited.tailrace(*ACTIVATE).code == 0
    key = one(unlimited, "SELECT primary_key FROM tailrace_meta.ledger WHERE status = 'acked' ORDER BY 1")
    edit_contact(unlimited, key, lead_grade="Z")
    old = one(unlimited, f"SELECT grade FROM marts.lead_scores WHERE contact_id = {key}")
    unlimited.edit("models/marts/lead_scores.sql", "    score,\n", "    score + 1 AS score,\n")
    for step in ("build", "validate"):
        assert unlimited.tailrace(step).code == 0
    assert unlimited.tailrace("publish").code == 0
    others = ", ".join(f"{grade}: Z" for grade in sorted({"A", "B", "C", "D"} - {old}))
    unlimited.edit(sync, "lead_score: score", "lead_score: {column: score, conflict: theirs}")
    edit_contact(unlimited, key, lead_grade="Z", lead_score="1")
    planned = unlimited.tailrace("plan", "--json").sync()
    assert planned["conflict"] == 1
    assert len(planned["examples"]) == 10
    assert key not in {example["key"] for example in planned["examples"]}
    unlimited.edit(sync, "lead_grade: {column: grade", f"lead_grade: {{map: {{{others}}}, column: grade")
    said = " ".join(unlimited.tailrace("plan").out.split())
    assert re.search(rf"not sent: [\d,]+ rows?, because .*{old}", said), said


def test_one_row_goes_alone_and_its_request_is_shown(landed):
    key, email = landed.query(
        "SELECT contact_id, email FROM marts.lead_scores WHERE consent_marketing AND email IS NOT NULL ORDER BY 1"
    )[0]
    ran = landed.tailrace("activate", "--only", str(email).upper(), "--json", "--publish")
    assert ran.code == 0, ran.err
    (exchange,) = ran.document["exchanges"]
    assert (exchange["method"], exchange["status"]) == ("POST", 200)
    (sent,) = exchange["request"]["inputs"]
    assert sent["id"] == email
    assert set(landed.admin("GET", "writes/hubspot/contacts")) == {key}
    again = landed.tailrace("activate", "--only", key)
    assert again.code == 0
    assert f'"id":"{email}"' in again.out
    assert "-> 200 " in again.out
    assert landed.admin("GET", "writes/hubspot/contacts")[key] == 2
    assert "sandbox" not in json.dumps(ran.document["exchanges"]).replace("_sandbox", "")


def test_a_row_that_a_gate_holds_back_is_refused_with_the_reason(landed):
    held = landed.query("SELECT contact_id FROM marts.lead_scores WHERE NOT consent_marketing ORDER BY 1")[0][
        0
    ]
    ran = landed.tailrace("activate", "--only", held, "--json")
    assert ran.code == 3
    assert "the row is suppressed: `suppress` is true for it" in ran.steps("activate")[SYNC]["error"]
    bad = one(landed, "SELECT \"key\" FROM tailrace_meta.quarantine WHERE suite = 'lead_scores'")
    ran = landed.tailrace("activate", "--only", bad, "--json")
    assert (ran.code, "the row is quarantined" in ran.steps("activate")[SYNC]["error"]) == (3, True)
    assert not landed.admin("GET", "writes/hubspot/contacts")


def test_keys_typed_wrong(landed):
    key = one(landed, "SELECT contact_id FROM marts.lead_scores ORDER BY 1")
    ran = landed.tailrace("activate", "--only", f"{key}7")
    assert (ran.code, f"did you mean {key}" in ran.err) == (2, True)
    assert landed.tailrace("activate", "--only", "").code == 2
    assert landed.tailrace("activate", "--only", key, "--limit", "3").code == 2
    ran = landed.tailrace("activate", "--adopt", "--full-resync")
    assert (ran.code, "exclude each other" in ran.err) == (2, True)
    for args in ((), ("last", "--key", key), ("--sync", SYNC), ("last", "--sync", SYNC)):
        assert landed.tailrace("show", *args).code == 2
    assert not landed.admin("GET", "writes/hubspot/contacts")


def test_adopting_what_is_there_sends_nothing_and_then_only_the_rest(unlimited):
    assert unlimited.tailrace("activate").code == 0
    for path in (unlimited.root / ".tailrace/dev").glob("work.duckdb*"):
        path.unlink()  # what was published knows nothing of that sync
    writes = len(unlimited.write_requests())
    changed = one(
        unlimited, "SELECT contact_id FROM marts.lead_scores WHERE consent_marketing AND email LIKE '%@%.%'"
    )
    edit_contact(unlimited, changed, lead_grade="Z")
    adopted = unlimited.tailrace("activate", "--adopt", "--publish")
    assert adopted.code == 0, adopted.err
    assert "1 differ, 0 not found; nothing was sent" in adopted.out
    assert len(unlimited.write_requests()) == writes
    assert unlimited.tailrace("plan", "--json").sync()["updated"] == 1
    sent = unlimited.tailrace(*ACTIVATE).sync()
    assert (sent["updated"], sent["requests"]) == (1, 1)
    assert unlimited.contacts()[changed]["lead_grade"] != "Z"
    assert assert_crm_is_the_model(unlimited) > 200


def test_a_rows_whole_story(unlimited):
    bad = one(unlimited, 'SELECT "key" FROM tailrace_meta.quarantine')
    key, email = unlimited.query(
        "SELECT contact_id, email FROM marts.lead_scores WHERE consent_marketing AND email LIKE '%@%.%' ORDER BY 1"
    )[0]
    fault = {"row_error": {"keys": [email], "category": "VALIDATION_ERROR", "message": "no such grade"}}
    unlimited.admin("PUT", "faults", [{"vendor": "hubspot", "route": "*/batch/update", **fault}])
    assert unlimited.tailrace(*ACTIVATE).sync()["dead"] == 1
    unlimited.admin("PUT", "faults", [])
    assert unlimited.tailrace("dead", "retry", SYNC, key).code == 0
    assert unlimited.tailrace(*ACTIVATE).sync()["updated"] == 1
    shown = unlimited.tailrace("show", "--key", email.upper(), "--json").document["rows"]
    (row,) = shown
    assert (row["status"], row["primary_key"], len(row["sent"])) == ("acked", key, 2)
    assert row["sent"][0]["answer"].startswith("dead: ")
    assert row["sent"][1]["fields"] == row["accepted"]
    assert "2 times sent" in unlimited.tailrace("show", "--key", key, "--sync", SYNC).out
    held = unlimited.tailrace("show", "--key", bad).out
    assert "quarantined" in held and "held by lead_scores" in held and "never sent" in held
    wrong = unlimited.tailrace("show", "--key", f"{email}m")
    assert (wrong.code, f"did you mean {email}" in wrong.err) == (2, True)
    assert unlimited.tailrace("show", "--key", key, "--sync", "nope").code == 2


def test_dead_letters_by_reason_and_with_their_payload(unlimited):
    keys = [row[0] for row in unlimited.query(
        "SELECT email FROM marts.lead_scores WHERE consent_marketing AND email LIKE '%@%.%' ORDER BY contact_id LIMIT 2")]  # fmt: skip
    faults = [
        {"vendor": "hubspot", "route": "*/batch/update", "row_error": {"keys": [key], "category": "VALIDATION_ERROR", "message": text}}
        for key, text in zip(keys, ("grade is unknown", "score is too high"), strict=True)
    ]  # fmt: skip
    unlimited.admin("PUT", "faults", faults)
    ran = unlimited.tailrace("activate", "--publish")
    assert "2 rows refused by the vendor: tailrace dead list" in ran.out
    letters = unlimited.tailrace("dead", "list", "--json").document
    assert {letter["attempts"] for letter in letters} == {1}
    assert all(letter["payload"]["lead_score"] is not None for letter in letters)
    (high,) = unlimited.tailrace("dead", "list", SYNC, "--reason", "TOO HIGH", "--json").document
    assert "sent: {" in unlimited.tailrace("dead", "list", "-v").out
    unlimited.admin("PUT", "faults", [])
    assert unlimited.tailrace("dead", "retry", SYNC, "--reason", "too high", "--json").document["rows"] == 1
    assert unlimited.tailrace(*ACTIVATE).sync()["updated"] == 1
    (left,) = unlimited.tailrace("dead", "list", "--json").document
    assert left["primary_key"] != high["primary_key"]
    assert unlimited.tailrace("dead", "drop", SYNC, "--reason", "grade", "--json").document["rows"] == 1
    assert unlimited.tailrace("dead", "list", "nope").code == 2
