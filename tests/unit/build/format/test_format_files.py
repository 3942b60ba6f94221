"""`tailrace format` on a project's files: which ones, how they are replaced, what it says."""

from __future__ import annotations

import json
import stat

import pytest
from tests.unit.build.layout import lay_out

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli

UGLY, NICE = "select a,b from x\n", "SELECT a, b FROM x\n"


@pytest.fixture
def project(tmp_path):
    root = lay_out(tmp_path / "project", {})
    for path in root.rglob("*.sql"):
        path.unlink()
    for name in ("models/marts/one.sql", "macros/two.sql", "tests/three.sql", "snapshots/four.sql"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(UGLY)
    return root


def run(capsys, root, *args):
    code = invoke(cli, ["format", "--project", str(root), *map(str, args)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_every_folder_is_formatted_once(project, capsys):
    code, out, _ = run(capsys, project)
    assert code == 0
    assert out.splitlines()[-1] == "4 files changed, 0 as wanted"
    assert {path.read_text() for path in project.rglob("*.sql")} == {NICE}
    assert run(capsys, project)[1] == "0 files changed, 4 as wanted\n"


def test_check_and_diff_write_nothing(project, capsys):
    code, out, _ = run(capsys, project, "--check", "models")
    assert (code, out.splitlines()[0]) == (1, "would format models/marts/one.sql")
    code, out, _ = run(capsys, project, "--diff", "macros/two.sql")
    assert code == 0
    assert "-select a,b from x" in out
    assert "+SELECT a, b FROM x" in out
    assert {path.read_text() for path in project.rglob("*.sql")} == {UGLY}


def test_what_cannot_be_read_is_told_and_the_others_are_formatted(project, capsys):
    (project / "models/bad.sql").write_text("select\n  'a from x")
    (project / "models/open.sql").write_text("select {% if x %} a")
    (project / "models/latin.sql").write_bytes(b"select 'caf\xe9'")
    code, out, err = run(capsys, project)
    assert code == 2
    assert err.splitlines() == [
        "models/bad.sql:2:3: the SQL does not parse: ' is never closed. Close the quote or comment",
        "models/latin.sql:1:12: not UTF-8 text. Save the file as UTF-8",
        "models/open.sql:1:8: the block {% if %} is never closed. Close it with {% endif %}",
    ]
    assert out.splitlines()[-1] == "4 files changed, 0 as wanted, 3 left alone"
    assert (project / "models/bad.sql").read_text() == "select\n  'a from x"
    assert (project / "models/marts/one.sql").read_text() == NICE


def test_bytes_around_the_text_stay(project, capsys):
    path = project / "models/marts/one.sql"
    path.write_bytes(b"\xef\xbb\xbfselect a,\r\nb from x\r\n")
    path.chmod(0o640)
    run(capsys, project, "models")
    assert path.read_bytes() == b"\xef\xbb\xbfSELECT\r\n    a,\r\n    b\r\nFROM x\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in path.parent.iterdir()] == ["one.sql"]


def test_a_read_only_file_is_left(project, capsys):
    path = project / "models/marts/one.sql"
    path.chmod(0o444)
    code, _, err = run(capsys, project, "models")
    assert code == 1
    assert "models/marts/one.sql:1:1: the file is read-only" in err
    assert path.read_text() == UGLY


def test_links(project, capsys, tmp_path):
    outside = tmp_path / "outside.sql"
    outside.write_text(UGLY)
    (project / "models/out.sql").symlink_to(outside)
    (project / "models/in.sql").symlink_to(project / "macros/two.sql")
    code, _, err = run(capsys, project)
    assert code == 1
    assert "models/out.sql:1:1: the link leads out of the project" in err
    assert outside.read_text() == UGLY
    assert (project / "models/in.sql").is_symlink()
    assert (project / "macros/two.sql").read_text() == NICE


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("models/marts/ones.sql", "did you mean models/marts/one.sql?"),
        ("profiles.yml", "is no .sql file"),
        ("..", "lies outside of the project"),
    ],
)
def test_paths_that_are_none(project, capsys, path, said, monkeypatch):
    monkeypatch.chdir(project)
    code, _, err = run(capsys, project, path)
    assert code == 2
    assert said in err


def test_an_empty_file_and_an_empty_project(project, capsys):
    for path in project.rglob("*.sql"):
        path.write_text("")
    assert run(capsys, project)[:2] == (0, "0 files changed, 4 as wanted\n")


def test_the_document(project, capsys):
    (project / "models/bad.sql").write_text("select 'a")
    code, out, _ = run(capsys, project, "--check", "--json", "models")
    found = json.loads(out)
    assert code == 2
    assert found["changed"] == ["models/marts/one.sql"]
    assert [(d["file"], d["line"], d["col"]) for d in found["diagnostics"]] == [("models/bad.sql", 1, 8)]


def test_it_needs_a_project_and_no_valid_one(tmp_path, project, capsys):
    (project / "models/marts/models.yml").write_text("nonsense: [")
    assert run(capsys, project, "--check")[0] == 1
    (tmp_path / "empty").mkdir()
    code, _, err = run(capsys, tmp_path / "empty")
    assert code == 2
    assert "holds no project" in err


def test_a_dbt_project_says_where_its_sql_lies(tmp_path, capsys):
    for name in ("sql/one.sql", "models/two.sql", "macros/three.sql"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(UGLY)
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\nmodel-paths: [sql]\n")
    assert run(capsys, tmp_path)[1].splitlines() == [
        "formatted sql/one.sql",
        "formatted macros/three.sql",
        "2 files changed, 0 as wanted",
    ]
    assert (tmp_path / "models/two.sql").read_text() == UGLY
