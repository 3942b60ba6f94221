"""Every file of tests/golden/transpile: DuckDB's SQL, and BigQuery's or the refusals; what DuckDB answers stands beside.

BigQuery's side is by Google's documentation: no BigQuery is asked. TAILRACE_GOLDEN=write writes what comes out.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from tailrace.build.sql import Wrong, read_sql
from tailrace.transpile.problem import Problem

GOLDEN = Path(__file__).parents[2] / "golden" / "transpile"
CASES = sorted(GOLDEN.glob("*.txt"))


def sections(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text().splitlines(keepends=True):
        if line.startswith("== "):
            name = line[3:].strip()
            found[name] = ""
        elif name:
            found[name] += line
    return found


def written(sql: str, dialect: str) -> tuple[str, str]:
    """The section's name and its text."""
    target = "bigquery" if dialect == "duckdb" else "duckdb"
    try:
        return target, read_sql(sql, dialect, target).sql.replace("@tailrace:ctes@", "") + "\n"
    except Wrong as wrong:
        return "refused", "".join(shown(sql, problem) for problem in wrong.problems)


def shown(sql: str, problem: Problem) -> str:
    line = sql.count("\n", 0, problem.offset) + 1
    column = problem.offset - (sql.rfind("\n", 0, problem.offset) + 1) + 1
    return f"{line}:{column}: {problem.message}. {problem.fix}\n"


def answered(sql: str) -> str:
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        rows = engine.execute(sql).fetchall()
    return "".join(" | ".join(map(str, row)) + "\n" for row in rows)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_exactly_this(case, tmp_path):
    wanted = sections(case)
    dialect = next(name for name in wanted if name in ("duckdb", "bigquery"))
    sql = wanted[dialect]
    got = dict([written(sql, dialect)])
    if "rows" in wanted:
        got["rows"] = answered(sql if dialect == "duckdb" else got["duckdb"])
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        case.write_text(f"== {dialect}\n{sql}" + "".join(f"== {name}\n{text}" for name, text in got.items()))
        wanted = sections(case)
    (tmp_path / case.name).write_text("".join(f"== {name}\n{text}" for name, text in got.items()))
    assert got == {name: text for name, text in wanted.items() if name != dialect}


def test_there_are_cases():
    assert len(CASES) >= 40
