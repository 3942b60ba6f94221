"""Meta as a destination: people added to a customer-file audience and taken out, by hashed identifiers (vendor-apis.md 7.3).

Both requests may be repeated. There is nothing to read back: Meta shows no one who is in an audience.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from tailrace.connectors.meta_ads.api import Api
from tailrace.connectors.meta_ads.graph import InvalidParameter, TooMuch
from tailrace.connectors.meta_ads.identifiers import HASH, Unsendable, entry_value
from tailrace.connectors.sdk.paging import chunks
from tailrace.connectors.sdk.writing import WriteBatch, WriteOnly, WriteResult, WriteRow
from tailrace.errors import TailraceError, VendorRefused

SILENT = "Meta's answer does not count this entry"
INVALID = "Meta calls the entry invalid"
STILL_THERE = "who it was before is still there"
TAKEN_OVER = "another row is now who it was before, and Meta said nothing of that one"


@dataclass(frozen=True)
class Entry:
    """A row as it is sent; `values` by the schema's place, `before` the identity that it had, hashed."""

    row: WriteRow
    values: tuple[str, ...]
    before: str = ""


@dataclass
class Told:
    """Outcomes by trace; `broke`: why the others have none, where Meta answered before. `splits` are left."""

    splits: int
    results: dict[str, WriteResult] = field(default_factory=dict)
    answered: bool = False
    broke: str | None = None

    def stop(self, error: TailraceError) -> None:
        """Nothing more is sent; raises where Meta took nothing yet, for then the error is the whole batch's."""
        if not self.answered:
            raise error
        self.broke = error.message

    def of(self, row: WriteRow) -> WriteResult:
        """The row's outcome."""
        return self.results.get(row.trace) or WriteResult(row.trace, "unknown", reason=self.broke or SILENT)


class Audiences(WriteOnly):
    """The audiences that one token may change."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order. Former identities go out after the new ones are in."""
        match = str(batch.match_field)
        schema = (match, *_further(batch, match))
        refused, entries = dict[str, WriteResult](), list[Entry]()
        for row in batch.rows:
            try:
                entries.append(_entry(row, schema, batch.options))
            except Unsendable as error:
                refused[row.trace] = WriteResult(row.trace, "dead", None, str(error), error.field)
        told = Told(batch.options["splits"])
        self._send("DELETE" if batch.operation == "archive" else "POST", batch, schema, entries, told)
        if batch.operation != "archive":
            self._forget(batch, schema, entries, told)
        return [refused.get(row.trace) or told.of(row) for row in batch.rows]

    def _forget(self, batch: WriteBatch, schema: Sequence[str], entries: Sequence[Entry], told: Told) -> None:
        """Takes out who accepted rows were before, unless an accepted row is that now.

        Whom Meta knew by both goes out by that, so the rows come in once more afterwards.
        """
        outcomes = {entry.row.trace: told.of(entry.row).outcome for entry in entries}
        now = {entry.values[0]: outcomes[entry.row.trace] for entry in entries}
        moved = [entry for entry in entries if entry.before and outcomes[entry.row.trace] == "acked"]
        leaving = []
        for entry in moved:
            if now.get(entry.before) == "unknown":
                told.results[entry.row.trace] = WriteResult(entry.row.trace, "unknown", reason=TAKEN_OVER)
            elif now.get(entry.before) != "acked":
                leaving.append(entry)
        former = [Entry(entry.row, (entry.before,)) for entry in leaving]
        gone = Told(told.splits, answered=True, broke=told.broke)
        self._send("DELETE", batch, schema[:1], former, gone)
        back = Told(gone.splits, answered=True, broke=gone.broke)
        again = [entry for entry in leaving if gone.of(entry.row).outcome == "acked"]
        self._send("POST", batch, schema, again, back)
        for entry in leaving:
            outcome = gone.of(entry.row)
            if outcome.outcome == "acked":
                told.results[entry.row.trace] = back.of(entry.row)
            else:
                told.results[entry.row.trace] = replace(outcome, reason=f"{STILL_THERE}. {outcome.reason}")

    def _send(
        self, method: str, batch: WriteBatch, schema: Sequence[str], entries: Sequence[Entry], told: Told
    ) -> None:
        refusal: VendorRefused | None = None
        for some in chunks(entries, batch.options["batch"]):
            refusal = self._decide(method, batch.options["audience"], schema, some, told) or refusal
        if refusal is not None and not told.answered:
            raise refusal

    def _decide(
        self, method: str, audience: str, schema: Sequence[str], entries: Sequence[Entry], told: Told
    ) -> VendorRefused | None:
        """Sends; where Meta refuses all for some of it, or does not name the invalid ones, halves are sent until they are found.

        Returns the last refusal: where nothing at all was taken, it is the request's and no row's.
        """
        if told.broke is not None or not entries:
            return None
        try:
            answer = self._request(method, audience, schema, [entry.values for entry in entries])
        except (InvalidParameter, TooMuch) as error:
            return self._refused(method, audience, schema, entries, told, error)
        except TailraceError as error:
            told.stop(error)
            return None
        told.answered = True
        if not _judge(answer, entries, told) and len(entries) > 1:
            return self._in_halves(method, audience, schema, entries, told)
        return None

    def _refused(
        self,
        method: str,
        audience: str,
        schema: Sequence[str],
        entries: Sequence[Entry],
        told: Told,
        error: VendorRefused,
    ) -> VendorRefused | None:
        if isinstance(error, InvalidParameter):
            if len(entries) == 1:
                _settle(entries, "dead", error.message, told)
                return error
            told.splits -= 1
        if told.splits < 0:
            fix = "check the sync's options; where rows are at fault, raise its option splits"
            told.stop(VendorRefused(error.message, fix))
            return None
        if len(entries) == 1:
            told.stop(error)
            return None
        return self._in_halves(method, audience, schema, entries, told) or error

    def _in_halves(
        self, method: str, audience: str, schema: Sequence[str], entries: Sequence[Entry], told: Told
    ) -> VendorRefused | None:
        middle = len(entries) // 2
        first = self._decide(method, audience, schema, entries[:middle], told)
        return self._decide(method, audience, schema, entries[middle:], told) or first

    def _request(
        self, method: str, audience: str, schema: Sequence[str], rows: Iterable[Sequence[str]]
    ) -> Mapping[str, Any]:
        payload = {"schema": list(schema), "is_raw": True, "data": [list(row) for row in rows]}
        answer = self._api.call(method, f"{audience}/users", {"payload": payload}).json()
        return answer if isinstance(answer, Mapping) else {}


