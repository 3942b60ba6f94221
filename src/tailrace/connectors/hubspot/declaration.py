"""What HubSpot takes and offers, known without a connection."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot.offers import (
    NAMED_ASSOCIATIONS,
    PERMISSIONS,
    STANDARD,
    VERSIONS,
    ends_of,
    resources,
)
from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    Declaration,
    ObjectType,
    Option,
)
from tailrace.connectors.sdk.limits import IN_FLIGHT, MAX_WAIT, limit_problems, rate_limit, wire_problems
from tailrace.connectors.sdk.options import Problem
from tailrace.errors import near_miss

OBJECTS = ("contacts", "companies", "deals")
"""What syncs write to by name; custom objects besides."""
ANY_OBJECT = "*"

CONNECTION = (
    Option(
        "access_token",
        secret=True,
        description="a private app's token, a service key or any static bearer token",
    ),
    Option(
        "client_id", description="OAuth app, with client_secret and refresh_token in place of access_token"
    ),
    Option("client_secret", secret=True, description="OAuth app's secret"),
    Option("refresh_token", secret=True, description="what the OAuth app was given for this account"),
    Option("base_url", default="https://api.hubapi.com", description="where the API is"),
    Option("api_version", default="2026-09", description="a date version (2026-03, 2026-09) or v3"),
    rate_limit("190 in 10 s and 5 searches a second", "search_per_second"),
    IN_FLIGHT,
    Option(
        "overlap",
        "duration",
        default="120s",
        description="read again before the cursor, for the search's index lag",
    ),
    MAX_WAIT,
)
READ_ONLY = ("hs_object_id", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate")
KNOWN = (*STANDARD, "owners", "properties", "pipelines", *NAMED_ASSOCIATIONS)
PAIRED = (*KNOWN, *(f"{one}_{other}" for one in STANDARD for other in STANDARD))
SLIPS = {slip: name for name, found in STANDARD.items() for slip in (found.singular, found.type_id)}
CUSTOM = r"2-\d+|p\d*_\w+"
"""What can be nothing but a custom object: its type id or its qualified name."""
MODES = ("insert", "update", "upsert", "mirror")
REMOVED = ("keep", "clear", "archive")
CONFLICTS = ("ours", "theirs", "newest", "if_empty")
FIELD_TYPES = ("string", "number", "date", "datetime", "enumeration", "bool")
FIELD_NAMES = ("[a-z][a-z0-9_]*", "lower-case letters, digits and underscores, a letter first")
LIST_MEMBERS = "list_members"
MEMBERS = 1000
"""Rows of a list in one batch: ten look-ups of 100, then one request."""
RECORD_OPTIONS = (
    Option(
        "property_group", description="of HubSpot's, that new fields go into; default: the object's usual one"
    ),
)
MEMBER_OPTIONS = (
    Option("list", required=True, description="the id of a static list", target=True),
    Option("object", default="contacts", description="whose records the list holds"),
    Option("batch", "integer", default=MEMBERS, description="ids in one request, at most 1000"),
)


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """Exactly one way to log in; a rate limit whose numbers are numbers; a version that can be one."""
    problems: list[Problem] = []
    oauth = [name for name in ("client_id", "client_secret", "refresh_token") if options[name]]
    ways = "give access_token, or client_id, client_secret and refresh_token"
    if options["access_token"] and oauth:
        problems.append(((oauth[0],), "both access_token and OAuth are given", ways))
    elif not options["access_token"] and len(oauth) < 3:
        problems.append(((), "no complete credentials", ways))
    if not re.fullmatch(r"v3|\d{4}-\d{2}", options["api_version"]):
        fix = "write a version like 2026-09, or v3"
        problems.append((("api_version",), f"{options['api_version']!r} is no API version", fix))
    return problems + wire_problems(options) + limit_problems(options["rate_limit"], "search_per_second")


def validate_resource(name: str, options: Mapping[str, Any]) -> list[Problem]:
    """A name that is nearly a standard one is a slip of the pen, not a custom object."""
    if name not in KNOWN and ends_of(name) is None and not re.fullmatch(CUSTOM, name):
        meant = SLIPS.get(name.lower()) or next(iter(difflib.get_close_matches(name, PAIRED, 1, 0.8)), None)
        if meant:
            return [((), f"hubspot has no resource {name!r}", f"did you mean {meant}?")]
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            fix = "write a custom object's name or type id, like 2-123"
            return [((), f"{name!r} is no object's name", fix)]
    if "batch" in options and not 1 <= options["batch"] <= 10_000:
        return [(("batch",), "batch is out of range", "write a number from 1 to 10000")]
    return _object_problems(options.get("objects") or ())


def _object_problems(objects: Sequence[str]) -> list[Problem]:
    """Of the option `objects`: standard names, or what may be a custom object's name or type id."""
    return [
        (("objects", number), f"{name!r} is no object's name", near_miss(name, list(STANDARD)))
        for number, name in enumerate(objects)
        if name not in STANDARD and (name in SLIPS or not re.fullmatch(r"[A-Za-z0-9_-]+", name))
    ]


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is asked for."""
    from tailrace.connectors.hubspot.connection import HubSpot

    return HubSpot.open(DECLARATION, options, context)


def validate_sync(obj: str, _mode: str, options: Mapping[str, Any]) -> list[Problem]:
    """A list's id is a number; so many ids a request as the sync's batches can hold."""
    problems: list[Problem] = []
    if obj != LIST_MEMBERS:
        return problems
    if not str(options["list"]).isdigit():
        problems.append(
            (("list",), f"{options['list']!r} is no list's id", "write its number, as in its address")
        )
    if not 1 <= options["batch"] <= MEMBERS:
        problems.append((("batch",), "batch is out of range", f"write a number from 1 to {MEMBERS}"))
    name = options["object"]
    if name in SLIPS or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        problems.append((("object",), f"{name!r} is no object's name", near_miss(name, list(STANDARD))))
    return problems


def _objects() -> Sequence[ObjectType]:
    members = ObjectType(
        LIST_MEMBERS, ("mirror", "upsert"), ("keep", "archive"), ("ours",), MEMBERS, options=MEMBER_OPTIONS,
        takes_fields="none",
    )  # fmt: skip
    return (*(_records(name) for name in OBJECTS), members, _records(ANY_OBJECT, any_name=True))


def _records(name: str, *, any_name: bool = False) -> ObjectType:
    return ObjectType(
        name, MODES, REMOVED, CONFLICTS, 100, (), READ_ONLY, any_name=any_name, pattern=CUSTOM, options=RECORD_OPTIONS,
        associations=("*",), field_types=FIELD_TYPES, field_names=FIELD_NAMES,
    )  # fmt: skip


DECLARATION = Declaration(
    name="hubspot",
    options=CONNECTION,
    resources=tuple(resources()),
    objects=tuple(_objects()),
    permissions=PERMISSIONS,
    versions=VERSIONS,
    limit=(190, 10.0),
    validate_sync=validate_sync,
    open=open_connection,
    validate_resource=validate_resource,
    validate_connection=validate_connection,
)
