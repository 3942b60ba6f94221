"""Real recordings as the sandbox's `--data`: read from beside the project, converted to what the vendor's API returned.

The tool that recorded them had typed or flattened them; here numbers become text again, `+00:00` becomes `Z`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

REAL = Path(__file__).resolve().parents[2] / "shared" / "real"
needs_recordings = pytest.mark.skipif(
    not REAL.is_dir(), reason="../shared/real, recorded vendor data, is not here"
)
CRM = ("contacts", "companies", "deals")
ENGAGEMENTS = "engagements_"
OBJECTS = (
    *CRM,
    "tickets",
    "products",
    "line_items",
    f"{ENGAGEMENTS}notes",
    f"{ENGAGEMENTS}tasks",
    "cars",
    "pets",
)
"""Every recorded stream of CRM objects; cars and pets are the account's own."""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
EVENT_KEY = ("user_pseudo_id", "event_timestamp", "event_name", "event_bundle_sequence_id")
Round = dict[str, list[dict[str, Any]]]


def entries(folder: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The lines of each recording, recordings in the order in which they were made."""
    for path in sorted((REAL / folder).glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield (json.loads(line) for line in lines)


def hubspot_rounds(streams: Iterable[str] = CRM) -> list[Round]:
    """One dict a recording, in order: object -> records as HubSpot returns them. A stream that was not recorded is as before."""
    rounds: list[Round] = []
    wanted = set(streams)
    held: Round = {name.removeprefix(ENGAGEMENTS): [] for name in wanted}
    for recording in entries("hubspot-recordings"):
        found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for entry in recording:
            if entry["stream"] in wanted and "properties" in entry["data"]:
                record = _hubspot(entry["data"])
                found[entry["stream"].removeprefix(ENGAGEMENTS)][record["id"]] = record
        held = held | {name: list(records.values()) for name, records in found.items()}
        rounds.append(held)
    return rounds


def hubspot_lists() -> list[Round]:
    """One dict a recording, in order: owners, pipelines (with their objectType) and archived deals, as the sandbox takes them."""
    rounds: list[Round] = []
    makers = {"owners": _owner, "deal_pipelines": _pipeline, "deals_archived": _archived}
    held: Round = {"owners": [], "pipelines": [], "archived": []}
    for recording in entries("hubspot-recordings"):
        found: Round = defaultdict(list)
        for entry in recording:
            if entry["stream"] in makers:
                found[entry["stream"].split("_")[-1]].append(makers[entry["stream"]](entry["data"]))
        held = held | found
        rounds.append(held)
    return rounds


def _owner(data: dict) -> dict[str, Any]:
    return {
        **data,
        "id": str(data["id"]),
        "createdAt": _instant(data["createdAt"]),
        "updatedAt": _instant(data["updatedAt"]),
    }


def _archived(data: dict) -> dict[str, Any]:
    return {**_hubspot(data), "archivedAt": _instant(data["archivedAt"])}


def _pipeline(data: dict) -> dict[str, Any]:
    """Recorded by HubSpot's older API, which numbers times in milliseconds and names ids otherwise."""
    stages = [{**_staged(stage, "stageId"), "metadata": stage["metadata"]} for stage in data["stages"]]
    return {"objectType": "deals", **_staged(data, "pipelineId"), "stages": stages}


def _staged(data: dict, key: str) -> dict[str, Any]:
    moment = datetime.fromtimestamp((data["updatedAt"] or data["createdAt"] or 0) / 1000, UTC)
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    return {
        "id": data[key],
        "label": data["label"],
        "displayOrder": data["displayOrder"],
        "createdAt": stamp,
        "updatedAt": stamp,
    }


def hubspot_types(streams: Iterable[str] = CRM) -> dict[str, dict[str, str]]:
    """object -> property -> HubSpot's type, as far as any recorded value tells it; the tool typed by HubSpot's own metadata."""
    wanted = set(streams)
    kinds: dict[str, dict[str, set[str]]] = {
        name.removeprefix(ENGAGEMENTS): defaultdict(set) for name in wanted
    }
    for recording in entries("hubspot-recordings"):
        for entry in recording:
            if entry["stream"] in wanted:
                for name, value in entry["data"].get("properties", {}).items():
                    if value not in (None, ""):
                        kinds[entry["stream"].removeprefix(ENGAGEMENTS)][name].add(_kind(value))
    return {obj: {name: _agreed(found) for name, found in names.items()} for obj, names in kinds.items()}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if INSTANT.fullmatch(str(value)):
        return "datetime"
    return "date" if DAY.fullmatch(str(value)) else "string"


def _agreed(kinds: set[str]) -> str:
    """Early recordings left numbers and booleans as texts, and cut some instants to days."""
    return next(kind for kind in ("bool", "number", "datetime", "string", "date") if kind in kinds)


def definitions(
    records: Iterable[dict[str, Any]], types: dict[str, str], known: list[dict]
) -> list[dict[str, Any]]:
    """The property definitions of a portal that holds just these records; `known` are those that the sandbox describes."""
    described = {found["name"]: found for found in known}
    names = sorted({name for record in records for name in record["properties"]})
    return [
        {
            **described.get(name, {"name": name, "type": "string"}),
            **({"type": types[name]} if name in types else {}),
        }
        for name in names
    ]


def deals_contacts() -> list[dict[str, str]]:
    """Which contacts a recorded deal belongs to, as the sandbox's associations; both ends may have vanished since."""
    found = {
        (str(entry["data"]["id"]), str(contact))
        for recording in entries("hubspot-recordings")
        for entry in recording
        if entry["stream"] == "deals"
        for contact in entry["data"].get("contacts") or []
    }
    return [
        {"from_object": "deals", "from_id": deal, "to_object": "contacts", "to_id": contact, "type_id": "3"}
        for deal, contact in sorted(found)
    ]


def _hubspot(data: dict) -> dict[str, Any]:
    return {
        "id": str(data["id"]),
        "properties": {name: _text(value) for name, value in data["properties"].items()},
        "createdAt": _instant(data["createdAt"]),
        "updatedAt": _instant(data["updatedAt"]),
        "archived": bool(data.get("archived", False)),
    }


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return _instant(value) if isinstance(value, str) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, list | dict) else _number(value)


