"""Which words are keywords where they stand, and how they are written: keywords and types upper case, functions lower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.parser import Parser

from tailrace.build.format.atoms import Atom

ALWAYS = frozenset(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "HAVING",
        "QUALIFY",
        "LIMIT",
        "UNION",
        "INTERSECT",
        "EXCEPT",
        "DISTINCT",
        "AS",
        "ON",
        "USING",
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "NULL",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "BETWEEN",
        "LIKE",
        "ILIKE",
        "ASC",
        "DESC",
        "WITH",
        "COLLATE",
        "LATERAL",
        "WINDOW",
        "GROUP",
        "ORDER",
        "ALL",
        "JOIN",
    ]
) | {"GROUP BY", "ORDER BY", "PARTITION BY"}
"""Reserved in every dialect that models are written in: no column is named so without quotes."""
JOINS = frozenset(
    ["INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "OUTER", "SEMI", "ANTI", "ASOF", "POSITIONAL"]
)
CASTS = frozenset(("CAST", "TRY_CAST", "SAFE_CAST"))
_FRAMES = frozenset(["UNBOUNDED", "CURRENT", "BETWEEN", "INTERVAL"])
_AS_WRITTEN = frozenset(("ROWS", "RANGE", "PRECEDING", "FOLLOWING"))
"""Their case is part of sqlglot's canonical SQL: another one would build the model again."""
_TYPES = frozenset(
    word
    for reader in (DuckDB, BigQuery)
    for word, kind in reader.Tokenizer.KEYWORDS.items()
    if kind in Parser.TYPE_TOKENS
)
_FUNCTIONS = frozenset(exp.FUNCTION_BY_NAME) - CASTS - _TYPES - frozenset(("EXISTS", "EXTRACT"))


def write_words(atoms: Sequence[Atom]) -> None:
    """Marks keywords, and writes each word as its place asks; quoted names and Jinja stay."""
    code = [atom for atom in atoms if atom.kind not in ("remark", "comment", "tag", "raw")]
    casts: list[bool] = []
    typed = False
    for at, atom in enumerate(code):
        before, after = _word(code, at - 1), _word(code, at + 1)
        if atom.kind == "open":
            casts.append(before in CASTS)
        elif atom.kind == "close" and casts:
            casts.pop()
        typed = _is_type(code, at, typed, bool(casts) and casts[-1])
        if not atom.word or _named(code, at):
            continue
        if typed and atom.word.split()[0] in _TYPES | {"WITH", "ZONE", "TIME", "PRECISION", "WITHOUT"}:
            atom.text = atom.word
        elif before == "AS" and not typed and not _after_as(code, at):
            continue
        elif atom.word in ALWAYS or _is_soft(code, at, before, after):
            atom.keyword = True
            atom.text = atom.text if atom.word in _AS_WRITTEN else atom.word
        elif atom.text.isupper() and atom.word in _FUNCTIONS and _called(code, at):
            atom.text = atom.text.lower()


def _word(code: Sequence[Atom], at: int) -> str:
    return code[at].word if 0 <= at < len(code) else ""


def _text(code: Sequence[Atom], at: int) -> str:
    return code[at].text if 0 <= at < len(code) else ""


def _kind(code: Sequence[Atom], at: int) -> str:
    return code[at].kind if 0 <= at < len(code) else ""


def _named(code: Sequence[Atom], at: int) -> bool:
    """A part of a dotted name is a name, whatever the word."""
    return _text(code, at - 1) == "." or _text(code, at + 1) == "."


def _called(code: Sequence[Atom], at: int) -> bool:
    return _text(code, at + 1) == "(" and not code[at + 1].spaced


def _is_type(code: Sequence[Atom], at: int, typed: bool, in_cast: bool) -> bool:
    """Whether the word belongs to a type: behind `::`, or behind AS in a cast, up to what no type holds."""
    before = _text(code, at - 1)
    if before == "::" or (in_cast and _word(code, at - 1) == "AS"):
        return True
    return typed and in_cast and code[at].kind == "word"


def _after_as(code: Sequence[Atom], at: int) -> bool:
    """Behind AS stands an alias, but for `AS MATERIALIZED (` and `AS NOT MATERIALIZED (`."""
    rest = [_word(code, at), _word(code, at + 1)]
    return (rest[0] == "MATERIALIZED" and _text(code, at + 1) == "(") or rest == ["NOT", "MATERIALIZED"]


def _is_soft(code: Sequence[Atom], at: int, before: str, after: str) -> bool:
    """Words that are keywords only beside certain others."""
    word, opens = code[at].word, _text(code, at + 1) == "("
    if word in JOINS:
        return after == "JOIN" or after in JOINS or (after == "OUTER")
    test = _SOFT.get(word)
    if test is not None:
        return test(Beside(before, after, opens, _kind(code, at - 1), _kind(code, at + 1)))
    return False


class Beside(NamedTuple):
    """What stands around a word: the bare words, whether a bracket opens behind it, and the kinds of its neighbours."""

    before: str
    after: str
    opens: bool
    kind: str
    later: str


_SOFT: dict[str, Callable[[Beside], bool]] = {
    **dict.fromkeys(CASTS, lambda by: by.opens),
    "EXISTS": lambda by: by.opens,
    "OVER": lambda by: by.kind == "close" or by.opens,
    "FILTER": lambda by: by.kind == "close" and by.opens,
    "WITHIN": lambda by: by.kind == "close" and by.after == "GROUP",
    "ROWS": lambda by: by.after in _FRAMES or by.later == "number",
    "RANGE": lambda by: by.after in _FRAMES,
    "UNBOUNDED": lambda by: by.after in ("PRECEDING", "FOLLOWING"),
    "PRECEDING": lambda by: by.before == "UNBOUNDED" or by.kind == "number",
    "FOLLOWING": lambda by: by.before == "UNBOUNDED" or by.kind == "number",
    "CURRENT": lambda by: by.after == "ROW",
    "ROW": lambda by: by.before == "CURRENT",
    "NULLS": lambda by: by.after in ("FIRST", "LAST"),
    "FIRST": lambda by: by.before == "NULLS",
    "LAST": lambda by: by.before == "NULLS",
    "RECURSIVE": lambda by: by.before == "WITH",
    "MATERIALIZED": lambda by: by.before in ("AS", "NOT") and by.opens,
    "BY": lambda by: by.before in ("UNION", "ALL", "DISTINCT") and by.after == "NAME",
    "NAME": lambda by: by.before == "BY",
    "AT": lambda by: by.after == "TIME",
    "TIME": lambda by: by.before == "AT" and by.after == "ZONE",
    "ZONE": lambda by: by.before == "TIME",
    "INTERVAL": lambda by: by.later in ("text", "number"),
    "DATE": lambda by: by.later == "text",
    "TIMESTAMP": lambda by: by.later == "text",
    "OFFSET": lambda by: by.kind == "number" and by.later == "number",
    "VALUES": lambda by: by.opens and by.kind != "word",
    "EXCLUDE": lambda by: by.opens and by.kind == "op",
    "REPLACE": lambda by: by.opens and by.kind == "op",
    "RENAME": lambda by: by.opens and by.kind == "op",
}
