"""Formats of dates and times: strftime's letters in DuckDB and in BigQuery."""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(r"%(-?.)", re.DOTALL)
_SAME = frozenset("YmdHIMSpyjaAbBwuGVUW%")
_TOGETHER = {"%S.%f": "%E6S", "%S.%g": "%E3S"}


def in_bigquery(pattern: str, *, reads: bool) -> str | None:
    """A strftime pattern of DuckDB in BigQuery's letters; None where a letter has no counterpart. `reads`: it parses a text."""
    pieces: list[str] = []
    at = 0
    for together, theirs in _TOGETHER.items():
        pattern = pattern.replace(together, f"\ue000{theirs[1:]}")
    for found in _DIRECTIVE.finditer(pattern):
        letter = found[1]
        if reads and letter.startswith("-"):
            letter = letter[1:]  # one digit or two are read alike
        if letter not in _SAME:
            return None
        pieces += [pattern[at : found.start()], f"%{letter}"]
        at = found.end()
    return "".join([*pieces, pattern[at:]]).replace("\ue000", "%")


def in_duckdb(pattern: str) -> str | None:
    """BigQuery's letters in DuckDB's."""
    for theirs, ours in {
        "%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y", "%E6S": "%S.%f", "%E3S": "%S.%g", "%h": "%b",
    }.items():  # fmt: skip
        pattern = pattern.replace(theirs, ours)
    allowed = _SAME | {"f", "g"}
    return pattern if all(found[1] in allowed for found in _DIRECTIVE.finditer(pattern)) else None
