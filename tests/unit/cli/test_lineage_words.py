"""`tailrace lineage` on the reference project: words, JSON, a drawing, and what is bad input."""

from __future__ import annotations

import json

import pytest

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tailrace.cli.start import write_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words") / "acme"
    write_project(folder)
    return folder


def said(project, capsys, *args, code=0):
    capsys.readouterr()
    assert invoke(cli, ["lineage", *args, "--project", str(project)]) == code
    return capsys.readouterr()


def test_a_tree_from_the_vendors_fields_to_the_crms(project, capsys):
    lines = said(project, capsys, "daily_sessions.engagement_rate").out.splitlines()
    assert lines == [
        "daily_sessions.engagement_rate  = SUM(engaged_sessions) / NULLIF(CAST(SUM(sessions) AS DOUBLE), 0)",
        "comes from",
        "  staging.stg_ga4__sessions.engaged_sessions",
        "    ga4.sessions.engagedSessions",
        "  staging.stg_ga4__sessions.sessions",
        "    ga4.sessions.sessions",
    ]
    lines = said(project, capsys, "lead_scores.grade").out.splitlines()
    assert lines[-2:] == ["goes to", "  hubspot.contacts.lead_grade  by sync hubspot_lead_scores"]


def test_what_only_filters_is_called_so(project, capsys):
    plain = said(project, capsys, "daily_sessions.sessions").out
    assert "filtered by" not in plain
    lines = said(project, capsys, "daily_sessions.sessions", "--indirect").out.splitlines()
    assert "  filtered by staging.stg_ga4__sessions.channel" in lines
    assert "    ga4.sessions.sessionDefaultChannelGroup" in lines


def test_a_step_is_told_once(project, capsys):
    lines = said(project, capsys, "stg_exchange_rates.rate").out.splitlines()
    assert len([line for line in lines if " = spend.spend / NULLIF" in line]) == 1
    assert "not certain" not in "\n".join(lines)


def test_json_is_the_contract(project, capsys):
    found = json.loads(said(project, capsys, "lead_scores.recency", "--json").out)
    assert list(found)[:3] == ["column", "inputs", "outputs"]
    assert found["column"] == "lead_scores.recency" and found["outputs"] == []
    assert found["inputs"] == ["hubspot.contacts.hs_analytics_last_timestamp", "hubspot.contacts.notes_last_contacted"]  # fmt: skip
    assert found["notes"] == []


def test_a_model_as_a_list_and_as_json(project, capsys):
    captured = said(project, capsys, "lead_scores", "--json")
    found = json.loads(captured.out)
    assert found["model"] == "lead_scores" and len(found["columns"]) == 13
    score = next(one for one in found["columns"] if one["column"] == "lead_scores.score")
    assert score["outputs"] == ["hubspot.contacts.lead_score"] and len(score["inputs"]) == 10
    lines = said(project, capsys, "lead_scores").out.splitlines()
    assert lines[0] == "lead_scores.contact_id" and "    to    hubspot.contacts.lead_score" in lines


def test_the_whole_reference_project_is_certain(project, capsys):
    for path in sorted((project / "models").rglob("*.sql")):
        found = json.loads(said(project, capsys, path.stem, "--indirect", "--json").out)
        assert found["columns"], path.stem
        assert [one["notes"] for one in found["columns"] if one["notes"]] == [], path.stem
        for column in found["columns"]:
            assert all(name.count(".") == 2 and "*" not in name for name in column["inputs"]), column


def test_a_drawing_is_written_or_refused_in_words(project, capsys, tmp_path):
    out = said(project, capsys, "lead_scores.score", "--svg", str(tmp_path / "x.svg")).out
    assert out.splitlines()[-1] == f"{tmp_path}/x.svg: 21 columns in 6 tables"
    assert (tmp_path / "x.svg").read_text().startswith("<svg ")
    error = said(project, capsys, "lead_scores.score", "--svg", str(tmp_path / "no" / "x.svg"), code=1).err
    assert "No such file or directory" in error and "Traceback" not in error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lead_scores.scor", "tailrace: lead_scores has no column scor. did you mean score?"),
        ("lead_score", "tailrace: there is no model, column or CRM field lead_score. did you mean lead_scores?"),
        ("hubspot.contacts.lead_grad", "tailrace: hubspot.contacts has no column lead_grad. did you mean lead_grade?"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_bad_input(project, capsys, text, message):
    assert said(project, capsys, text, code=2).err.startswith(message)
    failed = json.loads(said(project, capsys, text, "--json", code=2).out)
    assert failed["status"] == "failed" and failed["error"].startswith(message.removeprefix("tailrace: "))


def test_what_only_the_warehouse_tells_is_never_called_constant(tmp_path, capsys):
    root = tmp_path / "acme"
    write_project(root)
    (root / "models/marts/asks.sql").write_text(
        "{% set found = run_query('SELECT 1 AS n') %}"
        "{% if execute %}SELECT deal_id AS n FROM {{ ref('stg_hubspot__deals') }}{% endif %}"
    )
    (root / "models/marts/over.sql").write_text("SELECT n + 1 AS m, 3 AS three FROM {{ ref('asks') }}")
    note = "asks: its template asks the warehouse: what it comes from is known only after that answers, so run once"
    for asked in ("asks", "asks.n", "asks.other", "over"):
        out = said(root, capsys, asked).out
        assert "what is known only after the warehouse answers" in out, asked
        assert f"not certain: {note}" in out.splitlines(), asked
    assert "asks.n" in said(root, capsys, "over.m").out
    assert "constants" not in "".join(
        said(root, capsys, asked).out for asked in ("asks", "asks.n", "asks.other")
    )
    assert note in json.loads(said(root, capsys, "asks.n", "--json").out)["notes"]
    over = json.loads(said(root, capsys, "over", "--json").out)["columns"]
    assert [note in column["notes"] for column in over] == [True, False]
    assert "comes from nothing but constants" in said(root, capsys, "over.three").out


def test_a_model_that_hides_its_columns_says_so(tmp_path, capsys):
    write_project(tmp_path / "acme")
    (tmp_path / "acme/models/marts/filed.sql").write_text("SELECT * FROM read_csv('x.csv')")
    out = said(tmp_path / "acme", capsys, "filed").out
    assert out.splitlines() == ["filed may have more columns: its SQL does not list them"]
    out = said(tmp_path / "acme", capsys, "filed.email").out
    assert "  read_csv().email" in out.splitlines()
    assert "not certain: nobody can tell whether filed has a column email" in out
