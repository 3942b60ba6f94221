"""Vendor rows into typed Arrow batches, each value that does not fit treated as the contract says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tailrace.errors import SchemaError
from tailrace.land.arrow import TYPES, to_array
from tailrace.land.schema import Plan, Slot, variant
from tailrace.land.values import as_text
from tailrace.records import Type

CELLS = 150_000
MOST_ROWS = 10_000


def batch_rows(columns: int) -> int:
    """Rows of one batch: 10,000, fewer where rows are wide, so that memory stays what it is."""
    return max(1000, min(MOST_ROWS, CELLS // max(1, columns)))


@dataclass(frozen=True)
class Rows:
    """Rows of one kind as they arrived. `versions` holds one for each row, the time of arrival where the vendor has none.

    `merged_into` is empty where no row of them was merged into another.
    """

    rows: Sequence[dict[str, Any]]
    versions: Sequence[datetime | str]
    seen_at: Sequence[datetime]
    deleted: bool
    shape: int
    run_id: str
    merged_into: Sequence[str | None] = ()
    erased: bool = False


@dataclass
class Losses:
    """What was not landed as it came, counted: rows without a key, rows and values that the contract discards."""

    keyless: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)

    def texts(self) -> list[str]:
        found = [f"{self.keyless} rows have no usable key and were left out"] if self.keyless else []
        found += [f"{count} rows were discarded for {column}" for column, count in self.rows.items()]
        return found + [
            f"{count} values of {column} were discarded" for column, count in self.values.items() if count
        ]


@dataclass(frozen=True)
class Batch:
    """A typed table; `variants` are the columns in it that the plan does not know; `keys` says which keys were seen."""

    table: pa.Table
    keys: pa.Table
    variants: Mapping[str, Type]


def build_batch(name: str, plan: Plan, rows: Rows, losses: Losses) -> Batch:
    """SchemaError naming column, key and value where the contract freezes types."""
    kinds = {slot.name: slot.kind for slot in plan.slots}
    keys = {key: to_array([row.get(key) for row in rows.rows], kinds[key])[0] for key in plan.key}
    keep = _whole(keys)
    if keep is not None:
        losses.keyless += len(rows.rows) - len(keep)
        keys = {key: array.take(pa.array(keep, pa.int64())) for key, array in keys.items()}
        rows = _take(rows, keep)
    return _Builder(name, plan, rows, losses).batch(keys)


def _whole(keys: Mapping[str, pa.Array]) -> list[int] | None:
    """Which rows have every part of their key; None: all of them."""
    holes = [pc.is_null(array) for array in keys.values() if array.null_count]
    if not holes:
        return None
    broken = holes[0]
    for hole in holes[1:]:
        broken = pc.or_(broken, hole)
    return [number for number, is_broken in enumerate(broken.to_pylist()) if not is_broken]


def _take(rows: Rows, keep: Sequence[int]) -> Rows:
    def pick(values: Sequence[Any]) -> list[Any]:
        return [values[number] for number in keep]

    return replace(
        rows,
        rows=pick(rows.rows),
        versions=pick(rows.versions),
        seen_at=pick(rows.seen_at),
        merged_into=pick(rows.merged_into) if rows.merged_into else (),
    )


class _Builder:
    """One batch in the making: columns so far, variants among them, and the rows that the contract drops."""

    def __init__(self, name: str, plan: Plan, rows: Rows, losses: Losses) -> None:
        self._name, self._plan, self._rows, self._losses = name, plan, rows, losses
        self._columns: dict[str, pa.Array] = {}
        self._variants: dict[str, Type] = {}
        self._dropped: set[int] = set()

    def batch(self, keys: Mapping[str, pa.Array]) -> Batch:
        self._refuse()
        for slot in self._plan.slots:
            array = keys.get(slot.name)
            if array is not None:
                self._columns[slot.name] = array
            else:
                values = [row.get(slot.name) for row in self._rows.rows]
                self._columns[slot.name], misfits = to_array(values, slot.kind)
                if misfits:
                    self._judge(slot, misfits)
        ours = _ours(self._rows)
        table = pa.table({**self._columns, **ours})
        seen = pa.table({**keys, "_version_at": ours["_version_at"], "_deleted": ours["_deleted"]})
        if self._dropped:
            kept = [number for number in range(table.num_rows) if number not in self._dropped]
            table = table.take(pa.array(kept, pa.int64()))
        return Batch(table, seen, self._variants)

    def _refuse(self) -> None:
        for column in self._plan.refused:
            self._drop(
                column, {number for number, row in enumerate(self._rows.rows) if row.get(column) is not None}
            )
        for column in self._plan.ignored:
            self._losses.values[column] += sum(row.get(column) is not None for row in self._rows.rows)

    def _drop(self, column: str, numbers: AbstractSet[int]) -> None:
        new = numbers - self._dropped
        if new:
            self._losses.rows[column] += len(new)
            self._dropped.update(new)

    def _judge(self, slot: Slot, misfits: Mapping[int, Any]) -> None:
        rule = self._plan.contract.data_type
        if rule == "freeze":
            raise self._frozen(slot, *next(iter(misfits.items())))
        if rule == "discard_row":
            self._drop(slot.name, misfits.keys())
        elif rule == "discard_value":
            self._losses.values[slot.name] += len(misfits)
        else:
            self._evolve(slot, misfits)

    def _frozen(self, slot: Slot, number: int, value: Any) -> SchemaError:
        key = ", ".join(as_text(self._rows.rows[number].get(part)) for part in self._plan.key)
        return SchemaError(
            f"{self._name}: {slot.name} is {slot.kind}, and the row {key} has {as_text(value)[:60]!r}",
            "set the contract's data_type to evolve to land such values in a column of their own",
        )

    def _evolve(self, slot: Slot, misfits: Mapping[int, Any]) -> None:
        """To the variant of the declared type what fits it, all else to the variant that is text."""
        for kind in dict.fromkeys((slot.declared, "text")):
            if misfits and (kind != slot.kind or kind == "text"):
                into = variant(slot.name, kind)
                values = [misfits.get(number) for number in range(len(self._rows.rows))]
                self._columns[into], misfits = to_array(values, kind)
                self._variants[into] = kind


def _ours(rows: Rows) -> dict[str, pa.Array]:
    count = len(rows.rows)
    versions, wrong = to_array(rows.versions, "timestamp")
    if wrong:
        value = next(iter(wrong.values()))
        raise SchemaError(f"{as_text(value)[:60]!r} is no time that a row's version could be")
    found = {
        "_version_at": versions,
        "_deleted": pa.repeat(pa.scalar(rows.deleted), count),
        "_shape": pa.repeat(pa.scalar(rows.shape, pa.int64()), count),
        "_seen_at": to_array(rows.seen_at, "timestamp")[0],
        "_run_id": pa.repeat(pa.scalar(rows.run_id, pa.string()), count),
    }
    if rows.merged_into:
        found["_merged_into"] = pa.array(rows.merged_into, pa.string())
    if rows.erased:
        found["_erased"] = pa.repeat(pa.scalar(True), count)
    return found


def numbered(table: pa.Table, first: int) -> pa.Table:
    """The table with `_raw_seq`, counting from `first`."""
    sequence = pa.array(range(first, first + table.num_rows), TYPES["bigint"])
    return table.append_column("_raw_seq", sequence)
