"""Whole runs against HubSpot where an answer, or a refusal, could make a sync write over somebody else's work."""

from __future__ import annotations

import json

import pytest
from tests.conformance.vendors import Desk, FreeLimiter, utc_now
from tests.unit.activate.test_hubspot import rows, seed

from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.registry import declaration
from tailrace.project.spec import FieldMap
from tailrace.sandbox.server import Sandbox

FAILED = {"status": "error", "category": "INTERNAL_ERROR", "message": "There was a problem, try again"}


@pytest.fixture(scope="module")
def desk():
    with Sandbox.start(contacts=0, limits=False) as sandbox:
        yield Desk(sandbox)


@pytest.fixture
def house(house, desk):
    desk.reset()
    declared = declaration("hubspot")
    options = {"access_token": "sandbox", "base_url": desk.sandbox.base_url("hubspot"), "rate_limit": "off"}
    connector = declared.open(options, Context("hubspot", FreeLimiter(), utc_now))
    house.crm = connector.destination()
    house.obj = next(each for each in declared.objects if each.name == "contacts")
    house.account = connector.account()
    yield house
    connector.close()


def silent(status, **more):
    return {
        "vendor": "hubspot",
        "route": "*batch/read",
        "probability": 1,
        "status": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"status": "COMPLETE", "results": [], **more}),
    }


READS = [silent(207, numErrors=1, errors=[FAILED]), silent(200)]


def contacts(desk):
    return {record["id"]: record for record in desk.records("hubspot", "contacts")}


@pytest.mark.parametrize("fault", READS)
def test_a_person_s_edit_outlives_a_read_that_says_nothing(house, desk, fault):
    seed(desk, 2)
    house.with_sync(fields=(FieldMap("jobtitle", "title", conflict="theirs"),))
    rows(house, 2, more=", 'Boss' AS title")
    house.run()
    desk.save("hubspot", "contacts", {"id": "501", "properties": {"jobtitle": "typed by a person"}})
    house.warehouse.execute("UPDATE marts.lead_scores SET title = 'New'")
    desk.faults(fault)
    stopped = house.run()
    assert (stopped.status, stopped.counts.pending) == ("failed", 2)
    assert contacts(desk)["501"]["properties"]["jobtitle"] == "typed by a person"
    desk.faults()
    house.run()
    titles = {key: record["properties"]["jobtitle"] for key, record in contacts(desk).items()}
    assert titles == {"500": "New", "501": "typed by a person"}


@pytest.mark.parametrize("fault", READS)
def test_a_lost_create_is_not_repeated_on_a_look_up_that_says_nothing(house, desk, fault):
    house.with_sync(mode="insert", fields=(FieldMap("lead_score", "score"),))
    desk.replace("hubspot", "contacts", [])
    rows(house, 3)
    before = len(desk.requests("hubspot", "batch/create"))
    desk.faults(
        {"vendor": "hubspot", "route": "*contacts/batch/create", "probability": 1, "lost_answer": True}
    )
    assert house.run().counts.unknown == 3
    desk.faults(fault)
    assert house.run().counts.unknown == 3
    assert len(desk.requests("hubspot", "batch/create")) == before + 1
    desk.faults()
    house.run()
    assert (len(desk.requests("hubspot", "batch/create")), len(contacts(desk))) == (before + 1, 3)


def test_a_mistyped_e_mail_that_is_somebody_else_s_does_not_lead_to_that_person(house, desk):
    seed(desk, 3)
    house.with_sync(mode="upsert", fields=(FieldMap("lead_score", "score"),))
    rows(house, 2)
    house.run()
    house.warehouse.execute("UPDATE marts.lead_scores SET email='p2@x.io', score=77 WHERE contact_id=1")
    assert house.run().counts.dead == 1
    house.warehouse.execute("UPDATE marts.lead_scores SET email='jane.new@x.io' WHERE contact_id=1")
    house.run()
    found = {
        key: (each["properties"]["email"], each["properties"].get("lead_score"))
        for key, each in contacts(desk).items()
    }
    assert found == {"500": ("p0@x.io", "0"), "501": ("jane.new@x.io", "77"), "502": ("p2@x.io", None)}
