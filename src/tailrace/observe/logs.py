"""One JSON object a line for every event, for people who grep and for log collectors."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from tailrace.events import Event, Progress, Subscriber


def json_lines(stream: TextIO, redact: Callable[[str], str] = str) -> Subscriber:
    """A subscriber that writes every event but the drawing of bars, with the time in UTC and without secrets."""

    def write(event: Event) -> None:
        if isinstance(event, Progress):
            return
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": type(event).__name__}
        stream.write(redact(json.dumps({**line, **dataclasses.asdict(event)}, ensure_ascii=False)) + "\n")
        stream.flush()

    return write
