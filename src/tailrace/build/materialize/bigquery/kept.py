"""How a model's table is kept: whether what stands can be replaced as it is, and what its settings change of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

from tailrace.build.materialize.bigquery import catalogue
from tailrace.build.materialize.bigquery.catalogue import Standing
from tailrace.build.materialize.bigquery.ddl import wanted_partition
from tailrace.build.settings.refused import SettingRefused
from tailrace.build.settings.storage import Storage
from tailrace.build.shaping import shape_of
from tailrace.errors import near_miss
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.jobs import Jobs

if TYPE_CHECKING:
    from tailrace.build.materialize.job import Job

DAY_MS = 24 * 3600 * 1000
_CLUSTERED = (
    "BIGNUMERIC", "BOOL", "DATE", "DATETIME", "GEOGRAPHY", "INT64", "NUMERIC", "RANGE", "STRING", "TIMESTAMP",
)  # fmt: skip
"""Google: "Creating and using clustered tables", supported types."""


class Kept:
    """One model's settings, against what stands."""

    def __init__(self, job: Job, jobs: Jobs) -> None:
        self._job, self._jobs = job, jobs
        self._storage = job.node.settings.storage or Storage()

    def fits(self, standing: Standing | None) -> bool:
        """Whether CREATE OR REPLACE TABLE may take its place: BigQuery refuses where partitions or clusters are others.

        What we built with these very settings is as they say; of anything else the catalogue is asked.
        """
        if standing is None or self._job.standing != "table":
            return False
        now, before = shape_of(self._job.node), self._job.shape
        if before is not None and all(
            before.get(key) == now.get(key) for key in ("partition_by", "cluster_by")
        ):
            return True
        clusters = [name.casefold() for name in self._storage.cluster_by]
        partition = wanted_partition(self._storage.partition)
        return _folded(standing.partition) == _folded(partition) and clusters == [
            name.casefold() for name in standing.cluster_by
        ]

    def check_columns(self, columns_of: Callable[[], Mapping[str, str]]) -> None:
        """SettingRefused where a setting names a column that the query does not give, or one that cannot serve."""
        storage = self._storage
        if storage.partition is None and not storage.cluster_by:
            return
        columns = columns_of()
        if storage.partition is not None:
            kind = self._column("partition_by", storage.partition.field, columns)
            if kind != storage.partition.data_type.upper():
                said = f"partition_by says that {storage.partition.field} is {storage.partition.data_type}, and it is {kind}"
                self._refuse("partition_by", said, f"write 'data_type': '{kind.lower()}', or cast the column")
        for name in storage.cluster_by:
            if (kind := self._column("cluster_by", name, columns)) not in _CLUSTERED:
                self._refuse(
                    "cluster_by", f"cluster_by cannot sort by {name}, which is {kind}", "leave it out"
                )

    def _column(self, key: str, name: str, columns: Mapping[str, str]) -> str:
        found = next((kind for column, kind in columns.items() if column.casefold() == name.casefold()), None)
        if found is None:
            said = f"{key} names {name}, which is no column of {self._job.node.table}"
            self._refuse(key, said, near_miss(name, list(columns)))
        return str(found)

    def _refuse(self, key: str, said: str, fix: str) -> None:
        raise SettingRefused(said, fix, self._job.node.settings.places.get(key))

    def guard(self, alias: str) -> str:
        """A condition on the partitions that holds for every row: a table with require_partition_filter is not read without one."""
        if not self._storage.require_partition_filter or self._storage.partition is None:
            return ""
        column = (
            f"{alias}.`{self._storage.partition.field}`" if alias else f"`{self._storage.partition.field}`"
        )
        return f"({column} IS NULL OR {column} IS NOT NULL)"

    def unfiltered(self, ref: TableRef) -> None:
        """A copy for ourselves alone, which may be read as a whole."""
        if self._storage.require_partition_filter:
            catalogue.set_options(self._jobs, ref, {"require_partition_filter": False})

    def outlast(self, standing: Standing | None, aside: Standing | None) -> None:
        """A clone does not go when what it was cloned from does."""
        expires = standing.options["expires"] if standing else None
        if expires is not None and aside is not None and aside.options["expires"] == expires:
            catalogue.set_options(self._jobs, self._job.node.table, {"expires": None})

    def set_options(self, standing: Standing | None) -> None:
        """Labels, expiry and the like, where they are others than the table's."""
        if standing is None or self._job.node.settings.storage is None:
            return
        changed = {key: value for key, value in self._options().items() if standing.options[key] != value}
        if changed:
            catalogue.set_options(self._jobs, self._job.node.table, changed)

    def _options(self) -> dict[str, Any]:
        storage = self._storage
        days = storage.partition_expiration_days
        found: dict[str, Any] = {"labels": dict(storage.labels)}
        if storage.partition is not None:
            found["require_partition_filter"] = storage.require_partition_filter
            found["partition_expiration_ms"] = round(days * DAY_MS) if days else None
        if storage.hours_to_expiration is not None:
            found["expires"] = catalogue.hours_from(
                self._job.now.astimezone(UTC), storage.hours_to_expiration
            )
        return found


def _folded(partition: tuple[str, str] | None) -> tuple[str, str] | None:
    return partition and (partition[0].casefold(), partition[1])
