"""What happened, as frozen objects; logs, traces, progress bars and alerts subscribe.

An emitter never knows who listens. Subscribers must be quick and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """Root of all events."""


@dataclass(frozen=True)
class RunStarted(Event):
    run_id: str
    command: str


@dataclass(frozen=True)
class RunFinished(Event):
    run_id: str
    status: str


@dataclass(frozen=True)
class StepStarted(Event):
    """`step` is land, build, validate, activate or publish; `name` the resource, model, suite or sync."""

    step: str
    name: str


@dataclass(frozen=True)
class Progress(Event):
    """`done` of `total` (None where unknown) in `unit`s of the step that is running; `pages` of a vendor's, where it reads."""

    step: str
    name: str
    done: int
    total: int | None
    unit: str
    pages: int = 0


@dataclass(frozen=True)
class StepFinished(Event):
    step: str
    name: str
    status: str
    rows_in: int
    rows_out: int
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class RequestDone(Event):
    """One HTTP exchange; `path` carries no query string, since vendors put secrets there. Seconds of wall time."""

    connection: str
    method: str
    path: str
    status: int
    seconds: float
    attempt: int


@dataclass(frozen=True)
class Waiting(Event):
    """A connection is about to wait so many seconds, for its rate limit or for a retry."""

    connection: str
    seconds: float
    reason: str


@dataclass(frozen=True)
class Notice(Event):
    """Something a person should read; `level` is info or warning."""

    level: str
    text: str


@dataclass(frozen=True)
class RowsHeldBack(Event):
    sync: str
    reason: str
    rows: int


Subscriber = Callable[[Event], None]


@dataclass
class Bus:
    """Hands each event to every subscriber, in the order they came."""

    subscribers: list[Subscriber] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        for subscriber in tuple(self.subscribers):
            subscriber(event)

    @contextmanager
    def listening(self, subscriber: Subscriber) -> Iterator[None]:
        self.subscribers.append(subscriber)
        try:
            yield
        finally:
            self.subscribers.remove(subscriber)


_BUS = Bus()


def emit(event: Event) -> None:
    """Tell every subscriber of this process."""
    _BUS.emit(event)


@contextmanager
def listening(subscriber: Subscriber) -> Iterator[None]:
    """Subscribe for the length of a `with` block."""
    with _BUS.listening(subscriber):
        yield
