"""Where a line of compiled SQL came from: behind Jinja, and behind the CTEs that were put in front of it."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.build.static import Rendered
from tailrace.errors import Location


@dataclass(frozen=True)
class Origin:
    """The rendered template of a compiled SQL; `moved` lines were put in behind its line `behind` (from 0)."""

    rendered: Rendered
    behind: int = 0
    moved: int = 0

    def locate(self, line: int, col: int) -> Location | None:
        """The file's place of the compiled line and column (from 1); None inside what was put in."""
        index = line - 1
        if self.behind < index <= self.behind + self.moved:
            return None
        index -= self.moved if index > self.behind else 0
        rows = self.rendered.sql.split("\n")
        if not 0 <= index < len(rows):
            return None
        start = sum(len(row) + 1 for row in rows[:index])
        return self.rendered.locate(start + min(max(col, 1) - 1, len(rows[index])))
