"""The events behind the web property's sessions: what each of them did, as GA4 exports it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tailrace.sandbox.world.sessions import TIME_ZONE

Row = dict[str, Any]
SITE = "https://www.tailrace.example"
HOSTNAME = "www.tailrace.example"
STREAM_ID = "4120000001"
UTC_OFFSET = timedelta(hours=5)
"""Of New York in winter: a property's day ends at 5 h UTC, and nothing here happens after 0 h."""
LAST_SECOND = 18 * 3600
FILLERS = ("user_engagement", "scroll", "click")
BROWSERS = {
    "desktop": (("Chrome", "Windows"), ("Chrome", "Macintosh"), ("Safari", "Macintosh"), ("Edge", "Windows")),
    "mobile": (("Safari", "iOS"), ("Chrome", "Android")),
    "tablet": (("Safari", "iOS"), ("Chrome", "Android")),
}
assert TIME_ZONE == "America/New_York"


def events_of(rng: random.Random, day: date, sessions: Sequence[Row], people: Sequence[str]) -> list[Row]:
    """All events of one day, in the order in which they came; `people` are the ids that a login may have."""
    found: list[Row] = []
    for session in sessions:
        found.extend(_Session(rng, day, session, people).events())
    return sorted(found, key=lambda event: int(event["event_timestamp"]))


class _Session:
    """One session; its events share device, place, origin and the session's id."""

    def __init__(self, rng: random.Random, day: date, session: Row, people: Sequence[str]) -> None:
        self._rng, self._session = rng, session
        begun = (
            datetime.combine(day, time(), UTC) + UTC_OFFSET + timedelta(seconds=rng.randrange(LAST_SECOND))
        )
        self._begun = begun
        self._engaged = bool(session["engagedSessions"])
        self._login = rng.choice(people) if people and session["keyEvents"] else None
        self._page = session["landingPage"] if str(session["landingPage"]).startswith("/") else "/"
        self._shared = self._about(day)

    def events(self) -> Iterator[Row]:
        """As many as the session counts, of the kinds that it counts."""
        at = int(self._begun.timestamp() * 1_000_000)
        previous: int | None = None
        for number, name in enumerate(self._names()):
            yield {**self._shared, **self._event(name, number, at, previous)}
            previous, at = at, at + self._rng.randrange(1, 20_000_000)

    def _names(self) -> list[str]:
        session = self._session
        names = ["session_start", *(["first_visit"] if session["newUsers"] else [])]
        names += ["page_view"] * session["screenPageViews"]
        names += ["generate_lead"] if session["keyEvents"] else []
        rest = session["eventCount"] - len(names)
        return names + [FILLERS[number % len(FILLERS)] for number in range(rest)]

    def _event(self, name: str, number: int, at: int, previous: int | None) -> Row:
        return {
            "event_timestamp": at,
            "event_previous_timestamp": previous,
            "event_name": name,
            "event_params": list(self._params(name)),
            "event_value_in_usd": 40.0 if name == "generate_lead" else None,
            "batch_event_index": number + 1,
            "batch_ordering_id": 1 + number // 3,
            "batch_page_id": int(self._begun.timestamp() * 1000),
            "collected_traffic_source": self._collected() if name == "session_start" else None,
        }

    def _params(self, name: str) -> Iterator[Row]:
        yield _param("ga_session_id", int(self._begun.timestamp()))
        yield _param("ga_session_number", 1 if self._session["newUsers"] else 2)
        yield _param("page_location", SITE + self._page)
        yield _param("page_title", "Tailrace | " + (self._page.strip("/").replace("/", " ") or "home"))
        yield _param("session_engaged", "1" if self._engaged else "0")
        if name == "user_engagement":
            yield _param("engagement_time_msec", self._session["userEngagementDuration"] * 1000)
        if name == "generate_lead":
            yield _param("currency", "USD")
            yield _param("value", 40.0)

    def _collected(self) -> Row:
        session = self._session
        gclid = f"Cj0{self._rng.randrange(10**12):012d}" if session["sessionMedium"] == "cpc" else None
        return {
            "manual_source": session["sessionSource"],
            "manual_medium": session["sessionMedium"],
            "manual_campaign_name": session["sessionCampaignName"],
            "gclid": gclid,
        }

    def _about(self, day: date) -> Row:
        session, category = self._session, self._session["deviceCategory"]
        browser, system = self._rng.choice(BROWSERS[category])
        source = {
            "name": session["sessionCampaignName"],
            "medium": session["sessionMedium"],
            "source": session["sessionSource"],
        }
        return {
            "event_date": day.strftime("%Y%m%d"),
            "event_bundle_sequence_id": self._rng.randrange(2**31),
            "event_server_timestamp_offset": None,
            "user_id": self._login,
            "user_pseudo_id": session["userPseudoId"],
            "privacy_info": {"analytics_storage": "Yes", "ads_storage": "Yes", "uses_transient_token": "No"},
            "user_properties": [_property("plan", "trial", int(self._begun.timestamp()))]
            if self._login
            else [],
            "user_first_touch_timestamp": int(self._begun.timestamp() * 1_000_000),
            "user_ltv": {"revenue": 0.0, "currency": "USD"},
            "device": {
                "category": category,
                "operating_system": system,
                "language": "en-us",
                "web_info": {"browser": browser, "browser_version": "142.0", "hostname": HOSTNAME},
            },
            "geo": {"country": session["country"]},
            "traffic_source": source,
            "stream_id": STREAM_ID,
            "platform": "WEB",
            "items": [],
            "is_active_user": self._engaged or bool(session["newUsers"]),
            "session_traffic_source_last_click": {
                "cross_channel_campaign": {
                    "campaign_name": source["name"],
                    "source": source["source"],
                    "medium": source["medium"],
                    "default_channel_group": session["sessionDefaultChannelGroup"],
                }
            },
        }


def _param(key: str, value: str | float) -> Row:
    kinds = {str: "string_value", int: "int_value", float: "double_value"}
    empty = dict.fromkeys(("string_value", "int_value", "float_value", "double_value"))
    return {"key": key, "value": {**empty, kinds[type(value)]: value}}


def _property(key: str, value: str, since: int) -> Row:
    parameter = _param(key, value)
    return {"key": key, "value": {**parameter["value"], "set_timestamp_micros": since * 1_000_000}}
