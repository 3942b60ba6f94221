"""Meta as a destination: people added to a customer-file audience and taken out, by hashed identifiers (vendor-apis.md 7.3).

Both requests may be repeated. There is nothing to read back: Meta shows no one who is in an audience.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tailrace.connectors.meta_ads.api import Api
from tailrace.connectors.meta_ads.identifiers import HASH, Unsendable, entry_value
from tailrace.connectors.sdk.base import NOTHING, RemoteField, WriteBatch, WriteResult, WriteRow
from tailrace.connectors.sdk.paging import chunks
from tailrace.errors import TailraceError

SILENT = "Meta's answer does not count this entry"
INVALID = "Meta calls the entry invalid"


@dataclass(frozen=True)
class Entry:
    """A row as it is sent; `values` by the schema's place, `before` the identity that it had, hashed."""

    row: WriteRow
    values: tuple[str, ...]
    before: str = ""


@dataclass
class Told:
    """Outcomes by trace; `broke`: why the others have none, where some were carried out before."""

    results: dict[str, WriteResult] = field(default_factory=dict)
    broke: str | None = None


class Audiences:
    """The audiences that one token may change."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def fields(self, obj: str, options: Mapping[str, Any] = NOTHING) -> Mapping[str, RemoteField]:  # noqa: ARG002
        """None: the identifiers are known without asking."""
        return {}

    def read_fields(
        self,
        obj: str,  # noqa: ARG002
        match_field: str | None,  # noqa: ARG002
        keys: Sequence[str],  # noqa: ARG002
        fields: Sequence[str],  # noqa: ARG002
        options: Mapping[str, Any] = NOTHING,  # noqa: ARG002
    ) -> Mapping[str, Mapping[str, Any]]:
        """Empty: Meta does not tell who is in an audience."""
        return {}

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order; an identity that changed is taken out before the new one comes in."""
        match = str(batch.match_field)
        schema = (match, *_further(batch, match))
        told, entries = Told(), list[Entry]()
        for row in batch.rows:
            try:
                entries.append(_entry(row, schema, batch.options))
            except Unsendable as error:
                told.results[row.trace] = WriteResult(row.trace, "dead", None, str(error), error.field)
        if batch.operation == "archive":
            self._send("DELETE", batch, schema, entries, told)
        else:
            self._forget(batch, match, entries)
            self._send("POST", batch, schema, entries, told)
        missing = told.broke or SILENT
        return [
            told.results.get(row.trace, WriteResult(row.trace, "unknown", reason=missing))
            for row in batch.rows
        ]

    def _forget(self, batch: WriteBatch, match: str, entries: Sequence[Entry]) -> None:
        """Takes out who people were before, unless somebody in the batch is that now."""
        now = {entry.values[0] for entry in entries}
        gone = list(
            dict.fromkeys(entry.before for entry in entries if entry.before and entry.before not in now)
        )
        for some in chunks(gone, batch.options["batch"]):
            self._request("DELETE", batch.options["audience"], (match,), [(value,) for value in some])

    def _send(
        self, method: str, batch: WriteBatch, schema: Sequence[str], entries: Sequence[Entry], told: Told
    ) -> None:
        for some in chunks(entries, batch.options["batch"]):
            self._decide(method, batch.options["audience"], schema, some, told)

    def _decide(
        self, method: str, audience: str, schema: Sequence[str], entries: Sequence[Entry], told: Told
    ) -> None:
        """Sends; where Meta counts invalid entries and does not name them all, halves are sent until they are found."""
        if told.broke is not None or not entries:
            return
        try:
            answer = self._request(method, audience, schema, [entry.values for entry in entries])
        except TailraceError as error:
            if not told.results:
                raise
            told.broke = error.message
            return
        received, invalid = _count(answer, "num_received"), _count(answer, "num_invalid_entries")
        if received is None:
            return
        named = _named(answer.get("invalid_entry_samples"), entries) if invalid else []
        missing = len(entries) - received if received + (invalid or 0) != len(entries) else 0
        if not invalid and missing <= 0:
            _settle(entries, "acked", None, told)
        elif invalid == len(entries):
            _settle(entries, "dead", INVALID, told)
        elif missing <= 0 and len(named) == invalid:
            _settle(named, "dead", INVALID, told)
            _settle([entry for entry in entries if entry not in named], "acked", None, told)
        elif len(entries) > 1:
            for half in (entries[: len(entries) // 2], entries[len(entries) // 2 :]):
                self._decide(method, audience, schema, half, told)

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


def _named(samples: Any, entries: Sequence[Entry]) -> list[Entry]:
    """The entries whose identity stands in the samples, whatever their form (a map of texts, by Meta's reference).

    Only a hash is unmistakable: an EXTERN_ID like 1 may stand there for something else.
    """
    text = samples if isinstance(samples, str) else orjson.dumps(samples or {}).decode()
    return [entry for entry in entries if HASH.fullmatch(entry.values[0]) and entry.values[0] in text]


def _settle(entries: Iterable[Entry], outcome: Any, reason: str | None, told: Told) -> None:
    for entry in entries:
        told.results[entry.row.trace] = WriteResult(entry.row.trace, outcome, reason=reason)
