"""Mailchimp's own SDK against the sandbox: what it sends is understood, what it gets it can read."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import urllib.request
from collections.abc import Iterator
from typing import Any

import mailchimp_marketing
import pytest
from mailchimp_marketing.api_client import ApiClientError

from tailrace.sandbox import Sandbox

NEWSLETTER, CUSTOMERS = "a5b0c1d2e3", "f6a7b8c9d0"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=120, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.house.reset()
    return running


def client_of(sandbox: Sandbox, **login: str) -> Any:
    client = mailchimp_marketing.Client()
    client.set_config({"server": "us1", **(login or {"api_key": "sandbox-us1"})})
    # the client replaces the word "server" anywhere in the URL, so the host is set behind its back
    client.api_client.host = f"{sandbox.base_url('mailchimp')}/3.0"
    return client


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    return client_of(sandbox)


def stored(sandbox: Sandbox, name: str = "members") -> list[dict[str, Any]]:
    return sandbox.house.fakes["mailchimp"].records(name)


def hash_of(email: str) -> str:
    return hashlib.md5(email.lower().encode()).hexdigest()


def refusal(call: Any, *args: Any, **options: Any) -> tuple[int, dict[str, Any]]:
    """Status and problem; the SDK leaves it a text, for its type is application/problem+json."""
    with pytest.raises(ApiClientError) as caught:
        call(*args, **options)
    assert isinstance(caught.value.text, str)
    return caught.value.status_code, json.loads(caught.value.text)


def test_ping_and_root(client: Any, sandbox: Sandbox) -> None:
    assert client.ping.get() == {"health_status": "Everything's Chimpy!"}
    root = client.root.get_root()
    assert root["role"] == "admin" and root["account_id"]
    assert root["total_subscribers"] == sum(row["status"] == "subscribed" for row in stored(sandbox))


def test_a_bearer_token_is_taken(sandbox: Sandbox) -> None:
    assert client_of(sandbox, access_token="sandbox").ping.get()["health_status"]


def test_a_wrong_key_is_a_problem(sandbox: Sandbox) -> None:
    status, problem = refusal(client_of(sandbox, api_key="wrong-us1").ping.get)
    assert (status, problem["title"], problem["status"]) == (401, "API Key Invalid", 401)


def test_lists_are_listed_and_read(client: Any) -> None:
    found = client.lists.get_all_lists(fields=["lists.id", "lists.stats.member_count", "total_items"])
    assert found["total_items"] == 2 and set(found) == {"lists", "total_items"}
    assert {row["id"] for row in found["lists"]} == {NEWSLETTER, CUSTOMERS}
    one = client.lists.get_list(NEWSLETTER)
    assert one["stats"]["member_count"] == found["lists"][0]["stats"]["member_count"]
    assert refusal(client.lists.get_list, "nope")[1]["title"] == "Resource Not Found"


def test_a_list_is_made_and_deleted(client: Any) -> None:
    status, problem = refusal(client.lists.create_list, {"name": "New"})
    assert status == 400
    assert {error["field"] for error in problem["errors"]} >= {"contact", "permission_reminder"}
    body = {
        "name": "New",
        "contact": {"company": "M", "address1": "1", "city": "C", "country": "US"},
        "permission_reminder": "You asked.",
        "campaign_defaults": {"from_name": "M", "from_email": "m@m.example", "subject": "", "language": "en"},
        "email_type_option": False,
    }
    made = client.lists.create_list(body)
    assert client.lists.update_list(made["id"], {**body, "name": "Renamed"})["name"] == "Renamed"
    client.lists.delete_list(made["id"])
    assert client.lists.get_all_lists()["total_items"] == 2


def test_members_are_paged_filtered_and_sorted(client: Any, sandbox: Sandbox) -> None:
    held = {row["id"]: row for row in stored(sandbox) if row["list_id"] == NEWSLETTER}
    assert len(client.lists.get_list_members_info(NEWSLETTER)["members"]) == 10
    shown: list[dict[str, Any]] = []
    while True:
        page = client.lists.get_list_members_info(
            NEWSLETTER, count=50, offset=len(shown), sort_field="last_changed", sort_dir="ASC"
        )
        shown += page["members"]
        if len(shown) >= page["total_items"]:
            break
    assert {row["id"] for row in shown} == set(held) and len(shown) == len(held)
    stamps = [row["last_changed"] for row in shown]
    assert stamps == sorted(stamps)
    since = client.lists.get_list_members_info(NEWSLETTER, count=1000, since_last_changed=stamps[-5])
    assert [row["last_changed"] > stamps[-5] for row in since["members"]] == [True] * since["total_items"]
    before = client.lists.get_list_members_info(NEWSLETTER, count=1000, before_last_changed=stamps[5])
    assert before["total_items"] == sum(stamp < stamps[5] for stamp in stamps)
    lapsed = client.lists.get_list_members_info(
        NEWSLETTER, status="unsubscribed", fields=["members.id", "members.status"]
    )
    assert {row["status"] for row in lapsed["members"]} == {"unsubscribed"}
    bare = client.lists.get_list_members_info(
        NEWSLETTER, exclude_fields=["members._links", "members.merge_fields"]
    )
    assert all(
        "_links" not in row and "merge_fields" not in row and "email_address" in row
        for row in bare["members"]
    )


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"status": "asleep"}, "status"),
        ({"sort_field": "email_address"}, "sort_field"),
        ({"since_last_changed": "yesterday"}, "since_last_changed"),
    ],
)
def test_bad_parameters_are_refused(client: Any, options: dict[str, Any], field: str) -> None:
    status, problem = refusal(client.lists.get_list_members_info, NEWSLETTER, **options)
    assert status == 400 and [error["field"] for error in problem["errors"]] == [field]


def test_a_member_is_set_changed_and_found_by_hash_or_email(client: Any, sandbox: Sandbox) -> None:
    email = "New.Reader@sdk.example"
    body = {
        "email_address": email,
        "status_if_new": "subscribed",
        "merge_fields": {"FNAME": "New", "LTV": 12.5, "NOPE": "x"},
    }
    made = client.lists.set_list_member(NEWSLETTER, hash_of(email), body)
    assert (made["id"], made["status"], made["full_name"]) == (hash_of(email), "subscribed", "New")
    assert made["merge_fields"]["LTV"] == 12.5 and "NOPE" not in made["merge_fields"]
    same = client.lists.set_list_member(
        NEWSLETTER,
        hash_of(email),
        {"email_address": email, "status_if_new": "pending", "merge_fields": {"LNAME": "Reader"}},
    )
    assert (same["status"], same["full_name"], same["contact_id"]) == (
        "subscribed",
        "New Reader",
        made["contact_id"],
    )
    assert client.lists.get_list_member(NEWSLETTER, email)["id"] == made["id"]
    assert client.lists.get_list_member(NEWSLETTER, made["contact_id"])["id"] == made["id"]
    updated = client.lists.update_list_member(NEWSLETTER, made["id"], {"status": "unsubscribed"})
    assert updated["unsubscribe_reason"] == "N/A (Unsubscribed by admin)"
    assert updated["last_changed"] >= made["last_changed"]
    moved = client.lists.update_list_member(NEWSLETTER, made["id"], {"email_address": "moved@sdk.example"})
    assert (moved["id"], moved["contact_id"]) == (hash_of("moved@sdk.example"), made["contact_id"])
    assert refusal(client.lists.get_list_member, NEWSLETTER, made["id"])[0] == 404
    assert sandbox.house.fakes["mailchimp"].writes("members")[made["id"]] == 3


def test_what_mailchimp_refuses_of_a_member(client: Any, sandbox: Sandbox) -> None:
    member = next(
        row for row in stored(sandbox) if row["list_id"] == NEWSLETTER and row["status"] == "subscribed"
    )
    add, change = client.lists.add_list_member, client.lists.set_list_member
    _, exists = refusal(add, NEWSLETTER, {"email_address": member["email_address"], "status": "subscribed"})
    assert (
        exists["title"] == "Member Exists" and "Use PUT to insert or update list members" in exists["detail"]
    )
    _, invalid = refusal(add, NEWSLETTER, {"email_address": "AAAAA", "status": "subscribed"})
    assert invalid["detail"] == "Please provide a valid email address."
    _, fake = refusal(add, NEWSLETTER, {"email_address": "foo@example.com", "status": "subscribed"})
    assert "looks fake or invalid" in fake["detail"]
    _, merge = refusal(change, NEWSLETTER, member["id"], {"merge_fields": {"LTV": "AAAAA"}})
    assert merge["errors"] == [{"field": "LTV", "message": "Please enter a number"}]
    assert (
        refusal(change, NEWSLETTER, hash_of("x@y.example"), {"email_address": "x@y.example"})[1]["errors"][0][
            "field"
        ]
        == "status_if_new"
    )


def test_archiving_keeps_and_deleting_permanently_forgets(client: Any, sandbox: Sandbox) -> None:
    member = next(
        row for row in stored(sandbox) if row["list_id"] == NEWSLETTER and row["status"] == "subscribed"
    )
    client.lists.delete_list_member(NEWSLETTER, member["id"])
    assert client.lists.get_list_member(NEWSLETTER, member["id"])["status"] == "archived"
    status, problem = refusal(client.lists.delete_list_member, NEWSLETTER, member["id"])
    assert (status, problem["title"]) == (405, "Method Not Allowed")
    back = client.lists.add_list_member(
        NEWSLETTER, {"email_address": member["email_address"], "status": "subscribed"}
    )
    assert (back["status"], back["web_id"]) == ("subscribed", member["web_id"])
    client.lists.delete_list_member_permanent(NEWSLETTER, member["id"])
    assert refusal(client.lists.get_list_member, NEWSLETTER, member["id"])[0] == 404
    again = {"email_address": member["email_address"], "status": "subscribed"}
    assert (
        refusal(client.lists.add_list_member, NEWSLETTER, again)[1]["title"]
        == "Forgotten Email Not Subscribed"
    )


def test_who_left_is_not_subscribed_again(client: Any, sandbox: Sandbox) -> None:
    member = next(row for row in stored(sandbox) if row["list_id"] == NEWSLETTER)
    left = {**member, "status": "unsubscribed", "unsubscribe_reason": "No longer interested"}
    sandbox.house.fakes["mailchimp"].upsert("members", [left])
    call = client.lists.set_list_member
    assert (
        refusal(call, NEWSLETTER, member["id"], {"status": "subscribed"})[1]["title"]
        == "Member In Compliance State"
    )
    assert call(NEWSLETTER, member["id"], {"merge_fields": {"FNAME": "Still"}})["status"] == "unsubscribed"


def test_tags(client: Any, sandbox: Sandbox) -> None:
    member = next(
        row
        for row in stored(sandbox)
        if row["list_id"] == NEWSLETTER and not row["tags"] and row["status"] == "subscribed"
    )
    given = {"tags": [{"name": "Pilot", "status": "active"}, {"name": "Brand new", "status": "active"}]}
    client.lists.update_list_member_tags(NEWSLETTER, member["id"], given)
    assert [tag["name"] for tag in client.lists.get_list_member_tags(NEWSLETTER, member["id"])["tags"]] == [
        "Pilot",
        "Brand new",
    ]
    assert "Brand new" in [tag["name"] for tag in client.lists.tag_search(NEWSLETTER)["tags"]]
    segment = next(
        row
        for row in client.lists.list_segments(NEWSLETTER, count=100)["segments"]
        if row["name"] == "Brand new"
    )
    assert [
        row["id"] for row in client.lists.get_segment_members_list(NEWSLETTER, segment["id"])["members"]
    ] == [member["id"]]
    client.lists.update_list_member_tags(
        NEWSLETTER, member["id"], {"tags": [{"name": "Pilot", "status": "inactive"}]}
    )
    assert [tag["name"] for tag in client.lists.get_list_member(NEWSLETTER, member["id"])["tags"]] == [
        "Brand new"
    ]


def test_a_batch_of_members_says_what_became_of_each(client: Any, sandbox: Sandbox) -> None:
    member = next(
        row for row in stored(sandbox) if row["list_id"] == NEWSLETTER and row["status"] == "subscribed"
    )
    members = [
        {"email_address": "batch-1@sdk.example", "status": "subscribed", "merge_fields": {"FNAME": "One"}},
        {"email_address": "batch-2@sdk.example", "status": "subscribed", "merge_fields": {"LTV": "much"}},
        {"email_address": "nobody", "status": "subscribed"},
        {"email_address": "batch-1@sdk.example", "status": "subscribed"},
        {"email_address": member["email_address"], "merge_fields": {"FNAME": "Edited"}},
    ]
    answer = client.lists.batch_list_members(NEWSLETTER, {"members": members, "update_existing": True})
    assert (answer["total_created"], answer["total_updated"], answer["error_count"]) == (1, 1, 3)
    assert [row["full_name"] for row in answer["new_members"]] == ["One"]
    assert [row["id"] for row in answer["updated_members"]] == [member["id"]]
    assert [(row["email_address"], row["field"]) for row in answer["errors"]] == [
        ("batch-2@sdk.example", "LTV"),
        ("nobody", ""),
        ("batch-1@sdk.example", ""),
    ]
    doubled = client.lists.batch_list_members(
        NEWSLETTER, {"members": members[:1] * 2, "update_existing": True}, skip_duplicate_check=True
    )
    assert (doubled["total_updated"], doubled["error_count"]) == (1, 0)
    once = client.lists.batch_list_members(NEWSLETTER, {"members": members[-1:]})
    assert [row["error_code"] for row in once["errors"]] == ["ERROR_CONTACT_EXISTS"]
    many = {
        "members": [
            {"email_address": f"m{number}@sdk.example", "status": "subscribed"} for number in range(501)
        ]
    }
    assert refusal(client.lists.batch_list_members, NEWSLETTER, many)[0] == 400


def test_merge_fields(client: Any) -> None:
    made = client.lists.add_list_merge_field(NEWSLETTER, {"tag": "nps", "name": "NPS", "type": "number"})
    assert (made["tag"], made["type"]) == ("NPS", "number")
    tags = [row["tag"] for row in client.lists.get_list_merge_fields(NEWSLETTER, count=100)["merge_fields"]]
    assert tags[-1] == "NPS" and len(tags) == 10
    assert "NPS" in client.lists.get_list_members_info(NEWSLETTER, count=1)["members"][0]["merge_fields"]
    assert (
        refusal(client.lists.add_list_merge_field, NEWSLETTER, {"tag": "NPS", "name": "x", "type": "text"})[0]
        == 400
    )
    assert (
        refusal(
            client.lists.add_list_merge_field, NEWSLETTER, {"tag": "ELEVENCHARS", "name": "x", "type": "text"}
        )[0]
        == 400
    )
    assert refusal(client.lists.add_list_merge_field, NEWSLETTER, {"name": "x", "type": "colour"})[0] == 400
    assert (
        client.lists.update_list_merge_field(NEWSLETTER, made["merge_id"], {"name": "Net promoter"})["name"]
        == "Net promoter"
    )
    client.lists.delete_list_merge_field(NEWSLETTER, made["merge_id"])
    assert "NPS" not in client.lists.get_list_members_info(NEWSLETTER, count=1)["members"][0]["merge_fields"]


def test_a_required_merge_field_may_be_left_out_on_request_only(client: Any) -> None:
    made = client.lists.add_list_merge_field(
        NEWSLETTER, {"tag": "CODE", "name": "C", "type": "text", "required": True}
    )
    body = {"email_address": "code@sdk.example", "status": "subscribed"}
    _, problem = refusal(client.lists.add_list_member, NEWSLETTER, body)
    assert problem["errors"] == [{"field": "CODE", "message": "This value should not be blank."}]
    assert (
        client.lists.add_list_member(NEWSLETTER, body, skip_merge_validation=True)["status"] == "subscribed"
    )
    assert made["required"] is True


def test_interests(client: Any) -> None:
    found = client.lists.get_list_interest_categories(NEWSLETTER)["categories"]
    interests = client.lists.list_interest_category_interests(NEWSLETTER, found[0]["id"])["interests"]
    assert len(interests) == 3
    member = client.lists.get_list_members_info(NEWSLETTER, count=1)["members"][0]
    assert set(member["interests"]) == {row["id"] for row in interests}


def test_campaigns_and_reports(client: Any, sandbox: Sandbox) -> None:
    assert client.campaigns.list()["total_items"] == 9
    assert client.campaigns.list(status="sent")["total_items"] == 8
    reports = client.reports.get_all_campaign_reports(count=100)["reports"]
    assert [row["send_time"] for row in reports] == sorted(
        (row["send_time"] for row in reports), reverse=True
    )
    one = reports[0]
    assert client.reports.get_campaign_report(one["id"])["opens"] == one["opens"]
    assert client.campaigns.get(one["id"])["report_summary"]["opens"] == one["opens"]["opens_total"]
    people = client.reports.get_email_activity_for_campaign(one["id"], count=1000)
    actions = [action for person in people["emails"] for action in person["activity"]]
    assert sum(action["action"] == "open" for action in actions) == one["opens"]["opens_total"]
    middle = sorted(action["timestamp"] for action in actions)[len(actions) // 2]
    later = client.reports.get_email_activity_for_campaign(one["id"], count=1000, since=middle)
    times = [action["timestamp"] for person in later["emails"] for action in person["activity"]]
    assert times and all(time > middle for time in times)
    left = client.reports.get_unsubscribed_list_for_campaign(one["id"])
    assert left["total_items"] == one["unsubscribed"]
    client.campaigns.remove(one["id"])
    assert refusal(client.reports.get_campaign_report, one["id"])[0] == 404


def test_batch_operations_are_carried_out_and_their_answers_packed(client: Any, sandbox: Sandbox) -> None:
    path, email = f"/lists/{NEWSLETTER}/members", "operation@sdk.example"
    body = json.dumps({"email_address": email, "status_if_new": "subscribed"})
    operations = [
        {"method": "PUT", "path": f"{path}/{hash_of(email)}", "operation_id": "one", "body": body},
        {"method": "GET", "path": f"{path}/nobody", "operation_id": "two"},
        {"method": "GET", "path": path, "operation_id": "three", "params": {"count": 1}},
    ]
    batch = client.batches.start({"operations": operations})
    assert batch["status"] == "pending" and batch["total_operations"] == 3
    steps = [client.batches.status(batch["id"]) for _ in range(4)]
    assert [step["status"] for step in steps] == ["preprocessing", "started", "finalizing", "finished"]
    assert steps[-1]["errored_operations"] == 1
    with urllib.request.urlopen(steps[-1]["response_body_url"], timeout=10) as answer:
        packed = tarfile.open(fileobj=io.BytesIO(answer.read()), mode="r:gz")
    results = json.loads(packed.extractfile(packed.getmembers()[0]).read())
    assert [(row["operation_id"], row["status_code"]) for row in results] == [
        ("one", 200),
        ("two", 404),
        ("three", 200),
    ]
    assert json.loads(results[0]["response"])["id"] == hash_of(email)
    assert len(json.loads(results[2]["response"])["members"]) == 1
    assert client.batches.list()["total_items"] == 1
    client.batches.delete_request(batch["id"])
    assert refusal(client.batches.status, batch["id"])[0] == 404
