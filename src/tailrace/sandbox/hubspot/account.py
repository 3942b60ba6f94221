"""The account itself, its users, and what it used of its daily requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tailrace.sandbox.clock import iso
from tailrace.sandbox.hubspot.call import Call
from tailrace.sandbox.hubspot.errors import not_found
from tailrace.sandbox.hubspot.kinds import OWNERS
from tailrace.sandbox.hubspot.portal import PORTAL_ID, Portal
from tailrace.sandbox.hubspot.quota import Meter
from tailrace.sandbox.store import Record
from tailrace.sandbox.wire import Response

DETAILS = {
    "portalId": PORTAL_ID,
    "accountType": "SANDBOX",
    "timeZone": "US/Eastern",
    "companyCurrency": "USD",
    "additionalCurrencies": ["EUR", "GBP"],
    "utcOffset": "-05:00",
    "utcOffsetMilliseconds": -18_000_000,
    "uiDomain": "app.hubspot.com",
    "dataHostingLocation": "na1",
}
MOST_OWNERS = 500


def details(_portal: Portal, _call: Call) -> Response:
    """GET account-info/details."""
    return Response.of(200, DETAILS)


def daily_usage(portal: Portal, meter: Meter) -> Response:
    """GET account-info/api-usage/daily/private-apps."""
    now = portal.clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    usage = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": meter.daily.limit,
        "currentUsage": meter.daily.used,
        "collectedAt": iso(now),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso(midnight),
    }
    return Response.of(200, {"results": [usage]})


def list_owners(portal: Portal, call: Call) -> Response:
    """GET owners, by e-mail where one is asked for."""
    limit = call.limit(100, MOST_OWNERS)
    records, more = portal.tables[OWNERS].page(call.after(), limit, call.flag("archived"))
    email = call.request.param("email")
    if email:
        records = [record for record in portal.tables[OWNERS] if record.get("email") == email]
        more = False
    document: dict[str, Any] = {"results": [_shown(record) for record in records]}
    if more:
        document["paging"] = {"next": {"after": records[-1]["id"]}}
    return Response.of(200, document)


def read_owner(portal: Portal, call: Call) -> Response:
    """GET owners/{id}, by the owner's id or, with idProperty=userId, the user's."""
    key = call.args["id"]
    if call.request.param("idProperty") == "userId":
        found = next((item for item in portal.tables[OWNERS] if str(item.get("userId")) == key), None)
    else:
        found = portal.tables[OWNERS].live(key)
    if found is None:
        raise not_found()
    return Response.of(200, _shown(found))


def _shown(record: Record) -> Record:
    shown = {"type": "PERSON", "teams": [], **record}
    shown.pop("archivedAt", None)
    return shown
