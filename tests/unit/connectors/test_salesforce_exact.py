"""Numbers that Salesforce would keep otherwise, rows that share a record, and job files that contradict each other."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tailrace.connectors.salesforce.bulk_rows import _gathered
from tailrace.connectors.salesforce.destination import _single
from tailrace.connectors.salesforce.ingest import Ended
from tailrace.connectors.salesforce.refusals import Refusal, outcome
from tailrace.connectors.salesforce.rows import Sent
from tailrace.connectors.salesforce.target import Lookup, Target
from tailrace.connectors.salesforce.values import Number, Room, Unsendable, fitting, plain
from tailrace.connectors.sdk.writing import (
    Link,
    WriteBatch,
    WriteResult,
    WriteRow,
)

WEST = timezone(timedelta(hours=-5))
MONEY, COUNT = Room(16, 2), Room(8, 0, binary=False)


@pytest.mark.parametrize(
    ("value", "room"),
    [
        (9007199254740993, MONEY),
        (9007199254740993, Room()),
        (10**16, MONEY),
        (Decimal("12345678901234567890123456789012345678"), MONEY),
        (Decimal("12345678901234567890123456789012345678"), Room()),
        (Decimal("1234567890123456.78"), MONEY),
        (10**300 + 1, Room()),
        (123456789, COUNT),
    ],
)
def test_a_number_that_is_not_kept_as_it_is_is_not_sent(value: Any, room: Room) -> None:
    with pytest.raises(Unsendable, match="digits"):
        fitting(plain(value, "double"), room)


@pytest.mark.parametrize(
    ("value", "room"),
    [
        (9007199254740992, MONEY),
        (2**63, Room()),
        (10**30, Room()),
        (Decimal("-12345678901234.56"), MONEY),
        (Decimal("0.123456789012345678901234567890"), MONEY),
        (0.1 + 0.2, Room(12, 6)),
        (1e-7, MONEY),
        (0, MONEY),
        (12345678, COUNT),
    ],
)
def test_a_number_that_is_kept_goes_with_its_digits(value: Any, room: Room) -> None:
    sent = fitting(plain(value, "double"), room)
    assert isinstance(sent, Number) and Decimal(sent.text) == Decimal(str(value))


def test_a_field_tells_its_room() -> None:
    fields = [
        {"name": "A", "type": "currency", "precision": 18, "scale": 2},
        {"name": "B", "type": "int", "digits": 8},
        {"name": "C", "type": "long"},
        {"name": "D", "type": "double"},
    ]
    target = Target("crm", {"name": "Contact", "fields": fields})
    assert [target.room(name) for name in "ABCD"] == [MONEY, COUNT, Room(binary=False), Room()]


@pytest.mark.parametrize("text", ["1_000", "\u0663", "1_0.5", "\uff11"])
@pytest.mark.parametrize("kind", ["double", "int", "currency"])
def test_what_python_alone_reads_as_a_number_is_none(text: str, kind: str) -> None:
    with pytest.raises(Unsendable, match="is not a number"):
        plain(text, kind)


@pytest.mark.parametrize("kind", ["datetime", "string"])
def test_a_time_beyond_the_last_year_is_not_sent(kind: str) -> None:
    with pytest.raises(Unsendable, match="9999"):
        plain(datetime(9999, 12, 31, 23, 59, tzinfo=WEST), kind)


def one(key: str, *links: Any) -> Sent:
    return Sent(WriteRow(key, key, {}, links=tuple(link for _, link in links)), key, {}, tuple(
        (lookup, link.key, link.key) for lookup, link in links
    ))  # fmt: skip


LINK = (
    Lookup("AccountId", "Account", "Account", "Ext__c", "string", False, Room()),
    Link("Account", "Ext__c", "a\nb"),
)


@pytest.mark.parametrize("operation", ["create", "update", "upsert"])
def test_an_associated_record_that_is_not_there_yet_is_unmatched(operation: Any) -> None:
    message = "Foreign key external ID: a\nb not found for field Ext__c in entity Account"
    found = outcome(operation, one("k", LINK), Refusal("INVALID_FIELD", message))
    assert (found.outcome, found.field, found.reason) == (
        "unmatched",
        "associations.Account",
        f"INVALID_FIELD: {message}",
    )
    several = Refusal("INVALID_FIELD", message.replace("not found", "found more than once"))
    assert outcome(operation, one("k", LINK), several).outcome == "dead"
    assert outcome(operation, one("k"), Refusal("INVALID_FIELD", message)).outcome == "dead"


def test_rows_that_were_given_one_record_are_not_written() -> None:
    results = [WriteResult("a", "acked", "1"), WriteResult("b", "acked", "1"), WriteResult("c", "acked", "2")]
    found = _single(results)
    assert [(each.outcome, each.remote_id) for each in found] == [
        ("dead", None),
        ("dead", None),
        ("acked", "2"),
    ]


def job(written: list[str], refused: list[str], *keys: str) -> dict[str, str]:
    sent = [one(key) for key in keys]
    rows = [{"Ext__c": key} for key in keys]
    done: Any = [{"Ext__c": key, "sf__Id": f"id {key}"} for key in written]
    failed: Any = [{"Ext__c": key, "sf__Error": "BAD:bad title:Title --"} for key in refused]
    ended = Ended("750", "JobComplete", "", len(keys), done, failed, [])
    batch = WriteBatch("Contact", "upsert", "Ext__c", tuple(each.row for each in sent))
    return {result.trace: result.outcome for result in _gathered(batch, sent, rows, ended)}


def test_keys_that_differ_in_case_have_their_own_outcomes() -> None:
    assert job(["abc"], ["ABC"], "abc", "ABC") == {"abc": "acked", "ABC": "dead"}
    assert job(["ABC"], ["abc"], "abc", "ABC") == {"abc": "dead", "ABC": "acked"}
    assert job(["abc"], [], "abc", "ABC") == {"abc": "acked", "ABC": "unknown"}
    assert job(["ABC"], [], "abc") == {"abc": "acked"}


def test_a_key_in_both_files_is_unknown() -> None:
    assert job(["k1", "k2"], ["k1"], "k1", "k2") == {"k1": "unknown", "k2": "acked"}
