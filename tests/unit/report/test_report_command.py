"""The command: where it writes, what it says, what it imports, and that it waits for nobody."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from datetime import UTC

import pytest
from tests.unit.report.made import FILES, START, Past, check, failing, lay_out

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tailrace.report.page import MARK
from tailrace.runner.session import LOCK
from tailrace.state import runs
from tailrace.state.locks import held
from tailrace.state.runs import StepResult
from tailrace.state.sqlite import SQLiteStore

VERDICT = "lead_scores can be trusted, but for 12 rows held back: 1 of 2 checks pass, judged 21 Nov 2026, 09:02 UTC on 500 rows."


@pytest.fixture
def project(tmp_path):
    past = Past(lay_out(tmp_path / "acme"))
    past.run("r1")
    past.judge([check(), failing()])
    past.landed()
    past.close()
    return tmp_path / "acme"


def report(project, *args):
    return invoke(cli, ["report", "--project", str(project), *args])


def test_writes_one_page_into_the_project_and_says_its_verdict(project, capsys):
    assert report(project) == 0
    page = (project / "report.html").read_text(encoding="utf-8")
    assert VERDICT in page
    assert capsys.readouterr().out.startswith(f"{VERDICT}\nreport.html: ")
    assert not list(project.glob(".report*"))


def test_writes_where_it_is_told_and_makes_the_folder(project, tmp_path):
    assert report(project, "--output", str(tmp_path / "out" / "page.html")) == 0
    assert MARK in (tmp_path / "out" / "page.html").read_text()
    assert not (project / "report.html").exists()


def test_the_document_is_the_page(project, capsys):
    assert report(project, "--json") == 0
    out = capsys.readouterr().out
    document = json.loads(out)
    page = (project / "report.html").read_bytes()
    assert (document["sentence"], document["bytes"], document["file"]) == (VERDICT, len(page), "report.html")
    assert (document["checks"], document["passing"], document["held"]) == (2, 1, 12)
    (suite,) = document["suites"]
    assert [one["decision"] for one in suite["checks"]] == ["pass", "quarantine"]
    assert suite["judged_at"] == "2026-11-21T09:02:00Z"


@pytest.mark.parametrize("text", ["my notes", "", "<!doctype html><p>another page"])
def test_no_other_file_is_replaced(project, capsys, text):
    (project / "report.html").write_text(text)
    assert report(project) == 2
    assert "is there and is no report of tailrace. choose another --output" in capsys.readouterr().err
    assert (project / "report.html").read_text() == text


def test_a_page_of_ours_is_replaced(project):
    assert report(project) == 0
    (project / "report.html").write_text(f"<!doctype html>{MARK} of last week")
    assert report(project) == 0
    assert VERDICT in (project / "report.html").read_text(encoding="utf-8")


def test_a_folder_is_no_file(project, capsys):
    assert report(project, "--output", str(project)) == 2
    assert "is no file. name one: --output report.html" in capsys.readouterr().err


def test_nothing_published_is_bad_input(tmp_path, capsys):
    assert report(lay_out(tmp_path)) == 2
    assert "nothing is published yet. run `tailrace run`" in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_a_run_that_is_not_there_writes_nothing(project, capsys):
    assert report(project, "--run", "r7") == 2
    assert "there is no run r7" in capsys.readouterr().err
    assert not (project / "report.html").exists()


def test_a_run_at_work_is_not_waited_for(project):
    """Another process holds the run's lock and a write transaction of the state."""
    folder = project / ".tailrace" / "dev"
    folder.mkdir(parents=True)
    SQLiteStore(folder / "state.db").close()
    writing = sqlite3.connect(folder / "state.db", isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    with held(folder, LOCK):
        assert report(project) == 0
    writing.close()


def test_what_only_this_machine_knows_is_told(project, capsys):
    store = SQLiteStore(project / ".tailrace" / "dev" / "state.db")
    later = START.replace(hour=10, tzinfo=UTC)
    runs.begin(store, "r2", "run", "dev", later)
    runs.record(store, "r2", StepResult("validate", "lead_scores", "skipped", detail={"reused": True}))
    runs.finish(store, "r2", "ok", None, later)
    runs.begin(store, "r3", "run", "dev", later.replace(minute=30))
    runs.finish(store, "r3", "failed", "the disk is full", later)
    store.close()
    assert report(project, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["alerts"][0].startswith("Run r3 ")
    assert "the disk is full" in document["alerts"][0]
    assert document["suites"][0]["notes"][0].startswith("Found unchanged on 21 Nov 2026")


@pytest.mark.parametrize("damage", ["no database at all", ""])
def test_a_state_that_cannot_be_read_hides_nothing_else(project, damage):
    folder = project / ".tailrace" / "dev"
    folder.mkdir(parents=True)
    (folder / "state.db").write_text(damage)
    assert report(project) == 0


def test_it_imports_nothing_heavy(project):
    code = "import json, sys; from tailrace.cli.frame import invoke; from tailrace.cli.main import cli\n"
    code += "assert invoke(cli, ['report', '-q']) == 0; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True, env=os.environ
    )
    found = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not found & {
        "dlt",
        "pandas",
        "great_expectations",
        "sqlglot",
        "pyarrow",
        "numpy",
        "sqlalchemy",
        "httpx2",
        "starlette",
    }
    assert {"duckdb", "jinja2"} <= found


def test_the_published_file_is_left_as_it_is(project):
    before = (project / "warehouse.duckdb").read_bytes()
    assert report(project) == 0
    assert (project / "warehouse.duckdb").read_bytes() == before
    assert not list(project.glob("warehouse.duckdb.*"))


def test_data_docs_lie_beside_it_and_are_masked_like_it(tmp_path, capsys):
    files = {
        "models/marts/marts.yml": FILES["models/marts/marts.yml"].replace(
            "{name: score}", "{name: score, pii: true}"
        )
    }
    past = Past(lay_out(tmp_path / "acme", files))
    past.run("r1")
    asked = '{"type": "expect_column_max_to_be_between", "kwargs": {"column": "score", "max_value": 90}}'
    past.judge([failing("warn", None, type_="expect_column_max_to_be_between", asked=asked, observed="91.75",
                        result='{"observed_value": 91.75}')])  # fmt: skip
    past.close()
    docs = tmp_path / "docs"
    assert report(tmp_path / "acme", "--data-docs", str(docs), "--json") == 0
    assert json.loads(capsys.readouterr().out)["data_docs"] == str(docs / "index.html")
    pages = [path.read_text(encoding="utf-8") for path in docs.rglob("*.html")]
    assert len(pages) > 1
    assert not [page for page in pages if "91.75" in page]


def test_data_docs_that_fail_lose_no_report(tmp_path, capsys):
    past = Past(lay_out(tmp_path / "acme", {}))
    past.run("r1")
    past.judge([failing("warn", None, asked='{"type": "expect_column_max_to_be_between", "kwargs": "odd"}')])
    past.close()
    docs = tmp_path / "docs"
    assert report(tmp_path / "acme", "--data-docs", str(docs)) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "tailrace: report.html is written, but Great Expectations cannot write its Data Docs ("
    )
    assert said.count("\n") == 1
    assert (tmp_path / "acme" / "report.html").is_file()
    assert not docs.exists()


def test_a_folder_of_somebody_elses_stops_before_the_report(project, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine")
    assert report(project, "--data-docs", str(tmp_path / "mine")) == 2
    assert "has other files in it" in capsys.readouterr().err
    assert not (project / "report.html").exists()
