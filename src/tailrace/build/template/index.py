"""Where each macro is: found by a look at the text, so that a file is parsed only when one of its macros is called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tailrace.build.static import place
from tailrace.errors import Diagnostic
from tailrace.project.spec import Project

INTERNAL = "dbt"
"""The package of what dbt brings itself."""
OBJECTS = frozenset((
    "this", "model", "target", "adapter", "execute", "graph", "context", "builtins", "return", "caller", "varargs", "kwargs",
    "api", "modules", "exceptions", "flags", "loop", "self",
))  # fmt: skip
"""Names in a template that no macro may take: they are no functions, or Jinja's."""
_BLOCK = re.compile(r"\{%[-+]?\s*(macro|test|data_test|materialization)\s+(\w+)")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """A macro by its package ("" is the project) and name, and the file that defines it."""

    package: str
    name: str
    path: str


@dataclass(frozen=True)
class MacroIndex:
    """All macros of a project, and those that dbt brings; `texts` are their files."""

    places: Mapping[tuple[str, str], Place]
    texts: Mapping[str, str]
    packages: Mapping[str, str]
    by_package: Mapping[str, Mapping[str, Place]] = field(default_factory=dict)

    def of(self, package: str) -> Mapping[str, Place]:
        """The macros of one package, by name."""
        return self.by_package.get(package, {})


def index_of(project: Project, problems: list[Diagnostic]) -> MacroIndex:
    """Every macro; two of one name in one package, and names that are taken, are diagnostics."""
    texts = {**internal_texts(), **project.macros}
    packages = {path: package_of(project, path) for path in texts}
    places: dict[tuple[str, str], Place] = {}
    by_package: dict[str, dict[str, Place]] = {}
    for path, text in texts.items():
        package = packages[path]
        for kind, name, offset in defined(text):
            said = _wrong(project, kind, name, package, places)
            if said:
                problems.append(Diagnostic(place(path, text, offset), *said))
            elif kind != "materialization":
                places[package, name] = by_package.setdefault(package, {})[name] = Place(package, name, path)
    return MacroIndex(places, texts, packages, by_package)


def package_of(project: Project, path: str) -> str:
    """Whose macros a file holds; in a project of ours a folder of macros/ is a package as well."""
    if path in internal_texts():
        return INTERNAL
    if path in project.macro_packages:
        return project.macro_packages[path]
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def defined(text: str) -> Iterator[tuple[str, str, int]]:
    """(kind of block, name, offset of the name) of each macro, test and materialization of a file."""
    if "{#" in text:
        text = _COMMENT.sub(lambda found: " " * len(found[0]), text)
    for found in _BLOCK.finditer(text):
        kind, name = found.groups()
        yield kind, f"test_{name}" if "test" in kind else name, found.start(2)


def _wrong(
    project: Project, kind: str, name: str, package: str, places: Mapping[tuple[str, str], Place]
) -> tuple[str, str] | None:
    if kind == "materialization":
        known = "Use view, table, incremental, snapshot or ephemeral"
        return None if package else (f"materialization {name} cannot be defined here", known)
    if (package, name) in places:
        owner = package or project.name
        return f"macro {name} is defined twice in {owner}", "Rename one of them"
    if name in OBJECTS:
        return f"a macro cannot be called {name}", "Rename it: that name is taken"
    return None


@cache
def internal_texts() -> Mapping[str, str]:
    """The macros that dbt brings itself, ours by their own text, by path."""
    folder = Path(__file__).parent / "macros"
    return {f"{INTERNAL}/{path.name}": path.read_text("utf-8") for path in sorted(folder.glob("*.sql"))}
