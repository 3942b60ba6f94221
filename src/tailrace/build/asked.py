"""What a person asks of a build beyond what is missing: everything anew, or a range of days again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tailrace.build.graph import Graph, ModelNode
from tailrace.errors import BadInput


@dataclass(frozen=True)
class Asked:
    """`full_refresh`: the chosen models from nothing. `days`, both included, are rebuilt in the `restated` models."""

    full_refresh: bool = False
    days: tuple[date, date] | None = None
    restated: frozenset[str] = frozenset()

    def span(self, name: str) -> tuple[datetime, datetime] | None:
        """The instants (UTC, end exclusive) of which every batch of this model is rebuilt."""
        if self.days is None or name not in self.restated:
            return None
        first, last = self.days
        start = datetime(first.year, first.month, first.day, tzinfo=UTC)
        return start, datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)

    def refreshes(self, node: ModelNode) -> bool:
        """Whether the model is to be built from nothing; a snapshot never is, nor what its configuration protects."""
        if not self.full_refresh or node.materialized == "snapshot":
            return False
        return node.settings.incremental is None or node.settings.incremental.full_refresh is not False

    def words(self) -> str:
        return f"restated from {self.days[0]} to {self.days[1]}" if self.days else ""


NOTHING = Asked()
UP_TO_DATE = "up to date"
EPHEMERAL = "ephemeral: its SQL stands in its readers"
"""Why nothing is built, in the words that everybody tells it by."""


def restating(graph: Graph, chosen: Collection[str], named: Sequence[str], first: date, last: date) -> Asked:
    """The chosen microbatch models and those that read them, for these days; BadInput where one has no intervals."""
    if first > last:
        raise BadInput(f"--restate {first} {last} ends before it begins", f"write --restate {last} {first}")
    without = [name for name in named if name in graph.nodes and not _is_microbatch(graph.nodes[name])]
    if without or not any(_is_microbatch(graph.nodes[name]) for name in chosen):
        what = (
            f"{', '.join(without)} {'has' if len(without) == 1 else 'have'}"
            if without
            else "nothing chosen has"
        )
        raise BadInput(
            f"{what} no intervals to restate: only microbatch models record them",
            "leave --restate out, or build with --full-refresh",
        )
    reached = set(chosen)
    for name in graph.order:
        if reached.intersection(graph.nodes[name].depends_on):
            reached.add(name)
    restated = frozenset(name for name in reached if _is_microbatch(graph.nodes[name]))
    return Asked(days=(first, last), restated=restated)


def _is_microbatch(node: ModelNode) -> bool:
    return node.settings.incremental is not None and node.settings.incremental.microbatch is not None
