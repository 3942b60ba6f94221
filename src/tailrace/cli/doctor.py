"""`doctor`: one line per finding, as it is made; exit 1 where one is an error."""

from __future__ import annotations

import click

from tailrace.cli.frame import Frame
from tailrace.cli.inspect import chosen_of
from tailrace.cli.progress import shown
from tailrace.cli.render import count, status_word
from tailrace.cli.steps import opened
from tailrace.connectors.sdk.base import Finding
from tailrace.runner.doctor import examine

COLOURED = {"ok": "ok", "warning": "stopped", "error": "failed"}
"""Levels, each with the status that has its colour."""


def show_doctor(frame: Frame, select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """Without SELECT every connection of the target is looked at, whether something uses it or not."""
    resolved = opened(frame)
    chosen = chosen_of(resolved, select, exclude)
    findings: list[Finding] = []
    with shown(frame) as clear:
        for finding in examine(resolved, chosen, everything=not (select or exclude)):
            findings.append(finding)
            clear()
            _say(frame, finding)
    errors = sum(finding.level == "error" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    status = "failed" if errors else "ok"
    frame.document({"status": status, "findings": [vars(finding) for finding in findings]})
    frame.say(f"{status_word(status)}: {count(errors, 'error')}, {count(warnings, 'warning')}")
    frame.end(status)


def _say(frame: Frame, finding: Finding) -> None:
    fix = f" {finding.fix}" if finding.fix else ""
    line = f"{finding.subject}: {finding.text.rstrip('.')}.{fix}"
    if frame.verbosity >= 0:
        word = status_word(COLOURED[finding.level]).replace(COLOURED[finding.level], finding.level)
        frame.say(f"{word}{' ' * (9 - len(finding.level))}{line}")
    elif finding.level != "ok":
        click.echo(frame.shield.redact(f"{finding.level}  {line}"), err=True)
