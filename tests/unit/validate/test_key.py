"""Whether a suite's key names the rows: counted in parts where there are many, so that memory stays what it is."""

from __future__ import annotations

import pytest
from tests.unit.validate.made import between, staged, suite

from tailrace.validate import quarantine
from tailrace.validate.quarantine import distinct_sql, key_problem
from tailrace.warehouse.duckdb import DuckDBWarehouse


class Remembering(DuckDBWarehouse):
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(None)

    def query(self, sql, params=()):
        self.asked.append(sql)
        return super().query(sql, params)


@pytest.fixture
def warehouse():
    opened = Remembering()
    yield opened
    opened.close()


@pytest.mark.parametrize("one_pass", [10, 99, 101, 1_250_000])
@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("range", None),
        ("'key ' || range", None),
        ("CASE WHEN range = 7 THEN 8 ELSE range END", "repeats (1 row too many)"),
        ("range % 90", "repeats (10 rows too many)"),
        ("CASE WHEN range <> 7 THEN range END", "is NULL in 1 row"),
        ("CASE WHEN range < 90 THEN range % 80 END", "is NULL in 10 rows and repeats (10 rows too many)"),
    ],
)
def test_a_key_is_judged_the_same_in_any_number_of_parts(warehouse, monkeypatch, one_pass, key, problem):
    monkeypatch.setattr(quarantine, "IN_ONE_PASS", one_pass)
    table = staged(warehouse, f"SELECT {key} AS id, 1 AS score FROM range(100)")
    warehouse.asked.clear()
    told = f"key id {problem}, so rows cannot be told apart" if problem else None
    assert key_problem(warehouse, suite(between("quarantine")), table) == told
    counted = [part for sql in warehouse.asked for part in sql.split("count(DISTINCT")[1:]]
    parts = 100 // one_pass + 1
    assert len(counted) == parts
    assert [f'hash("id") % {parts} = {part})' in sql for part, sql in enumerate(counted)] == [
        parts > 1
    ] * parts


def test_ten_million_keys_are_counted_in_nine_parts():
    sql = distinct_sql('"id"', "t", 10_000_000)
    assert sql.count("count(DISTINCT") == 9
    assert sql.endswith('(SELECT count(DISTINCT "id") FROM t WHERE hash("id") % 9 = 8)')
