"""Lineage as a self-contained SVG: tables as boxes in layers, their columns as rows, curves between them; no script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

from tailrace.plan.lineage.answer import Answer
from tailrace.plan.lineage.flow import Edge, Flow, Place

ROW, HEAD, PAD, GAP_X, GAP_Y = 20, 28, 12, 110, 24
CHAR = 7.3
"""Width of a character of the font, in pixels: names are monospaced, so that boxes can be measured here."""
LONGEST = 44
STYLE = """
svg { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; }
.page { fill: #ffffff; } .box { fill: #ffffff; stroke: #9aa4b2; } .head { fill: #e8edf3; } .end .head { fill: #dcefe4; } .field .head { fill: #fbe6d0; }
text { fill: #1c2430; } .title { font-weight: bold; } .asked { fill: #fff3b0; }
path { fill: none; stroke: #5b6b80; stroke-width: 1.2; } .indirect { stroke-dasharray: 4 3; opacity: 0.65; }
@media (prefers-color-scheme: dark) {
.page { fill: #12161c; } .box { fill: #1a2029; stroke: #566273; } .head { fill: #2a3340; } .end .head { fill: #1f4030; }
.field .head { fill: #523819; } text { fill: #e4e9f0; } .asked { fill: #5a4d00; } path { stroke: #9fb0c6; } }
"""
Home = tuple[str, str, str]


@dataclass(frozen=True)
class Picture:
    """The drawing, and how much is on it."""

    svg: str
    tables: int
    columns: int


@dataclass
class Box:
    """A table or CRM object with the columns that are drawn; its place is set by the layout."""

    home: Home
    title: str
    places: list[Place] = field(default_factory=list)
    layer: int = 0
    x: float = 0
    y: float = 0
    span: float = 0
    """The layer's width, which a curve through an empty place has to cross."""

    @property
    def width(self) -> float:
        """In pixels; 0 for an empty place, which only keeps a way free."""
        if not self.title:
            return 0
        names = [self.title, *(_short(place.name) for place in self.places)]
        return max(len(name) for name in names) * CHAR + 2 * PAD

    @property
    def height(self) -> float:
        if not self.title:
            return ROW / 2
        return HEAD + ROW * len(self.places) + PAD / 2

    def row(self, place: Place) -> float:
        """The middle of a column's row."""
        return self.y + HEAD + ROW * (self.places.index(place) + 0.5)


def picture(answers: Iterable[Answer], flow: Flow) -> Picture:
    """All columns of some answers and every step between them."""
    answers = list(answers)
    edges = list(dict.fromkeys(edge for answer in answers for edge in answer.edges))
    asked = {place for answer in answers for place in answer.places}
    marked = asked if len(answers) == 1 else set()
    touched = {place for edge in edges for place in (edge.source, edge.to)}
    places = touched | (asked if not touched else {place for place in asked if flow.maker(place)})
    boxes = _boxes(places, flow)
    _layers(boxes, edges)
    ways = _ways(boxes, edges)
    _arrange(boxes, edges, ways)
    return Picture(_svg(boxes, edges, ways, marked, flow), len(boxes), len(places))


def _home(place: Place) -> Home:
    return place.kind, place.home, place.table


def _boxes(places: set[Place], flow: Flow) -> dict[Home, Box]:
    boxes: dict[Home, Box] = {}
    for place in _in_order(places, flow):
        title = flow.shown[place].rpartition(".")[0] + (" (CRM)" if place.kind == "field" else "")
        boxes.setdefault(_home(place), Box(_home(place), _short(title))).places.append(place)
    return boxes


def _in_order(places: set[Place], flow: Flow) -> list[Place]:
    """By table; a model's columns as the model lists them, others by name."""
    homes = {_home(place): place for place in places}
    found = []
    for home, any_of in sorted(homes.items()):
        listed = flow.table((home[1], home[2])) if flow.maker(any_of) else []
        own = {place for place in places if _home(place) == home}
        found += [*(place for place in listed if place in own), *sorted(own.difference(listed))]
    return found


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _layers(boxes: Mapping[Home, Box], edges: Iterable[Edge]) -> None:
    """A table stands right of all that it reads; a table that reads itself stays where it is."""
    reads: dict[Home, set[Home]] = {home: set() for home in boxes}
    for edge in edges:
        if _home(edge.source) != _home(edge.to):
            reads[_home(edge.to)].add(_home(edge.source))
    waiting = list(boxes)
    for _ in boxes:
        moved = []
        for home in waiting:
            layer = max((boxes[other].layer + 1 for other in reads[home]), default=0)
            if layer > boxes[home].layer:
                boxes[home].layer = layer
                moved.append(home)
        if not moved:
            return


def _ways(boxes: Mapping[Home, Box], edges: Iterable[Edge]) -> dict[tuple[Home, Home], list[Box]]:
    """Where two tables are more than a layer apart: an empty place in each layer between, so that no curve runs under a box."""
    found: dict[tuple[Home, Home], list[Box]] = {}
    for edge in edges:
        pair = (_home(edge.source), _home(edge.to))
        between = range(boxes[pair[0]].layer + 1, boxes[pair[1]].layer)
        if between and pair not in found:
            found[pair] = [Box(pair[0], "", layer=layer) for layer in between]
    return found


def _arrange(
    boxes: Mapping[Home, Box], edges: list[Edge], ways: Mapping[tuple[Home, Home], list[Box]]
) -> None:
    """Layers left to right; in each, boxes near what they are linked to, which keeps curves from crossing."""
    layers: dict[int, list[Box]] = {}
    for box in [*boxes.values(), *(box for way in ways.values() for box in way)]:
        layers.setdefault(box.layer, []).append(box)
    x = float(PAD)
    for number in sorted(layers):
        span = max(box.width for box in layers[number])
        for box in layers[number]:
            box.x, box.span = x, span
        x += span + GAP_X
        _stack(layers[number], {})
    links = _links(boxes, edges, ways)
    for number in [*sorted(layers), *sorted(layers, reverse=True), *sorted(layers)]:
        wish = {id(box): _middle(links.get(id(box), ()), box) for box in layers[number]}
        layers[number].sort(key=lambda box: (wish[id(box)], box.title))
        _stack(layers[number], wish)
    highest = min((box.y for layer in layers.values() for box in layer), default=0)
    for layer in layers.values():
        for box in layer:
            box.y += PAD - highest


Links = dict[int, list[tuple[Box, Place | None]]]


def _links(
    boxes: Mapping[Home, Box], edges: Iterable[Edge], ways: Mapping[tuple[Home, Home], list[Box]]
) -> Links:
    """What each box and each empty place is linked to, along the way of every step."""
    found: Links = {}
    for edge in edges:
        start, end = boxes[_home(edge.source)], boxes[_home(edge.to)]
        chain: list[tuple[Box, Place | None]] = [(start, edge.source)]
        chain += [(box, None) for box in ways.get((start.home, end.home), ())]
        chain.append((end, edge.to))
        for left, right in pairwise(chain):
            found.setdefault(id(left[0]), []).append(right)
            found.setdefault(id(right[0]), []).append(left)
    return found


def _middle(linked: Iterable[tuple[Box, Place | None]], box: Box) -> float:
    """The mean height of what a box is linked to."""
    heights = [other.row(place) if place else other.y for other, place in linked]
    return sum(heights) / len(heights) if heights else box.y


def _stack(layer: list[Box], wish: Mapping[int, float]) -> None:
    """Downwards without overlap, each as near to where it wishes to be as those above it allow."""
    y = -math.inf if wish else float(PAD)
    for box in layer:
        box.y = max(y, wish[id(box)] - box.height / 2) if wish else y
        y = box.y + box.height + GAP_Y


def _svg(
    boxes: Mapping[Home, Box],
    edges: list[Edge],
    ways: Mapping[tuple[Home, Home], list[Box]],
    asked: set[Place],
    flow: Flow,
) -> str:
    width = max((box.x + box.width for box in boxes.values()), default=0) + PAD
    height = max((box.y + box.height for box in boxes.values()), default=0) + PAD
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
    page = '<rect class="page" width="100%" height="100%"/>'
    parts = [head, "<title>Column lineage</title>", f"<style>{STYLE}</style>", page]
    for edge in edges:
        start, end = boxes[_home(edge.source)], boxes[_home(edge.to)]
        parts.append(_curve(start, end, edge, ways.get((start.home, end.home), [])))
    for box in boxes.values():
        parts += _drawn(box, asked, flow)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _curve(start: Box, end: Box, edge: Edge, way: list[Box]) -> str:
    """From the right side of one row to the left side of another, through the empty places between."""
    x, y = start.x + start.width, start.row(edge.source)
    drawn = f"M{x:.1f} {y:.1f}"
    if end.layer <= start.layer:  # inside of one table: out and back on its right
        x2, y2 = end.x + end.width, end.row(edge.to)
        drawn += f" C{x + 60:.1f} {y:.1f} {x2 + 60:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    else:
        for x2, y2, span in [*((box.x, box.y, box.span) for box in way), (end.x, end.row(edge.to), 0)]:
            bend = max(40.0, (x2 - x) / 2)
            drawn += f" C{x + bend:.1f} {y:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
            drawn += f" H{x2 + span:.1f}" if span else ""
            x, y = x2 + span, y2
    kind = ' class="indirect"' if edge.how == "indirect" else ""
    return f'<path{kind} d="{drawn}"/>'


def _drawn(box: Box, asked: set[Place], flow: Flow) -> list[str]:
    kind = "field" if box.home[0] == "field" else "end" if flow.is_end(box.places[0]) else "model"
    x, y, width = f"{box.x:.1f}", f"{box.y:.1f}", f"{box.width:.1f}"
    parts = [
        f'<g class="{kind}"><rect class="box" x="{x}" y="{y}" width="{width}" height="{box.height:.1f}" rx="4"/>',
        f'<rect class="head" x="{x}" y="{y}" width="{width}" height="{HEAD - 4}" rx="4"/>',
        _text(box.x + PAD, box.y + 17, box.title, "title"),
    ]
    for place in box.places:
        middle = box.row(place)
        if place in asked:
            parts.append(
                f'<rect class="asked" x="{box.x + 2:.1f}" y="{middle - ROW / 2:.1f}" width="{box.width - 4:.1f}" height="{ROW}"/>'
            )
        name = flow.shown[place].rpartition(".")[2]
        parts.append(_text(box.x + PAD, middle + 4, _short(name), ""))
    return [*parts, "</g>"]


def _text(x: float, y: float, text: str, kind: str) -> str:
    word = f' class="{kind}"' if kind else ""
    return f'<text{word} x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
