"""The admin API, over HTTP as a test or a person uses it."""

from __future__ import annotations

import pytest

from sandbox.talk import ask
from tailrace.sandbox import Sandbox

CONTACTS = "/_sandbox/records/hubspot/contacts"


@pytest.fixture(scope="module")
def running():
    with Sandbox.start(contacts=40, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def url(running):
    running.house.reset()
    return running.url


def contacts(url):
    return ask(url, "GET", CONTACTS).json()


def test_put_replaces_post_changes_delete_archives(url):
    people = [
        {"id": "7", "properties": {"email": "a@example.com", "shoe_size": 43}},
        {"id": 8, "properties": {"email": "b@example.com", "vip": True, "seen": "2026-01-02T03:04:05+01:00"}},
    ]
    assert ask(url, "PUT", CONTACTS, people).json() == {"records": 2}
    first, second = contacts(url)
    assert (first["id"], first["properties"]["shoe_size"]) == ("7", "43")
    assert (second["properties"]["vip"], second["properties"]["seen"]) == ("true", "2026-01-02T02:04:05.000Z")
    definitions = ask(url, "GET", "/_sandbox/records/hubspot/contacts.properties").json()
    types = {item["name"]: item["type"] for item in definitions}
    assert (types["shoe_size"], types["vip"], types["seen"]) == ("number", "bool", "datetime")
    change = [
        {"id": "7", "properties": {"shoe_size": 44}},
        {"id": "9", "properties": {"email": "c@example.com"}},
    ]
    ask(url, "POST", CONTACTS, change)
    after = {record["id"]: record for record in contacts(url)}
    assert sorted(after) == ["7", "8", "9"]
    assert after["7"]["properties"]["shoe_size"] == "44"
    assert after["7"]["properties"]["email"] == "a@example.com"
    assert after["7"]["updatedAt"] > first["updatedAt"]
    assert ask(url, "DELETE", f"{CONTACTS}?id=8").json() == {"removed": "8"}
    assert [record["id"] for record in contacts(url)] == ["7", "9"]
    archived = ask(url, "GET", "/hubspot/crm/v3/objects/contacts?archived=true").json()["results"]
    assert [record["id"] for record in archived] == ["8"]
    assert ask(url, "GET", "/_sandbox/writes/hubspot/contacts").json() == {}


def test_a_new_object_type_can_be_put(url):
    ask(url, "PUT", "/_sandbox/records/hubspot/tickets", [{"id": "1", "properties": {"subject": "Help"}}])
    listed = ask(url, "GET", "/hubspot/crm/v3/objects/tickets?properties=subject").json()["results"]
    assert [record["properties"]["subject"] for record in listed] == ["Help"]


def test_associations_can_be_replaced(url):
    key = contacts(url)[0]["id"]
    company = ask(url, "GET", "/_sandbox/records/hubspot/companies").json()[0]["id"]
    link = {
        "from_object": "contacts",
        "from_id": key,
        "to_object": "companies",
        "to_id": company,
        "type_id": 1,
    }
    ask(url, "PUT", "/_sandbox/records/hubspot/associations", [link])
    shown = ask(url, "GET", "/_sandbox/records/hubspot/associations").json()
    assert {(item["from_object"], item["type_id"]) for item in shown} == {
        ("contacts", 1),
        ("contacts", 279),
        ("companies", 2),
        ("companies", 280),
    }


def test_every_request_is_logged_without_secrets(running, url):
    before = len(ask(url, "GET", "/_sandbox/requests").json())
    for _ in range(150):
        ask(url, "GET", "/hubspot/crm/v3/objects/contacts?limit=1&hapikey=hush")
    ask(url, "GET", "/hubspot/oauth/v1/access-tokens/hush")
    ask(url, "GET", "/ga4/v1beta/properties/1/metadata")
    log = ask(url, "GET", "/_sandbox/requests").json()
    assert len(log) == before + 152
    assert log[before]["path"] == "/crm/v3/objects/contacts?limit=1&hapikey=***"
    assert {"time", "vendor", "method", "path", "status", "rows_written"} == log[before].keys()
    assert "hush" not in str(log)
    mine = ask(url, "GET", "/_sandbox/requests?vendor=ga4").json()
    assert {entry["vendor"] for entry in mine} == {"ga4"}


def test_advance_changes_the_crm_and_reset_brings_it_back(url):
    before = contacts(url)
    assert ask(url, "POST", "/_sandbox/advance", {"rounds": 2}).json() == {"rounds": 2}
    after = {record["id"]: record for record in contacts(url)}
    known = {record["id"]: record for record in before}
    listed = ask(url, "GET", "/hubspot/crm/v3/objects/contacts?archived=true&limit=100").json()["results"]
    archived = {record["id"] for record in listed}
    merged = {
        key
        for record in after.values()
        for key in record["properties"].get("hs_merged_object_ids", "").split(";")
        if key
    }
    assert (len(archived), len(merged), len(archived & merged)) == (2, 2, 0)
    assert len((after.keys() | archived | merged) - known.keys()) == 4
    assert known.keys() - after.keys() <= archived | merged
    assert any(after[key]["properties"] != known[key]["properties"] for key in after.keys() & known.keys())
    assert any("hs_merged_object_ids" in record["properties"] for record in after.values())
    ask(url, "POST", "/_sandbox/reset")
    assert contacts(url) == before


def test_the_same_round_does_the_same(url):
    def after_a_round():
        ask(url, "POST", "/_sandbox/reset")
        ask(url, "POST", "/_sandbox/advance")
        moving = ("lastmodifieddate", "createdate")
        return [
            (record["id"], {k: v for k, v in record["properties"].items() if k not in moving})
            for record in contacts(url)
        ]

    assert after_a_round() == after_a_round()


@pytest.mark.parametrize(
    ("method", "path", "document", "status", "reason"),
    [
        ("GET", "/_sandbox/record/hubspot/contacts", None, 404, "no such page"),
        ("GET", "/_sandbox/records/hubspot", None, 404, "ends with /<vendor>/<object>"),
        ("GET", "/_sandbox/records/hubspott/contacts", None, 404, "unknown vendor 'hubspott'"),
        ("GET", "/_sandbox/records/hubspot/contact", None, 404, "has no object 'contact'"),
        ("GET", "/_sandbox/writes/hubspot/contact", None, 404, "has no object 'contact'"),
        ("PATCH", CONTACTS, [], 405, "answers GET, PUT, POST, DELETE"),
        ("PUT", CONTACTS, b"{", 400, "not JSON"),
        ("PUT", CONTACTS, {"id": "1"}, 400, "JSON list"),
        ("PUT", CONTACTS, [{"id": "x", "properties": {}}], 400, "record 0: id must be decimal digits"),
        ("PUT", CONTACTS, [{"id": "1"}], 400, "properties must be an object"),
        ("PUT", CONTACTS, [{"id": "1", "properties": {}}] * 2, 400, "more than once"),
        ("DELETE", CONTACTS, None, 400, "add ?id="),
        ("DELETE", f"{CONTACTS}?id=1", None, 404, "no contacts with id 1"),
        ("POST", "/_sandbox/advance", {"rounds": -1}, 400, "rounds"),
        ("POST", "/_sandbox/advance", {"rounds": True}, 400, "rounds"),
        ("PUT", "/_sandbox/faults", {}, 400, "JSON list"),
        ("GET", "/_sandbox/requests?vendor=x", None, 404, "unknown vendor"),
        ("GET", "/nobody/here", None, 404, "no vendor at /nobody"),
    ],
)
def test_a_malformed_call_says_what_is_wrong(url, method, path, document, status, reason):
    before = contacts(url)
    answer = ask(url, method, path, document)
    assert (answer.status, reason in answer.json()["error"]) == (status, True), answer.body
    assert contacts(url) == before


def test_the_overview_names_vendors_and_objects(url):
    overview = ask(url, "GET", "/_sandbox").json()
    assert {"contacts", "companies", "deals", "owners", "associations"} <= set(overview["vendors"]["hubspot"])
    assert {"hubspot", "google_ads", "ga4"} <= overview["vendors"].keys()
