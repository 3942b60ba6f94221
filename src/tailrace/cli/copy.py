"""`copy`: moving house, from one target of the project to another."""

from __future__ import annotations

from pathlib import Path

from tailrace.cli.frame import Frame
from tailrace.cli.render import count
from tailrace.errors import BadInput
from tailrace.project.spec import Project


def copy_target(frame: Frame, source: str, target: str, only: str | None, *, replace: bool) -> None:
    """Carry, then say what was carried, what was left, and what the next run does."""
    from tailrace.runner.copying.run import PARTS, copy

    if frame.target is not None:
        raise BadInput("copy takes two targets", "write --from dev --to prod, and no --target")
    if source == target:
        raise BadInput(f"{source} cannot be copied to itself", "name another target with --to")
    here, there = _checked(frame, source), _checked(frame, target)
    if here.target.path is not None and here.target.path == there.target.path:
        raise BadInput(
            f"{source} and {target} are one file: {here.target.path}", "give --to a `path:` of its own"
        )
    parts = (only,) if only else PARTS
    done = copy(
        here, there, parts, replace=replace, tell=lambda name, rows: frame.say(f"  {name:<50} {rows:>12,}")
    )
    frame.document(
        {
            "status": "ok",
            "from": source,
            "to": target,
            "tables": [{"table": name, "rows": rows} for name, rows in done.tables],
            "approvals": done.approvals,
            "left": done.left,
        }
    )
    frame.say(
        f"{count(len(done.tables), 'table')} copied from {source} to {target}, counted on both sides and equal"
    )
    for line in done.left:
        frame.say(f"not copied: {line}")
    frame.say(f"models are not copied: `tailrace run --target {target}` builds them")


def _checked(frame: Frame, name: str) -> Project:
    """The project for one of its targets, checked as every command does; secrets of both stay hidden."""
    from tailrace.plan.resolve import resolve
    from tailrace.plan.secrets import redactor_of
    from tailrace.project.load import load_project
    from tailrace.runner.session import utc_now

    project = load_project(Path(frame.project), name, variables=frame.given())
    before, ours = frame.shield.redact, redactor_of(project).redact
    frame.shield.redact = lambda text: ours(before(text))
    return resolve(project, now=utc_now()).project
