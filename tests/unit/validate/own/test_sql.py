"""The SQL that our own checks ask Great Expectations to run, as DuckDB and BigQuery read it; one golden file each."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tailrace.validate.own import no_missing_days, spread, sql, total_matches_source
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.sql import DuckDBDialect

GOLDEN = Path(__file__).parents[3] / "golden" / "own_checks"
TODAY = date(2026, 11, 21)
BIGQUERY = SimpleNamespace(name="bigquery")


def _drift(kwargs) -> str:
    values = spread.values_of(kwargs["column"], kwargs["type"], TODAY)
    bins, _ = spread.usual([yaml.safe_dump(run) for run in kwargs["runs"]], values, kwargs["bins"])
    return spread.parts_sql(values, bins, kwargs["rows"], sql.BATCH)


WRITES = {
    "no_missing_days": lambda kwargs: no_missing_days.query(kwargs, no_missing_days.window(kwargs, TODAY)),
    "total_matches_source": lambda kwargs: total_matches_source.query(kwargs, TableRef("ads", "spend")),
    "no_drift": _drift,
}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_the_sql_of_both_engines(path, tmp_path, monkeypatch):
    monkeypatch.setattr(
        spread.json, "loads", yaml.safe_load
    )  # the file's runs are YAML, which is JSON with less noise
    given = path.read_text().split("\n-- ")[0]
    case = yaml.safe_load(given)
    written = WRITES[case["check"]](case["kwargs"])
    got = "\n-- ".join([
        given,
        f"duckdb\n{sql.spelled(DuckDBDialect(), written)}\n",
        f"bigquery\n{sql.spelled(BIGQUERY, written)}\n",
    ])  # fmt: skip
    (tmp_path / path.name).write_text(got)
    assert got == path.read_text(), f"what it got is in {tmp_path / path.name}"


def test_every_query_has_a_file():
    assert {
        yaml.safe_load(path.read_text().split("\n-- ")[0])["check"] for path in GOLDEN.glob("*.txt")
    } == set(WRITES)


@pytest.mark.parametrize(
    "text",
    ["", "plain", "it's", "a{batch}b", "}{", ":x", "12:30", "50%", "C:\\n", "\n\t", "ü", "'; --", '"q"', "`"],
)
def test_a_text_stays_what_it_is(text, warehouse):
    literal = sql.text(text)
    assert warehouse.query(f"SELECT {literal}") == [(text,)]
    assert warehouse.query(f"SELECT {literal}".format(batch="x")) == [(text,)]
    assert not set(literal) & set("{}:%\\`;")


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (kind, True)
        for kind in (
            "INTEGER",
            "BIGINT",
            "UTINYINT",
            "HUGEINT",
            "DOUBLE",
            "FLOAT",
            "DECIMAL(18,3)",
            "INT64",
            "FLOAT64",
            "NUMERIC(38, 9)",
        )
    ]
    + [
        (kind, False)
        for kind in ("INTERVAL", "INTEGER[]", "STRUCT(a INTEGER)", "VARCHAR", "BOOLEAN", "DATE", "POINT")
    ],
)
def test_numbers_by_their_type(kind, number):
    assert sql.is_number(kind) is number
