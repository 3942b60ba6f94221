"""Great Expectations' row conditions, in every form that a stored suite holds, as the SQL of a `where:`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_OPERATORS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_LISTS = {"IN": "IN", "NOT_IN": "NOT IN"}
_GX_PARSERS = ("great_expectations", "great_expectations__experimental__")
_GX_TEXT = re.compile(
    r"""\s*col\("(?P<column>[^"]+)"\)\s*(?:(?P<notnull>\.notnull\(\))|(?P<op>==|!=|<=|>=|<|>)\s*
    (?:(?P<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|(?P<date>date\()?\s*(?P<quote>["'])(?P<text>[^"']*)(?P=quote)\s*\)?))\s*\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_TOKENS = re.compile(
    r"""\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|`(?P<quoted>[^`]+)`|(?P<op>==|!=|<>|<=|>=|=|<|>)
    |(?P<number>[+-]?\d+(?:\.\d+)?(?![\w.]))|'(?P<single>[^'\\]*)'|"(?P<double>[^"\\]*)")""",
    re.VERBOSE,
)
_PYTHON_ONLY = {"true", "false", "none", "nan"}


class Unclear(Exception):
    """The condition says something that has no sure translation; the message says why."""


def as_where(condition: Any, parser: Any) -> str:
    """The SQL condition that selects the same rows of a table; Unclear where that is not sure."""
    if isinstance(condition, Mapping):
        return _stored(condition, parser)
    if not isinstance(condition, str):
        raise Unclear("it is neither a text nor a mapping")
    if parser in _GX_PARSERS:
        return _gx_text(condition)
    if parser in ("pandas", "spark"):
        return " ".join(_plain_terms(condition, pandas=parser == "pandas"))
    raise Unclear(f"there is no condition_parser {parser}" if parser else "it has no condition_parser")


def _stored(condition: Mapping[str, Any], parser: Any) -> str:
    kind = condition.get("type")
    if kind == "comparison":
        return _comparison(_column(condition), condition.get("operator"), condition.get("parameter"))
    if kind == "nullity" and isinstance(condition.get("is_null"), bool):
        return f"{_column(condition)} IS {'' if condition['is_null'] else 'NOT '}NULL"
    if kind in ("and", "or"):
        parts = condition.get("conditions")
        if not isinstance(parts, list) or not parts or not all(isinstance(part, Mapping) for part in parts):
            raise Unclear(f"{kind} has no conditions")
        return "(" + f" {kind.upper()} ".join(_stored(part, parser) for part in parts) + ")"
    if kind == "pass_through":
        text = condition.get("pass_through_filter")
        return as_where(text if isinstance(text, str) else None, parser)
    raise Unclear(f"its type is {kind!r}" if kind else "it has no type")


def _column(condition: Mapping[str, Any]) -> str:
    column = condition.get("column")
    name = column.get("name") if isinstance(column, Mapping) else column
    if not isinstance(name, str) or not name:
        raise Unclear("it names no column")
    return _name(name)


def _comparison(column: str, operator: Any, value: Any) -> str:
    if operator in _LISTS:
        if not isinstance(value, list) or not value:
            raise Unclear(f"{operator} has no list of values")
        return f"{column} {_LISTS[operator]} ({', '.join(_literal(item) for item in value)})"
    if operator not in _OPERATORS:
        raise Unclear(f"its operator is {operator!r}")
    return f"{column} {_OPERATORS[operator]} {_literal(value)}"


def _gx_text(condition: str) -> str:
    """`col("x") > 5`, `col("x") == "a"`, `col("x").notnull()`: the package's own small language."""
    found = _GX_TEXT.match(condition)
    if not found:
        raise Unclear('it is not of the form col("x") > 5')
    column = _name(found["column"])
    if found["notnull"]:
        return f"{column} IS NOT NULL"
    value = _number(found["number"]) if found["number"] else found["text"]
    return _comparison(column, found["op"], value)


def _plain_terms(condition: str, *, pandas: bool) -> Iterator[str]:
    """`a > 5 and b == 'x'`: comparisons of a column with a value, joined by and and or; no brackets, no calls, no not."""
    tokens = _tokens(condition)
    while True:
        yield _term(tokens, pandas)
        joint = next(tokens, None)
        if joint is None:
            return
        if joint[0] != "word" or joint[1].lower() not in ("and", "or") or (pandas and not joint[1].islower()):
            raise Unclear(f"{joint[1]} is not sure to mean the same in SQL")
        yield joint[1].upper()


def _term(tokens: Iterator[tuple[str, str]], pandas: bool) -> str:
    kind, name = next(tokens, ("", "its end"))
    if kind not in ("word", "quoted") or name.lower() in ("not", "and", "or", *_PYTHON_ONLY):
        raise Unclear(f"{name} is not a column")
    column = _name(name)
    kind, operator = next(tokens, ("", "its end"))
    if kind == "word" and operator.lower() == "is" and not pandas:
        return f"{column} IS {_nullity(tokens)}"
    same = {"==": "=", "!=": "<>", "<>": "<>", "=": "="}.get(operator, operator)
    if kind != "op" or (pandas and operator in ("=", "<>")):
        raise Unclear(f"{operator} is not sure to mean the same in SQL")
    if pandas and same == "<>":
        raise Unclear("whether a missing value differs from others depends on the column's type in pandas")
    kind, value = next(tokens, ("", "its end"))
    if kind not in ("number", "single", "double"):
        raise Unclear(f"{value} is not a value")
    if pandas and kind != "number" and _reads_otherwise(value):
        raise Unclear(f"the text {value} equals no number in pandas, and does in SQL")
    literal = _literal(_number(value) if kind == "number" else value)
    return f"{column} {same} {literal}"


def _reads_otherwise(text: str) -> bool:
    """Whether a database casts the text to a column of numbers or of yes and no."""
    try:
        float(text)
    except ValueError:
        return text.strip().lower() in ("true", "false")
    return True


def _nullity(tokens: Iterator[tuple[str, str]]) -> str:
    words = [next(tokens, ("", ""))[1].upper()]
    if words == ["NOT"]:
        words.append(next(tokens, ("", ""))[1].upper())
    if words[-1] != "NULL":
        raise Unclear("IS is known with NULL and NOT NULL only")
    return " ".join(words)


def _tokens(condition: str) -> Iterator[tuple[str, str]]:
    position, text = 0, condition.rstrip()
    while position < len(text):
        found = _TOKENS.match(text, position)
        if not found or not found.lastgroup:
            raise Unclear(f"{text[position:].strip()[:1]} is not sure to mean the same in SQL")
        yield found.lastgroup, found[found.lastgroup]
        position = found.end()


def _number(text: str) -> float | int:
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise Unclear("its value is neither a number nor a text")
