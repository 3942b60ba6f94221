"""The gate with the real Great Expectations: what it decides, holds back, writes, and when it need not judge again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.validate.made import Clock, between, expect, staged, suite

from tailrace.events import StepFinished, listening
from tailrace.validate.assess import great_expectations
from tailrace.validate.audience import Audience
from tailrace.validate.held import SAMPLE, quarantined_keys_sql
from tailrace.validate.run import judge
from tailrace.validate.standing import standing
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = """SELECT range AS id, CASE WHEN range % 50 = 3 THEN 'bad' ELSE 'u' || range || '@x.io' END AS email,
  CAST(range % 103 AS DOUBLE) AS score, range % 2 = 0 AS customer FROM range(1000)"""
REGEX = expect(
    "expect_column_values_to_match_regex",
    "quarantine",
    column="email",
    regex="@",
    description="the e-mail is malformed",
)


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    yield opened
    opened.close()


def run(warehouse, wanted, table, run_id="r1", **more):
    return judge(warehouse, wanted, table, run_id=run_id, now=Clock(), **more)


def verdict_for(warehouse, wanted, table):
    return standing(warehouse, wanted, table, Clock()()).verdict


def held(warehouse) -> list[int]:
    keys = quarantined_keys_sql(warehouse, "scores")
    return [key for (key,) in warehouse.query(f'{keys} ORDER BY "key"')] if keys else []


def test_a_bad_row_holds_back_itself_with_its_reasons(warehouse):
    wanted = suite(between("quarantine", min_value=0, max_value=100), REGEX)
    verdict, step = run(warehouse, wanted, staged(warehouse, ROWS))
    bad = warehouse.query("SELECT id FROM marts.m WHERE score > 100 OR email = 'bad' ORDER BY id")
    assert (verdict.decision, verdict.quarantined, verdict.reasons) == ("pass", len(bad), ())
    assert held(warehouse) == [key for (key,) in bad]
    assert (step.status, step.rows_in, step.rows_out) == ("ok", 1000, 1000 - len(bad))
    rows = warehouse.query(
        'SELECT expectation, reason, "row" FROM tailrace_meta.quarantine WHERE "key" = \'103\' OR "key" = \'101\' ORDER BY 2'
    )
    assert [(kind, reason) for kind, reason, _ in rows] == [
        ("expect_column_values_to_be_between", "score is not between 0 and 100"),
        ("expect_column_values_to_match_regex", "the e-mail is malformed"),
    ]
    assert json.loads(rows[1][2]) == {"id": 103, "email": "bad", "score": 0.0, "customer": False}


def test_every_expectation_leaves_a_row(warehouse):
    wanted = suite(
        between("quarantine", min_value=0, max_value=100),
        between("warn", min_value=0, max_value=99, where="customer"),
        expect("expect_column_mean_to_be_between", "warn", column="score", max_value=1),
        expect("expect_column_values_to_be_unique", column="id"),
    )
    heard: list = []
    with listening(heard.append):
        _, step = run(warehouse, wanted, staged(warehouse, ROWS))
    found = warehouse.query(
        'SELECT "column", success, unexpected_count, decision, "where", reason FROM tailrace_meta.validations ORDER BY position'
    )
    above = warehouse.query("SELECT count(*) FROM marts.m WHERE score > 100")[0][0]
    customers = warehouse.query("SELECT count(*) FROM marts.m WHERE score > 99 AND customer")[0][0]
    assert found == [
        ("score", False, above, "quarantine", None, f"score is not between 0 and 100: {above} rows"),
        (
            "score",
            False,
            customers,
            "warn",
            "customer",
            f"score is not between 0 and 99 (where customer): {customers} rows",
        ),
        ("score", False, None, "warn", None, "the mean of score is above 1: it is 49.905"),
        ("id", True, None, "pass", None, None),
    ]
    told = step.document()["checks"]
    assert [(check["decision"], check["reason"]) for check in told] == [(row[3], row[5]) for row in found]
    assert told[0] == {
        "expectation": "expect_column_values_to_be_between", "column": "score", "decision": "quarantine",
        "success": False, "unexpected_count": above, "reason": found[0][5],
    }  # fmt: skip
    _, again = run(warehouse, wanted, staged(warehouse, ROWS))
    assert (again.status, again.document()["checks"]) == ("skipped", told)
    assert [event.status for event in heard if isinstance(event, StepFinished)] == ["ok"]


def test_a_failed_block_stops_the_table(warehouse):
    wanted = suite(between(max_value=100), REGEX)
    verdict, step = run(warehouse, wanted, staged(warehouse, ROWS))
    assert (verdict.decision, verdict.reasons) == ("blocked", ("score is above 100: 18 rows",))
    assert (step.status, step.rows_out, step.error) == ("stopped", 0, "score is above 100: 18 rows")


@pytest.mark.parametrize(
    ("select", "reason"),
    [
        (
            f"{ROWS} UNION ALL SELECT 7, 'a@b.c', 1, true",
            "key id repeats (1 row too many), so rows cannot be told apart",
        ),
        (
            f"{ROWS} UNION ALL SELECT NULL, 'bad', 1, true",
            "key id is NULL in 1 row, so rows cannot be told apart",
        ),
        (ROWS.replace("range AS id", "range AS idd"), "key id is no column of m. Did you mean idd?"),
    ],
)
def test_a_key_that_does_not_name_rows_blocks(warehouse, select, reason):
    verdict, _ = run(warehouse, suite(REGEX), staged(warehouse, select))
    assert (verdict.decision, verdict.reasons[0], held(warehouse)) == ("blocked", reason, [])


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (expect("expect_column_values_to_match_regex", "warn", column="score", regex="x"), "Binder Error"),
        (expect("expect_column_values_to_match_regex", "quarantine", column="email", regex="("), "Invalid Input Error"),
        (between("warn", column="scor", max_value=1), "there is no column scor. Did you mean score?"),
        (between("warn", max_value=1, where="nowhere > 1"), "where: Binder Error"),
        (between("warn", max_value="much"), "max_value is text, not a date or a number"),
        (expect("expect_column_values_to_be_in_set", "warn", column="email", value_set=[1, 2]), "Conversion Error: Could not convert string '***' to"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_blocks_and_is_judged_again(warehouse, item, reason):
    table = staged(warehouse, ROWS)
    wanted = suite(item, between(min_value=0))
    verdict, _ = run(warehouse, wanted, table)
    assert verdict.decision == "blocked"
    assert len(verdict.reasons) == 1
    assert f"could not be judged: {reason}" in verdict.reasons[0]
    assert "\n" not in verdict.reasons[0]
    again, _ = run(warehouse, wanted, table)
    assert not again.reused


class _Miscounting:
    """The real examiner, whose naming of rows loses one."""

    def __init__(self, native) -> None:
        self._real = great_expectations(native)

    def answers(self, questions):
        return self._real.answers(questions)

    def failing_rows(self, question, columns=()):
        return f"{self._real.failing_rows(question, columns)} LIMIT 19"


def test_rows_that_cannot_be_named_exactly_block(warehouse):
    verdict, _ = run(warehouse, suite(REGEX), staged(warehouse, ROWS), examiner=_Miscounting)
    assert verdict.reasons == (
        "the e-mail is malformed: 20 rows, and they cannot be held back: 20 rows fail, 19 were found",
    )
    assert held(warehouse) == []


def test_too_many_rows_held_back_block(warehouse):
    table = staged(warehouse, ROWS)
    verdict, _ = run(warehouse, suite(REGEX, max_quarantined=0.02), table)
    assert (verdict.decision, verdict.quarantined) == ("pass", 20)
    verdict, _ = run(warehouse, suite(REGEX, max_quarantined=0.019), table)
    assert verdict.reasons == (
        "20 of 1,000 rows would be held back (2.0%), more than the 1.9% that max_quarantined allows",
    )


def test_percentages_count_from_100_rows_on(warehouse):
    below = suite(between("quarantine", max_value=-1))
    few, _ = run(warehouse, below, staged(warehouse, f"{ROWS} LIMIT 99"))
    assert (few.decision, few.quarantined) == ("pass", 99)
    many, _ = run(warehouse, below, staged(warehouse, f"{ROWS} LIMIT 100"))
    assert (many.decision, many.quarantined) == ("blocked", 100)


def test_of_a_blocked_table_a_sample_is_kept(warehouse):
    table = staged(warehouse, ROWS.replace("range(1000)", "range(5000)"))
    verdict, _ = run(warehouse, suite(between("quarantine", max_value=-1)), table)
    assert (verdict.quarantined, len(held(warehouse))) == (5000, SAMPLE)


def test_the_same_content_is_judged_once(warehouse):
    wanted = suite(between("quarantine", max_value=100))
    table = staged(warehouse, ROWS)
    assert verdict_for(warehouse, wanted, table) is None
    first, _ = run(warehouse, wanted, table)
    second, step = run(warehouse, wanted, table, "r2")
    assert (first.reused, second.reused) == (False, True)
    assert (step.status, step.detail["quarantined"]) == ("skipped", 18)
    assert (second.decision, second.quarantined) == (first.decision, first.quarantined)
    assert warehouse.query("SELECT DISTINCT run_id FROM tailrace_meta.validations") == [("r1",)]
    assert verdict_for(warehouse, wanted, table) == second
    # under another name, as a second sync of the model stages it
    other = staged(warehouse, ROWS, "erp")
    assert verdict_for(warehouse, wanted, other).stage == "erp"


def test_other_content_or_another_suite_is_judged_anew(warehouse):
    wanted = suite(between("quarantine", max_value=100))
    first = staged(warehouse, ROWS)
    run(warehouse, wanted, first)
    assert verdict_for(warehouse, suite(between("quarantine", max_value=99)), first) is None
    second = staged(warehouse, f"{ROWS} LIMIT 999")
    assert verdict_for(warehouse, wanted, second) is None
    run(warehouse, wanted, second)
    # back to the first content: the quarantine is that of the second, so its verdict no longer holds
    assert verdict_for(warehouse, wanted, first) is None


def test_a_blocked_verdict_is_reused_as_blocked(warehouse):
    wanted = suite(between(max_value=100))
    table = staged(warehouse, ROWS)
    run(warehouse, wanted, table)
    verdict, step = run(warehouse, wanted, table)
    assert verdict.reused
    assert (verdict.reasons, step.status, step.error) == (
        ("score is above 100: 18 rows",),
        "stopped",
        "score is above 100: 18 rows",
    )


def test_a_query_that_reads_other_tables_is_run_every_time(warehouse):
    table = staged(warehouse, ROWS)
    warehouse.execute("CREATE TABLE allowed AS SELECT id FROM marts.m")
    query = "SELECT * FROM {batch} WHERE id NOT IN (SELECT id FROM allowed)"
    wanted = suite(
        expect("unexpected_rows_expectation", unexpected_rows_query=query, description="not allowed")
    )
    assert run(warehouse, wanted, table)[0].decision == "pass"
    warehouse.execute("DELETE FROM allowed WHERE id = 5")
    assert run(warehouse, wanted, table)[0].decision == "blocked"
    assert verdict_for(warehouse, wanted, table).decision == "blocked"


def test_rows_come_back_by_themselves_and_keep_their_first_time(warehouse):
    wanted = suite(between("quarantine", max_value=100))
    clock = Clock()
    judge(warehouse, wanted, staged(warehouse, ROWS), run_id="r1", now=clock)
    mended = ROWS.replace(
        "CAST(range % 103 AS DOUBLE)",
        "CASE WHEN range = 101 THEN 1 WHEN range = 5 THEN 500 ELSE range % 103 END",
    )
    judge(warehouse, wanted, staged(warehouse, mended), run_id="r2", now=clock)
    rows = warehouse.query(
        'SELECT "key", run_id, second(first_seen_at) FROM tailrace_meta.quarantine ORDER BY CAST("key" AS BIGINT)'
    )
    assert len(rows) == 18
    assert rows[:2] == [("5", "r2", rows[0][2]), ("102", "r2", rows[1][2])]
    assert rows[0][2] > rows[1][2]
    judge(warehouse, wanted, staged(warehouse, f"{ROWS} LIMIT 100"), run_id="r3", now=clock)
    assert held(warehouse) == []


def test_a_held_row_carries_whose_it_is(warehouse):
    run(
        warehouse,
        suite(between("quarantine", max_value=101)),
        staged(warehouse, ROWS),
        audience=Audience(subject="email"),
    )
    assert warehouse.query("SELECT DISTINCT subject FROM tailrace_meta.quarantine WHERE \"key\" = '102'") == [
        ("u102@x.io",)
    ]


def test_names_that_need_quotes_and_text_keys(warehouse):
    select = """SELECT 'it''s "' || range AS "the key", range AS "select", '%_' || range AS "Group" FROM range(200)"""
    wanted = suite(
        between("quarantine", column="select", max_value=197),
        expect("expect_column_values_to_not_match_regex", "quarantine", column="group", regex=r"^%_19[89]$"),
        between("warn", column="select", max_value=10, where="\"Group\" LIKE '%19%' -- those"),
        key="THE KEY",
    )
    verdict, _ = run(warehouse, wanted, staged(warehouse, select))
    assert (verdict.decision, verdict.quarantined) == ("pass", 2)
    keys = warehouse.query(f"{quarantined_keys_sql(warehouse, 'scores')} ORDER BY 1")
    assert keys == [("it's \"198",), ("it's \"199",)]


def test_a_table_without_rows(warehouse):
    empty = staged(warehouse, f"{ROWS} LIMIT 0")
    assert (
        run(
            warehouse,
            suite(
                between("quarantine", max_value=1), expect("expect_column_values_to_be_unique", column="id")
            ),
            empty,
        )[0].decision
        == "pass"
    )
    verdict, _ = run(warehouse, suite(expect("expect_table_row_count_to_be_between", min_value=1)), empty)
    assert verdict.reasons == ("the number of rows is below 1: it is 0",)


def test_a_warehouse_that_is_open_for_reading_can_be_assessed(tmp_path):
    from tailrace.validate.assess import assess

    path = tmp_path / "w.duckdb"
    writer = DuckDBWarehouse(path)
    table = staged(writer, ROWS)
    writer.close()
    reader = DuckDBWarehouse(path, read_only=True)
    before = path.read_bytes()
    found = assess(reader, suite(REGEX, between("warn", max_value=1, where="customer")), table)
    reader.close()
    assert (found.decision, found.held, len(found.checks)) == ("pass", 20, 2)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["w.duckdb"]


SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tailrace.validate.run import judge
from tailrace.validate.standing import standing
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.unit.validate.made import between, staged, suite
warehouse = DuckDBWarehouse(Path(sys.argv[1]))
wanted = suite(between("quarantine", max_value=100))
table = staged(warehouse, "SELECT range AS id, range % 103 AS score FROM range(1000)")
verdict, step = judge(warehouse, wanted, table, run_id="r", now=lambda: datetime.now(UTC))
assert standing(warehouse, wanted, table, datetime.now(UTC)).verdict.quarantined == 18
warehouse.close()
print(verdict.reused, step.status, *sorted({"great_expectations", "scipy", "altair", "pandas", "sqlglot"} & set(sys.modules)))
"""


