"""Every bad input of tests/golden/project, against the exact diagnostics that stand in the same file."""

from __future__ import annotations

import os

import pytest
from tests.unit.project.layout import CASES, lay_out, sections

from tailrace.errors import ProjectError
from tailrace.project.load import load_project


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
