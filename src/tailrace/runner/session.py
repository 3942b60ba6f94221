"""What one command holds open: the state, the warehouse while it works on it, one connector per connection."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tailrace import interrupts
from tailrace.build.asked import NOTHING, Asked
from tailrace.connectors.sdk import registry
from tailrace.connectors.sdk.base import Connector, Context, Declaration
from tailrace.connectors.sdk.options import check_connection
from tailrace.errors import FatalError, TailraceError, refused_by_system
from tailrace.events import StepFinished, StepStarted, emit
from tailrace.plan.secrets import redactor_of
from tailrace.project.spec import Connection, Pipeline, Project
from tailrace.runner.watched import WatchedLimiter
from tailrace.state import runs
from tailrace.state.opening import open_store
from tailrace.state.quotas import quota_documents
from tailrace.state.rate import NoLimiter, SharedLimiter
from tailrace.state.runs import StepResult
from tailrace.warehouse.marks import Run, state_of

if TYPE_CHECKING:
    from tailrace.warehouse.base import Warehouse
    from tailrace.warehouse.bigquery.lease import HeldLease, TargetLeases
    from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse

LOCK = "run"
INTERRUPTED = "interrupted"
DEFAULT_IN_FLIGHT = 4


def utc_now() -> datetime:
    """The one clock of a command."""
    return datetime.now(UTC)


def _nobody(_step: StepResult) -> None:
    """Nobody listens for results."""


@dataclass
class Session:
    """Opened by the runner for one command; every step gets what it needs from here as arguments."""

    project: Project
    command: str
    now: Callable[[], datetime] = utc_now
    results: list[StepResult] = field(default_factory=list)
    run_id: str = ""
    on_step: Callable[[StepResult], None] = _nobody
    days: tuple[date, date] | None = None
    """Land what is of these days, both included, in place of what is new."""
    tests: bool = False
    """Test each model as it is built."""
    asked: Asked = NOTHING
    """What is built beyond what is missing."""
    elsewhere: Path | None = None
    """Where the state lies in place of the project's own folder."""
    ended_early: bool = False
    leases: TargetLeases | None = None
    """Of a target that several machines may write."""
    lease: HeldLease | None = None
    """The one under which the warehouse is opened."""
    watched: list[HeldLease] = field(default_factory=list)
    """Those of the syncs that are being delivered."""
    _connectors: dict[str, Connector] = field(default_factory=dict)
    _opened: bool = False
    _limiters: list[SharedLimiter | NoLimiter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run_id = self.run_id or f"{self.now():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        self._redact = redactor_of(self.project).redact
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = open_store(None if self.elsewhere else self.project.target, self.folder, self.run_id)

    @property
    def folder(self) -> Path:
        return self.elsewhere or self.project.state_dir

    @property
    def work(self) -> Path:
        """The file that only runs write."""
        return self.folder / "work.duckdb"

    @property
    def memory(self) -> Path:
        """What the last build found up to date; may be deleted."""
        return self.folder / "cache" / "idle.json"

    @property
    def published(self) -> Path:
        """The file that analysts open; of a BigQuery target what commands read on this machine."""
        return self.project.published

    @contextmanager
    def warehouse(self) -> Iterator[Warehouse]:
        """The target's warehouse, for writing: the work file, and BigQuery beside it where that is the target, under its lease.

        The first opening cancels what earlier runs have on their way, so nobody else may be at work.
        """
        from tailrace.warehouse.opening import open_warehouse

        target = self.project.target
        assert target.type != "bigquery" or self.lease is not None, "opened outside of locked()"
        if target.type == "duckdb" and not self.work.exists() and self.published.exists():
            self._restore()
        warehouse = open_warehouse(
            target.type, self.work, settings=target.settings, attach=target.attach, run=self._run()
        )
        try:
            if self.lease is not None:
                cast("BigQueryWarehouse", warehouse).admit(self.lease)
            yield warehouse
        finally:
            warehouse.close()

    def _run(self) -> Run:
        """The first opening looks for what an earlier run left on its way."""
        first, self._opened = not self._opened, True
        return Run(f"{self.project.name}/{self.project.target.name}", self.run_id, first)

    def _restore(self) -> None:
        temporary = self.work.with_name("restored.tmp")
        shutil.copyfile(self.published, temporary)
        temporary.chmod(0o644)
        temporary.replace(self.work)

    def work_state(self) -> str:
        """Changes whenever the work file was written."""
        return state_of(self.work)

    def connection(self, name: str) -> Connection:
        return self.project.target.connections[name]

    def declaration(self, name: str) -> Declaration:
        found = registry.declaration(self.connection(name).type)
        assert found is not None, "check names unknown connectors before anything runs"
        return found

    def connector(self, name: str) -> Connector:
        """One open connector per connection, sharing the account's budget with every other process."""
        if name not in self._connectors:
            declaration = self.declaration(name)
            assert declaration.open is not None
            options = self.connection(name).options
            limiter: SharedLimiter | NoLimiter = NoLimiter()
            if options.get("rate_limit") != "off":
                filled, _ = check_connection(declaration, options)
                key, longest = account_key(self.connection(name)), filled.get("max_wait")
                limiter = SharedLimiter(self.store, name, shared_as=key, longest=longest)
            self._limiters.append(limiter)
            watched = WatchedLimiter(limiter, self.check_leases)
            self._connectors[name] = declaration.open(
                options, Context(name, watched, self.now, self.in_flight(name), self.project.root)
            )
        return self._connectors[name]

    def check_leases(self) -> None:
        """LockLost before a request, where a sync that is being delivered is not ours any more."""
        for lease in self.watched:
            lease.check()

    def declaration_of(self, pipeline: Pipeline) -> Declaration:
        """Of what a pipeline reads from: its connection's connector, or its own source."""
        if not pipeline.source:
            return self.declaration(pipeline.connection)
        found = registry.declaration(pipeline.source)
        assert found is not None, "check names unknown sources before anything runs"
        return found

    def connector_of(self, pipeline: Pipeline) -> Connector:
        """What a pipeline reads from, open: its connection, or one source of its own for the length of the command."""
        if not pipeline.source:
            return self.connector(pipeline.connection)
        key = f"{pipeline.path}:{pipeline.name}"  # no connection has such a name
        if key not in self._connectors:
            declaration = self.declaration_of(pipeline)
            assert declaration.open is not None
            context = Context(pipeline.name, NoLimiter(), self.now, DEFAULT_IN_FLIGHT, self.project.root)
            self._connectors[key] = declaration.open(pipeline.options, context)
        return self._connectors[key]

    def in_flight(self, name: str) -> int:
        """Requests at once on a connection; the account's rate budget bounds them first."""
        filled, _ = check_connection(self.declaration(name), self.connection(name).options)
        return int(filled.get("in_flight") or DEFAULT_IN_FLIGHT)

    def account(self, name: str) -> str:
        """The vendor's account id; asked once per set of credentials, so that an idle run asks nothing."""
        key = f"account:{name}:{_digest(self.connection(name).options)}"
        known = self.store.fact(key)
        if known is None:
            known = self.connector(name).account()
            self.store.remember(key, known)
        return known

    def quotas(self, name: str) -> list[dict[str, Any]]:
        """What the vendor said of the account's long budgets, in this command or before."""
        for limiter in self._limiters:
            limiter.flush()
        return quota_documents(self.store, [name])

    def is_sandbox(self, name: str) -> bool:
        """True where rows can do no harm: the account is the local sandbox."""
        return self.connector(name).is_sandbox()

    def record(self, step: StepResult) -> StepResult:
        """Keep a step's result, in this process and in the state, without any secret."""
        if step.error:
            step = replace(step, error=self._redact(step.error))
        runs.record(self.store, self.run_id, step)
        self.results.append(step)
        self.on_step(step)
        interrupts.check()
        return step

    def record_all(self, steps: Sequence[StepResult]) -> None:
        """Keep many results at once: a thousand models are one write."""
        clean = [replace(step, error=self._redact(step.error)) if step.error else step for step in steps]
        runs.record_all(self.store, self.run_id, clean)
        for step in clean:
            self.results.append(step)
            self.on_step(step)
        interrupts.check()

    def replace(self, step: StepResult) -> None:
        """Record a step whose failure on the way was recorded already; the last word has both."""
        before = [found for found in self.results if (found.step, found.name) == (step.step, step.name)]
        for found in before:
            self.results.remove(found)
            step = replace(step, status=found.status, error=found.error or step.error)
        runs.forget(self.store, self.run_id, step.step, step.name)
        self.record(step)

    @contextmanager
    def step(self, step: str, name: str) -> Iterator[None]:
        """A part whose error is a failed step and not the end of the run."""
        interrupts.check()
        started = self.now()
        emit(StepStarted(step, name))
        try:
            yield
        except (TailraceError, OSError) as failure:
            interrupts.check()
            error = refused_by_system(failure) if isinstance(failure, OSError) else failure
            seconds = (self.now() - started).total_seconds()
            status = "stopped" if error.exit_code == 3 else "failed"
            self.record(StepResult(step, name, status, seconds=seconds, error=str(error)))  # type: ignore[arg-type]
            emit(StepFinished(step, name, status, 0, 0, seconds, str(error)))

    def fail(self, error: BaseException) -> None:
        """Close the run's record with what ended it; where even that cannot be written, the next run closes it."""
        self.ended_early = True
        with suppress(FatalError):
            text = INTERRUPTED if interrupts.asked() else self._redact(str(error) or type(error).__name__)
            runs.finish(self.store, self.run_id, "failed", text, self.now())

    def status(self) -> str:
        """`failed` where anything failed, else `stopped` where a gate said no, else `ok`."""
        found = {result.status for result in self.results} | ({"failed"} if self.ended_early else set())
        return next((status for status in ("failed", "stopped") if status in found), "ok")

    def close(self) -> None:
        for connector in self._connectors.values():
            connector.close()
        self._connectors.clear()
        for limiter in self._limiters:
            limiter.flush()
        if self.leases is not None:
            self.leases.close()
        self.store.close()


def account_key(connection: Connection) -> str:
    """The same for connections with the same credentials at the same host, whatever else they say."""
    options = connection.options
    named = {
        n: v for n, v in options.items() if hasattr(v, "reveal") or n.endswith(("_url", "_id", "username"))
    }
    return f"{connection.type}:{_digest(named)}"


def _digest(options: Mapping[str, Any]) -> str:
    """Of all options, secrets revealed: another token or another host is another account until asked."""
    plain = sorted(
        (name, value.reveal() if hasattr(value, "reveal") else repr(value)) for name, value in options.items()
    )
    return hashlib.sha256(repr(plain).encode()).hexdigest()[:16]
