"""SQL that our own checks write: in DuckDB's words, in which another engine's are translated from."""

from __future__ import annotations

import re
from datetime import date

from tailrace.warehouse.base import Dialect

BATCH = "{batch}"
"""What Great Expectations replaces by the judged rows."""

_NAME = "tailrace_batch"
_PLAIN = re.compile(r"[^A-Za-z0-9 _.,/@+#=!?*()\u00a0-\uffff-]")
_NUMBERS = re.compile(
    r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER|64)?|(DECIMAL|(BIG)?NUMERIC)(\([0-9, ]+\))?|FLOAT(64)?|DOUBLE|REAL)"
)
_DATES, _INSTANTS = ("DATE",), ("TIMESTAMP", "DATETIME")


def spelled(dialect: Dialect, sql: str) -> str:
    """The statement as the engine reads it; `{batch}` and names of tables and columns stay what they are."""
    if dialect.name == "duckdb":
        return sql
    import sqlglot

    told = sqlglot.transpile(sql.replace(BATCH, _NAME), read="duckdb", write=dialect.name, pretty=True)
    return str(told[0]).replace(f"`{_NAME}`", BATCH).replace(_NAME, BATCH)


def name(text: str) -> str:
    """An identifier in DuckDB's words."""
    return '"' + text.replace('"', '""') + '"'


def enclosed(expression: str) -> str:
    """The suite's own expression in parentheses; after what may be a comment the closing one stands on a line of its own."""
    bare = expression.strip()
    return f"({bare}\n)" if any(mark in bare for mark in ("#", "--")) else f"({bare})"


def text(value: str) -> str:
    """A text literal that no engine, template or bind parameter reads otherwise: signs with a meaning stand as their numbers."""
    parts: list[str] = []
    rest = 0
    for found in _PLAIN.finditer(value):
        if found.start() > rest:
            parts.append(f"'{value[rest : found.start()]}'")
        parts.append(f"chr({ord(found[0])})")
        rest = found.end()
    if rest < len(value) or not parts:
        parts.append(f"'{value[rest:]}'")
    return parts[0] if len(parts) == 1 else f"({' || '.join(parts)})"


def day(value: date) -> str:
    """A DATE literal."""
    return f"DATE '{value.isoformat()}'"


def is_date(engine_type: str) -> bool:
    return engine_type.upper() in _DATES


def is_instant(engine_type: str) -> bool:
    return engine_type.upper().startswith(_INSTANTS)


def is_number(engine_type: str) -> bool:
    return bool(_NUMBERS.fullmatch(engine_type.upper()))


def is_text(engine_type: str) -> bool:
    return engine_type.upper().startswith(("VARCHAR", "STRING", "ENUM", "BOOL", "UUID"))
