"""`plan` as a person types it: what it prints, its document, and what it refuses."""

from __future__ import annotations

import json

import pytest

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tests.unit.plan.field import Field


@pytest.fixture
def field(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    found = Field(tmp_path / "acme")
    found.write(
        "models/staging/eph.sql",
        "{{ config(materialized='ephemeral') }} SELECT id FROM {{ ref('stg_contacts') }}",
    )
    found.write("models/marts/through.sql", "SELECT count(*) AS n FROM {{ ref('eph') }}")
    found.publish()
    return found


@pytest.fixture
def plan(field, capsys):
    def run(*args, code=0):
        assert invoke(cli, ["plan", "--project", str(field.root), *args]) == code
        return capsys.readouterr()

    return run


def test_what_a_person_reads_fits_80_columns(field, plan):
    field.edit(
        "models/marts/scores.sql",
        "visits * 2 AS score",
        "CASE WHEN id > 5 THEN visits * 3 ELSE visits * 2 END AS score",
    )
    said = plan("--diff").out
    assert said.startswith("3 models to build, 3 up to date\n  scores  breaking  its SQL changed\n")
    for line in (
        "      column score is computed otherwise",
        "      score is read by best, top; reaches hubspot.contacts.lead_score",
        "  best    indirect  upstream scores changed",
        "sync scores: 0 created, 10 updated, 0 deleted, 0 held back, 0 unchanged; 1 write\n  request",
        "diff of scores by id: 10 rows as before; 5 changed, 5 the same",
        "  score         5  2    20 -> 30  0.0%",
        "  6    12 -> 18",
        "diff of best: 1 row as before",
    ):
        assert line in said, said
    assert max(map(len, said.splitlines())) <= 80


def test_the_document(field, plan):
    field.edit("models/marts/scores.sql", "visits * 2", "visits * 3")
    found = json.loads(plan("--json", "--diff", "scores").out)
    assert set(found) == {"run_id", "status", "steps", "models", "syncs", "vanished", "notes"}
    (model,) = found["models"]
    assert set(model) == {"model", "action", "why", "columns", "change", "details", "readers", "diff"}
    assert (model["action"], model["change"], model["diff"]["key"]) == ("build", "breaking", ["id"])
    assert model["diff"]["examples"][0] == {"key": 1, "operation": "changed", "fields": {"score": [2, 3]}}


def test_personal_columns_are_masked(field, plan):
    field.edit("models/marts/scores.sql", "id, email,", "id, upper(email) AS email,")
    said = plan("--json", "--diff", "scores").out
    assert "example.com" not in said.lower().replace("hubspot", "")
    (model,) = json.loads(said)["models"]
    assert model["diff"]["examples"][0]["fields"] == {"email": ["***", "***"]}
    assert model["diff"]["columns"][1]["after"] == {
        "type": "VARCHAR",
        "min": "***",
        "max": "***",
        "nulls": 0.0,
    }


def test_a_sample_is_the_same_each_time_and_said(field, plan):
    field.edit("models/marts/scores.sql", "visits * 2", "visits * 3")
    first, second = (
        json.loads(plan("--json", "--diff", "scores", "--sample", "5").out)["models"][0]["diff"] for _ in "ab"
    )
    assert first == second
    assert (first["one_in"], first["rows_after"]) == (2, 10)
    assert 0 < first["changed"] < 10
    assert first["notes"] == ["compared is 1 row in 2, chosen by a hash: --sample 0 compares all"]
    every = json.loads(plan("--json", "--diff", "scores", "--sample", "0").out)["models"][0]["diff"]
    assert (every["changed"], every["notes"]) == (10, [])


def test_a_key_that_is_not_unique_is_said(field, plan):
    field.edit(
        "models/marts/scores.sql", "SELECT id, email, visits * 2", "SELECT id // 2 AS id, email, visits * 2"
    )
    diff = json.loads(plan("--json", "--diff", "scores").out)["models"][0]["diff"]
    assert diff["key"] == []
    assert diff["notes"] == [
        "id (suite scores) is not unique, or NULL in some rows: rows are compared as a whole"
    ]
    assert (diff["only_before"], diff["only_after"], diff["same"]) == (10, 10, 0)


def test_views_new_models_and_unchanged_ones(field, plan):
    field.edit("models/staging/stg_contacts.sql", "visits,", "visits + 1 AS visits,")
    field.write("models/marts/more.sql", "SELECT 1 AS one")
    said = plan("--diff", "stg_contacts", "more", "through").out
    assert "diff of stg_contacts: 10 rows as before; 10 only before, 10 only after, 0 the same" in said
    assert "more was never published: there is nothing before to compare with" in said


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--diff", "scors"], "scors selects nothing. Did you mean scores?"),
        (["--diff", "eph"], "eph is ephemeral: it has no rows of its own. diff what reads it: through"),
        (["--diff", "--sample", "-1"], "Invalid value for '--sample'"),
        (["--sample", "5"], "--sample says how many rows --diff compares. add --diff"),
        (["--diff", "--no-build"], "--diff compares rows, and --no-build makes none. leave one of them out"),
    ],
)
def test_what_is_refused(plan, args, words):
    assert words in plan(*args, code=2).err


def test_a_model_that_would_fail_ends_with_1(field, plan):
    field.edit("models/marts/top.sql", "score > 4", "scor > 4")
    for args in ((), ("--no-build",)):
        assert "build top: models/marts/top.sql:1:" in plan(*args, code=1).out


def test_state_modified_knows_every_kind_of_model(field, capsys):
    field.write(
        "models/marts/grown.sql",
        "{{ config(materialized='incremental', unique_key='id') }} SELECT id FROM {{ ref('stg_contacts') }}",
    )
    field.write("snapshots/history.sql",
                "{% snapshot history %}{{ config(strategy='check', unique_key='id', check_cols='all', schema='marts') }}"
                " SELECT id FROM {{ ref('stg_contacts') }}{% endsnapshot %}")  # fmt: skip
    field.publish()
    field.edit("models/staging/eph.sql", "SELECT id", "SELECT id + 1 AS id")
    field.edit("models/marts/grown.sql", "unique_key='id'", "unique_key=['id']")
    field.edit("snapshots/history.sql", "SELECT id", "SELECT id, email")
    assert invoke(cli, ["ls", "--project", str(field.root), "--json", "state:modified+"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["history", "through"]
    assert invoke(cli, ["ls", "--project", str(field.root), "--json", "state:modified"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["history", "through"]
