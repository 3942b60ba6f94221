"""Which engine holds a target's state: `state.db` in its folder, or the Postgres that its profile names."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tailrace.errors import FatalError
from tailrace.state.sqlite import FILE, SQLiteStore
from tailrace.state.store import Store

if TYPE_CHECKING:
    from tailrace.state.postgres import PostgresStore

Reading = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


class Revealing(Protocol):
    def reveal(self) -> str: ...


class Shared(Protocol):
    """A profile's `state:`; `lease` in seconds."""

    @property
    def url(self) -> Revealing: ...
    @property
    def schema(self) -> str: ...
    @property
    def lease(self) -> float: ...


class HasState(Protocol):
    """A target, as far as its state goes."""

    @property
    def state(self) -> Shared | None: ...


def open_store(target: HasState | None, folder: Path, run_id: str = "") -> Store:
    """Open, making what is missing. `run_id`: whom locks name as their holder. Without a target: `state.db` in the folder."""
    if target is None or target.state is None:
        return SQLiteStore(folder / FILE)
    store = _postgres(target.state, folder, run_id)
    try:
        store.prepare()
    except BaseException:
        store.close()
        raise
    return store


def open_existing(target: HasState, folder: Path) -> Store | None:
    """None where nothing has run yet; makes nothing."""
    if target.state is None:
        return SQLiteStore(folder / FILE) if (folder / FILE).exists() else None
    store = _postgres(target.state, folder, "")
    try:
        if store.format():
            store.prepare()
            return store
    except BaseException:
        store.close()
        raise
    store.close()
    return None


@contextmanager
def reading(target: HasState, folder: Path) -> Iterator[Reading | None]:
    """SELECTs only, without waiting for who writes; None where nothing has run yet, or where the state cannot be read."""
    if target.state is not None:
        try:
            store = open_existing(target, folder)
        except FatalError:
            store = None
        try:
            yield None if store is None else store.read
        finally:
            if store is not None:
                store.close()
    elif not (folder / FILE).exists():
        yield None
    else:
        with closing(sqlite3.connect(f"{(folder / FILE).absolute().as_uri()}?mode=ro", uri=True)) as db:
            yield lambda sql, params: db.execute(sql, params).fetchall()


def _postgres(state: Shared, folder: Path, run_id: str) -> PostgresStore:
    try:
        from tailrace.state.postgres import PostgresStore

        return PostgresStore(state.url.reveal(), state.schema, folder, lease=state.lease, run_id=run_id)
    except ImportError as error:
        raise FatalError(
            f"a state on Postgres needs a package that is not installed ({error.name})",
            "Install it: pip install 'tailrace[postgres]'",
        ) from None
