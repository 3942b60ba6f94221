"""Judgements as `tailrace_meta` keeps them, the newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tailrace.warehouse.base import META, TableRef, Warehouse

VALIDATIONS = TableRef(META, "validations")
SAMPLES = TableRef(META, "validation_samples")

_COLUMNS = (
    *("run_id", "suite", "model", "at", "rows", "position", "expectation", "severity", "success", "observed"),
    *("unexpected_count", "decision", "where", "reason", "description", "owner", "kwargs", "asked", "result"),
    "query",
)


@dataclass(frozen=True)
class Result:
    """One expectation's. `type` and `kwargs` are the suite's; `asked` is what the package was asked, None where it was not."""

    position: int
    type: str
    kwargs: Mapping[str, Any]
    asked: tuple[str, Mapping[str, Any]] | None
    success: bool
    decision: str
    severity: str = ""
    owner: str = ""
    description: str = ""
    where: str = ""
    reason: str = ""
    observed: str | None = None
    unexpected: int | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    samples: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Judgement:
    """One suite on one content of its model; `at` is UTC."""

    suite: str
    run_id: str
    model: str
    at: datetime
    rows: int
    results: tuple[Result, ...]

    @property
    def failed(self) -> int:
        return sum(not result.success for result in self.results)


def judgements(warehouse: Warehouse, runs: int) -> list[Judgement]:
    """The last `runs` of every suite; columns that an earlier release did not write count as empty."""
    there = {name.lower() for name in warehouse.columns(VALIDATIONS)}
    if not there:
        return []
    quote = warehouse.dialect.quote
    at = quote("at")
    chosen = ", ".join(quote(name) if name in there else f"NULL AS {quote(name)}" for name in _COLUMNS)
    rows = warehouse.query(
        f"SELECT {chosen} FROM {warehouse.dialect.table(VALIDATIONS)} WHERE true"
        f" QUALIFY dense_rank() OVER (PARTITION BY suite ORDER BY {at} DESC, run_id DESC) <= {int(runs)}"
        f" ORDER BY {at} DESC, suite, run_id, position"
    )
    samples = _samples(warehouse)
    found: dict[tuple[str, str, datetime], list[dict[str, Any]]] = {}
    for row in rows:
        named = dict(zip(_COLUMNS, row, strict=True))
        found.setdefault((named["suite"], named["run_id"], named["at"]), []).append(named)
    return [_judgement(key, items, samples) for key, items in found.items()]


_Samples = Mapping[tuple[str, str, int], Sequence[Mapping[str, Any]]]


def _samples(warehouse: Warehouse) -> _Samples:
    """Rows by suite, run and position of the expectation; personal values were masked before they were stored."""
    if not warehouse.columns(SAMPLES):
        return {}
    found: dict[tuple[str, str, int], list[Mapping[str, Any]]] = {}
    quote = warehouse.dialect.quote
    sql = (
        f"SELECT suite, run_id, position, {quote('row')} FROM {warehouse.dialect.table(SAMPLES)}"
        " ORDER BY suite, run_id, position, number"
    )
    for suite, run_id, position, text in warehouse.query(sql):
        if row := _mapping(text):
            found.setdefault((suite, run_id, position), []).append(row)
    return found


def _judgement(key: tuple[str, str, datetime], items: list[dict[str, Any]], samples: _Samples) -> Judgement:
    suite, run_id, at = key
    results = tuple(_result(item, samples.get((suite, run_id, item["position"]), ())) for item in items)
    first = items[0]
    return Judgement(suite, run_id or "", first["model"] or "", at, int(first["rows"] or 0), results)


def _result(row: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> Result:
    asked = _mapping(row["asked"])
    return Result(
        position=int(row["position"] or 0),
        type=row["expectation"] or "",
        kwargs=_mapping(row["kwargs"]),
        asked=(str(asked["type"]), asked.get("kwargs") or {}) if asked.get("type") else None,
        success=bool(row["success"]),
        decision=row["decision"] or "",
        severity=row["severity"] or "",
        owner=row["owner"] or "",
        description=row["description"] or "",
        where=row["where"] or "",
        reason=row["reason"] or "",
        observed=row["observed"],
        unexpected=row["unexpected_count"],
        result=_mapping(row["result"]),
        query=row["query"] or "",
        samples=tuple(samples),
    )


def _mapping(text: str | None) -> dict[str, Any]:
    """A JSON object; {} for anything else, so that one odd row takes no page with it."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
