"""What a terminal shows while a command works: one line that is redrawn, and notices above it."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tailrace.cli.frame import Frame
from tailrace.cli.render import count
from tailrace.events import (
    Event,
    Notice,
    Progress,
    RequestDone,
    StepFinished,
    StepStarted,
    Waiting,
    listening,
)

QUIET_FOR = 1.0
"""Seconds before a step shows itself: what is quicker needs no bar."""
EVERY = 0.1
WIDTH = 28
NARROWEST, USUAL = 20, 110


class Bar:
    """Subscribes to events and redraws one line on stderr, which must be a terminal.

    The line is of the step that runs: how far it is, and the wait that holds it up until the next answer comes.
    """

    def __init__(self) -> None:
        self.drawn = 0.0
        self.shown = False
        self._begin("", "")

    def _begin(self, step: str, name: str) -> None:
        self.started = time.monotonic()
        self.step, self.name, self.done, self.wait = step, name, "", ""
        self.requests = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._begin(event.step, event.name)
        elif isinstance(event, StepFinished):
            self.clear()
            self._begin("", "")
        elif isinstance(event, Notice):
            self.clear()
            sys.stderr.write(f"{event.level}: {event.text}\n")
        else:
            self._advance(event)

    def _advance(self, event: Event) -> None:
        if isinstance(event, Progress):
            # of a model that begins nothing more is heard until it has ended
            begins = event.unit == "models" and self.name == event.name
            self.step, self.name, self.done, self.wait = event.step, event.name, _done(event), ""
            self._draw(at_once=begins)
        elif isinstance(event, RequestDone):
            self.requests, self.wait = self.requests + 1, ""
            self._draw()
        elif isinstance(event, Waiting) and event.seconds >= QUIET_FOR:
            self.name = self.name or event.connection
            self.wait = f"waiting {event.seconds:.0f} s: {event.reason}"
            self._draw(at_once=True)

    def _draw(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and (now - self.started < QUIET_FOR or now - self.drawn < EVERY):
            return
        self.drawn, self.shown = now, True
        sys.stderr.write(f"\r\x1b[2K{self._line()[: _columns()]}")
        sys.stderr.flush()

    def _line(self) -> str:
        """Requests are told as long as nothing better is: a vendor's job may be asked about for minutes."""
        done = self.done or (count(self.requests, "request") if self.requests else "")
        head = " ".join(word for word in (self.step, self.name) if word)
        return "  " + "  ".join(part for part in (head, done, self.wait) if part)

    def clear(self) -> None:
        """Leave the line empty for what is printed next."""
        if self.shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self.shown = False


def _done(event: Progress) -> str:
    if not event.total:
        pages = f"  {count(event.pages, 'page')}" if event.pages else ""
        return f"{event.done:,} {event.unit}{pages}"
    share = min(1.0, event.done / event.total)
    filled = int(share * WIDTH)
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {event.done:,} of {event.total:,} {event.unit}"


def _columns() -> int:
    """One less than the terminal has: a line that wraps cannot be redrawn."""
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return columns - 1 if columns > NARROWEST else USUAL


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
