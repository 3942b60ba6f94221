"""What BigQuery would refuse and its emulator lets through: values of two types compared with each other.

The emulator is DuckDB, which compares a TIMESTAMP with a DATETIME, a text or a day, and 1 with '1'. BigQuery has no operator for
that ("No matching signature"), so every query that a test sends is read once more with the types of its columns and parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

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
        found = list(node.expressions) or list(node.args["unnest"].expressions)
        families = {_family(node.this.type), *(_family(_element(item)) for item in found)}
        allowed = len(families) == 1
    elif isinstance(node, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        families = {_family(node.left.type), _family(node.right.type)}
        allowed = len(families) == 1 or families in BROUGHT_TOGETHER
    else:
        return
    if not allowed or "" in families:
        yield f"{sorted(families)}: {node.sql('bigquery')}"


def _element(node: Any) -> Any:
    return node.type.expressions[0] if node.type.is_type("array") else node.type


def _family(kind: Any) -> str:
    return FAMILIES.get(kind.this.name, "") if kind is not None else ""
