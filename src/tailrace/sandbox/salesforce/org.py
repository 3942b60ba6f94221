"""One org: its records, the recycle bin, and the ways in which they change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.salesforce.errors import no_type
from tailrace.sandbox.salesforce.ids import PREFIXES, full, make_id
from tailrace.sandbox.salesforce.schema import DEFAULTS, OBJECTS, ObjectSchema, standard
from tailrace.sandbox.salesforce.times import parsed, spelled, whole_second

Record = dict[str, Any]
BIN_DAYS = timedelta(days=15)
FIRST_NEW = 900_000_000
"""Records made here are numbered from here on, above everything generated."""
CLOSED = {"Closed Won": True, "Closed Lost": False}


@dataclass
class Table:
    """The records of one object by id, deleted ones included; a record is never changed in place."""

    schema: ObjectSchema
    rows: dict[str, Record] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    """Id -> time of everything that was deleted and not restored: what /deleted/ tells of."""
    writes: Counter[str] = field(default_factory=Counter)
    _indexes: dict[str, dict[Any, set[str]]] = field(default_factory=dict)

    def put(self, record: Record) -> None:
        """Add a record or take the place of the one with its id."""
        self.drop(record["Id"])
        self.rows[record["Id"]] = record
        for name, index in self._indexes.items():
            if (value := _indexed(record, name)) is not None:
                index.setdefault(value, set()).add(record["Id"])

    def drop(self, key: str) -> Record | None:
        """Forget a record altogether."""
        record = self.rows.pop(key, None)
        for name, index in self._indexes.items():
            if record is not None and (value := _indexed(record, name)) is not None:
                index[value].discard(key)
        return record

    def hold(self, rows: dict[str, Record], gone: dict[str, str]) -> None:
        """Exactly these records."""
        self.rows, self.gone, self._indexes = rows, gone, {}

    def with_value(self, name: str, value: Any) -> list[str]:
        """Ids of the live records that have a value in a field, regardless of case, in id order."""
        if name not in self._indexes:
            index: dict[Any, set[str]] = {}
            for key, record in self.rows.items():
                if (found := _indexed(record, name)) is not None:
                    index.setdefault(found, set()).add(key)
            self._indexes[name] = index
        return sorted(self._indexes[name].get(_folded(value), ()))


def _indexed(record: Record, name: str) -> Any:
    return None if record.get("IsDeleted") else _folded(record.get(name))


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class Org:
    """The state behind the API. `user` is the id of who is logged in."""

    def __init__(self, world: Mapping[str, Iterable[Record]], clock: Clock, user: str) -> None:
        self.clock, self.user = clock, user
        self.tables: dict[str, Table] = {}
        self._next = FIRST_NEW
        for name in OBJECTS:
            self.tables[name] = Table(standard(name, PREFIXES[name]))
        for name, records in world.items():
            self.tables[name].rows = {record["Id"]: record for record in records}

    def table(self, name: str) -> Table:
        """The object of that name, however it is capitalised; Refusal INVALID_TYPE where there is none."""
        if name in self.tables:
            return self.tables[name]
        found = next((table for key, table in self.tables.items() if key.lower() == name.lower()), None)
        if found is None:
            raise no_type(name)
        return found

    def add_object(self, name: str) -> Table:
        """A custom object, as an administrator makes one."""
        prefix = f"a{len(self.tables):02d}"
        self.tables[name] = Table(standard(name, prefix))
        return self.tables[name]

    def live(self, table: Table) -> Iterator[Record]:
        """What a plain query sees."""
        return (record for record in table.rows.values() if not record.get("IsDeleted"))

    def visible(self, table: Table) -> Iterator[Record]:
        """What queryAll sees: the recycle bin, too, for 15 days."""
        oldest = spelled(self.clock.now() - BIN_DAYS)
        return (
            record
            for record in table.rows.values()
            if not record.get("IsDeleted") or record["SystemModstamp"] >= oldest
        )

    def find(self, table: Table, key: str) -> Record | None:
        """The live record of an id of 15 or 18 characters."""
        record = table.rows.get(full(key))
        return None if record is None or record.get("IsDeleted") else record

    def create(self, table: Table, values: Mapping[str, Any]) -> Record:
        """A new record with its system fields."""
        self._next += 1
        stamp = self.stamp()
        record: Record = {
            **DEFAULTS.get(table.schema.name, {}),
            **values,
            "Id": make_id(table.schema.prefix, self._next),
            **({"IsDeleted": False} if table.schema.deletes else {}),
            "CreatedDate": stamp,
            "CreatedById": self.user,
        }
        return self._put(table, record, stamp)

    def update(self, table: Table, record: Record, changes: Mapping[str, Any]) -> Record:
        """The record with other values."""
        return self._put(table, {**record, **changes}, self.stamp())

    def delete(self, table: Table, record: Record, master: str | None = None) -> None:
        """Into the recycle bin; a merge names the record that took it over."""
        merged = {"MasterRecordId": master} if master else {}
        put = self._put(table, {**record, "IsDeleted": True, **merged}, self.stamp())
        table.gone[put["Id"]] = put["SystemModstamp"]

    def undelete(self, table: Table, record: Record) -> Record:
        """Out of the recycle bin."""
        table.gone.pop(record["Id"], None)
        master = {"MasterRecordId": None} if "MasterRecordId" in record else {}
        return self._put(table, {**record, "IsDeleted": False, **master}, self.stamp())

    def purge(self, table: Table, key: str) -> bool:
        """For good: a hard delete, or the recycle bin emptied. Only /deleted/ still tells of it."""
        record = table.drop(full(key))
        if record is None:
            return False
        table.gone.setdefault(record["Id"], self.stamp())
        return True

    def merge(self, table: Table, winner: Record, loser: Record) -> Record:
        """The loser's values fill the winner's gaps; the loser lies in the recycle bin and names its master."""
        filled = {name: value for name, value in loser.items() if winner.get(name) is None}
        kept = {name: value for name, value in filled.items() if name != "MasterRecordId"}
        self.delete(table, loser, winner["Id"])
        return self.update(table, winner, kept)

    def put_as_is(self, table: Table, record: Record) -> None:
        """A record from outside with the times that it brings."""
        key = full(str(record["Id"]))
        stamp = self.stamp()
        stamps = {
            name: _spelling(record.get(name)) or stamp
            for name in ("CreatedDate", "SystemModstamp")
            if name in record or name not in table.rows.get(key, {})
        }
        whole: Record = {**record, **stamps, "Id": key}
        whole.setdefault("LastModifiedDate", whole["SystemModstamp"])
        if table.schema.deletes:
            whole["IsDeleted"] = bool(record.get("IsDeleted", False))
        if whole.get("IsDeleted"):
            table.gone[key] = whole["SystemModstamp"]
        else:
            table.gone.pop(key, None)
        table.put(self._derived(table, whole))

    def saved(self) -> dict[str, tuple[dict[str, Record], dict[str, str], Counter[str]]]:
        """The state, to be restored where a request is taken back."""
        return {
            name: (dict(table.rows), dict(table.gone), Counter(table.writes))
            for name, table in self.tables.items()
        }

    def restore(self, saved: dict[str, tuple[dict[str, Record], dict[str, str], Counter[str]]]) -> None:
        """As it was when `saved` was asked."""
        for name, (rows, gone, writes) in saved.items():
            table = self.tables[name]
            table.hold(rows, gone)
            table.writes = writes

    def stamp(self) -> str:
        """Now, never before an earlier stamp."""
        return whole_second(self.clock.stamp())

    def _put(self, table: Table, record: Record, stamp: str) -> Record:
        record.update(SystemModstamp=stamp, LastModifiedDate=stamp, LastModifiedById=self.user)
        table.put(self._derived(table, record))
        return record

    def _derived(self, table: Table, record: Record) -> Record:
        """The fields that Salesforce computes from others."""
        name = table.schema.name
        if name in ("Contact", "Lead", "User"):
            parts = [record.get("FirstName"), record.get("LastName")]
            record["Name"] = " ".join(part for part in parts if part) or None
        if name == "Opportunity":
            record["IsClosed"] = record.get("StageName") in CLOSED
            record["IsWon"] = CLOSED.get(record.get("StageName") or "", False)
        for address, country in (("BillingAddress", "BillingCountry"), ("MailingAddress", "MailingCountry")):
            if address.lower() in table.schema.fields:
                record[address] = _address(record.get(country))
        return record


def _address(country: str | None) -> dict[str, Any] | None:
    if country is None:
        return None
    return {"city": None, "country": country, "postalCode": None, "state": None, "street": None}


def _spelling(value: Any) -> str | None:
    """A time that came from outside, in REST's spelling; None where it is none."""
    if isinstance(value, datetime):
        return spelled(value)
    try:
        return spelled(parsed(str(value))) if value else None
    except ValueError:
        return None
