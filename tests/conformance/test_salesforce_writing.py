"""Salesforce's destination against the suite, and what only Salesforce has to get right: by Collections."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tailrace.connectors.salesforce import DECLARATION, many
from tailrace.connectors.salesforce import destination as destination_module
from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.options import check_object
from tailrace.connectors.sdk.writing import (
    Destination,
    Link,
    TellsEdits,
    WriteBatch,
    WriteRow,
)
from tailrace.errors import FatalError, RateLimited
from tailrace.sandbox.server import Sandbox
from tests.conformance.destination_suite import DestinationSuite
from tests.conformance.vendors import Desk, connect

LOGIN = {"access_token": "sandbox", "bulk_poll": "0s"}
WRITE = "/services/data/v67.0/composite/sobjects*"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=300, limits=False) as sandbox:
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
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("salesforce", sandbox.base_url("salesforce"), LOGIN)
    yield connector
    connector.close()


@pytest.fixture
def destination(connector: Connector) -> Destination:
    return connector.destination()


class SalesforceContact(DestinationSuite):
    vendor, login, wrong_login = "salesforce", LOGIN, {"access_token": "00D000000000001!not-this-one"}
    obj, text_field = "Contact", "Title"
    bad = {"Email": "no address"}
    write_route = WRITE
    reads: int
    """Requests of a batch before it is written: jobs at work, the description, and looking ids up."""

    def key_of(self, record: dict[str, Any]) -> str:
        return record[self.match] or ""

    def text_of(self, record: dict[str, Any]) -> str | None:
        return record["Title"]

    def present(self, desk: Desk, most: int) -> list[dict[str, Any]]:
        found = [{**row, "id": row["Id"]} for row in desk.records("salesforce", self.obj)]
        known = {self.key_of(row).lower(): row for row in found if self.key_of(row)}
        return list(known.values())[:most]

    def state(self, desk: Desk) -> dict[str, str | None]:
        return {row["Id"]: row["Title"] for row in desk.records("salesforce", self.obj)}

    def row(self, number: int, key: str, **values: Any) -> WriteRow:
        return WriteRow(f"row-{number}", key, {"LastName": "Row", **(values or {"Title": f"text {number}"})})

    def test_a_full_batch_is_one_request(self, destination: Destination, desk: Desk) -> None:
        records = self.present(desk, 200)
        assert len(records) > 100
        rows = [self.row(number, self.key_of(record)) for number, record in enumerate(records)]
        sent = len(desk.requests("salesforce"))
        results = destination.write(self.batch("update", rows))
        made = desk.requests("salesforce")[sent:]
        assert len(made) == self.reads + 1
        assert [request["rows_written"] for request in made if request["rows_written"]] == [len(records)]
        assert [(result.trace, result.outcome, result.remote_id) for result in results] == [
            (row.trace, "acked", record["id"]) for row, record in zip(rows, records, strict=True)
        ]
        state = self.state(desk)
        assert [state[record["id"]] for record in records] == [f"text {n}" for n in range(len(records))]


class TestByExternalId(SalesforceContact):
    match, reads = "Ext__c", 3

    def new_key(self, number: int) -> str:
        return f"nobody-{number}"

    def test_archive_by_match_field(self, destination: Destination, desk: Desk) -> None:
        known, gone = self.present(desk, 2)
        desk.remove("salesforce", "Contact", gone["id"])
        rows = [WriteRow("a", self.key_of(known), {}), WriteRow("b", self.new_key(1), {})]
        results = destination.write(self.batch("archive", rows))
        assert [(one.outcome, one.remote_id) for one in results] == [
            ("acked", known["id"]),
            ("unmatched", None),
        ]
        by_id = [WriteRow("c", None, {}, known["id"]), WriteRow("d", None, {}, gone["id"])]
        again = destination.write(self.batch("archive", by_id, by_key=False))
        assert [one.outcome for one in again] == ["acked", "acked"]
        assert not {known["id"], gone["id"]} & set(self.state(desk))
        assert desk.writes("salesforce", "Contact") == {known["id"]: 1}


class TestByEmail(SalesforceContact):
    """No external id: rows are looked up, and nothing can be upserted."""

    match, reads = "Email", 3

    def new_key(self, number: int) -> str:
        return f"nobody-{number}@tailrace.example"

    def key_of(self, record: dict[str, Any]) -> str:
        email = record["Email"] or ""
        return email if email.count("@") == 1 and not set(email) & set(" ,;") else ""

    def present(self, desk: Desk, most: int) -> list[dict[str, Any]]:
        found = [{**row, "id": row["Id"]} for row in desk.records("salesforce", self.obj) if self.key_of(row)]
        keys = [self.key_of(row).strip().lower() for row in found]
        return [row for row in found if keys.count(self.key_of(row).strip().lower()) == 1][:most]

    def test_upsert_updates_and_creates(self, destination: Destination, desk: Desk) -> None:
        before = self.state(desk)
        with pytest.raises(FatalError, match=r"Contact\.Email is no external id") as caught:
            destination.write(self.batch("upsert", [self.row(0, self.new_key(0))]))
        assert caught.value.fix == "match on one of: Ext__c, Customer_No__c; or write mode: update"
        assert self.state(desk) == before

    def test_several_records_with_one_email_are_named(self, destination: Destination, desk: Desk) -> None:
        one, two, three = self.present(desk, 3)
        desk.save("salesforce", "Contact", {"Id": two["id"], "Email": one["Email"].upper()})
        rows = [self.row(0, one["Email"]), self.row(1, three["Email"])]
        results = destination.write(self.batch("update", rows))
        assert [(result.outcome, result.field) for result in results] == [("dead", "Email"), ("acked", None)]
        assert results[0].reason == f"2 records have this Email: {', '.join(sorted([one['id'], two['id']]))}"
        assert desk.writes("salesforce", "Contact") == {three["id"]: 1}


class TestById(SalesforceContact):
    match, reads = "Id", 2

    def new_key(self, number: int) -> str:
        return f"0035e{number:010d}"

    @pytest.mark.parametrize("fault", [{}])
    def test_a_create_whose_answer_is_lost_is_never_repeated(
        self, destination: Destination, desk: Desk, fault: dict[str, Any]
    ) -> None:
        with pytest.raises(FatalError, match="nobody can choose the Id of a new Contact"):
            destination.write(self.batch("create", [self.row(0, self.new_key(0))]))

    def test_create_gives_the_new_ids(self, destination: Destination, desk: Desk) -> None:
        results = destination.write(self.batch("create", [self.row(0, ""), self.row(1, "")], by_key=False))
        assert {one.remote_id for one in results} <= set(self.state(desk))

    def test_a_limited_create_waits_and_is_sent_once(self, destination: Destination, desk: Desk) -> None:
        desk.faults({"vendor": "salesforce", "route": WRITE, "nth": [1, 2], "status": 429, "body": "{}"})
        key = self.present(desk, 1)[0]["id"]
        assert destination.write(self.batch("update", [self.row(0, key)]))[0].outcome == "acked"
        assert desk.writes("salesforce", "Contact") == {key: 1}

    def test_upsert_updates_and_creates(self, destination: Destination, desk: Desk) -> None:
        with pytest.raises(FatalError, match=r"Contact\.Id is no external id"):
            destination.write(self.batch("upsert", [self.row(0, self.new_key(0))]))

    def test_reading_fields_tells_what_is_there(self, destination: Destination, desk: Desk) -> None:
        one, two = self.present(desk, 2)
        short = two["id"][:15]
        found = destination.read_fields("Contact", None, [one["id"], short, "no id"], ["Title"])
        assert found == {
            one["id"]: {"id": one["id"], "Title": one["Title"]},
            short: {"id": two["id"], "Title": two["Title"]},
        }

    def test_one_record_by_two_spellings_is_written_once(self, destination: Destination, desk: Desk) -> None:
        key = self.present(desk, 1)[0]["id"]
        results = destination.write(self.batch("update", [self.row(0, key), self.row(1, key[:15])]))
        assert [one.outcome for one in results] == ["acked", "dead"]
        assert "another row is about the same record" in (results[1].reason or "")
        assert desk.writes("salesforce", "Contact") == {key: 1}


def rows(*values: dict[str, Any], match: str = "Ext__c") -> tuple[WriteRow, ...]:
    return tuple(
        WriteRow(str(number), row[match], {"LastName": "Row", **row}) for number, row in enumerate(values)
    )


def upsert(destination: Destination, *values: dict[str, Any], **more: Any) -> list[Any]:
    return destination.write(WriteBatch("Contact", "upsert", "Ext__c", rows(*values), **more))


def stored(desk: Desk, obj: str = "Contact") -> dict[str, dict[str, Any]]:
    return {row["Ext__c"]: row for row in desk.records("salesforce", obj) if row["Ext__c"]}


# ---- rows that Salesforce refuses -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "reason", "field"),
    [
        ({"Email": "broken"}, "INVALID_EMAIL_ADDRESS: Email: invalid email address: broken", "Email"),
        ({"Title": "x" * 129}, "STRING_TOO_LONG", "Title"),
        ({"LastName": None}, "REQUIRED_FIELD_MISSING", "LastName"),
        ({"Lead_Grade__c": "Z"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Lead_Grade__c"),
        ({"SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "SystemModstamp"),
        ({"Nope__c": 1}, "INVALID_FIELD: No such column 'Nope__c'", "Nope__c"),
        ({"Lead_Score__c": "many"}, "'many' is not a number", "Lead_Score__c"),
        ({"Lead_Score__c": float("nan")}, "not a number that can be sent", "Lead_Score__c"),
        ({"HasOptedOutOfEmail": "perhaps"}, "'perhaps' is neither true nor false", "HasOptedOutOfEmail"),
        ({"Birthdate": datetime(1969, 1, 1, 9, tzinfo=UTC)}, "is a time, and the field takes a date", "Birthdate"),
        ({"Title": "half \ud83d"}, "half a character", "Title"),
        ({"Title": {"a": 1}}, "a value of type dict cannot be sent", "Title"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_sent_is_dead_alone(
    values: dict[str, Any], reason: str, field: str, destination: Destination, desk: Desk
) -> None:
    results = upsert(destination, {"Ext__c": "a"}, {"Ext__c": "b", **values}, {"Ext__c": "c"})
    assert [one.outcome for one in results] == ["acked", "dead", "acked"]
    assert reason in results[1].reason and results[1].field == field
    assert {"a", "c"} <= set(stored(desk)) and "b" not in stored(desk)


@pytest.mark.parametrize("code", ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"])
def test_a_locked_row_is_for_later(code: str, destination: Destination, desk: Desk) -> None:
    error = {"keys": ["b"], "category": code, "message": "unable to obtain exclusive access"}
    desk.faults({"vendor": "salesforce", "route": WRITE, "row_error": error})
    results = upsert(destination, {"Ext__c": "a"}, {"Ext__c": "b"})
    assert [one.outcome for one in results] == ["acked", "later"]
    desk.faults()
    assert upsert(destination, {"Ext__c": "b"})[0].outcome == "acked"
    assert desk.writes("salesforce", "Contact") == {
        row["Id"]: 1 for key, row in stored(desk).items() if key in "ab"
    }


def test_a_deleted_or_unknown_record_is_unmatched(destination: Destination, desk: Desk) -> None:
    gone, live = list(desk.records("salesforce", "Contact"))[:2]
    desk.remove("salesforce", "Contact", gone["Id"])
    given = [gone["Id"], "0035e00000zzzzz", live["Id"]]
    batch = WriteBatch(
        "Contact", "update", None, tuple(WriteRow(key, None, {"Title": "t"}, key) for key in given)
    )
    assert [one.outcome for one in destination.write(batch)] == ["unmatched", "unmatched", "acked"]


@pytest.mark.parametrize("bulk", [False, True])
def test_a_gone_record_and_a_gone_account_are_told_apart(
    bulk: bool, destination: Destination, desk: Desk
) -> None:
    gone, live = [row["Id"] for row in desk.records("salesforce", "Contact")][:2]
    firm = desk.records("salesforce", "Account")[0]["Id"]
    error = {"keys": [live.lower()], "category": "ENTITY_IS_DELETED", "message": "entity is deleted"}
    desk.remove("salesforce", "Contact", gone)
    desk.faults({"vendor": "salesforce", "method": "PATCH", "row_error": error})
    rows = tuple(WriteRow(key, None, {"AccountId": firm}, key) for key in (gone, live))
    results = destination.write(WriteBatch("Contact", "update", None, rows, bulk=bulk))
    assert [(one.outcome, one.reason) for one in results] == [
        ("unmatched", "ENTITY_IS_DELETED: entity is deleted"),
        ("dead", "ENTITY_IS_DELETED: entity is deleted"),
    ]


def test_a_twin_of_a_unique_value_is_dead_and_names_the_record(destination: Destination, desk: Desk) -> None:
    taken = next(row for row in desk.records("salesforce", "Contact") if row["Ext__c"])
    batch = WriteBatch("Contact", "create", "Ext__c", rows({"Ext__c": taken["Ext__c"]}, {"Ext__c": "fresh"}))
    results = destination.write(batch)
    assert [(one.outcome, one.field) for one in results] == [("dead", "Ext__c"), ("acked", None)]
    assert results[0].remote_id == taken["Id"] and "DUPLICATE_VALUE" in (results[0].reason or "")


def test_an_external_id_of_several_records_is_dead_and_names_them(
    destination: Destination, desk: Desk
) -> None:
    one, two = [row["Id"] for row in desk.records("salesforce", "Contact")][:2]
    desk.save("salesforce", "Contact", {"Id": one, "Ext__c": "twin"}, {"Id": two, "Ext__c": "twin"})
    results = upsert(destination, {"Ext__c": "twin"}, {"Ext__c": "fresh"})
    assert [found.outcome for found in results] == ["dead", "acked"]
    assert one in (results[0].reason or "") and two in (results[0].reason or "")


# ---- whole requests -------------------------------------------------------------------------------------


def test_a_refused_request_is_halved_until_rows_decide(destination: Destination, desk: Desk) -> None:
    body = [{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize instance of double"}]
    desk.faults({"vendor": "salesforce", "route": WRITE, "nth": [1, 2, 4, 6], "status": 400, "body": body})
    sent = len(desk.requests("salesforce", "composite"))
    results = upsert(destination, *({"Ext__c": f"h{number}"} for number in range(8)))
    # 8 refused, 4 refused, 2 sent, 2 refused, 1 sent, 1 refused, 4 sent
    assert [one.outcome for one in results] == ["acked"] * 3 + ["dead"] + ["acked"] * 4
    assert results[3].reason == "JSON_PARSER_ERROR: Cannot deserialize instance of double"
    assert len(desk.requests("salesforce", "composite")) - sent == 7


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"id": "0035e00000AAAAA", "success": True, "errors": []}],
        [{"success": False, "errors": []}, {"success": False, "errors": [{}]}, "x"],
        {"results": []},
    ],
)
def test_an_answer_that_does_not_name_each_row_is_no_word(
    body: Any, destination: Destination, desk: Desk
) -> None:
    desk.faults({"vendor": "salesforce", "route": WRITE, "status": 200, "body": body})
    results = upsert(destination, {"Ext__c": "a"}, {"Ext__c": "b"}, {"Ext__c": "c"})
    assert [(one.trace, one.outcome) for one in results] == [
        ("0", "unknown"),
        ("1", "unknown"),
        ("2", "unknown"),
    ]


def test_results_out_of_order_are_believed_only_where_they_name_the_record(
    destination: Destination, desk: Desk
) -> None:
    first, second, third = [row["Id"] for row in desk.records("salesforce", "Contact")][:3]
    done = [{"id": key, "success": True, "errors": []} for key in (second, first)]
    refused = {"success": False, "errors": [{"statusCode": "STRING_TOO_LONG", "message": "too long"}]}
    desk.faults({"vendor": "salesforce", "route": WRITE, "status": 200, "body": [*done, refused]})
    batch = WriteBatch(
        "Contact",
        "update",
        None,
        tuple(WriteRow(key, None, {"Title": "t"}, key) for key in (first, second, third)),
    )
    results = destination.write(batch)
    assert [(one.outcome, one.remote_id) for one in results] == [
        ("acked", first),
        ("acked", second),
        ("unknown", third),
    ]


def test_more_rows_than_a_request_takes_are_several(destination: Destination, desk: Desk) -> None:
    """Bulk batches that are told not to be jobs; what breaks off leaves the rest unknown, never the whole."""
    many_rows = [{"Ext__c": f"m{number}"} for number in range(450)]
    sent = len(desk.requests("salesforce", "composite"))
    results = upsert(destination, *many_rows, bulk=True, options={"bulk": "off"})
    assert {one.outcome for one in results} == {"acked"}
    written = [one["rows_written"] for one in desk.requests("salesforce", "composite")[sent:]]
    assert written == [many.MOST, many.MOST, 50]
    desk.faults({"vendor": "salesforce", "route": WRITE, "nth": [2], "status": 404, "body": []})
    results = upsert(destination, *many_rows, bulk=True, options={"bulk": "off"})
    assert [one.outcome for one in results] == ["acked"] * 200 + ["unknown"] * 200 + ["acked"] * 50


def test_a_session_that_ends_in_mid_run_is_renewed_once(sandbox: Sandbox, desk: Desk) -> None:
    url = sandbox.base_url("salesforce")
    login = {"client_id": "app", "client_secret": "app-secret", "login_url": url}
    connector = connect("salesforce", url, login)
    destination = connector.destination()
    assert upsert(destination, {"Ext__c": "a"})[0].outcome == "acked"
    fake: Any = sandbox.house.fakes["salesforce"]
    fake.tokens.minted.clear()
    tokens = len(desk.requests("salesforce", "oauth2/token"))
    assert upsert(destination, {"Ext__c": "a"}, {"Ext__c": "b"})[1].outcome == "acked"
    assert len(desk.requests("salesforce", "oauth2/token")) - tokens == 1
    assert desk.writes("salesforce", "Contact")[stored(desk)["a"]["Id"]] == 2
    connector.close()


def test_a_spent_day_stops_and_writes_nothing(destination: Destination, desk: Desk) -> None:
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    desk.faults({"vendor": "salesforce", "route": WRITE, "status": 403, "body": body})
    with pytest.raises(RateLimited, match="daily requests are spent"):
        upsert(destination, {"Ext__c": "a"})
    assert "a" not in stored(desk)
    desk.faults({"vendor": "salesforce", "route": WRITE, "nth": [1, 2], "status": 503, "body": "[]"})
    assert upsert(destination, {"Ext__c": "a"})[0].outcome == "acked"


# ---- fields, conflicts, associations ---------------------------------------------------------------------


def test_fields_say_what_they_take(destination: Destination) -> None:
    fields = destination.fields("Contact")
    assert fields["Lead_Grade__c"].options == ("A", "B", "C", "D")
    assert fields["LeadSource"].options == (), "an open picklist takes any value"
    assert fields["Interests__c"].many and not fields["LeadSource"].many
    assert (fields["Title"].longest, fields["Description"].longest, fields["AccountId"].longest) == (
        128,
        32000,
        0,
    )
    assert not fields["SystemModstamp"].writable and not fields["Name"].writable
    assert [name for name, found in fields.items() if found.unique] == [
        "Id",
        "Email",
        "Ext__c",
        "Customer_No__c",
    ]


def test_edits_carry_the_records_time(destination: Destination, desk: Desk) -> None:
    assert isinstance(destination, TellsEdits)
    record = next(row for row in desk.records("salesforce", "Contact") if row["Ext__c"])
    before = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    desk.save("salesforce", "Contact", {"Id": record["Id"], "Title": "by hand"})
    found = destination.read_edits("Contact", "Ext__c", [record["Ext__c"], "nobody"], ["Title"])
    edit = found[record["Ext__c"]]["Title"]
    assert set(found) == {record["Ext__c"]}
    assert edit.value == "by hand" and edit.at is not None and edit.at >= before
    by_id = destination.read_edits("Contact", None, [record["Id"]], ["Title"])
    assert by_id[record["Id"]]["Title"] == edit


def linked(key: str, *links: Link) -> tuple[WriteRow, ...]:
    return (WriteRow(key, key, {"LastName": "Linked"}, links=links),)


@pytest.mark.parametrize("bulk", [False, True])
def test_a_record_is_linked_by_the_others_external_id(
    bulk: bool, destination: Destination, desk: Desk
) -> None:
    account = desk.records("salesforce", "Account")[0]
    boss = next(row for row in desk.records("salesforce", "Contact") if row["Ext__c"])
    links = (
        Link("Account", "Ext__c", account["Ext__c"]),
        Link("Contact", "Ext__c", boss["Ext__c"], "ReportsToId"),
    )
    batch = WriteBatch("Contact", "upsert", "Ext__c", linked("linked", *links), bulk=bulk)
    assert [one.outcome for one in destination.write(batch)] == ["acked"]
    found = stored(desk)["linked"]
    assert (found["AccountId"], found["ReportsToId"]) == (account["Id"], boss["Id"])
    off = (Link("Account", "Ext__c", None), Link("Contact", "Id", boss["Id"][:15], "ReportsTo"))
    batch = WriteBatch("Contact", "upsert", "Ext__c", linked("linked", *off), bulk=bulk)
    assert [one.outcome for one in destination.write(batch)] == ["acked"]
    assert stored(desk)["linked"]["AccountId"] is None
    lost = linked("linked", Link("Account", "Ext__c", "no such firm"))
    results = destination.write(WriteBatch("Contact", "upsert", "Ext__c", lost, bulk=bulk))
    assert "Foreign key external ID: no such firm not found" in results[0].reason
    assert (results[0].outcome, results[0].field) == ("unmatched", "associations.Account")


@pytest.mark.parametrize("bulk", [False, True])
def test_a_lookup_of_several_objects_names_the_type(bulk: bool, destination: Destination, desk: Desk) -> None:
    task = desk.records("salesforce", "Task")[0]["Id"]
    lead = next(row for row in desk.records("salesforce", "Lead") if row["Ext__c"])
    row = WriteRow("t", None, {"Subject": "Mail"}, task, (Link("Lead", "Ext__c", lead["Ext__c"]),))
    results = destination.write(WriteBatch("Task", "update", None, (row,), bulk=bulk))
    assert [one.outcome for one in results] == ["acked"]
    assert {one["Id"]: one["WhoId"] for one in desk.records("salesforce", "Task")}[task] == lead["Id"]


@pytest.mark.parametrize(
    ("link", "wrong", "fix"),
    [
        (Link("Campaign", "Ext__c", "x"), "Contact has no lookup to Campaign", "remove it"),
        (Link("Account", "Name", "x"), "Account.Name is no external id", "match the association on"),
        (Link("Account", "Ext__c", "x", "AcountId"), "no lookup named AcountId", "did you mean AccountId?"),
        (Link("Account", "Nope__c", "x"), "Account has no field Nope__c", "known:"),
    ],
)
def test_an_association_that_cannot_be_is_refused(
    link: Link, wrong: str, fix: str, destination: Destination
) -> None:
    with pytest.raises(FatalError, match=wrong) as caught:
        destination.write(WriteBatch("Contact", "upsert", "Ext__c", linked("x", link)))
    assert fix in caught.value.fix


def test_a_match_field_that_is_not_there_is_refused(destination: Destination) -> None:
    with pytest.raises(FatalError, match="Contact has no field Ext_c to match on") as caught:
        destination.write(WriteBatch("Contact", "update", "Ext_c", rows({"Ext_c": "a"}, match="Ext_c")))
    assert caught.value.fix == "did you mean Ext__c?"
    with pytest.raises(FatalError, match="no object 'Invoice__c'"):
        destination.fields("Invoice__c")


def test_objects_that_are_none_are_refused_offline() -> None:
    assert check_object(DECLARATION, "Contact", "upsert", {}) == ({"bulk": "auto"}, [])
    assert check_object(DECLARATION, "Invoice__c", "upsert", {"bulk": "off"})[1] == []
    assert check_object(DECLARATION, "Contact", "upsert", {"bulk": "perhaps"})[1]
    assert [what for _, what, _ in check_object(DECLARATION, "invoices", "upsert", {})[1]] == [
        "'invoices' is no sObject's name"
    ]


# ---- values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bulk", [False, True])
def test_numbers_are_keys_too(bulk: bool, destination: Destination, desk: Desk) -> None:
    values = ({"Customer_No__c": 7, "Ext__c": "n7"}, {"Customer_No__c": "8", "Ext__c": "n8"})
    for _ in range(2):
        batch = WriteBatch(
            "Contact", "upsert", "Customer_No__c", rows(*values, match="Customer_No__c"), bulk=bulk
        )
        assert [one.outcome for one in destination.write(batch)] == ["acked", "acked"]
    found = stored(desk)
    assert (found["n7"]["Customer_No__c"], found["n8"]["Customer_No__c"]) == (7, 8)
    changed = (WriteRow("0", "7.0", {"Title": "seven"}), WriteRow("1", "x", {"Title": "none"}))
    results = destination.write(WriteBatch("Contact", "update", "Customer_No__c", changed, bulk=bulk))
    assert [one.outcome for one in results] == ["acked", "unmatched"]
    assert stored(desk)["n7"]["Title"] == "seven"


def test_keys_that_soql_would_misread_are_found(destination: Destination, desk: Desk) -> None:
    keys = ["it's", "back\\slash", "line\nbreak", "tab\there", "ü\U0001f600", "') OR (Id != '"]
    assert {one.outcome for one in upsert(destination, *({"Ext__c": key} for key in keys))} == {"acked"}
    found = destination.read_fields("Contact", "Ext__c", keys, ["LastName"])
    assert set(found) == {key.lower() for key in keys}
    results = destination.write(
        WriteBatch("Contact", "update", "Ext__c", tuple(WriteRow(key, key, {"Title": key}) for key in keys))
    )
    assert {one.outcome for one in results} == {"acked"}
    assert {key: row["Title"] for key, row in stored(desk).items() if key in keys} == {
        key: key for key in keys
    }


def test_long_keys_are_asked_for_in_several_queries(destination: Destination, desk: Desk) -> None:
    keys = [f"{number:03d}-{'ü' * 40}" for number in range(120)]
    assert {one.outcome for one in upsert(destination, *({"Ext__c": key} for key in keys))} == {"acked"}
    asked = len(desk.requests("salesforce", "/query"))
    assert len(destination.read_fields("Contact", "Ext__c", keys, [])) == len(keys)
    assert len(desk.requests("salesforce", "/query")) - asked == 3


# ---- values and rows that would not arrive as they are -----------------------------------------------------


@pytest.mark.parametrize("bulk", [False, True])
def test_a_number_that_salesforce_would_round_is_a_dead_row(
    bulk: bool, destination: Destination, desk: Desk
) -> None:
    """Its neighbours go on; a number that fits arrives."""
    values = [9007199254740993, 9007199254740992, Decimal("12345678901234567890123456789012345678"), "1_000"]
    some = [{"Ext__c": f"n{n}", "Lifetime_Value__c": value} for n, value in enumerate(values)]
    results = upsert(destination, *some, bulk=bulk)
    assert [(one.outcome, one.field) for one in results] == [
        ("dead", "Lifetime_Value__c"),
        ("acked", None),
        ("dead", "Lifetime_Value__c"),
        ("dead", "Lifetime_Value__c"),
    ]
    kept = {
        key: row["Lifetime_Value__c"] for key, row in stored(desk).items() if key in ("n0", "n1", "n2", "n3")
    }
    assert kept == {"n1": 9007199254740992}


def test_a_rounded_number_matches_nobody(destination: Destination, desk: Desk) -> None:
    """A neighbour's record would be taken for the row's."""
    taken = 9007199254740992
    desk.save(
        "salesforce",
        "Contact",
        {"Id": desk.records("salesforce", "Contact")[0]["Id"], "Customer_No__c": taken},
    )
    row = WriteRow("t", "9007199254740993", {"LastName": "Wrong"})
    results = destination.write(WriteBatch("Contact", "upsert", "Customer_No__c", (row,)))
    assert [(one.outcome, one.field) for one in results] == [("dead", "Customer_No__c")]
    assert desk.writes("salesforce", "Contact") == {}


@pytest.mark.parametrize("bulk", [False, True])
def test_two_spellings_of_one_key_are_one_record(bulk: bool, destination: Destination, desk: Desk) -> None:
    results = upsert(
        destination, {"Ext__c": "same", "Title": "1"}, {"Ext__c": "SAME", "Title": "2"}, bulk=bulk
    )
    assert [one.outcome for one in results] == ["acked", "dead"]
    assert desk.writes("salesforce", "Contact") == {results[0].remote_id: 1}
    assert stored(desk)["same"]["Title"] == "1"
