"""Refused rows: which are meant, and how long a row that is refused again and again waits."""

from __future__ import annotations

from functools import partial

import pytest

from tailrace.activate import run as activate
from tailrace.cli.ledger import _fitting
from tailrace.errors import BadInput


@pytest.fixture
def refused(house):
    house.rows(6)
    house.crm.refuse = lambda values: (
        {"p1@x.io": "Score too HIGH", "p2@x.io": "score too high"}.get(values["key"])
        or ("no such grade" if values["key"] == "p3@x.io" else None)
    )
    house.run()
    return house


def keys(found) -> set[str]:
    return {letter.primary_key for letter in found}


def test_letters_by_reason_field_and_key(refused):
    at = refused.warehouse
    assert keys(activate.dead_list(at)) == {"1", "2", "3"}
    assert keys(activate.dead_list(at, reason="too high")) == {"1", "2"}
    assert keys(activate.dead_list(at, "scores", ["2"], reason="too")) == {"2"}
    assert keys(activate.dead_list(at, field="SCORE")) == {"1", "2", "3"}
    assert activate.dead_list(at, field="grade") == []
    assert activate.dead_list(at, "other") == []
    assert activate.dead_list(at, reason="it's 100%_") == []


def test_retry_and_drop_touch_those_alone(refused):
    at = refused.warehouse
    assert activate.dead_retry(at, reason="grade") == 1
    assert refused.statuses() == {"acked": 3, "dead": 2, "pending": 1}
    assert activate.dead_drop(at, reason="too high") == 2
    assert keys(activate.dead_list(at)) == {"3"}


def test_a_row_that_is_refused_with_every_new_value_waits_longer(refused):
    tried = []
    for number in range(6):
        batches = len(refused.crm.batches)
        refused.rows(6, score=f"{number} + 500 + i")
        refused.run()
        tried.append(
            sum(row.key == "p1@x.io" for batch in refused.crm.batches[batches:] for row in batch.rows)
        )
    assert tried == [
        1,
        1,
        0,
        0,
        0,
        0,
    ]  # with the first time three tries: from then on an hour, two, four, ... a day
    letter = next(each for each in activate.dead_list(refused.warehouse) if each.primary_key == "1")
    assert letter.attempts == 3
    assert (letter.next_try - letter.last_at).total_seconds() == 3600
    assert refused.ledger(1)["status"] == "dead"


@pytest.mark.parametrize(("attempts", "hours"), [(3, 1), (4, 2), (5, 4), (7, 16), (8, 24), (500, 24)])
def test_the_wait_doubles_up_to_a_day(refused, attempts, hours):
    refused.warehouse.execute(f"UPDATE tailrace_meta.dead_letters SET attempts = {attempts}")
    letter = activate.dead_list(refused.warehouse)[0]
    assert (letter.next_try - letter.last_at).total_seconds() == hours * 3600


def test_the_wait_ends_and_a_persons_word_ends_it_at_once(refused):
    at = refused.warehouse
    at.execute("UPDATE tailrace_meta.dead_letters SET attempts = 3")
    refused.crm.refuse = lambda values: None
    refused.rows(6, score="700 + i")
    assert refused.run().counts.dead == 3
    assert activate.dead_retry(at, "scores", ["1"]) == 1
    assert refused.run().counts.dead == 2
    at.execute("UPDATE tailrace_meta.dead_letters SET last_at = last_at - INTERVAL 61 MINUTE")
    assert refused.run().counts.dead == 0
    assert refused.statuses() == {"acked": 6}


@pytest.mark.parametrize("change", [activate.dead_retry, activate.dead_drop])
def test_a_filter_that_fits_no_letter_is_refused_with_what_there_is(refused, change):
    wrong = _fitting(partial(change, reason=None, field="nofield"), None, "nofield")
    with pytest.raises(BadInput, match="no row of scores fits") as told:
        wrong(refused.warehouse, "scores", [])
    assert told.value.exit_code == 2
    assert told.value.fix == "fields: score; reasons: Score too HIGH; no such grade; score too high"
    right = _fitting(partial(change, reason="grade", field=None), "grade", None)
    assert right(refused.warehouse, "scores", []) == 1
