"""DuckDB's queries on BigQuery: every case gives the same rows, type by type, or is refused with its line and column.

A case is a file of tests/golden/parity: the query, and the rows or `refused`; what BigQuery is sent stands beside. TAILRACE_GOLDEN=write
writes what comes out of DuckDB and of the translator, never what BigQuery answers.
"""

from __future__ import annotations

import os

import pytest

from tailrace.transpile.problem import Refused
from tailrace.transpile.transpile import translate
from tests.conformance import parity
from tests.emulator import PROJECT
from tests.emulator.strict import refused, unknown_functions

SCHEMA = {name: columns for name, (columns, _) in parity.tables().items()}
CARRIED = [case for case in parity.CASES if "rows" in parity.sections(case)]
REFUSED = [case for case in parity.CASES if "refused" in parity.sections(case)]
GOOGLE = {
    PROJECT: {
        parity.DATASET: {
            name: {c: parity.TYPES[k] for c, k in columns.items()} for name, columns in SCHEMA.items()
        }
    }
}


@pytest.fixture(scope="module")
def engine():
    with parity.on_duckdb() as opened:
        yield opened


@pytest.fixture(scope="module")
def client(bigquery):
    parity.load_into(bigquery)
    yield bigquery
    bigquery.delete_dataset(parity.DATASET, delete_contents=True)


def told(sql: str) -> dict[str, str]:
    """What becomes of the query; for a refusal every place, and the first one's words."""
    try:
        return {"bigquery": translate(sql, "duckdb", "bigquery", schema=SCHEMA) + "\n"}
    except Refused as error:
        return {"refused": f"{error}\n"}


@pytest.mark.parametrize("case", parity.CASES, ids=lambda path: path.stem)
def test_what_is_sent_and_what_duckdb_answers(case, engine, tmp_path):
    wanted = parity.sections(case)
    got = {"duckdb": wanted["duckdb"], **told(wanted["duckdb"].rstrip("\n"))}
    answer = parity.duckdb_rows(engine, wanted["duckdb"])
    if "bigquery" in got:
        got["rows"] = answer
    if "emulator" in wanted:
        got["emulator"] = wanted["emulator"]
    text = "".join(f"== {name}\n{said}" for name, said in got.items())
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        case.write_text(text)
        wanted = got
    (tmp_path / case.name).write_text(text)
    assert got == wanted


@pytest.mark.parametrize("case", CARRIED, ids=lambda path: path.stem)
def test_bigquery_gives_the_same_rows(case, client):
    wanted = parity.sections(case)
    if "emulator" in wanted:
        pytest.skip(wanted["emulator"].strip())
    assert parity.bigquery_rows(client, wanted["bigquery"]) == wanted["rows"]


@pytest.mark.parametrize("case", CARRIED, ids=lambda path: path.stem)
def test_google_has_all_that_is_sent(case):
    sql = parity.sections(case)["bigquery"]
    assert unknown_functions(sql) == []
    assert refused(sql, {}, GOOGLE) == []


def test_there_are_sixty():
    assert len(CARRIED) >= 60
    assert len(REFUSED) >= 5
