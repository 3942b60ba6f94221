"""GA4's Data API as a source: bad options, filters, what rows carry, quota, and every recorded report by key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.conformance.vendors import Desk
from tests.recordings import REAL, ga4_reports, needs_recordings
from tests.unit.connectors.ga4_lake import Lake, close_all, connect, spec
from tests.unit.connectors.scripted import Budget

from tailrace.connectors.ga4.quota import quotas
from tailrace.connectors.ga4.report import Report, shortcomings
from tailrace.connectors.sdk.options import check_connection, check_resource
from tailrace.connectors.sdk.registry import declaration
from tailrace.errors import AuthError, FatalError, SchemaError, VendorRefused
from tailrace.sandbox.server import Sandbox

TODAY = date(2026, 6, 1)
PROPERTY = "320000001"
LOGIN = {"property_id": PROPERTY, "access_token": "sandbox"}


def noon() -> datetime:
    return datetime(2026, 6, 1, 16, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=20, today=TODAY, limits=False) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def closed(sandbox: Sandbox) -> Iterator[None]:
    yield
    close_all()
    Desk(sandbox).reset()


def lake_of(
    sandbox: Sandbox,
    options: dict[str, Any],
    resource: str = "report",
    budget: Budget | None = None,
    **more: Any,
) -> Lake:
    login = {**LOGIN, "base_url": sandbox.base_url("ga4"), **more}
    return Lake(connect("ga4", login, budget, noon), "ga4", resource, {"start_date": "2026-05-20", **options})


def connection_problems(options: dict[str, Any]) -> list[str]:
    found = declaration("ga4")
    assert found is not None
    return [f"{'.'.join(map(str, path))}: {what}" for path, what, _ in check_connection(found, options)[1]]


def resource_problems(options: dict[str, Any]) -> list[str]:
    found = declaration("ga4")
    assert found is not None
    return [
        f"{'.'.join(map(str, path))}: {what}" for path, what, _ in check_resource(found, "report", options)[1]
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"access_token": "t"}, "property_id: option 'property_id' is missing"),
        ({"property_id": "G-ABC123", "access_token": "t"}, "property_id: 'G-ABC123' is no property id"),
        ({"property_id": "1"}, ": no single way to log in"),
        ({**LOGIN, "service_account_file": "k"}, ": no single way to log in"),
        ({**LOGIN, "api_version": "beta"}, "api_version: 'beta' is no API version"),
        ({**LOGIN, "base_url": "analytics"}, "base_url: 'analytics' is no URL"),
        ({**LOGIN, "start_date": "soon"}, "start_date: 'soon' is no date"),
    ],
)
def test_bad_connections_are_named(options: dict[str, Any], said: str) -> None:
    assert connection_problems(options) == [said]


TEN = [f"d{number}" for number in range(10)]
CITY = {"fieldName": "city", "stringFilter": {"value": "Graz"}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dimensions": ["date"]}, "metrics: option 'metrics' is missing"),
        ({"dimensions": TEN, "metrics": ["sessions"]}, "dimensions: report has 11 dimensions"),
        ({"dimensions": ["date"], "metrics": []}, "metrics: report has 0 metrics"),
        ({"dimensions": ["x"], "metrics": ["x"]}, "metrics: 'x' is named as dimension and metric"),
        ({"dimension_filter": {"where": 1}}, "dimension_filter.where: 'where' is no filter expression"),
        ({"dimension_filter": {}}, "dimension_filter: this is no filter expression"),
        (
            {"metric_filter": {"filter": {"fieldName": "x"}}},
            "metric_filter.filter: a filter needs fieldName and one condition",
        ),
        ({"dimension_filter": {"andGroup": {}}}, "dimension_filter.andGroup: andGroup has no expressions"),
        (
            {
                "dimension_filter": {
                    "orGroup": {"expressions": [{"filter": CITY}, {"notExpression": {"filtr": CITY}}]}
                }
            },
            "dimension_filter.orGroup.expressions.1.notExpression.filtr: 'filtr' is no filter expression",
        ),
        (
            {"dimension_filter": "city = Graz"},
            "dimension_filter: option 'dimension_filter': expected a mapping, not a text",
        ),
        ({"limit": 250_001}, "limit: limit is out of range"),
    ],
)
def test_bad_reports_are_named(options: dict[str, Any], said: str) -> None:
    whole = (
        {"dimensions": ["date"], "metrics": ["sessions"], **options}
        if "dimensions" not in options
        else options
    )
    assert resource_problems(whole) == [said]


def sessions(sandbox: Sandbox, **wanted: str) -> list[dict[str, Any]]:
    return [
        record
        for record in sandbox.house.fakes["ga4"].records("sessions")
        if record["date"] >= "20260520" and all(record[name] == value for name, value in wanted.items())
    ]


def test_a_filtered_report_has_the_filtered_rows_only(sandbox: Sandbox) -> None:
    options = {
        "dimensions": ["sessionSource"],
        "metrics": ["sessions", "keyEvents"],
        "dimension_filter": {"filter": {"fieldName": "deviceCategory", "stringFilter": {"value": "mobile"}}},
        "limit": 7,
    }
    lake = lake_of(sandbox, options)
    lake.run()
    rows = lake.rows()
    of_mobile = sessions(sandbox, deviceCategory="mobile")
    assert sum(row["sessions"] for row in rows) == len(of_mobile) > 0
    lake.options = {**lake.options, "dimension_filter": None}
    lake.run()  # another report: all of its days again
    assert sum(row["sessions"] for row in lake.rows()) == len(sessions(sandbox))
    lake.options = {
        **lake.options,
        "metric_filter": {
            "filter": {
                "fieldName": "sessions",
                "numericFilter": {"operation": "GREATER_THAN", "value": {"int64Value": "1"}},
            }
        },
    }
    lake.run()
    assert lake.rows() and min(row["sessions"] for row in lake.rows()) > 1


def test_rows_carry_currency_and_time_zone(sandbox: Sandbox) -> None:
    lake = lake_of(sandbox, {}, "sessions")
    lake.run()
    found = lake.rows("DISTINCT property_id, property_currency_code, property_time_zone")
    assert [tuple(row.values()) for row in found] == [(PROPERTY, "USD", "America/New_York")]
    types = {
        name: lake.warehouse.arrow('SELECT * FROM ga4."sessions" LIMIT 0').schema.field(name).type
        for name in ("sessions", "keyEvents", "date")
    }
    assert list(map(str, types.values())) == ["int64", "double", "date32[day]"]


def test_what_is_left_of_the_tokens_is_reported(sandbox: Sandbox) -> None:
    budget = Budget()
    lake_of(sandbox, {}, "sessions", budget).run()
    day = budget.quotas["tokens per day"]
    assert (day.limit, day.unit) == (200_000, "tokens") and 0 < day.remaining < 200_000
    assert set(budget.quotas) == {"tokens per day", "tokens per hour", "tokens per project and hour"}
    silent = Budget()
    lake_of(sandbox, {}, "sessions", silent, rate_limit="off").run()
    assert silent.quotas == {}


def test_a_property_of_360_has_ten_times_the_tokens() -> None:
    told = {
        "propertyQuota": {
            "tokensPerDay": {"consumed": 5, "remaining": 1_999_995},
            "tokensPerHour": {"consumed": 40_000},
        }
    }
    assert [(quota.limit, quota.remaining) for quota in quotas(told)] == [(2_000_000, 1_999_995), (40_000, 0)]
    assert list(quotas({})) == []


def test_doctor_sees_metadata_and_tokens(sandbox: Sandbox) -> None:
    found = list(lake_of(sandbox, {}).connector.examine())  # type: ignore[attr-defined]
    assert [finding.level for finding in found] == ["ok"] * 4
    assert "metrics can be read" in found[0].text and "of 200000 are left" in found[1].text
    with pytest.raises(AuthError, match="does not have sufficient permissions"):
        list(lake_of(sandbox, {}, property_id="1").connector.examine())  # type: ignore[attr-defined]
    with pytest.raises(FatalError, match="takes nothing back"):
        lake_of(sandbox, {}).connector.destination()


def test_what_does_not_go_together_is_refused_in_ga4s_words(sandbox: Sandbox) -> None:
    with pytest.raises(
        VendorRefused, match="dimensions & metrics are incompatible: date, eventName, sessions"
    ):
        lake_of(sandbox, {"dimensions": ["eventName"], "metrics": ["sessions"]}).run()
    with pytest.raises(VendorRefused, match="Field sesions is not a valid metric"):
        lake_of(sandbox, {"dimensions": ["date"], "metrics": ["sesions"]}).run()


def test_columns_that_would_be_one_are_refused() -> None:
    report = Report.of(
        spec("ga4", "report", {"dimensions": ["customEvent:a", "customEvent_a"], "metrics": ["sessions"]})
    )
    with pytest.raises(SchemaError, match="would be the column 'customevent_a'"):
        report.schema({}, "ga4.report")


def test_types_come_in_both_spellings_and_empty_dimensions_are_texts() -> None:
    report = Report.of(spec("ga4", "report", {"dimensions": ["city"], "metrics": ["a", "b"]}))
    head = {"metricHeaders": [{"name": "a", "type": 1}, {"name": "b", "type": "TYPE_CURRENCY"}]}
    kinds = {column.name: column.type for column in report.schema(head, "x").columns}
    assert (kinds["a"], kinds["b"], kinds["date"], kinds["city"]) == ("bigint", "double", "date", "text")
    rows = [
        {"dimensionValues": [{"value": "20260101"}, {}], "metricValues": [{"value": "1"}, {"value": "2.5"}]},
        {
            "dimensionValues": [{"value": "(other)"}, {"value": "Graz"}],
            "metricValues": [{"value": "9"}, {"value": "9"}],
        },
    ]
    found = report.rows({"rows": rows, "metadata": {"currencyCode": "EUR"}}, "7")
    assert [(row["date"], row["city"], row["a"], row["b"]) for row in found] == [
        ("2026-01-01", "", "1", "2.5")
    ]
    assert (found[0]["property_id"], found[0]["property_currency_code"]) == ("7", "EUR")


def test_shortcomings_are_put_into_words() -> None:
    metadata = {
        "dataLossFromOtherRow": True,
        "samplingMetadatas": [{"samplesReadCount": "1"}],
        "subjectToThresholding": False,
        "schemaRestrictionResponse": {"activeMetricRestrictions": [{"metricName": "totalRevenue"}]},
    }
    assert list(shortcomings({"metadata": metadata})) == [
        "rare values are folded into the row (other)",
        "the numbers are sampled",
        "the values of totalRevenue are withheld from this login",
    ]


def test_backfill_reads_the_days_asked_for_and_no_later_ones(sandbox: Sandbox) -> None:
    lake = lake_of(sandbox, {}, "sessions")
    lake.run()
    position = lake.warehouse.query("SELECT position FROM tailrace_meta.cursors")
    lake.run(days=(date(2026, 5, 10), date(2026, 5, 11)))
    assert lake.rows("min(date) AS first")[0]["first"] == date(2026, 5, 10)
    assert date(2026, 5, 15) not in {row["date"] for row in lake.rows("DISTINCT date")}
    assert lake.warehouse.query("SELECT position FROM tailrace_meta.cursors") == position
    connector: Any = lake.connector
    asked, report = [], connector.report
    connector.report = lambda body: (asked.append(body["dateRanges"][0]["endDate"]), report(body))[1]
    lake.run(days=(date(2026, 5, 31), date(2027, 1, 1)))
    assert set(asked) == {"2026-06-01"}
    total = sum(row["sessions"] for row in lake.rows() if row["date"] >= date(2026, 5, 20))
    assert total == len(sessions(sandbox))


# ---- recorded reports ----------------------------------------------------------------------------------

RECORDED = ga4_reports() if REAL.is_dir() else {}
BY_DAY = sorted(name for name, rows in RECORDED.items() if "date" in rows[0])


@needs_recordings
def test_nearly_every_recorded_report_is_by_day() -> None:
    assert sorted(set(RECORDED) - set(BY_DAY)) == ["cohort_report", "pivot_report", "weekly_events_report"]
    assert len(BY_DAY) == 49


@needs_recordings
@pytest.mark.parametrize("name", BY_DAY)
def test_a_recorded_report_is_landed_by_key(sandbox: Sandbox, name: str) -> None:
    fake = sandbox.house.fakes["ga4"]
    rows = [
        row for row in RECORDED[name] if row.keys() == RECORDED[name][-1].keys()
    ]  # one report changed its dimensions
    fake.replace("sessions", [])
    fake.replace(name, rows)
    texts = [
        column for column, value in rows[0].items() if isinstance(value, str) and column != "property_id"
    ]
    numbers = [column for column, value in rows[0].items() if not isinstance(value, str)]
    first, last = min(row["date"] for row in rows), max(row["date"] for row in rows)
    options = {"dimensions": texts, "metrics": numbers, "start_date": _day(first).isoformat(), "limit": 10}
    login = {
        "property_id": rows[0]["property_id"],
        "access_token": "sandbox",
        "base_url": sandbox.base_url("ga4"),
    }
    noon = datetime.combine(_day(last) + timedelta(days=1), datetime.min.time(), UTC)
    lake = Lake(connect("ga4", login, now=lambda: noon), "ga4", name, options)
    lake.run()
    landed = {tuple(row[column] for column in texts): [row[c] for c in numbers] for row in lake.rows()}
    wanted = {
        tuple(_day(row[c]) if c == "date" else row[c] for c in texts): [row[c] for c in numbers]
        for row in rows
        if any(row[column] for column in numbers)  # GA4 leaves out what is 0 in all metrics
    }
    if landed != wanted:
        pytest.fail(
            f"{name}: {len(wanted)} recorded rows, {len(landed)} landed, or other values", pytrace=False
        )
    assert lake.run().rows_in == 0


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
