"""Members of a static list: records are found by the match field, then added and removed by id.

Paths: vendor-apis.md 1.2; the answer's names: both official SDKs (`recordsIdsAdded`, `recordIdsRemoved`, `recordIdsMissing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.batches import match_key
from tailrace.connectors.hubspot.finder import Finder
from tailrace.connectors.hubspot.offers import STANDARD
from tailrace.connectors.hubspot.outcomes import RECORD_ID
from tailrace.connectors.sdk.paging import chunks
from tailrace.connectors.sdk.writing import WriteBatch, WriteResult, WriteRow
from tailrace.errors import FatalError

LIST_MEMBERS = "list_members"
FILLED_BY_HUBSPOT = "DYNAMIC"
MISSING = ("recordIdsMissing", "recordsIdsMissing")
DONE = ("recordsIdsAdded", "recordIdsAdded", "recordIdsRemoved", "recordsIdsRemoved")


@dataclass(frozen=True)
class _Move:
    """What one row asks of the list: the record to be in it, and those to be out of it."""

    trace: str
    wanted: str | None
    unwanted: tuple[str, ...]


class Memberships:
    """`upsert` adds, `archive` removes; both may be repeated."""

    def __init__(self, api: Api, finder: Finder) -> None:
        self._api, self._finder = api, finder
        self._sound: set[tuple[str, str]] = set()

    def check(self, options: Mapping[str, Any]) -> None:
        """FatalError where the list is not there, is filled by HubSpot itself, or holds another object's records."""
        key, obj = str(options["list"]), str(options["object"])
        if (key, obj) in self._sound:
            return
        answer = self._api.http.request("GET", self._api.path("lists", key), accept=(404,))
        found = (answer.json() or {}).get("list") if answer.status < 300 else None
        if not isinstance(found, Mapping):
            raise FatalError(
                f"HubSpot has no list {key}", "write the list's id, as its address in HubSpot has it"
            )
        name = found.get("name") or key
        if found.get("processingType") == FILLED_BY_HUBSPOT:
            fix = "make a static list, and name its id in options"
            raise FatalError(f"list {key} ({name}) is an active list: HubSpot alone fills it", fix)
        held = found.get("objectTypeId")
        if obj in STANDARD and held is not None and str(held) != STANDARD[obj].type_id:
            fix = "name the list's object in options"
            raise FatalError(f"list {key} ({name}) holds records of {held}, not {obj}", fix)
        self._sound.add((key, obj))

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order. No remote ids: a membership has none."""
        self.check(batch.options)
        found = self._look_up(batch)
        held = {row.trace: told for row in batch.rows if (told := _ambiguous(batch, row, found)) is not None}
        moves = [_move(batch, row, found) for row in batch.rows]
        out = batch.operation == "archive"
        results = dict(held)
        for some in chunks(
            [move for move in moves if _asks(move) and move.trace not in held], int(batch.options["batch"])
        ):
            results.update(self._move(str(batch.options["list"]), some))
        obj, match = batch.options["object"], batch.match_field or RECORD_ID
        return [
            results.get(move.trace) or _nobody(row, obj, match, was_out=out)
            for row, move in zip(batch.rows, moves, strict=True)
        ]

    def _look_up(self, batch: WriteBatch) -> Mapping[str, tuple[str, ...]]:
        keys = [str(key) for row in batch.rows for key in (row.key, row.previous_key) if key is not None]
        return self._finder.ids(str(batch.options["object"]), batch.match_field or RECORD_ID, keys)

    def _move(self, key: str, moves: Sequence[_Move]) -> dict[str, WriteResult]:
        """A record that one row wants in the list is never taken out for another's sake."""
        wanted = list(dict.fromkeys(move.wanted for move in moves if move.wanted is not None))
        unwanted = dict.fromkeys(one for move in moves for one in move.unwanted if one not in wanted)
        told = self._put(key, wanted, list(unwanted))
        if told is None:
            silent = "HubSpot's answer says nothing of the members"
            return {move.trace: WriteResult(move.trace, "unknown", reason=silent) for move in moves}
        return {move.trace: _outcome(move, told) for move in moves}

    def _put(self, key: str, wanted: Sequence[str], unwanted: Sequence[str]) -> set[str] | None:
        """The ids that HubSpot does not know; None where the answer tells of no ids at all."""
        path = self._api.path("lists", f"{key}/memberships")
        both = {"recordIdsToAdd": list(wanted), "recordIdsToRemove": list(unwanted)}
        verb: str
        body: Any
        verb, body = ("add-and-remove", both) if wanted and unwanted else ("add", list(wanted))
        if not wanted:
            verb, body = "remove", list(unwanted)
        document = self._api.http.request("PUT", f"{path}/{verb}", json=body, retry=True).json()
        if not isinstance(document, Mapping) or not any(name in document for name in (*MISSING, *DONE)):
            return None
        return {str(one) for name in MISSING for one in document.get(name) or ()}


def _ambiguous(batch: WriteBatch, row: WriteRow, found: Mapping[str, tuple[str, ...]]) -> WriteResult | None:
    """Whom to take out is not known where several records have the value: nobody is."""
    key = row.key if batch.operation == "archive" else row.previous_key
    ids = _ids(found, key)
    if len(ids) < 2:
        return None
    where = f"{batch.options['object']} have {batch.match_field or RECORD_ID}={key}: {', '.join(ids[:5])}"
    return WriteResult(row.trace, "dead", reason=f"{len(ids)} {where}; none was taken out of the list")


def _move(batch: WriteBatch, row: WriteRow, found: Mapping[str, tuple[str, ...]]) -> _Move:
    here = _ids(found, row.key) if row.key is not None else _own(row)
    if batch.operation == "archive":
        return _Move(row.trace, None, here)
    if len(here) != 1:
        return _Move(row.trace, None, ())
    before = tuple(one for one in _ids(found, row.previous_key) if one not in here)
    return _Move(row.trace, here[0], before)


def _ids(found: Mapping[str, tuple[str, ...]], key: Any) -> tuple[str, ...]:
    return found.get(match_key(key), ()) if key is not None else ()


def _own(row: WriteRow) -> tuple[str, ...]:
    return (row.remote_id,) if row.remote_id else ()


def _asks(move: _Move) -> bool:
    return move.wanted is not None or bool(move.unwanted)


def _outcome(move: _Move, unknown: set[str]) -> WriteResult:
    if move.wanted is not None and move.wanted in unknown:
        return WriteResult(move.trace, "unmatched", reason=f"HubSpot has no record {move.wanted} any more")
    return WriteResult(move.trace, "acked")


def _nobody(row: WriteRow, obj: str, match: str, *, was_out: bool) -> WriteResult:
    ending = ": it was not taken out" if was_out else " yet"
    reason = f"HubSpot has no single record of {obj} with {match}={row.key}{ending}"
    return WriteResult(row.trace, "unmatched", reason=reason)
