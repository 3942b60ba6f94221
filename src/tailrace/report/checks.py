"""One check of a judgement, with all that stands beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tailrace.project.spec import Expectation
from tailrace.project.spec import Suite as Declared
from tailrace.report.document import Check, Point, Suite
from tailrace.report.evidence import MASK, held_by, keys_shown, samples_of
from tailrace.report.judgements import Judgement
from tailrace.report.known import Known
from tailrace.report.owners import written_owner
from tailrace.validate.masking import hides


def told_check(
    known: Known, declared: Declared, told: Suite, row: Mapping[str, Any], last: Judgement
) -> Check:
    personal = known.personal.get(declared.model, frozenset())
    kwargs = _kwargs(row)
    hidden = hides(Expectation(row["expectation"], kwargs, "critical", "block"), personal)
    about = [name for name in (row["column"] or "").split(", ") if name]
    position = int(row["position"])
    trend = known.judged.trends.get((declared.name, position), ())
    if hidden:
        trend = tuple(replace(point, number=None) for point in trend)
    in_a_row = _failed_in_a_row(trend)
    reason = row["reason"] or ""
    keys = held_by(known.held, declared.name, row["expectation"], reason)
    held = row["decision"] == "quarantine" and not known.is_past
    return Check(
        declared.name, declared.model, position, row["expectation"], row["column"] or "", row["where"] or "",
        expected=row["description"] or "",
        reason=reason.partition(": it is ")[0] if hidden else reason,
        severity=row["severity"] or "",
        decision=row["decision"] or "",
        success=bool(row["success"]),
        unexpected=row["unexpected_count"],
        share=row["unexpected_count"] / last.rows if row["unexpected_count"] is not None and last.rows else None,
        observed=MASK if hidden and row["observed"] else row["observed"] or "",
        owner=row["owner"] or written_owner(declared, position, row["expectation"]) or told.owner,
        query=row["query"] or "",
        samples=samples_of(
            known.samples.get((declared.name, last.run_id, position), []), about, declared.key, personal
        ),
        trend=trend,
        failing_since=trend[-in_a_row].at if in_a_row else None,
        failed_in_a_row=in_a_row,
        held=(row["unexpected_count"] or 0) if held else 0,
        keys=keys_shown(keys, personal=known.has_personal_key(declared)) if held else (),
        place=_place(declared, position, row["expectation"]),
    )  # fmt: skip


def _place(declared: Declared, position: int, kind: str) -> str:
    """Where its expectation stands, if the suite still has it at this position."""
    for item in declared.expectations:
        if (item.index, item.type) == (position, kind):
            place = declared.marks.at("expectations", position)
            return f"{place.file}:{place.line}"
    return ""


def _kwargs(row: Mapping[str, Any]) -> dict[str, Any]:
    """As they were stored; of an older release's rows only the columns are known."""
    if row["kwargs"]:
        found = json.loads(row["kwargs"])
        return found if isinstance(found, dict) else {}
    return {"column": row["column"]} if row["column"] else {}


def _failed_in_a_row(trend: Sequence[Point]) -> int:
    failed = 0
    for point in reversed(trend):
        if point.success:
            break
        failed += 1
    return failed
