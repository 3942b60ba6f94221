"""Every bad input of tests/golden/project/dbt, against the exact diagnostics and notices that stand in the same file."""

from __future__ import annotations

import os

import pytest
from tests.unit.project.layout import DBT, DBT_CASES, lay_out, sections

from tailrace.errors import ProjectError
from tailrace.project.load import load_project


@pytest.mark.parametrize("case", DBT_CASES, ids=lambda path: path.stem)
def test_exactly_these_diagnostics(case, tmp_path, monkeypatch):
    monkeypatch.delenv("TAILRACE_TEST_UNSET", raising=False)
    root = tmp_path / "project"
    root.mkdir()
    lay_out(case, root, DBT / "base.txt")
    try:
        told = {"expect": (), "notices": load_project(root).notices}
    except ProjectError as error:
        told = {"expect": error.diagnostics}
    got = {name: "".join(f"{diagnostic}\n" for diagnostic in found) for name, found in told.items()}
    text = "".join(f"== {name}\n{body}" for name, body in got.items())
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        case.write_text(case.read_text().partition("== expect\n")[0] + text)
    (tmp_path / f"{case.stem}.got").write_text(text)
    expected = sections(case)
    assert got == {name: expected[name] for name in ("expect", "notices") if name in expected}


def test_there_are_cases():
    assert len(DBT_CASES) > 15
