"""HubSpot's own SDKs against the sandbox: what they send is understood, what they get passes their validation."""

from __future__ import annotations

import datetime as dt

import hubspot
import hubspot_sdk
import pytest
import urllib3
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    PublicGdprDeleteInput,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)

from tailrace.sandbox import Sandbox

TODAY = dt.date(2026, 6, 1)
CONTACTS = 150


@pytest.fixture(scope="module")
def running():
    with Sandbox.start(contacts=CONTACTS, today=TODAY, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.house.reset()
    yield running
    running.house.faults = type(running.house.faults)()


@pytest.fixture
def client(sandbox):
    """hubspot-api-client 12: v3 and v4 paths."""
    return hubspot.HubSpot(access_token="sandbox", host=sandbox.base_url("hubspot"))


@pytest.fixture
def strict(sandbox):
    """hubspot-sdk: 2026-03 paths, every answer validated."""
    return strict_client(sandbox)


def strict_client(sandbox, token="sandbox", **options):
    return hubspot_sdk.HubSpot(
        access_token=token,
        base_url=sandbox.base_url("hubspot"),
        _strict_response_validation=True,
        **options,
    )


def stored(sandbox, obj="contacts"):
    return {record["id"]: record for record in sandbox.house.fakes["hubspot"].records(obj)}


def log_of(sandbox):
    return [entry for entry in sandbox.house.log if entry["vendor"] == "hubspot"]


# ---- hubspot-api-client 12 ------------------------------------------------------------------------------


def test_v3_pages_through_every_contact_once(client, sandbox):
    found = client.crm.contacts.get_all(properties=["email", "lead_score"])
    assert [record.id for record in found] == sorted(stored(sandbox), key=int)
    assert len(found) == CONTACTS
    assert {"email", "lead_score", "hs_object_id"} <= found[0].properties.keys()
    assert found[0].properties["lead_score"] is None


def test_v3_page_carries_the_next_cursor(client):
    page = client.crm.contacts.basic_api.get_page(limit=100, properties=["email"], associations=["companies"])
    assert len(page.results) == 100
    assert page.paging.next.after == page.results[-1].id
    rest = client.crm.contacts.basic_api.get_page(limit=100, after=page.paging.next.after)
    assert len(rest.results) == CONTACTS - 100
    assert rest.paging is None
    assert any("companies" in (record.associations or {}) for record in page.results)


def test_v3_search_filters_sorts_and_pages(client, sandbox):
    times = sorted(record["properties"]["lastmodifieddate"] for record in stored(sandbox).values())
    since = dt.datetime.fromisoformat(times[20])
    request = PublicObjectSearchRequest(
        filter_groups=[
            {
                "filters": [
                    {
                        "propertyName": "lastmodifieddate",
                        "operator": "GTE",
                        "value": str(int(since.timestamp() * 1000)),
                    }
                ]
            }
        ],
        sorts=[{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
        properties=["email"],
        limit=100,
        after="0",
    )
    first = client.crm.contacts.search_api.do_search(public_object_search_request=request)
    request.after = first.paging.next.after
    second = client.crm.contacts.search_api.do_search(public_object_search_request=request)
    assert first.total == CONTACTS - 20
    seen = [record.properties["lastmodifieddate"] for record in [*first.results, *second.results]]
    assert seen == times[20:]
    assert second.paging is None


def test_v3_batch_read_reports_the_missing(client, sandbox):
    ids = list(stored(sandbox))[:2]
    answer = client.crm.contacts.batch_api.read(
        BatchReadInputSimplePublicObjectId(
            inputs=[{"id": ids[1]}, {"id": "404"}, {"id": ids[0]}],
            properties=["email"],
            properties_with_history=["email"],
        )
    )
    assert [record.id for record in answer.results] == sorted(ids)
    assert answer.num_errors == 1
    assert answer.errors[0].category == "OBJECT_NOT_FOUND"
    assert answer.errors[0].context == {"ids": ["404"]}
    assert answer.results[0].properties_with_history["email"][0].source_type == "CRM_UI"


def test_v3_batch_create_and_archive(client, sandbox):
    made = client.crm.contacts.batch_api.create(
        BatchInputSimplePublicObjectBatchInputForCreate(
            inputs=[
                SimplePublicObjectInputForCreate(
                    properties={"email": f"made{n}@example.com"}, associations=[]
                )
                for n in range(3)
            ]
        )
    )
    assert len(made.results) == 3
    emails = {record.properties["email"] for record in made.results}
    assert emails == {"made0@example.com", "made1@example.com", "made2@example.com"}
    gone = [{"id": record.id} for record in made.results[:2]]
    client.crm.contacts.batch_api.archive(BatchInputSimplePublicObjectId(inputs=gone))
    assert len(stored(sandbox)) == CONTACTS + 1
    archived = client.crm.contacts.basic_api.get_page(archived=True)
    assert {record.id for record in archived.results} == {item["id"] for item in gone}
    assert all(record.archived_at for record in archived.results)


def test_v3_batch_update_writes_and_counts(client, sandbox):
    ids = list(stored(sandbox))[:3]
    inputs = [{"id": key, "properties": {"lead_score": "42", "lead_grade": "A"}} for key in reversed(ids)]
    answer = client.crm.contacts.batch_api.update(BatchInputSimplePublicObjectBatchInput(inputs=inputs))
    assert [record.id for record in answer.results] == sorted(ids)
    assert {stored(sandbox)[key]["properties"]["lead_score"] for key in ids} == {"42"}
    assert sandbox.house.fakes["hubspot"].writes("contacts") == dict.fromkeys(ids, 1)
    assert log_of(sandbox)[-1]["rows_written"] == 3


def test_v3_batch_upsert_is_multi_status(client, sandbox):
    known = next(record for record in stored(sandbox).values() if record["properties"].get("email"))
    inputs = [
        {
            "id": "new@example.com",
            "idProperty": "email",
            "properties": {"lead_score": "1"},
            "objectWriteTraceId": "a",
        },
        {
            "id": known["properties"]["email"],
            "idProperty": "email",
            "properties": {"lead_score": "2"},
            "objectWriteTraceId": "b",
        },
        {
            "id": "bad@example.com",
            "idProperty": "email",
            "properties": {"lead_grade": "Z"},
            "objectWriteTraceId": "c",
        },
    ]
    answer, status, _ = client.crm.contacts.batch_api.upsert_with_http_info(
        BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
    )
    assert status == 207
    assert {(record.object_write_trace_id, record.new) for record in answer.results} == {
        ("a", True),
        ("b", False),
    }
    assert answer.num_errors == 1
    assert answer.errors[0].category == "VALIDATION_ERROR"
    assert answer.errors[0].context["objectWriteTraceId"] == ["c"]
    assert len(stored(sandbox)) == CONTACTS + 1


def test_v3_bad_batch_without_trace_ids_is_rejected_whole(client, sandbox):
    ids = list(stored(sandbox))[:2]
    inputs = [
        {"id": ids[0], "properties": {"lead_score": "1"}},
        {"id": ids[1], "properties": {"lead_score": "x"}},
    ]
    with pytest.raises(hubspot.crm.contacts.exceptions.ApiException) as caught:
        client.crm.contacts.batch_api.update(BatchInputSimplePublicObjectBatchInput(inputs=inputs))
    assert caught.value.status == 400
    assert "VALIDATION_ERROR" in caught.value.body
    assert "lead_score" not in stored(sandbox)[ids[0]]["properties"]
    assert sandbox.house.fakes["hubspot"].writes("contacts") == {}


def test_v3_create_read_update_by_email_and_conflict(client, sandbox):
    api = client.crm.contacts.basic_api
    made = api.create(
        SimplePublicObjectInputForCreate(
            properties={"email": "one@example.com", "firstname": "O'Neil"}, associations=[]
        )
    )
    changed = api.update(
        "one@example.com", SimplePublicObjectInput(properties={"firstname": ""}), id_property="email"
    )
    assert changed.id == made.id
    assert api.get_by_id(made.id, properties=["firstname"]).properties["firstname"] is None
    with pytest.raises(hubspot.crm.contacts.exceptions.ApiException) as caught:
        api.create(SimplePublicObjectInputForCreate(properties={"email": "ONE@example.com"}, associations=[]))
    assert caught.value.status == 409
    assert f"Existing ID: {made.id}" in caught.value.body
    api.archive(made.id)
    with pytest.raises(hubspot.crm.contacts.exceptions.ApiException) as gone:
        api.get_by_id(made.id)
    assert gone.value.status == 404


def test_v3_merge_and_gdpr_delete(client, sandbox):
    winner, loser, erased = list(stored(sandbox))[:3]
    client.crm.contacts.basic_api.merge(PublicMergeInput(object_id_to_merge=loser, primary_object_id=winner))
    assert loser not in stored(sandbox)
    assert stored(sandbox)[winner]["properties"]["hs_merged_object_ids"] == loser
    client.crm.contacts.basic_api.purge(PublicGdprDeleteInput(object_id=erased))
    archived = client.crm.contacts.basic_api.get_page(archived=True).results
    assert archived == [], "the loser's id leads nowhere, and the erased person left no trace"
    with pytest.raises(hubspot.crm.contacts.ApiException) as caught:
        client.crm.contacts.basic_api.get_by_id(loser)
    assert caught.value.status == 404


def test_v3_properties_are_made_read_and_archived(client):
    from hubspot.crm.properties import PropertyCreate, PropertyUpdate

    api = client.crm.properties.core_api
    before = {item.name for item in api.get_all("contacts").results}
    made = api.create(
        "contacts",
        PropertyCreate(
            name="ltv", label="LTV", type="number", field_type="number", group_name="contactinformation"
        ),
    )
    assert made.modification_metadata.read_only_value is False
    assert api.update("contacts", "ltv", PropertyUpdate(label="Value")).label == "Value"
    assert {item.name for item in api.get_all("contacts").results} == before | {"ltv"}
    api.archive("contacts", "ltv")
    assert {item.name for item in api.get_all("contacts").results} == before
    locked = {
        item.name for item in api.get_all("contacts").results if item.modification_metadata.read_only_value
    }
    assert "lastmodifieddate" in locked


def test_v4_associations_are_made_read_and_archived(client, sandbox):
    from hubspot.crm.associations.v4 import (
        BatchInputPublicAssociationMultiArchive,
        BatchInputPublicAssociationMultiPost,
        BatchInputPublicFetchAssociationsBatchRequest,
    )

    contact, company = list(stored(sandbox))[0], list(stored(sandbox, "companies"))[-1]
    api = client.crm.associations.v4.batch_api
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    made = api.create(
        "contacts",
        "companies",
        BatchInputPublicAssociationMultiPost(
            inputs=[{"from": {"id": contact}, "to": {"id": company}, "types": types}]
        ),
    )
    assert (made.results[0].from_object_id, made.results[0].to_object_id) == (contact, company)
    wanted = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": contact}])
    found = api.get_page("contacts", "companies", wanted)
    assert company in {to.to_object_id for to in found.results[0].to}
    inverse = api.get_page(
        "companies", "contacts", BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": company}])
    )
    assert contact in {to.to_object_id for to in inverse.results[0].to}
    api.archive(
        "contacts",
        "companies",
        BatchInputPublicAssociationMultiArchive(inputs=[{"from": {"id": contact}, "to": [{"id": company}]}]),
    )
    after = api.get_page("contacts", "companies", wanted)
    assert company not in {to.to_object_id for result in after.results for to in result.to}


def test_v3_owners_and_oauth_refresh(client, sandbox):
    owners = client.crm.owners.owners_api.get_page()
    assert len(owners.results) == len(stored(sandbox, "owners"))
    token = client.oauth.tokens_api.create(
        grant_type="refresh_token", client_id="id", client_secret="secret", refresh_token="sandbox"
    )
    assert token.expires_in == 1800
    fresh = hubspot.HubSpot(access_token=token.access_token, host=sandbox.base_url("hubspot"))
    assert len(fresh.crm.contacts.basic_api.get_page(limit=1).results) == 1
    described = client.oauth.access_tokens_api.get(token.access_token)
    assert described.hub_id == 62515
    assert token.access_token not in log_of(sandbox)[-1]["path"]
    with pytest.raises(hubspot.oauth.exceptions.ApiException) as caught:
        client.oauth.tokens_api.create(
            grant_type="refresh_token", client_id="id", client_secret="secret", refresh_token="stolen"
        )
    assert caught.value.status == 400
    assert "BAD_REFRESH_TOKEN" in caught.value.body


def test_v3_429_is_retried_and_401_is_not(sandbox):
    from tailrace.sandbox.faults import FaultBook, parse_rules

    rule = {
        "vendor": "hubspot",
        "route": "*/contacts",
        "nth": [1, 2],
        "status": 429,
        "headers": {"Retry-After": "0"},
    }
    sandbox.house.faults = FaultBook(parse_rules([rule], sandbox.house.fakes))
    retry = urllib3.Retry(total=3, backoff_factor=0, status_forcelist=(429,), allowed_methods=None)
    patient = hubspot.HubSpot(access_token="sandbox", host=sandbox.base_url("hubspot"), retry=retry)
    before = len(log_of(sandbox))
    assert len(patient.crm.contacts.basic_api.get_page(limit=1).results) == 1
    assert [entry["status"] for entry in log_of(sandbox)[before:]] == [429, 429, 200]
    stranger = hubspot.HubSpot(access_token="wrong", host=sandbox.base_url("hubspot"), retry=retry)
    with pytest.raises(hubspot.crm.contacts.exceptions.ApiException) as caught:
        stranger.crm.contacts.basic_api.get_page()
    assert caught.value.status == 401
    assert "INVALID_AUTHENTICATION" in caught.value.body


# ---- hubspot-sdk, strict ---------------------------------------------------------------------------------


def test_strict_pages_through_every_company_once(strict, sandbox):
    found = list(strict.crm.objects.companies.list(limit=10, properties=["name", "domain"]))
    assert [record.id for record in found] == sorted(stored(sandbox, "companies"), key=int)


def test_strict_search(strict, sandbox):
    answer = strict.crm.objects.contacts.search(
        after="0",
        filter_groups=[{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}]}],
        limit=200,
        properties=["email"],
        sorts=["-createdate"],
    )
    with_email = [record for record in stored(sandbox).values() if record["properties"].get("email")]
    assert answer.total == len(with_email)
    created = [record.created_at for record in answer.results]
    assert created == sorted(created, reverse=True)


def test_strict_batches(strict, sandbox):
    batch = strict.crm.objects.contacts.batch
    made = batch.create(
        inputs=[
            {"properties": {"email": f"strict{n}@example.com", "lead_score": "1"}, "associations": []}
            for n in range(2)
        ]
    )
    ids = [record.id for record in made.results]
    changed = batch.update(inputs=[{"id": key, "properties": {"lead_score": "2"}} for key in ids])
    assert {record.properties["lead_score"] for record in changed.results} == {"2"}
    upserted = batch.upsert(
        inputs=[{"id": "strict0@example.com", "id_property": "email", "properties": {"lead_score": "3"}}]
    )
    assert (upserted.results[0].id, upserted.results[0].new) == (ids[0], False)
    read = batch.get(
        inputs=[{"id": key} for key in ids],
        properties=["email", "lead_score"],
        properties_with_history=["lead_score"],
    )
    history = read.results[0].properties_with_history["lead_score"]
    assert [version.value for version in history] == ["3", "2", "1"]
    assert {version.source_type for version in history} == {"API"}
    batch.delete(inputs=[{"id": key} for key in ids])
    assert len(stored(sandbox)) == CONTACTS


def test_strict_multi_status_passes_validation(strict, sandbox):
    key = next(iter(stored(sandbox)))
    answer = strict.crm.objects.contacts.batch.with_raw_response.update(
        inputs=[
            {"id": key, "properties": {"lead_score": "2"}, "object_write_trace_id": "good"},
            {"id": key + "0", "properties": {"lead_score": "2"}, "object_write_trace_id": "missing"},
        ]
    )
    assert answer.status_code == 207
    assert [record.id for record in answer.parse().results] == [key]
    assert answer.http_response.json()["errors"][0]["context"]["objectWriteTraceId"] == ["missing"]


def test_strict_single_records(strict, sandbox):
    made = strict.crm.objects.contacts.create(properties={"email": "solo@example.com"}, associations=[])
    found = strict.crm.objects.contacts.get("solo@example.com", id_property="email", properties=["email"])
    assert found.id == made.id
    strict.crm.objects.contacts.update(made.id, properties={"firstname": "Solo"})
    assert stored(sandbox)[made.id]["properties"]["firstname"] == "Solo"
    strict.crm.objects.contacts.delete(made.id)
    with pytest.raises(hubspot_sdk.NotFoundError):
        strict.crm.objects.contacts.get(made.id)


def test_strict_properties_groups_and_owners(strict):
    found = strict.crm.properties.list("contacts")
    assert {"email", "lead_score", "lead_grade"} <= {item.name for item in found.results}
    one = strict.crm.properties.get("lead_score", object_type="contacts")
    assert one.type == "number"
    groups = strict.crm.properties.groups.list("contacts")
    assert "contactinformation" in {group.name for group in groups.results}
    batch = strict.crm.properties.batch.get(
        "contacts", inputs=[{"name": "email"}], archived=False, data_sensitivity="non_sensitive"
    )
    assert [item.name for item in batch.results] == ["email"]
    assert all(owner.type == "PERSON" for owner in strict.crm.owners.list())


def test_strict_associations(strict, sandbox):
    contact, company = list(stored(sandbox))[0], list(stored(sandbox, "companies"))[-1]
    batch = strict.crm.associations.batch
    batch.create(
        to_object_type="companies",
        from_object_type="contacts",
        inputs=[
            {
                "from": {"id": contact},
                "to": {"id": company},
                "types": [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 279}],
            }
        ],
    )
    read = batch.get(to_object_type="companies", from_object_type="contacts", inputs=[{"id": contact}])
    assert company in {to.to_object_id for to in read.results[0].to}


