"""Every project of tests/golden/tests: what its tests find, against what stands in the same file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.build.layout import sections
from tests.unit.build.testing.layout import LANDED, built, project_of

from tailrace.build.testing.active import active_data_tests, active_unit_tests
from tailrace.build.testing.check import check_tests
from tailrace.build.testing.outcome import Outcome
from tailrace.build.testing.run import run_data_tests, run_unit_tests
from tailrace.errors import ProjectError

GOLDEN = Path(__file__).parents[3] / "golden" / "tests"
CASES = sorted(GOLDEN.glob("*.txt"))


def found_in(root, wanted):
    files = {name: text for name, text in wanted.items() if "." in name}
    try:
        project, graph = project_of(root, files)
    except ProjectError as error:
        return {"check": "".join(f"{problem}\n" for problem in error.diagnostics)}
    if problems := check_tests(project, graph):
        return {"check": "".join(f"{problem}\n" for problem in sorted(problems))}
    outcomes = run_unit_tests(project, graph, tuple(active_unit_tests(project, graph)))
    landed = [line for line in wanted.get("landed", "").split(";\n") if line.strip()]
    if project.data_tests:
        warehouse = built(project, graph, *LANDED, *landed)
        outcomes += run_data_tests(warehouse, project, graph, tuple(active_data_tests(project, graph)))
    return {"expect": "".join(map(told, outcomes))}


def told(outcome: Outcome) -> str:
    lines = [f"{outcome.status} {outcome.kind} {outcome.name} {outcome.failures}"]
    lines += [f"  {line}" for line in outcome.message.splitlines()]
    rows = outcome.difference or outcome.samples
    if rows is not None:
        lines.append(f"  | {' | '.join(rows.columns)}")
        lines += [
            f"  | {' | '.join('NULL' if cell is None else str(cell) for cell in row)}" for row in rows.rows
        ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_exactly_this(case, tmp_path):
    wanted = sections(case)
    got = found_in(tmp_path / "project", wanted)
    word, text = next(iter(got.items()))
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        head = case.read_text().partition("== expect\n")[0].partition("== check\n")[0]
        case.write_text(f"{head}== {word}\n{text}")
        wanted = sections(case)
    (tmp_path / f"{case.stem}.got").write_text(text)
    assert got == {name: wanted[name] for name in ("check", "expect") if name in wanted}


def test_there_are_cases():
    assert len(CASES) >= 6
