"""manifest.json and run_results.json: where somebody asked for them, and as dbt does in a dbt project."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tailrace.build.testing.outcome import Outcome
    from tailrace.plan.resolve import Resolved
    from tailrace.state.runs import StepResult

F = TypeVar("F", bound=Callable[..., Any])
_KEY = "tailrace.artifacts"


def with_artifacts(command: F) -> F:
    """--artifacts DIR; the functions below know it."""

    @click.option(
        "--artifacts", type=click.Path(file_okay=False), metavar="DIR",
        help="Write dbt's manifest.json and run_results.json there; in a dbt project, target/ without it.",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(*args: Any, artifacts: str | None, **rest: Any) -> Any:
        click.get_current_context().meta[_KEY] = artifacts
        return command(*args, **rest)

    return wrapped  # type: ignore[return-value]


def _folder(resolved: Resolved) -> Path | None:
    asked = click.get_current_context().meta.get(_KEY)
    if asked:
        return Path(asked)
    return resolved.project.root / "target" if resolved.project.dbt is not None else None


def manifest_written(resolved: Resolved, *, run_id: str = "") -> None:
    """The manifest, where one is wanted."""
    if (folder := _folder(resolved)) is not None:
        from tailrace.plan.artifacts.manifest import write_manifest

        write_manifest(resolved, folder, run_id=run_id)


def results_written(
    resolved: Resolved,
    command: str,
    started: datetime,
    finished: datetime,
    *,
    steps: Sequence[StepResult] = (),
    outcomes: Sequence[Outcome] = (),
    run_id: str = "",
    select: Sequence[str] = (),
) -> None:
    """The manifest and what came of it, where they are wanted; an idle run that nobody asked leaves what is there."""
    folder = _folder(resolved)
    idle = not outcomes and all(step.status == "skipped" for step in steps)
    asked = click.get_current_context().meta.get(_KEY)
    if folder is None or (idle and not asked and (folder / "run_results.json").exists()):
        return
    from tailrace.plan.artifacts.run_results import write_run_results

    manifest_written(resolved, run_id=run_id)
    write_run_results(
        steps, resolved, folder, command=command, started=started, finished=finished, outcomes=outcomes,
        run_id=run_id, select=select,
    )  # fmt: skip
