"""The dataset's tables: made from the world when first asked for, changed by admins and by late events."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.ga4_export.schema import FIELDS, Field, fields_of
from tailrace.sandbox.ga4_export.world import Row, events_of
from tailrace.sandbox.world import World
from tailrace.sandbox.world.people import late_sessions

DAILY, INTRADAY = "events_", "events_intraday_"
EXPORTED_DAYS = 14
"""The property was linked to BigQuery so many days ago: an export does not reach back."""
SAME_EVENT = (
    "user_pseudo_id",
    "event_timestamp",
    "event_name",
    "event_bundle_sequence_id",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
)
RECORDS = tuple(known["name"] for known in FIELDS if known["type"] == "RECORD")


@dataclass
class Table:
    """One table; `created` and `modified` in milliseconds since 1970. Rows are replaced, never changed in place."""

    name: str
    rows: list[Row]
    created: int
    modified: int
    _fields: list[Field] = field(default_factory=list)

    def fields(self) -> list[Field]:
        """The columns."""
        if not self._fields:
            self._fields = fields_of(self.rows)
        return self._fields

    def hold(self, rows: list[Row], modified: int) -> None:
        """Other rows from now on."""
        self.rows, self.modified, self._fields = rows, modified, []


class Dataset:
    """Tables by name. `loaded` says that somebody's records stand in the place of the generated ones."""

    def __init__(self, world: World, clock: Clock, seed: int, today: date) -> None:
        self._world, self._clock, self._seed, self._today = world, clock, seed, today

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Daily tables up to the day before yesterday, yesterday's still being intraday."""
        days = [self._today - timedelta(days=ago) for ago in range(EXPORTED_DAYS, 0, -1)]
        found = [self._made(day, INTRADAY if day == days[-1] else DAILY) for day in days]
        return {table.name: table for table in found}

    @cached_property
    def _people(self) -> list[str]:
        return [str(contact["id"]) for contact in self._world.hubspot["contacts"] if not contact["archived"]]

    def _made(self, day: date, prefix: str) -> Table:
        suffix = day.strftime("%Y%m%d")
        rng = random.Random(f"{self._seed}/ga4_export/{suffix}")
        sessions = [row for row in self._world.ga4.sessions if row["date"] == suffix]
        created = datetime.combine(day + timedelta(days=1), time(), UTC) - timedelta(hours=1)
        if prefix == DAILY:
            created += timedelta(hours=10)
        at = int(created.timestamp() * 1000)
        return Table(prefix + suffix, events_of(rng, day, sessions, self._people), at, at)

    def events(self, prefix: str) -> list[Row]:
        """The rows of all daily, or all intraday, tables."""
        return [row for table in self._of(prefix) for row in table.rows]

    def replace(self, prefix: str, rows: list[Row]) -> None:
        """Exactly these; a table that is as it was is not touched, one without rows is gone."""
        by_name: dict[str, list[Row]] = {}
        for number, row in enumerate(rows, start=1):
            by_name.setdefault(prefix + _suffix(number, row), []).append(row)
        for table in self._of(prefix):
            if table.name not in by_name:
                del self.tables[table.name]
        for name, held in by_name.items():
            self._hold(name, held)

    def upsert(self, prefix: str, rows: list[Row]) -> None:
        """Add events; one of the same user, moment, name and place in its batch takes the place of the held one."""
        for number, row in enumerate(rows, start=1):
            name = prefix + _suffix(number, row)
            held = self.tables[name].rows if name in self.tables else []
            kept = [other for other in held if not _same(other, row)]
            self._hold(name, [*kept, row])

    def remove(self, prefix: str, user: str) -> bool:
        """All events of one user_pseudo_id."""
        found = False
        for table in self._of(prefix):
            kept = [row for row in table.rows if str(row.get("user_pseudo_id")) != user]
            found = found or len(kept) < len(table.rows)
            self._hold(table.name, kept)
        return found

    def late_events(self, rng: random.Random) -> None:
        """Events of the last days that are known only now, in the tables that still take them."""
        sessions = late_sessions(rng, self._world.ga4.sessions, self._today)
        for ago in (3, 2, 1):
            day = self._today - timedelta(days=ago)
            of_day = [row for row in sessions if row["date"] == day.strftime("%Y%m%d")]
            late = events_of(rng, day, of_day, ())
            table = next(
                (found for found in self._of("") if found.name.endswith(day.strftime("%Y%m%d"))), None
            )
            if table is not None and late:
                self._hold(table.name, [*table.rows, *late])

    def complete(self) -> None:
        """Every intraday table becomes its daily one, its last event having been seen to be a robot's."""
        for table in self._of(INTRADAY):
            del self.tables[table.name]
            name = DAILY + table.name.removeprefix(INTRADAY)
            if name not in self.tables:
                self._hold(name, table.rows[:-1] or table.rows)

    def _of(self, prefix: str) -> list[Table]:
        daily = prefix == DAILY
        found = [table for table in self.tables.values() if table.name.startswith(prefix)]
        return [table for table in found if not (daily and table.name.startswith(INTRADAY))]

    def _hold(self, name: str, rows: list[Row]) -> None:
        table = self.tables.get(name)
        if table is not None and table.rows == rows:
            return
        at = int(self._clock.stamp().timestamp() * 1000)
        if table is None:
            self.tables[name] = Table(name, rows, at, at)
        else:
            table.hold(rows, at)


def _suffix(number: int, row: Row) -> str:
    day = str(row.get("event_date") or "")
    if len(day) != 8 or not day.isdigit():
        raise ValueError(f"record {number} of events has no event_date like 20261120")
    for name in RECORDS:
        if row.get(name) is not None and not isinstance(row[name], dict | list):
            raise ValueError(f"record {number} of events: {name} is a record, not {row[name]!r}")
    return day


def _same(one: Row, other: Row) -> bool:
    return all(one.get(name) == other.get(name) for name in SAME_EVENT)


def reference(project: str, dataset: str, table: str) -> dict[str, Any]:
    """A tableReference."""
    return {"projectId": project, "datasetId": dataset, "tableId": table}
