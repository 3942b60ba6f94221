"""What syncs can write to Mailchimp: members of one list, and the options that say how."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.sdk.base import ObjectType, Option
from tailrace.connectors.sdk.options import Problem

MEMBERS = "members"
EMAIL = "email_address"
TAGS = "tags"
MOST_MEMBERS = 500
"""Members of one request (vendor-apis.md 3, from memory: `batch` makes it less)."""
STATUSES = ("subscribed", "pending", "transactional")
CREATING = ("insert", "upsert", "mirror")
FIELD_TYPES = (
    "text",
    "number",
    "date",
    "birthday",
    "phone",
    "zip",
    "address",
    "url",
    "imageurl",
    "dropdown",
    "radio",
)
READ_ONLY = (
    "id",
    "status",
    "status_if_new",
    "unique_email_id",
    "contact_id",
    "full_name",
    "web_id",
    "last_changed",
    "timestamp_opt",
    "timestamp_signup",
    "ip_opt",
    "ip_signup",
    "member_rating",
    "list_id",
)

SYNC_OPTIONS = (
    Option("list", required=True, description="id of the list (audience), like a36b032126", target=True),
    Option(
        "status_if_new",
        choices=STATUSES,
        description="status of a member that the sync makes; required by insert, upsert and mirror",
    ),
    Option(
        "tags", "texts", description="all tags that the sync gives and takes away; the field `tags` needs it"
    ),
    Option(
        "unarchive", "bool", default=False, description="archived members come back with the status_if_new"
    ),
    Option(
        "skip_merge_validation",
        "bool",
        default=False,
        description="take members without a value in a required merge field",
    ),
    Option("batch", "integer", default=MOST_MEMBERS, description="members of one request, 500 at most"),
    Option(
        "batch_from",
        "integer",
        default=50,
        description="as many updates, tags, removals or look-ups at once go as one background batch; fewer go one by one",
    ),
)

OBJECTS = (
    ObjectType(
        MEMBERS,
        ("insert", "update", "upsert", "mirror"),
        ("keep", "clear", "archive"),
        ("ours", "theirs", "newest", "if_empty"),
        MOST_MEMBERS,
        (EMAIL,),
        READ_ONLY,
        options=SYNC_OPTIONS,
        fields_of_options=(TAGS,),
        takes_fields="any",
        field_types=FIELD_TYPES,
    ),
)


def validate_sync(obj: str, mode: str, options: Mapping[str, Any]) -> list[Problem]:  # noqa: ARG001 - there is one object
    """A list's id that can be one, consent that is said and not assumed, sizes in their range."""
    problems: list[Problem] = []
    if not re.fullmatch(r"[0-9A-Za-z]+", options["list"]):
        problems.append((("list",), f"{options['list']!r} is no list's id", "write it like a36b032126"))
    if mode in CREATING and not options["status_if_new"]:
        fix = f"say what new members become: {', '.join(STATUSES)}"
        problems.append(((), f"mode {mode} makes members and status_if_new is missing", fix))
    if not 1 <= options["batch"] <= MOST_MEMBERS:
        problems.append((("batch",), "batch is out of range", f"write a number from 1 to {MOST_MEMBERS}"))
    if options["batch_from"] < 1:
        problems.append((("batch_from",), "batch_from is below 1", "write 1 or more"))
    for number, tag in enumerate(options["tags"] or ()):
        if ";" in tag or not tag.strip():
            problems.append(((TAGS, number), f"{tag!r} is no tag's name", "write names without semicolons"))
    return problems
