"""`filtering` and `effective_status`: what is listed and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from tailrace.sandbox.meta_ads.errors import invalid
from tailrace.sandbox.meta_ads.fields import ID_OF
from tailrace.sandbox.meta_ads.records import Records

Record = dict[str, Any]
Condition = tuple[str, str, Any]


def _number(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise invalid(f"filtering: {value} is not a number") from None


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "EQUAL": lambda value, wanted: str(value) == str(wanted),
    "NOT_EQUAL": lambda value, wanted: str(value) != str(wanted),
    "IN": lambda value, wanted: str(value) in [str(item) for item in wanted],
    "NOT_IN": lambda value, wanted: str(value) not in [str(item) for item in wanted],
    "CONTAIN": lambda value, wanted: str(wanted).lower() in str(value).lower(),
    "NOT_CONTAIN": lambda value, wanted: str(wanted).lower() not in str(value).lower(),
    "GREATER_THAN": lambda value, wanted: _number(value) > _number(wanted),
    "LESS_THAN": lambda value, wanted: _number(value) < _number(wanted),
}


def conditions(given: Any) -> tuple[Condition, ...]:
    """`[{"field", "operator", "value"}]`, checked."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise invalid("param filtering must be an array.")
    found: list[Condition] = []
    for number, item in enumerate(given):
        if not isinstance(item, dict) or set(item) != {"field", "operator", "value"}:
            raise invalid(f"filtering[{number}] must have the keys field, operator and value")
        if item["operator"] not in OPERATORS:
            choices = ", ".join(OPERATORS)
            raise invalid(f"filtering[{number}][operator] must be one of the following values: {choices}")
        if item["operator"] in ("IN", "NOT_IN") and not isinstance(item["value"], list):
            raise invalid(f"filtering[{number}][value] must be an array")
        found.append((str(item["field"]), item["operator"], item["value"]))
    return tuple(found)


def passes(row: Record, filtering: Iterable[Condition], records: Records) -> bool:
    """`campaign.id` is the row's campaign_id; other fields behind a dot are the node's own."""
    return all(
        OPERATORS[operator](_value(row, field, records), value) for field, operator, value in filtering
    )


def _value(row: Record, field: str, records: Records) -> Any:
    node, dot, name = field.partition(".")
    if not dot:
        return row.get(field)
    if node not in ID_OF or node == "account":
        raise invalid(f"Filtering field {field} is invalid")
    own = row.get(ID_OF[node], row.get("id"))
    if name == "id":
        return own
    found = records.node(str(own))
    return found[1].get(name) if found else row.get(f"{node}_{name}")
