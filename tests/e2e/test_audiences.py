"""Whole syncs to Mailchimp's members and to a Meta audience by the real command: first, idle, changed, moved, removed."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.e2e.project import Acme

NEWSLETTER, AUDIENCE = "a5b0c1d2e3", "23850000000000001"
PROFILES = """acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      connections:
        mailchimp:
          type: mailchimp
          api_key: sandbox-us1
          poll_interval: 0.02s
          base_url: "{{ env_var('TAILRACE_SANDBOX') }}/mailchimp"
        meta_ads:
          type: meta_ads
          access_token: sandbox
          base_url: "{{ env_var('TAILRACE_SANDBOX') }}/meta_ads"
"""
PROJECT = '[project]\nname = "acme"\nversion = "1"\n\n[tool.tailrace]\nname = "acme"\nprofile = "acme"\n'
PEOPLE = """SELECT 'p' || i AS id, {email} AS email, 'Person ' || i AS name, {worth} AS worth, {tags} AS tags
FROM range({rows}) AS t (i)
"""
OPEN = "guardrails: {max_changed: 100%, max_created: 100%, max_deleted: 100%, max_failed: 100%}\n"
MEMBERS = f"""sync: newsletter
model: people
connection: mailchimp
object: members
mode: mirror
options: {{list: {NEWSLETTER}, status_if_new: subscribed, tags: [gold, silver]}}
primary_key: id
match: {{email_address: email}}
on_removed: archive
fields: {{FNAME: name, LTV: worth, tags: tags}}
{OPEN}"""
USERS = f"""sync: audience
model: people
connection: meta_ads
object: custom_audience
mode: mirror
options: {{audience: "{AUDIENCE}"}}
primary_key: id
match: {{EMAIL: email}}
on_removed: archive
fields: {{EXTERN_ID: id, FN: name}}
{OPEN}"""


class Project(Acme):
    """One model of people, one sync."""

    def people(
        self,
        rows: int,
        email: str = "'p' || i || '@x.example'",
        worth: str = "i / 4",
        tags: str = "CASE WHEN i % 2 = 0 THEN 'gold' END",
    ) -> None:
        text = PEOPLE.format(rows=rows, email=email, worth=worth, tags=tags)
        self.put("models/people.sql", text)

    def put(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def go(self, vendor: str, sync: str) -> tuple[dict[str, Any], list[tuple[str, int]]]:
        """What the run says of the sync, and its requests that wrote something: method and records."""
        before = len(self.admin("GET", f"requests?vendor={vendor}"))
        counts = self.run().sync(sync)
        made = self.admin("GET", f"requests?vendor={vendor}")[before:]
        return counts, [(one["method"], one["rows_written"]) for one in made if one["rows_written"]]

    def ledger(self) -> dict[str, int]:
        return dict(self.query("SELECT status, count(*) FROM tailrace_meta.ledger GROUP BY 1"))


@pytest.fixture
def project(tmp_path: Any, world: Any) -> Project:
    root = tmp_path / "acme"
    root.mkdir()
    found = Project(root, world.url)
    found.admin("PUT", "faults", [])
    found.admin("POST", "reset")
    found.put("pyproject.toml", PROJECT)
    found.put("profiles.yml", PROFILES)
    return found


def members(project: Project) -> dict[str, dict[str, Any]]:
    every = project.admin("GET", "records/mailchimp/members")
    return {
        one["email_address"]: one
        for one in every
        if one["list_id"] == NEWSLETTER and one["email_address"].endswith("@x.example")
    }


def tags(member: dict[str, Any]) -> set[str]:
    return {tag["name"] for tag in member["tags"]}


def test_members_first_idle_changed_moved_and_gone(project: Project) -> None:
    project.put("reverse/newsletter.yml", MEMBERS)
    project.people(1200)
    counts, requests = project.go("mailchimp", "newsletter")
    assert (counts["created"], counts["dead"], counts["requests"]) == (1200, 0, 3)
    assert sorted(requests) == [("POST", 200), ("POST", 500), ("POST", 500)]
    found = members(project)
    assert len(found) == 1200
    one = found["p6@x.example"]
    assert (one["status"], one["merge_fields"]["FNAME"], one["merge_fields"]["LTV"]) == (
        "subscribed",
        "Person 6",
        1.5,
    )
    assert (tags(one), tags(found["p7@x.example"])) == ({"gold"}, set())

    counts, requests = project.go("mailchimp", "newsletter")
    assert (counts["unchanged"], counts["requests"], requests) == (1200, 0, [])

    # somebody unsubscribes: new values reach them, and they stay what they are
    left = {"list_id": NEWSLETTER, "id": one["id"], "status": "unsubscribed"}
    project.admin("POST", "records/mailchimp/members", [left])
    project.people(1200, worth="CASE WHEN i < 12 THEN 99 ELSE i / 4 END")
    counts, requests = project.go("mailchimp", "newsletter")
    assert (counts["unchanged"], counts["dead"], requests) == (1188, 0, [("POST", 12)])
    one = members(project)["p6@x.example"]
    assert (one["status"], one["merge_fields"]["LTV"]) == ("unsubscribed", 99)

    # an e-mail changes: the member moves with all that it has; a tag leaves
    project.people(
        1199,
        worth="CASE WHEN i < 12 THEN 99 ELSE i / 4 END",
        email="CASE WHEN i = 7 THEN 'seven' ELSE 'p' || i END || '@x.example'",
        tags="CASE WHEN i = 7 THEN 'silver' WHEN i = 8 THEN '' WHEN i % 2 = 0 THEN 'gold' END",
    )
    web_id = members(project)["p7@x.example"]["web_id"]
    counts, requests = project.go("mailchimp", "newsletter")
    assert (counts["dead"], counts["unmatched"]) == (0, 0)
    now = members(project)
    assert "p7@x.example" not in now
    assert (now["seven@x.example"]["web_id"], tags(now["seven@x.example"])) == (web_id, {"silver"})
    assert tags(now["p8@x.example"]) == set()
    # the last one left the model
    assert now["p1198@x.example"]["status"] == "subscribed"
    assert now["p1199@x.example"]["status"] == "archived"
    assert project.ledger() == {"acked": 1199, "removed": 1}
    # DELETE; PATCH and its tags; POST and the tag that leaves
    assert sorted(requests) == [("DELETE", 1), ("PATCH", 1), ("POST", 1), ("POST", 1), ("POST", 1)]
    counts, requests = project.go("mailchimp", "newsletter")
    assert (counts["requests"], requests) == (0, [])


def test_a_member_who_is_refused_is_a_dead_letter_with_the_reason(project: Project) -> None:
    project.put("reverse/newsletter.yml", MEMBERS)
    project.people(10, email="CASE WHEN i = 3 THEN 'nobody' ELSE 'p' || i || '@x.example' END")
    counts, requests = project.go("mailchimp", "newsletter")
    assert (counts["dead"], requests) == (1, [("POST", 9)])
    letters = project.query("SELECT primary_key, reason FROM tailrace_meta.dead_letters")
    assert [key for key, _ in letters] == ["p3"] and "valid email" in letters[0][1]
    counts, requests = project.go("mailchimp", "newsletter")
    assert requests == []


def test_what_a_members_sync_cannot_do_is_refused_at_check(project: Project) -> None:
    project.people(1)
    project.put("reverse/newsletter.yml", MEMBERS.replace(", status_if_new: subscribed", ""))
    ran = project.tailrace("check")
    assert ran.code == 2 and "status_if_new is missing" in ran.out + ran.err
    project.put("reverse/newsletter.yml", MEMBERS.replace("FNAME: name", "status: name"))
    ran = project.tailrace("check")
    assert ran.code == 2 and "members.status is read-only" in ran.out + ran.err


def test_an_audience_first_idle_changed_moved_and_gone(project: Project) -> None:
    def users() -> dict[str, dict[str, Any]]:
        every = project.admin("GET", "records/meta_ads/custom_audience_users")
        return {
            one["EXTERN_ID"]: one for one in every if one["audience_id"] == AUDIENCE and "EXTERN_ID" in one
        }

    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    project.put("reverse/audience.yml", USERS)
    project.people(12_000)
    counts, requests = project.go("meta_ads", "audience")
    assert (counts["dead"], counts["requests"]) == (0, 2)
    assert sorted(requests) == [("POST", 2000), ("POST", 10_000)]
    found = users()
    assert len(found) == 12_000
    assert (found["p6"]["EMAIL"], found["p6"]["FN"]) == (sha("p6@x.example"), sha("person"))

    counts, requests = project.go("meta_ads", "audience")
    assert (counts["unchanged"], counts["requests"], requests) == (12_000, 0, [])

    project.people(11_999, email="CASE WHEN i = 7 THEN 'Seven' ELSE 'p' || i END || '@x.example'")
    counts, requests = project.go("meta_ads", "audience")
    # one leaves the model; one comes in as who it is, is taken out as who it was, and comes in once more
    assert sorted(requests) == [("DELETE", 1), ("DELETE", 1), ("POST", 1), ("POST", 1)]
    found = users()
    assert "p11999" not in found and found["p7"]["EMAIL"] == sha("seven@x.example")
    assert len(found) == 11_999
    others = project.admin("GET", "records/meta_ads/custom_audience_users")
    assert sum(one["audience_id"] == AUDIENCE for one in others) == 11_999 + 3, (
        "who was put there by hand stays"
    )
    assert project.ledger() == {"acked": 11_999, "removed": 1}
    counts, requests = project.go("meta_ads", "audience")
    assert (counts["requests"], requests) == (0, [])


def test_people_who_pass_their_addresses_on_stay_all(project: Project) -> None:
    project.put("reverse/audience.yml", USERS)
    project.people(10_050)
    project.go("meta_ads", "audience")
    project.people(10_050, email="'p' || ((i + 1) % 10050) || '@x.example'")
    counts, _ = project.go("meta_ads", "audience")
    assert counts["updated"] == 10_050
    every = project.admin("GET", "records/meta_ads/custom_audience_users")
    held = {one["EMAIL"] for one in every if one["audience_id"] == AUDIENCE}
    assert {hashlib.sha256(f"p{i}@x.example".encode()).hexdigest() for i in range(10_050)} <= held
