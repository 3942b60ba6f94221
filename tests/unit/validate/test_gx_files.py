"""Suites as Great Expectations itself writes them, read by tailrace; its own engines are the oracle of what a condition selects."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from tests.unit.project.layout import GOLDEN, lay_out
from tests.unit.validate.made import staged

from tailrace.project.gx_conditions import Unclear, as_where
from tailrace.project.load import load_project
from tailrace.project.load_suites import read_suites
from tailrace.project.spec import Suite
from tailrace.validate.assess import assess
from tailrace.validate.gx import lean
from tailrace.validate.suite import check_suite
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = """SELECT * FROM (VALUES (1, 'x', 10, 'a@b.c', DATE '2026-01-01'), (2, 'y', 3, NULL, DATE '2026-02-01'),
  (3, NULL, NULL, 'c@d.e', NULL), (4, 'it''s', -7, 'no', DATE '2025-12-31')) AS t(id, plan, score, email, day)"""


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A folder `expectations` as a file context of the package leaves it, the file of its store included."""
    package = lean.load()
    import great_expectations.expectations as gxe
    from great_expectations.core.expectation_suite import ExpectationSuite
    from great_expectations.expectations.row_conditions import Column

    root = tmp_path_factory.mktemp("gx")
    context = package.get_context(mode="file", project_root_dir=root)
    suite = context.suites.add(ExpectationSuite(name="contacts", notes="of the CRM", meta={"by": "hand"}))
    for expectation in (
        gxe.ExpectColumnValuesToBeBetween(
            column="score", min_value=0, max_value=100, severity="warning", notes="é😀", mostly=0.9,
            meta={"profiler_details": {"x": 1}, "tailrace": {"owner": "sales"}},
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="email", regex=r"^\S+@\S+\.\w$", description="malformed"),
        gxe.ExpectColumnValuesToNotBeNull(column="email", row_condition=(Column("plan") == "it's") & (Column("score") < 5)),
        gxe.ExpectColumnValuesToNotBeNull(column="day", row_condition=Column("plan").is_in(["x", "y"]) | Column("score").is_null()),
        gxe.ExpectColumnValuesToNotBeNull(column="plan", row_condition='col("score") >= 3', condition_parser="great_expectations"),
        gxe.ExpectColumnValuesToNotBeNull(column="score", row_condition="id > 3 and plan == 'x'", condition_parser="pandas"),
        gxe.UnexpectedRowsExpectation(unexpected_rows_query="SELECT * FROM {batch} WHERE score < 0"),
        gxe.ExpectColumnMaxToBeBetween(column="day", max_value=datetime(2026, 12, 31)),  # noqa: DTZ001  # as people write it
    ):  # fmt: skip
        suite.add_expectation(expectation)
    suite.save()
    return root / "gx" / "expectations"


def loaded(folder: Path, root: Path, **ours: object) -> Suite:
    """The one suite of a copy of the folder, with our words in its meta."""
    (root / "expectations").mkdir(parents=True)
    for path in folder.iterdir():
        (root / "expectations" / path.name).write_bytes(path.read_bytes())
    if ours:
        path = root / "expectations" / "contacts.json"
        stored = json.loads(path.read_text())
        stored["meta"]["tailrace"] = ours
        path.write_text(json.dumps(stored, indent="\t"), encoding="utf-8-sig")
    problems: list = []
    (suite,), whole = read_suites(root, problems)
    assert (problems, whole) == ([], True)
    return suite


def test_every_expectation_of_a_stored_suite_arrives(written, tmp_path):
    suite = loaded(written, tmp_path)
    assert (suite.name, suite.model, suite.key, suite.description) == (
        "contacts",
        "contacts",
        None,
        "of the CRM",
    )
    assert [(item.type, item.severity, item.on_fail, item.owner) for item in suite.expectations] == [
        ("expect_column_values_to_be_between", "warning", "warn", "sales"),
        ("expect_column_values_to_match_regex", "critical", "block", ""),
        *[("expect_column_values_to_not_be_null", "critical", "block", "")] * 4,
        ("unexpected_rows_expectation", "critical", "block", ""),
        ("expect_column_max_to_be_between", "critical", "block", ""),
    ]
    assert dict(suite.expectations[0].kwargs) == {
        "column": "score",
        "min_value": 0.0,
        "max_value": 100.0,
        "mostly": 0.9,
    }
    assert dict(suite.expectations[1].kwargs) == {"column": "email", "regex": r"^\S+@\S+\.\w$"}
    assert [item.where for item in suite.expectations] == [
        None,
        None,
        """("plan" = 'it''s' AND "score" < 5)""",
        """("plan" IN ('x', 'y') OR "score" IS NULL)""",
        '"score" >= 3',
        """"id" > 3 AND "plan" = 'x'""",
        None,
        None,
    ]
    assert [item.description for item in suite.expectations][:2] == ["", "malformed"]
    assert check_suite(suite, {"id", "plan", "score", "email", "day"}) == []


