"""Many members in one request that makes and changes: POST /lists/{id} (vendor-apis.md 3).

Nobody who is on the list already gets a `status`: what people decided of themselves stays. New ones get `status_if_new`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tailrace.connectors.mailchimp.api import Api
from tailrace.connectors.mailchimp.fields import ListFields
from tailrace.connectors.mailchimp.outcomes import Sent, acked, folded, refused_in_batch
from tailrace.connectors.sdk.paging import chunks
from tailrace.connectors.sdk.writing import WriteResult
from tailrace.errors import TailraceError

Member = Mapping[str, Any]
DECIDED_BY_HALVES = (400,)
"""A whole batch is refused so for one malformed member: it is halved until that one is found."""


@dataclass
class Told:
    """Outcomes by trace; the members as Mailchimp shows them now; rows that no answer decided, and why."""

    results: dict[str, WriteResult] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    undecided: list[Sent] = field(default_factory=list)
    broke: str | None = None


@dataclass(frozen=True)
class Bulk:
    """One batch's way through the endpoint; `creating`: members that are there already are refused."""

    api: Api
    fields: ListFields
    options: Mapping[str, Any]
    creating: bool

    def send(self, rows: Sequence[Sent]) -> Told:
        """Raises where nothing was carried out; after that an error is the other rows' outcome."""
        told = Told()
        for some in chunks(rows, self.options["batch"]):
            if told.broke is None:
                self._send(some, told)
        return told

    def _send(self, rows: Sequence[Sent], told: Told) -> None:
        try:
            answer = self.api.http.request(
                "POST",
                f"/{self.api.version}{self.fields.path}",
                params=merge_params(self.options),
                json={"members": [self._entry(sent) for sent in rows], "update_existing": not self.creating},
                retry=not self.creating,
                accept=DECIDED_BY_HALVES,
            )
        except TailraceError as error:
            if not told.results:
                raise
            told.broke = error.message
            return
        document = answer.json() if isinstance(answer.json(), Mapping) else {}
        if answer.status < 300:
            self._read(rows, document, told)
        elif len(rows) == 1:
            refusal = {"error": document.get("detail"), **_first(document)}
            told.results[rows[0].row.trace] = refused_in_batch(rows[0], refusal)
        else:
            for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
                if told.broke is None:
                    self._send(half, told)

    def _entry(self, sent: Sent) -> dict[str, Any]:
        status = "status" if self.creating else "status_if_new"
        entry = {"email_address": sent.email, status: self.options["status_if_new"], **sent.body}
        return {**entry, "tags": sorted(sent.tags)} if sent.tags else entry

    def _read(self, rows: Sequence[Sent], document: Mapping[str, Any], told: Told) -> None:
        waiting = {folded(sent.email): sent for sent in rows}
        for member in _entries(document, "new_members", "updated_members"):
            sent = waiting.pop(folded(member.get("email_address")), None)
            if sent is not None:
                told.results[sent.row.trace] = acked(sent, member, self.fields)
                told.members[sent.row.trace] = member
        for refusal in _entries(document, "errors"):
            name = folded(refusal.get("email_address"))
            # no member of that name, and no status for it: the single request's status_if_new is the documented one
            if refusal.get("field") != "status" and name in waiting:
                sent = waiting.pop(name)
                told.results[sent.row.trace] = refused_in_batch(sent, refusal)
        told.undecided.extend(waiting.values())


def merge_params(options: Mapping[str, Any]) -> dict[str, str] | None:
    """The switch of the sync's options, as Mailchimp takes it in the query."""
    return {"skip_merge_validation": "true"} if options["skip_merge_validation"] else None


def _entries(document: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    return [entry for name in names for entry in document.get(name) or () if isinstance(entry, Mapping)]


def _first(document: Mapping[str, Any]) -> dict[str, Any]:
    errors = [error for error in document.get("errors") or () if isinstance(error, Mapping)]
    return {"field": errors[0].get("field"), "field_message": errors[0].get("message")} if errors else {}
