"""Requests about single members: one by one, or many of them as one background batch (vendor-apis.md 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tailrace.connectors.mailchimp.api import Api
from tailrace.connectors.mailchimp.batches import Batches, Operation, Reply
from tailrace.errors import AuthError, TailraceError

DECIDED = (400, 404, 405)
"""A member's own answers: refused, not there, not in this state."""


@dataclass
class Replies:
    """By operation. `broke`: why the others have none, where some were carried out before."""

    found: dict[str, Reply] = field(default_factory=dict)
    broke: str | None = None


@dataclass(frozen=True)
class Operations:
    """One account's requests about members."""

    api: Api
    batches: Batches

    def run(self, operations: Sequence[Operation], batch_from: int) -> Replies:
        """Raises only where nothing was sent, or where nobody knows what was."""
        if len(operations) >= batch_from:
            return self._allowed(self.batches.run(operations))
        replies = Replies()
        for operation in operations:
            try:
                replies.found[operation.id] = self._single(operation)
            except TailraceError as error:
                if not replies.found:
                    raise
                replies.broke = error.message
                return replies
        return replies

    def _allowed(self, found: dict[str, Reply]) -> Replies:
        """As one by one: an operation that the credentials may not do says nothing of its member."""
        allowed = {name: reply for name, reply in found.items() if not _forbidden(reply)}
        denied = next((reply for reply in found.values() if _forbidden(reply)), None)
        if denied is None:
            return Replies(found)
        words = [str(denied.document[name]) for name in ("title", "detail") if denied.document.get(name)]
        told = ": ".join([f"Mailchimp refuses the credentials in a batch ({denied.status})", *words])
        error = AuthError(f"{self.api.connection}: {told.rstrip('.')}", "check the key and its user's role")
        if not allowed:
            raise error
        return Replies(allowed, error.message)

    def _single(self, operation: Operation) -> Reply:
        answer = self.api.http.request(
            operation.method,
            f"/{self.api.version}{operation.path}",
            params=operation.params or None,
            json=operation.body,
            retry=True,
            accept=DECIDED,
        )
        document = answer.json()
        return Reply(answer.status, document if isinstance(document, Mapping) else {})


def _forbidden(reply: Reply) -> bool:
    """The credentials' fault, and no member's; a 403 without a document is the front's, which is overloaded."""
    return reply.status == 401 or (reply.status == 403 and bool(reply.document))