def _number(value: float) -> str:
    """Without exponent, and no `.0` behind a whole number: ids were made floats by the tool."""
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def _instant(value: str) -> str:
    """`2020-12-11T01:29:50.116000+00:00` as `2020-12-11T01:29:50.116Z`; every other text as it is."""
    if not (INSTANT.fullmatch(value) and value.endswith("+00:00")):
        return value
    head = value.removesuffix("+00:00")
    whole, _, fraction = head.partition(".")
    return f"{whole}.{(fraction + '000')[:3]}Z"


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _nested(flat: dict) -> dict[str, Any]:
    out: dict = {}
    for path, value in flat.items():
        *parents, last = (_camel(part) for part in path.split("."))
        place = out
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return out


METRICS = ("impressions", "clicks", "cost_micros", "conversions", "conversions_value")


def google_ads() -> Round:
    """customers, campaigns, and one campaign_stats row per campaign and day, summed over hours and networks."""
    customers, campaigns, stats = {}, {}, {}
    sums: dict[tuple, dict[str, float]] = {}
    for recording in entries("google-ads-recordings"):
        seen: dict[tuple, dict[str, float]] = defaultdict(lambda: dict.fromkeys(METRICS, 0))
        for entry in recording:
            data = entry["data"]
            if entry["stream"] in ("customer", "accounts") and "customer.id" in data:
                keep = (
                    "customer.id",
                    "customer.descriptive_name",
                    "customer.currency_code",
                    "customer.time_zone",
                )
                customers[str(data["customer.id"])] = _nested({k: data[k] for k in keep if k in data})
            if (
                entry["stream"] in ("campaign", "campaigns")
                and "campaign.id" in data
                and "segments.date" in data
            ):
                key = (
                    data["campaign.resource_name"].split("/")[1],
                    str(data["campaign.id"]),
                    data["segments.date"],
                )
                for metric in METRICS:
                    seen[key][metric] += data.get(f"metrics.{metric}") or 0
                names = (
                    "campaign.id",
                    "campaign.name",
                    "campaign.status",
                    "campaign.advertising_channel_type",
                )
                campaigns[key[:2]] = _nested(
                    {**{k: data[k] for k in names if k in data}, "customer.id": int(key[0])}
                )
        sums.update(seen)
    for (customer, campaign, day), metrics in sums.items():
        account = customers.get(
            customer, {"customer": {"id": customer, "currencyCode": "USD", "timeZone": "UTC"}}
        )
        whole = {f"metrics.{m}": float(v) if m.startswith("conv") else int(v) for m, v in metrics.items()}
        stats[customer, campaign, day] = {
            **account, "campaign": campaigns[customer, campaign]["campaign"], "segments": {"date": day}, **_nested(whole),
        }  # fmt: skip
    return {
        "customers": list(customers.values()),
        "campaigns": list(campaigns.values()),
        "campaign_stats": list(stats.values()),
    }


def ga4_events() -> list[dict[str, Any]]:
    """Events of Google's own obfuscated BigQuery export, those of both samplings once.

    Its NaN is a NULL that was read as a float on its way here.
    """
    found: dict[tuple, dict[str, Any]] = {}
    for path in sorted((REAL / "ga4-export").glob("*.ndjson")):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line, parse_constant=lambda _: None)
            found[tuple(event.get(name) for name in EVENT_KEY)] = event
    return list(found.values())


def ga4_reports() -> Round:
    """Recorded runReport answers by report name: flat rows of dimensions and metrics, the last answer for each of them."""
    found: dict[str, dict[tuple, dict[str, Any]]] = defaultdict(dict)
    for recording in entries("ga4-data-api-recordings"):
        for entry in recording:
            row = {name: value for name, value in entry["data"].items() if name != "uuid"}
            key = tuple((name, value) for name, value in row.items() if isinstance(value, str))
            found[entry["stream"]][key] = row
    return {name: list(rows.values()) for name, rows in found.items()}


def write_data(folder: Path, crm: Round, reports: Iterable[str] = ()) -> Path:
    """A `--data` folder with CRM records (and `<object>.properties`), all spend, the exported events and the named reports."""
    parts = {f"hubspot/{name}": rows for name, rows in crm.items()}
    parts |= {f"google_ads/{name}": rows for name, rows in google_ads().items()}
    answers = ga4_reports()
    parts |= {f"ga4/{name}": answers[name] for name in reports}
    parts["ga4/events"] = ga4_events()
    for name, rows in parts.items():
        path = folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, allow_nan=False) + "\n" for row in rows), encoding="utf-8")
    return folder
