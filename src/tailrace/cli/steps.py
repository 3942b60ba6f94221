"""`run` and its single steps: choose, execute, say what happened."""

from __future__ import annotations

from typing import Any

import click

from tailrace.cli.frame import Frame
from tailrace.cli.progress import shown
from tailrace.cli.render import count, seconds, status_word, step_line
from tailrace.errors import EXIT_DONE, EXIT_FAILED, EXIT_STOPPED
from tailrace.plan.resolve import Resolved, choose, resolve
from tailrace.plan.states import modified_models
from tailrace.runner.run import execute
from tailrace.runner.session import Session, utc_now
from tailrace.runner.syncs import Sending

STEPS = {
    "run": ("land", "build", "validate", "activate", "publish"),
    "land": ("land",),
    "build": ("build",),
    "validate": ("validate",),
    "activate": ("activate",),
}
EXITS = {"ok": EXIT_DONE, "failed": EXIT_FAILED, "stopped": EXIT_STOPPED}


def opened(frame: Frame) -> Resolved:
    """The project as it lies on disk, compiled and checked."""
    return resolve(frame.load(), now=utc_now())


def run_steps(
    frame: Frame,
    command: str,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    *,
    publish: bool = False,
    **sending: Any,
) -> None:
    """Do what a command names, print its document or its lines, end with its exit code."""
    resolved = opened(frame)
    modified = (
        modified_models(resolved) if any("state:" in word for word in (*select, *exclude)) else frozenset()
    )
    chosen = choose(resolved, select, exclude, modified)
    wanted = STEPS[command] + (("publish",) if publish else ())
    session = Session(resolved.project, command)
    started = session.now()
    try:
        with shown(frame):
            execute(session, resolved, chosen, wanted, Sending(**sending))
    finally:
        session.close()
    _tell(frame, session, (session.now() - started).total_seconds())
    click.get_current_context().exit(EXITS[session.status()])


def document_of(session: Session) -> dict[str, Any]:
    """The document that `run --json` ends with."""
    return {
        "run_id": session.run_id,
        "status": session.status(),
        "steps": [result.document() for result in session.results],
        "syncs": [sync_document(r.name, r.detail) for r in session.results if r.step == "activate"],
    }


SYNC_NUMBERS = ("created", "updated", "deleted", "unchanged", "held_back", "dead", "requests")


def sync_document(name: str, detail: Any) -> dict[str, Any]:
    """A sync's numbers in the contract's order, then what else is known of it."""
    numbers = {word: detail.get(word, 0) for word in SYNC_NUMBERS}
    return {"sync": name, **numbers, **{word: value for word, value in detail.items() if word not in numbers}}


def _tell(frame: Frame, session: Session, taken: float) -> None:
    frame.document(document_of(session))
    frame.say(f"run {session.run_id} on target {session.project.target.name}")
    for result in session.results:
        frame.say(step_line(result.document(), result.detail))
    frame.say(f"{status_word(session.status())} in {seconds(taken)}")
    lost = sum(int(r.detail.get("dead", 0)) for r in session.results if r.step == "activate")
    if lost:
        frame.say(f"{count(lost, 'row')} refused by the vendor: tailrace dead list")


def publish_now(frame: Frame, rollback: bool) -> None:
    """`publish`, and `publish --rollback`."""
    from tailrace.errors import BadInput
    from tailrace.runner.publishing import FACT, publish_work
    from tailrace.runner.session import LOCK
    from tailrace.state.locks import held
    from tailrace.warehouse.publish import rollback as roll_back

    session = Session(frame.load(), "publish")
    try:
        with held(session.folder, LOCK):
            if rollback:
                path = roll_back(session.published)
                session.store.remember(FACT, "rolled back")
                frame.document({"status": "ok", "published": str(path)})
                frame.say(f"{path.name} is the file that was published before")
                return
            if not session.work.exists():
                raise BadInput("there is nothing to publish yet", "run `tailrace run`")
            result = publish_work(session, "warehouse")
        frame.document(
            {"status": result.status, "bytes": result.detail.get("bytes", 0), "error": result.error}
        )
        frame.say(step_line(result.document(), result.detail))
        click.get_current_context().exit(EXITS.get(result.status, EXIT_DONE))
    finally:
        session.close()
