"""Salesforce as a destination: any object, by Collections or by bulk jobs, with what the org says of its fields."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tailrace.connectors.salesforce.api import Api, Record
from tailrace.connectors.salesforce.bulk_rows import BulkRows, cells, fits
from tailrace.connectors.salesforce.declaration import BULK_FROM
from tailrace.connectors.salesforce.finder import SHORT, Finder
from tailrace.connectors.salesforce.ingest import IngestJobs
from tailrace.connectors.salesforce.jobs import Watch
from tailrace.connectors.salesforce.many import Collections
from tailrace.connectors.salesforce.recent import moment
from tailrace.connectors.salesforce.rows import Rows, Sent
from tailrace.connectors.salesforce.target import RECORD_ID, Target, Targets
from tailrace.connectors.sdk.writing import (
    NOTHING,
    Edit,
    RemoteField,
    WriteBatch,
    WriteResult,
)

STAMPS = ("LastModifiedDate", "SystemModstamp")
"""When a record was last changed: by anybody, and if that is not there, by the system, too."""


class SalesforceDestination:
    """Writes to any object; one result per row, always. `user`: the id of whom the login stands for, where it says."""

    def __init__(self, api: Api, watch: Watch, user: Callable[[], str | None]) -> None:
        self._user = user
        self._guard, self._settled = threading.Lock(), set[str]()
        self._targets, self._finder = Targets(api), Finder(api)
        self._rows = Rows(self._targets, self._finder)
        self._jobs = IngestJobs(api, watch)
        self._collections, self._bulk = Collections(api), BulkRows(self._jobs)

    def fields(self, obj: str, options: Mapping[str, Any] = NOTHING) -> Mapping[str, RemoteField]:  # noqa: ARG002
        return self._targets.fresh(obj).remote_fields()

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order."""
        self._settle(batch)
        sent, done = self._rows.prepared(batch)
        results = self._confirmed(batch, sent, self._written(batch, sent))
        by_trace = {result.trace: result for result in [*_single(results), *done]}
        missing = "Salesforce's answer says nothing sure of this row"
        return [
            by_trace.get(row.trace, WriteResult(row.trace, "unknown", row.remote_id, missing))
            for row in batch.rows
        ]

    def read_fields(
        self,
        obj: str,
        match_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str],
        options: Mapping[str, Any] = NOTHING,  # noqa: ARG002
    ) -> Mapping[str, Mapping[str, Any]]:
        """As the protocol says; of several records with one key the first."""
        found = self._read(obj, match_field, keys, fields)
        return {
            key: {"id": row[RECORD_ID], **{name: row.get(name) for name in fields}}
            for key, row in found.items()
        }

    def read_edits(
        self,
        obj: str,
        match_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str],
        options: Mapping[str, Any] = NOTHING,  # noqa: ARG002
    ) -> Mapping[str, Mapping[str, Edit]]:
        """As `read_fields`; the time is the record's, for an org keeps no history of every field."""
        target = self._targets.of(obj)
        stamp = next((name for name in STAMPS if name in target.fields), None)
        found = self._read(obj, match_field, keys, [*fields, *([stamp] if stamp else [])])
        return {key: _edits(row, fields, stamp) for key, row in found.items()}

    def _read(
        self, obj: str, match_field: str | None, keys: Sequence[str], fields: Sequence[str]
    ) -> dict[str, Record]:
        target, name = self._targets.of(obj), match_field or RECORD_ID
        target.match(name)
        records = self._finder.records(target, name, [str(key) for key in keys], fields)
        if name != RECORD_ID:
            found: dict[str, Record] = {}
            for record in records:
                found.setdefault(str(record[name]).strip().lower(), record)
            return found
        by_id = {str(record[RECORD_ID])[:SHORT]: record for record in records}
        known = {str(key): by_id.get(str(key)[:SHORT]) for key in keys}
        return {
            key if match_field is None else key.strip().lower(): row
            for key, row in known.items()
            if row is not None
        }

    def _settle(self, batch: WriteBatch) -> None:
        """Once for each object, before its first write: no job of an earlier run may come in between."""
        with self._guard:
            if batch.object not in self._settled and batch.options.get("bulk", "auto") == "auto":
                self._jobs.settled(batch.object, self._user())
                self._settled.add(batch.object)

    def _confirmed(
        self, batch: WriteBatch, sent: Sequence[Sent], results: list[WriteResult]
    ) -> list[WriteResult]:
        """The same words tell of a record that is gone and of one that it names: the record itself is looked for."""
        doubtful = {one.row.trace: one.identity for one in sent if one.refers}
        gone = [one.trace for one in results if one.outcome == "unmatched" and one.field is None]
        asked = [trace for trace in gone if trace in doubtful]
        if not asked:
            return results
        ids = self._finder.ids(
            self._targets.of(batch.object), RECORD_ID, [doubtful[trace] for trace in asked]
        )
        there = {trace for trace in asked if ids(doubtful[trace])}
        return [replace(one, outcome="dead") if one.trace in there else one for one in results]

    def _written(self, batch: WriteBatch, sent: Sequence[Sent]) -> list[WriteResult]:
        target: Target = self._targets.of(batch.object)
        auto = batch.bulk and batch.options.get("bulk", "auto") == "auto"
        if not auto or len(sent) < BULK_FROM or not fits(batch, target):
            return self._collections.write(batch, sent)
        rows = [(one, cells(one)) for one in sent]
        large = [(one, row) for one, row in rows if row is not None]
        results = self._bulk.write(batch, [one for one, _ in large], [row for _, row in large])
        # what a CSV cannot hold goes the other way
        small = [one for one, row in rows if row is None]
        return [*results, *self._collections.write(batch, small, whole=not large)]


def _single(results: Sequence[WriteResult]) -> list[WriteResult]:
    """Accepted rows that Salesforce gives one record have overwritten each other: none counts as written."""
    times = Counter(str(one.remote_id) for one in results if one.outcome == "acked" and one.remote_id)
    reason = "several rows were written to one record, {}, which has the values of one of them"
    return [
        replace(one, outcome="dead", remote_id=None, reason=reason.format(one.remote_id))
        if one.outcome == "acked" and times[str(one.remote_id)] > 1
        else one
        for one in results
    ]


def _edits(row: Record, fields: Sequence[str], stamp: str | None) -> dict[str, Edit]:
    told = row.get(stamp) if stamp else None
    at: datetime | None = moment(str(told)) if told else None
    return {"id": Edit(row[RECORD_ID], at), **{name: Edit(row.get(name), at) for name in fields}}
