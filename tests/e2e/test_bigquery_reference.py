"""The reference project on DuckDB and on BigQuery, each against a sandbox of the same seed: the same rows everywhere, and the same requests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tailrace.cli.start import write_project
from tailrace.sandbox.server import Sandbox
from tests import emulator
from tests.e2e.counting import counting
from tests.e2e.project import Acme, Ran

NOW = datetime.now(UTC).replace(microsecond=0)
START = max(NOW - timedelta(hours=6), NOW.replace(hour=0, minute=0, second=1))
RUN_COLUMNS = {"_run_id", "_seen_at", "_seq", "_changed_at"}
"""Of a change log: whose run it was and when; `_changed_at` of associations is when they were read."""
META = {
    "ledger": "account, object, sync, primary_key, status, acked_hash, acked_values, sent_hash, error, attempts, remote_id,"
    " subject, match_key, fields",
    "sync_log": "sync, key, operation, fields, answer, subject, account, object",
    "quarantine": 'suite, expectation, "key", "row", reason',
    "validations": 'suite, model, expectation, "column", severity, success, unexpected_count, decision, "where", reason,'
    " rows, position, description, kwargs, asked, query,"
    " CASE WHEN expectation <> 'fresh' THEN observed END AS observed,"  # how old rows are at the run's own moment
    " CASE WHEN expectation <> 'fresh' THEN observed_number END AS observed_number",
    "verdicts": "suite, stage, suite_hash, decision, reasons, quarantined, lasting",
}


@dataclass
class Side:
    """A target with the sandbox that it reads and writes."""

    acme: Acme
    target: str
    sandbox: Sandbox
    rounds: int = 0

    def __post_init__(self) -> None:
        self.sandbox.house.clock.__init__(lambda: START + timedelta(hours=self.rounds))  # type: ignore[misc]
        self.acme.admin("PUT", "faults", [])
        self.acme.admin("POST", "reset")

    def run(self, *args: str) -> Ran:
        return self.acme.run("--target", self.target, *args, timeout=900)

    def advance(self) -> None:
        self.rounds += 1
        self.acme.admin("POST", "advance", {"rounds": 2})


@pytest.fixture(scope="module")
def google():
    """An emulator of one's own behind a counter of its requests, and a client that is not counted."""
    if not emulator.PYTHON.exists():
        pytest.skip("no emulator of BigQuery here: make .venv-emulator/run.stamp")
    with emulator.running() as address, counting(address) as counted:
        client = emulator.client(address)
        yield counted, client
        client.close()


@pytest.fixture(scope="module")
def sides(tmp_path_factory, google):
    counted, _ = google
    root = tmp_path_factory.mktemp("reference") / "acme"
    write_project(root)
    env = {"BIGQUERY_EMULATOR_HOST": counted.address, "GCP_PROJECT": emulator.PROJECT}
    with Sandbox.start(contacts=60, limits=False) as one, Sandbox.start(contacts=60, limits=False) as other:
        yield Side(Acme(root, one.url), "dev", one), Side(Acme(root, other.url, env), "prod", other)


def test_both_engines_hold_the_same_and_send_the_same(sides, google):
    dev, prod = sides
    for number in range(2):
        if number:
            dev.advance(), prod.advance()
        ours, theirs = dev.run(), prod.run()
        assert ours.sync() == theirs.sync()
        assert ours.sync()["updated"] > 0, "a round in which nothing is sent proves nothing"
        assert_same(dev, google[1])
    assert dev.acme.contacts() == prod.acme.contacts()
    assert [row["rows_written"] for row in dev.acme.write_requests()] == [
        row["rows_written"] for row in prod.acme.write_requests()
    ]


def test_an_idle_run_asks_nothing_that_is_billed(sides, google):
    """Counted from outside: what travels to BigQuery is looked at, not what the code says of itself."""
    counted, _ = google
    _, prod = sides
    prod.run()
    prod.run()  # the first of the two lands what was sent
    counted.requests.clear()
    idle = prod.run()
    assert {step["status"] for step in idle.document["steps"] if step["step"] != "land"} <= {"ok", "skipped"}
    assert idle.sync()["requests"] == 0
    posted = [(method, path) for method, path in counted.requests if method == "POST"]
    assert not [path for _, path in posted if path.endswith(("/jobs", "/queries"))], posted
    assert counted.requests, "nothing came through the counter"


