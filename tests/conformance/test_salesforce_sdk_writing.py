"""simple-salesforce and our destination against one org: each reads exactly what the other wrote."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from simple_salesforce import Salesforce

from tailrace.connectors.salesforce import destination as destination_module
from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.writing import (
    Destination,
    Link,
    WriteBatch,
    WriteRow,
)
from tailrace.sandbox.server import Sandbox
from tests.conformance.test_salesforce_sdk import client
from tests.conformance.vendors import Desk, connect

LOGIN = {"access_token": "sandbox", "bulk_poll": "0s"}
ZONED = datetime(1969, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
AWKWARD: dict[str, tuple[str, Any, Any]] = {
    "a 64-bit id": ("Title", 9007199254740993, "9007199254740993"),
    "an id with zeros": ("Title", "00012", "00012"),
    "a long decimal in a text": ("Title", Decimal("1234567890.123456789000"), "1234567890.123456789"),
    "a decimal": ("Lifetime_Value__c", Decimal("1234567.89"), 1234567.89),
    "a number in a text": ("Lead_Score__c", "12.50", 12.5),
    "a small number": ("Lead_Score__c", 0.000001, 0.000001),
    "minus zero": ("Lead_Score__c", Decimal("-0.00"), 0),
    "a whole double": ("Lead_Score__c", 5.0, 5),
    "a day before 1970": ("Birthdate", date(1931, 2, 28), "1931-02-28"),
    "midnight in a date": ("Birthdate", datetime(1969, 1, 1, tzinfo=UTC), "1969-01-01"),
    "a zone before 1970": ("Last_Seen__c", ZONED, "1970-01-01T04:30:00.000Z"),
    "microseconds": ("Last_Seen__c", datetime(2026, 3, 29, 1, 2, 3, 456789, UTC), "2026-03-29T01:02:03.456Z"),
    "a day in a time": ("Last_Seen__c", date(1969, 7, 20), "1969-07-20T00:00:00.000Z"),
    "a formula": ("Title", '=HYPERLINK("http://x.example","y")', '=HYPERLINK("http://x.example","y")'),
    "lines": ("Description", "one\ntwo\r\nthree", "one\ntwo\r\nthree"),
    "quotes": ("Title", "\"'\\,;", "\"'\\,;"),
    "the sign of NULL": ("Title", "#N/A", "#N/A"),
    "emoji": ("Title", "\U0001f468\u200d\U0001f469 é e\u0301", "\U0001f468\u200d\U0001f469 é e\u0301"),
    "true": ("HasOptedOutOfEmail", True, True),
    "false in a text": ("HasOptedOutOfEmail", "FALSE", False),
    "a boolean in a text field": ("Title", True, "true"),
    "several": ("Interests__c", ["Inventory", "Shipping"], "Inventory;Shipping"),
    "nothing": ("Phone", None, None),
    "an empty text": ("Phone", "", None),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=60, limits=False) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destination_module, "BULK_FROM", 1)


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def sf(sandbox: Sandbox, desk: Desk) -> Salesforce:
    found: Salesforce = client(sandbox)
    return found


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("salesforce", sandbox.base_url("salesforce"), LOGIN)
    yield connector
    connector.close()


@pytest.fixture
def destination(connector: Connector) -> Destination:
    return connector.destination()


def key(number: int) -> str:
    return f"w{number}"


def written(destination: Destination, bulk: bool) -> WriteBatch:
    """Every awkward value in a record of its own, where another value stood before."""
    before = {"Phone": "1", "Title": "x", "Lead_Score__c": 1, "HasOptedOutOfEmail": False}
    names = list(AWKWARD)
    for values in ([before] * len(names), [{AWKWARD[name][0]: AWKWARD[name][1]} for name in names]):
        rows = tuple(
            WriteRow(name, key(number), {"LastName": name, **row})
            for number, (name, row) in enumerate(zip(names, values, strict=True))
        )
        batch = WriteBatch("Contact", "upsert", "Ext__c", rows, bulk=bulk)
        results = destination.write(batch)
        assert {one.trace: one.outcome for one in results} == dict.fromkeys(names, "acked"), results
    return batch


def expected() -> dict[str, Any]:
    return {name: value for name, (_, _, value) in AWKWARD.items()}


@pytest.mark.parametrize("bulk", [False, True])
def test_the_sdk_reads_what_we_wrote(bulk: bool, destination: Destination, sf: Salesforce) -> None:
    written(destination, bulk)
    fields = sorted({field for field, _, _ in AWKWARD.values()})
    found = sf.query_all(f"SELECT LastName, {', '.join(fields)} FROM Contact WHERE Ext__c LIKE 'w%'")[
        "records"
    ]
    by_name = {row["LastName"]: row for row in found}
    assert {name: by_name[name][field] for name, (field, _, _) in AWKWARD.items()} == expected()


def test_the_sdk_reads_by_bulk_what_we_wrote(destination: Destination, sf: Salesforce) -> None:
    written(destination, True)
    parts = list(
        sf.bulk2.Contact.query(
            "SELECT LastName, Title, Description FROM Contact WHERE Ext__c LIKE 'w%'", wait=0
        )
    )
    rows = {row["LastName"]: row for part in parts for row in csv.DictReader(io.StringIO(part, newline=""))}
    texts = {name: value for name, (field, _, value) in AWKWARD.items() if field in ("Title", "Description")}
    assert {name: rows[name][AWKWARD[name][0]] for name in texts} == texts


def test_we_read_what_the_sdk_wrote(destination: Destination, sf: Salesforce) -> None:
    keys = {}
    for number, (name, (field, _, value)) in enumerate(AWKWARD.items()):
        made = sf.Contact.create({"LastName": name, "Ext__c": key(number), field: value})
        keys[key(number)] = made["id"]
    fields = sorted({field for field, _, _ in AWKWARD.values()})
    found = destination.read_fields("Contact", "Ext__c", list(keys), fields)
    assert {one: row["id"] for one, row in found.items()} == keys
    told = {name: found[key(number)][field] for number, (name, (field, _, _)) in enumerate(AWKWARD.items())}
    assert told == expected()
    by_id = destination.read_fields("Contact", None, list(keys.values()), fields)
    assert sorted(row["id"] for row in by_id.values()) == sorted(keys.values())


@pytest.mark.parametrize("bulk", [False, True])
def test_the_sdk_finds_links_clears_and_archives(
    bulk: bool, destination: Destination, sf: Salesforce
) -> None:
    firm = sf.Account.create({"Name": "Firm", "Ext__c": "firm"})["id"]
    row = WriteRow("0", "person", {"LastName": "P", "Title": "T"}, links=(Link("Account", "Ext__c", "FIRM"),))
    made = destination.write(WriteBatch("Contact", "upsert", "Ext__c", (row,), bulk=bulk))[0]
    person = sf.Contact.get(made.remote_id)
    assert (person["AccountId"], person["Title"]) == (firm, "T")
    clear = WriteRow("0", None, {"Title": None}, made.remote_id)
    assert destination.write(WriteBatch("Contact", "clear", None, (clear,), bulk=bulk))[0].outcome == "acked"
    assert sf.Contact.get(made.remote_id)["Title"] is None
    gone = WriteRow("0", None, {}, made.remote_id)
    assert destination.write(WriteBatch("Contact", "archive", None, (gone,), bulk=bulk))[0].outcome == "acked"
    text = f"SELECT Id, IsDeleted FROM Contact WHERE Id = '{made.remote_id}'"
    assert sf.query(text)["totalSize"] == 0
    assert sf.query(text, include_deleted=True)["records"][0]["IsDeleted"] is True, "in the recycle bin"


def test_the_sdk_sees_our_jobs(destination: Destination, sf: Salesforce) -> None:
    written(destination, True)
    jobs = sf.restful("jobs/ingest")["records"]
    assert {job["state"] for job in jobs} == {"JobComplete"}
    assert sum(job["numberRecordsProcessed"] for job in jobs) == 2 * len(AWKWARD) - 1, (
        "one goes by Collections"
    )
    assert {job["numberRecordsFailed"] for job in jobs} == {0}
