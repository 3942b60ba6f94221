"""SOQL, the part of it that the sandbox answers: one object, conditions, order, limit and offset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from tailrace.sandbox.salesforce.errors import Refusal

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<day>\d{4}-\d\d-\d\d)"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<op><=|>=|!=|<>|[=<>(),])"
    r"|(?P<word>[A-Za-z][\w.]*))"
)
OPERATORS = ("=", "!=", "<>", "<", "<=", ">", ">=")
MOST_OFFSET = 2000
ESCAPED = re.compile(r"\\([\s\S])")
ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "_": "_",
    "%": "%",
}
Kind = Literal["text", "stamp", "day", "number", "op", "word", "end"]


@dataclass(frozen=True)
class Written:
    """A value as written: its kind tells whether it stood in quotes."""

    kind: str
    value: Any


@dataclass(frozen=True)
class Comparison:
    """field operator value; `values` has several for IN and NOT IN."""

    field: str
    operator: str
    values: tuple[Written, ...]


@dataclass(frozen=True)
class Junction:
    """AND or OR of its parts, or NOT of the only one."""

    operator: str
    parts: tuple[Condition, ...]


Condition = Comparison | Junction


@dataclass(frozen=True)
class Order:
    """One term of ORDER BY; None: nulls first where ascending, last where descending."""

    field: str
    descending: bool = False
    nulls_last: bool | None = None


@dataclass(frozen=True)
class Query:
    """A parsed SELECT; no fields: it counts."""

    fields: tuple[str, ...]
    object: str
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is SELECT COUNT()."""
        return not self.fields


def parse(text: str) -> Query:
    """The query; Refusal MALFORMED_QUERY where it is none."""
    return _Parser(text).query()


def malformed(message: str) -> Refusal:
    """400 in the words of SOQL's parser."""
    return Refusal(400, "MALFORMED_QUERY", message)


def _unescaped(match: re.Match[str]) -> str:
    """What a backslash and a letter stand for; Refusal for a letter that means nothing."""
    if match[1] not in ESCAPES:
        raise malformed(f"Invalid string literal: illegal escape sequence \\{match[1]}")
    return ESCAPES[match[1]]


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def query(self) -> Query:
        self._expect("SELECT")
        fields = self._fields()
        self._expect("FROM")
        obj = self._name()
        where = self._any() if self._take("WHERE") else None
        order = self._order() if self._take("ORDER") else ()
        limit = self._whole() if self._take("LIMIT") else None
        offset = self._whole() if self._take("OFFSET") else 0
        if offset > MOST_OFFSET:
            raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        if self._peek()[0] != "end":
            raise self._unexpected()
        return Query(fields, obj, where, order, limit, offset)

    def _fields(self) -> tuple[str, ...]:
        if self._is("COUNT"):
            self._at += 1
            self._expect("(")
            self._expect(")")
            return ()
        fields = [self._name()]
        while self._take(","):
            fields.append(self._name())
        lowered = [name.lower() for name in fields]
        twice = next((name for name in fields if lowered.count(name.lower()) > 1), None)
        if twice is not None:
            raise malformed(f"duplicate field selected: {twice}")
        return tuple(fields)

    def _any(self) -> Condition:
        """One condition, or several joined by the same word: SOQL wants parentheses where AND meets OR."""
        parts = [self._one()]
        word = next((word for word in ("AND", "OR") if self._is(word)), None)
        if word is None:
            return parts[0]
        while self._take(word):
            parts.append(self._one())
        if self._is("OR") or self._is("AND"):
            raise self._unexpected()
        return Junction(word, tuple(parts))

    def _one(self) -> Condition:
        if self._take("NOT"):
            return Junction("NOT", (self._one(),))
        if self._take("("):
            inside = self._any()
            self._expect(")")
            return inside
        return self._comparison()

    def _comparison(self) -> Comparison:
        name = self._name()
        if self._take("NOT"):
            self._expect("IN")
            return Comparison(name, "NOT IN", self._list())
        if self._take("IN"):
            return Comparison(name, "IN", self._list())
        if self._take("LIKE"):
            return Comparison(name, "LIKE", (self._literal(),))
        kind, operator = self._peek()
        if kind != "op" or operator not in OPERATORS:
            raise self._unexpected()
        self._at += 1
        return Comparison(name, "!=" if operator == "<>" else operator, (self._literal(),))

    def _list(self) -> tuple[Written, ...]:
        self._expect("(")
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        self._expect(")")
        return tuple(values)

    def _literal(self) -> Written:
        kind, text = self._peek()
        lowered = text.lower()
        if kind == "word" and lowered in ("true", "false", "null"):
            self._at += 1
            return Written(
                "null" if lowered == "null" else "bool", {"true": True, "false": False}.get(lowered)
            )
        if kind in ("op", "word", "end"):
            raise self._unexpected()
        self._at += 1
        if kind == "text":
            return Written("text", ESCAPED.sub(_unescaped, text[1:-1]))
        return Written(kind, float(text) if kind == "number" else text)

    def _order(self) -> tuple[Order, ...]:
        self._expect("BY")
        terms = [self._term()]
        while self._take(","):
            terms.append(self._term())
        return tuple(terms)

    def _term(self) -> Order:
        name = self._name()
        descending = self._take("DESC")
        if not descending:
            self._take("ASC")
        nulls_last = None
        if self._take("NULLS"):
            nulls_last = self._take("LAST")
            if not nulls_last:
                self._expect("FIRST")
        return Order(name, descending, nulls_last)

    def _whole(self) -> int:
        kind, text = self._peek()
        if kind != "number" or not text.isdigit():
            raise self._unexpected()
        self._at += 1
        return int(text)

    def _name(self) -> str:
        kind, text = self._peek()
        if kind != "word":
            raise self._unexpected()
        self._at += 1
        return text

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _is(self, word: str) -> bool:
        kind, text = self._peek()
        return kind in ("word", "op") and text.upper() == word

    def _take(self, word: str) -> bool:
        found = self._is(word)
        self._at += found
        return found

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._unexpected()

    def _unexpected(self) -> Refusal:
        kind, text = self._peek()
        return malformed("unexpected end of query" if kind == "end" else f"unexpected token: '{text}'")


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            raise malformed(f"unexpected token: '{text[at:].split(maxsplit=1)[0]}'")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        at = match.end()
    return [*tokens, ("end", "")]
