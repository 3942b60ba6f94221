"""`no_drift`: a column's values are spread as in the runs before, by the population stability index (PSI)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.project.spec import Expectation
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import history, spread, sql
from tailrace.validate.own import kwargs as readable
from tailrace.validate.own.columns import kind_of
from tailrace.validate.own.declaration import Asked, CannotTell, Context, Distribution, Found, OwnCheck
from tailrace.validate.question import Answer

DEFAULTS = {"runs": 14, "max_psi": 0.2, "min_runs": 3, "bins": 10}


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    alone = [
        *readable.number(kwargs, "runs", 14, low=1, high=readable.MOST_RUNS, whole=True),
        *readable.number(kwargs, "min_runs", 3, low=1, whole=True),
        *readable.number(kwargs, "max_psi", 0.2, low=0.01, high=10),
        *readable.number(kwargs, "bins", 10, low=2, high=50, whole=True),
    ]
    yield from alone or readable.ordered(kwargs, "min_runs", "runs", DEFAULTS)


@dataclass(frozen=True)
class _Note:
    """What is told again after the answer: the SQL of all bins, the distribution to keep, runs compared with."""

    parts: str
    kept: Distribution
    runs: int


def _ask(context: Context, item: Expectation) -> Asked | Found:
    """A query with a row for each bin that moved, if all together moved too far. Columns whose values must not be kept are refused."""
    column, wanted = str(item.kwargs["column"]), {**DEFAULTS, **item.kwargs}
    if column.lower() in context.personal:
        raise CannotTell(f"no_drift keeps values of its column, and {column} is personal")
    kind = kind_of(context, item)
    values = spread.values_of(column, kind, context.now.date())
    if values is None:
        raise CannotTell(f"no_drift knows numbers, texts, dates and booleans, {column} is {kind}")
    relation = context.relations.named(item.where)
    now = spread.seen(context.warehouse, relation, values)
    if now["rows"] < 2 * spread.ROWS_PER_BIN:
        return Found(f"too few rows to tell ({now['rows']} of {2 * spread.ROWS_PER_BIN})")
    kept = Distribution(column, item.where, json.dumps(now), now["rows"], context.staged.content)
    past = history.distributions(
        context.warehouse, context.suite, context.staged, history.Check.of(item), int(wanted["runs"])
    )
    bins, runs = spread.usual(past, values, min(int(wanted["bins"]), now["rows"] // spread.ROWS_PER_BIN))
    if runs < wanted["min_runs"]:
        return Found(readable.too_early(runs, wanted["min_runs"]), kept=kept)
    parts = spread.parts_sql(values, bins, now["rows"], sql.BATCH)
    moved = f"{parts}\nWHERE psi > {float(wanted['max_psi'])!r} AND part >= {float(wanted['max_psi']) / len(bins)!r}"
    asked = {"unexpected_rows_query": sql.spelled(context.warehouse.dialect, moved)}
    return Asked(relation, "unexpected_rows_expectation", asked, _Note(parts, kept, runs))


def _tell(context: Context, _item: Expectation, asked: Asked, answer: Answer) -> Found:
    """The PSI, and where it failed the two bins that moved most."""
    note: _Note = asked.note
    told = sql.spelled(context.warehouse.dialect, note.parts).replace(sql.BATCH, asked.relation)
    rows = context.warehouse.query(f"SELECT * FROM ({told}\n) AS found ORDER BY part DESC LIMIT 2")
    psi = float(rows[0][-1])
    words = f"the PSI against {readable.counted(note.runs, 'earlier run')} is {psi:.3f}"
    if not answer.success:
        moved = [f"{label}: {share:.1%}, usually {usual:.1%}" for label, usual, share, _, _ in rows]
        words = f"{words}; {'; '.join(moved)}"
    return Found(words, psi, kept=note.kept)


def _expected(kwargs: Mapping[str, Any]) -> str:
    wanted = {**DEFAULTS, **kwargs}
    return f"{kwargs['column']} is spread as in the last {wanted['runs']:g} runs (PSI at most {wanted['max_psi']:g})"


def _failure(kwargs: Mapping[str, Any]) -> str:
    return f"{kwargs['column']} has drifted"


CHECK = OwnCheck(
    "no_drift",
    Entry(
        "column",
        by_row=False,
        kwargs={"column": ("text",), **dict.fromkeys(DEFAULTS, ("number",))},
        required=("column",),
        own=True,
    ),
    _wrong_with,
    _ask,
    _tell,
    _expected,
    _failure,
)
