"""Members: list by list, first all, then what changed by last_changed, and now and then a sweep of all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

from tailrace.connectors.mailchimp import columns
from tailrace.connectors.mailchimp.api import Api, Record
from tailrace.connectors.mailchimp.walk import Walk, iso, moment, stamp
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.errors import SchemaError
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Column, Page, Schema, Scope, Type

KEY = ("list_id", "id")
TYPES: Mapping[str, Type] = {"number": "double", "date": "date", "address": "json"}
"""Of merge fields, by Mailchimp's word (recorded); every other kind is text."""
PREFIX = "merge_fields_"
REMEMBERED = 10_000
"""Members near a list's cursor that a position names; beyond it they are handed on again, which does no harm."""
CHECKPOINT_PAGES = 10
LEAN = {"fields": "members.id,members.last_changed,total_items"}
Seen = dict[str, list[Any]]


def schema(api: Api, resource: ResourceSpec) -> Schema:
    """The fixed columns, and one for each merge field of the lists; SchemaError where two tags would be one column."""
    kinds: dict[str, Type] = {}
    names: dict[str, str] = {}
    for list_id in api.lists(resource.options.get("lists")).ids:
        for page in api.listing(f"/lists/{list_id}/merge-fields", "merge_fields"):
            for field in page:
                tag, kind = str(field["tag"]), TYPES.get(str(field.get("type")), "text")
                kinds[tag] = kind if kinds.get(tag, kind) == kind else "text"
                names.setdefault(tag, str(field.get("name") or ""))
    _refuse_collisions(api, resource.name, list(kinds))
    fields = [Column(PREFIX + tag, kind, names[tag]) for tag, kind in kinds.items()]
    return columns.schema("members", KEY, fields)


