"""A project with a BigQuery target at the command line: nothing is opened, every place is named, the reference project passes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tailrace.cli.start import write_project


@pytest.fixture
def project(tmp_path):
    """The reference project, whose target `prod` is on BigQuery."""
    root = tmp_path / "acme"
    write_project(root)
    return root


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refused(*_arguments, **_more):
        raise AssertionError("something was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)


def test_the_reference_project_compiles_for_bigquery(project, capsys):
    assert invoke(cli, ["check", "--target", "prod", "--project", str(project)]) == 0
    assert "nothing wrong" in capsys.readouterr().out
    assert invoke(cli, ["compile", "--target", "prod", "--json", "--project", str(project)]) == 0
    there = json.loads(capsys.readouterr().out)
    assert invoke(cli, ["compile", "--dialect", "bigquery", "--json", "--project", str(project)]) == 0
    here = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in here] == [row["name"] for row in there]
    assert len(here) >= 13
    sql = {row["name"]: row["sql"] for row in here}
    assert "FROM `staging`.`stg_hubspot__contacts`" in sql["lead_scores"]
    assert "REGEXP_CONTAINS(" in sql["lead_scores"]
    assert "FULL OUTER UNION ALL BY NAME" in sql["stg_hubspot__deals"]
    assert "@tailrace" not in "".join(sql.values())


def test_the_targets_own_dialect_is_the_default(project, capsys):
    assert invoke(cli, ["compile", "lead_scores", "--json", "--project", str(project)]) == 0
    own = capsys.readouterr().out
    assert (
        invoke(cli, ["compile", "lead_scores", "--dialect", "duckdb", "--json", "--project", str(project)])
        == 0
    )
    assert capsys.readouterr().out == own
    assert "regexp_matches" in own


def test_every_place_of_every_file_is_named_at_once(project, capsys):
    (project / "models" / "one.sql").write_text(
        "SELECT\n    hash(contact_id) AS h,\n    mode(email) AS m\nFROM {{ ref('stg_hubspot__contacts') }}\n"
    )
    (project / "models" / "two.sql").write_text(
        "-- {{ var('reporting_currency') }}\nSELECT a.deal_id FROM {{ ref('stg_hubspot__deals') }} AS a\n"
        "ASOF JOIN {{ ref('stg_hubspot__deals') }} AS b ON a.closed_at >= b.closed_at\n"
    )
    assert invoke(cli, ["check", "--project", str(project)]) == 0
    capsys.readouterr()
    assert invoke(cli, ["check", "--target", "prod", "--project", str(project)]) == 2
    said = capsys.readouterr().err
    assert "models/one.sql:2:5: hash() is not carried over to BigQuery. Write md5(x)\n" in said
    assert "models/one.sql:3:5: mode() is not carried over to BigQuery. Count and rank in a CTE\n" in said
    assert "models/two.sql:3:1: ASOF JOIN has no counterpart in BigQuery. " in said
    assert "Traceback" not in said
    assert not (project / "warehouse.duckdb").exists()
    assert invoke(cli, ["compile", "--dialect", "bigquery", "--project", str(project)]) == 2
    assert "models/one.sql:2:5: " in capsys.readouterr().err


def test_what_nobody_asked_for_stops_no_other_model(project, capsys, tmp_path):
    (project / "models" / "bad.sql").write_text(
        "SELECT hash(deal_id) AS h FROM {{ ref('stg_hubspot__deals') }}"
    )
    (project / "models" / "over_bad.sql").write_text("SELECT h FROM {{ ref('bad') }}")
    (project / "models" / "good.sql").write_text("SELECT deal_id FROM {{ ref('stg_hubspot__deals') }}")

    def compiled(*asked):
        done = invoke(cli, ["compile", *asked, "--dialect", "bigquery", "--project", str(project), "--json"])
        said = capsys.readouterr()
        return done, json.loads(said.out), said.err

    code, rows, _ = compiled("good", "--artifacts", str(tmp_path / "made"))
    assert (code, [row["name"] for row in rows]) == (0, ["good"])
    assert "`stg_hubspot__deals`" in rows[0]["sql"]
    nodes = json.loads((tmp_path / "made/manifest.json").read_text())["nodes"]
    there = {
        node["name"]: (node["compiled"], node["compiled_code"])
        for node in nodes.values()
        if "compiled" in node
    }
    assert there["good"] == (True, rows[0]["sql"])
    assert there["bad"] == (False, None)
    assert len(compiled("stg_hubspot__deals+", "--exclude", "bad+")[1]) > 1
    for asked in ("bad", "over_bad", "+over_bad"):
        code, _, said = compiled(asked)
        assert code == 2
        assert said.count("models/bad.sql:1:8: hash() is not carried over to BigQuery") == 1
    assert compiled()[0] == 2


def test_bigquerys_models_are_checked_for_duckdb(project, capsys):
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text().replace('dialect = "duckdb"', 'dialect = "bigquery"'))
    for model in (project / "models").rglob("*.*"):
        model.unlink()
    for folder in ("expectations", "reverse"):
        for other in (project / folder).iterdir():
            other.unlink()
    (project / "models" / "x.sql").write_text(
        "SELECT SAFE_CAST(id AS INT64) AS id,\n  FARM_FINGERPRINT(email) AS f,\n  DATE_TRUNC(createdate, WEEK) AS w\n"
        "FROM {{ source('hubspot', 'contacts') }}\n"
    )
    assert invoke(cli, ["check", "--project", str(project)]) == 2
    said = capsys.readouterr().err
    assert "models/x.sql:2:3: farm_fingerprint() is not carried over to DuckDB" in said
    assert "models/x.sql:3:26: this part of a date has no counterpart" in said
    assert (
        invoke(cli, ["check", "--target", "prod", "--project", str(project)]) == 0
    )  # its own dialect: as it was typed


def test_a_kept_answer_translates_nothing_again(project):
    code = (
        "import sys\nfrom tailrace.cli.frame import invoke\nfrom tailrace.cli.main import cli\n"
        "assert invoke(cli, ['check', '--target', 'prod', '--project', sys.argv[1]]) == 0\n"
        "print('tailrace.transpile.written' in sys.modules)"
    )
    seen = [
        subprocess.run(
            [sys.executable, "-c", code, str(project)], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        for _ in range(2)
    ]
    assert seen == ["True", "False"]
