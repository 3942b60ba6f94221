"""HubSpot's other resources against the source's suite, and what only they have to get right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tailrace.connectors.hubspot import DECLARATION
from tailrace.connectors.hubspot.offers import STANDARD
from tailrace.connectors.sdk.base import (
    Backfills,
    Connector,
    Counts,
    Examines,
    Finding,
)
from tailrace.errors import AuthError, FatalError
from tailrace.events import Event, Notice, listening
from tailrace.records import Checkpoint, Page
from tailrace.sandbox.server import Sandbox
from tests.conformance.hubspot import land, live, minted
from tests.conformance.source_suite import SourceSuite
from tests.conformance.test_connectors import HUBSPOT, NOT_HUBSPOT, HubSpotObject
from tests.conformance.vendors import Desk, FreeLimiter, connect, spec

OWN = ("calls", "emails", "meetings", "notes", "tasks", "tickets", "products", "line_items")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=120, limits=False) as sandbox:
        yield sandbox


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


class TestTickets(HubSpotObject):
    resource, field = "tickets", "subject"


class TestTasks(HubSpotObject):
    resource, field = "tasks", "hs_task_subject"
    options = {"properties": ["hs_task_subject", "hs_task_status"]}


class TestACustomObjectByName(HubSpotObject):
    """The path takes its type id, which only the account's schemas tell."""

    resource, field = "subscriptions", "monthly_amount"
    route = "/crm/objects/2026-09/2-1000001*"

    def value(self, row: dict[str, Any]) -> Any:
        return None if row[self.field] is None else float(row[self.field])

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        found = super().expected(desk)
        return {key: None if value is None else float(value) for key, value in found.items()}

    def edit(self, desk: Desk) -> None:
        key = self.first(desk)["id"]
        desk.save("hubspot", self.resource, {"id": key, "properties": {self.field: "1.25"}})


class TestNotesOfContacts(SourceSuite):
    vendor, login, wrong_login = "hubspot", HUBSPOT, NOT_HUBSPOT
    resource, options, route = "notes_contacts", {"batch": 7}, "/crm/associations/*"
    ends: tuple[str, str] = ("notes", "contacts")
    category = "HUBSPOT_DEFINED"

    def links(self, desk: Desk) -> list[dict[str, Any]]:
        every = desk.records("hubspot", "associations")
        return [link for link in every if (link["from_object"], link["to_object"]) == self.ends]

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        keys = ("from_id", "to_id", "type_id")
        return {(*(str(link[key]) for key in keys), self.category): True for link in self.links(desk)}

    def value(self, row: dict[str, Any]) -> Any:
        return True

    def edit(self, desk: Desk) -> None:
        link = self.links(desk)[0]
        linked = {one["to_id"] for one in self.links(desk) if one["from_id"] == link["from_id"]}
        other = next(one["id"] for one in desk.records("hubspot", self.ends[1]) if one["id"] not in linked)
        desk.save("hubspot", "associations", {**link, "to_id": other})

    def remove(self, desk: Desk) -> None:
        link = self.links(desk)[0]
        one, other = self.ends
        desk.remove("hubspot", "associations", f"{one}:{link['from_id']}:{other}:{link['to_id']}")


class TestACustomObjectsAssociations(TestNotesOfContacts):
    resource, ends, category = "2-1000001_contacts", ("subscriptions", "contacts"), "USER_DEFINED"


class TestOwners(SourceSuite):
    vendor, login, wrong_login = "hubspot", HUBSPOT, NOT_HUBSPOT
    resource, route = "owners", "/crm/owners/*"

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {(owner["id"],): owner["lastName"] for owner in desk.records("hubspot", "owners")}

    def value(self, row: dict[str, Any]) -> Any:
        return row["lastName"]

    def edit(self, desk: Desk) -> None:
        owner = desk.records("hubspot", "owners")[0]
        renamed = {name: value for name, value in owner.items() if name != "updatedAt"}
        desk.save("hubspot", "owners", {**renamed, "lastName": "Renamed"})

    def remove(self, desk: Desk) -> None:
        desk.remove("hubspot", "owners", desk.records("hubspot", "owners")[0]["id"])


class TestPropertyDefinitions(SourceSuite):
    vendor, login, wrong_login = "hubspot", HUBSPOT, NOT_HUBSPOT
    resource, route = "properties", "/crm/properties/*"
    options = {"objects": ["contacts", "tickets", "subscriptions"]}

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {
            (obj, found["name"]): found["label"]
            for obj in self.options["objects"]
            for found in desk.records("hubspot", f"{obj}.properties")
        }

    def value(self, row: dict[str, Any]) -> Any:
        return row["label"]

    def edit(self, desk: Desk) -> None:
        found = desk.records("hubspot", "tickets.properties")[0]
        desk.save("hubspot", "tickets.properties", {**found, "label": "Renamed"})

    def remove(self, desk: Desk) -> None:
        desk.remove("hubspot", "contacts.properties", "lead_score_reasons")


