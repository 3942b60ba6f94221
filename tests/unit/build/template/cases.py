"""Renders templates of small projects: those of tests/golden/templates, and a test's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tailrace.build.calls import Calls, Owner, Said
from tailrace.build.names import Named, names_of
from tailrace.build.static import Rendered
from tailrace.build.template.environment import Templates
from tailrace.build.template.unit import Unit
from tailrace.errors import Diagnostic
from tailrace.project.spec import ColumnDoc, DbtProject, Marks, ModelFile, Package, Project, SeedFile, Target
from tailrace.warehouse.duckdb import DuckDBWarehouse

GOLDEN = Path(__file__).parents[3] / "golden" / "templates"
NOW = datetime(2026, 11, 21, 4, 5, 6, 789000, tzinfo=UTC)


@dataclass
class Bench:
    """A project in memory: files by path (`macros/`, `packages/<name>/macros/`, `models/`), rendered one by one."""

    files: Mapping[str, str]
    vars: Mapping[str, Any] = field(default_factory=dict)
    dbt: Mapping[str, Any] | None = None
    dialect: str = "duckdb"
    config: Mapping[str, Any] = field(default_factory=dict)
    warehouse: DuckDBWarehouse | None = None
    writing: bool = False
    incremental: bool = False
    seconds: float = 5.0
    problems: list[Diagnostic] = field(default_factory=list)
    said: Said = field(default_factory=Said)

    def __post_init__(self) -> None:
        self.project = self._project()
        self.names = names_of(self.project, self._placed())
        self.templates = Templates(self.project, self.problems, self.seconds, NOW)

    def render(
        self, text: str, name: str = "a", package: str = "", names: Mapping[str, Any] | None = None
    ) -> Rendered | None:
        """The text as the model `name`'s."""
        unit = Unit(f"models/{name}.sql", text, package, names=names or {})
        with self.templates.connected(self.warehouse, writing=self.writing):
            calls = self.calls(unit, name)
            self.said = calls.said
            return self.templates.render(unit, calls)

    def calls(self, unit: Unit, name: str) -> Calls:
        placed = self.names.model(name) or Named(name, "marts", "model")
        owner = Owner(name, unit.path, unit.package, placed, self.config, self.incremental)
        return Calls(
            owner, self.names, self.project.vars_of(unit.package), '"' if self.dialect == "duckdb" else "`",
            lambda word: self.templates.where(unit, word), self.problems, self.templates.render_text,
        )  # fmt: skip

    def text(self, text: str, **more: Any) -> str:
        """What a template without mistakes gives."""
        found = self.render(text, **more)
        assert not self.problems, [str(problem) for problem in self.problems]
        assert found is not None
        return found.sql

    def wrong(self, text: str, **more: Any) -> list[str]:
        """The diagnostics of a template; they are not kept."""
        self.render(text, **more)
        found = [str(problem) for problem in self.problems]
        self.problems.clear()
        return found

    def _project(self) -> Project:
        packages = {path.split("/")[1] for path in self.files if path.startswith("packages/")}
        return Project(
            "acme", Path("/nowhere"), Target("dev", "duckdb", {}, Marks("profiles.yml"), path=Path("/nowhere/warehouse.duckdb")),
            models=tuple(
                ModelFile(Path(path).stem, path, "marts", text, columns=(ColumnDoc("id", "Its key"),), tags=("daily",))
                for path, text in self.files.items() if path.startswith("models/")
            ),
            seeds=(SeedFile("rows", "seeds/rows.csv"),),
            macros={path: text for path, text in self.files.items() if "macros/" in path},
            macro_packages={path: path.split("/")[1] for path in self.files if path.startswith("packages/")},
            packages={name: Package(name, f"packages/{name}", vars={**self.vars, "of_package": name}) for name in packages},
            vars=self.vars, dialect=self.dialect,
            dbt=DbtProject(**self.dbt) if self.dbt else None,
        )  # fmt: skip

    def _placed(self) -> dict[str, Named]:
        models = {model.name: Named(model.name, "marts", "model") for model in self.project.models}
        return {"rows": Named("rows", "main", "seed"), **models}


def sections(path: Path) -> dict[str, str]:
    """`== name` begins a section."""
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text().splitlines(keepends=True):
        if line.startswith("== "):
            name = line[3:].strip()
            found[name] = ""
        else:
            found[name] += line
    return found


def bench_of(wanted: Mapping[str, str]) -> Bench:
    """The project of a golden file; `settings` are Bench's own, `warehouse` is SQL that fills one."""
    settings = yaml.safe_load(wanted.get("settings", "{}")) or {}
    warehouse = None
    if "warehouse" in wanted:
        warehouse = DuckDBWarehouse(None)
        for statement in wanted["warehouse"].split(";"):
            if statement.strip():
                warehouse.execute(statement)
    files = {name: text for name, text in wanted.items() if "/" in name}
    return Bench(files, warehouse=warehouse, **settings)


def plain(text: str) -> str:
    """White space apart: one word a line would say no more."""
    return " ".join(text.split())
