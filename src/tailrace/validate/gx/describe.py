"""Writes `validate/catalogue.json` from the installed release: `python -m tailrace.validate.gx.describe`."""

from __future__ import annotations

import json
import types
import typing
from datetime import date
from decimal import Decimal
from numbers import Number
from pathlib import Path
from typing import Any

from tailrace.validate.gx import lean

_NOT_KWARGS = frozenset(
    (
        *("id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content"),
        *("severity", "windows", "batch_id", "row_condition", "condition_parser", "library_metadata"),
    )
)
_KINDS = (
    ("ColumnMapExpectation", "rows"),
    ("ColumnPairMapExpectation", "rows"),
    ("MulticolumnMapExpectation", "rows"),
    ("ColumnAggregateExpectation", "column"),
    ("QueryExpectation", "query"),
    ("BatchExpectation", "table"),
)
_QUERIES = (
    "UnexpectedRowsExpectation",
    "ExpectQueryResultsToMatchComparison",
    "ExpectTableRowCountToEqualOtherTable",
)
# judged by a window or by the column's type: no condition on one row stands for them
_NO_CONDITION = (
    "column_values.unique",
    "compound_columns.unique",
    "column_values.of_type",
    "column_values.in_type_list",
)


def catalogue() -> dict[str, Any]:
    """Every expectation: its kind, whether rows can be quarantined by it, and its kwargs with what they take."""
    package = lean.load()
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    names = sorted(list_registered_expectation_implementations())
    return {
        "great_expectations": package.__version__,
        "expectations": {name: _entry(get_expectation_impl(name)) for name in names},
    }


def _entry(cls: Any) -> dict[str, Any]:
    fields = {name: field for name, field in cls.__fields__.items() if name not in _NOT_KWARGS}
    return {
        "kind": _kind(cls),
        "by_row": _by_row(cls),
        "kwargs": {name: _values(field.outer_type_) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
    }


def _kind(cls: Any) -> str:
    from great_expectations.expectations import expectation

    if cls.__name__ in _QUERIES:
        return "query"
    return next(kind for base, kind in _KINDS if issubclass(cls, getattr(expectation, base)))


def _by_row(cls: Any) -> bool:
    from great_expectations.expectations.registry import _registered_metrics

    metric = getattr(cls, "map_metric", None)
    if metric is None or metric in _NO_CONDITION:
        return False
    return "SqlAlchemyExecutionEngine" in _registered_metrics.get(f"{metric}.condition", {}).get(
        "providers", {}
    )


def _values(annotation: Any) -> list[str]:
    """As _takes, without the mapping that stands for a parameter in nearly every kwarg."""
    takes = _takes(annotation)
    return sorted(takes - {"mapping"} or takes)


def _takes(annotation: Any) -> set[str]:
    """What a value may be, in words; nothing where anything goes."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        parts = [_takes(part) for part in typing.get_args(annotation) if part is not type(None)]
        return set().union(*parts) if all(parts) else set()
    if origin is typing.Annotated:
        return _takes(typing.get_args(annotation)[0])
    if origin is typing.Literal:
        return {"text"}
    plain = origin or annotation
    if not isinstance(plain, type):
        return set()
    for base, word in (
        (bool, "bool"), (str, "text"), (Number, "number"), (Decimal, "number"), (date, "date"),
        ((list, set, tuple, frozenset), "list"), (dict, "mapping"),
    ):  # fmt: skip
        if issubclass(plain, base):
            return {word}
    return set()


def main() -> None:
    """Write the file that `tailrace check` reads instead of importing the package."""
    path = Path(__file__).parent.parent / "catalogue.json"
    found = catalogue()
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in found["expectations"].items()]
    release = json.dumps(found["great_expectations"])
    path.write_text(
        f'{{\n "great_expectations": {release},\n "expectations": {{\n' + ",\n".join(lines) + "\n }\n}\n"
    )


if __name__ == "__main__":
    main()
