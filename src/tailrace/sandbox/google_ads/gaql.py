"""A reader for the Google Ads Query Language: SELECT, FROM, WHERE with AND, ORDER BY, LIMIT, PARAMETERS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

CLAUSES = ("SELECT", "FROM", "WHERE", "ORDER", "LIMIT", "PARAMETERS")
TOKENS = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<number>-?\d+(?:\.\d+)?(?![\w-]))
    | (?P<word>[A-Za-z_][\w.]*)
    | (?P<symbol>!=|>=|<=|[=<>(),])
    )""",
    re.VERBOSE,
)
COMPARISONS = ("=", "!=", ">", ">=", "<", "<=")
# all of GAQL's set operators on repeated fields but these are refused by name, not misread
UNSUPPORTED = ("CONTAINS", "REGEXP_MATCH")


class QueryError(Exception):
    """A query that Google Ads would refuse; `code` is a value of its QueryErrorEnum."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Token(NamedTuple):
    kind: str
    text: str


@dataclass(frozen=True)
class Condition:
    """`operator`: one of COMPARISONS, BETWEEN, IN, NOT IN, DURING, LIKE, NOT LIKE, IS NULL, IS NOT NULL."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """One parsed query; fields in snake_case with dots, as they were written."""

    fields: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None


def parse(text: str) -> Query:
    """Read a query; QueryError says what is wrong in Google's own error words."""
    reader = _Reader(_tokens(text))
    reader.expect("SELECT", "EXPECTED_SELECT")
    fields = reader.names()
    reader.expect("FROM", "EXPECTED_FROM")
    resource = reader.name("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE")
    if reader.symbol(","):
        raise QueryError("UNEXPECTED_FROM_CLAUSE", "FROM clause may name one resource only.")
    conditions: tuple[Condition, ...] = ()
    if reader.keyword("WHERE"):
        conditions = reader.conditions()
    order: tuple[tuple[str, bool], ...] = ()
    if reader.keyword("ORDER"):
        reader.expect("BY", "EXPECTED_BY")
        order = reader.orderings()
    limit = reader.limit() if reader.keyword("LIMIT") else None
    if reader.keyword("PARAMETERS"):
        raise QueryError("BAD_PARAMETER_NAME", "The sandbox answers no PARAMETERS; leave the clause out.")
    if not reader.done():
        raise QueryError("UNEXPECTED_INPUT", f"Error in query: unexpected input {reader.peek().text}.")
    return Query(fields, resource, conditions, order, limit)


def _tokens(text: str) -> list[Token]:
    tokens, position = [], 0
    text = text.rstrip().removesuffix(";").rstrip()
    while position < len(text):
        match = TOKENS.match(text, position)
        if match is None or match.lastgroup is None:
            rest = text[position:].strip()
            raise QueryError("BAD_SYMBOL", f"Error in query: unexpected input {rest[:20]}.")
        tokens.append(Token(match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
    return tokens


END = Token("end", "end of query")


class _Reader:
    """A cursor over the tokens; keywords are read without regard to case."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else END

    def take(self) -> Token:
        token = self.peek()
        if token is END:
            raise QueryError("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
        self._at += 1
        return token

    def done(self) -> bool:
        return self.peek() is END

    def keyword(self, word: str) -> bool:
        """Take this keyword if it is next."""
        token = self.peek()
        found = token.kind == "word" and token.text.upper() == word
        self._at += found
        return found

    def symbol(self, text: str) -> bool:
        """Take this symbol if it is next."""
        found = self.peek() == Token("symbol", text)
        self._at += found
        return found

    def expect(self, word: str, code: str) -> None:
        if not self.keyword(word):
            raise QueryError(code, f"Error in query: expected {word}, found {self.peek().text}.")

    def name(self, code: str = "BAD_FIELD_NAME") -> str:
        token = self.take()
        if token.kind != "word" or token.text.upper() in CLAUSES:
            raise QueryError(code, f"Error in query: expected a name, found {token.text}.")
        return token.text

    def names(self) -> tuple[str, ...]:
        names = [self.name()]
        while self.symbol(","):
            names.append(self.name())
        return tuple(dict.fromkeys(names))

    def conditions(self) -> tuple[Condition, ...]:
        found = [self.condition()]
        while self.keyword("AND"):
            found.append(self.condition())
        if self.keyword("OR"):
            raise QueryError("EXPECTED_AND", "Error in query: conditions are joined by AND only.")
        return tuple(found)

    def condition(self) -> Condition:
        field = self.name()
        token = self.take()
        operator = token.text.upper()
        if token.kind == "symbol" and operator in COMPARISONS:
            return Condition(field, operator, (self.value(),))
        if operator == "BETWEEN":
            low = self.value()
            self.expect("AND", "EXPECTED_VALUE_WITH_BETWEEN_OPERATOR")
            return Condition(field, operator, (low, self.value()))
        if operator == "DURING":
            return Condition(field, operator, (self.name("INVALID_VALUE_WITH_DURING_OPERATOR").upper(),))
        if operator == "IS":
            negated = self.keyword("NOT")
            self.expect("NULL", "BAD_OPERATOR")
            return Condition(field, "IS NOT NULL" if negated else "IS NULL", ())
        return self._matching(field, operator)

    def _matching(self, field: str, operator: str) -> Condition:
        negated = ""
        if operator == "NOT":
            negated, operator = "NOT ", self.take().text.upper()
        if operator == "IN":
            return Condition(field, f"{negated}IN", self.values())
        if operator == "LIKE":
            return Condition(field, f"{negated}LIKE", (self.value(),))
        if operator in UNSUPPORTED:
            raise QueryError("BAD_OPERATOR", f"The sandbox does not answer the operator {operator}.")
        raise QueryError("BAD_OPERATOR", f"Error in query: unexpected operator {operator}.")

    def value(self) -> str:
        """A literal's text; a bare word is an enumeration's value, true or false."""
        token = self.take()
        if token.kind == "string":
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        if token.kind in ("number", "word"):
            return token.text
        raise QueryError("BAD_VALUE", f"Error in query: expected a value, found {token.text}.")

    def values(self) -> tuple[str, ...]:
        if not self.symbol("("):
            raise QueryError("EXPECTED_LIST", "Error in query: IN expects a list in parentheses.")
        if self.symbol(")"):
            raise QueryError("PROHIBITED_EMPTY_LIST_IN_CONDITION", "The list of IN must not be empty.")
        values = [self.value()]
        while self.symbol(","):
            values.append(self.value())
        if not self.symbol(")"):
            raise QueryError("EXPECTED_LIST", "Error in query: the list of IN is not closed.")
        return tuple(values)

    def orderings(self) -> tuple[tuple[str, bool], ...]:
        found = [self.ordering()]
        while self.symbol(","):
            found.append(self.ordering())
        return tuple(found)

    def ordering(self) -> tuple[str, bool]:
        name = self.name()
        descending = self.keyword("DESC")
        if not descending:
            self.keyword("ASC")
        return name, descending

    def limit(self) -> int:
        token = self.take()
        if token.kind != "number" or not token.text.isdecimal() or int(token.text) == 0:
            raise QueryError("BAD_LIMIT_VALUE", f"Error in query: {token.text} is no limit.")
        return int(token.text)
