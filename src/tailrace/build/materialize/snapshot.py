"""Snapshots (SCD 2) as dbt keeps them: a row for every version of a key, and until when it was the current one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tailrace.build.materialize.contract import contract_of
from tailrace.build.materialize.job import Job, matching
from tailrace.build.settings.refused import SettingRefused
from tailrace.build.settings.snapshot import COLUMNS, Snapshot
from tailrace.errors import WarehouseError, near_miss

_NAME = re.compile(r"\w+")


def write_snapshot(job: Job) -> int:
    """Returns the rows that were added: versions that are new, and records of deletion."""
    settings = job.node.settings.snapshot
    assert settings is not None
    new = job.writer.scratch("new")
    job.writer.stage(new, job.node.sql)
    columns = job.writer.columns(new)
    words = _words(job, settings, list(columns))
    for name in settings.check_cols if settings.strategy == "check" else ():
        _checked(job, name, list(columns))
    _refuse_wrong_keys(job, new, words)
    if job.standing is None or job.whole:
        rows = job.writer.replace(_first(job, settings, words, new), contract_of(job), own=True)
    else:
        job.writer.thaw()
        rows = _next(job, settings, words, new, columns)
    job.writer.drop(new)
    return rows


@dataclass(frozen=True)
class _Words:
    """SQL over the query's columns: keys, and the instant of a version. `now` is the run's clock."""

    keys: tuple[str, ...]
    updated_at: str
    now: str
    current: str

    def scd_id(self, *parts: str) -> str:
        """The hash of a version, as dbt makes it."""
        return "md5(" + " || '|' || ".join(f"coalesce(CAST({part} AS VARCHAR), '')" for part in parts) + ")"


def _words(job: Job, settings: Snapshot, columns: list[str]) -> _Words:
    now = f"CAST({job.warehouse.dialect.literal(job.now.replace(tzinfo=None).isoformat(' '))} AS TIMESTAMP)"
    keys = tuple(_expression(job, "unique_key", key, columns) for key in settings.unique_key)
    updated_at = _expression(job, "updated_at", settings.updated_at, columns) if settings.updated_at else now
    current = job.writer.words(settings.valid_to_current) if settings.valid_to_current else "NULL"
    return _Words(keys, updated_at, now, current)


def _expression(job: Job, what: str, text: str, columns: list[str]) -> str:
    """A column, quoted as the query writes it; anything that is no plain name is SQL of its own."""
    column = matching(text, columns)
    if column is not None:
        return job.quoted(column)
    if _NAME.fullmatch(text):
        said = f"{what} {text} is no column of the snapshot's query"
        raise SettingRefused(said, near_miss(text, columns), job.node.settings.places.get(what))
    return job.writer.words(text)


def _refuse_wrong_keys(job: Job, new: str, words: _Words) -> None:
    """A key that is NULL or repeats has no current version."""
    keys = ", ".join(words.keys)
    missing = " OR ".join(f"({key}) IS NULL" for key in words.keys)
    nulls = job.writer.ask(f"SELECT count(*) FROM {new} WHERE {missing}")[0][0]
    if nulls:
        raise WarehouseError(f"unique_key is NULL in {nulls:,} rows of the query", "leave them out")
    found = job.writer.ask(
        f"SELECT {keys}, count(*) FROM {new} GROUP BY {keys} HAVING count(*) > 1 ORDER BY {keys} LIMIT 1"
    )
    if found:
        shown = ", ".join(str(value) for value in found[0][:-1])
        raise WarehouseError(
            f"unique_key repeats in the query ({found[0][-1]} rows of {shown})", "keep one row of each key"
        )


def _first(job: Job, settings: Snapshot, words: _Words, new: str) -> str:
    """Every row is a current version."""
    name = settings.columns
    deleted = f", 'False' AS {job.quoted(name['dbt_is_deleted'])}" if _records(settings) else ""
    until = f"coalesce(nullif({words.updated_at}, {words.updated_at}), {words.current})"
    return (
        f"SELECT *, {words.scd_id(*words.keys, words.updated_at)} AS {job.quoted(name['dbt_scd_id'])},"
        f" {words.updated_at} AS {job.quoted(name['dbt_updated_at'])},"
        f" {words.updated_at} AS {job.quoted(name['dbt_valid_from'])},"
        f" {until} AS {job.quoted(name['dbt_valid_to'])}{deleted} FROM {new}"
    )


def _records(settings: Snapshot) -> bool:
    return settings.hard_deletes == "new_record"


def _next(job: Job, settings: Snapshot, words: _Words, new: str, columns: dict[str, str]) -> int:
    """Versions that differ end the ones before them; keys that are gone end as `hard_deletes` says."""
    before = job.writer.columns(job.table)
    _refuse_other_table(job, settings, list(before))
    changed, gone = job.writer.scratch("changed"), job.writer.scratch("gone")
    added = _find_changed(job, settings, words, (new, changed), (columns, list(before)))
    deleted = _find_gone(job, settings, words, new, gone) if settings.hard_deletes != "ignore" else 0
    job.writer.add_columns(
        {name: kind for name, kind in columns.items() if matching(name, list(before)) is None}
    )
    _end(job, settings, words, changed, "tailrace_at")
    _add(job, settings, words, changed, list(columns))
    if settings.hard_deletes != "ignore":
        _end(job, settings, words, gone, words.now)
        if _records(settings):
            _add_deleted(job, settings, words, gone, list(before))
            added += deleted
    job.writer.finish(contract_of(job))
    for scratch in (changed, gone) if settings.hard_deletes != "ignore" else (changed,):
        job.writer.drop(scratch)
    return added


def _refuse_other_table(job: Job, settings: Snapshot, table: list[str]) -> None:
    wanted = [
        name for word, name in settings.columns.items() if word != "dbt_is_deleted" or _records(settings)
    ]
    missing = [name for name in wanted if matching(name, table) is None]
    if missing:
        raise WarehouseError(
            f"{job.node.table} lacks {', '.join(missing)}: it is no snapshot, or its settings were others",
            "rename its columns, or drop it to begin a new history",
        )


def _sides(job: Job, settings: Snapshot, words: _Words, new: str) -> tuple[str, str, str]:
    """The query's rows, the current versions, and what joins them."""
    keys = [f"{key} AS tailrace_key_{number}" for number, key in enumerate(words.keys)]
    listed = ", ".join(keys)
    news = f"(SELECT *, {listed}, {words.updated_at} AS tailrace_at FROM {new}) AS n"
    guard = f" AND {said}" if (said := job.writer.guard("")) else ""
    olds = f"(SELECT *, {listed} FROM {job.table} WHERE {_current(job, settings, words)}{guard}) AS o"
    on = " AND ".join(f"n.tailrace_key_{number} = o.tailrace_key_{number}" for number in range(len(keys)))
    return news, olds, on


