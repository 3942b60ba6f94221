"""What people install: the built wheel carries the reference project, and `init` from it makes a project that checks."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    zipfile.ZipFile(wheel).extractall(site)
    return site


def tailrace(installed: Path, cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, "-m", "tailrace", *args],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_init_from_the_wheel_makes_a_project_that_checks(installed, tmp_path):
    code = "import tailrace; print(tailrace.__file__)"
    env = {**os.environ, "PYTHONPATH": str(installed)}
    where = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert str(installed) in where.stdout
    made = tailrace(installed, tmp_path, "init", "acme")
    assert made.returncode == 0, made.stderr
    checked = tailrace(installed, tmp_path / "acme", "check")
    assert checked.returncode == 0, checked.stderr


def test_the_project_is_the_roots_own_files(installed, tmp_path):
    tailrace(installed, tmp_path, "init", "acme")
    for folder in ("pipelines", "models", "seeds", "expectations", "reverse"):
        ours = {
            p.relative_to(ROOT).as_posix(): p.read_bytes()
            for p in (ROOT / folder).rglob("*")
            if p.suffix in (".yml", ".sql", ".csv")
        }
        theirs = {
            p.relative_to(tmp_path / "acme").as_posix(): p.read_bytes()
            for p in (tmp_path / "acme" / folder).rglob("*")
            if p.is_file()
        }
        assert ours == theirs
        assert ours
    text = (tmp_path / "acme" / "pyproject.toml").read_text()
    assert "[tool.tailrace]" in text
    assert "hatchling" not in text


def test_init_never_overwrites(installed, tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "profiles.yml").write_text("mine")
    refused = tailrace(installed, tmp_path, "init", "acme")
    assert refused.returncode == 2
    assert "already holds profiles.yml" in refused.stderr
    assert [path.name for path in (tmp_path / "acme").iterdir()] == ["profiles.yml"]
