"""dbt's node selection: `+name`, `@name`, `tag:x`, `path:models/marts`, commas for and, spaces for or."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tailrace.errors import BadInput
from tailrace.project.reader import hint

KINDS = ("model", "seed", "pipeline", "suite", "sync", "source", "exposure")
METHODS = ("tag", "path", "file", "fqn", "state", "package", "resource_type", "config", *KINDS)

_TERM = re.compile(
    r"(?P<at>@)?(?P<up>(?P<up_depth>\d*)\+)?((?P<method>[a-z_]+(?:\.[\w-]+)*):)?(?P<value>[^+@]*[^+@:])(?P<down>\+(?P<down_depth>\d*))?\Z"
)


@dataclass(frozen=True)
class Node:
    """One thing that a run works on. `id` is `kind:name`; `depends_on` are ids; a source's name is `dataset.table`.

    `config` are a model's settings, for `config.materialized:table` and `config.meta.owner:me`; `fqn` is its package, its folders
    and its name.
    """

    id: str
    kind: str
    name: str
    tags: tuple[str, ...] = ()
    path: str = ""
    depends_on: tuple[str, ...] = ()
    package: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    fqn: tuple[str, ...] = ()


def select(
    nodes: Collection[Node],
    selects: Sequence[str] = (),
    excludes: Sequence[str] = (),
    modified: Collection[str] | None = None,
) -> set[str]:
    """Ids of the selected nodes; without `selects`, all. BadInput for a word that matches nothing.

    `modified` are the ids or names that `state:modified` stands for; None where nothing is known of that.
    """
    graph = _Graph(nodes, modified)
    chosen = graph.union(selects) if any(text.split() for text in selects) else set(graph.nodes)
    return chosen - graph.union(excludes)


class _Graph:
    def __init__(self, nodes: Collection[Node], modified: Collection[str] | None) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.modified = modified
        self.parents = {node.id: [up for up in node.depends_on if up in self.nodes] for node in nodes}
        self.children: dict[str, list[str]] = {node.id: [] for node in nodes}
        for child, parents in self.parents.items():
            for parent in parents:
                self.children[parent].append(child)

    def union(self, texts: Iterable[str]) -> set[str]:
        """Every word of every text, added up; the comma-separated terms of a word must all hold."""
        found: set[str] = set()
        for word in (word for text in texts for word in text.split()):
            found |= set.intersection(*(self.term(term, word) for term in word.split(",")))
        return found

    def term(self, term: str, word: str) -> set[str]:
        parsed = _TERM.match(term)
        if parsed is None:
            raise BadInput(
                f"{word or term!r} is not a selection",
                "Write name, +name, name+, @name, tag:x or path:models/marts",
            )
        if parsed["at"] and (parsed["up"] or parsed["down"]):
            raise BadInput(
                f"{word}: @ goes both ways already, and takes no +", "Leave out the + or write +name+"
            )
        matched = self.matching(parsed["method"] or "", parsed["value"])
        found = set(matched)
        if parsed["at"]:
            found |= _reach(matched, self.children, "")
            found |= _reach(found, self.parents, "")
        if parsed["up"]:
            found |= _reach(matched, self.parents, parsed["up_depth"])
        if parsed["down"]:
            found |= _reach(matched, self.children, parsed["down_depth"])
        return found

    def matching(self, method: str, value: str) -> set[str]:
        if method == "state":
            return self.changed(value)
        if method and method.partition(".")[0] not in METHODS:
            raise BadInput(f"{method}:{value}: there is no selection by {method}", hint(method, METHODS))
        test = _test(method, value)
        found = {node.id for node in self.nodes.values() if test(node)}
        if not found:
            shown = f"{method}:{value}" if method else value
            raise BadInput(f"{shown} selects nothing", hint(value, self.known(method)))
        return found

    def changed(self, value: str) -> set[str]:
        if value != "modified":
            raise BadInput(f"state:{value} is not known", "Write state:modified")
        if self.modified is None:
            raise BadInput("state:modified cannot be used here", "Use it with run, build, plan or ls")
        return {
            node.id for node in self.nodes.values() if node.id in self.modified or node.name in self.modified
        }

    def known(self, method: str) -> list[str]:
        """What could have been meant, for a near miss."""
        nodes = self.nodes.values()
        if method == "tag":
            return sorted({tag for node in nodes for tag in node.tags})
        if method == "path":
            parts = [node.path.split("/") for node in nodes if node.path]
            return sorted({"/".join(part[:length]) for part in parts for length in range(1, len(part) + 1)})
        if method.startswith("config."):
            texts = {text for node in nodes for text in _setting(node, method)}
            return sorted(texts or {f"config.{key}" for node in nodes for key in node.config})
        if method in ("fqn", "package"):
            return sorted({".".join(node.fqn) if method == "fqn" else node.package for node in nodes} - {""})
        return sorted({node.name for node in nodes if method in ("", node.kind)})


def _reach(start: set[str], edges: Mapping[str, Sequence[str]], depth: str) -> set[str]:
    """Everything within `depth` edges of the start (empty: any number)."""
    found: set[str] = set()
    border = set(start)
    steps = int(depth) if depth else -1
    while border and steps != 0:
        border = {far for near in border for far in edges[near]} - found
        found |= border
        steps -= 1
    return found


def _test(method: str, value: str) -> Callable[[Node], bool]:
    if method == "tag":
        return lambda node: any(fnmatchcase(tag, value) for tag in node.tags)
    if method == "path" or (not method and "/" in value):
        path = value.removeprefix("./").rstrip("/")
        return lambda node: fnmatchcase(node.path, path) or fnmatchcase(node.path, path + "/*")
    if method == "file":
        return lambda node: fnmatchcase(node.path.rpartition("/")[2], value)
    if method == "package":
        return lambda node: fnmatchcase(node.package, value)
    if method == "resource_type":
        return lambda node: value in (node.kind, node.config.get("materialized"))
    if method.startswith("config."):
        return lambda node: value.lower() in _setting(node, method)
    if method == "fqn":
        return lambda node: _named(node, value)
    if method == "source":
        return lambda node: (
            node.kind == "source"
            and (_dotted(node.name, value) or _dotted(f"{node.package}.{node.name}", value))
        )
    if method:
        return lambda node: node.kind == method and fnmatchcase(node.name, value)
    return lambda node: (
        fnmatchcase(node.name, value) or (node.kind in ("model", "seed") and _named(node, value))
    )


def _setting(node: Node, method: str) -> list[str]:
    """What `config.a.b` is for a node, as the words that a person would write for it; of a mapping its keys."""
    value: Any = node.config
    for key in method.split(".")[1:]:
        value = value.get(key) if isinstance(value, Mapping) else None
    items = value if isinstance(value, list | tuple | Mapping) else () if value is None else (value,)
    return [str(item).lower() for item in items]


def _named(node: Node, value: str) -> bool:
    """Whether `value` is the node's name, or begins its dotted name, with its package in front or without."""
    return bool(node.fqn) and (
        fnmatchcase(node.name, value)
        or _dotted(".".join(node.fqn[1:]), value)
        or _dotted(".".join(node.fqn), value)
    )


def _dotted(name: str, value: str) -> bool:
    """Whether a dotted name is `value` or lies under it, part by part, globs allowed."""
    parts, wanted = name.split("."), value.split(".")
    return len(wanted) <= len(parts) and all(map(fnmatchcase, parts, wanted))
