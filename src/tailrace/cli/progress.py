"""What a terminal shows while a command works: one line that is redrawn, and notices above it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tailrace.cli.frame import Frame
from tailrace.events import Event, Notice, Progress, StepFinished, StepStarted, Waiting, listening

QUIET_FOR = 1.0
"""Seconds before a step shows itself: what is quicker needs no bar."""
EVERY = 0.1
WIDTH = 28


class Bar:
    """Subscribes to events and redraws one line on stderr, which must be a terminal."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.drawn = 0.0
        self.shown = False

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self.started = time.monotonic()
        elif isinstance(event, Progress):
            self._draw(_bar(event))
        elif isinstance(event, Waiting) and event.seconds >= QUIET_FOR:
            self._draw(f"{event.connection}: waiting {event.seconds:.0f} s ({event.reason})", at_once=True)
        elif isinstance(event, StepFinished):
            self.clear()
        elif isinstance(event, Notice):
            self.clear()
            sys.stderr.write(f"{event.level}: {event.text}\n")

    def _draw(self, text: str, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and (now - self.started < QUIET_FOR or now - self.drawn < EVERY):
            return
        self.drawn, self.shown = now, True
        sys.stderr.write(f"\r\x1b[2K{text[:110]}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line empty for what is printed next."""
        if self.shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self.shown = False


def _bar(event: Progress) -> str:
    head = f"  {event.step} {event.name}"
    if not event.total:
        return f"{head}  {event.done:,} {event.unit}"
    share = min(1.0, event.done / event.total)
    filled = int(share * WIDTH)
    return f"{head}  [{'#' * filled}{'.' * (WIDTH - filled)}] {event.done:,} of {event.total:,} {event.unit}"


def _say_notice(event: Event) -> None:
    if isinstance(event, Notice):
        sys.stderr.write(f"{event.level}: {event.text}\n")


@contextmanager
def shown(frame: Frame) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; log lines with -v; notices always, unless quiet. Gives what clears the bar's line."""
    logging.getLogger().setLevel(logging.ERROR)
    bar = Bar() if frame.verbosity == 0 and sys.stderr.isatty() and not frame.as_json else None
    with ExitStack() as stack:
        if frame.verbosity > 0:
            from tailrace.observe.logs import json_lines

            stack.enter_context(listening(json_lines(sys.stderr, frame.shield.redact)))
        elif frame.verbosity == 0:
            stack.enter_context(listening(bar or _say_notice))
        yield bar.clear if bar else _nothing
        if bar:
            bar.clear()


def _nothing() -> None:
    """There is no bar to clear."""
