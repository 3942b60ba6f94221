"""What Salesforce takes and offers, known without a connection."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.sdk.base import (
    ApiVersion,
    Connector,
    Context,
    Declaration,
    ObjectType,
    Option,
    Permission,
    ResourceType,
)
from tailrace.connectors.sdk.limits import IN_FLIGHT, MAX_WAIT, limit_problems, rate_limit, wire_problems
from tailrace.connectors.sdk.options import Problem

LOGIN = "https://login.salesforce.com"
ANY = "<sObject>"
OBJECTS = {
    "Account": "accounts; deletes and merges",
    "Contact": "contacts; deletes and merges",
    "Lead": "leads; deletes and merges",
    "Opportunity": "opportunities",
    "Campaign": "campaigns",
    "CampaignMember": "which leads and contacts belong to which campaign",
    "Task": "tasks",
    "Event": "calendar events",
    "User": "users, who own records",
}
SCOPE, READ, VIEW_ALL = "api", "Read", "View All"
CREATE, EDIT, DELETE = "Create", "Edit", "Delete"
TARGETS = ("Contact", "Lead", "Account", "Opportunity", "Campaign", "CampaignMember")
"""What syncs write to by name; any other sObject besides."""
ANY_TARGET = "*"
MODES = ("insert", "update", "upsert", "mirror")
REMOVED = ("keep", "clear", "archive")
CONFLICTS = ("ours", "theirs", "newest", "if_empty")
READ_ONLY = (
    *("Id", "IsDeleted", "MasterRecordId", "CreatedDate", "CreatedById"),
    *("LastModifiedDate", "LastModifiedById", "SystemModstamp"),
)
BATCH, BULK_FROM, BULK_SIZE = 200, 2_000, 10_000
"""Rows of one request of Collections; from how many Salesforce advises jobs; its own batches inside a job (vendor-apis.md 2.4, 2.5)."""
SYNC_OPTIONS = (
    Option(
        "bulk", choices=("auto", "off"), default="auto", description="whether many rows go by Bulk 2.0 jobs"
    ),
)
DELETES = "recycle bin through queryAll, hard deletes through the deleted list"
JWT_OPTIONS = ("username", "private_key", "private_key_file")

CONNECTION = (
    Option("client_id", description="the connected app's consumer key"),
    Option("client_secret", secret=True, description="its consumer secret: client credentials flow"),
    Option("username", description="whom a JWT stands for: JWT bearer flow"),
    Option("private_key", secret=True, description="the PEM key that signs JWTs"),
    Option("private_key_file", description="a file with that key, relative to the project"),
    Option("access_token", secret=True, description="a session given from outside, with instance_url"),
    Option("instance_url", description="the org's host, like https://acme.my.salesforce.com"),
    Option(
        "login_url", default=LOGIN, description="where tokens are minted; My Domain for client credentials"
    ),
    Option("audience", default=LOGIN, description="aud of a JWT; https://test.salesforce.com for sandboxes"),
    Option("base_url", description="where the API is, whatever the login answers"),
    Option("api_version", default="67.0", description="the API's version, like 67.0"),
    Option("overlap", "duration", default="10m", description="read again before the cursor"),
    Option("bulk_wait", "duration", default="2h", description="longest wait of one run for a bulk job"),
    Option("bulk_poll", "duration", default="1s", description="between the first looks at one; it doubles"),
    rate_limit("none, for Salesforce counts requests by the day"),
    IN_FLIGHT,
    MAX_WAIT,
)
OBJECT_OPTIONS = (
    Option("fields", "texts", description="the fields to land; default: all that the login may read"),
    Option("where", description="a condition in SOQL that is sent as it stands"),
    Option("overlap", "duration", description="as the connection's, for this resource"),
    Option("via", choices=("auto", "rest", "bulk"), default="auto", description="how full reads are made"),
    Option("bulk_from", "integer", default=50_000, description="rows from which auto takes Bulk API 2.0"),
    Option(
        "deleted_sweep",
        "duration",
        default="1h",
        choices=("off",),
        description="how often the list of deleted records is asked for",
    ),
    Option(
        "sweep",
        "duration",
        choices=("off",),
        description="how often all rows are read again; default: 24h where deletes are told nowhere else, else never",
    ),
)


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """Exactly one way to log in, whole; URLs, version and limits that can be ones."""
    problems = _login_problems(options)
    if not re.fullmatch(r"\d+\.0", options["api_version"]):
        fix = "write it like 67.0"
        problems.append((("api_version",), f"{options['api_version']!r} is no API version", fix))
    given = [name for name in ("login_url", "audience", "instance_url", "base_url") if options[name]]
    return problems + wire_problems(options, given) + limit_problems(options["rate_limit"])


def _login_problems(options: Mapping[str, Any]) -> list[Problem]:
    ways = (
        "give client_id with client_secret, or client_id, username and private_key (or private_key_file),"
        " or access_token with instance_url"
    )
    jwt = [name for name in JWT_OPTIONS if options[name]]
    oauth = [name for name in ("client_id", "client_secret") if options[name]] + jwt
    if options["access_token"]:
        if oauth:
            return [((oauth[0],), "both access_token and OAuth are given", ways)]
        if not options["instance_url"] and not options["base_url"]:
            return [(("instance_url",), "access_token without instance_url", ways)]
        return []
    if options["client_secret"] and jwt:
        return [((jwt[0],), "both client credentials and a JWT's options are given", ways)]
    if options["private_key"] and options["private_key_file"]:
        return [(("private_key_file",), "both private_key and private_key_file are given", "give one")]
    signed = options["username"] and (options["private_key"] or options["private_key_file"])
    if not options["client_id"] or not (options["client_secret"] or signed):
        return [((), "no complete credentials", ways)]
    if options["client_secret"] and re.match(r"https://(login|test)\.salesforce\.com", options["login_url"]):
        wrong = "client credentials are not taken at login.salesforce.com and test.salesforce.com"
        return [(("login_url",), wrong, "write your My Domain, https://acme.my.salesforce.com")]
    return []


def validate_resource(name: str, options: Mapping[str, Any]) -> list[Problem]:
    """A name that is nearly a standard object's, or in lower case, is a slip of the pen."""
    problems = _name_problems(name)
    for number, field in enumerate(options.get("fields") or ()):
        if not re.fullmatch(r"[A-Za-z]\w*", field):
            problems.append((("fields", number), f"{field!r} is no field's name", "write it like LeadSource"))
    if options.get("where") is not None and not options["where"].strip():
        problems.append((("where",), "where is empty", "write a condition in SOQL, or leave it out"))
    if options.get("bulk_from", 1) < 1:
        problems.append((("bulk_from",), "bulk_from is below 1", "write a number of rows"))
    return problems


