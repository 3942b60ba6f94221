"""`build --watch`: on every save what was built, its first rows, and what differs from before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tailrace.cli.diffs import say_diff
from tailrace.cli.fit import fitted, wrapped
from tailrace.cli.frame import Frame, document_of
from tailrace.cli.inspect import chosen_of
from tailrace.cli.render import count, seconds, status_word
from tailrace.cli.steps import opened
from tailrace.errors import BadInput, TailraceError

if TYPE_CHECKING:
    from tailrace.plan.resolve import Resolved
    from tailrace.runner.rebuild import Rebuild, Rebuilt, Workbench

SHOWN = 5
"""Rebuilt models of which rows are shown; of more, only of those whose file was saved."""


def watch_saves(frame: Frame, select: tuple[str, ...], exclude: tuple[str, ...], **others: Any) -> None:
    """Build what is saved until interrupted; exit code 0."""
    from tailrace.runner.rebuild import Workbench
    from tailrace.runner.watch import Watched, folders_of, settled

    given = [f"--{name.replace('_', '-')}" for name, value in others.items() if value]
    if given:
        raise BadInput(
            f"--watch builds in memory only: it cannot be used with {', '.join(given)}", "leave one out"
        )
    root = Path(frame.project)
    if not any((root / name).exists() for name in ("pyproject.toml", "dbt_project.yml")):
        opened(frame)  # says what is missing
    watched = Watched(root)  # before anything is read, so that no save is missed
    try:
        with Workbench() as bench:
            resolved = _round(frame, bench, select, exclude, (), first=True)
            watched.also(folders_of(resolved.project) if resolved else ())
            frame.say("watching the project's files; Ctrl-C ends")
            for saved in settled(watched):
                _round(frame, bench, select, exclude, sorted(saved))
    except KeyboardInterrupt:
        frame.say("\nstopped watching")


def _round(
    frame: Frame,
    bench: Workbench,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    saved: Collection[str],
    *,
    first: bool = False,
) -> Resolved | None:
    """One rebuild; what is wrong with the project is said, and mended by the next save. None where it is.

    A selection that means nothing at the `first` round is a slip in the command.
    """
    if saved:
        frame.say(f"\n{datetime.now().astimezone():%H:%M:%S}  {', '.join(saved)}")
    try:
        resolved = opened(frame)
        models = chosen_of(resolved, select, exclude).models
        found = bench.rebuild(resolved, models, saved)
    except TailraceError as error:
        if first and isinstance(error, BadInput):
            raise
        frame.document({**document_of(error), "saved": list(saved), "models": [], "tests": []})
        click.echo(frame.shield.redact(str(error)), err=True)
        return None
    frame.document(_document(found, saved))
    _say(frame, found, _files(resolved), saved)
    return resolved


def _document(found: Rebuild, saved: Collection[str]) -> dict[str, Any]:
    return {
        "status": found.status,
        "seconds": round(found.seconds, 3),
        "saved": list(saved),
        "models": [model.document() for model in found.models],
        "tests": [test.document() for test in found.tests],
        "notes": found.notes,
    }


def _files(resolved: Resolved) -> dict[str, str]:
    return {name: node.path for name, node in resolved.graph.nodes.items()}


def _say(frame: Frame, found: Rebuild, files: dict[str, str], saved: Collection[str]) -> None:
    for model in found.models:
        if model.step.error:
            click.echo(frame.shield.redact(f"  {model.step.error}"), err=True)
            continue
        whole = len(found.models) <= SHOWN or files.get(model.step.name) in saved
        _say_model(frame, model, whole=whole)
    for test in found.tests:
        line = f"  test {test.name}  {test.status}{': ' if test.message else ''}{test.message}"
        if test.is_bad:
            click.echo(frame.shield.redact(line), err=True)
        else:
            frame.say(line)
        if test.is_bad and test.difference:
            frame.say(fitted(test.difference.columns, test.difference.rows, indent="    "))
    for note in found.notes:
        frame.say(wrapped(note, "  "))
    built = count(sum(model.step.status == "ok" for model in found.models), "model")
    frame.say(f"{status_word(found.status)}: {built} built in {seconds(found.seconds)}")


def _say_model(frame: Frame, model: Rebuilt, *, whole: bool) -> None:
    frame.say(
        wrapped(f"{model.step.name}  {count(model.rows, 'row')}  {model.step.detail.get('why', '')}", "  ")
    )
    if model.change and model.change.details:
        frame.say(wrapped(f"{model.change.kind}: {'; '.join(model.change.details)}", "    "))
    if whole and model.first:
        frame.say(fitted(model.columns, model.first, indent="    "))
    if model.diff:
        say_diff(frame, model.diff.document(), indent="    ")
