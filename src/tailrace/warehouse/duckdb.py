"""DuckDB as the warehouse: one process writes `work.duckdb`, analysts read the published copy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from tailrace.errors import LockHeld, WarehouseError
from tailrace.warehouse.base import FORMAT, META, Dialect, TableRef
from tailrace.warehouse.lean import without_pandas
from tailrace.warehouse.sql import DuckDBDialect

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

DEFAULTS = {"memory_limit": "512MB", "threads": 2}
MEMORY = ":memory:"
FEW = 1_000_000
SPARE, SPARE_ROW = 100_000_000, 100
"""Bytes of memory for work on few rows, and for each of them."""

LOG = "64MB"
"""Of changes that are written down and not yet folded into the file; they lie in memory, too."""


class DuckDBWarehouse:
    """One open DuckDB file (or memory). Not for several threads at once, but for `native().cursor()`."""

    engine = "duckdb"

    def __init__(
        self,
        path: Path | None,
        *,
        read_only: bool = False,
        settings: Mapping[str, Any] | None = None,
        attach: Sequence[Mapping[str, str]] = (),
    ) -> None:
        self.dialect: Dialect = DuckDBDialect()
        self.path = path
        self._depth = 0
        chosen = {**DEFAULTS, **(settings or {})}
        self._memory = str(chosen["memory_limit"])
        self._spare = False
        self._con = _connect(path, read_only, chosen)
        try:
            if not read_only:
                self._check_format()
            for other in attach:
                self.attach(Path(other["path"]), other["alias"])
        except BaseException:
            self._con.close()
            raise

    def _check_format(self) -> None:
        """Refuse a file of a newer tailrace; sign a new one."""
        if self.columns(TableRef(META, "format")):
            found = int(self.query(f"SELECT max(version) FROM {META}.format")[0][0])
            if found > FORMAT:
                raise WarehouseError(
                    f"{self.path} was written by a newer tailrace (format {found}, this one knows {FORMAT})",
                    "install the newer tailrace, or restore an earlier file",
                )
            return
        self.ensure_schema(META)
        self.execute(f"CREATE TABLE {META}.format AS SELECT {FORMAT} AS version")

    def attach(self, path: Path, alias: str) -> None:
        """Another DuckDB file, read-only, whose tables are `alias.schema.table`."""
        try:
            self._con.execute(
                f"ATTACH {self.dialect.literal(str(path))} AS {self.dialect.quote(alias)} (READ_ONLY)"
            )
        except duckdb.Error as error:
            raise WarehouseError(f"cannot attach {path} as {alias}: {_first_line(error)}") from error

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._run(sql, params).fetchall()

    def arrow(self, sql: str) -> pa.Table:
        return self._run(sql, ()).to_arrow_table()

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        self._run(sql, params)

    def _run(self, sql: str, params: Sequence[Any]) -> duckdb.DuckDBPyConnection:
        try:
            if not params:
                return self._con.execute(sql)
            with without_pandas():
                return self._con.execute(sql, list(params))
        except duckdb.Error as error:
            raise WarehouseError(_first_line(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._depth:
            yield
            return
        self._depth += 1
        self._run("BEGIN TRANSACTION", ())
        try:
            yield
            self._run("COMMIT", ())
        except BaseException:
            self._rollback()
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def sparing(self, rows: int) -> Iterator[None]:
        """For work on `rows` rows in many small statements: few are not spread over threads, and the log is folded in once.

        Spreading 100,000 rows cost twice the CPU and 100 MB; every commit beyond 16 MB would rewrite the tables' last blocks.
        Few rows get less memory, too: what the engine may keep, it keeps. Where that is not enough, `amply` gives all.
        """
        names = ("threads", "checkpoint_threshold", "memory_limit")
        before = self.query("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))[0]
        if rows <= FEW:
            self._run("SET threads = 1", ())
            self._limit(str(before[2]), SPARE + rows * SPARE_ROW)
        self._run(f"SET checkpoint_threshold = '{LOG}'", ())
        try:
            yield
        finally:
            self._run(f"SET threads = {before[0]}", ())
            self._run(f"SET checkpoint_threshold = '{before[1]}'", ())
            self._give_all()

    def amply(self, work: Callable[[], T]) -> T:
        """What `work` returns; where the memory of `sparing` does not do, it is done again with all that is allowed."""
        try:
            return work()
        except WarehouseError as error:
            short = isinstance(error.__cause__, duckdb.OutOfMemoryException)
            if not short or not self._spare or self._depth:
                raise
            self._give_all()
            return work()

    def _limit(self, allowed: str, spare: int) -> None:
        """`allowed` is DuckDB's own text, which is rounded: what is given back later is the setting itself."""
        if spare >= _bytes(allowed):
            return
        try:
            self._run(f"SET memory_limit = '{spare}B'", ())
            self._spare = True
        except WarehouseError:
            return  # more than that is in use already, and cannot be put aside

    def _give_all(self) -> None:
        if self._spare:
            self._run(f"SET memory_limit = '{self._memory}'", ())
            self._spare = False

    def _rollback(self) -> None:
        try:
            self._con.execute("ROLLBACK")
        except duckdb.Error:
            return  # DuckDB has ended the transaction itself; the first error is the one to show

    def stamp(self, ref: TableRef) -> str | None:  # noqa: ARG002
        return None

    def keep_near(self, ref: TableRef) -> bool:  # noqa: ARG002
        """All of it is here."""
        return True

    def create(
        self,
        ref: TableRef,
        columns: Mapping[str, str],
        *,
        partition: str = "",  # noqa: ARG002 -- nothing is billed here
        cluster: Sequence[str] = (),  # noqa: ARG002
    ) -> None:
        listed = ", ".join(f"{self.dialect.quote(name)} {kind}" for name, kind in columns.items())
        self.execute(f"CREATE TABLE IF NOT EXISTS {self.dialect.table(ref)} ({listed})")

    def add_columns(self, ref: TableRef, columns: Mapping[str, str]) -> None:
        """DuckDB takes one of them a statement."""
        for name, kind in columns.items():
            column = f"{self.dialect.quote(name)} {kind}"
            self.execute(f"ALTER TABLE {self.dialect.table(ref)} ADD COLUMN IF NOT EXISTS {column}")

    def bring(self, source: TableRef, into: TableRef) -> None:
        table = self.dialect.table
        self.execute(f"INSERT INTO {table(into)} BY NAME SELECT * FROM {table(source)}")

    def interrupt(self) -> None:
        self._con.interrupt()

    def columns(self, ref: TableRef) -> dict[str, str]:
        rows: Any = self.query(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name ="
            " CASE WHEN ? = 'temp' THEN 'temp' ELSE current_database() END"
            " AND schema_name = CASE WHEN ? = 'temp' THEN 'main' ELSE ? END AND table_name = ? ORDER BY column_index",
            [ref.schema, ref.schema, ref.schema, ref.name],
        )
        return dict(rows)

    def tables(self, schema: str) -> dict[str, str]:
        rows: Any = self.query(
            "SELECT table_name, 'table' FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = ?"
            " UNION ALL SELECT view_name, 'view' FROM duckdb_views()"
            " WHERE database_name = current_database() AND schema_name = ? ORDER BY 1",
            [schema, schema],
        )
        return dict(rows)

    def ensure_schema(self, schema: str) -> None:
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.dialect.quote(schema)}")

    @contextmanager
    def registered(self, name: str, table: pa.Table) -> Iterator[str]:
        self._con.register(name, table)
        try:
            yield self.dialect.quote(name)
        finally:
            self._con.unregister(name)

    def copy_to_parquet(self, sql: str, path: Path) -> int:
        temporary = path.with_name(path.name + ".tmp")
        target = self.dialect.literal(str(temporary))
        rows = self.query(f"COPY ({sql}) TO {target} (FORMAT parquet, ROW_GROUP_SIZE 10000)")
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_folder(path.parent)
        return int(rows[0][0])

    def dlt_destination(self) -> Any:
        """A cursor of its own: dlt sets search_path and TimeZone on the connection that it is given."""
        import dlt

        return dlt.destinations.duckdb(self._con.cursor())

    def native(self) -> duckdb.DuckDBPyConnection:
        return self._con

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file."""
        self.execute("CHECKPOINT")

    def close(self) -> None:
        self._con.close()


def _connect(path: Path | None, read_only: bool, settings: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {
        **{name: str(value) for name, value in settings.items()},
        # promise 7: nothing is fetched from the network at run time
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        con = duckdb.connect(str(path) if path else MEMORY, read_only=read_only, config=config)
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET enable_progress_bar = false")  # it would write into --json on stdout
        return con
    except duckdb.Error as error:
        raise _open_error(path, error) from error


def _open_error(path: Path | None, error: duckdb.Error) -> WarehouseError | LockHeld:
    text = _first_line(error)
    if "Conflicting lock" in str(error) or "Could not set lock" in str(error):
        return LockHeld(f"{path} is open in another process: {text}", "wait for it, or close that program")
    if (
        "newer version" in str(error)
        or "older version of DuckDB" in str(error)
        or "storage version" in str(error)
    ):
        return WarehouseError(
            f"{path} was written by another version of DuckDB: {text}", "open it with that version"
        )
    if "not a valid DuckDB database" in text or "orrupt" in text:
        return WarehouseError(
            f"{path} is damaged: {text}",
            "move it away, then run again: the work begins at what was published last",
        )
    return WarehouseError(
        f"cannot open {path}: {text}", "check the path, the permissions and the free disk space"
    )


def _bytes(setting: str) -> float:
    """DuckDB's own text of an amount of memory: 488.2 MiB."""
    number, unit = setting.split()
    return float(number) * float(1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit))


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n\n")[0].replace("\n", " ")


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
