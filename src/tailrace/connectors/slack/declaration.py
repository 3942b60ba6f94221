"""What Slack's incoming webhooks take, known without a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    Declaration,
    ObjectType,
    Option,
    Permission,
)
from tailrace.connectors.sdk.hook_url import url_problems
from tailrace.connectors.sdk.limits import MAX_WAIT, limit_problems, rate_limit, wire_problems
from tailrace.connectors.sdk.options import Problem

REQUESTS, SECONDS = 1, 1.0
"""About one message a second for each webhook, from memory (vendor-apis.md 10); `rate_limit` sets others."""
LONGEST_TEXT = 40_000
"""Slack cuts longer texts off (its changelog of April 2018), so they are not sent."""
TEXTS = ("text", "username", "icon_emoji", "icon_url", "thread_ts", "channel")
DOCUMENTS = ("blocks", "attachments")
FLAGS = ("unfurl_links", "unfurl_media", "mrkdwn", "link_names")
KNOWN = (*TEXTS, *DOCUMENTS, *FLAGS)

CONNECTION = (
    Option(
        "webhook_url",
        required=True,
        secret=True,
        description="the incoming webhook's URL; whoever has it can post",
    ),
    rate_limit("1 request in 1 s"),
    Option("in_flight", "integer", default=1, description="messages at the same time; 1 keeps their order"),
    MAX_WAIT,
)
OBJECT_OPTIONS = (
    Option("raw", "bool", default=False, description="text is Slack's markup already: &, < and > stay"),
    Option(
        "longest_text",
        "integer",
        default=LONGEST_TEXT,
        description="characters of a text beyond which a row is not sent",
    ),
)


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """A URL, said without showing it, and a limit that is one."""
    wire = wire_problems(options, ())
    return url_problems("webhook_url", options["webhook_url"]) + wire + limit_problems(options["rate_limit"])


def validate_sync(name: str, mode: str, options: Mapping[str, Any]) -> list[Problem]:  # noqa: ARG001 - there is one object
    """A length that is one."""
    if options["longest_text"] < 1:
        return [(("longest_text",), "longest_text is below 1", "write a number of characters")]
    return []


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is sent."""
    from tailrace.connectors.slack.connection import Slack

    return Slack.open(DECLARATION, options, context)


DECLARATION = Declaration(
    name="slack",
    options=CONNECTION,
    objects=(
        ObjectType(
            "messages",
            ("append",),
            batch_size=1,
            options=OBJECT_OPTIONS,
            known_fields=KNOWN,
            matches=False,
        ),
    ),
    permissions=(Permission("incoming-webhook", "the app's scope; Slack makes the URL with it"),),
    limit=(REQUESTS, SECONDS),
    open=open_connection,
    validate_connection=validate_connection,
    validate_sync=validate_sync,
)
