"""The tables that a suite reads beside its model: found by name, and what tells that one of them has changed."""

from __future__ import annotations

import hashlib
import json

from tailrace.validate.own.declaration import CannotTell
from tailrace.warehouse.base import META, TableRef, Warehouse
from tailrace.warehouse.landed import landed_versions
from tailrace.warehouse.stage import fingerprint

_MODELS = TableRef(META, "models")
MISSING = "missing"


def table_of(warehouse: Warehouse, name: str) -> TableRef:
    """Where the rows of a model, or of `dataset.table`, are, whatever the case of the name; CannotTell where there is none."""
    schema, _, table = name.rpartition(".")
    ref = TableRef(schema, table) if schema else _model(warehouse, name)
    if warehouse.columns(ref):
        return ref
    for there in dict.fromkeys((ref.schema, ref.schema.lower())):
        for known in warehouse.tables(there):
            if known.lower() == ref.name.lower():
                return TableRef(there, known)
    raise CannotTell(f"there is no table {name}")


def _model(warehouse: Warehouse, name: str) -> TableRef:
    """By what is remembered of its build; else a table of this name in the schema that names without one mean."""
    if warehouse.columns(_MODELS):
        found = warehouse.query(
            f"SELECT model, schema_name, parts FROM {warehouse.dialect.table(_MODELS)} WHERE lower(model) = ?",
            [name.lower()],
        )
        if found:
            model, schema, parts = found[0]
            return TableRef(str(schema), _alias(parts) or str(model))
    return TableRef("main", name)


def _alias(parts: object) -> str:
    """The table's own name, where the model is stored under another; older releases wrote the parts in other ways."""
    try:
        return str(json.loads(str(parts))["config"]["alias"])
    except (KeyError, TypeError, ValueError):
        return ""


def state_of(warehouse: Warehouse, name: str, asked: str) -> str:
    """Differs whenever the table's rows may: the landed version, what a model was built from and when, else a hash of the rows.

    `asked` are the words of all that the suite asks: of a landed table only what they may read counts.
    """
    try:
        ref = table_of(warehouse, name)
    except CannotTell:
        return MISSING
    return _landed(warehouse, ref, asked) or _built(warehouse, ref) or _unwatched(warehouse, ref)


def _landed(warehouse: Warehouse, ref: TableRef, asked: str) -> str:
    """A row that only moved the vendor's cursor, or our own write come back, counts where a check may read what it moved."""
    found = landed_versions(warehouse).get(str(ref).casefold())
    return f"landed {found.of(str(ref), asked)}" if found else ""


def _unwatched(warehouse: Warehouse, ref: TableRef) -> str:
    """A hash of the rows; where reading them is billed, of a view what it reads, of a table when it was written last."""
    if warehouse.engine == "duckdb":
        return fingerprint(warehouse, ref)[1]
    return _view(warehouse, ref) or f"written {warehouse.stamp(ref)}"


def _view(warehouse: Warehouse, ref: TableRef) -> str:
    if not warehouse.columns(_MODELS):
        return ""
    rows = warehouse.query(
        f"SELECT model, parts, sql FROM {warehouse.dialect.table(_MODELS)} WHERE schema_name = ? AND materialized = 'view'",
        [ref.schema],
    )
    for model, parts, sql in rows:
        if (_alias(parts) or model) == ref.name:
            made_of = json.loads(parts)
            names = (name for kind in ("data", "upstream", "unknown") for name in made_of.get(kind, ()))
            return f"view {_digest(sql, {name: state_of(warehouse, name, '*') for name in sorted(names)})}"
    return ""


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _built(warehouse: Warehouse, ref: TableRef) -> str:
    """A view's rows change without it, so they are read."""
    if not warehouse.columns(_MODELS):
        return ""
    rows = warehouse.query(
        "SELECT model, parts, fingerprint, built_at, run_id"
        f" FROM {warehouse.dialect.table(_MODELS)} WHERE schema_name = ? AND materialized <> 'view'",
        [ref.schema],
    )
    for model, parts, made_of, at, run_id in rows:
        if (_alias(parts) or model) == ref.name:
            return f"built {made_of} {at} {run_id}"
    return ""
