"""The settings that shape what a model holds, as texts to compare: what is recorded when it is built."""

from __future__ import annotations

import json
from typing import Any

from tailrace.build.graph import ModelNode
from tailrace.build.settings.incremental import Incremental
from tailrace.build.settings.snapshot import COLUMNS, Snapshot
from tailrace.build.settings.storage import partition_shape

FROM_NOTHING = (
    "incremental_strategy", "unique_key", "incremental_predicates", "merge_update_columns", "merge_exclude_columns",
    "event_time", "batch_size", "partition_by", "cluster_by",
)  # fmt: skip
"""A change of one of these builds an incremental model from nothing."""


def shape_of(node: ModelNode) -> dict[str, str]:
    """Settings by dbt's key; those that have their default are left out."""
    settings = node.settings
    found: dict[str, Any] = {
        "alias": node.alias,
        "pre_hook": settings.pre_hooks,
        "post_hook": settings.post_hooks,
    }
    if settings.contract:
        columns = [
            [doc.name, doc.data_type, [dict(one) for one in doc.constraints]] for doc in node.documented
        ]
        found["contract"] = [columns, [dict(one) for one in node.constraints]]
    if settings.incremental:
        found |= _incremental(settings.incremental)
    if settings.snapshot:
        found |= _snapshot(settings.snapshot)
    if settings.storage:
        found |= settings.storage.shape()
    return {
        key: value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
        for key, value in found.items()
        if value
    }


def _incremental(settings: Incremental) -> dict[str, Any]:
    found: dict[str, Any] = {
        "incremental_strategy": settings.strategy,
        "unique_key": settings.unique_key,
        "incremental_predicates": settings.predicates,
        "merge_update_columns": settings.update_columns,
        "merge_exclude_columns": settings.exclude_columns,
        "partition_by": partition_shape(settings.partition),
    }
    if batch := settings.microbatch:
        found |= {
            "event_time": batch.event_time,
            "batch_size": batch.batch_size,
            "begin": batch.begin.isoformat(),
        }
    return found


def _snapshot(settings: Snapshot) -> dict[str, Any]:
    renamed = {name: to for name, to in settings.columns.items() if to != name and name in COLUMNS}
    return {
        "strategy": settings.strategy,
        "unique_key": settings.unique_key,
        "updated_at": settings.updated_at,
        "check_cols": settings.check_cols,
        "hard_deletes": settings.hard_deletes,
        "dbt_valid_to_current": settings.valid_to_current,
        "snapshot_meta_column_names": renamed,
    }
