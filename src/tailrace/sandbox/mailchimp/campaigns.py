"""Campaigns, their reports, and what each recipient did."""

from __future__ import annotations

from tailrace.sandbox.mailchimp.listing import Call, between, one, ordered, page
from tailrace.sandbox.mailchimp.problem import not_found
from tailrace.sandbox.mailchimp.stock import Record
from tailrace.sandbox.wire import Response


def listed(call: Call) -> Response:
    """GET /campaigns: drafts among them."""
    rows = _kept(call, call.account["campaigns"].all(), ("status", "type"))
    list_id = call.request.param("list_id")
    rows = [row for row in rows if list_id is None or row["recipients"].get("list_id") == list_id]
    rows = between(call, rows, "send_time", "since_send_time", "before_send_time")
    rows = between(call, rows, "create_time", "since_create_time", "before_create_time")
    rows = ordered(call, rows, ("create_time", "send_time"))
    return page(call, "campaigns", rows, "/campaigns")


def read(call: Call) -> Response:
    """GET one."""
    return one(call, _found(call, "campaigns"), f"/campaigns/{call.args['campaign']}")


def remove(call: Call) -> Response:
    """DELETE: the report goes with it."""
    found = _found(call, "campaigns")
    call.account["campaigns"].drop(found)
    report = call.account["reports"].get(found["id"])
    if report is not None:
        call.account["reports"].drop(report)
    return Response(204, rows_written=1)


def reports(call: Call) -> Response:
    """GET /reports: of what was sent, the newest first."""
    rows = _kept(call, call.account["reports"].all(), ("type",))
    rows = between(call, rows, "send_time", "since_send_time", "before_send_time")
    rows = sorted(rows, key=lambda row: str(row["send_time"]), reverse=True)
    return page(call, "reports", rows, "/reports")


def report(call: Call) -> Response:
    """GET one."""
    return one(call, _found(call, "reports"), f"/reports/{call.args['campaign']}")


def email_activity(call: Call) -> Response:
    """GET /reports/{campaign}/email-activity: one entry a recipient who did something, its actions since `since`."""
    found = _found(call, "reports")
    people: dict[str, Record] = {}
    for row in between(
        call, call.account["activity"].of("campaign_id", found["id"]), "timestamp", "since", ""
    ):
        person = people.setdefault(row["email_id"], {**_person(row), "activity": []})
        person["activity"].append(_action(row))
    rows = list(people.values())
    path = f"/reports/{found['id']}/email-activity"
    return page(call, "emails", rows, path, campaign_id=found["id"])


def unsubscribed(call: Call) -> Response:
    """GET /reports/{campaign}/unsubscribed."""
    found = _found(call, "reports")
    rows = call.account["unsubscribes"].of("campaign_id", found["id"])
    return page(call, "unsubscribes", rows, f"/reports/{found['id']}/unsubscribed", campaign_id=found["id"])


def _person(row: Record) -> Record:
    names = ("campaign_id", "list_id", "list_is_active", "email_id", "email_address")
    return {name: row.get(name) for name in names}


def _action(row: Record) -> Record:
    return {name: row[name] for name in ("action", "type", "timestamp", "url", "ip") if row.get(name)}


def _kept(call: Call, rows: list[Record], names: tuple[str, ...]) -> list[Record]:
    """The rows that have the values asked for by name."""
    wanted = {name: call.request.param(name) for name in names}
    return [
        row for row in rows if all(value is None or row.get(name) == value for name, value in wanted.items())
    ]


def _found(call: Call, table: str) -> Record:
    found = call.account[table].get(call.args["campaign"])
    if found is None:
        raise not_found()
    return found
