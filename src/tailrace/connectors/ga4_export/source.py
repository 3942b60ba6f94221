"""The export's events table by table: what is new, what late events changed, what the daily table replaces."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import date
from typing import Any

from tailrace.connectors.ga4_export.keys import EventKeys
from tailrace.connectors.ga4_export.rows import KEY, SUFFIX, Rows, schema_of
from tailrace.connectors.ga4_export.tables import Export, Gone, State, Table
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.days import Lookback
from tailrace.connectors.sdk.paging import chunks
from tailrace.errors import Unavailable
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Page, Schema, Scope

ATTEMPTS = 3
"""Times that a table is read where it is rewritten meanwhile."""
SETTLED = "daily"
"""What the position says of a table that has left the newest ones: it is looked at no more."""


class Ga4ExportSource:
    """Reads. Position: `tables`, per suffix the kind and stamp of what was read of it; `asked`, the parameters."""

    def __init__(self, export: Export, *, connection: str, lookback: Lookback, intraday: bool) -> None:
        self._export, self._connection = export, connection
        self._lookback, self._intraday = lookback, intraday
        self._seen: tuple[list[Table], dict[Table, State]] | None = None

    def schema(self, resource: ResourceSpec) -> Schema:
        """The columns of the newest tables and of the oldest: GA4 adds columns, and dropped some long ago."""
        tables = self._tables(resource)
        states: dict[Table, State] = {}
        for table in dict.fromkeys([*tables[:1], *self._newest(resource, tables), *tables[-1:]]):
            state = self._export.state(table)
            if state is not None:
                states[table] = state
        self._seen = tables, states
        ordered = sorted(states, key=lambda table: table.suffix, reverse=True)
        return schema_of((states[table].columns() for table in ordered), _params(resource))

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        asked = list(_params(resource))
        known = position if position is not None and position.get("asked") == asked else {}
        done: dict[str, str] = dict(known.get("tables") or {})
        tables, states = self._seen or (self._tables(resource), {})
        self._seen = None  # of this very moment only
        newest = {table.suffix for table in self._newest(resource, tables)}
        for table in tables:
            held = done.get(table.suffix)
            if held == SETTLED and table.suffix not in newest:
                continue
            state = states.get(table) or self._export.state(table)
            stamp = _stamp(table, state) if state is not None else None
            if state is not None and held != stamp:
                state = yield from self._table(resource, schema, table, state)
            if state is None:
                self._vanished(table)
                continue
            settled = table.daily and table.suffix not in newest
            done[table.suffix] = SETTLED if settled else _stamp(table, state)
            scopes = () if held == stamp else (Scope({SUFFIX: (table.suffix,)}),)
            if scopes:
                yield Checkpoint({"tables": dict(done), "asked": asked}, scopes)
        yield Checkpoint({"tables": done, "asked": asked})

    def backfill(
        self, resource: ResourceSpec, schema: Schema, first: date, last: date
    ) -> Iterator[Page | Checkpoint]:
        """Every table of these days, whatever was read of it before."""
        low, high = first.strftime("%Y%m%d"), last.strftime("%Y%m%d")
        wanted = [table for table in self.listed() if low <= table.suffix <= high]
        for table in wanted:
            state = self._export.state(table)
            if state is not None:
                state = yield from self._table(resource, schema, table, state)
            if state is None:
                self._vanished(table)
            else:
                yield Checkpoint(None, (Scope({SUFFIX: (table.suffix,)}),))
        yield Checkpoint(None)

    def listed(self) -> list[Table]:
        """One table per suffix, oldest first: the daily one wins, the intraday one counts where it is asked for."""
        found: dict[str, Table] = {}
        for table in sorted(self._export.tables(), key=lambda table: table.daily):
            if table.daily or self._intraday:
                found[table.suffix] = table
        return [found[suffix] for suffix in sorted(found)]

    def _tables(self, resource: ResourceSpec) -> list[Table]:
        start = self._lookback.of(resource.options).start
        first = start.replace("-", "") if start else ""
        return [table for table in self.listed() if table.suffix >= first]

    def _newest(self, resource: ResourceSpec, tables: list[Table]) -> list[Table]:
        again = self._lookback.of(resource.options).restate
        return tables[max(0, len(tables) - again) :]

    def _table(
        self, resource: ResourceSpec, schema: Schema, table: Table, state: State
    ) -> Generator[Page, None, State | None]:
        """The whole table as of the state returned; None where it vanished.

        Where it is rewritten meanwhile it is read again, and rows of the earlier attempt that are no more are taken back.
        """
        earlier: list[EventKeys] = []
        for _ in range(ATTEMPTS):
            keys = EventKeys()
            try:
                yield from self._pages(resource, schema, table, keys)
            except Gone:
                return None
            after = (
                self._export.state(table) if table.daily else state
            )  # an intraday table never stands still
            if after is None or after.stamp == state.stamp:
                self._check(table, state, keys)
                yield from _taken_back(table, earlier, keys)
                return after
            earlier.append(keys)
            state = after
        raise Unavailable(
            f"{self._connection}: {table.name} was rewritten {ATTEMPTS} times while it was read", "run again"
        )

    def _pages(self, resource: ResourceSpec, schema: Schema, table: Table, keys: EventKeys) -> Iterator[Page]:
        rows = Rows(schema, _params(resource))
        for events in self._export.pages(table, int(resource.options["limit"])):
            yield Page([rows.row(table.suffix, event, keys) for event in events])

    def _check(self, table: Table, state: State, keys: EventKeys) -> None:
        if table.daily and state.rows is not None and keys.count != state.rows:
            text = f"{self._connection}: {table.name} has {state.rows} rows, and {keys.count} came"
            raise Unavailable(text, "run again")

    def _vanished(self, table: Table) -> None:
        text = f"{self._connection}: {table.name} vanished while it was read; the next run reads what took its place"
        emit(Notice("warning", text))


def _params(resource: ResourceSpec) -> tuple[str, ...]:
    return tuple(resource.options["params"])


def _stamp(table: Table, state: State) -> str:
    return f"{'daily' if table.daily else 'intraday'} {state.stamp}"


def _taken_back(table: Table, earlier: list[EventKeys], keys: EventKeys) -> Iterator[Page]:
    gone = sorted({key for old in earlier for key in old.without(keys)})
    for part in chunks(gone, 5_000):
        yield Page([{SUFFIX: table.suffix, KEY: key} for key in part], deleted=True)
