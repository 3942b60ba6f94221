"""What Mailchimp takes and offers, known without a connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.mailchimp.writable import OBJECTS, validate_sync
from tailrace.connectors.sdk.base import (
    ApiVersion,
    Connector,
    Context,
    Declaration,
    Option,
    Permission,
    ResourceType,
)
from tailrace.connectors.sdk.limits import IN_FLIGHT, MAX_WAIT, limit_problems, rate_limit, wire_problems
from tailrace.connectors.sdk.options import Problem

MOST_IN_FLIGHT = 10
"""Simultaneous connections of one key (vendor-apis.md 3); the eleventh is answered 429."""
PLACE = "{dc}"

CONNECTION = (
    Option("api_key", secret=True, description="an API key; its last part names the data centre, like -us3"),
    Option("access_token", secret=True, description="an OAuth token, in place of api_key; it needs `server`"),
    Option("server", description="the data centre, like us3; default: the key's last part"),
    Option("base_url", default=f"https://{PLACE}.api.mailchimp.com", description="where the API is"),
    Option("api_version", default="3.0", description="the API's version"),
    Option("overlap", "duration", default="120s", description="read again before a list's cursor"),
    Option("poll_interval", "duration", default="5s", description="between two looks at a background batch"),
    Option("batch_wait", "duration", default="1h", description="longest wait for one background batch"),
    rate_limit("none, for Mailchimp limits connections and not requests"),
    IN_FLIGHT,
    MAX_WAIT,
)
LISTS = Option("lists", "texts", description="ids of the lists to read; default: all")
MEMBER_OPTIONS = (
    LISTS,
    Option("overlap", "duration", description="as the connection's, for this resource"),
    Option(
        "sweep",
        "duration",
        default="24h",
        choices=("off",),
        description="how often all members are read again, to see who was deleted permanently",
    ),
)
RECENT = Option(
    "recent",
    "duration",
    default="30d",
    description="campaigns sent in that time are asked in every run, older ones when their report has changed",
)
ACTIVITY_OPTIONS = (
    RECENT,
    Option("overlap", "duration", default="24h", description="read again before a campaign's cursor"),
)

MANAGER, VIEWER = "Manager", "Viewer"
PERMISSIONS = (
    Permission(MANAGER, "lists, members and all that belongs to a list, and syncs to members"),
    Permission(VIEWER, "campaigns and reports; every Manager has it"),
)
GONE = "no longer listed"
WITH_LIST = "no longer listed, or its list is gone"


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """Exactly one way to log in; a data centre and a version that can be one; at most ten connections."""
    problems: list[Problem] = []
    ways = "give api_key, or access_token and server"
    if options["api_key"] and options["access_token"]:
        problems.append((("access_token",), "both api_key and access_token are given", ways))
    elif not options["api_key"] and not options["access_token"]:
        problems.append(((), "no complete credentials", ways))
    elif options["access_token"] and not options["server"] and PLACE in options["base_url"]:
        problems.append((("server",), "an access_token names no data centre", "write server: us3"))
    if options["server"] and not re.fullmatch(r"[a-z]+\d+", options["server"]):
        problems.append((("server",), f"{options['server']!r} is no data centre", "write it like us3"))
    if not re.fullmatch(r"\d+\.\d+", options["api_version"]):
        problems.append(
            (("api_version",), f"{options['api_version']!r} is no API version", "write it like 3.0")
        )
    if options["in_flight"] > MOST_IN_FLIGHT:
        text = f"in_flight is above {MOST_IN_FLIGHT}, what Mailchimp takes of one key"
        problems.append((("in_flight",), text, f"write {MOST_IN_FLIGHT} or less"))
    if options["poll_interval"] <= 0:
        problems.append((("poll_interval",), "poll_interval is 0", "write a duration like 5s"))
    return problems + wire_problems(options) + limit_problems(options["rate_limit"])


def validate_resource(name: str, options: Mapping[str, Any]) -> list[Problem]:
    """Lists that can be ids."""
    if options.get("lists") is not None and not options["lists"]:
        return [(("lists",), f"{name} names no list", "name at least one id, or leave lists out")]
    return [
        (("lists", number), f"{key!r} is no list's id", "write it like a36b032126")
        for number, key in enumerate(options.get("lists") or ())
        if not re.fullmatch(r"[0-9A-Za-z]+", key)
    ]


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is asked for."""
    from tailrace.connectors.mailchimp.connection import Mailchimp

    return Mailchimp.open(DECLARATION, options, context)


def _of_list(name: str, key: tuple[str, ...], text: str, *, changes: bool = False) -> ResourceType:
    """What is read whole, list by list."""
    return ResourceType(
        name,
        (LISTS,),
        changes=changes,
        description=text,
        key=key,
        deletes=WITH_LIST,
        permissions=(MANAGER,),
    )


DECLARATION = Declaration(
    name="mailchimp",
    options=CONNECTION,
    resources=(
        ResourceType(
            "lists",
            description="lists (audiences) with their statistics",
            key=("id",),
            deletes=GONE,
            permissions=(MANAGER,),
        ),
        ResourceType(
            "members",
            MEMBER_OPTIONS,
            description="members of the lists with their merge fields; an archived one stays, as its status says",
            key=("list_id", "id"),
            cursor="last_changed",
            deletes="not shown by a sweep, or its list is gone",
            permissions=(MANAGER,),
            backfill=True,
        ),
        _of_list("merge_fields", ("list_id", "merge_id"), "the fields that a list defines for its members"),
        _of_list(
            "segments", ("list_id", "id"), "segments, and tags as segments of type static", changes=True
        ),
        _of_list("segment_members", ("list_id", "segment_id", "id"), "which members are in which segment"),
        _of_list("tags", ("list_id", "id"), "the tags of a list"),
        _of_list("interest_categories", ("list_id", "id"), "the groups of interests that a list offers"),
        _of_list("interests", ("list_id", "category_id", "id"), "the interests of each group"),
        ResourceType(
            "campaigns",
            description="campaigns, drafts among them",
            key=("id",),
            deletes=GONE,
            permissions=(VIEWER,),
            backfill=True,
        ),
        ResourceType(
            "reports",
            changes=False,
            description="the report of each sent campaign",
            key=("id",),
            deletes=GONE,
            permissions=(VIEWER,),
        ),
        ResourceType(
            "activity",
            ACTIVITY_OPTIONS,
            changes=False,
            description="opens, clicks and bounces, one row an action",
            key=("campaign_id", "email_id", "action", "timestamp", "url", "ip"),
            cursor="timestamp",
            deletes="none: what happened stays",
            permissions=(VIEWER,),
            backfill=True,
        ),
        ResourceType(
            "unsubscribes",
            (RECENT,),
            changes=False,
            description="who unsubscribed by which campaign",
            key=("campaign_id", "email_id"),
            deletes="no longer listed by the campaign's report",
            permissions=(VIEWER,),
        ),
    ),
    objects=OBJECTS,
    permissions=PERMISSIONS,
    versions=(ApiVersion("3.0"),),
    open=open_connection,
    validate_sync=validate_sync,
    validate_resource=validate_resource,
    validate_connection=validate_connection,
)
