"""Whose files are read: the project itself, and each package that lies in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tailrace.errors import Diagnostic
from tailrace.project.files import walk
from tailrace.project.model_config import Layers
from tailrace.project.spec import EMPTY

if TYPE_CHECKING:
    from tailrace.project.dbt.templates import YamlTemplates


@dataclass(frozen=True)
class Paths:
    """Folders by what lies in them, relative to the project or package."""

    models: tuple[str, ...] = ("models",)
    seeds: tuple[str, ...] = ("seeds",)
    snapshots: tuple[str, ...] = ("snapshots",)
    macros: tuple[str, ...] = ("macros",)
    tests: tuple[str, ...] = ("tests",)
    analyses: tuple[str, ...] = ("analyses",)
    docs: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """One file: its path on disk, its name as diagnostics show it, and its path below the folder that was read."""

    path: Path
    shown: str
    below: PurePosixPath

    @property
    def folders(self) -> tuple[str, ...]:
        return self.below.parts[:-1]


@dataclass(frozen=True)
class Origin:
    """The project (`package` "") or a package. `trees` are its config trees by dbt's words, `over` the project's for a package.

    `name` begins the path by which a config tree finds a node; in a project of ours it is "", and paths begin with the folder.
    `lax`: dbt's laxness in YAML; what looks like a typing mistake goes to that list.
    """

    name: str
    package: str
    root: Path
    shown: str
    templates: YamlTemplates
    paths: Paths = Paths()
    trees: Mapping[str, Layers] = field(default_factory=dict)
    over: Mapping[str, Layers] = field(default_factory=dict)
    vars: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    lax: list[Diagnostic] | None = None
    schema: str | None = None
    version: str = ""
    on_run_start: tuple[str, ...] = ()
    on_run_end: tuple[str, ...] = ()

    def files(self, folders: tuple[str, ...], *suffixes: str) -> Iterator[File]:
        """Files under some of its folders, each once, in a stable order."""
        seen: set[str] = set()
        for folder in folders:
            start = 0 if os.path.normpath(folder) == "." else len(os.path.normpath(folder)) + 1
            for path, name in walk(self.root, folder, suffixes):
                if name not in seen:
                    seen.add(name)
                    yield File(path, self.show(name), PurePosixPath(name[start:]))

    def show(self, name: str) -> str:
        """A file's name relative to the project."""
        return os.path.normpath(f"{self.shown}/{name}") if self.shown else name

    def fqn(self, *parts: str) -> tuple[str, ...]:
        """The path by which config trees find something."""
        return (self.name, *parts) if self.name else parts
