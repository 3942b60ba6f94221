"""What only HubSpot's source has to get right: ties, wide objects, archives, merges, sweeps, versions, positions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tailrace.connectors.hubspot.properties import column_type
from tailrace.connectors.sdk.base import Connector, ResourceSpec
from tailrace.errors import AuthError, FatalError, SchemaError
from tailrace.events import Event, Notice, RequestDone, listening
from tailrace.records import Checkpoint, Page
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import Desk, FreeLimiter, Landed, connect, spec

STAMP = "2026-03-01T10:00:00.000Z"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=80, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("hubspot", sandbox.base_url("hubspot"), {"access_token": "sandbox"})
    yield connector
    connector.close()


def land(connector: Connector, resource: ResourceSpec, landed: Landed | None = None) -> Landed:
    landed = landed or Landed(connector.source().schema(resource))
    return landed.read(connector.source(), resource)


def live(desk: Desk, obj: str = "contacts") -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in desk.records("hubspot", obj) if not record["archived"]}


def contact(number: int, stamp: str, **more: str) -> dict[str, Any]:
    properties = {"email": f"c{number}@x.example", "lastmodifieddate": stamp, "createdate": STAMP, **more}
    return {
        "id": str(7000000000 + number),
        "properties": properties,
        "createdAt": STAMP,
        "updatedAt": stamp,
        "archived": False,
    }


def api(sandbox: Sandbox, method: str, path: str, body: Any) -> httpx2.Response:
    headers = {"Authorization": "Bearer sandbox"}
    return httpx2.request(method, sandbox.base_url("hubspot") + path, json=body, headers=headers)


def test_working_people_are_followed_round_by_round(connector: Connector, desk: Desk) -> None:
    for name in ("contacts", "companies", "deals"):
        resource = spec("hubspot", name)
        landed = land(connector, resource)
        for _ in range(4):
            desk.call("POST", "advance", {"rounds": 1})
            land(connector, resource, landed)
            truth = live(desk, name)
            assert {key for (key,) in landed.rows} == set(truth)
            stale = [
                key
                for (key,), row in landed.rows.items()
                if any(
                    (row.get(field) or None) != (value or None)
                    for field, value in truth[key]["properties"].items()
                )
            ]
            assert stale == []


def test_many_rows_of_one_stamp_are_all_read(connector: Connector, desk: Desk) -> None:
    resource = spec("hubspot", "contacts", {"properties": ["email"]})
    landed = land(connector, resource)
    tied = [contact(number, "2027-01-01T00:00:00.000Z") for number in range(450)]
    later = [contact(1000 + number, f"2027-01-01T00:00:01.{number:03d}Z") for number in range(250)]
    desk.save("hubspot", "contacts", *tied, *later)
    land(connector, resource, landed)
    assert {key for (key,) in landed.rows} == set(live(desk))
    assert landed.shown == 700


def test_more_than_ten_thousand_changes_are_all_read(connector: Connector, desk: Desk) -> None:
    resource = spec("hubspot", "contacts", {"properties": ["email"]})
    landed = land(connector, resource)
    stamps = [f"2027-01-01T00:{number // 1000:02d}:00.{number % 1000:03d}Z" for number in range(10_300)]
    desk.save("hubspot", "contacts", *[contact(number, stamp) for number, stamp in enumerate(stamps)])
    land(connector, resource, landed)
    assert len(landed.rows) == len(live(desk)) == 10_380
    assert landed.shown == 10_300


def test_a_row_edited_between_two_pages_hides_no_other(
    sandbox: Sandbox, desk: Desk, connector: Connector
) -> None:
    """With offsets, the row that slides into the edited one's place would be skipped."""
    resource = spec("hubspot", "contacts", {"properties": ["email"]})
    landed = land(connector, resource)
    desk.save("hubspot", "contacts", *[contact(n, f"2027-01-01T00:00:00.{n:03d}Z") for n in range(420)])
    source, met = connector.source(), set[str]()
    pages = source.read(resource, landed.schema, landed.position)
    for number, part in enumerate(pages):
        if isinstance(part, Page):
            met |= {row["id"] for row in part.rows}
        if number == 0:
            edited = [contact(n, f"2027-01-01T00:00:02.{n:03d}Z", firstname="new") for n in range(5)]
            desk.save("hubspot", "contacts", *edited)
    assert met >= {str(7000000000 + number) for number in range(420)}


def test_the_position_never_passes_the_reads_start(connector: Connector, desk: Desk) -> None:
    resource = spec("hubspot", "contacts", {"properties": ["email"]})
    desk.save("hubspot", "contacts", contact(1, "2099-01-01T00:00:00.000Z"))
    landed = land(connector, resource)
    assert landed.position is not None and landed.position["since"] < "2090"
    desk.save("hubspot", "contacts", contact(2, "2098-01-01T00:00:00.000Z"))
    assert land(connector, resource, landed).shown == 1


