"""A pipeline with a source of its own: files, a database, a REST API, Python."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.connectors.sdk.base import Examines, Finding, Lists
from tailrace.project.spec import Pipeline
from tailrace.runner.doctor.asking import Asking
from tailrace.runner.session import Session
from tailrace.runner.steps import placed


def inline_findings(session: Session, pipeline: Pipeline) -> Iterator[Finding]:
    """Such a source tells its columns only by being read, so its rows are not asked for here."""
    subject, asking = f"pipeline {pipeline.name}", Asking()
    yield from asking.ask(subject, lambda: _opened(session, pipeline, subject))


def _opened(session: Session, pipeline: Pipeline, subject: str) -> Iterator[Finding]:
    with placed(pipeline):
        connector = session.connector_of(pipeline)
        names = tuple(connector.names()) if isinstance(connector, Lists) else ()
        if isinstance(connector, Examines):
            for finding in connector.examine():
                yield Finding(finding.level, f"{subject} {finding.subject}", finding.text, finding.fix)
    found = f"{pipeline.source} opens" + (f", and has {', '.join(names)}" if names else "")
    yield Finding("ok", subject, found)
