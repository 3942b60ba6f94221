"""A suite's own query, made ready to stand inside another one."""

from __future__ import annotations

_BEGINS = ("SELECT", "WITH", "FROM", "VALUES", "(")


class NotOneQuery(ValueError):
    """What stands there is not one query that only reads; `fix` says what to write."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def one_query(query: str, dialect: str = "duckdb") -> str:
    """The query up to its last semicolon, without the comments after it. Raises NotOneQuery."""
    from sqlglot import tokenize
    from sqlglot.errors import TokenError
    from sqlglot.tokens import TokenType

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
    return query[: tokens[-1].end + 1]


def wrong_with(query: str) -> list[tuple[str, str]]:
    """What keeps a query from being asked, with its fix; nothing where it can be."""
    try:
        one_query(query)
    except NotOneQuery as error:
        return [(str(error), error.fix)]
    return []
