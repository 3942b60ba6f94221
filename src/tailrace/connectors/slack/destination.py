"""Posts one message a row. Slack gives no id and cannot be asked, so a lost answer leaves the row unknown."""

from __future__ import annotations

from tailrace.connectors.sdk.http import Http, Lost
from tailrace.connectors.sdk.writing import (
    Outcome,
    WriteBatch,
    WriteOnly,
    WriteResult,
    WriteRow,
)
from tailrace.connectors.slack.declaration import KNOWN
from tailrace.connectors.slack.message import Unsendable, message_of
from tailrace.errors import TailraceError

REFUSED = (400, 413)
"""Slack's refusals of a message: invalid_payload, no_text, invalid_blocks, too large (vendor-apis.md 10)."""
LONGEST_REASON = 300


class SlackDestination(WriteOnly):
    """Writes only."""

    def __init__(self, http: Http, end: str) -> None:
        self._http, self._end = http, end

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order. An error of the first message is raised, later ones are outcomes."""
        found: list[WriteResult] = []
        for number, row in enumerate(batch.rows):
            try:
                found.append(self._post(row, batch))
            except TailraceError as error:
                if not number:
                    raise
                lost: Outcome = "unknown" if isinstance(error, Lost) else "later"
                found.append(WriteResult(row.trace, lost, None, error.message))
                found += [
                    WriteResult(left.trace, "later", None, error.message) for left in batch.rows[number + 1 :]
                ]
                break
        return found

    def _post(self, row: WriteRow, batch: WriteBatch) -> WriteResult:
        values = {
            name: value for name, value in row.values.items() if name in KNOWN or name != batch.match_field
        }
        try:
            message = message_of(values, batch.options)
        except Unsendable as error:
            return WriteResult(row.trace, "dead", None, str(error), error.field)
        answer = self._http.request("POST", self._end, json=message, media="", accept=REFUSED)
        said = self._http.scrub(answer.content[:LONGEST_REASON].decode("utf-8", "replace").strip())
        if answer.status in REFUSED:
            return WriteResult(
                row.trace, "dead", None, f"Slack refused it ({answer.status}): {said}", field_of(said)
            )
        if said != "ok":
            return WriteResult(row.trace, "unknown", None, f"Slack answered {said!r} where `ok` was due")
        return WriteResult(row.trace, "acked")


def field_of(said: str) -> str | None:
    """The field that one of Slack's words is about."""
    words = {"no_text": "text", "msg_too_long": "text", "channel": "channel", "user": "channel"}
    words |= {name: name for name in ("blocks", "attachments", "thread_ts", "username")}
    return next((name for word, name in words.items() if word in said), None)
