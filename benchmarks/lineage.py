"""Column lineage of 1,000 models: cold, from the cache, of one column; against sqlglot's own lineage of the same columns.

    python -m benchmarks.lineage [--models N]

CPU seconds of processes of their own. The bar is 6 for reading, compiling and the lineage of every column.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._models import lay_out

BAR = 6.0
PROFILE = """bench:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb, connections: {crm: {type: hubspot, access_token: sandbox}}}
"""
SYNC = """sync: to_crm
model: {model}
connection: crm
object: contacts
mode: update
primary_key: person
match: {{email: person}}
fields: {{lead_score: score}}
"""

TIMED = """
import json, sys, time
from datetime import UTC, datetime
from pathlib import Path
started = time.process_time()
from tailrace.plan.resolve import resolve
from tailrace.project.load import load_project
resolved = resolve(load_project(Path(sys.argv[1])), now=datetime(2026, 11, 21, tzinfo=UTC))
compiled = time.process_time()
from tailrace.plan.lineage.answer import lineage
found = lineage(resolved)
told = time.process_time()
columns = sum(len(one.columns) for one in found.models.values())
edges = sum(len(column.direct) for one in found.models.values() for column in one.columns.values())
assert not any(one.notes or one.rest for one in found.models.values())
what = found.find(sys.argv[2])
flow = found.flow(what)
(answer,) = found.answers(what, flow, indirect=False)
asked = time.process_time()
print(json.dumps({"start": started, "compile": compiled - started, "lineage": told - compiled, "answer": asked - told,
    "columns": columns, "edges": edges, "inputs": answer.inputs, "steps": len(answer.edges), "sqlglot": "sqlglot" in sys.modules}))
"""

THEIRS = """
import json, sys, time
from datetime import UTC, datetime
from pathlib import Path
from sqlglot import exp, parse_one
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope
from sqlglot.schema import MappingSchema
from tailrace.build.lineage.graph import column_edges
from tailrace.plan.lineage.known import given_of
from tailrace.plan.resolve import resolve
from tailrace.project.load import load_project
resolved = resolve(load_project(Path(sys.argv[1])), now=datetime(2026, 11, 21, tzinfo=UTC))
given = given_of(resolved.project, resolved.graph)
ours = column_edges(resolved.graph, given)  # warms the parser, too
at = time.process_time()
ours = column_edges(resolved.graph, given)
mine = (time.process_time() - at) / len(ours)
schema = {}
for ref, known in given.known.items():
    schema.setdefault(ref.schema, {})[ref.name] = dict.fromkeys(known.columns, "INT")
for name, one in ours.items():
    table = resolved.graph.nodes[name].table
    schema.setdefault(table.schema, {})[table.name] = {column.name: "INT" for column in one.columns.values()}
schema = MappingSchema(schema, dialect="duckdb")
sample = list(ours)[:: max(1, len(ours) // 100)]
at = time.process_time()
theirs = {}
for name in sample:
    tree = qualify(parse_one(resolved.graph.nodes[name].sql, read="duckdb"), schema=schema, dialect="duckdb")
    scope = build_scope(tree)
    for column in ours[name].columns:
        node = lineage(column, tree, schema=schema, dialect="duckdb", scope=scope, copy=False)
        leaves = [leaf for leaf in node.walk() if isinstance(leaf.expression, exp.Table)]
        theirs[name, column] = {(leaf.expression.db, leaf.expression.name, leaf.name.split(".")[-1].strip('"')) for leaf in leaves}
took = (time.process_time() - at) / len(sample)
same = sum(set(ours[name].columns[column].direct) == found for (name, column), found in theirs.items())
print(json.dumps({"ours": mine, "theirs": took, "same": same, "compared": len(theirs)}))
"""


def prepare(root: Path, count: int) -> str:
    """The project, with a sync of its last chained model, whose name it gives."""
    last = [model.name for model in lay_out(root, count) if model.kind == "chain"][-1]
    (root / "profiles.yml").write_text(PROFILE)
    shutil.copy(
        root / ".tailrace" / "dev" / "work.duckdb", root / "warehouse.duckdb"
    )  # its landed columns are known
    (root / "reverse").mkdir()
    (root / "reverse" / "to_crm.yml").write_text(SYNC.format(model=last))
    return last


def measured(code: str, *args: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", code, *args], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        last = prepare(Path(folder), asked.models)
        cold = measured(TIMED, folder, f"{last}.score")
        warm = measured(TIMED, folder, f"{last}.score")
        theirs = measured(THEIRS, folder)
    assert cold["sqlglot"]
    total_cpu = sum(cold[word] for word in ("start", "compile", "lineage"))
    print(f"{asked.models:,} models, {cold['columns']:,} columns, {cold['edges']:,} edges, CPU seconds")
    print(f"{'cold: start, read, compile':<52}{cold['start'] + cold['compile']:8.3f}")
    print(f"{'cold: lineage of every column':<52}{cold['lineage']:8.3f}")
    print(f"{'cold, all of it (bar ' + str(BAR) + ')':<52}{total_cpu:8.3f}")
    print(f"{'from the cache: lineage of every column':<52}{warm['lineage']:8.3f}")
    steps = f"one column through {warm['steps']:,} steps, both ways"
    print(f"{steps:<52}{warm['answer']:8.3f}")
    times = theirs["theirs"] / theirs["ours"]
    print(
        f"{'sqlglot.lineage, a model (scope reused), against ours':<54}{1000 * theirs['theirs']:6.1f} ms, {times:.0f} times"
    )
    print(f"{'columns of which both say the same':<52}{theirs['same']:8,} of {theirs['compared']:,}")
    if asked.models == 1000:
        assert total_cpu <= BAR, total_cpu


if __name__ == "__main__":
    main()
