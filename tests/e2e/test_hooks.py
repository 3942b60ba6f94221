"""Syncs to a webhook, to Slack and to Google's audiences by the command: first, idle, changed, removed, killed."""

from __future__ import annotations

import base64
import csv
import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import Acme

SECRET = "whsec_" + base64.b64encode(b"tailrace sandbox webhook").decode()
SLACK_SECRET, HOOK_SECRET = "canary0slack1secret", "canary0hook1path"
PROFILES = f"""
acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      connections:
        webhook:
          type: webhook
          url: "{{{{ env_var('TAILRACE_SANDBOX') }}}}/webhook/{HOOK_SECRET}/"
          signing_secret: "{SECRET}"
        slack:
          type: slack
          webhook_url: "{{{{ env_var('TAILRACE_SANDBOX') }}}}/slack/services/T1/B1/{SLACK_SECRET}"
          rate_limit: off
        google_data_manager:
          type: google_data_manager
          access_token: sandbox
          operating_account: "1234567890"
          poll_interval: 0.01s
          base_url: "{{{{ env_var('TAILRACE_SANDBOX') }}}}/google_data_manager"
"""
OFF = "guardrails: {max_created: off, max_changed: off, max_deleted: off}\n"
SYNCS = {
    "webhook": "sync: webhook\nmodel: people\nconnection: webhook\nobject: leads\nmode: mirror\nprimary_key: id\n"
    "match: {email: email}\nfields: {score: score, note: note}\non_removed: archive\n",
    "slack": "sync: slack\nmodel: people\nconnection: slack\nobject: messages\nmode: append\nprimary_key: id\n"
    "fields: {text: note}\n",
    "google": "sync: google\nmodel: people\nconnection: google_data_manager\nobject: audience_members\nmode: mirror\n"
    "primary_key: id\nmatch: {email: email}\nfields: {phone: {column: phone, if_null: skip}}\non_removed: archive\n"
    "options: {audience: '7', ad_user_data: granted, ad_personalization: granted, terms_accepted: true}\n",
}
VENDORS = {"webhook": "webhook", "slack": "slack", "google": "google_data_manager"}
COLUMNS = ("id", "email", "score", "note", "phone")
PEOPLE = {
    1: (9_007_199_254_740_993, "ann@example.com", 91, "=HYPERLINK(1)", None),
    2: (2, "bob@example.com", -17, 'say "hi" <b>,\nand more 🎉', "+4989123456"),
    3: (3, "cat@example.com", 5, "c & d", None),
}


