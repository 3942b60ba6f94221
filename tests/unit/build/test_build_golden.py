"""Every project of tests/golden/build, against the exact diagnostics and SQL that stand in the same file."""

from __future__ import annotations

import os

import pytest
from tests.unit.build.layout import CASES, compiled, described, lay_out, sections

from tailrace.errors import ProjectError


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_exactly_this(case, tmp_path, monkeypatch):
    monkeypatch.delenv("TAILRACE_TEST_UNSET", raising=False)
    wanted = sections(case)
    root = lay_out(tmp_path / "project", wanted)
    for cache in (tmp_path / "cache", tmp_path / "cache", None):  # fresh, kept, none: the same
        try:
            graph, got = compiled(root, cache), ""
        except ProjectError as error:
            got = "".join(f"{diagnostic}\n" for diagnostic in error.diagnostics)
        if os.environ.get("TAILRACE_GOLDEN") == "write":
            head, _, tail = case.read_text().partition("== expect\n")
            case.write_text(
                head
                + "== expect\n"
                + got
                + ("" if got else tail.partition("== ")[1] + tail.partition("== ")[2])
            )
            wanted["expect"] = got
        (tmp_path / f"{case.stem}.got").write_text(got)
        assert got == wanted["expect"]
        if not got:
            for name, text in wanted.items():
                word, _, model = name.partition(" ")
                if word == "compiled":
                    assert graph.nodes[model].sql.rstrip() + "\n" == text
                elif word == "node":
                    assert described(graph.nodes[model]) == text


def test_there_are_cases():
    assert len(CASES) >= 9
