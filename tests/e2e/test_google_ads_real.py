"""Recorded ad groups, ads and their days through the sandbox and the real engine, compared by key; all parse as protos."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import connect
from tests.recordings import Round, entries, google_ads, needs_recordings
from tests.unit.connectors.ads_landing import Engine

pytestmark = needs_recordings
GROUPS, ADS = ("ad_group", "ad_groups"), ("ad_group_ad", "ad_group_ads")
DAYS = ("ad_group_ad_report", "ad_group_ad_legacy")
METRICS = ("clicks", "impressions", "cost_micros", "conversions", "conversions_value")
START = {"start_date": "2022-01-01"}


def customer_of(name: str) -> str:
    return name.split("/")[1]


def ad_group_of(data: dict[str, Any]) -> dict[str, Any]:
    names = {"id": "id", "name": "name", "status": "status", "type": "type", "resourceName": "resource_name"}
    return {name: data[f"ad_group.{field}"] for name, field in names.items()}


def recorded() -> Round:
    """Ad groups, ads and one row a day, ad and network; of what was recorded more than once the last."""
    groups: dict[str, dict[str, Any]] = {}
    ads: dict[str, dict[str, Any]] = {}
    days: dict[tuple[str, ...], dict[str, Any]] = {}
    for recording in entries("google-ads-recordings"):
        for entry in recording:
            stream, data = entry["stream"], entry["data"]
            if stream in GROUPS:
                groups[data["ad_group.resource_name"]] = {
                    "customer": {"id": customer_of(data["ad_group.resource_name"])},
                    "campaign": {"id": data["ad_group.campaign"].split("/")[-1]},
                    "adGroup": {**ad_group_of(data), "id": str(data["ad_group.id"])},
                }
            elif stream in ADS:
                ads[data["ad_group_ad.resource_name"]] = ad(data)
            elif stream in DAYS:
                row = day(data)
                days[key(row)] = row
    return {"ad_groups": list(groups.values()), "ads": list(ads.values()), "ad_stats": list(days.values())}


def ad(data: dict[str, Any]) -> dict[str, Any]:
    found = {"id": str(data["ad_group_ad.ad.id"]), "type": data["ad_group_ad.ad.type"]}
    name = data.get("ad_group_ad.ad.name")
    return {
        "customer": {"id": customer_of(data["ad_group_ad.resource_name"])},
        "adGroup": {"id": data["ad_group_ad.ad_group"].split("/")[-1]},
        "adGroupAd": {
            "resourceName": data["ad_group_ad.resource_name"],
            "status": data["ad_group_ad.status"],
            "ad": {**found, "name": name} if name else found,
        },
    }


def day(data: dict[str, Any]) -> dict[str, Any]:
    metrics: dict[str, Any] = {}
    for name in METRICS:
        head, *rest = name.split("_")
        value = data.get(f"metrics.{name}") or 0
        spelled = float(value) if name.startswith("conversions") else str(int(value))
        metrics[head + "".join(map(str.title, rest))] = spelled
    return {
        "customer": {
            "id": str(data["customer.id"]),
            "currencyCode": data["customer.currency_code"],
            "timeZone": data["customer.time_zone"],
        },
        "campaign": {"id": str(data["campaign.id"]), "name": data["campaign.name"]},
        "adGroup": {"id": str(data["ad_group.id"])},
        "adGroupAd": {"ad": {"id": str(data["ad_group_ad.ad.id"])}},
        "segments": {"date": data["segments.date"], "adNetworkType": data["segments.ad_network_type"]},
        "metrics": metrics,
    }


def key(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["customer"]["id"],
        row["campaign"]["id"],
        row["adGroup"]["id"],
        row["adGroupAd"]["ad"]["id"],
        row["segments"]["date"],
        row["segments"]["adNetworkType"],
    )


@pytest.fixture(scope="module")
def real() -> Round:
    return recorded()


@pytest.fixture(scope="module")
def sandbox(real: Round, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("real") / "google_ads"
    folder.mkdir()
    for name, rows in {**google_ads(), **real}.items():
        (folder / f"{name}.jsonl").write_text(
            "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8"
        )
    with Sandbox.start(contacts=0, data=folder.parent, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    login = {"access_token": "sandbox", "developer_token": "dev"}
    connector = connect("google_ads", sandbox.base_url("google_ads"), login)
    yield connector
    connector.close()


def test_recorded_days_land_as_they_are(real: Round, connector: Connector) -> None:
    engine, options = Engine("google_ads"), {**START, "segments": ["ad_network_type"]}
    assert engine.land(connector, "ad_stats", options).status == "ok"
    names = ("customer_id", "campaign_id", "ad_group_id", "ad_group_ad_ad_id", "segments_date")
    landed = engine.rows("ad_stats", (*names, "segments_ad_network_type"))
    wanted = {
        key(row): row
        for row in real["ad_stats"]
        if any(float(value) for value in row["metrics"].values())  # Google shows no row of nothing
    }
    assert set(landed) == set(wanted)
    assert len(wanted) > 3
    for found, row in landed.items():
        metrics = wanted[found]["metrics"]
        assert row["metrics_cost_micros"] == int(metrics["costMicros"])
        assert row["metrics_impressions"] == int(metrics["impressions"])
        assert row["metrics_conversions"] == metrics["conversions"]
        assert row["customer_currency_code"] == wanted[found]["customer"]["currencyCode"]
    assert engine.land(connector, "ad_stats", options).rows_out == 0


def test_recorded_ad_groups_and_ads_land_as_they_are(real: Round, connector: Connector) -> None:
    engine = Engine("google_ads")
    for name in ("ad_groups", "ads"):
        assert engine.land(connector, name).status == "ok"
    groups = engine.rows("ad_groups", ("customer_id", "ad_group_id"))
    assert {found: row["ad_group_status"] for found, row in groups.items()} == {
        (row["customer"]["id"], row["adGroup"]["id"]): row["adGroup"]["status"] for row in real["ad_groups"]
    }
    ads = engine.rows("ads", ("customer_id", "ad_group_id", "ad_group_ad_ad_id"))
    wanted = {
        (row["customer"]["id"], row["adGroup"]["id"], row["adGroupAd"]["ad"]["id"]): row["adGroupAd"]["ad"][
            "type"
        ]
        for row in real["ads"]
    }
    assert {found: row["ad_group_ad_ad_type"] for found, row in ads.items()} == wanted
    assert wanted and groups
