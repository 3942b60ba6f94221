"""`doctor` against a sandbox: what is right is said, what is wrong is named with its fix, and the rest is looked at all the same."""

from __future__ import annotations

import json
import socket
from datetime import UTC, date, datetime

import pytest
from tests.conformance.vendors import Desk

from tailrace.cli.frame import Frame, invoke
from tailrace.cli.main import cli
from tailrace.cli.start import write_project
from tailrace.cli.steps import opened
from tailrace.connectors.sdk.base import ApiVersion, Declaration, Finding
from tailrace.errors import AuthError
from tailrace.plan.resolve import choose
from tailrace.records import Quota
from tailrace.runner.doctor import examine
from tailrace.runner.doctor.asking import Asking
from tailrace.runner.doctor.versions import judge
from tailrace.sandbox.server import Sandbox
from tailrace.state.locks import held
from tailrace.state.rate import SharedLimiter
from tailrace.state.sqlite import SQLiteStore
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

SYNC = "reverse/hubspot_lead_scores.yml"


@pytest.fixture(scope="module")
def world():
    with Sandbox.start(contacts=30, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(world):
    desk = Desk(world)
    desk.faults()
    yield desk
    desk.faults()


@pytest.fixture
def project(tmp_path, world, desk, monkeypatch):
    monkeypatch.setenv("TAILRACE_SANDBOX", world.url)
    root = tmp_path / "acme"
    write_project(root)
    return root


def edit(project, name, old, new):
    path = project / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def doctor(project, capsys, *select, code=1):
    """The findings by level, from the command's own document."""
    assert invoke(cli, ["doctor", "--json", "--project", str(project), *select]) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    document = json.loads(said.out)
    assert document["status"] == ("failed" if code else "ok")
    found: dict[str, list[tuple[str, str, str]]] = {"ok": [], "warning": [], "error": []}
    for finding in document["findings"]:
        found[finding["level"]].append((finding["subject"], finding["text"], finding["fix"]))
    return found


def subjects(findings):
    return [subject for subject, _, _ in findings]


def test_nothing_is_wrong_and_nothing_is_written(project, desk, capsys):
    found = doctor(project, capsys, code=0)
    assert found["error"] == found["warning"] == []
    said = dict((subject, text) for subject, text, _ in found["ok"])
    assert said["hubspot"].endswith(", the local sandbox")
    assert said["hubspot.contacts"].endswith(" columns, key id")
    assert (
        said["sync hubspot_lead_scores"]
        == "contacts has lead_score, lead_grade, lead_score_reasons, and takes them"
    )
    assert {"ga4.sessions", "google_ads.campaign_stats", "hubspot.deals_contacts", "disk", "lock"} <= set(
        said
    )
    assert not (project / "warehouse.duckdb").exists()
    assert not (project / ".tailrace" / "dev" / "work.duckdb").exists()
    assert not [request for request in desk.requests("hubspot") if request["rows_written"]]
    assert invoke(cli, ["runs", "--json", "--project", str(project)]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_each_finding_is_a_line(project, capsys):
    edit(project, SYNC, "lead_grade: grade", "lead_grad: grade")
    assert invoke(cli, ["doctor", "--project", str(project)]) == 1
    lines = capsys.readouterr().out.splitlines()
    text = "error    sync hubspot_lead_scores: contacts of hubspot has no field lead_grad. did you mean lead_grade?"
    assert text in lines
    assert lines[-1] == "failed: 1 error, 0 warnings"
    assert lines[0].startswith("ok       warehouse: warehouse.duckdb is not there yet")
    assert invoke(cli, ["doctor", "-q", "--project", str(project)]) == 1
    quiet = capsys.readouterr()
    assert (quiet.out, quiet.err) == ("", text.replace("error    ", "error  ") + "\n")


def test_a_selection_asks_only_what_it_needs(project, desk, capsys):
    desk.call("PUT", "faults", [{"vendor": "ga4", "route": "*", "status": 500}])
    before = len(desk.requests("google_ads"))
    found = doctor(project, capsys, "pipeline:hubspot", code=0)
    assert {"hubspot.contacts", "hubspot.deals"} <= set(subjects(found["ok"]))
    assert not any(subject.startswith(("ga4", "google_ads", "sync")) for subject in subjects(found["ok"]))
    assert len(desk.requests("google_ads")) == before


def test_a_vendor_that_is_down_hides_no_other(project, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    edit(project, "profiles.yml", "base_url: \"{{ env_var('TAILRACE_SANDBOX', 'http://127.0.0.1:8080') }}/hubspot\"",
         f"base_url: http://127.0.0.1:{port}/hubspot")  # fmt: skip
    found = doctor(project, capsys)
    ((subject, text, fix),) = found["error"]
    assert (subject, fix) == ("hubspot", "is the sandbox running? start it: tailrace sandbox")
    assert "cannot reach" in text
    ((subject, text, _),) = found["warning"]
    assert subject == "hubspot"
    assert text.startswith(
        "not looked at, for the reason above: hubspot credentials, hubspot.contacts, hubspot.companies"
    )
    assert {"ga4.sessions", "google_ads.accounts"} <= set(subjects(found["ok"]))


def test_a_wrong_token_is_said_once_and_never_shown(project, capsys, monkeypatch):
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-na1-0000-wrong-token")
    found = doctor(project, capsys)
    assert ("hubspot", "check the connection's token") in [
        (subject, fix) for subject, _, fix in found["error"]
    ]
    texts = [text for _, text, _ in found["error"]]
    assert len(texts) == len(set(texts))
    assert any("hubspot.contacts" in text for subject, text, _ in found["warning"] if subject == "hubspot")
    assert "0000-wrong" not in json.dumps(found)
    assert "ga4.sessions" in subjects(found["ok"])


def test_a_missing_permission_is_named_for_its_resource(project, desk, capsys):
    refusal = {"message": "This app hasn't been granted all required scopes", "category": "MISSING_SCOPES"}
    desk.faults({"vendor": "hubspot", "route": "/crm/*/deals*", "status": 403, "body": refusal})
    found = doctor(project, capsys)
    assert "hubspot.deals" in subjects(found["error"]) or any(
        "hubspot.deals" in t for _, t, _ in found["warning"]
    )
    assert "hubspot.contacts" in subjects(found["ok"])


def test_a_property_that_the_vendor_lacks_is_named(project, capsys):
    edit(project, "pipelines/hubspot.yml", "- jobtitle", "- jobtitel")
    found = doctor(project, capsys)
    ((subject, text, fix),) = found["error"]
    assert subject == "hubspot.contacts"
    assert "jobtitel" in text
    assert fix == "did you mean jobtitle?"
    assert "hubspot.companies" in subjects(found["ok"])


def test_read_only_and_missing_fields_and_what_is_matched_on(project, desk, capsys):
    edit(project, SYNC, "match: {email: email}", "match: {firstname: email}")
    edit(project, SYNC, "lead_grade: grade", "hs_email_domain: grade\n  nothing: grade")
    found = doctor(project, capsys, "hubspot_lead_scores")
    texts = [text for subject, text, _ in found["error"] if subject == "sync hubspot_lead_scores"]
    assert any("has no field" in text and "nothing" in text for text in texts)
    twin = "firstname of contacts is not unique in hubspot, so nothing can be matched on it"
    assert ("sync hubspot_lead_scores", twin, "match on one of: email, hs_object_id") in found["error"]
    assert "sync hubspot_lead_scores" not in subjects(found["ok"])


def test_values_that_a_choice_does_not_take_are_named(project, desk, capsys):
    warehouse = DuckDBWarehouse(project / "warehouse.duckdb")
    warehouse.ensure_schema("marts")
    name = warehouse.dialect.table(TableRef("marts", "lead_scores"))
    warehouse.execute(f"CREATE TABLE {name} AS SELECT unnest(['lead', 'leed', 'customer', NULL]) AS grade")
    warehouse.close()
    edit(project, SYNC, "lead_grade: grade", "lifecyclestage: grade")
    found = doctor(project, capsys, "hubspot_lead_scores", code=0)
    ((_, text, fix),) = found["warning"]
    assert text.startswith("lifecyclestage of contacts takes ")
    assert text.endswith(" and model lead_scores has leed")
    assert fix == "add the values there, or change the model"


def test_a_path_that_cannot_be_written(project, capsys):
    (project / "taken").write_text("a file")
    edit(project, "profiles.yml", "path: warehouse.duckdb", "path: taken/warehouse.duckdb")
    found = doctor(project, capsys)
    ((subject, text, _),) = found["error"]
    assert (subject, text) == ("warehouse", f"cannot write into {project}/taken")
    assert "hubspot.contacts" in subjects(found["ok"])


def test_a_published_file_that_is_none(project, capsys):
    (project / "warehouse.duckdb").write_text("no database " * 1000)
    found = doctor(project, capsys, "pipeline:ga4")
    assert subjects(found["error"]) == ["warehouse"]
    (project / "warehouse.duckdb").unlink()
    (project / "warehouse.duckdb").mkdir()
    ((_, text, fix),) = doctor(project, capsys, "pipeline:ga4")["error"]
    assert text.endswith("warehouse.duckdb is a folder")
    assert fix == "name a file as `path:`"


def test_an_attached_file_that_is_missing(project, capsys):
    edit(
        project,
        "profiles.yml",
        "path: warehouse.duckdb",
        "path: warehouse.duckdb\n      attach: [{path: other.duckdb}]",
    )
    ((subject, text, _),) = doctor(project, capsys, "pipeline:ga4")["error"]
    assert subject == "warehouse"
    assert "other.duckdb as other" in text


@pytest.mark.parametrize("broken", ["folder", "file"])
def test_a_state_that_cannot_be_used_hides_no_vendor(project, capsys, broken):
    if broken == "folder":
        (project / ".tailrace").write_text("in the way")
    else:
        (project / ".tailrace" / "dev").mkdir(parents=True)
        (project / ".tailrace" / "dev" / "state.db").write_text("no database " * 1000)
    found = doctor(project, capsys, "pipeline:hubspot")
    assert subjects(found["error"]) == ["state"]
    assert "hubspot.contacts" in subjects(found["ok"])


def test_a_run_at_work_is_a_warning(project, capsys):
    with held(project / ".tailrace" / "dev", "run"):
        found = doctor(project, capsys, "pipeline:ga4", code=0)
    ((subject, text, fix),) = found["warning"]
    assert subject == "lock"
    assert text.startswith("another run holds the run lock (process ")
    assert fix == "wait until it ends, then run again"


def test_a_scarce_quota_is_a_warning(project, capsys):
    store = SQLiteStore(project / ".tailrace" / "dev" / "state.db")
    limiter = SharedLimiter(store, "ga4")
    limiter.report(Quota("tokens a day", 200_000, 150, unit="tokens"))
    limiter.flush()
    store.close()
    found = doctor(project, capsys, "pipeline:ga4", code=0)
    assert [(subject, text) for subject, text, _ in found["warning"] if "a day" in text] == [
        ("ga4 quota", "tokens a day 150 of 200,000 left (told just now)")
    ]


VERSIONS = Declaration(
    "crm",
    (),
    versions=(
        ApiVersion("v9", date(2026, 6, 30)),
        ApiVersion("v10", date(2027, 1, 31)),
        ApiVersion("v11", date(2027, 6, 30)),
    ),
)


@pytest.mark.parametrize(
    ("asked", "today", "level", "text", "fix"),
    [
        ("v9", date(2026, 3, 31), "ok", "v9, until 2026-06-30", ""),
        ("v9", date(2026, 4, 1), "warning", "v9 ends on 2026-06-30, in 90 days", "write `api_version: v11`"),
        ("v9", date(2026, 6, 30), "warning", "v9 ends on 2026-06-30, in 0 days", "write `api_version: v11`"),
        ("v9", date(2026, 7, 1), "error", "v9 ended on 2026-06-30", "write `api_version: v11`"),
        ("v11", date(2027, 6, 1), "warning", "v11 ends on 2027-06-30, in 29 days", "install a newer tailrace, which knows newer versions"),
        ("v8", date(2026, 1, 1), "warning", "v8 is not a version that this release knows (v9, v10, v11)",
         "write one of these, or make sure that the vendor has it"),
    ],
)  # fmt: skip
def test_a_version_is_judged_by_the_day(asked, today, level, text, fix):
    assert judge("crm api_version", asked, VERSIONS, today) == Finding(level, "crm api_version", text, fix)


def test_a_version_without_an_end_is_well():
    found = judge("x", "v2", Declaration("crm", (), versions=(ApiVersion("v2"),)), date(2099, 1, 1))
    assert (found.level, found.text) == ("ok", "v2, no end announced")


@pytest.mark.parametrize(
    ("now", "level"),
    [
        (datetime(2027, 12, 1, tzinfo=UTC), "ok"),
        (datetime(2028, 1, 1, tzinfo=UTC), "warning"),
        (datetime(2028, 4, 1, tzinfo=UTC), "error"),
    ],
)
def test_the_day_is_the_clocks(project, now, level):
    resolved = opened(Frame(project=str(project)))
    found = list(
        examine(resolved, choose(resolved, ("pipeline:hubspot",)), everything=False, now=lambda: now)
    )
    assert [one.level for one in found if one.subject == "hubspot api_version"] == [level]


def test_an_unknown_version_is_a_warning_of_the_command(project, capsys):
    edit(
        project,
        "profiles.yml",
        "          type: hubspot\n",
        "          type: hubspot\n          api_version: 2019-01\n",
    )
    assert invoke(cli, ["doctor", "--json", "pipeline:hubspot", "--project", str(project)]) in (0, 1)
    (found,) = [
        one
        for one in json.loads(capsys.readouterr().out)["findings"]
        if one["subject"] == "hubspot api_version"
    ]
    assert found["level"] == "warning"
    assert found["text"].startswith("2019-01 is not a version that this release knows (")


def test_a_connector_that_breaks_ends_one_question():
    asking = Asking()

    def broken():
        yield Finding("ok", "a", "before")
        raise ZeroDivisionError("by nought")

    def refused():
        raise AuthError("no", "yes")

    assert [one.level for one in asking.ask("a", broken)] == ["ok", "error"]
    assert list(asking.ask("b", refused)) == [Finding("error", "b", "no", "yes")]
    assert list(asking.ask("c", refused)) == []
    assert [one.text for one in asking.rest("x")] == ["not looked at, for the reason above: c"]


@pytest.mark.parametrize(
    ("args", "words"),
    [(["nothing_like_it"], "nothing_like_it"), (["--target", "prood"], "there is no target prood")],
)
def test_bad_input_of_the_command(project, capsys, args, words):
    assert invoke(cli, ["doctor", "--project", str(project), *args]) == 2
    assert words in capsys.readouterr().err
