"""What the suites said, run by run: runs, judgements and the checks of each, from the published file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tailrace.report.document import KEPT, Point, Run
from tailrace.report.published import Published

RUN = ("run_id", "command", "started_at", "finished_at", "status", "error")
HISTORY = (
    *("run_id", "suite", "position", "expectation", "column", "where", "success", "unexpected_count"),
    *("observed_number", "decision", "rows", "at"),
)
LAST = (
    *("run_id", "suite", "model", "position", "expectation", "column", "where", "description", "reason"),
    *("severity", "decision", "success", "unexpected_count", "observed", "owner", "kwargs", "query", "at"),
)


@dataclass(frozen=True)
class Judgement:
    """One suite in one run."""

    suite: str
    run_id: str
    at: datetime
    rows: int
    blocked: bool


@dataclass(frozen=True)
class Step:
    """A suite's step in a run: `skipped` with an error was not judged, `skipped` without one kept its verdict."""

    run_id: str
    status: str
    error: str
    started_at: datetime


@dataclass(frozen=True)
class Judged:
    """What is known of suites: judgements newest first, the last one's checks as rows, every check's past, steps newest first."""

    judgements: Mapping[str, list[Judgement]]
    checks: Mapping[str, list[dict[str, Any]]]
    trends: Mapping[tuple[str, int], tuple[Point, ...]]
    steps: Mapping[str, list[Step]]
    verdicts: Mapping[str, dict[str, Any]]


def read_runs(published: Published) -> list[Run]:
    """Newest first."""
    found = published.rows("runs", RUN, "ORDER BY started_at DESC")
    return [
        Run(
            row["run_id"],
            row["command"] or "",
            row["started_at"],
            row["finished_at"],
            row["status"] or "",
            row["error"] or "",
        )
        for row in found
    ]


def failed_steps(published: Published, run_id: str) -> tuple[str, ...]:
    """Steps of a run that failed, in words; stopped ones are told by their suites and syncs."""
    columns = ("run_id", "position", "step", "name", "status", "error")
    rows = published.rows(
        "steps", columns, "WHERE run_id = ? AND status = 'failed' ORDER BY position", [run_id]
    )
    return tuple(f"{row['step']} {row['name']}: {row['error'] or 'failed'}" for row in rows)


def read_judged(published: Published, until: datetime | None) -> Judged:
    """`until`: only what was judged before (None: everything)."""
    end = until or datetime.max  # noqa: DTZ901  # instants are UTC without a zone
    judgements = _judgements(published, end)
    last = {suite: found[0].run_id for suite, found in judgements.items()}
    verdicts = published.rows(
        "verdicts", ("suite", "run_id", "decision", "reasons", "quarantined", "suite_hash", "valid_until")
    )
    return Judged(
        judgements,
        _last_checks(published, last),
        _trends(published, judgements, last),
        _steps(published, end),
        {row["suite"]: row for row in verdicts if last.get(row["suite"]) == row["run_id"]},
    )


def _judgements(published: Published, end: datetime) -> dict[str, list[Judgement]]:
    if not published.columns("validations"):
        return {}
    rows = published.warehouse.query(
        'SELECT suite, run_id, max("at") AS judged_at, max("rows"), bool_or(decision = \'block\')'
        f' FROM {published.relation("validations", HISTORY)} WHERE "at" < ? GROUP BY suite, run_id'
        f" QUALIFY row_number() OVER (PARTITION BY suite ORDER BY judged_at DESC, run_id DESC) <= {KEPT} ORDER BY suite, judged_at DESC",
        [end],
    )
    found: dict[str, list[Judgement]] = defaultdict(list)
    for suite, run_id, at, count, blocked in rows:
        found[suite].append(Judgement(suite, run_id, at, int(count or 0), bool(blocked)))
    return found


def _last_checks(published: Published, last: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if last:
        runs = sorted(set(last.values()))
        where = f"WHERE run_id IN ({', '.join('?' * len(runs))}) ORDER BY suite, position"
        for row in published.rows("validations", LAST, where, runs):
            if last.get(row["suite"]) == row["run_id"]:
                found[row["suite"]].append(row)
    return found


def _trends(
    published: Published, judgements: Mapping[str, Sequence[Judgement]], last: Mapping[str, str]
) -> dict[tuple[str, int], tuple[Point, ...]]:
    """Of each check of the last judgement, oldest first; a check is the same one while its type, columns and condition are.

    Limits may change and other checks may come and go. Several of one kind are told apart by their order.
    """
    shown = {(suite, one.run_id) for suite, found in judgements.items() for one in found}
    if not shown:
        return {}
    oldest = min(one.at for found in judgements.values() for one in found)
    same = 'PARTITION BY suite, run_id, expectation, "column", "where" ORDER BY position'
    rows = published.warehouse.query(
        'SELECT suite, run_id, position, "at", success, unexpected_count, observed_number,'
        f" [expectation, coalesce(\"column\", ''), coalesce(\"where\", ''), CAST(row_number() OVER ({same}) AS VARCHAR)]"
        f' FROM {published.relation("validations", HISTORY)} WHERE "at" >= ? ORDER BY "at", run_id',
        [oldest],
    )
    past: dict[tuple[str, tuple[str, ...]], list[Point]] = defaultdict(list)
    now: dict[tuple[str, tuple[str, ...]], int] = {}
    for suite, run_id, position, at, success, unexpected, number, parts in rows:
        if (suite, run_id) not in shown:
            continue
        check = (suite, tuple(parts))
        past[check].append(Point(run_id, at, bool(success), unexpected, number))
        if last[suite] == run_id:
            now[check] = position
    return {(check[0], position): tuple(past[check]) for check, position in now.items()}


def _steps(published: Published, end: datetime) -> dict[str, list[Step]]:
    """Of each suite in its last runs, newest first."""
    if not published.columns("steps") or not published.columns("runs"):
        return {}
    steps = published.relation("steps", ("run_id", "step", "name", "status", "error"))
    rows = published.warehouse.query(
        f"SELECT s.name, s.run_id, s.status, s.error, r.started_at FROM {steps} AS s"
        f" JOIN {published.relation('runs', RUN)} AS r ON r.run_id = s.run_id"
        " WHERE s.step = 'validate' AND r.started_at < ?"
        f" QUALIFY row_number() OVER (PARTITION BY s.name ORDER BY r.started_at DESC) <= {KEPT}"
        " ORDER BY s.name, r.started_at DESC",
        [end],
    )
    found: dict[str, list[Step]] = defaultdict(list)
    for name, run_id, status, error, started in rows:
        found[name].append(Step(run_id, status, error or "", started))
    return found


def reasons_of(judged: Judged, suite: str) -> tuple[str, ...]:
    """Why the last judgement blocks; () where it does not."""
    verdict = judged.verdicts.get(suite)
    if verdict is not None:
        return tuple(json.loads(verdict["reasons"] or "[]")) if verdict["decision"] == "blocked" else ()
    last = judged.judgements[suite][0]
    stopped = [
        step.error for step in judged.steps.get(suite, ()) if step.run_id == last.run_id and step.error
    ]
    if stopped:
        return tuple(stopped)
    return tuple(
        row["reason"] or row["expectation"] for row in judged.checks[suite] if row["decision"] == "block"
    )
