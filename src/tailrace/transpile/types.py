"""Types by their names, literals, and the one type of several values."""

from __future__ import annotations

from sqlglot import exp

from tailrace.transpile.signatures import (
    BOOL,
    BYTES,
    DATE,
    DOUBLE,
    INT,
    INTERVAL,
    JSON,
    NULL,
    NUMBERS,
    TEXT,
    TIME,
    TIMESTAMP,
    UNKNOWN,
    ZONED,
    Kind,
)

_T = exp.DType
_TYPES: dict[exp.DType, Kind] = {
    **dict.fromkeys((_T.TINYINT, _T.SMALLINT, _T.INT, _T.BIGINT, _T.UTINYINT, _T.USMALLINT, _T.UINT, _T.UBIGINT, _T.INT128, _T.UINT128), INT),
    **dict.fromkeys((_T.FLOAT, _T.DOUBLE), DOUBLE),
    **dict.fromkeys((_T.TEXT, _T.VARCHAR, _T.CHAR), TEXT),
    **dict.fromkeys((_T.TIMESTAMP, _T.TIMESTAMPNTZ, _T.TIMESTAMP_S, _T.TIMESTAMP_MS, _T.TIMESTAMP_NS, _T.DATETIME), TIMESTAMP),
    _T.TIMESTAMPTZ: ZONED, _T.BOOLEAN: BOOL, _T.DATE: DATE, _T.TIME: TIME, _T.JSON: JSON, _T.BLOB: BYTES, _T.VARBINARY: BYTES,
    _T.INTERVAL: INTERVAL,
}  # fmt: skip


def kind_of_type(to: exp.DataType) -> Kind:
    """The kind that a type's name stands for."""
    if to.this in (_T.DECIMAL, _T.BIGDECIMAL):
        scales = [int(part.name) for part in to.expressions[1:2] if part.name.isdigit()]
        return Kind("decimal", scales[0] if scales else 0 if to.expressions else -1)
    if to.this in (_T.ARRAY, _T.LIST):
        inner = to.expressions[0] if to.expressions else None
        return Kind("list", item=kind_of_type(inner) if isinstance(inner, exp.DataType) else UNKNOWN)
    if to.this == _T.STRUCT:
        fields = [
            (f.name.lower(), kind_of_type(f.kind))
            for f in to.expressions
            if isinstance(f, exp.ColumnDef) and f.kind is not None
        ]
        return Kind("struct", fields=tuple(fields))
    return _TYPES.get(to.this, UNKNOWN) if isinstance(to.this, exp.DType) else UNKNOWN


def whole_literal(node: exp.Expr) -> int:
    """The value of a whole number that is written out; -1 of anything else."""
    return int(node.name) if isinstance(node, exp.Literal) and node.name.isdigit() else -1


def literal_kind(node: exp.Literal) -> Kind:
    if node.is_string:
        return TEXT
    text = node.name.lower()
    if "e" in text:
        return DOUBLE
    return Kind("decimal", len(text.partition(".")[2])) if "." in text else INT


def common(*kinds: Kind) -> Kind:
    """The kind of a value that is one of several; NULL fits all."""
    told = {kind for kind in kinds if kind.name != "null"}
    if len(told) == 1:
        return told.pop()
    if not told:
        return NULL
    names = {kind.name for kind in told}
    if names in ({"decimal"}, {"int", "decimal"}):
        scales = [kind.scale for kind in told if kind.name == "decimal"]
        return Kind("decimal", -1 if min(scales) < 0 else max(scales))
    return DOUBLE if names <= set(NUMBERS) else TIMESTAMP if names == {"date", "timestamp"} else UNKNOWN
