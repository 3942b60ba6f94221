"""Landing against a bare loop: the same requests of the same contacts, orjson, Arrow and INSERT, nothing else.

    python benchmarks/land.py --contacts 200000

Every figure is of a fresh process, CPU of all its threads, start-up (imports, a first landing of a handful) apart. The
sandbox runs in a process of its own and is in no figure.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

PROPERTIES = (
    "email firstname lastname jobtitle company country lifecyclestage createdate lastmodifieddate hs_analytics_source"
    " hs_analytics_source_data_1 hs_analytics_first_touch_converting_campaign hs_analytics_num_page_views"
    " hs_analytics_num_visits hs_analytics_last_timestamp hs_email_open hs_email_click hs_email_optout"
    " num_conversion_events notes_last_contacted associatedcompanyid annualrevenue numemployees"
).split()
BATCH = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", choices=("bare", "land"))
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    if chosen.part:
        part = bare if chosen.part == "bare" else land
        print(json.dumps(part(chosen.url, chosen.folder)))
        return
    report(measure(chosen.contacts), chosen.json)


def measure(contacts: int) -> dict[str, dict]:
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as name:
        with Serving(contacts) as url:
            found = {}
            for part in ("bare", "land"):
                command = [sys.executable, __file__, "--part", part, "--url", url, "--folder", name]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found[part] = json.loads(done.stdout)
    assert found["bare"]["rows"] == found["land"]["rows"]
    return found


def report(found: dict[str, dict], as_json: bool) -> None:
    ratio = rate(found["land"]) / rate(found["bare"])
    if as_json:
        print(json.dumps({**found, "share_of_bare": round(ratio, 3)}))
        return
    print(f"{'':6} {'rows':>8} {'CPU s':>7} {'wall s':>7} {'rows/CPU s':>11} {'peak MB':>8}")
    for name, part in found.items():
        print(
            f"{name:6} {part['rows']:8,} {part['cpu']:7.2f} {part['wall']:7.2f} {rate(part):11,.0f} {part['peak_mb']:8.0f}"
        )
    print(f"landing, change log included, reaches {ratio:.2f} of the bare loop's rows per CPU second")
    for read in found["land"]["later"]:
        print(
            f"  {read['what']}: {read['rows']:,} rows read, {read['changes']:,} changes, {read['cpu']:.2f} CPU s"
        )


def rate(part: dict) -> float:
    return part["rows"] / part["cpu"]


class Serving:
    """The sandbox in a process of its own."""

    def __init__(self, contacts: int) -> None:
        code = f"from tailrace.sandbox.server import serve; serve(0, contacts={contacts}, limits=False)"
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> str:
        line = self.process.stdout.readline()
        return next(word for word in line.split() if word.startswith("http"))

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()


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


# ---- the reference ---------------------------------------------------------------------------------------


def bare(url: str, folder: Path) -> dict:
    """What no landing can do without: ask, parse, make columns, insert. All text, no types, no versions, no log."""
    import duckdb
    import httpx2
    import pyarrow as pa

    pa.array([1])
    con = duckdb.connect(str(folder / "bare.duckdb"), config={"memory_limit": "512MB", "threads": 2})
    columns = ["id", *PROPERTIES]
    con.execute(f"CREATE TABLE contacts ({', '.join(f'{name} VARCHAR' for name in columns)})")
    client = httpx2.Client(base_url=f"{url}/hubspot", headers={"Authorization": "Bearer sandbox"}, timeout=60)
    with Measured() as took:
        total, rows = 0, []
        for record in contacts(client):
            rows.append({"id": record["id"], **record["properties"]})
            if len(rows) == BATCH:
                total += insert(con, pa, columns, rows)
                rows = []
        total += insert(con, pa, columns, rows)
        con.execute("CHECKPOINT")
    con.close()
    return took.figures(total)


def contacts(client):
    import orjson

    params = {"limit": "100", "properties": ",".join(PROPERTIES), "archived": "false"}
    after: dict[str, str] = {}
    while True:
        answer = client.get("/crm/v3/objects/contacts", params={**params, **after})
        document = orjson.loads(answer.content)
        yield from document["results"]
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


# ---- ours ------------------------------------------------------------------------------------------------


def now() -> datetime:
    return datetime.now(UTC)


def land(url: str, folder: Path) -> dict:
    """The whole step: connector, raw rows through dlt, change log, current table, keys, cursor."""
    from tailrace.connectors.sdk.base import Context, ResourceSpec
    from tailrace.connectors.sdk.options import check_resource
    from tailrace.connectors.sdk.registry import declaration
    from tailrace.land.run import land_resource
    from tailrace.project.spec import Marks, Pipeline, Resource
    from tailrace.state.rate import NoLimiter
    from tailrace.warehouse.duckdb import DuckDBWarehouse

    hubspot = declaration("hubspot")
    connector = hubspot.open(
        {"base_url": f"{url}/hubspot", "access_token": "sandbox", "rate_limit": "off"},
        Context("hubspot", NoLimiter(), now),
    )
    warehouse = DuckDBWarehouse(folder / "work.duckdb")
    marks = Marks("benchmark")

    def read(dataset: str, name: str, options: dict):
        options, _ = check_resource(hubspot, name, options)
        asked = Resource(name, options, marks)
        pipeline = Pipeline(dataset, "hubspot", dataset, (asked,), marks, "benchmark")
        spec = ResourceSpec(name, options)
        with Measured() as took:
            done = land_resource(
                warehouse, connector.source(), pipeline, asked, spec, True, run_id="r", now=now
            )
        return took, done

    read("warm", "owners", {})
    wanted = {"properties": PROPERTIES}
    first, done = read("hubspot", "contacts", wanted)
    later = []
    idle, again = read("hubspot", "contacts", wanted)
    later.append({"what": "at once again", "rows": again.rows_in, "changes": again.rows_out, "cpu": idle.cpu})
    warehouse.execute("UPDATE tailrace_meta.cursors SET position = '{}' WHERE resource = 'hubspot.contacts'")
    full, all_again = read("hubspot", "contacts", wanted)
    later.append(
        {"what": "all of it again", "rows": all_again.rows_in, "changes": all_again.rows_out, "cpu": full.cpu}
    )
    warehouse.close()
    connector.close()
    return first.figures(done.rows_in, changes=done.rows_out, later=later)


if __name__ == "__main__":
    main()
