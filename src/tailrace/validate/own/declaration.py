"""What one of our own checks declares, what it is given, and what it says; each stands in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from tailrace.project.spec import Expectation, Suite
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.question import Answer
from tailrace.validate.relations import Relations
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged


class CannotTell(Exception):
    """A check that cannot be judged, in words that show no values of rows; it blocks."""


@dataclass(frozen=True)
class Context:
    """What a check may look at. `now` is the run's clock, UTC without a zone; `personal` columns (lower case) are never shown."""

    warehouse: Warehouse
    suite: Suite
    staged: Staged
    relations: Relations
    now: datetime
    personal: frozenset[str] = frozenset()

    @cached_property
    def columns(self) -> dict[str, str]:
        """Columns of the staged table and their types, asked for once: every check looks at them."""
        return self.warehouse.columns(self.staged.ref)


@dataclass(frozen=True)
class Distribution:
    """How a column's values are spread in one judged table; `bins` is the JSON that `no_drift` reads again."""

    column: str
    where: str | None
    bins: str
    rows: int
    content: str


@dataclass(frozen=True)
class Asked:
    """What Great Expectations is asked in the check's place, on a view or table of this name; `note` is the check's own."""

    relation: str
    type: str
    kwargs: Mapping[str, Any]
    note: Any = None


@dataclass(frozen=True)
class Found:
    """What was seen, in words, and as a number for a trend. `kept`: to compare later runs with.

    Where it is said in place of a question, the check passes. It holds until `valid_until` (UTC without a zone; None: for ever).
    """

    observed: str | None = None
    number: float | None = None
    valid_until: datetime | None = None
    kept: Distribution | None = None


@dataclass(frozen=True)
class OwnCheck:
    """A type of expectation that Great Expectations does not have.

    `wrong_with` judges its kwargs' values offline; `tables` are the kwargs that name a model or `dataset.table` which it reads.
    `ask` may raise CannotTell or a WarehouseError; `tell` words the answer. `expected` and `failure` say what should be and what is
    wrong where it is not.
    """

    type: str
    entry: Entry
    wrong_with: Callable[[Mapping[str, Any]], Iterator[Problem]]
    ask: Callable[[Context, Expectation], Asked | Found]
    tell: Callable[[Context, Expectation, Asked, Answer], Found]
    expected: Callable[[Mapping[str, Any]], str]
    failure: Callable[[Mapping[str, Any]], str]
    tables: tuple[str, ...] = field(default=())
