"""A project in a folder and a sandbox beside it, worked by the real command in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

TAILRACE = [sys.executable, "-m", "tailrace"]


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    def sync(self, name: str = "hubspot_lead_scores") -> dict[str, Any]:
        return next(sync for sync in self.document["syncs"] if sync["sync"] == name)

    def steps(self, step: str) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.document["steps"] if row["step"] == step}


@dataclass
class Acme:
    """The reference project against one sandbox."""

    root: Path
    url: str
    env: dict[str, str] = field(default_factory=dict)

    def tailrace(self, *args: str, env: dict[str, str] | None = None, timeout: float = 300) -> Ran:
        done = subprocess.run(
            [*TAILRACE, *args], cwd=self.root, env=self.environment(env), capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*TAILRACE, *args],
            cwd=self.root,
            env=self.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environment(self, more: dict[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "TAILRACE_SANDBOX": self.url, **self.env, **(more or {})}

    def run(self, *args: str, code: int = 0, **more: Any) -> Ran:
        ran = self.tailrace("run", "--json", *args, **more)
        assert ran.code == code, (ran.code, ran.out[-3000:], ran.err[-3000:])
        return ran

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        con = duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True)
        try:
            return con.execute(sql).fetchall()
        finally:
            con.close()

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def contacts(self) -> dict[str, dict[str, Any]]:
        return {row["id"]: row["properties"] for row in self.admin("GET", "records/hubspot/contacts")}

    def write_requests(self) -> list[dict[str, Any]]:
        requests = self.admin("GET", "requests?vendor=hubspot")
        return [request for request in requests if request["rows_written"]]

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new))


SENT = {"lead_score": "score", "lead_grade": "grade", "lead_score_reasons": "reasons"}


def assert_crm_is_the_model(acme: Acme) -> int:
    """CRM = model minus the rows that the ledger says were held back; returns the number of rows compared."""
    found = acme.query("SELECT primary_key, status FROM tailrace_meta.ledger")
    ledger = {key: status for key, status in found if status != "removed"}
    assert len(found) == len({key for key, _ in found})
    rows = acme.query(
        f"SELECT CAST(contact_id AS VARCHAR), {', '.join(SENT.values())} FROM marts.lead_scores"
    )
    assert sorted(ledger) == sorted(row[0] for row in rows), (
        "every key of the model has exactly one ledger row"
    )
    contacts = acme.contacts()
    compared = 0
    for key, score, grade, reasons in rows:
        if ledger[key] != "acked":
            continue
        found = contacts[key]
        assert float(found["lead_score"]) == float(score), key
        assert (found["lead_grade"], found["lead_score_reasons"]) == (grade, reasons), key
        compared += 1
    return compared


def assert_log_folds(
    acme: Acme, dataset: str, resource: str, key: str = "id", cursors: tuple[str, ...] = ()
) -> None:
    """Folding the change log in _seq order gives exactly the current table, but for the cursor columns."""
    columns = [
        row[0]
        for row in acme.query(f"SELECT column_name FROM (DESCRIBE {dataset}.{resource})")
        if row[0] not in cursors
    ]
    names = ", ".join(f'"{column}"' for column in columns)
    fold = (
        f"SELECT {names} FROM (SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY _seq DESC) AS _n"
        f" FROM {dataset}.{resource}__changes) WHERE _n = 1 AND _op <> 'delete'"
    )
    current = f"SELECT {names} FROM {dataset}.{resource}"
    assert acme.query(f"SELECT count(*) FROM (({fold}) EXCEPT ALL ({current}))") == [(0,)]
    assert acme.query(f"SELECT count(*) FROM (({current}) EXCEPT ALL ({fold}))") == [(0,)]
