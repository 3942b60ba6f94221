"""What became of each row, read from Mailchimp's answers: by e-mail or by operation, never by position."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.mailchimp.batches import Reply
from tailrace.connectors.mailchimp.fields import ListFields
from tailrace.connectors.mailchimp.values import not_kept
from tailrace.connectors.mailchimp.writable import EMAIL
from tailrace.connectors.sdk.writing import WriteResult, WriteRow

EXISTS = "ERROR_CONTACT_EXISTS"
BUSY = (403, 423, 429)
LONGEST_REASON = 1000


@dataclass(frozen=True)
class Sent:
    """A row as it is sent: `key` is the member's hash, `body` what is said of it, `tags` those that it shall have.

    `tags` None: the sync does not map them.
    """

    row: WriteRow
    email: str
    key: str
    body: Mapping[str, Any]
    tags: frozenset[str] | None = None


def email_hash(email: str) -> str:
    """A member's id: the MD5 of its e-mail in lower case (vendor-apis.md 3)."""
    return hashlib.md5(email.strip().lower().encode()).hexdigest()  # noqa: S324 - Mailchimp's own id


def folded(email: Any) -> str:
    """An e-mail as Mailchimp compares it."""
    return str(email).strip().lower()


def acked(sent: Sent, member: Mapping[str, Any], fields: ListFields) -> WriteResult:
    """An accepted row, or `dead` where the member that the answer shows does not hold what was sent."""
    key = str(member.get("id") or sent.key)
    shown = member.get("merge_fields")
    stored: Mapping[str, Any] = shown if isinstance(shown, Mapping) else {}
    given = sent.body.get("merge_fields") or {}
    for tag, value in given.items() if isinstance(shown, Mapping) else ():
        lost = value != "" and tag not in stored
        wrong = "the list no longer has this merge field" if lost else None
        wrong = wrong or not_kept(fields.kinds.get(tag, "text"), value, stored.get(tag, ""))
        if wrong:
            return WriteResult(sent.row.trace, "dead", key, wrong, tag, touched=True)
    return WriteResult(sent.row.trace, "acked", key)


def refused(sent: Sent, reply: Reply) -> WriteResult:
    """An operation that was not carried out: not there, for the moment, or refused with Mailchimp's words."""
    trace, remote_id = sent.row.trace, sent.row.remote_id
    if reply.status == 404:
        return WriteResult(trace, "unmatched", remote_id, "the list has no such member")
    reason, field = problem(reply.document)
    if reply.status >= 500 or (reply.status in BUSY and not reply.document):
        return WriteResult(trace, "later", remote_id, reason or f"Mailchimp answered {reply.status}")
    if reply.status == 429:
        return WriteResult(trace, "later", remote_id, reason)
    return WriteResult(trace, "dead", remote_id, reason or f"refused ({reply.status})", field)


def problem(document: Mapping[str, Any]) -> tuple[str, str | None]:
    """Reason and field of a problem+json document (vendor-apis.md 3)."""
    errors = [error for error in document.get("errors") or () if isinstance(error, Mapping)]
    named = [name for name in (field_name(error.get("field")) for error in errors) if name]
    words = [str(document[name]).strip().rstrip(".") for name in ("title", "detail") if document.get(name)]
    told = "; ".join(f"{field_name(error.get('field')) or '?'}: {error.get('message')}" for error in errors)
    reason = ": ".join(words) + (f" ({told})" if told else "")
    exists = "already a list member" in reason or document.get("title") == "Member Exists"
    return reason[:LONGEST_REASON], named[0] if named else (EMAIL if exists else None)


def refused_in_batch(sent: Sent, error: Mapping[str, Any]) -> WriteResult:
    """An entry of `errors` of a batch that was answered 200."""
    field = field_name(error.get("field"))
    words = [str(error.get("error") or "refused").strip().rstrip(".")]
    if error.get("field_message"):
        words.append(f"{field}: {error['field_message']}" if field else str(error["field_message"]))
    exists = error.get("error_code") == EXISTS or "already a list member" in words[0]
    remote_id = sent.key if exists else sent.row.remote_id
    named = field or (EMAIL if exists else None)
    return WriteResult(sent.row.trace, "dead", remote_id, "; ".join(words)[:LONGEST_REASON], named)


def field_name(name: Any) -> str | None:
    """A field as the sync calls it: `merge_fields.FNAME` and `members.item:3.FNAME` are FNAME."""
    return str(name).rsplit(".", 1)[-1] if name else None
