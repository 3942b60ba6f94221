"""Sends rows to a URL in signed batches, and halves what is refused whole until rows decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from tailrace.connectors.sdk.http import Answer, Http, Lost
from tailrace.connectors.sdk.paging import chunks
from tailrace.connectors.sdk.writing import WriteBatch, WriteOnly, WriteResult
from tailrace.connectors.webhook.answers import LONGEST_REASON, errors_of, message_of, told
from tailrace.connectors.webhook.declaration import MOST_ROWS
from tailrace.connectors.webhook.rows import Message, body_of, messages, name_of
from tailrace.connectors.webhook.signing import Signer
from tailrace.errors import TailraceError

CUT = "the receiver's answer is JSON that does not end, so what it says of the rows is not known"
DECIDED_BY_ROWS = (400, 413, 422)
"""Answers that refuse what is in the body: of several rows, it may be one of them."""


class WebhookDestination(WriteOnly):
    """Writes only: nobody can be asked what a receiver has."""

    def __init__(self, http: Http, end: str, signer: Signer, now: Callable[[], datetime]) -> None:
        self._http, self._end, self._signer, self._now = http, end, signer, now

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order."""
        sendable, refused = messages(batch)
        found = {result.trace: result for result in refused}
        sending = _Sending(self, batch)
        for part in chunks(sendable, int(batch.options.get("batch_size", MOST_ROWS))):
            found |= sending.send(part)
        return [found[row.trace] for row in batch.rows]

    def post(self, batch: WriteBatch, part: Sequence[Message]) -> Answer:
        """One request. It is repeated after a failure: its id tells the receiver that it is the same (Standard Webhooks)."""
        body = body_of(batch, part, self._now())
        with self._signer.message(name_of(batch, part), body):
            return self._http.request(
                "POST", self._end, json=orjson.Fragment(body), media="", retry=True, accept=DECIDED_BY_ROWS
            )

    def scrub(self, text: str) -> str:
        return self._http.scrub(text)


class _Sending:
    """One batch in as many requests as it takes. After the first answer an error is the outcome of the rows it is about."""

    def __init__(self, to: WebhookDestination, batch: WriteBatch) -> None:
        self._to, self._batch = to, batch
        self._answered = False
        self._broken: TailraceError | None = None

    def send(self, part: Sequence[Message]) -> dict[str, WriteResult]:
        """Outcomes by trace; every row of the part has one."""
        if self._broken is not None:
            return self._all(part, "later", self._broken.message)
        try:
            answer = self._to.post(self._batch, part)
        except TailraceError as error:
            if not self._answered:
                raise
            self._broken = error
            return self._all(part, "unknown" if isinstance(error, Lost) else "later", error.message)
        self._answered = True
        try:
            named, nameless = told(part, errors_of(answer))
        except ValueError:
            if answer.status in DECIDED_BY_ROWS:
                return self._refused(part, {}, answer)
            return self._all(part, "unknown", CUT)
        if answer.status in DECIDED_BY_ROWS:
            return self._refused(part, named, answer)
        rest = [one for one in part if one.row.trace not in named]
        if nameless:
            reason = f"the receiver reports an error and no row of it: {nameless[0]}"
            return {**named, **self._all(rest, "unknown", self._to.scrub(reason)[:LONGEST_REASON])}
        return {**named, **{one.row.trace: WriteResult(one.row.trace, "acked") for one in rest}}

    def _refused(
        self, part: Sequence[Message], named: Mapping[str, WriteResult], answer: Answer
    ) -> dict[str, WriteResult]:
        """Nothing was taken. Named rows are out and the others sent again; where none is named, halves decide."""
        rest = [one for one in part if one.row.trace not in named]
        if named:
            return {**named, **(self.send(rest) if rest else {})}
        if len(part) == 1:
            said = self._to.scrub(message_of(answer))[:LONGEST_REASON]
            return self._all(part, "dead", said or f"the receiver refused it ({answer.status})")
        middle = len(part) // 2
        return {**self.send(part[:middle]), **self.send(part[middle:])}

    def _all(self, part: Sequence[Message], outcome: Any, reason: str) -> dict[str, WriteResult]:
        return {one.row.trace: WriteResult(one.row.trace, outcome, None, reason) for one in part}
