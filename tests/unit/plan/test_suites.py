"""What `check` says about suites, against the exact diagnostics that stand in the same file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.project.layout import lay_out, sections

from tailrace.errors import ProjectError
from tailrace.plan.resolve import resolve
from tailrace.project.load import load_project

GOLDEN = Path(__file__).parents[2] / "golden" / "suites"
CASES = sorted(path for path in GOLDEN.glob("*.txt") if path.stem != "base")
NOW = datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)


def diagnostics(root: Path) -> str:
    try:
        resolve(load_project(root), now=NOW)
    except ProjectError as error:
        return "".join(f"{diagnostic}\n" for diagnostic in error.diagnostics)
    return ""


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_exactly_these_diagnostics(case, tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    lay_out(case, root, GOLDEN / "base.txt")
    got = diagnostics(root)
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        head = case.read_text().partition("== expect\n")[0]
        case.write_text(head + "== expect\n" + got)
    (tmp_path / f"{case.stem}.got").write_text(got)
    assert got == sections(case)["expect"]


def test_a_second_check_parses_nothing(tmp_path):
    """The cache holds what SQL in suites says, so that a check of an unchanged project needs no parser."""
    import subprocess
    import sys

    root = tmp_path / "project"
    root.mkdir()
    lay_out(GOLDEN / "right.txt", root, GOLDEN / "base.txt")
    assert diagnostics(root) == ""
    code = (
        "import sys; from pathlib import Path; from tests.unit.plan.test_suites import diagnostics;"
        f"assert diagnostics(Path({str(root)!r})) == '';"
        "print(sorted({'sqlglot', 'jinja2', 'great_expectations', 'pandas', 'dlt'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
