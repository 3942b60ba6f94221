"""One SELECT read by sqlglot: what it reads, what it means, what the target is to run. Everything here costs its import."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError, TokenError

from tailrace.build import clock
from tailrace.build.columns import columns_of
from tailrace.build.facts import Facts, Table
from tailrace.build.marks import marked_ctes, table_mark
from tailrace.transpile.problem import Problem
from tailrace.transpile.schema import Schema

_HARMLESS = (
    exp.Unnest, exp.GenerateSeries, exp.Lateral, exp.Values, exp.ExplodingGenerateSeries, exp.GenerateDateArray,
)  # fmt: skip
_WRITES = (exp.DML, exp.DDL, exp.Command, exp.Drop, exp.Alter, exp.Into)
_MISSING = re.compile(r"Missing (\S+) from \d+:(\d+)")  # the second number is an offset
_LINE = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)


class Wrong(Exception):
    """The SQL cannot be a model; `problems` say why and where."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems[0].message)
        self.problems = problems


def read_sql(sql: str, dialect: str, target: str, schema: Schema | None = None) -> Facts:
    """The facts of a rendered model; Wrong where it is not one SELECT that always means the same.

    `schema`: columns and types of what it reads, where they are known: another dialect's SQL is then exact, or Wrong.
    """
    tokens = _tokens(sql, dialect)
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        sql = sql[: tokens.pop().start]
    tree = _parse(sql, tokens, dialect)
    if problems := [*_refused(tree, sql)]:
        raise Wrong(*problems)
    if dialect == target == "duckdb":
        _ask_duckdb(sql)
    read = list(_tables(tree))
    named = [table for table in read if not _function(table)]
    words = clock.clock_words(tokens, _is_word)
    found = Facts(
        canonical=_canonical(tree, dialect),
        tables=tuple(_entry(table) for table in named),
        columns=columns_of(tree),
        volatile=bool(words),
        unsure=tuple(dict.fromkeys(name for table in read if (name := _function(table)))),
    )
    return replace(found, sql=marked_ctes(_runnable(sql, tree, words, named, (dialect, target), schema)))


def _canonical(tree: exp.Query, dialect: str) -> str:
    with _unheard():  # it logs words that it leaves out since the engine does the same without them
        return hashlib.sha256(tree.sql(dialect=dialect, comments=False).encode()).hexdigest()


def read_text(sql: str, dialect: str, target: str) -> Facts:
    """As read_sql, but for any statements: a hook's, a test's. What is no SELECT is only carried over to the target."""
    tokens = _tokens(sql, dialect)
    starts = _statements(tokens)
    if len(starts) == 1 and starts[0].text.upper() in ("SELECT", "WITH", "(", "FROM"):
        return read_sql(sql, dialect, target)
    if dialect == target:
        words = clock.clock_words(tokens, _is_word)
        return Facts(sql=_edited(sql, [(start, end, clock.literal(kind)) for start, end, kind in words]))
    try:
        with _unheard():
            found = sqlglot.transpile(sql, read=dialect, write=target, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise Wrong(Problem(0, f"{target} cannot say this: {_first(error)}")) from None
    return Facts(sql=";\n".join(found))


def _is_word(token: Token) -> bool:
    return token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING)


def _ask_duckdb(sql: str) -> None:
    """What sqlglot lets pass is still no SQL for DuckDB, which parses without opening anything."""
    import duckdb

    try:
        duckdb.extract_statements(sql)
    except duckdb.Error as error:
        text = str(error)
        said = text.split("\n", maxsplit=1)[0].removeprefix("Parser Error: ")
        raise Wrong(Problem(error_offset(sql, text), f"the SQL does not parse: {said}")) from None


def error_offset(sql: str, text: str) -> int:
    """Where in the SQL DuckDB's `LINE 3: ...` and its caret point; the SQL's end where it names no line."""
    found = _LINE.search(text)
    if found is None:
        return len(sql.rstrip()) if "end of input" in text else 0
    row, caret = int(found[1]), len(found[3]) - len(f"LINE {found[1]}: ")
    shown = found[2]
    if shown.startswith("..."):
        line = sql.split("\n")[row - 1] if row <= sql.count("\n") + 1 else ""
        cut = shown[3:].removesuffix("...")
        caret = line.find(cut) + caret - 3 if cut in line else 0
    return _offset(sql, row, max(1, caret + 1))


