"""Which models differ from what is published: `state:modified`."""

from __future__ import annotations

from tailrace.build.fingerprint import decide
from tailrace.plan.resolve import Resolved
from tailrace.plan.scratch import scratch


def modified_models(resolved: Resolved) -> frozenset[str]:
    """Models whose SQL or materialization is not the one that was built last, or that were never built."""
    with scratch(resolved.project) as warehouse:
        found = decide(warehouse, resolved.graph, None)
    return frozenset(d.model for d in found if d.action == "build" and ("SQL" in d.why or "never" in d.why))
