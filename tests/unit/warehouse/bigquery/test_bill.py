"""What is billed, and the page's bill on paper: its numbers are the arithmetic's."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.bigquery import SIZES, Statement, Workload, at_times, months, one_run

from tailrace.warehouse.bigquery.bill import LEAST, MIB, TIB, billed, human, price

PAGE = (Path(__file__).parents[4] / "docs/bigquery.md").read_text()


@pytest.mark.parametrize(
    ("scanned", "tables", "expected"),
    [(0, 0, 0), (0, 1, LEAST), (1, 3, 3 * LEAST), (LEAST + 1, 1, 11 * MIB), (TIB, 1, TIB)],
)
def test_each_table_is_billed_ten_mib_at_least(scanned, tables, expected):
    assert billed(scanned, tables) == expected


def test_a_price_is_by_the_tib():
    assert price(TIB // 2) == 3.125 and price(TIB, 0) == 0


def test_bytes_in_words():
    assert [human(size) for size in (0, 999, 1500, 20_200_000_000, 2e15)] == [
        "0 B",
        "999 B",
        "1.5 KB",
        "20.2 GB",
        "2,000 TB",
    ]


@pytest.mark.parametrize("table", [one_run, at_times, months], ids=["one run", "at times", "months"])
def test_the_page_shows_these_numbers(table):
    assert "\n".join(table()) in PAGE


def test_load_jobs_are_free():
    assert Statement("rows", "LOAD", TIB).billed == 0


def test_the_statements_of_a_run_do_not_grow_with_the_contacts():
    assert len({len(list(Workload(size, 96).statements())) for size in SIZES}) == 1


def test_few_keys_are_found_by_the_blocks_that_hold_them():
    few, many = Workload(10_000_000, 96, changed=0.0001), Workload(10_000_000, 96)
    assert few.rows == 10 and few.touched(600) < many.touched(600) / 8
    assert many.touched(600) == 6_000_000_000


def test_near_tables_are_not_asked_for():
    kinds = [one.kind for one in Workload(1_000_000, 96).statements()]
    assert kinds.count("SELECT") == 2, "the model's rows, and the log's merged records"


def test_the_ledger_costs_what_changed_and_not_what_it_holds():
    small, large = Workload(10_000_000, 1), Workload(1_000_000_000, 1, changed=0.0001)
    assert small.rows == large.rows

    def ledger(work):
        return [one.billed for one in work.statements() if "ledger" in one.what]

    assert ledger(small) == ledger(large) == [58 * MIB]
