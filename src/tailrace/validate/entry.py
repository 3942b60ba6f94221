"""What a type of expectation is called with: Great Expectations' own and ours alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Problem = tuple[tuple[str | int, ...], str, str]
"""Where in an expectation (keys below it), what is wrong, the fix."""


@dataclass(frozen=True)
class Entry:
    """One expectation. `kind`: rows, column, table or query; `by_row`: its failing rows can be named.

    `kwargs` maps each to the kinds of values it takes (text, number, bool, date, list, mapping); none means any. `own`: tailrace's, which
    is put to Great Expectations as one or more of its own questions.
    """

    kind: str
    by_row: bool
    kwargs: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    own: bool = False


def column_text(kwargs: Mapping[str, Any]) -> str | None:
    """The columns that an expectation is about, as one text; None for the table itself."""
    names = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
    names += kwargs.get("column_list") or []
    return ", ".join(str(name) for name in names) or None
