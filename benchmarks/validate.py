"""Validation against its floor: 21 checks on a million rows, beside one hand-written scan that counts the same.

    python -m benchmarks.validate [--rows N] [--rounds N]

CPU seconds of this process, all threads; imports apart, and those in processes of their own. So is peak memory, of one
process that scans and of one that judges the same file. What quarantine costs is the judgement less the same one without the
checks that hold rows back: their counting, naming, showing and writing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from tailrace.project.spec import Expectation, Marks, Suite
from tailrace.validate.gx import lean
from tailrace.validate.held import quarantined_keys_sql
from tailrace.validate.run import judge
from tailrace.warehouse.base import META, STAGE, TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import Staged, stage

PLANTED = 1520
"""Rows that must be held back: 1,000 scores out of range, 500 malformed e-mails, 20 unknown grades, all distinct."""

EMAIL = r"^[^@\s]+@[^@\s]+\.[a-z]+$"


def planted(rows: int) -> str:
    """A scored contact table in which three disjoint kinds of rows are wrong."""
    return f"""SELECT range AS contact_id,
      CASE WHEN range BETWEEN 2000 AND 2499 THEN 'user.example.com' WHEN range % 100 = 99 THEN NULL
        ELSE 'user' || range || '@example.com' END AS email,
      CAST(CASE WHEN range < 1000 THEN 101 + range ELSE hash(range) % 101 END AS INTEGER) AS score,
      CASE WHEN range BETWEEN 3000 AND 3019 THEN 'E' ELSE ['A', 'B', 'C', 'D'][1 + range % 4] END AS grade,
      CAST(range % 41 AS INTEGER) AS fit, CAST(range % 37 AS INTEGER) AS engagement,
      CAST(range % 21 AS INTEGER) AS recency, range % 41 + range % 37 + range % 21 AS total,
      ['free', 'pro', 'team'][1 + range % 3] AS plan, ['US', 'DE', 'GB', 'FR'][1 + range % 4] AS country,
      TIMESTAMP '2026-01-01' + INTERVAL (range % 500000) SECOND AS created_at,
      TIMESTAMP '2026-02-01' + INTERVAL (range % 500000) SECOND AS seen_at,
      CAST(range % 5000 AS DECIMAL(12, 2)) / 7 AS amount, 'opened ' || range % 9 || ' e-mails' AS reasons
    FROM range({rows})"""


CHECKS: list[tuple[str, dict[str, Any], str]] = [
    ("expect_column_values_to_be_unique", {"column": "contact_id"}, "block"),
    ("expect_column_values_to_not_be_null", {"column": "contact_id"}, "block"),
    ("expect_column_values_to_be_between", {"column": "score", "min_value": 0, "max_value": 100}, "quarantine"),
    ("expect_column_values_to_match_regex", {"column": "email", "regex": EMAIL}, "quarantine"),
    ("expect_column_values_to_be_in_set", {"column": "grade", "value_set": ["A", "B", "C", "D"]}, "quarantine"),
    ("expect_column_values_to_not_be_null", {"column": "score"}, "block"),
    ("expect_column_values_to_not_be_null", {"column": "reasons"}, "block"),
    ("expect_column_values_to_be_between", {"column": "fit", "min_value": 0, "max_value": 40}, "warn"),
    ("expect_column_values_to_be_between", {"column": "engagement", "min_value": 0, "max_value": 40}, "warn"),
    ("expect_column_values_to_be_between", {"column": "recency", "min_value": 0, "max_value": 20}, "warn"),
    ("expect_column_values_to_be_in_set", {"column": "plan", "value_set": ["free", "pro", "team"]}, "warn"),
    ("expect_column_values_to_be_in_set", {"column": "country", "value_set": ["US", "DE", "GB", "FR"]}, "warn"),
    ("expect_column_value_lengths_to_be_between", {"column": "email", "max_value": 60}, "warn"),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "seen_at", "column_B": "created_at"}, "warn"),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": 0}, "warn"),
    ("expect_table_row_count_to_be_between", {"min_value": 1}, "block"),
    ("expect_column_mean_to_be_between", {"column": "score", "min_value": 20, "max_value": 80}, "warn"),
    ("expect_column_max_to_be_between", {"column": "created_at", "min_value": "2026-01-02"}, "warn"),
    ("expect_column_sum_to_be_between", {"column": "amount", "min_value": 1}, "warn"),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "email", "min_value": 0.9}, "warn"),
    ("expect_column_values_to_not_match_regex", {"column": "reasons", "regex": "[{}]"}, "warn"),
]  # fmt: skip

SCAN = f"""SELECT count(*), count(DISTINCT contact_id), count(*) FILTER (contact_id IS NULL),
  count(*) FILTER (NOT score BETWEEN 0 AND 100), count(*) FILTER (NOT regexp_matches(email, '{EMAIL}')),
  count(*) FILTER (grade NOT IN ('A', 'B', 'C', 'D')), count(*) FILTER (score IS NULL), count(*) FILTER (reasons IS NULL),
  count(*) FILTER (NOT fit BETWEEN 0 AND 40), count(*) FILTER (NOT engagement BETWEEN 0 AND 40),
  count(*) FILTER (NOT recency BETWEEN 0 AND 20), count(*) FILTER (plan NOT IN ('free', 'pro', 'team')),
  count(*) FILTER (country NOT IN ('US', 'DE', 'GB', 'FR')), count(*) FILTER (length(email) > 60),
  count(*) FILTER (seen_at <= created_at), count(*) FILTER (amount < 0), avg(score), max(created_at), sum(amount),
  count(email), count(*) FILTER (regexp_matches(reasons, '[{{}}]')) FROM """


_LIMIT = {"memory_limit": "1GB"}


def suite(*, quarantine: bool = True) -> Suite:
    expectations = tuple(
        Expectation(kind, kwargs, "critical", on_fail, index=number)  # type: ignore[arg-type]
        for number, (kind, kwargs, on_fail) in enumerate(CHECKS)
        if quarantine or on_fail != "quarantine"
    )
    return Suite("bench", "scores", "contact_id", expectations, Marks("bench.yml"), "bench.yml")


def measure(rows: int, rounds: int) -> dict[str, Any]:
    """Medians of the rounds, and what was found; they are taken turn by turn, so that noise meets all."""
    lean.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.duckdb"
        table = _staged(path, rows)
        warehouse = DuckDBWarehouse(path, settings=_LIMIT)
        _judged(
            warehouse, _staged_in(warehouse, planted(5000), "small")
        )  # what is imported late is no part of the figure
        taken: dict[str, list[float]] = {"scan": [], "judge": [], "judge_without_quarantine": []}
        for _ in range(rounds):
            taken["judge_without_quarantine"].append(
                _cpu(lambda: _judged(warehouse, table, quarantine=False))
            )
            taken["scan"].append(_cpu(lambda: warehouse.query(f"{SCAN}{table.ref}")))
            taken["judge"].append(_cpu(lambda: _judged(warehouse, table)))
        held = _held(warehouse, table)
        warehouse.close()
        memory = {part: _peak_memory(part, path, table) for part in ("scan", "judge")}
    scan, whole, bare = (median(taken[part]) for part in ("scan", "judge", "judge_without_quarantine"))
    return {
        "rows": rows,
        "checks": len(CHECKS),
        **{f"{part}_cpu_seconds": round(median(seconds), 3) for part, seconds in taken.items()},
        "judge_to_scan": round(whole / scan, 2),
        "quarantine_cpu_seconds": round(whole - bare, 3),
        **held,
        "planted": PLANTED,
        **{f"{part}_peak_megabytes": peak for part, peak in memory.items()},
        **imports(rounds),
    }


def _staged(path: Path, rows: int) -> Staged:
    warehouse = DuckDBWarehouse(path, settings=_LIMIT)
    table = _staged_in(warehouse, planted(rows), "bench")
    warehouse.execute("DROP TABLE marts.bench")
    warehouse.close()
    return table


def _staged_in(warehouse: DuckDBWarehouse, select: str, name: str) -> Staged:
    warehouse.ensure_schema("marts")
    warehouse.execute(f"CREATE TABLE marts.{name} AS {select}")
    return stage(warehouse, TableRef("marts", name), name)


def _held(warehouse: DuckDBWarehouse, table: Staged) -> dict[str, int]:
    """Keys in quarantine, and the rows that are there or missing wrongly."""
    keys = quarantined_keys_sql(warehouse, "bench")
    bad = "score > 100 OR email = 'user.example.com' OR grade = 'E'"
    wrong = f"SELECT count(*) FROM {table.ref} WHERE coalesce({bad}, false) <> (contact_id IN ({keys}))"
    return {
        "quarantined": warehouse.query(f"SELECT count(*) FROM ({keys})")[0][0],
        "wrongly_held_or_passed": warehouse.query(wrong)[0][0],
    }


def _judged(warehouse: DuckDBWarehouse, table: Staged, *, quarantine: bool = True) -> None:
    if warehouse.columns(TableRef(META, "verdicts")):
        warehouse.execute(f"DELETE FROM {META}.verdicts")
    wanted = suite(quarantine=quarantine)
    verdict, _ = judge(warehouse, wanted, table, run_id="bench", now=lambda: datetime.now(UTC))
    assert not verdict.reused


def _cpu(work: Any) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _peak_memory(part: str, path: Path, table: Staged) -> int:
    """Megabytes that a process of its own held at most while it scanned or judged the file."""
    command = [sys.executable, "-m", "benchmarks.validate", "--part", part, "--file", str(path)]
    command += ["--rows", str(table.rows), "--content", table.content]
    return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout)


def once(part: str, path: Path, table: Staged) -> int:
    """One scan or judgement of the file; the peak of this process in megabytes, as Linux counts it (VmHWM)."""
    warehouse = DuckDBWarehouse(path, settings=_LIMIT)
    if part == "scan":
        warehouse.query(f"{SCAN}{table.ref}")
    else:
        _judged(warehouse, table)
    warehouse.close()
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def imports(rounds: int) -> dict[str, Any]:
    """CPU of the lean import of Great Expectations against its plain one, each in fresh processes."""
    code = "import time; t = time.process_time(); {}; print(time.process_time() - t)"
    plain, thin = "import great_expectations", "from tailrace.validate.gx.lean import load; load()"
    taken: dict[str, list[float]] = {plain: [], thin: []}
    for _ in range(rounds):
        for statement, seconds in taken.items():
            command = [sys.executable, "-c", code.format(statement)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
            seconds.append(float(done.stdout))
    return {
        "plain_import_cpu_seconds": round(median(taken[plain]), 2),
        "lean_import_cpu_seconds": round(median(taken[thin]), 2),
        "lean_to_plain_import": round(median(taken[thin]) / median(taken[plain]), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=("scan", "judge"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--content", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        table = Staged(TableRef(STAGE, "bench"), asked.rows, asked.content)
        print(once(asked.part, asked.file, table))
        return
    print(json.dumps(measure(asked.rows, asked.rounds), indent=2))


if __name__ == "__main__":
    main()
