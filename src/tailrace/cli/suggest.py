"""`suggest`: a suite proposed from a model's published rows, printed or written for a person to edit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tailrace.build.graph import ModelNode
from tailrace.cli.frame import Frame
from tailrace.cli.history import published
from tailrace.cli.render import count
from tailrace.cli.steps import opened
from tailrace.errors import BadInput, WarehouseError, near_miss
from tailrace.plan.keys import keys_of, personal_columns
from tailrace.plan.resolve import Resolved
from tailrace.project.reader import SQL_NAME
from tailrace.project.spec import Project, Sync
from tailrace.runner.session import utc_now

if TYPE_CHECKING:
    from tailrace.validate.suggest.subject import Subject, Suggestion
    from tailrace.warehouse.base import Warehouse

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def show_suggestion(frame: Frame, model: str, *, write: bool, rows: int) -> None:
    """Print the suite as YAML, or write it to expectations/<model>.yml where no such file is."""
    from tailrace.validate.suggest.yaml_text import yaml_of

    resolved = opened(frame)
    node = _node(resolved, model)
    path = resolved.project.root / "expectations" / f"{node.name}.yml"
    if write:
        _refuse_overwriting(path, resolved.project)
    found = _suggested(frame, resolved, node, rows)
    text = yaml_of(found)
    if write:
        _write(path, text)
    file = path.relative_to(resolved.project.root).as_posix() if write else None
    frame.document({**_document(found), "file": file})
    if not frame.as_json and not write:
        click.echo(frame.shield.redact(text), nl=False)
    elif write:
        frame.say(
            f"{file}: {count(len(found.proposals), 'expectation')} from {count(found.looked_at, 'row')}; edit it, then `tailrace validate`"
        )


def _suggested(frame: Frame, resolved: Resolved, node: ModelNode, rows: int) -> Suggestion:
    from tailrace.cli.progress import shown
    from tailrace.validate.suggest.run import suggest

    with _rows_of(resolved, node) as warehouse, shown(frame):
        subject = _subject(resolved, node, warehouse)
        try:
            return suggest(warehouse, subject, now=utc_now(), limit=rows)
        except WarehouseError as error:
            raise BadInput(f"{node.name} cannot be read where it is published: {error}") from error


@contextmanager
def _rows_of(resolved: Resolved, node: ModelNode) -> Iterator[Warehouse]:
    """The published file; of a BigQuery target the model's rows and those that it reads, brought here."""
    if resolved.project.target.type == "duckdb":
        with published(resolved.project) as warehouse:
            yield warehouse
        return
    from tailrace.plan.brought import brought

    read = [resolved.graph.nodes[name] for name in node.depends_on]
    with brought(
        resolved.project, [one.table for one in (node, *read) if one.materialized != "ephemeral"]
    ) as here:
        yield here


def _node(resolved: Resolved, name: str) -> ModelNode:
    """The model or seed; BadInput says what else was named, and what to name instead."""
    graph = resolved.graph
    folded = {known.casefold(): node for known, node in graph.nodes.items()}
    node = folded.get(name.casefold())
    if node is None:
        landed = resolved.nodes.get(f"source:{name}")
        if landed is not None:
            readers = [
                found
                for found in graph.order
                if landed.id in resolved.nodes[f"{graph.nodes[found].kind}:{found}"].depends_on
            ]
            fix = (
                f"name a model that reads it: {', '.join(readers)}"
                if readers
                else "write a model that selects from it"
            )
            raise BadInput(f"{name} is landed, and a suite judges models and seeds", fix)
        raise BadInput(f"there is no model or seed {name}", near_miss(name, list(graph.nodes)))
    if node.materialized == "ephemeral":
        raise BadInput(f"{node.name} is ephemeral: it has no rows of its own", "name a model that reads it")
    if not SQL_NAME.match(node.name):
        raise BadInput(f"a suite cannot name {node.name!r}", "use letters, digits and _ in the model's name")
    return node


