"""What became of each row of a batch, read from HubSpot's answer: by trace id, else by id; never by position."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.sdk.base import WriteBatch, WriteResult, WriteRow

TRACE = "objectWriteTraceId"
NAMED_FIELD = re.compile(r'"name"\s*:\s*"([^"]+)"|[Pp]roperty \\?"([\w.]+)\\?"')
EXISTING = re.compile(r"Existing ID: (\d+)")
LONGEST_REASON = 1000


@dataclass(frozen=True)
class Sent:
    """A row as it was sent; `identity` is the id or match value in it."""

    row: WriteRow
    identity: str
    body: Mapping[str, Any]


def gathered(batch: WriteBatch, sent: Sequence[Sent], document: Mapping[str, Any]) -> list[WriteResult]:
    """Outcomes of a 2xx answer: `results` are acked, `errors` are not, and rows that neither names are left out."""
    index = _Index(batch, sent)
    outcomes: dict[str, WriteResult] = {}
    for result in document.get("results") or []:
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
    for error in document.get("errors") or []:
        for one in index.of_error(error):
            outcomes[one.row.trace] = dead(batch, one, error, str)
    return list(outcomes.values())


def dead(batch: WriteBatch, one: Sent, error: Mapping[str, Any], scrub: Callable[[str], str]) -> WriteResult:
    """A refused row: `unmatched` where HubSpot has no such record to update, else `dead`, with reason and field."""
    message = scrub(str(error.get("message") or error.get("category") or "refused"))[:LONGEST_REASON]
    unmatched = error.get("category") == "OBJECT_NOT_FOUND" and batch.operation != "create"
    existing = EXISTING.search(message)
    remote_id = existing[1] if existing else one.row.remote_id
    return WriteResult(
        one.row.trace, "unmatched" if unmatched else "dead", remote_id, message, _field(error, message)
    )


def _field(error: Mapping[str, Any], message: str) -> str | None:
    """The property that HubSpot names: in a context, or inside the text."""
    for part in (error, *(error.get("errors") or [])):
        context = part.get("context") or {}
        for key in ("propertyName", "properties", "name"):
            if context.get(key):
                value = context[key]
                return str(value[0] if isinstance(value, list) else value)
        if part.get("in"):
            return str(part["in"])
    named = NAMED_FIELD.search(message)
    return next((group for group in named.groups() if group), None) if named else None


class _Index:
    """The sent rows by everything that an answer may call them."""

    def __init__(self, batch: WriteBatch, sent: Sequence[Sent]) -> None:
        self._match = batch.match_field
        self._sent = sent
        self._by_trace = {one.row.trace: one for one in sent}
        self._by_name = {_folded(one.identity): one for one in sent if one.identity}
        self._by_name.update({one.row.remote_id: one for one in sent if one.row.remote_id})

    def of_result(self, result: Mapping[str, Any]) -> Sent | None:
        if result.get(TRACE) in self._by_trace:
            return self._by_trace[result[TRACE]]
        names = [result.get("id"), (result.get("properties") or {}).get(self._match) if self._match else None]
        return next(
            (self._by_name[_folded(name)] for name in names if name and _folded(name) in self._by_name), None
        )

    def of_error(self, error: Mapping[str, Any]) -> list[Sent]:
        """Every row that the error is about: by trace ids or ids in a context, else by a trace in the text."""
        named = [name for part in (error, *(error.get("errors") or [])) for name in _names(part)]
        found = [self._by_trace.get(name) or self._by_name.get(_folded(name)) for name in named]
        known = {one.row.trace: one for one in found if one is not None}
        if not known:
            text = str(error.get("message") or "")
            known = {one.row.trace: one for one in self._sent if _mentions(text, one.row.trace)}
        return list(known.values())


def _names(part: Mapping[str, Any]) -> Iterator[str]:
    context = part.get("context") or {}
    for name in (part.get(TRACE), context.get(TRACE), context.get("ids"), context.get("id"), part.get("id")):
        if isinstance(name, list):
            yield from (str(item) for item in name)
        elif name:
            yield str(name)


def _mentions(text: str, trace: str) -> bool:
    return trace in text and re.search(rf"(?<![\w-]){re.escape(trace)}(?![\w-])", text) is not None


def _folded(name: Any) -> str:
    return str(name).strip().lower()