def _tokens(sql: str, dialect: str) -> list[Token]:
    try:
        return sqlglot.tokenize(sql, read=dialect)
    except TokenError as error:
        missing = _MISSING.search(str(error.__context__))
        offset, said = (
            (int(missing[2]), f"{missing[1]} is never closed") if missing else (0, "it ends too early")
        )
        raise Wrong(
            Problem(offset, f"the SQL does not parse: {said}", "Close the quote or comment")
        ) from None


def _parse(sql: str, tokens: list[Token], dialect: str) -> exp.Query:
    starts = _statements(tokens)
    if not starts:
        raise Wrong(Problem(0, "the model is empty", "Write one SELECT"))
    if len(starts) > 1:
        raise Wrong(
            Problem(starts[1].start, "a model is one SELECT, and this is a second statement", "Remove it")
        )
    try:
        with _unheard():
            tree = sqlglot.parse_one(sql, read=dialect, error_level=ErrorLevel.RAISE)
    except ParseError as error:
        raise Wrong(*_parse_problems(sql, error)) from None
    except RecursionError:
        raise Wrong(Problem(0, "the SQL is nested too deeply to be read", "Split the model")) from None
    except SqlglotError as error:
        raise Wrong(Problem(0, f"the SQL does not parse: {_first(error)}")) from None
    if not isinstance(tree, exp.Query):
        word = starts[0].text.upper()
        fix = "Write the SELECT alone: tailrace creates the table or view itself"
        raise Wrong(Problem(starts[0].start, f"a model is one SELECT, not {word}", fix))
    return tree


@contextmanager
def _unheard() -> Iterator[None]:
    """The parser logs what it takes for a command of the engine's; the person gets a diagnostic instead."""
    logger = logging.getLogger("sqlglot")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _statements(tokens: Sequence[Token]) -> list[Token]:
    """The first token of each statement."""
    ends = (TokenType.SEMICOLON,)
    return [
        token
        for index, token in enumerate(tokens)
        if token.token_type not in ends and (index == 0 or tokens[index - 1].token_type in ends)
    ]


def _parse_problems(sql: str, error: ParseError) -> list[Problem]:
    problems: list[Problem] = []
    # a piece that is missing inside the parser's own tree only follows from the error before it
    told = [found for found in error.errors if "<class" not in str(found.get("description"))]
    for found in told or [{}]:
        said = str(found.get("description") or _first(error)).rstrip(".")
        said = re.sub(r"<Token token_type: (?:TokenType\.)?\w+, text: (.*?), line.*?>", r"\1", said)
        offset = _offset(sql, int(found.get("line") or 1), int(found.get("col") or 1))
        offset = max(0, offset - max(0, len(str(found.get("highlight") or "")) - 1))
        fix = "Mend it; the place is where reading stopped"
        if all(problem.offset != offset for problem in problems):
            problems.append(Problem(offset, f"the SQL does not parse: {said}", fix))
    return problems


def _first(error: Exception) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    return text.splitlines()[0].split(". Line ")[0].rstrip(". ") if text else type(error).__name__


