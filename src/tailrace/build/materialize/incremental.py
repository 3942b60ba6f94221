"""Incremental models: new rows join the table that stands, by append, merge, delete+insert or insert_overwrite.

They are staged once and joined by name; where a column's type is another one, its values are cast to the table's.
"""

from __future__ import annotations

from collections.abc import Mapping

from tailrace.build.materialize.contract import contract_of, enforce_contract
from tailrace.build.materialize.job import Job, key_columns, matching
from tailrace.build.materialize.partitions import spans_in, within
from tailrace.build.materialize.schema_change import align
from tailrace.build.materialize.writer import Check
from tailrace.build.settings.incremental import Incremental
from tailrace.errors import WarehouseError

NEW, OLD = "DBT_INTERNAL_SOURCE", "DBT_INTERNAL_DEST"


def write_incremental(job: Job) -> int:
    """Returns the rows that were written: all of a table from nothing, else the new ones."""
    settings = job.node.settings.incremental
    assert settings is not None
    if job.whole:
        return job.writer.replace(job.node.sql, _first_check(job, settings))
    job.writer.thaw()
    return _join(job, settings)


def _first_check(job: Job, settings: Incremental) -> Check | None:
    """What the next build could not join is wrong in the first one, too."""
    if not settings.unique_key and not settings.partition and not job.node.settings.contract:
        return None

    def check(table: str) -> None:
        columns = list(job.writer.columns(table))
        keys = key_columns(job, "unique_key", settings.unique_key, columns)
        if settings.partition:
            key_columns(job, "partition_by", (settings.partition.field,), columns)
        _refuse_wrong_keys(job, settings, table, keys)
        enforce_contract(job, table)

    return check


def _join(job: Job, settings: Incremental) -> int:
    new = job.writer.scratch("new")
    rows = job.writer.stage(new, job.node.incremental_sql or job.node.sql)
    columns = job.writer.columns(new)
    into = align(job, job.writer.columns(job.table), columns, settings.on_schema_change)
    keys = key_columns(job, "unique_key", settings.unique_key, list(columns))
    _refuse_wrong_keys(job, settings, new, keys)
    source = _source(job, new, columns, into)
    if settings.strategy == "merge":
        _merge(job, settings, source, keys, list(into))
    else:
        if settings.strategy == "delete+insert":
            _delete(job, settings, source, keys)
        elif settings.strategy == "insert_overwrite":
            _delete_partitions(job, settings, new, columns)
        listed = job.listed(list(into))
        job.writer.change(f"INSERT INTO {job.table} ({listed}) SELECT {listed} FROM {source}")
    job.writer.finish(contract_of(job))
    job.writer.drop(new)
    return rows


def _source(job: Job, new: str, columns: Mapping[str, str], into: Mapping[str, str]) -> str:
    """The new rows with the types of the table's columns."""
    found = {name: matching(name, list(columns)) or name for name in into}
    if all(columns[found[name]] == kind for name, kind in into.items()):
        return new
    items = (
        job.quoted(found[name])
        if columns[found[name]] == kind
        else f"{job.writer.cast(job.quoted(found[name]), kind)} AS {job.quoted(name)}"
        for name, kind in into.items()
    )
    return f"(SELECT {', '.join(items)} FROM {new})"


def _refuse_wrong_keys(job: Job, settings: Incremental, new: str, keys: list[str]) -> None:
    if settings.strategy in ("merge", "delete+insert"):
        _refuse_null_keys(job, new, keys)
    if settings.strategy == "merge":
        _refuse_repeated_keys(job, new, keys)


def _refuse_null_keys(job: Job, new: str, keys: list[str]) -> None:
    """NULL equals nothing: such a row would be added again by every build."""
    for key in keys:
        found = job.writer.ask(f"SELECT count(*) FROM {new} WHERE {job.quoted(key)} IS NULL")[0][0]
        if found:
            raise WarehouseError(
                f"unique_key {key} is NULL in {found:,} new rows", "leave them out, or coalesce"
            )


def _refuse_repeated_keys(job: Job, new: str, keys: list[str]) -> None:
    """Two rows for one key: which of them stays would be chance."""
    listed = job.listed(keys)
    found = job.writer.ask(
        f"SELECT {listed}, count(*) FROM {new} GROUP BY {listed} HAVING count(*) > 1 ORDER BY {listed} LIMIT 1"
    )
    if found:
        shown = ", ".join(f"{key} {value}" for key, value in zip(keys, found[0][:-1], strict=True))
        raise WarehouseError(
            f"unique_key repeats in the new rows ({found[0][-1]} times {shown})", "keep one row of each key"
        )


def _same_key(job: Job, keys: list[str], old: str) -> list[str]:
    return [f"{NEW}.{job.quoted(key)} = {old}.{job.quoted(key)}" for key in keys]


def _merge(job: Job, settings: Incremental, source: str, keys: list[str], names: list[str]) -> None:
    """Rows of known keys are overwritten, the others added."""
    updated = _updated(job, settings, names)
    conditions = [*_same_key(job, keys, OLD), *_conditions(job, settings, OLD)]
    sets = ", ".join(f"{job.quoted(name)} = {NEW}.{job.quoted(name)}" for name in updated)
    matched = f" WHEN MATCHED THEN UPDATE SET {sets}" if sets else ""
    values = ", ".join(f"{NEW}.{job.quoted(name)}" for name in names)
    job.writer.change(
        f"MERGE INTO {job.table} AS {OLD} USING {source} AS {NEW} ON {' AND '.join(conditions)}{matched}"
        f" WHEN NOT MATCHED THEN INSERT ({job.listed(names)}) VALUES ({values})"
    )


def _conditions(job: Job, settings: Incremental, old: str) -> list[str]:
    """A person's conditions on the rows that are replaced, and the engine's own."""
    found = [f"({job.writer.words(predicate)})" for predicate in settings.predicates]
    guard = job.writer.guard(old)
    return [*found, guard] if guard else found


def _updated(job: Job, settings: Incremental, names: list[str]) -> list[str]:
    """Which columns a merge overwrites: those that are named, all but those that are excluded, or all."""
    if settings.update_columns:
        return key_columns(job, "merge_update_columns", settings.update_columns, names)
    excluded = key_columns(job, "merge_exclude_columns", settings.exclude_columns, names)
    return [name for name in names if matching(name, excluded) is None]


def _delete(job: Job, settings: Incremental, source: str, keys: list[str]) -> None:
    """Every row whose key is among the new ones, so a key may also name a part of the table, such as a day."""
    said = "".join(settings.predicates).upper()
    old = next((name for name in ("DBT_INCREMENTAL_TARGET", OLD) if name in said), OLD)
    known = f"EXISTS (SELECT 1 FROM {source} AS {NEW} WHERE {' AND '.join(_same_key(job, keys, old))})"
    where = " AND ".join([known, *_conditions(job, settings, old)])
    job.writer.change(f"DELETE FROM {job.table} AS {old} WHERE {where}")


def _delete_partitions(job: Job, settings: Incremental, new: str, columns: Mapping[str, str]) -> None:
    """All rows of the partitions in which new ones lie."""
    assert settings.partition is not None
    field = key_columns(job, "partition_by", (settings.partition.field,), list(columns))[0]
    spans = spans_in(job, new, field, columns[field], settings.partition)
    if spans:
        job.writer.change(
            f"DELETE FROM {job.table} AS {OLD} WHERE {within(f'{OLD}.{job.quoted(field)}', spans)}"
        )
