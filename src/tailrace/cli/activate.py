"""`activate`, and what a person sees who sends one row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tailrace.cli.frame import Frame
from tailrace.cli.steps import run_steps
from tailrace.errors import BadInput

if TYPE_CHECKING:
    from tailrace.connectors.sdk.tap import Exchange


def run_activate(frame: Frame, select: tuple[str, ...], exclude: tuple[str, ...], **sending: Any) -> None:
    """`activate`; with --only every request for the row and its answer are shown, behind what became of it."""
    chosen = [f"--{name.replace('_', '-')}" for name in ("only", "adopt", "full_resync") if sending[name]]
    if len(chosen) > 1 or (sending["limit"] is not None and set(chosen) & {"--only", "--adopt"}):
        words = [*chosen, *(["--limit"] if sending["limit"] is not None else [])]
        raise BadInput(f"{' and '.join(words)} exclude each other", "write one of them")
    heard: list[Exchange] = []
    if sending["only"] is not None:
        sending["tell"] = heard.append
        run_steps(frame, "activate", select, exclude, behind=lambda: _exchanges(frame, heard), **sending)
        return
    run_steps(frame, "activate", select, exclude, **sending)


def _exchanges(frame: Frame, heard: Sequence[Exchange]) -> dict[str, Any]:
    for found in heard:
        frame.say(f"\n{found.method} {found.url}")
        for text in (found.request, f"-> {found.status or 'no answer'} {found.answer}".rstrip()):
            if text:
                frame.say(f"  {text}")
    return {"exchanges": [_exchange(each) for each in heard]}


def _exchange(found: Exchange) -> dict[str, Any]:
    return {
        "connection": found.connection,
        "method": found.method,
        "url": found.url,
        "request": _body(found.request),
        "status": found.status,
        "answer": _body(found.answer),
    }


def _body(text: str) -> Any:
    """JSON as a document, anything else as text."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