def _further(batch: WriteBatch, match: str) -> list[str]:
    """The identifiers beside the match field that any row has, in one order."""
    return sorted({name for row in batch.rows for name in row.values} - {match})


def _entry(row: WriteRow, schema: Sequence[str], options: Mapping[str, Any]) -> Entry:
    values = (row.key, *(row.values.get(name) for name in schema[1:]))
    sent = tuple(entry_value(name, value, options) for name, value in zip(schema, values, strict=True))
    if not sent[0]:
        raise Unsendable(f"{schema[0]} is empty", schema[0])
    return Entry(row, sent, _before(row, schema[0], options))


def _before(row: WriteRow, match: str, options: Mapping[str, Any]) -> str:
    """Who the row was: a value that was accepted once can be spelled again; one that no longer can was never sent."""
    try:
        return entry_value(match, row.previous_key, options)
    except Unsendable:
        return ""


def _count(answer: Mapping[str, Any], name: str) -> int | None:
    text = str(answer.get(name))
    return int(text) if re.fullmatch(r"[0-9]+", text) else None


def _judge(answer: Mapping[str, Any], entries: Sequence[Entry], told: Told) -> bool:
    """Settles what the counts decide; False where a smaller request would tell more."""
    received, invalid = _count(answer, "num_received"), _count(answer, "num_invalid_entries")
    if received is None:
        return True
    named = _named(answer.get("invalid_entry_samples"), entries) if invalid else []
    missing = len(entries) - received if received + (invalid or 0) != len(entries) else 0
    if not invalid and missing <= 0:
        _settle(entries, "acked", None, told)
    elif invalid == len(entries):
        _settle(entries, "dead", INVALID, told)
    elif missing <= 0 and len(named) == invalid:
        _settle(named, "dead", INVALID, told)
        _settle([entry for entry in entries if entry not in named], "acked", None, told)
    else:
        return False
    return True


def _named(samples: Any, entries: Sequence[Entry]) -> list[Entry]:
    """The entries whose identity stands in the samples, whatever their form (a map of texts, by Meta's reference).

    Only a hash is unmistakable: an EXTERN_ID like 1 may stand there for something else.
    """
    text = samples if isinstance(samples, str) else orjson.dumps(samples or {}).decode()
    return [entry for entry in entries if HASH.fullmatch(entry.values[0]) and entry.values[0] in text]


def _settle(entries: Iterable[Entry], outcome: Any, reason: str | None, told: Told) -> None:
    for entry in entries:
        told.results[entry.row.trace] = WriteResult(entry.row.trace, outcome, reason=reason)
