"""`state.db`: one SQLite file per target, in WAL, for the threads and processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tailrace.errors import FatalError
from tailrace.state import flocks
from tailrace.state.store import FORMAT, Lease, Store, Writing

FILE = "state.db"

TABLES = """
CREATE TABLE runs (run_id TEXT PRIMARY KEY, command TEXT NOT NULL, target TEXT NOT NULL, started_at TEXT NOT NULL,
  finished_at TEXT, status TEXT NOT NULL, error TEXT, pid INTEGER NOT NULL);
CREATE TABLE steps (run_id TEXT NOT NULL, position INTEGER NOT NULL, step TEXT NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL, rows_in INTEGER NOT NULL, rows_out INTEGER NOT NULL, seconds REAL NOT NULL, error TEXT,
  detail TEXT, PRIMARY KEY (run_id, position));
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE buckets (bucket TEXT PRIMARY KEY, requests INTEGER NOT NULL, window REAL NOT NULL, blocked_until REAL NOT NULL);
CREATE TABLE grants (bucket TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX grants_at ON grants (bucket, at);
CREATE TABLE approvals (changeset TEXT PRIMARY KEY, sync TEXT NOT NULL, asked_at TEXT NOT NULL, summary TEXT NOT NULL, approved_at TEXT);
CREATE TABLE deliveries (delivery TEXT PRIMARY KEY, sync TEXT NOT NULL, account TEXT NOT NULL, object TEXT NOT NULL, run_id TEXT NOT NULL,
  stage TEXT NOT NULL, rows INTEGER NOT NULL, created_at TEXT NOT NULL, meta TEXT NOT NULL, stopped TEXT);
CREATE TABLE batches (delivery TEXT NOT NULL, seq INTEGER NOT NULL, first INTEGER NOT NULL, n INTEGER NOT NULL,
  state INTEGER NOT NULL, sent_at TEXT NOT NULL, outcome BLOB, PRIMARY KEY (delivery, seq));
"""
SINCE_FORMAT_1 = """
CREATE TABLE quotas (connection TEXT NOT NULL, name TEXT NOT NULL, amount REAL NOT NULL, remaining REAL NOT NULL,
  unit TEXT NOT NULL, resets_at TEXT, told_at TEXT NOT NULL, PRIMARY KEY (connection, name));
"""
SINCE_FORMAT_2 = """
ALTER TABLE grants ADD COLUMN done REAL;
ALTER TABLE buckets ADD COLUMN blocked_at REAL NOT NULL DEFAULT 0;
"""
STEPS = {1: TABLES, 2: SINCE_FORMAT_1, 3: SINCE_FORMAT_2}
"""What each format added; a file of an older one is brought up step by step."""


class SQLiteStore(Store):
    """An open `state.db`. Every thread gets a connection of its own; locks are files beside it.

    `synchronous=FULL`, since the journal's intent must be on the disk before the request leaves.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.folder, self.place = path, path.parent, str(path)
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._prepare()

    def _prepare(self) -> None:
        with self.write() as db:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            if version > FORMAT:
                raise FatalError(
                    f"{self.path} was written by a newer tailrace (format {version}, this one knows {FORMAT})",
                    "install the newer tailrace",
                )
            for step in range(version + 1, FORMAT + 1):
                for statement in STEPS[step].split(";\n"):
                    if statement.strip():
                        db.execute(statement)
            if version < FORMAT:
                db.execute(f"PRAGMA user_version = {FORMAT}")

    def connection(self) -> sqlite3.Connection:
        """The calling thread's connection, in autocommit mode."""
        found: sqlite3.Connection | None = getattr(self._local, "db", None)
        if found is None:
            found = self._open()
            self._local.db = found
        return found

    def _open(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            fix = "check its permissions and the free disk space"
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                fix = "it is damaged: move it away, then run again; the ledger knows what was accepted"
            raise FatalError(f"cannot open {self.path}: {error}", fix) from error
        with self._guard:
            self._all.append(db)
        return db

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        db = self.connection()
        try:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        except BaseException as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise FatalError(
                    f"cannot write {self.path}: {error}", "free some disk space, then run again"
                ) from error
            raise

    def read(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection().execute(sql, tuple(params)).fetchall()

    def lock_row(self, db: Writing, table: str, key: str, value: str) -> None:
        """One transaction writes at a time: every row is locked already."""

    def insert(self, db: Writing, sql: str, params: Sequence[Any]) -> int:  # noqa: ARG002 - the interface's
        return int(self.connection().execute(sql, params).lastrowid or 0)

    def now(self, db: Writing | None = None) -> float:  # noqa: ARG002 - the interface's
        return time.time()

    def abandoned(self, db: Writing) -> list[str]:
        running = db.execute("SELECT run_id, pid FROM runs WHERE status = 'running'").fetchall()
        return [str(run_id) for run_id, pid in running if not _alive(pid)]

    def held(self, name: str, *, wait: float = 0.0) -> AbstractContextManager[Lease]:
        return flocks.held(self.folder, name, wait=wait)

    def check(self) -> None:
        """A file's lock is lost with its process, not before."""

    def close(self) -> None:
        with self._guard:
            for db in self._all:
                db.close()
            self._all.clear()
        self._local = threading.local()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != os.getpid()
