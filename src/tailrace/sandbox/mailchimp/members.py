"""List members: read, added, upserted by the hash of their e-mail, tagged, archived, erased."""

from __future__ import annotations

import hashlib
from typing import Any

from tailrace.sandbox.mailchimp.listing import Call, between, one, ordered, page
from tailrace.sandbox.mailchimp.merge import checked_fields, full_name
from tailrace.sandbox.mailchimp.problem import Problem, invalid, not_found
from tailrace.sandbox.mailchimp.stock import Account, Record
from tailrace.sandbox.wire import Response

STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived")
SORTS = ("timestamp_opt", "timestamp_signup", "last_changed")
BY_ADMIN = "N/A (Unsubscribed by admin)"
PLAIN = (
    "email_type",
    "language",
    "vip",
    "location",
    "marketing_permissions",
    "ip_signup",
    "timestamp_signup",
)
PLAIN_TOO = ("ip_opt", "timestamp_opt", "source")
COUNTED = {"subscribed": "member_count", "unsubscribed": "unsubscribe_count", "cleaned": "cleaned_count"}


def listed(call: Call) -> Response:
    """GET /lists/{list}/members: archived ones among them, unless `status` says otherwise."""
    found = the_list(call)
    status = call.request.param("status")
    if status is not None and status not in STATUSES:
        raise invalid("status", f"Value must be one of: {', '.join(STATUSES)}")
    rows = call.account["members"].of("list_id", found["id"])
    if status is not None or not call.habits.archived_listed:
        rows = [row for row in rows if (row["status"] == status if status else row["status"] != "archived")]
    rows = between(call, rows, "last_changed", "since_last_changed", "before_last_changed")
    rows = between(call, rows, "timestamp_opt", "since_timestamp_opt", "before_timestamp_opt")
    rows = ordered(call, rows, SORTS) if call.request.param("sort_field") else sorted(rows, key=_web_id)
    return page(call, "members", rows, f"/lists/{found['id']}/members", list_id=found["id"])


def read(call: Call) -> Response:
    """GET one."""
    return _shown(call, the_member(call))


def add(call: Call) -> Response:
    """POST /members: 400 where the person is a member already; an archived one comes back."""
    found, body = the_list(call), call.body()
    known = call.account["members"].get(found["id"], email_hash(_email(body)))
    if known is not None and known["status"] != "archived":
        raise _exists(_email(body))
    if not body.get("status"):
        raise invalid("status", "Required fields were not provided: status")
    return _shown(call, save(call, found["id"], known, body), written=1)


def upsert(call: Call) -> Response:
    """PUT /members/{hash}: `status_if_new` counts for a new one, `status` for both."""
    found, body = the_list(call), call.body()
    known = find(call.account, found["id"], call.args["member"])
    if known is None:
        _email(body)
        if not (body.get("status_if_new") or body.get("status")):
            raise invalid("status_if_new", "Required fields were not provided: status_if_new")
        body = {**body, "status": body.get("status") or body.get("status_if_new")}
    return _shown(call, save(call, found["id"], known, body), written=1)


def update(call: Call) -> Response:
    """PATCH /members/{hash}."""
    known = the_member(call)
    return _shown(call, save(call, known["list_id"], known, call.body()), written=1)


def archive(call: Call) -> Response:
    """DELETE /members/{hash}; recorded: only who is subscribed, unsubscribed or transactional can be archived."""
    known = the_member(call)
    if known["status"] in ("cleaned", "pending", "archived"):
        text = "This list member cannot be removed. Can not archive a contact that is bounced, pending or archived"
        raise Problem(405, text)
    save(call, known["list_id"], known, {"status": "archived"})
    return Response(204, rows_written=1)


def erase(call: Call) -> Response:
    """POST /members/{hash}/actions/delete-permanent: the e-mail cannot be imported again."""
    known = the_member(call)
    forget(call.account, known)
    call.account.forgotten.add((known["list_id"], known["id"]))
    call.account.writes["members"][known["id"]] += 1
    return Response(204, rows_written=1)


def tags(call: Call) -> Response:
    """GET /members/{hash}/tags."""
    known = the_member(call)
    rows = [{**tag, "date_added": known["last_changed"]} for tag in known["tags"]]
    return page(call, "tags", rows, f"/lists/{known['list_id']}/members/{known['id']}/tags")


