"""One data test: its query, what its number of failures means, and where the failing rows are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from tailrace.build.graph import Graph
from tailrace.build.spoken import in_own_words, named
from tailrace.build.testing.config import DataTestConfig
from tailrace.build.testing.generic import generic_template
from tailrace.build.testing.outcome import Outcome, Status
from tailrace.build.testing.reading import Reads
from tailrace.build.testing.samples import personal_columns, sample_rows
from tailrace.build.testing.statement import one_select
from tailrace.errors import FatalError, TailraceError
from tailrace.project.spec import DataTest, Project
from tailrace.warehouse.base import TableRef, Warehouse


@dataclass(frozen=True)
class Question:
    """A data test with its configuration and what it reads."""

    test: DataTest
    config: DataTestConfig
    reads: Reads

    @property
    def kind(self) -> Any:
        return "generic" if self.test.test else "singular"

    def outcome(self, status: Status, **more: Any) -> Outcome:
        test = self.test
        model = test.model or (".".join(test.source) if test.source else "")
        column = test.column or str(test.kwargs.get("column_name") or "")
        return Outcome(
            test.name, self.kind, status, test.location, model, column, self.config.severity, **more
        )


@dataclass(frozen=True)
class Asking:
    """What every data test needs. `store`: failing rows are kept where the test does not say otherwise; None: never."""

    project: Project
    graph: Graph
    warehouse: Warehouse
    store: bool | None = False
    reserved: frozenset[str] = frozenset()

    def sql_of(self, question: Question) -> str:
        """The test's query; FatalError, its places told, where the template or its SQL is wrong."""
        test = question.test
        assert self.graph.late is not None, "a compiled graph renders tests"
        if not test.test:
            sql = self.graph.late.text(test.sql, self.warehouse, path=test.path, package=test.package)
        else:
            template = generic_template(
                test, question.config, self.reserved, kept=self.is_kept(question.config)
            )
            try:
                sql = self.graph.late.text(
                    template.text,
                    self.warehouse,
                    path=test.path,
                    package=test.package,
                    model=test.model,
                    names=template.names,
                )
            except FatalError as error:
                # the template is ours, so that a place in it is the test's
                own = re.compile(rf"^{re.escape(test.path)}:\d+:\d+:", re.MULTILINE)
                raise FatalError(own.sub(f"{test.location}:", error.message), error.fix) from None
        return one_select(sql, test.location, self.warehouse.engine)

    def ask(self, question: Question) -> Outcome:
        """Run one test by itself."""
        try:
            sql = self.sql_of(question)
        except TailraceError as error:
            return question.outcome("error", message=_bare(str(error), question))
        try:
            return self._judged(question, sql)
        except TailraceError as error:
            return question.outcome("error", message=error.message.rstrip("."), sql=sql)

    def _judged(self, question: Question, sql: str) -> Outcome:
        config = question.config
        limited = f"SELECT * FROM (\n{sql}\n) LIMIT {config.limit}" if config.limit else sql
        kept = self._keep(question, limited) if self.is_kept(config) else ""
        source = f"SELECT * FROM {kept}" if kept else limited
        asked = (
            f"SELECT {config.fail_calc}, {config.fail_calc} {config.warn_if}, {config.fail_calc} {config.error_if}"
            f" FROM (\n{source}\n) dbt_internal_test"
        )
        row = self.warehouse.query(in_own_words(self.warehouse, asked))[0]
        found = judged(question, row[0] or 0, warn=bool(row[1]), error=bool(row[2]))
        return self.with_samples(question, replace(found, sql=sql, stored=re.sub('["`]', "", kept)))

    def with_samples(self, question: Question, outcome: Outcome) -> Outcome:
        """A failing test with a few of its rows."""
        if outcome.status not in ("warn", "fail"):
            return outcome
        hidden, known = personal_columns(
            self.project, self.graph, self.warehouse, question.test, question.reads
        )
        return replace(outcome, samples=sample_rows(self.warehouse, outcome.sql, hidden, known))

    def is_kept(self, config: DataTestConfig) -> bool:
        """Whether the failing rows go into a table or view."""
        if self.store is None:
            return False
        return self.store if config.stored_as is None else bool(config.stored_as)

    def _keep(self, question: Question, sql: str) -> str:
        """Replace `<target's schema>_dbt_test__audit.<test>` by the failing rows of now; returns it quoted."""
        config = question.config
        ref = TableRef(f"{self.project.target.schema}_{config.schema}", config.alias or question.test.name)
        table = named(self.warehouse, ref)
        kind = "VIEW" if config.stored_as == "view" else "TABLE"
        with self.warehouse.transaction():
            self.warehouse.ensure_schema(ref.schema)
            standing = self.warehouse.tables(ref.schema).get(ref.name)
            if standing and standing.upper() != kind:
                self.warehouse.execute(in_own_words(self.warehouse, f"DROP {standing.upper()} {table}"))
            made = f"CREATE OR REPLACE {kind} {table} AS\n{sql}\n"
            self.warehouse.execute(in_own_words(self.warehouse, made))
        return table


def judged(question: Question, failures: float, *, warn: bool, error: bool) -> Outcome:
    """What a number of failures means: dbt's rule, in which a warning asks for no severity and a test that passes has none."""
    config = question.config
    number = int(failures) if failures == int(failures) else failures
    got = f"Got {number:,} {'result' if number == 1 else 'results'}, configured to"
    if config.severity == "error" and error:
        return question.outcome("fail", failures=number, message=f"{got} fail if {config.error_if.strip()}")
    if warn:
        return question.outcome("warn", failures=number, message=f"{got} warn if {config.warn_if.strip()}")
    return question.outcome("pass")


def _bare(message: str, question: Question) -> str:
    """Without the place that is shown beside it."""
    return message.removeprefix(f"{question.test.location}: ")
