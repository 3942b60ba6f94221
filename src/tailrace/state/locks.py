"""Who may work: one word for a lock of one machine and for a lease that several machines go by."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tailrace.state import flocks
from tailrace.state.store import Lease, Store


def held(of: Store | Path, name: str, *, wait: float = 0.0) -> AbstractContextManager[Lease]:
    """Hold the lock `name` of a store, or of a folder of this machine; LockHeld naming its holder after `wait` seconds."""
    return flocks.held(of, name, wait=wait) if isinstance(of, Path) else of.held(name, wait=wait)
