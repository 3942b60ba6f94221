"""Members one by one: changed, put, tagged, archived; each request safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.mailchimp.batches import Operation, Reply
from tailrace.connectors.mailchimp.bulk import Told, merge_params
from tailrace.connectors.mailchimp.fields import ListFields
from tailrace.connectors.mailchimp.operations import Operations, Replies
from tailrace.connectors.mailchimp.outcomes import Sent, acked, email_hash, refused
from tailrace.connectors.mailchimp.writable import EMAIL, TAGS
from tailrace.connectors.sdk.writing import WriteResult
from tailrace.errors import TailraceError

NOT_NOW = 405
"""To archive somebody who is bounced, pending or archived already (recorded)."""


@dataclass(frozen=True)
class Singles:
    """The members of one list."""

    operations: Operations
    fields: ListFields
    options: Mapping[str, Any]

    def change(self, rows: Sequence[Sent]) -> Told:
        """PATCH: it changes and never makes. An unknown member is `unmatched`."""
        told = Told()
        replies = self._run([self._operation(sent, "PATCH", sent.body) for sent in rows], told)
        moved = [sent for sent in rows if _gone(replies.found.get(sent.row.trace)) and EMAIL in sent.body]
        self._take(rows, replies, told)
        if moved and told.broke is None:
            self._moved_before(moved, told)
        return told

    def _moved_before(self, rows: Sequence[Sent], told: Told) -> None:
        """A changed e-mail whose answer was lost: the member has the new id already."""
        there = [
            Sent(sent.row, sent.email, email_hash(sent.email), {k: v for k, v in sent.body.items() if k != EMAIL}, sent.tags)
            for sent in rows
        ]  # fmt: skip
        for sent in there:
            told.results.pop(sent.row.trace, None)
        replies = self._run([self._operation(sent, "PATCH", sent.body) for sent in there], told)
        self._take(there, replies, told)

    def put(self, rows: Sequence[Sent], told: Told, *, back: bool = False) -> None:
        """PUT with status_if_new; `back`: archived members get it as their status."""
        for sent in rows:
            told.results.pop(sent.row.trace, None)
        status = self.options["status_if_new"]
        bodies = [
            {"email_address": sent.email, "status_if_new": status, **sent.body, **({"status": status} if back else {})}
            for sent in rows
        ]  # fmt: skip
        asked = [self._operation(sent, "PUT", body) for sent, body in zip(rows, bodies, strict=True)]
        self._take(rows, self._run(asked, told), told)

    def tag(self, rows: Sequence[Sent], told: Told) -> None:
        """Gives and takes away what the accepted members do not have as they should; a failure is the row's."""
        asked = []
        for sent in rows:
            result = told.results.get(sent.row.trace)
            if result is None or result.outcome != "acked":
                continue
            changes = _tag_changes(sent, told.members.get(sent.row.trace, {}), self.options["tags"] or ())
            if changes:
                path = f"{self.fields.path}/members/{result.remote_id or sent.key}/tags"
                asked.append(Operation(sent.row.trace, "POST", path, {"tags": changes}))
        replies = self._run(asked, told)
        by_trace = {sent.row.trace: sent for sent in rows}
        for operation in asked:
            reply, sent = replies.found.get(operation.id), by_trace[operation.id]
            if reply is None:
                reason = replies.broke or "Mailchimp says nothing of the tags"
                told.results[operation.id] = WriteResult(operation.id, "unknown", reason=reason, field=TAGS)
            elif reply.status >= 300:
                failed = refused(sent, reply)
                told.results[operation.id] = WriteResult(
                    operation.id,
                    failed.outcome,
                    failed.remote_id,
                    failed.reason,
                    failed.field or TAGS,
                    touched=True,
                )

    def archive(self, rows: Sequence[Sent]) -> Told:
        """DELETE archives. Where that is refused, the member's status says whether it was archived before."""
        told = Told()
        replies = self._run([self._operation(sent, "DELETE", None) for sent in rows], told)
        unclear = [sent for sent in rows if _status(replies.found.get(sent.row.trace)) == NOT_NOW]
        looks = self._run([self._operation(sent, "GET", None) for sent in unclear], told)
        for sent in rows:
            reply = replies.found.get(sent.row.trace)
            look = looks.found.get(sent.row.trace)
            done = reply is not None and reply.status < 300
            if done or (look is not None and look.document.get("status") == "archived"):
                told.results[sent.row.trace] = WriteResult(sent.row.trace, "acked", sent.key)
            elif reply is not None:
                told.results[sent.row.trace] = refused(sent, reply)
        return told

    def _operation(self, sent: Sent, method: str, body: Mapping[str, Any] | None) -> Operation:
        path = f"{self.fields.path}/members/{sent.key}"
        params = merge_params(self.options) if method in ("PATCH", "PUT") else None
        return Operation(sent.row.trace, method, path, body, params or {})

    def _run(self, asked: Sequence[Operation], told: Told) -> Replies:
        """Errors after something was carried out are the other rows' outcome."""
        if not asked:
            return Replies()
        if told.broke is not None:
            return Replies(broke=told.broke)
        try:
            replies = self.operations.run(asked, self.options["batch_from"])
        except TailraceError as error:
            if not told.results:
                raise
            replies = Replies(broke=error.message)
        told.broke = replies.broke
        return replies

    def _take(self, rows: Sequence[Sent], replies: Replies, told: Told) -> None:
        for sent in rows:
            reply = replies.found.get(sent.row.trace)
            if reply is None:
                continue
            if reply.status >= 300:
                told.results[sent.row.trace] = refused(sent, reply)
                continue
            if not reply.document.get("id"):  # no member is shown: nobody knows what was done
                continue
            told.members[sent.row.trace] = reply.document
            told.results[sent.row.trace] = acked(sent, reply.document, self.fields)


def _tag_changes(sent: Sent, member: Mapping[str, Any], declared: Sequence[str]) -> list[dict[str, str]]:
    """All declared tags where the answer shows none at all, else those that differ."""
    wanted = sent.tags or frozenset()
    states = {tag: "active" if tag in wanted else "inactive" for tag in declared}
    shown = member.get(TAGS)
    if isinstance(shown, list):
        held = {str(tag.get("name")) for tag in shown if isinstance(tag, Mapping)}
        states = {tag: state for tag, state in states.items() if (tag in held) != (tag in wanted)}
    return [{"name": tag, "status": state} for tag, state in states.items()]


def _status(reply: Reply | None) -> int:
    return 0 if reply is None else reply.status


def _gone(reply: Reply | None) -> bool:
    return _status(reply) == 404
