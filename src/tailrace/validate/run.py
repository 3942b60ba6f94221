"""The gate: one verdict per suite, bound to the content of the staged table that a sync will send from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tailrace import interrupts
from tailrace.events import StepFinished, emit
from tailrace.failpoints import reach
from tailrace.project.spec import Suite
from tailrace.state.runs import StepResult
from tailrace.validate import results
from tailrace.validate.assess import OpenExaminer, assess, great_expectations
from tailrace.validate.audience import Audience
from tailrace.validate.held import Holding, held_mark, write_held
from tailrace.validate.masking import shown_assessment
from tailrace.validate.own import history
from tailrace.validate.quarantine import about, forget_held
from tailrace.validate.standing import standing
from tailrace.validate.verdict import Assessment, Verdict, placed
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged


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
    known = standing(warehouse, suite, staged, started)
    if known.verdict and known.lasting and known.audience == audience.mark():
        verdict = known.verdict
        reasons = verdict.reasons
        detail = {"checks": results.read_checks(warehouse, suite, known.run_id)}
    else:
        found = shown_assessment(
            assess(warehouse, suite, staged, examiner, audience=audience, now=started), audience.personal
        )
        interrupts.check()  # what Ctrl-C broke off is no finding about the rows
        verdict = Verdict(
            suite.name, staged.ref.name, staged.content, found.decision, found.reasons, found.held
        )
        _write(warehouse, found, verdict, staged, run_id, now(), audience)
        told = placed(found)
        reasons, detail = told.reasons, {"checks": results.shown_checks(told.checks)}
    result = _step(verdict, reasons, staged, (now() - started).total_seconds(), detail)
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


def _write(
    warehouse: Warehouse,
    found: Assessment,
    verdict: Verdict,
    staged: Staged,
    run_id: str,
    at: datetime,
    audience: Audience,
) -> None:
    moment = at.astimezone(UTC).replace(tzinfo=None)
    holding = Holding(
        found.suite, staged, run_id, moment, audience, sample=found.decision == "blocked", unnamed=_unnamed(found)
    )  # fmt: skip
    reach("validate:judged")
    with warehouse.transaction():
        results.ensure(warehouse)
        results.mask_earlier(warehouse, found, audience)
        results.mask_parameters(warehouse, found)
        results.write_checks(warehouse, found, staged, run_id=run_id, at=moment, audience=audience)
        history.forget(warehouse, found.suite, audience.personal)
        history.write(warehouse, found.suite, found.distributions, run_id, moment)
        write_held(warehouse, holding)
        held = held_mark(warehouse, found.suite.name)
        results.write_verdict(
            warehouse, found, verdict, held=held, audience=audience, run_id=run_id, at=moment
        )
        reach("validate:before_commit")
    forget_held(warehouse)


def _unnamed(found: Assessment) -> tuple[str, ...]:
    """Expectations that hold rows back and could not name them this time, or were stopped with a table that has none."""
    if found.decision != "blocked":
        return ()
    holding = [check for check in found.checks if check.expectation.on_fail == "quarantine"]
    return tuple(about(check.expectation) for check in holding if check.decision == "block" or not found.rows)


def _step(
    verdict: Verdict, reasons: tuple[str, ...], staged: Staged, seconds: float, detail: dict[str, Any]
) -> StepResult:
    blocked = verdict.decision == "blocked"
    return StepResult(
        "validate",
        verdict.suite,
        "stopped" if blocked else "skipped" if verdict.reused else "ok",
        rows_in=staged.rows,
        rows_out=0 if blocked else staged.rows - verdict.quarantined,
        seconds=seconds,
        error="; ".join(reasons) if blocked else None,
        detail={
            "quarantined": verdict.quarantined,
            "reused": verdict.reused,
            "decision": verdict.decision,
            "reasons": list(reasons),
            **detail,
        },
    )
