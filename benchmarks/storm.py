"""Storms with kills: what the CRM shows once all is calm, against the model, row by row.

`python -m benchmarks.storm [MINUTES] [SEED]`. Rounds of `tailrace run` on a project of its own, while the model changes, people type
into the CRM, the vendor fails in every way that the sandbox knows, and the command is killed (-9) at random moments. In
the end the faults are lifted and it is run until it has nothing to do; then CRM = model minus what is listed as
dead, quarantined, kept as people edited it, or unmatched: to the row.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from benchmarks._storm_people import GRADES, People

FILES = {
    "pyproject.toml": '[tool.tailrace]\nname = "storm"\nprofile = "storm"\n',
    "profiles.yml": """storm:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      connections:
        hubspot: {type: hubspot, access_token: sandbox, max_wait: 5s, base_url: "URL/hubspot"}
""",
    "pipelines/hubspot.yml": "pipeline: hubspot\nconnection: hubspot\nresources:\n  contacts: {properties: [email, jobtitle]}\n",
    "seeds/people.yml": """version: 2
seeds:
  - name: people
    config:
      column_types: {person_id: BIGINT, email: VARCHAR, score: BIGINT, grade: VARCHAR, note: VARCHAR, jobtitle: VARCHAR, consent: BOOLEAN, is_customer: BOOLEAN}
""",
    "models/marts/scores.sql": "SELECT * FROM {{ ref('people') }}\n",
    "expectations/scores.yml": """suite: scores
model: scores
key: person_id
max_quarantined: 50%
expectations:
  - type: expect_column_values_to_be_between
    kwargs: {column: score, min_value: 0, max_value: 100}
    severity: critical
    on_fail: quarantine
""",
    "reverse/people.yml": """sync: people
model: scores
connection: hubspot
object: contacts
mode: mirror
primary_key: person_id
match: {email: email}
fields:
  lead_score: score
  lead_grade: grade
  lead_score_reasons: note
  jobtitle: {column: jobtitle, conflict: theirs}
where: is_customer
suppress: not consent
on_removed: archive
validate: scores
guardrails: {max_changed: off, max_created: off, max_deleted: off, max_failed: off, max_nulled: off}
""",
}
BATCH = "/crm/objects/*/contacts/batch/*"
STORMS: tuple[tuple[dict[str, Any], ...], ...] = (
    (),
    ({"status": 429, "probability": 0.3, "body": "{}"},),
    ({"status": 500, "probability": 0.2}, {"delay": 0.05, "probability": 0.5}),
    ({"lost_answer": True, "probability": 0.2, "route": BATCH},),
    ({"reset": True, "probability": 0.15},),
    ({"status": 200, "body": '{"results": []}', "headers": {"content-type": "application/json"}, "probability": 0.3, "route": BATCH},),
    ({"status": 401, "nth": [3], "body": '{"category": "EXPIRED_AUTHENTICATION"}'},),
    ({"status": 503},),
    ({"lost_answer": True, "probability": 0.3, "route": BATCH}, {"reset": True, "probability": 0.1}, {"status": 429, "probability": 0.1, "body": "{}"}),
)  # fmt: skip
CLOSED = 11.0
"""Seconds; an account that answered 429 without a word stays closed for 10."""
ENDINGS = (0, 1, 3, 75, -signal.SIGKILL)
LONGEST_RUN = 120.0


@dataclass
class Storm:
    """One project, one sandbox, and what was done to them."""

    root: Path
    url: str
    people: People
    dice: random.Random
    endings: Counter[int] = field(default_factory=Counter)
    typical: float = 6.0

    def tailrace(self, *args: str, kill_after: float | None = None) -> int:
        """The command's exit code; -9 where it was killed, with all its children."""
        command = [sys.executable, "-m", "tailrace", *args, "--project", str(self.root)]
        log = self.root / "said.txt"
        with log.open("w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
            try:
                process.wait(kill_after if kill_after is not None else LONGEST_RUN)
            except subprocess.TimeoutExpired:
                assert kill_after is not None, f"no end after {LONGEST_RUN} s"
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                # a request that is out is carried out, and would pass for a race with who types next
                time.sleep(0.5)
        said = log.read_text()
        assert "Traceback" not in said, said
        assert process.returncode in ENDINGS, (process.returncode, said)
        return process.returncode

    def round(self) -> None:
        """The world changes, the vendor fails, the command runs, and maybe dies."""
        self.people.round()
        self.people.write(self.root / "seeds" / "people.csv")
        self.type_into_the_crm()
        storm = self.dice.choice(STORMS)
        self.admin(
            "PUT",
            "faults",
            [{"vendor": "hubspot", "seed": self.dice.randint(0, 9999), **rule} for rule in storm],
        )
        kill = self.dice.uniform(0.2, 1.3 * self.typical) if self.dice.random() < 0.5 else None
        started = time.monotonic()
        code = self.tailrace("run", kill_after=kill)
        if code == 0:
            self.typical = 0.8 * self.typical + 0.2 * (time.monotonic() - started)
        self.endings[code] += 1
        self.admin("PUT", "faults", [])

    def type_into_the_crm(self) -> None:
        """People edit job titles of contacts that we made: `conflict: theirs` has to leave them."""
        live = self.contacts()
        for record in self.dice.sample(live, min(3, len(live))):
            title = f"typed {self.dice.randint(1, 10**6)}"
            self.admin(
                "POST", "records/hubspot/contacts", [{"id": record["id"], "properties": {"jobtitle": title}}]
            )
            self.people.typed[record["id"]] = title

    def contacts(self) -> list[dict[str, Any]]:
        """Ours, and not archived."""
        found = self.admin("GET", "records/hubspot/contacts")
        return [
            one
            for one in found
            if not one.get("archived") and "storm.example" in (one["properties"].get("email") or "")
        ]

    def calm(self) -> None:
        """Run until nothing waits: what was refused for a fault's sake is let try again."""
        time.sleep(CLOSED)
        for _ in range(4):
            code = self.tailrace("run")
            assert code in (0, 3), (self.root / "said.txt").read_text()
        self.tailrace("dead", "retry", "people")
        for _ in range(2):
            code = self.tailrace("run")
        assert code == 0, (self.root / "said.txt").read_text()

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        con = duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True)
        try:
            return con.execute(sql).fetchall()
        finally:
            con.close()


