"""What a microbatch model reads batch by batch, and which of that it reads whole as well, in whatever words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tailrace.build.batches import filtered
from tailrace.build.calls import Said, mark_of, quoted
from tailrace.build.facts import Table
from tailrace.build.graph import BatchInput, ModelNode
from tailrace.build.names import Names
from tailrace.warehouse.base import TableRef

Text = tuple[str, tuple[Table, ...]]
"""Rendered SQL, and every mention of a table in it."""


def batch_inputs(said: Said, texts: list[Text], names: Names, dialect: str) -> tuple[BatchInput, ...]:
    """The inputs that a template named, each with whether the texts name its table outside of the batch's filter.

    A template that asks the warehouse may have asked for all rows.
    """
    found = list(_named(said, names))
    tables = {
        one.table
        for one in found
        if said.late or any(_reads_whole(text, one.table, found, names, dialect) for text in texts)
    }
    return tuple(replace(one, whole=one.table in tables) for one in found)


def _named(said: Said, names: Names) -> Iterator[BatchInput]:
    for name in said.batch_inputs:
        source, dot, table = name.partition(".")
        if declared := names.declared_source(source, table) if dot else None:
            ref = TableRef(declared.schema, declared.identifier)
            model = names.qualified(ref.schema, ref.name)
            event_time = str(declared.config.get("event_time") or "")
            place = declared.config_places.get("event_time")
            yield BatchInput(ref, event_time, model.name if model else "", place)
        elif named := names.model(name):
            yield BatchInput(named.table, named.event_time, named.name)


def _reads_whole(text: Text, table: TableRef, found: list[BatchInput], names: Names, dialect: str) -> bool:
    """Whether there are more mentions of the table than filters around it."""
    sql, mentions = text
    mark = mark_of(dialect)
    relation = f"{quoted(table.schema, mark)}.{quoted(table.name, mark)}"
    filters = {filtered(relation, quoted(one.event_time, mark)) for one in found if one.table == table}
    inside = sum(_outside_comments(sql, one) for one in filters)
    return sum(_is_of(mention, table, names) for mention in mentions) > inside


def _is_of(mention: Table, table: TableRef, names: Names) -> bool:
    catalog, schema, name, _ = mention
    model = None if catalog else names.qualified(schema, name) if schema else names.model(name)
    ref = model.table if model else TableRef(schema, name)
    return not catalog and str(ref).casefold() == str(table).casefold()


def _outside_comments(sql: str, text: str) -> int:
    """How often it stands where no comment can be; one too few only restates more than is needed."""
    count, at = 0, sql.find(text)
    while at >= 0:
        line = sql[sql.rfind("\n", 0, at) + 1 : at]
        count += "--" not in line and "#" not in line and sql.rfind("/*", 0, at) <= sql.rfind("*/", 0, at)
        at = sql.find(text, at + 1)
    return count


def by_way_of_ephemerals(node: ModelNode, nodes: Mapping[str, ModelNode]) -> ModelNode:
    """A model whose inputs are whole where an ephemeral model that it carries reads them too: nobody filters that."""
    if not node.batch_inputs:
        return node
    read = _read_by_ephemerals(node, nodes)
    inputs = (
        replace(one, whole=one.whole or (one.model or str(one.table)) in read) for one in node.batch_inputs
    )
    return replace(node, batch_inputs=tuple(inputs))


def _read_by_ephemerals(node: ModelNode, nodes: Mapping[str, ModelNode]) -> set[str]:
    found: set[str] = set()
    for up in node.depends_on:
        inner = nodes.get(up)
        if inner is not None and inner.materialized == "ephemeral":
            found.update(inner.depends_on, map(str, inner.reads), inner.externals)
            found |= _read_by_ephemerals(inner, nodes)
    return found
