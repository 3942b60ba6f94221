"""A checked query's rows: join attributes, filter, group by the selected segments, sum, sort, project."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from tailrace.sandbox.google_ads.devices import by_device
from tailrace.sandbox.google_ads.fields import (
    KINDS,
    Record,
    camel,
    date_range,
    date_segment,
    kind_of,
    lookup,
)
from tailrace.sandbox.google_ads.gaql import Condition, Query

Row = dict[str, Any]
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operators.eq,
    "!=": operators.ne,
    ">": operators.gt,
    ">=": operators.ge,
    "<": operators.lt,
    "<=": operators.le,
}
NAME_PATTERNS = {
    "customer.resource_name": ("customers/{0}",),
    "campaign.resource_name": ("customers/{0}/campaigns/{1}", "campaign.id"),
    "ad_group.resource_name": ("customers/{0}/adGroups/{1}", "ad_group.id"),
    "ad_group_ad.resource_name": ("customers/{0}/adGroupAds/{1}~{2}", "ad_group.id", "ad_group_ad.ad.id"),
    "ad_group_ad.ad.resource_name": ("customers/{0}/ads/{1}", "ad_group_ad.ad.id"),
}
RATIOS: dict[str, tuple[str, str, float]] = {
    "metrics.ctr": ("metrics.clicks", "metrics.impressions", 1),
    "metrics.average_cpc": ("metrics.cost_micros", "metrics.clicks", 1),
    "metrics.average_cpm": ("metrics.cost_micros", "metrics.impressions", 1000),
    "metrics.cost_per_conversion": ("metrics.cost_micros", "metrics.conversions", 1),
}


def run(query: Query, entities: list[Record], stats: list[Record], today: date) -> list[Record]:
    """The answer's rows. `entities` and `stats` are one customer's records of the query's resource."""
    used = {*query.fields, *(condition.field for condition in query.conditions)}
    measured = any(field.startswith(("metrics.", "segments.")) for field in used)
    rows = (
        _report(query, used, entities, stats, today) if measured else _listing(query, used, entities, today)
    )
    for field, descending in reversed(query.order):
        rows.sort(key=lambda row: _sort_key(row.get(field)), reverse=descending)
    return [_project(query, row) for row in rows[: query.limit]]


def _listing(query: Query, used: set[str], entities: list[Record], today: date) -> list[Row]:
    rows = [_flat(entity, _columns(query, used)) for entity in entities]
    return [row for row in rows if _passes(row, query.conditions, today)]


def _columns(query: Query, used: set[str]) -> list[str]:
    """The fields to read of a record: the ones used, the keys of sorting, and the resource names that go with them."""
    fields = {*used, *(field for field, _ in query.order)}
    spaces = {field.partition(".")[0] for field in fields} - {"metrics", "segments"}
    names = {f"{space}.resource_name" for space in spaces | {query.resource}}
    if any(field.startswith("ad_group_ad.ad.") for field in fields):
        names.add("ad_group_ad.ad.resource_name")
    return sorted(fields | names)


def _flat(record: Record, fields: Iterable[str]) -> Row:
    row = {field: lookup(record, camel(field)) for field in fields}
    for field, value in row.items():
        if value is None and field in NAME_PATTERNS:
            row[field] = _resource_name(field, record)
    return row


def _resource_name(field: str, record: Record) -> str | None:
    """The name of a resource whose record has its ids alone."""
    pattern, *parts = NAME_PATTERNS[field]
    ids = [lookup(record, camel(part)) for part in ("customer.id", *parts)]
    return None if None in ids else pattern.format(*ids)


def _report(
    query: Query, used: set[str], entities: list[Record], stats: list[Record], today: date
) -> list[Row]:
    columns = [field for field in _columns(query, used) if not field.startswith(("metrics.", "segments."))]
    attributes = _joiner(query.resource, entities, columns)
    segments = [field for field in query.fields if field.startswith("segments.")]
    before = [item for item in query.conditions if not item.field.startswith("metrics.")]
    after = [item for item in query.conditions if item.field.startswith("metrics.")]
    metrics = [field for field in used if field.startswith("metrics.")]
    needed = sorted({part for field in metrics for part in RATIOS.get(field, (field,))[:2]})
    groups: dict[tuple[Any, ...], Row] = {}
    for record in by_device(stats, used):
        row = attributes(record)
        row |= {field: _segment(record, field) for field in _segments_used(used)}
        if not _passes(row, before, today):
            continue
        key = (identity(query.resource, record), *(row[field] for field in segments))
        _add(groups.setdefault(key, row), record, needed)
    if not segments:
        _idle(query, groups, entities, columns=columns, before=before, today=today)
    rows = [_measured(row, metrics) for row in groups.values()]
    if segments and metrics:
        rows = [row for row in rows if any(row[field] for field in metrics)]
    return [row for row in rows if _passes(row, after, today)]


def _joiner(resource: str, entities: list[Record], columns: list[str]) -> Callable[[Record], Row]:
    """Attributes of a stats row: what it carries itself, else its entity's. Rows repeat them, so they are kept."""
    by_id = {identity(resource, entity): _flat(entity, columns) for entity in entities}

    def attributes(record: Record) -> Row:
        own = _flat(record, columns)
        entity = by_id.get(identity(resource, record))
        if entity is None:
            return own
        return {field: entity[field] if value is None else value for field, value in own.items()}

    return attributes


