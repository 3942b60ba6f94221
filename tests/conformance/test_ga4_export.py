"""The GA4 export against the source suite, from BigQuery's API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tailrace.sandbox.server import Sandbox
from tests.conformance.source_suite import SourceSuite
from tests.conformance.vendors import Desk, utc_now

SINCE = (utc_now() - timedelta(days=5)).date()
LOGIN = {"project": "tailrace-sandbox", "dataset": "analytics_320000001", "access_token": "sandbox"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=40, limits=False) as sandbox:
        yield sandbox


class TestGa4ExportEvents(SourceSuite):
    vendor, login, wrong_login = "ga4_export", LOGIN, {**LOGIN, "access_token": "not-this-one"}
    resource = "events"
    options = {"limit": 100, "params": ["page_location"], "start_date": SINCE.isoformat()}
    route = "*/data"

    def records(self, desk: Desk) -> list[dict[str, Any]]:
        """From the first day that is read on."""
        first = SINCE.strftime("%Y%m%d")
        return [record for record in desk.records("ga4_export", "events") if record["event_date"] >= first]

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        """Rows without an id: compared by what tells them apart."""
        return {_told(record): record["event_name"] for record in self.records(desk)}

    def same(self, landed, desk) -> None:  # type: ignore[no-untyped-def]
        found = {
            (
                row["table_suffix"],
                row["user_pseudo_id"],
                str(row["event_timestamp"]),
                row["param_page_location"],
            ): row["event_name"]
            for row in landed.rows.values()
        }
        assert found == self.expected(desk)
        assert len(landed.rows) == len(self.records(desk))

    def value(self, row: dict[str, Any]) -> Any:
        return row["event_name"]

    def edit(self, desk: Desk) -> None:
        records = self.records(desk)
        last = max(range(len(records)), key=lambda number: records[number]["event_timestamp"])
        records[last]["event_name"] = "renamed"
        desk.replace("ga4_export", "events", records)

    def remove(self, desk: Desk) -> None:
        records = self.records(desk)
        records.remove(max(records, key=lambda record: record["event_timestamp"]))
        desk.replace("ga4_export", "events", records)

    def test_an_idle_round_lists_and_describes_the_newest_tables(self, connector, desk) -> None:  # type: ignore[no-untyped-def]
        landed = self.landed(connector)
        before = len(desk.requests("ga4_export"))
        self.again(connector, landed)
        paths = [
            entry["path"].split("?")[0].rsplit("/", 1)[1] for entry in desk.requests("ga4_export")[before:]
        ]
        assert [path for path in paths if path == "tables"] == ["tables"]
        assert len(paths) == 1 + 4 and not [path for path in paths if path == "data"]


def _told(record: dict[str, Any]) -> tuple[str, ...]:
    page = next(
        param["value"]["string_value"] for param in record["event_params"] if param["key"] == "page_location"
    )
    return record["event_date"], record["user_pseudo_id"], str(record["event_timestamp"]), page
