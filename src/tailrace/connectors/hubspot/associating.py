"""Records with associations: the other records are found first, and a row whose other record is not there waits whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.association_types import PRIMARY, Kinds
from tailrace.connectors.hubspot.batches import match_key
from tailrace.connectors.hubspot.finder import Finder
from tailrace.connectors.hubspot.pairs import Pair, Pairs, Refused
from tailrace.connectors.hubspot.records import Records
from tailrace.connectors.sdk.writing import (
    Link,
    WriteBatch,
    WriteResult,
    WriteRow,
)

WITHOUT_LINKS = ("clear", "archive")


@dataclass(frozen=True)
class _Tie:
    """One link of one accepted row, as record ids; `former` is the record that it led to before."""

    trace: str
    link: Link
    record_id: str
    other: str | None
    former: str | None


class Associating:
    """Nothing is half done: of a row that is accepted, all associations are made, or the row is not accepted.

    What this sync associated before (`Link.before`) is taken out when the key changes; what people associated stays.
    """

    def __init__(self, api: Api, records: Records, finder: Finder) -> None:
        self._api, self._records, self._finder = api, records, finder
        self._kinds = Kinds(api)

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order."""
        for target, label in {(link.object, link.label) for row in batch.rows for link in row.links}:
            self._api.place(target)
            if label or batch.operation == "create":
                self._kinds.named(batch.object, target, label)
        found = self._look_up(batch)
        held = [result for row in batch.rows if (result := _held(row, found)) is not None]
        waiting = {result.trace for result in held}
        sent = replace(batch, rows=tuple(row for row in batch.rows if row.trace not in waiting))
        results = [*held, *(self._send(sent, found) if sent.rows else [])]
        by_trace = {result.trace: result for result in results}
        return [by_trace[row.trace] for row in batch.rows]

    def _look_up(self, batch: WriteBatch) -> Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]:
        """Record ids by object and match field, then by folded key."""
        wanted: dict[tuple[str, str], list[str]] = {}
        for link in (link for row in batch.rows for link in row.links):
            keys = [key for key in (link.key, link.before) if key is not None]
            wanted.setdefault((link.object, link.match_field), []).extend(keys)
        return {place: self._finder.ids(*place, keys) for place, keys in wanted.items()}

    def _send(self, batch: WriteBatch, found: Mapping[Any, Any]) -> list[WriteResult]:
        """A new record brings its associations along, in one step; an existing one gets them after it was accepted."""
        if batch.operation == "create":
            return self._records.write(
                batch, {row.trace: self._brought(batch, row, found) for row in batch.rows}
            )
        results = self._records.write(batch)
        rows = {row.trace: row for row in batch.rows}
        ties = [
            tie
            for result in results
            if result.outcome == "acked" and result.remote_id
            for tie in _ties(rows[result.trace], result.remote_id, batch.operation == "update", found)
        ]
        refused = self._tie(batch.object, ties)
        return [refused.get(result.trace, result) for result in results]

    def _brought(self, batch: WriteBatch, row: WriteRow, found: Mapping[Any, Any]) -> Mapping[str, Any]:
        wanted = []
        for link in row.links:
            other = _only(found, link, link.key)
            if other is not None:
                kind = self._kinds.named(batch.object, link.object, link.label)
                wanted.append({"to": {"id": other}, "types": [kind.spec]})
        return {"associations": wanted} if wanted else {}

    def _tie(self, obj: str, ties: Sequence[_Tie]) -> dict[str, WriteResult]:
        """Associations made, then former ones taken out; the rows of which something failed, by trace."""
        failed: dict[str, WriteResult] = {}
        for target, label in sorted({(tie.link.object, tie.link.label) for tie in ties}):
            some = [tie for tie in ties if (tie.link.object, tie.link.label) == (target, label)]
            pairs = Pairs(self._api, obj, target)
            kind = self._kinds.named(obj, target, label) if label else None
            new = {tie.trace: (tie.record_id, tie.other) for tie in some if tie.other is not None}
            refused = pairs.make(list(new.values()), kind)
            failed.update(_failures(some, new, refused))
            old = {
                tie.trace: (tie.record_id, tie.former)
                for tie in some
                if tie.former is not None and tie.trace not in failed
            }
            failed.update(_failures(some, old, self._take_out(pairs, obj, target, label, old, new)))
        if failed:
            self._finder.forget()
        return failed

    def _take_out(
        self,
        pairs: Pairs,
        obj: str,
        target: str,
        label: str,
        old: Mapping[str, Pair],
        new: Mapping[str, Pair],
    ) -> dict[Pair, Refused]:
        """A label goes alone. Without one the whole association goes, but one that people labelled stays."""
        if not old:
            return {}
        if label:
            moved = [pair for trace, pair in old.items() if label.lower() == PRIMARY and trace in new]
            gone = [
                pair for pair in old.values() if pair not in moved
            ]  # a new primary has replaced the former
            return pairs.cut(gone, self._kinds.named(obj, target, label))
        there = pairs.kinds([one for one, _ in old.values()])
        gone = [
            pair for pair in old.values() if pair in there and not any(kind.by_people for kind in there[pair])
        ]
        return pairs.cut(gone, None)


def _held(row: WriteRow, found: Mapping[Any, Any]) -> WriteResult | None:
    """A row that names a record which is not there, or which several could be, is not sent."""
    for link in row.links:
        ids = _ids(found, link, link.key)
        where, place = f"{link.match_field}={link.key}", f"associations.{link.object}"
        if link.key is not None and not ids:
            reason = f"HubSpot has no {link.object} with {where} yet"
            return WriteResult(row.trace, "unmatched", row.remote_id, reason, place)
        if len(ids) > 1:
            reason = f"{len(ids)} {link.object} have {where}: {', '.join(ids[:5])}"
            return WriteResult(row.trace, "dead", row.remote_id, reason, place)
    return None


def _ties(row: WriteRow, record_id: str, known: bool, found: Mapping[Any, Any]) -> Iterator[_Tie]:
    """The links of a row that have to be made or taken out. `known`: the record is one that was written before."""
    for link in row.links:
        other, former = _only(found, link, link.key), _only(found, link, link.before)
        same = (
            link.key is not None and link.before is not None and match_key(link.key) == match_key(link.before)
        )
        if same and known:
            continue
        if other is not None or former is not None:
            yield _Tie(row.trace, link, record_id, other, None if former == other else former)


def _ids(found: Mapping[Any, Any], link: Link, key: str | None) -> tuple[str, ...]:
    if key is None:
        return ()
    ids: tuple[str, ...] = found[link.object, link.match_field].get(match_key(key), ())
    return ids


def _only(found: Mapping[Any, Any], link: Link, key: str | None) -> str | None:
    ids = _ids(found, link, key)
    return ids[0] if len(ids) == 1 else None


def _failures(
    ties: Sequence[_Tie], pairs: Mapping[str, Pair], refused: Mapping[Pair, Refused]
) -> dict[str, WriteResult]:
    """The record was written, its association was not: the row is sent again, which does no harm."""
    found = {}
    for tie in ties:
        why = refused.get(pairs[tie.trace]) if tie.trace in pairs else None
        if why is not None:
            outcome = "dead" if why.is_sure else "unknown"
            place = f"associations.{tie.link.object}"
            found[tie.trace] = WriteResult(tie.trace, outcome, tie.record_id, why.reason, place, touched=True)  # type: ignore[arg-type]
    return found
