"""google-cloud-bigquery against the sandbox: it lists, describes, reads and queries the export's tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, Forbidden, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import InvalidOperation
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from tailrace.sandbox import Sandbox

TODAY = dt.date(2026, 6, 1)
DATASET = "tailrace-sandbox.analytics_320000001"
DAILY = f"{DATASET}.events_20260530"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=20, today=TODAY, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> bigquery.Client:
    return make_client(sandbox, "sandbox")


def make_client(sandbox: Sandbox, token: str | None, project: str = "tailrace-sandbox") -> bigquery.Client:
    credentials = AnonymousCredentials() if token is None else Credentials(token)  # type: ignore[no-untyped-call]
    options = ClientOptions(api_endpoint=sandbox.base_url("ga4_export"))  # type: ignore[no-untyped-call]
    return bigquery.Client(project=project, credentials=credentials, client_options=options)


def held(sandbox: Sandbox, day: str) -> list[dict[str, Any]]:
    return [row for row in sandbox.house.fakes["ga4_export"].records("events") if row["event_date"] == day]


def told(row: Any) -> dict[str, Any]:
    return {param["key"]: {k: v for k, v in param["value"].items() if v is not None} for param in row}


def test_tables_are_listed_over_pages(client: bigquery.Client) -> None:
    names = [table.table_id for table in client.list_tables(DATASET, page_size=5)]
    days = [TODAY - dt.timedelta(days=ago) for ago in range(14, 1, -1)]
    wanted = [f"events_{day:%Y%m%d}" for day in days] + ["events_intraday_20260531"]
    assert names == wanted


def test_a_table_tells_its_columns_rows_and_time(client: bigquery.Client, sandbox: Sandbox) -> None:
    table = client.get_table(DAILY)
    assert table.num_rows == len(held(sandbox, "20260530"))
    assert table.modified < dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    fields = {field.name: field for field in table.schema}
    assert fields["event_params"].mode == "REPEATED" and fields["event_params"].field_type == "RECORD"
    value = next(field for field in fields["event_params"].fields if field.name == "value")
    assert [field.name for field in value.fields] == [
        "string_value",
        "int_value",
        "float_value",
        "double_value",
    ]
    assert fields["event_timestamp"].field_type == "INTEGER"


def test_rows_are_the_events(client: bigquery.Client, sandbox: Sandbox) -> None:
    rows = list(client.list_rows(client.get_table(DAILY), page_size=40))
    events = held(sandbox, "20260530")
    assert len(rows) == len(events) > 40
    for row, event in zip(rows, events, strict=True):
        assert row["event_timestamp"] == event["event_timestamp"]
        assert row["event_name"] == event["event_name"]
        assert told(row["event_params"]) == told(event["event_params"])
        assert row["device"]["web_info"]["browser"] == event["device"]["web_info"]["browser"]
        assert row["is_active_user"] is event["is_active_user"]
        assert row["event_value_in_usd"] == event["event_value_in_usd"]


@pytest.mark.parametrize("way", ["query", "query_and_wait"])
def test_a_query_reads_nested_repeated_records(client: bigquery.Client, sandbox: Sandbox, way: str) -> None:
    sql = f"SELECT event_name, event_params FROM `{DAILY}` LIMIT 70"
    rows = list(
        client.query(sql).result(page_size=30) if way == "query" else client.query_and_wait(sql, page_size=30)
    )
    events = held(sandbox, "20260530")[:70]
    assert [row["event_name"] for row in rows] == [event["event_name"] for event in events]
    assert [told(row["event_params"]) for row in rows] == [told(event["event_params"]) for event in events]


def test_a_query_counts(client: bigquery.Client, sandbox: Sandbox) -> None:
    rows = list(client.query_and_wait(f"SELECT COUNT(*) AS n FROM `{DAILY}`"))
    assert [row["n"] for row in rows] == [len(held(sandbox, "20260530"))]


def test_a_query_of_all_columns_has_the_tables_schema(client: bigquery.Client) -> None:
    rows = client.query_and_wait(f"SELECT * FROM `{DAILY}` LIMIT 1")
    assert [field.name for field in rows.schema] == [field.name for field in client.get_table(DAILY).schema]


def test_what_bigquery_refuses_is_refused_in_its_words(client: bigquery.Client, sandbox: Sandbox) -> None:
    with pytest.raises(
        NotFound, match="Not found: Table tailrace-sandbox:analytics_320000001.events_19990101"
    ):
        client.get_table(f"{DATASET}.events_19990101")
    with pytest.raises(NotFound, match="Not found: Dataset tailrace-sandbox:analytics_1"):
        list(client.list_tables("tailrace-sandbox.analytics_1"))
    with pytest.raises(BadRequest, match="Unrecognized name: no_such"):
        client.query_and_wait(f"SELECT no_such FROM `{DAILY}`")
    with pytest.raises(BadRequest, match="The sandbox runs"):
        client.query_and_wait(f"SELECT event_name FROM `{DAILY}` WHERE event_name = 'x'")
    with pytest.raises(Forbidden, match="Access Denied"):
        list(make_client(sandbox, "sandbox", "elsewhere").list_tables("elsewhere.analytics_320000001"))
    with pytest.raises(InvalidOperation, match="cannot be refreshed"):  # what it does on a 401
        list(make_client(sandbox, None).list_tables(DATASET))
