"""A first request whose answer was lost: whatever happens to the row, what may stand at the vendor is not forgotten."""

from __future__ import annotations

import pytest

from tailrace.errors import RetriableError

HIM = "(1, 'a@x.io', {score}, 'A', {consent})"
HER = "(2, 'b@x.io', 1, 'A', true)"


def people(house, *rows: str) -> None:
    house.model(f"SELECT * FROM (VALUES {', '.join(rows)}) t(contact_id, email, score, grade, consent)")


def him(score=1, consent="true"):
    return HIM.format(score=score, consent=consent)


def lose_answer(house):
    def after(batch, results):
        house.crm.after = lambda batch, results: results
        raise RetriableError("the line went dead", "run again")

    house.crm.after = after


def test_a_create_in_doubt_that_was_suppressed_meanwhile_is_looked_up(house):
    house.with_sync(mode="insert", suppress="not consent")
    people(house, him())
    lose_answer(house)
    house.run()
    for consent in ("false", "true"):
        people(house, him(consent=consent))
        house.run()
    creates = [batch for batch in house.crm.batches if batch.operation == "create"]
    assert len(creates) == 1
    assert house.ledger(1)["status"] == "acked"


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("how", ["absent", "filtered"])
def test_a_record_in_doubt_is_archived_when_its_row_leaves(house, refused, how):
    house.with_sync(mode="mirror", on_removed="archive", where="consent")
    people(house, him(), HER)
    lose_answer(house)
    house.run()
    if refused:
        house.crm.refuse = lambda values: "no" if values.get("lead_score") == 99 else None
        people(house, him(99), HER)
        house.run()
        assert house.ledger(1)["status"] == "dead"
    people(house, *([HER] if how == "absent" else [him(consent="false"), HER]))
    for _ in range(2):
        house.run()
    assert [record["email"] for record in house.crm.records.values()] == ["b@x.io"]
    assert house.ledger(1)["status"] == ("removed" if how == "absent" else "filtered")
    assert len([batch for batch in house.crm.batches if batch.operation == "archive"]) == 1
