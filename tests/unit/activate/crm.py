"""A vendor in memory that answers to `Destination`: it keeps records, counts writes, and can misbehave on request."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable

from tailrace.connectors.sdk.base import ObjectType
from tailrace.connectors.sdk.writing import RemoteField, WriteBatch, WriteResult

CONTACTS = ObjectType(
    "contacts",
    modes=("insert", "update", "upsert", "mirror"),
    on_removed=("keep", "clear", "archive"),
    conflicts=("ours", "theirs", "if_empty"),
    match_fields=("email",),
)


class CRM:
    def __init__(self, emails=(), refuse: Callable[[dict], str | None] | None = None):
        self.records: dict[str, dict] = {}
        self.emails: dict[str, str] = {}
        self.numbers = itertools.count()
        self.batches: list[WriteBatch] = []
        self.reads: list[tuple] = []
        self.written: Counter[str] = Counter()
        self.refuse = refuse or (lambda values: None)
        self.before: Callable[[WriteBatch], None] = lambda batch: None
        self.after: Callable[[WriteBatch, list[WriteResult]], list[WriteResult]] = lambda batch, results: (
            results
        )
        self.guard = threading.Lock()
        for email in emails:
            self.add({"email": email})

    def add(self, values: dict) -> str:
        number = str(1000 + next(self.numbers))
        self.records[number] = dict(values)
        if "email" in values:
            self.emails[values["email"].lower()] = number
        return number

    def by_key(self, field: str, key: str) -> str | None:
        assert field == "email"
        number = self.emails.get(key.lower())
        return (
            number
            if number in self.records and self.records[number]["email"].lower() == key.lower()
            else None
        )

    def fields(self, obj, options=None):
        return {"email": RemoteField("email", "text", unique=True)}

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        with self.guard:
            self.batches.append(batch)
            self.before(batch)
            keys = [str(row.key or row.remote_id).lower() for row in batch.rows]
            assert len(keys) == len(set(keys)), "a key twice in one batch"
            return self.after(batch, [self._row(batch, row) for row in batch.rows])

    def _row(self, batch, row) -> WriteResult:
        number = row.remote_id if batch.match_field is None else self.by_key(batch.match_field, row.key)
        number = number if number in self.records else None
        reason = self.refuse({"key": row.key, **row.values})
        if reason:
            return WriteResult(row.trace, "dead", None, reason, "score")
        if batch.operation == "create":
            if batch.match_field and self.by_key(batch.match_field, row.values[batch.match_field]):
                return WriteResult(row.trace, "dead", None, "exists already")
            number = self.add({"email": row.values["email"]})
        elif number is None and batch.operation == "upsert":
            number = self.add({batch.match_field: row.key})
        if number is None:
            return WriteResult(row.trace, "unmatched", None, "no such contact")
        self.written[number] += 1
        if batch.operation == "archive":
            del self.records[number]
        else:
            self.records[number].update(row.values)
            self.emails[self.records[number]["email"].lower()] = number
        return WriteResult(row.trace, "acked", number)

    def read_fields(self, obj, match_field, keys, fields, options=None):
        self.reads.append((obj, match_field, tuple(keys), tuple(fields)))
        found = {}
        for key in keys:
            number = self.by_key(match_field, key) if match_field else (key if key in self.records else None)
            if number is not None:
                found[key.lower()] = {"id": number, **{f: self.records[number].get(f) for f in fields}}
        return found
