"""How a dlt resource's rows are to be written: the pipeline's words first, then dlt's own hints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.dlt_items import Offer
from tailrace.connectors.sdk.inline import ROW_KEY, WrongSetting
from tailrace.errors import FatalError
from tailrace.records import Type

STATE = "tailrace"
TYPES: Mapping[str, Type] = {
    "text": "text",
    "double": "double",
    "bool": "bool",
    "timestamp": "timestamp",
    "bigint": "bigint",
    "binary": "text",
    "json": "json",
    "decimal": "decimal",
    "wei": "decimal",
    "date": "date",
    "time": "text",
}


def offer_of(resource: ResourceSpec, found: Any, default: str | None = None) -> Offer:
    """Of a DltSource that has the resource, or of a DltResource.

    WrongSetting or FatalError for hints that landing cannot follow. `default` is the write of who writes none.
    """
    items = _source(found).with_resources(resource.name)
    dlt_resource = items.resources[resource.name]
    schema = _hints(resource.name, dlt_resource)
    columns = {str(name): column for name, column in (schema.get("columns") or {}).items()}
    write = resource.options["write"] or default or schema.get("write_disposition") or "append"
    key = resource.options["primary_key"] or tuple(n for n, c in columns.items() if c.get("primary_key"))
    if write == "merge":
        _refuse(resource.name, schema, columns)
    if write == "merge" and not key:
        fix = "Add `primary_key:` with the column or columns that name a row"
        raise WrongSetting(
            ("resources", resource.name, "write"), f"{resource.name}: merge needs a primary key", fix
        )
    if write not in ("append", "replace", "merge"):
        raise FatalError(
            f"{resource.name}: write disposition {write!r} is none of append, replace, merge", "set `write:`"
        )
    types = {name: TYPES[column["data_type"]] for name, column in columns.items() if column.get("data_type")}
    return Offer(
        resource.name,
        items,
        dlt_resource,
        write,
        tuple(key) if key and write != "append" else (ROW_KEY,),
        cast("dict[str, Type]", {**types, **(resource.options["columns"] or {})}),
        complete=write == "replace",
        gone=next((name for name, column in columns.items() if column.get("hard_delete")), "")
        if write == "merge"
        else "",
    )


def _source(found: Any) -> Any:
    """A resource alone keeps its state under the name of whatever pipeline ran last: under this source, always at one place."""
    from dlt.common.schema import Schema
    from dlt.extract import DltSource

    return found if isinstance(found, DltSource) else DltSource(Schema(STATE), STATE, [found])


def _hints(name: str, dlt_resource: Any) -> Mapping[str, Any]:
    from dlt.extract.exceptions import DataItemRequiredForDynamicTableHints

    try:
        return cast("Mapping[str, Any]", dlt_resource.compute_table_schema())
    except DataItemRequiredForDynamicTableHints as error:
        fix = "one resource is one table here: give it a fixed table_name, key and write disposition"
        raise FatalError(f"{name}: its hints depend on each item", fix) from error


def _refuse(name: str, schema: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
    """What would change which rows stay, and is not done here."""
    strategy = schema.get("x-merge-strategy")
    if strategy in ("scd2", "insert-only"):
        raise FatalError(
            f"{name}: merge strategy {strategy} is not done here", "keep `changes: true` for the history"
        )
    for hint in ("merge_key", "dedup_sort"):
        found = [column for column, hints in columns.items() if hints.get(hint)]
        if found:
            fix = (
                "rows are merged by their primary key, and the one that comes last stays: leave the hint out"
            )
            raise FatalError(f"{name}: the hint {hint} of {found[0]} is not followed here", fix)
