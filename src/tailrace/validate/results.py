"""What judgements leave behind for people: a row per expectation, samples of the rows that fail, the verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tailrace.project.spec import Expectation, Suite
from tailrace.validate.audience import Audience
from tailrace.validate.masking import MASK, hides, quotes_mean, shown_result, touches
from tailrace.validate.own.registry import CHECKS
from tailrace.validate.suite import suite_hash
from tailrace.validate.verdict import Assessment, Check, Verdict, column_text, expected, failure
from tailrace.warehouse.base import META, STAGE, TableRef, Warehouse
from tailrace.warehouse.stage import Staged

VALIDATIONS = TableRef(META, "validations")
SAMPLES = TableRef(META, "validation_samples")
VERDICTS = TableRef(META, "verdicts")
QUARANTINE = TableRef(META, "quarantine")

COLUMNS: Mapping[TableRef, Mapping[str, str]] = {
    VALIDATIONS: {
        **dict.fromkeys(("run_id", "suite", "model", "expectation", "column", "severity"), "VARCHAR"),
        "success": "BOOLEAN", "observed": "VARCHAR", "unexpected_count": "BIGINT", "decision": "VARCHAR",
        "where": "VARCHAR", "reason": "VARCHAR", "rows": "BIGINT", "position": "BIGINT", "at": "TIMESTAMP",
        **dict.fromkeys(("description", "owner", "kwargs", "asked", "result", "query"), "VARCHAR"),
        "observed_number": "DOUBLE", "stage": "VARCHAR", "content": "VARCHAR",
    },
    SAMPLES: {
        "run_id": "VARCHAR", "suite": "VARCHAR", "position": "BIGINT", "number": "BIGINT",
        "row": "VARCHAR", "at": "TIMESTAMP",
    },
    VERDICTS: {
        **dict.fromkeys(("suite", "stage", "content", "suite_hash", "decision", "reasons"), "VARCHAR"),
        "quarantined": "BIGINT", "lasting": "BOOLEAN", "run_id": "VARCHAR", "at": "TIMESTAMP",
        "valid_until": "TIMESTAMP", "inputs": "VARCHAR", "held": "VARCHAR", "audience": "VARCHAR",
    },
    QUARANTINE: {
        **dict.fromkeys(("run_id", "suite", "model", "expectation", "key", "row", "reason"), "VARCHAR"),
        "subject": "VARCHAR", "first_seen_at": "TIMESTAMP",
    },
}  # fmt: skip
"""tailrace's tables of results; a column that an older release did not have is added."""

_UNJUDGED = " could not be judged: "
_SHOWN = ("expectation", "column", "decision", "success", "unexpected_count", "reason")


def ensure(warehouse: Warehouse) -> None:
    """The tables as this release writes them."""
    warehouse.ensure_schema(META)
    for ref, columns in COLUMNS.items():
        table, there = warehouse.dialect.table(ref), warehouse.columns(ref)
        kinds = {name: f"{warehouse.dialect.quote(name)} {kind}" for name, kind in columns.items()}
        if not there:
            warehouse.execute(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(kinds.values())})")
        elif new := {name: kind for name, kind in columns.items() if name not in there}:
            warehouse.add_columns(ref, new)


def insert(warehouse: Warehouse, ref: TableRef, rows: Sequence[Sequence[Any]]) -> None:
    """Rows in the order of the table's columns here, whatever order an older release left them in."""
    if not rows:
        return
    names = ", ".join(warehouse.dialect.quote(name) for name in COLUMNS[ref])
    row = f"({', '.join('?' * len(COLUMNS[ref]))})"
    values = [value for row_values in rows for value in row_values]
    warehouse.execute(
        f"INSERT INTO {warehouse.dialect.table(ref)} ({names}) VALUES {', '.join([row] * len(rows))}", values
    )


