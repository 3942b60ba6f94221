"""The suites of docs/suites.md, checked in the reference project, and its table of regular expressions."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from tests.unit.plan.test_suites import diagnostics

from tailrace.cli.start import write_project
from tailrace.validate.patterns import wrong_with_regex

PAGE = (Path(__file__).parents[3] / "docs" / "suites.md").read_text()
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGE, re.MULTILINE)]
HEAD = "suite: lead_scores\nmodel: lead_scores\nkey: contact_id\n"


def block(holds: str) -> str:
    (found,) = [text for text in BLOCKS if holds in text]
    return found.strip() + "\n"


@pytest.fixture
def project(tmp_path) -> Path:
    root = tmp_path / "acme"
    write_project(root)
    (root / "seeds" / "countries.csv").write_text("code\nDE\n")
    return root


def test_the_first_suite_is_right(project):
    (project / "expectations" / "lead_scores.yml").write_text(block("# expectations/lead_scores.yml"))
    assert diagnostics(project) == ""


def test_the_query_is_right(project):
    text = f"{HEAD}expectations:\n{textwrap.indent(block('unexpected_rows_expectation'), '  ')}"
    (project / "expectations" / "lead_scores.yml").write_text(text)
    assert diagnostics(project) == ""


def test_the_parameters_are_right(project):
    text = block("half_of_usual: {").replace(
        "column: country", "column: grade"
    )  # no model here has countries
    (project / "expectations" / "lead_scores.yml").write_text(HEAD + text)
    assert diagnostics(project) == ""


def test_both_ways_to_take_a_stored_suite_are_right(project):
    stored = block('"meta": {"tailrace"')
    (project / "expectations" / "lead_scores.yml").unlink()
    (project / "expectations" / "lead_scores.json").write_text(stored)
    assert diagnostics(project) == ""
    (project / "expectations" / "lead_scores.json").unlink()
    (project / "expectations" / "crm").mkdir()
    untouched = re.sub(r'^  "meta": \{"tailrace".*\n', "", stored, flags=re.MULTILINE)
    (project / "expectations" / "crm" / "contacts.json").write_text(untouched)
    taking = block("gx_suite:").replace("expectations: [...]", "expectations: []")
    (project / "expectations" / "lead_scores.yml").write_text(taking)
    assert diagnostics(project) == ""


@pytest.mark.parametrize(
    "word", ["(?=", "(?!", "(?<=", "(?<!", r"\1", "(?P=x)", "(?>", "a++", r"\Z", r"\u00e9", r"\h", r"\R", r"\e", r"\y", "[[:<:]]", "[[=a=]]", "[:alpha:]", "x{,3}", r"\\d"]
)  # fmt: skip
def test_what_the_page_says_is_refused_is(word):
    assert word.removeprefix("x") in PAGE
    assert wrong_with_regex(f"{word}a)" if word.startswith("(?") and word != "(?P=x)" else word)
