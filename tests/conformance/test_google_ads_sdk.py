"""Google's own messages against the sandbox: every answer and every error parses, unknown fields rejected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.ads.googleads.v26.services.types.customer_service import ListAccessibleCustomersResponse
from google.ads.googleads.v26.services.types.google_ads_service import (
    SearchGoogleAdsResponse,
    SearchGoogleAdsStreamResponse,
)
from google.protobuf import json_format

from tailrace.connectors.google_ads.declaration import METRICS
from tailrace.connectors.google_ads.gaql import TEXT_METRICS, WHOLE_METRICS
from tailrace.connectors.google_ads.resources import ENTITIES, STATS, fields_of
from tailrace.sandbox.server import Sandbox
from tests.unit.sandbox.talk import Answer, ask

US, MANAGER = "4100000001", "4100000000"
HEADERS = {
    "authorization": "Bearer sandbox",
    "developer-token": "dev",
    "login-customer-id": MANAGER,
    "content-type": "application/json",
}
DAYS = "WHERE segments.date DURING LAST_30_DAYS"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=60, limits=False) as sandbox:
        yield sandbox


def post(sandbox: Sandbox, method: str, query: str, customer: str = US, **headers: str) -> Answer:
    path = f"/google_ads/v26/customers/{customer}/googleAds:{method}"
    return ask(sandbox.url, "POST", path, {"query": query}, {**HEADERS, **headers})


def streamed(sandbox: Sandbox, query: str, customer: str = US) -> list[Any]:
    """The rows as google-ads has them; ParseError where a field is none of the message's."""
    rows: list[Any] = []
    for chunk in post(sandbox, "searchStream", query, customer).json():
        message = SearchGoogleAdsStreamResponse()
        json_format.ParseDict(chunk, SearchGoogleAdsStreamResponse.pb(message))
        rows += message.results
    return rows


@pytest.mark.parametrize("name", ENTITIES)
def test_entities_parse(sandbox: Sandbox, name: str) -> None:
    fields = ", ".join(fields_of(name, {}, METRICS))
    rows = streamed(sandbox, f"SELECT {fields} FROM {ENTITIES[name].origin}")
    held = sandbox.house.fakes["google_ads"].records(name)
    assert len(rows) == len([record for record in held if record["customer"]["id"] == US]) > 0
    assert {row.customer.currency_code for row in rows} == {"USD"}
    if name == "ads":
        assert {row.ad_group_ad.status.name for row in rows} == {"ENABLED"}
        assert all(row.ad_group_ad.ad.id for row in rows)


@pytest.mark.parametrize("segments", [(), ("device",)], ids=["days", "devices"])
@pytest.mark.parametrize("name", STATS)
def test_stats_parse(sandbox: Sandbox, name: str, segments: tuple[str, ...]) -> None:
    fields = ", ".join(fields_of(name, {"segments": segments}, METRICS))
    rows = streamed(sandbox, f"SELECT {fields} FROM {STATS[name].origin} {DAYS}")
    totals = streamed(sandbox, f"SELECT metrics.cost_micros FROM customer {DAYS}")
    assert sum(row.metrics.cost_micros for row in rows) == sum(row.metrics.cost_micros for row in totals) > 0
    assert {row.segments.device.name for row in rows} == (
        {"MOBILE", "DESKTOP", "TABLET"} if segments else {"UNSPECIFIED"}
    )


def test_clients_of_a_manager_parse(sandbox: Sandbox) -> None:
    fields = "id descriptive_name currency_code time_zone manager status hidden level client_customer".split()
    asked = ", ".join(f"customer_client.{name}" for name in fields)
    rows = streamed(sandbox, f"SELECT {asked} FROM customer_client", MANAGER)
    assert [(str(row.customer_client.id), row.customer_client.level) for row in rows][:2] == [
        (MANAGER, 0),
        (US, 1),
    ]
    assert {row.customer_client.status.name for row in rows} == {"ENABLED"}


def test_a_page_of_search_parses(sandbox: Sandbox) -> None:
    message = SearchGoogleAdsResponse()
    document = post(sandbox, "search", "SELECT campaign.id FROM campaign").json()
    json_format.ParseDict(document, SearchGoogleAdsResponse.pb(message))
    assert len(message.results) == 5


def test_accessible_customers_parse(sandbox: Sandbox) -> None:
    path = "/google_ads/v26/customers:listAccessibleCustomers"
    message = ListAccessibleCustomersResponse()
    json_format.ParseDict(
        ask(sandbox.url, "GET", path, None, HEADERS).json(), ListAccessibleCustomersResponse.pb(message)
    )
    assert len(message.resource_names) == 3


def test_our_types_are_the_protos() -> None:
    """A metric that we call whole is int64 in Metrics, one that we call text is no number."""
    fields = SearchGoogleAdsStreamResponse.pb().DESCRIPTOR.fields_by_name["results"].message_type
    metrics = fields.fields_by_name["metrics"].message_type.fields_by_name
    kinds = {name: metrics[name].type for name in metrics}
    numbers = {metrics["impressions"].TYPE_INT64, metrics["impressions"].TYPE_DOUBLE}
    assert WHOLE_METRICS - set(kinds) == {"video_views"}  # of versions before v23
    assert {kinds[name] for name in WHOLE_METRICS & set(kinds)} == {metrics["impressions"].TYPE_INT64}
    assert {name for name, kind in kinds.items() if kind not in numbers} == TEXT_METRICS
    assert set(METRICS) <= set(kinds)


@pytest.mark.parametrize(
    ("query", "customer", "headers", "status", "group", "code"),
    [
        ("SELECT campaign.nme FROM campaign", US, {}, 400, "query_error", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaign", "999", {}, 403, "authorization_error", "USER_PERMISSION_DENIED"),
        (
            "SELECT campaign.id FROM campaign",
            US,
            {"authorization": "Bearer no"},
            401,
            "authentication_error",
            "OAUTH_TOKEN_INVALID",
        ),
        (
            "SELECT metrics.clicks FROM campaign",
            MANAGER,
            {},
            400,
            "query_error",
            "REQUESTED_METRICS_FOR_MANAGER",
        ),
    ],
)
def test_errors_parse(
    sandbox: Sandbox,
    query: str,
    customer: str,
    headers: dict[str, str],
    status: int,
    group: str,
    code: str,
) -> None:
    answer = post(sandbox, "searchStream", query, customer, **headers)
    failure, word = failure_of(answer)
    assert (answer.status, word) == (status, f"{group}.{code}")
    assert failure.errors[0].message


def test_an_ended_account_is_refused_in_googles_words(sandbox: Sandbox) -> None:
    fake = sandbox.house.fakes["google_ads"]
    fake.remove("customers", US)
    answer = post(sandbox, "searchStream", "SELECT campaign.id FROM campaign")
    fake.reset()
    assert failure_of(answer)[1] == "authorization_error.CUSTOMER_NOT_ENABLED"


def failure_of(answer: Answer) -> tuple[Any, str]:
    """The GoogleAdsFailure in an error's details, and its first code as `group.CODE`."""
    (detail,) = json.loads(answer.body)[0]["error"]["details"]
    assert detail.pop("@type") == "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
    failure = GoogleAdsFailure()
    json_format.ParseDict(detail, GoogleAdsFailure.pb(failure))
    found = GoogleAdsFailure.pb(failure).errors[0].error_code
    group = found.WhichOneof("error_code")
    return failure, f"{group}.{getattr(failure.errors[0].error_code, group).name}"
