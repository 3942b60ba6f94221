"""LinkedIn's own client against the sandbox: what it sends is understood, what it gets it can read; and we send alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tailrace.connectors.linkedin_ads import restli
from tailrace.sandbox.linkedin_ads.restli import read_query
from tailrace.sandbox.server import Sandbox

pytest.importorskip("linkedin_api", reason="LinkedIn's client is under its own licence, and optional")

from linkedin_api.clients.restli.client import RestliClient
from linkedin_api.clients.restli.utils import encoder
from linkedin_api.common import constants

TOKEN, VERSION = "sandbox", "202607"
US = "urn:li:sponsoredAccount:510000001"
TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=60, limits=False, today=TODAY) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> RestliClient:
    monkeypatch.setattr(constants, "VERSIONED_BASE_URL", sandbox.base_url("linkedin_ads") + "/rest")
    client = RestliClient()
    client.session.trust_env = False
    yield client
    client.session.close()


def held(sandbox: Sandbox, obj: str) -> list[dict[str, Any]]:
    return sandbox.house.fakes["linkedin_ads"].records(obj)


def days(first: date, last: date) -> dict[str, Any]:
    return restli.days(first, last)


def analytics(client: RestliClient, **params: Any) -> Any:
    asked = {
        "pivot": "CAMPAIGN",
        "timeGranularity": "DAILY",
        "dateRange": days(TODAY - timedelta(days=10), TODAY),
        "accounts": [US],
        "fields": "costInLocalCurrency,impressions,clicks,pivotValues,dateRange",
        **params,
    }
    return client.finder(
        resource_path="/adAnalytics",
        finder_name="analytics",
        query_params=asked,
        access_token=TOKEN,
        version_string=VERSION,
    )


def test_the_finder_of_analytics(client: RestliClient, sandbox: Sandbox) -> None:
    answer = analytics(client)
    assert answer.status_code == 200
    first = (TODAY - timedelta(days=10)).isoformat()
    rows = [row for row in held(sandbox, "analytics") if row["account"] == US and row["date"] >= first]
    assert sum(element["impressions"] for element in answer.elements) == sum(
        row["impressions"] for row in rows
    )
    assert sum(Decimal(element["costInLocalCurrency"]) for element in answer.elements) == sum(
        Decimal(row["costInLocalCurrency"]) for row in rows
    )
    assert {element["pivotValues"][0] for element in answer.elements} == {row["campaign"] for row in rows}
    assert set(answer.elements[0]) == {
        "costInLocalCurrency", "impressions", "clicks", "pivotValues", "dateRange",
    }  # fmt: skip


def test_many_campaigns_are_tunnelled_by_the_client_too(client: RestliClient, sandbox: Sandbox) -> None:
    campaigns = [f"urn:li:sponsoredCampaign:{campaign['id']}" for campaign in held(sandbox, "campaigns")]
    many = campaigns + [f"urn:li:sponsoredCampaign:{number}" for number in range(200)]
    whole = analytics(client)
    answer = analytics(client, campaigns=many)
    assert answer.elements == whole.elements
    assert sandbox.house.log[-1]["method"] == "POST"


@pytest.mark.parametrize(
    ("path", "finder", "obj"),
    [
        ("/adAccounts", "search", "accounts"),
        ("/adAccounts/{id}/adCampaignGroups", "search", "campaign_groups"),
        ("/adAccounts/{id}/adCampaigns", "search", "campaigns"),
        ("/adAccounts/{id}/creatives", "criteria", "creatives"),
    ],
)
def test_finders_of_entities(
    client: RestliClient, sandbox: Sandbox, path: str, finder: str, obj: str
) -> None:
    answer = client.finder(
        resource_path=path,
        finder_name=finder,
        path_keys={"id": 510000001} if "{id}" in path else None,
        access_token=TOKEN,
        version_string=VERSION,
    )
    wanted = [record for record in held(sandbox, obj) if record.get("account") in (US, None)]
    assert answer.elements == wanted
    assert answer.paging.total is None


def test_a_search_with_a_page_of_start_and_count(client: RestliClient, sandbox: Sandbox) -> None:
    fake = sandbox.house.fakes["linkedin_ads"]
    fake.habits.cursors = False
    params = {"search": {"status": {"values": ["PAUSED", "DRAFT"]}, "test": False}, "start": 0, "count": 5}
    answer = client.finder(
        resource_path="/adAccounts/{id}/adCampaigns",
        finder_name="search",
        path_keys={"id": 510000001},
        query_params=params,
        access_token=TOKEN,
        version_string=VERSION,
    )
    fake.habits = type(fake.habits)()
    paused = [campaign for campaign in held(sandbox, "campaigns") if campaign["status"] == "PAUSED"]
    assert (answer.elements, answer.paging.total, answer.paging.count) == (paused, 1, 5)


def test_one_account_with_a_projection(client: RestliClient) -> None:
    answer = client.get(
        resource_path="/adAccounts/{id}",
        path_keys={"id": 510000001},
        access_token=TOKEN,
        version_string=VERSION,
    )
    assert (answer.entity["currency"], answer.entity["id"]) == ("USD", 510000001)


@pytest.mark.parametrize(
    ("version", "token", "status", "code"),
    [
        ("202401", TOKEN, 426, "NONEXISTENT_VERSION"),
        (VERSION, "another", 401, "INVALID_ACCESS_TOKEN"),
    ],
)
def test_refusals_reach_the_client(
    client: RestliClient, version: str, token: str, status: int, code: str
) -> None:
    answer = client.finder(
        resource_path="/adAccounts", finder_name="search", access_token=token, version_string=version
    )
    assert answer.status_code == status
    assert answer.response.json()["code"] == code


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("urn:li:sponsoredAccount:5", "urn:li:sponsoredAccount:5"),
        ("a,b(c):d 'ü", "a,b(c):d 'ü"),
        (["urn:li:x:1", "b"], ["urn:li:x:1", "b"]),
        ({"a": {"b": 1}, "c": [True, "x"]}, {"a": {"b": "1"}, "c": ["true", "x"]}),
        ([], []),
        (7, "7"),
        (False, "false"),
    ],
)
def test_we_encode_as_the_client_does(value: Any, read: Any) -> None:
    assert restli.encode(value) == encoder.encode(value)
    assert read_query(restli.query({"p": value})) == {"p": read}


def test_we_ask_for_reports_as_the_client_does(client: RestliClient, sandbox: Sandbox) -> None:
    """The same parameters, in another order."""
    params = {"pivot": "CAMPAIGN", "dateRange": days(date(2026, 1, 1), date(2026, 1, 31)), "accounts": [US]}
    ours = read_query(restli.query({**params, "fields": ["impressions", "clicks"]}))
    theirs = read_query(encoder.param_encode(params) + "&fields=impressions,clicks")
    assert ours == theirs
    assert "accounts=List(urn%3Ali%3AsponsoredAccount%3A510000001)" in restli.query(params)
    assert "dateRange=(start:(year:2026,month:1,day:1),end:(year:2026,month:1,day:31))" in restli.query(
        params
    )
