"""Which records a query finds, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tailrace.sandbox.salesforce.errors import Refusal, no_column
from tailrace.sandbox.salesforce.ids import SHORT
from tailrace.sandbox.salesforce.schema import NUMBERS, Field, ObjectSchema
from tailrace.sandbox.salesforce.soql import Comparison, Condition, Query, Written
from tailrace.sandbox.salesforce.times import spelled

Record = dict[str, Any]
Test = Callable[[Record], bool]
UNQUOTED = {"datetime": "dateTime", "date": "date", "boolean": "boolean", "int": "int"}


def field_of(schema: ObjectSchema, name: str) -> Field:
    """The field; Refusal INVALID_FIELD where there is none, or a path to another object."""
    found = schema.find(name)
    if found is None:
        raise no_column(name, schema.name)
    return found


def run(schema: ObjectSchema, query: Query, records: Iterable[Record]) -> list[Record]:
    """The records found, ordered and cut; in id order where the query names none."""
    test = condition(schema, query.where) if query.where is not None else None
    found = [record for record in records if test is None or test(record)]
    found.sort(key=lambda record: record["Id"])
    for term in reversed(query.order):
        name, kind = field_of(schema, term.field).name, field_of(schema, term.field).type
        last = term.nulls_last if term.nulls_last is not None else term.descending
        found.sort(key=_sort_key(name, kind, last != term.descending), reverse=term.descending)
    end = None if query.limit is None else query.offset + query.limit
    return found[query.offset : end]


def _sort_key(name: str, kind: str, nulls_high: bool) -> Callable[[Record], tuple[bool, Any]]:
    def key(record: Record) -> tuple[bool, Any]:
        value = record.get(name)
        return ((value is None) == nulls_high, "" if value is None else comparable(value, kind))

    return key


def condition(schema: ObjectSchema, wanted: Condition) -> Test:
    """A condition as a function of a record; fields and types are checked now."""
    if isinstance(wanted, Comparison):
        return _comparison(schema, wanted)
    tests = [condition(schema, part) for part in wanted.parts]
    if wanted.operator == "NOT":
        return lambda record: not tests[0](record)
    joined = all if wanted.operator == "AND" else any
    return lambda record: joined(test(record) for test in tests)


def _comparison(schema: ObjectSchema, wanted: Comparison) -> Test:
    found = field_of(schema, wanted.field)
    if not found.document()["filterable"]:
        raise Refusal(400, "INVALID_FIELD", f"field '{found.name}' can not be filtered in a query call")
    values = [_value(found, literal) for literal in wanted.values]
    name, kind, operator = found.name, found.type, wanted.operator
    if operator == "LIKE":
        pattern = re.compile(_like(str(values[0])), re.IGNORECASE | re.DOTALL)
        return lambda record: pattern.fullmatch(str(record.get(name) or "")) is not None
    if operator in ("IN", "NOT IN"):
        return lambda record: (comparable(record.get(name), kind) in values) == (operator == "IN")
    compare = _OPERATORS[operator]
    if operator in ("=", "!="):
        return lambda record: compare(comparable(record.get(name), kind), values[0])
    return lambda record: (
        record.get(name) is not None
        and values[0] is not None
        and compare(comparable(record[name], kind), values[0])
    )


def comparable(value: Any, kind: str) -> Any:
    """Text regardless of case, ids by their first fifteen characters."""
    if kind in ("id", "reference"):
        return value[:SHORT] if isinstance(value, str) else value
    return value.lower() if isinstance(value, str) and kind not in ("datetime", "date") else value


def _value(found: Field, literal: Written) -> Any:
    """What the literal is compared as; Refusal where a value of this type is not written so."""
    if literal.kind == "null":
        return None
    wanted = {"datetime": ("stamp",), "date": ("day",), "boolean": ("bool",)}.get(found.type, ("text",))
    if found.type in NUMBERS:
        wanted = ("number",)
    if literal.kind not in wanted:
        quotes = " and should not be enclosed in quotes" if literal.kind == "text" else ""
        kind = UNQUOTED.get(found.type, "double" if found.type in NUMBERS else "string")
        raise Refusal(
            400,
            "INVALID_FIELD",
            f"value of filter criterion for field '{found.name}' must be of type {kind}{quotes}",
        )
    if literal.kind == "stamp":
        return spelled(datetime.fromisoformat(literal.value))
    return comparable(literal.value, found.type)


def _like(pattern: str) -> str:
    return "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}
