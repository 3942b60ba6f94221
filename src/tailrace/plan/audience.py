"""Who may see what of a model that a suite judges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tailrace.errors import WarehouseError
from tailrace.plan.keys import personal_columns
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Project, Suite, Sync
from tailrace.validate.audience import Audience
from tailrace.validate.masking import reading_error


def reader_of(project: Project, suite: Suite) -> Sync | None:
    """The first sync that a suite gates."""
    return next((sync for sync in project.syncs if sync.validate == suite.name), None)


def audience_of(resolved: Resolved, suite: Suite) -> Audience:
    """The model's personal columns, the column by which its sync's vendor knows people, and how long results are kept."""
    reader = reader_of(resolved.project, suite)
    personal = personal_columns(resolved.graph.nodes[suite.model])
    return Audience(personal, reader.match_column if reader else None, resolved.project.keeping)


@contextmanager
def reading(resolved: Resolved, model: str) -> Iterator[None]:
    """Where a model's rows are copied or judged: errors name the model and quote no value of what it is made of."""
    try:
        yield
    except WarehouseError as error:
        personal = any(personal_columns(node) for node in resolved.graph.nodes.values())
        told = reading_error(error.message, personal=personal)
        raise WarehouseError(f"model {model}: {told}", error.fix) from None
