"""Finding and staging 1% changed rows among millions, against the bare DuckDB join on stored hashes.

    python -m benchmarks.changeset [ROWS] [--memory 600MB] [--rounds 1]

Bare is one join of the primary key and the stored md5 that counts the rows that differ: no values, no gates, no ledger, no file.
The changeset is those rows found, judged, with their values before and after, in the staged file. `prepare` is the whole phase:
guardrails, counts and the rows' new state in the ledger, too. All run in processes of
their own with the same memory_limit; CPU and wall in seconds, peak memory in MB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ACCOUNT, SYNC, OBJECT = "1", "scores", "contacts"
MODEL = """SELECT i AS contact_id, 'p' || i || '@example.com' AS email, {score} AS score, 'A' AS grade,
  'opened ' || i % 9 || ' e-mails; visited 3 days ago' AS reasons, (i * 7 % 1000) / 10.0 AS share,
  DATE '2024-01-01' + CAST(i % 700 AS INTEGER) AS joined, i % 2 = 0 AS active FROM range({rows}) t(i)"""
FIELDS = {
    "lead_score": "score", "lead_grade": "grade", "lead_score_reasons": "reasons", "share": "share", "joined": "joined",
    "active": "active",
}  # fmt: skip


def open_warehouse(folder: Path, memory: str) -> Any:
    from tailrace.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(folder / "work.duckdb", settings={"memory_limit": memory})


def sync() -> Any:
    from tailrace.project.spec import FieldMap, Guardrails, Marks, Sync

    return Sync(
        SYNC, "scores", "hubspot", OBJECT, "update", "contact_id", "email", "email",
        tuple(FieldMap(field, column) for field, column in FIELDS.items()), Marks("reverse/scores.yml"), "reverse/scores.yml",
        guardrails=Guardrails(None, None, None, None),
    )  # fmt: skip


def lay_out(folder: Path, rows: int) -> None:
    """A ledger of which every row is settled, then a model of which each hundredth row has another score."""
    from tailrace.activate import changeset, ledger
    from tailrace.activate.result import Scope
    from tailrace.warehouse.base import STAGE, TableRef
    from tailrace.warehouse.stage import staged

    warehouse = open_warehouse(folder, "4GB")
    warehouse.ensure_schema(STAGE)
    ledger.ensure(warehouse)
    table, scope = f'"{STAGE}"."{SYNC}"', Scope(ACCOUNT, OBJECT, SYNC)
    warehouse.execute(f"CREATE TABLE {table} AS {MODEL.format(score='i % 100', rows=rows)}")
    found = staged(warehouse, SYNC)
    assert found is not None
    asked = changeset.question(
        warehouse,
        sync(),
        found,
        scope,
        known=ledger.relation(warehouse, scope),
        quarantined=None,
        full_resync=False,
    )
    changeset.collect(warehouse, asked)
    warehouse.execute(
        f"INSERT INTO tailrace_meta.ledger BY NAME SELECT '{ACCOUNT}' AS account, '{OBJECT}' AS object, '{SYNC}' AS sync,"
        " primary_key, 'acked' AS status, hash AS acked_hash, vals AS acked_values, hash AS sent_hash, 0 AS attempts,"
        " '9' || primary_key AS remote_id, TIMESTAMP '2026-01-01' AS acked_at, 'r0' AS run_id, mk AS subject, mk AS match_key,"
        f" scan AS scan_hash, '{asked.digest}' AS fields FROM {changeset.CHANGES} ORDER BY ord"
    )
    changed = MODEL.format(score="CASE WHEN i % 100 = 7 THEN 1000 ELSE i % 100 END", rows=rows)
    warehouse.execute(f"CREATE OR REPLACE TABLE {table} AS {changed}")
    warehouse.execute("CREATE SCHEMA bare")
    warehouse.execute(
        "CREATE TABLE bare.model AS SELECT primary_key, CASE WHEN CAST(primary_key AS BIGINT) % 100 = 7 THEN md5(acked_hash)"
        " ELSE acked_hash END AS hash FROM tailrace_meta.ledger"
    )
    assert warehouse.columns(TableRef(STAGE, SYNC))
    warehouse.close()


def bare(folder: Path, memory: str) -> int:
    warehouse = open_warehouse(folder, memory)
    rows = warehouse.query(
        "SELECT count(*) FROM bare.model AS m JOIN tailrace_meta.ledger AS l ON l.primary_key = m.primary_key"
        f" AND l.account = '{ACCOUNT}' AND l.object = '{OBJECT}' AND l.sync = '{SYNC}' WHERE l.acked_hash <> m.hash"
    )
    warehouse.close()
    return int(rows[0][0])


def collected(folder: Path, memory: str) -> int:
    from tailrace.activate import changeset, ledger
    from tailrace.activate.result import Scope
    from tailrace.warehouse.base import STAGE, TableRef
    from tailrace.warehouse.stage import Staged

    warehouse = open_warehouse(folder, memory)
    rows = int(warehouse.query(f'SELECT count(*) FROM "{STAGE}"."{SYNC}"')[0][0])
    scope = Scope(ACCOUNT, OBJECT, SYNC)
    asked = changeset.question(
        warehouse, sync(), Staged(TableRef(STAGE, SYNC), rows, ""), scope, known=ledger.relation(warehouse, scope),
        quarantined=None, full_resync=False,
    )  # fmt: skip
    changeset.collect(warehouse, asked)
    changeset.choose(warehouse, None)
    found = warehouse.copy_to_parquet(changeset.stage_sql(asked), folder / "rows.parquet")
    warehouse.close()
    return found


def prepared(folder: Path, memory: str) -> int:
    from tailrace.activate.run import Options, prepare
    from tailrace.connectors.sdk import registry
    from tailrace.state.sqlite import SQLiteStore
    from tailrace.warehouse.base import STAGE, TableRef
    from tailrace.warehouse.stage import Staged

    declared = registry.declaration("hubspot")
    assert declared is not None
    contacts = next(each for each in declared.objects if each.name == OBJECT)
    warehouse = open_warehouse(folder, memory)
    rows = int(warehouse.query(f'SELECT count(*) FROM "{STAGE}"."{SYNC}"')[0][0])
    store = SQLiteStore(folder / "state.db")
    done = prepare(
        warehouse, store, sync(), contacts, ACCOUNT, Staged(TableRef(STAGE, SYNC), rows, ""), None, run_id="r1",
        now=lambda: datetime.now(UTC), folder=folder / "stage", options=Options(sandbox=True),
    )  # fmt: skip
    warehouse.close()
    store.close()
    return done.counts.to_send


CHILDREN = {"bare": bare, "changeset": collected, "prepare": prepared}


def child(kind: str, folder: Path, memory: str) -> dict[str, float]:
    """One measurement, in a process of its own: what the operating system says of it when it has ended."""
    started = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.changeset", "--child", kind, str(folder), memory]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{kind} ended with {process.returncode}")
    return {
        "rows": int(out), "cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "wall_s": round(time.monotonic() - started, 2),
        "peak_mb": usage.ru_maxrss // 1024,
    }  # fmt: skip


def measure(rows: int, memory: str, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        folder, work = Path(place) / "made", Path(place) / "work"
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-m", "benchmarks.changeset", "--lay-out", str(folder), str(rows)], check=True
        )
        found: dict[str, list[dict[str, float]]] = {kind: [] for kind in CHILDREN}
        for _ in range(rounds):
            for kind, results in found.items():
                shutil.copytree(folder, work)
                results.append(child(kind, work, memory))
                shutil.rmtree(work)
        (folder / "work.duckdb").unlink()
    best = {kind: min(results, key=lambda each: each["cpu_s"]) for kind, results in found.items()}
    ratios = {
        f"{kind} / bare": {
            name: round(best[kind][name] / best["bare"][name], 2) for name in ("cpu_s", "wall_s")
        }
        for kind in ("changeset", "prepare")
    }
    return {"rows": rows, "memory_limit": memory, "load": os.getloadavg(), **found, **ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=10_000_000)
    parser.add_argument("--memory", default="600MB")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--child", nargs=3, metavar=("KIND", "FOLDER", "MEMORY"), help=argparse.SUPPRESS)
    parser.add_argument("--lay-out", nargs=2, metavar=("FOLDER", "ROWS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        kind, folder, memory = asked.child
        print(CHILDREN[kind](Path(folder), memory))
    elif asked.lay_out:
        lay_out(Path(asked.lay_out[0]), int(asked.lay_out[1]))
    else:
        print(json.dumps(measure(asked.rows, asked.memory, asked.rounds), indent=2))


if __name__ == "__main__":
    main()
