"""Landing 1M contacts against a bare loop of the same requests and against dlt's own default path, then its later rounds.

    python -m benchmarks.land [--contacts 1000000] [--large 5000000]

Every figure is of a fresh process, CPU of all its threads. In the first table start-up (imports, a first landing of a
handful) is apart; in the rounds it is counted. The server (`_crm.py`) runs in a process of its own and is in no figure.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from benchmarks._crm import PROPERTIES, Serving

BATCH = 10_000
DLT_ROWS = 50_000
"""Rows of dlt's default path, which would need minutes for all of them; its rate falls no further with more."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument(
        "--large", type=int, default=5_000_000, help="contacts of the second memory figure; 0: none"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", choices=tuple(PARTS))
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    if chosen.part:
        print(json.dumps(PARTS[chosen.part](chosen.url, chosen.folder)))
        return
    found = measure(chosen.contacts, chosen.large)
    print(json.dumps(found) if chosen.json else "\n".join(told(found)))


def measure(contacts: int, large: int) -> dict[str, dict]:
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as name:
        folder = Path(name)
        with Serving(min(contacts, DLT_ROWS)) as url:
            found = {"dlt": part("dlt", url, folder)}
        with Serving(contacts) as url:
            found |= {one: part(one, url, folder) for one in ("bare", "land")}
            found["idle"] = {**part("again", url, folder), "asked": ask(url, "/asked")}
            ask(url, "/change", {"rows": contacts // 100})
            found["changed"] = {**part("again", url, folder), "asked": ask(url, "/asked")}
            found["settled"] = part("again", url, folder)
        if large:
            (folder / "work.duckdb").unlink()
            with Serving(large) as url:
                found["large"] = part("land", url, folder)
    assert found["bare"]["rows"] == found["land"]["rows"] == contacts
    return found


def part(name: str, url: str, folder: Path) -> dict:
    command = [sys.executable, "-m", "benchmarks.land", "--part", name, "--url", url, "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    if name == "land":
        ask(url, "/asked")
    return found


def ask(url: str, path: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data=data), timeout=60) as answer:
        return json.loads(answer.read())


def told(found: dict[str, dict]) -> list[str]:
    lines = [f"{'':8} {'rows':>9} {'CPU s':>7} {'wall s':>7} {'rows/CPU s':>11} {'peak MB':>8}"]
    for name in ("bare", "land", "dlt", "large"):
        if name in found:
            one = found[name]
            lines.append(
                f"{name:8} {one['rows']:9,} {one['cpu']:7.2f} {one['wall']:7.2f} {rate(one):11,.0f} {one['peak_mb']:8.0f}"
            )
    lines.append(
        f"landing, change log included, reaches {rate(found['land']) / rate(found['bare']):.2f} of the bare loop's"
    )
    lines.append(
        f"rows per CPU second, and {rate(found['land']) / rate(found['dlt']):.1f} times those of dlt's default path"
    )
    for name, text in (("idle", "no change"), ("changed", "1% changed"), ("settled", "no change again")):
        one = found[name]
        lines.append(
            f"{text:16} {one['rows']:7,} rows read, {one['changes']:7,} changes, {one['raw']:7,} raw rows, {one['cpu']:.2f} CPU s,"
            f" start-up included ({one['cpu'] / found['idle']['cpu']:.2f} of no change),"
            f" dlt {'imported' if one['dlt'] else 'not imported'}, asked {one.get('asked', '')}"
        )
    return lines


def rate(one: dict) -> float:
    return one["rows"] / one["cpu"]


class Measured:
    """CPU of all threads, wall, and the process's peak so far, of a `with` block."""

    def __enter__(self) -> Self:
        self.cpu, self.wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.cpu, self.wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def figures(self, rows: int, **more: object) -> dict:
        return {"rows": rows, "cpu": self.cpu, "wall": self.wall, "peak_mb": self.peak, **more}


# ---- the references --------------------------------------------------------------------------------------


def bare(url: str, folder: Path) -> dict:
    """What no landing can do without: ask, parse, make columns, insert. All text, no types, no versions, no log."""
    import duckdb
    import pyarrow as pa

    pa.array([1])
    con = duckdb.connect(str(folder / "bare.duckdb"), config={"memory_limit": "512MB", "threads": 2})
    columns = ["id", *PROPERTIES]
    con.execute(f"CREATE TABLE contacts ({', '.join(f'{name} VARCHAR' for name in columns)})")
    with Measured() as took:
        total, rows = 0, []
        for page in pages(url):
            rows += [{"id": record["id"], **record["properties"]} for record in page]
            if len(rows) >= BATCH:
                total += insert(con, pa, columns, rows)
                rows = []
        total += insert(con, pa, columns, rows)
        con.execute("CHECKPOINT")
    con.close()
    return took.figures(total)


def pages(url: str):
    """The listing's pages of records, as landing asks for them."""
    import httpx2
    import orjson

    client = httpx2.Client(base_url=url, headers={"Authorization": "Bearer x"}, timeout=60)
    params = {"limit": "100", "properties": ",".join(PROPERTIES), "archived": "false"}
    after: dict[str, str] = {}
    while True:
        answer = client.get("/crm/objects/2026-09/contacts", params={**params, **after})
        document = orjson.loads(answer.content)
        yield document["results"]
        if "paging" not in document:
            return
        after = {"after": document["paging"]["next"]["after"]}


def insert(con, pa, columns: list[str], rows: list[dict]) -> int:
    if rows:
        batch = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns})
        con.register("batch", batch)
        con.execute("INSERT INTO contacts SELECT * FROM batch")
        con.unregister("batch")
    return len(rows)


