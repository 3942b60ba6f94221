"""`tailrace lint`: what is off, what fails, what a line allows, and where places are behind Jinja."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.build.layout import GOLDEN, lay_out, sections

from tailrace.build.lint.catalogue import names
from tailrace.build.lint.template import is_jinja, read_template
from tailrace.cli.frame import invoke
from tailrace.cli.main import cli

ROOT = Path(__file__).parents[4]
UNION = "SELECT id FROM {{ source('hubspot', 'contacts') }}\nUNION\nSELECT id FROM {{ source('hubspot', 'deals') }}"
BASE = sections(GOLDEN / "base.txt")


def run(capsys, root, *args):
    code = invoke(cli, ["lint", "--project", str(root), *args])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err


@pytest.fixture
def project(tmp_path):
    return lay_out(tmp_path / "project", {"models/staging/u.sql": UNION})


def settle(root, text):
    (root / "pyproject.toml").write_text(BASE["pyproject.toml"] + f"\n[tool.tailrace.lint]\n{text}\n")


LINE = "models/staging/u.sql:2:1: UNION removes duplicate rows without saying so. Write UNION ALL, or UNION DISTINCT where they shall go [union-without-all]"


def test_findings_warn(project, capsys):
    code, out, _ = run(capsys, project, "u")
    assert (code, out) == (0, [LINE, "1 finding, 0 errors"])


def test_a_rule_that_is_an_error_fails(project, capsys):
    settle(project, 'error = ["union-without-all"]')
    code, out, _ = run(capsys, project)
    assert code == 1
    assert f"{LINE} (error)" in out


def test_a_rule_that_is_off_finds_nothing(project, capsys):
    settle(project, 'disable = ["union-without-all"]')
    assert run(capsys, project, "u")[:2] == (0, ["nothing found"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'disable = ["union-without-al"]',
            "pyproject.toml:12:1: there is no rule union-without-al. Did you mean union-without-all?",
        ),
        (
            'errors = ["union-without-all"]',
            "pyproject.toml:12:1: [tool.tailrace.lint] has no key errors. Did you mean error?",
        ),
        ("error = 5", "pyproject.toml:12:1: "),
    ],
)
def test_settings_that_are_wrong(project, capsys, text, said):
    settle(project, text)
    code, _, err = run(capsys, project)
    assert code == 2
    assert said in err


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("-- noqa: union-without-all", []),
        ("-- noqa: unused-cte, union-without-all", []),
        ("{# noqa: union-without-all #}", []),
        ("-- noqa", []),
        ("-- noqa: unused-cte", ["union-without-all"]),
        ("-- noqa: union-without-al", ["union-without-all", "unknown-rule"]),
    ],
)
def test_what_a_line_allows(project, capsys, comment, left):
    (project / "models/staging/u.sql").write_text(UNION.replace("UNION", f"UNION {comment}"))
    code, out, _ = run(capsys, project, "u", "--json")
    assert code == 0
    found = json.loads("\n".join(out))["findings"]
    assert [one["rule"] for one in found] == left
    if "unknown-rule" in left:
        assert (found[1]["col"], found[1]["fix"]) == (16, "Did you mean union-without-all?")


def test_the_document(project, capsys):
    _, out, _ = run(capsys, project, "u", "--json")
    assert json.loads("\n".join(out)) == {
        "status": "ok",
        "findings": [
            {
                "file": "models/staging/u.sql", "line": 2, "col": 1, "rule": "union-without-all", "severity": "warn",
                "message": "UNION removes duplicate rows without saying so",
                "fix": "Write UNION ALL, or UNION DISTINCT where they shall go",
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ("pipeline:hubspot", "pipeline:hubspot selects no model"),
        ("uu", "uu selects nothing. Did you mean u?"),
    ],
)
def test_a_selection_without_models(project, capsys, select, said):
    code, _, err = run(capsys, project, select)
    assert code == 2
    assert said in err


BEHIND_JINJA = """{% set wide = [
    'a', 'b'] %}
SELECT
    {% for name in wide %}
    1 AS {{ name }}, {% endfor %}
    email = NULL AS never
FROM {{ source('hubspot', 'contacts') }}
{% if target.name == 'dev' %} WHERE id > 0 {% else %} WHERE id = NULL {% endif %}
{{ nothing() }}
"""


def test_places_behind_jinja_are_the_files_own(project, capsys):
    (project / "models/staging/u.sql").write_text(BEHIND_JINJA)
    (project / "macros").mkdir()
    (project / "macros/nothing.sql").write_text("{% macro nothing() %}{% endmacro %}")
    _, out, _ = run(capsys, project, "u")
    assert out[0].startswith("models/staging/u.sql:6:5: a comparison with NULL is never true")


def test_where_no_sql_is_to_be_seen_the_compiled_line_is_told(project, capsys):
    (project / "macros").mkdir()
    (project / "macros/whole.sql").write_text(
        "{% macro whole() %}SELECT 1 AS one\nWHERE 1 = NULL{% endmacro %}"
    )
    (project / "models/staging/u.sql").write_text("{{ whole() }}")
    _, out, _ = run(capsys, project, "u")
    assert out[0] == (
        "models/staging/u.sql:1:1: a comparison with NULL is never true (line 2 of the compiled SQL: WHERE 1 = NULL). "
        "Write IS NULL [null-comparison]"
    )


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("SELECT a FROM {{ ref('x') }}", 1),
        ("SELECT a FROM {{ ref('x') }} {{ group_by(1) }} WHERE a > 1", 1),
        ("{% if a %}SELECT 1{% else %}SELECT a FROM b{% endif %}", 0),
        (
            "SELECT {% for x in y %} sum({{ x }}) AS {{ x }}{% if not loop.last %},{% endif %} {% endfor %} FROM b",
            1,
        ),
        ("{{ config(materialized='table') }} SELECT 1", 0),
    ],
)
def test_templates_are_read_as_sql_of_the_same_length(text, tables):
    from sqlglot import exp

    read = read_template(text, "duckdb")
    assert read is not None
    assert len(read.sql) == len(text)
    assert len(list(read.tree.find_all(exp.Table))) == tables
    found = [table.name for table in read.tree.find_all(exp.Table)]
    assert all(is_jinja(name) or name == "b" for name in found)


@pytest.mark.parametrize("text", ["{{ whole() }}", "SELECT {% if a %}", "", "CREATE TABLE a AS SELECT 1"])
def test_no_sql_to_be_seen(text):
    assert read_template(text, "duckdb") is None


def test_the_rules_are_listed(project, capsys):
    settle(project, 'disable = ["unused-cte"]\nerror = ["null-comparison"]')
    code, out, _ = run(capsys, project, "--rules", "--json")
    found = {row["rule"]: row for row in json.loads("\n".join(out))}
    assert code == 0
    assert (found["unused-cte"]["severity"], found["null-comparison"]["severity"]) == ("off", "error")
    assert found["null-comparison"]["reason"].startswith("`x = NULL` is never true")


def test_the_page_lists_the_rules():
    page = (ROOT / "docs" / "format-and-lint.md").read_text()
    assert [name for name in names() if f"| `{name}` |" not in page] == []
