"""Rows as they are sent: whom each one is about, and its values as the object's fields take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.salesforce.finder import Finder, folding
from tailrace.connectors.salesforce.target import RECORD_ID, Lookup, Target, Targets
from tailrace.connectors.salesforce.values import Plain, Room, Unsendable, as_json, fitting, plain
from tailrace.connectors.sdk.writing import (
    Link,
    WriteBatch,
    WriteResult,
    WriteRow,
)
from tailrace.errors import FatalError

NAMED = 5
"""Ids that a reason names at most."""
ADDRESSED = ("update", "clear", "archive")
"""Operations on a record whose id must be known."""


@dataclass(frozen=True)
class Sent:
    """A row as it is sent. `identity`: the record's id, or the value it is upserted by; empty for a new record."""

    row: WriteRow
    identity: str
    values: Mapping[str, Plain]
    links: tuple[tuple[Lookup, str | None, Plain], ...] = ()
    """Lookups with their keys, as they were given and as they are sent."""
    refers: bool = False
    """Whether it names other records, of which an error may be, too."""

    def record(self, obj: str) -> dict[str, Any]:
        """The row in a request of Collections."""
        found: dict[str, Any] = {"attributes": {"type": obj}}
        found.update({name: as_json(value) for name, value in self.values.items()})
        for lookup, key, value in self.links:
            if key is None or lookup.match_field == RECORD_ID:
                found[lookup.field] = as_json(value)
            else:
                kind = {"attributes": {"type": lookup.obj}} if lookup.typed else {}
                found[lookup.relationship] = {**kind, lookup.match_field: as_json(value)}
        return found


class Rows:
    """Prepares batches; asks the org for ids where rows are named by a field that is no external id's upsert."""

    def __init__(self, targets: Targets, finder: Finder) -> None:
        self._targets, self._finder = targets, finder

    def prepared(self, batch: WriteBatch) -> tuple[list[Sent], list[WriteResult]]:
        """What can be sent, and what became of the rows that cannot."""
        target = self._targets.of(batch.object)
        self._check(batch, target)
        identify = self._identities(batch, target)
        lookups = self._lookups(batch, target)
        sent: list[Sent] = []
        done: list[WriteResult] = []
        seen: dict[str, str] = {}
        by_value = batch.operation == "upsert" and batch.match_field is not None
        fold = folding(target, str(batch.match_field) if by_value else RECORD_ID)
        for row in batch.rows:
            found = identify(row)
            try:
                one = found if isinstance(found, WriteResult) else _sent(batch, target, row, found, lookups)
            except Unsendable as error:
                one = WriteResult(row.trace, "dead", row.remote_id, str(error), error.field)
            if isinstance(one, Sent) and batch.operation != "create":
                known = row.remote_id if by_value else one.identity
                one = _once(one, fold(one.identity), seen, known)
            (sent if isinstance(one, Sent) else done).append(one)  # type: ignore[arg-type]
        return sent, done

    def _check(self, batch: WriteBatch, target: Target) -> None:
        if batch.match_field is None:
            return
        target.match(batch.match_field)
        if batch.operation == "upsert":
            target.check_upsert(batch.match_field)
        if batch.operation == "create" and batch.match_field == RECORD_ID:
            raise FatalError(
                f"{target.connection}: nobody can choose the Id of a new {target.name}",
                "match on an external id, or write mode: update",
            )

    def _identities(self, batch: WriteBatch, target: Target) -> Callable[[WriteRow], str | WriteResult]:
        """For each row its identity, or its outcome where it has none."""
        if batch.operation == "create":
            return lambda _: ""
        if batch.operation == "upsert" or batch.match_field in (None, RECORD_ID):
            return _own
        keys = [str(row.key) for row in batch.rows if row.key is not None]
        ids = self._finder.ids(target, str(batch.match_field), keys)
        return lambda row: _found(row, target, batch, ids)

    def _lookups(self, batch: WriteBatch, target: Target) -> dict[tuple[str, str, str], Lookup]:
        links = {_named(link): link for row in batch.rows for link in row.links}
        return {name: target.lookup(link, self._targets.of(link.object)) for name, link in links.items()}


def _named(link: Link) -> tuple[str, str, str]:
    return link.object, link.match_field, link.label


def _own(row: WriteRow) -> str | WriteResult:
    identity = row.key if row.key is not None else row.remote_id
    if identity is None or not str(identity).strip():
        return WriteResult(row.trace, "dead", None, "the row has neither a match value nor a record id")
    return str(identity)


def _found(
    row: WriteRow, target: Target, batch: WriteBatch, ids: Callable[[str], list[str]]
) -> str | WriteResult:
    found = ids(str(row.key)) if row.key is not None else []
    if len(found) == 1:
        return found[0]
    if not found:
        return WriteResult(
            row.trace, "unmatched", None, f"Salesforce has no {target.name} with this {batch.match_field}"
        )
    more = ", ..." if len(found) > NAMED else ""
    several = f"{len(found)} records have this {batch.match_field}: {', '.join(found[:NAMED])}{more}"
    return WriteResult(row.trace, "dead", None, several, batch.match_field)


def _once(one: Sent, name: str, seen: dict[str, str], known: str | None) -> Sent | WriteResult:
    """Two rows for one record would leave either one's values there: the second is refused."""
    if seen.setdefault(name, one.row.trace) != one.row.trace:
        text = f"another row is about the same record, {one.identity}"
        return WriteResult(one.row.trace, "dead", known, text)
    return one


def _sent(
    batch: WriteBatch,
    target: Target,
    row: WriteRow,
    identity: str,
    lookups: Mapping[tuple[str, str, str], Lookup],
) -> Sent:
    if batch.operation == "archive":
        return Sent(row, identity, {RECORD_ID: identity})
    values = {name: _value(name, value, target) for name, value in row.values.items()}
    match = batch.match_field
    if batch.operation == "upsert" and match is not None:
        values[match] = _value(match, identity, target)
    elif batch.operation == "create":
        if match is not None and row.key is not None:
            values.setdefault(match, _value(match, row.key, target))
    else:
        values[RECORD_ID] = identity
    links = tuple(
        (found, link.key, _key(found, link)) for link in row.links for found in [lookups[_named(link)]]
    )
    refers = any(key is not None for _, key, _ in links) or any(
        value is not None and target.kind(name) == "reference" for name, value in values.items()
    )
    return Sent(row, identity, values, links, refers)


def _key(lookup: Lookup, link: Link) -> Plain:
    return _plain(lookup.field, link.key, lookup.kind, lookup.room)


def _value(name: str, value: Any, target: Target) -> Plain:
    return _plain(name, value, target.kind(name), target.room(name))


def _plain(name: str, value: Any, kind: str, room: Room) -> Plain:
    try:
        return fitting(plain(value, kind), room)
    except Unsendable as error:
        error.field = name
        raise
