"""What the org tells of itself: versions, objects, what was updated and deleted, limits, the user (vendor-apis.md 2.3, 2.6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from tailrace.sandbox.limits import DailyLimit
from tailrace.sandbox.salesforce.call import Call
from tailrace.sandbox.salesforce.errors import Refusal, not_found
from tailrace.sandbox.salesforce.org import BIN_DAYS, Org, Table
from tailrace.sandbox.salesforce.times import parsed, spelled
from tailrace.sandbox.salesforce.tokens import instance_url
from tailrace.sandbox.salesforce.world import INTEGRATION_USER, ORGANIZATION
from tailrace.sandbox.wire import Request, Response

VERSIONS = {"59.0": "Winter '24", "66.0": "Spring '26", "67.0": "Summer '26", "68.0": "Winter '27"}
MOST_DELETED = 600_000
SHORTEST = timedelta(minutes=1)
UPDATED_DAYS = timedelta(days=30)


def versions() -> Response:
    """GET /services/data/."""
    return Response.of(
        200,
        [
            {"label": label, "url": f"/services/data/v{version}", "version": version}
            for version, label in VERSIONS.items()
        ],
    )


def describe_all(org: Org, call: Call) -> Response:
    """GET sobjects."""
    listed = [table.schema.listing(call.version) for table in org.tables.values()]
    return Response.of(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


def describe(org: Org, call: Call) -> Response:
    """GET sobjects/X/describe."""
    return Response.of(200, _table(org, call).schema.describe(call.version))


def basics(org: Org, call: Call) -> Response:
    """GET sobjects/X."""
    return Response.of(
        200, {"objectDescribe": _table(org, call).schema.listing(call.version), "recentItems": []}
    )


def deleted(org: Org, call: Call) -> Response:
    """GET sobjects/X/deleted: what was deleted in a time that began at most 15 days ago."""
    table = _table(org, call)
    start, end = _window(org, call, BIN_DAYS)
    found = sorted((at, key) for key, at in table.gone.items() if spelled(start) <= at <= spelled(end))
    if len(found) > MOST_DELETED:
        raise Refusal(400, "EXCEEDED_ID_LIMIT", "exceeded the limit of 600000 ids, use a shorter time")
    earliest = spelled(org.clock.now() - BIN_DAYS)
    return Response.of(
        200,
        {
            "deletedRecords": [{"id": key, "deletedDate": at} for at, key in found],
            "earliestDateAvailable": earliest,
            "latestDateCovered": spelled(min(end, org.clock.now())),
        },
    )


def updated(org: Org, call: Call) -> Response:
    """GET sobjects/X/updated: ids of what was made or changed in a time that began at most 30 days ago."""
    table = _table(org, call)
    start, end = _window(org, call, UPDATED_DAYS)
    ids = [row["Id"] for row in org.live(table) if spelled(start) <= row["SystemModstamp"] <= spelled(end)]
    return Response.of(200, {"ids": ids, "latestDateCovered": spelled(min(end, org.clock.now()))})


def limits(daily: DailyLimit) -> Response:
    """GET limits."""
    left = daily.remaining
    return Response.of(
        200,
        {
            "DailyApiRequests": {"Max": daily.limit, "Remaining": left},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
        },
    )


def userinfo(request: Request) -> Response:
    """GET /services/oauth2/userinfo."""
    return Response.of(
        200,
        {
            "sub": f"{instance_url(request)}/id/{ORGANIZATION}/{INTEGRATION_USER}",
            "user_id": INTEGRATION_USER,
            "organization_id": ORGANIZATION,
            "preferred_username": "integration@millbrook.example",
            "name": "Integration User",
            "email": "integration@millbrook.example",
        },
    )


def _table(org: Org, call: Call) -> Table:
    try:
        return org.table(call.args["object"])
    except Refusal:
        raise not_found() from None


def _window(org: Org, call: Call, longest: timedelta) -> tuple[datetime, datetime]:
    start, end = (_moment(call, name) for name in ("start", "end"))
    if end - start <= SHORTEST:
        raise Refusal(
            400, "INVALID_REPLICATION_DATE", "startDate before endDate must be greater than one minute"
        )
    if start < org.clock.now() - longest:
        raise Refusal(400, "INVALID_REPLICATION_DATE", "startDate is out of the replication range")
    return start, end


def _moment(call: Call, name: str) -> datetime:
    try:
        return parsed(call.request.param(name) or "")
    except ValueError:
        raise Refusal(400, "MALFORMED_ID", f"{name} is no date") from None
