"""Customer-file audiences: who is in them by hashed identifiers, added and taken out by /{audience}/users (vendor-apis 7.3)."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tailrace.sandbox.meta_ads.call import Call, known
from tailrace.sandbox.meta_ads.errors import GraphError, invalid, unknown_node
from tailrace.sandbox.vendor import RowError
from tailrace.sandbox.wire import Response

Record = dict[str, Any]
AUDIENCES, USERS = "custom_audiences", "custom_audience_users"
OBJECTS = (AUDIENCES, USERS)
STRONG = ("EXTERN_ID", "EMAIL", "PHONE", "MADID")
"""Each names one person by itself."""
UNHASHED = ("EXTERN_ID",)
EITHER = ("MADID",)
"""The vendor's SDK hashes it where there are several keys and does not where it is alone."""
KEYS = (*STRONG, "GEN", "DOBY", "DOBM", "DOBD", "LN", "FN", "FI", "CT", "ST", "ZIP", "COUNTRY")
SINGLE = {"EMAIL_SHA256": "EMAIL", "PHONE_SHA256": "PHONE", "MOBILE_ADVERTISER_ID": "MADID"}
MOST_USERS = 10_000
FIELDS = frozenset(
    (
        *("id", "account_id", "name", "subtype", "description", "customer_file_source"),
        *("approximate_count_lower_bound", "approximate_count_upper_bound"),
        *("operation_status", "delivery_status", "time_created", "time_updated"),
    )
)
CREATED = frozenset(("name", "subtype", "description", "customer_file_source"))
SUBTYPES, SOURCES = (
    ("CUSTOM",),
    ("USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"),
)
FIRST_AUDIENCE, FIRST_SESSION = 23850000000000001, 7000000000000001
SEEDED = 3


@dataclass
class Habits:
    """What stored documentation leaves open, and what may be wrong with an account."""

    samples: int = 5
    invalid_are_received: bool = True
    terms_accepted: bool = True


