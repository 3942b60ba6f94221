"""Models against their floor: compiling 1,000 of them and finding that none has to be built, and building them all.

    python -m benchmarks.build [--models N] [--rounds N]

The floor reads the same files, finds the refs with one regular expression, sorts them and hashes their text. CPU seconds
of processes of their own, start-up and imports apart and shown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

LAYERS = 5
PROJECT = """[tool.tailrace]
name = "bench"
profile = "bench"
"""
PROFILE = """bench:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb, connections: {hubspot: {type: hubspot, access_token: sandbox}}}
"""
PIPELINE = "pipeline: hubspot\nconnection: hubspot\nresources: {contacts: {}}\n"

FLOOR = """
import hashlib, json, re, sys, time
from graphlib import TopologicalSorter
from pathlib import Path
started = time.process_time()
ref = re.compile(r"ref\\('(\\w+)'\\)")
files = {path.stem: path.read_text() for path in sorted(Path(sys.argv[1]).rglob("models/**/*.sql"))}
order = list(TopologicalSorter({name: set(ref.findall(text)) for name, text in files.items()}).static_order())
state = {}
for name in order:
    up = "".join(state[other] for other in ref.findall(files[name]))
    state[name] = hashlib.sha256((files[name] + up).encode()).hexdigest()
assert len(state) == len(files)
print(json.dumps({"floor": time.process_time() - started}))
"""

TIMED = """
import json, sys, time
from datetime import UTC, datetime
from pathlib import Path
marks = {"imports": time.process_time()}
from tailrace.build.compile import compile_project
from tailrace.build.fingerprint import decide
from tailrace.build.run import build
from tailrace.project.load import load_project
from tailrace.warehouse.duckdb import DuckDBWarehouse
root, what = Path(sys.argv[1]), sys.argv[2]
now = datetime(2026, 11, 21, tzinfo=UTC)
def lap(name, since): marks[name] = time.process_time() - since; return time.process_time()
at = lap("imports", marks["imports"])
project = load_project(root)
at = lap("load", at)
graph = compile_project(project, now=now, cache_dir=root / ".tailrace" / "dev" / "cache")
at = lap("compile", at)
warehouse = DuckDBWarehouse(root / "work.duckdb")
if what == "build":
    warehouse.execute("CREATE SCHEMA hubspot")
    warehouse.execute("CREATE TABLE hubspot.contacts AS SELECT 1 AS id, 2 AS score")
    at = time.process_time()
    build(warehouse, graph, set(graph.nodes), root=root, run_id="r", now=lambda: now)
    at = lap("build", at)
    bare = DuckDBWarehouse(root / "bare.duckdb")
    bare.execute("CREATE SCHEMA hubspot")
    bare.execute("CREATE TABLE hubspot.contacts AS SELECT 1 AS id, 2 AS score")
    bare.execute("CREATE SCHEMA marts")
    at = time.process_time()
    for name in graph.order:
        node = graph.nodes[name]
        bare.execute(f"CREATE {node.materialized} marts.{name} AS {node.sql}")
    lap("bare", at)
    bare.close()
at = time.process_time()
found = decide(warehouse, graph, None)
lap("decide", at)
assert {decision.action for decision in found} == {"skip"}, found[:3]
warehouse.close()
marks["sqlglot"] = "sqlglot" in sys.modules
print(json.dumps(marks))
"""


def lay_out(root: Path, count: int) -> None:
    """Layers of models, each reading two of the layer below it; the first layer reads a landed table."""
    for name, text in (
        ("pyproject.toml", PROJECT),
        ("profiles.yml", PROFILE),
        ("pipelines/hubspot.yml", PIPELINE),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    width = max(1, count // LAYERS)
    (root / "models" / "marts").mkdir(parents=True)
    for index in range(count):
        layer, column = divmod(index, width)
        below = [f"m_{(layer - 1) * width + (column + step) % width:04d}" for step in (0, 1)]
        sources = (
            ["{{ source('hubspot', 'contacts') }}"] * 2
            if layer == 0
            else [f"{{{{ ref('{name}') }}}}" for name in below]
        )
        kind = "table" if layer in (LAYERS - 1, LAYERS) else "view"
        (root / "models" / "marts" / f"m_{index:04d}.sql").write_text(model(kind, index, sources))


def model(kind: str, index: int, sources: list[str]) -> str:
    return f"""-- model {index}
{{{{ config(materialized='{kind}') }}}}
WITH first AS (
    SELECT id, score FROM {sources[0]} WHERE score >= 0
),

second AS (
    SELECT id, sum(score) AS score, count(*) AS rows_seen FROM {sources[1]} GROUP BY id
)

SELECT
    first.id,
    CAST(coalesce(first.score, 0) + second.score AS BIGINT) % 1000 AS score,
    CASE WHEN second.rows_seen > 1 THEN 'many' WHEN second.rows_seen = 1 THEN 'one' ELSE 'none' END AS kind,
    {index} AS model
FROM first
LEFT JOIN second ON second.id = first.id
"""


def measured(code: str, *args: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", code, *args], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lay_out(root, asked.models)
        cold = measured(TIMED, folder, "build")
        warm = [measured(TIMED, folder, "decide") for _ in range(asked.rounds)]
        floor = median(measured(FLOOR, folder)["floor"] for _ in range(asked.rounds))
    assert cold["sqlglot"]
    assert not any(one["sqlglot"] for one in warm), "where the cache answers, no parser is imported"
    print(f"{asked.models:,} models, CPU seconds")
    print(f"{'floor: read, regex, sort, sha256':<46}{floor:8.3f}")
    print(
        f"{'compile, cold (every model parsed)':<46}{cold['compile']:8.3f}{cold['compile'] / floor:8.1f} x the floor"
    )
    for name, said in (
        ("load", "read the project"),
        ("compile", "compile, cached"),
        ("decide", "decide: nothing to build"),
    ):
        found = median(one[name] for one in warm)
        print(f"{said:<46}{found:8.3f}{found / floor:8.1f} x")
    print(f"{'floor: DuckDB, the same SELECTs in order':<46}{cold['bare']:8.3f}")
    print(f"{'build every model':<46}{cold['build']:8.3f}{cold['build'] / cold['bare']:8.2f} x")
    print(f"{'imports, DuckDB among them':<46}{median(one['imports'] for one in warm):8.3f}")


if __name__ == "__main__":
    main()
