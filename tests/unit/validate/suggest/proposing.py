"""Tables to propose suites for, and what the gate says of them then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tailrace.project.load_suites import read_suite
from tailrace.project.spec import Suite
from tailrace.project.yaml import parse_yaml
from tailrace.validate.assess import assess
from tailrace.validate.suggest.run import suggest
from tailrace.validate.suggest.subject import Key, Proposal, Subject, Suggestion
from tailrace.validate.suggest.yaml_text import yaml_of
from tailrace.validate.suite import check_suite
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import stage

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
MODEL = TableRef("marts", "leads")


def table(warehouse: DuckDBWarehouse, select: str, kind: str = "TABLE", ref: TableRef = MODEL) -> None:
    warehouse.ensure_schema(ref.schema)
    warehouse.execute(f"CREATE OR REPLACE {kind} {warehouse.dialect.table(ref)} AS {select}")


def proposed(warehouse: DuckDBWarehouse, select: str = "", *, limit: int = 0, **said: Any) -> Suggestion:
    """The suggestion for a table of these rows; `key` is a sync's, `sent` what it sends."""
    if select:
        table(warehouse, select)
    key = said.pop("key", None)
    sets = {name: frozenset(said.pop(name, ())) for name in ("personal", "sent", "matched")}
    keys = (Key((key,), "sync crm"),) if key else said.pop("keys", ())
    subject = Subject("leads", MODEL, keys=keys, **sets, **said)
    return suggest(warehouse, subject, now=NOW, limit=limit)


def about(found: Suggestion, kind: str, *columns: str) -> list[Proposal]:
    """Proposals of a type, on these columns."""
    return [
        item for item in found.proposals if item.type == kind and (not columns or item.columns == columns)
    ]


def one(found: Suggestion, kind: str, *columns: str) -> Proposal:
    (item,) = about(found, kind, *columns)
    return item


def read_back(found: Suggestion) -> Suite:
    """The suite as a project reads the file, which says the same as the suggestion and has nothing wrong in it."""
    problems: list[Any] = []
    document = parse_yaml(yaml_of(found), "leads.yml", problems)
    assert document is not None
    suite = read_suite(document, "leads.yml", problems)
    assert problems == []
    assert (suite.model, suite.key) == ("leads", found.key)
    assert [(e.type, _plain(e.kwargs), e.severity, e.on_fail, e.description) for e in suite.expectations] == [
        (p.type, _plain(p.kwargs), p.severity, p.on_fail, p.description) for p in found.proposals
    ]
    assert check_suite(suite, set(found.types)) == []
    return suite


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return {name: _plain(item) for name, item in value.items()} if hasattr(value, "items") else value


def not_passed(warehouse: DuckDBWarehouse, suite: Suite) -> list[tuple[str, str, str]]:
    """(type, decision, reason) of whatever does not pass, judged by Great Expectations on the table as it is."""
    staged = stage(warehouse, MODEL, "crm")
    found = assess(warehouse, suite, staged)
    failed = [(c.expectation.type, c.decision, c.reason) for c in found.checks if c.decision != "pass"]
    assert failed or not found.reasons, found.reasons
    return failed


def values(found: Suggestion) -> str:
    """Everything that a suggestion says, for looking up what it must not say."""
    return yaml_of(found)
