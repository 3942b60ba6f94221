"""What is asked of Great Expectations and what it answers, in plain objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Question:
    """One expectation on one relation: a view or table that the connection finds by this unqualified name.

    On BigQuery it is a SELECT in parentheses: what stands after FROM.
    """

    index: int
    relation: str
    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """`raised` is the first line of what kept the expectation from being judged; it is then never a success.

    `unexpected` counts failing rows where the expectation is about rows; `observed` is what was seen, as text.
    """

    index: int
    success: bool
    raised: str | None = None
    unexpected: int | None = None
    observed: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    """The package's own numbers as plain JSON values: element_count, missing_count, unexpected_count, unexpected_percent, observed_value, details."""
    number: float | None = None
    """What was observed, as the number that a trend shows, where the package's own number is another."""
    own_words: bool = False
    """Whether `raised` is tailrace's own wording, which shows no value of a row."""


class Examiner(Protocol):
    """Answers questions over one open connection; it reads and never writes."""

    def answers(self, questions: list[Question]) -> list[Answer]:
        """One answer per question, in the same order. An error is an answer, never raised."""

    def failing_rows(self, question: Question, columns: Sequence[str] = ()) -> str:
        """SELECT of `columns` (none: all) from the question's relation for exactly the rows that the expectation counts as failing."""