def _current(job: Job, settings: Snapshot, words: _Words) -> str:
    """Whether a version is the one that holds now."""
    until = job.quoted(settings.columns["dbt_valid_to"])
    return (
        f"({until} = {words.current} OR {until} IS NULL)" if settings.valid_to_current else f"{until} IS NULL"
    )


def _find_changed(
    job: Job,
    settings: Snapshot,
    words: _Words,
    tables: tuple[str, str],
    columns: tuple[Mapping[str, str], list[str]],
) -> int:
    """Rows of new keys and rows that differ from their current version, with the version that they end."""
    new, changed = tables
    news, olds, on = _sides(job, settings, words, new)
    scd_id = f"o.{job.quoted(settings.columns['dbt_scd_id'])}"
    differs = _differs(job, settings, *columns)
    if _records(settings):
        differs += f" OR o.{job.quoted(settings.columns['dbt_is_deleted'])} = 'True'"
    return job.writer.derive(
        changed,
        f"SELECT n.*, {scd_id} AS tailrace_ended"
        f" FROM {news} LEFT JOIN {olds} ON {on} WHERE o.tailrace_key_0 IS NULL OR {differs}",
    )


def _differs(job: Job, settings: Snapshot, columns: Mapping[str, str], table: list[str]) -> str:
    if settings.strategy == "timestamp":
        return f"o.{job.quoted(settings.columns['dbt_valid_from'])} < n.tailrace_at"
    names = [_checked(job, name, list(columns)) for name in settings.check_cols] or list(columns)
    if any(matching(name, table) is None for name in names):
        return "true"  # a column that is checked came: every row is a new version, as in dbt
    return " OR ".join(
        job.writer.differ(f"n.{job.quoted(name)}", f"o.{job.quoted(name)}", columns[name]) for name in names
    )


