"""One connection: who answers, with which rights and version, and whether it has what pipelines and syncs ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from tailrace.connectors.sdk.base import (
    Connector,
    Declaration,
    Examines,
    Finding,
)
from tailrace.errors import Unavailable
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Pipeline
from tailrace.runner.doctor.asking import Asking, Use
from tailrace.runner.doctor.fields import sync_findings
from tailrace.runner.doctor.versions import version_findings
from tailrace.runner.session import Session
from tailrace.runner.steps import kind_of, source_of, spec_of
from tailrace.state.quotas import quota_text

Question = tuple[str, Callable[[], Iterable[Finding]]]

SCARCE = 0.1
"""Share of a quota below which a warning is due."""
NAMED = ("properties", "fields")
"""Options of resources that name the vendor's own columns."""


def account_findings(session: Session, resolved: Resolved, use: Use) -> Iterator[Finding]:
    """Everything of one connection. A vendor that does not answer at all is asked once."""
    name, asking = use.connection, Asking()
    yield from version_findings(session, name)
    yield from asking.ask(name, partial(_account, session, name))
    down = isinstance(asking.failed, Unavailable)
    yield from _permissions(session, use)
    if down:
        asking.skipped += [subject for subject, _ in _questions(session, resolved, use)]
    else:
        for subject, question in _questions(session, resolved, use):
            yield from asking.ask(subject, question)
    yield from _quotas(session, name)
    yield from asking.rest(name)


def _account(session: Session, name: str) -> Iterator[Finding]:
    connector = session.connector(name)
    account = connector.account()
    where = ", the local sandbox" if connector.is_sandbox() else ""
    yield Finding("ok", name, f"account {account}{where}")


def _questions(session: Session, resolved: Resolved, use: Use) -> Iterator[Question]:
    """Each with what it is about."""
    yield f"{use.connection} credentials", partial(_examined, session, use.connection)
    for pipeline in use.pipelines:
        yield from (
            (f"{pipeline.dataset}.{resource.name}", partial(_resource, session, pipeline, number))
            for number, resource in enumerate(pipeline.resources)
        )
    for sync in use.syncs:
        yield f"sync {sync.name}", partial(sync_findings, session, resolved, sync)


def _examined(session: Session, name: str) -> Iterator[Finding]:
    connector: Connector = session.connector(name)
    if isinstance(connector, Examines):
        for finding in connector.examine():
            yield Finding(finding.level, f"{name} {finding.subject}", finding.text, finding.fix)


def _resource(session: Session, pipeline: Pipeline, number: int) -> Iterator[Finding]:
    """The columns as the vendor describes them now."""
    resource = pipeline.resources[number]
    subject = f"{pipeline.dataset}.{resource.name}"
    spec = spec_of(session, pipeline, resource)
    schema = source_of(session, pipeline).schema(spec)
    there = {name.casefold() for name in schema.names()}
    for option in NAMED:
        asked = spec.options.get(option)
        for name in asked if isinstance(asked, tuple) else ():
            if name.replace(".", "_").casefold() not in there:
                yield Finding("warning", subject, f"the vendor has no {name}", f"take it out of `{option}:`")
    key = ", ".join(schema.primary_key)
    yield Finding("ok", subject, f"{len(schema.columns)} columns, key {key}")


def _permissions(session: Session, use: Use) -> Iterator[Finding]:
    """What to grant at the vendor for what is chosen, and no more."""
    declaration = session.declaration(use.connection)
    needed = permissions(session, declaration, use)
    if needed:
        listed = ", ".join(
            f"{one.name} ({one.needed_for})" for one in declaration.permissions if one.name in needed
        )
        yield Finding("ok", f"{use.connection} permissions", f"to grant, and no more: {listed}")


def permissions(session: Session, declaration: Declaration, use: Use) -> set[str]:
    """Those of the resources read, and those that name the objects written to; where none does, all that no resource has."""
    kinds = [kind_of(session, p, resource) for p in use.pipelines for resource in p.resources]
    needed = {name for kind in kinds for name in kind.permissions}
    claimed = {name for resource in declaration.resources for name in resource.permissions}
    other = {one.name for one in declaration.permissions} - claimed
    if not use.syncs:
        return needed if declaration.objects or not kinds else needed | other
    objects = {sync.object.casefold() for sync in use.syncs}
    named = {
        one.name for one in declaration.permissions if any(obj in one.name.casefold() for obj in objects)
    }
    return needed | (named or other)


def _quotas(session: Session, name: str) -> Iterator[Finding]:
    now = session.now()
    for budget in session.quotas(name):
        scarce = budget["remaining"] < SCARCE * budget["limit"]
        text = quota_text(budget, now)
        if scarce and "reset since" not in text:
            yield Finding("warning", f"{name} quota", text, "a run that needs more ends until it is reset")
        else:
            yield Finding("ok", f"{name} quota", text)
