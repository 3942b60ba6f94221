"""What is declared and what a run would do: check, plan, ls, compile. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tailrace.cli.frame import Frame
from tailrace.cli.render import count, table
from tailrace.cli.steps import opened, sync_document
from tailrace.plan.resolve import Chosen, Resolved, choose
from tailrace.plan.states import modified_models

SHOWN = 10


def show_check(frame: Frame) -> None:
    """Says what was checked, when nothing is wrong; what is wrong arrives as a ProjectError."""
    resolved = opened(frame)
    project = resolved.project
    numbers = {
        "pipelines": len(project.pipelines),
        "models": len(project.models) + len(project.seeds),
        "suites": len(project.suites),
        "syncs": len(project.syncs),
    }
    frame.document({"status": "ok", **numbers, "diagnostics": []})
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


def show_compiled(frame: Frame, select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """The SQL of each chosen model as the warehouse gets it."""
    from tailrace.plan.compiled import compiled_sql

    resolved = opened(frame)
    chosen = chosen_of(resolved, select, exclude)
    nodes = [resolved.graph.nodes[name] for name in resolved.graph.order if name in chosen.models]
    compiled = compiled_sql(resolved, (node for node in nodes if node.kind == "model"))
    rows = [{"name": name, "sql": sql} for name, sql in compiled.items()]
    frame.document(rows)
    for row in rows:
        frame.say(f"-- {row['name']}\n{row['sql'].rstrip()};\n")


def show_plan(frame: Frame, select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """Models to build and why, columns that come and go, rows that each sync would send."""
    from tailrace.cli.progress import shown
    from tailrace.plan.preview import preview

    resolved = opened(frame)
    with shown(frame):
        found = preview(resolved, chosen_of(resolved, select, exclude))
    frame.document(
        {
            "run_id": None,
            "status": found.status,
            "steps": [step.document() for step in found.steps],
            "models": [model.document() for model in found.models],
            "syncs": [sync_document(name, detail) for name, detail in found.syncs.items()],
            "vanished": [column.document() for column in found.vanished],
        }
    )
    _say_vanished(frame, [column.document() for column in found.vanished])
    _say_models(frame, [model.document() for model in found.models])
    for step in found.steps:
        if step.error:
            frame.say(f"  {step.step} {step.name}: {step.error}")
    for name, detail in found.syncs.items():
        _say_sync(frame, name, detail)
    if not found.models and not found.syncs:
        frame.say("nothing was chosen")
    narrowed = resolved.project.target.publish_schemas
    if narrowed:
        frame.say(
            f"only {', '.join(narrowed)} are published, and a plan sees what is published: landed tables count as absent"
        )
    if not Path(resolved.project.target.path or "").exists():
        frame.say("nothing is published yet: the first `tailrace run` lands the data that a plan can look at")
    frame.end(
        "failed" if found.status == "failed" else "ok"
    )  # a plan that says "would stop" has done its work


def _say_vanished(frame: Frame, columns: Sequence[Mapping[str, Any]]) -> None:
    for column in columns:
        readers = f"read by {', '.join(column['models'])}" if column["models"] else "no model reads it"
        syncs = f", reaches {', '.join(column['syncs'])}" if column["syncs"] else ""
        frame.say(
            f"{column['resource']} no longer brings {column['column']}, the last values stay: {readers}{syncs}"
        )


def _say_models(frame: Frame, models: Sequence[Mapping[str, Any]]) -> None:
    to_build = [model for model in models if model["action"] == "build"]
    frame.say(f"{count(len(to_build), 'model')} to build, {len(models) - len(to_build):,} up to date")
    for model in to_build:
        frame.say(f"  {model['model']:<30} {model['why']}")
        for word, sign in (("added", "+"), ("removed", "-"), ("retyped", "~")):
            for column in model["columns"].get(word, ()):
                frame.say(f"      {sign} {column}")


def _say_sync(frame: Frame, name: str, detail: Mapping[str, Any]) -> None:
    words = ("created", "updated", "deleted", "held_back", "unchanged")
    numbers = ", ".join(f"{detail.get(word, 0):,} {word.replace('_', ' ')}" for word in words)
    frame.say(f"\nsync {name}: {numbers}; {count(int(detail.get('requests', 0)), 'write request')}")
    if detail.get("stopped"):
        frame.say(f"  would stop: {detail['stopped']}")
    examples = [
        (example["key"], field, _text(change[0]), _text(change[1]))
        for example in detail.get("examples", [])[:SHOWN]
        for field, change in example["fields"].items()
    ]
    if examples:
        frame.say(table(("key", "field", "before", "after"), examples, indent="  "))


def _text(value: Any) -> str:
    return "-" if value is None else str(value)[:60]
