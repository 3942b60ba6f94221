"""The gate: one verdict per suite, bound to the content of the staged table that a sync will send from."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tailrace.events import Notice, StepFinished, emit
from tailrace.failpoints import reach
from tailrace.project.spec import Suite
from tailrace.state.runs import StepResult
from tailrace.validate import quarantine
from tailrace.validate.assess import OpenExaminer, assess, great_expectations
from tailrace.validate.audience import Audience
from tailrace.validate.suite import suite_hash
from tailrace.validate.verdict import Assessment, Verdict, column_text
from tailrace.warehouse.base import META, TableRef, Warehouse
from tailrace.warehouse.stage import Staged

VALIDATIONS = TableRef(META, "validations")
VERDICTS = TableRef(META, "verdicts")
TABLES = (
    quarantine.TABLE,
    f"""CREATE TABLE IF NOT EXISTS {VALIDATIONS} (run_id VARCHAR, suite VARCHAR, model VARCHAR, expectation VARCHAR,
  "column" VARCHAR, severity VARCHAR, success BOOLEAN, observed VARCHAR, unexpected_count BIGINT, decision VARCHAR,
  "where" VARCHAR, reason VARCHAR, "rows" BIGINT, position BIGINT, "at" TIMESTAMP)""",
    f"""CREATE TABLE IF NOT EXISTS {VERDICTS} (suite VARCHAR, stage VARCHAR, content VARCHAR, suite_hash VARCHAR,
  decision VARCHAR, reasons VARCHAR, quarantined BIGINT, lasting BOOLEAN, run_id VARCHAR, "at" TIMESTAMP)""",
)


def verdict_for(warehouse: Warehouse, suite: Suite, staged: Staged) -> Verdict | None:
    """The verdict on exactly this content by exactly this suite, if its last judgement was that; nothing is imported.

    Only the last one counts, since the quarantine table holds the rows of that one.
    """
    found = _known(warehouse, suite, staged)
    return found[0] if found else None


def judge(
    warehouse: Warehouse,
    suite: Suite,
    staged: Staged,
    *,
    run_id: str,
    now: Callable[[], datetime],
    audience: Audience = Audience(),  # noqa: B008  # frozen
    examiner: OpenExaminer = great_expectations,
) -> tuple[Verdict, StepResult]:
    """Judge the staged table, or reuse the verdict on the same content; results are written in one transaction."""
    started = now()
    known = _known(warehouse, suite, staged)
    if known and known[1]:
        verdict, detail = known[0], {}
    else:
        found = assess(warehouse, suite, staged, examiner, audience=audience)
        verdict = Verdict(
            suite.name, staged.ref.name, staged.content, found.decision, found.reasons, found.held
        )
        _write(warehouse, found, verdict, staged, run_id, now(), audience.subject)
        detail = _told(found)
    result = _step(verdict, staged, (now() - started).total_seconds(), detail)
    emit(
        StepFinished(
            "validate",
            suite.name,
            result.status,
            result.rows_in,
            result.rows_out,
            result.seconds,
            result.error,
        )
    )
    return verdict, result


def _known(warehouse: Warehouse, suite: Suite, staged: Staged) -> tuple[Verdict, bool] | None:
    """The last verdict, if it is on this content by this suite, and whether judging again would say the same."""
    if not warehouse.columns(VERDICTS):
        return None
    rows = warehouse.query(
        f"SELECT decision, reasons, quarantined, lasting FROM {VERDICTS} WHERE suite = ? AND content = ? AND suite_hash = ?",
        [suite.name, staged.content, suite_hash(suite)],
    )
    if not rows:
        return None
    decision, reasons, held, lasting = rows[0]
    verdict = Verdict(
        suite.name,
        staged.ref.name,
        staged.content,
        decision,
        tuple(json.loads(reasons)),
        int(held),
        reused=True,
    )
    return verdict, bool(lasting)


def _write(
    warehouse: Warehouse,
    found: Assessment,
    verdict: Verdict,
    staged: Staged,
    run_id: str,
    at: datetime,
    subject: str | None,
) -> None:
    moment = at.astimezone(UTC).replace(tzinfo=None)
    reach("validate:judged")
    with warehouse.transaction():
        warehouse.ensure_schema(META)
        for statement in TABLES:
            warehouse.execute(statement)
        _write_checks(warehouse, found, run_id, moment)
        sample = found.decision == "blocked"
        quarantine.write(
            warehouse, found.suite, staged, run_id=run_id, at=moment, subject=subject, sample=sample
        )
        warehouse.execute(f"DELETE FROM {VERDICTS} WHERE suite = ?", [verdict.suite])
        warehouse.execute(
            f"INSERT INTO {VERDICTS} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [verdict.suite, verdict.stage, verdict.content, suite_hash(found.suite), verdict.decision,
             json.dumps(verdict.reasons), verdict.quarantined, found.lasting, run_id, moment],
        )  # fmt: skip
        reach("validate:before_commit")
    quarantine.forget_held(warehouse)


def _write_checks(warehouse: Warehouse, found: Assessment, run_id: str, at: datetime) -> None:
    """One row per expectation, in the suite's order."""
    values: list[Any] = []
    for check in found.checks:
        item, answer = check.expectation, check.answer
        values += [
            run_id, found.suite.name, found.suite.model, item.type, column_text(item.kwargs), item.severity,
            answer.success, answer.observed, answer.unexpected, check.decision, item.where, check.reason or None,
            found.rows, item.index, at,
        ]  # fmt: skip
    row = f"({', '.join('?' * 15)})"
    warehouse.execute(f"INSERT INTO {VALIDATIONS} VALUES {', '.join([row] * len(found.checks))}", values)


def _told(found: Assessment) -> dict[str, Any]:
    """What `tailrace show` adds; warnings are told at once too."""
    warnings = [check.reason for check in found.checks if check.decision == "warn"]
    for text in warnings:
        emit(Notice("warning", f"{found.suite.name}: {text}"))
    held = [check.reason for check in found.checks if check.decision == "quarantine"]
    return {"checks": len(found.checks), "warnings": warnings, "held": held}


def _step(verdict: Verdict, staged: Staged, seconds: float, detail: dict[str, Any]) -> StepResult:
    blocked = verdict.decision == "blocked"
    return StepResult(
        "validate",
        verdict.suite,
        "stopped" if blocked else "skipped" if verdict.reused else "ok",
        rows_in=staged.rows,
        rows_out=0 if blocked else staged.rows - verdict.quarantined,
        seconds=seconds,
        error="; ".join(verdict.reasons) if blocked else None,
        detail={
            "quarantined": verdict.quarantined,
            "reused": verdict.reused,
            "decision": verdict.decision,
            **detail,
        },
    )
