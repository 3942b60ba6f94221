"""The records of the GA4 fake: sessions, exported events, and tables of recorded reports under any other name."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.ga4.sources import Source, event_source, session_source, table_source

Record = dict[str, Any]
EVENT_KEY = ("user_pseudo_id", "event_timestamp", "event_name", "event_bundle_sequence_id")
USER_COLUMNS = {"sessions": "userPseudoId", "events": "user_pseudo_id"}
DATE_COLUMNS = {"sessions": "date", "events": "event_date"}


class Records:
    """Records per object. A record is never changed in place, so the world's own may stand here."""

    def __init__(self, sessions: list[Record]) -> None:
        self._rows: dict[str, list[Record]] = {"sessions": list(sessions), "events": []}
        self._sources: dict[str, Source] = {}

    def objects(self) -> list[str]:
        """sessions, events and the tables."""
        return list(self._rows)

    def all(self, obj: str) -> list[Record]:
        """The object's records; KeyError for one that nobody has put."""
        if obj not in self._rows:
            raise KeyError(f"ga4 has no {obj}; it has {', '.join(self._rows)}")
        return self._rows[obj]

    def replace(self, obj: str, records: list[Record]) -> None:
        """Hold exactly these; an unknown name becomes a table. ValueError names the first malformed record."""
        self._rows[obj] = [_checked(obj, number, record) for number, record in enumerate(records, start=1)]
        self._sources.pop(obj, None)

    def upsert(self, obj: str, records: list[Record]) -> None:
        """Sessions are added; an event or a table's line takes the place of the one with the same key."""
        held = self._rows.get(obj, [])
        if obj == "sessions":
            self.replace(obj, [*held, *records])
            return
        by_key = {_key(obj, record): record for record in held}
        by_key |= {_key(obj, record): record for record in records}
        self.replace(obj, list(by_key.values()))

    def remove(self, obj: str, key: str) -> bool:
        """Everything of one user, as GA4's user deletion; in a table the line whose text columns, joined by /, are `key`."""
        user = USER_COLUMNS.get(obj)
        held = self.all(obj)
        kept = [
            record
            for record in held
            if (str(record.get(user)) if user else "/".join(_key(obj, record))) != key
        ]
        self.replace(obj, kept)
        return len(kept) < len(held)

    def properties(self) -> set[str]:
        """Ids of the properties that records say they belong to (`property_id`)."""
        return {
            str(record["property_id"])
            for rows in self._rows.values()
            for record in rows[:1]
            if "property_id" in record
        }

    def sources(self) -> list[Source]:
        """Tables first, the narrowest of them ahead; then sessions, or where there are none, events."""
        tables = [obj for obj, rows in self._rows.items() if obj not in USER_COLUMNS and rows]
        tables.sort(key=lambda obj: len(self._source(obj).dimensions))
        rest = [obj for obj in USER_COLUMNS if self._rows[obj]]
        names = [*tables, *rest[:1]] or ["sessions"]
        return [self._source(obj) for obj in names]

    def _source(self, obj: str) -> Source:
        if obj not in self._sources:
            make = {"sessions": session_source, "events": event_source}.get(obj, table_source)
            self._sources[obj] = make(self._rows[obj])
        return self._sources[obj]


def _key(obj: str, record: Record) -> tuple[str, ...]:
    if obj == "events":
        return tuple(str(record.get(column)) for column in EVENT_KEY)
    return tuple(value for value in record.values() if isinstance(value, str))


def _checked(obj: str, number: int, record: Record) -> Record:
    column = DATE_COLUMNS.get(obj)
    if column and not record.get(column):
        raise ValueError(f"record {number} of {obj} has no {column}")
    return {"sessions": 1, **record} if obj == "sessions" and "sessions" not in record else record
