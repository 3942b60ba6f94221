"""What holds a target's state, whatever engine is behind it: `state.db` (sqlite.py) or a schema of a Postgres (postgres.py).

The rooms beside this one write SQL that both engines read: `?` for values, `ON CONFLICT`, `"window"` in quotes. What the engines say
differently is a method here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

FORMAT = 3
"""Of the tables; an older store is brought up step by step, a newer one is refused."""


class Rows(Protocol):
    """What a statement gave back."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> Sequence[Any]: ...


class Writing(Protocol):
    """An open write transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> object: ...


class Lease(Protocol):
    """A held lock."""

    def check(self) -> None:
        """LockLost where it is not ours any more; asks nobody, so it may stand before every step."""


class Store(ABC):
    """The open state of one target, safe for several threads and processes.

    `folder` lies on this machine: staged files are told by their place in it. What `write` has done is on the disk when its block
    ends, since the journal's intent must be there before the request leaves.
    """

    folder: Path
    place: str
    """How messages name it; never with a password."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Writing]:
        """One write transaction. LockLost where a lock that this store holds is not ours any more; nothing is written then."""

    @abstractmethod
    def read(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""

    @abstractmethod
    def lock_row(self, db: Writing, table: str, key: str, value: str) -> None:
        """Until the transaction ends nobody else writes the row whose `key` is `value`, where it exists."""

    @abstractmethod
    def insert(self, db: Writing, sql: str, params: Sequence[Any]) -> int:
        """Insert one row of a table that has a `rowid`, and tell it."""

    @abstractmethod
    def now(self, db: Writing | None = None) -> float:
        """Seconds since 1970 by the clock that all who share the state go by; FatalError where it cannot be asked."""

    @abstractmethod
    def abandoned(self, db: Writing) -> list[str]:
        """Runs that are recorded as running and whose process is gone."""

    @abstractmethod
    def held(self, name: str, *, wait: float = 0.0) -> AbstractContextManager[Lease]:
        """Hold a lock of this name; LockHeld naming its holder after `wait` seconds."""

    @abstractmethod
    def check(self) -> None:
        """LockLost where a lock that this store took is not ours any more."""

    @abstractmethod
    def close(self) -> None:
        """End every connection."""

    def fact(self, name: str) -> str | None:
        """A small remembered value."""
        rows = self.read("SELECT value FROM facts WHERE name = ?", [name])
        return str(rows[0][0]) if rows else None

    def remember(self, name: str, value: str) -> None:
        with self.write() as db:
            db.execute(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