class TestPipelines(SourceSuite):
    vendor, login, wrong_login = "hubspot", HUBSPOT, NOT_HUBSPOT
    resource, route = "pipelines", "/crm/pipelines/*"

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {
            (one["objectType"], one["id"], stage["id"]): stage["label"]
            for one in desk.records("hubspot", "pipelines")
            for stage in one["stages"]
        }

    def value(self, row: dict[str, Any]) -> Any:
        return row["label"]

    def deals(self, desk: Desk) -> dict[str, Any]:
        return next(one for one in desk.records("hubspot", "pipelines") if one["objectType"] == "deals")

    def edit(self, desk: Desk) -> None:
        one = self.deals(desk)
        one["stages"][0]["label"] = "Renamed"
        desk.save("hubspot", "pipelines", one)

    def remove(self, desk: Desk) -> None:
        one = self.deals(desk)
        desk.save("hubspot", "pipelines", {**one, "stages": one["stages"][1:]})


@pytest.mark.parametrize("name", OWN)
def test_engagements_and_commerce_follow_people_at_work(name: str, connector: Connector, desk: Desk) -> None:
    landed = land(connector, name)
    assert {key for (key,) in landed.rows} == live(desk, name) != set()
    desk.call("POST", "advance", {"rounds": 3})
    land(connector, name, landed)
    assert {key for (key,) in landed.rows} == live(desk, name)


# ---- what is asked of the account --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["subscription", "p_nothing", "2-77"])
def test_an_object_that_the_account_has_not_is_named(name: str, connector: Connector) -> None:
    with pytest.raises(FatalError, match=f"the account has no object '{name}'") as caught:
        connector.source().schema(spec("hubspot", name))
    if name == "subscription":
        assert caught.value.fix == "did you mean subscriptions?"


def test_a_custom_object_goes_by_three_names(connector: Connector) -> None:
    found = [land(connector, name).rows for name in ("subscriptions", "p62515_subscriptions", "2-1000001")]
    assert found[0] == found[1] == found[2] != {}


def test_every_standard_object_is_declared_with_what_it_needs() -> None:
    declared = {kind.name: kind for kind in DECLARATION.resources}
    needed = {permission.name for permission in DECLARATION.permissions}
    for name in STANDARD:
        assert declared[name].backfill and declared[name].key == ("id",)
        assert declared[name].permissions and set(declared[name].permissions) <= needed
    assert {scope for kind in DECLARATION.resources for scope in kind.permissions} <= needed


def test_definitions_of_what_may_not_be_read_are_left_out(sandbox: Sandbox, desk: Desk) -> None:
    granted = ["crm.schemas.contacts.read", "crm.objects.contacts.read", "crm.schemas.companies.read"]
    connector = connect("hubspot", sandbox.base_url("hubspot"), {"access_token": minted(sandbox, granted)})
    told: list[Event] = []
    with listening(told.append):
        landed = land(connector, "properties")
    assert {key[0] for key in landed.rows} == {
        "contacts",
        "companies",
        "calls",
        "emails",
        "meetings",
        "notes",
        "tasks",
    }
    text = next(event.text for event in told if isinstance(event, Notice))
    assert "the token may not read deals, tickets, products, line_items" in text
    with pytest.raises(AuthError, match="lack a permission"):
        land(connector, "properties", objects=["contacts", "deals"])
    connector.close()


def test_a_permission_that_was_lost_takes_no_definition_away(
    sandbox: Sandbox, desk: Desk, connector: Connector
) -> None:
    landed = land(connector, "properties")
    before = {key for key in landed.rows if key[0] == "tickets"}
    granted = ["crm.schemas.contacts.read", "crm.objects.contacts.read"]
    other = connect("hubspot", sandbox.base_url("hubspot"), {"access_token": minted(sandbox, granted)})
    desk.remove("hubspot", "contacts.properties", "jobtitle")
    land(other, "properties", landed)
    assert before and before <= set(landed.rows)
    assert ("contacts", "jobtitle") not in landed.rows
    other.close()


