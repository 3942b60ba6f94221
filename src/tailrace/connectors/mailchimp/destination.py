"""Mailchimp as a destination: members of a list, made and changed in bulk, changed, tagged and archived one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tailrace.connectors.mailchimp.api import Api
from tailrace.connectors.mailchimp.batches import Operation
from tailrace.connectors.mailchimp.bulk import Bulk, Told
from tailrace.connectors.mailchimp.fields import ListFields, list_fields, make_field
from tailrace.connectors.mailchimp.operations import Operations, Replies
from tailrace.connectors.mailchimp.outcomes import Sent, email_hash, folded
from tailrace.connectors.mailchimp.singles import Singles
from tailrace.connectors.mailchimp.values import Unsendable, merge_value, switch, text
from tailrace.connectors.mailchimp.walk import stamp
from tailrace.connectors.mailchimp.writable import EMAIL, TAGS
from tailrace.connectors.sdk.writing import (
    NOTHING,
    Edit,
    NewField,
    RemoteField,
    WriteBatch,
    WriteResult,
    WriteRow,
)
from tailrace.errors import Unavailable

SILENT = "Mailchimp's answer says nothing of this row"
ARCHIVED = "the member is archived: bring it back at Mailchimp, or set unarchive: true"
Member = Mapping[str, Any]


class Members:
    """One account's members. A list's merge fields are asked for once."""

    def __init__(self, api: Api, operations: Operations) -> None:
        self._api, self._operations = api, operations
        self._lists: dict[str, ListFields] = {}
        self._guard = threading.Lock()

    def fields(self, obj: str, options: Mapping[str, Any] = NOTHING) -> Mapping[str, RemoteField]:  # noqa: ARG002
        return self._list(options, fresh=True).offered(options["tags"] or ())

    def create_field(self, obj: str, new: NewField, options: Mapping[str, Any] = NOTHING) -> None:  # noqa: ARG002
        """Does nothing where the list has the merge field already."""
        if new.name not in self._list(options, fresh=True).kinds:
            make_field(self._api, options["list"], new)
            self._list(options, fresh=True)

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order."""
        self._operations.batches.settle()
        fields = self._list(batch.options)
        sendable: list[Sent] = []
        results: dict[str, WriteResult] = {}
        for row in batch.rows:
            try:
                sendable.append(prepared(batch, row, fields))
            except Unsendable as error:
                results[row.trace] = WriteResult(row.trace, "dead", row.remote_id, str(error), error.field)
        told = self._send(batch, fields, sendable)
        results |= told.results
        missing = told.broke or SILENT
        return [
            results.get(row.trace, WriteResult(row.trace, "unknown", reason=missing)) for row in batch.rows
        ]

    def _send(self, batch: WriteBatch, fields: ListFields, rows: Sequence[Sent]) -> Told:
        if not rows:
            return Told()
        singles = Singles(self._operations, fields, batch.options)
        if batch.operation == "archive":
            return singles.archive(rows)
        if batch.operation in ("update", "clear"):
            told = singles.change(rows)
        else:
            creating = batch.operation == "create"
            told = Bulk(self._api, fields, batch.options, creating).send(rows)
            if not creating:
                self._complete(batch, singles, rows, told)
        singles.tag([sent for sent in rows if sent.tags is not None], told)
        return told

    def _complete(self, batch: WriteBatch, singles: Singles, rows: Sequence[Sent], told: Told) -> None:
        """What an upsert in bulk leaves open: rows that it did not decide, and members that are archived."""
        if told.undecided and told.broke is None:
            singles.put(told.undecided, told)
        archived = [
            sent for sent in rows if told.members.get(sent.row.trace, NOTHING).get("status") == "archived"
        ]
        if batch.options["unarchive"]:
            singles.put(archived, told, back=True)
            return
        for sent in archived:
            told.results[sent.row.trace] = WriteResult(sent.row.trace, "dead", sent.key, ARCHIVED)

    def read_fields(
        self,
        obj: str,  # noqa: ARG002
        match_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str],
        options: Mapping[str, Any] = NOTHING,
    ) -> Mapping[str, Mapping[str, Any]]:
        """As the protocol says; one request a member, or one batch."""
        tags = options["tags"] or ()
        return {
            name: {"id": str(member.get("id")), **{field: current(member, field, tags) for field in fields}}
            for name, member in self._read(match_field, keys, options)
        }

    def read_edits(
        self,
        obj: str,  # noqa: ARG002
        match_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str],
        options: Mapping[str, Any] = NOTHING,
    ) -> Mapping[str, Mapping[str, Edit]]:
        """Mailchimp keeps no history of fields: the time is the member's `last_changed`, whole seconds."""
        tags = options["tags"] or ()
        found: dict[str, Mapping[str, Edit]] = {}
        for name, member in self._read(match_field, keys, options):
            at: datetime | None = stamp(dict(member))
            found[name] = {field: Edit(current(member, field, tags), at) for field in fields}
        return found

    def _read(
        self, match_field: str | None, keys: Sequence[str], options: Mapping[str, Any]
    ) -> Iterator[tuple[str, Member]]:
        names = {folded(key): str(key) if match_field is None else email_hash(str(key)) for key in keys}
        path = self._list(options).path
        asked = [Operation(name, "GET", f"{path}/members/{key}") for name, key in names.items()]
        replies = self._operations.run(asked, options["batch_from"]) if asked else Replies()
        for operation in asked:
            reply = replies.found.get(operation.id)
            if reply is None or reply.status not in (200, 404):
                # one that is not known is not one that is absent: its edits would be overwritten
                told = replies.broke or (f"status {reply.status}" if reply else "no answer")
                raise Unavailable(f"{self._api.connection}: a member cannot be read: {told}", "run again")
            if reply.status == 200:
                yield operation.id, reply.document

    def _list(self, options: Mapping[str, Any], *, fresh: bool = False) -> ListFields:
        key = str(options["list"])
        with self._guard:
            if fresh or key not in self._lists:
                self._lists[key] = list_fields(self._api, key)
            return self._lists[key]


