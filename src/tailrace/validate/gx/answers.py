"""What Great Expectations found, in plain objects: verdict, error, numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tailrace.validate.question import Answer, Question

_MAX_OBSERVED = 300
_QUERY = "unexpected_rows_expectation"
_ROWS = ("partial_unexpected_list",)
"""What could hold values of single rows, were it asked for."""


def answer_of(question: Question, result: Any, failed: Callable[[Question, str], Answer]) -> Answer:
    """The answer of one result of the package; `failed` makes that of an error."""
    if result is None:
        return failed(question, "Great Expectations gave no result")
    if (message := _raised(result.exception_info or {})) is not None:
        return failed(question, message)
    found = {
        name: value
        for name, value in (result.result or {}).items()
        if name not in _ROWS and value is not None
    }
    failing = _failing(question, found)
    return Answer(
        question.index,
        bool(result.success),
        unexpected=failing,
        observed=_observed(question, found, failing),
        result=plain(found),
        number=float(failing) if question.type == _QUERY and failing is not None else None,
    )


def _failing(question: Question, found: Mapping[str, Any]) -> int | None:
    """Failing rows, where rows were counted: not so for sets of distinct values, whose unexpected are values."""
    if question.type == _QUERY and (rows := found.get("observed_value")) is not None:
        return int(rows)
    if "element_count" not in found:
        return None
    return found.get("unexpected_count") or 0


def _observed(question: Question, found: Mapping[str, Any], failing: int | None) -> str | None:
    """Of a query, and of no rows at all, the rows that fail: neither is a share of anything."""
    if failing is not None and (question.type == _QUERY or not found.get("element_count")):
        return f"{failing:,} {'row' if failing == 1 else 'rows'}"
    observed = found.get("observed_value")
    if observed is not None:
        return str(plain(observed))[:_MAX_OBSERVED]
    if (share := found.get("unexpected_percent")) is not None:
        return f"{share:.6g}% unexpected"
    kinds = [kind for kind in ("unexpected", "missing") if f"{kind}_count" in found]
    return ", ".join(f"{found[f'{kind}_count']} {kind} values" for kind in kinds) or None


def plain(value: Any) -> Any:
    """As JSON can hold it: numbers of numpy's as Python's, what is no number as None, anything else as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def _raised(info: dict[str, Any]) -> str | None:
    """The first message of what was raised: the package keeps it flat, or once per metric."""
    if "raised_exception" in info:
        return _message(info) if info["raised_exception"] else None
    for part in info.values():
        if isinstance(part, dict) and part.get("raised_exception"):
            return _message(part)
    return None


def _message(info: dict[str, Any]) -> str:
    message = str(info.get("exception_message") or "it raised an error without a message")
    return f"{message}: there are no values" if message == "division by zero" else message
