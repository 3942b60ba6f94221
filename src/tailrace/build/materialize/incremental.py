"""Incremental models: new rows join the table that stands, by append, merge or delete+insert."""

from __future__ import annotations

from tailrace.build.materialize.contract import enforce_contract, ordered_columns
from tailrace.build.materialize.job import (
    Job,
    columns_of,
    drop_scratch,
    key_columns,
    matching,
    replace_table,
    thawed,
)
from tailrace.build.materialize.schema_change import align
from tailrace.build.settings.incremental import Incremental
from tailrace.errors import WarehouseError


def write_incremental(job: Job) -> int:
    """Returns the rows that were written: all of a table from nothing, else the new ones."""
    settings = job.node.settings.incremental
    assert settings is not None
    if job.whole:
        rows = replace_table(job, job.node.sql, ordered_columns(job, job.node.sql))
        if settings.unique_key or job.node.settings.contract:
            columns = columns_of(job, job.table)
            keys = key_columns(job, "unique_key", settings.unique_key, list(columns))
            _refuse_wrong_keys(job, settings, job.table, keys)
            enforce_contract(job, columns, job.table)
        return rows
    thawed(job)
    return _join(job, settings)


def _join(job: Job, settings: Incremental) -> int:
    new = job.scratch("new")
    select = job.node.incremental_sql or job.node.sql
    rows = int(job.warehouse.query(f"CREATE OR REPLACE TEMP TABLE {new} AS\n{select}\n")[0][0])
    columns, table = columns_of(job, new), columns_of(job, job.table)
    names = align(job, table, columns, settings.on_schema_change)
    if settings.strategy != "append":
        keys = key_columns(job, "unique_key", settings.unique_key, list(columns))
        _refuse_wrong_keys(job, settings, new, keys)
        if settings.strategy == "merge":
            _merge(job, settings, new, keys, names)
        else:
            _delete(job, settings, new, keys)
    if settings.strategy != "merge":
        listed = job.listed(names)
        job.warehouse.execute(f"INSERT INTO {job.table} ({listed}) SELECT {listed} FROM {new}")
    drop_scratch(job, new)
    if job.node.settings.contract:
        enforce_contract(job, columns_of(job, job.table), job.table)
    return rows


def _refuse_wrong_keys(job: Job, settings: Incremental, new: str, keys: list[str]) -> None:
    """What the next build could not join is wrong in the first one, too."""
    if settings.strategy != "append":
        _refuse_null_keys(job, new, keys)
    if settings.strategy == "merge":
        _refuse_repeated_keys(job, new, keys)


def _refuse_null_keys(job: Job, new: str, keys: list[str]) -> None:
    """NULL equals nothing: such a row would be added again by every build."""
    for key in keys:
        found = job.warehouse.query(f"SELECT count(*) FROM {new} WHERE {job.quoted(key)} IS NULL")[0][0]
        if found:
            raise WarehouseError(
                f"unique_key {key} is NULL in {found:,} new rows", "leave them out, or coalesce"
            )


def _refuse_repeated_keys(job: Job, new: str, keys: list[str]) -> None:
    """Two rows for one key: which of them stays would be chance."""
    listed = job.listed(keys)
    found = job.warehouse.query(
        f"SELECT {listed}, count(*) FROM {new} GROUP BY {listed} HAVING count(*) > 1 ORDER BY {listed} LIMIT 1"
    )
    if found:
        shown = ", ".join(f"{key} {value}" for key, value in zip(keys, found[0][:-1], strict=True))
        raise WarehouseError(
            f"unique_key repeats in the new rows ({found[0][-1]} times {shown})", "keep one row of each key"
        )


def _merge(job: Job, settings: Incremental, new: str, keys: list[str], names: list[str]) -> None:
    """Rows of known keys are overwritten, the others added."""
    updated = _updated(job, settings, names)
    on = " AND ".join(
        [f"DBT_INTERNAL_SOURCE.{job.quoted(key)} = DBT_INTERNAL_DEST.{job.quoted(key)}" for key in keys]
        + [f"({predicate})" for predicate in settings.predicates]
    )
    sets = ", ".join(f"{job.quoted(name)} = DBT_INTERNAL_SOURCE.{job.quoted(name)}" for name in updated)
    matched = f" WHEN MATCHED THEN UPDATE SET {sets}" if sets else ""
    values = ", ".join(f"DBT_INTERNAL_SOURCE.{job.quoted(name)}" for name in names)
    job.warehouse.execute(
        f"MERGE INTO {job.table} AS DBT_INTERNAL_DEST USING {new} AS DBT_INTERNAL_SOURCE ON {on}{matched}"
        f" WHEN NOT MATCHED THEN INSERT ({job.listed(names)}) VALUES ({values})"
    )


def _updated(job: Job, settings: Incremental, names: list[str]) -> list[str]:
    """Which columns a merge overwrites: those that are named, all but those that are excluded, or all."""
    if settings.update_columns:
        return key_columns(job, "merge_update_columns", settings.update_columns, names)
    excluded = key_columns(job, "merge_exclude_columns", settings.exclude_columns, names)
    return [name for name in names if matching(name, excluded) is None]


def _delete(job: Job, settings: Incremental, new: str, keys: list[str]) -> None:
    """Every row whose key is among the new ones, so a key may also name a part of the table, such as a day."""
    listed = job.listed(keys)
    names = ("DBT_INTERNAL_DEST", "DBT_INCREMENTAL_TARGET")
    target = next(
        (name for name in reversed(names) if name in "".join(settings.predicates).upper()), names[0]
    )
    where = [f"({listed}) IN (SELECT ({listed}) FROM {new})", *(f"({one})" for one in settings.predicates)]
    job.warehouse.execute(f"DELETE FROM {job.table} AS {target} WHERE {' AND '.join(where)}")
