"""Packages that lie in the project (packages/, dbt_packages/) or beside it (`local:`), as origins with their variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailrace.errors import Diagnostic, Location
from tailrace.project.dbt.origin import Origin
from tailrace.project.dbt.origins import EARLY
from tailrace.project.dbt.packages_file import Asked, asked_for
from tailrace.project.dbt.project_file import FILE, ProjectFile, open_project_file, read_project_file
from tailrace.project.dbt.templates import YamlTemplates
from tailrace.project.reader import hint


@dataclass(frozen=True)
class Given:
    """What the project gives its packages: its own variables, those of the command line, its target."""

    vars: Mapping[str, Any]
    command_line: Mapping[str, Any]
    target: Mapping[str, Any]
    installed: tuple[str, ...]

    def for_package(self, file: ProjectFile) -> dict[str, Any]:
        """What a package's templates see: the nearer to the person, the stronger."""
        scoped = self.vars.get(file.name)
        return {
            **file.variables(),
            **self.vars,
            **(scoped if isinstance(scoped, Mapping) else {}),
            **self.command_line,
        }


def find_packages(
    project: Origin, given: Given, problems: list[Diagnostic], notices: list[Diagnostic]
) -> list[Origin]:
    """Every package of the project, by name; one that is asked for and is not there is a problem."""
    search = _Search(project, given, problems, notices)
    for folder in dict.fromkeys(given.installed):
        base = project.root / folder
        for inner in sorted(base.iterdir()) if base.is_dir() else ():
            if (inner / FILE).is_file():
                search.installed(inner)
    search.follow(project, (project.root.resolve(),))
    search.told_missing()
    return [search.found[name] for name in sorted(search.found)]


class _Search:
    def __init__(
        self, project: Origin, given: Given, problems: list[Diagnostic], notices: list[Diagnostic]
    ) -> None:
        self.project = project
        self.given = given
        self.problems = problems
        self.notices = notices
        self.found: dict[str, Origin] = {}
        self._missing: list[Asked] = []
        self._followed: set[Path] = set()
        self._claimed: set[str] = set()

    def installed(self, folder: Path) -> None:
        origin = self._read(folder)
        if origin is None:
            return
        other = self.found.get(origin.name)
        if other is not None and other.root.resolve() != folder.resolve():
            message = f"package {origin.name} is also in {other.shown}"
            self.problems.append(Diagnostic(Location(origin.show(FILE)), message, "Remove one of the two"))
        elif origin.name == self.project.name:
            message = f"the package has the project's own name, {origin.name}"
            self.problems.append(Diagnostic(Location(origin.show(FILE)), message, "Remove it, or rename one"))
        else:
            self.found[origin.name] = origin

    def follow(self, origin: Origin, way: tuple[Path, ...]) -> None:
        """What an origin asks for, and what that asks for in turn."""
        self._followed.add(origin.root.resolve())
        for asked in asked_for(origin):
            if asked.local is not None:
                self._local(asked, way)
            elif asked.name in self.found:
                self._claimed.add(asked.name)
            else:
                self._missing.append(asked)
        for name in sorted(self.found):
            root = self.found[name].root.resolve()
            if root not in self._followed:
                self.follow(self.found[name], (*way, root))

    def told_missing(self) -> None:
        """A repository's package may have another name than its address: it is missed where no package is left over."""
        spare = len(set(self.found) - self._claimed)
        for asked in self._missing:
            if asked.name in self.found:
                continue
            if not asked.sure and spare > 0:
                spare -= 1
                continue
            where = self.given.installed[-1]
            close = hint(asked.name, list(self.found)) if self.found else ""
            fix = f"Put it, whole, into {where}/{asked.name}/: nothing is downloaded"
            fix += f". {close}" if close.startswith("Did") else ""
            self.problems.append(
                Diagnostic(asked.location, f"package {asked.name} is not in the project", fix)
            )

    def _local(self, asked: Asked, way: tuple[Path, ...]) -> None:
        assert asked.local is not None
        root = asked.local.resolve()
        if root in way:
            round_ = " -> ".join(self._shown(path) for path in (*way[way.index(root) :], root))
            self.problems.append(
                Diagnostic(asked.location, f"packages ask for each other: {round_}", "Remove one of them")
            )
            return
        if not (root / FILE).is_file():
            fix = f"Name a folder that holds a {FILE}"
            message = f"there is no package in {self._shown(root)}"
            self.problems.append(Diagnostic(asked.location, message, fix))
            return
        folder = Path(os.path.normpath(asked.local))
        origin = self._read(folder)
        if origin is None:
            return
        self._claimed.add(origin.name)
        other = self.found.get(origin.name)
        if other is not None and other.root.resolve() == root:
            origin = other
        self.found[origin.name] = origin
        self.follow(origin, (*way, root))

    def _shown(self, folder: Path) -> str:
        root = self.project.root.resolve()
        return "the project" if folder == root else os.path.relpath(folder, root)

    def _read(self, folder: Path) -> Origin | None:
        shown = os.path.relpath(folder, self.project.root)
        reader = open_project_file(folder, f"{shown}/{FILE}", self.problems, self.notices)
        if reader is None:
            return None
        templates = YamlTemplates(self.given.command_line, self.given.target, self.problems, EARLY)
        file = read_project_file(reader, templates)
        if not file.name:
            return None
        variables = self.given.for_package(file)
        return Origin(
            name=file.name,
            package=file.name,
            root=folder,
            shown=shown,
            templates=YamlTemplates(variables, self.given.target, self.problems),
            paths=file.paths,
            trees=file.trees,
            over=self.project.trees,
            vars=variables,
            lax=self.notices,
            schema=self.project.schema,
            version=file.version,
            on_run_start=file.on_run_start,
            on_run_end=file.on_run_end,
        )
