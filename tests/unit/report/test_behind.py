"""A model that passed, and whose data could not be read or whose SQL could not be run since: its page does not say that it can be trusted."""

from __future__ import annotations

import json

import pytest
from tests.unit.report.made import NOW, Past, check, failing, lay_out, report

from tailrace.report.sentences import failures

LINEAGE = {
    "lead_scores": {"upstream": {"stg_contacts": "1"}, "data": {}},
    "stg_contacts": {"upstream": {}, "data": {"hubspot.contacts": "1", "hubspot.deals": "1"}},
    "spend": {"upstream": {}, "data": {"google_ads.campaigns": "1"}},
}


@pytest.fixture
def past(tmp_path):
    """It was read, built and judged in r1; r2 began."""
    found = Past(lay_out(tmp_path))
    found.run("r1")
    for resource in ("hubspot.contacts", "hubspot.deals", "google_ads.campaigns"):
        found.step("land", resource)
    for model, parts in LINEAGE.items():
        found.insert("models", model=model, schema_name="marts", materialized="table", rows=500,
                     built_at=found.at, run_id="r1", parts=json.dumps(parts))  # fmt: skip
        found.step("build", model)
    found.judge([check()])
    found.run("r2")
    yield found
    found.close()


def told(past, **more):
    past.close()
    return report(past.root, **more)


def test_what_it_is_made_of_could_not_be_read(past):
    past.warehouse.execute("UPDATE tailrace_meta.verdicts SET valid_until = ?", [NOW.replace(hour=23)])
    past.step("land", "hubspot.contacts", "failed", error="down")
    past.step("land", "hubspot.deals", "failed", error="down")
    past.step("validate", "lead_scores", "skipped")
    found = told(past, now=NOW.replace(hour=11))
    assert found.state == "stale"
    assert found.sentence == (
        "Do not rely on lead_scores yet: run r2 could not read hubspot.contacts and hubspot.deals,"
        " last read on 21 Nov 2026, 09:00 UTC."
    )
    assert found.suites[0].notes == (), "neither that the verdict stands nor how long it holds"


def test_what_it_is_not_made_of_does_not_matter(past):
    past.step("land", "google_ads.campaigns", "failed", error="down")
    past.step("build", "spend", "failed", error="no such column")
    assert told(past).state == "passed"


@pytest.mark.parametrize(("model", "named"), [("lead_scores", "it"), ("stg_contacts", "stg_contacts")])
def test_it_could_not_be_built(past, model, named):
    past.step("build", model, "failed", error="no such column")
    found = told(past)
    assert found.state == "stale"
    assert found.sentence == f"Do not rely on lead_scores yet: run r2 could not build {named}."


def test_it_was_read_again_since(past):
    past.step("land", "hubspot.contacts", "failed", error="down")
    past.run("r3")
    past.step("land", "hubspot.contacts")
    assert told(past).state == "passed"


def test_a_block_is_worse(past):
    past.judge([failing("block", 3)])
    past.step("land", "hubspot.contacts", "failed", error="down")
    assert told(past).state == "blocked"


def test_an_earlier_run_knows_nothing_of_it(past):
    past.step("land", "hubspot.contacts", "failed", error="down")
    assert told(past, run_id="r1").state == "passed"


def test_failures_of_one_kind_are_told_together():
    down = [f"land a.{letter}: a: cannot be reached" for letter in "bcdef"]
    assert failures(down) == "land a.b, a.c, a.d and 2 others: cannot be reached"
    assert failures([*down[:1], "land z.y: z: cannot be reached"]) == "land a.b and z.y: cannot be reached"
    assert (
        failures([*down[:1], "build m: no such column"])
        == "land a.b: cannot be reached; build m: no such column"
    )
    assert failures([f"build {n}: {n}" for n in range(6)]).endswith("build 2: 2; and 3 other steps")
    assert len(failures([f"build m: {'x' * 900}"])) < 200
