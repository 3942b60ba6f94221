"""The export's columns in BigQuery's words (vendor-apis 6.2), and rows as BigQuery writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Field = dict[str, Any]
Row = dict[str, Any]


def _field(name: str, kind: str = "STRING") -> Field:
    return {"name": name, "type": kind, "mode": "NULLABLE"}


def _record(name: str, fields: list[Field], mode: str = "NULLABLE") -> Field:
    return {"name": name, "type": "RECORD", "mode": mode, "fields": fields}


def _texts(*names: str) -> list[Field]:
    return [_field(name) for name in names]


VALUE = [
    _field("string_value"),
    _field("int_value", "INTEGER"),
    _field("float_value", "FLOAT"),
    _field("double_value", "FLOAT"),
]
CAMPAIGN = _texts("campaign_id", "campaign_name", "source", "medium", "default_channel_group")
FIELDS: list[Field] = [
    _field("event_date"),
    _field("event_timestamp", "INTEGER"),
    _field("event_name"),
    _record("event_params", [_field("key"), _record("value", VALUE)], "REPEATED"),
    _field("event_previous_timestamp", "INTEGER"),
    _field("event_value_in_usd", "FLOAT"),
    _field("event_bundle_sequence_id", "INTEGER"),
    _field("event_server_timestamp_offset", "INTEGER"),
    _field("user_id"),
    _field("user_pseudo_id"),
    _record("privacy_info", _texts("analytics_storage", "ads_storage", "uses_transient_token")),
    _record(
        "user_properties",
        [_field("key"), _record("value", [*VALUE, _field("set_timestamp_micros", "INTEGER")])],
        "REPEATED",
    ),
    _field("user_first_touch_timestamp", "INTEGER"),
    _record("user_ltv", [_field("revenue", "FLOAT"), _field("currency")]),
    _record(
        "device",
        [
            *_texts(
                "category", "mobile_brand_name", "operating_system", "operating_system_version", "language"
            ),
            _record("web_info", _texts("browser", "browser_version", "hostname")),
        ],
    ),
    _record("geo", _texts("city", "country", "continent", "region", "sub_continent", "metro")),
    _record("app_info", _texts("id", "version", "install_store", "firebase_app_id", "install_source")),
    _record("traffic_source", _texts("name", "medium", "source")),
    _field("stream_id"),
    _field("platform"),
    _record(
        "ecommerce",
        [
            _field("total_item_quantity", "INTEGER"),
            _field("purchase_revenue_in_usd", "FLOAT"),
            _field("purchase_revenue", "FLOAT"),
            _field("unique_items", "INTEGER"),
            _field("transaction_id"),
        ],
    ),
    _record(
        "items",
        [
            *_texts("item_id", "item_name", "item_category"),
            _field("price", "FLOAT"),
            _field("quantity", "INTEGER"),
        ],
        "REPEATED",
    ),
    _record(
        "collected_traffic_source",
        _texts("manual_campaign_name", "manual_source", "manual_medium", "gclid", "dclid", "srsltid"),
    ),
    _field("is_active_user", "BOOLEAN"),
    _field("batch_event_index", "INTEGER"),
    _field("batch_page_id", "INTEGER"),
    _field("batch_ordering_id", "INTEGER"),
    _record("session_traffic_source_last_click", [_record("cross_channel_campaign", CAMPAIGN)]),
]


def fields_of(rows: Iterable[Row]) -> list[Field]:
    """The documented columns, and whatever else the rows hold, typed by its values."""
    return _widened(FIELDS, rows)


def _widened(fields: list[Field], rows: Iterable[Any]) -> list[Field]:
    found: dict[str, Field] = {field["name"]: field for field in fields}
    inner: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            if value is None or value == []:
                found.setdefault(name, _field(name))
                continue
            known = found.get(name)
            if known is None or (
                known["type"] == "STRING" and known not in fields and not isinstance(value, str)
            ):
                found[name] = _field_for(name, value)
            if found[name]["type"] == "RECORD":
                inner.setdefault(name, []).extend(value if isinstance(value, list) else [value])
    for name, values in inner.items():
        found[name] = {**found[name], "fields": _widened(found[name]["fields"], values)}
    return list(found.values())


def _field_for(name: str, value: Any) -> Field:
    if isinstance(value, list):
        return {**_field_for(name, value[0]), "mode": "REPEATED"}
    if isinstance(value, dict):
        return _record(name, [])
    kinds = {bool: "BOOLEAN", int: "INTEGER", float: "FLOAT"}
    return _field(name, kinds.get(type(value), "STRING"))


def encode(fields: list[Field], row: Row) -> dict[str, Any]:
    """`{"f": [{"v": ...}]}`: scalars as texts, records nested, repeated ones as lists of `{"v": ...}`."""
    return {"f": [{"v": _cell(field, row.get(field["name"]))} for field in fields]}


def _cell(field: Field, value: Any) -> Any:
    if field["mode"] == "REPEATED":
        single = {**field, "mode": "NULLABLE"}
        return [{"v": _cell(single, item)} for item in value or []]
    if value is None:
        return None
    if field["type"] == "RECORD":
        return encode(field["fields"], value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value)) if field["type"] == "FLOAT" else str(value)
