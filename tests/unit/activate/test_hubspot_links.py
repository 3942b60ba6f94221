"""Associations and lists of a whole sync, against the real connector and the sandbox over HTTP."""

from __future__ import annotations

import pytest
from tests.conformance.vendors import Desk, FreeLimiter, utc_now

from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.options import check_object, object_type
from tailrace.connectors.sdk.registry import declaration
from tailrace.project.spec import Association, FieldMap
from tailrace.sandbox.server import Sandbox

PLAIN = 279


@pytest.fixture(scope="module")
def desk():
    with Sandbox.start(contacts=0, limits=False) as sandbox:
        yield Desk(sandbox)


@pytest.fixture
def house(house, desk):
    desk.reset()
    contacts = [{"id": str(500 + i), "properties": {"email": f"p{i}@x.io"}} for i in range(150)]
    companies = [{"id": str(900 + i), "properties": {"domain": f"c{i}.io"}} for i in range(3)]
    desk.replace("hubspot", "contacts", contacts)
    desk.replace("hubspot", "companies", companies)
    declared = declaration("hubspot")
    options = {"access_token": "sandbox", "base_url": desk.sandbox.base_url("hubspot"), "rate_limit": "off"}
    connector = declared.open(options, Context("hubspot", FreeLimiter(), utc_now))
    house.crm = connector.destination()
    house.account = connector.account()
    yield house
    connector.close()


def writing(house, obj, **changes):
    declared = declaration("hubspot")
    house.obj = object_type(declared, obj)
    filled, problems = check_object(declared, obj, "update", changes.pop("options", {}))
    assert problems == []
    house.with_sync(object=obj, options=filled, **changes)


def tied(desk):
    """Company by contact."""
    return {
        (one["from_id"], one["to_id"])
        for one in desk.records("hubspot", "associations")
        if (one["from_object"], one["to_object"]) == ("contacts", "companies")
    }


def people(house, n, domain="'c' || (i % 2) || '.io'", score="1"):
    house.model(
        f"SELECT i AS contact_id, 'p' || i || '@x.io' AS email, CAST({score} AS BIGINT) AS score, {domain} AS domain"
        f" FROM range({n}) t(i)"
    )


def test_an_association_is_a_value_of_its_row(house, desk):
    writing(
        house,
        "contacts",
        fields=(FieldMap("lead_score", "score"),),
        associations=(Association("companies", "domain", "domain"),),
    )
    people(house, 150)
    assert house.run(in_flight=2).counts.updated == 150
    assert tied(desk) == {(str(500 + i), str(900 + i % 2)) for i in range(150)}
    before = len(desk.requests("hubspot"))
    assert house.run().counts.to_send == 0
    assert len(desk.requests("hubspot")) == before

    # one moves, one leaves, one names a company that is not there, one changes only its score
    moves = (
        "CASE i WHEN 0 THEN 'c2.io' WHEN 1 THEN NULL WHEN 2 THEN 'late.io' ELSE 'c' || (i % 2) || '.io' END"
    )
    people(house, 150, moves, "CASE WHEN i = 3 THEN 2 ELSE 1 END")
    counts = house.run().counts
    assert (counts.updated, counts.unmatched) == (3, 1)
    wanted = {(str(500 + i), str(900 + i % 2)) for i in range(2, 150)} | {("500", "902")}
    assert tied(desk) == wanted
    assert house.ledger(2)["error"] == "HubSpot has no companies with domain=late.io yet"
    assert desk.writes("hubspot", "contacts")["502"] == 1

    desk.save("hubspot", "companies", {"id": "999", "properties": {"domain": "late.io"}})
    people(house, 150, moves, "CASE WHEN i IN (2, 3) THEN 2 ELSE 1 END")
    house.run()
    assert tied(desk) == (wanted - {("502", "900")}) | {("502", "999")}
    assert set(house.statuses()) == {"acked"}


def test_a_record_written_without_its_association_goes_back_with_the_model(house, desk):
    writing(
        house,
        "contacts",
        fields=(FieldMap("lead_score", "score"),),
        associations=(Association("companies", "domain", "domain"),),
    )

    def record():
        return next(one for one in desk.records("hubspot", "contacts") if one["id"] == "500")["properties"]

    people(house, 1)
    house.run()
    refused = {"status": "error", "category": "VALIDATION_ERROR", "message": "limit of associations reached"}
    desk.faults(
        {"vendor": "hubspot", "status": 400, "body": refused, "route": "/crm/associations/*/associate/*"}
    )
    people(house, 1, "'c2.io'", "2")
    house.run()
    assert (house.ledger(0)["status"], record()["lead_score"]) == ("dead", "2")
    desk.faults()
    people(house, 1)
    house.run()
    assert (house.ledger(0)["status"], record()["lead_score"]) == ("acked", "1")


def test_people_keep_what_they_associated(house, desk):
    writing(
        house,
        "contacts",
        fields=(FieldMap("lead_score", "score"),),
        associations=(Association("companies", "domain", "domain"),),
    )
    desk.save(
        "hubspot",
        "associations",
        {
            "from_object": "contacts",
            "from_id": "500",
            "to_object": "companies",
            "to_id": "902",
            "type_id": PLAIN,
        },
    )
    people(house, 1)
    house.run()
    people(house, 1, "'c1.io'")
    house.run()
    assert tied(desk) == {("500", "901"), ("500", "902")}


def test_a_list_follows_the_model(house, desk):
    writing(
        house,
        "list_members",
        mode="mirror",
        fields=(),
        on_removed="archive",
        options={"list": "1"},
    )

    def members():
        return {int(one["recordId"]) - 500 for one in desk.records("hubspot", "list_members")}

    people(house, 152)
    counts = house.run().counts
    assert (counts.created + counts.updated, counts.unmatched) == (150, 2)
    assert members() == set(range(150))
    before = len(desk.requests("hubspot"))
    assert house.run().counts.to_send == 0
    assert len(desk.requests("hubspot")) == before
    people(house, 100)
    house.warehouse.execute("UPDATE marts.lead_scores SET email = 'p120@x.io' WHERE contact_id = 7")
    house.warehouse.execute("DELETE FROM marts.lead_scores WHERE contact_id = 9")
    house.run()
    assert members() == (set(range(100)) | {120}) - {7, 9}


def test_a_known_record_that_waits_for_its_company_is_never_made_twice(house, desk):
    writing(
        house,
        "contacts",
        mode="upsert",
        fields=(FieldMap("lead_score", "score"),),
        associations=(Association("companies", "domain", "domain"),),
    )
    people(house, 2)
    house.run()
    people(house, 2, "CASE i WHEN 0 THEN 'late.io' ELSE 'c1.io' END")
    house.warehouse.execute("UPDATE marts.lead_scores SET email = 'new@x.io' WHERE contact_id = 0")
    house.run()
    known = house.ledger(0)
    assert (known["status"], known["remote_id"]) == ("unmatched", "500")
    assert known["error"] == "HubSpot has no companies with domain=late.io yet"
    desk.save("hubspot", "companies", {"id": "999", "properties": {"domain": "late.io"}})
    house.warehouse.execute("UPDATE marts.lead_scores SET score = 5 WHERE contact_id = 0")
    house.run()
    assert house.statuses() == {"acked": 2}
    contacts = {one["id"]: one["properties"] for one in desk.records("hubspot", "contacts")}
    assert len(contacts) == 150
    assert contacts["500"]["lead_score"] == "5"
    assert tied(desk) == {("500", "999"), ("501", "901")}
