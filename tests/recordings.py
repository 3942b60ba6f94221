"""Real recordings as the sandbox's `--data`: read from beside the project, converted to what the vendor's API returned.

The recordings are flat or typed by the tool that made them; here numbers become text again, `+00:00` becomes `Z`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

REAL = Path(__file__).resolve().parents[2] / "shared" / "real"
needs_recordings = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/real, recorded vendor data, is not here")
CRM = ("contacts", "companies", "deals")


def hubspot_rounds() -> list[dict[str, list[dict]]]:
    """One dict a recording, in order: object -> records as HubSpot returns them."""
    return [_round(path) for path in sorted((REAL / "hubspot-recordings").glob("*.jsonl"))]


def _round(path: Path) -> dict[str, list[dict]]:
    found: dict[str, dict[str, dict]] = {name: {} for name in CRM}
    for line in path.open(encoding="utf-8"):
        entry = json.loads(line)
        if entry["stream"] in found and "properties" in entry["data"]:
            record = _hubspot(entry["data"])
            found[entry["stream"]][record["id"]] = record
    return {name: list(records.values()) for name, records in found.items()}


def _hubspot(data: dict) -> dict:
    return {
        "id": str(data["id"]),
        "properties": {name: _text(value) for name, value in data["properties"].items()},
        "createdAt": _instant(data["createdAt"]),
        "updatedAt": _instant(data["updatedAt"]),
        "archived": bool(data.get("archived", False)),
    }


def _text(value):
    if value is None or isinstance(value, str):
        return _instant(value) if isinstance(value, str) and value.endswith("+00:00") else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def _instant(value: str) -> str:
    """`2020-12-11T01:29:50.116000+00:00` as `2020-12-11T01:29:50.116Z`."""
    if not value.endswith("+00:00"):
        return value
    head = value.removesuffix("+00:00")
    whole, _, fraction = head.partition(".")
    return f"{whole}.{(fraction + '000')[:3]}Z"


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _nested(flat: dict) -> dict:
    out: dict = {}
    for path, value in flat.items():
        *parents, last = (_camel(part) for part in path.split("."))
        place = out
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return out


METRICS = ("impressions", "clicks", "cost_micros", "conversions", "conversions_value")


def google_ads() -> dict[str, list[dict]]:
    """customers, campaigns, and one campaign_stats row per campaign and day, summed over hours and networks."""
    customers, campaigns, stats = {}, {}, {}
    sums: dict[tuple, dict[str, float]] = defaultdict(lambda: dict.fromkeys(METRICS, 0))
    for path in sorted((REAL / "google-ads-recordings").glob("*.jsonl")):
        seen: dict[tuple, dict[str, float]] = defaultdict(lambda: dict.fromkeys(METRICS, 0))
        for line in path.open(encoding="utf-8"):
            entry = json.loads(line)
            data = entry["data"]
            if entry["stream"] in ("customer", "accounts") and "customer.id" in data:
                keep = ("customer.id", "customer.descriptive_name", "customer.currency_code", "customer.time_zone")
                customers[str(data["customer.id"])] = _nested({k: data[k] for k in keep if k in data})
            if entry["stream"] in ("campaign", "campaigns") and "campaign.id" in data and "segments.date" in data:
                key = (data["campaign.resource_name"].split("/")[1], str(data["campaign.id"]), data["segments.date"])
                for metric in METRICS:
                    seen[key][metric] += data.get(f"metrics.{metric}") or 0
                names = ("campaign.id", "campaign.name", "campaign.status", "campaign.advertising_channel_type")
                campaigns[key[:2]] = _nested({**{k: data[k] for k in names if k in data}, "customer.id": int(key[0])})
        sums.update(seen)
    for (customer, campaign, day), metrics in sums.items():
        account = customers.get(customer, {"customer": {"id": customer, "currencyCode": "USD", "timeZone": "UTC"}})
        whole = {f"metrics.{m}": float(v) if m.startswith("conv") else int(v) for m, v in metrics.items()}
        stats[customer, campaign, day] = {
            **account, "campaign": campaigns[customer, campaign]["campaign"], "segments": {"date": day}, **_nested(whole),
        }  # fmt: skip
    return {"customers": list(customers.values()), "campaigns": list(campaigns.values()), "campaign_stats": list(stats.values())}


def ga4_events() -> list[dict]:
    """Rows of Google's own obfuscated BigQuery export."""
    return [
        json.loads(line)
        for path in sorted((REAL / "ga4-export").glob("*.ndjson"))
        for line in path.open(encoding="utf-8")
    ]


def ga4_reports() -> dict[str, list[dict]]:
    """Recorded runReport answers by report name: flat rows of dimensions and metrics."""
    found: dict[str, list[dict]] = defaultdict(list)
    for path in sorted((REAL / "ga4-data-api-recordings").glob("*.jsonl")):
        for line in path.open(encoding="utf-8"):
            entry = json.loads(line)
            found[entry["stream"]].append(entry["data"])
    return dict(found)


def write_data(folder: Path, crm: dict[str, list[dict]]) -> Path:
    """A `--data` folder with one CRM round, all spend and the exported events."""
    parts = {f"hubspot/{name}": rows for name, rows in crm.items()}
    parts |= {f"google_ads/{name}": rows for name, rows in google_ads().items()}
    parts["ga4/events"] = ga4_events()
    for name, rows in parts.items():
        path = folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder
