"""What a person decides about rows: approve a changeset, look at dead letters, send them again or drop them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tailrace.cli.frame import Frame
from tailrace.cli.history import published
from tailrace.cli.render import count, table
from tailrace.errors import BadInput, near_miss
from tailrace.project.spec import Project

DEAD_WORDS = ("sync", "primary_key", "field", "reason", "attempts", "last_at")
DEAD_DETAILS = (*DEAD_WORDS, "first_at", "next_try", "payload")


def approve_changeset(frame: Frame, changeset: str) -> None:
    """Let exactly these rows through."""
    from tailrace.runner.session import Session
    from tailrace.state.approvals import approve, waiting

    session = Session(frame.load(), "approve")
    try:
        known = waiting(session.store)
        if changeset not in [found.changeset for found in known]:
            names = [found.changeset for found in known if found.approved_at is None]
            raise BadInput(
                f"no changeset {changeset} waits for approval", near_miss(changeset, names) if names else ""
            )
        found = approve(session.store, changeset, session.now())
    finally:
        session.close()
    frame.document({"status": "ok", "changeset": changeset, "sync": found.sync, "summary": found.summary})
    frame.say(f"approved for {found.sync}: {found.summary}")
    frame.say(
        "it is sent by the next `tailrace run` or `tailrace activate`, as long as the rows are still these"
    )


def list_dead(frame: Frame, syncs: tuple[str, ...], reason: str | None, field: str | None) -> None:
    """The dead letters as they were published; with -v each one's payload under it."""
    from tailrace.activate.dead_letter import dead_list

    project = frame.load()
    _known(project, syncs)
    with published(project) as warehouse:
        found = dead_list(warehouse, reason=reason, field=field)
    letters = sorted(
        (letter for letter in found if not syncs or letter.sync in syncs),
        key=lambda letter: (letter.sync, letter.primary_key),
    )
    frame.document(
        [
            {**{name: getattr(letter, name) for name in DEAD_DETAILS}, "payload": _parsed(letter.payload)}
            for letter in letters
        ]
    )
    if frame.verbosity > 0:
        for letter in letters:
            frame.say(f"{letter.sync} {letter.primary_key}: {letter.reason}\n  sent: {letter.payload}")
    else:
        rows = [[getattr(letter, name) for name in DEAD_WORDS] for letter in letters]
        frame.say(table(DEAD_WORDS, rows) if rows else "no dead letters")
    frame.say(f"as published {_published_at(project)}: single steps publish only with --publish")


def _published_at(project: Project) -> str:
    return datetime.fromtimestamp(project.published.stat().st_mtime, UTC).isoformat(timespec="seconds")


def _parsed(payload: str | None) -> Any:
    return json.loads(payload) if payload else None


def retry_dead(frame: Frame, sync: str, keys: tuple[str, ...], reason: str | None, field: str | None) -> None:
    """Put them back to pending; the next activate sends them."""
    from tailrace.activate.dead_letter import dead_retry

    number = _change(
        frame, sync, keys, _fitting(partial(dead_retry, reason=reason, field=field), reason, field)
    )
    frame.say(
        f"{count(number, 'row')} of {sync} will be sent again by the next `tailrace activate` or `tailrace run`"
    )


def drop_dead(frame: Frame, sync: str, keys: tuple[str, ...], reason: str | None, field: str | None) -> None:
    """Take them off the list; the ledger keeps them as dead until their values change."""
    from tailrace.activate.dead_letter import dead_drop

    number = _change(
        frame, sync, keys, _fitting(partial(dead_drop, reason=reason, field=field), reason, field)
    )
    frame.say(f"{count(number, 'dead letter')} of {sync} dropped")


def _fitting(change: Callable[..., int], reason: str | None, field: str | None) -> Callable[..., int]:
    """The same, refused with what there is where --reason or --field fits no letter."""
    from tailrace.activate.dead_letter import dead_list

    def changed(warehouse: Any, sync: str, keys: list[str]) -> int:
        number = change(warehouse, sync, keys)
        if number or not (reason or field):
            return number
        letters = dead_list(warehouse, sync)
        fields = sorted({letter.field for letter in letters if letter.field})
        reasons = sorted({letter.reason for letter in letters})[:5]
        raise BadInput(
            f"no row of {sync} fits --reason or --field",
            f"fields: {', '.join(fields) or 'none'}; reasons: {'; '.join(reasons) or 'none'}",
        )

    return changed


def _change(frame: Frame, sync: str, keys: tuple[str, ...], change: Callable[..., int]) -> int:
    from tailrace.runner.locking import locked
    from tailrace.runner.publishing import publish_work, shows_work
    from tailrace.runner.session import Session

    project = frame.load()
    _known(project, (sync,))
    session = Session(project, "dead")
    try:
        if not session.work.exists() and not session.published.exists():
            raise BadInput("nothing has run here yet", "run `tailrace run`")
        with locked(session):
            whole = shows_work(session)
            with session.warehouse() as warehouse:
                number = change(warehouse, sync, list(keys))
            if keys and not number:
                raise BadInput(
                    f"{sync} has no dead letter of {', '.join(keys)}", "tailrace dead list shows them"
                )
            publish_work(session, "ledger", meta_only=not whole)
    finally:
        session.close()
    frame.document({"status": "ok", "sync": sync, "rows": number})
    return number


def _known(project: Project, syncs: tuple[str, ...]) -> None:
    names = [sync.name for sync in project.syncs]
    for sync in syncs:
        if sync not in names:
            raise BadInput(f"there is no sync {sync}", near_miss(sync, names))
