"""What a refused row's error means: its code, words and field, from Collections or from a CSV of failures (vendor-apis.md 2.4, 2.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.salesforce.rows import ADDRESSED, Sent
from tailrace.connectors.sdk.writing import Operation, WriteResult

PASSING = (
    "UNABLE_TO_LOCK_ROW",
    "REQUEST_RUNNING_TOO_LONG",
    "SERVER_UNAVAILABLE",
    "QUERY_TIMEOUT",
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "PROCESSING_HALTED",
)
"""Codes of rows that were not written for the moment; one that is missing here makes a dead letter, no wrong row."""
GONE = ("ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY")
NAMED_FIELD = re.compile(r"No such column '([\w.]+)'|fields are missing: \[(\w+)")
NO_SUCH_OTHER = re.compile(r"Foreign key external ID: .* not found for field \w+ in entity (\w+)", re.DOTALL)
EXISTING = re.compile(r"record with id: (\w{15,18})")
CSV_ERROR = re.compile(r"(\w+):(.*?)(?::([\w ,.]*?))?\s*--\s*", re.DOTALL)
LONGEST_REASON = 1000


@dataclass(frozen=True)
class Refusal:
    """One row's error; `fields` are those that Salesforce names."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: Mapping[str, Any]) -> Refusal:
        """From JSON: `statusCode` in a row's result, `errorCode` in a refused request."""
        code = error.get("statusCode") or error.get("errorCode") or ""
        fields = error.get("fields") or ()
        return cls(str(code), str(error.get("message") or ""), tuple(str(name) for name in fields))

    @classmethod
    def of_cell(cls, text: str) -> Refusal:
        """From a CSV's sf__Error: `CODE:message:Field --` (vendor-apis.md 2.5)."""
        found = CSV_ERROR.fullmatch(text.strip())
        if found is None:
            code, _, message = text.partition(":")
            return cls(code.strip(), message.strip())
        return cls(found[1], found[2], tuple((found[3] or "").replace(",", " ").split()))

    @property
    def reason(self) -> str:
        return ": ".join(part for part in (self.code, self.message) if part)[:LONGEST_REASON] or "refused"

    @property
    def field(self) -> str | None:
        """The field that it is about: named beside the words, or in them."""
        if self.fields:
            return self.fields[0]
        named = NAMED_FIELD.search(self.message)
        return next((name for name in named.groups() if name), None) if named else None


def outcome(operation: Operation, one: Sent, refusal: Refusal) -> WriteResult:
    """`later` for a lock, `unmatched` for a record that is not there (archived already: `acked`), itself or an associated one, else `dead`."""
    trace, remote_id = one.row.trace, one.row.remote_id
    if refusal.code in PASSING:
        return WriteResult(trace, "later", remote_id, refusal.reason)
    if operation == "archive" and refusal.code == "ENTITY_IS_DELETED":
        return WriteResult(trace, "acked", one.identity)
    other = NO_SUCH_OTHER.search(refusal.message) if one.links else None
    if other is not None:
        return WriteResult(trace, "unmatched", remote_id, refusal.reason, f"associations.{other[1]}")
    if refusal.code in GONE and operation in ADDRESSED and not refusal.fields:
        return WriteResult(trace, "unmatched", remote_id, refusal.reason)
    existing = EXISTING.search(refusal.message) if operation == "create" else None
    return WriteResult(trace, "dead", existing[1] if existing else remote_id, refusal.reason, refusal.field)
