"""Lists (audiences), and what belongs to one: interests, segments, tags, many members in one request."""

from __future__ import annotations

from tailrace.sandbox.mailchimp.listing import Call, between, one, ordered, page
from tailrace.sandbox.mailchimp.members import STATUSES, email_hash, find, save, tagged, the_list
from tailrace.sandbox.mailchimp.problem import Problem, invalid, not_found
from tailrace.sandbox.mailchimp.stock import Record
from tailrace.sandbox.wire import Response

MOST_IN_BATCH = 500
REQUIRED = ("name", "permission_reminder", "campaign_defaults", "contact")
CHANGEABLE = (*REQUIRED, "email_type_option", "use_archive_bar", "notify_on_subscribe", "double_optin")
STATS = (
    "member_count",
    "unsubscribe_count",
    "cleaned_count",
    "member_count_since_send",
    "unsubscribe_count_since_send",
    "cleaned_count_since_send",
    "campaign_count",
    "merge_field_count",
    "avg_sub_rate",
    "avg_unsub_rate",
    "target_sub_rate",
    "open_rate",
    "click_rate",
)


def listed(call: Call) -> Response:
    """GET /lists."""
    rows = between(
        call, call.account["lists"].all(), "date_created", "since_date_created", "before_date_created"
    )
    rows = ordered(call, rows, ("date_created",))
    limits = {"may_create": True, "max_instances": 5, "current_total_instances": len(rows)}
    return page(call, "lists", rows, "/lists", constraints=limits)


def read(call: Call) -> Response:
    """GET one."""
    return _shown(call, the_list(call))


def create(call: Call) -> Response:
    """POST /lists."""
    body = call.body()
    missing = [
        {"field": name, "message": "This value should not be blank."}
        for name in REQUIRED
        if not body.get(name)
    ]
    if missing:
        raise Problem(400, "The resource submitted could not be validated.", errors=missing)
    number = call.account.serial()
    record = blank(f"{0xA5A000 + number:010x}", number, body, call.now())
    call.account["lists"].put(record)
    return _shown(call, record, written=1)


def update(call: Call) -> Response:
    """PATCH."""
    body = call.body()
    record = {**the_list(call), **{name: body[name] for name in CHANGEABLE if name in body}}
    call.account["lists"].put(record)
    return _shown(call, record, written=1)


def remove(call: Call) -> Response:
    """DELETE: everything that belongs to the list goes with it; reports of what was sent stay."""
    found = the_list(call)
    for name in (
        "members",
        "merge_fields",
        "interest_categories",
        "interests",
        "segments",
        "segment_members",
        "tags",
    ):
        for record in list(call.account[name].of("list_id", found["id"])):
            call.account[name].drop(record)
    call.account["lists"].drop(found)
    return Response(204, rows_written=1)


def blank(key: str, number: int, body: Record, now: str) -> Record:
    """A list without members, every recorded key in it."""
    stats = {**dict.fromkeys(STATS, 0), "campaign_last_sent": "", "last_sub_date": "", "last_unsub_date": ""}
    short = key[-6:]
    return {
        "id": key,
        "web_id": 380_000 + number,
        "name": body["name"],
        "contact": body["contact"],
        "permission_reminder": body["permission_reminder"],
        "use_archive_bar": bool(body.get("use_archive_bar", True)),
        "campaign_defaults": body["campaign_defaults"],
        "notify_on_subscribe": body.get("notify_on_subscribe", ""),
        "notify_on_unsubscribe": "",
        "date_created": now,
        "list_rating": 0,
        "email_type_option": bool(body.get("email_type_option", False)),
        "subscribe_url_short": f"http://signup.example/{short}",
        "subscribe_url_long": f"https://millbrook.us1.list-manage.example/subscribe?u=5a1b&id={key}",
        "beamer_address": f"us1-{short}@inbound.mailchimp.example",
        "visibility": "prv",
        "double_optin": bool(body.get("double_optin", False)),
        "has_welcome": False,
        "marketing_permissions": False,
        "modules": [],
        "stats": stats,
    }


def batch(call: Call) -> Response:
    """POST /lists/{list}: up to 500 members; 200 whatever became of each, `errors` says of which nothing did."""
    found, body = the_list(call), call.body()
    given = body.get("members")
    if not isinstance(given, list):
        raise invalid("members", "Required fields were not provided: members")
    if len(given) > MOST_IN_BATCH:
        raise invalid("members", f"Cannot add or update more than {MOST_IN_BATCH} members at a time")
    _check_forms(given)
    created: list[Record] = []
    updated: list[Record] = []
    errors: list[Record] = []
    taken: set[str] = set()
    for entry in given:
        _take(
            call,
            found["id"],
            entry if isinstance(entry, dict) else {},
            body,
            (created, updated, errors),
            taken,
        )
    document = {
        "new_members": created,
        "updated_members": updated,
        "errors": errors,
        "total_created": len(created),
        "total_updated": len(updated),
        "error_count": len(errors),
        "_links": [],
    }
    response = Response.of(200, document)
    response.rows_written = len(created) + len(updated)
    return response