def change_tags(call: Call) -> Response:
    """POST /members/{hash}/tags: 204; a tag that nobody had is made, as a static segment."""
    known, given = the_member(call), call.body().get("tags")
    if not isinstance(given, list):
        raise invalid("tags", "Required fields were not provided: tags")
    save(call, known["list_id"], known, {}, tagged(call, known, given))
    return Response(204, rows_written=1)


def tagged(call: Call, known: Record, given: list[Any]) -> list[Record]:
    """The member's tags after `given`, [{"name", "status"}] or names."""
    held = {tag["name"]: tag for tag in known["tags"]}
    for entry in given:
        name = entry.get("name") if isinstance(entry, dict) else entry
        if not isinstance(name, str) or not name.strip():
            raise invalid("tags", "Tag name is missing")
        if isinstance(entry, dict) and entry.get("status") == "inactive":
            held.pop(name, None)
        elif name not in held:
            held[name] = {"id": _tag_id(call, known["list_id"], name), "name": name}
    return list(held.values())


def save(
    call: Call, list_id: str, known: Record | None, body: Record, own_tags: list[Record] | None = None
) -> Record:
    """Writes a new member or the change of a known one; refuses whatever Mailchimp refuses."""
    account, now = call.account, call.now()
    old = known or blank(account, list_id, _email(body), now)
    email = _email(body) if body.get("email_address") else old["email_address"]
    row_error = next((found for found in call.row_errors if {email, old["id"]} & found.keys), None)
    if row_error is not None:
        raise Problem(400, row_error.message, row_error.category)
    new = {**old, **{name: body[name] for name in (*PLAIN, *PLAIN_TOO) if name in body}}
    new |= {"email_address": email, "id": email_hash(email), "last_changed": now}
    if new["id"] != old["id"] and account["members"].get(list_id, new["id"]) is not None:
        raise _exists(email)
    merge = checked_fields(call, list_id, body.get("merge_fields") or {}, old["merge_fields"])
    new["merge_fields"] = {**old["merge_fields"], **merge}
    new["full_name"] = full_name(new["merge_fields"])
    if body.get("interests"):
        new["interests"] = {**old.get("interests", {}), **body["interests"]}
    new["tags"] = old["tags"] if own_tags is None else own_tags
    if known is None and body.get("tags"):
        new["tags"] = tagged(call, new, body["tags"])
    new["tags_count"] = len(new["tags"])
    new = _with_status(account, old if known else None, new, body.get("status"))
    if known is not None:
        account["members"].drop(known)
    account.written("members", new)
    recount(account, list_id, known["status"] if known else None, new["status"])
    return new


def blank(account: Account, list_id: str, email: str, now: str) -> Record:
    """A member nobody has said anything of: every recorded key, in the recorded order."""
    number, key = account.serial(), email_hash(email)
    fields = account["merge_fields"].of("list_id", list_id)
    interests = account["interests"].of("list_id", list_id)
    record: Record = {
        "id": key,
        "email_address": email,
        "unique_email_id": key[:10],
        "contact_id": hashlib.md5(f"{list_id}/{key}/{number}".encode()).hexdigest(),  # noqa: S324 - an id
        "full_name": "",
        "web_id": 900_000_000 + number,
        "email_type": "html",
        "status": "subscribed",
        "consents_to_one_to_one_messaging": True,
        "merge_fields": {field["tag"]: field.get("default_value", "") for field in fields},
        "interests": {interest["id"]: False for interest in interests},
        "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
        "ip_signup": "",
        "timestamp_signup": "",
        "ip_opt": "203.0.113.7",
        "timestamp_opt": now,
        "member_rating": 2,
        "last_changed": now,
        "language": "",
        "vip": False,
        "email_client": "",
        "location": nowhere(),
        "source": "API - Generic",
        "tags_count": 0,
        "tags": [],
        "list_id": list_id,
    }
    if not interests:
        del record["interests"]
    return record


def nowhere() -> Record:
    """The location of somebody who never opened a mail."""
    texts = dict.fromkeys(("country_code", "timezone", "region"), "")
    return {"latitude": 0, "longitude": 0, "gmtoff": 0, "dstoff": 0, **texts}