def _offset(sql: str, line: int, col: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = sql.find("\n", start) + 1
    return min(len(sql), start + max(0, col - 1))


def _refused(tree: exp.Query, sql: str) -> Iterator[Problem]:
    """What writes, and what gives other rows each time it is asked."""
    for node in tree.walk():
        if isinstance(node, _WRITES):
            yield Problem(
                _start(node), f"a model only reads: no {node.key.upper()} in it", "Write one SELECT"
            )
        elif isinstance(node, exp.TableSample) and node.args.get("seed") is None:
            fix = "Give it a seed: REPEATABLE (1)"
            yield Problem(_start(node), "a sample without a seed gives other rows each time", fix)
        elif isinstance(node, exp.Func):
            yield from _refused_call(node, sql)


def _refused_call(node: exp.Func, sql: str) -> Iterator[Problem]:
    name, start = _call_name(node), _start(node)
    written = re.match(r"\w*", sql[start:])
    shown = written[0] if written and written[0] else name
    if name in clock.RANDOM or isinstance(node, exp.Rand | exp.Uuid):
        message = f"{shown}() gives other rows each time, so nothing could tell what changed"
        yield Problem(start, message, "Hash a key instead: md5(id) looks as random and stays the same")
    elif name in clock.OWN_CLOCK and (name != "age" or len(node.expressions) == 1):
        said = "age() of one argument" if name == "age" else f"{shown}()"
        yield Problem(start, f"{said} reads the engine's own clock", clock.OWN_CLOCK[name])
    elif type(node) in _CLOCKS and node.args.get("this"):
        fix = "Convert the run's own instant: now() AT TIME ZONE '...'"
        yield Problem(start, f"{shown}() takes no argument here", fix)


def _call_name(node: exp.Expr) -> str:
    return str(node.this).lower() if isinstance(node, exp.Anonymous) else node.key.lower()


def _start(node: exp.Expr) -> int:
    """The offset of the first token that the parser noted inside a node."""
    places = [int(part.meta["start"]) for part in node.walk() if "start" in part.meta]
    return min(places, default=0)


def _tables(tree: exp.Query) -> Iterator[exp.Table]:
    """Every table that is read; a CTE's name counts only where it can be seen."""
    for table in tree.find_all(exp.Table):
        if _function(table) is not None and isinstance(table.this, _HARMLESS):
            continue
        if table.db or not _is_cte(table):
            yield table


def _function(table: exp.Table) -> str | None:
    """`read_csv` of a table function; None for a table."""
    if isinstance(table.this, exp.Identifier):
        return None
    names = table.this.sql_names() if isinstance(table.this, exp.Func) else []
    return names[0].lower() if names and not isinstance(table.this, exp.Anonymous) else _call_name(table.this)


def _is_cte(table: exp.Table) -> bool:
    """A CTE is seen by the query under its WITH and by the CTEs after it; by itself only where it is recursive."""
    name = table.name.lower()
    came: exp.Expr = table
    node = table.parent
    while node is not None:
        with_ = node.args.get("with_")
        if isinstance(node, exp.With):
            inside = next((i for i, cte in enumerate(node.expressions) if cte is came), 0)
            seen = node.expressions if node.recursive else node.expressions[:inside]
        elif with_ is not None and came is not with_:
            seen = with_.expressions
        else:
            seen = []
        if any(cte.alias.lower() == name for cte in seen):
            return True
        came, node = node, node.parent
    return False


def _entry(table: exp.Table) -> Table:
    return table.catalog, table.db, table.name, _start(table)


def _runnable(
    sql: str,
    tree: exp.Query,
    words: list[tuple[int, int, str]],
    named: list[exp.Table],
    dialects: tuple[str, str],
    schema: Schema | None,
) -> str:
    """The person's own text with marks put in, so that nothing is lost by writing it anew; the target's words otherwise."""
    bare, (dialect, target) = [table for table in named if not table.db], dialects
    if dialect == target and len(words) == sum(1 for node in tree.walk() if _clock_kind(node)):
        edits = [(start, end, clock.literal(kind)) for start, end, kind in words]
        for table in bare:
            place = table.this.meta
            edits.append((int(place["start"]), int(place["end"]) + 1, table_mark(table.name)))
        return _edited(sql, edits)
    if dialect != target:
        from tailrace.transpile.transpile import transpiled

        text, problems = transpiled(
            sql,
            dialect,
            {int(table.this.meta["start"]): table_mark(table.name) for table in bare},
            _clock_mark,
            schema=schema,
        )
        if problems:
            raise Wrong(*problems)
        return text
    for table in bare:
        table.set("this", exp.to_identifier(table_mark(table.name), quoted=True))
    for node in list(tree.walk()):
        if kind := _clock_kind(node):
            node.replace(
                exp.cast(exp.Literal.string(clock.mark(kind)), clock.type_of(kind), dialect="duckdb")
            )
    try:
        return tree.sql(dialect=target, pretty=True, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        fix = f"Write it in words that both {dialect} and {target} know"
        raise Wrong(Problem(0, f"{target} cannot say this: {_first(error)}", fix)) from None


def _clock_mark(node: exp.Expr) -> tuple[str, str] | None:
    """The text that stands for a clock word until a run sets it, and its type."""
    kind = _clock_kind(node)
    return (clock.mark(kind), clock.type_of(kind)) if kind else None


def _clock_kind(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Anonymous):
        return clock.WORDS.get(str(node.this).lower()) if not node.expressions else None
    return _CLOCKS.get(type(node)) if not node.args.get("this") else None


_CLOCKS: dict[type[exp.Expr], str] = {
    exp.CurrentDate: clock.DATE,
    exp.CurrentTimestamp: clock.ZONED,
    exp.CurrentTime: clock.ZONED_TIME,
    exp.CurrentDatetime: clock.STAMP,
    exp.Localtime: clock.TIME,
    exp.Localtimestamp: clock.STAMP,
}


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