class House:
    """A small project of one model, and the sandbox's side of it."""

    def __init__(self, acme: Acme) -> None:
        self.acme = acme
        self.people = dict(PEOPLE)
        self.save()

    def save(self) -> None:
        with (self.acme.root / "seeds" / "people.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(self.people.values())

    def set(self, number: int, column: str, value: Any) -> None:
        place = COLUMNS.index(column)
        row = self.people[number]
        self.people[number] = (*row[:place], value, *row[place + 1 :])
        self.save()

    def drop(self, number: int) -> None:
        del self.people[number]
        self.save()

    def run(self, sync: str, **more: Any) -> dict[str, Any]:
        """The sync's counts in a run's document; `requests` are the sandbox's own count of those that wrote."""
        before = self.written(sync)
        counts = self.acme.run(f"+sync:{sync}", **more).sync(sync)
        return {**counts, "requests": self.written(sync) - before}

    def written(self, sync: str) -> int:
        requests = self.acme.admin("GET", f"requests?vendor={VENDORS[sync]}")
        return len([one for one in requests if one["rows_written"]])

    def records(self, vendor: str, obj: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.acme.admin("GET", f"records/{vendor}/{obj}")
        return found

    def statuses(self, sync: str) -> dict[str, str]:
        return dict(
            self.acme.query(f"SELECT primary_key, status FROM tailrace_meta.ledger WHERE sync = '{sync}'")
        )

    def words(self) -> str:
        """All that is left on the disk of what was said, but for the profiles that name the secrets."""
        kept = [path for path in self.acme.root.rglob("*") if path.is_file() and path.name != "profiles.yml"]
        return "\n".join(path.read_bytes().decode("latin-1") for path in kept)


@pytest.fixture
def house(tmp_path: Path, world: Any) -> House:
    root = tmp_path / "small"
    for folder in ("seeds", "reverse"):
        (root / folder).mkdir(parents=True)
    (root / "pyproject.toml").write_text('[tool.tailrace]\nname = "acme"\nprofile = "acme"\n')
    (root / "profiles.yml").write_text(PROFILES)
    for name, text in SYNCS.items():
        (root / "reverse" / f"{name}.yml").write_text(text + OFF)
    acme = Acme(root, world.url)
    acme.admin("PUT", "faults", [])
    acme.admin("POST", "reset")
    return House(acme)


def counted(found: dict[str, Any]) -> tuple[int, ...]:
    names = ("created", "updated", "deleted", "unchanged", "dead", "requests")
    return tuple(found[name] for name in names)


def test_a_webhook_gets_each_change_once(house: House) -> None:
    assert counted(house.run("webhook")) == (3, 0, 0, 0, 0, 1)
    (first,) = house.records("webhook", "deliveries")
    assert [row["fields"] for row in first["rows"]] == [
        {"note": row[3], "score": row[2]} for row in sorted(house.people.values())
    ]
    assert counted(house.run("webhook")) == (0, 0, 0, 3, 0, 0)
    house.set(2, "score", 18)
    assert counted(house.run("webhook")) == (0, 1, 0, 2, 0, 1)
    house.set(3, "email", "CAT2@example.com")
    assert counted(house.run("webhook"))[-1] == 1
    assert house.records("webhook", "deliveries")[-1]["rows"][0]["previous_key"] == "cat@example.com"
    house.drop(1)
    assert counted(house.run("webhook")) == (0, 0, 1, 2, 0, 1)
    last = house.records("webhook", "deliveries")[-1]["rows"]
    assert [(row["operation"], row["key"], row["fields"]) for row in last] == [
        ("archive", "ann@example.com", {})
    ]
    assert counted(house.run("webhook")) == (0, 0, 0, 2, 0, 0)


def test_what_a_killed_run_sent_comes_again_under_the_same_id(house: House) -> None:
    house.run("webhook")
    house.set(1, "score", 92)
    killed = house.acme.tailrace("run", "+sync:webhook", env={"TAILRACE_FAILPOINT": "activate:after_answer"})
    assert killed.code not in (0, 1)
    sent = house.records("webhook", "deliveries")
    assert [(one["repeats"], len(one["rows"])) for one in sent] == [(0, 3), (0, 1)]
    house.run("webhook")
    again = house.records("webhook", "deliveries")
    assert [one["id"] for one in again] == [one["id"] for one in sent]
    assert [one["repeats"] for one in again] == [0, 1]
    assert house.run("webhook")["requests"] == 0


def test_a_value_that_comes_back_is_no_repeat(house: House) -> None:
    for score in (90, 92, 91, 92):
        house.set(1, "score", score)
        house.run("webhook")
    sent = house.records("webhook", "deliveries")
    assert [one["repeats"] for one in sent] == [0, 0, 0, 0]
    assert sent[-1]["rows"][0]["fields"]["score"] == 92


def test_the_objects_name_is_the_syncs(house: House) -> None:
    house.run("webhook")
    assert house.records("webhook", "deliveries")[0]["type"] == "leads.upsert"


def test_rows_that_a_receiver_refuses_are_dead_letters_and_the_others_go_in(house: House) -> None:
    refused = {"keys": ["bob@example.com"], "category": "refused", "message": "no such country"}
    house.acme.admin("PUT", "faults", [{"vendor": "webhook", "route": "*", "row_error": refused}])
    assert counted(house.run("webhook"))[0] == 2
    assert house.statuses("webhook")["2"] == "dead"
    letters = house.acme.query("SELECT primary_key, reason FROM tailrace_meta.dead_letters")
    assert letters == [("2", "no such country")]
    house.acme.admin("PUT", "faults", [])
    assert house.run("webhook")["requests"] == 0


def test_slack_says_each_row_once(house: House) -> None:
    assert counted(house.run("slack")) == (3, 0, 0, 0, 0, 3)
    assert [one["text"] for one in house.records("slack", "messages")] == [
        'say "hi" &lt;b&gt;,\nand more 🎉',
        "c &amp; d",
        "=HYPERLINK(1)",
    ]
    assert counted(house.run("slack")) == (0, 0, 0, 3, 0, 0)
    house.set(3, "note", "changed")
    house.drop(2)
    assert house.run("slack")["requests"] == 1
    assert house.records("slack", "messages")[-1]["text"] == "changed"
    assert SLACK_SECRET not in house.words()


def test_a_message_whose_answer_was_lost_is_said_again_by_the_next_run(house: House) -> None:
    """At least once: nobody can ask Slack what it has."""
    house.acme.admin("PUT", "faults", [{"vendor": "slack", "route": "*", "nth": 2, "lost_answer": True}])
    ran = house.acme.tailrace("run", "--json", "+sync:slack")
    assert ran.code == 1
    assert SLACK_SECRET not in ran.out + ran.err
    assert sorted(house.statuses("slack").values()) == ["acked", "pending", "unknown"]
    assert house.run("slack")["requests"] == 2
    texts = [one["text"] for one in house.records("slack", "messages")]
    assert sorted(texts.count(text) for text in set(texts)) == [1, 1, 2]


def test_an_audience_is_the_model(house: House) -> None:
    assert counted(house.run("google")) == (3, 0, 0, 0, 0, 1)
    assert mails(house) == {hashed(row[1]) for row in house.people.values()}
    assert counted(house.run("google")) == (0, 0, 0, 3, 0, 0)
    house.set(1, "email", "nina@example.com")
    assert house.run("google")["requests"] == 3  # in as she is now, out as she was, in once more
    assert mails(house) == {hashed(row[1]) for row in house.people.values()}
    house.drop(2)
    assert counted(house.run("google"))[2:] == (1, 2, 0, 1)
    assert mails(house) == {hashed(row[1]) for row in house.people.values()}
    house.set(3, "phone", "089 call me")
    assert house.run("google")["requests"] == 0
    assert house.statuses("google")["3"] == "dead"


def test_a_membership_needs_no_fields(house: House) -> None:
    sync = house.acme.root / "reverse" / "google.yml"
    sync.write_text(sync.read_text().replace("fields: {phone: {column: phone, if_null: skip}}\n", ""))
    assert counted(house.run("google")) == (3, 0, 0, 0, 0, 1)
    house.set(1, "score", 1)
    house.drop(3)
    assert counted(house.run("google")) == (0, 0, 1, 2, 0, 1)
    assert mails(house) == {hashed(row[1]) for row in house.people.values()}


def mails(house: House) -> set[str]:
    members = house.records("google_data_manager", "audience_members")
    return {
        one["emailAddress"]
        for record in members
        for one in record["userIdentifiers"]
        if "emailAddress" in one
    }


def hashed(mail: str) -> str:
    return hashlib.sha256(mail.lower().encode()).hexdigest()


def test_check_refuses_what_cannot_be(house: House) -> None:
    root = house.acme.root
    (root / "pipelines").mkdir()
    (root / "pipelines" / "p.yml").write_text("pipeline: p\nconnection: slack\nresources:\n  messages: {}\n")
    google = (root / "reverse" / "google.yml").read_text()
    (root / "reverse" / "google.yml").write_text(
        google.replace("terms_accepted: true", "terms_accepted: false").replace(
            "match: {email", "match: {name"
        )
    )
    told = house.acme.tailrace("check")
    assert told.code == 2
    said = told.out + told.err
    assert "slack is no source: nothing can be landed from it" in said
    assert "terms_accepted: true" in said
    assert "has no unique property name. It takes: email, phone" in said
    assert SLACK_SECRET not in said
    assert HOOK_SECRET not in said


def test_doctor_asks_without_a_trace(house: House) -> None:
    told = house.acme.tailrace("doctor")
    assert told.code == 0, told.out + told.err
    assert "knows it" in told.out + told.err
    for vendor, obj in (
        ("slack", "messages"),
        ("webhook", "deliveries"),
        ("google_data_manager", "audience_members"),
    ):
        assert house.records(vendor, obj) == []
    assert SLACK_SECRET not in told.out + told.err
    assert HOOK_SECRET not in told.out + told.err
