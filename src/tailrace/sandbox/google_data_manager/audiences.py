"""Who is in which audience: members by what identifies them, one member for each person."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tailrace.sandbox.vendor import RowError

Record = dict[str, Any]
THERE = ("7", "7001", "7001234567")
"""Audiences that every account has; others come into being with a record that is put into them by the admin API."""
GMAIL = ("gmail.com", "googlemail.com")


class Audiences:
    """Members keyed by audience and first identifier, as hexadecimal text whatever encoding they came in."""

    def __init__(self) -> None:
        self.members: dict[str, Record] = {}
        self.writes: Counter[str] = Counter()
        self._who: dict[str, str] = {}

    def ids(self) -> list[str]:
        """The audiences that exist."""
        return sorted({*THERE, *(record["audience"] for record in self.members.values())})

    def put(self, record: Record) -> None:
        """Hold a member, in the place of the one of its id."""
        self.drop(record["id"])
        self.members[record["id"]] = record
        self._who |= dict.fromkeys(_names(record["audience"], record["userIdentifiers"]), str(record["id"]))

    def drop(self, key: str) -> bool:
        """Forget a member; False where there is none."""
        record = self.members.pop(key, None)
        if record is None:
            return False
        for name in _names(record["audience"], record["userIdentifiers"]):
            self._who.pop(name, None)
        return True

    def add(self, audience: str, member: Mapping[str, Any], encoding: str, consent: Any) -> None:
        """A member that is known by any of its identifiers stays one member."""
        identifiers = plain(member, encoding)
        key = self._known(audience, identifiers) or f"{audience}/{name_of(identifiers[0])}"
        before = self.members.get(key, {}).get("userIdentifiers", [])
        kept = [one for one in before if one not in identifiers]
        both = [*kept, *identifiers]
        self.put({"id": key, "audience": audience, "userIdentifiers": both, "consent": consent})
        self.writes[key] += 1

    def remove(self, audience: str, member: Mapping[str, Any], encoding: str) -> None:
        """Whoever has any of the identifiers; nobody is no error."""
        while (key := self._known(audience, plain(member, encoding))) is not None:
            self.drop(key)
            self.writes[key] += 1

    def _known(self, audience: str, identifiers: list[Record]) -> str | None:
        return next((self._who[name] for name in _names(audience, identifiers) if name in self._who), None)


def _names(audience: str, identifiers: list[Record]) -> list[str]:
    """What a person is found by: an address alone is none, for a family shares it."""
    return [f"{audience}/{name_of(one)}" for one in identifiers if "address" not in one]


def name_of(identifier: Mapping[str, Any]) -> str:
    """An identifier's own hash; of an address, the family name's and the postal code."""
    if "address" in identifier:
        return f"{identifier['address']['familyName']}:{identifier['address']['postalCode']}"
    return str(next(iter(identifier.values())))


def plain(member: Mapping[str, Any], encoding: str) -> list[Record]:
    """The identifiers with hexadecimal hashes."""

    def hexadecimal(text: str) -> str:
        return text.lower() if encoding == "HEX" else base64.b64decode(text).hex()

    found: list[Record] = []
    for one in member["userData"]["userIdentifiers"]:
        ((kind, value),) = one.items()
        if kind == "address":
            names = {name: hexadecimal(value[name]) for name in ("givenName", "familyName")}
            found.append({kind: {**value, **names}})
        else:
            found.append({kind: hexadecimal(value)})
    return found


def refused_by(errors: Iterable[RowError], member: Mapping[str, Any], encoding: str) -> RowError | None:
    """The fault that names this member: by an e-mail, a phone number, or a hash."""
    names = {name_of(one) for one in plain(member, encoding)}
    return next(
        (error for error in errors if names & {one for key in error.keys for one in hashes(key)}), None
    )


def hashes(key: str) -> set[str]:
    """A key as it is, and as Google hashes an e-mail or a phone number."""
    local, at, domain = key.rpartition("@")
    mail = f"{local.split('+')[0].replace('.', '')}@{domain}" if at and domain in GMAIL else key
    return {key, *(hashlib.sha256(text.encode()).hexdigest() for text in (key, mail))}