def test_doctor_hears_what_may_be_read(sandbox: Sandbox, desk: Desk) -> None:
    granted = ["crm.objects.contacts.read", "crm.objects.deals.read", "crm.objects.owners.read"]
    connector = connect("hubspot", sandbox.base_url("hubspot"), {"access_token": minted(sandbox, granted)})
    found = findings(connector)
    assert {name for name, one in found.items() if one.level == "ok"} == {
        *("login", "contacts", "deals", "calls", "meetings", "notes", "tasks", "owners", "daily requests"),
    }
    assert found["tickets"].text == "may not be read: tickets is missing"
    assert found["emails"].text == "may not be read: sales-email-read is missing"
    assert found["companies"].fix == "grant crm.objects.companies.read, or do not land them"
    assert desk.writes("hubspot", "contacts") == {}
    connector.close()


def test_doctor_hears_of_an_oauth_app_what_was_granted(sandbox: Sandbox, desk: Desk) -> None:
    login = {"client_id": "app", "client_secret": "app-secret", "refresh_token": "sandbox"}
    connector = connect("hubspot", sandbox.base_url("hubspot"), login)
    found = findings(connector)
    assert {one.level for one in found.values()} == {"ok"}
    assert found["token"].text.startswith("renewed a minute before its end, now 1")
    assert found["crm.objects.contacts.write"].text == "granted"
    shown = " ".join(f"{one.text} {one.fix}" for one in found.values())
    assert "app-secret" not in shown and "sandbox-" not in shown
    connector.close()


def findings(connector: Connector) -> dict[str, Finding]:
    assert isinstance(connector, Examines)
    return {one.subject: one for one in connector.examine()}


def test_the_days_requests_are_reported(sandbox: Sandbox) -> None:
    with Sandbox.start(contacts=10) as strict:
        limiter = FreeLimiter()
        connector = connect("hubspot", strict.base_url("hubspot"), HUBSPOT, limiter)
        connector.account()
        connector.account()
        land(connector, "owners")
        quota = limiter.quotas["daily requests"]
        assert (quota.limit, quota.remaining) == (650_000, 650_000 - 3)
        connector.close()


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_all_paths_are_of_the_chosen_version(version: str, sandbox: Sandbox, desk: Desk) -> None:
    login = {"client_id": "app", "client_secret": "app-secret", "refresh_token": "sandbox"}
    connector = connect("hubspot", sandbox.base_url("hubspot"), {**login, "api_version": version})
    before = len(desk.requests("hubspot"))
    for name in ("subscriptions", "notes", "notes_contacts", "owners", "properties", "pipelines"):
        assert land(connector, name).rows
    assert {one.level for one in findings(connector).values()} == {"ok"}
    paths = [entry["path"].split("?")[0] for entry in desk.requests("hubspot")[before:]]
    other = {"v4"} if version == "v3" else set()
    assert {part for path in paths for part in path.split("/") if part[:1] == "v" or part[:3] == "202"} == {
        version
    } | other
    connector.close()


# ---- days and counts ---------------------------------------------------------------------------------------


def test_a_range_of_days_is_what_was_modified_in_it(connector: Connector, desk: Desk) -> None:
    source, resource = connector.source(), spec("hubspot", "contacts", {"properties": ["email"]})
    assert isinstance(source, Backfills)
    stamps = {one["id"]: one["updatedAt"][:10] for one in desk.records("hubspot", "contacts")}
    days = sorted(stamps.values())
    first, last = days[len(days) // 4], days[len(days) // 2]
    parts = list(
        source.backfill(
            resource, source.schema(resource), date.fromisoformat(first), date.fromisoformat(last)
        )
    )
    got = [row["id"] for page in parts if isinstance(page, Page) for row in page.rows]
    assert sorted(got) == sorted(key for key, day in stamps.items() if first <= day <= last)
    assert parts[-1] == Checkpoint(None)
    with pytest.raises(FatalError, match="owners: HubSpot has no days for them"):
        source.backfill(spec("hubspot", "owners"), source.schema(resource), date.min, date.max)


@pytest.mark.parametrize("name", ["contacts", "owners", "deals_contacts", "pipelines"])
def test_a_census_names_all_there_is(name: str, connector: Connector, desk: Desk) -> None:
    source, resource = connector.source(), spec("hubspot", name)
    assert isinstance(source, Counts)
    landed = land(connector, name)
    pages = list(source.census(resource, landed.schema))
    keys = [landed.key(row) for page in pages for row in page.rows]
    assert sorted(keys) == sorted(landed.rows)
    if name == "contacts":
        assert {name for page in pages for row in page.rows for name in row} == {"id"}
        truth = {one["id"]: one["updatedAt"] for one in desk.records("hubspot", "contacts")}
        versions = [version for page in pages for version in page.versions or ()]
        assert [truth[key] for (key,) in keys] == versions
