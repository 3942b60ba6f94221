"""A suite's own query, made ready to stand inside another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tailrace.validate.where import BATCH

_BEGINS = ("SELECT", "WITH", "FROM", "VALUES", "(")


class NotOneQuery(ValueError):
    """What stands there is not one query that only reads; `fix` says what to write."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def one_query(query: str, dialect: str = "duckdb") -> str:
    """The query up to its last semicolon, without the comments after it; `{batch}` may be followed by a name for it.

    Raises NotOneQuery.
    """
    from sqlglot import TokenType, tokenize
    from sqlglot.errors import TokenError

    try:
        tokens = tokenize(query, read=dialect)
    except TokenError as error:
        raise NotOneQuery("the query has a quote or comment without an end", "Close it") from error
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise NotOneQuery("the query is empty", "Write SELECT * FROM {batch} WHERE ...")
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise NotOneQuery("the query is more than one statement", "Write one SELECT")
    if tokens[0].text.upper() not in _BEGINS:
        raise NotOneQuery(f"the query begins with {tokens[0].text}: a check only reads", "Write one SELECT")
    if not any(_reads_batch(tokens, place) for place in range(len(tokens))):
        raise NotOneQuery(
            "the query does not read {batch}, the rows to judge", "Write SELECT * FROM {batch} WHERE ..."
        )
    return _named(query[: tokens[-1].end + 1], tokens)


def _reads_batch(tokens: list[Any], place: int) -> bool:
    return [token.text for token in tokens[place : place + 3]] == ["{", "batch", "}"]


def _named(query: str, tokens: list[Any]) -> str:
    """Great Expectations gives the rows a name of its own, so that one which the query gives would be the second."""
    from sqlglot import TokenType

    names = (TokenType.ALIAS, TokenType.VAR, TokenType.IDENTIFIER)
    for place in reversed(range(len(tokens) - 3)):
        if _reads_batch(tokens, place) and tokens[place + 3].token_type in names:
            start, end = tokens[place].start, tokens[place + 2].end + 1
            query = f"{query[:start]}(SELECT * FROM {query[start:end]}){query[end:]}"
    return query


def wrong_with(query: str) -> list[tuple[str, str]]:
    """What keeps a query in DuckDB's words from being asked, with its fix; nothing where it can be, as far as its text tells."""
    try:
        text = one_query(query)
    except NotOneQuery as error:
        return [(str(error), error.fix)]
    return [(why, "Write one SELECT") for why in _unread(text.replace("{batch}", BATCH))]


def _unread(query: str) -> Iterator[str]:
    """Where DuckDB's own parser stops, which opens nothing."""
    import duckdb

    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        said = str(error).split("\n", maxsplit=1)[0].removeprefix("Parser Error: ")
        yield f"the query is no SQL: {said}".replace(BATCH, "{batch}")
    else:
        if any(one.type != duckdb.StatementType.SELECT for one in statements):
            yield "the query does more than read"
