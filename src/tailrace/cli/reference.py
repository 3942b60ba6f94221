"""The reference project's files: in a wheel they lie beside the code, in a checkout they are the root's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("pipelines", "models", "seeds", "macros", "expectations", "reverse")
START, END = "# ---- the reference project", "# ---- end of the reference project"

IGNORE = ".tailrace/\nwarehouse.duckdb*\n"


def home() -> Path:
    """The folder that holds them."""
    inside = Path(__file__).resolve().parent.parent / "reference_project"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3]


def files() -> Iterator[tuple[str, str]]:
    """Relative path and text of every file that `init` writes."""
    root = home()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix in (".yml", ".sql", ".csv"):
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
    yield "profiles.yml", (root / "profiles.yml").read_text(encoding="utf-8")
    yield "pyproject.toml", project_table((root / "pyproject.toml").read_text(encoding="utf-8"))
    yield ".gitignore", IGNORE


def project_table(text: str) -> str:
    """The `[tool.tailrace]` tables of the root's pyproject.toml, without what only the framework needs."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(START))
    last = next(number for number, line in enumerate(lines) if line.startswith(END))
    return "\n".join(lines[first + 1 : last]).strip() + "\n"
