"""The warehouse's own statements, which are written in DuckDB's words, for BigQuery."""

from __future__ import annotations

from sqlglot import TokenType
from sqlglot.errors import SqlglotError

from tailrace.transpile.kinds import Kinds
from tailrace.transpile.places import Places
from tailrace.transpile.problem import Problem, Refused
from tailrace.transpile.rewrite import Writer, printed
from tailrace.transpile.schema import Schema, kinds_of_tables
from tailrace.transpile.to_bigquery import dml
from tailrace.transpile.to_bigquery.write import RULES
from tailrace.transpile.written import parse


def to_bigquery(statement: str, schema: Schema) -> str:
    """One SELECT, INSERT, DELETE, UPDATE, MERGE, CREATE, ALTER .. ADD COLUMN or DROP in BigQuery's words; Refused where it has none.

    `schema` has the columns of the tables that the statement names, as `"schema.table"` or a temporary table's bare name, with
    DuckDB's or BigQuery's types; a table that it lacks is read as one whose types nobody knows. `?` stay in their order.
    """
    try:
        tree, tokens = parse(statement, "duckdb")
    except (SqlglotError, ValueError) as error:
        said = str(error).split("\n", maxsplit=1)[0]
        raise Refused(
            statement, [Problem(0, f"the statement cannot be read: {said}", "Write it in other words")]
        ) from None
    tables = kinds_of_tables(schema)
    writer = Writer(
        tree, Places(tokens), {**RULES, **dml.RULES}, "BigQuery", Kinds(tree, tables), read=dml.READ
    )
    written = writer.write(tree)
    text, unwritten = ("", []) if writer.problems else printed(written, "bigquery")
    if writer.problems or unwritten:
        raise Refused(statement, [*sorted(writer.problems, key=lambda problem: problem.offset), *unwritten])
    return _with_marks(
        statement, text, [token.start for token in tokens if token.token_type == TokenType.PLACEHOLDER]
    )


def _with_marks(statement: str, text: str, offsets: list[int]) -> str:
    """The parameters as `?` again; Refused where one would be asked for twice, or before another."""
    found = [int(number) for number in dml.MARK.findall(text)]
    for at, offset in enumerate(offsets):
        if found[at : at + 1] != [offset] or len(found) > len(offsets):
            message = "this parameter would change its place in BigQuery"
            raise Refused(statement, [Problem(offset, message, "Bring it in through a CTE")])
    return dml.MARK.sub("?", text)
