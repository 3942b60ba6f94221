"""What is wrong with an SQL condition is kept, by its text and the columns it is about."""

from __future__ import annotations

import subprocess
import sys

from tests.unit.plan.field import Field

from tailrace.plan import conditions
from tailrace.plan.conditions import FILE, Conditions


def test_a_verdict_is_kept_and_parsed_once(tmp_path, monkeypatch):
    first = Conditions(tmp_path)
    wrong = first.wrong_with("visit > 3", ["id", "visits"])
    assert [message for message, _ in wrong] == ["where names visit, which the model does not have"]
    assert first.wrong_with("visits > 3", ["id", "visits"]) == []
    first.save()
    monkeypatch.setattr(conditions, "wrong_with", lambda *_: [("parsed again", "")])
    second = Conditions(tmp_path)
    assert second.wrong_with("visit > 3", {"visits", "id"}) == wrong
    assert second.wrong_with("visits > 3", ["id", "visits"]) == []
    for other in (["id"], [], None):  # the same text about other columns is another question
        assert second.wrong_with("visits > 3", other) == [("parsed again", "")]


def test_no_columns_and_unknown_columns_are_two_things():
    asked = Conditions(None)
    assert asked.wrong_with("visits > 3", None) == []
    assert len(asked.wrong_with("visits > 3", [])) == 1


def test_a_warm_check_imports_no_parser(tmp_path):
    """A wrong condition is found cold and warm."""
    project = Field(tmp_path)
    project.write("reverse/scores.yml", (tmp_path / "reverse/scores.yml").read_text() + "suppress: not hot\n")
    code = (
        "import sys; from pathlib import Path\n"
        "from tailrace.plan.resolve import resolve; from tailrace.project.load import load_project\n"
        "from datetime import UTC, datetime\n"
        f"resolve(load_project(Path({str(tmp_path)!r})), now=datetime(2026, 11, 21, tzinfo=UTC))\n"
        "sys.exit(3 if 'sqlglot' in sys.modules else 0)"
    )
    ran = [subprocess.run([sys.executable, "-c", code], check=False).returncode for _ in range(2)]
    assert ran == [3, 0]
    [kept] = tmp_path.rglob(FILE)
    assert "not hot" not in kept.read_text()  # by digest
    project.edit("reverse/scores.yml", "not hot", "not cold")
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 1
