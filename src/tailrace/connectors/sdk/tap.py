"""What travels, for somebody who asked to see it (`activate --only`); nobody listens otherwise, so it costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as texts without the connection's secrets; no headers. `status` 0: no answer came."""

    connection: str
    method: str
    url: str
    request: str
    status: int
    answer: str


_listeners: list[Callable[[Exchange], None]] = []


@contextmanager
def listening(listener: Callable[[Exchange], None]) -> Iterator[None]:
    """Hand every exchange of this process to `listener` meanwhile."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def wanted() -> bool:
    """Whether anybody listens: only then is an Exchange worth making."""
    return bool(_listeners)


def tell(exchange: Exchange) -> None:
    for listener in tuple(_listeners):
        listener(exchange)
