"""Where in the SQL a piece of its tree stands: the parser notes only names, literals and calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import Token, exp


@dataclass(frozen=True)
class Places:
    """Finds the offset of a node, of an operator between its operands, of a word near a node."""

    tokens: Sequence[Token]

    def of(self, node: exp.Expr) -> int:
        """The first noted token inside a node, or inside the nearest one around it."""
        found: exp.Expr | None = node
        while found is not None:
            if places := _noted(found, "start"):
                return min(places)
            found = found.parent
        return 0

    def operator(self, node: exp.Expr) -> int:
        """The sign between a binary node's operands."""
        left, right = node.args.get("this"), node.args.get("expression")
        if isinstance(left, exp.Expr) and isinstance(right, exp.Expr):
            ends, starts = _noted(left, "end"), _noted(right, "start")
            if ends and starts:
                between = [t for t in self.tokens if max(ends) < t.start < min(starts) and t.text not in "()"]
                if between:
                    return between[0].start
        return self.of(node)

    def between(self, left: exp.Expr, right: exp.Expr) -> str:
        """The one word between two pieces; "" where there is none, or more."""
        end, start = max(_noted(left, "end"), default=-1), min(_noted(right, "start"), default=-1)
        words = [t.text.upper() for t in self.tokens if end < t.start < start and t.text not in "()"]
        return words[0] if len(words) == 1 else ""

    def word(self, node: exp.Expr, *words: str) -> int:
        """The first of the words inside a node or right after it, else the last one before it; else the node."""
        start = self.of(node)
        end = max(_noted(node, "end"), default=start)
        inside = [t for t in self.tokens if t.start >= start and t.text.upper() in words]
        before = [t for t in self.tokens if t.start < start and t.text.upper() in words]
        if inside and (inside[0].start <= end or not before):
            return inside[0].start
        if before:
            return before[-1].start
        return start


def _noted(node: exp.Expr, key: str) -> list[int]:
    return [int(part.meta[key]) for part in node.walk() if key in part.meta]
