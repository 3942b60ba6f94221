"""What stands beside a failing check: whose job it is, since when, which rows, what was held back; never a personal value."""

from __future__ import annotations

import json
import re

import pytest
from tests.unit.report.made import DAY, FILES, NOW, START, Past, check, failing, lay_out, report

from tailrace.report.document import as_json
from tailrace.report.page import render

SUITE = FILES["expectations/lead_scores.yml"]
MODEL = FILES["models/marts/marts.yml"]


def past_of(tmp_path, files=None, at=START):
    found = Past(lay_out(tmp_path, files), at=at)
    found.run("r1")
    return found


def first(past, **more):
    past.close()
    return report(past.root, **more).failing[0]


@pytest.mark.parametrize(
    ("stored", "files", "owner"),
    [
        ("Ada", {}, "Ada"),
        ("Ada", {"expectations/lead_scores.yml": SUITE + "owner: Growth\n"}, "Ada"),
        ("", {"expectations/lead_scores.yml": SUITE + "owner: Growth\n"}, "Growth"),
        ("", {"expectations/lead_scores.yml": SUITE + "    owner: Bea\nowner: Growth\n"}, "Bea"),
        ("", {"models/marts/marts.yml": MODEL + "    meta: {owner: Sales ops}\n"}, "Sales ops"),
        ("", {"models/marts/marts.yml": MODEL + "    meta: {owner: {name: Cleo, email: c@example.com}}\n"}, "Cleo"),
        ("", {"models/marts/marts.yml": MODEL + "    config: {meta: {owner: Dee}}\n"}, "Dee"),
        ("", {}, ""),
    ],
)  # fmt: skip
def test_whose_job_it_is(tmp_path, stored, files, owner):
    past = past_of(tmp_path, files)
    past.judge([failing(owner=stored)])
    assert first(past).owner == owner


def test_since_when_it_fails(tmp_path):
    past = past_of(tmp_path, at=START - 5 * DAY)
    past.judge([failing()])
    for number, one in enumerate([check(), failing(rows=3), failing(rows=4)], 2):
        past.run(f"r{number}", at=START - (5 - number) * DAY)
        past.judge([one])
    found = first(past)
    assert found.failing_since == START.replace(minute=2) - 2 * DAY
    assert found.failed_in_a_row == 2
    assert [(point.run_id, point.success, point.unexpected) for point in found.trend] == [
        ("r1", False, 12), ("r2", True, 0), ("r3", False, 3), ("r4", False, 4),
    ]  # fmt: skip


def test_a_check_stays_itself_when_limits_change_and_others_come(tmp_path):
    past = past_of(tmp_path)
    past.judge([check(column="fit"), failing(kwargs='{"column": "score", "max_value": 100}')])
    past.run("r2")
    past.judge([check(column="new"), check(column="fit"), failing(kwargs='{"column": "score", "max_value": 90}'), failing(where="a", column="score")])  # fmt: skip
    past.close()
    trends = {(one.column, one.where): len(one.trend) for one in report(past.root).checks}
    assert trends == {("new", ""): 1, ("fit", ""): 2, ("score", ""): 2, ("score", "a"): 1}


def test_two_checks_of_one_kind_keep_their_own_past(tmp_path):
    past = past_of(tmp_path)
    for run in ("r2", "r3"):
        past.judge(
            [
                check("expect_column_values_to_match_regex"),
                failing(type_="expect_column_values_to_match_regex"),
            ]
        )
        past.run(run)
    past.judge(
        [check("expect_column_values_to_match_regex"), failing(type_="expect_column_values_to_match_regex")]
    )
    past.close()
    one, other = report(past.root).checks
    assert [point.success for point in one.trend] == [True] * 3
    assert [point.success for point in other.trend] == [False] * 3


def test_thirty_judgements_are_shown(tmp_path):
    past = past_of(tmp_path, at=START - 40 * DAY)
    past.judge([failing()])
    for number in range(2, 36):
        past.run(f"r{number}", at=START - (40 - number) * DAY)
        past.judge([failing(rows=number)], rows=number)
    past.close()
    found = report(past.root)
    assert [point.unexpected for point in found.failing[0].trend] == list(range(6, 36))
    assert [one.rows for one in found.suites[0].volume] == list(range(6, 36))


