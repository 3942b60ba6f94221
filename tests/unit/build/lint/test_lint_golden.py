"""Each rule on its own file of tests/golden/lint: bad and good models, and exactly what is found in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.build.layout import compiled, lay_out, sections

from tailrace.build.lint.catalogue import catalogue, names
from tailrace.build.lint.run import lint
from tailrace.build.lint.settings import LintSettings
from tailrace.project.load import load_project

GOLDEN = Path(__file__).parents[3] / "golden" / "lint"


def found_in(root, *rules):
    project = load_project(root)
    settings = LintSettings(disable=frozenset(names()) - set(rules))
    graph = compiled(root)
    return [str(finding) for finding in lint(project, graph, set(graph.nodes), settings)]


@pytest.mark.parametrize("rule", names())
def test_exactly_this(rule, tmp_path):
    path = GOLDEN / f"{rule}.txt"
    wanted = sections(path)
    got = "".join(f"{line}\n" for line in found_in(lay_out(tmp_path / "project", wanted), rule))
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        path.write_text(path.read_text().partition("== expect\n")[0] + "== expect\n" + got)
        wanted["expect"] = got
    assert got == wanted["expect"]
    assert f"[{rule}]" in got, "a fixture shows the rule at work"


def test_every_rule_says_why_and_every_fixture_is_of_one():
    assert len(names()) >= 15
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(names())
    for rule in catalogue().values():
        assert rule.reason.endswith("."), rule.name
