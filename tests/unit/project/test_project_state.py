"""`state:` of a target: what is read, what is refused at its place, and that its address is never shown."""

from __future__ import annotations

import jsonschema
import pytest
from tests.unit.project.layout import lay_files

from tailrace.errors import ProjectError
from tailrace.plan.json_schema.profiles import profiles
from tailrace.plan.secrets import redactor_of
from tailrace.project.load import load_project

TOML = '[tool.tailrace]\nname = "acme"\nprofile = "acme"\n'
URL = "postgresql://worker:p%40ss-w0rd-long@db.internal:5433/state?sslmode=require"
SECRET = "\"{{ secret('env:TAILRACE_STATE') }}\""


def load(root, state, target="dev", more="type: duckdb\n      path: w.duckdb"):
    text = f"acme:\n  outputs:\n    {target}:\n      {more}\n      state: {state}\n"
    return load_project(lay_files(root, {"pyproject.toml": TOML, "profiles.yml": text}))


def problems(root, state, **more):
    with pytest.raises(ProjectError) as caught:
        load(root, state, **more)
    return [str(each) for each in caught.value.diagnostics]


@pytest.mark.parametrize(
    "engine", ["type: duckdb\n      path: w.duckdb", "type: bigquery\n      project: acme-prod"]
)
def test_any_target_takes_a_state(tmp_path, monkeypatch, engine):
    monkeypatch.setenv("TAILRACE_STATE", URL)
    found = load(tmp_path, f"{{url: {SECRET}}}", "prod-eu", engine).target.state
    assert (found.url.reveal(), found.schema, found.lease) == (URL, "tailrace_acme_prod-eu", 60.0)
    found = load(tmp_path, f"{{url: {SECRET}, schema: mine, lease: 2m}}", "prod", engine).target.state
    assert (found.schema, found.lease) == ("mine", 120.0)


def test_without_it_the_state_is_a_file(tmp_path):
    text = "acme:\n  outputs:\n    dev: {type: duckdb, path: w.duckdb}\n"
    lay_files(tmp_path, {"pyproject.toml": TOML, "profiles.yml": text})
    assert load_project(tmp_path).target.state is None


@pytest.mark.parametrize("written", [SECRET, f'"{URL}"'])
def test_neither_the_address_nor_its_password_is_shown(tmp_path, monkeypatch, written):
    monkeypatch.setenv("TAILRACE_STATE", URL)
    project = load(tmp_path, f"{{url: {written}}}")
    assert "ss-w0rd" not in repr(project.target)
    redact = redactor_of(project).redact
    for text in (f"connect {URL} failed", "the password p%40ss-w0rd-long", "or p@ss-w0rd-long"):
        assert "ss-w0rd" not in redact(text) and "***" in redact(text)


@pytest.mark.parametrize(
    ("state", "url", "message"),
    [
        (f"{{url: {SECRET}}}", "mysql://worker:hunter2hunter2@h/state", "6:20: url is not one of postgresql://"),
        (f"{{url: {SECRET}}}", "hunter2hunter2", "6:20: url is not one of postgresql://"),
        (f"{{url: {SECRET}}}", "postgresql://worker:hunter2hunter2@h:x/state", "6:20: url cannot be read as an address"),
        (f"{{url: {SECRET}}}", "postgresql://worker:hunter2hunter2@h", "6:20: url names no database"),
        ("{url: 5}", URL, "6:20: url is not one of postgresql://"),
        ("{schema: x}", URL, "6:7: state needs the key url"),
        ("{}", URL, "state"),
        ("postgresql://h/db", URL, "6:14: state must be a mapping"),
        (f"{{url: {SECRET}, lease: 5s}}", URL, "lease must be a time from 15s on"),
        (f"{{url: {SECRET}, lease: soon}}", URL, "lease must be a duration"),
        (f"{{url: {SECRET}, schema: {'x' * 64}}}", URL, "cannot name a schema in Postgres"),
        (f"{{url: {SECRET}, leases: 60s}}", URL, "state has no key leases. Did you mean lease?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place_without_the_address(tmp_path, monkeypatch, state, url, message):
    monkeypatch.setenv("TAILRACE_STATE", url)
    (found,) = problems(tmp_path, state)
    assert found.startswith("profiles.yml:6:") and message in found
    assert "hunter2" not in found


def test_another_targets_state_needs_no_secret_and_no_wrong_key(tmp_path, monkeypatch):
    monkeypatch.delenv("TAILRACE_STATE", raising=False)
    prod = f"prod: {{type: bigquery, project: acme-prod, state: {{url: {SECRET}}}}}"
    text = f"acme:\n  target: dev\n  outputs:\n    dev: {{type: duckdb, path: w.duckdb}}\n    {prod}\n"
    lay_files(tmp_path, {"pyproject.toml": TOML, "profiles.yml": text})
    assert load_project(tmp_path).target.state is None
    (tmp_path / "profiles.yml").write_text(text.replace("{url:", "{uri:"))
    with pytest.raises(ProjectError, match="profiles.yml:5:56: state has no key uri. Did you mean url?"):
        load_project(tmp_path)


def test_a_secret_that_is_not_set_is_told_once(tmp_path, monkeypatch):
    monkeypatch.delenv("TAILRACE_STATE", raising=False)
    (found,) = problems(tmp_path, f"{{url: {SECRET}}}")
    assert "the environment variable TAILRACE_STATE is not set" in found


def test_editors_know_it():
    schema = profiles(None)
    good = {
        "acme": {
            "outputs": {"dev": {"type": "duckdb", "path": "w", "state": {"url": "{{ secret('env:S') }}"}}}
        }
    }
    jsonschema.validate(good, schema)
    good["acme"]["outputs"]["dev"]["state"] = {"lease": "60s"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(good, schema)