def _checked(job: Job, name: str, columns: list[str]) -> str:
    found = matching(name, columns)
    if found is None:
        said = f"check_cols names {name}, which is no column of the snapshot's query"
        raise SettingRefused(said, near_miss(name, columns), job.node.settings.places.get("check_cols"))
    return found


def _find_gone(job: Job, settings: Snapshot, words: _Words, new: str, gone: str) -> int:
    """Current versions of keys that the query no longer has."""
    news, olds, on = _sides(job, settings, words, new)
    known = f" AND o.{job.quoted(settings.columns['dbt_is_deleted'])} <> 'True'" if _records(settings) else ""
    scd_id = f"o.{job.quoted(settings.columns['dbt_scd_id'])}"
    return job.writer.derive(
        gone,
        f"SELECT o.*, {scd_id} AS tailrace_ended"
        f" FROM {olds} WHERE NOT EXISTS (SELECT 1 FROM {news} WHERE {on}){known}",
    )


def _end(job: Job, settings: Snapshot, words: _Words, found: str, at: str) -> None:
    """The versions in `tailrace_ended` hold until `at`."""
    until, scd_id = (job.quoted(settings.columns[name]) for name in ("dbt_valid_to", "dbt_scd_id"))
    guard = f" AND {said}" if (said := job.writer.guard("")) else ""
    job.writer.change(
        f"UPDATE {job.table} SET {until} = s.tailrace_until"
        f" FROM (SELECT tailrace_ended, {at} AS tailrace_until FROM {found}) AS s"
        f" WHERE {scd_id} = s.tailrace_ended AND {_current(job, settings, words)}{guard}"
    )


def _add(job: Job, settings: Snapshot, words: _Words, changed: str, columns: list[str]) -> None:
    meta = {
        "dbt_scd_id": words.scd_id(*(f"tailrace_key_{n}" for n in range(len(words.keys))), "tailrace_at"),
        "dbt_updated_at": "tailrace_at",
        "dbt_valid_from": "tailrace_at",
        "dbt_valid_to": f"coalesce(nullif(tailrace_at, tailrace_at), {words.current})",
    }
    if _records(settings):
        meta["dbt_is_deleted"] = "'False'"
    _insert(job, settings, columns, meta, changed)


def _add_deleted(job: Job, settings: Snapshot, words: _Words, gone: str, before: list[str]) -> None:
    """A version that says that the key is deleted, with the values that it had."""
    named = {settings.columns[name].casefold() for name in COLUMNS}
    columns = [name for name in before if name.casefold() not in named]
    meta = {
        "dbt_scd_id": words.scd_id("tailrace_ended", words.now),
        "dbt_updated_at": words.now,
        "dbt_valid_from": words.now,
        "dbt_valid_to": job.quoted(settings.columns["dbt_valid_to"]),
        "dbt_is_deleted": "'True'",
    }
    _insert(job, settings, columns, meta, gone)


def _insert(job: Job, settings: Snapshot, columns: list[str], meta: dict[str, str], found: str) -> None:
    names = job.listed([*columns, *(settings.columns[word] for word in meta)])
    values = ", ".join([*map(job.quoted, columns), *meta.values()])
    job.writer.change(f"INSERT INTO {job.table} ({names}) SELECT {values} FROM {found}")
