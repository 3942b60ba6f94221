"""Guardrails, the first sync, approvals, the circuit breaker."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tailrace.activate import run as activate
from tailrace.activate.foresight import foresee
from tailrace.errors import BadInput
from tailrace.project.spec import Guardrails
from tailrace.state import approvals, journal

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def stopped(house, match, **options):
    with pytest.raises(activate.ChangesetStopped, match=match) as caught:
        house.run(**options)
    return caught.value


def test_first_sync_to_a_real_account_needs_a_word(house):
    house.rows(150)
    stop = stopped(house, "first sync to this account: 150 rows", sandbox=False)
    assert stop.exit_code == 3
    assert "--approve" in stop.fix and "--limit" in stop.fix
    assert house.crm.batches == []
    assert house.statuses() == {"pending": 150}
    assert house.run(sandbox=False, limit=10).counts.updated == 10
    house.with_sync(guardrails=Guardrails())
    stopped(house, "140 of 150 rows would be changed", sandbox=False)


def test_approve_option_starts_a_first_sync(house):
    house.with_sync(guardrails=Guardrails())
    house.rows(150)
    assert house.run(sandbox=False, approve=True).counts.updated == 150


def test_a_big_change_is_stopped_and_approved_for_these_very_rows(house):
    house.with_sync(guardrails=Guardrails())
    house.rows(200)
    house.run()
    house.rows(200, score="1000 + i")
    stop = stopped(house, r"200 of 200 rows would be changed \(100.0%, max_changed is 20%\)")
    assert stop.counts.pending == 200 and stop.counts.updated == 0 and stop.counts.stop
    assert house.statuses() == {"pending": 200}
    again = stopped(house, "would be changed")
    assert again.changeset == stop.changeset
    with pytest.raises(BadInput, match="no changeset"):
        approvals.approve(house.store, "nonsense", NOW)
    approvals.approve(house.store, stop.changeset, NOW)
    house.rows(200, score="CASE WHEN i = 7 THEN 5 ELSE 1000 + i END")
    other = stopped(house, "would be changed")  # one value differs: another changeset
    assert other.changeset != stop.changeset
    house.rows(200, score="1000 + i")
    assert house.run().counts.updated == 200
    assert [each.changeset for each in approvals.waiting(house.store) if each.approved_at] == []
    house.rows(200, score="i")
    # the approval is used up: going there again asks again
    stopped(house, "would be changed")


def test_an_emptied_model_does_not_archive_everything(house):
    house.with_sync(mode="mirror", on_removed="archive", guardrails=Guardrails())
    house.rows(200)
    house.run()
    house.warehouse.execute("DELETE FROM marts.lead_scores")
    stopped(house, "200 of 200 rows would be deleted")
    assert len(house.crm.records) == 200


def test_creates_have_a_limit_of_their_own(house):
    house.with_sync(mode="upsert", guardrails=Guardrails())
    house.rows(200)
    assert house.run().counts.created == 200  # the first time everything is new
    house.rows(300)
    stopped(house, "100 of 300 rows would be created")


def test_percentages_count_from_100_rows_on(house):
    house.with_sync(mode="mirror", on_removed="archive", guardrails=Guardrails())
    house.rows(99)
    house.run()
    house.rows(50, score="i + 500")
    assert house.run().counts.deleted == 49


def test_too_many_refusals_break_the_circuit(house):
    house.with_sync(guardrails=Guardrails())
    house.rows(1000)
    house.crm.refuse = lambda values: "no" if int(values["key"][1:-5]) >= 500 else None
    result = house.run()
    assert result.status == "stopped"
    assert "max_failed" in result.error
    assert house.statuses() == {"acked": 500, "dead": 100, "pending": 400}
    assert len(house.crm.batches) == 6
    assert len(activate.dead_list(house.warehouse)) == 100
    house.crm.refuse = lambda values: None
    second = house.run()  # what was let through once is not asked about again
    assert (second.status, second.counts.updated) == ("ok", 400)
    assert activate.dead_retry(house.warehouse) == 100
    assert house.run().counts.updated == 100
    assert house.statuses() == {"acked": 1000}
    assert activate.dead_list(house.warehouse) == []


def test_four_percent_of_refusals_do_not(house):
    house.with_sync(guardrails=Guardrails())
    house.rows(1000)
    house.crm.refuse = lambda values: "bad" if int(values["key"][1:-5]) < 40 else None
    result = house.run()
    assert (result.status, result.counts.dead, result.counts.updated) == ("ok", 40, 960)
    assert house.crm.written.total() == 960
    batches = len(house.crm.batches)
    assert house.run().counts.dead == 40
    assert len(house.crm.batches) == batches


def test_count_is_what_prepare_does_and_writes_nothing(house, tmp_path):
    from tailrace.warehouse.base import TableRef
    from tailrace.warehouse.duckdb import DuckDBWarehouse
    from tailrace.warehouse.stage import stage

    house.with_sync(mode="upsert", guardrails=Guardrails())
    house.rows(500)
    house.run()
    house.warehouse.checkpoint()
    published = tmp_path / "warehouse.duckdb"
    published.write_bytes((tmp_path / "work.duckdb").read_bytes())
    look = DuckDBWarehouse(None, attach=[{"path": str(published), "alias": "published"}])
    look.ensure_schema("marts")
    look.execute(
        "CREATE TABLE marts.lead_scores AS SELECT * REPLACE (CASE WHEN contact_id < 30 THEN 777 ELSE score END AS score)"
        " FROM published.marts.lead_scores WHERE contact_id < 499"
    )
    staged = stage(look, TableRef("marts", "lead_scores"), "scores")
    counts = foresee(
        look, house.sync, house.obj, staged, ledger_table="published.tailrace_meta.ledger"
    ).counts
    assert (counts.created, counts.updated, counts.unchanged, counts.requests, counts.stop) == (
        0,
        30,
        469,
        1,
        None,
    )
    assert len(counts.examples) == 10
    example = counts.examples[0]
    assert (example.primary_key, example.before["lead_score"], example.after["lead_score"]) == ("0", 0, 777)
    fresh = foresee(look, house.sync, house.obj, staged).counts
    assert (fresh.created, fresh.unchanged) == (499, 0)
    real = foresee(look, house.sync, house.obj, staged, options=activate.Options()).counts
    assert real.stop == "first sync to this account: 499 rows would be sent"
    look.close()


def test_an_idle_run_leaves_the_file_alone(house, tmp_path):
    house.with_sync(where="score < 90", suppress="contact_id = 3")
    house.rows(300)
    house.crm.refuse = lambda values: "no" if values["key"] == "p7@x.io" else None
    house.run()
    house.warehouse.checkpoint()
    before = (tmp_path / "work.duckdb").read_bytes()
    house.run()
    wal = tmp_path / "work.duckdb.wal"
    assert not wal.exists() or wal.stat().st_size == 0
    assert (tmp_path / "work.duckdb").read_bytes() == before
    assert journal.deliveries(house.store) == []
    assert list((tmp_path / "stage").iterdir()) == []
