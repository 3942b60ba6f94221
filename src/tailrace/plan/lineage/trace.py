"""From one column as far as it goes: back to what it comes from, on to what comes from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tailrace.plan.lineage.flow import Edge, Flow, How, Place

Steps = Callable[[Place], list[tuple[Place, How]]]


@dataclass
class Trace:
    """`reached` by how they are reached: "direct" where values alone lead there. `edges` are those on the way."""

    reached: dict[Place, How]
    edges: list[Edge]


def trace_back(flow: Flow, start: Iterable[Place], *, indirect: bool) -> Trace:
    """All that the places come from."""
    return _trace(flow.sources, start, indirect=indirect, back=True)


def trace_on(flow: Flow, start: Iterable[Place], *, indirect: bool) -> Trace:
    """All that comes from the places."""
    return _trace(flow.readers, start, indirect=indirect, back=False)


def _trace(steps: Steps, start: Iterable[Place], *, indirect: bool, back: bool) -> Trace:
    """By values alone first, so that what they reach is told from what only joins and filters reach."""
    begin = list(start)
    seen, edges = _walk(steps, begin, ("direct",), back=back)
    by_value = seen
    if indirect:
        seen, edges = _walk(steps, begin, ("direct", "indirect"), back=back)
    reached: dict[Place, How] = {
        place: "direct" if place in by_value else "indirect" for place in seen if place not in begin
    }
    return Trace(reached, list(edges))


def _walk(
    steps: Steps, begin: list[Place], hows: tuple[How, ...], *, back: bool
) -> tuple[dict[Place, None], dict[Edge, None]]:
    seen: dict[Place, None] = dict.fromkeys(begin)
    edges: dict[Edge, None] = {}
    waiting = begin[::-1]
    while waiting:
        place = waiting.pop()
        for other, how in steps(place):
            if how in hows and other != place:
                edges[Edge(other, place, how) if back else Edge(place, other, how)] = None
                if other not in seen:
                    seen[other] = None
                    waiting.append(other)
    return seen, edges
