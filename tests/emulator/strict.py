"""What BigQuery would refuse and its emulator lets through: values of two types compared with each other.

The emulator is DuckDB, which compares a TIMESTAMP with a DATETIME, a text or a day, and 1 with '1'. BigQuery has no operator for
that ("No matching signature"), so every query that a test sends is read once more with the types of its columns and parameters.
It has not DuckDB's functions either, which the emulator runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from tailrace.transpile.written import parse

# sqlglot's names: BigQuery's TIMESTAMP is a TIMESTAMPTZ, its DATETIME a TIMESTAMP or DATETIME
FAMILIES = {
    **dict.fromkeys(("INT", "BIGINT", "DECIMAL", "BIGDECIMAL", "DOUBLE", "FLOAT"), "number"),
    **dict.fromkeys(("VARCHAR", "TEXT"), "text"),
    **dict.fromkeys(("TIMESTAMP", "DATETIME"), "DATETIME"),
    "TIMESTAMPTZ": "TIMESTAMP",
    "DATE": "DATE",
    "TIME": "TIME",
    "BOOLEAN": "BOOL",
}
BROUGHT_TOGETHER = ({"DATE", "DATETIME"},)
"""Families that BigQuery brings to one by itself: docs, "Conversion rules"."""
Schema = Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]

FUNCTIONS = frozenset(
    name
    for line in Path(__file__).with_name("google_functions.txt").read_text().splitlines()
    if not line.startswith("#")
    for name in line.split()
)


def unknown_functions(sql: str) -> list[str]:
    """Functions in a statement that BigQuery does not have; `SAFE.F` counts as F."""
    tree, _ = parse(sql, "bigquery")
    called = {str(node.this).upper() for node in tree.find_all(exp.Anonymous)}
    return sorted(called - FUNCTIONS)


def refused(sql: str, parameters: Mapping[str, str], schema: Schema) -> list[str]:
    """Comparisons in a query that BigQuery has no operator for, and those whose types could not be told.

    `parameters` maps names to types; `schema` project -> dataset -> table -> column -> type, all in BigQuery's names.
    """
    tree = sqlglot.parse_one(sql, read="bigquery").transform(_with_types, parameters)
    known = annotate_types(
        qualify(tree, schema=schema, dialect="bigquery", quote_identifiers=False), schema, dialect="bigquery"
    )
    return [found for node in known.find_all(exp.Predicate, exp.RegexpLike) for found in _wrong(node)]


def _with_types(node: Any, parameters: Mapping[str, str]) -> Any:
    if isinstance(node, exp.Parameter):
        return sqlglot.parse_one(f"CAST(NULL AS {parameters[node.name]})", read="bigquery")
    return node


def _wrong(node: Any) -> Iterator[str]:
    if isinstance(node, exp.RegexpLike | exp.Like):
        families = {_family(node.this.type), _family(node.expression.type)}
        allowed = families == {"text"}
    elif isinstance(node, exp.In):
        if isinstance(node.parent, exp.Pivot):  # columns to make rows of: nothing is compared
            return
        families = {_family(node.this.type), *(_family(_element(item)) for item in _members(node))} - _read(
            node.this, *_members(node)
        )
        allowed = len(families) == 1
    elif isinstance(node, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        families = {_family(node.left.type), _family(node.right.type)} - _read(node.left, node.right)
        allowed = len(families) == 1 or families in BROUGHT_TOGETHER
    else:
        return
    if not allowed or "" in families:
        yield f"{sorted(families)}: {node.sql('bigquery')}"


def _members(node: Any) -> list[Any]:
    """What a value is looked for among: values, a list, or the one column of a query."""
    if node.args.get("query") is not None:
        return [node.args["query"].unnest().selects[0]]
    return list(node.expressions) or list(node.args["unnest"].expressions)


def _read(*nodes: Any) -> set[str]:
    """BigQuery reads a text that is written out as the day or moment that it is compared with: docs, "Literal coercion"."""
    others = {_family(node.type) for node in nodes if not _is_text(node)}
    read = (
        any(_is_text(node) for node in nodes)
        and others
        and others <= {"DATE", "DATETIME", "TIMESTAMP", "TIME"}
    )
    return {"text"} if read else set()


def _is_text(node: Any) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _element(node: Any) -> Any:
    return node.type.expressions[0] if node.type.is_type("array") else node.type


def _family(kind: Any) -> str:
    return FAMILIES.get(kind.this.name, "") if kind is not None else ""