def test_it_is_judged_like_any_other(written, tmp_path):
    suite = loaded(written, tmp_path, model="m", key="id", owner="growth", max_quarantined="10%")
    assert (suite.model, suite.key, suite.owner, suite.max_quarantined) == ("m", "id", "growth", 0.1)
    warehouse = DuckDBWarehouse(None)
    try:
        found = assess(warehouse, suite, staged(warehouse, ROWS))
    finally:
        warehouse.close()
    assert [(check.answer.unexpected, check.decision) for check in found.checks] == [
        (1, "warn"), (1, "block"), (0, "pass"), (1, "block"), (0, "pass"), (0, "pass"), (1, "block"), (None, "pass"),
    ]  # fmt: skip


def test_places_are_those_of_the_json(written, tmp_path):
    suite = loaded(written, tmp_path, model="m")
    text = (tmp_path / "expectations" / "contacts.json").read_text(encoding="utf-8-sig").splitlines()
    for path in (
        ("model",),
        ("expectations", 1, "kwargs", "regex"),
        ("expectations", 2, "where"),
        ("suite",),
    ):
        place = suite.marks.at(*path)
        value = {"model": '"m"', "suite": '"contacts"', "regex": '"^\\\\S', "where": '"row_condition"'}[
            str(path[-1])
        ]
        assert text[place.line - 1][place.col - 1 :].startswith(value), path


def test_a_yaml_suite_takes_an_untouched_file_in(written, tmp_path):
    lay_out(GOLDEN / "good.txt", tmp_path)
    (tmp_path / "expectations" / "contacts.json").write_bytes((written / "contacts.json").read_bytes())
    (tmp_path / "expectations" / "lead_scores.yml").write_text(
        "suite: lead_scores\nmodel: lead_scores\nkey: contact_id\ngx_suite: contacts.json\n"
        "expectations:\n  - {type: expect_column_values_to_be_unique, kwargs: {column: contact_id}}\n"
    )
    (suite,) = load_project(tmp_path).suites
    assert (suite.name, suite.path, len(suite.expectations)) == (
        "lead_scores",
        "expectations/lead_scores.yml",
        9,
    )
    assert [item.index for item in suite.expectations] == list(range(9))
    assert str(suite.marks.at("expectations", 0, "type")).startswith("expectations/contacts.json:")
    assert str(suite.marks.at("expectations", 8, "type")) == "expectations/lead_scores.yml:6:12"
    assert suite.description == "of the CRM"


def test_values_that_an_old_file_fixes_are_written_out(tmp_path):
    (tmp_path / "expectations").mkdir()
    between = "expect_column_pair_values_A_to_be_greater_than_B"
    (tmp_path / "expectations" / "old.json").write_text(json.dumps({
        "expectation_suite_name": "old", "ge_cloud_id": None, "data_asset_type": "Dataset",
        "evaluation_parameters": {"low": 5},
        "expectations": [
            {"expectation_type": "expect_table_row_count_to_be_between", "meta": {},
             "kwargs": {"min_value": {"$PARAMETER": "low"}, "max_value": {"$PARAMETER": "high", "$PARAMETER.high": 9}, "batch_id": "x"}},
            {"expectation_type": between, "kwargs": {"column_A": "a", "column_B": "b", "parse_strings_as_datetimes": None}},
        ],
    }))  # fmt: skip
    problems: list = []
    (suite,), _ = read_suites(tmp_path, problems)
    assert problems == []
    assert [dict(item.kwargs) for item in suite.expectations] == [
        {"min_value": 5, "max_value": 9},
        {"column_A": "a", "column_B": "b"},
    ]
    assert suite.expectations[1].type == between.lower()


