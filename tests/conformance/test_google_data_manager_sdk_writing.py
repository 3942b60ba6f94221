"""Google's own client, by the discovery document that it ships, against the sandbox and against what we write."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tailrace.connectors.google_data_manager.api import Accounts, Api, Patience
from tailrace.connectors.google_data_manager.identifiers import Identifiers
from tailrace.connectors.sdk.writing import WriteBatch, WriteRow
from tailrace.sandbox.server import Sandbox
from tests.conformance.hooks import MEMBERS, google, with_options
from tests.conformance.vendors import Desk

OBJECT = "audience_members"
VALUES = {
    "phone": "+4989123456",
    "given_name": "Jane",
    "family_name": "Doe",
    "region_code": "DE",
    "postal_code": "80331",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=1, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    desk.reset()
    yield desk
    desk.reset()


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Iterator[Any]:
    options = {"api_endpoint": sandbox.base_url("google_data_manager")}
    with build(
        "datamanager", "v1", credentials=Credentials("sandbox"), client_options=options, static_discovery=True
    ) as client:
        yield client


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def body(*mails: str, **more: Any) -> dict[str, Any]:
    members = [{"userData": {"userIdentifiers": [{"emailAddress": hashed(mail)}]}} for mail in mails]
    account = {"accountType": "GOOGLE_ADS", "accountId": "1234567890"}
    return {
        "destinations": [{"operatingAccount": account, "productDestinationId": "7001"}],
        "audienceMembers": members,
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        **more,
    }


def write(sandbox: Sandbox, *keys: str, **options: Any) -> list[str]:
    rows = tuple(WriteRow(str(number), key, VALUES) for number, key in enumerate(keys))
    batch = WriteBatch(OBJECT, "upsert", "email", rows)
    with closing(google(sandbox)) as connector:
        results = connector.destination().write(
            with_options("google_data_manager", batch, **{**MEMBERS, **options})
        )
    return [result.outcome for result in results]


def settled(client: Any, request: str) -> dict[str, Any]:
    words = []
    for _ in range(3):
        found = client.requestStatus().retrieve(requestId=request).execute()
        words.append(found["requestStatusPerDestination"][0]["requestStatus"])
    assert words[0] == "PROCESSING"
    return found["requestStatusPerDestination"][0]


def test_the_client_takes_out_whom_we_put_in(client: Any, sandbox: Sandbox, desk: Desk) -> None:
    assert write(sandbox, "jane@tailrace.example", "jo@tailrace.example".upper()) == ["acked", "acked"]
    out = {**body("jo@tailrace.example")}
    del out["termsOfService"]
    client.audienceMembers().remove(body=out).execute()
    found = desk.records("google_data_manager", OBJECT)
    mails = {one.get("emailAddress") for record in found for one in record["userIdentifiers"]}
    assert hashed("jo@tailrace.example") not in mails


def test_we_find_whom_the_client_put_in_and_add_to_them(client: Any, sandbox: Sandbox, desk: Desk) -> None:
    answer = client.audienceMembers().ingest(body=body("jane@tailrace.example")).execute()
    status = settled(client, answer["requestId"])
    assert status["requestStatus"] == "SUCCESS"
    assert status["audienceMembersIngestionStatus"]["userDataIngestionStatus"]["recordCount"] == "1"
    assert write(sandbox, "jane@tailrace.example", encoding="base64") == ["acked"]
    (record,) = desk.records("google_data_manager", OBJECT)
    assert len(record["userIdentifiers"]) == 3


def test_our_body_knows_no_name_that_googles_schema_does_not(client: Any) -> None:
    api = Api(None, Accounts(("GOOGLE_ADS", "1"), ("GOOGLE_ADS", "2")), Patience(1, 1))  # type: ignore[arg-type]
    member = {"userData": {"userIdentifiers": Identifiers().of("email", "a@b.example", VALUES)}}
    options = {**MEMBERS, "encoding": "hex"}
    schemas = client._schema
    for verb, name in (
        ("ingest", "IngestAudienceMembersRequest"),
        ("remove", "RemoveAudienceMembersRequest"),
    ):
        _fits(schemas, schemas.get(name), api._body(verb, [member], options), name)  # type: ignore[arg-type]


def _fits(schemas: Any, schema: dict[str, Any], value: Any, where: str) -> None:
    if "$ref" in schema:
        schema = schemas.get(schema["$ref"])
    if schema.get("type") == "object":
        assert set(value) <= set(schema["properties"]), where
        for name, inner in value.items():
            _fits(schemas, schema["properties"][name], inner, f"{where}.{name}")
    elif schema.get("type") == "array":
        for inner in value:
            _fits(schemas, schema["items"], inner, where)
    else:
        assert isinstance(value, str)
        assert value in schema.get("enum", [value]), where


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoding": "OCTAL"}, "encoding"),
        ({"termsOfService": {}}, "terms_of_service"),
        ({"audienceMembers": []}, "audience_members"),
        ({"destinations": [{}]}, "destinations[0]"),
        (
            {"audienceMembers": [{"userData": {"userIdentifiers": [{"emailAddress": "jane@x.example"}]}}]},
            "audience_members[0]",
        ),
        (
            {"audienceMembers": [{"userData": {"userIdentifiers": [{"address": {"givenName": "x"}}]}}]},
            "address",
        ),
        ({"encoding": "BASE64"}, "audience_members[0]"),
    ],
)
def test_the_sandbox_refuses_what_is_malformed(
    client: Any, desk: Desk, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(HttpError) as caught:
        client.audienceMembers().ingest(body={**body("a@b.example"), **change}).execute()
    assert caught.value.status_code == 400
    assert said in str(caught.value.error_details)
    assert desk.records("google_data_manager", OBJECT) == []


def test_the_sandbox_takes_base64_and_validates_only_on_request(client: Any, desk: Desk) -> None:
    digest = base64.b64encode(hashlib.sha256(b"a@b.example").digest()).decode()
    member = {"userData": {"userIdentifiers": [{"emailAddress": digest}]}}
    asked = body(encoding="BASE64", audienceMembers=[member])
    client.audienceMembers().ingest(body={**asked, "validateOnly": True}).execute()
    assert desk.records("google_data_manager", OBJECT) == []
    client.audienceMembers().ingest(body=asked).execute()
    assert desk.records("google_data_manager", OBJECT)[0]["userIdentifiers"] == [
        {"emailAddress": hashed("a@b.example")}
    ]


def test_other_tokens_and_requests_are_unknown(client: Any, sandbox: Sandbox) -> None:
    with pytest.raises(HttpError) as caught:
        client.requestStatus().retrieve(requestId="never").execute()
    assert caught.value.status_code == 404
    options = {"api_endpoint": sandbox.base_url("google_data_manager")}
    with (
        build(
            "datamanager",
            "v1",
            credentials=Credentials("other"),
            client_options=options,
            static_discovery=True,
        ) as stranger,
        pytest.raises(Exception, match=r"401|credentials|refresh"),
    ):
        stranger.audienceMembers().ingest(body=body("a@b.example")).execute()
