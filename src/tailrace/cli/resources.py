"""`replay` and `reconcile`: one landed resource at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from tailrace.cli.frame import Frame
from tailrace.cli.progress import shown
from tailrace.cli.render import count, status_word
from tailrace.cli.steps import document_of, opened, teller
from tailrace.runner.resources import find_resource, reconcile_resource, replay_resource
from tailrace.runner.session import Session

WORDS = {
    "missing": "at the vendor and not here",
    "surplus": "here and not at the vendor",
    "behind": "newer at the vendor",
}
SHOWN = 10


def replay_one(frame: Frame, resource: str, publish: bool, days: tuple[date, date] | None) -> None:
    """Rebuild, say what came of it, end with its exit code."""
    resolved = opened(frame)
    landed = find_resource(resolved, resource)
    session = Session(resolved.project, "replay")
    try:
        with shown(frame) as clear:
            session.on_step = teller(frame, clear)
            replay_resource(session, landed, days, publishing=resolved if publish else None)
    finally:
        session.close()
    frame.document(document_of(session))
    done = "rebuilt from its raw rows" if session.status() == "ok" else "not rebuilt"
    frame.say(f"{status_word(session.status())}: {landed.table} {done}")
    frame.end(session.status())


def reconcile_one(frame: Frame, resource: str) -> None:
    """Compare, say the differences with examples; exit 1 where there are any."""
    resolved = opened(frame)
    landed = find_resource(resolved, resource)
    session = Session(resolved.project, "reconcile")
    try:
        with shown(frame):
            found = reconcile_resource(session, landed)
    finally:
        session.close()
    status = "ok" if found["agrees"] else "failed"
    frame.document({"status": status, **found})
    _say(frame, found)
    frame.end(status)


def _say(frame: Frame, found: Mapping[str, Any]) -> None:
    frame.say(f"{found['resource']}: {found['vendor']:,} at the vendor, {found['warehouse']:,} published")
    if not found["complete"]:
        frame.say(
            f"  {found['compared']:,} of them lie in what the vendor shows whole; of the others only what is missing here is known"
        )
    for word, text in WORDS.items():
        difference = found[word]
        if difference["count"]:
            keys = ", ".join(difference["keys"][:SHOWN])
            more = ", ..." if difference["count"] > SHOWN else ""
            frame.say(f"  {count(difference['count'], 'row')} {text}: {keys}{more}")
    if found["agrees"]:
        frame.say("  nothing differs" if found["complete"] else "  nothing differs in what was compared")
    else:
        frame.say(
            "  `tailrace land` reads what is new; what then still differs is lost or erased on one side"
        )
