"""All rules over the chosen models, less what is switched off, in the file's order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from tailrace.build.graph import Graph
from tailrace.build.lint.catalogue import Rule, catalogue
from tailrace.build.lint.noqa import allowed_by, unknown_in
from tailrace.build.lint.settings import LintSettings
from tailrace.build.lint.subject import Subject, subject_of
from tailrace.build.static import place
from tailrace.errors import Diagnostic, Location
from tailrace.project.reader import hint
from tailrace.project.spec import Project

UNKNOWN = "unknown-rule"
"""The name under which a comment that allows a rule that there is not is told; it cannot be switched off."""


@dataclass(frozen=True, order=True)
class Finding:
    """A diagnostic, the rule that it is of, and whether it fails the command."""

    diagnostic: Diagnostic
    rule: str
    severity: Literal["warn", "error"] = "warn"

    def __str__(self) -> str:
        return f"{self.diagnostic} [{self.rule}]"


def lint(project: Project, graph: Graph, models: Collection[str], settings: LintSettings) -> list[Finding]:
    """The findings in the models that are named; those of packages are not ours to mend."""
    rules = [rule for rule in catalogue().values() if rule.name not in settings.disable]
    found: list[Finding] = []
    for file in project.models:
        node = graph.nodes.get(file.name)
        if node is not None and file.name in models and not file.package:
            found += _linted(subject_of(project, graph, file, node), rules, settings)
    return sorted(set(found))


def _linted(model: Subject, rules: list[Rule], settings: LintSettings) -> Iterator[Finding]:
    allowed = allowed_by(model.file.sql)
    for rule in rules:
        if rule.needs_tree and model.read is None:
            continue
        for found in rule.check(model):
            diagnostic = model.diagnostic(found)
            line = allowed.get(diagnostic.location.line - model.file.line)
            here = diagnostic.location.file == model.file.path
            if not (here and line is not None and line.covers(rule.name)):
                yield Finding(diagnostic, rule.name, "error" if rule.name in settings.error else "warn")
    known = list(catalogue())
    for offset, word in unknown_in(allowed, known):
        at = place(model.file.path, model.file.sql, offset)
        at = Location(at.file, at.line + model.file.line, at.col)
        yield Finding(Diagnostic(at, f"there is no rule {word}", hint(word, known)), UNKNOWN)
