"""`parameters:` of a suite: values that its expectations take from a query, or from earlier runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

from tailrace.project.reader import SQL_NAME, Reader, hint, kind_of
from tailrace.project.spec import EMPTY, Expectation, Parameter

PARAMETER = "$PARAMETER"
HISTORY_KEYS = (
    *("history", "of", "column", "runs", "min_runs", "take", "times", "plus", "stddevs", "default"),
)
PARAMETER_KEYS = ("sql", *HISTORY_KEYS)
HISTORY = ("rows", "observed")
TAKE = ("mean", "median", "min", "max", "last")
MOST_RUNS = 365


def read_parameters(suite: Reader, expectations: Sequence[Expectation]) -> Mapping[str, Parameter]:
    """The suite's parameters by name. One that no expectation takes is a problem, since it was meant to be taken."""
    declared = suite.mapping("parameters") if "parameters" in suite.data else EMPTY
    used = _used(expectations)
    found: dict[str, Parameter] = {}
    for name, value in declared.items():
        if not SQL_NAME.match(name):
            fix = "Use letters, digits and _, and no digit first"
            suite.key_problem(f"{name[:60]!r} is not a name", fix, "parameters", name)
            continue
        if name not in used:
            fix = f"Write `{{{PARAMETER}: {name}}}` where its value belongs, or remove it"
            suite.key_problem(f"no expectation takes the parameter {name}", fix, "parameters", name)
        found[name] = _parameter(suite, name, value, expectations)
    return found


def taken(value: Any) -> str | None:
    """The parameter that a kwarg's value stands for; None where it is a value itself."""
    name = value.get(PARAMETER) if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else None


def _used(expectations: Iterable[Expectation]) -> set[str]:
    return {name for item in expectations for value in item.kwargs.values() if (name := taken(value))}


def _parameter(suite: Reader, name: str, value: Any, expectations: Sequence[Expectation]) -> Parameter:
    if isinstance(value, str):
        if not value.strip():
            suite.problem(f"the parameter {name} is empty", "Write a SELECT of one value", "parameters", name)
        return Parameter(name, sql=value)
    reader = suite.under("a parameter", "parameters", name)
    reader.known(*PARAMETER_KEYS)
    if not reader.is_mapping:
        return Parameter(name)
    if "sql" in reader.data:
        for key in HISTORY_KEYS:
            if key in reader.data and key != "default":
                fix = "Remove one of the two"
                reader.key_problem(f"{key} is about earlier runs, and sql asks the warehouse now", fix, key)
        return Parameter(name, sql=reader.optional_text("sql"), default=_default(reader))
    if "history" not in reader.data:
        reader.problem("a parameter needs sql or history", "Add `sql: SELECT ...` or `history: rows`")
        return Parameter(name)
    return _of_history(reader, name, expectations)


def _of_history(reader: Reader, name: str, expectations: Sequence[Expectation]) -> Parameter:
    history = reader.choice("history", HISTORY, required=True)
    of, column = reader.text("of"), reader.text("column")
    if history == "observed":
        _check_observed(reader, of, column, expectations)
    elif history == "rows":
        for key in ("of", "column"):
            if key in reader.data:
                fix = "Remove it, or write `history: observed`"
                reader.key_problem(f"{key}: history: rows counts the model's rows", fix, key)
    stddevs = _number(reader, "stddevs", 0.0)
    least = 2 if stddevs else 1
    runs = _count(reader, "runs", 14, 1, MOST_RUNS)
    return Parameter(
        name,
        history=cast("Literal['rows', 'observed']", history or "rows"),
        of=of,
        column=column,
        runs=runs,
        min_runs=_count(reader, "min_runs", min(least, runs), least, runs),
        take=cast("Literal['mean', 'median', 'min', 'max', 'last']", reader.choice("take", TAKE, "mean")),
        times=_number(reader, "times", 1.0),
        plus=_number(reader, "plus", 0.0),
        stddevs=stddevs,
        default=_default(reader),
    )


def _check_observed(reader: Reader, of: str, column: str, expectations: Sequence[Expectation]) -> None:
    """What was observed is remembered by type and column, so that exactly one expectation has to be of both."""
    if not of:
        reader.problem(
            "history: observed needs of", "Add `of:` with the type of an expectation of this suite"
        )
        return
    types = [item.type for item in expectations]
    if of not in types:
        reader.problem(f"no expectation of this suite is of the type {of}", hint(of, sorted({*types})), "of")
        return
    columns = [str(item.kwargs.get("column", "")) for item in expectations if item.type == of]
    fits = sum(one.casefold() == column.casefold() for one in columns)
    if fits == 1:
        return
    if fits:
        reader.problem(f"{fits} expectations of this suite are {of} of {column or 'the table'}",
                       "Keep one of them, or take the value by `sql:`", "of")  # fmt: skip
    elif column:
        reader.problem(
            f"no {of} of this suite is on {column}", hint(column, sorted(filter(None, columns))), "column"
        )
    else:
        reader.problem(f"{of} is on a column", f"Add `column: {columns[0]}`", "of")


def _default(reader: Reader) -> Any:
    value = reader.get("default")
    if isinstance(value, Mapping):
        reader.problem(
            "default must be a value or a list of values, not a mapping", "Write one value", "default"
        )
        return None
    return value


def _number(reader: Reader, key: str, default: float) -> float:
    value = reader.get(key)
    if value is None:
        return default
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    reader.problem(f"{key} must be a number, not {kind_of(value)}", "Write one such as 0.5", key)
    return default


def _count(reader: Reader, key: str, default: int, least: int, most: int) -> int:
    value = reader.get(key)
    if value is None:
        return default
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    what = f"{key} must be a whole number from {least} to {most}, not {kind_of(value)}"
    reader.problem(
        what, "stddevs needs two runs at least" if least > 1 else f"Write one such as {default}", key
    )
    return default