def verdict(storm: Storm) -> dict[str, Any]:
    """Every difference between the CRM and the model that no list explains."""
    ledger = {int(key): (status, remote) for key, status, remote in storm.query(
        "SELECT primary_key, status, remote_id FROM tailrace_meta.ledger WHERE status <> 'removed'")}  # fmt: skip
    letters = {int(key) for (key,) in storm.query("SELECT primary_key FROM tailrace_meta.dead_letters")}
    crm = {one["id"]: one["properties"] for one in storm.contacts()}
    fates, wrong, owners = storm.people.fate(), [], Counter[str]()
    if set(ledger) != set(storm.people.rows):
        wrong.append(f"ledger rows and model rows differ: {sorted(set(ledger) ^ set(storm.people.rows))[:5]}")
    for key, (status, remote) in ledger.items():
        wanted = fates.get(key)
        if status == "acked":
            owners[remote] += 1
            wrong += different(storm, key, crm.get(remote))
        elif status != wanted and not (status == "dead" and key in letters) and status != "conflict":
            wrong.append(f"row {key} is {status}, not {wanted}")
        elif status == "dead" and key not in letters:
            wrong.append(f"row {key} is dead without a letter")
        if wanted in ("suppressed", "filtered", "quarantined") and status != wanted:
            wrong.append(f"row {key} is {status}, not {wanted}")
    emails = Counter(one["email"].casefold() for one in crm.values())
    wrong += [f"{email} is there {times} times" for email, times in emails.items() if times > 1]
    wrong += [f"record {remote} is {times} rows'" for remote, times in owners.items() if times > 1]
    known = {remote for _, remote in ledger.values() if remote}
    wrong += [
        f"record {remote} is nobody's"
        for remote, one in crm.items()
        if remote not in known and one["email"].casefold() not in storm.people.spared
    ]
    statuses = Counter(status for status, _ in ledger.values())
    refused = sorted(key for key, (status, _) in ledger.items() if status == "dead" and fates[key] == "acked")
    return {
        "rows": len(ledger),
        "statuses": dict(statuses),
        "wrong": wrong,
        "refused_by_the_vendor": len(refused),
    }


def different(storm: Storm, key: int, found: dict[str, Any] | None) -> list[str]:
    """How an accepted row's record differs from the row."""
    person = storm.people.rows.get(key)
    if person is None or found is None:
        return [f"row {key} is accepted and has no {'row' if person is None else 'record'}"]
    wanted = {"lead_score": str(person.score), "lead_grade": person.grade, "lead_score_reasons": person.note}
    wrong = [
        f"row {key}: {name} is {found.get(name)!r}, not {value!r}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
    typed = next(
        (
            storm.people.typed[one["id"]]
            for one in storm.contacts()
            if one["properties"] == found and one["id"] in storm.people.typed
        ),
        None,
    )
    if found.get("jobtitle") != (typed or person.jobtitle):
        wrong.append(f"row {key}: jobtitle is {found.get('jobtitle')!r}, typed was {typed!r}")
    if found["email"].casefold() != person.email.casefold():
        wrong.append(f"row {key}: email is {found['email']!r}, not {person.email!r}")
    assert person.grade in GRADES
    return wrong


def measure(minutes: float = 2.0, seed: int = 1) -> dict[str, Any]:
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        command = [
            sys.executable,
            "-m",
            "tailrace",
            "sandbox",
            "--port",
            "0",
            "--contacts",
            "20",
            "--no-limits",
        ]
        sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert sandbox.stdout is not None
            url = next(
                word for line in sandbox.stdout for word in line.split() if word.startswith("http://")
            ).rstrip("/.,")
            for name, text in FILES.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text.replace("URL", url))
            storm = Storm(root, url, People(dice), dice)
            for _ in range(300):
                storm.people.add()
            end = time.monotonic() + 60 * minutes
            while time.monotonic() < end:
                storm.round()
            storm.calm()
            found = verdict(storm)
            return {
                "seed": seed,
                "minutes": minutes,
                "runs": storm.endings.total(),
                "killed": storm.endings[-signal.SIGKILL],
                **found,
            }
        finally:
            sandbox.terminate()
            sandbox.communicate()


if __name__ == "__main__":
    words = [float(word) for word in sys.argv[1:]]
    result = measure(words[0] if words else 2.0, int(words[1]) if len(words) > 1 else 1)
    print(json.dumps({**result, "wrong": result["wrong"][:20], "wrong_rows": len(result["wrong"])}, indent=2))
    sys.exit(1 if result["wrong"] else 0)
