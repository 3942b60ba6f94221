"""What syncs can write to Meta: who is in a customer-file audience."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.sdk.base import ObjectType, Option
from tailrace.connectors.sdk.options import Problem

AUDIENCE = "custom_audience"
MOST_USERS = 10_000
"""Entries of one request (custom-audience/users, vendor-apis.md 7.3)."""
MATCHES = ("EMAIL", "PHONE", "EXTERN_ID", "MADID")
IDENTIFIERS = (*MATCHES, "FN", "LN", "FI", "CT", "ST", "ZIP", "COUNTRY", "DOBY", "DOBM", "DOBD", "GEN")

SYNC_OPTIONS = (
    Option(
        "audience", required=True, description="id of the customer-file audience, its digits", target=True
    ),
    Option("hashed", "bool", default=False, description="the columns hold SHA-256 in hex already"),
    Option(
        "hash_madid",
        "bool",
        default=False,
        description="hash MADID, too, as Meta's own client for Python does",
    ),
    Option(
        "bare_phones",
        "bool",
        default=False,
        description="PHONE has the country code even without + or 00 before it",
    ),
    Option(
        "splits",
        "integer",
        default=30,
        description="how often a batch that Meta refuses whole is halved to find the rows at fault",
    ),
    Option("batch", "integer", default=MOST_USERS, description="people of one request, 10000 at most"),
)

OBJECTS = (
    ObjectType(
        AUDIENCE,
        ("upsert", "mirror"),
        ("keep", "archive"),
        ("ours",),
        MOST_USERS,
        MATCHES,
        options=SYNC_OPTIONS,
        known_fields=IDENTIFIERS,
        takes_fields="any",
    ),
)


def validate_sync(obj: str, mode: str, options: Mapping[str, Any]) -> list[Problem]:  # noqa: ARG001 - one object, alike in both
    """An audience's id that can be one, and numbers in their range."""
    problems: list[Problem] = []
    if not re.fullmatch(r"\d+", options["audience"]):
        problems.append((("audience",), f"{options['audience']!r} is no audience's id", "write its digits"))
    if not 1 <= options["batch"] <= MOST_USERS:
        problems.append((("batch",), "batch is out of range", f"write a number from 1 to {MOST_USERS}"))
    if options["splits"] < 0:
        problems.append((("splits",), "splits is below 0", "write 0 or more"))
    return problems
