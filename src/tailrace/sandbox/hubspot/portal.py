"""One HubSpot account: its records, property definitions, associations and histories, and the ways they change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from tailrace.sandbox.clock import Clock, iso
from tailrace.sandbox.hubspot.definitions import DEFINED_AT, MERGEABLE, MERGED, definitions_of, merged
from tailrace.sandbox.hubspot.errors import Refusal
from tailrace.sandbox.hubspot.history import API, CRM_UI, Histories
from tailrace.sandbox.hubspot.kinds import (
    ALIASES,
    OWNERS,
    SINGULAR,
    TYPE_IDS,
    created_property,
    modified_property,
)
from tailrace.sandbox.hubspot.links import Links
from tailrace.sandbox.hubspot.member_lists import Lists
from tailrace.sandbox.hubspot.schema import Schema
from tailrace.sandbox.hubspot.values import millis
from tailrace.sandbox.hubspot.world import Account
from tailrace.sandbox.store import Record, Table

PORTAL_ID = 62515
FIRST_ID = 1_001
FIRST_CUSTOM = 1_000_001
QUALIFIED = re.compile(r"p\d*_(\w+)")


class HubSpotWorld(Protocol):
    """The part of the generated world that this fake serves."""

    @property
    def hubspot(self) -> dict[str, list[Record]]: ...

    @property
    def hubspot_associations(self) -> list[tuple[str, str, str, str, int]]: ...

    @property
    def hubspot_properties(self) -> dict[str, list[dict[str, Any]]]: ...

    @property
    def hubspot_groups(self) -> dict[str, list[dict[str, Any]]]: ...


class Portal:
    """The account's state; the world's records are shared and never changed in place."""

    def __init__(self, world: HubSpotWorld, clock: Clock, account: Account) -> None:
        self.clock = clock
        self.tables: dict[str, Table] = {}
        self.schemas: dict[str, Schema] = {}
        self.links = Links([*world.hubspot_associations, *account.associations])
        self.blocked_emails: set[str] = set()
        self.histories = Histories()
        self.custom: dict[str, str] = {}
        self.labels: dict[tuple[str, str], dict[int, str]] = {}
        """Association labels that people defined, by the two objects: type id to label."""
        self.pipelines = {obj: list(found) for obj, found in account.pipelines.items()}
        self.lists = Lists(DEFINED_AT)
        self._next_id: dict[str, int] = {}
        for obj, definitions in world.hubspot_properties.items():
            self.schemas[obj] = Schema(
                definitions, world.hubspot_groups.get(obj, ()), default_group(obj), iso(clock.now())
            )
        for obj in MERGEABLE:
            if obj in self.schemas:
                self.schemas[obj].properties.setdefault(MERGED, merged(obj))
        for obj in account.objects:
            self.schemas[obj] = Schema(definitions_of(obj), (), default_group(obj), iso(clock.now()))
        for obj, records in (world.hubspot | account.objects).items():
            self.load(obj, records)
        for owner in account.former_owners:
            self.tables[OWNERS].put(owner)

    def load(self, obj: str, records: list[Record]) -> None:
        """Hold exactly these records of an object type; the type is made where it is new."""
        if obj != OWNERS:
            self.schema_of(obj).learn(records)
        if obj not in (OWNERS, *TYPE_IDS):
            self.custom.setdefault(obj, f"2-{FIRST_CUSTOM + len(self.custom)}")
        self.tables[obj] = Table(records, _modified_by(obj))
        self.histories.forget_all(obj)

    def schema_of(self, obj: str) -> Schema:
        """An object type's definitions, made where the type is new."""
        if obj not in self.schemas:
            self.schemas[obj] = Schema((), (), default_group(obj), iso(self.clock.now()))
        return self.schemas[obj]

    def object_type(self, name: str) -> str:
        """The canonical name of an object type; Refusal where the account has none of that name.

        A custom object goes by its type id or its qualified name, never by its bare name.
        """
        lowered = name.lower()
        obj = ALIASES.get(lowered) or (lowered if lowered in TYPE_IDS else self._custom_type(lowered))
        if obj not in self.tables:
            raise Refusal(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")
        return obj

    def _custom_type(self, name: str) -> str:
        for obj, type_id in self.custom.items():
            if name in (type_id, self.qualified(obj), f"p_{bare(obj)}"):
                return obj
        return ""

    def qualified(self, obj: str) -> str:
        """A custom object's qualified name, as its schema has it."""
        return obj if QUALIFIED.fullmatch(obj) else f"p{PORTAL_ID}_{obj}"

    def type_id(self, obj: str) -> str:
        """An object type's id: 0-1 for contacts, 2-... for custom objects."""
        return TYPE_IDS.get(obj) or self.custom.get(obj, obj)

    def own_properties(self, obj: str) -> list[str]:
        """The properties of a custom object that its makers defined; the first of them is required of a new record."""
        names = [name for name, found in self.schemas[obj].properties.items() if not found.get("archived")]
        return [name for name in names if not name.startswith("hs") and name != "hubspot_owner_id"]

    def find(self, obj: str, key: str, id_property: str | None = None) -> Record | None:
        """A live record by its id or by a property with unique values."""
        table = self.tables[obj]
        if id_property in (None, "", "hs_object_id"):
            return table.live(key)
        found = self.by_value(obj, str(id_property)).get(key.strip().lower())
        return table.live(found) if found else None

    def by_value(self, obj: str, name: str) -> dict[str, str]:
        """From a unique property's value, trimmed and in lower case, to the record's id."""
        return self.tables[obj].unique(name, lambda record: _normal(record["properties"].get(name)))

    def create(self, obj: str, changes: dict[str, str], source: str = API) -> Record:
        """Add a record with checked values."""
        key = str(self._new_id(obj))
        moment = iso(self.clock.stamp())
        own = {created_property(obj): moment, modified_property(obj): moment, "hs_object_id": key}
        given = {name: value for name, value in changes.items() if value != ""}
        record = {
            "id": key,
            "properties": {**own, **given, modified_property(obj): moment, "hs_object_id": key},
            "createdAt": moment,
            "updatedAt": moment,
            "archived": False,
        }
        self._put(obj, record, source)
        self.histories.add(obj, None, record, list(given), source)
        return record

    def update(self, obj: str, record: Record, changes: dict[str, str], source: str = API) -> Record:
        """Write checked values to a record; "" clears; the time of modification moves on every write."""
        moment = iso(self.clock.stamp())
        before = record["properties"]
        values = {**before, **changes, modified_property(obj): moment}
        for name, value in changes.items():
            if value == "":
                values.pop(name)
        changed = {**record, "properties": values, "updatedAt": moment}
        self._put(obj, changed, source)
        self.histories.add(obj, record, changed, _differing(before, changes), source)
        return changed

    def archive(self, obj: str, key: str, source: str = API) -> bool:
        """Move a record to the recycle bin; False where there is none that lives."""
        record = self.tables[obj].live(key)
        if record is None:
            return False
        moment = iso(self.clock.stamp())
        self._put(obj, {**record, "archived": True, "archivedAt": moment}, source)
        self.links.forget(obj, key)
        return True

    def erase(self, obj: str, key: str, source: str = API) -> None:
        """GDPR: no trace is left, not in the recycle bin either."""
        self.tables[obj].drop(key)
        self.links.forget(obj, key)
        self.histories.forget(obj, key)
        if source == API:
            self.tables[obj].writes[key] += 1

    def merge(self, obj: str, winner: Record, loser: Record, source: str = API) -> Record:
        """The winner takes over what it lacks and the loser's associations; the loser's id leads nowhere from then on."""
        merged_ids = [*_listed(winner), loser["id"], *_listed(loser)]
        taken_over = {
            name: value for name, value in loser["properties"].items() if name not in winner["properties"]
        }
        taken_over.pop("email", None)
        links = self.links.forget(obj, loser["id"])
        self.erase(obj, loser["id"], source)
        for _, _, target, target_id, kind in links:
            self.links.add(obj, winner["id"], target, target_id, kind)
        return self.update(obj, winner, {**taken_over, MERGED: ";".join(merged_ids)}, source)

    def restore(self, obj: str, key: str) -> None:
        """Out of the recycle bin, as a person does: the record comes back with the times it had."""
        record = self.tables[obj].get(key)
        if record is not None and record["archived"]:
            kept = {name: value for name, value in record.items() if name != "archivedAt"}
            self.tables[obj].put({**kept, "archived": False})

    def put_as_is(self, obj: str, record: Record) -> None:
        """Hold a whole record, as an administrator gives it; not counted as a write."""
        self.tables[obj].put(record)
        self.histories.forget(obj, record["id"])

    def edit_as_is(self, obj: str, before: Record, record: Record) -> None:
        """Hold a whole record in place of what it was, as a person's edit; not counted as a write."""
        self.tables[obj].put(record)
        new = {**dict.fromkeys(before["properties"], ""), **record["properties"]}
        self.histories.add(obj, before, record, _differing(before["properties"], new), CRM_UI)

    def _put(self, obj: str, record: Record, source: str) -> None:
        self.tables[obj].put(record)
        if source == API:
            self.tables[obj].writes[record["id"]] += 1

    def _new_id(self, obj: str) -> int:
        highest = max(self._next_id.get(obj, FIRST_ID), self.tables[obj].largest_id())
        self._next_id[obj] = highest + 1
        return highest + 1


def bare(obj: str) -> str:
    """A custom object's name without what qualifies it."""
    found = QUALIFIED.fullmatch(obj)
    return found[1] if found else obj


def default_group(obj: str) -> str:
    """The group that a property without one belongs to."""
    return f"{SINGULAR.get(obj, obj)}information"


def _modified_by(obj: str) -> Callable[[Record], int]:
    if obj == OWNERS:
        return lambda record: millis(record["updatedAt"]) or 0
    name = modified_property(obj)
    return lambda record: millis(record["properties"].get(name) or record["updatedAt"]) or 0


def _normal(value: str | None) -> str | None:
    return value.strip().lower() if value else None


def _differing(before: dict[str, str], changes: dict[str, str]) -> list[str]:
    return [name for name, value in changes.items() if before.get(name, "") != value]


def _listed(record: Record) -> list[str]:
    merged: str = record["properties"].get(MERGED) or ""
    return [key for key in merged.split(";") if key]
