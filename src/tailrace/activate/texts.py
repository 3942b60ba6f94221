"""Values as texts, rendered by the engine while the staged file is read: for vendors that take every value as a text.

The texts are those that `TextBatch` promises, and that such a connector makes of typed values (a test compares); a value of
which that is not certain makes the rows go the typed way.
"""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.activate.mapping import literal


def document_sql(fields: Sequence[tuple[str, str, str, str]]) -> str:
    """JSON text of (field, column, engine type, if_null): NULL is "" or, where it is skipped, left out."""
    parts = []
    for field, column, kind, if_null in fields:
        name = f"{literal(_quoted(field) + ':')} || "
        part = name + _json_text(column, kind)
        missing = "NULL" if if_null == "skip" else literal(f'{_quoted(field)}:""')
        parts.append(f"CASE WHEN {column} IS NULL THEN {missing} ELSE {part} END")
    return f"'{{' || concat_ws(',', {', '.join(parts)}) || '}}'"


def exact_sql(columns: Sequence[tuple[str, str]]) -> str:
    """A condition that holds for rows whose texts are certain: doubles of no exponent, instants that Python has, too."""
    return " AND ".join(["true", *(_certain(column, kind) for column, kind in columns)])


def _certain(column: str, kind: str) -> str:
    if kind == "DOUBLE":
        return f"({column} IS NULL OR {column} = 0 OR abs({column}) BETWEEN 1e-4 AND 1e15)"
    if kind in ("DATE", "TIMESTAMP"):
        return f"({column} IS NULL OR ({column} >= DATE '1000-01-01' AND {column} < DATE '9999-12-31'))"
    known = (
        kind in ("VARCHAR", "BOOLEAN")
        or kind.endswith("INT")
        or kind.startswith(("INTEGER", "UINTEGER", "DECIMAL("))
    )
    return "true" if known else "false"


def _json_text(column: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"CAST(to_json({column}) AS VARCHAR)"
    text = f"CAST({column} AS VARCHAR)"
    if kind == "DOUBLE" or kind.startswith("DECIMAL("):
        text = f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
    if kind == "TIMESTAMP":
        text = f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%gZ')"
    return f"'\"' || {text} || '\"'"


def _quoted(field: str) -> str:
    import json

    return json.dumps(field, ensure_ascii=False)
