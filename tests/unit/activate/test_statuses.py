"""Which rows are sent and which are held back, and that each has one status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tailrace.activate import run as activate
from tailrace.errors import ProjectError
from tailrace.project.spec import FieldMap

MORE = ", i % 10 <> 0 AS consent, CASE WHEN i % 7 = 0 THEN NULL ELSE i % 2 = 0 END AS customer"


def test_suppressed_before_filtered_before_quarantined(house):
    house.with_sync(suppress="not consent", where="customer")
    house.quarantined = 'SELECT k AS "key" FROM (VALUES (0), (2), (3), (4)) q(k)'
    house.rows(100, more=MORE)
    result = house.run()
    eligible = [i for i in range(100) if i % 10 and i % 7 and i % 2 == 0 and i not in (2, 4)]
    assert result.counts.suppressed == 10
    assert result.counts.quarantined == 2
    assert result.counts.filtered == 100 - 10 - 2 - len(eligible)
    assert house.statuses() == {
        "suppressed": 10, "quarantined": 2, "filtered": 100 - 12 - len(eligible), "acked": len(eligible),
    }  # fmt: skip
    scored = sorted(int(r["email"][1:-5]) for r in house.crm.records.values() if "lead_score" in r)
    assert scored == eligible
    assert result.counts.held_back == 100 - len(eligible)


def test_a_condition_may_end_in_a_comment(house):
    house.with_sync(suppress="not consent -- asked in 2024", where="score > 0 -- see the wiki")
    house.rows(5, more=", i <> 1 AS consent")
    house.run()
    assert house.ledger(1)["status"] == "suppressed"


def test_unknown_consent_is_no_consent(house):
    house.with_sync(suppress="not consent")
    house.rows(3, more=", CASE WHEN i = 1 THEN NULL ELSE true END AS consent")
    house.run()
    assert house.ledger(1)["status"] == "suppressed"


def test_a_held_row_keeps_what_was_accepted_and_comes_back_without_a_request(house):
    house.with_sync(suppress="not consent")
    house.rows(10, more=", true AS consent")
    house.run()
    before = house.ledger(4)
    house.rows(10, more=", i <> 4 AS consent")
    house.run()
    held = house.ledger(4)
    assert held["status"] == "suppressed"
    assert held["acked_values"] == before["acked_values"]
    house.rows(10, more=", true AS consent")
    house.run()
    assert house.ledger(4)["status"] == "acked"
    assert len(house.crm.batches) == 1


def test_quarantined_rows_are_not_removed(house):
    house.with_sync(mode="mirror", on_removed="archive")
    house.rows(20)
    house.run()
    house.quarantined = 'SELECT 5 AS "key"'
    house.run()
    assert house.ledger(5)["status"] == "quarantined"
    assert len(house.crm.records) == 20


def test_missing_key_is_unmatched_and_twins_are_dead(house):
    house.model(
        "SELECT * FROM (VALUES (1, 'a@x.io', 5, 'A'), (2, NULL, 5, 'A'), (3, 'B@x.io', 5, 'A'),"
        " (4, ' b@X.io', 5, 'A'), (5, '  ', 5, 'A')) t(contact_id, email, score, grade)"
    )
    house.crm.add({"email": "a@x.io"})
    house.crm.add({"email": "b@x.io"})
    result = house.run()
    assert house.statuses() == {"acked": 1, "unmatched": 2, "dead": 2}
    assert house.ledger(2)["error"] == "email is empty"
    assert house.ledger(3)["error"] == "email is the same in 2 rows"
    assert result.counts.dead == 2
    assert [len(batch.rows) for batch in house.crm.batches] == [1]
    letters = activate.dead_list(house.warehouse)
    assert {letter.primary_key for letter in letters} == {"3", "4"}
    house.run()  # still so: nothing is sent, nothing changes
    assert len(house.crm.batches) == 1
    house.warehouse.execute("UPDATE marts.lead_scores SET email = 'd@x.io' WHERE contact_id = 4")
    house.crm.add({"email": "d@x.io"})
    house.run()
    assert house.statuses() == {"acked": 3, "unmatched": 2}
    assert activate.dead_list(house.warehouse) == []


def test_a_twin_of_an_accepted_row_does_not_overwrite_it(house):
    house.rows(3)
    house.run()
    house.warehouse.execute("INSERT INTO marts.lead_scores VALUES (3, 'P1@x.io', 77, 'D')")
    house.run()
    assert house.ledger(1)["status"] == "acked"
    assert house.ledger(3)["status"] == "dead"
    assert len(house.crm.batches) == 1


@pytest.mark.parametrize(
    ("select", "told"),
    [
        (
            "SELECT 1 AS contact_id, 'a' AS email, 1 AS score, 'A' AS grade UNION ALL SELECT 1, 'b', 2, 'B'",
            "not unique",
        ),
        ("SELECT CAST(NULL AS INT) AS contact_id, 'a' AS email, 1 AS score, 'A' AS grade", "NULL in 1 rows"),
    ],
)
def test_a_key_that_names_no_row_stops_all(house, select, told):
    house.model(select)
    with pytest.raises(activate.ChangesetStopped, match=told):
        house.prepare()


def test_every_problem_of_the_mapping_at_once(house):
    house.with_sync(
        fields=(
            FieldMap("lead_score", "scor"),
            FieldMap("tags", "tags"),
            FieldMap("x", "score", conflict="newest"),
        ),
        mode="append",
    )
    house.rows(2, more=", ['a'] AS tags")
    with pytest.raises(ProjectError) as caught:
        house.prepare()
    told = str(caught.value)
    assert "no column scor" in told and "Did you mean score?" in told
    assert "column tags is VARCHAR[]" in told
    assert "mode append" in told and "conflict newest" in told
    house.sync = replace(house.sync, mode="update", fields=(FieldMap("s", "score"),), where="nonsense > 1")
    with pytest.raises(ProjectError, match="where is no condition"):
        house.prepare()


def test_nan_is_held_back_alone(house):
    house.rows(5, more=", CASE WHEN i = 2 THEN 'nan'::DOUBLE WHEN i = 3 THEN NULL ELSE 0.5 END AS share")
    house.with_sync(fields=(*house.sync.fields, FieldMap("share", "share")))
    house.run()
    assert house.statuses() == {"acked": 4, "dead": 1}
    assert "share is not a number" in house.ledger(2)["error"]


def test_a_personal_key_that_repeats_is_not_quoted(house):
    house.with_sync(primary_key="email")
    house.model(
        "SELECT i AS contact_id, 'planted@x.io' AS email, 1 AS score, 'A' AS grade FROM range(3) t(i)"
    )
    with pytest.raises(activate.ChangesetStopped) as caught:
        house.prepare(personal=frozenset({"email"}))
    assert "email is not unique in lead_scores: *** (3 times); nothing was sent" in str(caught.value)
