"""The records of the LinkedIn fake: five objects, changed by the admin API as a person at the account would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

Record = dict[str, Any]
ENTITIES = ("accounts", "campaign_groups", "campaigns", "creatives")
ANALYTICS = "analytics"
OBJECTS = (*ENTITIES, ANALYTICS)
STATUS = {"creatives": ("intendedStatus", "ARCHIVED"), "accounts": ("status", "CANCELED")}
"""What a person sets where a record is removed: REMOVED elsewhere, for performance data must stay fetchable."""


def key_of(obj: str, record: Record) -> str:
    """The id; of analytics creative/date."""
    if obj == ANALYTICS:
        return f"{record.get('creative') or ''}/{record.get('date') or ''}"
    return str(record.get("id") or "")


class Records:
    """What the accounts hold. A record is never changed in place, so the world's own may stand here."""

    def __init__(self, world: dict[str, list[Record]], stamp: Callable[[], int]) -> None:
        self._rows = {obj: list(world[obj]) for obj in OBJECTS}
        self._days: dict[str, dict[str, list[Record]]] | None = None
        self._stamp = stamp

    def all(self, obj: str) -> list[Record]:
        """The object's records; KeyError for an unknown object."""
        if obj not in self._rows:
            raise KeyError(f"linkedin_ads has no {obj}; it has {', '.join(OBJECTS)}")
        return self._rows[obj]

    def of_account(self, obj: str, account: str) -> list[Record]:
        """The object's records that belong to an account's URN."""
        return [record for record in self.all(obj) if record.get("account") == account]

    def days(self, account: str) -> dict[str, list[Record]]:
        """An account's analytics by date."""
        if self._days is None:
            self._days = defaultdict(lambda: defaultdict(list))
            for record in self._rows[ANALYTICS]:
                self._days[record["account"]][record["date"]].append(record)
        return self._days.get(account, {})

    def replace(self, obj: str, records: Iterable[Record]) -> None:
        """Hold exactly these; ValueError names the first that lacks what it is known by, or stands there twice."""
        self.all(obj)
        rows, taken = list(records), set[str]()
        for number, record in enumerate(rows, start=1):
            _check(obj, number, record)
            key = key_of(obj, record)
            if key in taken:
                raise ValueError(f"record {number} of {obj}: {key} is there more than once")
            taken.add(key)
        self._put(obj, rows)

    def upsert(self, obj: str, records: Iterable[Record]) -> None:
        """Add, or change what is given of the record with the same key; its stamp of change moves."""
        rows = {key_of(obj, record): record for record in self.all(obj)}
        for number, record in enumerate(records, start=1):
            key = key_of(obj, record)
            merged = {**rows.get(key, {}), **record}
            _check(obj, number, merged)
            rows[key] = merged if obj == ANALYTICS else self._stamped(obj, merged)
        self._put(obj, list(rows.values()))

    def remove(self, obj: str, key: str) -> bool:
        """An entity gets the status of what is removed and stays; a day of analytics is gone. False: none."""
        found = [record for record in self.all(obj) if key_of(obj, record) == key]
        if not found:
            return False
        if obj == ANALYTICS:
            self._put(obj, [record for record in self._rows[obj] if key_of(obj, record) != key])
        else:
            name, status = STATUS.get(obj, ("status", "REMOVED"))
            self.upsert(obj, [{**found[0], name: status}])
        return True

    def drop(self, obj: str, key: str) -> None:
        """Without a trace: LinkedIn lists the record no more."""
        self._put(obj, [record for record in self.all(obj) if key_of(obj, record) != key])

    def _stamped(self, obj: str, record: Record) -> Record:
        now = self._stamp()
        if obj == "creatives":
            return {"createdAt": now, **record, "lastModifiedAt": now}
        known = record.get("changeAuditStamps") or {}
        created = known.get("created") or {"time": now}
        return {**record, "changeAuditStamps": {"created": created, "lastModified": {"time": now}}}

    def _put(self, obj: str, rows: list[Record]) -> None:
        self._rows[obj] = rows
        if obj == ANALYTICS:
            self._days = None


def _check(obj: str, number: int, record: Record) -> None:
    needed = {
        "accounts": ("id", "currency"),
        "creatives": ("id", "account", "campaign"),
        ANALYTICS: ("creative", "campaign", "account", "date"),
    }.get(obj, ("id", "account"))
    for name in needed:
        if not record.get(name):
            raise ValueError(f"record {number} of {obj} has no {name}")
