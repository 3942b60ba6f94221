"""What a person does with landed resources: columns that vanish, replay, reconcile."""

from __future__ import annotations

from datetime import timedelta

from tests.e2e.project import assert_log_folds


def test_a_property_nobody_asks_for_any_more_keeps_its_values_and_plan_names_its_readers(acme):
    assert acme.tailrace("land", "--publish").code == 0
    before = acme.query("SELECT id, jobtitle FROM hubspot.contacts ORDER BY id")
    acme.edit("pipelines/hubspot.yml", "      - jobtitle\n", "")
    landed = acme.tailrace("land", "pipeline:hubspot", "--publish", "--json")
    step = landed.steps("land")["hubspot.contacts"]
    assert (step["rows_out"], step["status"]) == (0, "ok")
    assert acme.query("SELECT id, jobtitle FROM hubspot.contacts ORDER BY id") == before
    plan = acme.tailrace("plan", "--json")
    assert plan.document["vanished"] == [
        {
            "resource": "hubspot.contacts",
            "column": "jobtitle",
            "models": ["stg_hubspot__contacts"],
            "syncs": ["hubspot_lead_scores"],
            "fields": [
                "hubspot.contacts.lead_grade",
                "hubspot.contacts.lead_score",
                "hubspot.contacts.lead_score_reasons",
            ],
        }
    ]
    said = acme.tailrace("plan").out
    assert (
        "hubspot.contacts no longer brings jobtitle, the last values stay: read by stg_hubspot__contacts"
        in said
    )
    acme.edit("pipelines/hubspot.yml", "      - company\n", "      - jobtitle\n      - company\n")
    assert acme.tailrace("land", "pipeline:hubspot", "--publish").code == 0
    assert acme.tailrace("plan", "--json").document["vanished"] == []


def test_replay_rebuilds_the_tables_without_asking_the_vendor(acme):
    acme.tailrace("land", "pipeline:hubspot")
    for _ in range(2):
        acme.admin("POST", "advance", {"rounds": 3})
        acme.tailrace("land", "pipeline:hubspot", "--publish")
    tables = ("contacts", "contacts__changes", "contacts__keys", "deals__changes")
    before = [sorted(map(repr, acme.query(f"SELECT * FROM hubspot.{table}"))) for table in tables]
    asked = len(acme.admin("GET", "requests?vendor=hubspot"))
    ran = acme.tailrace("replay", "contacts", "--publish", "--json")
    assert ran.code == 0 and ran.steps("land")["hubspot.contacts"]["status"] == "ok"
    assert len(acme.admin("GET", "requests?vendor=hubspot")) == asked
    assert [sorted(map(repr, acme.query(f"SELECT * FROM hubspot.{table}"))) for table in tables] == before
    assert_log_folds(acme, "hubspot", "contacts", cursors=("lastmodifieddate",))
    assert (
        acme.tailrace("land", "pipeline:hubspot", "--json").steps("land")["hubspot.contacts"]["rows_out"] == 0
    )
    killed = acme.tailrace("replay", "contacts", env={"TAILRACE_FAILPOINT": "replay:before_commit"})
    assert killed.code == 137
    acme.tailrace("replay", "hubspot.contacts", "--publish")
    assert [sorted(map(repr, acme.query(f"SELECT * FROM hubspot.{table}"))) for table in tables] == before


def test_reconcile_says_what_differs_and_land_mends_it(acme):
    acme.tailrace("land", "pipeline:hubspot", "--publish")
    agreed = acme.tailrace("reconcile", "hubspot.contacts")
    assert agreed.code == 0 and "nothing differs" in agreed.out
    first = acme.query("SELECT id FROM hubspot.contacts ORDER BY id LIMIT 1")[0][0]
    acme.admin("DELETE", f"records/hubspot/contacts?id={first}")
    acme.admin(
        "POST", "records/hubspot/contacts", [{"id": "999999001", "properties": {"email": "new@example.com"}}]
    )
    found = acme.tailrace("reconcile", "contacts", "--json")
    assert found.code == 1
    assert (found.document["missing"]["count"], found.document["surplus"]["keys"]) == (1, [first])
    acme.tailrace("land", "pipeline:hubspot", "--publish")
    assert acme.tailrace("reconcile", "contacts").code == 0


def test_slips_are_named(acme):
    for command, words in {
        ("replay", "contcts"): "no pipeline lands contcts. did you mean contacts?",
        ("replay", "contacts"): "hubspot.contacts was never landed here",
        ("land", "--to", "2026-01-01"): "--to needs --from",
        ("land", "--from", "2026-02-01", "--to", "2026-01-01"): "--from 2026-02-01 is behind --to 2026-01-01",
        ("land", "--from", "yesterday"): "'yesterday' does not match the format",
    }.items():
        ran = acme.tailrace(*command)
        assert ran.code in (1, 2), command
        assert words in ran.err + ran.out, (command, ran.err)


def test_a_range_of_days_is_landed_once_and_the_next_run_goes_on_where_it_was(acme):
    acme.tailrace("land", "pipeline:google_ads", "--publish")
    first, last = acme.query("SELECT min(segments_date), max(segments_date) FROM google_ads.campaign_stats")[
        0
    ]
    before = acme.query(
        "SELECT position FROM tailrace_meta.cursors WHERE resource = 'google_ads.campaign_stats'"
    )
    assert (last - first).days >= 60, (
        "the world has days before those of a first read, or this proves nothing"
    )
    days = (first - timedelta(days=20), first - timedelta(days=5))
    ran = acme.tailrace(
        "land", "pipeline:google_ads", "--from", str(days[0]), "--to", str(days[1]), "--publish", "--json"
    )
    steps = ran.steps("land")
    assert ran.code == 0, ran.err
    assert steps["google_ads.accounts"]["status"] == "skipped"
    assert "cannot be read by days" in steps["google_ads.accounts"]["error"]
    assert steps["google_ads.campaign_stats"]["status"] == "ok"
    found = acme.query("SELECT min(segments_date), max(segments_date) FROM google_ads.campaign_stats")[0]
    assert found[0] >= days[0] and found[1] == last
    after = acme.query(
        "SELECT position FROM tailrace_meta.cursors WHERE resource = 'google_ads.campaign_stats'"
    )
    assert after == before
    again = acme.tailrace("land", "pipeline:google_ads", "--json").steps("land")
    assert again["google_ads.campaign_stats"]["rows_out"] == 0


def test_contacts_that_changed_on_some_days_are_landed_by_themselves(acme):
    days = "2000-01-01", "2100-01-01"
    ran = acme.tailrace("land", "pipeline:hubspot", "--from", days[0], "--to", days[1], "--publish", "--json")
    assert ran.code == 0, ran.err
    assert acme.query("SELECT count(*) FROM hubspot.contacts")[0][0] == len(acme.contacts())
    assert (
        acme.tailrace("land", "pipeline:hubspot", "--json").steps("land")["hubspot.contacts"]["rows_out"] == 0
    )


def test_a_range_for_what_has_no_days_is_bad_input(acme):
    text = "pipeline: extra\nconnection: google_ads\nresources:\n  accounts: {}\n"
    (acme.root / "pipelines" / "extra.yml").write_text(text)
    ran = acme.tailrace("land", "pipeline:extra", "--from", "2026-01-01")
    assert ran.code == 2 and "nothing of what is chosen can be read by days" in ran.err
