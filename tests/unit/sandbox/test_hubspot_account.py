"""HubSpot's account beside contacts: what is generated, how records end and come back, names, scopes, the index's lag."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.hubspot import HubSpot
from tailrace.sandbox.hubspot.kinds import DEFAULT_TYPE, INVERSE, KINDS_OF
from tailrace.sandbox.hubspot.world import make_account
from tailrace.sandbox.vendor import Settings
from tailrace.sandbox.wire import Request
from tailrace.sandbox.world import make_world

TODAY = date(2026, 6, 1)
BASE = "/crm/objects/2026-09"


class Account:
    """A fake of 100 contacts whose clock stands where the test puts it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, 12, tzinfo=UTC)
        self.fake = HubSpot(
            make_world(7, 100, TODAY), Clock(lambda: self.now), Settings(limits=False, today=TODAY)
        )

    def ask(self, method: str, path: str, document: Any = None, token: str = "sandbox") -> tuple[int, Any]:
        path, _, query = path.partition("?")
        pairs = tuple(tuple(pair.split("=", 1)) for pair in query.split("&")) if query else ()
        body = b"" if document is None else orjson.dumps(document)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        response = self.fake.handle(Request(method, path, pairs, headers, body))
        return response.status, orjson.loads(response.body) if response.body else None

    def listed(self, obj: str, archived: bool = False) -> list[str]:
        flag = "&archived=true" if archived else ""
        return [one["id"] for one in self.ask("GET", f"{BASE}/{obj}?limit=100{flag}")[1]["results"]]

    def found(self, obj: str) -> list[str]:
        body = {"filterGroups": [], "limit": 200}
        return [one["id"] for one in self.ask("POST", f"{BASE}/{obj}/search", body)[1]["results"]]


@pytest.fixture
def account() -> Account:
    return Account()


def test_the_same_seed_gives_the_same_account():
    def made(seed: int) -> Any:
        world = make_world(seed, 200, TODAY)
        return make_account(seed, TODAY, world.hubspot, world.hubspot_associations)

    assert made(7) == made(7) != made(8)
    assert all(made(7).objects.values())


def test_an_empty_world_has_an_empty_account():
    found = make_account(7, TODAY, {"contacts": [], "owners": []}, [])
    assert not any(found.objects.values()) and found.associations == [] and found.former_owners == []


def test_people_and_companies_of_the_account_are_the_worlds():
    world = make_world(7, 200, TODAY)
    found = make_account(7, TODAY, world.hubspot, world.hubspot_associations)
    ids = {obj: {one["id"] for one in records} for obj, records in (world.hubspot | found.objects).items()}
    assert found.associations
    for one, one_id, other, other_id, kind in found.associations:
        assert one_id in ids[one] and other_id in ids[other]
        assert kind == DEFAULT_TYPE[one, other]
    emails = {one["properties"].get("email") for one in world.hubspot["contacts"]}
    sent_to = {one["properties"].get("hs_email_to_email") for one in found.objects["emails"]} - {None}
    assert sent_to and sent_to <= emails


def test_every_association_type_has_its_way_back():
    for (one, other), kinds in KINDS_OF.items():
        assert sorted(INVERSE[kind] for kind in kinds) == sorted(KINDS_OF[other, one])
    numbers = [kind for kinds in KINDS_OF.values() for kind in kinds]
    assert len(numbers) == len(set(numbers))


def test_reset_brings_the_whole_account_back(account):
    names = [name for name in account.fake.objects() if name != "associations"]
    before = {name: account.fake.records(name) for name in names}
    account.fake.advance(random.Random(1), 0)
    assert {name for name in names if account.fake.records(name) != before[name]} >= {
        "notes",
        "tasks",
        "tickets",
    }
    account.fake.reset()
    assert {name: account.fake.records(name) for name in names} == before


def test_a_merged_record_is_nowhere_and_its_links_are_the_winners(account):
    _, winner, loser, *_ = account.listed("contacts")
    notes = account.listed("notes")
    read = {"inputs": [{"id": key} for key in notes]}
    path = "/crm/associations/2026-09/notes/contacts/batch/read"

    def linked() -> set[tuple[str, str]]:
        found = account.ask("POST", path, read)[1]["results"]
        return {(one["from"]["id"], to["toObjectId"]) for one in found for to in one["to"]}

    before = linked()
    body = {"primaryObjectId": winner, "objectIdToMerge": loser}
    assert account.ask("POST", f"{BASE}/contacts/merge", body)[0] == 200
    assert loser not in account.listed("contacts") + account.listed("contacts", archived=True)
    assert account.ask("GET", f"{BASE}/contacts/{loser}")[0] == 404
    shown = account.ask("GET", f"{BASE}/contacts/{winner}?properties=hs_merged_object_ids")[1]
    assert shown["properties"]["hs_merged_object_ids"] == loser
    assert linked() == {(note, winner if key == loser else key) for note, key in before}


