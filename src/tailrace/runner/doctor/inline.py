"""A pipeline with a source of its own: files, a database, a REST API, Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from tailrace.connectors.sdk.base import (
    Connector,
    Examines,
    Finding,
    Lists,
)
from tailrace.connectors.sdk.inline import Looks, WrongSetting
from tailrace.errors import near_miss
from tailrace.project.spec import Pipeline, Resource
from tailrace.runner.doctor.asking import Asking
from tailrace.runner.session import Session
from tailrace.runner.steps import placed, spec_of


def inline_findings(session: Session, pipeline: Pipeline) -> Iterator[Finding]:
    """Each resource is looked at, but none is read; the source is said to open where nothing hinders it."""
    subject, asking = f"pipeline {pipeline.name}", Asking()
    found = list(asking.ask(subject, lambda: _opened(session, pipeline, subject)))
    if not _failed(found):
        found = [*_resources(session, pipeline, subject, asking), *found]
    failed = _failed(found)
    yield from (one for one in found if not failed or one.level == "error" or one.subject != subject)


def _failed(found: Sequence[Finding]) -> bool:
    return any(finding.level == "error" for finding in found)


def _resources(session: Session, pipeline: Pipeline, subject: str, asking: Asking) -> Iterator[Finding]:
    for resource in pipeline.resources:
        look = partial(_looked, session, pipeline, resource)
        yield from asking.ask(f"{subject} {resource.name}", look)


def _opened(session: Session, pipeline: Pipeline, subject: str) -> Iterator[Finding]:
    with placed(pipeline):
        connector = session.connector_of(pipeline)
        names = tuple(connector.names()) if isinstance(connector, Lists) else ()
        if isinstance(connector, Examines):
            for finding in connector.examine():
                yield Finding(finding.level, f"{subject} {finding.subject}", finding.text, finding.fix)
    found = f"{pipeline.source} opens" + (f", and has {', '.join(names)}" if names else "")
    yield Finding("ok", subject, found)


def _looked(session: Session, pipeline: Pipeline, resource: Resource) -> Sequence[Finding]:
    """Nothing where the resource can be read, as far as its source tells without its rows."""
    with placed(pipeline):
        connector = session.connector_of(pipeline)
        if isinstance(connector, Looks):
            connector.look(spec_of(session, pipeline, resource))
        else:
            _listed(connector, resource.name)
    return ()


def _listed(connector: Connector, name: str) -> None:
    names = connector.names() if isinstance(connector, Lists) else (name,)
    if name not in names:
        what = f"the source has no resource {name}"
        raise WrongSetting(("resources", name), what, near_miss(name, names))