class Audiences:
    """The audiences of all accounts and their users, by id."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self._accounts = tuple(accounts)
        self.habits = Habits()
        self.writes: dict[str, Counter[str]] = {name: Counter() for name in OBJECTS}
        self._rows: dict[str, dict[str, Record]] = {name: {} for name in OBJECTS}
        self._by: dict[tuple[str, str, str], str] = {}
        self._sessions = 0
        for account in self._accounts:
            key = self.create(account, {"name": "Customers", "customer_file_source": SOURCES[0]})
            for number in range(SEEDED):
                email = f"by-hand-{number}@millbrook.example"
                self._put(key, {"EMAIL": hashlib.sha256(email.encode()).hexdigest()})

    def create(self, account: str, body: Mapping[str, Any]) -> str:
        """A new empty audience; its id."""
        key = str(FIRST_AUDIENCE + len(self._rows[AUDIENCES]))
        about = {name: body[name] for name in CREATED if body.get(name)}
        self._rows[AUDIENCES][key] = {"id": key, "account_id": account, "subtype": "CUSTOM", **about}
        return key

    def find(self, key: str) -> Record | None:
        return self._rows[AUDIENCES].get(key)

    def of_account(self, account: str) -> list[Record]:
        return [row for row in self._rows[AUDIENCES].values() if row["account_id"] == account]

    def shown(self, audience: Record, names: list[str]) -> Record:
        """The audience's fields that were asked for; of its size only a range, never below 1000."""
        known(names, FIELDS, "CustomAudience")
        size = sum(row["audience_id"] == audience["id"] for row in self._rows[USERS].values())
        low = max(1000, size // 100 * 100)
        about: Record = {
            **audience,
            "approximate_count_lower_bound": low,
            "approximate_count_upper_bound": low + 200,
            "operation_status": {"code": 200, "description": "Normal"},
        }
        return {**{name: about[name] for name in names if name in about}, "id": audience["id"]}

    def change(self, call: Call, audience: Record, row_errors: Iterable[RowError]) -> Response:
        """POST adds, DELETE takes out; entries that are malformed are counted, and a few of them shown."""
        self._admit(audience)
        keys, rows = _payload(call)
        refused = {
            word for error in row_errors for key in error.keys for word in (key, hashlib.sha256(key.encode()).hexdigest())
        }  # fmt: skip
        samples: dict[str, str] = {}
        wrong = written = 0
        for position, row in enumerate(rows):
            entry = _entry(keys, row)
            if entry is None or refused & set(entry.values()):
                wrong += 1
                if len(samples) < self.habits.samples:
                    samples[str(position)] = orjson.dumps(row).decode()
                continue
            change = self._put if call.request.method == "POST" else self._take
            written += len(change(audience["id"], entry, counted=True))
        self._sessions += 1
        response = call.answer(
            {
                "audience_id": audience["id"],
                "session_id": str(FIRST_SESSION + self._sessions),
                "num_received": len(rows) - (0 if self.habits.invalid_are_received else wrong),
                "num_invalid_entries": wrong,
                "invalid_entry_samples": samples,
            }
        )
        response.rows_written = written
        return response

    def _admit(self, audience: Record) -> None:
        account = audience["account_id"]
        if not self.habits.terms_accepted:
            where = f"https://www.facebook.com/customaudiences/app/tos/?act={account}"
            text = f"(#2663) Terms of service has not been accepted. To accept, go to {where}"
            raise GraphError(2663, text)
        if audience.get("subtype") != "CUSTOM":
            raise GraphError(2650, "(#2650) Failed to update the custom audience", subcode=1870061)

    def _put(self, audience: str, entry: Mapping[str, str], *, counted: bool = False) -> list[str]:
        """One person: whoever shares a strong identifier is the same one and gets the others, too."""
        held = self._known(audience, entry)
        strong = [name for name in STRONG if name in entry] or list(entry)
        key = held[0] if held else f"{audience}/{entry[strong[0]]}"
        merged = {**self._rows[USERS].get(key, {"id": key, "audience_id": audience}), **entry}
        self._hold(merged)
        if counted:
            self.writes[USERS][key] += 1
        return [key]

    def _take(self, audience: str, entry: Mapping[str, str], *, counted: bool = False) -> list[str]:
        """Whoever has one of the strong identifiers, or all of the others."""
        gone = self._known(audience, entry)
        if not gone and not set(STRONG) & entry.keys():
            rows = self._rows[USERS].values()
            gone = [
                row["id"] for row in rows if row["audience_id"] == audience and entry.items() <= row.items()
            ]
        for key in gone:
            self._drop(key)
            if counted:
                self.writes[USERS][key] += 1
        return gone

    def _known(self, audience: str, entry: Mapping[str, str]) -> list[str]:
        found = [self._by.get((audience, name, entry[name])) for name in STRONG if name in entry]
        return list(dict.fromkeys(key for key in found if key))

    def _hold(self, user: Record) -> None:
        self._rows[USERS][user["id"]] = user
        self._by |= {(user["audience_id"], name, user[name]): user["id"] for name in STRONG if name in user}

    def _drop(self, key: str) -> None:
        user = self._rows[USERS].pop(key)
        for name in STRONG:
            self._by.pop((user["audience_id"], name, user.get(name, "")), None)

    def all(self, obj: str) -> list[Record]:
        return list(self._rows[obj].values())

    def replace(self, obj: str, records: Iterable[Record]) -> None:
        """Hold exactly these; ValueError names the first without its id, its account or audience, or that stands there twice."""
        rows: dict[str, Record] = {}
        for number, record in enumerate(records, start=1):
            _check(obj, number, record)
            if record["id"] in rows:
                raise ValueError(f"record {number} of {obj}: {record['id']} is there more than once")
            rows[record["id"]] = record
        self._rows[obj] = {} if obj == USERS else rows
        if obj == USERS:
            self._by = {}
            for row in rows.values():
                self._hold(row)

    def upsert(self, obj: str, records: Iterable[Record]) -> None:
        """Add, or change what is given."""
        for number, record in enumerate(records, start=1):
            merged = {**self._rows[obj].get(str(record.get("id")), {}), **record}
            _check(obj, number, merged)
            if obj == USERS:
                self._hold(merged)
            else:
                self._rows[obj][merged["id"]] = merged

    def remove(self, obj: str, key: str) -> bool:
        """Gone; False where there is none."""
        if key not in self._rows[obj]:
            return False
        if obj == USERS:
            self._drop(key)
        else:
            del self._rows[obj][key]
        return True


def made(call: Call, audiences: Audiences, account: str) -> Response:
    """POST act_{id}/customaudiences."""
    for name in ("name", "subtype", "customer_file_source"):
        if not call.text(name):
            raise invalid(f"Missing parameter(s): {name}")
    if call.text("subtype") not in SUBTYPES or call.text("customer_file_source") not in SOURCES:
        raise invalid("Param subtype must be CUSTOM and customer_file_source one of " + ", ".join(SOURCES))
    return call.answer({"id": audiences.create(account, call.params)})


def one(
    call: Call, audiences: Audiences, audience: Record, edge: str, errors: Iterable[RowError]
) -> Response:
    """What a path that begins with an audience's id answers."""
    method = call.request.method
    if edge == "users" and method in ("POST", "DELETE"):
        return audiences.change(call, audience, errors)
    if edge or method not in ("GET", "DELETE"):
        raise unknown_node(audience["id"], method.lower())
    if method == "DELETE":
        audiences.remove(AUDIENCES, audience["id"])
        return call.answer({"success": True})
    return call.answer(audiences.shown(audience, call.fields()))


def _payload(call: Call) -> tuple[list[str], list[Any]]:
    payload = call.document("payload")
    if not isinstance(payload, dict):
        raise invalid("The parameter payload is required")
    schema, rows = payload.get("schema"), payload.get("data")
    keys = [SINGLE.get(schema, schema)] if isinstance(schema, str) else schema
    if not isinstance(keys, list) or not keys or not all(key in KEYS for key in keys):
        raise invalid(f"param payload[schema] must be of {', '.join(KEYS)}")
    if not isinstance(rows, list) or not rows:
        raise invalid("param payload[data] must be a non-empty array")
    if len(rows) > MOST_USERS:
        raise GraphError(105, f"(#105) The number of parameters exceeded the maximum of {MOST_USERS}")
    return keys, [row if isinstance(row, list) else [row] for row in rows]


def _entry(keys: list[str], row: list[Any]) -> dict[str, str] | None:
    """The identifiers of an entry; None where it is malformed: too short, empty, or not hashed where it has to be."""
    if len(row) != len(keys) or not all(isinstance(value, str) for value in row):
        return None
    entry = {key: value for key, value in zip(keys, row, strict=True) if value}
    plain = (*UNHASHED, *EITHER)
    hashed = all(key in plain or re.fullmatch(r"[0-9a-f]{64}", value) for key, value in entry.items())
    return entry if entry and hashed else None


def _check(obj: str, number: int, record: Record) -> None:
    for name in ("id", "audience_id" if obj == USERS else "account_id"):
        if not record.get(name):
            raise ValueError(f"record {number} of {obj} has no {name}")
