"""A model's SQL through sqlglot: one SELECT, the tables it reads, its canonical form, its clock taken out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError, UnsupportedError

from tailrace.build.facts import CLOCK, RANDOM, RUN_DATE, RUN_INSTANT, Facts, Problem

PLACE = re.compile(r"Line (\d+), Col: (\d+)", re.IGNORECASE)
CLOCK_NODES = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentDatetime)


def read_sql(sql: str, names: Mapping[str, str], dialect: str, target: str) -> Facts:
    """Everything that is known of one model's SQL; its problems, where it is not one SELECT."""
    try:
        parsed = [statement for statement in sqlglot.parse(sql, read=dialect) if statement is not None]
    except (ParseError, TokenError) as error:
        return Facts(problems=(_parse_problem(error),))
    if len(parsed) != 1 or not isinstance(parsed[0], exp.Query):
        return Facts(problems=(_not_a_select(parsed),))
    tree = parsed[0]
    problems = tuple(_refused(tree))
    tables = tuple(_tables(tree))
    canonical = hashlib.sha256(
        tree.sql(dialect=dialect, comments=False, normalize_functions="lower").encode()
    ).hexdigest()
    columns = _columns(tree)
    rewritten = _qualify(tree, names) | _set_clock(tree)
    try:
        text = _generate(tree, sql, dialect, target, rewritten=rewritten)
    except (UnsupportedError, SqlglotError) as error:
        problems = (
            *problems,
            Problem(1, 1, f"{target} cannot say this: {_first(error)}", "Write it in words that both know"),
        )
        text = ""
    return Facts(text, canonical, tables, columns, RUN_DATE in text or RUN_INSTANT in text, problems)


def _generate(tree: exp.Query, sql: str, dialect: str, target: str, *, rewritten: bool) -> str:
    """The person's own text where nothing had to change."""
    if not rewritten and dialect == target:
        return sql.strip().rstrip(";").rstrip()
    level = sqlglot.ErrorLevel.RAISE if dialect != target else sqlglot.ErrorLevel.WARN
    return tree.sql(dialect=target, pretty=True, unsupported_level=level)


def _parse_problem(error: Exception) -> Problem:
    found = PLACE.search(str(error))
    line, col = (int(found[1]), int(found[2])) if found else (1, 1)
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        line, col = first.get("line") or line, first.get("col") or col
        return Problem(line, col, f"the SQL does not parse: {first.get('description', '').rstrip('.')}")
    return Problem(line, col, f"the SQL does not parse: {_first(error)}")


def _first(error: Exception) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    return text.splitlines()[0].split(" Line ")[0].rstrip(". ") if text else type(error).__name__


def _not_a_select(parsed: list[exp.Expr]) -> Problem:
    if not parsed:
        return Problem(1, 1, "the model is empty", "Write one SELECT")
    if len(parsed) > 1:
        line, col = _place(parsed[1])
        return Problem(line, col, "the model holds several statements", "Write one SELECT a file")
    line, col = _place(parsed[0])
    return Problem(
        line, col, f"a model is one SELECT, not {parsed[0].key.upper()}", "tailrace writes the CREATE itself"
    )


def _place(node: exp.Expr) -> tuple[int, int]:
    """The first place that the parser noted inside a node."""
    for part in node.walk():
        if "line" in part.meta:
            return int(part.meta["line"]), max(1, int(part.meta.get("col", 1)) - len(str(part.this)) + 1)
    return 1, 1


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    return node.key.lower()


def _refused(tree: exp.Expr) -> Iterator[Problem]:
    for node in tree.find_all(exp.Func):
        if _name(node) in RANDOM:
            line, col = _place(node)
            fix = "Hash a key instead: md5(id) is random enough and stays the same"
            yield Problem(
                line,
                col,
                f"{_name(node)}() gives other rows each time, so nothing could tell what changed",
                fix,
            )


def _tables(tree: exp.Expr) -> Iterator[tuple[str, str, str]]:
    """Every table that is read, in order, once; a CTE's name counts only inside the query that defines it."""
    seen: set[tuple[str, str, str]] = set()
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue  # a table function
        key = (table.catalog, table.db, table.name)
        if key not in seen and not (not table.db and _is_cte(table)):
            seen.add(key)
            yield key


def _is_cte(table: exp.Table) -> bool:
    node: exp.Expr | None = table
    while node is not None:
        with_ = node.args.get("with_") or node.args.get("with")
        if with_ is not None and any(cte.alias.lower() == table.name.lower() for cte in with_.expressions):
            return True
        node = node.parent
    return False


def _columns(tree: exp.Query) -> tuple[str, ...] | None:
    """Names of the result's columns; None where a star hides them or an expression has no name."""
    names = tree.named_selects
    return None if tree.is_star or "*" in names or not all(names) else tuple(names)


def _qualify(tree: exp.Expr, names: Mapping[str, str]) -> bool:
    """Bare names of models become their tables: dbt people write ref(), SQL people write the name."""
    changed = False
    lower = {name.lower(): quoted for name, quoted in names.items()}
    for table in list(tree.find_all(exp.Table)):
        bare = isinstance(table.this, exp.Identifier) and not table.db and not _is_cte(table)
        if bare and table.name.lower() in lower:
            alias = table.alias or table.name
            full = exp.to_table(lower[table.name.lower()], dialect="duckdb")
            table.set("db", full.args["db"])
            table.set("this", full.this)
            if not table.args.get("alias"):
                table.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
            changed = True
    return changed


def _set_clock(tree: exp.Expr) -> bool:
    """Words for now become tokens, so that all models of a run read one clock and a test can set it."""
    changed = False
    for node in list(tree.find_all(exp.Func, exp.Column)):
        word = CLOCK.get(_clock_name(node))
        if word is None:
            continue
        token, kind = (RUN_DATE, "DATE") if word == "date" else (RUN_INSTANT, "TIMESTAMP")
        node.replace(exp.cast(exp.Literal.string(token), kind))
        changed = True
    return changed


def _clock_name(node: exp.Expr) -> str:
    """`now` of now(); a bare column called current_date is the clock as well, a qualified one is not."""
    if isinstance(node, exp.Column):
        name = node.name.lower()
        bare = not node.table and isinstance(node.this, exp.Identifier) and not node.this.quoted
        return name if bare and name in ("current_date", "current_timestamp", "localtimestamp") else ""
    return _name(node)
