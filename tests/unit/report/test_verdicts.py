"""What the page says of a suite, first of all: whether its model can be trusted, and why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.report.made import DAY, NOW, START, Past, check, failing, lay_out, report

from tailrace.errors import BadInput
from tailrace.report.document import Run
from tailrace.report.local import Local, LocalStep

HOUR = timedelta(hours=1)
TWO = {
    "expectations/other.yml": "suite: other\nmodel: other\nexpectations:\n  - type: expect_column_to_exist\n    kwargs: {column: id}\n",
    "models/marts/other.sql": "SELECT 1 AS id\n",
}


@pytest.fixture
def past(tmp_path):
    found = Past(lay_out(tmp_path))
    found.run("r1")
    yield found
    found.close()


def told(past, **more):
    past.close()
    return report(past.root, **more)


@pytest.mark.parametrize(
    ("checks", "state", "sentence"),
    [
        ([check(), check()], "passed",
         "lead_scores can be trusted: 2 of 2 checks pass, judged 21 Nov 2026, 09:02 UTC on 500 rows."),
        ([check()], "passed", "lead_scores can be trusted: 1 of 1 check passes, judged 21 Nov 2026, 09:02 UTC on 500 rows."),
        ([check(), failing("quarantine", 12)], "held",
         "lead_scores can be trusted, but for 12 rows held back: 1 of 2 checks pass, judged 21 Nov 2026, 09:02 UTC on 500 rows."),
        ([failing("quarantine", 1), failing("warn", 3)], "held",
         "lead_scores can be trusted, but for 1 row held back and with 1 warning: 0 of 2 checks pass, judged 21 Nov 2026, 09:02 UTC on 500 rows."),
        ([failing("warn", 3), failing("warn", 4)], "warned",
         "lead_scores can be trusted, with 2 warnings: 0 of 2 checks pass, judged 21 Nov 2026, 09:02 UTC on 500 rows."),
        ([failing("block", 3), check()], "blocked", "Do not trust lead_scores: 1 check blocks it; nothing was ever sent to hubspot."),
        ([failing("block", 3), failing("block", 4), failing("quarantine", 9)], "blocked",
         "Do not trust lead_scores: 2 checks block it; nothing was ever sent to hubspot."),
    ],
)  # fmt: skip
def test_one_sentence_says_whether_the_model_can_be_trusted(past, checks, state, sentence):
    past.judge(checks)
    found = told(past)
    assert (found.state, found.sentence) == (state, sentence)
    assert found.suites[0].state == state


def test_a_blocked_suite_says_since_when_nothing_was_sent(past):
    past.sent("acked", 3, at=START - HOUR)
    past.judge([failing("block", 3)])
    found = told(past)
    assert found.sentence.endswith("nothing was sent to hubspot since 21 Nov 2026, 08:00 UTC.")
    assert found.suites[0].held == 0, "where all is stopped, no row is held back alone"


def test_a_suite_can_block_without_a_check_that_does(past):
    past.judge(
        [failing("quarantine", 60)],
        reasons=["60 of 500 rows would be held back (12.0%), max_quarantined is 5%"],
    )
    found = told(past)
    assert found.state == "blocked"
    assert "60 of 500 rows would be held back (12.0%), max_quarantined is 5%" in found.sentence


def test_a_suite_that_never_judged(past):
    found = told(past)
    assert found.state == "never"
    assert (
        found.sentence
        == "Nobody knows whether lead_scores can be trusted: suite lead_scores has never judged it."
    )


def test_a_suite_whose_model_is_not_built(past):
    past.step("validate", "lead_scores", "skipped", error="model lead_scores is not built")
    assert "model lead_scores is not built" in told(past).sentence


def test_a_project_without_suites(tmp_path):
    past = Past(
        lay_out(tmp_path, {"expectations/lead_scores.yml": None, "reverse/hubspot_lead_scores.yml": None})
    )
    found = told(past)
    assert (found.state, found.suites, found.run) == ("never", (), None)
    assert found.sentence == "Nothing says whether this data can be trusted: the project has no suites."


def test_worst_comes_first_and_the_others_are_named(tmp_path):
    past = Past(lay_out(tmp_path, TWO))
    past.run("r1")
    past.judge([failing("block", 3)])
    past.judge([check()], suite="other", model="other")
    found = told(past)
    assert [suite.name for suite in found.suites] == ["lead_scores", "other"]
    assert found.sentence.startswith("Do not trust lead_scores: 1 check blocks it;")
    assert found.sentence.endswith(" other can be trusted.")


def test_several_that_pass_are_told_together(tmp_path):
    past = Past(lay_out(tmp_path, TWO))
    past.run("r1")
    past.judge([check(), failing("quarantine", 2)])
    past.judge([check()], suite="other", model="other", rows=7)
    found = told(past)
    assert found.sentence == (
        "Both models can be trusted, but for 2 rows held back: 2 of 3 checks pass, judged 21 Nov 2026, 09:02 UTC on 507 rows."
    )


def test_a_verdict_that_ran_out_says_nothing_about_now(past):
    past.judge([check()], valid_until=NOW - HOUR / 2)
    found = told(past)
    assert found.state == "stale"
    assert "ran out on 21 Nov 2026, 09:00 UTC" in found.sentence


def test_a_verdict_that_holds_says_how_long(past):
    past.judge([check()], valid_until=NOW + HOUR)
    found = told(past)
    assert found.state == "passed"
    assert "The verdict holds until 21 Nov 2026, 10:30 UTC." in found.suites[0].notes


def test_a_suite_that_was_changed_since(past):
    past.judge([check()], suite_hash="of another suite")
    found = told(past)
    assert found.state == "stale"
    assert "suite lead_scores was changed" in found.sentence


def test_a_model_that_was_built_anew_and_not_judged(past):
    past.judge([check()])
    past.run("r2", command="build")
    past.built(run_id="r2")
    found = told(past, now=NOW + HOUR)
    assert found.state == "stale"
    assert "it was built anew on 21 Nov 2026, 10:00 UTC and not judged since" in found.sentence


def test_a_model_that_was_built_anew_and_found_unchanged(past):
    past.judge([check()])
    past.run("r2")
    past.built(run_id="r2")
    past.step("validate", "lead_scores", "skipped")
    found = told(past, now=NOW + HOUR)
    assert found.state == "passed"
    assert found.suites[0].notes == (
        "Found unchanged on 21 Nov 2026, 10:00 UTC, so the earlier verdict stands.",
    )


def test_a_run_that_did_not_judge_it(past):
    past.judge([check()])
    past.run("r2")
    past.step("validate", "lead_scores", "skipped", error="model lead_scores is not built")
    found = told(past, now=NOW + HOUR)
    assert found.state == "stale"
    assert "run r2 did not judge it, model lead_scores is not built" in found.sentence


def test_an_older_judgement_is_named_as_one(past):
    past.judge([check()])
    past.run("r2", command="land")
    assert "Not judged in run r2; this is of run r1." in told(past, now=NOW + HOUR).suites[0].notes


def test_a_suite_that_no_run_looked_at_for_a_day(past):
    past.judge([check()])
    assert (
        "No run has looked at it since 21 Nov 2026, 09:02 UTC."
        in told(past, now=NOW + 2 * DAY).suites[0].notes
    )


def test_a_run_with_nothing_to_publish_looked_at_it_all_the_same(past):
    past.judge([check()])
    idle = Run("r9", "run", NOW + 2 * DAY - HOUR, None, "ok")
    local = Local(idle, {"lead_scores": [LocalStep(idle, "skipped", reused=True)]})
    found = told(past, now=NOW + 2 * DAY, local=local)
    assert found.suites[0].notes == (
        "Found unchanged on 23 Nov 2026, 08:30 UTC, so the earlier verdict stands.",
    )
    assert found.alerts == ()


def test_a_judgement_that_is_not_published_is_named(past):
    past.judge([check()])
    newer = Run("r9", "validate", NOW, None, "stopped")
    found = told(
        past, now=NOW + HOUR, local=Local(newer, {"lead_scores": [LocalStep(newer, "stopped", reused=False)]})
    )
    assert "Judged again in run r9, which is not published yet: tailrace publish." in found.suites[0].notes


def test_a_run_that_failed_before_it_judged_is_told_first(past):
    past.judge([check()])
    local = Local(Run("r9", "run", NOW, None, "failed", "the disk is full"))
    (alert,) = told(past, local=local).alerts
    assert alert.startswith(
        "Run r9 (21 Nov 2026, 09:30 UTC) failed before it published anything: the disk is full."
    )


def test_steps_that_failed_are_told(past):
    past.step("land", "hubspot.contacts", "failed", error="the vendor is down")
    past.judge([check()])
    (alert,) = told(past).alerts
    assert "land hubspot.contacts: the vendor is down" in alert


def test_what_analysts_still_see_while_a_suite_blocks(past):
    past.run("r0", at=START - DAY)
    past.built(run_id="r0", at=START - DAY)
    past.runs.append("r1")
    past.at = START + HOUR
    past.judge([failing("block", 3)])
    found = told(past)
    assert (
        "Analysts still see lead_scores as it was built on 20 Nov 2026, 09:00 UTC; what was judged is not published."
        in found.suites[0].notes
    )
    assert any("all published tables stay as they were" in alert for alert in found.alerts)


def test_an_earlier_run_is_told_as_it_left_things(past):
    past.judge([failing("quarantine", 5)], rows=100)
    past.run("r2")
    past.judge([failing("block", 3)], rows=200)
    past.run("r3")
    past.judge([check()], rows=300)
    past.landed()
    past.close()
    assert report(past.root).state == "passed"
    second = report(past.root, run_id="r2")
    assert (second.state, second.run.run_id, second.suites[0].rows, second.is_past) == (
        "blocked",
        "r2",
        200,
        True,
    )
    assert len(second.suites[0].volume) == 2
    first = report(past.root, run_id="r1")
    assert (first.state, first.suites[0].rows, first.suites[0].held) == ("held", 100, 5)
    assert (first.resources, first.models, first.suites[0].syncs) == ((), (), ())
    assert report(past.root, run_id="last").is_past is False


def test_a_run_that_is_not_there(past):
    past.close()
    with pytest.raises(BadInput, match="there is no run r2 in the published file. known: r1"):
        report(past.root, run_id="r2")


def test_suites_that_left_the_project_are_named(past):
    past.judge([check()])
    past.judge([failing("block", 2)], suite="gone", model="gone")
    found = told(past)
    assert (found.state, found.unknown_suites) == ("passed", ("gone",))


def test_a_file_of_an_earlier_release(tmp_path):
    """Its tables lack what came later: nothing is made up, and nothing breaks."""
    past = Past(lay_out(tmp_path))
    past.run("r1")
    past.judge([failing("quarantine", 2)])
    for column in ("description", "owner", "kwargs", "asked", "result", "query", "observed_number", "stage"):
        past.warehouse.execute(f"ALTER TABLE tailrace_meta.validations DROP COLUMN {column}")
    for table in ("validation_samples", "verdicts", "cursors", "models", "ledger", "sync_log", "quarantine"):
        past.warehouse.execute(f"DROP TABLE tailrace_meta.{table}")
    found = told(past)
    assert (found.state, found.suites[0].held, found.failing[0].unexpected) == ("held", 2, 2)
    assert (found.failing[0].query, found.failing[0].samples, found.models) == ("", None, ())


def test_a_file_with_nothing_in_it(tmp_path):
    past = Past(lay_out(tmp_path))
    past.warehouse.execute("DROP SCHEMA tailrace_meta CASCADE")
    found = told(past)
    assert (found.state, found.run, found.resources[0].name) == ("never", None, "hubspot.contacts")
    assert found.resources[0].late, "it was never read, and its pipeline promises an hour"
