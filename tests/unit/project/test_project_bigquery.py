"""A BigQuery target in profiles.yml: what is read, and what is refused at its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.unit.project.layout import lay_files

from tailrace.errors import ProjectError
from tailrace.plan.json_schema.profiles import profiles
from tailrace.project.bigquery import BIGQUERY_KEYS
from tailrace.project.load import load_project
from tailrace.project.secrets import Secret

TOML = '[tool.tailrace]\nname = "acme"\nprofile = "acme"\n'
FULL = """acme:
  outputs:
    prod:
      type: bigquery
      project: acme-marketing
      location: europe-west1
      keyfile: keys/run.json
      impersonate_service_account: tailrace@acme-marketing.iam.gserviceaccount.com
      max_bytes_billed: 10GB
      near_rows: 500
      price_per_tib: 5.5
      threads: 4
      publish: {views: true}
      base_url: http://127.0.0.1:9050/
      priority: batch
      job_timeout: 10m
      labels: {team: marketing, cost-centre: ''}
"""


def target(root: Path, text: str):
    return load_project(lay_files(root, {"pyproject.toml": TOML, "profiles.yml": text})).target


def problems(root: Path, options: str) -> list[str]:
    text = f"acme:\n  outputs:\n    prod:\n      type: bigquery\n      project: acme\n      {options}\n"
    with pytest.raises(ProjectError) as caught:
        target(root, text)
    return [str(one) for one in caught.value.diagnostics]


def test_everything_that_a_target_takes(tmp_path):
    found = target(tmp_path, FULL)
    assert (found.type, found.path, found.threads) == ("bigquery", None, 4)
    assert dict(found.settings) == {
        "project": "acme-marketing",
        "location": "europe-west1",
        "keyfile": str(tmp_path / "keys/run.json"),
        "impersonate_service_account": "tailrace@acme-marketing.iam.gserviceaccount.com",
        "max_bytes_billed": 10_000_000_000,
        "near_rows": 500,
        "price_per_tib": 5.5,
        "publish_views": True,
        "base_url": "http://127.0.0.1:9050",
        "priority": "batch",
        "job_timeout": 600.0,
        "labels": {"team": "marketing", "cost-centre": ""},
    }


def test_what_is_not_written_is_not_there(tmp_path):
    found = target(tmp_path, "acme: {outputs: {prod: {type: bigquery, project: acme}}}\n")
    assert dict(found.settings) == {"project": "acme", "location": "US"}


@pytest.mark.parametrize(
    ("written", "amount"), [("1", 1), ("2.5GB", 2_500_000_000), ("10GiB", 10 * 2**30), ("1 TB", 10**12), ("'5000'", 5000)]
)  # fmt: skip
def test_bytes_as_people_write_them(tmp_path, written, amount):
    text = f"acme: {{outputs: {{prod: {{type: bigquery, project: acme, max_bytes_billed: {written}}}}}}}\n"
    assert target(tmp_path, text).settings["max_bytes_billed"] == amount


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("max_byte_billed: 1", ("profiles.yml:6:7: ", "no key max_byte_billed", "max_bytes_billed")),
        ("path: a.duckdb", ("profiles.yml:6:7: ", "no key path")),
        ("location: europe_west1", ("profiles.yml:6:17: ", "'europe_west1'", "europe-west1")),
        ("max_bytes_billed: ten", ("profiles.yml:6:25: ", "a number of bytes", "10GB")),
        ("max_bytes_billed: 0", ("profiles.yml:6:25: ", "a number of bytes")),
        ("max_bytes_billed: true", ("profiles.yml:6:25: ", "not true")),
        ("near_rows: 0", ("profiles.yml:6:18: ", "a whole number from 1 on")),
        ("near_rows: 1.5", ("profiles.yml:6:18: ", "a whole number from 1 on")),
        ("price_per_tib: -1", ("profiles.yml:6:22: ", "0 or more")),
        ("threads: 0", ("profiles.yml:6:16: ", "a whole number from 1 on")),
        ("priority: btach", ("profiles.yml:6:17: ", "batch")),
        ("job_timeout: soon", ("profiles.yml:6:20: ", "a duration", "10m")),
        ("job_timeout: 0", ("profiles.yml:6:20: ", "a duration")),
        ("publish: {view: true}", ("profiles.yml:6:17: ", "no key view", "views")),
        ("publish: {views: yes}", ("profiles.yml:6:24: ", "true or false")),
        ("labels: {run: x}", ("profiles.yml:6:16: ", "'run' cannot name a label", "tailrace's own")),
        ("labels: {Team: x}", ("profiles.yml:6:16: ", "'Team' cannot name a label")),
        ("labels: {team: Growth}", ("profiles.yml:6:22: ", "'Growth'")),
        ("impersonate_service_account: tailrace", ("profiles.yml:6:36: ", "gserviceaccount.com")),
        ("base_url: bigquery.example.com", ("profiles.yml:6:17: ", "no address")),
        ("base_url: http://bigquery.example.com", ("profiles.yml:6:17: ", "unencrypted to bigquery.example.com")),
        ("base_url: http://127.0.0.1.example.com", ("profiles.yml:6:17: ", "unencrypted")),
        ("base_url: http://127.0.0.1@example.com", ("profiles.yml:6:17: ", "unencrypted to example.com")),
        ("keyfile: ''", ("profiles.yml:6:16: ", "empty")),
    ],
)  # fmt: skip
def test_refused_at_its_place(tmp_path, options, words):
    (problem,) = problems(tmp_path, options)
    assert all(word in problem for word in words), problem


def test_a_project_that_cannot_be_quoted(tmp_path):
    with pytest.raises(ProjectError, match="project cannot be 'a` b'"):
        target(tmp_path, "acme: {outputs: {prod: {type: bigquery, project: 'a` b'}}}\n")


def test_all_problems_are_told_at_once(tmp_path):
    assert len(problems(tmp_path, "near_rows: x\n      priority: x\n      labels: {X: X}")) == 4


def test_dbts_names_mean_the_same(tmp_path):
    profile = """
  type: bigquery
  method: service-account
  project: acme
  dataset: d
  threads: 2
  keyfile: k.json
  maximum_bytes_billed: 1000
  job_execution_timeout_seconds: 300
  api_endpoint: http://localhost:9050
  token: hush-hush-hush
  keyfile_json: {client_email: a@b, private_key: hush-hush-hush}
