"""What names a model's rows, for a diff of its data."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.graph import ModelNode
from tailrace.plan.data_diff import Key
from tailrace.project.spec import Project


def keys_of(project: Project, node: ModelNode) -> list[Key]:
    """In the order in which they are tried: the model's own, its suites', its syncs', its unique tests'."""
    return list({key.columns: key for key in reversed([*_keys(project, node)])}.values())[::-1]


def _keys(project: Project, node: ModelNode) -> Iterator[Key]:
    settings = node.settings
    if settings.snapshot:
        yield Key((settings.snapshot.columns["dbt_scd_id"],), "the snapshot")
    elif settings.incremental and settings.incremental.unique_key:
        yield Key(settings.incremental.unique_key, "unique_key")
    for suite in project.suites:
        if suite.model == node.name and suite.key:
            yield Key((suite.key,), f"suite {suite.name}")
    for sync in project.syncs:
        if sync.model == node.name:
            yield Key((sync.primary_key,), f"sync {sync.name}")
    for test in project.data_tests:
        if test.model == node.name and test.test == "unique" and test.column:
            yield Key((test.column,), "its unique test")


def personal_columns(node: ModelNode) -> frozenset[str]:
    """Columns that the model's YAML marks as personal, in lower case."""
    return frozenset(column.name.lower() for column in node.documented if column.pii)
