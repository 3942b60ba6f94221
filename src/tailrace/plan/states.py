"""Which models differ from what is published: `state:modified`."""

from __future__ import annotations

from tailrace.plan.resolve import Resolved


def modified_models(resolved: Resolved) -> frozenset[str]:
    """Models, snapshots and seeds that are not the ones that were built last, whatever the data did since."""
    from tailrace.build.fingerprint import decide
    from tailrace.plan.scratch import published

    with published(resolved.project) as warehouse:
        found = decide(warehouse, resolved.graph, None)
    return frozenset(decision.model for decision in found if decision.modified)