def _name_problems(name: str) -> list[Problem]:
    if name in OBJECTS:
        return []
    known = {obj.lower(): obj for obj in OBJECTS}
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8)
    if close and not name.endswith("__c"):
        return [((), f"salesforce has no resource {name!r}", f"did you mean {known[close[0]]}?")]
    if not re.fullmatch(r"[A-Z]\w*|\w+__[a-z]+", name):
        return [((), f"{name!r} is no sObject's name", "write its API name, like Contact or Invoice__c")]
    return []


def validate_sync(name: str, mode: str, options: Mapping[str, Any]) -> list[Problem]:  # noqa: ARG001
    """The object's name alone: what it takes only the org knows."""
    return [] if name in TARGETS else _name_problems(name)


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is asked for."""
    from tailrace.connectors.salesforce.connection import Salesforce

    return Salesforce.open(DECLARATION, options, context)


def _resource(name: str, text: str, *, any_name: bool = False) -> ResourceType:
    deletes = "full sweep every 24h" if name == "User" else DELETES
    return ResourceType(
        name,
        OBJECT_OPTIONS,
        any_name=any_name,
        description=text,
        key=("Id",),
        cursor="SystemModstamp",
        deletes=deletes,
        permissions=(SCOPE, READ, VIEW_ALL),
        backfill=True,
        fields_option="fields",
    )


def _target(name: str, *, any_name: bool = False) -> ObjectType:
    return ObjectType(
        name,
        MODES,
        REMOVED,
        CONFLICTS,
        BATCH,
        read_only_fields=READ_ONLY,
        any_name=any_name,
        pattern=r"\w+__[a-z]+",  # of one's own, of a package, external: Account__c is not Account
        options=SYNC_OPTIONS,
        associations=("*",),
        bulk_from=BULK_FROM,
        bulk_size=BULK_SIZE,
    )


DECLARATION = Declaration(
    name="salesforce",
    options=CONNECTION,
    resources=(
        *(_resource(name, text) for name, text in OBJECTS.items()),
        _resource(ANY, "any other object, by its API name", any_name=True),
    ),
    objects=(*(_target(name) for name in TARGETS), _target(ANY_TARGET, any_name=True)),
    permissions=(
        Permission(SCOPE, "the connected app's OAuth scope: REST and Bulk API 2.0"),
        Permission(
            READ, "on each object and field that is landed; a field that is not readable is not there"
        ),
        Permission(VIEW_ALL, "on each object, so that records of other owners are read; or View All Data"),
        Permission(CREATE, "on each object to which a sync adds records (insert, upsert, mirror)"),
        Permission(
            EDIT, "on each object and field that a sync writes; with Modify All, also records of other owners"
        ),
        Permission(DELETE, "on each object whose records a sync archives (on_removed: archive)"),
    ),
    versions=(ApiVersion("66.0"), ApiVersion("67.0"), ApiVersion("68.0")),
    open=open_connection,
    validate_resource=validate_resource,
    validate_connection=validate_connection,
    validate_sync=validate_sync,
)
