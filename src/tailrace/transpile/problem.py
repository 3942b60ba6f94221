"""What the room says of SQL that is wrong, or that cannot be carried over."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.errors import FatalError


@dataclass(frozen=True)
class Problem:
    """What is wrong at an offset of the SQL."""

    offset: int
    message: str
    fix: str = ""


class Refused(FatalError):
    """SQL that the other engine cannot take with its meaning; `problems` name every place, the message the first."""

    def __init__(self, sql: str, problems: list[Problem]) -> None:
        first = problems[0]
        self.problems = tuple(problems)
        line = sql.count("\n", 0, first.offset) + 1
        column = first.offset - sql.rfind("\n", 0, first.offset)
        super().__init__(f"{line}:{column}: {first.message}", first.fix)
