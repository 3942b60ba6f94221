"""The connectors against their suites."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.writing import Destination, WriteBatch, WriteRow
from tailrace.sandbox.server import Sandbox
from tests.conformance.destination_suite import DestinationSuite
from tests.conformance.source_suite import SourceSuite
from tests.conformance.vendors import Desk, Landed, connect, spec, utc_now

HUBSPOT = {"access_token": "sandbox"}
NOT_HUBSPOT = {"access_token": "pat-not-this-one"}
LONG_AGO = (utc_now() - timedelta(days=200)).date().isoformat()
"""Before the first day of the sandbox's world."""
GOOGLE_ADS = {"access_token": "sandbox", "developer_token": "dev-token"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


class HubSpotObject(SourceSuite):
    """One object; `field` is a text property."""

    vendor, login, wrong_login = "hubspot", HUBSPOT, NOT_HUBSPOT
    field: str

    @property
    def route(self) -> str:  # type: ignore[override]
        return f"/crm/objects/2026-09/{self.resource}*"

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        live = [record for record in desk.records("hubspot", self.resource) if not record["archived"]]
        return {(record["id"],): record["properties"].get(self.field) for record in live}

    def value(self, row: dict[str, Any]) -> Any:
        return row[self.field]

    def first(self, desk: Desk) -> dict[str, Any]:
        return min(desk.records("hubspot", self.resource), key=lambda record: record["id"])

    def edit(self, desk: Desk) -> None:
        record = self.first(desk)
        desk.save("hubspot", self.resource, {"id": record["id"], "properties": {self.field: "edited"}})

    def remove(self, desk: Desk) -> None:
        desk.remove("hubspot", self.resource, self.first(desk)["id"])


class TestHubSpotContacts(HubSpotObject):
    resource, field = "contacts", "jobtitle"


class TestHubSpotCompanies(HubSpotObject):
    resource, field = "companies", "industry"
    options = {"properties": ["name", "industry"]}


class TestHubSpotAssociations(SourceSuite):
    vendor, login, wrong_login = "hubspot", HUBSPOT, NOT_HUBSPOT
    resource, options = "deals_contacts", {"batch": 7}
    route = "/crm/associations/*"

    def links(self, desk: Desk) -> list[dict[str, Any]]:
        every = desk.records("hubspot", "associations")
        return [link for link in every if (link["from_object"], link["to_object"]) == ("deals", "contacts")]

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {
            (str(link["from_id"]), str(link["to_id"]), str(link["type_id"]), "HUBSPOT_DEFINED"): True
            for link in self.links(desk)
        }

    def value(self, row: dict[str, Any]) -> Any:
        return True

    def edit(self, desk: Desk) -> None:
        link = self.links(desk)[0]
        linked = {one["to_id"] for one in self.links(desk) if one["from_id"] == link["from_id"]}
        other = next(one["id"] for one in desk.records("hubspot", "contacts") if one["id"] not in linked)
        desk.save("hubspot", "associations", {**link, "to_id": other})

    def remove(self, desk: Desk) -> None:
        link = self.links(desk)[0]
        desk.remove("hubspot", "associations", f"deals:{link['from_id']}:contacts:{link['to_id']}")


class TestGoogleAdsStats(SourceSuite):
    vendor, login, wrong_login = "google_ads", GOOGLE_ADS, {**GOOGLE_ADS, "access_token": "not-this-one"}
    resource, options = "campaign_stats", {"start_date": LONG_AGO}
    route = "*googleAds:searchStream"

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {
            _stats_key(record): _stats_value(record)
            for record in desk.records("google_ads", "campaign_stats")
        }

    def value(self, row: dict[str, Any]) -> Any:
        return int(row["metrics_cost_micros"]), float(row["metrics_conversions"])

    def last(self, desk: Desk) -> dict[str, Any]:
        return max(desk.records("google_ads", "campaign_stats"), key=_stats_key_by_day)

    def edit(self, desk: Desk) -> None:
        record = copy.deepcopy(self.last(desk))
        record["metrics"]["costMicros"] = str(int(record["metrics"]["costMicros"]) + 1)
        desk.save("google_ads", "campaign_stats", record)

    def remove(self, desk: Desk) -> None:
        gone = _stats_key(self.last(desk))
        kept = [
            record for record in desk.records("google_ads", "campaign_stats") if _stats_key(record) != gone
        ]
        desk.replace("google_ads", "campaign_stats", kept)


def _stats_key(record: dict[str, Any]) -> tuple[str, ...]:
    return str(record["customer"]["id"]), str(record["campaign"]["id"]), record["segments"]["date"]


def _stats_key_by_day(record: dict[str, Any]) -> tuple[str, ...]:
    return record["segments"]["date"], *_stats_key(record)


def _stats_value(record: dict[str, Any]) -> tuple[int, float]:
    return int(record["metrics"]["costMicros"]), float(record["metrics"]["conversions"])


class TestGa4Sessions(SourceSuite):
    vendor, wrong_login = "ga4", {"access_token": "not-this-one", "property_id": "320000001"}
    login = {"access_token": "sandbox", "property_id": "320000001"}
    resource = "sessions"
    options = {
        "start_date": LONG_AGO,
        "dimensions": ["sessionSource"],
        "metrics": ["sessions", "screenPageViews"],
        "limit": 50,
    }
    route = "*:runReport"

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        totals: dict[tuple[str, ...], list[int]] = {}
        for record in desk.records("ga4", "sessions"):
            day = record["date"]
            key = "320000001", f"{day[:4]}-{day[4:6]}-{day[6:]}", record["sessionSource"]
            sums = totals.setdefault(key, [0, 0])
            sums[0] += int(record["sessions"])
            sums[1] += int(record["screenPageViews"])
        return {key: tuple(sums) for key, sums in totals.items()}

    def value(self, row: dict[str, Any]) -> Any:
        return int(row["sessions"]), int(row["screenPageViews"])

    def edit(self, desk: Desk) -> None:
        records = desk.records("ga4", "sessions")
        last = max(range(len(records)), key=lambda number: records[number]["date"])
        records[last]["screenPageViews"] += 1
        desk.replace("ga4", "sessions", records)

    def remove(self, desk: Desk) -> None:
        records = desk.records("ga4", "sessions")
        last = max(records, key=lambda record: (record["date"], record["sessionSource"]))
        gone = last["date"], last["sessionSource"]
        kept = [record for record in records if (record["date"], record["sessionSource"]) != gone]
        desk.replace("ga4", "sessions", kept)


class TestHubSpotDestination(DestinationSuite):
    vendor, login, wrong_login = "hubspot", HUBSPOT, NOT_HUBSPOT
    obj, match, text_field = "contacts", "email", "jobtitle"
    bad = {"lead_grade": "Z"}
    write_route = "/crm/objects/2026-09/contacts/batch/[cua]*"

    def key_of(self, record: dict[str, Any]) -> str:
        email = record["properties"].get("email") or ""
        return email if email.count("@") == 1 else ""

    def text_of(self, record: dict[str, Any]) -> str | None:
        return record["properties"].get("jobtitle")

    def new_key(self, number: int) -> str:
        return f"nobody-{number}@tailrace.example"

    def test_archive_by_match_field(self, destination: Destination, desk: Desk) -> None:
        known = self.present(desk, 1)[0]
        rows = [WriteRow("a", self.key_of(known), {}), WriteRow("b", self.new_key(1), {})]
        results = destination.write(self.batch("archive", rows))
        assert [(result.outcome, result.remote_id) for result in results] == [
            ("acked", known["id"]),
            ("unmatched", None),
        ]
        live = {record["id"] for record in desk.records("hubspot", "contacts") if not record["archived"]}
        assert known["id"] not in live

    def test_a_refused_batch_is_halved_until_rows_decide(self, destination: Destination, desk: Desk) -> None:
        records = self.present(desk, 8)
        body = '{"status":"error","category":"VALIDATION_ERROR","message":"Property values were not valid"}'
        refusal = {"status": 400, "headers": {"content-type": "application/json"}, "body": body}
        desk.faults({"vendor": "hubspot", "route": self.write_route, "nth": [1, 2, 4, 6], **refusal})
        rows = [self.row(number, self.key_of(record)) for number, record in enumerate(records)]
        sent = len(desk.requests("hubspot", "batch/update"))
        results = destination.write(self.batch("update", rows))
        # 8 refused, 4 refused, 2 sent, 2 refused, 1 sent, 1 refused, 4 sent
        assert [result.outcome for result in results].count("dead") == 1
        assert [result.outcome for result in results] == ["acked"] * 3 + ["dead"] + ["acked"] * 4
        assert len(desk.requests("hubspot", "batch/update")) - sent == 7
        assert results[3].reason == "Property values were not valid"

    def test_after_a_part_was_carried_out_an_error_is_an_outcome(
        self, destination: Destination, desk: Desk
    ) -> None:
        body = '{"status":"error","category":"VALIDATION_ERROR","message":"no"}'
        refusal = {"status": 400, "headers": {"content-type": "application/json"}, "body": body}
        route = {"vendor": "hubspot", "route": self.write_route}
        desk.faults({**route, "nth": 1, **refusal}, {**route, "nth": 3, "status": 500})
        rows = [self.row(number, self.new_key(number)) for number in range(2)]
        results = destination.write(self.batch("create", rows))
        assert [result.outcome for result in results] == ["acked", "unknown"]

    def test_an_existing_contact_is_named(self, destination: Destination, desk: Desk) -> None:
        known = self.present(desk, 1)[0]
        results = destination.write(self.batch("create", [self.row(0, self.key_of(known))]))
        assert [(result.outcome, result.remote_id) for result in results] == [("dead", known["id"])]

    def test_the_portal_is_the_account(self, connector: Connector) -> None:
        assert connector.account() == "62515"


@pytest.mark.parametrize("version", ["v3", "2026-03"])
def test_hubspots_versions_read_and_write_alike(version: str, sandbox: Sandbox) -> None:
    connector = connect("hubspot", sandbox.base_url("hubspot"), {**HUBSPOT, "api_version": version})
    shown = {}
    for name in ("contacts", "deals_contacts"):
        resource = spec("hubspot", name)
        shown[name] = Landed(connector.source().schema(resource)).read(connector.source(), resource)
        assert shown[name].shown > 0
    row = WriteRow("a", None, {"lead_score": 7}, next(iter(shown["contacts"].rows))[0])
    results = connector.destination().write(WriteBatch("contacts", "update", None, (row,)))
    assert [result.outcome for result in results] == ["acked"]
    connector.close()