def test_held_rows_are_counted_and_named(tmp_path):
    past = past_of(tmp_path)
    past.judge([failing(), failing("quarantine", 1, column="grade", reason="grade is none of A, B: 1 row")])
    past.hold([str(key) for key in range(100, 112)])
    past.hold(["7"], reason="grade is none of A, B")
    past.sent("quarantined", 13)
    past.sent("acked", 480)
    past.close()
    score, grade = report(past.root).failing
    assert (score.held, score.keys) == (12, ("100", "101", "102", "103", "104"))
    assert (grade.held, grade.keys) == (1, ("7",))
    (suite,) = report(past.root).suites
    assert suite.held == 13
    assert [(sync.name, sync.quarantined, sync.ledger) for sync in suite.syncs] == [
        ("hubspot_lead_scores", 13, {"acked": 480, "quarantined": 13})
    ]


def test_samples_are_a_table_with_what_is_checked_in_front(tmp_path):
    past = past_of(tmp_path)
    past.judge([failing()])
    past.sample(
        [{"email": "***", "contact_id": 1, "score": 130}, {"email": None, "contact_id": 2, "score": None}]
    )
    found = first(past).samples
    assert found.columns == ("contact_id", "score", "email")
    assert found.rows == ((1, 130, "***"), (2, None, None))
    assert found.about == ("score",)


def test_samples_of_an_earlier_judgement_are_not_shown(tmp_path):
    past = past_of(tmp_path)
    past.judge([failing()])
    past.sample([{"contact_id": 1, "score": 130}])
    past.run("r2")
    past.judge([failing()])
    assert first(past).samples is None


def test_columns_that_are_many_are_counted(tmp_path):
    past = past_of(tmp_path)
    past.judge([failing()])
    past.sample([{f"c{number}": number for number in range(50)} | {"score": 1}])
    found = first(past).samples
    assert (len(found.columns), found.columns[0], found.hidden) == (40, "score", 11)


PERSONAL = "ada.lovelace@example.com"


def test_a_column_marked_after_it_was_judged_is_hidden(tmp_path):
    """The suite judged while nobody had said that the column is personal: what it left behind is not shown."""
    files = {
        "expectations/lead_scores.yml": SUITE.replace("key: contact_id", "key: email"),
        "models/marts/marts.yml": MODEL.replace("{name: score}", "{name: score, pii: true}"),
        "reverse/hubspot_lead_scores.yml": None,
    }
    past = past_of(tmp_path, files)
    past.judge([
        failing(column="email", kwargs='{"column": "email"}', reason="the e-mail is malformed: 12 rows"),
        failing("warn", None, type_="expect_column_max_to_be_between", column="score", kwargs='{"column": "score"}',
                observed="91.75", observed_number=91.75, reason="the highest score is above 90: it is 91.75"),
    ])  # fmt: skip
    past.sample([{"email": PERSONAL, "Score": 91.75, "note": "free"}])
    past.hold([PERSONAL], reason="the e-mail is malformed")
    past.close()
    found = report(past.root)
    text = json.dumps(as_json(found), default=str)
    assert PERSONAL not in text
    assert "91.75" not in text
    assert '"free"' in text
    assert found.failing[0].samples.rows == (("***", "***", "free"),)


@pytest.mark.parametrize(
    ("sla_age", "late"), [(30, False), (90, True)]
)  # fmt: skip
def test_a_resource_is_late_after_its_sla(tmp_path, sla_age, late):
    from datetime import timedelta

    past = Past(lay_out(tmp_path))
    past.run("r1", at=NOW - timedelta(minutes=sla_age))
    past.step("land", "hubspot.contacts", rows=12)
    past.landed(rows=321, at=START - DAY)
    past.close()
    (found,) = report(past.root).resources
    assert (found.name, found.rows, found.late, found.reads) == ("hubspot.contacts", 321, late, (12,))
    assert found.read_at == NOW - timedelta(minutes=sla_age)
    assert found.changed_at == START - DAY


def test_a_read_that_failed_is_no_read(tmp_path):
    past = past_of(tmp_path)
    past.step("land", "hubspot.contacts", rows=12)
    past.run("r2")
    past.step("land", "hubspot.contacts", "failed", error="down")
    past.close()
    (found,) = report(past.root).resources
    assert (found.read_at, found.status) == (START, "failed")


def test_a_check_says_where_it_is_written(tmp_path):
    past = past_of(tmp_path)
    past.judge([failing(), failing(), failing()])
    past.close()
    found = report(past.root)
    assert [one.place for one in found.failing] == ["expectations/lead_scores.yml:5", "", ""]
    card = render(found, str).partition("Written in</dt>")[2].partition("</dd>")[0]
    assert re.sub("<.*?>", "", card) == "expectations/lead_scores.yml:5"
