"""Who may see what of a model that a suite judges."""

from __future__ import annotations

from tailrace.plan.keys import personal_columns
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Project, Suite, Sync
from tailrace.validate.audience import Audience


def reader_of(project: Project, suite: Suite) -> Sync | None:
    """The first sync that a suite gates."""
    return next((sync for sync in project.syncs if sync.validate == suite.name), None)


def audience_of(resolved: Resolved, suite: Suite) -> Audience:
    """The model's personal columns, the column by which its sync's vendor knows people, and how long results are kept."""
    reader = reader_of(resolved.project, suite)
    personal = personal_columns(resolved.graph.nodes[suite.model])
    return Audience(personal, reader.match_column if reader else None, resolved.project.keeping)
