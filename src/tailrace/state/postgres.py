"""The state in one schema of a Postgres, for workers on several machines: SQLAlchemy Core over psycopg.

Rows are locked where SQLite locks the file, every clock is the database's, and each write makes sure in its own transaction that
the locks of this process are still its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tailrace.errors import FatalError
from tailrace.state.leases import Leases
from tailrace.state.postgres_errors import refused
from tailrace.state.postgres_tables import STEPS
from tailrace.state.store import FORMAT, Lease, Rows, Store, Writing

CONNECTIONS = 5
"""Kept open by one process; its threads take turns, and up to as many again are opened at a rush."""

SETTINGS = {
    "synchronous_commit": "on",  # an intent is on the disk before its request leaves, whatever the server's default is
    "statement_timeout": "60s",
    "lock_timeout": "30s",
    # a holder that stands still in a transaction must not keep its row from whoever takes over
    "idle_in_transaction_session_timeout": "15s",
}
WIRE = {
    "connect_timeout": "10", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3",
    "tcp_user_timeout": "20000", "application_name": "tailrace",
}  # fmt: skip
"""libpq's words; what the address says itself goes before them. Seconds, but tcp_user_timeout in milliseconds."""


class _Writing:
    """Statements of the rooms, with `?` for values, as psycopg takes them."""

    def __init__(self, db: sa.Connection) -> None:
        self._db = db

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        return self._db.exec_driver_sql(spoken(sql), tuple(map(_value, parameters)))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> object:
        rows = [tuple(map(_value, row)) for row in parameters]
        return self._db.exec_driver_sql(spoken(sql), rows) if rows else None


class PostgresStore(Store):
    """An open schema of a Postgres. `lease`: seconds after which a lock ends that its holder does not renew."""

    def __init__(self, url: str, schema: str, folder: Path, *, lease: float = 60.0, run_id: str = "") -> None:
        self.folder, self.schema = folder, schema
        address = _address(url)
        self.place = f"postgresql://{address.host or ''}{f':{address.port}' if address.port else ''}/{address.database or ''}"
        folder.mkdir(parents=True, exist_ok=True)
        self._engine = _engine(address, schema)
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._leases = Leases(self._engine, self._refused, seconds=lease, run_id=run_id)

    def prepare(self) -> None:
        """Make the schema and its tables, or bring them up; workers that start together wait for the first."""
        with self._errors():
            if self.format() == FORMAT:
                return
            with self._engine.begin() as db:
                db.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": self.schema})
                version = self._format(db)
                if version > FORMAT:
                    raise FatalError(
                        f"{self.place}, schema {self.schema}, was written by a newer tailrace"
                        f" (format {version}, this one knows {FORMAT})",
                        "install the newer tailrace",
                    )
                self._bring_up(db, version)

    def format(self) -> int:
        """Of the tables that are there; 0 for none."""
        with self._errors(), self._reading.connect() as db:
            return self._format(db)

    def _format(self, db: sa.Connection) -> int:
        table = f"{_quoted(self.schema)}.format"
        if db.execute(sa.text("SELECT to_regclass(:table)"), {"table": table}).scalar() is None:
            return 0
        return int(db.execute(sa.text("SELECT version FROM format")).scalar_one())

    def _bring_up(self, db: sa.Connection, version: int) -> None:
        there = sa.text("SELECT count(*) FROM pg_namespace WHERE nspname = :name")
        if not db.execute(
            there, {"name": self.schema}
        ).scalar():  # CREATE .. IF NOT EXISTS asks for the right to create, too
            db.exec_driver_sql(f"CREATE SCHEMA {_quoted(self.schema)}".replace("%", "%%"))
        for step in range(version + 1, FORMAT + 1):
            for statement in STEPS.get(step, "").split(";\n"):
                if statement.strip():
                    db.exec_driver_sql(statement)
        db.exec_driver_sql("DELETE FROM format")
        db.execute(sa.text("INSERT INTO format VALUES (:version)"), {"version": FORMAT})

    @contextmanager
    def write(self) -> Iterator[Writing]:
        with self._errors():
            db = self._begun()
            try:
                yield _Writing(db)
                self._leases.check()
                db.commit()
            finally:
                db.close()  # rolls back what was not committed

    def _begun(self) -> sa.Connection:
        """A transaction whose first statement holds our leases; a connection that broke while nobody used it is replaced once."""
        for again in (True, False):
            db = self._engine.connect()
            try:
                self._leases.fence(db)
                return db
            except DBAPIError as error:
                db.close()
                if not (again and error.connection_invalidated):
                    raise
            except BaseException:
                db.close()
                raise
        raise AssertionError  # the second round returns or raises

    def read(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._errors():
            try:
                return self._read(sql, params)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return self._read(sql, params)

    def _read(self, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._reading.connect() as db:
            return [tuple(row) for row in _Writing(db).execute(sql, params).fetchall()]

    def lock_row(self, db: Writing, table: str, key: str, value: str) -> None:
        db.execute(f"SELECT 1 FROM {table} WHERE {key} = ? FOR UPDATE", (value,))

    def insert(self, db: Writing, sql: str, params: Sequence[Any]) -> int:
        return int(db.execute(f"{sql} RETURNING rowid", params).fetchone()[0])

    def now(self, db: Writing | None = None) -> float:
        asked = "SELECT extract(epoch FROM clock_timestamp())::float8"
        row = self.read(asked)[0] if db is None else db.execute(asked).fetchone()
        return float(row[0])

    def abandoned(self, db: Writing) -> list[str]:
        """A run at work holds a lease at every moment: of the run, or of the syncs that it delivers."""
        rows = db.execute(
            "SELECT run_id FROM runs WHERE status = 'running' AND run_id NOT IN"
            " (SELECT run_id FROM leases WHERE run_id IS NOT NULL AND expires_at > clock_timestamp())"
        )
        return [str(row[0]) for row in rows.fetchall()]

    def held(self, name: str, *, wait: float = 0.0) -> AbstractContextManager[Lease]:
        return self._leases.held(name, wait=wait)

    def check(self) -> None:
        self._leases.check()

    def close(self) -> None:
        self._leases.close()
        self._engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise self._refused(error) from None  # its own text may hold the address

    def _refused(self, error: SQLAlchemyError) -> FatalError:
        return refused(error, self.place, self.schema)


def spoken(sql: str) -> str:
    """Our SQL as psycopg takes it."""
    return sql.replace("%", "%%").replace("?", "%s")


def _value(value: Any) -> Any:
    """Postgres keeps no NUL in a text."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _address(url: str) -> sa.URL:
    try:
        return sa.make_url(url).set(drivername="postgresql+psycopg")
    except (SQLAlchemyError, ValueError):  # its text holds the address
        raise FatalError(
            "`state: url:` cannot be read", "Write postgresql://user:password@host:5432/database"
        ) from None


def _engine(address: sa.URL, schema: str) -> sa.Engine:
    options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    path = _quoted(schema).replace("\\", "\\\\").replace(" ", "\\ ")
    given = {name: value for name, value in WIRE.items() if name not in address.query}
    own = address.query.get("options", "")
    return sa.create_engine(
        address.difference_update_query(["options"]),
        connect_args={**given, "options": f"{options} {own} -c search_path={path}"},
        pool_size=CONNECTIONS,
        max_overflow=CONNECTIONS,
        hide_parameters=True,
    )
