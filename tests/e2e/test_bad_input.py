"""Bad files and bad days: a message that says where and what to do, its exit code, no traceback, nothing half done.

Every run in here carries tokens that are searched for afterwards in all that it printed and all that it left on the disk.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tailrace.cli.start import write_project
from tailrace.sandbox.server import Sandbox
from tests.e2e.project import TAILRACE, Acme, assert_crm_is_the_model, assert_log_folds
from tests.faults.forked_runs import Forked, ForkedRuns

TOKEN = "pat-na1-canary-9f41c7e2ab"
WRONG = "pat-na1-canary-0000000000"
VARIABLES = (
    *("HUBSPOT_TOKEN", "GOOGLE_ADS_TOKEN", "GOOGLE_ADS_DEVELOPER_TOKEN", "GA4_TOKEN"),
    *("META_TOKEN", "LINKEDIN_TOKEN"),
)
SYNC, CONTACTS = "reverse/hubspot_lead_scores.yml", "pipelines/hubspot.yml"


@dataclass
class Told:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    def errors(self, step: str) -> dict[str, str]:
        return {
            row["name"]: row["error"]
            for row in self.document["steps"]
            if row["step"] == step and row["error"]
        }


@dataclass
class Site(Acme):
    """A project whose runs are forked, and whose every word and file must be free of tokens."""

    runs: ForkedRuns | None = None
    told: list[Told] = field(default_factory=list)

    def begin(self, *args: str, **env: str) -> Forked:
        assert self.runs is not None
        secrets = {**dict.fromkeys(VARIABLES, TOKEN), "MAILCHIMP_KEY": f"{TOKEN}-us1"}
        return self.runs.start(self.root, [*args], {"TAILRACE_SANDBOX": self.url, **secrets, **env})

    def end(self, run: Forked) -> Told:
        told = Told(run.end(), run.out.read_text(), run.err.read_text())
        assert "Traceback" not in told.err, told.err
        self.told.append(told)
        return told

    def do(self, *args: str, **env: str) -> Told:
        return self.end(self.begin(*args, **env))

    def fine(self, *args: str) -> Told:
        told = self.do(*(args or ("run", "--json", "-v")))
        assert told.code == 0, (told.out[-2000:], told.err[-2000:])
        return told

    def requests(self) -> int:
        return len(self.admin("GET", "requests"))

    def state(self) -> dict[str, tuple[int, int]]:
        """Every file of the project but the cache of facts about models, which may be deleted at any time."""
        files = (path for path in self.root.rglob("*") if path.is_file() and "cache" not in path.parts)
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}

    def assert_tells_no_secret(self) -> None:
        for told in self.told:
            assert "canary" not in told.out + told.err
        for path in self.root.rglob("*"):
            if path.is_file():
                assert b"canary" not in path.read_bytes(), path


@pytest.fixture(scope="module")
def vendors():
    with Sandbox.start(contacts=150, limits=False, token=TOKEN) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    found = ForkedRuns(tmp_path_factory.mktemp("log"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory, vendors, runs):
    """A project that has run; the tests work on copies of it. Its CRM goes on from test to test."""
    site = Site(tmp_path_factory.mktemp("made") / "acme", vendors.url, runs=runs)
    write_project(site.root)
    site.fine()
    return site


@pytest.fixture
def ready(tmp_path, made):
    """A copy of the project that has run, in front of the CRM as that run left it."""
    made.admin("PUT", "faults", [])
    site = Site(tmp_path / "acme", made.url, runs=made.runs)
    shutil.copytree(made.root, site.root)
    yield site
    site.admin("PUT", "faults", [])
    site.assert_tells_no_secret()


# ---- files ---------------------------------------------------------------------------------------------

FILES = (
    ("pipelines/ga4.yml", "connection: ga4", "connection: ga5", "ga4.yml:3:13: target dev has no connection ga5. Did you mean ga4?"),
    ("pipelines/google_ads.yml", "schedule: {", "schedule: &s {", "google_ads.yml:4:11: anchors (&s) are not read"),
    ("pipelines/google_ads.yml", "accounts: {}", "accounts: *s", "google_ads.yml:6:13: aliases (*s) are not read"),
    (CONTACTS, 'schedule: {cron: "*/15', 'shedule: {}\nschedule: {cron: "61', "hubspot.yml:4:1: a pipeline has no key shedule. Did you mean schedule?"),
    (CONTACTS, "", "", "hubspot.yml:5:18: cron: '61 * * * *' is no schedule"),
    (CONTACTS, "  companies: {}\n", "  companies: {}\n  companies: {}\n", "hubspot.yml:36:3: companies: this key is already on line 35"),
    ("expectations/lead_scores.yml", "max_quarantined: 5%", "max_quarantined: lots", "lead_scores.yml:6:18: max_quarantined must be a percentage"),
    ("profiles.yml", "'GA4_TOKEN', 'sandbox'", "'OF_NOBODY'", "profiles.yml:20:25: the environment variable OF_NOBODY is not set"),
    (SYNC, "model: lead_scores", "model: lead_score", "hubspot_lead_scores.yml:3:8: there is no model lead_score. Did you mean lead_scores?"),
    (SYNC, "mode: update", "mode: updat", "hubspot_lead_scores.yml:6:7: mode cannot be updat. Did you mean update?"),
    (SYNC, "max_changed: 20%", "max_changed: [20]", "hubspot_lead_scores.yml:16:14: max_changed must be a percentage"),
)  # fmt: skip
MODELS = (
    ("models/staging/stg_ga4__sessions.sql", "SELECT", "SELECT sum(, ", "stg_ga4__sessions.sql:4:10: the SQL does not parse"),
    ("models/marts/daily_sessions.sql", "ref('stg_ga4__sessions')", "ref('stg_ga4__session')", "daily_sessions.sql:12:14: there is no model or seed stg_ga4__session. Did you mean stg_ga4__sessions?"),
    ("models/staging/stg_hubspot__contacts.sql", "source('hubspot', 'contacts')", "ref('lead_scores')", "models read each other: stg_hubspot__contacts -> lead_scores -> stg_hubspot__contacts"),
    ("profiles.yml", "type: ga4", "type: ga5", "profiles.yml:19:17: there is no connector ga5. did you mean ga4?"),
    ("expectations/lead_scores.yml", "expect_table_row_count_to_be_between", "expect_table_row_count_betwen", "lead_scores.yml:9:11: Great Expectations has no expect_table_row_count_betwen"),
    (SYNC, "mode: update", "mode: append", "hubspot_lead_scores.yml:6:7: contacts cannot be written with mode append"),
    (CONTACTS, "  deals: {}", "  dealz: {}\n  deals: {}", "hubspot.yml:35:3: hubspot has no resource 'dealz'"),
)  # fmt: skip
COLUMNS = (
    (SYNC, "lead_score: score", "lead_score: scor", "hubspot_lead_scores.yml:10:15: model lead_scores has no column scor. Did you mean score?"),
    (SYNC, "match: {email: email}", "match: {email: e_mail}", "hubspot_lead_scores.yml:8:16: model lead_scores has no column e_mail. Did you mean email?"),
    (SYNC, "not consent_marketing", "not consent", "hubspot_lead_scores.yml:14:11: suppress names consent, which the model does not have"),
    ("expectations/lead_scores.yml", "{column: fit,", "{column: fitt,", "lead_scores.yml:40:22: model lead_scores has no column fitt. Did you mean fit?"),
)  # fmt: skip


@pytest.mark.parametrize("slips", [FILES, MODELS, COLUMNS], ids=["files", "models", "columns"])
def test_every_slip_is_named_with_its_place_and_nothing_is_touched(ready, slips):
    for name, old, new, _ in slips:
        text = (ready.root / name).read_text()
        assert old in text
        (ready.root / name).write_text(text.replace(old, new, 1))
    before, asked = ready.state(), ready.requests()
    found = ready.do("check", "--json")
    assert found.code == 2
    said = [
        f"{d['file']}:{d['line']}:{d['col']}: {d['message']}. {d['fix']}"
        for d in found.document["diagnostics"]
    ]
    for _, _, _, wanted in slips:
        assert any(wanted in text for text in said), (wanted, said)
    places = {text.split(": ")[0] for text in said}
    assert len(places) == len(said), "nothing is said twice"
    for command in (["run"], ["run", "--json"], ["plan"], ["land"], ["build"]):
        told = ready.do(*command)
        assert told.code == 2
        assert [line for line in told.err.splitlines() if line] == [f"{line}".strip() for line in said]
    assert ready.state() == before
    assert ready.requests() == asked


def test_a_port_in_use_is_said_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*TAILRACE, "sandbox", "--port", port], capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert re.search(rf"port {port} on 127.0.0.1 cannot be used: .*--port", done.stderr)
    assert "Traceback" not in done.stderr


# ---- vendors -------------------------------------------------------------------------------------------


def test_a_vendor_that_is_down_and_a_wrong_token(ready):
    published = (ready.root / "warehouse.duckdb").stat().st_ino
    down = ready.do("land", "--json", "-v", TAILRACE_SANDBOX="http://127.0.0.1:9")
    assert down.code == 1
    errors = down.errors("land")
    assert len(errors) == 14
    assert "cannot reach http://127.0.0.1:9" in errors["ga4.sessions"]
    assert "start it: tailrace sandbox" in errors["ga4.sessions"]
    for name in VARIABLES[:2]:
        told = ready.do("run", "--json", "-v", **{name: WRONG})
        assert told.code == 1
        refused = {key.split(".")[0]: text for key, text in told.errors("land").items()}
        connection = name.removesuffix("_TOKEN").lower()
        assert set(refused) == {connection}
        assert re.search(rf"{connection}: .*(401|credentials).*token", refused[connection])
    assert (ready.root / "warehouse.duckdb").stat().st_ino != published, (
        "a run is recorded, what it could not read stays"
    )
    ready.fine()


def test_a_vendor_that_repeats_our_token_in_its_answer(ready):
    for status in (400, 403):
        body = {
            "status": "error",
            "message": f"do not know {TOKEN}",
            "category": "X",
            "context": {"token": [TOKEN]},
        }
        ready.admin("PUT", "faults", [{"vendor": "hubspot", "route": "*", "status": status, "body": body}])
        for how in (("run", "--json", "-v"), ("land", "-v"), ("run",)):
            assert ready.do(*how).code == 1
    assert "***" in ready.told[-1].out
    ready.admin("PUT", "faults", [])
    for args in (("status",), ("runs",), ("show", "--json"), ("query", "FROM tailrace_meta.steps")):
        ready.do(*args)
    ready.fine()


# ---- two at once ---------------------------------------------------------------------------------------


def test_two_runs_at_once_and_a_slow_delivery(ready):
    ready.admin("POST", "advance", {"rounds": 2})
    ready.admin("PUT", "faults", [
        {"vendor": "ga4", "route": "*runReport", "nth": 1, "delay": 3},
        {"vendor": "hubspot", "route": "*batch/update", "nth": 1, "delay": 6},
    ])  # fmt: skip
    lock = ready.root / ".tailrace" / "dev" / "run.lock"
    published = (ready.root / "warehouse.duckdb").stat().st_ino
    first = ready.begin("run", "--json")
    until(lambda: lock.read_text() == str(first.pid))
    second = ready.do("run", "--json")
    assert second.code == 75
    assert f"another run holds the run lock (process {first.pid})" in second.err
    assert second.document["status"] == "failed"
    until(lambda: (ready.root / "warehouse.duckdb").stat().st_ino != published)
    landed = ready.do("land", "pipeline:ga4", "--json")
    assert landed.code == 0
    assert not first.has_ended(), "the delivery was over before the landing"
    done = ready.end(first)
    assert done.code == 0
    assert done.document["syncs"][0]["updated"] > 0
    assert_crm_is_the_model(ready)
    assert ready.fine().document["syncs"][0]["requests"] == 0


def until(what) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_work_file_that_somebody_has_open(ready):
    work = ready.root / ".tailrace" / "dev" / "work.duckdb"
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()", str(work)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    holder.stdout.readline()
    told = ready.do("run", "--json")
    assert told.code == 75
    assert "is open in another process" in told.err
    assert "close that program" in told.err
    holder.communicate("\n")
    ready.fine()


# ---- files of the state --------------------------------------------------------------------------------


def newer_work(state: Path) -> None:
    con = duckdb.connect(str(state / "work.duckdb"))
    con.execute("UPDATE tailrace_meta.format SET version = 99")
    con.close()


def newer_state(state: Path) -> None:
    db = sqlite3.connect(state / "state.db")
    db.execute("PRAGMA user_version = 99")
    db.close()


def torn_work(state: Path) -> None:
    path = state / "work.duckdb"
    with path.open("r+b") as file:
        file.write(os.urandom(8192))


def torn_state(state: Path) -> None:
    (state / "state.db").write_bytes(b"no database" * 1000)


@pytest.mark.parametrize(
    ("spoil", "file", "message"),
    [
        (newer_work, "work.duckdb", "was written by a newer tailrace (format 99, this one knows 1)"),
        (newer_state, "state.db", "was written by a newer tailrace (format 99, this one knows 3)"),
        (torn_work, "work.duckdb", "move it away, then run again"),
        (torn_state, "state.db", "it is damaged: move it away, then run again"),
    ],
)
def test_a_state_file_that_cannot_be_used(ready, spoil, file, message):
    state = ready.root / ".tailrace" / "dev"
    spoil(state)
    spoilt = (state / file).read_bytes()
    published = (ready.root / "warehouse.duckdb").stat()
    asked = ready.requests()
    for command in ("run", "land", "build"):
        told = ready.do(command, "--json")
        assert told.code == 1
        assert message in told.err
        assert str(state / file) in told.err
    assert ready.requests() == asked
    assert (state / file).read_bytes() == spoilt
    assert (ready.root / "warehouse.duckdb").stat() == published
    (state / file).unlink()  # what the message leads to: the work comes back from what is published
    ready.fine()
    assert_crm_is_the_model(ready)
    assert_log_folds(ready, "hubspot", "contacts", cursors=("lastmodifieddate",))


# ---- a full disk ---------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a file system of so many MB; skipped where this process may not."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(megabytes: int, *, again: bool = False) -> Path:
        options = f"size={megabytes}m" + (",remount" if again else "")
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if (
            shutil.which("mount") is None
            or subprocess.run(command, capture_output=True, check=False).returncode
        ):
            pytest.skip("a full disk needs a small file system, and mounting one is not allowed here")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


BIG = "SELECT i AS id, hash(i) AS a, hash(i + 1) AS b, hash(i + 2) AS c FROM range(2000000) AS t(i)"


@pytest.mark.parametrize(("step", "free"), [("land", 1), ("build", 8), ("publish", 20)])
def test_a_full_disk(small_disk, made, step, free):
    made.admin("PUT", "faults", [])
    folder = small_disk(200)
    site = Site(folder / "acme", made.url, runs=made.runs)
    shutil.copytree(made.root, site.root)
    for earlier in site.root.glob("warehouse.duckdb.*"):
        earlier.unlink()
    if step == "build":
        (site.root / "models" / "marts" / "big.sql").write_text(BIG)
    if step == "land":
        shutil.rmtree(site.root / ".tailrace")
    else:
        site.edit("models/marts/lead_scores.sql", "'; '", "' ; '")
    before = site.query("SELECT count(*), sum(score) FROM marts.lead_scores")
    writes = len(site.write_requests())
    used = sum(path.stat().st_size for path in site.root.rglob("*") if path.is_file())
    small_disk((used >> 20) + 1 + free, again=True)
    told = site.do("run", "--json", "-v", "--exclude", "sync:hubspot_lead_scores")
    assert told.code == 1
    assert re.search("disk|space|memory limit", told.err), told.err
    if step == "publish":  # which asks for room before it copies; the others stop where the disk ends
        assert "free some disk space, then run again" in told.errors(step)["warehouse"]
    assert site.query("SELECT count(*), sum(score) FROM marts.lead_scores") == before
    assert len(site.write_requests()) == writes
    small_disk(400, again=True)
    site.fine("run", "--json", "-v", "--exclude", "sync:hubspot_lead_scores")
    assert_log_folds(site, "hubspot", "contacts", cursors=("lastmodifieddate",))
    site.assert_tells_no_secret()
