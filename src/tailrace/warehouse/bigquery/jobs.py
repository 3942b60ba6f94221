"""What is asked of BigQuery: queries, scripts, loads, and what its catalogue tells for nothing.

Every job has an id of ours, so that a request that is repeated because its answer was lost finds its job instead of running
twice. Only what reads is started anew where Google's own trouble ended it; what writes never is.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tailrace.errors import WarehouseError
from tailrace.events import Event, StepFinished, StepStarted, listening
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery import datasets, types
from tailrace.warehouse.bigquery.asking import ANSWER, PATIENCE, in_trouble, only_reads, retry, told
from tailrace.warehouse.bigquery.badge import Badge
from tailrace.warehouse.bigquery.connection import is_emulated

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud import bigquery

T = TypeVar("T")

AGAIN = "run again: what it wrote, if anything, is fetched then"
RETRIES = 2
"""How often a query that Google's trouble ended is started anew."""


@dataclass(frozen=True)
class TableInfo:
    """What the catalogue says of a table or view; `columns` in DuckDB's types, `modified` in UTC."""

    kind: str
    columns: dict[str, str]
    rows: int
    bytes: int
    modified: datetime
    description: str


@dataclass
class Tally:
    """What a session has asked: billed jobs by kind of statement, bytes billed, and loads, which cost nothing."""

    statements: dict[str, int] = field(default_factory=dict)
    bytes_billed: int = 0
    loads: int = 0

    def count(self, job: Any) -> None:
        kind = str(job.statement_type or "SCRIPT")
        self.statements[kind] = self.statements.get(kind, 0) + 1
        self.bytes_billed += int(job.total_bytes_billed or 0)


@dataclass(frozen=True)
class DryRun:
    """What a query would read, and the columns that it would give, in DuckDB's types; {} where BigQuery does not say."""

    bytes: int
    columns: dict[str, str]


