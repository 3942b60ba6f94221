"""Planted faults of every kind through the whole command: found exactly, held back by key, and nothing sent past a block."""

from __future__ import annotations

import pytest

from tests.e2e.project import Acme, Ran

PLANTED = """SELECT * EXCLUDE (place) REPLACE (
    CASE WHEN place <= 3 THEN 101 + place WHEN place = 10 THEN NULL ELSE score END AS score,
    CASE WHEN place IN (3, 4, 5) THEN 'E' ELSE grade END AS grade,
    CASE WHEN place IN (6, 7) THEN 'nobody' || place || '\\at' ELSE email END AS email,
    CASE WHEN place = 8 THEN NULL ELSE reasons END AS reasons,
    CASE WHEN place = 9 THEN '999999999' ELSE contact_id END AS contact_id)
FROM (SELECT *, row_number() OVER (ORDER BY CAST(contact_id AS BIGINT)) AS place FROM {{ ref('lead_scores') }})
"""
SUITE = """suite: planted
model: planted
key: contact_id
max_quarantined: 20%
expectations:
  - type: expect_column_values_to_be_between
    kwargs: {column: score, min_value: 0, max_value: 100}
    on_fail: quarantine
  - type: expect_column_values_to_not_be_null
    kwargs: {column: score}
    on_fail: quarantine
  - type: expect_column_values_to_be_in_set
    kwargs: {column: grade, value_set: [A, B, C, D]}
    on_fail: quarantine
  - type: expect_column_values_to_match_regex
    kwargs: {column: email, regex: '^[^@\\s,]+@[^@\\s,]+\\.[^@\\s,.]+$'}
    on_fail: quarantine
  - type: expect_column_values_to_not_be_null
    kwargs: {column: reasons}
    on_fail: quarantine
  - type: exists_in
    kwargs: {column: contact_id, table: hubspot.contacts, to_column: id}
    on_fail: quarantine
"""
HELD = "FROM tailrace_meta.quarantine WHERE suite = 'planted'"
BAD = r"""SELECT contact_id FROM marts.planted WHERE score IS NULL OR score > 100 OR grade = 'E' OR reasons IS NULL
  OR contact_id = '999999999' OR NOT coalesce(regexp_matches(email, '^[^@\s,]+@[^@\s,]+\.[^@\s,.]+$'), true)"""


@pytest.fixture
def planted(acme: Acme) -> Acme:
    (acme.root / "models/marts/planted.sql").write_text(PLANTED)
    (acme.root / "expectations/planted.yml").write_text(SUITE)
    acme.edit("reverse/hubspot_lead_scores.yml", "model: lead_scores", "model: planted")
    acme.edit("reverse/hubspot_lead_scores.yml", "validate: lead_scores", "validate: planted")
    return acme


def test_rows_with_planted_faults_are_held_back_and_no_others(planted):
    ran = planted.run()
    assert ran.steps("validate")["planted"]["status"] == "ok"
    bad = {key for (key,) in planted.query(BAD)}
    assert {"999999999"} < bad
    assert len(bad) >= 10
    assert {key for (key,) in planted.query(f'SELECT "key" {HELD}')} == bad
    status = dict(planted.query("SELECT primary_key, status FROM tailrace_meta.ledger"))
    assert {key for key, found in status.items() if found == "quarantined"} == bad
    written = {key for key, times in planted.admin("GET", "writes/hubspot/contacts").items() if times}
    assert written
    assert not written & bad
    kinds = planted.query(
        "SELECT expectation, unexpected_count FROM tailrace_meta.validations WHERE suite = 'planted' ORDER BY position"
    )
    held = dict(planted.query(f"SELECT expectation, count(*) {HELD} GROUP BY 1"))
    assert sum(count for _, count in kinds) == sum(held.values())


def test_held_rows_come_back_by_themselves(planted):
    planted.run()
    bad = {key for (key,) in planted.query(BAD)} - {"999999999"}
    planted.edit("models/marts/planted.sql", PLANTED, "SELECT * FROM {{ ref('lead_scores') }}\n")
    planted.run()
    status = dict(planted.query("SELECT primary_key, status FROM tailrace_meta.ledger"))
    still = {key for (key,) in planted.query(BAD)}
    assert {key for key in bad if status[key] == "quarantined"} == still
    assert status["999999999"] == "removed"
    assert len(still) < len(bad)


