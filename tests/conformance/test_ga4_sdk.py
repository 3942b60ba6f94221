"""google-analytics-data's REST transport against the sandbox: pages, batches, metadata, quota, refusals, logins."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.analytics.data_v1beta import BetaAnalyticsDataClient
from google.analytics.data_v1beta.types import (
    BatchRunReportsRequest,
    DateRange,
    Dimension,
    Filter,
    FilterExpression,
    Metric,
    MetricType,
    OrderBy,
    RunReportRequest,
)
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, Forbidden, TooManyRequests
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import InvalidOperation
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials

from tailrace.sandbox import Sandbox
from tests.conformance.vendors import Desk

TODAY = dt.date(2026, 6, 1)
PROPERTY = "properties/320000001"
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=40, today=TODAY) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> BetaAnalyticsDataClient:
    return make_client(sandbox, Credentials("sandbox"))  # type: ignore[no-untyped-call]


def make_client(sandbox: Sandbox, credentials: Any) -> BetaAnalyticsDataClient:
    options = ClientOptions(api_endpoint=sandbox.base_url("ga4"))  # type: ignore[no-untyped-call]
    return BetaAnalyticsDataClient(transport="rest", credentials=credentials, client_options=options)


def request(dimensions: str = "date", metrics: str = "sessions", **more: Any) -> RunReportRequest:
    return RunReportRequest(
        property=PROPERTY,
        date_ranges=[DateRange(start_date="2026-05-01", end_date="2026-05-31")],
        dimensions=[Dimension(name=name) for name in dimensions.split()],
        metrics=[Metric(name=name) for name in metrics.split()],
        order_bys=[
            OrderBy(dimension=OrderBy.DimensionOrderBy(dimension_name=dimensions.split(maxsplit=1)[0]))
        ],
        **more,
    )


def days(sandbox: Sandbox) -> dict[str, int]:
    found: dict[str, int] = {}
    for session in sandbox.house.fakes["ga4"].records("sessions"):
        if session["date"] >= "20260501":
            found[session["date"]] = found.get(session["date"], 0) + 1
    return found


def test_a_report_comes_in_pages(client: BetaAnalyticsDataClient, sandbox: Sandbox) -> None:
    shown: dict[str, int] = {}
    sizes, offset, total = [], 0, 1
    while offset < total:
        page = client.run_report(request(limit=12, offset=offset))
        total, offset = page.row_count, offset + len(page.rows)
        sizes.append(len(page.rows))
        shown |= {row.dimension_values[0].value: int(row.metric_values[0].value) for row in page.rows}
    assert sizes == [12, 12, 7]
    assert shown == days(sandbox)


def test_an_answer_has_types_and_what_is_said_of_the_property(client: BetaAnalyticsDataClient) -> None:
    answer = client.run_report(
        request(metrics="sessions keyEvents userEngagementDuration", return_property_quota=True)
    )
    kinds = [MetricType.TYPE_INTEGER, MetricType.TYPE_FLOAT, MetricType.TYPE_SECONDS]
    assert [header.type_ for header in answer.metric_headers] == kinds
    assert (answer.metadata.currency_code, answer.metadata.time_zone) == ("USD", "America/New_York")
    assert not answer.metadata.data_loss_from_other_row
    assert answer.property_quota.tokens_per_day.consumed > 0
    assert answer.property_quota.tokens_per_day.remaining < 200_000
    assert answer.kind == "analyticsData#runReport"


def test_filters_of_the_client_are_understood(client: BetaAnalyticsDataClient, sandbox: Sandbox) -> None:
    mediums = FilterExpression(
        filter=Filter(field_name="sessionMedium", in_list_filter=Filter.InListFilter(values=["cpc", "email"]))
    )
    many = Filter.NumericFilter(
        operation=Filter.NumericFilter.Operation.GREATER_THAN, value={"int64_value": 1}
    )
    busy = FilterExpression(filter=Filter(field_name="sessions", numeric_filter=many))
    answer = client.run_report(request("date sessionMedium", dimension_filter=mediums, metric_filter=busy))
    assert {row.dimension_values[1].value for row in answer.rows} <= {"cpc", "email"}
    assert answer.rows and all(int(row.metric_values[0].value) > 1 for row in answer.rows)


def test_a_batch_answers_each_report(client: BetaAnalyticsDataClient, sandbox: Sandbox) -> None:
    requests = [request(), request("sessionSource", "newUsers", limit=2)]
    answer = client.batch_run_reports(BatchRunReportsRequest(property=PROPERTY, requests=requests))
    assert [len(report.rows) for report in answer.reports] == [31, 2]
    assert answer.reports[0].metric_headers[0].type_ == MetricType.TYPE_INTEGER
    with pytest.raises(BadRequest, match="1 to 5"):
        client.batch_run_reports(BatchRunReportsRequest(property=PROPERTY, requests=[request()] * 6))


def test_metadata_names_what_can_be_asked_for(client: BetaAnalyticsDataClient) -> None:
    metadata = client.get_metadata(name=f"{PROPERTY}/metadata")
    kinds = {metric.api_name: metric.type_ for metric in metadata.metrics}
    assert kinds["sessions"] == MetricType.TYPE_INTEGER and kinds["engagementRate"] == MetricType.TYPE_FLOAT
    assert {"date", "sessionSource"} <= {dimension.api_name for dimension in metadata.dimensions}


def test_refusals_are_the_clients_errors(client: BetaAnalyticsDataClient) -> None:
    with pytest.raises(BadRequest, match="Field nonsense is not a valid dimension"):
        client.run_report(request("nonsense"))
    with pytest.raises(BadRequest, match="incompatible"):
        client.run_report(request("eventName", "sessions"))
    other = request()
    other.property = "properties/1"
    with pytest.raises(Forbidden, match="does not have sufficient permissions"):
        client.run_report(other)


def test_spent_tokens_are_too_many_requests(client: BetaAnalyticsDataClient, sandbox: Sandbox) -> None:
    message = "Exhausted property tokens per day. Quota will reset within one day."
    body = {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}}
    Desk(sandbox).faults({"vendor": "ga4", "route": "*:runReport", "nth": 1, "status": 429, "body": body})
    with pytest.raises(TooManyRequests, match="tokens per day"):
        client.run_report(request())
    Desk(sandbox).faults()


def test_the_sandboxs_own_tokens_are_spent() -> None:
    with Sandbox.start(contacts=5, today=TODAY) as small:
        quota: Any = small.house.fakes["ga4"]._quota  # type: ignore[attr-defined]
        quota.use(14_000)
        client = make_client(small, Credentials("sandbox"))  # type: ignore[no-untyped-call]
        with pytest.raises(TooManyRequests, match="tokens per project per hour"):
            client.run_report(request())


def test_a_missing_token_is_refused(sandbox: Sandbox) -> None:
    client = make_client(sandbox, AnonymousCredentials())  # type: ignore[no-untyped-call]
    with pytest.raises(InvalidOperation, match="cannot be refreshed"):  # what the client does on a 401
        client.run_report(request())


def test_a_service_account_signs_its_own_token(sandbox: Sandbox, tmp_path: Path) -> None:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = tmp_path / "key.json"
    key.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "reader@acme.iam.gserviceaccount.com",
                "private_key_id": "1",
                "private_key": pem.decode(),
                "token_uri": sandbox.base_url("ga4") + "/token",
            }
        )
    )
    credentials = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
        str(key), scopes=[SCOPE], always_use_jwt_access=True
    )
    tokens = len(Desk(sandbox).requests("ga4", "/token"))
    assert make_client(sandbox, credentials).run_report(request()).row_count == 31
    assert len(Desk(sandbox).requests("ga4", "/token")) == tokens
