"""HubSpot's associations by key: found before the write, made after it, and only our own taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.writing import Link, WriteBatch, WriteRow
from tailrace.errors import AuthError, FatalError, Unavailable
from tailrace.sandbox.server import Sandbox
from tests.conformance.hubspot import api, minted
from tests.conformance.test_connectors import HUBSPOT
from tests.conformance.vendors import Desk, connect

PLAIN, PRIMARY = 279, 1
PATH = "/crm/associations/2026-09/contacts/companies"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    """Nobody belongs to anybody, and every company has a domain of its own."""
    desk = Desk(sandbox)
    desk.replace("hubspot", "associations", [])
    for number, one in enumerate(desk.records("hubspot", "companies")):
        desk.save("hubspot", "companies", {"id": one["id"], "properties": {"domain": f"c{number}.example"}})
    yield desk
    desk.reset()


@pytest.fixture(params=["2026-09", "v3"])
def connector(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Connector]:
    connector = connect("hubspot", sandbox.base_url("hubspot"), {**HUBSPOT, "api_version": request.param})
    yield connector
    connector.close()


@pytest.fixture
def destination(connector: Connector, desk: Desk) -> Any:
    return connector.destination()


def ids(desk: Desk, obj: str, most: int) -> list[str]:
    return [one["id"] for one in desk.records("hubspot", obj) if not one["archived"]][:most]


def to_company(key: str | None, label: str = "", before: str | None = None, match: str = "domain") -> Link:
    return Link("companies", match, key, label, before)


def row(contact: str, *links: Link, **values: Any) -> WriteRow:
    return WriteRow(f"t-{contact}", None, values or {"jobtitle": "x"}, contact, links)


def write(destination: Any, *rows: WriteRow, operation: Any = "update") -> list[tuple[str, str | None]]:
    results = destination.write(WriteBatch("contacts", operation, None, rows))
    assert [result.trace for result in results] == [one.trace for one in rows]
    return [(result.outcome, result.field) for result in results]


def links(desk: Desk) -> set[tuple[str, str, int]]:
    """From contacts to companies."""
    return {
        (one["from_id"], one["to_id"], one["type_id"])
        for one in desk.records("hubspot", "associations")
        if (one["from_object"], one["to_object"]) == ("contacts", "companies")
    }


def asked(desk: Desk, since: int) -> list[str]:
    return [one["path"].partition("/crm/")[2] for one in desk.requests("hubspot")][since:]


def test_a_batch_is_tied_in_one_request_and_a_company_is_looked_up_once(destination: Any, desk: Desk) -> None:
    contacts, companies = ids(desk, "contacts", 100), ids(desk, "companies", 2)
    before = len(desk.requests("hubspot"))
    rows = [row(one, to_company(f"C{number % 2}.example")) for number, one in enumerate(contacts)]
    assert write(destination, *rows) == [("acked", None)] * 100
    assert links(desk) == {(one, companies[number % 2], PLAIN) for number, one in enumerate(contacts)}
    verbs = [path.split("/")[-1] for path in asked(desk, before)]
    assert verbs == ["companies", "search", "update", "default"]  # properties of companies, then three
    assert write(destination, *rows) == [("acked", None)] * 100
    assert [path.split("/")[-1] for path in asked(desk, before)][4:] == ["update", "default"]


def test_a_record_id_and_a_unique_property_need_no_search(destination: Any, desk: Desk) -> None:
    one, other = ids(desk, "contacts", 2)
    company, before = ids(desk, "companies", 1)[0], len(desk.requests("hubspot"))
    assert write(destination, row(one, to_company(company, match="hs_object_id"))) == [("acked", None)]
    unique = {"name": "vat", "type": "string", "hasUniqueValue": True}
    desk.call("POST", "records/hubspot/companies.properties", [unique])
    desk.save("hubspot", "companies", {"id": company, "properties": {"vat": "DE1"}})
    assert write(destination, row(other, to_company("de1", match="vat"))) == [("acked", None)]
    assert links(desk) == {(one, company, PLAIN), (other, company, PLAIN)}
    assert not [path for path in asked(desk, before) if path.endswith("search")]
    assert len([path for path in asked(desk, before) if path.endswith("companies/batch/read")]) == 2


def test_a_row_whose_company_is_not_there_waits_whole(destination: Any, desk: Desk) -> None:
    one, other = ids(desk, "contacts", 2)
    results = destination.write(
        WriteBatch(
            "contacts",
            "update",
            None,
            (row(one, to_company("nowhere.example"), jobtitle="new"), row(other, to_company("c0.example"))),
        )
    )
    assert [result.outcome for result in results] == ["unmatched", "acked"]
    assert results[0].reason == "HubSpot has no companies with domain=nowhere.example yet"
    assert results[0].field == "associations.companies"
    assert desk.writes("hubspot", "contacts") == {other: 1}
    company = ids(desk, "companies", 2)[1]
    desk.save("hubspot", "companies", {"id": company, "properties": {"domain": "Nowhere.example"}})
    assert write(destination, row(one, to_company("nowhere.example"))) == [("acked", None)]
    assert (one, company, PLAIN) in links(desk)


def test_a_key_that_several_have_is_no_key(destination: Any, desk: Desk) -> None:
    (contact,) = ids(desk, "contacts", 1)
    twins = ids(desk, "companies", 2)
    for one in twins:
        desk.save("hubspot", "companies", {"id": one, "properties": {"domain": "twin.example"}})
    results = destination.write(
        WriteBatch("contacts", "update", None, (row(contact, to_company("twin.example")),))
    )
    assert [(result.outcome, result.field) for result in results] == [("dead", "associations.companies")]
    assert results[0].reason == f"2 companies have domain=twin.example: {', '.join(twins)}"
    assert desk.writes("hubspot", "contacts") == {}


def test_a_changed_key_takes_out_what_we_made_and_nothing_else(destination: Any, desk: Desk) -> None:
    (contact,) = ids(desk, "contacts", 1)
    ours, new, peoples = ids(desk, "companies", 3)
    assert write(destination, row(contact, to_company("c0.example"))) == [("acked", None)]
    by_people = {"from_object": "contacts", "from_id": contact, "to_object": "companies", "to_id": peoples}
    desk.save("hubspot", "associations", {**by_people, "type_id": PRIMARY})
    moved = row(contact, to_company("c1.example", before="c0.example"))
    assert write(destination, moved) == [("acked", None)]
    assert links(desk) == {(contact, new, PLAIN), (contact, peoples, PRIMARY), (contact, peoples, PLAIN)}
    assert write(destination, moved) == [("acked", None)]  # again, as after a lost answer
    assert write(destination, row(contact, to_company(None, before="c1.example"))) == [("acked", None)]
    assert {to for _, to, _ in links(desk)} == {peoples}
    assert ours not in {to for _, to, _ in links(desk)}


def test_what_was_accepted_before_is_not_made_again(destination: Any, desk: Desk) -> None:
    one = ids(desk, "contacts", 1)[0]
    before = len(desk.requests("hubspot", "associations"))
    assert write(destination, row(one, to_company("C0.example", before="c0.example"))) == [("acked", None)]
    assert len(desk.requests("hubspot", "associations")) == before
    assert links(desk) == set()  # a person took it out since, and that stays


def test_no_key_and_none_before_asks_for_nothing(destination: Any, desk: Desk) -> None:
    one = ids(desk, "contacts", 1)[0]
    before = len(desk.requests("hubspot"))
    assert write(destination, row(one, to_company(None))) == [("acked", None)]
    assert len(desk.requests("hubspot")) - before == 1


def test_an_association_that_a_person_labelled_since_stays(
    destination: Any, desk: Desk, sandbox: Sandbox
) -> None:
    (contact,), (old, new) = ids(desk, "contacts", 1), ids(desk, "companies", 2)
    kind = labelled(sandbox, "Advisor")
    assert write(destination, row(contact, to_company("c0.example"))) == [("acked", None)]
    theirs = {"from_object": "contacts", "from_id": contact, "to_object": "companies", "to_id": old}
    desk.save("hubspot", "associations", {**theirs, "type_id": kind})
    assert write(destination, row(contact, to_company("c1.example", before="c0.example"))) == [
        ("acked", None)
    ]
    assert links(desk) == {(contact, old, PLAIN), (contact, old, kind), (contact, new, PLAIN)}


def labelled(sandbox: Sandbox, label: str) -> int:
    made = api(sandbox, "POST", f"{PATH}/labels", {"label": label, "name": label.lower()})
    kind: int = made.json()["results"][0]["typeId"]
    return kind


def test_primary_moves_and_hubspot_keeps_the_plain_one(destination: Any, desk: Desk) -> None:
    (contact,), (old, new) = ids(desk, "contacts", 1), ids(desk, "companies", 2)
    assert write(destination, row(contact, to_company("c0.example", "primary"))) == [("acked", None)]
    assert links(desk) == {(contact, old, PLAIN), (contact, old, PRIMARY)}
    moved = row(contact, to_company("c1.example", "Primary", "c0.example"))
    assert write(destination, moved) == [("acked", None)]
    assert links(desk) == {(contact, old, PLAIN), (contact, new, PLAIN), (contact, new, PRIMARY)}
    assert write(destination, row(contact, to_company(None, "primary", "c1.example"))) == [("acked", None)]
    assert links(desk) == {(contact, old, PLAIN), (contact, new, PLAIN)}


def test_a_label_of_the_account_goes_and_comes_alone(destination: Any, desk: Desk, sandbox: Sandbox) -> None:
    (contact,), (old, new) = ids(desk, "contacts", 1), ids(desk, "companies", 2)
    kind = labelled(sandbox, "Billing contact")
    assert write(destination, row(contact, to_company("c0.example", "billing contact"))) == [("acked", None)]
    assert (contact, old, kind) in links(desk)
    moved = row(contact, to_company("c1.example", "Billing contact", "c0.example"))
    assert write(destination, moved) == [("acked", None)]
    assert links(desk) == {(contact, old, PLAIN), (contact, new, PLAIN), (contact, new, kind)}


def test_a_label_that_is_not_there_ends_the_sync_before_a_write(
    destination: Any, desk: Desk, sandbox: Sandbox
) -> None:
    labelled(sandbox, "Advisor")
    one = ids(desk, "contacts", 1)[0]
    with pytest.raises(
        FatalError, match="no association label 'Adviser' from contacts to companies"
    ) as caught:
        write(destination, row(one, to_company("c0.example", "Adviser")))
    assert caught.value.fix == "did you mean Advisor?"
    assert desk.writes("hubspot", "contacts") == {}


def test_a_property_that_companies_lack_ends_the_sync_before_a_write(destination: Any, desk: Desk) -> None:
    one = ids(desk, "contacts", 1)[0]
    with pytest.raises(FatalError, match="companies of hubspot have no field domian") as caught:
        write(destination, row(one, to_company("c0.example", match="domian")))
    assert caught.value.fix == "did you mean domain?"
    assert desk.writes("hubspot", "contacts") == {}


def test_a_new_record_brings_its_associations_along(destination: Any, desk: Desk) -> None:
    company = ids(desk, "companies", 1)[0]
    rows = tuple(
        WriteRow(name, f"{name}@new.example", {"jobtitle": name}, None, (to_company(key),))
        for name, key in (("a", "c0.example"), ("b", None), ("c", "nowhere.example"))
    )
    before = len(desk.requests("hubspot", "associations"))
    results = destination.write(WriteBatch("contacts", "create", "email", rows))
    assert [result.outcome for result in results] == ["acked", "acked", "unmatched"]
    assert links(desk) == {(results[0].remote_id, company, PLAIN)}
    assert [one["path"].split("/")[-1] for one in desk.requests("hubspot", "associations")][before:] == [
        "labels"
    ]
    emails = {one["properties"].get("email") for one in desk.records("hubspot", "contacts")}
    assert {"a@new.example", "b@new.example"} <= emails
    assert "c@new.example" not in emails


def test_an_upsert_ties_known_and_new_records(destination: Any, desk: Desk) -> None:
    known = next(one for one in desk.records("hubspot", "contacts") if one["properties"].get("email"))
    email, company = known["properties"]["email"], ids(desk, "companies", 1)[0]
    rows = tuple(
        WriteRow(key, key, {"jobtitle": "x"}, None, (to_company("c0.example", before="c0.example"),))
        for key in (email, "new@new.example")
    )
    results = destination.write(WriteBatch("contacts", "upsert", "email", rows))
    assert [result.outcome for result in results] == ["acked", "acked"]
    # whether the record is new is not known beforehand: what was accepted may have been of one that is gone
    assert links(desk) == {(result.remote_id, company, PLAIN) for result in results}


def test_an_association_that_is_refused_leaves_its_row_unaccepted(
    destination: Any, desk: Desk, sandbox: Sandbox
) -> None:
    one, other = ids(desk, "contacts", 2)
    gone = ids(desk, "companies", 1)[0]
    rows = (row(one, to_company("c0.example")), row(other, to_company("c1.example")))
    assert write(destination, *rows) == [("acked", None)] * 2  # now both companies are known to it
    desk.replace("hubspot", "associations", [])
    desk.remove("hubspot", "companies", gone)
    results = destination.write(WriteBatch("contacts", "update", None, rows))
    assert [(result.outcome, result.field) for result in results] == [
        ("dead", "associations.companies"),
        ("acked", None),
    ]
    assert results[0].reason == f"Company {gone} does not exist"
    assert results[0].remote_id == one
    assert {to for _, to, _ in links(desk)} == {ids(desk, "companies", 1)[0]}
    assert write(destination, *rows) == [("unmatched", "associations.companies"), ("acked", None)]


@pytest.mark.parametrize("status", [400, 404])
def test_a_batch_of_associations_that_is_refused_whole_is_halved(
    destination: Any, desk: Desk, status: int
) -> None:
    contacts = ids(desk, "contacts", 4)
    body = '{"status":"error","category":"VALIDATION_ERROR","message":"one of them is not to be"}'
    refusal = {"status": status, "headers": {"content-type": "application/json"}, "body": body}
    desk.faults({"vendor": "hubspot", "route": "*/batch/associate/default", "nth": [1, 2, 3], **refusal})
    found = write(destination, *(row(one, to_company("c0.example")) for one in contacts))
    assert found == [("dead", "associations.companies"), *[("acked", None)] * 3]
    assert {one for one, _, _ in links(desk)} == set(contacts[1:])


def test_an_association_of_which_nothing_is_said_is_unknown(destination: Any, desk: Desk) -> None:
    one = ids(desk, "contacts", 1)[0]
    answer = {
        "status": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"status": "COMPLETE"}',
    }
    desk.faults({"vendor": "hubspot", "route": "*/batch/associate/default", **answer})
    results = destination.write(WriteBatch("contacts", "update", None, (row(one, to_company("c0.example")),)))
    assert [(result.outcome, result.reason) for result in results] == [
        ("unknown", "HubSpot's answer says nothing of the association")
    ]


def test_an_association_whose_answer_is_lost_is_made_again(destination: Any, desk: Desk) -> None:
    (contact,), (company,) = ids(desk, "contacts", 1), ids(desk, "companies", 1)
    desk.faults({"vendor": "hubspot", "route": "*/batch/associate/default", "nth": 1, "lost_answer": True})
    assert write(destination, row(contact, to_company("c0.example"))) == [("acked", None)]
    assert links(desk) == {(contact, company, PLAIN)}


def test_a_vendor_that_fails_between_record_and_association_leaves_the_batch_open(
    destination: Any, desk: Desk
) -> None:
    one = ids(desk, "contacts", 1)[0]
    desk.faults({"vendor": "hubspot", "route": "*/batch/associate/default", "status": 503})
    with pytest.raises(Unavailable):
        write(destination, row(one, to_company("c0.example")))


def test_without_the_right_to_associate_the_sync_ends(sandbox: Sandbox, desk: Desk) -> None:
    scopes = ["crm.objects.contacts.write", "crm.objects.companies.read", "crm.schemas.companies.read"]
    login: Mapping[str, Any] = {"access_token": minted(sandbox, scopes)}
    connector = connect("hubspot", sandbox.base_url("hubspot"), login)
    with pytest.raises(AuthError, match="403"):
        write(connector.destination(), row(ids(desk, "contacts", 1)[0], to_company("c0.example")))
    connector.close()


def test_custom_objects_are_tied_by_their_bare_names(destination: Any, desk: Desk) -> None:
    contact = next(one for one in desk.records("hubspot", "contacts") if one["properties"].get("email"))
    subscription = ids(desk, "subscriptions", 1)[0]
    link = Link("contacts", "email", contact["properties"]["email"].upper())
    rows = (WriteRow("a", None, {"seats": 3}, subscription, (link,)),)
    results = destination.write(WriteBatch("subscriptions", "update", None, rows))
    assert [result.outcome for result in results] == ["acked"]
    back = Link("subscriptions", "hs_object_id", subscription)
    assert write(destination, row(contact["id"], back)) == [("acked", None)]
    found = {
        (one["from_object"], one["from_id"], one["to_id"]) for one in desk.records("hubspot", "associations")
    }
    assert ("subscriptions", subscription, contact["id"]) in found


def test_archiving_and_clearing_ask_for_no_association(destination: Any, desk: Desk) -> None:
    one, other = ids(desk, "contacts", 2)
    before = len(desk.requests("hubspot"))
    assert write(destination, row(one, to_company("nowhere.example")), operation="archive") == [
        ("acked", None)
    ]
    cleared = WriteRow("c", None, {"jobtitle": None}, other, (to_company("nowhere.example"),))
    assert write(destination, cleared, operation="clear") == [("acked", None)]
    assert len(desk.requests("hubspot")) - before == 2
