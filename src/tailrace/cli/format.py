"""`format`: lays out the project's SQL, or says what would change."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import click

from tailrace.build.format.files import FOLDERS, Formatted, Outcome, format_files
from tailrace.cli.frame import Frame
from tailrace.cli.render import count
from tailrace.errors import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, Diagnostic, ProjectError
from tailrace.project.dbt.origins import Chosen, choose_settings
from tailrace.project.spec import EMPTY


def run_format(frame: Frame, paths: tuple[str, ...], *, check: bool, diff: bool) -> None:
    """Exit code 2 where a file cannot be read, 1 where --check finds something to do or a file was left alone."""
    problems: list[Diagnostic] = []
    chosen = choose_settings(Path(frame.project).absolute(), EMPTY, problems)
    if chosen is None:
        raise ProjectError(problems)
    dialect, folders = chosen.settings.dialect, _folders(chosen)
    outcome = format_files(Path(frame.project), paths, dialect, folders, write=not (check or diff))
    frame.document(_document(outcome))
    for problem in sorted([*outcome.problems, *outcome.left]):
        click.echo(str(problem), err=True)
    for found in outcome.changed:
        frame.say(_diff(found) if diff else f"{'would format' if check else 'formatted'} {found.name}")
    _say_sum(frame, outcome, asked=check or diff)
    click.get_current_context().exit(_exit_code(outcome, check=check))


def _folders(chosen: Chosen) -> tuple[str, ...]:
    """Where SQL lies; a dbt_project.yml may say it in its own words."""
    read = chosen.reader
    found = [(read.texts(f"{folder[:-1]}-paths") if read else ()) or (folder,) for folder in FOLDERS]
    return tuple(dict.fromkeys(name for names in found for name in names))


def _say_sum(frame: Frame, outcome: Outcome, *, asked: bool) -> None:
    did = "would change" if asked else "changed"
    parts = [f"{count(len(outcome.changed), 'file')} {did}", f"{len(outcome.unchanged):,} as wanted"]
    if left := len(outcome.problems) + len(outcome.left):
        parts.append(f"{left:,} left alone")
    frame.say(", ".join(parts))


def _exit_code(outcome: Outcome, *, check: bool) -> int:
    if outcome.problems:
        return EXIT_BAD_INPUT
    return EXIT_FAILED if outcome.left or (check and outcome.changed) else EXIT_DONE


def _diff(found: Formatted) -> str:
    before, after = (text.splitlines() for text in (found.before, found.after))
    return "\n".join(difflib.unified_diff(before, after, found.name, found.name, lineterm=""))


def _document(outcome: Outcome) -> dict[str, Any]:
    said = [*outcome.problems, *outcome.left]
    return {
        "status": "failed" if said else "ok",
        "changed": [found.name for found in outcome.changed],
        "unchanged": outcome.unchanged,
        "diagnostics": [
            {
                "file": one.location.file, "line": one.location.line, "col": one.location.col,
                "message": one.message, "fix": one.fix,
            }
            for one in sorted(said)
        ],
    }  # fmt: skip
