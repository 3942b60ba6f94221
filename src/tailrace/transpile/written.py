"""SQL parsed so that every function keeps the name and the arguments it was written with.

sqlglot turns the calls that it knows into its own words, whose meaning is some dialect's; a call that it does not know it
keeps. So the names are disguised in the tokens before it parses, and shown again afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect

_DISGUISE, _PARAMETER = "\ue000", "\ue001"
# syntax of their own: `CAST(x AS y)`, `EXTRACT(day FROM x)`, `a LIKE (b)`, and what sqlglot reads right as it stands
_SYNTAX = {
    "CAST", "TRY_CAST", "SAFE_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "STRUCT", "ARRAY", "EXISTS", "ANY", "ALL", "SOME",
    "LIKE", "ILIKE", "GLOB", "AND", "OR", "NOT", "IN", "CASE", "VALUES",
}  # fmt: skip
_BEFORE_A_TABLE = (TokenType.FROM, TokenType.JOIN)
_BEFORE_A_STAR = (TokenType.SELECT, TokenType.COMMA, TokenType.DOT, TokenType.DISTINCT, TokenType.L_PAREN)


def parse(sql: str, dialect: str) -> tuple[exp.Expr, list[Token]]:
    """The tree of one statement, its calls as exp.Anonymous in lower case, and the tokens it was made of."""
    found = Dialect.get_or_raise(dialect)
    tokens = found.tokenize(sql)
    _disguise(tokens, found.parser_class, dialect)
    [tree] = found.parser().parse([_placed(token) for token in tokens], sql)
    if tree is None:
        raise ValueError("no statement")
    _show(tree)
    return tree, tokens


def _placed(token: Token) -> Token:
    """A `?` as a name, for the parser notes where names stand."""
    if token.token_type != TokenType.PLACEHOLDER or token.text != "?":
        return token
    return Token(TokenType.VAR, f"{_PARAMETER}{token.start}", token.line, token.col, token.start, token.end)


def _disguise(tokens: Sequence[Token], parser: Any, dialect: str) -> None:
    calls = (set(parser.FUNCTIONS) | set(parser.FUNCTION_PARSERS)) - _SYNTAX
    if dialect == "bigquery":
        calls.discard("UNNEST")  # nothing but a table there
    for index, token in enumerate(tokens[:-1]):
        if (
            tokens[index + 1].token_type == TokenType.L_PAREN
            and token.text.upper() in calls
            and token.token_type in parser.FUNC_TOKENS
            and not _is_clause(tokens, index)
        ):
            token.text = _DISGUISE + token.text
            token.token_type = TokenType.VAR


def _is_clause(tokens: Sequence[Token], index: int) -> bool:
    """FROM unnest(...), `THEN INSERT (...)`, `f(x) FILTER (...)` and `* REPLACE (...)` are no calls."""
    word, before = tokens[index].text.upper(), tokens[index - 1].token_type if index else None
    if word == "UNNEST":
        return before in _BEFORE_A_TABLE
    if word == "INSERT":
        return before == TokenType.THEN
    if word == "FILTER":
        return before == TokenType.R_PAREN
    if word == "REPLACE":
        star = before == TokenType.STAR and tokens[index - 2].token_type in _BEFORE_A_STAR
        return star or before in (TokenType.R_PAREN, TokenType.VAR)
    return False


def _show(tree: exp.Expr) -> None:
    for node in list(tree.walk()):
        if isinstance(node, exp.Column) and node.name.startswith(_PARAMETER):
            mark = exp.Placeholder()
            mark.meta["start"] = mark.meta["end"] = int(node.name.removeprefix(_PARAMETER))
            node.replace(mark)
        if isinstance(node, exp.Anonymous) and isinstance(node.this, str):
            node.set("this", node.this.removeprefix(_DISGUISE).lower())
        elif isinstance(node, exp.Identifier | exp.Var) and str(node.this).startswith(_DISGUISE):
            node.set("this", node.this.removeprefix(_DISGUISE))
        elif isinstance(node, exp.DataType) and str(node.args.get("kind")).startswith(_DISGUISE):
            node.set("kind", str(node.args["kind"]).removeprefix(_DISGUISE))
