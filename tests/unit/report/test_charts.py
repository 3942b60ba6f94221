"""Drawings: where things stand, and that every one is told in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tailrace.report.charts import FLOOR, ROOM, reads, trend, volume
from tailrace.report.document import Check, Landed, Point, Suite, Volume

AT = datetime(2026, 11, 1, 9, 2)


def check(*points: tuple[bool, int | None, float | None]) -> Check:
    found = tuple(Point(f"r{at}", AT + timedelta(days=at), *point) for at, point in enumerate(points))
    return Check("s", "m", 0, "t", "c", "", "e", "r", "critical", "warn", False, 1, None, "", "", trend=found)


def test_one_judgement_is_no_trend():
    assert trend(check((False, 3, None))) is None
    assert volume(Suite("s", "m", "p", "", "passed", volume=(Volume("r", AT, 3, False),))) is None
    assert reads(Landed("a.b", 1, AT, AT, None, False, "ok", (1,))) is None


def test_bars_are_as_high_as_their_rows_and_end_at_the_right():
    drawn = trend(check((True, 0, None), (False, 10, None), (False, 20, None)))
    assert drawn.kind == "bars"
    assert drawn.bad == f"M338 {FLOOR - 20}h8v20h-8zM350 {FLOOR - ROOM}h8v{ROOM}h-8z"
    assert drawn.good == f"M326 {FLOOR - 2}h8v2h-8z"
    assert (drawn.high, drawn.span) == ("20 rows", "1 Nov to 3 Nov")
    assert drawn.text.endswith("3 Nov 2026, 09:02 UTC: failed, 20 rows")
    assert drawn.caption == "Failed in 2 of the last 3 judgements"


def test_a_check_without_counts_or_numbers_is_failed_or_passed():
    drawn = trend(check((True, None, None), (False, None, None)))
    assert (drawn.kind, drawn.high) == ("bars", "")
    assert f"v{ROOM}" in drawn.bad
    assert drawn.text.endswith("2 Nov 2026, 09:02 UTC: failed")


def test_what_was_observed_is_a_line_that_breaks_where_nothing_was():
    drawn = trend(check((True, None, 1.0), (True, None, 2.0), (False, None, None), (False, None, 5.0)))
    assert drawn.kind == "values"
    assert (drawn.low, drawn.high) == ("1", "5")
    assert drawn.line == f"M318 {FLOOR - 4}L330 {FLOOR - 14}M354 {FLOOR - 4 - ROOM}"
    assert drawn.text.count("no value") == 1
    assert drawn.bad.count("l8 8") == 2


def test_equal_values_lie_in_the_middle():
    drawn = trend(check((True, None, 7.0), (False, None, 7.0)))
    assert drawn.line == f"M342 {FLOOR - 4 - ROOM // 2}L354 {FLOOR - 4 - ROOM // 2}"


def test_rows_of_judgements_and_where_they_were_blocked():
    points = (Volume("a", AT, 100, False), Volume("b", AT + timedelta(days=1), 200, True))
    drawn = volume(Suite("s", "m", "p", "", "blocked", volume=points))
    assert drawn.caption == "200 rows now; 100 to 200 in 2 judgements"
    assert drawn.text == "1 Nov 2026, 09:02 UTC: 100 rows; 2 Nov 2026, 09:02 UTC: 200 rows, blocked"
    assert drawn.bad.count("l8 8") == 1


def test_reads_of_nothing_still_show_that_there_were_some():
    landed = Landed("a.b", 1, AT, AT, None, False, "ok", (0, 0))
    assert reads(landed).good == "M112 15h3v1h-3zM116 15h3v1h-3z"
    assert reads(replace(landed, reads=(0, 8))).good == "M112 15h3v1h-3zM116 0h3v16h-3z"


def test_judgements_of_one_day_are_told_by_their_times():
    points = tuple(Volume(str(hour), AT + timedelta(hours=hour), 5, False) for hour in range(3))
    drawn = volume(Suite("s", "m", "p", "", "passed", volume=points))
    assert (drawn.span, drawn.caption) == (
        "1 Nov, 09:02 to 11:02 UTC",
        "5 rows now; the same in 3 judgements",
    )
