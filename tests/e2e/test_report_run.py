"""The report of real runs: what it says is what the published file, the suite and the CRM say."""

from __future__ import annotations

import html
import json
import re
import shlex

SCORE = "fit + engagement + recency AS INTEGER"
PLANTED = f"CASE WHEN contact_id LIKE '%77' THEN 900 ELSE 0 END + {SCORE}"


def told(acme, *args) -> tuple[dict, str]:
    ran = acme.tailrace("report", "--json", *args)
    assert ran.code == 0, ran.err
    return ran.document, (acme.root / "report.html").read_text(encoding="utf-8")


def test_the_report_says_what_runs_left(acme):
    acme.edit("models/marts/lead_scores.sql", SCORE, PLANTED)
    acme.run()
    planted = acme.query(
        "SELECT CAST(contact_id AS VARCHAR) FROM marts.lead_scores WHERE contact_id LIKE '%77'"
    )
    document, page = told(acme)
    suite = next(one for one in document["suites"] if one["name"] == "lead_scores")
    score = next(
        one for one in suite["checks"] if one["column"] == "score" and one["decision"] == "quarantine"
    )
    assert document["state"] == suite["state"] == "held"
    assert score["unexpected"] == score["held"] == len(planted) > 0
    assert set(score["keys"]) <= {key for (key,) in planted}
    held = acme.query(
        "SELECT count(DISTINCT \"key\") FROM tailrace_meta.quarantine WHERE suite = 'lead_scores'"
    )
    assert suite["held"] == held[0][0]
    ledger = acme.query("SELECT status, count(*) FROM tailrace_meta.ledger GROUP BY status")
    assert suite["syncs"][0]["ledger"] == dict(ledger)
    _shows_no_person(acme, page)
    _commands_give_the_failing_rows(acme, document, page)

    acme.admin("POST", "advance", {"rounds": 1})
    acme.edit("models/marts/lead_scores.sql", "LIKE '%77'", "LIKE '%7%'")
    acme.run(code=3)
    document, page = told(acme)
    suite = document["suites"][0]
    assert (suite["name"], suite["state"], suite["held"]) == ("lead_scores", "blocked", 0)
    assert document["sentence"].startswith("Do not trust lead_scores: ")
    assert "nothing was sent to hubspot since" in document["sentence"]
    assert document["sentence"].endswith("daily_campaign_spend can be trusted.")
    assert any("Analysts still see lead_scores as it was built" in note for note in suite["notes"])
    score = next(one for one in suite["checks"] if one["column"] == "score" and not one["success"])
    assert [point["unexpected"] for point in score["trend"]] == [len(planted), score["unexpected"]]
    assert score["failed_in_a_row"] == 2
    _shows_no_person(acme, page)
    _commands_give_the_failing_rows(acme, document, page)


def _shows_no_person(acme, page: str) -> None:
    """No e-mail, name or score's reasons of anybody in the CRM."""
    people = [record["email"] for record in acme.contacts().values() if record.get("email")]
    assert len(people) > 200
    assert [email for email in people if email in page or html.escape(email) in page] == []
    assert "***" in page


def _commands_give_the_failing_rows(acme, document: dict, page: str) -> None:
    """Each command that the page shows, as a shell reads it, gives as many rows as the check counted."""
    commands = [
        html.unescape(one) for one in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)
    ]
    failing = [one for suite in document["suites"] for one in suite["checks"] if one["query"]]
    assert len(commands) == len(failing) > 0
    counted = {one["query"]: one["unexpected"] for one in failing}
    for command in commands:
        word, verb, sql = shlex.split(command)
        assert (word, verb) == ("tailrace", "query")
        ran = acme.tailrace("query", sql, "--json")
        assert ran.code == 0, ran.err
        assert len(json.loads(ran.out)) == counted[sql], sql
