"""One sObject: a first load that can be resumed, then what changed, what was deleted, and where needed a sweep of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tailrace.connectors.salesforce.api import Api, Record, Refused, in_soql
from tailrace.connectors.salesforce.fields import DELETED, MASTER, Description
from tailrace.connectors.salesforce.recent import GONE, Recent, digest, iso, moment
from tailrace.connectors.salesforce.stream import Stream
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.unchanged import Window
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Page, Schema, Scope

SWEEP = timedelta(hours=24)
REPLICATED = timedelta(days=15) - timedelta(hours=1)
"""How far back the list of deleted records reaches (vendor-apis.md 2.3), less some time to ask."""
SHORTEST = timedelta(minutes=1)
"""The list's start must precede its end by more."""


class ObjectReader:
    """One read of one object.

    Position: `since` (newest stamp taken over), `seen` (what the next overlap shows again: {Id: [version, digest]}),
    `deleted` (the deleted list's latestDateCovered), `swept`, `owed` (a complete read is due), `asked`, and in a first
    load `loading` (its begin, and the place or job to go on from).
    """

    def __init__(
        self,
        api: Api,
        stream: Stream,
        resource: ResourceSpec,
        schema: Schema,
        found: Description,
        now: Callable[[], datetime],
        overlap: float,
    ) -> None:
        self._api, self._stream, self._schema, self._found, self._now = api, stream, schema, found, now
        options = resource.options
        own = options.get("overlap")
        self._overlap = timedelta(seconds=overlap if own is None else own)
        fields = [*(options.get("fields") or ()), *resource.also]
        self._asked = [fields or None, options.get("where")]
        self._sweep = self._sweep_of(options)
        ask = options.get("deleted_sweep")
        self._ask = None if ask in (None, "off") or not found.replicateable else timedelta(seconds=float(ask))

    def _sweep_of(self, options: Mapping[str, Any]) -> timedelta | None:
        given = options.get("sweep")
        if given is None:
            told = self._found.tells_deletes and self._found.replicateable and not options.get("where")
            return None if told else SWEEP
        return None if given == "off" else timedelta(seconds=float(given))

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        """See Source.read."""
        known = position if position is not None and position.get("asked") == self._asked else None
        if self._found.stamp is None:
            yield from self._whole(known)
        elif known is None or known.get("loading"):
            yield from self._load(known, owed=position is not None)
        else:
            yield from self._follow(known)

    def backfill(self, first: date, last: date) -> Iterator[Page | Checkpoint]:
        """Records whose stamp lies in the days, deleted ones as tombstones."""
        begin, end = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
        stamp = self._found.stamp
        between = f"{stamp} >= {in_soql(begin)} AND {stamp} < {in_soql(end)}"
        recent = Recent(self._overlap, self._now())
        for records, _ in self._stream.ordered(between):
            yield from self._pages(records, recent)
        yield Checkpoint({})

    def _whole(self, known: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        """An object without a stamp: read whole, handed on where anything in it differs."""
        window = Window((known or {}).get("digest"))
        for records in window.pages(self._stream.unordered()):
            yield Page(records)
        scopes = window.covered((Scope(),), f"{self._api.connection}.{self._found.name}")
        yield Checkpoint({"digest": window.digest, "asked": self._asked}, scopes)

    def _load(self, known: Mapping[str, Any] | None, *, owed: bool) -> Iterator[Page | Checkpoint]:
        started, place = self._now(), known or {}
        loading = place.get("loading") or {"began": iso(started)}
        began = moment(loading["began"])
        owed = bool(place.get("owed", owed))
        recent = Recent(self._overlap, started, place.get("since"), place.get("seen"))
        later = {"deleted": iso(began - self._overlap), "swept": iso(began)}
        for records, mark in self._stream.full(loading.get("mark")):
            # known rows, too: a job that is made again shows all, and its scope removes what was not shown
            yield from self._pages(records, recent, began - self._overlap, known_too=True)
            if mark is not None:
                going_on = {"began": loading["began"], "mark": mark}
                yield self._checkpoint(recent, {**later, "owed": owed, "loading": going_on})
        whole = self._stream.whole
        yield self._checkpoint(recent, {**later, "owed": owed and not whole}, scoped=whole)
        self._stream.tidy()

    def _follow(self, known: Mapping[str, Any]) -> Iterator[Page | Checkpoint]:
        started = self._now()
        recent = Recent(self._overlap, started, known["since"], known["seen"])
        place = {name: known[name] for name in ("deleted", "swept", "owed")}
        low = in_soql(moment(known["since"]) - self._overlap)
        for records, mark in self._stream.ordered(f"{self._found.stamp} >= {low}"):
            yield from self._pages(records, recent)
            if mark is not None and "stamp" in mark:
                yield self._checkpoint(recent, place)
        yield from self._deleted(place, started, recent)
        self._stream.tidy()
        if place["owed"] or (self._sweep is not None and moment(place["swept"]) + self._sweep <= started):
            yield self._checkpoint(recent, place)
            yield from self._swept(place, started, recent)
        else:
            yield self._checkpoint(recent, place)

    def _swept(self, place: dict[str, Any], started: datetime, recent: Recent) -> Iterator[Page | Checkpoint]:
        for records, _ in self._stream.full(None):
            yield from self._pages(records, recent, started - self._overlap, known_too=True)
        if self._stream.whole:
            place = {**place, "owed": False, "swept": iso(started)}
        yield self._checkpoint(recent, place, scoped=self._stream.whole)
        self._stream.tidy()

    def _deleted(self, place: dict[str, Any], started: datetime, recent: Recent) -> Iterator[Page]:
        """Tombstones of the deleted list, which alone tells of hard deletes; where it has a gap, a sweep is owed."""
        start = moment(place["deleted"])
        if self._ask is None or start + max(self._ask, SHORTEST) >= started:
            return
        try:
            if started - start > REPLICATED:
                self._owe(place, started, "it reaches back 15 days only")
                return
            answer = self._api.deleted(self._found.name, start, started)
        except Refused as refused:
            self._owe(place, started, refused.code)
            return
        place["deleted"] = max(place["deleted"], iso(moment(answer["latestDateCovered"])))
        told = [record for record in answer["deletedRecords"] if not recent.is_gone(record["id"])]
        if told:
            versions = [str(record["deletedDate"]) for record in told]
            yield Page([{"Id": record["id"]} for record in told], versions, deleted=True)

    def _owe(self, place: dict[str, Any], started: datetime, why: str) -> None:
        text = f"{self._api.connection}.{self._found.name}: the list of deleted records has a gap ({why})"
        emit(Notice("warning", f"{text}: all rows are read again"))
        place.update(deleted=iso(started - self._overlap), owed=True)

    def _checkpoint(self, recent: Recent, place: Mapping[str, Any], *, scoped: bool = False) -> Checkpoint:
        since, seen = recent.position()
        position = {"since": since, "seen": seen, **place, "asked": self._asked}
        return Checkpoint(position, (Scope(),) if scoped else ())

    def _pages(
        self,
        records: list[Record],
        recent: Recent,
        tell_from: datetime | None = None,
        *,
        known_too: bool = False,
    ) -> Iterator[Page]:
        """Live rows and tombstones that are news; of deletes before `tell_from` nobody needs to hear."""
        live: list[Record] = []
        versions: list[str] = []
        ends: list[tuple[str, str, str | None]] = []
        for record in records:
            stamp, key = str(record[self._found.stamp or ""]), str(record["Id"])
            if record.get(DELETED) is True:
                if tell_from is None or moment(stamp) >= tell_from:
                    version, news = recent.version(key, stamp, GONE)
                    if news:
                        ends.append((key, version, record.get(MASTER)))
                continue
            row = {name: record.get(name) for name in self._schema.names()}
            version, news = recent.version(key, stamp, digest(row))
            if news or known_too:
                live.append(row)
                versions.append(version)
        if live:
            yield Page(live, versions)
        if ends:
            yield self._tombstones(ends)

    def _tombstones(self, ends: list[tuple[str, str, str | None]]) -> Page:
        merged = [master for _, _, master in ends] if MASTER in self._found.fields else None
        rows = [{"Id": key} for key, _, _ in ends]
        return Page(rows, [version for _, version, _ in ends], deleted=True, merged_into=merged)
