"""Vendor rows into typed Arrow batches, each value that does not fit treated as the contract says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tailrace.errors import SchemaError
from tailrace.land.arrow import TYPES, to_array
from tailrace.land.schema import Plan, Slot, variant
from tailrace.land.values import as_text
from tailrace.records import Type

CELLS = 600_000
MOST_ROWS = 10_000


def batch_rows(columns: int) -> int:
    """Rows of one batch: 10,000, fewer where rows are wide, so that memory stays what it is."""
    return max(500, min(MOST_ROWS, CELLS // max(1, columns)))


@dataclass(frozen=True)
class Rows:
    """Rows of one kind as they arrived. `versions` holds one for each row, the time of arrival where the vendor has none."""

    rows: Sequence[dict[str, Any]]
    versions: Sequence[datetime | str]
    seen_at: Sequence[datetime]
    deleted: bool
    shape: int
    run_id: str


@dataclass
class Losses:
    """What was not landed as it came, counted: rows without a key, rows and values that the contract discards."""

    keyless: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)

    def texts(self) -> list[str]:
        found = [f"{self.keyless} rows have no usable key and were left out"] if self.keyless else []
        found += [f"{count} rows were discarded for {column}" for column, count in self.rows.items()]
        return found + [f"{count} values of {column} were discarded" for column, count in self.values.items()]


@dataclass(frozen=True)
class Batch:
    """A typed table; `variants` are the columns in it that the plan does not know; `keys` says which keys were seen."""

    table: pa.Table
    keys: pa.Table
    variants: Mapping[str, Type]


def build_batch(name: str, plan: Plan, rows: Rows, losses: Losses) -> Batch:
    """SchemaError naming column, key and value where the contract freezes types."""
    keep = _with_key(plan, rows, losses)
    if keep is not None:
        rows = _take(rows, keep)
    keys = _keys(plan, rows)
    dropped = _refused(plan, rows, losses)
    columns: dict[str, pa.Array] = {}
    variants: dict[str, Type] = {}
    for slot in plan.slots:
        values = [row.get(slot.name) for row in rows.rows]
        columns[slot.name], misfits = to_array(values, slot.kind)
        if misfits:
            _misfits(name, plan, slot, rows, misfits, columns, variants, dropped, losses)
    table = pa.table({**columns, **_ours(rows)})
    if dropped:
        kept = [number for number in range(len(rows.rows)) if number not in dropped]
        table = table.take(pa.array(kept, pa.int64()))
    return Batch(table, keys, variants)


def _keys(plan: Plan, rows: Rows) -> pa.Table:
    kinds = {slot.name: slot.kind for slot in plan.slots}
    columns = {key: to_array([row.get(key) for row in rows.rows], kinds[key])[0] for key in plan.key}
    return pa.table({**columns, **{name: _ours(rows)[name] for name in ("_version_at", "_deleted")}})


def _with_key(plan: Plan, rows: Rows, losses: Losses) -> list[int] | None:
    """Which rows have a whole key; None: all of them."""
    kinds = {slot.name: slot.kind for slot in plan.slots}
    whole: pa.Array | None = None
    for key in plan.key:
        array = to_array([row.get(key) for row in rows.rows], kinds[key])[0]
        if array.null_count:
            valid = pc.is_valid(array)
            whole = valid if whole is None else pc.and_(whole, valid)
    if whole is None:
        return None
    keep = [number for number, valid in enumerate(whole.to_pylist()) if valid]
    losses.keyless += len(rows.rows) - len(keep)
    return keep


def _take(rows: Rows, keep: Sequence[int]) -> Rows:
    def pick(values: Sequence[Any]) -> list[Any]:
        return [values[number] for number in keep]

    return Rows(pick(rows.rows), pick(rows.versions), pick(rows.seen_at), rows.deleted, rows.shape, rows.run_id)


def _refused(plan: Plan, rows: Rows, losses: Losses) -> set[int]:
    dropped: set[int] = set()
    for column in plan.refused:
        found = {number for number, row in enumerate(rows.rows) if row.get(column) is not None} - dropped
        if found:
            losses.rows[column] += len(found)
            dropped |= found
    return dropped


def _misfits(
    name: str,
    plan: Plan,
    slot: Slot,
    rows: Rows,
    misfits: dict[int, Any],
    columns: dict[str, pa.Array],
    variants: dict[str, Type],
    dropped: set[int],
    losses: Losses,
) -> None:
    rule = plan.contract.data_type
    if rule == "freeze":
        number, value = next(iter(misfits.items()))
        key = ", ".join(as_text(rows.rows[number].get(part)) for part in plan.key)
        raise SchemaError(
            f"{name}: {slot.name} is {slot.kind}, and the row {key} has {as_text(value)[:60]!r}",
            "set the contract's data_type to evolve to land such values in a column of their own",
        )
    if rule == "discard_row":
        losses.rows[slot.name] += len(misfits.keys() - dropped)
        dropped |= misfits.keys()
    elif rule == "discard_value":
        losses.values[slot.name] += len(misfits)
    else:
        _evolve(slot, len(rows.rows), misfits, columns, variants)


def _evolve(
    slot: Slot, length: int, misfits: dict[int, Any], columns: dict[str, pa.Array], variants: dict[str, Type]
) -> None:
    """To the variant of the declared type what fits it, all else to the variant that is text."""
    if slot.declared != slot.kind:
        into = variant(slot.name, slot.declared)
        columns[into], misfits = to_array(
            [misfits.get(number) for number in range(length)], slot.declared
        )
        variants[into] = slot.declared
    if misfits:
        into = variant(slot.name, "text")
        columns[into] = to_array([misfits.get(number) for number in range(length)], "text")[0]
        variants[into] = "text"


def _ours(rows: Rows) -> dict[str, pa.Array]:
    count = len(rows.rows)
    versions, wrong = to_array(rows.versions, "timestamp")
    if wrong:
        value = next(iter(wrong.values()))
        raise SchemaError(f"{as_text(value)[:60]!r} is no time that a row's version could be")
    return {
        "_version_at": versions,
        "_deleted": pa.repeat(pa.scalar(rows.deleted), count),
        "_shape": pa.repeat(pa.scalar(rows.shape, pa.int64()), count),
        "_seen_at": to_array(rows.seen_at, "timestamp")[0],
        "_run_id": pa.repeat(pa.scalar(rows.run_id, pa.string()), count),
    }


def numbered(table: pa.Table, first: int) -> pa.Table:
    """The table with `_raw_seq`, counting from `first`."""
    sequence = pa.array(range(first, first + table.num_rows), TYPES["bigint"])
    return table.append_column("_raw_seq", sequence)
