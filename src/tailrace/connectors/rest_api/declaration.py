"""What a pipeline says of an HTTP API, checked as far as it goes without dlt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tailrace.connectors.rest_api import placeholders, shape
from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    Declaration,
    Option,
    ResourceType,
)
from tailrace.connectors.sdk.inline import COLUMNS, PRIMARY_KEY, write_option, write_problems
from tailrace.connectors.sdk.options import Problem
from tailrace.errors import near_miss

OPTIONS = (
    Option(
        "config",
        "mapping",
        required=True,
        description="dlt's RESTAPIConfig: client, resource_defaults, resources",
    ),
)
RESOURCE = (PRIMARY_KEY, write_option("the write_disposition in `config:`, else append"), COLUMNS)


def validate_options(options: Mapping[str, Any]) -> list[Problem]:
    return list(shape.problems(options["config"]))


def validate_resource(_name: str, options: Mapping[str, Any]) -> list[Problem]:
    return list(write_problems(options))


def validate_pipeline(
    options: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]], _root: Path
) -> Sequence[Problem]:
    """Resources that the config has, a key for each that is merged, and placeholders that name something."""
    return [*_against(options["config"], resources), *placeholders.problems(options["config"])]


def _against(config: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    known = shape.names(config, selected=False)
    for name in resources:
        if name not in known:
            yield ("resources", name), f"config has no resource {name}", near_miss(name, known)
    for name in resources or shape.names(config):
        given = resources.get(name) or {}
        write = given.get("write") or shape.settled(config, name, "write_disposition")
        key = given.get("primary_key") or shape.settled(config, name, "primary_key")
        if name in known and write == "merge" and not key:
            where = ("resources", name) if name in resources else ("config", "resources", known.index(name))
            yield where, f"{name}: merge needs a primary_key", "Add it with the fields that name a row"


def resource_names(options: Mapping[str, Any]) -> Sequence[str]:
    config = options.get("config")
    return shape.names(config) if isinstance(config, Mapping) else ()


def open_source(options: Mapping[str, Any], context: Context) -> Connector:
    """Nothing is requested before something is asked for."""
    from tailrace.connectors.rest_api.source import RestSource

    return RestSource(options, context)


DECLARATION = Declaration(
    name="rest_api",
    options=OPTIONS,
    resources=(
        ResourceType(
            "<resource>",
            RESOURCE,
            changes=False,
            any_name=True,
            description="a resource of the config, by its name",
            cursor="endpoint: incremental, where the resource has one",
            deletes="replace: rows not shown are gone; merge and append: never",
        ),
    ),
    inline=True,
    open=open_source,
    validate_resource=validate_resource,
    validate_connection=validate_options,
    validate_pipeline=validate_pipeline,
    resource_names=resource_names,
)
