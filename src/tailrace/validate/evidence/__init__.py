"""What shows a failing check to a person: a query for all its rows, and a few of them with personal values masked.

Only what fails is looked at; a check that passes costs nothing here.
"""

from __future__ import annotations

from dataclasses import replace

from tailrace.project.spec import Suite
from tailrace.validate.audience import Audience
from tailrace.validate.question import Examiner, Question
from tailrace.validate.verdict import Check
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged


def with_evidence(
    warehouse: Warehouse,
    examiner: Examiner,
    suite: Suite,
    staged: Staged,
    check: Check,
    question: Question | None,
    audience: Audience,
) -> Check:
    """The check with what was asked, and where it fails with its query and samples; an error only leaves these empty."""
    told = replace(check, asked=question)
    if question is None or check.answer.success or check.answer.raised is not None:
        return told
    from tailrace.validate.evidence.failing import shown
    from tailrace.validate.evidence.samples import samples

    try:
        found = shown(warehouse, examiner, staged, check, question)
        if found is None:
            return told
        told = replace(told, query=found.sql)
        return replace(told, samples=samples(warehouse, suite, staged, check, question, found, audience))
    except Exception:  # noqa: BLE001  # a verdict never hangs on what is shown of it
        return told
