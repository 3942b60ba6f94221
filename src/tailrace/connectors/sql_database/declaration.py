"""What a pipeline says of an SQL database, checked without connecting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    Declaration,
    Option,
    Permission,
    ResourceType,
)
from tailrace.connectors.sdk.inline import COLUMNS, PRIMARY_KEY, write_option, write_problems
from tailrace.connectors.sdk.options import Problem, validate
from tailrace.errors import near_miss

CHUNK = 10_000
OPTIONS = (Option("config", "mapping", required=True, description="how to reach the database, see below"),)
CONFIG = (
    Option("credentials", required=True, description="SQLAlchemy's URL, or a mapping of its parts"),
    Option("schema", description="the database's schema; default: the login's own"),
    Option("table_names", "texts", description="the tables to land where `resources:` names none"),
    Option("include_views", "bool", default=False, description="land views too where nothing is named"),
    Option("chunk_size", "integer", default=CHUNK, description="rows fetched at a time"),
)
PARTS = ("drivername", "username", "password", "host", "port", "database", "query")
RESOURCE = (
    PRIMARY_KEY,
    write_option("merge with a cursor, else replace"),
    Option("cursor", description="the column by which only new and changed rows are read"),
    Option(
        "sweep",
        "duration",
        default="off",
        choices=("off",),
        description="with a cursor: how often the whole table is read again, to see deletes",
    ),
    Option("included_columns", "texts", description="the columns to land; default: all"),
    COLUMNS,
)
READ = "SELECT"


def validate_options(options: Mapping[str, Any]) -> list[Problem]:
    config = dict(options["config"])
    credentials = config.get("credentials")
    found = list(_parts(credentials)) if isinstance(credentials, Mapping) else []
    if isinstance(credentials, Mapping):
        config["credentials"] = "a mapping"
    for path, message, fix in validate(config, CONFIG)[1]:
        unknown = message.startswith("unknown option")
        known = [option.name for option in CONFIG]
        text = f"config has no key {path[-1]}" if unknown else message
        found.append((("config", *path), text, near_miss(str(path[-1]), known) if unknown else fix))
    if not found and isinstance(credentials, str) and "://" not in credentials:
        fix = "Write it like postgresql://user:password@host/database or sqlite:///data/erp.db"
        found.append((("config", "credentials"), "credentials is no URL", fix))
    chunk = config.get("chunk_size", CHUNK)
    if not found and int(chunk) < 1:
        found.append((("config", "chunk_size"), "chunk_size is out of range", "Write a number from 1 on"))
    return found


def _parts(credentials: Mapping[str, Any]) -> Iterator[Problem]:
    for key in credentials:
        if key not in PARTS:
            yield ("config", "credentials", key), f"credentials has no key {key}", near_miss(key, PARTS)
    if not credentials.get("drivername"):
        fix = "Add `drivername: postgresql`"
        yield ("config", "credentials"), "credentials needs a drivername", fix


def validate_resource(_name: str, options: Mapping[str, Any]) -> list[Problem]:
    """A sweep needs a cursor to be anything but what replace does."""
    problems = list(write_problems(options))
    if options["sweep"] != "off" and (not options["cursor"] or options["write"] in ("append", "replace")):
        fix = "Name a cursor and leave `write:` at merge, or remove the sweep"
        problems.append((("sweep",), "sweep goes with a cursor and merge", fix))
    if options["cursor"] and options["write"] == "replace":
        fix = "Leave `write:` at merge, or remove the cursor"
        problems.append((("cursor",), "replace would keep nothing but the new rows", fix))
    return problems


def validate_pipeline(
    options: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]], _root: Path
) -> Sequence[Problem]:
    """Two lists of tables would leave open which one holds."""
    if resources and options["config"].get("table_names"):
        fix = "Remove table_names: `resources:` names the tables"
        return [(("config", "table_names"), "tables are named twice", fix)]
    return []


def resource_names(options: Mapping[str, Any]) -> Sequence[str] | None:
    config = options.get("config")
    names = config.get("table_names") if isinstance(config, Mapping) else None
    return names if isinstance(names, list) else None


def open_source(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects when something is asked for."""
    from tailrace.connectors.sql_database.source import SqlSource

    return SqlSource(options, context)


DECLARATION = Declaration(
    name="sql_database",
    options=OPTIONS,
    resources=(
        ResourceType(
            "<table>",
            RESOURCE,
            changes=False,
            any_name=True,
            description="a table or view of the schema, by its name",
            cursor="the column named by cursor",
            deletes="replace: rows not shown are gone; with a cursor: seen by the sweep only",
            permissions=(READ,),
        ),
    ),
    permissions=(Permission(READ, "the tables that are landed, and the catalogue that describes them"),),
    inline=True,
    open=open_source,
    validate_resource=validate_resource,
    validate_connection=validate_options,
    validate_pipeline=validate_pipeline,
    resource_names=resource_names,
)