def forget(account: Account, known: Record) -> None:
    """The member vanishes from its list and its counts."""
    account["members"].drop(known)
    recount(account, known["list_id"], known["status"], None)


def recount(account: Account, list_id: str, old: str | None, new: str | None) -> None:
    """The list's counts, after one member's status changed."""
    found = account["lists"].get(list_id)
    if found is None or old == new:
        return
    stats = dict(found.get("stats") or {})
    for status, step in ((old, -1), (new, 1)):
        name = COUNTED.get(status or "")
        if name:
            stats[name] = stats.get(name, 0) + step
    account["lists"].put({**found, "stats": stats})


def email_hash(email: str) -> str:
    """The id of a member: MD5 of the e-mail in lower case."""
    return hashlib.md5(email.strip().lower().encode()).hexdigest()  # noqa: S324 - Mailchimp's own id


def the_list(call: Call) -> Record:
    """The list that the path names; 404."""
    found = call.account["lists"].get(call.args["list"])
    if found is None:
        raise not_found()
    return found


def the_member(call: Call) -> Record:
    """The member that the path names; 404."""
    found = find(call.account, the_list(call)["id"], call.args["member"])
    if found is None:
        raise not_found()
    return found


def find(account: Account, list_id: str, name: str) -> Record | None:
    """A member by hash, by e-mail, or by contact id."""
    known = account["members"].get(list_id, name.lower()) or account["members"].get(list_id, email_hash(name))
    if known is not None or "@" in name:
        return known
    rows = account["members"].of("list_id", list_id)
    return next((row for row in rows if row.get("contact_id") == name), None)


def _with_status(account: Account, old: Record | None, new: Record, status: str | None) -> Record:
    """Nobody is subscribed again against their will (the words are from memory)."""
    if status is None:
        return new
    if status not in STATUSES:
        raise invalid("status", f"Value must be one of: {', '.join(STATUSES)}")
    email = new["email_address"]
    if (new["list_id"], new["id"]) in account.forgotten:
        text = f"{email} was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list."
        raise Problem(400, text, "Forgotten Email Not Subscribed")
    by_themselves = old is not None and old.get("unsubscribe_reason", BY_ADMIN) != BY_ADMIN
    if status == "subscribed" and old is not None and (old["status"] == "cleaned" or by_themselves):
        text = f"{email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
        raise Problem(400, text, "Member In Compliance State")
    found = {name: value for name, value in new.items() if name != "unsubscribe_reason"}
    found["status"] = status
    if status == "unsubscribed":
        found["unsubscribe_reason"] = (old or {}).get("unsubscribe_reason", BY_ADMIN)
    return found


def _email(body: Record) -> str:
    email = body.get("email_address")
    if not isinstance(email, str) or not email.strip():
        raise invalid("email_address", "Required fields were not provided: email_address")
    user, at, domain = email.strip().partition("@")
    if not (user and at and "." in domain) or "@" in domain or " " in email.strip():
        raise Problem(400, "Please provide a valid email address.")
    if domain.lower() == "example.com":
        raise Problem(400, f"{email} looks fake or invalid, please enter a real email address.")
    return email.strip()


def _exists(email: str) -> Problem:
    text = f"{email} is already a list member. Use PUT to insert or update list members."
    return Problem(400, text, "Member Exists")


def _tag_id(call: Call, list_id: str, name: str) -> int:
    known = next((tag for tag in call.account["tags"].of("list_id", list_id) if tag["name"] == name), None)
    if known is not None:
        return int(known["id"])
    number = 90_000_000 + call.account.serial()
    call.account["tags"].put({"id": number, "name": name, "list_id": list_id})
    now = call.now()
    segment = {"id": number, "name": name, "member_count": 0, "type": "static"}
    call.account["segments"].put({**segment, "created_at": now, "updated_at": now, "list_id": list_id})
    return number


def _shown(call: Call, record: Record, written: int = 0) -> Response:
    response = one(call, record, f"/lists/{record['list_id']}/members/{record['id']}")
    response.rows_written = written
    return response


def _web_id(record: Record) -> int:
    return int(record.get("web_id") or 0)
