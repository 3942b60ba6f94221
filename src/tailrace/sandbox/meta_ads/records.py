"""The records of the Meta Ads fake: four kinds of nodes and the insights of four levels, as the API returns them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tailrace.sandbox.meta_ads.fields import HIDDEN, ID_OF, KNOWN_BREAKDOWNS, LEVELS, NODES
from tailrace.sandbox.meta_ads.sums import roll_up

Record = dict[str, Any]
INSIGHTS = {f"{level}_insights": level for level in LEVELS}
OBJECTS = (*NODES, *INSIGHTS)
# a node's status as its children show it
PASSED_ON = {"campaigns": "CAMPAIGN_PAUSED", "adsets": "ADSET_PAUSED"}
PARENTS = {"campaigns": (), "adsets": ("campaigns",), "ads": ("campaigns", "adsets")}


def key_of(obj: str, record: Record) -> str:
    """The id (of an account: without act_); for insights id/day, with breakdowns behind it."""
    if obj == "accounts":
        return str(record.get("account_id") or str(record.get("id", "")).removeprefix("act_"))
    if obj not in INSIGHTS:
        return str(record.get("id") or "")
    parts = [record.get(ID_OF[INSIGHTS[obj]]), record.get("date_start")]
    more = [record[name] for name in sorted(KNOWN_BREAKDOWNS & record.keys())]
    return "/".join(str(part or "") for part in (*parts, *more))


class Records:
    """What the accounts hold. A record is never changed in place, so the world's own may stand here."""

    def __init__(self, world: dict[str, list[Record]]) -> None:
        self._rows = {obj: {key_of(obj, row): row for row in world[obj]} for obj in OBJECTS}
        self._known: list[Record] | None = None
        self.version = 0

    def all(self, obj: str) -> list[Record]:
        """The object's records; KeyError for an unknown object."""
        return list(self._table(obj).values())

    def _table(self, obj: str) -> dict[str, Record]:
        if obj not in self._rows:
            raise KeyError(f"meta_ads has no {obj}; it has {', '.join(OBJECTS)}")
        return self._rows[obj]

    def of_account(self, obj: str, account: str) -> list[Record]:
        return [row for row in self._rows[obj].values() if str(row.get("account_id")) == account]

    def _changed(self) -> None:
        """What was derived from the records is so no more."""
        self._known, self.version = None, self.version + 1

    def accounts(self) -> list[Record]:
        """Every account, ascending; one that only other records name has what they tell of it."""
        if self._known is None:
            self._known = self._all_accounts()
        return self._known

    def _all_accounts(self) -> list[Record]:
        found = dict(self._rows["accounts"])
        for obj in OBJECTS[1:]:
            for row in self._rows[obj].values():
                key = str(row.get("account_id"))
                if key not in found:
                    told = {"name": row.get("account_name"), "currency": row.get("account_currency")}
                    found[key] = {"id": f"act_{key}", "account_id": key, "account_status": 1, **told}
        return [found[key] for key in sorted(found)]

    def node(self, key: str) -> tuple[str, Record] | None:
        """The object that an id names, and its record."""
        if key.startswith("act_"):
            account = next((row for row in self.accounts() if row["account_id"] == key[4:]), None)
            return ("accounts", account) if account else None
        for obj in ("campaigns", "adsets", "ads"):
            if key in self._rows[obj]:
                return obj, self._rows[obj][key]
        return None

    def replace(self, obj: str, records: Iterable[Record]) -> None:
        """Hold exactly these; ValueError names the first that lacks its id, account or day, or stands there twice."""
        self._table(obj)
        rows: dict[str, Record] = {}
        for number, record in enumerate(records, start=1):
            _check(obj, number, record)
            key = key_of(obj, record)
            if key in rows:
                raise ValueError(f"record {number} of {obj}: {key} is there more than once")
            rows[key] = record
        self._rows[obj] = rows
        self._changed()

    def upsert(self, obj: str, records: Iterable[Record], stamp: Callable[[], str]) -> None:
        """Add, or change what is given of the record with the same key; what follows from it elsewhere follows."""
        table = self._table(obj)
        self._changed()
        for number, record in enumerate(records, start=1):
            key = key_of(obj, record)
            merged = {**table.get(key, {}), **record}
            _check(obj, number, merged)
            if obj in PARENTS and "updated_time" not in record:
                merged["updated_time"] = stamp()
            table[key] = merged
            if obj in INSIGHTS:
                self._add_up(obj, merged)
            else:
                self._rename(obj, key, merged)
            if "status" in record and "effective_status" not in record:
                self._take_effect(obj, key)

    def remove(self, obj: str, key: str, stamp: Callable[[], str]) -> bool:
        """A node gets the status DELETED and stays, an account and a day are gone. False where there is none."""
        if key not in self._table(obj):
            return False
        if obj in PARENTS:
            self.upsert(obj, [{"id": key, "status": "DELETED", "configured_status": "DELETED"}], stamp)
            return True
        self._changed()
        gone = self._rows[obj].pop(key)
        if obj in INSIGHTS:
            self._add_up(obj, gone)
        return True

    def _add_up(self, obj: str, changed: Record) -> None:
        """The rows of that day in the levels above are sums of this level's again."""
        at = LEVELS.index(INSIGHTS[obj])
        for level in LEVELS[:at]:
            own, day = ID_OF[level], changed["date_start"]
            members = [
                row
                for row in self._rows[obj].values()
                if (row.get(own), row["date_start"]) == (changed.get(own), day)
            ]
            above = self._rows[f"{level}_insights"]
            key = f"{changed.get(own)}/{day}"
            above.pop(key, None)
            if members:
                above[key] = roll_up(members, level)[0]

    def _rename(self, obj: str, key: str, node: Record) -> None:
        """Insights show every day what a node is called now."""
        level = {"accounts": "account", "campaigns": "campaign", "adsets": "adset", "ads": "ad"}[obj]
        column, name = f"{level}_name", node.get("name")
        for insights in INSIGHTS:
            table = self._rows[insights]
            for where, row in list(table.items()):
                if str(row.get(ID_OF[level])) == key and row.get(column, name) != name:
                    table[where] = {**row, column: name}

    def _take_effect(self, obj: str, key: str) -> None:
        """The effective status of a node and of all that hangs on it."""
        column = {"campaigns": "campaign_id", "adsets": "adset_id", "ads": "id"}.get(obj)
        for child in PARENTS:
            for where, row in list(self._rows[child].items()):
                if (child == obj and where == key) or (column is not None and row.get(column) == key):
                    self._rows[child][where] = {**row, "effective_status": self._effective(child, row)}

    def _effective(self, obj: str, row: Record) -> str:
        if row.get("status") != "ACTIVE":
            return str(row.get("status"))
        for parent in PARENTS[obj]:
            above = self._rows[parent].get(str(row.get(f"{parent[:-1]}_id")), {})
            status = above.get("status", "ACTIVE")
            if status != "ACTIVE":
                return str(status) if status in HIDDEN else PASSED_ON[parent]
        return "ACTIVE"


def _check(obj: str, number: int, record: Record) -> None:
    needed = [ID_OF[INSIGHTS[obj]], "date_start", "date_stop"] if obj in INSIGHTS else ["id"]
    for name in [*needed, "account_id"] if obj != "accounts" else ["account_id"]:
        if not record.get(name):
            raise ValueError(f"record {number} of {obj} has no {name}")
