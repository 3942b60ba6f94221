"""BigQuery behind the one interface: each statement runs where its tables are.

Statements come in DuckDB's dialect, as everywhere. One whose tables are all on this machine runs here, in DuckDB; any other
is translated and runs in BigQuery, with what it needs from here sent along. What is written to a table that lives in both
places is computed once and written twice. `Native` text is BigQuery's own and goes as it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tailrace.errors import FatalError, WarehouseError
from tailrace.failpoints import reach
from tailrace.warehouse.base import META, STAGE, Dialect, TableRef
from tailrace.warehouse.bigquery import logged, types
from tailrace.warehouse.bigquery.arrivals import Arrivals
from tailrace.warehouse.bigquery.ddl import create_table
from tailrace.warehouse.bigquery.fence import Fence
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.lease import HeldLease
from tailrace.warehouse.bigquery.literals import bound
from tailrace.warehouse.bigquery.logged import Logged
from tailrace.warehouse.bigquery.near import FEW, Near
from tailrace.warehouse.bigquery.script import Script
from tailrace.warehouse.bigquery.speech import Speech
from tailrace.warehouse.bigquery.statement import Statement, read_statement, singly
from tailrace.warehouse.bigquery.uploads import Uploads
from tailrace.warehouse.bigquery.work_file import file_id
from tailrace.warehouse.duckdb import DuckDBWarehouse

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

T = TypeVar("T")
ROWS = "_tailrace_rows"


class Native(str):
    """SQL in BigQuery's own words: run there, as it stands."""

    __slots__ = ()