class Jobs:
    """One client, and every request that is made of it. Errors are WarehouseErrors that name the fix.

    `settings` are the target's, with `owner` (the project of ours) and `run` (the run's id) where there is a run. `runs_twice`: of
    an emulator, where a job that is inserted twice is two; Google answers 409 to the second (REST: "jobs.insert"). `check` is called
    before what no script can carry a lease's token in, loads and new tables: LockLost where the lease is over.
    """

    def __init__(self, client: bigquery.Client, settings: Mapping[str, Any]) -> None:
        self.client = client
        self.project = str(settings["project"])
        self.location = str(settings["location"])
        self.tally = Tally()
        own = settings.get("labels") or {}
        self.badge = Badge(str(settings.get("owner", "")), str(settings.get("run", "")), labels=own)
        self._settings = settings
        self.runs_twice = is_emulated(settings)
        self.check: Callable[[], None] = _nobody
        self._datasets: set[str] = set()
        self._unanswered = self._next = ""
        self._running: Any = None
        self._listening = listening(self._heard)
        self._listening.__enter__()

    def _heard(self, event: Event) -> None:
        """The step stands on each of its jobs."""
        if isinstance(event, StepStarted):
            self.badge.step = event.step
        elif isinstance(event, StepFinished):
            self.badge.step = ""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query or script; instants are UTC without a zone, as DuckDB's are."""
        return self._run(sql, lambda found: [tuple(map(_plain, row.values())) for row in found])

    def arrow(self, sql: str) -> pa.Table:
        """The rows of a query as an Arrow table, instants without a zone."""
        return self._run(sql, lambda found: types.unzoned(found.to_arrow(create_bqstorage_client=False)))

    def execute(self, sql: str) -> int | None:
        """A statement or script; returns the rows that it changed, None of scripts and DDL."""
        self._run(sql, lambda _found: None)
        changed = self._running.num_dml_affected_rows
        return None if changed is None else int(changed)

    def dry_run(self, sql: str) -> DryRun:
        """What a query would read and give; it is not run and costs nothing."""
        from google.cloud import bigquery

        labels = self.badge.all_labels("plan")
        config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False, labels=labels)
        with self._told(sql):
            place = self.location
            asked = {
                "retry": retry(),
                "job_retry": None,
                "timeout": ANSWER,
            }  # else Google's client asks for ten minutes
            job = self.client.query(sql, job_config=config, location=place, **asked)
            columns = {one.name: types.to_duckdb(one) for one in job.schema or ()}
            return DryRun(int(job.total_bytes_processed or 0), columns)

    def _run(self, sql: str, taken: Callable[[Any], T]) -> T:
        """Run it and take its rows; a query that Google's trouble ended is started anew, anything else never."""
        left = int(self._settings.get("job_retries", RETRIES)) if only_reads(sql) else 0
        with self._told(sql):
            while True:
                self._running = self._started(sql)
                try:
                    found = taken(self._running.result(retry=retry()))
                    break
                except Exception as error:
                    if not left or not in_trouble(error):
                        raise
                    left -= 1
        self.tally.count(self._running)
        return found

    def _started(self, sql: str) -> Any:
        """The job, inserted once: where the first answer was lost, the second says that its id is taken."""
        from google.api_core.exceptions import ClientError, Conflict

        name, self._next = self._next or self.badge.job_id(sql), ""
        config, once = self._config(), self.runs_twice and not only_reads(sql)
        self._unanswered = name
        job: Any
        try:
            job = self.client.query(
                sql,
                job_id=name,
                job_config=config,
                location=self.location,
                retry=None if once else retry(),  # type: ignore[arg-type]
                job_retry=None,
                timeout=None if once else ANSWER,
            )
        except Conflict:
            job = self.client.get_job(name, location=self.location, retry=retry(), timeout=ANSWER)
        except ClientError:
            self._unanswered = ""
            raise
        self._unanswered = ""
        return job

    def _config(self) -> Any:
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(**self._limits())
        if self._settings.get("max_bytes_billed") is not None:  # the client would send "None"
            config.maximum_bytes_billed = self._settings["max_bytes_billed"]
        if self._settings.get("priority") == "batch":
            config.priority = bigquery.QueryPriority.BATCH
        return config

    def _limits(self) -> dict[str, Any]:
        """What every job has: labels, and how long it may take."""
        seconds = self._settings.get("job_timeout")
        timeout = {"job_timeout_ms": int(seconds * 1000)} if seconds else {}
        return {"labels": self.badge.all_labels(), **timeout}

    def cancel(self) -> None:
        """Stop what is running; from another thread, as Ctrl-C does."""
        if self._running is not None:
            self._running.cancel(timeout=ANSWER)

    def listed(self, state: str) -> list[Any]:
        """Jobs of this account in a state (running, pending), for nothing."""
        with self._told("list jobs"):
            return list(self.client.list_jobs(state_filter=state, retry=retry(), timeout=ANSWER))

    def cancel_job(self, job: Any) -> None:
        with self._told("cancel a job"):
            job.cancel(retry=retry(), timeout=ANSWER)

    def name_next(self, name: str) -> None:
        """The id that the next query or script has, by which it can be looked up whatever becomes of its answer; "" for any."""
        self._next = name

    def await_end(
        self, name: str, *, sleep: Callable[[float], None] = time.sleep, patience: float = PATIENCE
    ) -> None:
        """Return once a job of ours has ended, however it did. WarehouseError where it goes on, or its request may still arrive."""
        from google.api_core.exceptions import NotFound

        waited, pause = 0.0, 0.2
        with self._told(f"look at job {name}"):
            try:
                job: Any = self.client.get_job(name, location=self.location, retry=retry(), timeout=ANSWER)
            except NotFound:
                if name != self._unanswered:
                    return  # refused, or never sent
                raise WarehouseError(f"it is not known whether job {name} was begun", AGAIN) from None
            while not job.done(retry=retry(), timeout=ANSWER):
                if waited >= patience:
                    fix = (
                        f"wait, or end it: `bq cancel {self.project}:{self.location}.{name}`, then run again"
                    )
                    raise WarehouseError(f"job {name} has not ended", fix)
                sleep(pause)
                waited, pause = waited + pause, min(pause * 2, 5.0)

    def is_done(self, job: Any) -> bool:
        with self._told("look at a job"):
            return bool(job.done(retry=retry(), timeout=ANSWER))

    def load(self, table: pa.Table, ref: TableRef, *, replace: bool = False, first: bool = False) -> None:
        """Append an Arrow table by a load job, which costs nothing; columns are matched by name. `replace`: in place of all rows.

        `first`: only where there are no rows; of two at once one comes through.
        """
        import pyarrow.parquet as pq
        from google.cloud import bigquery

        self.check()
        schema = self._schema_of(table, ref, replace=replace)
        config = bigquery.LoadJobConfig(
            source_format="PARQUET",
            parquet_options=types.parquet_options(),
            write_disposition="WRITE_TRUNCATE" if replace else "WRITE_EMPTY" if first else "WRITE_APPEND",
            schema=schema,
            **self._limits(),
        )
        body = io.BytesIO()
        pq.write_table(types.loadable(table), body)
        body.seek(0)
        with self._told(f"load into {ref}"):
            self._running = self._sent(body, ref, config)
            self._running.result(retry=retry())
        self.tally.loads += 1

    def _sent(self, body: io.BytesIO, ref: TableRef, config: Any) -> Any:
        """The load job, inserted once."""
        from google.api_core.exceptions import Conflict

        name, place = self.badge.job_id(f"load {ref}"), self.location
        try:
            return self.client.load_table_from_file(
                body, self.name(ref), job_id=name, job_config=config, location=place, timeout=ANSWER
            )
        except Conflict:
            return self.client.get_job(name, location=place, retry=retry(), timeout=ANSWER)

    def _schema_of(self, table: pa.Table, ref: TableRef, *, replace: bool) -> list[Any]:
        """The columns as they are there, in the file's order; of a new table as the file has them."""
        found = None if replace else self.table(ref)
        there = found.columns if found else {}
        return [
            types.field_of(one.name, there.get(one.name) or types.of_arrow(one.type)) for one in table.schema
        ]

    def read(self, ref: TableRef) -> Iterator[pa.Table]:
        """A table's rows through the catalogue's own listing, which costs nothing, in pages."""
        import pyarrow as pa

        with self._told(f"read {ref}"):
            for batch in self.client.list_rows(self.name(ref), retry=retry()).to_arrow_iterable():
                yield types.unzoned(pa.Table.from_batches([batch]))

    def table(self, ref: TableRef) -> TableInfo | None:
        """A table as the catalogue has it, for nothing; None where there is none."""
        from google.api_core.exceptions import NotFound

        with self._told(f"look at {ref}"):
            try:
                found = self.client.get_table(self.name(ref), retry=retry(), timeout=ANSWER)
            except NotFound:
                return None
        return TableInfo(
            "view" if found.table_type == "VIEW" else "table",
            {one.name: types.to_duckdb(one) for one in found.schema},
            int(found.num_rows or 0),
            int(found.num_bytes or 0),
            found.modified or datetime.now(UTC),
            found.description or "",
        )

    def tables(self, schema: str) -> dict[str, str]:
        """Names in a dataset: "table" or "view"; {} where there is no such dataset."""
        from google.api_core.exceptions import NotFound

        with self._told(f"list {schema}"):
            try:
                dataset = f"{self.project}.{schema}"
                listed = list(self.client.list_tables(dataset, retry=retry(), timeout=ANSWER))
            except NotFound:
                return {}
        return {
            one.table_id: "view" if one.table_type == "VIEW" else "table" for one in sorted(listed, key=_id)
        }

    def ensure_dataset(self, schema: str) -> None:
        """Make a dataset in the target's location. WarehouseError where it is there, and lies elsewhere."""
        if schema in self._datasets:
            return
        with self._told(f"make the dataset {schema}"):
            datasets.stand(self.client, f"{self.project}.{schema}", self.location)
        self._datasets.add(schema)

    def name(self, ref: TableRef) -> str:
        """As Google's client takes it."""
        return f"{self.project}.{ref.schema}.{ref.name}"

    def _told(self, doing: str) -> AbstractContextManager[None]:
        """Google's errors as ours."""
        return told(doing, self.project, self.location, lambda: getattr(self._running, "job_id", None) or "")

    def close(self) -> None:
        self._listening.__exit__(None, None, None)
        self.client.close()  # type: ignore[no-untyped-call]


def _nobody() -> None:
    """There is no lease to look at."""


def _id(table: Any) -> str:
    return str(table.table_id)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(one) for one in value]
    return value
