"""Lays out projects from the golden files."""

from __future__ import annotations

from pathlib import Path

GOLDEN = Path(__file__).parents[2] / "golden" / "project"
CASES = sorted(path for path in GOLDEN.glob("*.txt"))
DBT = GOLDEN / "dbt"
DBT_CASES = sorted(path for path in DBT.glob("*.txt"))


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


def lay_out(case: Path, root: Path, base: Path = GOLDEN / "good.txt") -> str | None:
    """Write the good project with the case's files over it; the chosen target, if the case names one."""
    files = sections(base) | sections(case)
    for name, text in files.items():
        if name in ("expect", "notices") or name.startswith("target "):
            continue
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return next((name.removeprefix("target ") for name in files if name.startswith("target ")), None)


def lay_files(root: Path, files: dict[str, str]) -> Path:
    """These files in a folder, which is given back."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root
