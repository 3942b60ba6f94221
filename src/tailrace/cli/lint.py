"""`lint`: what the rules find in the models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tailrace.build.lint.catalogue import catalogue
from tailrace.build.lint.run import Finding, lint
from tailrace.build.lint.settings import LintSettings, lint_settings
from tailrace.cli.frame import Frame
from tailrace.cli.inspect import chosen_of
from tailrace.cli.render import count, table
from tailrace.cli.steps import opened
from tailrace.errors import BadInput, Diagnostic, ProjectError
from tailrace.project.dbt.origins import choose_settings
from tailrace.project.spec import EMPTY


def run_lint(frame: Frame, select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """Every finding in the chosen models; exit code 1 where one of them is an error."""
    settings = _settings(frame)
    resolved = opened(frame)
    models = chosen_of(resolved, select, exclude).models
    if select and not models:
        raise BadInput(f"{' '.join(select)} selects no model", "tailrace ls shows what there is")
    found = lint(resolved.project, resolved.graph, models, settings)
    failed = any(one.severity == "error" for one in found)
    frame.document({"status": "failed" if failed else "ok", "findings": [_document(one) for one in found]})
    for one in found:
        frame.say(f"{one}{' (error)' if one.severity == 'error' else ''}")
    _say_sum(frame, found)
    frame.end("failed" if failed else "ok")


def show_rules(frame: Frame) -> None:
    """Every rule with its reason, and what the project made of it."""
    settings = _settings(frame)
    rows = [(rule.name, _severity(rule.name, settings), rule.reason) for rule in catalogue().values()]
    frame.document(
        [{"rule": name, "severity": severity, "reason": reason} for name, severity, reason in rows]
    )
    frame.say(table(("rule", "severity", "why"), rows))


def _settings(frame: Frame) -> LintSettings:
    problems: list[Diagnostic] = []
    chosen = choose_settings(Path(frame.project).absolute(), EMPTY, problems)
    if chosen is None:
        raise ProjectError(problems)
    found = lint_settings(chosen.settings.lint, chosen.settings.marks.under("lint"), problems)
    if problems:
        raise ProjectError(problems)
    return found


def _severity(rule: str, settings: LintSettings) -> str:
    return "off" if rule in settings.disable else "error" if rule in settings.error else "warn"


def _say_sum(frame: Frame, found: Sequence[Finding]) -> None:
    errors = sum(one.severity == "error" for one in found)
    frame.say(f"{count(len(found), 'finding')}, {count(errors, 'error')}" if found else "nothing found")


def _document(found: Finding) -> dict[str, Any]:
    at = found.diagnostic.location
    return {
        "file": at.file, "line": at.line, "col": at.col, "rule": found.rule, "severity": found.severity,
        "message": found.diagnostic.message, "fix": found.diagnostic.fix,
    }  # fmt: skip