def test_strict_account_and_usage(strict):
    details = strict.account.get()
    assert (details.portal_id, details.account_type) == (62515, "SANDBOX")
    assert strict.account.get_daily_private_apps_usage().results[0].current_usage >= 1


def test_strict_oauth_token(sandbox):
    token = strict_client(sandbox).auth.oauth.create_token(
        grant_type="refresh_token", client_id="id", client_secret="secret", refresh_token="sandbox"
    )
    assert token.token_use == "access_token"
    assert (
        strict_client(sandbox, token.access_token)
        .crm.objects.contacts.list(limit=1, properties=["email"])
        .results
    )


def test_strict_rate_limit_and_authentication(sandbox):
    from tailrace.sandbox.faults import FaultBook, parse_rules

    rule = {"vendor": "hubspot", "nth": 1, "status": 429, "headers": {"retry-after-ms": "1"}, "body": {}}
    sandbox.house.faults = FaultBook(parse_rules([rule], sandbox.house.fakes))
    before = len(log_of(sandbox))
    strict_client(sandbox).crm.objects.contacts.list(limit=1, properties=["email"])
    assert [entry["status"] for entry in log_of(sandbox)[before:]] == [429, 200]
    with pytest.raises(hubspot_sdk.AuthenticationError):
        strict_client(sandbox, "wrong", max_retries=0).crm.objects.contacts.list()


def test_the_ten_second_limit_answers_429_without_retry_after():
    with Sandbox.start(contacts=3, today=TODAY) as limited:
        client = strict_client(limited, max_retries=0)
        answers = [client.crm.objects.companies.with_raw_response.list() for _ in range(190)]
        assert answers[0].headers["x-hubspot-ratelimit-max"] == "190"
        assert answers[-1].headers["x-hubspot-ratelimit-remaining"] == "0"
        with pytest.raises(hubspot_sdk.RateLimitError) as caught:
            client.crm.objects.companies.list()
        assert "retry-after" not in caught.value.response.headers
        assert caught.value.response.json()["policyName"] == "TEN_SECONDLY_ROLLING"


def test_the_sixth_search_in_a_second_is_refused():
    with Sandbox.start(contacts=3, today=TODAY) as limited:
        client = strict_client(limited, max_retries=0)
        ask = {"after": "0", "filter_groups": [], "limit": 1, "properties": [], "sorts": []}
        with pytest.raises(hubspot_sdk.RateLimitError) as caught:
            for _ in range(50):
                client.crm.objects.contacts.search(**ask)
        assert "x-hubspot-ratelimit-max" not in caught.value.response.headers
        assert caught.value.response.json()["message"] == "You have reached your secondly limit."
