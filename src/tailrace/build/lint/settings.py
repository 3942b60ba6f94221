"""`[tool.tailrace.lint]`: rules that are off, and rules of which a finding fails the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.build.lint.catalogue import names
from tailrace.errors import Diagnostic
from tailrace.project.reader import Reader, hint
from tailrace.project.spec import Marks

KEYS = ("disable", "error")


@dataclass(frozen=True)
class LintSettings:
    """Names of rules."""

    disable: frozenset[str] = frozenset()
    error: frozenset[str] = frozenset()


def lint_settings(data: Mapping[str, Any], marks: Marks, problems: list[Diagnostic]) -> LintSettings:
    """What the table says; a rule that there is not is a problem with its near miss."""
    reader = Reader(data, marks, problems, "[tool.tailrace.lint]")
    reader.known(*KEYS)
    known = names()
    found = {key: reader.texts(key) for key in KEYS}
    for key, rules in found.items():
        for number, rule in enumerate(rules):
            if rule not in known:
                reader.problem(f"there is no rule {rule}", hint(rule, known), key, number)
    return LintSettings(frozenset(found["disable"]), frozenset(found["error"]))