def test_an_idle_validation_imports_and_writes_nothing(tmp_path):
    home = tmp_path / "home"
    work = tmp_path / "cwd"
    home.mkdir()
    work.mkdir()
    env = {**os.environ, "HOME": str(home), "PYTHONPATH": str(Path.cwd()), "TMPDIR": str(work)}

    def once() -> str:
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "w.duckdb")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, cwd=work)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    # the lean import: neither scipy nor altair; sqlglot shows what fails
    assert once() == "False ok great_expectations pandas sqlglot"
    assert once() == "True skipped"
    assert list(home.iterdir()) == []
    assert list(work.iterdir()) == []


def test_a_kill_before_the_commit_leaves_nothing_half_written(tmp_path):
    path = tmp_path / "w.duckdb"
    command = [sys.executable, "-c", SCRIPT, str(path)]
    env = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TAILRACE_FAILPOINT": "validate:before_commit"}
    assert subprocess.run(command, env=env, timeout=60).returncode == 137
    warehouse = DuckDBWarehouse(path)
    assert [name for name in warehouse.tables("tailrace_meta") if name != "format"] == []
    table = staged(warehouse, "SELECT range AS id, range % 103 AS score FROM range(1000)")
    verdict, _ = run(warehouse, suite(between("quarantine", max_value=100)), table)
    assert (verdict.reused, verdict.quarantined, len(held(warehouse))) == (False, 18, 18)
    warehouse.close()
