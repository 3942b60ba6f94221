"""What is declared: check, ls, compile. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from tailrace.cli.artifacts import manifest_written
from tailrace.cli.frame import Frame
from tailrace.cli.render import count, table
from tailrace.cli.steps import opened
from tailrace.errors import ProjectError
from tailrace.plan.resolve import Chosen, Resolved, choose
from tailrace.plan.states import modified_models


def show_check(frame: Frame) -> None:
    """Says what was checked, when nothing is wrong; what is wrong arrives as a ProjectError."""
    from tailrace.plan.contract_types import wrong_contract_types

    resolved = opened(frame)
    if wrong := wrong_contract_types(resolved.graph):
        raise ProjectError(wrong)
    project = resolved.project
    numbers = {
        "pipelines": len(project.pipelines),
        "models": len(project.models) + len(project.seeds),
        "suites": len(project.suites),
        "syncs": len(project.syncs),
    }
    notices = [str(notice) for notice in project.notices]
    frame.document({"status": "ok", **numbers, "diagnostics": [], "notices": notices})
    for notice in notices:
        frame.say(f"note: {notice}")
    said = ", ".join(count(number, noun.removesuffix("s")) for noun, number in numbers.items())
    frame.say(f"nothing wrong in {said} (target {project.target.name})")


def chosen_of(resolved: Resolved, select: Sequence[str], exclude: Sequence[str]) -> Chosen:
    states = any("state:" in word for word in (*select, *exclude))
    return choose(resolved, select, exclude, modified_models(resolved) if states else frozenset())


def show_list(frame: Frame, select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """Every chosen node with what it depends on."""
    resolved = opened(frame)
    chosen = chosen_of(resolved, select, exclude)
    ids = {
        *(f"pipeline:{p.name}" for p in chosen.pipelines),
        *(f"suite:{s.name}" for s in chosen.suites),
        *(f"sync:{s.name}" for s in chosen.syncs),
        *(f"{resolved.graph.nodes[name].kind}:{name}" for name in chosen.models),
    }
    rows = [_row(resolved, node_id) for node_id in resolved.nodes if node_id in ids]
    frame.document(rows)
    if frame.as_json:
        return
    frame.say(table(("kind", "name", "materialized", "depends on", "path"),
                    [(r["kind"], r["name"], r["materialized"] or "", ", ".join(r["depends_on"]), r["path"]) for r in rows]))  # fmt: skip


def _row(resolved: Resolved, node_id: str) -> dict[str, Any]:
    node = resolved.nodes[node_id]
    model = resolved.graph.nodes.get(node.name) if node.kind in ("model", "seed") else None
    return {
        "name": node.name,
        "kind": node.kind,
        "depends_on": [other.partition(":")[2] for other in node.depends_on],
        "materialized": model.materialized if model else None,
        "path": node.path,
    }


def show_compiled(
    frame: Frame,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    dialect: Literal["duckdb", "bigquery"] | None = None,
) -> None:
    """The SQL of each chosen model as the warehouse gets it, or as the engine of that dialect would."""
    from tailrace.plan.compiled import compiled_sql, in_dialect

    resolved = opened(frame)
    chosen = chosen_of(resolved, select, exclude)
    if dialect is not None:
        resolved = in_dialect(resolved, dialect, chosen.models)
    nodes = [resolved.graph.nodes[name] for name in resolved.graph.order if name in chosen.models]
    compiled = compiled_sql(resolved, (node for node in nodes if node.kind == "model"))
    rows = [{"name": name, "sql": sql} for name, sql in compiled.items()]
    manifest_written(resolved)
    frame.document(rows)
    for row in rows:
        frame.say(f"-- {row['name']}\n{row['sql'].rstrip()};\n")
