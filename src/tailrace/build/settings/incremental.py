"""The configuration of incremental models, microbatch among them, in dbt's words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from tailrace.build.settings.checks import Values
from tailrace.build.settings.storage import Partition, partition_of

STRATEGIES = ("append", "merge", "delete+insert", "insert_overwrite", "microbatch")
ON_SCHEMA_CHANGE = ("ignore", "append_new_columns", "sync_all_columns", "fail")
BATCH_SIZES = ("hour", "day", "month", "year")
KEYS = (
    "incremental_strategy", "unique_key", "on_schema_change", "incremental_predicates", "predicates",
    "merge_update_columns", "merge_exclude_columns", "full_refresh", "batch_size", "begin", "lookback",
)  # fmt: skip

UNUSED = {
    "append": ("unique_key", "incremental_predicates", "predicates", "merge_update_columns", "merge_exclude_columns"),
    "delete+insert": ("merge_update_columns", "merge_exclude_columns"),
    "merge": (),
    "insert_overwrite": ("unique_key", "incremental_predicates", "predicates", "merge_update_columns", "merge_exclude_columns"),
    "microbatch": ("unique_key", "on_schema_change", "incremental_predicates", "predicates", "merge_update_columns",
                   "merge_exclude_columns"),
}  # fmt: skip
"""Keys that say nothing under a strategy."""

BatchSize = Literal["hour", "day", "month", "year"]


@dataclass(frozen=True)
class Microbatch:
    """`begin` is UTC; `lookback` counts batches before the newest one."""

    event_time: str
    batch_size: BatchSize
    begin: datetime
    lookback: int = 1


@dataclass(frozen=True)
class Incremental:
    """How new rows join the table. `full_refresh`: True rebuilds always, False never, None when asked or when the SQL changed.

    `partition`: insert_overwrite replaces the partitions in which new rows lie, on every engine.
    """

    strategy: Literal["append", "merge", "delete+insert", "insert_overwrite", "microbatch"]
    unique_key: tuple[str, ...] = ()
    on_schema_change: Literal["ignore", "append_new_columns", "sync_all_columns", "fail"] = "ignore"
    predicates: tuple[str, ...] = ()
    update_columns: tuple[str, ...] = ()
    exclude_columns: tuple[str, ...] = ()
    full_refresh: bool | None = None
    microbatch: Microbatch | None = None
    partition: Partition | None = None


def incremental_of(values: Values, event_time: str) -> Incremental:
    """The settings of a model whose `materialized` is `incremental`."""
    unique_key = values.texts("unique_key")
    default = "delete+insert" if unique_key else "append"
    strategy: Any = values.choice("incremental_strategy", STRATEGIES, default)
    if strategy in ("merge", "delete+insert") and not unique_key:
        values.problem("incremental_strategy", f"{strategy} needs a unique_key",
                       "Write unique_key='id', or incremental_strategy='append'")  # fmt: skip
    if strategy == "insert_overwrite" and values.data.get("partition_by") is None:
        fix = "Write partition_by={'field': 'day', 'data_type': 'date'}"
        values.problem("incremental_strategy", "insert_overwrite needs partition_by", fix)
    change: Any = values.choice("on_schema_change", ON_SCHEMA_CHANGE, "ignore")
    return Incremental(
        strategy=strategy,
        unique_key=unique_key,
        on_schema_change=change,
        predicates=values.texts("incremental_predicates") or values.texts("predicates"),
        update_columns=values.texts("merge_update_columns"),
        exclude_columns=values.texts("merge_exclude_columns"),
        full_refresh=values.flag("full_refresh", None),
        microbatch=_microbatch(values, event_time) if strategy == "microbatch" else None,
        partition=partition_of(replace(values, problems=[])) if strategy == "insert_overwrite" else None,
    )


def _microbatch(values: Values, event_time: str) -> Microbatch | None:
    size: Any = values.choice("batch_size", BATCH_SIZES, "")
    begin = _instant(values)
    wrong = [
        key
        for key, found in (("event_time", event_time), ("batch_size", size), ("begin", begin))
        if not found
    ]
    for key in wrong:
        if values.data.get(key) is None:
            values.problem(
                key if key in values.data else "incremental_strategy",
                f"a microbatch model needs {key}",
                {"event_time": "Write event_time='day'", "batch_size": "Write batch_size='day'",
                 "begin": "Write begin='2024-01-01'"}[key],
            )  # fmt: skip
    lookback = values.number("lookback", 1)
    if wrong or begin is None:
        return None
    return Microbatch(event_time, size, begin, lookback)


def _instant(values: Values) -> datetime | None:
    """`begin` as a UTC instant: an ISO text, or YAML's own date."""
    value = values.data.get("begin")
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif value is None:
        return None
    else:
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            values.problem(
                "begin", f"begin cannot be {str(value)[:60]}", "Write an ISO date: begin='2024-01-01'"
            )
            return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
