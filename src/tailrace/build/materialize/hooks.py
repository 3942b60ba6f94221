"""SQL that runs before and after a model, in its transaction, and around a whole build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tailrace.build.graph import Graph
from tailrace.build.materialize.job import Job
from tailrace.build.settings.refused import SettingRefused
from tailrace.build.spoken import in_own_words
from tailrace.errors import WarehouseError
from tailrace.warehouse.base import Warehouse

START, END = "on-run-start", "on-run-end"


def run_hooks(job: Job, when: str) -> None:
    """The model's hooks `pre_hook` or `post_hook`; WarehouseError says which failed."""
    settings = job.node.settings
    for text in settings.pre_hooks if when == "pre_hook" else settings.post_hooks:
        sql = text
        if job.graph.late is not None:
            node = job.node
            sql = job.graph.late.text(
                text, job.warehouse, path=node.path, package=node.package, model=node.name, writing=True
            )
        try:
            _run(job.writer.hook, sql, when)
        except WarehouseError as error:
            raise SettingRefused(error.message, error.fix, settings.places.get(when)) from None


def run_project_hooks(
    warehouse: Warehouse, graph: Graph, when: str, names: Mapping[str, Any] | None = None
) -> None:
    """The hooks `on-run-start` or `on-run-end` of all packages, each in a transaction of its own; `names` are what they see besides."""
    for package, text in graph.on_run_start if when == "on-run-start" else graph.on_run_end:
        sql = text
        if graph.late is not None:
            path = "dbt_project.yml" if not package else f"packages/{package}/dbt_project.yml"
            sql = graph.late.text(text, warehouse, path=path, package=package, names=names, writing=True)
        with warehouse.transaction():
            _run(lambda text: warehouse.execute(in_own_words(warehouse, text)), sql, when)


def _run(execute: Callable[[str], None], sql: str, when: str) -> None:
    if not sql.strip(" \t\r\n;"):
        return
    try:
        execute(sql)
    except WarehouseError as error:
        raise WarehouseError(f"its {when} failed: {error.message}", error.fix) from None
