"""What lies on this machine: the published file, what is attached, the state, its locks, the space that is left."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tailrace.connectors.sdk.base import Finding
from tailrace.errors import FatalError, LockHeld, TailraceError, refused_by_system
from tailrace.project.spec import Target
from tailrace.runner.session import LOCK
from tailrace.state.locks import held
from tailrace.state.opening import open_store
from tailrace.state.store import Store
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROOM = 1_000_000_000
"""Bytes that should be free whatever the warehouse's size is."""
GB = 1e9


def warehouse_findings(target: Target) -> Iterator[Finding]:
    """Of a DuckDB target: whether the published file can be read and written anew, and whether there is room for it."""
    path = target.path
    assert path is not None
    folder = _nearest(path.parent)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            "error", "warehouse", f"cannot write into {folder}", "change its permissions, or `path:`"
        )
    elif path.is_dir():
        yield Finding("error", "warehouse", f"{path} is a folder", "name a file as `path:`")
    else:
        yield from _opened(target, path)
        yield _room(path, folder)


def _opened(target: Target, path: Path) -> Iterator[Finding]:
    there = path.exists()
    try:
        found = DuckDBWarehouse(
            path if there else None, read_only=there, settings=target.settings, attach=target.attach
        )
        found.close()
    except TailraceError as error:
        yield Finding(
            "error", "warehouse", error.message, error.fix or "check `path:`, `attach:` and `settings:`"
        )
        return
    text = f"{path.name} opens" if there else f"{path.name} is not there yet, and can be written"
    attached = f", {len(target.attach)} attached" if target.attach else ""
    yield Finding("ok", "warehouse", text + attached)


def _room(path: Path, folder: Path) -> Finding:
    """Publishing copies the whole file."""
    free, size = shutil.disk_usage(folder).free, path.stat().st_size if path.exists() else 0
    text = f"{free / GB:,.1f} GB free, the warehouse has {size / GB:,.1f} GB"
    if free < size:
        return Finding("error", "disk", text, "free some space: publishing copies the warehouse")
    if free < max(2 * size, ROOM):
        return Finding("warning", "disk", text, "free some space: publishing copies the warehouse")
    return Finding("ok", "disk", text)


def state_findings(target: Target, folder: Path) -> Iterator[Finding]:
    """Whether the state can be used, and whether another run is at work."""
    try:
        store = open_store(target, folder)
    except (TailraceError, OSError, sqlite3.Error) as failure:
        error = refused_by_system(failure) if isinstance(failure, OSError) else failure
        fix = getattr(error, "fix", "") or "move it away, then run again"
        yield Finding("error", "state", str(getattr(error, "message", error)), fix)
        return
    try:
        yield from _used(store, "state.db" if target.state is None else store.place)
    finally:
        store.close()


def _used(store: Store, name: str) -> Iterator[Finding]:
    try:
        store.read("SELECT count(*) FROM runs")
    except (FatalError, sqlite3.Error) as error:
        fix = getattr(error, "fix", "") or "move it away, then run again"
        yield Finding("error", "state", str(getattr(error, "message", error)), fix)
        return
    yield Finding("ok", "state", f"{name} can be read and written")
    try:
        with held(store, LOCK):
            yield Finding("ok", "lock", "no run is at work")
    except LockHeld as error:
        yield Finding("warning", "lock", error.message, error.fix)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)
