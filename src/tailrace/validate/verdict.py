"""The gate's answer about one content of a staged table, and what each expectation contributed to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tailrace.project.spec import Expectation, Suite
from tailrace.validate.question import Answer, Question

Decision = Literal["pass", "warn", "quarantine", "block"]

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
    were read, stays the same.
    """

    suite: Suite
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    rows: int
    held: int
    lasting: bool
    valid_until: datetime | None = None
    inputs: str = ""

    @property
    def decision(self) -> Literal["pass", "blocked"]:
        return "blocked" if self.reasons else "pass"


def decide(expectation: Expectation, answer: Answer, held: int | str | None) -> Check:
    """The check of one answer. `held` is the number of rows named for quarantine, or why they could not be named.

    Whatever raised, and rows that could not be named exactly, block: they are not proven good.
    """
    if answer.raised is not None:
        return Check(
            expectation, answer, "block", f"{title(expectation)} could not be judged: {answer.raised}"
        )
    if answer.success:
        return Check(expectation, answer, "pass")
    found = f"{failure(expectation)}{_size(answer)}"
    if expectation.on_fail != "quarantine":
        return Check(expectation, answer, expectation.on_fail, found)
    if held != answer.unexpected:
        why = held if isinstance(held, str) else f"{answer.unexpected} rows fail, {held} were found"
        return Check(expectation, answer, "block", f"{found}, and they cannot be held back: {why}")
    return Check(expectation, answer, "quarantine", found)


def too_many(suite: Suite, held: int, rows: int) -> str | None:
    """Why so many rows held back stop the whole table; None where they do not."""
    if rows < FULL_SHARES_FROM or held <= suite.max_quarantined * rows:
        return None
    limit = f"{suite.max_quarantined * 100:.4g}%"
    return f"{held:,} of {rows:,} rows would be held back ({held / rows:.1%}), max_quarantined is {limit}"


def title(expectation: Expectation) -> str:
    """An expectation's type and columns, for messages: `expect_column_values_to_be_between(score)`."""
    return f"{expectation.type}({column_text(expectation.kwargs) or ''})"


def column_text(kwargs: Mapping[str, Any]) -> str | None:
    """The columns that an expectation is about, as one text; None for the table itself."""
    names = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
    names += kwargs.get("column_list") or []
    return ", ".join(str(name) for name in names) or None


def failure(expectation: Expectation) -> str:
    """What is wrong with a row or table that fails, in a person's words: the suite's own where it has any."""
    if expectation.description:
        return expectation.description.rstrip(".")
    kwargs = expectation.kwargs
    phrase = _PHRASES.get(expectation.type)
    text = phrase(kwargs) if phrase else f"{title(expectation)} fails"
    return f"{text} (where {expectation.where})" if expectation.where else text


def _size(answer: Answer) -> str:
    """How many rows, or the number that was seen; texts are left out, they may be a person's."""
    if answer.unexpected is not None:
        return f": {answer.unexpected:,} {'row' if answer.unexpected == 1 else 'rows'}"
    observed = answer.observed or ""
    return f": it is {observed}" if observed.replace(".", "", 1).lstrip("-").isdigit() else ""


def _between(what: str) -> Any:
    def phrase(kwargs: Mapping[str, Any]) -> str:
        subject = what.format(column=kwargs.get("column"))
        low, high = kwargs.get("min_value"), kwargs.get("max_value")
        if low is not None and high is not None:
            return f"{subject} is not between {low} and {high}"
        return f"{subject} is below {low}" if low is not None else f"{subject} is above {high}"

    return phrase


def _listed(values: Any) -> str:
    shown: Sequence[Any] = list(values)
    return ", ".join(str(value) for value in shown[:8]) + (", ..." if len(shown) > 8 else "")


_PHRASES: Mapping[str, Any] = {
    "expect_column_values_to_be_between": _between("{column}"),
    "expect_column_value_lengths_to_be_between": _between("the length of {column}"),
    "expect_table_row_count_to_be_between": _between("the number of rows"),
    "expect_column_max_to_be_between": _between("the highest {column}"),
    "expect_column_min_to_be_between": _between("the lowest {column}"),
    "expect_column_mean_to_be_between": _between("the mean of {column}"),
    "expect_column_sum_to_be_between": _between("the sum of {column}"),
    "expect_column_values_to_not_be_null": lambda kwargs: f"{kwargs['column']} is missing",
    "expect_column_values_to_be_null": lambda kwargs: f"{kwargs['column']} is not empty",
    "expect_column_values_to_be_unique": lambda kwargs: f"{kwargs['column']} repeats",
    "expect_column_values_to_be_in_set": lambda kwargs: (
        f"{kwargs['column']} is none of {_listed(kwargs['value_set'])}"
    ),
    "expect_column_values_to_not_be_in_set": lambda kwargs: (
        f"{kwargs['column']} is one of {_listed(kwargs['value_set'])}"
    ),
    "expect_column_values_to_match_regex": lambda kwargs: (
        f"{kwargs['column']} does not match {kwargs.get('regex')}"
    ),
    "expect_column_values_to_not_match_regex": lambda kwargs: f"{kwargs['column']} matches {kwargs['regex']}",
    "expect_column_pair_values_to_be_equal": lambda kwargs: (
        f"{kwargs['column_A']} differs from {kwargs['column_B']}"
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": lambda kwargs: (
        f"{kwargs['column_A']} is not above {kwargs['column_B']}"
    ),
    "expect_multicolumn_sum_to_equal": lambda kwargs: (
        f"{' + '.join(kwargs['column_list'])} is not {kwargs['sum_total']}"
    ),
}
