"""A sync against the fields that its vendor has: present, writable, unique, and the values that a choice takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tailrace.connectors.sdk.base import Finding, RemoteField
from tailrace.connectors.sdk.options import object_type
from tailrace.errors import near_miss
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Sync
from tailrace.runner.session import Session
from tailrace.runner.steps import model_table
from tailrace.runner.syncs import field_problems
from tailrace.warehouse.duckdb import DuckDBWarehouse

SHOWN = 5
COMPARED = ("VARCHAR", "BOOLEAN")
"""Types whose text is the vendor's own; numbers and times are written by each connector in its way."""


def sync_findings(session: Session, resolved: Resolved, sync: Sync) -> Iterator[Finding]:
    """One question to the vendor."""
    subject = f"sync {sync.name}"
    there = session.connector(sync.connection).destination().fields(sync.object)
    wrong = [Finding("error", subject, what, fix) for what, fix in field_problems(there, sync)]
    wrong += _match(session, sync, there)
    wrong += _choices(session, resolved, sync, there)
    yield from wrong
    if not any(finding.level == "error" for finding in wrong):
        fields = ", ".join(field.field for field in sync.fields)
        yield Finding("ok", subject, f"{sync.object} has {fields}, and takes them")


def _match(session: Session, sync: Sync, there: Mapping[str, RemoteField]) -> Iterator[Finding]:
    """Where the connector declares what may be matched on, `check` has judged it."""
    kind = object_type(session.declaration(sync.connection), sync.object)
    if not sync.match_field or (kind is not None and kind.match_fields):
        return
    field = there.get(sync.match_field)
    if field is None:
        text = f"{sync.object} has no field {sync.match_field} to match on"
        yield Finding("error", f"sync {sync.name}", text, near_miss(sync.match_field, list(there)))
    elif not field.unique:
        text = f"{sync.match_field} of {sync.object} is not unique, so one row may fit several records"
        yield Finding("warning", f"sync {sync.name}", text, "match on a unique field")


def _choices(
    session: Session, resolved: Resolved, sync: Sync, there: Mapping[str, RemoteField]
) -> Iterator[Finding]:
    """Values of the published model that a field with fixed choices would refuse row by row."""
    chosen = {field.column: there[field.field] for field in sync.fields if field.field in there}
    chosen = {column: field for column, field in chosen.items() if field.options}
    if not chosen or not session.published.exists():
        return
    table = model_table(resolved, sync.model)
    warehouse = DuckDBWarehouse(session.published, read_only=True, settings=session.project.target.settings)
    try:
        types = warehouse.columns(table)
        for column, field in chosen.items():
            if types.get(column, "").upper() not in COMPARED:
                continue
            quoted = warehouse.dialect.quote(column)
            sql = f"SELECT DISTINCT CAST({quoted} AS VARCHAR) FROM {warehouse.dialect.table(table)} WHERE {quoted} IS NOT NULL"
            values = {part for (value,) in warehouse.query(sql) for part in str(value).split(";")}
            if strange := sorted(values - set(field.options)):
                yield _strange(sync, field, strange)
    finally:
        warehouse.close()


def _strange(sync: Sync, field: RemoteField, values: list[str]) -> Finding:
    shown = ", ".join(values[:SHOWN]) + (", ..." if len(values) > SHOWN else "")
    known = ", ".join(field.options[:SHOWN]) + (", ..." if len(field.options) > SHOWN else "")
    text = f"{field.name} of {sync.object} takes {known}, and model {sync.model} has {shown}"
    return Finding("warning", f"sync {sync.name}", text, "add the values there, or change the model")