def write_checks(
    warehouse: Warehouse,
    found: Assessment,
    staged: Staged,
    *,
    run_id: str,
    at: datetime,
    audience: Audience,
) -> None:
    """One row per expectation in the suite's order, and samples of the failing ones in place of the last judgement's."""
    insert(
        warehouse,
        VALIDATIONS,
        [_row(found, check, staged, run_id, at, audience.personal) for check in found.checks],
    )
    warehouse.execute(f"DELETE FROM {warehouse.dialect.table(SAMPLES)} WHERE suite = ?", [found.suite.name])
    insert(
        warehouse,
        SAMPLES,
        [
            [run_id, found.suite.name, check.expectation.index, number, row, at]
            for check in found.checks
            for number, row in enumerate(check.samples[: audience.keeping.samples])
        ],
    )


def _row(
    found: Assessment, check: Check, staged: Staged, run_id: str, at: datetime, personal: frozenset[str]
) -> list[Any]:
    item, answer, asked = check.expectation, check.answer, check.asked
    hidden = hides(item, personal)
    observed = MASK if hidden and answer.observed is not None else answer.observed
    return [
        run_id, found.suite.name, found.suite.model, item.type, column_text(item.kwargs), item.severity, answer.success,
        observed, answer.unexpected, check.decision, item.where, check.reason or None, found.rows, item.index, at,
        expected(item), item.owner or found.suite.owner, _json(item.kwargs),
        _json({"type": asked.type, "kwargs": asked.kwargs}) if asked else None,
        _json(shown_result(item, answer.result, personal)) if answer.result else None, check.query or None,
        None if hidden else _number(check), staged.ref.name, staged.content,
    ]  # fmt: skip


def _number(check: Check) -> float | None:
    """What was observed, where it is one number."""
    value = check.answer.number
    if value is None:
        value = check.answer.result.get("observed_value", check.answer.observed)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    """JSON knows neither tuples nor infinities."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def mask_earlier(warehouse: Warehouse, found: Assessment, audience: Audience) -> None:
    """Take out of earlier rows what must not be shown any more, since a column was marked as personal after them.

    It goes by the rows of the suite and of its model, so that what a removed expectation left is masked too.
    """
    suite, personal = found.suite, audience.personal
    for item, column, kwargs in _written(warehouse, suite) if personal else ():
        for change, values in _changes(item, personal):
            warehouse.execute(
                f"UPDATE {warehouse.dialect.table(VALIDATIONS)} SET {change} AND (suite = ? OR model = ?) AND expectation = ?"
                ' AND "column" IS NOT DISTINCT FROM ? AND kwargs IS NOT DISTINCT FROM ?',
                [*values, suite.name, suite.model, item.type, column, kwargs],
            )


def _written(warehouse: Warehouse, suite: Suite) -> Iterator[tuple[Expectation, str | None, str | None]]:
    """Expectations that left rows, with the row's "column" and kwargs; an older release wrote no kwargs."""
    rows = warehouse.query(
        f'SELECT DISTINCT expectation, "column", kwargs, "where" FROM {warehouse.dialect.table(VALIDATIONS)}'
        " WHERE (suite = ? OR model = ?) AND (observed <> ? OR query IS NOT NULL OR contains(reason, ?))",
        [suite.name, suite.model, MASK, _UNJUDGED],
    )
    for kind, column, kwargs, where in rows:
        known = json.loads(kwargs) if kwargs else {"column": column} if column else {}
        yield Expectation(kind, known, "critical", "block", where), column, kwargs


