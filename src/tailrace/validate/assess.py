"""Judge a staged table by a suite, without writing anything that lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tailrace.errors import WarehouseError
from tailrace.project.reader import hint
from tailrace.project.spec import Expectation, Suite
from tailrace.validate.audience import Audience
from tailrace.validate.catalogue import columns_of
from tailrace.validate.evidence import with_evidence
from tailrace.validate.quarantine import held_rows, hold, key_problem, start_holding
from tailrace.validate.question import Answer, Examiner, Question
from tailrace.validate.relations import relations
from tailrace.validate.suite import reads_more_than_its_model
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
) -> Assessment:
    """All expectations on the staged table; the rows to hold back wait in a temporary table of the connection."""
    start_holding(warehouse, suite, staged)
    with relations(warehouse, staged, [item.where for item in suite.expectations]) as views:
        asked, answers = _questions(warehouse, suite, staged, views)
        judge = examiner(warehouse.native())
        answers |= {answer.index: answer for answer in judge.answers(list(asked.values()))}
        key = None if _key_is_proven(suite, answers) else key_problem(warehouse, suite, staged)
        checks = []
        for expectation in suite.expectations:
            answer = answers[expectation.index]
            question = asked.get(expectation.index)
            held = _held(warehouse, judge, suite, expectation, question, answer, key)
            check = decide(expectation, answer, held)
            checks.append(with_evidence(warehouse, judge, suite, staged, check, question, audience))
    return _assessment(warehouse, suite, staged, tuple(checks), key)


def _key_is_proven(suite: Suite, answers: dict[int, Answer]) -> bool:
    """Whether the suite's own expectations have just shown that the key is unique and never NULL."""
    shown = {
        item.type
        for item in suite.expectations
        if answers[item.index].success and item.where is None and dict(item.kwargs) == {"column": suite.key}
    }
    return {"expect_column_values_to_be_unique", "expect_column_values_to_not_be_null"} <= shown


def _assessment(
    warehouse: Warehouse, suite: Suite, staged: Staged, checks: tuple[Check, ...], key: str | None
) -> Assessment:
    held = held_rows(warehouse)
    reasons = [key] if key else []
    reasons += [check.reason for check in checks if check.decision == "block"]
    if excess := too_many(suite, held, staged.rows):
        reasons.append(excess)
    raised = any(check.answer.raised for check in checks)  # a full disk is no property of the rows
    lasting = not raised and not reads_more_than_its_model(suite)
    return Assessment(suite, checks, tuple(reasons), staged.rows, held, lasting)


def _questions(
    warehouse: Warehouse, suite: Suite, staged: Staged, views: Any
) -> tuple[dict[int, Question], dict[int, Answer]]:
    """Questions by expectation, and the answers that need no asking: a column or condition that does not fit the table."""
    columns = list(warehouse.columns(staged.ref))
    asked: dict[int, Question] = {}
    known: dict[int, Answer] = {}
    for item in suite.expectations:
        view = views[item.where]
        wrong = _missing(item, columns) or (
            f"where: {view.message}" if isinstance(view, WarehouseError) else None
        )
        if wrong:
            known[item.index] = Answer(item.index, False, raised=wrong)
        else:
            asked[item.index] = Question(item.index, view, item.type, _spelled(item, columns))
    return asked, known


_ABOUT_COLUMNS = ("expect_table_columns_to_match_ordered_list", "expect_column_to_exist")
"""Whether the columns are there, and how they are spelled, is what these ask."""


def _missing(item: Expectation, columns: list[str]) -> str | None:
    if item.type in _ABOUT_COLUMNS:
        return None
    known = {column.lower() for column in columns}
    lost = [column for _, column in columns_of(item.kwargs) if column.lower() not in known]
    return f"there is no column {lost[0]}. {hint(lost[0], columns)}".rstrip() if lost else None


def _spelled(item: Expectation, columns: list[str]) -> dict[str, Any]:
    """Columns as the table spells them: the engine does not tell cases apart, Great Expectations may."""
    plain = {name: _thawed(value) for name, value in item.kwargs.items()}
    if item.type in _ABOUT_COLUMNS:
        return plain
    exact = {column.lower(): column for column in columns}
    for path, column in columns_of(plain):
        name, *rest = path
        spelled = exact.get(column.lower(), column)
        if rest:
            plain[str(name)][rest[0]] = spelled
        else:
            plain[str(name)] = spelled
    return plain


def _thawed(value: Any) -> Any:
    return [_thawed(item) for item in value] if isinstance(value, list | tuple) else value


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
