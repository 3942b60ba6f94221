"""A suite whose step failed has judged nothing: its data is neither published nor sent, and its error quotes no row."""

from __future__ import annotations

import pytest
from tests.unit.runner.test_gate_apart import FILES, House

from tailrace.errors import GateStopped, TailraceError
from tailrace.plan.sync_preview import sync_previews
from tailrace.runner.syncs import gated

VIEW = """{{ config(materialized='view') }}
SELECT code, email, score + CASE WHEN code = 'bad' THEN CAST(email AS INTEGER) ELSE 0 END AS score FROM {{ ref('list') }}"""
ROWS = "code,email,score\na,ann@x.io,999\nbad,private@x.io,10\n"
STEPS = ("build", "validate", "publish")
UNJUDGED = "not judged by alone, loose, strict: the data published before stays"


@pytest.fixture
def house(tmp_path):
    """Published once; then its model cannot be read any more."""
    found = House(tmp_path)
    found.do(*STEPS)
    found.write("models/marts/people.sql", VIEW)
    found.write("seeds/list.csv", ROWS)
    return found


@pytest.mark.parametrize("steps", [STEPS, ("validate", "publish")])
def test_a_suite_that_fails_keeps_what_was_published(house, steps):
    house.do("build")
    done = house.do(*steps)
    assert {done["validate", name].status for name in ("alone", "loose", "strict")} == {"failed"}
    published = done["publish", "warehouse"]
    assert (published.status, published.error) == ("stopped", UNJUDGED)
    assert house.published("SELECT max(score) FROM main.list") == [(40,)]
    assert house.published("SELECT count(*) FROM marts.people") == [(4,)]
    assert house.published("SELECT DISTINCT status FROM tailrace_meta.steps WHERE status = 'failed'") == [
        ("failed",)
    ]


def test_what_could_be_judged_again_is_published(house):
    house.do(*STEPS)
    house.write("models/marts/people.sql", FILES["models/marts/people.sql"])
    assert house.do(*STEPS)["publish", "warehouse"].status == "ok"
    assert house.published("SELECT max(score) FROM main.list") == [(999,)]


def test_a_run_sends_nothing_of_it(house):
    done = house.do("build", "validate", "activate", "publish")
    told = {done["activate", name].status: done["activate", name].error for name in ("crm", "erp", "copy")}
    assert list(told) == ["stopped"]
    assert "could not judge what would be sent" in told["stopped"]


def test_an_older_verdict_does_not_stand_in_for_a_suite_that_failed_now(house):
    house.write("models/marts/people.sql", FILES["models/marts/people.sql"])
    house.do("build")
    house.do("validate")
    resolved = house.resolved()
    sync = next(sync for sync in resolved.project.syncs if sync.name == "crm")
    with house.opened() as (session, warehouse):
        assert gated(session, warehouse, resolved, sync).rows == 2
        with session.step("validate", "strict"):
            raise TailraceError("the disk is full")
        with pytest.raises(GateStopped, match="suite strict could not judge what would be sent"):
            gated(session, warehouse, resolved, sync)


def test_its_error_quotes_no_value(house):
    done = house.do("build", "validate", "activate", "publish")
    assert "private" not in str(done)
    assert done["validate", "strict"].error == "model people: a value cannot be read as INT32"
    assert done["activate", "crm"].status == "stopped"
    assert house.published("SELECT count(*) FROM tailrace_meta.steps WHERE error LIKE '%private%'") == [(0,)]
    alone = house.do("activate")["activate", "crm"]
    assert (alone.status, alone.error) == ("failed", "model people: a value cannot be read as INT32")


def test_where_nothing_is_personal_the_error_says_more(house):
    (house.root / "models/marts/people.yml").unlink()
    told = "model people: Conversion Error: Could not convert string '***' to INT32 when casting from source column email"
    assert house.do(*STEPS)["validate", "strict"].error == told


def test_a_plan_quotes_no_value_either(house):
    house.do("build")
    resolved = house.resolved()
    steps = []
    with house.opened() as (_, warehouse):
        sync_previews(warehouse, resolved, resolved.project.syncs, steps, house.now)
    assert {step.error for step in steps} == {"model people: a value cannot be read as INT32"}