@pytest.mark.parametrize("obj", ["companies", "deals", "tickets"])
def test_every_merge_is_told_by_the_winner(account, obj):
    winner, loser, *_ = account.listed(obj)
    body = {"primaryObjectId": winner, "objectIdToMerge": loser}
    assert account.ask("POST", f"{BASE}/{obj}/merge", body)[0] == 200
    shown = account.ask("GET", f"{BASE}/{obj}/{winner}?properties=hs_merged_object_ids")[1]
    assert shown["properties"]["hs_merged_object_ids"] == loser


def test_a_restored_record_has_the_times_it_had(account):
    key = account.listed("contacts")[0]
    before = next(one for one in account.fake.records("contacts") if one["id"] == key)
    assert account.fake.remove("contacts", key)
    assert account.listed("contacts", archived=True) == [key]
    account.fake.upsert("contacts", [{"id": key, "properties": {}}])
    assert account.listed("contacts", archived=True) == []
    assert next(one for one in account.fake.records("contacts") if one["id"] == key) == before


def test_search_sees_a_change_when_its_lag_is_over(account):
    account.fake.search_lag = 60.0
    made = account.ask("POST", f"{BASE}/notes", {"properties": {"hs_note_body": "new"}})[1]["id"]
    assert made in account.listed("notes")
    assert made not in account.found("notes")
    account.now += timedelta(seconds=61)
    assert made in account.found("notes")


def test_pipelines_are_the_administrators_to_change(account):
    deals = next(one for one in account.fake.records("pipelines") if one["objectType"] == "deals")
    account.fake.upsert("pipelines", [{**deals, "id": "second", "label": "Second"}])
    labels = [one["label"] for one in account.ask("GET", "/crm/pipelines/2026-09/deals")[1]["results"]]
    assert labels == ["Sales Pipeline", "Second"]
    assert account.fake.remove("pipelines", "deals:default")
    assert not account.fake.remove("pipelines", "deals:default")
    assert account.ask("GET", "/crm/pipelines/2026-09/deals/default")[0] == 404
    assert account.ask("GET", "/crm/v3/pipelines/deals/second/stages")[1]["results"] == deals["stages"]
    account.fake.replace("pipelines", [])
    assert account.fake.records("pipelines") == []
    with pytest.raises(ValueError, match="pipeline 0: it needs an objectType"):
        account.fake.replace("pipelines", [{"id": "x"}])


def test_a_custom_object_of_a_file_gets_a_type_id(account):
    stamp = "2026-01-01T00:00:00.000Z"
    pet = {"id": "1", "properties": {"pet_name": "Rex", "hs_lastmodifieddate": stamp, "hs_createdate": stamp}}
    account.fake.replace("pets", [pet])
    schemas = account.ask("GET", "/crm/v3/schemas")[1]["results"]
    assert [(one["name"], one["objectTypeId"]) for one in schemas] == [
        ("subscriptions", "2-1000001"),
        ("pets", "2-1000002"),
    ]
    assert account.listed("2-1000002") == account.listed("p62515_pets") == ["1"]
    assert account.ask("GET", f"{BASE}/pets")[0] == 400


def test_an_owner_is_deactivated_and_active_again(account):
    owner = account.fake.records("owners")[0]
    assert account.fake.remove("owners", owner["id"])
    assert not account.fake.remove("owners", owner["id"])
    archived = account.ask("GET", "/crm/owners/2026-09?archived=true")[1]["results"]
    assert {one["id"] for one in archived} == {"50099000", owner["id"]}
    assert not any("archivedAt" in one for one in archived)
    account.fake.upsert("owners", [owner])
    assert owner["id"] in {one["id"] for one in account.fake.records("owners")}


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_every_path_is_served_in_every_version(account, version):
    dated = version != "v3"
    for area, rest in (
        ("objects", "/notes"),
        ("properties", "/notes"),
        ("owners", ""),
        ("pipelines", "/deals"),
    ):
        path = f"/crm/{area}/{version}{rest}" if dated else f"/crm/{version}/{area}{rest}"
        assert account.ask("GET", path)[0] == 200, path
    assert account.ask("GET", f"/crm-object-schemas/{version}/schemas")[0] == 200
    assert account.ask("GET", f"/account-info/{version}/details")[0] == 200
    form = {"grant_type": "refresh_token", "client_id": "a", "client_secret": "b", "refresh_token": "sandbox"}
    status, made = account.ask("POST", f"/oauth/{version}/token", form)
    assert status == 200
    asked = {"token": made["access_token"], "client_id": "a", "client_secret": "b"}
    assert account.ask("POST", f"/oauth/{version}/token/introspect", asked)[1]["active"] is True
    assert account.ask("POST", f"/oauth/{version}/token/revoke", asked)[0] == 204


def test_a_scope_that_is_none_is_refused(account):
    form = {
        "grant_type": "client_credentials",
        "client_id": "a",
        "client_secret": "b",
        "scope": "crm.everything",
    }
    status, answer = account.ask("POST", "/oauth/2026-09/token", form)
    assert (status, answer["error"]) == (400, "invalid_scope")


def test_introspection_wants_the_app(account):
    assert account.ask("POST", "/oauth/2026-09/token/introspect", {"token": "sandbox"})[0] == 400
    asked = {"token": "unknown", "client_id": "a", "client_secret": "b"}
    assert account.ask("POST", "/oauth/2026-09/token/introspect", asked)[1]["error"] == "invalid_token"