def prepared(batch: WriteBatch, row: WriteRow, fields: ListFields) -> Sent:
    """The row as it is sent; Unsendable where it cannot be."""
    values = dict(row.values)
    moved = values.pop(EMAIL, None)
    by_id = batch.match_field is None
    name = row.remote_id if by_id else row.key
    if not name:
        raise Unsendable("the row has neither an e-mail nor a member's id", EMAIL)
    email = text(moved or "").strip() if by_id else text(name).strip()
    key = str(name) if by_id else email_hash(email)
    tags = _tags(values.pop(TAGS), batch.options["tags"] or ()) if TAGS in values else None
    body = _body(values, fields)
    if by_id and email:
        body[EMAIL] = email
    return Sent(row, email, key, body, tags)


def _body(values: Mapping[str, Any], fields: ListFields) -> dict[str, Any]:
    body: dict[str, Any] = {}
    merge: dict[str, Any] = {}
    for name, value in values.items():
        try:
            if name == "vip":
                body[name] = switch(value)
            elif name == "language":
                body[name] = "" if value is None else text(value)
            elif name in fields.kinds:
                merge[name] = merge_value(fields.kinds[name], value)
            else:
                raise Unsendable(f"the list has no merge field {name}")
        except Unsendable as error:
            raise Unsendable(str(error), name) from None
    return {**body, "merge_fields": merge} if merge else body


def _tags(value: Any, declared: Sequence[str]) -> frozenset[str]:
    """Names joined by `;`; Unsendable for one that the options do not declare: it could never be taken away again."""
    names = frozenset(
        name.strip() for name in ("" if value is None else text(value)).split(";") if name.strip()
    )
    foreign = sorted(names - set(declared))
    if foreign:
        raise Unsendable(f"{', '.join(foreign)} is not among the tags of the sync's options", TAGS)
    return names


def current(member: Member, field: str, tags: Sequence[str]) -> Any:
    """A field's value of a member as Mailchimp shows it; of the tags only those that are the sync's."""
    if field == TAGS:
        held = {str(tag.get("name")) for tag in member.get(TAGS) or () if isinstance(tag, Mapping)}
        return ";".join(tag for tag in tags if tag in held)
    merge = member.get("merge_fields") or NOTHING
    return merge.get(field, member.get(field))
