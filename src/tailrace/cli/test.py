"""`test`: one line for each test, the failing ones once more with their place and a few of their rows."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Any

import click

from tailrace.build.testing.outcome import Outcome
from tailrace.build.testing.selection import ChosenTests, choose_tests
from tailrace.cli.artifacts import results_written
from tailrace.cli.frame import Frame
from tailrace.cli.render import count, seconds, table
from tailrace.cli.steps import opened
from tailrace.errors import BadInput
from tailrace.plan.resolve import Resolved
from tailrace.plan.states import modified_models
from tailrace.runner.session import Session, utc_now
from tailrace.runner.testing import Testing

LONGEST = 400
"""Characters of a query that is worth a line of its own."""
_COLOURS = {"pass": "green", "warn": "yellow", "fail": "red", "error": "red", "skip": None}


def run_tests(
    frame: Frame,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    *,
    store_failures: bool,
    fail_fast: bool,
    kind: str | None,
) -> None:
    """Run the chosen tests, say what they found, end with 1 where any fails."""
    started = utc_now()
    resolved = opened(frame)
    chosen = _chosen(resolved, select, exclude, kind)
    testing = Testing(resolved, chosen, store_failures, fail_fast, _teller(frame))
    testing.unit()
    if chosen.data:
        session = Session(resolved.project, "test")
        try:
            testing.data(session)
        finally:
            session.close()
    results_written(resolved, "test", started, utc_now(), outcomes=testing.outcomes, run_id="", select=select)
    frame.document({"status": testing.status, "tests": [outcome.document() for outcome in testing.outcomes]})
    for outcome in testing.outcomes:
        if outcome.is_bad or outcome.status == "warn":
            _say_again(frame, outcome)
    frame.say(_summary(testing.outcomes))
    frame.end(testing.status)


def _chosen(
    resolved: Resolved, select: tuple[str, ...], exclude: tuple[str, ...], kind: str | None
) -> ChosenTests:
    states = any("state:" in word for word in (*select, *exclude))
    modified = {f"model:{name}" for name in modified_models(resolved)} if states else None
    found = choose_tests(
        resolved.project, resolved.graph, list(resolved.nodes.values()), select, exclude, modified
    )
    chosen = ChosenTests(
        found.data if kind in (None, "data") else (), found.unit if kind in (None, "unit") else ()
    )
    if select and not (chosen.data or chosen.unit):
        raise BadInput(
            f"{' '.join(select)} selects no{f' {kind}' if kind else ''} test",
            "tailrace test without a selection runs all",
        )
    return chosen


def _teller(frame: Frame) -> Any:
    """Says each test as it ends; with -q nothing but the failing ones at the end."""

    def tell(outcome: Outcome) -> None:
        found = f"{outcome.failures:,} failing" if outcome.failures else ""
        note = (
            outcome.message.splitlines()[0]
            if outcome.status in ("skip", "error") and outcome.message
            else found
        )
        shown = click.style(f"{outcome.status:<5}", fg=_COLOURS[outcome.status]) if _coloured(frame) else f"{outcome.status:<5}"  # fmt: skip
        frame.say(f"  {shown}  {outcome.name:<60} {seconds(outcome.seconds):>6}  {note}".rstrip())

    return tell


def _coloured(frame: Frame) -> bool:
    from tailrace.cli.render import status_word

    return not frame.as_json and status_word("ok") != "ok"


def _say_again(frame: Frame, outcome: Outcome) -> None:
    say = frame.say if outcome.status == "warn" else (lambda text: click.echo(frame.shield.redact(text), err=frame.as_json or frame.verbosity < 0))  # fmt: skip
    say(f"\n{outcome.status} {outcome.name}: {outcome.message}\n  {outcome.location}")
    if outcome.kind != "unit" and outcome.sql:
        say(f"  see its rows: {_how_to_see(outcome)}")
    rows = outcome.difference or outcome.samples
    if rows is not None and rows.rows:
        shown = [["NULL" if value is None else value for value in row] for row in rows.rows]
        say(table(rows.columns, shown, indent="  "))


def _how_to_see(outcome: Outcome) -> str:
    """A command that shows them, where the SQL fits on a line."""
    sql = f"SELECT * FROM {outcome.stored}" if outcome.stored else " ".join(outcome.sql.split())
    if len(sql) > LONGEST or "--" in sql:
        return "its SQL is in --json"
    return f"tailrace query {shlex.quote(sql)}, once it is published"


def _summary(outcomes: list[Outcome]) -> str:
    found = Counter(outcome.status for outcome in outcomes)
    if not outcomes:
        return "there are no tests"
    words = [f"{found[word]:,} {word}" for word in ("pass", "warn", "fail", "error", "skip") if found[word]]
    return f"\n{count(len(outcomes), 'test')}: {', '.join(words)}"
