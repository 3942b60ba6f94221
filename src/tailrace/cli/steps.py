"""`run` and its single steps: choose, execute, say what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import click

from tailrace.build.asked import EPHEMERAL, NOTHING, UP_TO_DATE, Asked, restating
from tailrace.cli.artifacts import results_written
from tailrace.cli.frame import Frame
from tailrace.cli.left_over import left_over
from tailrace.cli.progress import shown
from tailrace.cli.render import count, seconds, status_word, step_line
from tailrace.errors import BadInput
from tailrace.plan.resolve import Chosen, Resolved, choose, resolve
from tailrace.runner.sending import Sending
from tailrace.runner.session import Session, utc_now
from tailrace.state.runs import StepResult

STEPS = {
    "run": ("land", "build", "validate", "activate", "publish"),
    "land": ("land",),
    "build": ("build",),
    "validate": ("validate",),
    "activate": ("activate",),
}


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
    days: tuple[date, date] | None = None,
    tests: bool = False,
    asked: Callable[[Resolved, Chosen], Asked] | None = None,
    why: bool = False,
    behind: Callable[[], Mapping[str, Any]] | None = None,
    **sending: Any,
) -> None:
    """Do what a command names, print its document or its lines, end with its exit code.

    `why` names the models that are up to date as well. `behind` shows more below the steps, and gives it for the document.
    """
    from tailrace.runner.run import execute

    resolved = opened(frame)
    chosen = choose(resolved, select, exclude, _modified(resolved, (*select, *exclude)))
    wanted = STEPS[command] + (("validate", "publish") if publish else ())  # nothing is published unseen
    _something_chosen(chosen, command, select)
    wishes = asked(resolved, chosen) if asked else NOTHING
    session = Session(resolved.project, command, days=days, tests=tests, asked=wishes)
    started = session.now()
    try:
        _something_by_days(session, chosen)
        with shown(frame) as clear:
            session.on_step = teller(frame, clear, idle=why or bool(select))
            execute(session, resolved, chosen, wanted, Sending(**sending))
    finally:
        session.close()
    built = [result for result in session.results if result.step == "build"]
    if "build" in wanted:
        results_written(
            resolved, command, started, session.now(), steps=built, run_id=session.run_id, select=select
        )
    more = behind() if behind else {}
    _tell(frame, session, (session.now() - started).total_seconds(), why=why, more=more)
    changed = any(result.status == "ok" for result in session.results)
    if "publish" not in wanted and session.status() == "ok" and changed:
        frame.say("not published yet: `tailrace publish`, or --publish next time")
    frame.end(session.status())


def asked_of(
    select: tuple[str, ...], *, full_refresh: bool, restate: tuple[datetime, datetime] | None
) -> Callable[[Resolved, Chosen], Asked]:
    """What --full-refresh and --restate come to for the chosen models; BadInput where a named one has no intervals."""
    if full_refresh and restate:
        raise BadInput("--full-refresh and --restate exclude each other", "write one of them")

    def asked(resolved: Resolved, chosen: Chosen) -> Asked:
        if restate is None:
            return Asked(full_refresh=full_refresh)
        first, last = (found.date() for found in restate)
        return restating(resolved.graph, chosen.models, select, first, last)

    return asked


def _modified(resolved: Resolved, words: Sequence[str]) -> frozenset[str]:
    """Models that differ from what was built last, where a selection asks for them."""
    if not any("state:" in word for word in words):
        return frozenset()
    from tailrace.plan.states import modified_models

    return modified_models(resolved)


def document_of(session: Session, *, why: bool = False) -> dict[str, Any]:
    """The document that `run --json` ends with; with `why` the reason of every model."""
    reasons = [_reason(result) for result in session.results if why and result.step == "build"]
    return {
        **({"models": reasons} if why else {}),
        "run_id": session.run_id,
        "status": session.status(),
        "steps": [result.document() for result in session.results],
        "syncs": [sync_document(r.name, r.detail) for r in session.results if r.step == "activate"],
    }


def _reason(result: StepResult) -> dict[str, Any]:
    action = "skip" if result.status == "skipped" else "build"
    return {"model": result.name, "action": action, "why": result.detail.get("why", ""), **result.detail}


SYNC_NUMBERS = ("created", "updated", "deleted", "unchanged", "held_back", "dead", "requests")


def sync_document(name: str, detail: Any) -> dict[str, Any]:
    """A sync's numbers in the contract's order, then what else is known of it."""
    numbers = {word: detail.get(word, 0) for word in SYNC_NUMBERS}
    return {"sync": name, **numbers, **{word: value for word, value in detail.items() if word not in numbers}}


def _something_chosen(chosen: Chosen, command: str, select: tuple[str, ...]) -> None:
    """A selection without anything for the one step it was given to is a slip, not a success."""
    parts = {
        "land": chosen.pipelines,
        "build": chosen.models,
        "validate": chosen.suites,
        "activate": chosen.syncs,
    }
    if select and command in parts and not parts[command]:
        raise BadInput(f"{' '.join(select)} selects nothing to {command}", "tailrace ls shows what there is")


def _something_by_days(session: Session, chosen: Chosen) -> None:
    """A range of days for resources of which none can be read so."""
    if session.days is None:
        return
    from tailrace.runner.steps import kind_of

    able = (kind_of(session, p, resource).backfill for p in chosen.pipelines for resource in p.resources)
    if not any(able):
        raise BadInput("nothing of what is chosen can be read by days", "land it without --from and --to")


def teller(frame: Frame, clear: Callable[[], None], *, idle: bool = True) -> Callable[[StepResult], None]:
    """Says each step as it ends; with -q only what went wrong, on stderr. Without `idle` no model that is up to date."""

    def tell(result: StepResult) -> None:
        if not idle and is_idle(result):
            return
        clear()
        if frame.verbosity >= 0:
            frame.say(step_line(result.document(), result.detail))
        elif result.status in ("failed", "stopped"):
            click.echo(frame.shield.redact(f"{result.step} {result.name}: {result.error}"), err=True)

    return tell


def is_idle(result: StepResult) -> bool:
    """A model of which there is nothing to say."""
    return (result.step, result.status) == ("build", "skipped") and result.detail.get("why") in (
        UP_TO_DATE,
        EPHEMERAL,
    )


def _tell(
    frame: Frame, session: Session, taken: float, *, why: bool = False, more: Mapping[str, Any] | None = None
) -> None:
    frame.document({**document_of(session, why=why), **(more or {})})
    if idle := sum(is_idle(r) and r.detail["why"] == UP_TO_DATE for r in session.results):
        frame.say(f"  build    {count(idle, 'model')} up to date")
    where = f"run {session.run_id} on target {session.project.target.name}"
    frame.say(f"{status_word(session.status())} in {seconds(taken)} ({where})")
    for line in left_over([r.detail for r in session.results if r.step == "activate"]):
        frame.say(line)


def publish_now(frame: Frame, rollback: bool) -> None:
    """`publish`: every suite judges first, as in a run; `publish --rollback` puts the earlier file back."""
    if rollback:
        _roll_back(frame)
        return
    from tailrace.runner.run import execute

    resolved = opened(frame)
    session = Session(resolved.project, "publish")
    try:
        _something_whole(session)
        with shown(frame) as clear:
            session.on_step = teller(frame, clear)
            execute(session, resolved, Chosen((), frozenset(), (), ()), ("validate", "publish"), Sending())
    finally:
        session.close()
    frame.document(document_of(session))
    frame.end(session.status())


def _something_whole(session: Session) -> None:
    """Refuse to publish what a killed or interrupted run left half done."""
    if not session.work.exists():
        raise BadInput("there is nothing to publish yet", "run `tailrace run`")
    last = session.store.read(
        "SELECT run_id, status, error FROM runs WHERE command <> 'publish' ORDER BY started_at DESC LIMIT 1"
    )
    if last and (last[0][1] == "running" or last[0][2] in ("killed", "interrupted")):
        raise BadInput(
            f"run {last[0][0]} ended half way, or is still at work", "run `tailrace run`, which finishes it"
        )


def _roll_back(frame: Frame) -> None:
    from tailrace.runner.locking import locked
    from tailrace.runner.publishing import FACT

    session = Session(frame.load(), "publish")
    try:
        _something_to_roll_back(session)
        with locked(session):
            what, where = _back(session)
            session.store.remember(FACT, "rolled back")
    finally:
        session.close()
    frame.document({"status": "ok", "published": where})
    frame.say(f"{what}; the next run publishes its own over it")


def _something_to_roll_back(session: Session) -> None:
    target = session.project.target
    if target.type == "bigquery" and not target.settings.get("publish_views"):
        raise BadInput(
            f"target {target.name} publishes no views of complete runs, so nothing is kept of the run before",
            "set `publish: {views: true}` for the next one; BigQuery keeps each table's last seven days"
            " (FOR SYSTEM_TIME AS OF)",
        )


def _back(session: Session) -> tuple[str, str]:
    """What was put back, in words, and where it is."""
    if session.project.target.type == "bigquery":
        from tailrace.runner.completing import roll_back_views

        moved = roll_back_views(session)
        return f"{count(moved, 'view')} of complete runs show what they showed before", "views"
    from tailrace.warehouse.publish import rollback

    path = rollback(session.published)
    return f"{path.name} is the file that was published before", str(path)
