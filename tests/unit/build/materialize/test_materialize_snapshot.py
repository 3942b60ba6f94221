"""Snapshots against what dbt made of the same history (tests/golden/build/snapshots), and what always holds of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.build.layout import sections
from tests.unit.build.materialize.plot import NOW, Plot

from tailrace.build.asked import Asked
from tailrace.build.settings.checks import Values
from tailrace.build.settings.snapshot import snapshot_of
from tailrace.errors import Location

GOLDEN = Path(__file__).parents[3] / "golden" / "build" / "snapshots"
"""Each case: its configuration, and the rows that dbt 1.11 with dbt-duckdb ends in after history.txt."""
CASES = sorted(path for path in GOLDEN.glob("*.txt") if path.stem != "history")


@pytest.fixture
def plot():
    found = Plot()
    yield found
    found.warehouse.close()


def keep(plot: Plot, name: str, config: dict[str, Any], sql: str = "SELECT * FROM raw.people") -> None:
    """A snapshot with dbt's own words."""
    problems: list[Any] = []
    read = snapshot_of(Values(config, lambda _key: Location("x"), problems))
    assert not problems
    words = {key: value for key, value in vars(read).items()}
    plot.snapshot(name, sql, reads=("people",), **words)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_the_rows_are_those_of_dbt(plot, case):
    found = sections(case)
    keep(plot, case.stem, json.loads(found["config"]))
    for instant, sql in sections(GOLDEN / "history.txt").items():
        plot.now = datetime.fromisoformat(instant).replace(tzinfo=UTC)
        plot.land("people", *filter(str.strip, sql.split(";\n")))
        assert plot.built() == [case.stem]
        assert plot.built() == []
    columns = [name for name in plot.warehouse.columns(plot.nodes[case.stem].table)]
    lines = [" | ".join(columns)]
    lines += [" | ".join("-" if cell is None else str(cell) for cell in row) for row in plot.rows(case.stem)]
    assert lines == found["rows"].splitlines()


PEOPLE = "CREATE TABLE raw.people AS SELECT 1 AS id, 'a' AS v, TIMESTAMP '2026-01-01' AS modified"
CHECK = {"strategy": "check", "unique_key": "id", "check_cols": "all"}


def test_a_full_refresh_and_lost_state_keep_the_history(plot):
    plot.land("people", PEOPLE)
    keep(plot, "kept", CHECK)
    plot.built()
    plot.now += timedelta(days=1)
    plot.land("people", "UPDATE raw.people SET v = 'b'")
    plot.warehouse.execute("DROP TABLE tailrace_meta.models")
    assert plot.built(Asked(full_refresh=True)) == ["kept"]
    assert plot.built(Asked(full_refresh=True)) == []
    assert plot.rows("kept", "v, dbt_valid_to IS NULL") == [("a", False), ("b", True)]


def test_a_history_is_never_overwritten_by_a_table(plot):
    plot.land("people", PEOPLE)
    keep(plot, "kept", CHECK)
    plot.built()
    plot.model("kept", "SELECT 1 AS x", reads=("people",))
    assert "marts.kept holds the history of a snapshot, which a table would overwrite" in plot.error("kept")
    assert plot.rows("kept", "v") == [("a",)]


def test_a_table_that_stands_in_the_way_is_no_snapshot(plot):
    plot.land("people", PEOPLE)
    plot.warehouse.execute("CREATE SCHEMA marts")
    plot.warehouse.execute("CREATE TABLE marts.kept AS FROM raw.people")
    keep(plot, "kept", CHECK)
    assert "marts.kept lacks dbt_valid_from, dbt_valid_to, dbt_scd_id, dbt_updated_at" in plot.error("kept")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {**CHECK, "unique_key": "idd"},
            "unique_key idd is no column of the snapshot's query. did you mean id?",
        ),
        ({**CHECK, "check_cols": ["vv"]}, "check_cols names vv, which is no column"),
        (
            {"strategy": "timestamp", "unique_key": "id", "updated_at": "modifed"},
            "updated_at modifed is no column of the snapshot's query. did you mean modified?",
        ),
    ],
)
def test_words_that_name_no_column(plot, config, said):
    plot.land("people", PEOPLE)
    if "check_cols" in config and config["check_cols"] != "all":
        keep(plot, "kept", CHECK)
        plot.built()
    keep(plot, "kept", config)
    assert said in plot.error("kept")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("INSERT INTO raw.people VALUES (1, 'b', NULL)", "unique_key repeats in the query (2 rows of 1)"),
        ("INSERT INTO raw.people VALUES (NULL, 'b', NULL)", "unique_key is NULL in 1 rows of the query"),
    ],
)
def test_keys_that_are_none(plot, sql, said):
    plot.land("people", PEOPLE, sql)
    keep(plot, "kept", CHECK)
    assert said in plot.error("kept")
    assert plot.warehouse.tables("marts") == {}


def test_odd_names(plot):
    plot.land("people", """CREATE TABLE raw.people AS SELECT 1 AS "from", 'a' AS "the-Value" """)
    keep(plot, "kept", {**CHECK, "unique_key": "FROM", "check_cols": ["The-value"]})
    plot.built()
    plot.now += timedelta(days=1)
    plot.land("people", """UPDATE raw.people SET "the-Value" = 'b'""")
    plot.built()
    assert [row[0] for row in plot.rows("kept", '"the-Value"')] == ["a", "b"]


EDITS = st.lists(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["a", "b", None, "gone"])), max_size=4),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(EDITS, st.sampled_from(["ignore", "invalidate", "new_record"]))
def test_one_current_row_per_key_and_no_overlap(edits, deletes):
    """Whatever happens to the rows."""
    plot = Plot()
    plot.land("people", "CREATE TABLE raw.people (id INTEGER, v VARCHAR)")
    keep(plot, "kept", {**CHECK, "hard_deletes": deletes})
    for number, round_ in enumerate(edits):
        plot.now = NOW + timedelta(days=number)
        for key, value in round_:
            plot.land("people", f"DELETE FROM raw.people WHERE id = {key}")
            if value != "gone":
                plot.warehouse.execute("INSERT INTO raw.people VALUES (?, ?)", [key, value])
        plot.land("people")
        plot.built()
    current = "dbt_valid_to IS NULL" + (" AND dbt_is_deleted = 'False'" if deletes == "new_record" else "")
    live = plot.warehouse.query("SELECT id, v FROM raw.people ORDER BY ALL")
    kept = plot.warehouse.query(f"SELECT id, v FROM marts.kept WHERE {current} ORDER BY ALL")
    assert kept == live if deletes != "ignore" else set(live) <= set(kept)
    assert not plot.warehouse.query(
        "SELECT * FROM marts.kept AS a JOIN marts.kept AS b ON a.id = b.id AND a.dbt_scd_id <> b.dbt_scd_id"
        " WHERE a.dbt_valid_from < coalesce(b.dbt_valid_to, TIMESTAMP '9999-01-01')"
        " AND b.dbt_valid_from < coalesce(a.dbt_valid_to, TIMESTAMP '9999-01-01')"
    )
    assert not plot.warehouse.query(
        "SELECT id FROM marts.kept WHERE dbt_valid_to IS NULL GROUP BY id HAVING count(*) > 1"
    )
    plot.warehouse.close()