def _changes(item: Expectation, personal: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """SET and the begin of WHERE, with their values, for each thing of an earlier row that may quote a personal value."""
    if hides(item, personal):
        reason = "CASE WHEN reason IS NOT NULL THEN ? END"
        said = f"observed = ?, observed_number = NULL, result = NULL, reason = {reason} WHERE observed <> ?"
        yield said, [MASK, failure(item), MASK]
    if touches(item, personal):
        said = "reason = split_part(reason, ?, 1) || rtrim(?, ': ') WHERE contains(reason, ?)"
        yield said, [_UNJUDGED] * 3
    if quotes_mean(item, personal):
        yield "query = NULL WHERE query IS NOT NULL", []
    if item.type in CHECKS and touches(
        item, personal
    ):  # what was asked of drift names the values that it counts
        yield "asked = NULL, query = NULL WHERE coalesce(asked, query) IS NOT NULL", []


def mask_parameters(warehouse: Warehouse, found: Assessment) -> None:
    """Take out of earlier rows what parameters gave from data where it must not be shown, or not any more."""
    written = {item.index: item for item in found.suite.expectations}
    for item in (check.expectation for check in found.checks):
        kwargs = _json(item.kwargs)
        if MASK not in kwargs or item.kwargs == written[item.index].kwargs:
            continue
        warehouse.execute(
            f"UPDATE {warehouse.dialect.table(VALIDATIONS)} SET kwargs = ?, description = ?, asked = NULL, query = NULL,"
            " reason = CASE WHEN reason IS NOT NULL THEN ? END WHERE suite = ? AND expectation = ?"
            ' AND lower("column") IS NOT DISTINCT FROM lower(?) AND "where" IS NOT DISTINCT FROM ? AND kwargs <> ?',
            [kwargs, expected(item), failure(item), found.suite.name, item.type, column_text(item.kwargs), item.where, kwargs],
        )  # fmt: skip


def write_verdict(
    warehouse: Warehouse,
    found: Assessment,
    verdict: Verdict,
    *,
    held: str,
    audience: Audience,
    run_id: str,
    at: datetime,
) -> None:
    """The suite's verdict in place of its last one; `held` stands for the keys that it holds back."""
    warehouse.execute(f"DELETE FROM {warehouse.dialect.table(VERDICTS)} WHERE suite = ?", [verdict.suite])
    row = [
        verdict.suite, verdict.stage, verdict.content, suite_hash(found.suite), verdict.decision,
        json.dumps(verdict.reasons), verdict.quarantined, found.lasting, run_id, at,
        found.valid_until.replace(tzinfo=None) if found.valid_until else None, found.inputs, held, audience.mark(),
    ]  # fmt: skip
    insert(warehouse, VERDICTS, [row])


def shown_checks(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """What a step tells of its expectations."""
    return [
        dict(
            zip(
                _SHOWN,
                (check.expectation.type, column_text(check.expectation.kwargs), check.decision,
                 check.answer.success, check.answer.unexpected, check.reason or None),
                strict=True,
            )
        )
        for check in checks
    ]  # fmt: skip


def read_checks(warehouse: Warehouse, suite: Suite, run_id: str) -> list[dict[str, Any]]:
    """The same of a judgement that is kept."""
    names = ", ".join(warehouse.dialect.quote(name) for name in _SHOWN)
    rows = warehouse.query(
        f"SELECT {names} FROM {warehouse.dialect.table(VALIDATIONS)} WHERE suite = ? AND run_id = ? ORDER BY position",
        [suite.name, run_id],
    )
    return [dict(zip(_SHOWN, row, strict=True)) for row in rows]


def failing_stages(warehouse: Warehouse) -> list[tuple[TableRef, str]]:
    """Staged tables in which the last judgement of a suite found something, each with the model that it is a copy of."""
    if not ({"stage"} <= warehouse.columns(VALIDATIONS).keys() and warehouse.columns(VERDICTS)):
        return []
    rows = warehouse.query(
        f"SELECT DISTINCT c.stage, c.model FROM {warehouse.dialect.table(VALIDATIONS)} AS c"
        f" JOIN {warehouse.dialect.table(VERDICTS)} AS v ON v.suite = c.suite AND v.run_id = c.run_id"
        " WHERE NOT c.success AND c.stage IS NOT NULL ORDER BY ALL"
    )
    return [(TableRef(STAGE, str(stage)), str(model)) for stage, model in rows]
