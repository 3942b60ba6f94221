"""HubSpot's own SDKs on what an account has beside contacts: engagements, custom objects, pipelines, owners, tokens."""

from __future__ import annotations

import datetime as dt

import hubspot
import hubspot_sdk
import pytest
from hubspot.crm.objects import PublicObjectSearchRequest

from tailrace.sandbox import Sandbox
from tests.conformance.test_hubspot_sdk import log_of, stored, strict_client

TODAY = dt.date(2026, 6, 1)
OBJECTS = ("tickets", "products", "line_items", "calls", "emails", "meetings", "notes", "tasks")
APP = {"client_id": "app", "client_secret": "app-secret"}


@pytest.fixture(scope="module")
def running():
    with Sandbox.start(contacts=150, today=TODAY, limits=False) as sandbox:
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


@pytest.mark.parametrize("name", OBJECTS)
def test_both_page_through_every_record_once(client, strict, sandbox, name):
    wanted = sorted(stored(sandbox, name), key=int)
    assert wanted
    assert [record.id for record in client.crm.objects.get_all(name)] == wanted
    assert [record.id for record in getattr(strict.crm.objects, name).list(limit=100)] == wanted


def test_everything_happened_before_the_first_second_of_the_day(sandbox):
    for name in (*OBJECTS, "subscriptions"):
        for record in stored(sandbox, name).values():
            assert record["createdAt"] <= record["updatedAt"] < "2026-06-01"
            assert record["properties"]["hs_lastmodifieddate"] == record["updatedAt"]


@pytest.mark.parametrize("path", ["2-1000001", "p62515_subscriptions", "p_subscriptions"])
def test_a_custom_object_goes_by_its_id_and_its_qualified_name(client, strict, sandbox, path):
    wanted = sorted(stored(sandbox, "subscriptions"), key=int)
    assert wanted
    assert [record.id for record in strict.crm.objects.custom.list(path, limit=100)] == wanted
    found = client.crm.objects.search_api.do_search(
        path, public_object_search_request=PublicObjectSearchRequest(limit=200, filter_groups=[])
    )
    assert sorted((record.id for record in found.results), key=int) == wanted


def test_a_custom_objects_bare_name_leads_nowhere(strict):
    with pytest.raises(hubspot_sdk.BadRequestError, match="Unable to infer object type from: subscriptions"):
        strict.crm.objects.custom.list("subscriptions")


def test_schemas_tell_the_custom_objects(client, strict):
    one = strict.crm.object_schemas.list().results[0]
    assert (one.name, one.object_type_id, one.fully_qualified_name) == (
        "subscriptions",
        "2-1000001",
        "p62515_subscriptions",
    )
    assert {"plan", "seats", "hs_object_id"} <= {found.name for found in one.properties}
    assert {found.to_object_type_id for found in one.associations} == {"0-1", "0-2"}
    assert strict.crm.object_schemas.get("p62515_subscriptions").object_type_id == "2-1000001"
    assert [found.object_type_id for found in client.crm.schemas.core_api.get_all().results] == ["2-1000001"]
    with pytest.raises(hubspot_sdk.NotFoundError):
        strict.crm.object_schemas.get("contacts")


def test_custom_objects_are_associated_by_types_of_the_accounts_own(strict, sandbox):
    key = next(iter(stored(sandbox, "subscriptions")))
    read = strict.crm.associations.batch.get(
        from_object_type="2-1000001", to_object_type="contacts", inputs=[{"id": key}]
    )
    kinds = read.results[0].to[0].association_types
    assert [(kind.category, kind.type_id) for kind in kinds] == [("USER_DEFINED", 1001)]
    back = strict.crm.associations.batch.get(
        from_object_type="contacts",
        to_object_type="2-1000001",
        inputs=[{"id": read.results[0].to[0].to_object_id}],
    )
    assert key in {to.to_object_id for to in back.results[0].to}


def test_an_engagement_is_made_linked_and_archived(strict, sandbox):
    contact = next(iter(stored(sandbox)))
    made = strict.crm.objects.notes.create(
        properties={"hs_note_body": "Called back", "hs_timestamp": "2026-05-01T10:00:00.000Z"},
        associations=[
            {
                "to": {"id": contact},
                "types": [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 202}],
            }
        ],
    )
    read = strict.crm.associations.batch.get(
        from_object_type="contacts", to_object_type="notes", inputs=[{"id": contact}]
    )
    assert made.id in {to.to_object_id for to in read.results[0].to}
    strict.crm.objects.notes.delete(made.id)
    archived = list(strict.crm.objects.notes.list(archived=True))
    assert [(record.id, record.archived) for record in archived] == [(made.id, True)]
    assert archived[0].archived_at is not None


