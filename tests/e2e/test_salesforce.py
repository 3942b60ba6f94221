"""A whole sync to Salesforce by the real command: first, idle, a little changed, and by jobs where it is much."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.project import Acme, Ran

PROFILES = """acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      connections:
        salesforce:
          type: salesforce
          client_id: app
          client_secret: app-secret
          bulk_poll: 0s
          login_url: "{{ env_var('TAILRACE_SANDBOX') }}/salesforce"
          base_url: "{{ env_var('TAILRACE_SANDBOX') }}/salesforce"
"""
PROJECT = '[project]\nname = "acme"\nversion = "1"\n\n[tool.tailrace]\nname = "acme"\nprofile = "acme"\n'
PEOPLE = """SELECT 'p' || i AS id, 'Person ' || i AS name, 'p' || i || '@x.example' AS email,
    {score} AS score, TIMESTAMP '2026-01-01 00:00:00' AS changed_at, {grade} AS grade, CAST(DATE '1969-12-31' + CAST(i AS INTEGER) AS DATE) AS born, {firm} AS firm
FROM range({rows}) AS t (i)
"""
SYNC = """sync: people
model: people
connection: salesforce
object: Contact
mode: {mode}
primary_key: id
match: {{Ext__c: id}}
fields:
  LastName: name
  Email: email
  Lead_Score__c: {{column: score, conflict: {conflict}}}
  Lead_Grade__c: grade
  Birthdate: born
updated_at: changed_at
on_removed: archive
associations:
  Account: {{match: {{Ext__c: firm}}}}
guardrails: {{max_changed: 100%, max_created: 100%, max_deleted: 100%, max_failed: 100%}}
"""


class Org(Acme):
    """A project that sends people to Salesforce."""

    def people(
        self,
        rows: int,
        score: str = "i / 4",
        grade: str = "'A'",
        mode: str = "upsert",
        conflict: str = "ours",
    ) -> None:
        firm = self.admin("GET", "records/salesforce/Account")[0]["Ext__c"]
        text = PEOPLE.format(rows=rows, score=score, grade=grade, firm=f"'{firm}'")
        for name, content in {
            "pyproject.toml": PROJECT,
            "profiles.yml": PROFILES,
            "models/people.sql": text,
            "reverse/people.yml": SYNC.format(mode=mode, conflict=conflict),
        }.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def go(self, code: int = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What the run says of the sync, and the requests that it made."""
        before = len(self.admin("GET", "requests?vendor=salesforce"))
        ran: Ran = self.run(code=code)
        return ran.sync("people"), self.admin("GET", "requests?vendor=salesforce")[before:]

    def sent(self) -> dict[str, dict[str, Any]]:
        found = self.admin("GET", "records/salesforce/Contact")
        return {row["Ext__c"]: row for row in found if (row["Ext__c"] or "").startswith("p")}


@pytest.fixture
def org(tmp_path: Any, world: Any) -> Org:
    root = tmp_path / "acme"
    root.mkdir()
    found = Org(root, world.url)
    found.admin("PUT", "faults", [])
    found.admin("POST", "reset")
    return found


def written(requests: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(one["path"].split("/")[4], one["rows_written"]) for one in requests if one["rows_written"]]


def test_first_idle_changed_and_gone(org: Org) -> None:
    org.people(1000)
    counts, requests = org.go()
    assert (counts["created"], counts["dead"]) == (1000, 0)
    assert written(requests) == [("composite", 200)] * 5
    first = org.sent()["p7"]
    assert (first["LastName"], first["Lead_Score__c"], first["Birthdate"]) == ("Person 7", 1.75, "1970-01-07")
    assert first["AccountId"] == org.admin("GET", "records/salesforce/Account")[0]["Id"]

    counts, requests = org.go()
    assert (counts["unchanged"], counts["requests"]) == (1000, 0)
    assert written(requests) == []

    org.people(1000, score="CASE WHEN i % 100 = 0 THEN 99 ELSE i / 4 END")
    counts, requests = org.go()
    assert (counts["updated"], counts["unchanged"]) == (10, 990)
    assert written(requests) == [("composite", 10)]
    assert {key for key, row in org.sent().items() if row["Lead_Score__c"] == 99} >= {"p0", "p900"}

    org.people(1000, grade="CASE WHEN i < 3 THEN 'Z' ELSE 'A' END", mode="mirror")
    counts, _ = org.go()
    assert counts["dead"] == 3
    assert {row["Lead_Grade__c"] for row in org.sent().values()} == {"A"}
    assert sum(org.admin("GET", "writes/salesforce/Contact").values()) == 1000 + 10 + 9


def test_a_persons_newer_edit_stays_and_rows_that_leave_are_archived(org: Org) -> None:
    org.people(400, conflict="newest")
    org.go()
    edited, other = org.sent()["p5"]["Id"], org.sent()["p6"]["Id"]
    org.admin("POST", "records/salesforce/Contact", [{"Id": edited, "Lead_Score__c": 77}])
    org.people(390, score="i / 4 + 1", conflict="newest")
    counts, _ = org.go()
    sent = org.sent()
    assert sent["p5"]["Lead_Score__c"] == 77, "edited after our write, and our value is older"
    assert sent["p6"]["Lead_Score__c"] == 2.5
    assert set(sent) == {f"p{number}" for number in range(390)}
    assert (counts["deleted"], counts["dead"]) == (10, 0)
    writes = org.admin("GET", "writes/salesforce/Contact")
    assert (writes[edited], writes[other]) == (1, 2)


def test_many_rows_go_by_jobs_and_a_few_do_not(org: Org) -> None:
    org.people(2500)
    counts, requests = org.go()
    assert (counts["created"], counts["dead"]) == (2500, 0)
    assert written(requests) == [("jobs", 2500)]
    org.people(2500, score="CASE WHEN i < 100 THEN -1 ELSE i / 4 END")
    counts, requests = org.go()
    assert counts["updated"] == 100
    assert written(requests) == [("composite", 100)]
    assert sum(org.admin("GET", "writes/salesforce/Contact").values()) == 2600
    ledger = dict(org.query("SELECT status, count(DISTINCT remote_id) FROM tailrace_meta.ledger GROUP BY 1"))
    assert ledger == {"acked": 2500}


def test_a_run_that_is_killed_while_its_job_works_makes_no_record_twice(org: Org) -> None:
    org.people(2500, mode="insert")
    slow = {"vendor": "salesforce", "route": "*/jobs/ingest/750*", "method": "GET", "delay": 60}
    org.admin("PUT", "faults", [slow])
    started = org.start("run", "--json")
    wait_until(lambda: len(org.sent()) == 2500)
    started.kill()
    started.communicate()
    org.admin("PUT", "faults", [])
    counts, requests = org.go()
    assert (counts["dead"], written(requests)) == (0, [])
    assert set(org.admin("GET", "writes/salesforce/Contact").values()) == {1}
    assert len(org.admin("GET", "writes/salesforce/Contact")) == 2500
    ledger = dict(org.query("SELECT status, count(DISTINCT remote_id) FROM tailrace_meta.ledger GROUP BY 1"))
    assert ledger == {"acked": 2500}


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")