def test_wide_objects_are_read_by_search(connector: Connector, desk: Desk, sandbox: Sandbox) -> None:
    names = [f"a_rather_long_property_name_that_fills_the_query_string_{number:03d}" for number in range(150)]
    inputs = [
        {
            "name": name,
            "label": name,
            "type": "string",
            "fieldType": "text",
            "groupName": "contactinformation",
        }
        for name in names
    ]
    for start in range(0, 150, 100):
        answer = api(
            sandbox,
            "POST",
            "/crm/v3/properties/contacts/batch/create",
            {"inputs": inputs[start : start + 100]},
        )
        assert answer.status_code == 201
    desk.save("hubspot", "contacts", *[contact(number, STAMP) for number in range(430)])
    before = len(desk.requests("hubspot", "/search"))
    landed = land(connector, spec("hubspot", "contacts"))
    assert {key for (key,) in landed.rows} == set(live(desk))
    assert set(names) <= set(landed.schema.names())
    assert len(desk.requests("hubspot", "/search")) - before == 3
    longest = max(len(entry["path"]) for entry in desk.requests("hubspot"))
    assert longest < 7000


def test_versions_are_the_vendors_times(connector: Connector, desk: Desk) -> None:
    resource = spec("hubspot", "contacts", {"properties": ["email"]})
    schema = connector.source().schema(resource)
    assert schema.names() == ("id", "email", "lastmodifieddate")
    assert schema.cursor_columns == ("lastmodifieddate",)
    truth = live(desk)
    for part in connector.source().read(resource, schema, None):
        if isinstance(part, Page):
            assert part.versions == [truth[row["id"]]["updatedAt"] for row in part.rows]


def test_a_tombstone_carries_the_time_of_the_delete(connector: Connector, desk: Desk) -> None:
    resource = spec("hubspot", "contacts", {"properties": ["email"]})
    landed = land(connector, resource)
    gone = next(iter(live(desk)))
    desk.remove("hubspot", "contacts", gone)
    parts = list(connector.source().read(resource, landed.schema, landed.position))
    pages = [part for part in parts if isinstance(part, Page)]
    assert [(page.deleted, [row["id"] for row in page.rows]) for page in pages] == [(True, [gone])]
    assert str((pages[0].versions or [""])[0]) > str(landed.position and landed.position["since"])
    land(connector, resource, landed)
    assert land(connector, resource, landed).shown == 0


def test_what_was_archived_before_the_first_read_is_never_told(connector: Connector, desk: Desk) -> None:
    resource = spec("hubspot", "deals")
    first, second, *_ = live(desk, "deals")
    desk.remove("hubspot", "deals", first)
    landed = land(connector, resource)
    desk.remove("hubspot", "deals", second)
    assert land(connector, resource, landed).shown == 1
    assert {key for (key,) in landed.rows} == set(live(desk, "deals"))


def test_a_gdpr_delete_is_seen_by_the_sweep(connector: Connector, desk: Desk, sandbox: Sandbox) -> None:
    daily, always = spec("hubspot", "contacts"), spec("hubspot", "contacts", {"sweep": "0s"})
    landed = land(connector, daily)
    victim = next(iter(live(desk)))
    answer = api(sandbox, "POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": victim})
    assert answer.status_code == 204
    land(connector, daily, landed)
    assert (victim,) in landed.rows, "HubSpot tells of it nowhere: only a sweep can know"
    land(connector, always, landed)
    assert {key for (key,) in landed.rows} == set(live(desk))


def test_a_sweep_is_due_a_day_after_the_last(connector: Connector) -> None:
    resource = spec("hubspot", "deals", {"sweep": "24h"})
    landed = land(connector, resource)
    assert landed.position is not None
    landed.position["swept"] = "2020-01-01T00:00:00.000Z"
    scopes = [
        part.scopes
        for part in connector.source().read(resource, landed.schema, landed.position)
        if isinstance(part, Checkpoint)
    ]
    assert [len(found) for found in scopes] == [1]
    off = spec("hubspot", "deals", {"sweep": "off"})
    assert Landed(landed.schema, dict(landed.rows), landed.position).read(connector.source(), off).shown == 0


def test_other_properties_are_read_for_all_rows(connector: Connector, desk: Desk) -> None:
    landed = land(connector, spec("hubspot", "contacts", {"properties": ["email"]}))
    wider = spec("hubspot", "contacts", {"properties": ["email", "country"]})
    landed.schema = connector.source().schema(wider)
    land(connector, wider, landed)
    assert landed.shown == len(live(desk))


def test_a_custom_object_is_read_like_any_other(connector: Connector, desk: Desk) -> None:
    pets = [
        {
            "id": str(number),
            "properties": {"pet_name": f"Pet {number}", "hs_lastmodifieddate": STAMP, "hs_createdate": STAMP},
            "createdAt": STAMP,
            "updatedAt": STAMP,
            "archived": False,
        }
        for number in range(1, 4)
    ]
    desk.replace("hubspot", "p_pets", pets)
    landed = land(connector, spec("hubspot", "p_pets"))
    assert {row["pet_name"] for row in landed.rows.values()} == {"Pet 1", "Pet 2", "Pet 3"}
    assert landed.schema.cursor_columns == ("hs_lastmodifieddate",)


