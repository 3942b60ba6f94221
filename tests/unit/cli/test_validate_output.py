"""What `tailrace validate` says: a line per suite, under it the checks that fail; exit 3 where one blocks."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result
from tests.unit.runner.test_gate_apart import FILES, SUITE

from tailrace.cli.main import cli


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert call(tmp_path, "build").exit_code == 0
    return tmp_path


def call(root, *words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--project", str(root)])


def lines(result: Result) -> list[str]:
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_each_suite_is_a_line_with_its_failing_checks_below(root):
    done = call(root, "validate")
    assert done.exit_code == 0
    assert lines(done)[:6] == [
        "validate alone ok 4 rows judged, 0 held back",
        "warn score is above 15: 3 rows",
        "validate loose ok 4 rows judged, 1 held back",
        "quarantine score is above 35: 1 row",
        "validate strict ok 4 rows judged, 3 held back",
        "quarantine score is above 15: 3 rows",
    ]
    again = lines(call(root, "validate"))
    assert again[4:6] == [
        "validate strict skipped 4 rows judged, 3 held back (unchanged: the earlier verdict holds)",
        "quarantine score is above 15: 3 rows",
    ]


def test_a_suite_that_blocks_ends_with_3_and_says_why(root):
    (root / "expectations/strict.yml").write_text(SUITE.format(name="strict", limit=15, on_fail="block"))
    done = call(root, "validate", "strict")
    assert done.exit_code == 3
    assert lines(done)[:2] == [
        "validate strict stopped 4 rows judged, nothing is sent",
        "block score is above 15: 3 rows",
    ]
    told = json.loads(call(root, "validate", "strict", "--json").stdout)
    assert told["status"] == "stopped"
    [step] = told["steps"]
    assert (step["status"], step["error"]) == ("stopped", "score is above 15: 3 rows")
    assert step["checks"] == [
        {"expectation": "expect_column_values_to_be_between", "column": "score", "decision": "block", "success": False,
         "unexpected_count": 3, "reason": "score is above 15: 3 rows"}
    ]  # fmt: skip
    shown = lines(call(root, "show", "last"))
    assert "block score is above 15: 3 rows" in shown


def test_a_reason_that_is_no_checks_stands_below_too(root):
    (root / "seeds/list.csv").write_text("code,email,score\na,ann@x.io,1\na,bob@x.io,2\n")
    call(root, "build")
    done = call(root, "validate", "strict")
    assert done.exit_code == 3
    assert lines(done)[:2] == [
        "validate strict stopped 2 rows judged, nothing is sent",
        "block key code repeats (1 row too many), so rows cannot be told apart",
    ]


BROKEN = """suite: alone
model: people
expectations:
  - type: unexpected_rows_expectation
    kwargs: {unexpected_rows_query: "SELECT score[2] FROM {batch}"}
  - type: unexpected_rows_expectation
    kwargs: {unexpected_rows_query: "SELECT score[3] FROM {batch}"}
    description: odd
  - type: expect_column_values_to_match_regex
    kwargs: {column: score, regex: x}
    severity: warning
"""


def test_what_cannot_be_judged_is_told_with_its_place(root):
    (root / "expectations/alone.yml").write_text(BROKEN)
    done = call(root, "validate", "alone", "--json")
    (step,) = [one for one in json.loads(done.stdout)["steps"] if one["name"] == "alone"]
    wanted = [
        "expectations/alone.yml:4:5: unexpected_rows_expectation (expectation 1) could not be judged: ",
        'expectations/alone.yml:6:5: unexpected_rows_expectation "odd" could not be judged: ',
        "expectations/alone.yml:9:5: expect_column_values_to_match_regex(score) could not be judged: ",
    ]
    for said in ([one["reason"] for one in step["checks"]], step["error"].split("; ")):
        assert [text[: len(start)] for text, start in zip(said, wanted, strict=True)] == wanted
    printed = [line for line in lines(call(root, "validate", "alone")) if line.startswith("block ")]
    assert [line[: len(start) + 6] for line, start in zip(printed, wanted, strict=True)] == [
        f"block {start}" for start in wanted
    ]
