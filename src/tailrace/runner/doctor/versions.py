"""The API version that a connection asks for, against the end that its vendor has announced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from tailrace.connectors.sdk.base import ApiVersion, Declaration, Finding
from tailrace.connectors.sdk.options import check_connection
from tailrace.runner.session import Session

OPTION = "api_version"
SOON = 90
"""Days before a version's end from which a warning is due."""


def version_findings(session: Session, name: str) -> Iterator[Finding]:
    """Nothing for connectors without versions."""
    declaration = session.declaration(name)
    options, _ = check_connection(declaration, session.connection(name).options)
    asked = options.get(OPTION)
    if asked is not None and declaration.versions:
        yield judge(f"{name} {OPTION}", str(asked), declaration, session.now().date())


def judge(subject: str, asked: str, declaration: Declaration, today: date) -> Finding:
    """Ended is an error, ending within SOON days or not known here a warning."""
    known = {version.name: version for version in declaration.versions}
    if asked not in known:
        text = f"{asked} is not a version that this release knows ({', '.join(sorted(known, key=_order))})"
        return Finding("warning", subject, text, "write one of these, or make sure that the vendor has it")
    ends = known[asked].ends
    if ends is None:
        return Finding("ok", subject, f"{asked}, no end announced")
    fix = _fix(known[asked], declaration)
    if ends < today:
        return Finding("error", subject, f"{asked} ended on {ends}", fix)
    left = (ends - today).days
    if left <= SOON:
        return Finding("warning", subject, f"{asked} ends on {ends}, in {left} days", fix)
    return Finding("ok", subject, f"{asked}, until {ends}")


def _fix(asked: ApiVersion, declaration: Declaration) -> str:
    """The version that lives longest; of several the newest by its name."""
    last = max(declaration.versions, key=lambda version: (version.ends or date.max, _order(version.name)))
    if last.name == asked.name or (
        last.ends is not None and asked.ends is not None and last.ends <= asked.ends
    ):
        return "install a newer tailrace, which knows newer versions"
    return f"write `{OPTION}: {last.name}`"


def _order(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", name)]
