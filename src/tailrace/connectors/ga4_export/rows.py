"""Exported events as landed rows: the columns, the nested records as JSON, parameters as columns of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from tailrace.connectors.ga4_export.declaration import param
from tailrace.connectors.ga4_export.keys import EventKeys, digest_of
from tailrace.connectors.ga4_export.tables import Event
from tailrace.records import Column, Schema, Type

SUFFIX, KEY, OTHER = "table_suffix", "event_key", "other_columns"
OURS = (
    Column(SUFFIX, "text", "the table's day, YYYYMMDD"),
    Column(KEY, "text", "hash of the row, with a number behind it where equal rows repeat"),
)
REST = Column(OTHER, "json", "columns that were not known when the read began")
TEXTS = ("event_date", "event_name", "user_id", "user_pseudo_id", "stream_id", "platform")
WHOLES = (
    "event_timestamp",
    "event_previous_timestamp",
    "event_bundle_sequence_id",
    "event_server_timestamp_offset",
    "batch_event_index",
    "batch_ordering_id",
    "batch_page_id",
    "user_first_touch_timestamp",
)
NESTED = (
    "event_params",
    "user_properties",
    "privacy_info",
    "device",
    "geo",
    "app_info",
    "traffic_source",
    "collected_traffic_source",
    "session_traffic_source_last_click",
    "user_ltv",
    "ecommerce",
    "items",
)
DOCUMENTED: Mapping[str, Type] = {
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(WHOLES, "bigint"),
    "event_value_in_usd": "double",
    "is_active_user": "bool",
    **dict.fromkeys(NESTED, "json"),
}
"""The export's columns (vendor-apis.md 6.2), for files that do not name their types."""
VALUES = ("string_value", "int_value", "double_value", "float_value")


def schema_of(tables: Iterable[Sequence[Column]], params: Sequence[str]) -> Schema:
    """The columns of all tables together, the parameters' behind them; what tables type differently is text."""
    types: dict[str, Type] = {}
    for columns in tables:
        for column in columns:
            held = types.setdefault(column.name, column.type)
            if held != column.type:
                types[column.name] = "json" if "json" in (held, column.type) else "text"
    found = [Column(name, kind) for name, kind in (types or DOCUMENTED).items()]
    wanted = [Column(f"param_{name}", kind) for name, kind in map(param, params)]
    return Schema((*OURS, *found, *wanted, REST), (SUFFIX, KEY))


class Rows:
    """Turns events into rows of one schema."""

    def __init__(self, schema: Schema, params: Sequence[str]) -> None:
        skip = {SUFFIX, KEY, OTHER, *(f"param_{param(text)[0]}" for text in params)}
        kinds = {column.name: column.type for column in schema.columns if column.name not in skip}
        self._plain = [name for name, kind in kinds.items() if kind != "json"]
        self._nested = [name for name, kind in kinds.items() if kind == "json"]
        self._known = frozenset(kinds)
        self._params = {param(text)[0]: f"param_{param(text)[0]}" for text in params}

    def row(self, suffix: str, event: Event, keys: EventKeys) -> dict[str, Any]:
        """The event's row, under a key that depends on nothing but its content and its equals before it."""
        row: dict[str, Any] = {SUFFIX: suffix, KEY: keys.name(digest_of(_json(event)))}
        for name in self._plain:
            row[name] = event.get(name)
        for name in self._nested:
            row[name] = _json(event[name]).decode() if name in event else None
        if not self._known.issuperset(event):
            other = {name: value for name, value in event.items() if name not in self._known}
            row[OTHER] = _json(other).decode()
        if self._params:
            self._take_params(row, event.get("event_params") or ())
        return row

    def _take_params(self, row: dict[str, Any], given: Sequence[Any]) -> None:
        """The first value of each wanted parameter; whichever of the four kinds of value it is."""
        for item in given:
            column = self._params.get(str(item.get("key"))) if isinstance(item, Mapping) else None
            if column is not None and row.get(column) is None:
                value = item.get("value") or {}
                row[column] = next((value[kind] for kind in VALUES if kind in value), None)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