def _refuse_overwriting(path: Path, project: Project) -> None:
    there = [one for one in (path, path.with_suffix(".yaml")) if one.exists()]
    if there:
        name = there[0].relative_to(project.root).as_posix()
        raise BadInput(
            f"{name} is there already, and nothing is overwritten",
            "leave --write out, and take over what you like",
        )


def _write(path: Path, text: str) -> None:
    """As a new file only, even where somebody else has just written it."""
    path.parent.mkdir(exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def _subject(resolved: Resolved, node: ModelNode, warehouse: Warehouse) -> Subject:
    from tailrace.validate.suggest.subject import Key, Subject

    if not warehouse.columns(node.table):
        narrowed = resolved.project.target.publish_schemas
        if narrowed and node.schema not in narrowed:
            said = f"only {', '.join(narrowed)} are published, and {node.name} is in {node.schema}"
            raise BadInput(said, "add it to `publish: {schemas: ...}` of the target")
        raise BadInput(f"{node.name} is not published yet", "run `tailrace run`")
    project = resolved.project
    syncs = [sync for sync in project.syncs if sync.model == node.name]
    keys = [Key(key.columns, key.origin) for key in keys_of(project, node)]
    keys.sort(
        key=lambda key: not key.said.startswith("sync")
    )  # a suite that gates a sync names rows as the sync does
    return Subject(
        node.name,
        node.table,
        suite=_suite_name(project, node.name),
        keys=tuple(keys),
        personal=personal_columns(node),
        sent=frozenset(name for sync in syncs for name in _sent(sync)),
        matched=frozenset(sync.match_column.lower() for sync in syncs if sync.match_column),
        parents=_parents(resolved, node, warehouse),
        notes=_notes(project, node.name),
    )


def _sent(sync: Sync) -> set[str]:
    """What a sync reads of the model's rows, in lower case; words of its conditions that are no columns harm nobody."""
    found = {field.column for field in sync.fields} | {sync.primary_key, sync.match_column}
    found |= set(WORD.findall(f"{sync.where or ''} {sync.suppress or ''}"))
    return {name.lower() for name in found if name}


def _suite_name(project: Project, model: str) -> str:
    """The model's name, unless a suite is called so already."""
    taken = {suite.name for suite in project.suites}
    names = (
        model,
        f"{model}_suggested",
        *(f"{model}_suggested_{number}" for number in range(2, len(taken) + 3)),
    )
    return next(name for name in names if name not in taken)


def _notes(project: Project, model: str) -> tuple[str, ...]:
    return tuple(
        f"{suite.path} judges {model} already, as suite {suite.name}: take over what it lacks."
        for suite in project.suites
        if suite.model == model
    )


def _parents(resolved: Resolved, node: ModelNode, warehouse: Warehouse) -> tuple[Any, ...]:
    """Published models and seeds that do not read this one, what it reads itself first."""
    from tailrace.validate.suggest.subject import Parent

    graph = resolved.graph
    below = {node.name}
    for name in graph.order:
        if below & set(graph.nodes[name].depends_on):
            below.add(name)
    others = [
        graph.nodes[name]
        for name in graph.order
        if name not in below and graph.nodes[name].materialized != "ephemeral"
    ]
    others.sort(key=lambda other: other.name not in node.depends_on)
    columns = {other.name: tuple(warehouse.columns(other.table)) for other in others}
    return tuple(
        Parent(other.name, other.table, columns[other.name]) for other in others if columns[other.name]
    )


def _document(found: Suggestion) -> dict[str, Any]:
    """What `--json` prints."""
    subject = found.subject
    return {
        "model": subject.model,
        "rows": found.rows,
        "looked_at": found.looked_at,
        "sampled": found.sampled,
        "suite": {
            "suite": subject.suite,
            "model": subject.model,
            **({"key": found.key, "max_quarantined": "5%"} if found.key else {}),
            "expectations": [
                {
                    "type": item.type,
                    "kwargs": dict(item.kwargs),
                    "severity": item.severity,
                    "on_fail": item.on_fail,
                    **({"description": item.description} if item.description else {}),
                    "reason": item.reason,
                }
                for item in found.proposals
            ],
        },
        "remarks": list(found.remarks),
    }
