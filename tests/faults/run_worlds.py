"""What two worlds must have in common when one of them was disturbed: everything but run ids, times and attempts."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tailrace.cli.start import write_project
from tailrace.sandbox.server import Sandbox
from tests.faults.forked_runs import Forked, ForkedRuns

LANDED = {
    "ga4": ("sessions",),
    "google_ads": ("accounts", "campaigns", "campaign_stats"),
    "hubspot": ("contacts", "companies", "deals", "deals_contacts"),
}
CURSORS = {"lastmodifieddate", "hs_lastmodifieddate"}
"""The vendor stamps them at each write of ours, so a batch that was sent twice moves them twice."""
UNDATED = {"deals_contacts"}
"""Associations carry no time of the vendor's, so `_changed_at` is when they were read."""
MODEL_SCHEMAS = ("main", "staging", "marts")
LEDGER = "account, object, sync, primary_key, status, acked_hash, acked_values, sent_hash, error, remote_id, subject, match_key, scan_hash, fields"
META = {
    "ledger": LEDGER,
    "quarantine": 'suite, expectation, "key", "row", reason',
    "dead_letters": "* EXCLUDE (attempts, first_at, last_at)",
    "verdicts": '* EXCLUDE (run_id, "at")',
    "cursors": "resource",
}
NOW = datetime.now(UTC).replace(microsecond=0)
START = max(NOW - timedelta(hours=6), NOW.replace(hour=0, minute=0, second=1))
"""Not before today: all that the sandbox was made with happened until then, and an edit behind it would be none."""


@dataclass
class World:
    """A fresh sandbox, whose clock moves only between rounds, and a project beside it."""

    root: Path
    sandbox: Sandbox
    runs: ForkedRuns
    rounds: int = 0
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        write_project(self.root)
        self.sandbox.house.clock.__init__(lambda: START + timedelta(hours=self.rounds))  # type: ignore[misc]
        self.admin("PUT", "faults", [])
        self.admin("POST", "reset")

    @property
    def published(self) -> Path:
        return self.root / "warehouse.duckdb"

    def start(self, point: str = "", *args: str) -> Forked:
        env = {"TAILRACE_SANDBOX": self.sandbox.url, "TAILRACE_FAILPOINT": point, **self.env}
        return self.runs.start(self.root, ["run", "--json", "-v", *args], env)

    def run(self) -> dict[str, Any]:
        """A run that nobody disturbs."""
        run = self.start()
        code = run.end()
        assert code == 0, (code, run.out.read_text()[-2000:], run.err.read_text()[-2000:])
        assert "Traceback" not in run.err.read_text()
        return json.loads(run.out.read_text())

    def die_at(self, point: str, *args: str) -> None:
        run = self.start(point, *args)
        code = run.end()
        assert code == 137, (
            f"{point} was not reached: {code} {run.out.read_text()[-1500:]} {run.err.read_text()[-1500:]}"
        )

    def lines(self) -> int:
        """Log lines of the last run, those of its summary left out."""
        return self.runs.log("err").read_text().count('{"at"')

    def advance(self) -> None:
        """An hour passes, and people keep working."""
        self.rounds += 1
        self.admin("POST", "advance", {"rounds": 2})

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.sandbox.url}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def contacts(self) -> dict[str, dict[str, Any]]:
        found = self.admin("GET", "records/hubspot/contacts")
        return {row["id"]: {k: v for k, v in row["properties"].items() if k not in CURSORS} for row in found}

    def most_writes(self) -> int:
        """How often the record that was written most often was written."""
        return max(self.admin("GET", "writes/hubspot/contacts").values())

    def snapshot(self) -> dict[str, Any]:
        """Everything that must not depend on how often a run was disturbed, by table."""
        con = duckdb.connect(str(self.published), read_only=True)
        try:
            return {**_landed(con), **_models(con), **_meta(con), "crm": self.contacts()}
        finally:
            con.close()