def _refuse_collisions(api: Api, resource: str, tags: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for tag in tags:
        other = seen.setdefault(tag.lower(), tag)
        if other != tag:
            raise SchemaError(
                f"{api.connection}.{resource}: the merge fields {other!r} and {tag!r} would be one column",
                "rename one at Mailchimp, or name the lists to land under lists:",
            )


class MemberReader:
    """One read.

    Position: per list `since`, `seen` (id -> [stamp, digest, edits under that stamp]), `swept`, and `had`: whether the last
    complete read showed archived members, and others.
    """

    def __init__(
        self, api: Api, resource: ResourceSpec, schema: Schema, now: Callable[[], datetime], overlap: float
    ) -> None:
        self._api, self._options, self._now = api, resource.options, now
        names = schema.names()
        self._json = {column.name for column in schema.columns if column.type == "json"}
        self._tags = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
        own = resource.options.get("overlap")
        self._overlap = timedelta(seconds=overlap if own is None else own)
        sweep = resource.options.get("sweep")
        self._sweep = None if sweep in (None, "off") else timedelta(seconds=float(sweep))

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        known: dict[str, Any] = dict((position or {}).get("lists") or {})
        lists = self._api.lists(self._options.get("lists"))
        scopes: list[Scope] = []
        for list_id in lists.ids:
            reading = _ListReading(self._api, list_id, known.get(list_id) or {}, self._overlap, self._now())
            whole = self._is_whole(known.get(list_id), reading.started)
            for count, records in enumerate(reading.pages(whole=whole), start=1):
                yield from self._pages(records, reading)
                if whole and known.get(list_id) is None and count % CHECKPOINT_PAGES == 0:
                    yield Checkpoint({"lists": {**known, list_id: reading.position()}})
            if whole and reading.covers(told=lists.there[list_id]):
                scopes.append(Scope({"list_id": (list_id,)}, erased=True))
            known[list_id] = reading.position()
        # an account without any list is one that cannot be: such an answer takes nothing away
        sure = lists.complete and lists.there
        gone = [list_id for list_id in known if sure and list_id not in lists.there]
        if gone:
            scopes.append(Scope({"list_id": tuple(gone)}, erased=True))
        yield Checkpoint(
            {"lists": {key: value for key, value in known.items() if key not in gone}}, tuple(scopes)
        )

    def backfill(self, first: date, last: date) -> Iterator[Page | Checkpoint]:
        """Who changed on those days, as they are now."""
        begin = datetime.combine(first, time(), UTC)
        end = datetime.combine(last + timedelta(days=1), time(), UTC)
        for list_id in self._api.lists(self._options.get("lists")).ids:
            reading = _ListReading(self._api, list_id, {}, self._overlap, self._now())
            for records in reading.walked({}, begin, end):
                yield from self._pages(records, reading)
        yield Checkpoint(None)

    def census(self, schema: Schema) -> Iterator[Page]:  # noqa: ARG002 - the key is known
        """Every member's key."""
        for list_id in self._api.lists(self._options.get("lists")).ids:
            reading = _ListReading(self._api, list_id, {}, self._overlap, self._now())
            for records in reading.walked(LEAN, None, None):
                yield Page([{"list_id": list_id, "id": record.get("id")} for record in records])

    def _is_whole(self, known: Mapping[str, Any] | None, started: datetime) -> bool:
        if known is None:
            return True
        return self._sweep is not None and moment(known["swept"]) + self._sweep <= started

    def _pages(self, records: list[Record], reading: _ListReading) -> Iterator[Page]:
        """With versions; rows without a stamp, which Mailchimp owes us, go by their arrival."""
        rows, versions, timeless = [], [], []
        for record in records:
            version = reading.version(record)
            if version is None:
                timeless.append(self._row(record, reading.list_id))
            else:
                rows.append(self._row(record, reading.list_id))
                versions.append(version)
        if rows:
            yield Page(rows, versions)
        if timeless:
            yield Page(timeless)

    def _row(self, record: Record, list_id: str) -> dict[str, Any]:
        row = columns.row("members", record)
        row["list_id"] = row["list_id"] or list_id
        row["tags"] = _by_name(row["tags"])
        values = record.get("merge_fields")
        values = values if isinstance(values, Mapping) else {}
        for tag in self._tags:
            name, value = PREFIX + tag, values.get(tag)
            row[name] = None if value == "" and name in self._json else value
        return row


class _ListReading:
    """One list in one read: what of it is new, and how far it came."""

    def __init__(
        self, api: Api, list_id: str, known: Mapping[str, Any], overlap: timedelta, started: datetime
    ) -> None:
        self.list_id, self.started, self.complete = list_id, started, False
        self._api, self._known, self._overlap = api, known, overlap
        self._seen: Seen = dict(known.get("seen") or {})
        self._top: datetime | None = moment(known["since"]) if known.get("since") else None
        self._swept = str(known.get("swept") or iso(started))
        self._altered = not known
        self._had: list[bool] | None = known.get("had")

    def covers(self, *, told: int) -> bool:
        """Whether whom this complete read did not show is gone; `told`: how many members the list says it has.

        Suddenly nobody, of the archived or of the others, is an answer that has to come at two complete reads in a row.
        """
        before = self._had or [False, bool(self._known.get("since")) or told > 0]
        self._had = self._shown
        if all(now or not had for had, now in zip(before, self._shown, strict=True)):
            return self.complete
        text = f"{self._api.connection}.members: Mailchimp shows no member of list {self.list_id} where there were some"
        emit(Notice("warning", f"{text}; none is taken for erased unless the next sweep says so, too"))
        return False

    def pages(self, *, whole: bool) -> Iterator[list[Record]]:
        """All members, or those changed since the position but for what it has seen already."""
        if whole:
            self._swept, self._altered = iso(self.started), True
            for records in self.walked({}, None, None):
                self._note(records)
                yield records
            return
        since = self._top - self._overlap if self._top else None
        for records in self.walked({}, since, None):
            fresh = [record for record in records if self._is_fresh(record)]
            if fresh:
                self._altered = True
                self._note(fresh)
                yield fresh

    def walked(
        self, params: Mapping[str, str], since: datetime | None, before: datetime | None
    ) -> Iterator[list[Record]]:
        """The members of the list, archived ones too: whether a listing without status has them, nobody wrote down."""
        archived = Walk(self._api, self.list_id, {**params, "status": "archived"})
        others = Walk(self._api, self.list_id, dict(params))
        shown, count = set[tuple[Any, Any]](), 0
        self._shown = [False, False]
        for records in archived.pages(since, before):
            shown.update((record.get("id"), record.get("last_changed")) for record in records)
            self._shown[0] = True
            yield records
        for records in others.pages(since, before):
            count += len(records)
            rest = [one for one in records if (one.get("id"), one.get("last_changed")) not in shown]
            if rest:
                yield rest
        self._shown[1] = count > 0
        self.complete = count >= others.total

    def version(self, record: Record) -> datetime | None:
        """last_changed; a microsecond later for each further state under the same second."""
        at = stamp(record)
        edits = self._seen.get(str(record.get("id")), [None, None, 0])
        again = int(edits[2]) if at is not None and edits[0] == record["last_changed"] else 0
        return at + timedelta(microseconds=again) if at is not None else None

    def position(self) -> dict[str, Any]:
        """As it was, where nothing was new."""
        if not self._altered and self._known:
            return dict(self._known)
        top = self._top
        cut = top - self._overlap if top else None
        near = [(item[0], key) for key, item in self._seen.items() if cut and moment(item[0]) >= cut]
        kept = [key for _, key in sorted(near)[-REMEMBERED:]]
        return {
            "since": iso(top) if top else None,
            "seen": {key: self._seen[key] for key in kept},
            "swept": self._swept,
            "had": self._had,
        }

    def _is_fresh(self, record: Record) -> bool:
        held = self._seen.get(str(record.get("id")))
        return held is None or held[:2] != [record.get("last_changed"), _digest(record)]

    def _note(self, records: Sequence[Record]) -> None:
        """Remembers what lies near the highest stamp; prunes now and then."""
        for record in records:
            at = stamp(record)
            if at is None or not record.get("id"):
                continue
            reached = min(at, self.started)  # a stamp of the future is no place to go on from
            self._top = reached if self._top is None else max(self._top, reached)
            if at < self._top - self._overlap:
                continue
            text, digest, held = record["last_changed"], _digest(record), self._seen.get(str(record["id"]))
            again = held is not None and held[0] == text
            edits = (int(held[2]) + (held[1] != digest)) if held is not None and again else 0
            self._seen[str(record["id"])] = [text, digest, edits]
        if len(self._seen) > 4 * REMEMBERED and self._top is not None:
            cut = self._top - self._overlap
            self._seen = {key: item for key, item in self._seen.items() if moment(item[0]) >= cut}


def _digest(record: Record) -> str:
    """Of all that the member's row is made of; links are none of it."""
    whole = {**record, "_links": None}
    try:
        text = orjson.dumps(whole, default=str, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, or a number beyond 64 bits
        text = json.dumps(whole, default=str, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def _by_name(tags: Any) -> Any:
    """Tags come in no order."""
    if not isinstance(tags, list):
        return tags
    return sorted(tags, key=lambda tag: str(tag.get("name") if isinstance(tag, Mapping) else tag))
