"""What Google Ads refuses about a query that can be read: unknown fields, open date ranges, values that do not fit."""

from __future__ import annotations

import re
from datetime import date

from tailrace.sandbox.google_ads.fields import (
    CORE_DATE_SEGMENTS,
    KINDS,
    PARENTS,
    RESOURCES,
    STATUSES,
    date_range,
)
from tailrace.sandbox.google_ads.gaql import Condition, Query, QueryError

DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}")


def check(query: Query, seen: set[str], today: date) -> None:
    """QueryError for the first thing wrong; `seen` holds the fields that this resource's records have besides KINDS."""
    if query.resource not in RESOURCES:
        raise QueryError(
            "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE",
            f"Invalid resource type in FROM clause: '{query.resource}'. The sandbox knows {', '.join(RESOURCES)}.",
        )
    for field in query.fields:
        _known(query.resource, field, seen)
    for condition in query.conditions:
        _known(query.resource, condition.field, seen)
        _referenced(query, condition.field, free=CORE_DATE_SEGMENTS)
        _value(condition, today)
    for field, _ in query.order:
        _known(query.resource, field, seen)
        _referenced(query, field, free=())
    _finite(query)


def _known(resource: str, field: str, seen: set[str]) -> None:
    space = field.partition(".")[0]
    spaces = (resource, *PARENTS[resource])
    if resource != "customer_client":
        spaces = (*spaces, "metrics", "segments")
    if field in seen or (space in spaces and field in KINDS):
        return
    if field in KINDS:
        raise QueryError(
            "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE",
            f"Cannot select or filter on the following: '{field}', because it is incompatible with FROM {resource}.",
        )
    raise QueryError("UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{field}'.")


def _referenced(query: Query, field: str, free: tuple[str, ...]) -> None:
    """Segments in WHERE and segments and metrics in ORDER BY must be selected; the core dates in WHERE need not."""
    bound = field.startswith("segments.") or (field.startswith("metrics.") and not free)
    if bound and field not in free and field not in query.fields:
        raise QueryError(
            "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE",
            f"The following field must be present in SELECT clause: '{field}'.",
        )


def _value(condition: Condition, today: date) -> None:
    kind = KINDS.get(condition.field, "string")
    if condition.operator == "DURING":
        if condition.field != "segments.date":
            raise QueryError("BAD_OPERATOR", f"DURING does not go with {condition.field}.")
        if date_range(condition.values[0], today) is None:
            raise QueryError(
                "INVALID_VALUE_WITH_DURING_OPERATOR", f"Invalid date range: {condition.values[0]}."
            )
        return
    if "NULL" in condition.operator or "LIKE" in condition.operator:
        return
    for value in condition.values:
        if condition.field == "segments.date" and not _is_day(value):
            raise QueryError("BAD_VALUE", f"Invalid date: '{value}'. Dates are written YYYY-MM-DD.")
        if kind in ("int", "number") and not _is_number(value):
            raise QueryError("BAD_NUMBER", f"Invalid number for {condition.field}: '{value}'.")
        if condition.field.endswith(".status") and value not in STATUSES:
            raise QueryError("BAD_ENUM_CONSTANT", f"Invalid enum value for {condition.field}: '{value}'.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return DAY.fullmatch(text) is not None


def _finite(query: Query) -> None:
    """A query that names a core date segment needs a range with both ends."""
    conditions = [item for item in query.conditions if item.field in CORE_DATE_SEGMENTS]
    if not conditions and not any(field in CORE_DATE_SEGMENTS for field in query.fields):
        return
    operators = {item.operator for item in conditions}
    if operators & {"=", "BETWEEN", "DURING", "IN"}:
        return
    if not (operators & {">", ">="} and operators & {"<", "<="}):
        raise QueryError(
            "EXPECTED_FILTERS_ON_DATE_RANGE",
            "A finite date range is required in the WHERE clause when a core date segment is used.",
        )
