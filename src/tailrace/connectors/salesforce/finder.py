"""Records found by the values of one field: SOQL's IN, as many keys a query as a URL holds (vendor-apis.md 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from tailrace.connectors.salesforce.api import LONGEST_QUERY, Api, Record, Refused
from tailrace.connectors.salesforce.target import RECORD_ID, Target
from tailrace.connectors.salesforce.values import NUMBERS
from tailrace.connectors.sdk.paging import by_cursor
from tailrace.errors import Unavailable

SHORT = 15
IDS = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
MOST_KEYS = 2000
"""Keys of one query, so that it answers in one page."""


class Finder:
    """Queries on one org."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def records(
        self, target: Target, match_field: str, keys: Iterable[str], names: Sequence[str]
    ) -> Iterator[Record]:
        """The live records whose field is one of the keys, in id order, with Id, the field and those named."""
        kind = target.kind(match_field)
        literals = [found for key in keys if (found := literal(str(key).strip(), kind)) is not None]
        selected = ", ".join(dict.fromkeys((RECORD_ID, match_field, *names)))
        start = f"SELECT {selected} FROM {target.name} WHERE {match_field} IN ("
        for some in _fitting(list(dict.fromkeys(literals)), len(start)):
            yield from self._all(f"{start}{','.join(some)}) ORDER BY Id")

    def ids(self, target: Target, match_field: str, keys: Sequence[str]) -> Callable[[str], list[str]]:
        """The ids of the records that have a key, by key."""
        fold = folding(target, match_field)
        found: dict[str, list[str]] = {}
        for record in self.records(target, match_field, keys, ()):
            found.setdefault(fold(record[match_field]), []).append(str(record[RECORD_ID]))
        return lambda key: found.get(fold(key), [])

    def _all(self, soql: str) -> Iterator[Record]:
        def fetch(path: str | None) -> Record:
            return self._api.query(soql) if path is None else self._api.more(path)

        count = total = 0
        try:
            for page in by_cursor(fetch, _following):
                count, total = count + len(page["records"]), page["totalSize"]
                yield from page["records"]
        except Refused as refused:
            raise Unavailable(refused.error.message, "run again") from None
        if count < total:
            text = f"{self._api.connection}: Salesforce answered {count} of {total} records"
            raise Unavailable(text, "run again; if it stays, tell Salesforce")


def literal(key: str, kind: str) -> str | None:
    """A key as SOQL writes a value of that type; None for one that no record can have."""
    if kind in ("id", "reference") and not IDS.fullmatch(key):
        return None
    if kind in NUMBERS:
        number = _decimal(key)
        return None if number is None else format(number, "f")
    if not key:
        return None
    return "'" + "".join(ESCAPES.get(letter, letter) for letter in key) + "'"


def folding(target: Target, match_field: str) -> Callable[[Any], str]:
    """How values of a field are compared: ids by 15 characters, numbers as such, texts regardless of case unless it says so."""
    found: Mapping[str, Any] = target.fields.get(match_field, {})
    if found.get("type") in ("id", "reference"):
        return lambda value: str(value).strip()[:SHORT]
    if found.get("type") in NUMBERS:
        return _folded_number
    if found.get("caseSensitive"):
        return lambda value: str(value).strip()
    return lambda value: str(value).strip().lower()


def _folded_number(value: Any) -> str:
    number = _decimal(str(value))
    return str(value) if number is None else str(number.normalize())


def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _fitting(literals: Sequence[str], taken: int) -> Iterator[list[str]]:
    some: list[str] = []
    length = taken
    for one in literals:
        size = len(quote(one)) + len("%2C")
        if some and (length + size > LONGEST_QUERY or len(some) == MOST_KEYS):
            yield some
            some, length = [], taken
        some.append(one)
        length += size
    if some:
        yield some


def _following(document: Mapping[str, Any]) -> str | None:
    return None if document["done"] else str(document["nextRecordsUrl"])
