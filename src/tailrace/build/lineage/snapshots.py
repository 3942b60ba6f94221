"""The columns that a snapshot adds to its query's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tailrace.build.lineage.model import Column, ModelLineage
from tailrace.build.lineage.relation import NONE, Refs
from tailrace.build.settings.snapshot import Snapshot


def with_validity(snapshot: Snapshot, found: ModelLineage) -> ModelLineage:
    """A version's times come from `updated_at`, or, by what `check_cols` find, from the clock; its id from the key as well."""
    every = NONE.union(*(column.direct for column in found.columns.values()))
    changed = _refs(found, (snapshot.updated_at,) if snapshot.updated_at else snapshot.check_cols) or every
    told = changed if snapshot.updated_at else NONE
    key = _refs(found, snapshot.unique_key)
    columns = dict(found.columns)
    for word, name in snapshot.columns.items():
        if word == "dbt_is_deleted" and snapshot.hard_deletes != "new_record":
            continue
        direct = NONE if word == "dbt_is_deleted" else told | key if word == "dbt_scd_id" else told
        columns[name.lower()] = Column(name, direct)
    return replace(found, columns=columns, filters=found.filters | key | changed)


def _refs(found: ModelLineage, names: Iterable[str]) -> Refs:
    return NONE.union(*(column.direct for name in names if (column := found.column(name)) is not None))
