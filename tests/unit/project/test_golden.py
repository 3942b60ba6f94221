"""Every bad input of tests/golden/project, against the exact diagnostics that stand in the same file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tailrace.errors import ProjectError
from tailrace.project.load import load_project

GOLDEN = Path(__file__).parents[2] / "golden" / "project"
CASES = sorted(path for path in GOLDEN.glob("*.txt"))


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


def lay_out(case: Path, root: Path) -> str | None:
    """Write the good project with the case's files over it; the chosen target, if the case names one."""
    files = sections(GOLDEN / "good.txt") | sections(case)
    for name, text in files.items():
        if name == "expect" or name.startswith("target "):
            continue
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return next((name.removeprefix("target ") for name in files if name.startswith("target ")), None)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_exactly_these_diagnostics(case, tmp_path, monkeypatch):
    monkeypatch.delenv("TAILRACE_TEST_UNSET", raising=False)
    root = tmp_path / "project"
    root.mkdir()
    target = lay_out(case, root)
    try:
        load_project(root, target)
        got = ""
    except ProjectError as error:
        got = "".join(f"{diagnostic}\n" for diagnostic in error.diagnostics)
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        head = case.read_text().partition("== expect\n")[0]
        case.write_text(head + "== expect\n" + got)
    (tmp_path / f"{case.stem}.got").write_text(got)
    assert got == sections(case)["expect"]


def test_there_are_cases():
    assert len(CASES) > 10