def test_pipelines_and_stages(client, strict):
    one = strict.crm.pipelines.list("deals").results[0]
    assert (one.id, one.label) == ("default", "Sales Pipeline")
    assert [stage.id for stage in one.stages][-2:] == ["closedwon", "closedlost"]
    assert one.stages[-2].metadata == {"isClosed": "true", "probability": "1.0"}
    assert strict.crm.pipelines.get("0", object_type="tickets").stages[-1].metadata == {
        "ticketState": "CLOSED"
    }
    by_v3 = client.crm.pipelines.pipelines_api.get_all("tickets").results[0]
    assert [stage.label for stage in by_v3.stages][-1] == "Closed"
    stages = client.crm.pipelines.pipeline_stages_api.get_all("deals", "default").results
    assert len(stages) == len(one.stages)


def test_an_owner_who_left_is_listed_among_the_archived(client, strict, sandbox):
    active = [owner.id for owner in strict.crm.owners.list()]
    archived = [(owner.id, owner.archived) for owner in strict.crm.owners.list(archived=True)]
    assert len(active) == 5 and archived == [("50099000", True)]
    sandbox.house.fakes["hubspot"].remove("owners", active[0])
    assert active[0] in [owner.id for owner in client.crm.owners.owners_api.get_page(archived=True).results]
    assert active[0] not in [owner.id for owner in strict.crm.owners.list()]


def test_an_archived_property_is_listed_among_the_archived(client, sandbox):
    client.crm.properties.core_api.archive("contacts", "lead_grade")
    live = {one.name for one in client.crm.properties.core_api.get_all("contacts").results}
    archived = {one.name for one in client.crm.properties.core_api.get_all("contacts", archived=True).results}
    assert "lead_grade" in archived - live


def test_tokens_are_introspected_and_revoked(strict, client, sandbox):
    made = strict.auth.oauth.create_token(grant_type="refresh_token", refresh_token="sandbox", **APP)
    told = strict.auth.oauth.introspect_token(token=made.access_token, **APP)
    assert (told.active, told.token_use, told.hub_id) == (True, "access_token", 62515)
    assert 1700 < told.expires_in <= 1800
    assert "crm.objects.contacts.read" in told.scopes
    assert strict.auth.oauth.introspect_token(
        token="sandbox", token_type_hint="refresh_token", **APP
    ).token_use == ("refresh_token")
    strict.auth.oauth.revoke_token(token=made.access_token, **APP)
    with pytest.raises(hubspot_sdk.AuthenticationError):
        strict_client(sandbox, made.access_token, max_retries=0).crm.objects.contacts.list()
    with pytest.raises(hubspot_sdk.BadRequestError):
        strict.auth.oauth.introspect_token(token=made.access_token, **APP)


def test_a_refresh_token_is_described_and_revoked_by_v1(client, sandbox):
    made = client.oauth.tokens_api.create(
        grant_type="authorization_code", code="c", redirect_uri="http://x", **APP
    )
    assert client.oauth.refresh_tokens_api.get(made.refresh_token).hub_id == 62515
    client.oauth.refresh_tokens_api.archive(made.refresh_token)
    with pytest.raises(hubspot.oauth.ApiException):
        client.oauth.tokens_api.create(grant_type="refresh_token", refresh_token=made.refresh_token, **APP)


def test_a_token_without_the_scope_is_told_which_is_missing(strict, sandbox):
    made = strict.auth.oauth.create_token(
        grant_type="client_credentials", scope="crm.objects.contacts.read crm.objects.deals.write", **APP
    )
    narrow = strict_client(sandbox, made.access_token, max_retries=0)
    assert narrow.crm.objects.contacts.list(limit=1).results
    assert narrow.crm.objects.notes.list(limit=1).results
    for refused, scope in (
        (lambda: narrow.crm.objects.deals.list(), "crm.objects.deals.read"),
        (lambda: narrow.crm.objects.tickets.list(), "tickets"),
        (lambda: narrow.crm.owners.list(), "crm.objects.owners.read"),
        (lambda: narrow.crm.object_schemas.list(), "crm.schemas.custom.read"),
        (lambda: narrow.crm.properties.list("companies"), "crm.schemas.companies.read"),
        (lambda: narrow.crm.objects.contacts.delete("1"), "crm.objects.contacts.write"),
    ):
        with pytest.raises(hubspot_sdk.PermissionDeniedError) as caught:
            refused()
        document = caught.value.response.json()
        assert document["category"] == "MISSING_SCOPES"
        assert document["errors"][0]["context"] == {"requiredGranularScopes": [scope]}
    assert log_of(sandbox)[-1]["rows_written"] == 0