def _landed(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    found = {}
    for dataset, resources in LANDED.items():
        for resource in resources:
            name = f"{dataset}.{resource}"
            columns = _columns(con, name)
            found[name] = _rows(con, f"SELECT {columns} FROM {name}")
            found[f"{name}__keys"] = _rows(
                con, f"SELECT * EXCLUDE (_version_at, _shape, _hash) FROM {name}__keys"
            )
            if _columns(con, f"{name}__changes"):
                found[f"{name}__changes"] = _log(con, dataset, resource)
    return found


def _log(con: duckdb.DuckDBPyConnection, dataset: str, resource: str) -> list[tuple[Any, ...]]:
    """The log of each key in its order; between keys the order of arrival may differ."""
    # what a killed run wrote comes back before its answers are settled, and is then nobody's by name
    ours = {"_seq", "_run_id", "_seen_at", "_origin"} | ({"_changed_at"} if resource in UNDATED else set())
    names = _columns(con, f"{dataset}.{resource}__changes", ours)
    # the vendor stamps our own writes when they come, and a kill moves them by a second
    stamped = "CASE WHEN NOT coalesce(starts_with(_changed_fields, 'lead_'), false) THEN _changed_at END"
    names = names.replace('"_changed_at"', stamped)
    keys = con.execute(
        "SELECT string_agg('\"' || column_name || '\"', ', ' ORDER BY column_index) FROM duckdb_columns()"
        " WHERE schema_name = ? AND table_name = ? AND column_name NOT LIKE '\\_%' ESCAPE '\\'",
        [dataset, f"{resource}__keys"],
    ).fetchone()
    return con.execute(
        f"SELECT {names} FROM {dataset}.{resource}__changes ORDER BY {keys[0]}, _seq"
    ).fetchall()


def _models(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    names = con.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema IN (?, ?, ?)",
        MODEL_SCHEMAS,
    ).fetchall()
    return {name: _rows(con, f"SELECT * FROM {name}") for (name,) in names}


def _meta(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    return {name: _rows(con, f"SELECT {what} FROM tailrace_meta.{name}") for name, what in META.items()}


def _columns(con: duckdb.DuckDBPyConnection, table: str, without: set[str] = frozenset()) -> str:
    dataset, _, name = table.partition(".")
    rows = con.execute(
        "SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? ORDER BY 1",
        [dataset, name],
    ).fetchall()
    return ", ".join(f'"{column}"' for (column,) in rows if column not in CURSORS | without)


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return sorted(map(repr, con.execute(sql).fetchall()))


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert not set(found) ^ set(wanted)
    for name, rows in wanted.items():
        if found[name] != rows:
            extra = [row for row in found[name] if row not in rows][:3]
            missing = [row for row in rows if row not in found[name]][:3]
            raise AssertionError(
                f"{name}: {len(found[name])} rows for {len(rows)}; new {extra}; missing {missing}"
            )


READER = """
import os, sys, time, duckdb
path, stop = sys.argv[1:3]
os.nice(5)
opened, seen, wrong = 0, set(), []
def inode():
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0

last = 0
while not os.path.exists(stop):
    for _ in range(50):  # a file that has just been renamed into place is opened at once
        time.sleep(0.002)
        if inode() != last:
            break
    last = inode()
    if not last:
        if seen:
            wrong.append("the published file was gone")
        continue
    try:
        seen.add(last)
        con = duckdb.connect(path, read_only=True)
        one = lambda sql: con.execute(sql).fetchone()[0]
        scores, contacts = one("SELECT count(*) FROM marts.lead_scores"), one("SELECT count(*) FROM hubspot.contacts")
        if scores != contacts:
            wrong.append(f"{scores} scores of {contacts} contacts")
        log = one("SELECT sum(CASE _op WHEN 'insert' THEN 1 WHEN 'delete' THEN -1 ELSE 0 END) FROM hubspot.contacts__changes")
        if log != contacts:
            wrong.append(f"the log folds to {log} of {contacts} contacts")
        if one("SELECT count(*) FROM tailrace_meta.ledger WHERE status <> 'removed'") != scores:
            wrong.append("a model's key without a ledger row")
        if one("SELECT count(*) FROM tailrace_meta.ledger WHERE status = 'quarantined'") != one("SELECT count(DISTINCT key) FROM tailrace_meta.quarantine"):
            wrong.append("ledger and quarantine differ")
        con.close()
        opened += 1
    except Exception as error:
        wrong.append(f"{type(error).__name__}: {error}")
print(opened, len(seen))
for text in wrong:
    print(text)
"""


class Reader:
    """An analyst's process that opens the published file again and again while runs come and go."""

    def __init__(self, world: World) -> None:
        self._stop = world.root / "stop-reading"
        self._process = subprocess.Popen(
            [sys.executable, "-c", READER, str(world.published), str(self._stop)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, int, list[str]]:
        """How often it read, how many files it saw, and everything that was wrong."""
        self._stop.touch()
        out, _ = self._process.communicate(timeout=30)
        counts, *wrong = out.splitlines()
        opened, files = map(int, counts.split())
        return opened, files, wrong
