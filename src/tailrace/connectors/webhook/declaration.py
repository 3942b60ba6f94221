"""What a webhook takes, known without a connection."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.sdk.auth import reveal
from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    Declaration,
    ObjectType,
    Option,
)
from tailrace.connectors.sdk.hook_url import url_problems
from tailrace.connectors.sdk.limits import IN_FLIGHT, MAX_WAIT, limit_problems, rate_limit, wire_problems
from tailrace.connectors.sdk.options import Problem

ANY_OBJECT = "*"
MOST_ROWS = 100
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes of a signing secret (Standard Webhooks 1.0: between 192 and 512 bits)."""
PREFIX = "whsec_"
SECRETS = ("signing_secret", "previous_signing_secret")
RESERVED = ("content-type", "content-length", "host", "webhook-id", "webhook-timestamp", "webhook-signature")

CONNECTION = (
    Option("url", required=True, secret=True, description="where the rows go: the whole URL"),
    Option(
        "signing_secret",
        required=True,
        secret=True,
        description="whsec_ and the base64 of 24 to 64 random bytes; the receiver has the same",
    ),
    Option(
        "previous_signing_secret",
        secret=True,
        description="the secret before it, while receivers change: requests carry a signature of each",
    ),
    Option("headers", "mapping", description="headers of your own, name to value"),
    Option("timeout", "duration", default="30s", description="how long the receiver may take to answer"),
    rate_limit("none"),
    IN_FLIGHT,
    MAX_WAIT,
)
OBJECT_OPTIONS = (
    Option(
        "batch_size", "integer", default=MOST_ROWS, description=f"rows of one request, from 1 to {MOST_ROWS}"
    ),
    Option(
        "format",
        default="standard",
        choices=("standard", "array"),
        description="standard: {type, timestamp, data}; array: the rows alone, each with its type and timestamp",
    ),
)


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """A URL, secrets that are keys, headers that can be sent; no value is repeated."""
    problems = url_problems("url", options["url"])
    for name in SECRETS:
        problems += _secret_problems(name, options[name])
    for name, value in (options["headers"] or {}).items():
        problems += _header_problems(str(name), reveal(value))
    if options["timeout"] <= 0:
        problems.append((("timeout",), "timeout is no time", "write a duration like 30s"))
    return problems + wire_problems(options, ()) + limit_problems(options["rate_limit"])


def key_of(secret: str) -> bytes:
    """The bytes to sign with; ValueError where the secret is none."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    if not secret.startswith(PREFIX) or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(secret)
    return key


def _secret_problems(name: str, value: Any) -> list[Problem]:
    if not value:
        return []
    fix = "make one: python -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\""
    try:
        key_of(str(reveal(value)))
    except (ValueError, binascii.Error):
        what = f"{name} is not whsec_ and the base64 of {SHORTEST_KEY} to {LONGEST_KEY} bytes"
        return [((name,), what, fix)]
    return []


def _header_problems(name: str, value: Any) -> list[Problem]:
    place = ("headers", name)
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        return [(place, f"{name!r} is no header's name", "write it like X-Team")]
    if name.lower() in RESERVED:
        return [(place, f"the header {name} is the webhook's own", "remove it")]
    if not isinstance(value, str) or not re.fullmatch(r"[\x20-\x7e]*", value):
        return [(place, f"the header {name} is not plain ASCII text", "write a text in quotes")]
    return []


def validate_sync(name: str, mode: str, options: Mapping[str, Any]) -> list[Problem]:  # noqa: ARG001 - every object is alike
    """A name that can stand in a type, and a batch that is one."""
    problems: list[Problem] = []
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
        fix = "use letters, digits, _, - and single dots: it is the first part of the message's type"
        problems.append(((), f"{name!r} cannot name what is sent", fix))
    if not 1 <= options["batch_size"] <= MOST_ROWS:
        problems.append((("batch_size",), "batch_size is out of range", f"write 1 to {MOST_ROWS}"))
    return problems


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is sent."""
    from tailrace.connectors.webhook.connection import Webhook

    return Webhook.open(DECLARATION, options, context)


DECLARATION = Declaration(
    name="webhook",
    options=CONNECTION,
    objects=(
        ObjectType(
            ANY_OBJECT,
            ("insert", "update", "upsert", "mirror", "append"),
            ("keep", "archive"),
            batch_size=MOST_ROWS,
            any_name=True,
            options=OBJECT_OPTIONS,
            associations=("*",),
        ),
    ),
    open=open_connection,
    validate_connection=validate_connection,
    validate_sync=validate_sync,
)
