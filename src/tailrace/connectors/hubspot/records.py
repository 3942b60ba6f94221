"""Records of HubSpot's objects: batches of 100, one outcome per row, whatever shape the answer has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot import texts
from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.batches import document_of, entries, match_key
from tailrace.connectors.hubspot.outcomes import RECORD_ID, Sent, gathered, refused, told_apart
from tailrace.connectors.hubspot.refusals import stop_if_property_gone
from tailrace.connectors.hubspot.values import Unsendable, to_text
from tailrace.connectors.sdk.http import Answer
from tailrace.connectors.sdk.paging import chunks
from tailrace.connectors.sdk.writing import (
    NOTHING,
    TextBatch,
    WriteBatch,
    WriteResult,
    WriteRow,
    Written,
)
from tailrace.errors import TailraceError

BATCH = 100
VERBS = {"create": "create", "update": "update", "upsert": "upsert", "clear": "update"}
DECIDED_BY_SINGLES = (400, 409)
"""HubSpot refuses a whole batch so for one bad row (no multi-status without trace ids): it is halved until rows decide."""


class Records:
    """Writes by trace id. `update`, `upsert`, `clear` and `archive` are repeated on failures; `create` never is."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def write(self, batch: WriteBatch, more: Mapping[str, Mapping[str, Any]] = NOTHING) -> list[WriteResult]:
        """One result per row, in the rows' order. `more`: members of a row's input beside its properties, by trace."""
        sendable, held = _prepare(batch, more)
        if batch.operation == "archive":
            results = self._archive(batch, sendable)
        else:
            results = self._send(batch, sendable, whole=True)
        by_trace = {result.trace: result for result in [*told_apart(batch, results), *held]}
        missing = "HubSpot's answer says nothing of this row"
        return [
            by_trace.get(row.trace, WriteResult(row.trace, "unknown", reason=missing)) for row in batch.rows
        ]

    def write_texts(self, batch: TextBatch) -> Written:
        """The same for rows that are texts already; where the answer has more to say than yes, it is read row by row."""
        named = None if batch.match_field == RECORD_ID else batch.match_field
        path = f"{self._api.objects(batch.object)}/batch/{VERBS[batch.operation]}"
        answer = self._api.http.request(
            "POST", path, content=texts.body(batch, named), retry=True, accept=DECIDED_BY_SINGLES
        )
        accepted = texts.all_accepted(batch, answer.json()) if answer.status < 300 else None
        if accepted is not None:
            return Written(accepted)
        rows = texts.typed(batch)
        sent, held = _prepare(rows, {})
        return Written({}, [*held, *told_apart(rows, self._told(rows, sent, answer, whole=True))])

    def read_fields(
        self, obj: str, match_field: str | None, keys: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        """As the protocol says; each row also carries `id`, HubSpot's record id. Unknown keys are absent."""
        found: dict[str, Mapping[str, Any]] = {}
        by_id = match_field in (None, RECORD_ID)
        wanted = list(dict.fromkeys([*fields, *([] if by_id or match_field is None else [match_field])]))
        for some in chunks(list({match_key(key): key for key in keys}.values()), BATCH):
            there = self._api.found(obj, None if by_id else match_field, some, {"properties": wanted})
            for key, record in there.items():
                values = record.get("properties") or {}
                found[key] = {"id": record["id"], **{name: values.get(name) for name in fields}}
        return found

    def _archive(self, batch: WriteBatch, sent: Sequence[Sent]) -> list[WriteResult]:
        """HubSpot archives by record id only, and answers 204 whatever the state was."""
        ids = self._record_ids(batch, sent)
        known = [one for one in sent if one.row.trace in ids]
        gone = "HubSpot has no such record"
        nobody = [
            WriteResult(one.row.trace, "unmatched", reason=gone) for one in sent if one.row.trace not in ids
        ]
        return [*nobody, *self._bury(batch, known, ids, whole=True)]

    def _bury(
        self, batch: WriteBatch, sent: Sequence[Sent], ids: Mapping[str, str], *, whole: bool
    ) -> list[WriteResult]:
        """A refused batch is halved. A body in place of the 204 proves nothing, and archiving again does no harm."""
        if not sent:
            return []
        inputs = {"inputs": [{"id": ids[one.row.trace]} for one in sent]}
        try:
            answer = self._api.batch(batch.object, "archive", inputs, retry=True, accept=DECIDED_BY_SINGLES)
        except TailraceError as error:
            if whole:
                raise
            return [_unknown(one, ids, error.message) for one in sent]
        if answer.status >= 300 and len(sent) > 1:
            middle = len(sent) // 2
            return [
                *self._bury(batch, sent[:middle], ids, whole=False),
                *self._bury(batch, sent[middle:], ids, whole=False),
            ]
        if answer.status >= 300:
            return [refused(batch, sent[0], document_of(answer), self._api.http.scrub)]
        odd = f"HubSpot answered {answer.status} with a body, which says nothing of this row"
        return [
            _unknown(one, ids, odd)
            if answer.content
            else WriteResult(one.row.trace, "acked", ids[one.row.trace])
            for one in sent
        ]

    def _record_ids(self, batch: WriteBatch, sent: Sequence[Sent]) -> dict[str, str]:
        if batch.match_field in (None, RECORD_ID):
            return {one.row.trace: one.identity for one in sent}
        keys = [one.identity for one in sent if not one.row.remote_id]
        found = self.read_fields(batch.object, batch.match_field, keys, []) if keys else {}
        ids = {one.row.trace: one.row.remote_id or _id_of(found, one.identity) for one in sent}
        return {trace: key for trace, key in ids.items() if key}

    def _send(self, batch: WriteBatch, sent: Sequence[Sent], *, whole: bool) -> list[WriteResult]:
        """Sends; halves a refused batch. Once a part was carried out, an error is the other part's outcome."""
        if not sent:
            return []
        verb = VERBS[batch.operation]
        body = {"inputs": [one.body for one in sent]}
        try:
            answer = self._api.batch(
                batch.object, verb, body, retry=verb != "create", accept=DECIDED_BY_SINGLES
            )
        except TailraceError as error:
            if whole:
                raise
            return [WriteResult(one.row.trace, "unknown", reason=error.message) for one in sent]
        return self._told(batch, sent, answer, whole=whole)

    def _told(
        self, batch: WriteBatch, sent: Sequence[Sent], answer: Answer, *, whole: bool
    ) -> list[WriteResult]:
        document = document_of(answer)
        done = answer.status < 300
        if whole and not entries(document, "results"):
            errors = entries(document, "errors") if done else [document]
            stop_if_property_gone(batch, errors, len(sent) if done else 1)
        return gathered(batch, sent, document) if done else self._decide(batch, sent, answer)

    def _decide(self, batch: WriteBatch, sent: Sequence[Sent], answer: Answer) -> list[WriteResult]:
        if len(sent) == 1:
            return [refused(batch, sent[0], document_of(answer), self._api.http.scrub)]
        middle = len(sent) // 2
        return [
            *self._send(batch, sent[:middle], whole=False),
            *self._send(batch, sent[middle:], whole=False),
        ]


def _unknown(one: Sent, ids: Mapping[str, str], reason: str) -> WriteResult:
    return WriteResult(one.row.trace, "unknown", ids[one.row.trace], reason)


def _id_of(found: Mapping[str, Mapping[str, Any]], key: str) -> str | None:
    row = found.get(match_key(key))
    return None if row is None else str(row["id"])


def _prepare(
    batch: WriteBatch, more: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Sent], list[WriteResult]]:
    """The inputs, and the rows that cannot be sent at all."""
    sendable, held = [], []
    for row in batch.rows:
        try:
            sendable.append(_input(batch, row, more.get(row.trace, NOTHING)))
        except Unsendable as error:
            held.append(WriteResult(row.trace, "dead", row.remote_id, str(error), error.field))
    return sendable, held


def _input(batch: WriteBatch, row: WriteRow, more: Mapping[str, Any]) -> Sent:
    properties = {name: _text(name, value) for name, value in row.values.items()}
    by_id = batch.match_field in (None, RECORD_ID)
    body: dict[str, Any] = {"properties": properties, "objectWriteTraceId": row.trace, **more}
    if batch.operation == "create":
        if not by_id and row.key is not None:
            properties.setdefault(str(batch.match_field), to_text(row.key))
        return Sent(row, "" if row.key is None else str(row.key), body)
    identity = row.remote_id if batch.match_field is None else row.key
    if identity is None:
        raise Unsendable("the row has neither a match value nor a record id")
    body["id"] = to_text(identity)
    if not by_id:
        body["idProperty"] = batch.match_field
    return Sent(row, body["id"], body)


def _text(name: str, value: Any) -> str:
    try:
        return to_text(value)
    except Unsendable as error:
        error.field = name
        raise
