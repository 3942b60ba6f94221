"""Meta's own SDK against what our destination wrote: the same people, the same hashes, both ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.writing import Destination
from tailrace.sandbox.server import Sandbox
from tests.conformance.meta_ads_writing import AUDIENCE, LOGIN, OTHER, USERS, emails, row, send, users
from tests.conformance.vendors import Desk, connect

PEOPLE = (
    ("Jane@Tailrace.example ", "+1 (415) 555-2671", "Jane", "O'Neil", "94035-1234", "US", "F", "1969", "7"),
    ("bob@tailrace.example", "", "Bob", "Smith Jones", "10118", "us", "m", "1988", "12"),
)
SCHEMA = ["EMAIL", "PHONE", "FN", "LN", "ZIP", "COUNTRY", "GEN", "DOBY", "DOBM"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=20, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(FacebookSession, "GRAPH", sandbox.base_url("meta_ads"))
    monkeypatch.setattr(FacebookAdsApi, "_default_api", None)
    FacebookAdsApi.init(access_token="sandbox", app_secret="sandbox-app-secret", crash_log=False)
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def destination(sandbox: Sandbox) -> Iterator[Destination]:
    connector: Connector = connect("meta_ads", sandbox.base_url("meta_ads"), LOGIN)
    yield connector.destination()
    connector.close()


def test_the_sdks_call_gives_the_hashes_that_ours_gives(destination: Destination, desk: Desk) -> None:
    given = [[value.strip() for value in person] for person in PEOPLE]
    answer = CustomAudience(OTHER).add_users(schema=SCHEMA, users=given, is_raw=True).json()
    assert (answer["num_received"], answer["num_invalid_entries"], answer["audience_id"]) == (2, 0, OTHER)
    rows = [row(person[0], **dict(zip(SCHEMA[1:], person[1:], strict=True))) for person in PEOPLE]
    assert [result.outcome for result in send(destination, "upsert", *rows)] == ["acked", "acked"]
    ours = {key.partition("/")[2]: held for key, held in users(desk).items()}
    theirs = {key.partition("/")[2]: held for key, held in users(desk, OTHER).items()}
    # the SDK hashes empty values, too (the page says to leave them blank): of Bob's phone alone they differ
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert {key: {k: v for k, v in held.items() if v != empty} for key, held in theirs.items()} == ours
    assert desk.writes("meta_ads", USERS).keys() == {
        key for key in [*users(desk), *users(desk, OTHER)] if desk.writes("meta_ads", USERS).get(key)
    }


def test_the_sdk_takes_out_whom_we_put_in(destination: Destination, desk: Desk) -> None:
    send(destination, "upsert", row("jane@tailrace.example", FN="Jane"), row("bob@tailrace.example"))
    assert len(emails(desk)) == 2
    answer = CustomAudience(AUDIENCE).remove_users(
        schema=CustomAudience.Schema.email_hash, users=["Jane@Tailrace.example"]
    )
    assert answer.json()["num_received"] == 1
    assert len(emails(desk)) == 1
    CustomAudience(AUDIENCE).add_users(schema=["EMAIL"], users=[["jane@tailrace.example"]], is_raw=True)
    assert len(emails(desk)) == 2
    results = send(destination, "archive", row("JANE@tailrace.example"), row("bob@tailrace.example"))
    assert [result.outcome for result in results] == ["acked", "acked"]
    assert emails(desk) == set()


def test_the_sdk_makes_and_lists_audiences(destination: Destination, desk: Desk) -> None:
    account = AdAccount("act_310000000000001")
    with pytest.raises(FacebookRequestError) as caught:
        account.create_custom_audience(params={"name": "New", "subtype": "CUSTOM"})
    assert "customer_file_source" in caught.value.api_error_message()
    made = account.create_custom_audience(
        params={"name": "New", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    )
    listed = account.get_custom_audiences(fields=["name", "subtype", "approximate_count_lower_bound"])
    assert {each["id"]: each["name"] for each in listed} == {AUDIENCE: "Customers", made["id"]: "New"}
    assert send(destination, "upsert", row("a@tailrace.example"), audience=made["id"])[0].outcome == "acked"
    assert len(users(desk, made["id"])) == 1


def test_raw_values_are_invalid_entries(desk: Desk) -> None:
    answer = CustomAudience(AUDIENCE).add_users(
        schema=["EMAIL"], users=[["jane@tailrace.example"]], is_raw=True, pre_hashed=True
    )
    assert (answer.json()["num_received"], answer.json()["num_invalid_entries"]) == (1, 1)
    assert emails(desk) == set()
