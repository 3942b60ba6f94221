"""What the room says of SQL that is wrong, or that cannot be carried over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """What is wrong at an offset of the SQL."""

    offset: int
    message: str
    fix: str = ""