def _take(
    call: Call,
    list_id: str,
    entry: Record,
    body: Record,
    into: tuple[list[Record], list[Record], list[Record]],
    taken: set[str],
) -> None:
    created, updated, errors = into
    email = str(entry.get("email_address") or "")
    if email_hash(email) in taken and call.is_set("skip_duplicate_check"):
        return
    known = find(call.account, list_id, email) if email else None
    if known is None and not entry.get("status") and call.habits.status_if_new_in_bulk:
        entry = {**entry, "status": entry.get("status_if_new")}
    if known is None and not entry.get("status") and not call.habits.new_without_status_told:
        return
    try:
        _refuse(email, entry, known, body, taken)
        own = tagged(call, known, entry["tags"]) if entry.get("tags") and known is not None else None
        written = save(call, list_id, known, entry, own)
    except Problem as problem:
        first = problem.errors[0] if problem.errors else {}
        code = "ERROR_CONTACT_EXISTS" if problem.title == "Member Exists" else "ERROR_GENERIC"
        answer = {"email_address": email, "error": problem.detail, "error_code": code}
        errors.append({**answer, "field": first.get("field", ""), "field_message": first.get("message", "")})
        return
    taken.add(email_hash(email))
    (created if known is None else updated).append(written)


def _check_forms(given: list[object]) -> None:
    """The schema is checked before anything is done: one malformed member refuses all (the words are from an issue)."""
    for number, entry in enumerate(given):
        if not isinstance(entry, dict):
            raise invalid(f"members.item:{number}", "Schema describes object, but the value is none")
        for name in ("status", "status_if_new"):
            if entry.get(name) is not None and entry[name] not in STATUSES:
                text = f"Data presented is not one of the accepted values: {', '.join(STATUSES)}"
                raise invalid(f"members.item:{number}.{name}", text)
        if not isinstance(entry.get("merge_fields", {}), dict):
            raise invalid(
                f"members.item:{number}.merge_fields", "Schema describes object, but the value is none"
            )


def _refuse(email: str, entry: Record, known: Record | None, body: Record, taken: set[str]) -> None:
    if email_hash(email) in taken:
        raise Problem(400, f"{email} is duplicated in this batch.", "Duplicate")
    if known is not None and not body.get("update_existing"):
        raise Problem(
            400,
            f"{email} is already a list member, do you want to update? please provide update_existing:true in the request body",
            "Member Exists",
        )
    if known is None and not entry.get("status"):
        raise invalid("status", "Required fields were not provided: status")


def categories(call: Call) -> Response:
    """GET /lists/{list}/interest-categories."""
    return _of_list(call, "interest_categories", "categories", "interest-categories")


def interests(call: Call) -> Response:
    """GET /lists/{list}/interest-categories/{category}/interests."""
    found = the_list(call)
    category = call.account["interest_categories"].get(found["id"], call.args["category"])
    if category is None:
        raise not_found()
    rows = [
        row
        for row in call.account["interests"].of("list_id", found["id"])
        if row["category_id"] == category["id"]
    ]
    path = f"/lists/{found['id']}/interest-categories/{category['id']}/interests"
    return page(call, "interests", rows, path, list_id=found["id"], category_id=category["id"])


def segments(call: Call) -> Response:
    """GET /lists/{list}/segments; a tag is one of type static."""
    rows = call.account["segments"].of("list_id", the_list(call)["id"])
    kind = call.request.param("type")
    rows = [_counted(call, row) for row in rows if kind is None or row["type"] == kind]
    rows = between(call, rows, "updated_at", "since_updated_at", "before_updated_at")
    list_id = call.args["list"]
    return page(call, "segments", rows, f"/lists/{list_id}/segments", list_id=list_id)


def segment_members(call: Call) -> Response:
    """GET /lists/{list}/segments/{segment}/members: subscribed ones; of a static segment those who bear its tag."""
    found = call.account["segments"].get(the_list(call)["id"], call.args["segment"])
    if found is None:
        raise not_found()
    path = f"/lists/{found['list_id']}/segments/{found['id']}/members"
    rows = [{name: row[name] for name in row if name != "segment_id"} for row in members_of(call, found)]
    return page(call, "members", rows, path)


def members_of(call: Call, segment: Record) -> list[Record]:
    """Loaded ones, else by tag."""
    stored = call.account["segment_members"].of("segment_id", str(segment["id"]))
    loaded = [row for row in stored if row["list_id"] == segment["list_id"]]
    held = {row["id"] for row in loaded}
    members = call.account["members"].of("list_id", segment["list_id"])
    tagged_ones = [
        member
        for member in members
        if member["status"] == "subscribed"
        and member["id"] not in held
        and any(tag["id"] == segment["id"] for tag in member.get("tags") or ())
    ]
    return [*loaded, *tagged_ones]


def tag_search(call: Call) -> Response:
    """GET /lists/{list}/tag-search: all of them, without pages."""
    rows = call.account["tags"].of("list_id", the_list(call)["id"])
    begin = (call.request.param("name") or "").lower()
    rows = [{"id": row["id"], "name": row["name"]} for row in rows if row["name"].lower().startswith(begin)]
    return Response.of(200, {"tags": rows, "total_items": len(rows), "_links": []})


def _counted(call: Call, segment: Record) -> Record:
    """Of segments that live by tags, the count is that of now."""
    if segment["type"] != "static" or segment.get("member_count"):
        return segment
    return {**segment, "member_count": len(members_of(call, segment))}


def _of_list(call: Call, table: str, name: str, path: str) -> Response:
    list_id = the_list(call)["id"]
    rows = call.account[table].of("list_id", list_id)
    return page(call, name, rows, f"/lists/{list_id}/{path}", list_id=list_id)


def _shown(call: Call, record: Record, written: int = 0) -> Response:
    response = one(call, record, f"/lists/{record['id']}")
    response.rows_written = written
    return response
