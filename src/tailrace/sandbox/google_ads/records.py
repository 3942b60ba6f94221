"""The records of the Google Ads fake: seven objects, changed by the admin API as a person at the account would."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tailrace.sandbox.google_ads.fields import lookup, paths
from tailrace.sandbox.world.ads import add_metrics

Record = dict[str, Any]

# object -> where a record's id is; and the namespace of an entity
IDS = {
    "customers": ("customer", "id"),
    "campaigns": ("campaign", "id"),
    "ad_groups": ("adGroup", "id"),
    "ads": ("adGroupAd", "ad", "id"),
    "campaign_stats": ("campaign", "id"),
    "ad_group_stats": ("adGroup", "id"),
    "ad_stats": ("adGroupAd", "ad", "id"),
}
OBJECTS = tuple(IDS)
STATS_OBJECTS = ("campaign_stats", "ad_group_stats", "ad_stats")
SPACES = {"customers": "customer", "campaigns": "campaign", "ad_groups": "adGroup", "ads": "adGroupAd"}


def key_of(obj: str, record: Record) -> str:
    """The id; for stats id/date, and the further segments' values behind it."""
    value = lookup(record, IDS[obj])
    key = "" if value is None else str(value)
    if obj not in STATS_OBJECTS:
        return key
    segments = record.get("segments", {})
    others = sorted(name for name in segments if name != "date")
    return "/".join([key, str(segments.get("date", "")), *(str(segments[name]) for name in others)])


def customer_of(record: Record) -> str | None:
    """The account of a record: customer.id, or the number in any of its resource names."""
    value = lookup(record, ("customer", "id"))
    if value is not None:
        return str(value)
    for space in record.values():
        name = space.get("resourceName") if isinstance(space, dict) else None
        if isinstance(name, str) and name.startswith("customers/"):
            return name.split("/")[1]
    return None


class Records:
    """What one sandbox's accounts hold. A record is never changed in place, so the world's own may stand here."""

    def __init__(self, world: dict[str, list[Record]]) -> None:
        self._rows = {obj: list(world[obj]) for obj in OBJECTS}
        self._fields: dict[str, set[str]] = {}
        self._accounts: dict[str, dict[str, list[Record]]] = {}

    def all(self, obj: str) -> list[Record]:
        """The object's records; KeyError for an unknown object."""
        if obj not in self._rows:
            raise KeyError(f"google_ads has no {obj}; it has {', '.join(OBJECTS)}")
        return self._rows[obj]

    def of_customer(self, obj: str, customer: str) -> list[Record]:
        """The object's records of one account."""
        return self._by_account(obj).get(customer, [])

    def customers(self) -> list[str]:
        """Every account that any record belongs to, ascending."""
        return sorted({customer for obj in OBJECTS for customer in self._by_account(obj)})

    def _by_account(self, obj: str) -> dict[str, list[Record]]:
        if obj not in self._accounts:
            accounts: dict[str, list[Record]] = {}
            for record in self._rows[obj]:
                accounts.setdefault(customer_of(record) or "", []).append(record)
            self._accounts[obj] = accounts
        return self._accounts[obj]

    def _put(self, obj: str, rows: list[Record]) -> None:
        self._rows[obj] = rows
        self._fields.pop(obj, None)
        self._accounts.pop(obj, None)

    def fields(self, obj: str) -> set[str]:
        """Every GAQL field that a record of this object has."""
        if obj not in self._fields:
            self._fields[obj] = {name for record in self._rows[obj] for name, _ in paths(record)}
        return self._fields[obj]

    def replace(self, obj: str, records: Iterable[Record]) -> None:
        """Hold exactly these; ValueError names the first that lacks its id or its customer, or stands there twice."""
        self.all(obj)
        rows = list(records)
        taken: set[str] = set()
        for number, record in enumerate(rows, start=1):
            _check(obj, number, record)
            key = key_of(obj, record)
            if key in taken:
                raise ValueError(f"record {number} of {obj}: {key} is there more than once")
            taken.add(key)
        self._put(obj, rows)

    def upsert(self, obj: str, records: Iterable[Record]) -> None:
        """Add, or change what is given of the record with the same key; a renamed entity is renamed in its stats."""
        rows = {key_of(obj, record): record for record in self.all(obj)}
        for number, record in enumerate(records, start=1):
            key = key_of(obj, record)
            merged = _merge(rows.get(key, {}), record)
            _check(obj, number, merged)
            rows[key] = merged
            if obj in SPACES:
                self._rename(SPACES[obj], merged[SPACES[obj]])
        self._put(obj, list(rows.values()))

    def remove(self, obj: str, key: str) -> bool:
        """An entity gets the status REMOVED (an account: CANCELED) and stays; a day of stats is gone. False: none."""
        found = [record for record in self.all(obj) if key_of(obj, record) == key]
        if not found:
            return False
        status = "CANCELED" if obj == "customers" else "REMOVED"
        if obj in SPACES:
            self.upsert(obj, [_merge(found[0], {SPACES[obj]: {"status": status}})])
        else:
            self._put(obj, [record for record in self._rows[obj] if key_of(obj, record) != key])
        return True

    def restate(self, obj: str, record: Record, metrics: Record) -> None:
        """Give one row new metrics, and add the difference to the day's rows of the levels above it."""
        change = {name: _minus(value, record["metrics"].get(name)) for name, value in metrics.items()}
        for level in STATS_OBJECTS[: STATS_OBJECTS.index(obj)]:
            where = (lookup(record, IDS[level]), record["segments"]["date"])
            self._put(
                level,
                [
                    {**row, "metrics": add_metrics(row["metrics"], change)}
                    if (lookup(row, IDS[level]), row["segments"]["date"]) == where
                    else row
                    for row in self._rows[level]
                ],
            )
        self._put(obj, [{**row, "metrics": metrics} if row is record else row for row in self._rows[obj]])

    def _rename(self, space: str, attributes: Record) -> None:
        """Every row that carries this entity shows what it is called now; what a row did not carry it still does not."""
        for obj in OBJECTS:
            self._put(obj, [_renamed(row, space, attributes) for row in self._rows[obj]])


def _renamed(row: Record, space: str, attributes: Record) -> Record:
    carried = row.get(space)
    path = ("ad", "id") if space == "adGroupAd" else ("id",)
    if not isinstance(carried, dict) or lookup(carried, path) != lookup(attributes, path):
        return row
    now = {name: attributes.get(name, value) for name, value in carried.items()}
    return row if now == carried else {**row, space: now}


def _merge(old: Record, new: Record) -> Record:
    merged = dict(old)
    for name, value in new.items():
        known = merged.get(name)
        merged[name] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _minus(value: Any, old: Any) -> Any:
    """The difference in the spelling of `value`: a string is an int64."""
    if isinstance(value, str):
        return str(int(value) - int(old or 0))
    return value - (old or 0)


def _check(obj: str, number: int, record: Record) -> None:
    if lookup(record, IDS[obj]) is None:
        raise ValueError(f"record {number} of {obj} has no {'.'.join(IDS[obj])}")
    if customer_of(record) is None:
        raise ValueError(f"record {number} of {obj} has no customer.id and no resourceName to tell it from")
    if obj in STATS_OBJECTS and not lookup(record, ("segments", "date")):
        raise ValueError(f"record {number} of {obj} has no segments.date")
