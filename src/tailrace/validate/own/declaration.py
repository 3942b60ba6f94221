"""What one of our own checks declares; each stands in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.validate.entry import Entry, Problem


@dataclass(frozen=True)
class OwnCheck:
    """A type of expectation that Great Expectations does not have.

    `wrong_with` judges its kwargs' values offline; `tables` are the kwargs that name a model or `dataset.table` which it reads.
    """

    type: str
    entry: Entry
    wrong_with: Callable[[Mapping[str, Any]], Iterator[Problem]]
    tables: tuple[str, ...] = ()
