"""The clauses between CREATE TABLE and AS, as Google's "CREATE TABLE statement" page has them."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.settings.storage import Partition, Storage
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.literals import text

_TRUNCATED = {"date": "DATE_TRUNC", "timestamp": "TIMESTAMP_TRUNC", "datetime": "DATETIME_TRUNC"}


def name(ref: TableRef) -> str:
    return f"`{ref.schema}`.`{ref.name}`"


def layout(storage: Storage | None) -> str:
    """PARTITION BY and CLUSTER BY, a space before each; all in one line, so that the model's SQL begins on the second."""
    parts = []
    if storage and storage.partition:
        parts.append(f" PARTITION BY {partitioned(storage.partition)}")
    if storage and storage.cluster_by:
        parts.append(f" CLUSTER BY {', '.join(f'`{one}`' for one in storage.cluster_by)}")
    return "".join(parts)


def partitioned(partition: Partition) -> str:
    """What PARTITION BY is followed by."""
    column = f"`{partition.field}`"
    if partition.range is not None:
        start, end, interval = partition.range
        return f"RANGE_BUCKET({column}, GENERATE_ARRAY({start}, {end}, {interval}))"
    if (partition.data_type, partition.granularity) == ("date", "day"):
        return column
    return f"{_TRUNCATED[partition.data_type]}({column}, {partition.granularity.upper()})"


def options(storage: Storage | None, *, view: bool = False, filtered: bool = True) -> str:
    """OPTIONS behind a space; "" without any. `filtered`: queries have to name partitions already."""
    found = list(_options(storage, view=view, filtered=filtered)) if storage else []
    return f" OPTIONS({', '.join(found)})" if found else ""


def _options(storage: Storage, *, view: bool, filtered: bool) -> Iterator[str]:
    if storage.require_partition_filter and filtered and not view:
        yield "require_partition_filter=TRUE"
    if storage.partition_expiration_days is not None and not view:
        yield f"partition_expiration_days={storage.partition_expiration_days!r}"
    if storage.kms_key_name and not view:
        yield f"kms_key_name={text(storage.kms_key_name)}"
    if storage.hours_to_expiration is not None:
        hours = storage.hours_to_expiration
        yield f"expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {hours} HOUR)"
    if storage.labels:
        yield f"labels=[{', '.join(f'({text(key)}, {text(value)})' for key, value in storage.labels)}]"


def wanted_partition(partition: Partition | None) -> tuple[str, str]:
    """As `Standing.partition` would say it."""
    if partition is None:
        return "", ""
    if partition.range is not None:
        return partition.field, " ".join(map(str, partition.range))
    return partition.field, partition.granularity.upper()