def dlt_default(url: str, folder: Path) -> dict:
    """The same pages through dlt as its tutorial has it: lists of dicts, its own file format; current rows, no log."""
    import os

    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
        "DLT_DATA_DIR": str(folder / "dlt"),
    }
    import dlt

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")),
    )
    pipeline.run([{"id": "1"}], table_name="warm")

    def rows():
        for page in pages(url):
            yield [{"id": record["id"], **record["properties"]} for record in page]

    with Measured() as took:
        pipeline.run(rows(), table_name="contacts", write_disposition="append")
    with pipeline.sql_client() as client:
        total = client.execute_sql("SELECT count(*) FROM contacts")[0][0]
    return took.figures(total)


# ---- ours ------------------------------------------------------------------------------------------------


def now() -> datetime:
    return datetime.now(UTC)


class Ours:
    """The whole step on one warehouse: connector, raw rows through dlt, change log, current table, keys, cursor."""

    def __init__(self, url: str, folder: Path) -> None:
        from tailrace.connectors.sdk.base import Context
        from tailrace.connectors.sdk.registry import declaration
        from tailrace.state.rate import NoLimiter
        from tailrace.warehouse.duckdb import DuckDBWarehouse

        self.hubspot = declaration("hubspot")
        given = {"base_url": url, "access_token": "x", "rate_limit": "off"}
        self.connector = self.hubspot.open(given, Context("hubspot", NoLimiter(), now))
        self.warehouse = DuckDBWarehouse(folder / "work.duckdb")

    def read(self, dataset: str):
        from tailrace.connectors.sdk.base import ResourceSpec
        from tailrace.connectors.sdk.options import check_resource
        from tailrace.land.run import land_resource
        from tailrace.project.spec import Marks, Pipeline, Resource

        marks = Marks("benchmark")
        options, _ = check_resource(self.hubspot, "contacts", {"properties": PROPERTIES})
        asked = Resource("contacts", options, marks)
        pipeline = Pipeline(dataset, "hubspot", dataset, (asked,), marks, "benchmark")
        spec = ResourceSpec("contacts", options)
        return land_resource(
            self.warehouse, self.connector.source(), pipeline, asked, spec, True, run_id="r", now=now
        )

    def raw_rows(self) -> int:
        return self.warehouse.query("SELECT count(*) FROM hubspot.contacts__raw")[0][0]

    def close(self) -> None:
        self.warehouse.close()
        self.connector.close()


def land(url: str, folder: Path) -> dict:
    with Serving(200) as small:
        warm = Ours(small, folder)
        warm.read("warm")
        warm.close()
    ours = Ours(url, folder)
    with Measured() as took:
        done = ours.read("hubspot")
    ours.close()
    return took.figures(done.rows_in, changes=done.rows_out)


def again(url: str, folder: Path) -> dict:
    """Another round over what is known, the process's start included."""
    ours = Ours(url, folder)
    before = ours.raw_rows()
    done = ours.read("hubspot")
    raw = ours.raw_rows() - before
    ours.close()
    figures = {"cpu": time.process_time(), "changes": done.rows_out, "raw": raw, "dlt": "dlt" in sys.modules}
    return {"rows": done.rows_in, **figures}


PARTS = {"bare": bare, "land": land, "dlt": dlt_default, "again": again}

if __name__ == "__main__":
    main()