"""
    text = "kitchen: {target: dev, outputs: {dev: {" + ", ".join(profile.strip().splitlines()) + "}}}"
    root = lay_files(
        tmp_path,
        {"dbt_project.yml": "name: kitchen\nprofile: kitchen\n", "profiles.yml": text, "models/m.sql": "SELECT 1 AS a"},
    )  # fmt: skip
    settings = load_project(root).target.settings
    assert (settings["max_bytes_billed"], settings["job_timeout"]) == (1000, 300.0)
    assert (settings["base_url"], settings["keyfile"]) == ("http://localhost:9050", str(tmp_path / "k.json"))
    assert "hush" not in repr(settings) and isinstance(settings["token"], Secret)
    assert not {"maximum_bytes_billed", "api_endpoint", "job_execution_timeout_seconds"} & set(settings)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("method: service_account", "Did you mean service-account"),
        ("execution_project: other", "paid in the target's own project"),
    ],
)
def test_dbts_settings_that_cannot_be_kept(tmp_path, options, words):
    text = (
        f"kitchen: {{target: dev, outputs: {{dev: {{type: bigquery, project: p, dataset: d, {options}}}}}}}"
    )
    files = {
        "dbt_project.yml": "name: kitchen\nprofile: kitchen\n",
        "profiles.yml": text,
        "models/m.sql": "SELECT 1 AS a",
    }
    with pytest.raises(ProjectError, match=words):
        load_project(lay_files(tmp_path, files))


def test_the_schema_knows_the_same_keys():
    engine = json.dumps(profiles("acme"))
    assert all(f'"{key}"' in engine for key in BIGQUERY_KEYS)


def test_the_page_knows_the_same_keys():
    page = (Path(__file__).parents[3] / "docs/project-files.md").read_text()
    assert set(BIGQUERY_KEYS) <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
