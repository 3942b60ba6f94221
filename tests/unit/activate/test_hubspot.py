"""The three phases against the real connector and the sandbox over HTTP."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.conformance.vendors import Desk, FreeLimiter, utc_now

from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.registry import declaration
from tailrace.project.spec import FieldMap
from tailrace.sandbox.server import Sandbox


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
    house.with_sync(
        fields=(FieldMap("lead_score", "score"), FieldMap("lead_grade", "grade")),
        on_removed=house.sync.on_removed,
    )
    yield house
    connector.close()


def seed(desk, n):
    desk.replace(
        "hubspot", "contacts", [{"id": str(500 + i), "properties": {"email": f"p{i}@x.io"}} for i in range(n)]
    )


def rows(house, n, score="i % 100", more=""):
    house.model(
        f"SELECT i AS contact_id, 'P' || i || '@x.io' AS email, CAST({score} AS BIGINT) AS score, 'A' AS grade{more}"
        f" FROM range({n}) t(i)"
    )


def test_update_idle_change(house, desk):
    seed(desk, 250)
    rows(house, 260)
    first = house.run(in_flight=4)
    assert (first.status, first.counts.updated, first.counts.unmatched) == ("ok", 250, 10)
    assert house.ledger(7)["remote_id"] == "507"
    contacts = {record["id"]: record["properties"] for record in desk.records("hubspot", "contacts")}
    assert contacts["507"]["lead_score"] == "7"
    posts = len(desk.requests("hubspot", "batch/update"))
    assert posts == 3
    house.run()
    assert len(desk.requests("hubspot", "batch/")) == posts
    rows(house, 260, score="CASE WHEN i = 5 THEN 99 ELSE i % 100 END")
    assert house.run().counts.updated == 1
    assert set(desk.writes("hubspot", "contacts").values()) == {1, 2}


def test_row_errors_lost_answers_and_an_outage(house, desk):
    seed(desk, 250)
    rows(house, 250)
    desk.faults(
        {
            "vendor": "hubspot",
            "route": "*batch/update",
            "row_error": {"keys": ["p3@x.io"], "category": "VALIDATION_ERROR", "message": "not this one"},
        },
        {"vendor": "hubspot", "route": "*batch/update", "nth": 2, "lost_answer": True},
    )
    house.run()
    desk.faults()
    house.run()
    assert house.statuses() == {"acked": 249, "dead": 1}
    assert "not this one" in house.ledger(3)["error"]
    writes = desk.writes("hubspot", "contacts")
    assert len(writes) == 249


def test_upsert_clear_archive_and_types(house, desk):
    seed(desk, 0)
    house.with_sync(mode="upsert", on_removed="archive")
    rows(house, 120)
    assert house.run().counts.created == 120
    house.warehouse.execute("DELETE FROM marts.lead_scores WHERE contact_id >= 100")
    house.warehouse.execute("UPDATE marts.lead_scores SET grade = NULL WHERE contact_id = 1")
    house.warehouse.execute("UPDATE marts.lead_scores SET email = 'fresh@x.io' WHERE contact_id = 2")
    result = house.run()
    assert (result.counts.deleted, result.counts.updated) == (20, 2)
    live = {r["id"]: r["properties"] for r in desk.records("hubspot", "contacts") if not r.get("archived")}
    assert len(live) == 100
    assert not live[house.ledger(1)["remote_id"]].get("lead_grade")
    assert live[house.ledger(2)["remote_id"]]["email"] == "fresh@x.io"


def test_if_empty_reads_before_it_writes(house, desk):
    seed(desk, 3)
    desk.save("hubspot", "contacts", {"id": "501", "properties": {"jobtitle": "Chief"}})
    house.with_sync(
        fields=(FieldMap("jobtitle", "title", conflict="if_empty"), FieldMap("lead_score", "money"))
    )
    rows(house, 3, more=", 'Boss' AS title, 12.50::DECIMAL(9,2) AS money")
    house.run()
    titles = {r["id"]: r["properties"]["jobtitle"] for r in desk.records("hubspot", "contacts")}
    assert titles == {"500": "Boss", "501": "Chief", "502": "Boss"}
    scores = {Decimal(r["properties"]["lead_score"]) for r in desk.records("hubspot", "contacts")}
    assert scores == {Decimal("12.5")}
