"""HubSpot's companies, deals and a custom object against the destination's suite; fields made; what ends a delivery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from tailrace.connectors.hubspot import DECLARATION
from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.options import check_object
from tailrace.connectors.sdk.writing import (
    Destination,
    NewField,
    WriteBatch,
    WriteRow,
)
from tailrace.errors import FatalError, VendorRefused
from tailrace.sandbox.server import Sandbox
from tests.conformance.destination_suite import DestinationSuite
from tests.conformance.hubspot import api, merge
from tests.conformance.test_connectors import HUBSPOT, NOT_HUBSPOT
from tests.conformance.vendors import Desk, connect

KEY = "external_key"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=400, limits=False) as sandbox:
        yield sandbox


class OwnKey(DestinationSuite):
    """An object of which nothing is unique but the id: the account has given it a key of its own."""

    vendor, login, wrong_login = "hubspot", HUBSPOT, NOT_HUBSPOT
    match = KEY
    path: ClassVar[str]

    @property
    def write_route(self) -> str:  # type: ignore[override]
        return f"/crm/objects/2026-09/{self.path}/batch/[cua]*"

    @pytest.fixture
    def desk(self, sandbox: Sandbox) -> Iterator[Desk]:
        desk = Desk(sandbox)
        key = {"name": KEY, "type": "string", "hasUniqueValue": True}
        desk.call("POST", f"records/hubspot/{self.obj}.properties", [key])
        given = [
            {"id": record["id"], "properties": {KEY: f"K-{record['id']}"}}
            for record in desk.records("hubspot", self.obj)[:130]
        ]
        desk.save("hubspot", self.obj, *given)
        yield desk
        desk.reset()

    @pytest.fixture
    def destination(self, connector: Connector, desk: Desk) -> Destination:  # type: ignore[override]
        """As a run has it: the fields were asked for before the first write, when the key was there."""
        destination = connector.destination()
        assert destination.fields(self.obj)[KEY].unique
        return destination

    def key_of(self, record: dict[str, Any]) -> str:
        return record["properties"].get(KEY) or ""

    def text_of(self, record: dict[str, Any]) -> str | None:
        return record["properties"].get(self.text_field)

    def new_key(self, number: int) -> str:
        return f"nobody-{number}"


class TestCompanies(OwnKey):
    obj = path = "companies"
    text_field = "name"
    bad: ClassVar = {"numberofemployees": "many"}


class TestDeals(OwnKey):
    obj = path = "deals"
    text_field = "dealname"
    bad: ClassVar = {"amount": "a lot"}


class TestACustomObject(OwnKey):
    """By its bare name, which is no path: its type id is learnt before the first request that needs it."""

    obj, path = "subscriptions", "2-1000001"
    text_field = "monthly_amount"
    bad: ClassVar = {"plan": "platinum"}

    def row(self, number: int, key: str, **values: Any) -> WriteRow:
        """With the property that a new record has to have."""
        given = values or {self.text_field: f"text {number}"}
        return WriteRow(f"row-{number}", key, {"plan": "team", **given})

    def test_a_new_record_without_what_is_required_is_told(
        self, destination: Destination, desk: Desk
    ) -> None:
        rows = (WriteRow("a", self.new_key(1), {"seats": 1}), self.row(2, self.new_key(2)))
        results = destination.write(WriteBatch(self.obj, "upsert", self.match, rows))
        assert [(one.outcome, one.field) for one in results] == [("dead", "plan"), ("acked", None)]
        assert results[0].reason == "Error creating SUBSCRIPTIONS. Some required properties were not set."

    @pytest.fixture
    def desk(self, sandbox: Sandbox) -> Iterator[Desk]:
        desk = Desk(sandbox)
        key = {"name": KEY, "type": "string", "hasUniqueValue": True}
        text = {"name": self.text_field, "type": "string"}
        desk.call("POST", f"records/hubspot/{self.obj}.properties", [key, text])
        known = desk.records("hubspot", self.obj)
        wanted = [f"{48_200_000_000 + number}" for number in range(130 - len(known))]
        ids = [record["id"] for record in known] + wanted
        given = [{"id": one, "properties": {KEY: f"K-{one}", self.text_field: "9.5"}} for one in ids]
        desk.save("hubspot", self.obj, *given)
        yield desk
        desk.reset()


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("hubspot", sandbox.base_url("hubspot"), HUBSPOT)
    yield connector
    connector.close()


@pytest.fixture
def destination(connector: Connector) -> Destination:
    return connector.destination()


def first(desk: Desk, obj: str = "contacts", most: int = 1) -> list[dict[str, Any]]:
    return [one for one in desk.records("hubspot", obj) if not one["archived"]][:most]


def update(obj: str, *rows: WriteRow) -> WriteBatch:
    return WriteBatch(obj, "update", None, rows)


def outcome(destination: Destination, batch: WriteBatch) -> list[tuple[str, str | None]]:
    return [(result.outcome, result.field) for result in destination.write(batch)]


def test_a_rule_of_the_portal_names_the_property_that_it_wants(destination: Any, desk: Desk) -> None:
    one, other = first(desk, "deals", 2)
    desk.save(
        "hubspot", "deals", {"id": one["id"], "properties": {"closedate": "", "dealstage": "closedlost"}}
    )
    known = {record["id"]: record for record in desk.records("hubspot", "deals")}
    assert not known[one["id"]]["properties"].get("closedate")
    rows = (
        WriteRow("a", None, {"dealstage": "closedwon"}, one["id"]),
        WriteRow("b", None, {"dealstage": "closedwon", "closedate": "2026-01-01T00:00:00Z"}, other["id"]),
    )
    assert outcome(destination, update("deals", *rows)) == [("dead", "closedate"), ("acked", None)]


def test_an_archived_record_is_unmatched_and_a_restored_one_is_written(destination: Any, desk: Desk) -> None:
    (one,) = first(desk)
    desk.remove("hubspot", "contacts", one["id"])
    row = WriteRow("a", None, {"jobtitle": "back"}, one["id"])
    assert outcome(destination, update("contacts", row)) == [("unmatched", None)]
    desk.save("hubspot", "contacts", {"id": one["id"], "properties": {}, "archived": False})
    assert outcome(destination, update("contacts", row)) == [("acked", None)]
    assert {r["id"]: r for r in first(desk, most=400)}[one["id"]]["properties"]["jobtitle"] == "back"


def test_archiving_is_believed_by_its_own_answer_alone(destination: Any, desk: Desk) -> None:
    one = next(record for record in desk.records("hubspot", "contacts") if not record["archived"])
    answer = {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"results": []}'}
    desk.faults({"vendor": "hubspot", "route": "/crm/objects/*/contacts/batch/archive", **answer})
    batch = WriteBatch("contacts", "archive", None, (WriteRow("a", None, {}, one["id"]),))
    assert [result.outcome for result in destination.write(batch)] == ["unknown"]
    desk.faults()
    assert [result.outcome for result in destination.write(batch)] == ["acked"]


def test_the_id_of_a_merged_record_leads_nowhere(destination: Any, desk: Desk, sandbox: Sandbox) -> None:
    winner, loser = (one["id"] for one in first(desk, most=2))
    merge(sandbox, winner, loser)
    row = WriteRow("a", None, {"jobtitle": "x"}, loser)
    assert outcome(destination, update("contacts", row)) == [("unmatched", None)]


def test_a_property_that_goes_in_mid_run_ends_the_delivery_at_once(
    destination: Any, desk: Desk, sandbox: Sandbox
) -> None:
    records = first(desk, most=100)
    assert api(sandbox, "DELETE", "/crm/properties/2026-09/contacts/lead_grade", None).status_code == 204
    rows = tuple(WriteRow(f"r-{n}", None, {"lead_grade": "A"}, one["id"]) for n, one in enumerate(records))
    before = len(desk.requests("hubspot", "batch/update"))
    with pytest.raises(FatalError, match="contacts of HubSpot has no property lead_grade any more") as caught:
        destination.write(update("contacts", *rows))
    assert caught.value.fix.startswith("restore it in HubSpot")
    assert len(desk.requests("hubspot", "batch/update")) - before == 1


def test_a_property_that_only_one_row_names_is_that_rows_matter(destination: Any, desk: Desk) -> None:
    one, other = first(desk, most=2)
    rows = (
        WriteRow("a", None, {"jobtitle": "x"}, one["id"]),
        WriteRow("b", None, {"jobtitle": "y", "nothing": "1"}, other["id"]),
    )
    assert outcome(destination, update("contacts", *rows)) == [("acked", None), ("dead", "nothing")]


NEW = [
    ("VARCHAR", "", "string", "text"),
    ("BIGINT", "", "number", "number"),
    ("DECIMAL(18,2)", "", "number", "number"),
    ("BOOLEAN", "", "bool", "booleancheckbox"),
    ("DATE", "", "date", "date"),
    ("TIMESTAMP WITH TIME ZONE", "", "datetime", "date"),
    ("UUID", "", "string", "text"),
    ("VARCHAR", "number", "number", "number"),
]


@pytest.mark.parametrize(("engine", "word", "kind", "form"), NEW)
def test_a_field_is_made_as_the_column_or_the_sync_says(
    destination: Any, sandbox: Sandbox, desk: Desk, engine: str, word: str, kind: str, form: str
) -> None:
    new = NewField("ltv_2", word, "Life time", engine)
    destination.create_field("contacts", new)
    found = api(sandbox, "GET", "/crm/properties/2026-09/contacts/ltv_2", None).json()
    assert (found["type"], found["fieldType"]) == (kind, form)
    assert (found["label"], found["groupName"]) == ("Life time", "contactinformation")
    assert destination.fields("contacts")["ltv_2"].writable
    destination.create_field("contacts", new)  # there already


def test_an_enumeration_takes_its_choices_from_the_map(destination: Any, desk: Desk) -> None:
    destination.create_field("companies", NewField("tier", "enumeration", "Tier", "VARCHAR", ("gold", "tin")))
    field = destination.fields("companies")["tier"]
    assert (field.kind, field.options, field.many) == ("enumeration", ("gold", "tin"), False)
    with pytest.raises(FatalError, match="the choices of the new field size are not known"):
        destination.create_field("companies", NewField("size", "enumeration", "Size", "VARCHAR"))


def test_a_custom_objects_field_goes_where_its_others_are_or_is_told(
    destination: Any, sandbox: Sandbox, desk: Desk
) -> None:
    destination.create_field("subscriptions", NewField("risk", "", "Risk", "DOUBLE"))
    path = "/crm/properties/2026-09/2-1000001"
    assert api(sandbox, "GET", f"{path}/risk", None).json()["groupName"] == "subscriptionsinformation"
    api(sandbox, "POST", f"{path}/groups", {"name": "scores", "label": "Scores"})
    destination.create_field(
        "subscriptions", NewField("odds", "", "Odds", "DOUBLE"), {"property_group": "scores"}
    )
    assert api(sandbox, "GET", f"{path}/odds", None).json()["groupName"] == "scores"


def test_a_field_that_hubspot_will_not_have_is_told_in_its_words(destination: Any, desk: Desk) -> None:
    with pytest.raises(VendorRefused, match="does not make the field Lead Score of contacts .*lower-case"):
        destination.create_field("contacts", NewField("Lead Score", "", "Lead score", "DOUBLE"))


def test_fields_tell_choices_checkboxes_and_what_has_none(destination: Any, desk: Desk) -> None:
    options = [{"label": word, "value": word, "hidden": word == "c"} for word in "abc"]
    many = {"name": "topics", "type": "enumeration", "fieldType": "checkbox", "options": options}
    desk.call("POST", "records/hubspot/contacts.properties", [many])
    fields = destination.fields("contacts")
    assert (fields["topics"].many, fields["topics"].options) == (True, ("a", "b", "c"))
    assert fields["hubspot_owner_id"].options == ()  # they lie outside of the property
    assert (fields["jobtitle"].options, fields["jobtitle"].many) == ((), False)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({}, "option 'list' is missing"),
        ({"list": "newsletter"}, "'newsletter' is no list's id"),
        ({"list": "1", "batch": 1001}, "batch is out of range"),
        ({"list": "1", "object": "contact"}, "'contact' is no object's name"),
        ({"list": "1", "lst": "2"}, "unknown option 'lst'"),
    ],
)
def test_a_lists_options_are_checked_offline(options: dict[str, Any], wrong: str) -> None:
    assert [what for _, what, _ in check_object(DECLARATION, "list_members", "mirror", options)[1]] == [wrong]


def test_a_lists_number_and_defaults() -> None:
    filled, problems = check_object(DECLARATION, "list_members", "mirror", {"list": 12})
    assert problems == []
    assert filled == {"list": "12", "object": "contacts", "batch": 1000}
