"""How a declared schema meets the stored tables, under the resource's contract in dlt's words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tailrace.errors import SchemaError
from tailrace.land.layout import VARIANT, Layout, kept_columns, same_type
from tailrace.land.names import check_names
from tailrace.project.spec import Contract
from tailrace.records import Column, Schema, Type
from tailrace.warehouse.base import Dialect, TableRef

KINDS: tuple[Type, ...] = ("text", "bigint", "double", "decimal", "bool", "timestamp", "date")


@dataclass(frozen=True)
class Slot:
    """A column as landed: `kind` is stored, `declared` is what the vendor says now (values that fit neither are text)."""

    name: str
    kind: Type
    declared: Type


@dataclass(frozen=True)
class Plan:
    """What every page of a read is turned into.

    Rows with a value in a `refused` column are left out; of an `ignored` one only the values are.
    """

    slots: tuple[Slot, ...]
    key: tuple[str, ...]
    contract: Contract
    refused: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """The columns that pages are read into, variants apart."""
        return [slot.name for slot in self.slots]

    def digest(self) -> str:
        """Equal as long as the same vendor row gives the same landed row."""
        return hashlib.sha256(repr((self.slots, self.contract, self.refused)).encode()).hexdigest()[:16]


def plan_columns(
    dialect: Dialect, current: TableRef, schema: Schema, stored: Mapping[str, str], contract: Contract
) -> tuple[Plan, Layout]:
    """SchemaError where the contract or the names forbid it; `stored` are the current table's columns, if there is one."""
    check_names(str(current), schema.names(), stored)
    missing = [name for name in schema.primary_key if name not in schema.names()]
    if missing or not schema.primary_key:
        raise SchemaError(f"{current}: the primary key {missing or ''} is not among the columns")
    slots: list[Slot] = []
    refused: list[str] = []
    ignored: list[str] = []
    wrong: list[str] = []
    for column in schema.columns:
        slot, problem = _slot(dialect, schema, column, stored, contract)
        if problem:
            wrong.append(problem)
        elif slot is not None:
            slots.append(slot)
        else:
            (refused if contract.columns == "discard_row" else ignored).append(column.name)
    if wrong:
        raise SchemaError(
            f"{current}: {'; '.join(wrong)}", "set the contract to evolve, or leave the column out"
        )
    plan = Plan(tuple(slots), schema.primary_key, contract, tuple(refused), tuple(ignored))
    columns = _columns(dialect, slots, stored, contract)
    kept = kept_columns(columns, plan.names())
    return plan, Layout(current, schema.primary_key, schema.cursor_columns, columns, kept)


def _slot(
    dialect: Dialect, schema: Schema, column: Column, stored: Mapping[str, str], contract: Contract
) -> tuple[Slot | None, str]:
    name = column.name
    if not stored or same_type(dialect.type(column.type), stored.get(name, "")):
        return Slot(name, column.type, column.type), ""
    if name not in stored:
        if name in schema.primary_key:
            return (
                None,
                f"the primary key has a new column {name!r}; drop the resource's tables to land it anew",
            )
        if contract.columns == "freeze":
            return None, f"the column {name!r} is new and the contract freezes columns"
        return (Slot(name, column.type, column.type) if contract.columns == "evolve" else None), ""
    kind = _kind(dialect, stored[name])
    change = f"the column {name!r} was {stored[name]} and is {column.type} now"
    if kind is None or name in schema.primary_key:
        return None, change
    if contract.data_type == "freeze":
        return None, f"{change}, and the contract freezes types"
    return Slot(name, kind, column.type), ""


def _columns(
    dialect: Dialect, slots: list[Slot], stored: Mapping[str, str], contract: Contract
) -> dict[str, str]:
    columns = {**stored}
    for slot in slots:
        columns.setdefault(slot.name, dialect.type(slot.kind))
        if slot.kind != slot.declared and contract.data_type == "evolve":
            columns.setdefault(variant(slot.name, slot.declared), dialect.type(slot.declared))
    return columns


def variant(name: str, kind: Type) -> str:
    """The name that dlt gives to the column that takes what does not fit into `name`."""
    return f"{name}{VARIANT}{kind}"


def _kind(dialect: Dialect, engine_type: str) -> Type | None:
    return next((kind for kind in KINDS if same_type(dialect.type(kind), engine_type)), None)