GX_TEXTS = [
    'col("score") > 5', 'col("score")<=-7', 'col("score") != 3.0', 'col("plan") == "x"', "col('plan') == 'x'", 'col("plan") != "y"',
    'col("plan").notnull()', 'col("score").NOTNULL()', 'col("day") >= date("2026-01-01")', 'col("day") < "2026-01-15"', 'col("score") == 1e1',
]  # fmt: skip


@pytest.mark.parametrize("text", GX_TEXTS)
def test_the_packages_own_language_selects_the_same_rows(text):
    lean.load()
    from great_expectations.expectations.legacy_row_conditions import (
        ConditionParserError,
        parse_condition_to_sqlalchemy,
    )

    try:
        clause = parse_condition_to_sqlalchemy(text)
    except ConditionParserError:
        with pytest.raises(Unclear):
            as_where(text, "great_expectations")
        return
    theirs = str(clause.compile(compile_kwargs={"literal_binds": True}))
    where = as_where(text, "great_expectations")
    select = f"SELECT id FROM ({ROWS}) WHERE {{}} ORDER BY id"
    assert duckdb.sql(select.format(where)).fetchall() == duckdb.sql(select.format(theirs)).fetchall()


PANDAS = [
    "score > 5", "plan == 'x' and score >= 3", 'plan == "x" or score < 0', "`score` <= 3", "score == 10 or plan == 'y' and id > 2",
]  # fmt: skip


@pytest.mark.parametrize("text", PANDAS)
def test_a_condition_of_pandas_selects_the_same_rows(text):
    frame = duckdb.sql(ROWS).df()
    frame["plan"] = frame["plan"].astype(object)
    theirs = sorted(int(key) for key in frame.query(text)["id"])
    where = as_where({"type": "pass_through", "pass_through_filter": text}, "pandas")
    assert [
        key for (key,) in duckdb.sql(f"SELECT id FROM ({ROWS}) WHERE {where} ORDER BY id").fetchall()
    ] == theirs


@pytest.mark.parametrize(
    ("condition", "parser"),
    [
        ("score > 5 & id > 1", "pandas"), ("not score > 5", "pandas"), ("score > id", "pandas"), ("score.isnull()", "pandas"),
        ("score in [1, 2]", "pandas"), ("score = 5", "pandas"), ("score > 5 AND id > 1", "pandas"), ("(score > 5)", "pandas"),
        ("score > @limit", "pandas"), ("plan == 'it\\'s'", "pandas"), ("score >", "pandas"), ("5 < score", "pandas"), ("", "pandas"),
        ("score between 1 and 2", "spark"), ("upper(plan) = 'X'", "spark"), ("plan IS TRUE", "spark"), ("score > 5", None),
        ("score > 5", "sql"), ('col("a") > col("b")', "great_expectations"), ('col("a") > 5 & col("b") > 5', "great_expectations"),
        ("score != 3", "pandas"), ("score == '5'", "pandas"), ('score > "-1.5e3"', "pandas"), ("paid == 'True'", "pandas"), ("score == ' nan'", "pandas"),
        (5, "pandas"), ({"type": "not"}, None), ({}, None), ({"type": "and", "conditions": []}, None), ({"type": "and", "conditions": ["x"]}, None),
        ({"type": "nullity", "column": {"name": "a"}}, None), ({"type": "comparison", "column": {}, "operator": "==", "parameter": 1}, None),
        ({"type": "comparison", "column": {"name": "a"}, "operator": "IN", "parameter": []}, None),
        ({"type": "comparison", "column": {"name": "a"}, "operator": "==", "parameter": None}, None),
        ({"type": "comparison", "column": {"name": "a"}, "operator": "==", "parameter": float("nan")}, None),
    ],
)  # fmt: skip
def test_what_is_not_sure_is_refused(condition, parser):
    with pytest.raises(Unclear) as found:
        as_where(condition, parser)
    assert str(found.value)


def test_a_condition_of_spark_is_sql_already():
    assert as_where("plan = 'x' and score IS NOT NULL or id <> 5", "spark") == (
        """"plan" = 'x' AND "score" IS NOT NULL OR "id" <> 5"""
    )


def test_names_and_values_cannot_break_out():
    condition = {
        "type": "comparison",
        "column": {"name": 'a" OR "b'},
        "operator": "!=",
        "parameter": "' OR TRUE --",
    }
    assert as_where(condition, None) == """"a"" OR ""b" <> ''' OR TRUE --'"""
