"""One SELECT from its own dialect into the other engine's, with marks for the clock and for bare table names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.transpile.kinds import NAMED
from tailrace.transpile.problem import Problem, Refused
from tailrace.transpile.schema import Schema
from tailrace.transpile.to_bigquery.write import to_bigquery
from tailrace.transpile.to_duckdb.write import to_duckdb
from tailrace.transpile.written import parse


def translate(sql: str, read: str, write: str, *, schema: Schema | None = None) -> str:
    """One SELECT of `read` in the words of `write` ("duckdb" or "bigquery", not the same); Refused with every place that has none.

    `schema`: table, as the SQL names it ("contacts", "crm.contacts") -> column -> type in either engine's words. With it, what
    depends on a type comes out exact, and towards BigQuery is refused where the type is still unknown; without it, a column of
    unknown type is taken for the usual one (docs/bigquery-sql.md).
    """
    assert {read, write} == {"duckdb", "bigquery"}
    try:
        text, problems = transpiled(sql, read, {}, lambda _node: None, schema=schema)
    except (SqlglotError, ValueError) as error:
        said = str(error).split("\n", maxsplit=1)[0]
        raise Refused(sql, [Problem(0, f"the SQL cannot be read: {said}", "Correct it")]) from None
    if problems:
        raise Refused(sql, problems)
    return text


def transpiled(
    sql: str,
    dialect: str,
    tables: Mapping[int, str],
    replaced: Callable[[exp.Expr], tuple[str, str] | None],
    *,
    schema: Schema | None = None,
) -> tuple[str, list[Problem]]:
    """The target's text, or every place that cannot be carried over. `tables`: marks by the offset of a bare name.

    `replaced` tells of a node what stands in its place, if anything: a text and the DuckDB type that it is cast to. `schema`: see
    `translate`; it has the names that the SQL was written with, whatever marks stand for them.
    """
    tree, tokens = parse(sql, dialect)
    for table in tree.find_all(exp.Table):
        name = tables.get(int(table.this.meta.get("start", -1)))
        if name is not None and isinstance(table.this, exp.Identifier):
            table.meta[NAMED] = table.name
            table.this.set("this", name)
            table.this.set("quoted", True)
    for node in list(tree.walk()):
        if found := replaced(node):
            text, kind = exp.Literal.string(found[0]), exp.DataType.build(found[1], dialect="duckdb")
            node.replace(exp.Cast(this=text, to=kind))
    return to_bigquery(tree, tokens, schema) if dialect == "duckdb" else to_duckdb(tree, tokens, schema)
