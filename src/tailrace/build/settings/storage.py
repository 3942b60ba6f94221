"""How BigQuery keeps a model's table: partitions, clusters, expiry, labels, in dbt-bigquery's words. DuckDB has none of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tailrace.build.settings.checks import Values
from tailrace.errors import near_miss

KEYS = (
    "partition_by", "cluster_by", "require_partition_filter", "partition_expiration_days", "labels", "hours_to_expiration",
    "kms_key_name",
)  # fmt: skip
OF_TABLES = KEYS[:4]
"""What says nothing of a view."""
DATA_TYPES = ("date", "timestamp", "datetime", "int64")
GRANULARITIES = ("hour", "day", "month", "year")
MOST_CLUSTERS = 4
MOSTPARTITIONS = 10_000
"""Google: "Quotas and limits", partitioned tables."""
PARTITION = ("field", "data_type", "granularity", "range")
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VALUE = re.compile(r"[a-z0-9_-]{0,63}")

DataType = Literal["date", "timestamp", "datetime", "int64"]
Granularity = Literal["hour", "day", "month", "year"]


@dataclass(frozen=True)
class Partition:
    """The column that says in which partition a row lies; `range` is (start, end, interval) of an int64."""

    field: str
    data_type: DataType = "date"
    granularity: Granularity = "day"
    range: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Storage:
    """`labels` are (name, value) in their order by name; `None` and "" where nothing is said."""

    partition: Partition | None = None
    cluster_by: tuple[str, ...] = ()
    require_partition_filter: bool = False
    partition_expiration_days: float | None = None
    labels: tuple[tuple[str, str], ...] = ()
    hours_to_expiration: int | None = None
    kms_key_name: str = ""

    def shape(self) -> dict[str, Any]:
        """By dbt's keys, as the fingerprint has it."""
        return {
            "partition_by": partition_shape(self.partition),
            "cluster_by": self.cluster_by,
            "require_partition_filter": self.require_partition_filter,
            "partition_expiration_days": self.partition_expiration_days,
            "labels": self.labels,
            "hours_to_expiration": self.hours_to_expiration,
            "kms_key_name": self.kms_key_name,
        }


def partition_shape(partition: Partition | None) -> list[Any] | None:
    if partition is None:
        return None
    return [partition.field, partition.data_type, partition.granularity, partition.range]


def storage_of(values: Values, kind: str) -> Storage | None:
    """The settings of a model of this materialization; None where it says nothing."""
    if kind in ("view", "ephemeral"):
        for key in OF_TABLES if kind == "view" else KEYS:
            if values.data.get(key) is not None:
                fix = "Remove it, or change materialized"
                values.problem(key, f"{key} is for tables, and this is a model that is {kind}", fix)
    found = Storage(
        partition=partition_of(values),
        cluster_by=_clusters(values),
        require_partition_filter=values.flag("require_partition_filter", False) is True,
        partition_expiration_days=_days(values),
        labels=_labels(values),
        hours_to_expiration=values.number("hours_to_expiration", 0, least=1) or None,
        kms_key_name=values.text("kms_key_name"),
    )
    for key in ("require_partition_filter", "partition_expiration_days"):
        if values.data.get(key) and values.data.get("partition_by") is None:
            values.problem(key, f"{key} is for tables with partitions", "Write partition_by={'field': 'day'}")
    return None if found == Storage() else found


def partition_of(values: Values) -> Partition | None:
    """`partition_by` as dbt writes it."""
    said = values.data.get("partition_by")
    if said is None:
        return None
    if not isinstance(said, Mapping):
        fix = "Write partition_by={'field': 'day', 'data_type': 'date'}"
        values.problem("partition_by", f"partition_by must be a mapping, not {str(said)[:60]}", fix)
        return None
    field = said.get("field")
    wrong = [key for key in said if key not in PARTITION]
    if wrong:
        fix = near_miss(str(wrong[0]), PARTITION)
        said_wrong = f"partition_by has no {str(wrong[0])[:60]}"
        values.problem("partition_by", said_wrong, fix[:1].upper() + fix[1:])
    if not isinstance(field, str) or not field:
        values.problem("partition_by", "partition_by names no field", "Write partition_by={'field': 'day'}")
        return None
    data_type: Any = _word(values, said, "data_type", DATA_TYPES, "date")
    granularity: Any = _word(values, said, "granularity", GRANULARITIES, "day")
    if data_type == "date" and granularity == "hour":
        values.problem("partition_by", "a date has no hours", "Write granularity 'day', or another data_type")
    return Partition(field, data_type, granularity, _range(values, said, data_type))


def _word(values: Values, said: Mapping[str, Any], key: str, allowed: tuple[str, ...], default: str) -> str:
    found = str(said.get(key) or default).lower()
    if found in allowed:
        return found
    fix = near_miss(found, allowed)
    values.problem("partition_by", f"{key} of partition_by cannot be {found[:60]}", fix[:1].upper() + fix[1:])
    return default


def _range(values: Values, said: Mapping[str, Any], data_type: str) -> tuple[int, int, int] | None:
    found = said.get("range")
    if (found is None) != (data_type != "int64"):
        fix = "Write 'range': {'start': 0, 'end': 100, 'interval': 10} beside data_type 'int64'"
        values.problem("partition_by", "range and data_type int64 belong together", fix)
        return None
    if found is None:
        return None
    said_numbers = (
        [found.get(key) for key in ("start", "end", "interval")] if isinstance(found, Mapping) else []
    )
    numbers = [one for one in said_numbers if isinstance(one, int) and not isinstance(one, bool)]
    if len(numbers) != 3:
        fix = "Write {'start': 0, 'end': 100, 'interval': 10}"
        values.problem("partition_by", "range has start, end and interval, whole numbers", fix)
        return None
    start, end, interval = numbers
    if interval < 1 or end <= start or (end - start) / interval > MOSTPARTITIONS:
        fix = f"Let start come before end, with {MOSTPARTITIONS:,} intervals at most between them"
        values.problem("partition_by", f"range cannot be {start} to {end} by {interval}", fix)
        return None
    return start, end, interval


def _clusters(values: Values) -> tuple[str, ...]:
    found = values.texts("cluster_by")
    if len(found) > MOST_CLUSTERS:
        fix = f"Name {MOST_CLUSTERS} at most"
        values.problem("cluster_by", f"cluster_by names {len(found)} columns", fix)
    if len({name.casefold() for name in found}) < len(found):
        values.problem("cluster_by", "cluster_by names a column twice", "Name each once")
    return found


def _days(values: Values) -> float | None:
    found = values.data.get("partition_expiration_days")
    if found is None:
        return None
    if isinstance(found, int | float) and not isinstance(found, bool) and found > 0:
        return float(found)
    fix = "Write partition_expiration_days=90"
    values.problem(
        "partition_expiration_days", "partition_expiration_days must be a number of days above 0", fix
    )
    return None


def _labels(values: Values) -> tuple[tuple[str, str], ...]:
    """Google: "Requirements for labels"."""
    found = values.data.get("labels") or {}
    if not isinstance(found, Mapping):
        values.problem("labels", "labels must be a mapping", "Write labels={'team': 'marketing'}")
        return ()
    for name, value in found.items():
        if not _LABEL.fullmatch(str(name)) or not _VALUE.fullmatch(str(value)):
            fix = "Use small letters, digits, _ and -, a letter first, 63 at most"
            values.problem("labels", f"a label cannot be {str(name)[:70]}: {str(value)[:70]}", fix)
    return tuple(sorted((str(name), str(value)) for name, value in found.items()))