SPEND = """WITH source AS (SELECT * FROM {{ ref('stg_google_ads__campaign_stats') }}),
newest AS (SELECT max(day) AS day FROM source)
SELECT source.account_id, source.campaign_id, source.clicks,
    CAST(source.day + CAST(current_date - newest.day - 1 AS INTEGER) AS DATE) AS day
FROM source CROSS JOIN newest
"""
SPEND_SUITE = """suite: spend
model: spend
owner: paid media
expectations:
  - {type: fresh, kwargs: {column: day, max_age: 60h}}
  - {type: no_missing_days, kwargs: {column: day, by: [account_id], last: 20d}}
  - type: total_matches_source
    kwargs:
      {column: clicks, source: google_ads.campaign_stats, source_column: metrics_clicks, by: [account_id], source_by: [customer_id]}
  - {type: row_count_near_history, kwargs: {min_runs: 1}}
  - {type: no_drift, kwargs: {column: clicks, min_runs: 1}}
  - type: expect_column_sum_to_be_between
    kwargs: {column: clicks, min_value: {$PARAMETER: low}}
parameters:
  low: {history: rows, runs: 14, times: 0, plus: 1, default: 1}
"""
FAULTS = {
    "fresh": "WHERE day < current_date - 4",
    "no_missing_days": "WHERE day NOT BETWEEN current_date - 9 AND current_date - 8",
    "total_matches_source": "WHERE campaign_id <> (SELECT min(campaign_id) FROM moved)",
    "row_count_near_history": "WHERE hash(campaign_id, day) % 3 = 0",
    "no_drift": "",
    "expect_column_sum_to_be_between": "WHERE clicks = 0",
}


@pytest.fixture
def spend(acme: Acme) -> Acme:
    (acme.root / "models/marts/moved.sql").write_text(SPEND)
    (acme.root / "models/marts/spend.sql").write_text("SELECT * FROM {{ ref('moved') }}\n")
    (acme.root / "expectations/spend.yml").write_text(SPEND_SUITE)
    return acme


def _judged(spend: Acme, rows: str) -> Ran:
    (spend.root / "models/marts/spend.sql").write_text(f"{rows}\n")
    assert spend.tailrace("build", "spend").code == 0
    return spend.tailrace("validate", "spend", "--json")


def _failing(ran: Ran) -> dict[str, str]:
    checks = ran.steps("validate")["spend"]["checks"]
    return {check["expectation"]: check["reason"] for check in checks if check["decision"] == "block"}


def test_data_that_is_no_column_is_judged_too(spend):
    assert spend.tailrace("land", "pipeline:google_ads").code == 0
    assert spend.tailrace("build", "+spend").code == 0
    clean = spend.tailrace("validate", "spend", "--json")
    assert (clean.code, _failing(clean)) == (0, {})
    for fault, condition in FAULTS.items():
        rows = "*" if fault != "no_drift" else "* REPLACE (clicks * 40 + 7000 AS clicks)"
        ran = _judged(spend, f"SELECT {rows} FROM {{{{ ref('moved') }}}} AS moved {condition}")
        found = _failing(ran)
        assert (ran.code, fault in found) == (3, True), (fault, found)
    healed = _judged(spend, "SELECT * FROM {{ ref('moved') }}")
    assert (healed.code, _failing(healed)) == (0, {})


def test_no_single_step_publishes_what_no_suite_has_judged(acme):
    acme.run()
    acme.edit("models/marts/lead_scores.sql", "    score,\n", "    score + 1000 AS score,\n")
    built = acme.tailrace("build", "--publish", "--json")
    assert built.code == 3
    assert built.steps("validate")["lead_scores"]["status"] == "stopped"
    assert acme.tailrace("replay", "hubspot.contacts", "--publish").code == 3
    assert acme.query("SELECT max(score) < 200 FROM marts.lead_scores") == [(True,)]
