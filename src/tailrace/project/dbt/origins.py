"""The project's own origin and its packages', from pyproject.toml or dbt_project.yml and for one target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tailrace.errors import Diagnostic
from tailrace.project.dbt.origin import Origin, Paths
from tailrace.project.dbt.project_file import FILE, ProjectFile, open_project_file, read_project_file
from tailrace.project.dbt.templates import YamlTemplates
from tailrace.project.model_config import folder_layers
from tailrace.project.reader import Reader
from tailrace.project.spec import EMPTY, DbtProject, Package, Target
from tailrace.project.toml import Settings, has_settings, read_settings

_OWN_PATHS = Paths(docs=("models", "seeds", "snapshots", "macros"))


EARLY = "Give it by --vars: no other variable is known yet here"
INSTALLED = ("packages", "dbt_packages")
PACKAGE_FILES = ("packages.yml", "dependencies.yml")


@dataclass(frozen=True)
class Chosen:
    """Which settings hold: `[tool.tailrace]`'s, a dbt_project.yml's, or both (the former name, the latter lays out)."""

    settings: Settings
    reader: Reader | None = None
    dialect_is_written: bool = True


def choose_settings(root: Path, variables: Mapping[str, Any], problems: list[Diagnostic]) -> Chosen | None:
    """The project's settings; None and a diagnostic where there is no project."""
    if not (root / FILE).is_file():
        settings = read_settings(root, problems)
        return None if settings is None else Chosen(settings)
    reader = open_project_file(root, FILE, problems, problems)
    if has_settings(root):
        ours = read_settings(root, problems)
        if ours is None or reader is None:
            return None
        if ours.models:
            place = ours.marks.key("models")
            message = f"models are configured in {FILE} where there is one"
            problems.append(Diagnostic(place, message, "Move these tables there"))
        return Chosen(ours, reader, (*ours.marks.prefix, "dialect") in ours.marks.keys)
    if reader is None:
        return None
    templates = YamlTemplates(variables, EMPTY, problems, EARLY)
    name = reader.text("name", required=True)
    profile = templates.render(reader.text("profile", required=True), reader.marks.under("profile"))
    return Chosen(
        Settings(name, str(profile), "duckdb", EMPTY, EMPTY, reader.marks), reader, dialect_is_written=False
    )


@dataclass(frozen=True)
class Origins:
    """The project, its packages, and its dbt_project.yml where it has one."""

    project: Origin
    packages: list[Origin]
    file: ProjectFile | None

    @property
    def all(self) -> list[Origin]:
        return [self.project, *self.packages]

    def as_packages(self) -> dict[str, Package]:
        """The packages as templates and hooks need them."""
        return {
            origin.name: Package(
                origin.name, origin.shown, origin.vars, origin.version, origin.on_run_start, origin.on_run_end
            )
            for origin in self.packages
        }

    def as_dbt(self) -> DbtProject | None:
        """What the project's dbt_project.yml adds."""
        file = self.file
        if file is None:
            return None
        return DbtProject(file.name, file.dispatch, file.on_run_start, file.on_run_end, file.version)


def find_origins(
    root: Path,
    chosen: Chosen,
    target: Target | None,
    variables: Mapping[str, Any],
    problems: list[Diagnostic],
    notices: list[Diagnostic],
) -> Origins:
    """Everything whose files are read. Without a target (which is a problem already) its parts are as good as unset."""
    about = target_words(target, chosen.settings.profile)
    file = None
    if chosen.reader is not None:
        file = read_project_file(chosen.reader, YamlTemplates(variables, about, problems, EARLY))
    own = {**(file.vars if file else {}), **chosen.settings.vars}
    scoped = own.get(file.name) if file else None
    seen = {**own, **(scoped if isinstance(scoped, Mapping) else {}), **chosen.settings.vars, **variables}
    templates = YamlTemplates(seen, about, problems)
    if file is None:
        project = Origin("", "", root, "", templates, _OWN_PATHS, vars=seen)
    else:
        project = Origin(
            file.name, "", root, "", templates, file.paths, file.trees, vars=seen, lax=problems,
            schema=target.schema if target else "main",
        )  # fmt: skip
    packages = []
    installed = file.installed if file else INSTALLED
    if any((root / name).exists() for name in (*installed, *PACKAGE_FILES)):
        from tailrace.project.dbt.packages import Given, find_packages

        packages = find_packages(project, Given(own, variables, about, installed), problems, notices)
    if file is None:
        project, packages = _with_folders(project, packages, chosen.settings, problems)
    return Origins(project, packages, file)


def _with_folders(
    project: Origin, packages: list[Origin], settings: Settings, problems: list[Diagnostic]
) -> tuple[Origin, list[Origin]]:
    """The configuration of `[tool.tailrace.models]`, whose tables may name packages, too."""
    names = {package.name for package in packages}
    marks = settings.marks.under("models")
    trees = {"models": folder_layers(project.root, settings.models, marks, problems, names)}
    over = {
        "models": {path: layer for path, layer in trees["models"].items() if path[:1] and path[0] in names}
    }
    return replace(project, trees=trees), [replace(package, over=over) for package in packages]


def target_words(target: Target | None, profile: str) -> dict[str, Any]:
    """What dbt calls `target`, as templates in YAML see it."""
    if target is None:
        return {"name": "", "type": "duckdb", "schema": "main", "threads": 1, "profile_name": profile}
    path = target.path
    database = path.stem if path is not None else target.settings.get("project", "")
    return {
        "name": target.name,
        "type": target.type,
        "schema": target.schema,
        "database": database,
        "dbname": database,
        "threads": target.threads,
        "profile_name": profile,
    }
