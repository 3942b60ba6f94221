"""The same rows by drt-core 1.2.1: in its batch mode (its REST destination, 100 rows a request) and as shipped for HubSpot.

Its HubSpot URL is a constant, so it is set from outside; as shipped it sends a row a request, at most 9 a second, and is therefore
measured on few rows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks._sink import sink

VERSION = "drt-core[duckdb]==1.2.1"
AS_SHIPPED = 300
POINTED_HERE = """
import os, sys
from drt.destinations import hubspot
hubspot._HUBSPOT_API = os.environ["SINK"] + "/crm/v3/objects"
hubspot._HUBSPOT_PROPERTIES_API = os.environ["SINK"] + "/crm/v3/properties"
from drt.cli.main import app
sys.argv = ["drt", "run"]
app()
"""
BATCHED = """
  type: rest_api
  url: {url}/batch
  method: POST
  headers: {{Content-Type: application/json}}
  body_mode: batch
  max_records_per_request: 100
  batch_template: '{{"inputs": {{{{ rows | tojson_safe }}}} }}'
  rate_limit: {{requests_per_second: 0}}
"""
SHIPPED = """
  type: hubspot
  object_type: contacts
  id_property: email
  properties_template: |
    {"email": "{{ row.email }}", "lead_score": "{{ row.score }}", "lead_grade": "{{ row.grade }}", "lead_score_reasons": "{{ row.reasons }}"}
  auth: {type: bearer, token_env: HUBSPOT_TOKEN}
"""
MODEL = (
    "CREATE TABLE lead_scores AS SELECT i AS id, 'p' || i || '@example.com' AS email, i % 100 AS score, 'A' AS grade,"
    " 'opened ' || i % 9 || ' e-mails; visited 3 days ago' AS reasons FROM range({rows}) t(i)"
)


def compare(rows: int, ours: int) -> dict[str, Any]:
    """Rows a second of both, and how many times as many `ours` is."""
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder) / "env")
        with sink() as url:
            batched = run(python, Path(folder) / "batched", rows, BATCHED.format(url=url), url)
            shipped = run(python, Path(folder) / "shipped", AS_SHIPPED, SHIPPED, url)
    return {
        "batched": batched, "as_shipped": shipped,
        "times_batched": round(ours / batched["rows_per_s"], 1), "times_as_shipped": round(ours / shipped["rows_per_s"]),
    }  # fmt: skip


def environment(folder: Path) -> str:
    """A virtual environment with drt-core in it; its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", VERSION], check=True, stdout=sys.stderr)
    return python


def run(python: str, folder: Path, rows: int, destination: str, url: str) -> dict[str, Any]:
    """One run of a project of its own; fails where not every row arrived."""
    (folder / "syncs").mkdir(parents=True)
    (folder / ".drt").mkdir()
    (folder / "drt_project.yml").write_text("name: bench\nprofile: default\n")
    (folder / ".drt" / "profiles.yml").write_text("default:\n  type: duckdb\n  database: wh.duckdb\n")
    (folder / "syncs" / "scores.yml").write_text(
        f"name: scores\nmodel: select * from lead_scores\ndestination:{destination}sync:\n  mode: full\n  on_error: skip\n"
    )
    made = f"import duckdb; duckdb.connect('wh.duckdb').execute({MODEL.format(rows=rows)!r})"
    subprocess.run([python, "-c", made], cwd=folder, check=True)
    environ = {**os.environ, "HOME": str(folder), "HUBSPOT_TOKEN": "x", "SINK": url, "DO_NOT_TRACK": "1"}
    environ.pop("PYTHONPATH", None)
    counted(url)
    before, started = os.times(), time.perf_counter()
    subprocess.run([python, "-c", POINTED_HERE], cwd=folder, env=environ, check=True, stdout=sys.stderr)
    wall, after = time.perf_counter() - started, os.times()
    told = counted(url)
    assert told["rows"] == rows, told
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {**told, "wall_s": round(wall, 2), "cpu_s": round(cpu, 2), "rows_per_s": round(rows / wall, 1)}


def counted(url: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{url}/counts") as answer:
        found: dict[str, int] = json.load(answer)
    return found