def test_another_machine_reads_what_is_there_and_sends_nothing(sides, google, tmp_path):
    """A lost work.duckdb: everything is fetched from BigQuery."""
    _, prod = sides
    before = prod.run().sync()
    fresh = tmp_path / "acme"
    write_project(fresh)
    other = Acme(fresh, prod.acme.url, prod.acme.env)
    shown = other.tailrace("status", "--target", "prod")
    assert shown.code == 2 and "nothing has run here yet" in shown.err
    letters = other.tailrace("dead", "list", "--target", "prod", "--json")
    assert (letters.code, letters.document) == (0, [])
    run = other.run("--target", "prod", timeout=900)
    assert (run.sync()["requests"], run.sync()["unchanged"]) == (0, before["unchanged"])
    assert {row["status"] for row in run.steps("build").values()} == {"skipped"}


def test_a_person_reads_a_bigquery_target(sides, google):
    _, prod = sides
    acme = prod.acme

    def said(*args: str) -> Ran:
        return acme.tailrace(*args, "--target", "prod")

    grades = said(
        "query", "SELECT grade, count(*) AS n FROM marts.lead_scores GROUP BY ALL ORDER BY 1", "--json"
    )
    assert sum(row["n"] for row in grades.document) == len(rows_of(google[1], "marts.lead_scores", "*")[1])
    assert "billed" in grades.err
    assert said("query", "DELETE FROM marts.lead_scores WHERE true").code == 2
    assert said("query", "SELECT 1; SELECT 2").code == 2
    assert said("query", "SELECT nobody FROM marts.lead_scores").code == 2
    key = rows_of(google[1], "tailrace_meta.ledger", "primary_key")[1][0][0]
    assert said("show", "--key", key, "--json").document["rows"][0]["primary_key"] == key
    assert said("show", "last", "--json").document["target"] == "prod"
    assert said("reconcile", "hubspot.contacts").code == 0
    assert "expect_column_values_to_be_between" in said("suggest", "lead_scores").out
    assert said("report").code == 0
    back = said("publish", "--rollback")
    assert back.code == 2 and "publish: {views: true}" in back.err


def assert_same(dev: Side, client: Any) -> None:
    con = duckdb.connect(str(dev.acme.root / "warehouse.duckdb"), read_only=True)
    try:
        compared = 0
        for schema, name in con.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('tailrace_meta', 'tailrace_stage') AND table_name NOT LIKE '%\\_\\_raw' ESCAPE '\\'"
            " AND table_name NOT LIKE '%\\_\\_keys' ESCAPE '\\' AND NOT starts_with(table_name, '_dlt') ORDER BY ALL"
        ).fetchall():
            without = RUN_COLUMNS if name.endswith("__changes") else set()
            listed = [
                column
                for (column,) in con.execute(
                    f'SELECT column_name FROM (DESCRIBE "{schema}"."{name}")'
                ).fetchall()
                if column not in without
            ]
            compared += compare(
                con, client, f"{schema}.{name}", ", ".join(f'"{column}"' for column in listed)
            )
        for name, columns in META.items():
            compare(con, client, f"tailrace_meta.{name}", columns)
        assert compared > 1000
    finally:
        con.close()


def compare(con: duckdb.DuckDBPyConnection, client: Any, table: str, columns: str) -> int:
    found = con.execute(f"SELECT {columns} FROM {table}")
    names = [column[0] for column in found.description]
    ours = sorted((tuple(map(plain, row)) for row in found.fetchall()), key=repr)
    _, rows = rows_of(client, table, columns)
    theirs = sorted((tuple(map(plain, row)) for row in rows), key=repr)
    assert len(theirs) == len(ours), table
    for mine, other in zip(ours, theirs, strict=True):
        differing = {name: (a, b) for name, a, b in zip(names, mine, other, strict=True) if a != b}
        assert not differing, (table, differing)
    return len(ours)


def rows_of(client: Any, table: str, columns: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    found = client.query(f"SELECT {columns.replace(chr(34), '`')} FROM {table}").result()
    return [field.name for field in found.schema], [tuple(row.values()) for row in found]


def plain(value: Any) -> Any:
    """Numbers without their type, instants in UTC without a zone."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None).isoformat()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, int | float | Decimal):
        return f"{Decimal(repr(value) if isinstance(value, float) else value).normalize():f}"
    return value
