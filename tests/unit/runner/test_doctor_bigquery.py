"""doctor on a BigQuery target: what Google would refuse, one finding each, with what to grant; nothing is billed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.unit.warehouse.bigquery.google import google, job, refusal

from tailrace.cli.main import main
from tailrace.runner.doctor import bigquery as doctor
from tailrace.warehouse.bigquery import asking

FILES = {
    "pyproject.toml": '[tool.tailrace]\nname = "acme"\nprofile = "acme"\n',
    "models/marts/scores.sql": "SELECT 1 AS id",
}
RESOURCES = "/v1/projects/acme:testIamPermissions"


class Granted:
    """A project of Google's; what a test takes away is missing."""

    def __init__(self) -> None:
        self.location = {"tailrace_meta": "EU", "marts": "EU"}
        self.permissions = {*doctor.ON_PROJECT, *doctor.ON_TABLES}
        self.refused: tuple[int, str, str] | None = None

    def __call__(self, request):
        if request.path == RESOURCES or request.path.endswith(":testIamPermissions"):
            wanted = request.body["permissions"]
            return 200, {"permissions": [one for one in wanted if one in self.permissions]}
        if request.method == "POST":
            assert request.body["configuration"]["dryRun"] is True, "a doctor is never billed"
            return (self.refused[0], refusal(*self.refused)) if self.refused else (200, job(request))
        name = request.path.split("/datasets/")[1].split("/")[0]
        if name not in self.location:
            return 404, refusal(404, "notFound", f"Not found: Dataset acme:{name}")
        reference = {"projectId": "acme", "datasetId": name}
        if request.path.endswith("/tables"):
            return 200, {"tables": [{"tableReference": {**reference, "tableId": "scores"}, "type": "TABLE"}]}
        return 200, {"datasetReference": reference, "location": self.location[name]}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    with google() as found:
        found.answer = Granted()
        yield found


@pytest.fixture
def examined(server, tmp_path, capsys, monkeypatch):
    """By subject: level, text and fix."""
    from google.oauth2.credentials import Credentials

    monkeypatch.setattr(doctor, "is_emulated", lambda _settings: False)
    monkeypatch.setattr(doctor, "RESOURCES", server.address)
    monkeypatch.setattr("tailrace.warehouse.bigquery.auth.credentials", lambda _settings: Credentials("t"))
    monkeypatch.setattr(Credentials, "refresh", lambda *_: None)
    profile = f"acme: {{outputs: {{prod: {{type: bigquery, project: acme, location: EU, base_url: '{server.address}'}}}}}}"
    for name, text in {**FILES, "profiles.yml": profile}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def run():
        with pytest.raises(SystemExit):
            monkeypatch.setattr("sys.argv", ["tailrace", "doctor", "--json", "--project", str(tmp_path)])
            main()
        findings = json.loads(capsys.readouterr().out)["findings"]
        return {
            one["subject"]: (one["level"], one["text"], one["fix"])
            for one in findings
            if one["subject"] not in ("state", "lock")
        }

    return run


def test_all_is_granted(examined):
    found = examined()
    assert {level for level, _, _ in found.values()} == {"ok"}
    assert list(found) == [
        "bigquery credentials", "bigquery project", "bigquery clock", "bigquery datasets",
        "bigquery bigquery.jobs.create", "bigquery bigquery.jobs.list", "bigquery bigquery.datasets.create", "bigquery tables",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("permission", "level", "role"),
    [
        ("bigquery.jobs.create", "error", "roles/bigquery.jobUser"),
        ("bigquery.jobs.list", "warning", "roles/bigquery.user"),
        ("bigquery.datasets.create", "error", "roles/bigquery.user"),
    ],
)
def test_a_permission_on_the_project(server, examined, permission, level, role):
    server.answer.permissions -= {permission}
    found = examined()[f"bigquery {permission}"]
    assert found[0] == level and f"add-iam-policy-binding acme --member MEMBER --role {role}" in found[2]


def test_datasets_that_are_there_need_nobody_who_makes_them(server, examined):
    server.answer.permissions -= {"bigquery.datasets.create"}
    server.answer.location |= {"tailrace_stage": "EU"}
    assert "bigquery bigquery.datasets.create" not in examined()


def test_permissions_on_tables(server, examined):
    server.answer.permissions -= {"bigquery.tables.updateData", "bigquery.tables.delete"}
    level, text, fix = examined()["bigquery marts"]
    assert (
        level == "error"
        and text == "not granted on scores: bigquery.tables.updateData, bigquery.tables.delete"
    )
    assert "GRANT `roles/bigquery.dataEditor` ON SCHEMA `acme.marts`" in fix


def test_a_dataset_elsewhere(server, examined):
    server.answer.location["marts"] = "US"
    assert examined()["bigquery marts"][:2] == ("error", "lies in US, the target in EU")


REFUSED = [
    ((404, "notFound", "Not found: Project acme"), "gcloud projects list"),
    ((403, "accessNotConfigured", "BigQuery API has not been used in project 1 before or it is disabled."), "gcloud services enable bigquery.googleapis.com"),
    ((403, "accessDenied", "Access Denied: Project acme: User does not have bigquery.jobs.create permission in project acme."), "roles/bigquery.jobUser"),
]  # fmt: skip


@pytest.mark.parametrize(("refused", "fix"), REFUSED)
def test_a_project_that_refuses_ends_it(server, examined, refused, fix):
    server.answer.refused = refused
    found = examined()
    assert list(found) == ["bigquery credentials", "bigquery project"]
    assert found["bigquery project"][0] == "error" and fix in found["bigquery project"][2]


@pytest.mark.parametrize(("seconds", "level"), [(10, "ok"), (-60, "warning"), (3600, "error")])
def test_the_clock(seconds, level):
    heard = [datetime.now(UTC) - timedelta(seconds=seconds)]
    assert [one.level for one in doctor._clock(heard)] == [level]


def test_where_nobody_tells_of_permissions_it_is_a_warning(server, examined):
    granted = server.answer
    server.answer = lambda request: (403, {}) if request.path == RESOURCES else granted(request)
    level, text, fix = examined()["bigquery permissions"]
    assert level == "warning" and "bigquery.jobs.create" in text and "cloudresourcemanager" in fix


def test_the_page_lists_each_role():
    page = (Path(__file__).parents[3] / "docs/bigquery.md").read_text()
    assert all(f"`{role}`" in page for role in {*doctor.ON_PROJECT.values(), "roles/bigquery.dataEditor"})
    assert all(f"`{permission}`" in page for permission in doctor.ON_PROJECT)
