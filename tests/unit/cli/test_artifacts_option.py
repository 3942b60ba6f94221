"""manifest.json and run_results.json come where somebody asks, and by themselves only in a dbt project."""

from __future__ import annotations

import json

import pytest

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli

DBT = {
    "dbt_project.yml": "{name: shop, version: '1', profile: shop}",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}",
    "models/a.sql": "select 1 as id",
}


@pytest.fixture
def shop(tmp_path):
    for name, text in DBT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(shop, *args):
    assert invoke(cli, [*args, "--project", str(shop), "-q"]) == 0
    found = shop / "target" / "run_results.json"
    return json.loads(found.read_text()) if found.exists() else None


def test_a_dbt_project_has_them_in_target(shop):
    [result] = run(shop, "build")["results"]
    assert (result["unique_id"], result["status"]) == ("model.shop.a", "success")
    assert "model.shop.a" in json.loads((shop / "target" / "manifest.json").read_text())["nodes"]


def test_an_idle_build_leaves_them(shop):
    before = run(shop, "build")
    assert run(shop, "build") == before


def test_asked_for_they_tell_the_idle_build_as_well(shop, tmp_path):
    run(shop, "build")
    run(shop, "build", "--artifacts", str(tmp_path / "out"))
    [result] = json.loads((tmp_path / "out" / "run_results.json").read_text())["results"]
    assert result["status"] == "skipped"


def test_compile_writes_the_manifest_alone(shop, tmp_path, capsys):
    run(shop, "compile", "--artifacts", str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["manifest.json"]


def test_a_project_of_ours_has_none_that_nobody_asked_for(shop):
    (shop / "dbt_project.yml").unlink()
    (shop / "pyproject.toml").write_text('[tool.tailrace]\nname = "shop"\nprofile = "shop"\n')
    assert run(shop, "build") is None
