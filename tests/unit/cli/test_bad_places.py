"""What the operating system refuses becomes words and an exit code, and the run's record is closed."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tailrace.cli.start import write_project


@pytest.fixture
def project(tmp_path):
    write_project(tmp_path / "acme")
    return tmp_path / "acme"


def test_a_state_folder_that_cannot_be_made(project, capsys):
    (project / ".tailrace").write_text("in the way")
    assert invoke(cli, ["run", "--project", str(project)]) == 1
    said = capsys.readouterr().err
    assert f"tailrace: {project}/.tailrace/dev: " in said
    assert "Traceback" not in said


def test_a_published_path_that_is_a_folder(project, capsys):
    (project / "warehouse.duckdb").mkdir()
    assert invoke(cli, ["run", "--project", str(project)]) == 1
    assert "Is a directory" in capsys.readouterr().err
    assert invoke(cli, ["runs", "--json", "--project", str(project)]) == 0
    assert '"status": "failed"' in capsys.readouterr().out


def test_a_work_file_that_is_open_elsewhere(project, capsys):
    work = project / ".tailrace" / "dev" / "work.duckdb"
    work.parent.mkdir(parents=True)
    script = (
        f"import duckdb, sys; c = duckdb.connect({str(work)!r}); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        assert invoke(cli, ["run", "--project", str(project)]) == 75
        other.stdin.close()
    capsys.readouterr()
    assert invoke(cli, ["runs", "--json", "--project", str(project)]) == 0
    assert '"status": "failed"' in capsys.readouterr().out


def test_an_interrupt_says_how_to_go_on(capsys):
    @click.group()
    def group():
        pass

    @group.command()
    def stop():
        raise KeyboardInterrupt

    assert invoke(group, ["stop"]) == 130
    assert "run the same command again" in capsys.readouterr().err
