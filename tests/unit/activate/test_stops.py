"""A stop lets nothing through: neither when the same command is typed again, nor for rows that were refused before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.unit.activate.crm import CONTACTS

from tailrace.activate import run as activate
from tailrace.activate.foresight import foresee
from tailrace.connectors.sdk import registry
from tailrace.connectors.sdk.base import Option
from tailrace.errors import FatalError
from tailrace.project.spec import FieldMap, Guardrails
from tailrace.state import approvals
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.stage import stage

NOW = datetime(2026, 11, 21, tzinfo=UTC)
N, REFUSED = 200, 80


def refused_as(house, status: str) -> None:
    """A model of 200 rows of which 80 end as `status`, and a setting that would send all of these again."""
    if status == "conflict":
        house.with_sync(fields=(FieldMap("lead_score", "score", conflict="theirs"),))
        house.rows(N)
        house.run()
        for i in range(REFUSED):
            house.crm.records[house.crm.emails[f"p{i}@x.io"]]["lead_score"] = 5000 + i
        house.rows(N, score=f"CASE WHEN i < {REFUSED} THEN 900 + i ELSE i % 100 END")
        house.run()
        return
    house.rows(N)
    if status == "dead":
        house.crm.refuse = lambda values: "no" if int(values["key"][1:-5]) < REFUSED else None
    else:
        house.crm.records = {
            number: record
            for number, record in house.crm.records.items()
            if int(record["email"][1:-5]) >= REFUSED
        }
    house.run()
    house.crm.refuse = lambda values: None


def stopped(house):
    with pytest.raises(activate.ChangesetStopped) as caught:
        house.run()
    return caught.value


@pytest.mark.parametrize("status", ["unmatched", "dead", "conflict"])
def test_the_same_command_again_is_stopped_again_and_an_approval_holds(house, status):
    refused_as(house, status)
    assert house.statuses() == {"acked": N - REFUSED, status: REFUSED}
    sent = len(house.crm.batches)
    house.with_sync(mode="upsert", guardrails=Guardrails(max_failed=None))
    first, second = stopped(house), stopped(house)
    assert (first.counts.stop, first.changeset) == (second.counts.stop, second.changeset)
    assert len(house.crm.batches) == sent
    approvals.approve(house.store, first.changeset, NOW)
    house.prepare()  # killed before the first request
    result = house.run()
    assert (result.status, result.counts.stop) == ("ok", None)
    # edits of people are left again, without a write
    assert (len(house.crm.batches) > sent) == (status != "conflict")


def test_rows_beyond_a_limit_are_not_let_through_by_an_earlier_refusal(house):
    refused_as(house, "unmatched")
    house.with_sync(mode="upsert", guardrails=Guardrails(max_failed=None))
    assert house.run(limit=5).counts.created == 5
    assert "75 of 200 rows would be created" in str(stopped(house))


def test_a_refusal_never_replaces_a_known_record(house):
    house.rows(1)
    house.run()
    known = house.ledger(0)["remote_id"]
    house.crm.after = lambda batch, results: [
        replace(each, outcome="dead", remote_id="9999", reason="another one has it") for each in results
    ]
    house.rows(1, score="7")
    house.run()
    assert (house.ledger(0)["status"], house.ledger(0)["remote_id"]) == ("dead", known)


def test_a_retry_sends_what_was_accepted_before(house):
    house.rows(3)
    house.run()
    house.crm.refuse = lambda values: "no" if values["key"] == "p1@x.io" else None
    house.run(full_resync=True)
    assert house.statuses() == {"acked": 2, "dead": 1}
    house.crm.refuse = lambda values: None
    sent = len(house.crm.batches)
    assert activate.dead_retry(house.warehouse, "scores") == 1
    assert house.run().counts.updated == 1
    assert [row.key for batch in house.crm.batches[sent:] for row in batch.rows] == ["p1@x.io"]
    assert house.statuses() == {"acked": 3}


def test_an_edit_behind_an_incomplete_answer_is_not_written_over(house):
    house.with_sync(fields=(FieldMap("lead_score", "score", conflict="theirs"),))
    house.rows(3)
    house.run()
    house.crm.records[house.crm.emails["p1@x.io"]]["lead_score"] = 5000
    read, house.crm.read_fields = house.crm.read_fields, lambda *asked: {}
    house.rows(3, score="50 + i")
    sent = len(house.crm.batches)
    assert house.run().counts.pending == 3
    assert len(house.crm.batches) == sent
    assert "told nothing of the record" in house.ledger(1)["error"]
    house.crm.read_fields = read
    assert house.run().counts.conflict == 1
    assert house.statuses() == {"acked": 2, "conflict": 1}
    assert house.crm.records[house.crm.emails["p1@x.io"]]["lead_score"] == 5000


def test_a_guarded_record_that_was_deleted_is_made_again_in_the_end(house):
    house.with_sync(mode="upsert", fields=(FieldMap("lead_score", "score", conflict="theirs"),))
    house.rows(2)
    house.run()
    del house.crm.records[house.crm.emails["p1@x.io"]]
    house.rows(2, score="50 + i")
    assert [house.run().counts.pending for _ in range(4)] == [1, 1, 1, 0]
    assert house.statuses() == {"acked": 2}
    assert house.crm.records[house.crm.by_key("email", "p1@x.io")]["lead_score"] == 51


@pytest.mark.parametrize("changed", [False, True])
def test_a_field_that_was_not_mapped_for_a_while_is_nobodys_edit(house, changed):
    both = (FieldMap("lead_score", "score", conflict="theirs"), FieldMap("lead_grade", "grade"))
    house.with_sync(fields=both)
    house.rows(3)
    house.run()
    house.with_sync(fields=both[1:])
    if changed:
        house.model("SELECT contact_id, email, score, 'B' AS grade FROM marts.lead_scores")
    house.run()
    house.run()
    house.crm.records[house.crm.emails["p2@x.io"]]["lead_score"] = 5000
    house.with_sync(fields=both)
    house.model("SELECT contact_id, email, score + 70 AS score, grade FROM marts.lead_scores")
    result = house.run()
    assert (result.counts.updated, result.counts.conflict, result.counts.kept) == (2, 1, 1)
    scores = [house.crm.records[house.crm.emails[f"p{i}@x.io"]]["lead_score"] for i in range(3)]
    assert scores == [70, 71, 5000]
    assert '"lead_grade"' in house.ledger(0)["acked_values"]


def test_another_list_is_refused_like_another_account(house):
    house.obj = replace(CONTACTS, options=(Option("list", target=True),))
    house.account = "portal"
    house.with_sync(mode="mirror", on_removed="archive", options={"list": "1"})
    house.rows(4)
    house.run()
    assert house.ledger(0)["account"] == "portal/1"
    house.with_sync(options={"list": "2"})
    with pytest.raises(FatalError, match="it has written to list 1, and now names 2") as refused:
        house.run()
    assert "nothing is removed from list 1" in refused.value.fix
    staged = stage(house.warehouse, TableRef("marts", "lead_scores"), "scores")
    assert "written to list 1" in foresee(house.warehouse, house.sync, house.obj, staged).fails
    sent = len(house.crm.batches)
    assert house.run(approve=True).counts.unchanged == 0
    assert [batch.operation for batch in house.crm.batches[sent:]] == ["upsert"]
    house.with_sync(options={"list": "1"})
    assert house.run().counts.unchanged == 4


def test_every_option_that_says_where_rows_go_is_marked():
    found = {
        (name, obj, option.name)
        for name in ("hubspot", "meta_ads", "google_data_manager", "mailchimp")
        for obj, option in _options(registry.declaration(name))
        if option.target
    }
    assert {(name, option) for name, _, option in found} == {
        ("hubspot", "list"), ("meta_ads", "audience"), ("google_data_manager", "audience"), ("mailchimp", "list"),
    }  # fmt: skip


def _options(declaration):
    return [(obj.name, option) for obj in declaration.objects for option in obj.options]