def test_an_unknown_object_or_property_is_named(connector: Connector) -> None:
    with pytest.raises(FatalError, match="p_nothing"):
        connector.source().schema(spec("hubspot", "p_nothing"))
    with pytest.raises(FatalError, match="no property 'emial'. did you mean email"):
        connector.source().schema(spec("hubspot", "contacts", {"properties": ["emial"]}))


def test_properties_that_would_be_one_column_are_refused(connector: Connector, desk: Desk) -> None:
    definitions = desk.records("hubspot", "contacts.properties")
    twin = {**next(one for one in definitions if one["name"] == "country"), "name": "Country"}
    desk.replace("hubspot", "contacts.properties", [*definitions, twin])
    with pytest.raises(SchemaError, match="'country' and 'Country' would be one column"):
        connector.source().schema(spec("hubspot", "contacts"))
    assert connector.source().schema(spec("hubspot", "contacts", {"properties": ["country"]}))


def test_ids_stay_texts() -> None:
    numbers = ("hs_object_id", "associatedcompanyid", "hubspot_owner_id", "amount_paid", "amount")
    found = {name: column_type({"name": name, "type": "number"}) for name in numbers}
    texts = {name for name, kind in found.items() if kind == "text"}
    assert texts == {"hs_object_id", "associatedcompanyid", "hubspot_owner_id"}


def test_oauth_refreshes_and_survives_a_revoked_token(sandbox: Sandbox, desk: Desk) -> None:
    login = {"client_id": "app", "client_secret": "app-secret", "refresh_token": "sandbox"}
    connector = connect("hubspot", sandbox.base_url("hubspot"), login)
    resource = spec("hubspot", "owners")
    desk.faults({"vendor": "hubspot", "route": "/crm/owners/*", "nth": 1, "status": 401, "body": "{}"})
    assert len(land(connector, resource).rows) == 5
    assert len(desk.requests("hubspot", "/oauth/2026-09/token")) >= 2
    connector.close()


def test_a_refused_refresh_token_is_an_auth_error(sandbox: Sandbox, desk: Desk) -> None:
    login = {"client_id": "app", "client_secret": "app-secret", "refresh_token": "revoked-one"}
    body = '{"error":"invalid_grant","error_description":"refresh token is invalid, expired or revoked"}'
    answer = {"status": 400, "headers": {"content-type": "application/json"}, "body": body}
    desk.faults({"vendor": "hubspot", "route": "/oauth/*", **answer})
    connector = connect("hubspot", sandbox.base_url("hubspot"), login)
    with pytest.raises(AuthError, match="invalid, expired or revoked") as caught:
        connector.account()
    assert "revoked-one" not in str(caught.value) and "app-secret" not in str(caught.value)
    connector.close()


def test_associations_that_hubspot_withholds_delete_nothing(connector: Connector, desk: Desk) -> None:
    resource = spec("hubspot", "deals_contacts")
    landed = land(connector, resource)
    error = {"status": "error", "category": "INTERNAL_ERROR", "message": "shard is away", "context": {}}
    body = json.dumps({"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [error]})
    desk.faults(
        {
            "vendor": "hubspot",
            "route": "/crm/associations/*",
            "status": 207,
            "headers": {"content-type": "application/json"},
            "body": body,
        }
    )
    told: list[Event] = []
    before = dict(landed.rows)
    with listening(told.append):
        land(connector, resource, landed)
    assert landed.rows == before
    assert [event.level for event in told if isinstance(event, Notice)] == ["warning"]
    desk.faults()
    assert land(connector, resource, landed).shown == len(before)


def test_the_limits_are_the_accounts(sandbox: Sandbox) -> None:
    limiter = FreeLimiter()
    connector = connect(
        "hubspot", sandbox.base_url("hubspot"), {"access_token": "sandbox", "rate_limit": None}, limiter
    )
    assert limiter.learned == [(190, 10.0, ""), (5, 1.0, "search")]
    resource = spec("hubspot", "contacts")
    landed = land(connector, resource)
    land(connector, resource, landed)
    assert limiter.acquired.count("search") == 1
    connector.close()
    off = FreeLimiter()
    connector = connect(
        "hubspot", sandbox.base_url("hubspot"), {"access_token": "sandbox", "rate_limit": "off"}, off
    )
    connector.account()
    connector.close()
    assert (off.learned, off.acquired) == ([], [])


def test_requests_are_told_without_their_query(connector: Connector) -> None:
    told: list[Event] = []
    with listening(told.append):
        land(connector, spec("hubspot", "owners"))
    paths = [event.path for event in told if isinstance(event, RequestDone)]
    assert paths == ["/crm/owners/2026-09", "/crm/owners/2026-09"]
