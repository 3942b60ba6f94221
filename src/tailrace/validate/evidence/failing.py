"""Which query shows what failed, proven by running it: its rows are as many as Great Expectations counted, or it is not shown."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from tailrace.project.spec import Expectation
from tailrace.validate.catalogue import entries
from tailrace.validate.evidence import numbers
from tailrace.validate.evidence.rows import Rows, Shown
from tailrace.validate.question import Examiner, Question
from tailrace.validate.reading import one_query
from tailrace.validate.verdict import Check
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

QUERY = "unexpected_rows_expectation"
EXISTS = "exists_in"


def shown(
    warehouse: Warehouse, examiner: Examiner, staged: Staged, check: Check, question: Question
) -> Shown | None:
    """What to show of a failing check; None where nothing could be proven right."""
    rows = Rows(warehouse.dialect, staged.ref, check.expectation.where)
    if check.expectation.type == EXISTS:
        found: Shown | None = _lost(warehouse, check.expectation, rows)
    else:
        found = _found(examiner, question, rows)
    return found if found and (_named(found, check) or _proven(warehouse, found, check)) else None


def _found(examiner: Examiner, question: Question, rows: Rows) -> Shown | None:
    if question.type in _OURS:
        return _OURS[question.type](question, rows)
    if question.type in entries() and entries()[question.type].by_row:
        return _by_condition(examiner, question, rows)
    return numbers.shown(question, rows)


def _lost(warehouse: Warehouse, expectation: Expectation, rows: Rows) -> Shown:
    """Rows whose value the other table does not have; the judged view has a column more for it, the staged table has not."""
    from tailrace.validate.own.exists_in import to_column
    from tailrace.validate.own.tables import table_of

    quote, name = rows.dialect.quote, str(expectation.kwargs["column"])
    value = f"judged.{quote(name)}"
    other = rows.dialect.table(table_of(warehouse, str(expectation.kwargs["table"])))
    there = f"SELECT 1 FROM {other} AS known WHERE known.{quote(to_column(expectation.kwargs))} = {value}"
    condition = f"{value} IS NOT NULL AND NOT EXISTS ({there})"
    return Shown(rows.select("*", condition, alias="judged"), "rows", (name,))


def _by_condition(examiner: Examiner, question: Question, rows: Rows) -> Shown:
    """By the very condition that Great Expectations counts with, on the staged table instead of the judged view."""
    from tailrace.validate.evidence.placing import placed

    return Shown(placed(examiner.failing_rows(question), question.relation, rows), "rows")


def _repeated(question: Question, rows: Rows) -> Shown:
    """Rows whose value occurs more than once, those of one value together."""
    name = str(question.kwargs["column"])
    column = rows.dialect.quote(name)
    return _repeating(rows, (name,), column, rows.select(column, more=_twice(column)))


def _repeated_together(question: Question, rows: Rows) -> Shown:
    """Like _repeated, of several columns; a combination with a NULL in it repeats nothing."""
    names = tuple(str(name) for name in question.kwargs["column_list"])
    quoted = [rows.dialect.quote(name) for name in names]
    listed = ", ".join(quoted)
    known = " AND ".join(f"{column} IS NOT NULL" for column in quoted)
    return _repeating(rows, names, listed, rows.select(f"({listed})", known, _twice(listed)))


def _twice(columns: str) -> str:
    return f"GROUP BY {columns} HAVING count(*) > 1"


def _repeating(rows: Rows, names: tuple[str, ...], columns: str, values: str) -> Shown:
    """Rows whose `columns` are among `values`; the first so many rows are of the first so many values."""
    value = columns if len(names) == 1 else f"({columns})"

    def few(most: int) -> str:
        return rows.select("*", f"{value} IN ({values} ORDER BY {columns} LIMIT {most})")

    whole = rows.select("*", f"{value} IN ({values})", f"ORDER BY {columns}")
    return Shown(whole, "rows", names, names, few=few)


def _own_query(question: Question, rows: Rows) -> Shown:
    """The suite's query, its `{batch}` filled in as Great Expectations does: called `subselect` unless it joins."""
    query = one_query(str(question.kwargs["unexpected_rows_query"]), rows.dialect.name)
    alias = "" if _JOIN.search(_QUOTED.sub(" ", query)) else " AS subselect"
    return Shown(query.format(batch=rows.relation() + alias), "query")


_JOIN = re.compile(r"\bJOIN\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
_OURS: Mapping[str, Callable[[Question, Rows], Shown]] = {
    "expect_column_values_to_be_unique": _repeated,
    "expect_compound_columns_to_be_unique": _repeated_together,
    QUERY: _own_query,
}


def _named(found: Shown, check: Check) -> bool:
    """Whether the same condition has just named as many rows as were counted, to hold them back: no second scan tells more."""
    by_condition = found.kind == "rows" and found.counted and check.expectation.type != EXISTS
    return by_condition and check.decision == "quarantine"


def _proven(warehouse: Warehouse, found: Shown, check: Check) -> bool:
    """Whether the query runs and agrees with what was judged, as far as that is a number."""
    if found.kind == "number":
        return _agrees(warehouse.query(found.sql)[0][0], _observed(check))
    rows = warehouse.query(f"SELECT count(*) FROM ({found.sql}\n) AS failing")[0][0]
    counted = check.answer.unexpected
    if counted is None and found.kind == "query":
        counted = _number(_observed(check))
    return not found.counted or counted is None or bool(rows == counted)


def _observed(check: Check) -> str | None:
    """As the package saw it: our own checks say it in their words."""
    value = check.answer.result.get("observed_value", check.answer.observed)
    return None if value is None else str(value)


def _agrees(value: object, observed: str | None) -> bool:
    told = None if observed is None else _real(observed)
    seen = _real(str(value))
    return told is None or seen is None or math.isclose(told, seen, rel_tol=1e-6, abs_tol=1e-9)


def _real(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None
