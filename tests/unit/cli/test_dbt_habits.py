"""What a dbt user's fingers type: it works, or it is told what does."""

from __future__ import annotations

import json

import pytest

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tailrace.cli.options import DBT

FILES = {
    "dbt_project.yml": "{name: shop, version: '1', profile: shop}",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}, prod: {type: bigquery, project: p, schema: s}}}",
    "models/a.sql": "select 1 as id",
    "models/b.sql": "select * from {{ ref('a') }}",
    "models/daily.sql": "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='day',"
    " begin='2026-01-01') }} select id, timestamp '2026-01-02' as at from {{ ref('a') }}",
    "models/schema.yml": "models: [{name: daily, columns: [{name: id, data_tests: [{accepted_values: {values: ['7']}}]}]}]",
}


@pytest.fixture
def shop(tmp_path, capsys):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def run(*args):
        code = invoke(cli, [*args, "--project", str(tmp_path)])
        return code, capsys.readouterr()

    return run


@pytest.mark.parametrize("words", [["b"], ["-s", "b"], ["--select", "b"], ["-m", "b"], ["--models", "b"]])
def test_select_is_written_as_one_likes(shop, words):
    code, said = shop("ls", "--json", *words)
    assert (code, [row["name"] for row in json.loads(said.out)]) == (0, ["b"])


@pytest.mark.parametrize("command", sorted(DBT))
def test_dbts_commands_are_told_ours(shop, command):
    code, said = shop(command)
    assert code == 2
    assert f"{command} is dbt's. Here: {DBT[command]}" in said.err


def test_run_takes_full_refresh(shop):
    assert shop("run", "-q")[0] == 0
    code, said = shop("run", "--full-refresh", "--json")
    assert (code, {step["status"] for step in json.loads(said.out)["steps"] if step["step"] == "build"}) == (
        0,
        {"ok"},
    )


def test_nothing_is_to_publish_after_nothing_was_built(shop):
    assert "not published yet" in shop("build")[1].out
    assert "not published yet" not in shop("build")[1].out


def test_a_test_of_a_batched_model_reads_all_of_it(shop):
    assert shop("build", "-q")[0] == 0
    code, said = shop("test", "--json")
    [test] = json.loads(said.out)["tests"]
    assert (code, test["status"], test["failures"]) == (1, "fail", 1), test
    assert "@tailrace" not in test["sql"]


def test_a_plan_on_bigquery_without_credentials_says_so(shop, monkeypatch, tmp_path):
    monkeypatch.setenv(
        "NO_GCE_CHECK", "true"
    )  # else Google's library looks for a machine of Google's in the network
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "no gcloud"))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    code, said = shop("plan", "--target", "prod")
    assert code == 1
    assert "credentials" in said.err and "gcloud auth application-default login" in said.err


def test_one_slip_is_one_message(shop, tmp_path):
    (tmp_path / "models" / "daily.sql").write_text(
        FILES["models/daily.sql"].replace("'incremental'", "'incrementl'")
    )
    assert shop("check")[1].err.strip().count("\n") == 0
    (tmp_path / "models" / "daily.sql").write_text(
        FILES["models/daily.sql"].replace("'microbatch'", "'micro_batch'")
    )
    assert shop("check")[1].err.strip().count("\n") == 0
