"""What our destination wrote, read back by HubSpot's own two SDKs: every awkward value exactly as it was sent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import hubspot
import pytest
from hubspot.crm.associations.v4.models import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.contacts import BatchReadInputSimplePublicObjectId
from hubspot.crm.properties import PropertyCreate

from tailrace.connectors.sdk.writing import (
    Link,
    NewField,
    WriteBatch,
    WriteRow,
)
from tailrace.sandbox import Sandbox
from tests.conformance.test_connectors import HUBSPOT
from tests.conformance.test_hubspot_sdk import strict_client
from tests.conformance.vendors import connect

ZONE = dt.timezone(dt.timedelta(hours=5, minutes=45))
TEXTS = [
    '=HYPERLINK("http://x.example";"win")',
    "two\nlines\r\nand\ttabs",
    "'single' \"double\" `back` \\slash\\ \\u0041 {{ not_a_template }}",
    "Zoë 🎈👩‍👩‍👧‍👦 Ω≈ç √∫ 東京 العربية",
    "  blanks around  ",
    "NULL",
    "0012345678901234567890",
    "<script>alert(1)</script> & &amp;",
    "a;b;c",
    "x" * 60_000,
]
TYPED: list[tuple[str, str, Any, str]] = [
    ("an_id", "number", 9_007_199_254_740_993, "9007199254740993"),
    ("an_id", "number", -(2**63), "-9223372036854775808"),
    ("amount_exact", "number", Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
    ("amount_exact", "number", Decimal("1E+3"), "1000"),
    ("amount_exact", "number", 1e-7, "0.0000001"),
    ("amount_exact", "number", 0.1, "0.1"),
    ("a_day", "date", dt.date(1969, 7, 20), "1969-07-20"),
    ("a_day", "date", dt.date(1, 1, 1), "0001-01-01"),
    (
        "a_moment",
        "datetime",
        dt.datetime(1950, 1, 2, 3, 4, 5, 678_000, tzinfo=dt.UTC),
        "1950-01-02T03:04:05.678Z",
    ),
    ("a_moment", "datetime", dt.datetime(2026, 3, 29, 2, 30, tzinfo=ZONE), "2026-03-28T20:45:00.000Z"),
    ("a_moment", "datetime", dt.datetime(2026, 10, 25, 1, 0), "2026-10-25T01:00:00.000Z"),  # noqa: DTZ001
    ("a_flag", "bool", True, "true"),
    ("a_flag", "bool", False, "false"),
]


@pytest.fixture(scope="module")
def running():
    with Sandbox.start(contacts=60, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.house.reset()
    return running


@pytest.fixture
def client(sandbox):
    """hubspot-api-client 12: v3 and v4 paths."""
    return hubspot.HubSpot(access_token="sandbox", host=sandbox.base_url("hubspot"))


@pytest.fixture
def strict(sandbox):
    """hubspot-sdk: 2026-03 paths, every answer validated."""
    return strict_client(sandbox)


@pytest.fixture
def destination(sandbox):
    connector = connect("hubspot", sandbox.base_url("hubspot"), HUBSPOT)
    yield connector.destination()
    connector.close()


def acked(destination, batch):
    results = destination.write(batch)
    assert [(result.outcome, result.reason) for result in results] == [("acked", None)] * len(batch.rows)
    return [result.remote_id for result in results]


def key(number: int) -> str:
    return f"row-{number}@tailrace.example"


def test_texts_arrive_as_they_are(destination, client, strict):
    rows = tuple(WriteRow(str(n), key(n), {"lead_score_reasons": text}) for n, text in enumerate(TEXTS))
    ids = acked(destination, WriteBatch("contacts", "upsert", "email", rows))
    wanted = {record: {"email": key(n), "lead_score_reasons": text} for n, (record, text) in enumerate(zip(ids, TEXTS, strict=True))}  # fmt: skip
    asked = {"inputs": [{"id": key(n)} for n in range(len(TEXTS))], "id_property": "email", "properties": ["email", "lead_score_reasons"]}  # fmt: skip
    found = client.crm.contacts.batch_api.read(
        BatchReadInputSimplePublicObjectId(properties_with_history=[], **asked)
    )
    assert {
        one.id: {name: one.properties[name] for name in wanted[one.id]} for one in found.results
    } == wanted
    again = strict.crm.objects.contacts.batch.get(**asked, properties_with_history=[])
    assert {
        one.id: {name: one.properties[name] for name in wanted[one.id]} for one in again.results
    } == wanted


def test_typed_values_arrive_exactly(destination, client, strict):
    for name, kind in {name: kind for name, kind, _, _ in TYPED}.items():
        destination.create_field("contacts", NewField(name, kind, name, ""))
    rows = tuple(WriteRow(str(n), key(n), {name: value}) for n, (name, _, value, _) in enumerate(TYPED))
    ids = acked(destination, WriteBatch("contacts", "upsert", "email", rows))
    for record, (name, _, _, text) in zip(ids, TYPED, strict=True):
        assert client.crm.contacts.basic_api.get_by_id(record, properties=[name]).properties[name] == text
        assert strict.crm.objects.contacts.get(record, properties=[name]).properties[name] == text
    made = client.crm.properties.core_api.get_by_name("contacts", "a_flag")
    assert (made.type, made.field_type, [option.value for option in made.options]) == (
        "bool",
        "booleancheckbox",
        ["true", "false"],
    )
    assert strict.crm.properties.get("an_id", object_type="contacts").type == "number"


def test_null_clears(destination, client):
    (record,) = acked(
        destination, WriteBatch("contacts", "upsert", "email", (WriteRow("a", key(1), {"jobtitle": "x"}),))
    )
    cleared = WriteRow("a", None, {"jobtitle": None}, record)
    acked(destination, WriteBatch("contacts", "clear", None, (cleared,)))
    assert (
        client.crm.contacts.basic_api.get_by_id(record, properties=["jobtitle"]).properties["jobtitle"]
        is None
    )


def test_companies_deals_and_their_associations(destination, client, strict):
    company = {"name": 'Café "Ü" & Söhne', "domain": "cafe.example", "numberofemployees": 12}
    (company_id,) = acked(
        destination, WriteBatch("companies", "create", None, (WriteRow("c", None, company),))
    )
    deal = {
        "dealname": "Größe 🚀",
        "amount": Decimal("1999.90"),
        "dealstage": "closedlost",
        "pipeline": "default",
    }
    link = Link("companies", "hs_object_id", company_id)
    (deal_id,) = acked(
        destination, WriteBatch("deals", "create", None, (WriteRow("d", None, deal, None, (link,)),))
    )
    (contact_id,) = acked(
        destination,
        WriteBatch("contacts", "upsert", "email", (WriteRow("p", key(1), {"jobtitle": "CFO"}, None, (Link("companies", "domain", "cafe.example", "primary"),)),)),
    )  # fmt: skip
    assert (
        client.crm.companies.basic_api.get_by_id(company_id, properties=["name"]).properties["name"]
        == company["name"]
    )
    shown = strict.crm.objects.deals.get(deal_id, properties=["dealname", "amount"]).properties
    assert (shown["dealname"], shown["amount"]) == ("Größe 🚀", "1999.9")
    found = client.crm.associations.v4.batch_api.get_page(
        "deals", "companies", BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": deal_id}])
    )
    assert [str(to.to_object_id) for one in found.results for to in one.to] == [company_id]
    tied = strict.crm.associations.batch.get(
        "companies", from_object_type="contacts", inputs=[{"id": contact_id}]
    )
    kinds = [
        (kind.type_id, kind.label) for one in tied.results for to in one.to for kind in to.association_types
    ]
    assert kinds == [(1, "Primary"), (279, None)]


def test_a_custom_object(destination, client, strict):
    (one,) = acked(destination, WriteBatch("subscriptions", "create", None, (WriteRow("s", None, {"plan": "team", "seats": 2**53 + 1, "started_on": dt.date(1969, 12, 31), "auto_renews": True}),)))  # fmt: skip
    wanted = {"plan": "team", "seats": "9007199254740993", "started_on": "1969-12-31", "auto_renews": "true"}
    found = client.crm.objects.basic_api.get_by_id("2-1000001", one, properties=list(wanted))
    assert {name: found.properties[name] for name in wanted} == wanted
    again = strict.crm.objects.custom.get(one, object_type="2-1000001", properties=list(wanted))
    assert {name: again.properties[name] for name in wanted} == wanted


def test_members_of_a_list(destination, client, strict):
    made = strict.crm.lists.create(name="Buyers", object_type_id="0-1", processing_type="MANUAL")
    one = made.list.list_id
    rows = tuple(WriteRow(str(n), key(n), {"jobtitle": "x"}) for n in range(3))
    ids = acked(destination, WriteBatch("contacts", "upsert", "email", rows))
    options = {"list": one, "object": "contacts", "batch": 1000}
    members = tuple(WriteRow(str(n), key(n), {}) for n in range(3))
    acked(destination, WriteBatch("list_members", "upsert", "email", members, options))
    acked(destination, WriteBatch("list_members", "archive", "email", members[:1], options))
    assert [member.record_id for member in strict.crm.lists.list_memberships(one).results] == ids[1:]
    assert [
        str(member.record_id) for member in client.crm.lists.memberships_api.get_page(one).results
    ] == ids[1:]
    assert strict.crm.lists.get(one).list.size == 2
    assert client.crm.lists.lists_api.get_by_id(one).list.processing_type == "MANUAL"


def test_the_sdks_change_lists_themselves(client, strict, sandbox):
    made = strict.crm.lists.create(name="Own", object_type_id="0-1", processing_type="MANUAL").list.list_id
    first, second = (one.id for one in client.crm.contacts.basic_api.get_page(limit=2).results)
    added = strict.crm.lists.add_memberships(made, body=[first, "1"])
    assert (added.records_ids_added, added.record_ids_missing) == ([first], ["1"])
    moved = strict.crm.lists.add_and_remove_memberships(
        made, record_ids_to_add=[second], record_ids_to_remove=[first]
    )
    assert (moved.records_ids_added, moved.record_ids_removed) == ([second], [first])
    assert client.crm.lists.memberships_api.remove(made, [second]).record_ids_removed == [second]
    strict.crm.lists.delete_memberships(made)
    assert strict.crm.lists.list_memberships(made).results == []


def test_the_sdks_make_and_read_labels(client, strict):
    made = strict.crm.associations_schema.labels.create_label(
        "companies", from_object_type="contacts", label="Advisor", name="advisor"
    )
    kinds = client.crm.associations.v4.schema.definitions_api.get_all("contacts", "companies").results
    assert [(kind.type_id, kind.label) for kind in kinds] == [
        (1, "Primary"),
        (279, None),
        (made.results[0].type_id, "Advisor"),
    ]


def test_a_field_that_an_sdk_made_is_seen_at_once(destination, client):
    given = PropertyCreate(name="ltv", label="LTV", type="number", field_type="number", group_name="contactinformation", has_unique_value=False)  # fmt: skip
    client.crm.properties.core_api.create("contacts", given)
    assert destination.fields("contacts")["ltv"].writable
