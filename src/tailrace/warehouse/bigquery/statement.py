"""What a statement does and to which tables, read once from its text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.errors import WarehouseError
from tailrace.warehouse.base import TableRef

Kind = Literal["select", "insert", "change", "make", "view", "drop", "alter", "other"]
WITHOUT = ("", "temp")
"""Schemas of what lives in this session alone: temporary tables, registered Arrow tables, CTEs."""


@dataclass(frozen=True)
class Statement:
    """`target` is the table written, if any; `reads` all others by name, those without a schema in `session`.

    `body` is the SELECT of what inserts or makes a table from one, in DuckDB's words; `names` the columns it fills;
    `by_name`: those that the rows are named by. `words` are all identifiers in lower case; None where rows are taken as a whole.
    """

    kind: Kind
    sql: str
    target: TableRef | None = None
    reads: frozenset[TableRef] = frozenset()
    session: frozenset[str] = frozenset()
    temporary: bool = False
    replaces: bool = False
    body: str = ""
    names: tuple[str, ...] = ()
    by_name: bool = False
    words: frozenset[str] | None = None


@lru_cache(maxsize=512)
def read_statement(sql: str) -> Statement:
    """One statement in DuckDB's dialect. What sqlglot cannot read is DuckDB's own business: kind "other"."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="duckdb") if tree is not None]
    except SqlglotError:
        return Statement("other", sql)
    if len(trees) != 1:
        raise WarehouseError(f"one statement at a time, not {len(trees)}: {sql[:160]}")
    return _read(sql, trees[0])


def _read(sql: str, tree: exp.Expr) -> Statement:
    target = _target(tree)
    by_name = bool(isinstance(tree, exp.Insert) and tree.args.get("by_name"))
    if by_name and _names_columns(tree):
        sql, by_name = tree.sql("duckdb"), False
    reads, session = _tables(tree, target)
    kind = _kind(tree)
    body = _body(tree)
    written = TableRef(target.db, target.name) if target is not None else None
    temporary = bool(tree.find(exp.TemporaryProperty)) or (target is not None and target.db in WITHOUT)
    names = tuple(one.name for one in tree.this.expressions) if isinstance(tree.this, exp.Schema) else ()
    replaces = bool(tree.args.get("replace"))
    words = _words(tree)
    return Statement(kind, sql, written, reads, session, temporary, replaces, body, names, by_name, words)


def singly(found: Statement) -> list[str]:
    """DuckDB alters one thing a statement, BigQuery all at once."""
    if found.kind != "alter":
        return [found.sql]
    tree = sqlglot.parse_one(found.sql, read="duckdb")
    actions = [action.copy() for action in tree.args["actions"]]
    alone = []
    for action in actions:
        tree.set("actions", [action])
        alone.append(tree.sql("duckdb"))
    return alone


def _words(tree: exp.Expr) -> frozenset[str] | None:
    """A star, or a table's name in a column's place, takes whole rows."""
    stars = [one for one in tree.find_all(exp.Star) if not isinstance(one.parent, exp.Count)]
    tables = {one.alias_or_name.casefold() for one in tree.find_all(exp.Table, exp.Subquery, exp.CTE)}
    columns = {one.name.casefold() for one in tree.find_all(exp.Column)}
    if stars or tables & columns or tree.find(exp.Columns):
        return None
    return frozenset(one.name.casefold() for one in tree.find_all(exp.Identifier))


def _names_columns(tree: exp.Expr) -> bool:
    """INSERT BY NAME, which BigQuery lacks, as one that lists its columns; False where only the rows tell their names."""
    inner = tree.args.get("expression")
    names = inner.named_selects if isinstance(inner, exp.Query) else []
    if not names or not all(names) or "*" in names:
        return False
    columns = [exp.to_identifier(name, quoted=True) for name in names]
    tree.set("this", exp.Schema(this=tree.this, expressions=columns))
    tree.set("by_name", None)
    return True


def _kind(tree: exp.Expr) -> Kind:
    if isinstance(tree, exp.Create):
        if tree.kind == "SCHEMA":
            return "other"
        return "view" if tree.kind == "VIEW" else "make"
    kinds: tuple[tuple[type[exp.Expr], Kind], ...] = (
        (exp.Insert, "insert"), (exp.Delete, "change"), (exp.Update, "change"), (exp.Merge, "change"), (exp.TruncateTable, "change"),
        (exp.Drop, "drop"), (exp.Alter, "alter"), (exp.Query, "select"),
    )  # fmt: skip
    return next((kind for found, kind in kinds if isinstance(tree, found)), "other")


def _target(tree: exp.Expr) -> exp.Table | None:
    """The table that a statement writes."""
    if isinstance(tree, exp.Query | exp.Command):
        return None
    found = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if isinstance(tree, exp.TruncateTable) and tree.expressions:
        found = tree.expressions[0]
    if isinstance(tree, exp.Drop):  # which keeps its tables under another name since sqlglot 30
        found = next(tree.find_all(exp.Table), None)
    return found if isinstance(found, exp.Table) else None


def _tables(tree: exp.Expr, target: exp.Table | None) -> tuple[frozenset[TableRef], frozenset[str]]:
    named = {cte.alias_or_name.casefold() for cte in tree.find_all(exp.CTE)}
    reads, session = set(), set()
    for table in tree.find_all(exp.Table):
        if table is target or not isinstance(table.this, exp.Identifier):
            continue
        if table.db in WITHOUT:
            if table.name.casefold() not in named:
                session.add(table.name)
        else:
            reads.add(TableRef(table.db, table.name))
    return frozenset(reads), frozenset(session)


def _body(tree: exp.Expr) -> str:
    """The text of the SELECT or VALUES behind INSERT INTO or CREATE TABLE AS, in DuckDB's words."""
    inner = tree.args.get("expression")
    if isinstance(tree, exp.Insert) and isinstance(inner, exp.Values):
        return f"SELECT * FROM ({inner.sql('duckdb')})"
    if not isinstance(tree, exp.Create | exp.Insert) or not isinstance(inner, exp.Query):
        return ""
    if isinstance(tree, exp.Insert) and tree.args.get("with_"):
        inner = inner.copy()
        inner.set("with_", tree.args["with_"].copy())
    return inner.sql("duckdb")
