"""What recipients did, campaign by campaign: a report whose numbers are as they were has nothing new behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

from tailrace.connectors.mailchimp import columns
from tailrace.connectors.mailchimp.api import Api, Record
from tailrace.connectors.mailchimp.walk import SECOND, iso, moment
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.unchanged import Window
from tailrace.records import Checkpoint, Page, Schema, Scope

COUNTS = ("emails_sent", "abuse_reports", "unsubscribed", "bounces", "forwards", "opens", "clicks")
REPORTS = {"fields": ",".join(f"reports.{name}" for name in ("id", "send_time", *COUNTS)) + ",total_items"}
State = dict[str, Any]


class CampaignReader:
    """One read of `activity` or `unsubscribes`.

    Position: per campaign the digest of its report's numbers, the digest of the rows that the next read shows again and,
    of activity, the time `since` which that is.
    """

    def __init__(self, api: Api, resource: ResourceSpec, now: Callable[[], datetime]) -> None:
        self._api, self._name, self._now = api, resource.name, now
        self._recent = timedelta(seconds=float(resource.options.get("recent") or 0))
        self._overlap = timedelta(seconds=float(resource.options.get("overlap") or 0))

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        """Committed campaign by campaign, so that a long first read goes on where it ended."""
        state: State = dict((position or {}).get("campaigns") or {})
        listing = self._api.listing("/reports", "reports", REPORTS)
        reports = sorted((one for page in listing for one in page), key=lambda one: str(one.get("send_time")))
        for report in reports:
            key, known = str(report["id"]), state.get(str(report["id"]))
            if known is not None and known["report"] == _digest(report) and not self._is_recent(report):
                continue
            entry: State = {}
            scopes: list[Scope] = []
            one = self._activity if self._name == "activity" else self._unsubscribes
            for rows in one(report, known or {}, entry, scopes):
                yield Page(rows)
            if entry != known:
                state[key] = entry
                yield Checkpoint({"campaigns": dict(state)}, tuple(scopes))
        if listing.complete:
            there = {str(report["id"]) for report in reports}
            state = {key: entry for key, entry in state.items() if key in there}
        yield Checkpoint({"campaigns": state})

    def backfill(self, first: date, last: date) -> Iterator[Page | Checkpoint]:
        """Actions of those days (UTC)."""
        begin = datetime.combine(first, time(), UTC)
        end = datetime.combine(last + timedelta(days=1), time(), UTC)
        for report in (one for page in self._api.listing("/reports", "reports", REPORTS) for one in page):
            if report.get("send_time") and moment(report["send_time"]) >= end:
                continue
            for rows in self._actions(str(report["id"]), begin):
                inside = [row for row in rows if moment(row["timestamp"]) < end]
                if inside:
                    yield Page(inside)
        yield Checkpoint(None)

    def census(self, schema: Schema) -> Iterator[Page]:
        """Every key: as much as a complete read."""
        for report in (one for page in self._api.listing("/reports", "reports", REPORTS) for one in page):
            key = str(report["id"])
            pages = self._actions(key, None) if self._name == "activity" else self._left(key)[0]
            for rows in filter(None, pages):
                yield Page([{name: row[name] for name in schema.primary_key} for row in rows])

    def _is_recent(self, report: Mapping[str, Any]) -> bool:
        sent = report.get("send_time")
        return not sent or moment(sent) + self._recent > self._now()

    def _activity(
        self, report: Mapping[str, Any], known: State, entry: State, scopes: list[Scope]
    ) -> Iterator[list[dict[str, Any]]]:
        """Actions since the position's time; nothing where they are as they were. Nothing that happened is ever gone."""
        scopes.clear()
        since = moment(known["since"]) if known.get("since") else None
        following = self._now().replace(microsecond=0) - self._overlap
        window = Window(known.get("digest"), lambda row: moment(row["timestamp"]) >= following)
        yield from window.pages(self._actions(str(report["id"]), since))
        entry["report"] = _digest(report)
        if window.same:
            entry |= {"since": known["since"], "digest": known["digest"]}
        else:
            entry |= {"since": iso(following), "digest": window.digest}

    def _actions(self, campaign: str, since: datetime | None) -> Iterator[list[dict[str, Any]]]:
        """Whether `since` shows its own second is nowhere written: the second before is asked for."""
        params = {"exclude_fields": "emails._links"}
        if since is not None:
            params["since"] = iso(since - SECOND)
        for people in self._api.listing(f"/reports/{campaign}/email-activity", "emails", params):
            rows = [row for person in people for row in _rows(person, campaign)]
            rows = [row for row in rows if since is None or moment(row["timestamp"]) >= since]
            if rows:
                yield rows

    def _unsubscribes(
        self, report: Mapping[str, Any], known: State, entry: State, scopes: list[Scope]
    ) -> Iterator[list[dict[str, Any]]]:
        """All of a campaign's; whom its report no longer lists is gone."""
        key = str(report["id"])
        pages, listing = self._left(key)
        window = Window(known.get("digest"))
        yield from window.pages(pages)
        entry |= {"report": _digest(report), "digest": window.digest if listing.complete else None}
        if listing.complete and not window.same:
            scopes.append(Scope({"campaign_id": (key,)}))

    def _left(self, campaign: str) -> tuple[Iterator[list[dict[str, Any]]], Any]:
        path = f"/reports/{campaign}/unsubscribed"
        listing = self._api.listing(path, "unsubscribes", {"exclude_fields": "unsubscribes._links"})
        known = {"campaign_id": campaign}
        pages = ([columns.row("unsubscribes", {**record, **known}) for record in page] for page in listing)
        return pages, listing


def _rows(person: Record, campaign: str) -> Iterator[dict[str, Any]]:
    """One row an action; url and ip are parts of its key, so "" where there is none."""
    actions = person.get("activity")
    for action in actions if isinstance(actions, list) else ():
        if not isinstance(action, Mapping) or not action.get("timestamp"):
            continue
        row = columns.row("activity", {**person, "campaign_id": campaign, **action})
        yield {**row, "url": row["url"] or "", "ip": row["ip"] or ""}


def _digest(report: Mapping[str, Any]) -> str:
    counts = orjson.dumps({name: report.get(name) for name in COUNTS}, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(counts, digest_size=8).hexdigest()