class BigQueryWarehouse:
    """A dataset of Google's and a DuckDB file of ours. Not for several threads at once."""

    engine = "bigquery"

    def __init__(self, local: DuckDBWarehouse, jobs: Jobs, *, near_rows: int = FEW) -> None:
        self.local, self.jobs = local, jobs
        self.dialect: Dialect = local.dialect
        self.path = local.path
        self.near = Near(local, jobs, near_rows)
        self._uploads = Uploads(jobs, secrets.token_hex(4))
        self._arrivals = Arrivals(local, jobs)
        self._logged = Logged(local)
        self._late: set[TableRef] = set()
        if self._ahead.exists():
            self.refresh()
        self._speech = Speech(self.columns)
        self._script: Script | None = None
        self._columns: dict[TableRef, dict[str, str]] = {}
        self._fence: Fence | None = None

    def admit(self, lease: HeldLease) -> None:
        """Work under a lease: what is written bears its token. Copies that another file's run has left behind are fetched anew."""
        self._fence = lease.fence()
        self.jobs.check = self._fence.check
        file = file_id(self.local)
        if lease.entry.file != file:
            self.refresh()
            lease.claim(file)

    def check_lease(self) -> None:
        """LockLost where it is over; before what no script can carry a token in, such as a load job."""
        if self._fence is not None:
            self._fence.check()

    # what is read

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self._catch_up()
        if isinstance(sql, Native):
            return self.jobs.rows(sql)
        found = read_statement(sql)
        if found.kind in ("make", "insert", "change", "drop", "alter", "view"):
            return [(self._write(found, params),)]
        if self._is_here(found):
            return self.local.query(sql, params)
        return self._there(found, params, self.jobs.rows)

    def arrow(self, sql: str) -> pa.Table:
        self._catch_up()
        if isinstance(sql, Native):
            return self.jobs.arrow(sql)
        found = read_statement(sql)
        return self.local.arrow(sql) if self._is_here(found) else self._there(found, (), self.jobs.arrow)

    def _there(self, found: Statement, params: Sequence[Any], ask: Callable[[str], T]) -> T:
        self._check_unwritten(found.reads)
        try:
            return ask(self._translated(bound(found.sql, params), found))
        finally:
            if self._script is None:
                self._uploads.clear()

    def _is_here(self, found: Statement) -> bool:
        return all(self.near.is_here(ref) for ref in found.reads)

    def _check_unwritten(self, reads: frozenset[TableRef]) -> None:
        """A script is sent at its end: BigQuery would show the rows from before it."""
        late = self._script.written & reads if self._script is not None else set()
        if late:
            raise WarehouseError(f"{min(late)} is read in the transaction that writes it")

    def _translated(self, sql: str, found: Statement) -> str:
        """BigQuery's words, with the tables that are only here sent along."""
        here = {TableRef("", name): self.dialect.quote(name) for name in found.session}
        here |= {ref: self.dialect.table(ref) for ref in found.reads if ref.schema == STAGE}
        sent = {}
        for ref, name in here.items():
            arrived = self._arrivals.relation(ref.name)
            if arrived:
                sent[ref] = (arrived, self.local.columns(TableRef("temp", ref.name)))
                continue
            rows = self.local.arrow(f"SELECT {self._needed(name, found)} FROM {name}")
            columns = {one.name: types.of_arrow(one.type) for one in rows.schema}
            sent[ref] = (self._uploads.relation(rows), columns)
        named = found.reads if found.target is None else found.reads | {found.target}
        return self._speech.translated(sql, named, sent)

    def _needed(self, name: str, found: Statement) -> str:
        """The columns of a table here that a statement names; all where it may take rows as they are."""
        rows = self.local.query(f"SELECT column_name FROM (DESCRIBE {name})")
        listed = [str(column) for (column,) in rows]
        needed = [column for column in listed if found.words is None or column.casefold() in found.words]
        return ", ".join(map(self.dialect.quote, needed or listed))

    # what is written

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        self._catch_up()
        if isinstance(sql, Native):
            self._native(sql)
            return
        found = read_statement(sql)
        if found.kind == "select":
            self.query(sql, params)
        elif found.kind == "other" or found.target is None:
            self.local.execute(sql, params)
        else:
            self._write(found, params)

    def _native(self, sql: Native) -> None:
        self._columns.clear()
        self._run(sql)

    def _write(self, found: Statement, params: Sequence[Any]) -> int | None:
        target = found.target
        assert target is not None
        if found.temporary or target.schema == STAGE:
            return self._write_here(found, params)
        if found.kind in ("make", "view", "drop", "alter"):
            return self._define(found, target)
        with self._both(target):
            return self._write_rows(found, target, params)

    @contextmanager
    def _both(self, target: TableRef) -> Iterator[None]:
        """What is written in two places is written in a transaction."""
        if not self.near.is_both(target):
            yield
            return
        with self.transaction():
            yield

    def _write_rows(self, found: Statement, target: TableRef, params: Sequence[Any]) -> int | None:
        if not found.reads and any(self._arrivals.relation(name) for name in found.session):
            return self._change(found, target, params)
        if found.kind == "insert" and found.body and self._is_here(found):
            return self._write_twice(found, target, self.local.arrow(bound(found.body, params)))
        if self.near.is_both(target) and not self._is_here(found):
            if found.kind != "insert":
                raise WarehouseError(
                    f"a table of both sides is changed by what is only there: {found.sql[:160]}"
                )
            rows = self._there(read_statement(bound(found.body, params)), (), self.jobs.arrow)
            return self._write_twice(found, target, rows)
        return self._change(found, target, params)

    def _write_here(self, found: Statement, params: Sequence[Any]) -> int:
        """A temporary or staged table: of rows from there, if need be."""
        if found.body and not self._is_here(found):
            rows = self._there(read_statement(bound(found.body, params)), (), self.jobs.arrow)
            with self.local.registered(ROWS, rows) as name:
                if found.kind in ("make", "view"):
                    kind = "TEMP TABLE" if found.temporary else "TABLE"
                    self.local.execute(
                        f"CREATE OR REPLACE {kind} {_quoted(self, found)} AS SELECT * FROM {name}"
                    )
                else:
                    names = f" ({', '.join(map(self.dialect.quote, found.names))})" if found.names else ""
                    names += " BY NAME" if found.by_name else ""
                    self.local.execute(f"INSERT INTO {_quoted(self, found)}{names} SELECT * FROM {name}")
            return int(rows.num_rows)
        result = self.local.query(found.sql, params)
        return int(result[0][0]) if result and isinstance(result[0][0], int) else 0

    def _define(self, found: Statement, target: TableRef) -> int:
        """Tables come and go at once, also inside a transaction: BigQuery has no other way."""
        self._columns.pop(target, None)
        if found.kind == "make" and not found.body and not found.replaces and self.columns(target):
            return 0
        self._check_unwritten(found.reads)
        self.jobs.ensure_dataset(target.schema)
        if logged.holds(target):
            self._define_logged(found, target)
            return 0
        said = self._translated(found.sql, found)
        if not self.near.is_both(target) and not self.near.is_awaited(target):
            self._run(said)
        else:
            self._define_twice(found, target, said)
        self._columns.pop(target, None)  # the translation has asked for them
        return 0

    def _define_twice(self, found: Statement, target: TableRef, said: str) -> None:
        """There first, as with rows: after a kill between the two the next run fetches what is here anew."""
        self._late.add(target)
        self._run(said, self._noted(said))
        self._late.discard(target)
        self.local.ensure_schema(target.schema)
        for one in singly(found):
            self.local.execute(one)
        self.near.came(target)
        if self._script is None and not self._late:
            self._ahead.unlink(missing_ok=True)

    def _define_logged(self, found: Statement, target: TableRef) -> None:
        """A log there and a view of it; here what the log has, which a killed run may have begun."""
        said = logged.defined(self.jobs, self.local, found, target)
        self._late.add(target)
        for one in said:
            self._run(one, self._noted(one))
        self._catch_up()

    def _write_twice(self, found: Statement, target: TableRef, rows: pa.Table) -> int:
        """Rows that are known here: into the table there, and into its copy here."""
        names = tuple(rows.column_names) if found.by_name else found.names or tuple(self.columns(target))
        if not names:
            raise WarehouseError(f"there is no table {target}")
        listed = ", ".join(map(self.dialect.quote, names))
        rows = rows.rename_columns(list(names))
        if self.near.is_both(target):
            with self.local.registered(ROWS, rows) as name:
                self.local.execute(
                    f"INSERT INTO {self.dialect.table(target)} ({listed}) SELECT * FROM {name}"
                )
        if logged.holds(target):
            self._logged.note(target, rows)
        elif rows.num_rows:
            wanted = {name: self.columns(target)[name] for name in names}
            source = self._uploads.relation(_typed(rows, wanted))
            quoted = ", ".join(f"`{name}`" for name in names)
            self._send(
                f"INSERT INTO `{target.schema}`.`{target.name}` ({quoted}) SELECT {quoted} FROM {source}",
                target,
            )
        return int(rows.num_rows)

    def _change(self, found: Statement, target: TableRef, params: Sequence[Any]) -> int | None:
        """DELETE, UPDATE, MERGE, or INSERT from what is there: the same statement on both sides, if there are two.

        What changes nothing here changes nothing there, and is not sent. Inside a transaction it reads what was written before it.
        """
        sql = bound(found.sql, params)
        if logged.holds(target):
            return self._logged.change(sql, target)
        if self.near.is_both(target):
            changed = int(self.local.query(sql)[0][0])
            if changed:
                self._send(self._translated(sql, found), target)
            return changed
        return self._send(self._translated(sql, found), target)

    def send(self, sql: Native, target: TableRef) -> int | None:
        """Native DML on a table there, with the transaction that is open, if one is. Its rows; None where BigQuery does not say."""
        return self._send(sql, target)

    def _send(self, said: str, target: TableRef) -> int | None:
        if self._script is not None:
            self._script.add(said, target)
            return None
        changed = self._run(said)
        self._uploads.clear()
        return changed

    def _run(self, sql: str, name: str = "") -> int | None:
        """What writes there, behind the lease's fence if there is a lease; as the job `name`, where that was noted."""
        self.jobs.name_next(name)
        if self._fence is None:
            return self.jobs.execute(sql)
        return self._fence.execute(self.jobs, self._fence.around(sql))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._script is not None:
            yield
            return
        self._catch_up()
        self._script = Script()
        try:
            with self.local.transaction():
                yield
                for said, ref in self._logged.statements(self._uploads):
                    self._script.add(said, ref)
                self._commit(self._script)
            if not self._late:
                self._ahead.unlink(missing_ok=True)
        except BaseException:
            self._resume(self._script)
            raise
        finally:
            self._script = None
            self._logged.forget()
            self._uploads.clear()
            self._arrivals.clear()

    def _commit(self, script: Script) -> None:
        """There first, then here: a kill between the two leaves the mark, and the next run fetches what is here anew."""
        if script.statements:
            text = script.text(self._fence.statement() if self._fence else "")
            script.job = self._noted(text)
            self.jobs.name_next(script.job)
            if self._fence is None:
                self.jobs.execute(text)
            else:
                self._fence.execute(self.jobs, text)
            reach("bigquery:sent")

    def _noted(self, text: str) -> str:
        """The id of the job that is about to be sent: until it has ended, nothing is fetched."""
        name = self.jobs.badge.job_id(text)
        self._ahead.write_text(name)
        return name

    def _await_noted(self) -> None:
        name = self._ahead.read_text() if self._ahead.exists() else ""
        if name:
            self.jobs.await_end(name)

    def _resume(self, script: Script) -> None:
        """What the script did before its answer was lost shows in the copies, too, once it has ended: now, or later."""
        self._script = None
        if script.job:
            self._late |= {ref for ref in script.written if self.near.is_both(ref)}
        with suppress(FatalError):  # what ended the transaction is told
            self._catch_up()

    def _catch_up(self) -> None:
        """Fetch what a job may have written whose answer was lost. WarehouseError as long as it goes on: its copies are old."""
        if not self._late or self._script is not None:
            return
        self._await_noted()
        for ref in sorted(self._late):
            self.near.fetch(ref)
            if self.local.columns(ref) or not self.near.is_awaited(ref):
                self.near.came(ref)
        self._late.clear()
        self._ahead.unlink(missing_ok=True)

    @property
    def _ahead(self) -> Path:
        """There while BigQuery may be ahead of the copies."""
        assert self.path is not None
        return self.path.with_name(self.path.name + ".ahead")

    @contextmanager
    def sparing(self, rows: int) -> Iterator[None]:
        with self.local.sparing(rows):
            yield

    def amply(self, work: Callable[[], T]) -> T:
        return self.local.amply(work)

    # what is there

    def refresh(self) -> None:
        """Fetch anew what is kept here: another machine may have written since, or a kill came between the two writes."""
        self._await_noted()
        self.near.fetch_all()
        self._late.clear()
        self._ahead.unlink(missing_ok=True)

    def keep_near(self, ref: TableRef) -> bool:
        self._columns.clear()
        self.near.keep(ref)
        return self.near.is_both(ref) or self.near.is_awaited(ref)

    def create(
        self, ref: TableRef, columns: Mapping[str, str], *, partition: str = "", cluster: Sequence[str] = ()
    ) -> None:
        if ref.schema in ("temp", STAGE):
            self.local.create(ref, columns)
            return
        self._columns.pop(ref, None)
        self.jobs.ensure_dataset(ref.schema)
        if self.near.is_both(ref) or self.near.is_awaited(ref):
            self.local.ensure_schema(ref.schema)
            self.local.create(ref, columns)
            self.near.came(ref)
        create_table(self.jobs, ref, columns, partition=partition, cluster=cluster)

    def add_columns(self, ref: TableRef, columns: Mapping[str, str]) -> None:
        """In one statement: Google takes five updates of a table in ten seconds ("Quotas and limits", standard tables)."""
        if ref.schema in ("temp", STAGE):
            self.local.add_columns(ref, columns)
        elif columns:
            added = (
                f"ADD COLUMN IF NOT EXISTS {self.dialect.quote(name)} {kind}"
                for name, kind in columns.items()
            )
            self.execute(f"ALTER TABLE {self.dialect.table(ref)} {', '.join(added)}")

    def bring(self, source: TableRef, into: TableRef) -> None:
        if self.near.is_here(source):
            self.local.bring(source, into)
            return
        for page in self.jobs.read(source):
            with self.local.registered(ROWS, page) as rows:
                self.local.execute(f"INSERT INTO {self.dialect.table(into)} BY NAME SELECT * FROM {rows}")

    def stamp(self, ref: TableRef) -> str | None:
        found = self.jobs.table(ref)
        if found is None or found.kind == "view":
            return ""
        return f"{found.modified.isoformat()}|{found.rows}|{found.bytes}"

    def columns(self, ref: TableRef) -> dict[str, str]:
        if ref.schema in ("", "temp", STAGE) or self.near.is_both(ref):
            return self.local.columns(ref)
        if ref not in self._columns:
            found = self.jobs.table(ref)
            if found is None:
                return {}
            self._columns[ref] = found.columns
        return dict(self._columns[ref])

    def tables(self, schema: str) -> dict[str, str]:
        return self.local.tables(schema) if schema in (META, STAGE) else self.jobs.tables(schema)

    def ensure_schema(self, schema: str) -> None:
        if schema in (META, STAGE):
            self.local.ensure_schema(schema)
        if schema != STAGE:
            self.jobs.ensure_dataset(schema)

    @contextmanager
    def registered(self, name: str, table: pa.Table) -> Iterator[str]:
        with self.local.registered(name, table) as quoted:
            yield quoted

    def copy_to_parquet(self, sql: str, path: Path) -> int:
        if self._is_here(read_statement(sql)):
            return self.local.copy_to_parquet(sql, path)
        with self.local.registered(ROWS, self.arrow(sql)) as name:
            return self.local.copy_to_parquet(f"SELECT * FROM {name}", path)

    def dlt_destination(self) -> Any:
        from tailrace.warehouse.bigquery.dlt_destination import destination

        return destination(self._arrivals.take)

    def native(self) -> duckdb.DuckDBPyConnection:
        """The open connection of this machine's part."""
        return self.local.native()

    def interrupt(self) -> None:
        """Stop what runs here or there, from another thread."""
        self.local.native().interrupt()
        self.jobs.cancel()

    def checkpoint(self) -> None:
        self.local.checkpoint()

    def close(self) -> None:
        self.local.close()
        self.jobs.close()


def _quoted(warehouse: BigQueryWarehouse, found: Statement) -> str:
    assert found.target is not None
    if found.temporary:
        return warehouse.dialect.quote(found.target.name)
    return warehouse.dialect.table(found.target)


def _typed(rows: pa.Table, wanted: Mapping[str, str]) -> pa.Table:
    """Rows with the types of the table that they go into."""
    import pyarrow as pa

    columns = []
    for one, column in zip(rows.schema, rows.columns, strict=True):
        kind = types.arrow_of(wanted[one.name], one.type)
        # a column of nothing but NULLs has whatever type a literal NULL has
        empty = column.null_count == len(column)
        columns.append(pa.nulls(len(column), kind) if empty else column.cast(kind))
    return pa.table(columns, names=rows.column_names)
