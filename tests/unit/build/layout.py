"""Lays out projects from the golden files, and small ones of a test's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tailrace.build.compile import compile_project
from tailrace.build.graph import Graph, ModelNode
from tailrace.project.load import load_project

GOLDEN = Path(__file__).parents[2] / "golden" / "build"
CASES = sorted(path for path in GOLDEN.glob("*.txt") if path.stem != "base")
NOW = datetime(2026, 11, 21, 4, 5, 6, 789000, tzinfo=UTC)


def sections(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text().splitlines(keepends=True):
        if line.startswith("== "):
            name = line[3:].strip()
            found[name] = ""
        else:
            found[name] += line
    return found


def lay_out(root: Path, files: Mapping[str, str]) -> Path:
    """The base project with `files` over it; names without a dot are expectations."""
    for name, text in (sections(GOLDEN / "base.txt") | dict(files)).items():
        if "." in name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return root


def compiled(root: Path, cache: Path | None = None, now: datetime = NOW) -> Graph:
    return compile_project(load_project(root), now=now, cache_dir=cache)


def described(node: ModelNode) -> str:
    def words(items: object) -> str:
        return " ".join(map(str, items)) if items else "-"  # type: ignore[call-overload]

    columns = "?" if node.columns is None else words(node.columns)
    return (
        f"{node.materialized} in {node.schema}, tags {words(node.tags)}, depends on {words(node.depends_on)},"
        f" sources {words(node.sources)}, external {words(node.externals)}, columns {columns}\n"
    )
