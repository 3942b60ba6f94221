"""A sync against the fields that its vendor has: present, writable, unique, and the values that a choice takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tailrace.connectors.sdk.base import Finding
from tailrace.connectors.sdk.options import check_object
from tailrace.connectors.sdk.writing import RemoteField
from tailrace.plan.copies import open_published
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Sync
from tailrace.runner.remote_fields import missing, problems
from tailrace.runner.session import Session
from tailrace.runner.steps import model_table
from tailrace.warehouse.base import STAGE, TableRef

SHOWN = 5
COMPARED = ("VARCHAR", "BOOLEAN")
"""Types whose text is the vendor's own; numbers and times are written by each connector in its way."""


def sync_findings(session: Session, resolved: Resolved, sync: Sync) -> Iterator[Finding]:
    """One question to the vendor."""
    subject = f"sync {sync.name}"
    options, _ = check_object(session.declaration(sync.connection), sync.object, sync.mode, sync.options)
    destination = session.connector(sync.connection).destination()
    there = destination.fields(sync.object, options)
    wrong = [Finding("error", subject, what, fix) for what, fix in problems(there, sync, destination)]
    wrong += _choices(session, resolved, sync, there)
    yield from wrong
    if not any(finding.level == "error" for finding in wrong):
        yield Finding("ok", subject, _sound(there, sync))


def _sound(there: Mapping[str, RemoteField], sync: Sync) -> str:
    fields = ", ".join(field.field for field in sync.fields if field.field in there)
    if not there:
        return f"{sync.object} can be written; the vendor tells of no fields"
    text = f"{sync.object} has {fields}, and takes them" if fields else f"{sync.object} can be written"
    made = ", ".join(field.field for field in missing(there, sync))
    return f"{text}; {made} will be made before the first write" if made else text


def _choices(
    session: Session, resolved: Resolved, sync: Sync, there: Mapping[str, RemoteField]
) -> Iterator[Finding]:
    """Values of the published model that a field with fixed choices would refuse row by row."""
    chosen = {field.column: there[field.field] for field in sync.fields if field.field in there}
    chosen = {column: field for column, field in chosen.items() if field.options}
    if not chosen or not session.published.exists():
        return
    near = session.project.target.type == "duckdb"
    table = model_table(resolved, sync.model) if near else TableRef(STAGE, sync.name)
    warehouse = open_published(session.project)
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
