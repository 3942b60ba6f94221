"""`-- noqa: rule-name` (or `{# noqa: rule-name #}`): what a person has looked at and wants so, on that line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_COMMENT = re.compile(
    r"(?:--|/\*|\{#-?|#)\s*noqa\b(?:\s*:\s*(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*))?", re.IGNORECASE
)


@dataclass(frozen=True)
class Allowed:
    """The rules that one line allows; none named: all. `places` are (offset, rule) in the text."""

    rules: frozenset[str]
    places: tuple[tuple[int, str], ...]

    def covers(self, rule: str) -> bool:
        return not self.rules or rule in self.rules


def allowed_by(text: str) -> dict[int, Allowed]:
    """What each line of a text allows, by line from 1."""
    found: dict[int, Allowed] = {}
    for comment in _COMMENT.finditer(text):
        line = text.count("\n", 0, comment.start()) + 1
        start = comment.start("rules")
        words = [(start + word.start(), word[0]) for word in re.finditer(r"[\w-]+", comment["rules"] or "")]
        found[line] = Allowed(frozenset(word for _, word in words), tuple(words))
    return found


def unknown_in(allowed: dict[int, Allowed], known: Sequence[str]) -> list[tuple[int, str]]:
    """The rules that comments name and that there are not, with their offsets."""
    return [(offset, word) for line in allowed.values() for offset, word in line.places if word not in known]
