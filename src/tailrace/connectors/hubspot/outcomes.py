"""What became of each row of a batch, read from HubSpot's answer: by trace id, else by id or match value; never by position or prose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.hubspot.batches import (
    PASSING,
    Entry,
    context_of,
    entries,
    match_key,
    parts,
    texts_of,
)
from tailrace.connectors.sdk.writing import (
    Outcome,
    WriteBatch,
    WriteResult,
    WriteRow,
)

TRACE = "objectWriteTraceId"
RECORD_ID = "hs_object_id"
NAMED_FIELD = re.compile(r'"name"\s*:\s*"([^"]+)"|[Pp]roperty \\?"([\w.]+)\\?"')
EXISTING = re.compile(r"Existing ID: (\d+)")
LONGEST_REASON = 1000


@dataclass(frozen=True)
class Sent:
    """A row as it was sent; `identity` is the id or match value in it."""

    row: WriteRow
    identity: str
    body: Mapping[str, Any]


def gathered(batch: WriteBatch, sent: Sequence[Sent], document: Entry) -> list[WriteResult]:
    """Outcomes of a 2xx answer: `results` are acked, `errors` are not, and rows that neither names are left out.

    An error that names a row by its key does not outweigh a result with that row's trace: the key may be another's record id.
    """
    index = _Index(batch, sent)
    outcomes = _accepted(index, entries(document, "results"))
    traced = {str(result.get(TRACE)) for result in entries(document, "results")}
    stray = ""
    for error in entries(document, "errors"):
        named, by_trace = index.of_error(error)
        if not named:
            stray = stray or _message(error, str)
        for one in named:
            trace = one.row.trace
            if trace not in outcomes:
                outcomes[trace] = refused(batch, one, error, str)
            elif by_trace or trace not in traced:
                outcomes[trace] = WriteResult(
                    trace, "unknown", reason="HubSpot both took and refused this row"
                )
    if stray:
        told = f"HubSpot refused a row without saying which: {stray}"
        for one in sent:
            outcomes.setdefault(one.row.trace, WriteResult(one.row.trace, "unknown", reason=told))
    return list(outcomes.values())


def _accepted(index: _Index, results: Iterable[Entry]) -> dict[str, WriteResult]:
    outcomes: dict[str, WriteResult] = {}
    for result in results:
        one = index.of_result(result)
        if one is None or not result.get("id"):
            continue
        trace = one.row.trace
        told = "HubSpot names this row twice"
        outcomes[trace] = (
            WriteResult(trace, "unknown", reason=told)
            if trace in outcomes
            else WriteResult(trace, "acked", str(result["id"]))
        )
    return outcomes


def refused(batch: WriteBatch, one: Sent, error: Entry, scrub: Callable[[str], str]) -> WriteResult:
    """A row that was not taken, with reason and field.

    The record that HubSpot names as existing is this row's only where the row has none: of a create.
    """
    message = _message(error, scrub)
    existing = EXISTING.search(message) if batch.operation == "create" else None
    remote_id = existing[1] if existing else one.row.remote_id
    return WriteResult(one.row.trace, _outcome(batch, error), remote_id, message, _field(error, message))


def _outcome(batch: WriteBatch, error: Entry) -> Outcome:
    """`unmatched`: no such record to update; `later`: it passes. A create that failed inside HubSpot may have been done."""
    category = str(error.get("category"))
    creates = batch.operation == "create"
    if category in PASSING:
        return "unknown" if creates and category == "INTERNAL_ERROR" else "later"
    return "unmatched" if category == "OBJECT_NOT_FOUND" and not creates else "dead"


def told_apart(batch: WriteBatch, results: Iterable[WriteResult]) -> list[WriteResult]:
    """The results, but of rows that HubSpot took for one record (merged, or by a second e-mail) none is acked.

    Which row's values that record has now is not known.
    """
    given = list(results)
    owners: dict[str, set[str]] = {}
    for result in given:
        if result.outcome == "acked" and result.remote_id:
            owners.setdefault(result.remote_id, set()).add(result.trace)
    shared = {trace: key for key, traces in owners.items() if len(traces) > 1 for trace in traces}
    if batch.operation == "archive" or not shared:
        return given
    known = {row.trace: row.remote_id for row in batch.rows}
    return [
        WriteResult(result.trace, "dead", known.get(result.trace), _one_record(shared[result.trace]))
        if result.trace in shared
        else result
        for result in given
    ]


def _one_record(key: str) -> str:
    return f"HubSpot takes this row and another one for the same record {key}"


def _message(error: Entry, scrub: Callable[[str], str]) -> str:
    return scrub(str(error.get("message") or error.get("category") or "refused"))[:LONGEST_REASON]


def _field(error: Entry, message: str) -> str | None:
    """The property that HubSpot names: in a context, or inside the text."""
    for part in parts(error):
        context = context_of(part)
        for key in ("propertyName", "properties", "name"):
            named = next(texts_of(context.get(key)), None)
            if named:
                return named
        if part.get("in"):
            return str(part["in"])
    found = NAMED_FIELD.search(message)
    return next((group for group in found.groups() if group), None) if found else None


class _Index:
    """The sent rows by what an answer may call them: traces; record ids where they were sent by id, else match values.

    A match value may look like another row's record id, so no row goes by both.
    """

    def __init__(self, batch: WriteBatch, sent: Sequence[Sent]) -> None:
        self._by_id = batch.match_field in (None, RECORD_ID)
        self._match = batch.match_field
        self._by_trace = {one.row.trace: one for one in sent}
        self._by_name = _single((match_key(one.identity), one) for one in sent if one.identity)

    def of_result(self, result: Entry) -> Sent | None:
        if result.get(TRACE) is not None:
            return self._by_trace.get(str(result[TRACE]))
        values = result.get("properties")
        name = (
            result.get("id")
            if self._by_id
            else values.get(self._match)
            if isinstance(values, Mapping)
            else None
        )
        return None if name in (None, "") else self._by_name.get(match_key(name))

    def of_error(self, error: Entry) -> tuple[list[Sent], bool]:
        """Every row that the error is about: by trace ids, else by ids in a context; and whether it was by trace."""
        traced = self._found(self._by_trace, (name for part in parts(error) for name in _traces(part)))
        if traced:
            return traced, True
        named = (match_key(name) for part in parts(error) for name in _names(part))
        return self._found(self._by_name, named), False

    @staticmethod
    def _found(index: Mapping[str, Sent], names: Iterable[str]) -> list[Sent]:
        return list({name: index[name] for name in names if name in index}.values())


def _single(named: Iterable[tuple[str, Sent]]) -> dict[str, Sent]:
    """Names that one row alone has."""
    found: dict[str, Sent] = {}
    twice: set[str] = set()
    for name, one in named:
        if name in found:
            twice.add(name)
        found[name] = one
    return {name: one for name, one in found.items() if name not in twice}


def _traces(part: Entry) -> Iterator[str]:
    yield from texts_of(part.get(TRACE))
    yield from texts_of(context_of(part).get(TRACE))


def _names(part: Entry) -> Iterator[str]:
    for value in (context_of(part).get("ids"), context_of(part).get("id"), part.get("id")):
        yield from texts_of(value)