def identity(resource: str, record: Record) -> Any:
    """What makes a record of this resource the same one: its id, for an ad with its ad group's. 5 and "5" are one id."""
    paths = (
        [("adGroup", "id"), ("adGroupAd", "ad", "id")]
        if resource == "ad_group_ad"
        else [(*camel(resource), "id")]
    )
    return tuple(str(lookup(record, path)) for path in paths)


def _segments_used(used: set[str]) -> list[str]:
    return [field for field in used if field.startswith("segments.")]


def _segment(record: Record, field: str) -> Any:
    value = lookup(record, camel(field))
    day = lookup(record, ("segments", "date"))
    if value is None and day is not None and field in KINDS:
        return date_segment(field, day)
    return value


def _add(row: Row, record: Record, needed: list[str]) -> None:
    for field in needed:
        value = lookup(record, camel(field))
        if value is None:
            row.setdefault(field, 0)
        elif isinstance(value, float) or KINDS.get(field) == "number":
            row[field] = round(row.get(field, 0.0) + float(value), 9)
        elif isinstance(value, int) or value.lstrip("-").isdecimal():
            row[field] = row.get(field, 0) + int(value)
        else:
            row.setdefault(field, value)


def _idle(
    query: Query,
    groups: dict[tuple[Any, ...], Row],
    entities: list[Record],
    *,
    columns: list[str],
    before: list[Condition],
    today: date,
) -> None:
    """Without segments an entity that had no traffic in the period is a row of zeros."""
    dateless = [item for item in before if not item.field.startswith("segments.")]
    for entity in entities:
        row = _flat(entity, columns)
        key = (identity(query.resource, entity),)
        if key not in groups and _passes(row, dateless, today):
            groups[key] = row


def _measured(row: Row, metrics: list[str]) -> Row:
    """The row with a value for every metric asked, ratios of the sums among them."""
    measured = dict(row)
    for field in metrics:
        if field in RATIOS:
            upper, lower, scale = RATIOS[field]
            divisor = row.get(lower, 0)
            measured[field] = row.get(upper, 0) / divisor * scale if divisor else 0.0
        else:
            measured.setdefault(field, 0)
    return measured


def _passes(row: Row, conditions: Iterable[Condition], today: date) -> bool:
    return all(_holds(row.get(item.field), item, today) for item in conditions)


def _holds(value: Any, condition: Condition, today: date) -> bool:
    operator = condition.operator
    if operator in ("IS NULL", "IS NOT NULL"):
        return (value is None) == (operator == "IS NULL")
    if value is None:
        return False
    if "LIKE" in operator:
        return (_like(condition.values[0]).fullmatch(str(value)) is not None) != operator.startswith("NOT")
    if operator == "DURING":
        low, high = date_range(condition.values[0], today) or ("", "")
        return low <= str(value) <= high
    left, right = _comparable(condition, value)
    return _compare(operator, left, right)


def _comparable(condition: Condition, value: Any) -> tuple[Any, list[Any]]:
    """The value and the literals as numbers, days or text, by the field's kind."""
    kind = kind_of(condition.field, value)
    if kind in ("int", "number"):
        return float(value), [float(literal) for literal in condition.values]
    if kind == "bool":
        return value, [literal.lower() == "true" for literal in condition.values]
    if condition.field == "segments.date":
        return value, [date.fromisoformat(literal).isoformat() for literal in condition.values]
    return str(value), list(condition.values)


def _compare(operator: str, left: Any, right: list[Any]) -> bool:
    if operator == "IN":
        return left in right
    if operator == "NOT IN":
        return left not in right
    if operator == "BETWEEN":
        return bool(right[0] <= left <= right[1])
    return bool(COMPARE[operator](left, right[0]))


def _like(pattern: str) -> re.Pattern[str]:
    """% is any text, _ any character, [%] and [_] themselves; case does not matter."""
    parts = re.findall(r"\[[%_\[\]]\]|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    text = "".join(wild.get(part) or re.escape(part[1] if len(part) > 1 else part) for part in parts)
    return re.compile(text, re.IGNORECASE | re.DOTALL)


def _sort_key(value: Any) -> tuple[int, Any]:
    """Absent values first; numbers, also those written as strings, by size."""
    if value is None:
        return (0, 0)
    if isinstance(value, str) and value.isdecimal():
        return (1, float(value))
    return (1, float(value)) if isinstance(value, int | float) else (2, str(value))


def _project(query: Query, row: Row) -> Record:
    """Only what was selected, nested and spelled as protobuf's JSON, with each resource's name."""
    answer: Record = {}
    spaces = dict.fromkeys([*(field.partition(".")[0] for field in query.fields), query.resource])
    selected = [
        *query.fields,
        *(f"{space}.resource_name" for space in spaces if space not in ("metrics", "segments")),
    ]
    if any(field.startswith("ad_group_ad.ad.") for field in query.fields):
        selected.append("ad_group_ad.ad.resource_name")
    for field in selected:
        value = row.get(field)
        if value is not None:
            _place(answer, camel(field), _spelled(field, value))
    return answer


def _spelled(field: str, value: Any) -> Any:
    """int64 as a string, a double as a number; a metric that KINDS does not know is one of them by its value."""
    kind = KINDS.get(field)
    metric = field.startswith("metrics.")
    if kind == "int" or (kind is None and metric and isinstance(value, int)):
        return str(value)
    return float(value) if metric and kind == "number" else value


def _place(answer: Record, path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        answer = answer.setdefault(part, {})
    answer[path[-1]] = value
