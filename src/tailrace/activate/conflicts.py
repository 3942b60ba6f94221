"""Fields that people edit, too: what stands at the vendor is read just before writing, and stays or goes as declared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from tailrace.activate.spelling import by_key, comparable
from tailrace.activate.staging import SentField, StagedBatch, StagedRow
from tailrace.connectors.sdk.writing import Destination, Edit, TellsEdits

Verdict = Literal["write", "keep", "overwrite"]
Unread = Literal["", "pending", "unmatched"]
SILENT_READS = 3
"""Runs in which nothing is told of a record that took our values before, until it counts as gone."""
OUR_WRITE_TAKES = timedelta(minutes=1)
"""From the note of a request to the vendor's own time of what it wrote."""


@dataclass(frozen=True)
class Kept:
    """What people did to one row's fields: `fields` stay as they are; `all_changes`: nothing else of the row is to be sent.

    `unread`: the vendor told nothing of the record, so nothing of the row is sent, and this becomes of it.
    """

    fields: tuple[str, ...]
    all_changes: bool
    acked_patch: Mapping[str, Any]
    """What the ledger keeps as accepted for them: the old value, or null for a field never accepted."""
    overwritten: tuple[str, ...] = ()
    """Fields that a person had edited and that are written all the same, as declared."""
    unread: Unread = ""


def guarded(fields: Sequence[SentField]) -> list[SentField]:
    """The fields whose rule needs the vendor's value."""
    return [field for field in fields if field.conflict != "ours"]


def kept_fields(
    destination: Destination,
    obj: str,
    match_field: str,
    batch: StagedBatch,
    fields: Sequence[SentField],
    options: Mapping[str, Any],
) -> dict[int, Kept]:
    """Rows, by their place in the file, with fields that somebody else edited, or that nothing is known of.

    Asks the vendor once, and not without a rule.

    RetriableError where it cannot be asked: then nothing of the batch may be written.
    """
    if not guarded(fields) or batch.operation in {"create", "archive"}:
        return {}
    keys = [row.remote_id if batch.by_id else row.key for row in batch.rows]
    match = None if batch.by_id else match_field
    there = _read(destination, obj, match, [key for key in keys if key], guarded(fields), options)
    found = {}
    # a record's id is no key: letter case may be all that tells two of them apart
    read = (lambda key: there.get(key, there.get(key.lower()))) if batch.by_id else by_key(there)
    for row, key in zip(batch.rows, keys, strict=True):
        edits = read(key or "")
        judge = _Row(batch, row, fields)
        kept = judge.unread() if edits is None else judge.judged(edits)
        if kept.fields or kept.overwritten or kept.unread:
            found[row.ordinal] = kept
    return found


def _read(
    destination: Destination,
    obj: str,
    match_field: str | None,
    keys: Sequence[str],
    rules: Sequence[SentField],
    options: Mapping[str, Any],
) -> Mapping[str, Mapping[str, Edit]]:
    """Current values, with their times only where a rule needs them: those cost more requests."""
    names = [field.field for field in rules]
    timed = any(field.conflict == "newest" for field in rules)
    if timed and isinstance(destination, TellsEdits):
        return destination.read_edits(obj, match_field, keys, names, options)
    there = destination.read_fields(obj, match_field, keys, names, options)
    return {key: {name: Edit(row.get(name), None) for name in names} for key, row in there.items()}


class _Row:
    """One row: what was accepted of it, what is to be written, and what becomes of each guarded field."""

    def __init__(self, batch: StagedBatch, row: StagedRow, fields: Sequence[SentField]) -> None:
        self._batch, self._row = batch, row
        self._moved = batch.by_id and batch.operation != "clear"
        self._sent = [
            field
            for field, value in zip(fields, row.values, strict=True)
            if value is not None or field.if_null != "skip" or batch.operation == "clear"
        ]
        self._acked: dict[str, Any] = json.loads(row.acked, parse_float=Decimal) if row.acked else {}
        self._new: dict[str, Any] = (
            json.loads(row.document, parse_float=Decimal)
            if row.document
            else dict.fromkeys(field.field for field in fields)
        )

    def unread(self) -> Kept:
        """No answer is no proof of an unedited record: what was accepted before, or has an id, is asked about again.

        A record that an update looks for by its key for the first time is not there; an upsert makes it.
        """
        unread: Unread = "unmatched" if self._batch.operation == "update" else ""
        if self._batch.by_id or self._row.acked_at is not None:
            unread = "pending" if self._row.attempts < SILENT_READS else ""
        unread = unread if guarded(self._sent) else ""
        return Kept((), bool(unread), {}, (), unread)

    def judged(self, edits: Mapping[str, Edit]) -> Kept:
        verdicts = {
            field.field: self._verdict(field, edits.get(field.field, Edit(None, None)))
            for field in guarded(self._sent)
        }
        mine = tuple(name for name, verdict in verdicts.items() if verdict == "keep")
        return Kept(
            mine,
            self._nothing_else(set(mine)),
            {name: _plain(self._acked.get(name)) for name in mine},
            tuple(name for name, verdict in verdicts.items() if verdict == "overwrite"),
        )

    def _nothing_else(self, mine: set[str]) -> bool:
        """Whether nothing beyond `mine` is news for the vendor; a record's new key always is."""
        changed = {
            name for name in self._new if name not in self._acked or self._acked[name] != self._new[name]
        }
        sent = {field.field for field in self._sent}
        return bool(mine) and not self._moved and changed <= mine and (bool(changed) or sent <= mine)

    def _verdict(self, field: SentField, edit: Edit) -> Verdict:
        """A value that we had accepted, or that we want to write, is nobody's loss."""
        there, ours, wanted = (
            comparable(value, field.type)
            for value in (edit.value, self._acked.get(field.field), self._new.get(field.field))
        )
        if there in (ours, wanted):
            return "write"
        if field.conflict == "newest":
            return self._by_age(edit, ours, field.type)
        return "keep" if field.conflict == "theirs" or there is not None else "overwrite"

    def _by_age(self, edit: Edit, ours: Any, kind: str) -> Verdict:
        """An edit without a known time stays, as does one that our value cannot be told to be newer than."""
        at, updated_at = _utc(edit.at), _utc(self._row.updated_at)
        if at is None:
            return "keep"
        if self._is_our_own(edit, at, ours, kind):
            return "write"
        return "overwrite" if updated_at is not None and updated_at >= at else "keep"

    def _is_our_own(self, edit: Edit, at: datetime, ours: Any, kind: str) -> bool:
        """Our last write as the vendor keeps it, in another spelling: by a program, then, and the history has no other of ours.

        An edit behind a value of ours is later than our write by the vendor's own order, whatever the clocks say.
        """
        acked_at = _utc(self._row.acked_at)
        if not edit.by_api or ours is None or acked_at is None:
            return False
        told = ours in [comparable(value, kind) for value in edit.earlier]
        return not told and at <= acked_at + OUR_WRITE_TAKES


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
