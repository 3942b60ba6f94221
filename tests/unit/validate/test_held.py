"""Rows held back: by exact keys, with the time since when, and shown to people without personal values."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from tests.unit.validate.made import Clock, between, expect, staged, suite

from tailrace.project.spec import Keeping
from tailrace.validate.audience import Audience
from tailrace.validate.held import SAMPLE, held_table, quarantined_keys_sql
from tailrace.validate.masking import subject_digest
from tailrace.validate.run import judge
from tailrace.validate.standing import standing
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = "SELECT range AS id, range AS score FROM range({})"


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    yield opened
    opened.close()


@pytest.fixture
def clock():
    return Clock()


def held(warehouse) -> list:
    keys = quarantined_keys_sql(warehouse, "scores")
    return [key for (key,) in warehouse.query(f'{keys} ORDER BY "key"')] if keys else []


def first_times(warehouse) -> dict[str, datetime]:
    return dict(warehouse.query('SELECT "key", first_seen_at FROM tailrace_meta.quarantine'))


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("range", "BIGINT"),
        ("CAST(range AS DECIMAL(18, 4)) / 3", "DOUBLE"),
        ("CAST(range AS DECIMAL(18, 4))", "DECIMAL(18,4)"),
        ("DATE '2026-01-01' + CAST(range AS INTEGER)", "DATE"),
        ("TIMESTAMP '2026-01-01 00:00:00.000001' + to_microseconds(range)", "TIMESTAMP"),
        ("CASE range WHEN 7 THEN 'It''s \"a\"' WHEN 8 THEN 'it''s \"A\"' ELSE ' ' || range END", "VARCHAR"),
        ("CAST(range AS HUGEINT) * 100000000000000000000", "HUGEINT"),
    ],
)
def test_keys_are_held_in_their_own_type(warehouse, clock, key, kind):
    select = f"SELECT {key} AS id, range AS score FROM range(20)"
    table = staged(warehouse, select)
    verdict, _ = judge(warehouse, suite(between("quarantine", max_value=6)), table, run_id="r", now=clock)
    assert (verdict.decision, verdict.quarantined) == ("pass", 13)
    assert warehouse.columns(held_table("scores"))["key"] == kind
    wrong = f"(score > 6) <> (id IN ({quarantined_keys_sql(warehouse, 'scores')}))"
    assert warehouse.query(f"SELECT count(*) FROM {table.ref} WHERE {wrong}") == [(0,)]


def test_keys_that_differ_in_case_alone_are_two_rows(warehouse, clock):
    select = "SELECT * FROM (VALUES ('a', 1), ('A', 500), ('a ', 2)) t(id, score)"
    judge(
        warehouse, suite(between("quarantine", max_value=6)), staged(warehouse, select), run_id="r", now=clock
    )
    assert held(warehouse) == ["A"]


def test_a_row_keeps_its_first_time_while_limits_and_words_change(warehouse, clock):
    judge(
        warehouse,
        suite(between("quarantine", max_value=95)),
        staged(warehouse, ROWS.format(99)),
        run_id="r1",
        now=clock,
    )
    before = first_times(warehouse)
    assert set(before) == {"96", "97", "98"}
    other = suite(
        between("quarantine", max_value=96, where="id > 1"),
        between("quarantine", max_value=94),
        between("quarantine", column="id", max_value=96),
    )
    judge(warehouse, other, staged(warehouse, ROWS.format(99)), run_id="r2", now=clock)
    rows = warehouse.query('SELECT about, "key", first_seen_at FROM tailrace_stage.held__scores ORDER BY ALL')
    kept = {(about, key) for about, key, at in rows if at in before.values()}
    plain = "expect_column_values_to_be_between(score)"
    assert kept == {(plain, 96), (plain, 97), (plain, 98)}
    assert len(rows) == 2 + 4 + 2


def test_a_day_on_which_the_table_is_stopped_loses_no_first_time(warehouse, clock):
    rows = ROWS.format(5000)
    judge(
        warehouse,
        suite(between("quarantine", max_value=4994)),
        staged(warehouse, rows),
        run_id="r1",
        now=clock,
    )
    before = first_times(warehouse)
    verdict, _ = judge(
        warehouse, suite(between("quarantine", max_value=10)), staged(warehouse, rows), run_id="r2", now=clock
    )
    assert (verdict.decision, len(held(warehouse))) == ("blocked", SAMPLE + 5)
    judge(
        warehouse,
        suite(between("quarantine", max_value=4993)),
        staged(warehouse, rows),
        run_id="r3",
        now=clock,
    )
    after = first_times(warehouse)
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) == {"4994"}


UNNAMED = {
    "a key twice": f"{ROWS.format(99)} UNION ALL SELECT 98, 98",
    "no key": f"{ROWS.format(99)} UNION ALL SELECT NULL, 98",
    "another column": "SELECT range AS other, range AS score FROM range(99)",
    "no rows": f"{ROWS.format(99)} LIMIT 0",
}


@pytest.mark.parametrize("rows", UNNAMED.values(), ids=UNNAMED)
def test_a_day_on_which_no_row_can_be_named_loses_no_first_time(warehouse, clock, rows):
    wanted = suite(
        between("quarantine", max_value=95), expect("expect_table_row_count_to_be_between", min_value=1)
    )
    judge(warehouse, wanted, staged(warehouse, ROWS.format(99)), run_id="r1", now=clock)
    before = first_times(warehouse)
    for run in ("r2", "r3"):
        verdict, _ = judge(warehouse, wanted, staged(warehouse, rows), run_id=run, now=clock)
        assert (verdict.decision, held(warehouse), first_times(warehouse)) == ("blocked", [], {})
    verdict, _ = judge(warehouse, wanted, staged(warehouse, ROWS.format(100)), run_id="r4", now=clock)
    assert (verdict.decision, held(warehouse)) == ("pass", [96, 97, 98, 99])
    after = first_times(warehouse)
    assert {key: after[key] for key in before} == before
    assert after["99"] > before["98"]


def test_one_expectation_is_named_while_another_cannot_be(warehouse, clock):
    wanted = suite(
        between("quarantine", max_value=97), between("quarantine", max_value=97, where="CAST(name AS INTEGER) > 0")
    )  # fmt: skip
    good = "SELECT range AS id, range AS score, '1' AS name FROM range(99)"
    judge(warehouse, wanted, staged(warehouse, good), run_id="r1", now=clock)
    before = warehouse.query("SELECT about, first_seen_at FROM tailrace_stage.held__scores ORDER BY ALL")
    judge(warehouse, wanted, staged(warehouse, good.replace("'1'", "'x'")), run_id="r2", now=clock)
    assert (held(warehouse), list(first_times(warehouse))) == ([98], ["98"])
    judge(warehouse, wanted, staged(warehouse, good), run_id="r3", now=clock)
    again = warehouse.query("SELECT about, first_seen_at FROM tailrace_stage.held__scores ORDER BY ALL")
    assert (len(before), again) == (2, before)


def test_rows_that_were_gone_from_a_table_that_passed_begin_anew(warehouse, clock):
    wanted = suite(between("quarantine", max_value=95))
    for run, rows in (("r1", 99), ("r2", 0)):
        judge(warehouse, wanted, staged(warehouse, ROWS.format(rows)), run_id=run, now=clock)
    assert quarantined_keys_sql(warehouse, "scores") is None
    gone = clock.at.replace(tzinfo=None)
    judge(warehouse, wanted, staged(warehouse, ROWS.format(99)), run_id="r3", now=clock)
    assert min(first_times(warehouse).values()) > gone


def test_a_key_of_another_type_is_the_same_row(warehouse, clock):
    wanted = suite(between("quarantine", max_value=98))
    judge(warehouse, wanted, staged(warehouse, ROWS.format(100)), run_id="r1", now=clock)
    before = first_times(warehouse)
    as_text = "SELECT CASE range WHEN 0 THEN 'zero' ELSE CAST(range AS VARCHAR) END AS id, range AS score FROM range(100)"
    judge(warehouse, wanted, staged(warehouse, as_text), run_id="r2", now=clock)
    assert first_times(warehouse) == before
    assert held(warehouse) == ["99"]


@pytest.mark.parametrize(
    "later",
    [
        suite(between("warn", max_value=95)),
        suite(between("quarantine", max_value=1000)),
        suite(expect("expect_column_values_to_not_be_null", column="id")),
        suite(between("block", max_value=95)),
    ],
)
def test_rows_come_back_when_the_suite_holds_them_no_more(warehouse, clock, later):
    table = staged(warehouse, ROWS.format(99))
    judge(warehouse, suite(between("quarantine", max_value=95)), table, run_id="r1", now=clock)
    assert held(warehouse) == [96, 97, 98]
    judge(warehouse, later, table, run_id="r2", now=clock)
    assert held(warehouse) == []
    assert quarantined_keys_sql(warehouse, "scores") is None
    assert warehouse.query("SELECT count(*) FROM tailrace_meta.quarantine") == [(0,)]


PEOPLE = (
    """SELECT 'P' || range || '@x.io' AS email, range AS score, 'Ann ' || range AS name FROM range(120)"""
)


def test_personal_values_are_masked_and_a_subject_can_still_be_found(warehouse, clock):
    audience = Audience(frozenset({"email", "name"}), "email")
    table = staged(warehouse, PEOPLE)
    wanted = suite(between("quarantine", max_value=117), key="email")
    verdict, _ = judge(warehouse, wanted, table, run_id="r", now=clock, audience=audience)
    assert (verdict.quarantined, held(warehouse)) == (2, ["P118@x.io", "P119@x.io"])
    rows = warehouse.query('SELECT "key", "row", subject FROM tailrace_meta.quarantine ORDER BY "row"')
    assert [(key, json.loads(row), who) for key, row, who in rows] == [
        ("***", {"email": "***", "score": number, "name": "***"}, subject_digest(f"p{number}@X.io "))
        for number in (118, 119)
    ]


def test_a_masked_key_keeps_its_first_time(warehouse, clock):
    audience = Audience(frozenset({"email"}), "email")
    judge(
        warehouse,
        suite(between("quarantine", max_value=117), key="email"),
        staged(warehouse, PEOPLE),
        run_id="r1",
        now=clock,
        audience=audience,
    )
    before = warehouse.query("SELECT DISTINCT first_seen_at FROM tailrace_meta.quarantine")
    judge(
        warehouse,
        suite(between("quarantine", max_value=116), key="email"),
        staged(warehouse, PEOPLE),
        run_id="r2",
        now=clock,
        audience=audience,
    )
    times = warehouse.query(
        "SELECT first_seen_at, count(*) FROM tailrace_meta.quarantine GROUP BY 1 ORDER BY 1"
    )
    assert ([times[0][:1]], [count for _, count in times]) == (before, [2, 1])


def test_a_row_that_stays_held_is_shown_only_as_long_as_rows_are_kept(warehouse, clock):
    audience = Audience(keeping=Keeping(rows_days=1))
    judge(
        warehouse,
        suite(between("quarantine", max_value=97)),
        staged(warehouse, ROWS.format(99)),
        run_id="r1",
        now=clock,
        audience=audience,
    )
    clock.at = clock.at.replace(day=23)
    judge(
        warehouse,
        suite(between("quarantine", max_value=96)),
        staged(warehouse, ROWS.format(99)),
        run_id="r2",
        now=clock,
        audience=audience,
    )
    assert warehouse.query('SELECT "key", "row" FROM tailrace_meta.quarantine ORDER BY 1') == [
        ("97", '{"id":97,"score":97}'),
        ("98", None),
    ]
    assert held(warehouse) == [97, 98]


@pytest.mark.parametrize(
    "harm",
    [
        "DROP TABLE tailrace_stage.held__scores",
        'DELETE FROM tailrace_stage.held__scores WHERE "key" = 97',
        'UPDATE tailrace_stage.held__scores SET "key" = 1 WHERE "key" = 97',
    ],
)
def test_without_its_very_keys_a_verdict_does_not_hold(warehouse, clock, harm):
    wanted, table = suite(between("quarantine", max_value=96)), staged(warehouse, ROWS.format(99))
    judge(warehouse, wanted, table, run_id="r1", now=clock)
    assert standing(warehouse, wanted, table, clock()).verdict
    warehouse.execute(harm)
    found = standing(warehouse, wanted, table, clock())
    assert (found.verdict, found.why) == (
        None,
        "the keys of the rows that it held back are not here any more",
    )
    verdict, _ = judge(warehouse, wanted, table, run_id="r2", now=clock)
    assert (verdict.reused, held(warehouse)) == (False, [97, 98])


OLD = (
    (
        'CREATE TABLE tailrace_meta.quarantine (run_id VARCHAR, suite VARCHAR, model VARCHAR, expectation VARCHAR, "key" VARCHAR,'
        ' "row" VARCHAR, reason VARCHAR, subject VARCHAR, first_seen_at TIMESTAMP)'
    ),
    """CREATE TABLE tailrace_meta.validations (run_id VARCHAR, suite VARCHAR, model VARCHAR, expectation VARCHAR,
  "column" VARCHAR, severity VARCHAR, success BOOLEAN, observed VARCHAR, unexpected_count BIGINT, decision VARCHAR,
  "where" VARCHAR, reason VARCHAR, "rows" BIGINT, position BIGINT, "at" TIMESTAMP)""",
    """CREATE TABLE tailrace_meta.verdicts (suite VARCHAR, stage VARCHAR, content VARCHAR, suite_hash VARCHAR,
  decision VARCHAR, reasons VARCHAR, quarantined BIGINT, lasting BOOLEAN, run_id VARCHAR, "at" TIMESTAMP)""",
    """INSERT INTO tailrace_meta.quarantine VALUES ('r0', 'scores', 'm', 'expect_column_values_to_be_between', '98',
  '{"id":98}', 'score is above 97', NULL, TIMESTAMP '2026-01-02 03:04:05')""",
    """INSERT INTO tailrace_meta.validations VALUES ('r0', 'scores', 'm', 'expect_column_values_to_be_between', 'score', 'critical',
  false, '1% unexpected', 1, 'quarantine', NULL, 'score is above 97: 1 row', 99, 0, TIMESTAMP '2026-01-02 03:04:05')""",
)


def test_a_warehouse_of_an_older_release_is_widened(warehouse, clock):
    wanted, table = suite(between("quarantine", max_value=96)), staged(warehouse, ROWS.format(99))
    for statement in OLD:
        warehouse.execute(statement)
    from tailrace.validate.suite import suite_hash

    warehouse.execute(
        "INSERT INTO tailrace_meta.verdicts VALUES ('scores', 'crm', ?, ?, 'pass', '[]', 1, true, 'r0', now())",
        [table.content, suite_hash(wanted)],
    )
    # its verdict knows no keys: it does not hold
    assert standing(warehouse, wanted, table, clock()).verdict is None
    judge(warehouse, wanted, table, run_id="r1", now=clock)
    assert first_times(warehouse)["98"] == datetime(2026, 1, 2, 3, 4, 5)
    assert warehouse.query("SELECT run_id, stage, owner FROM tailrace_meta.validations ORDER BY 1") == [
        ("r0", None, None),
        ("r1", "crm", ""),
    ]
    assert standing(warehouse, wanted, table, clock()).verdict


def test_where_no_rows_are_to_be_kept_none_is_written(warehouse, clock):
    wanted, audience = suite(between("quarantine", max_value=95)), Audience(keeping=Keeping(rows_days=0))
    table = staged(warehouse, ROWS.format(99))
    judge(warehouse, wanted, table, run_id="r1", now=clock, audience=audience)
    assert warehouse.query('SELECT count(*), count("row") FROM tailrace_meta.quarantine') == [(3, 0)]


def test_of_what_an_older_release_left_the_earliest_time_counts(warehouse, clock):
    wanted = suite(between("quarantine", max_value=97), between("quarantine", column="id", max_value=97))
    judge(warehouse, wanted, staged(warehouse, ROWS.format(99)), run_id="r1", now=clock)
    first = datetime(2026, 1, 1)
    warehouse.execute(
        "UPDATE tailrace_meta.quarantine SET first_seen_at = ? WHERE reason LIKE 'id %'", [first]
    )
    warehouse.execute("DROP TABLE tailrace_stage.held__scores")
    judge(warehouse, wanted, staged(warehouse, ROWS.format(100)), run_id="r2", now=clock)
    times = warehouse.query(
        'SELECT "key", first_seen_at = ? FROM tailrace_meta.quarantine ORDER BY ALL', [first]
    )
    assert times == [("98", True), ("98", True), ("99", False), ("99", False)]


def test_why_a_row_cannot_be_named_is_told_with_the_check(warehouse, clock):
    rows = staged(warehouse, f"{ROWS.format(99)} UNION ALL SELECT 98, 98")
    judge(warehouse, suite(between("quarantine", max_value=97)), rows, run_id="r1", now=clock)
    problem = "key id repeats (1 row too many), so rows cannot be told apart"
    [(reason,)] = warehouse.query("SELECT reason FROM tailrace_meta.validations")
    assert problem in reason
