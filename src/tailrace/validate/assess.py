"""Judge a staged table by a suite, without writing anything that lasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tailrace.errors import WarehouseError
from tailrace.project.spec import Expectation, Suite
from tailrace.validate.audience import Audience
from tailrace.validate.evidence import with_evidence
from tailrace.validate.nearby import nearby
from tailrace.validate.own import inputs
from tailrace.validate.own.asking import Asking, prepared, told, unforeseen
from tailrace.validate.own.declaration import Context
from tailrace.validate.own.parameters import Values
from tailrace.validate.quarantine import held_rows, hold, key_problem, start_holding
from tailrace.validate.question import Answer, Examiner, Question
from tailrace.validate.relations import relations
from tailrace.validate.verdict import Assessment, Check, decide, too_many
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

OpenExaminer = Callable[[Any], Examiner]


def great_expectations(native: Any) -> Examiner:
    """The package over an open connection; imported here, since it takes seconds."""
    from tailrace.validate.gx import lean

    lean.load()  # before anything imports the package in its own, slower way
    if type(native).__module__.startswith("google.cloud.bigquery"):
        return _on_bigquery(native)
    from tailrace.validate.gx.datasource import over
    from tailrace.validate.gx.examiner import GreatExpectations

    return GreatExpectations(over(native))


def _on_bigquery(client: Any) -> Examiner:
    try:
        import sqlalchemy_bigquery  # noqa: F401  # a person may have installed Google's client alone
    except ImportError as error:
        why = "checks on BigQuery need the package sqlalchemy-bigquery"
        raise WarehouseError(why, "Install it: pip install 'tailrace[bigquery]'") from error
    from tailrace.validate.gx.bigquery import BigQueryExaminer

    return BigQueryExaminer(client)


def assess(
    warehouse: Warehouse,
    suite: Suite,
    staged: Staged,
    examiner: OpenExaminer = great_expectations,
    *,
    audience: Audience = Audience(),  # noqa: B008  # frozen
    now: datetime | None = None,
) -> Assessment:
    """All expectations on the staged table; the rows to hold back wait in a temporary table of the connection.

    `now` is the run's clock, by default the machine's.
    """
    start_holding(warehouse, suite, staged)
    read = inputs.state(warehouse, suite)  # before anything is read, so that a later change is seen as one
    moment = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    with nearby(warehouse, read) as here, relations(here, staged) as views:
        context = Context(here, suite, staged, views, moment, audience.personal)
        judge = examiner(here.native())
        asked = _answered(context, judge)
        answers = {one.expectation.index: one.answer for one in asked if one.answer}
        key = None if _key_is_proven(suite, answers) else key_problem(here, suite, staged)
        checks = tuple(_checked(context, judge, one, key, audience) for one in asked)
    found = _assessment(warehouse, suite, staged, checks, key, read)
    return _bound(found, asked)


def _checked(context: Context, judge: Examiner, one: Asking, key: str | None, audience: Audience) -> Check:
    """What is decided about one expectation's answer; an error that nobody thought of blocks, and the others are decided."""
    try:
        return _decided(context, judge, one, key, audience)
    except Exception as error:  # noqa: BLE001  # whatever it was, the rows are not proven good
        answer = unforeseen(one.told, error, hidden=one.shown is not None).answer
        assert answer is not None, "it says what was raised"
        return decide(one.told, answer, None)


def _decided(context: Context, judge: Examiner, one: Asking, key: str | None, audience: Audience) -> Check:
    assert one.answer is not None, "every expectation has been answered"
    warehouse, suite, staged = context.warehouse, context.suite, context.staged
    held = _held(warehouse, judge, suite, one.told, one.question, one.answer, key)
    check = decide(one.told, one.answer, held)
    check = with_evidence(warehouse, judge, suite, staged, check, one.question, audience)
    return check if one.shown is None else replace(check, asked=one.as_told(), query="")


def _answered(context: Context, judge: Examiner) -> list[Asking]:
    """Every expectation with its answer, in the suite's order."""
    values = Values(context)
    asked = [prepared(context, item, values) for item in context.suite.expectations]
    questions = [one.question for one in asked if one.question]
    answers = {answer.index: answer for answer in judge.answers(questions)}
    return [told(context, one, answers[one.expectation.index]) if one.question else one for one in asked]


def _bound(found: Assessment, asked: list[Asking]) -> Assessment:
    """Until when the assessment holds, and what later runs compare with: nothing of a check that stopped the table."""
    stopped = {check.expectation.index for check in found.checks if check.decision == "block"}
    ends = [one.found.valid_until for one in asked if one.found.valid_until]
    kept = [one.found.kept for one in asked if one.expectation.index not in stopped]
    return replace(
        found,
        valid_until=min(ends, default=None),
        distributions=tuple(one for one in kept if one is not None),
    )


def _key_is_proven(suite: Suite, answers: dict[int, Answer]) -> bool:
    """Whether the suite's own expectations have just shown that the key is unique and never NULL."""
    shown = {
        item.type
        for item in suite.expectations
        if answers[item.index].success and item.where is None and dict(item.kwargs) == {"column": suite.key}
    }
    return {"expect_column_values_to_be_unique", "expect_column_values_to_not_be_null"} <= shown


def _assessment(
    warehouse: Warehouse, suite: Suite, staged: Staged, checks: tuple[Check, ...], key: str | None, read: str
) -> Assessment:
    held = held_rows(warehouse)
    reasons = [key] if key else []
    reasons += [check.reason for check in checks if check.decision == "block"]
    if excess := too_many(suite, held, staged.rows):
        reasons.append(excess)
    raised = any(check.answer.raised for check in checks)  # a full disk is no property of the rows
    lasting = not raised and inputs.is_bound(suite, read)
    return Assessment(suite, checks, tuple(reasons), staged.rows, held, lasting, inputs=read)


def _held(
    warehouse: Warehouse,
    examiner: Examiner,
    suite: Suite,
    expectation: Expectation,
    question: Question | None,
    answer: Answer,
    key: str | None,
) -> int | str | None:
    if question is None or answer.success or answer.raised or expectation.on_fail != "quarantine":
        return None
    if key or suite.key is None:
        return key or "the suite has no key"
    return hold(warehouse, examiner, suite, expectation, question, answer.unexpected)
