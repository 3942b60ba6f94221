"""JSON: ->, ->> and json_extract()."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, string_of, text, whole_of
from tailrace.transpile.to_bigquery.texts import Rule


def _path(w: Writer, node: exp.Expr, path: exp.Expr) -> exp.Expr:
    """A path of names and places; wildcards and places from the end have no counterpart."""
    found: str | None = None
    if isinstance(path, exp.JSONPath):
        found = _written(path)
    elif (name := string_of(path)) is not None:
        found = name if name.startswith("$") else None if name.startswith("/") else f"$.{_key(name)}"
        found = None if found is None or any(sign in found for sign in ("*", "..", "#")) else found
    elif (place := whole_of(path)) is not None and place >= 0:
        found = f"$[{place}]"
    if found is None:
        return w.refuse(
            node, "this JSON path has no counterpart", "Write it out of names and places: '$.a.b[0]'"
        )
    return text(found)


def _written(path: exp.JSONPath) -> str | None:
    pieces = ["$"]
    for part in path.expressions:
        if isinstance(part, exp.JSONPathKey) and isinstance(part.this, str):
            pieces.append(f".{_key(part.this)}")
        elif isinstance(part, exp.JSONPathSubscript) and isinstance(part.this, int) and part.this >= 0:
            pieces.append(f"[{part.this}]")
        elif not isinstance(part, exp.JSONPathRoot):
            return None
    return "".join(pieces)


def _key(name: str) -> str:
    return name if name.isidentifier() else '"' + name.replace('"', '\\"') + '"'


def operator(w: Writer, node: exp.JSONExtract | exp.JSONExtractScalar) -> exp.Expr:
    function = "JSON_VALUE" if isinstance(node, exp.JSONExtractScalar) else "JSON_QUERY"
    return call(function, w.write(node.this), _path(w, node, node.expression))


def extracted(w: Writer, node: exp.Anonymous) -> exp.Expr:
    function = "JSON_VALUE" if node.this.endswith(("string", "text")) else "JSON_QUERY"
    return call(function, w.write(node.expressions[0]), _path(w, node, node.expressions[1]))


def size(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, *path = node.expressions
    arguments = [w.write(value), *(_path(w, node, one) for one in path)]
    return call("ARRAY_LENGTH", call("JSON_QUERY_ARRAY", *arguments))


def is_double(w: Writer, node: exp.EQ) -> exp.Expr | None:
    """`json_type(x, path) = 'DOUBLE'`: a number with a point or an exponent. BigQuery's JSON_TYPE knows one kind of number."""
    asked = node.left
    if not isinstance(asked, exp.Anonymous) or asked.this != "json_type" or len(asked.expressions) != 2:
        return None
    if string_of(node.right) != "DOUBLE":
        return None
    value = call("JSON_QUERY", w.write(asked.expressions[0]), _path(w, asked, asked.expressions[1]))
    return call("REGEXP_CONTAINS", value, text(r"^-?[0-9]+[.eE]"))


CALLS: dict[str, tuple[int, int, Rule]] = {
    **dict.fromkeys(("json_extract", "json_extract_path", "json_extract_string", "json_extract_path_text"), (2, 2, extracted)),
    "json_array_length": (1, 2, size),
}  # fmt: skip
RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.JSONExtract: operator,
    exp.JSONExtractScalar: operator,
}
