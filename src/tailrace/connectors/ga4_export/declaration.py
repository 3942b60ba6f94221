"""What the GA4 BigQuery export takes and offers, known without a connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.sdk.base import (
    ApiVersion,
    Connector,
    Context,
    Declaration,
    Option,
    Permission,
    ResourceType,
)
from tailrace.connectors.sdk.days import day_problems
from tailrace.connectors.sdk.limits import IN_FLIGHT, MAX_WAIT, limit_problems, rate_limit, wire_problems
from tailrace.connectors.sdk.options import Problem
from tailrace.records import Type

RESTATE_TABLES = 4
"""Late events change a daily table for up to 3 days after its date (vendor-apis.md 6.2)."""
PAGE_ROWS, MOST_ROWS = 5_000, 100_000
PARAM_TYPES: tuple[Type, ...] = ("text", "bigint", "double")
WHOLE_PARAMS = ("ga_session_id", "ga_session_number", "engagement_time_msec", "entrances", "percent_scrolled")
"""Parameters that Google's own tags send as whole numbers; any other is text where no type is given."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"
"""The narrowest that tabledata.list takes, by the discovery document of bigquery v2."""

CONNECTION = (
    Option("project", description="the Google Cloud project that holds the dataset"),
    Option("dataset", description="the dataset that GA4 exports to, like analytics_320000001"),
    Option("path", description="folder or glob of exported files, in place of project and dataset"),
    Option("service_account_file", description="path of a service account's JSON key"),
    Option("access_token", secret=True, description="a bearer token given from outside, in its place"),
    Option("base_url", default="https://bigquery.googleapis.com", description="where the API is"),
    Option("api_version", default="v2", description="BigQuery's API version"),
    Option(
        "restate",
        "integer",
        default=RESTATE_TABLES,
        description="newest tables that are looked at again, for late events",
    ),
    Option("start_date", description="the first table to read, YYYY-MM-DD; default: all that there are"),
    Option(
        "intraday",
        "bool",
        default=False,
        description="read events_intraday_ tables too, until their daily table is there",
    ),
    rate_limit("none; BigQuery allows more than tabledata.list can use"),
    IN_FLIGHT,
    MAX_WAIT,
)
EVENTS = (
    Option(
        "params",
        "texts",
        default=(),
        description="event parameters as columns param_<name>: name or name:type",
    ),
    Option("restate", "integer", description="as the connection's, for this resource"),
    Option("start_date", description="as the connection's, for this resource"),
    Option("limit", "integer", default=PAGE_ROWS, description=f"rows a page, at most {MOST_ROWS}"),
)


def param(text: str) -> tuple[str, Type]:
    """Name and type of a parameter as written under `params`: `ga_session_id`, `seats:bigint`."""
    name, _, kind = text.partition(":")
    given = next((found for found in PARAM_TYPES if found == kind), None)
    return name, given or ("bigint" if name in WHOLE_PARAMS else "text")


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """A dataset with one way to log in, or a path; names, URLs and days that can be ones."""
    problems = day_problems(options) + limit_problems(options["rate_limit"]) + wire_problems(options)
    if not re.fullmatch(r"v\d+", options["api_version"]):
        text = f"{options['api_version']!r} is no API version"
        problems.append((("api_version",), text, "write it like v2"))
    if options["path"]:
        of_bigquery = ("project", "dataset", "service_account_file", "access_token")
        return problems + [
            ((name,), f"both path and {name} are given", "files need no login: keep path, or leave it out")
            for name in of_bigquery
            if options[name]
        ]
    return problems + _dataset_problems(options)


def _dataset_problems(options: Mapping[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    if not options["project"] or not options["dataset"]:
        fix = "give project and dataset, or path for exported files"
        return [((), "nothing to read from", fix)]
    if not re.fullmatch(r"[A-Za-z0-9:.-]+", options["project"]):
        fix = "write the project's id, like acme-web-123"
        problems.append((("project",), f"{options['project']!r} is no project id", fix))
    if not re.fullmatch(r"\w+", options["dataset"]):
        fix = "write its name alone, like analytics_320000001"
        problems.append((("dataset",), f"{options['dataset']!r} is no dataset", fix))
    if bool(options["access_token"]) == bool(options["service_account_file"]):
        problems.append(((), "no single way to log in", "give either access_token or service_account_file"))
    return problems


def validate_resource(name: str, options: Mapping[str, Any]) -> list[Problem]:
    """Parameters whose columns are distinct; a page that BigQuery can answer."""
    problems = day_problems(options)
    taken: dict[str, str] = {}
    for number, text in enumerate(options["params"]):
        place = ("params", number)
        called, _, kind = text.partition(":")
        if not re.fullmatch(r"\w{1,40}", called):
            problems.append((place, f"{text!r} is no event parameter", "write its key, like page_location"))
        elif ":" in text and kind not in PARAM_TYPES:
            fix = f"write {called}:{' or :'.join(PARAM_TYPES)}"
            problems.append((place, f"{kind!r} is no type of a parameter", fix))
        elif taken.setdefault(called.lower(), text) is not text:
            first = taken[called.lower()]
            problems.append((place, f"{first!r} and {text!r} would be one column of {name}", "keep one"))
    if not 1 <= options["limit"] <= MOST_ROWS:
        problems.append((("limit",), "limit is out of range", f"write a number from 1 to {MOST_ROWS}"))
    return problems


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested or opened until something is asked for."""
    from tailrace.connectors.ga4_export.connection import Ga4Export

    return Ga4Export.open(DECLARATION, options, context)


PERMISSIONS = (
    Permission("roles/bigquery.dataViewer", "listing, describing and reading the tables of the one dataset"),
)
DECLARATION = Declaration(
    name="ga4_export",
    options=CONNECTION,
    resources=(
        ResourceType(
            "events",
            EVENTS,
            changes=False,
            description="one row per exported event, with its nested records as JSON",
            key=("table_suffix", "event_key"),
            cursor="lastModifiedTime and numRows of each table",
            deletes="by the table: what a table that is read again no longer holds is removed",
            permissions=("roles/bigquery.dataViewer",),
            backfill=True,
        ),
    ),
    permissions=PERMISSIONS,
    versions=(ApiVersion("v2"),),
    open=open_connection,
    validate_resource=validate_resource,
    validate_connection=validate_connection,
)
