"""The reference project's suites: valid, judged once per content, and exact about e-mails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.project.load_suites import read_suite
from tailrace.project.yaml import read_yaml
from tailrace.validate.own.inputs import is_bound
from tailrace.validate.suite import check_suite
from tailrace.warehouse.duckdb import DuckDBWarehouse

FOLDER = Path(__file__).parents[3] / "expectations"


def load(path: Path):
    problems: list = []
    suite = read_suite(read_yaml(path, path.name, problems), path.name, problems)
    assert problems == []
    return suite


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.stem)
def test_is_valid_and_needs_judging_only_when_its_model_changes(path):
    suite = load(path)
    assert check_suite(suite, None) == []
    assert is_bound(suite, "")


def test_the_email_rule_holds_back_what_no_vendor_takes():
    suite = load(FOLDER / "lead_scores.yml")
    regex = next(item.kwargs["regex"] for item in suite.expectations if item.kwargs.get("column") == "email")
    good = [
        "a@b.co",
        "first.last+tag@sub.example.com",
        "o'neil@example.ie",
        "münchen@bücher.example",
        "1@2.3d",
    ]
    bad = [
        "a@@b.co",
        "a.b.co",
        "a@",
        "a @b.co",
        "a@localhost,b.co",
        "a@b",
        "@b.co",
        "a@b.",
        "a@b.co, c@d.co",
        "a@b..",
        "",
    ]
    warehouse = DuckDBWarehouse(None)
    rows = warehouse.query("SELECT e, regexp_matches(e, ?) FROM (SELECT unnest(?) AS e)", [regex, good + bad])
    warehouse.close()
    assert {email for email, matches in rows if matches} == set(good)
