"""The schema of a suite against the loader and `check`: what the one takes the other takes, and what it refuses too."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime

import jsonschema
import pytest
import yaml
from tests.unit.plan.test_suites import GOLDEN, diagnostics
from tests.unit.project.layout import lay_out

from tailrace.plan.json_schema import json_schema
from tailrace.project.load import load_project
from tailrace.project.spec import Keeping

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SCHEMA = json_schema("expectations")
SUITES = jsonschema.Draft202012Validator(SCHEMA)
HEAD = "suite: scores\nmodel: scores\nkey: id\n"
ITEM = "expectations:\n  - {type: expect_table_row_count_to_be_between, kwargs: {min_value: {$PARAMETER: low}}}\n"
PLAIN = "expectations:\n  - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}}\n"


def parameter(text: str) -> str:
    return f"{HEAD}parameters: {{low: {text}}}\n{ITEM}"


def kwargs(kind: str, text: str, more: str = "") -> str:
    return f"{HEAD}expectations:\n  - {{type: {kind}, kwargs: {text}{more}}}\n"


TEXTS = [
    (parameter("SELECT 1"), True),
    (parameter("{sql: SELECT 1, default: [1, 2]}"), True),
    (parameter("{history: rows, runs: 7, min_runs: 3, take: median, times: 0.5, plus: 1, stddevs: -2, default: 1}"), True),
    (parameter("{history: observed, of: expect_table_row_count_to_be_between}"), True),
    (parameter('""'), False),
    (parameter("{sql: SELECT 1, runs: 3}"), False),
    (parameter("{history: rows, of: expect_table_row_count_to_be_between}"), False),
    (parameter("{history: observed}"), False),
    (parameter("{history: row}"), False),
    (parameter("{history: rows, runs: 0}"), False),
    (parameter("{history: rows, take: average}"), False),
    (parameter("{history: rows, times: '2'}"), False),
    (parameter("{history: rows, default: {a: 1}}"), False),
    (parameter("{runs: 3}"), False),
    (parameter("5"), False),
    (f"{HEAD}parameters: {{2nd: SELECT 1}}\n{PLAIN}", False),
    (f"{HEAD}owner: growth\ndescription: of the CRM\n{PLAIN}", True),
    (f"{HEAD}owner: [growth]\n{PLAIN}", False),
    (f"{HEAD}gx_suite: stored.json\n", True),
    (f"{HEAD}gx_suite: stored.json\n{PLAIN}", True),
    (f'{HEAD}gx_suite: ""\n{PLAIN}', False),
    (f"{HEAD}expectations: []\n", False),
    (HEAD, False),
    (kwargs("expect_column_values_to_not_be_null", "{column: id}", ", owner: sales, on_fail: quarantine"), True),
    (kwargs("expect_column_values_to_not_be_null", "{column: id, mostly: 0}"), False),
    (kwargs("expect_column_values_to_not_be_null", "{column: id, mostly: {$PARAMETER: low, more: 1}}"), False),
    (kwargs("expect_column_values_to_not_be_null", "{column: {$PARAMETER: low}}"), False),
    (kwargs("expect_column_values_to_not_be_null", "{column: null}"), False),
    (kwargs("expect_multicolumn_sum_to_equal", "{column_list: [id, score], sum_total: 1, ignore_row_if: never}"), True),
    (kwargs("expect_multicolumn_sum_to_equal", "{column_list: [id, score], sum_total: 1, ignore_row_if: neither}"), False),
    (kwargs("exists_in", "{column: id, table: hubspot.contacts, to_column: id}", ", on_fail: quarantine"), True),
    (kwargs("exists_in", "{column: id, tabel: hubspot.contacts}"), False),
    (kwargs("fresh", "{column: day, max_age: 24h}"), True),
    (kwargs("fresh", "{column: day, max_age: 24h}", ", on_fail: quarantine"), False),
    (kwargs("row_count_near_history", "{runs: 7, min_runs: 2}"), True),
    (kwargs("row_count_near_history", "{run: 7}"), False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "good"), TEXTS, ids=range(len(TEXTS)))
def test_a_suite_is_judged_as_by_check(text, good, tmp_path):
    lay_out(GOLDEN / "right.txt", tmp_path, GOLDEN / "base.txt")
    (tmp_path / "expectations" / "rates.json").unlink()
    (tmp_path / "expectations" / "scores.yml").write_text(text)
    if "gx_suite" in text:
        stored = '{"name": "x", "expectations": [{"type": "expect_table_row_count_to_equal", "kwargs": {"value": 5}}]}'
        (tmp_path / "expectations" / "stored.json").write_text(stored)
    assert (diagnostics(tmp_path) == "") is good, diagnostics(tmp_path)
    assert SUITES.is_valid(yaml.safe_load(text)) is good


VALIDATION = [
    ('keep_results = "90d"\nkeep_rows = "36h"\nsamples = 0', Keeping(90, 1.5, 0)),
    ("", Keeping(400, 30, 10)),
    ("samples = 101", None),
    ("samples = true", None),
    ("samples = -1", None),
    ("keep_rows = 30", None),
    ('keep = "30d"', None),
]


@pytest.mark.parametrize(("text", "keeping"), VALIDATION, ids=range(len(VALIDATION)))
def test_how_long_results_are_kept(text, keeping, tmp_path):
    lay_out(GOLDEN / "right.txt", tmp_path, GOLDEN / "base.txt")
    path = tmp_path / "pyproject.toml"
    path.write_text(f"{path.read_text()}\n[tool.tailrace.validation]\n{text}\n")
    assert jsonschema.Draft202012Validator(json_schema("pyproject")).is_valid(
        tomllib.loads(path.read_text())
    ) is (keeping is not None)
    if keeping is None:
        assert "pyproject.toml:" in diagnostics(tmp_path)
    else:
        assert load_project(tmp_path).keeping == keeping
