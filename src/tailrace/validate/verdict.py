"""The gate's answer about one content of a staged table, and what each expectation contributed to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from tailrace.project.spec import Expectation, Suite
from tailrace.validate.catalogue import entries
from tailrace.validate.entry import column_text as column_text  # noqa: PLC0414  # rows of results are written with both
from tailrace.validate.own.declaration import Distribution
from tailrace.validate.own.kwargs import exactly
from tailrace.validate.own.registry import CHECKS
from tailrace.validate.question import Answer, Question
from tailrace.validate.wording import expected as expected  # noqa: PLC0414
from tailrace.validate.wording import failure as failure  # noqa: PLC0414
from tailrace.validate.wording import figure

Decision = Literal["pass", "warn", "quarantine", "block"]

QUERY = "unexpected_rows_expectation"
_NO_VALUE = (None, "", "None", "nan")
FULL_SHARES_FROM = 100
"""Rows from which percentages count: below, one bad row of ten is no share to stop for."""


@dataclass(frozen=True)
class Verdict:
    """Binds to `content`, the staged table's fingerprint; `reasons` say why it is blocked, and never show a row's values.

    `quarantined` is the number of rows held back; `reused`: judged by an earlier run, nothing was done now.
    """

    suite: str
    stage: str
    content: str
    decision: Literal["pass", "blocked"]
    reasons: tuple[str, ...] = ()
    quarantined: int = 0
    reused: bool = False


@dataclass(frozen=True)
class Check:
    """One expectation's result; `reason` says what was found, and is "" for a pass.

    `asked` is what Great Expectations was asked, None where it was not. Of a failing one: `query` selects every failing row from tables
    that people can query, "" where no rows can be told; `samples` are some of those rows, as JSON, personal values masked.
    """

    expectation: Expectation
    answer: Answer
    decision: Decision
    reason: str = ""
    asked: Question | None = None
    query: str = ""
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assessment:
    """What a suite found in a staged table of `rows` rows. `lasting`: the same rows would be judged the same again.

    They would until `valid_until` (UTC), where time alone can change that, and while `inputs`, the state of the other tables that
    were read, stays the same. `distributions` are what later runs will be compared with.
    """

    suite: Suite
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    rows: int
    held: int
    lasting: bool
    valid_until: datetime | None = None
    inputs: str = ""
    distributions: tuple[Distribution, ...] = ()

    @property
    def decision(self) -> Literal["pass", "blocked"]:
        return "blocked" if self.reasons else "pass"


def placed(found: Assessment) -> Assessment:
    """The assessment as a run says it: what could not be judged with its place in the suite's file, where it is to be mended."""
    reasons, checks = list(found.reasons), list(found.checks)
    for number, check in enumerate(found.checks):
        if check.answer.raised is not None:
            place = found.suite.marks.at("expectations", check.expectation.index)
            told = f"{place}: {check.reason}"
            reasons[reasons.index(check.reason)] = told  # of several that read alike, the next one
            checks[number] = replace(check, reason=told)
    return replace(found, checks=tuple(checks), reasons=tuple(reasons))


def decide(expectation: Expectation, answer: Answer, held: int | str | None) -> Check:
    """The check of one answer. `held` is the number of rows named for quarantine, or why they could not be named.

    Whatever raised, and rows that could not be named exactly, block: they are not proven good.
    """
    if answer.raised is not None:
        return Check(
            expectation, answer, "block", f"{_named(expectation)} could not be judged: {answer.raised}"
        )
    if answer.success:
        return Check(expectation, answer, "pass")
    found = _nothing(expectation, answer) or f"{failure(expectation)}{_size(expectation, answer)}"
    if expectation.on_fail != "quarantine":
        return Check(expectation, answer, expectation.on_fail, found)
    if held is None or held != answer.unexpected:
        why = held if isinstance(held, str) else f"{answer.unexpected} rows fail, {held} were found"
        return Check(expectation, answer, "block", f"{found}, and they cannot be held back: {why}")
    return Check(expectation, answer, "quarantine", found)


def too_many(suite: Suite, held: int, rows: int) -> str | None:
    """Why so many rows held back stop the whole table; None where they do not."""
    if rows < FULL_SHARES_FROM or held <= exactly(suite.max_quarantined) * rows:
        return None
    limit = f"{suite.max_quarantined * 100:.4g}%"
    share = f"{held / rows:.1%}"
    return f"{held:,} of {rows:,} rows would be held back ({share}), more than the {limit} that max_quarantined allows"


def title(expectation: Expectation) -> str:
    """An expectation's type and columns, for messages: `expect_column_values_to_be_between(score)`."""
    return f"{expectation.type}({column_text(expectation.kwargs) or ''})"


def _named(expectation: Expectation) -> str:
    """Its title, which says nothing of a query: that is told from others by its description, or by its place in the suite."""
    if expectation.type != QUERY:
        return title(expectation)
    if expectation.description:
        return f'{expectation.type} "{expectation.description}"'
    return f"{expectation.type} (expectation {expectation.index + 1})"


def _nothing(expectation: Expectation, answer: Answer) -> str:
    """What is wrong where a column has no value to be judged by: no rows, or nothing but NULLs. Else ""."""
    entry = entries().get(expectation.type)
    aggregates = entry is not None and entry.kind == "column" and not entry.own
    if not aggregates or answer.unexpected is not None or answer.observed not in _NO_VALUE:
        return ""
    why = f"{column_text(expectation.kwargs)} has no values"
    return f"{failure(expectation)}: {why}" if expectation.description else why


def _size(expectation: Expectation, answer: Answer) -> str:
    """How many rows, or what was seen: by our own checks in their words, else the number; texts of values may be a person's."""
    if answer.unexpected is not None:
        return f": {answer.unexpected:,} {'row' if answer.unexpected == 1 else 'rows'}"
    observed = answer.observed or ""
    if expectation.type in CHECKS:
        return f": {observed}" if observed else ""
    is_number = observed.replace(".", "", 1).lstrip("-").isdigit()
    return f": it is {figure(observed, expectation.kwargs)}" if is_number else ""
