"""Locks of one machine that a kill frees at once: flock on small files beside the state."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tailrace.errors import LockHeld


class Flock:
    """A held file lock: the kernel takes it from no living process."""

    def check(self) -> None:
        """Nothing to ask."""


@contextmanager
def held(folder: Path, name: str, *, wait: float = 0.0) -> Iterator[Flock]:
    """Hold `<folder>/<name>.lock`; raises LockHeld naming the holder after `wait` seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(handle, name, time.monotonic() + wait)
        with suppress(OSError):  # a full disk: the lock holds, only its holder's name is missing
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield Flock()
    finally:
        os.close(handle)


def _take(handle: int, name: str, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(handle, 32, 0).decode() or "unknown"
                raise LockHeld(
                    f"another run holds the {name} lock (process {holder})",
                    "wait until it ends, then run again",
                ) from None
            time.sleep(0.05)
