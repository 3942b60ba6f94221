"""Models in BigQuery: a table swaps by one statement, rows are changed by one script together with what is remembered of them.

What has to be checked before anybody reads it is built aside, in `tailrace_stage`, where every table expires in a day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

import sqlglot
from sqlglot import exp

from tailrace.build.materialize.bigquery import catalogue, ddl
from tailrace.build.materialize.bigquery.kept import Kept
from tailrace.build.materialize.bigquery.said import Speech, instead_of
from tailrace.build.materialize.bigquery.types import type_of
from tailrace.build.materialize.contract import ordered_columns
from tailrace.build.materialize.writer import Check, Span
from tailrace.warehouse.base import STAGE, TableRef
from tailrace.warehouse.bigquery.literals import text
from tailrace.warehouse.bigquery.qualified import qualified
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse, Native

if TYPE_CHECKING:
    from tailrace.build.materialize.job import Job

_UNCOMPARED = ("ARRAY", "STRUCT", "JSON", "GEOGRAPHY")
REBUILD_HOURS = 7 * 24
NEW_LINE = "\n"


class BigQueryWriter:
    """See Writer."""

    transactional = False

    def __init__(self, job: Job) -> None:
        self._job = job
        self._warehouse = cast("BigQueryWarehouse", job.warehouse)
        self._jobs = self._warehouse.jobs
        self._ref = job.node.table
        self._kept = Kept(job, self._jobs)
        self._known: dict[TableRef, Mapping[str, str]] = {}
        self._speech = Speech(self._columns)
        self._changes: list[str] = []
        self._left: list[TableRef] = []
        self.waits = False
        self.swapped = False

    # what is there

    def _columns(self, ref: TableRef) -> Mapping[str, str]:
        if ref not in self._known:
            found = catalogue.standing(self._jobs, ref)
            self._known[ref] = found.columns if found else {}
        return self._known[ref]

    def columns(self, table: str) -> dict[str, str]:
        return dict(self._columns(_ref(table)))

    def stands(self, table: TableRef) -> bool:
        return bool(self._columns(table))

    def result(self, select: str) -> dict[str, str]:
        return catalogue.result_of(self._jobs, select)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self._warehouse.query(Native(self._speech.said(sql)))

    def _run(self, sql: str) -> None:
        self._known.clear()
        self._warehouse.execute(Native(sql))

    # scratch tables

    def _aside(self, purpose: str) -> TableRef:
        self._jobs.ensure_dataset(STAGE)
        return TableRef(STAGE, f"{purpose}__{self._job.node.name}")

    def scratch(self, purpose: str) -> str:
        return self._warehouse.dialect.table(self._aside(purpose))

    def stage(self, table: str, select: str) -> int:
        self._run_stage(table, f"\n{select}\n")
        return self._staged_rows(table)

    def _run_stage(self, table: str, text: str) -> None:
        self._run(
            f"CREATE OR REPLACE TABLE {ddl.name(_ref(table))} AS{text if text.startswith(NEW_LINE) else ' ' + text}"
        )

    def _staged_rows(self, table: str) -> int:
        """As the catalogue counts them, which is exact for a table that one statement made."""
        ref = _ref(table)
        found = catalogue.standing(self._jobs, ref)
        self._known[ref] = found.columns if found else {}
        return found.rows if found else 0

    def derive(self, table: str, select: str) -> int:
        return self.stage(table, self._speech.said(select))

    def drop(self, table: str) -> None:
        """Behind the transaction, where that is going to read it."""
        if self.waits:
            self._left.append(_ref(table))
        else:
            catalogue.drop(self._jobs, _ref(table))

    def clear(self) -> None:
        for ref in self._left:
            catalogue.drop(self._jobs, ref)
        self._left.clear()
        self.waits = False

    # the whole relation

    def replace(self, select: str, check: Check | None, *, own: bool = False) -> int:
        sql = self._speech.said(select) if own else select
        columns = [] if own else ordered_columns(self._job, sql)
        text_ = f" SELECT {_listed(columns)} FROM (\n{sql}\n)" if columns else f"\n{sql}\n"
        self._kept.check_columns(lambda: self.result(sql))
        fits = self._fits()
        if check is None and self._job.audit is None and fits:
            self.swapped = True
            self._create(self._ref, text_)
        else:
            self._create_aside(text_, check, fits=fits)
        found = catalogue.standing(self._jobs, self._ref)
        return found.rows if found else 0

    def _create(self, ref: TableRef, body: str, *, filtered: bool = True) -> None:
        """`body` begins behind AS: all before a model's SQL is one line, as its errors count them."""
        storage = self._job.node.settings.storage
        clauses = ddl.layout(storage) + ddl.options(storage, filtered=filtered)
        self._run(f"CREATE OR REPLACE TABLE {ddl.name(ref)}{clauses} AS{body}")

    def _create_aside(self, body: str, check: Check | None, *, fits: bool) -> None:
        """What a killed build left there goes first: CREATE OR REPLACE refuses other partitions."""
        aside = self._aside("build")
        catalogue.drop(self._jobs, aside)
        try:
            self._create(aside, body, filtered=False)
            self._judge(aside, check)
            self._take(aside, fits=fits)
        finally:
            catalogue.drop(self._jobs, aside)

    def _judge(self, aside: TableRef, check: Check | None) -> None:
        if check is not None:
            check(self._warehouse.dialect.table(aside))
        self._job.audited({self._ref: aside})

    def _fits(self) -> bool:
        """Whether CREATE OR REPLACE TABLE may be said."""
        return self._job.standing is None or self._kept.fits(catalogue.standing(self._jobs, self._ref))

    def _make_way(self) -> None:
        """What stands there cannot be replaced: a view, or a table with other partitions."""
        self._run(f"DROP {(self._job.standing or 'table').upper()} {ddl.name(self._ref)}")

    def _take(self, aside: TableRef, *, fits: bool) -> None:
        """The table aside in the place of the model's: a clone, for which nothing is read, where there is none yet."""
        self.swapped = True
        if self._job.standing is not None and fits:
            self._create(self._ref, f" SELECT * FROM {ddl.name(aside)}")
            return
        if self._job.standing is not None:
            self._make_way()
        self._run(f"CREATE TABLE {ddl.name(self._ref)} CLONE {ddl.name(aside)}")
        self._kept.outlast(catalogue.standing(self._jobs, self._ref), catalogue.standing(self._jobs, aside))
        self._kept.set_options(catalogue.standing(self._jobs, self._ref))

    def define(self, select: str, check: Check | None) -> None:
        storage, select = self._job.node.settings.storage, qualified(select, self._jobs.project)
        if check is not None or self._job.audit is not None:
            aside = self._aside("view")
            self._run(f"CREATE OR REPLACE VIEW {ddl.name(aside)} AS\n{select}\n")
            try:
                self._judge(aside, check)
            finally:
                self._run(f"DROP VIEW IF EXISTS {ddl.name(aside)}")
        if self._job.standing == "table":
            self._make_way()
        self._run(
            f"CREATE OR REPLACE VIEW {ddl.name(self._ref)}{ddl.options(storage, view=True)} AS\n{select}\n"
        )

    def load(self, select: str, check: Check | None) -> int:
        """By a load job, which costs nothing, and a statement over what it loaded."""
        ref = self._aside("load")
        self._jobs.load(self._warehouse.arrow(select), ref, replace=True)
        self._known.clear()
        try:
            return self.replace(f"SELECT * FROM {ddl.name(ref)}", check)
        finally:
            catalogue.drop(self._jobs, ref)

    def begin(self, table: str, select: str, columns: Sequence[str]) -> None:
        """It outlives a day: a long rebuild goes on where it was interrupted."""
        self._jobs.ensure_dataset(STAGE)
        self._kept.check_columns(lambda: self.result(select))
        catalogue.drop(self._jobs, _ref(table))
        layout = ddl.layout(self._job.node.settings.storage)
        until = f"expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {REBUILD_HOURS} HOUR)"
        listed = _listed(columns) or "*"
        self._run(
            f"CREATE OR REPLACE TABLE {ddl.name(_ref(table))}{layout} OPTIONS({until}) AS SELECT {listed} FROM (\n{select}\n) WHERE FALSE"
        )

    def overwrite(self, table: str, span: Span, select: str, columns: Sequence[str]) -> int:
        """The rows are staged, so that the transaction only moves them, and compared as the column lies, so that partitions are pruned."""
        name, first, end = span
        kind, select = self.columns(table)[name], pruning(select)
        edges = f"`{name}` >= {instant_literal(first, kind)} AND `{name}` < {instant_literal(end, kind)}"
        new, listed = self.scratch(f"batch{len(self._left)}"), _listed(columns)
        self._run_stage(new, f"SELECT {listed} FROM (\n{select}\n) AS new WHERE {edges}")
        rows = self._staged_rows(new)
        self._changes.append(f"DELETE FROM {ddl.name(_ref(table))} WHERE {edges}")
        if rows:
            self._changes.append(
                f"INSERT INTO {ddl.name(_ref(table))} ({listed}) SELECT {listed} FROM {ddl.name(_ref(new))}"
            )
        self.waits = True
        self.drop(new)
        return rows

    def take(self, table: str, check: Check | None) -> int:
        aside = _ref(table)
        self._judge(aside, check)
        self._take(aside, fits=self._fits())
        self._left.append(aside)  # should the run be killed here, the next one takes it again
        return int(self.ask(f"SELECT count(*) FROM {table}")[0][0])

    def thaw(self) -> None:
        pass  # no copy of the warehouse has its tables as views

    # rows that change

    def change(self, sql: str) -> None:
        self._changes.append(self._speech.said(sql))
        self.waits = True

    def finish(self, check: Check | None, *, seen: bool = True) -> None:
        if seen and self._changes and (check is not None or self._job.audit is not None):
            self._rehearse(check)
        for sql in self._changes:
            self._warehouse.send(Native(sql), self._ref)
        self._changes.clear()
        if seen and self._job.node.settings.storage is not None:
            self._kept.set_options(catalogue.standing(self._jobs, self._ref))

    def _rehearse(self, check: Check | None) -> None:
        """The changes on a copy, of which nothing is stored but what they change."""
        aside = self._aside("build")
        catalogue.drop(self._jobs, aside)
        try:
            self._run(f"CREATE OR REPLACE TABLE {ddl.name(aside)} CLONE {ddl.name(self._ref)}")
            self._kept.unfiltered(aside)
            for sql in self._changes:
                self._run(instead_of(sql, {self._ref: aside}))
            self._judge(aside, check)
        finally:
            catalogue.drop(self._jobs, aside)

    def add_columns(self, kinds: Mapping[str, str]) -> None:
        """In one statement: Google takes five updates of a table in ten seconds ("Quotas and limits", standard tables)."""
        if kinds:
            added = (f"ADD COLUMN IF NOT EXISTS `{name}` {kind}" for name, kind in kinds.items())
            self._run(f"ALTER TABLE {ddl.name(self._ref)} {', '.join(added)}")

    def drop_column(self, name: str) -> None:
        self._run(f"ALTER TABLE {ddl.name(self._ref)} DROP COLUMN IF EXISTS `{name}`")

    def retype_columns(self, kinds: Mapping[str, str]) -> None:
        """BigQuery alters a type to a wider one only."""
        items = ", ".join(f"CAST(`{name}` AS {kind}) AS `{name}`" for name, kind in kinds.items())
        guard = f" WHERE {self._kept.guard('')}" if self._kept.guard("") else ""
        self._create(self._ref, f" SELECT * REPLACE ({items}) FROM {ddl.name(self._ref)}{guard}")

    # words

    def words(self, expression: str) -> str:
        if self._job.graph.dialect != "bigquery":
            return expression
        return self._speech.piece(expression)

    def compiled(self, text: str) -> str:
        return self._speech.piece(text)

    def cast(self, expression: str, kind: str) -> str:
        found = sqlglot.parse_one(expression, read="duckdb")
        if isinstance(found, exp.Literal) and found.is_string and kind in ("DATE", "DATETIME", "TIMESTAMP"):
            zone = "+00:00" if kind == "TIMESTAMP" else ""
            return self._speech.piece(f"{kind} {text(found.this + zone)}")
        return self._speech.piece(f"CAST({found.sql('bigquery')} AS {kind})")

    def differ(self, one: str, other: str, kind: str) -> str:
        if not kind.startswith(_UNCOMPARED):
            return f"{one} IS DISTINCT FROM {other}"
        sides = (
            f"TO_JSON_STRING({sqlglot.parse_one(side, read='duckdb').sql('bigquery')})"
            for side in (one, other)
        )
        return self._speech.piece(" IS DISTINCT FROM ".join(sides))

    def guard(self, alias: str) -> str:
        return self._speech.piece(said) if (said := self._kept.guard(alias)) else ""

    def type_of(self, declared: str) -> str | None:
        return type_of(self._warehouse.local, declared, self._job.graph.dialect)

    def hook(self, sql: str) -> None:
        self._run(sql)


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


_DAY = re.compile(r"CAST\((`[^`]+`) AS TIMESTAMP\) (>=|<) CAST\('(\d{4}-\d\d-\d\d) 00:00:00' AS TIMESTAMP\)")


def pruning(select: str) -> str:
    """A batch's filters on days, which compare a DATE as an instant, with the column as it lies: only so are partitions pruned."""
    return _DAY.sub(r"\1 \2 DATE '\3'", select)


def instant_literal(at: datetime, kind: str) -> str:
    """A literal of a column's own type; a day begins no earlier than `at`."""
    if kind == "DATE":
        return f"DATE '{(at.date() if at.time() == time() else at.date() + timedelta(days=1)).isoformat()}'"
    zone = "+00:00" if kind == "TIMESTAMP" else ""
    return f"{kind} '{at.replace(tzinfo=None).isoformat(' ')}{zone}'"


def _ref(table: str) -> TableRef:
    """A table by its quoted name."""
    found = exp.to_table(table, dialect="duckdb")
    return TableRef(found.db, found.name)
