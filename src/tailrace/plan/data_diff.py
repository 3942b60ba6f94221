"""The rows of a model before and after, compared by its key: how many came, went and changed, column by column, with examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tailrace.plan.diff_sql import Sides, examples_of, multiset_examples
from tailrace.warehouse.base import Warehouse

SAMPLE = 100_000
EXAMPLES = 10


@dataclass(frozen=True)
class Key:
    """Columns that name a row, and whose words they are: `unique_key`, `the suite x`, `the sync y`."""

    columns: tuple[str, ...]
    origin: str


@dataclass(frozen=True)
class ColumnDiff:
    """`changed` rows are those on both sides whose value differs, None where the column is on one side only.

    `before` and `after` hold `type`, `min`, `max` and `nulls` (a share of 1); None where the column is not there.
    """

    column: str
    changed: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    def document(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass
class DataDiff:
    """Counts are of the rows compared: one in `one_in`. Without a key a changed row is one that went and one that came.

    `same` are rows on both sides that do not differ. `notes` say what to know about the comparison.
    """

    model: str
    key: tuple[str, ...] = ()
    rows_before: int = 0
    rows_after: int = 0
    only_before: int = 0
    only_after: int = 0
    changed: int = 0
    same: int = 0
    one_in: int = 1
    notes: list[str] = field(default_factory=list)
    columns: list[ColumnDiff] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        columns = [column.document() for column in self.columns]
        return {**self.__dict__, "key": list(self.key), "columns": columns}


def data_diff(
    warehouse: Warehouse,
    model: str,
    relations: tuple[str, str],
    keys: Sequence[Key],
    *,
    sample: int = SAMPLE,
    personal: frozenset[str] = frozenset(),
) -> DataDiff:
    """Compare two relations (quoted names, before and after) by the first key that names their rows.

    Over `sample` rows (0: never) only those are compared whose key's hash says so, the same at every call. Values of `personal`
    columns (lower case) are masked. The copies that this makes are gone afterwards.
    """
    found = DataDiff(model)
    found.rows_before, found.rows_after = (_count(warehouse, relation) for relation in relations)
    largest = max(found.rows_before, found.rows_after)
    found.one_in = -(-largest // sample) if 0 < sample < largest else 1
    sides = Sides(warehouse, relations, personal)
    if found.one_in > 1:
        found.notes.append(
            f"compared is 1 row in {found.one_in:,}, chosen by a hash: --sample 0 compares all"
        )
    try:
        _compare(sides, found, _usable(sides, keys, found))
    finally:
        sides.drop()
    return found


def _usable(sides: Sides, keys: Sequence[Key], found: DataDiff) -> tuple[str, ...]:
    """The first key that is there on both sides and names every row once; () where there is none."""
    for key in keys:
        missing = [column for column in key.columns if not sides.on_both(column)]
        said = f"{', '.join(key.columns)} ({key.origin})"
        if missing:
            found.notes.append(f"{said} is no key here: {', '.join(missing)} is not on both sides")
            continue
        sides.copy(key.columns, found.one_in)
        if sides.is_unique():
            return key.columns
        found.notes.append(f"{said} is not unique, or NULL in some rows")
    if not keys:
        found.notes.append("the model has no key: rows are compared as a whole")
    else:
        found.notes[-1] += ": rows are compared as a whole"
    sides.copy((), found.one_in)
    return ()


def _compare(sides: Sides, found: DataDiff, key: tuple[str, ...]) -> None:
    found.key = key
    changed: dict[str, int] = {}
    if key:
        counts, changed = sides.counts()
        found.only_before, found.only_after, found.changed, found.same = counts
        found.examples = examples_of(sides, EXAMPLES)
    else:
        found.only_before, found.only_after, found.same = sides.multiset()
        found.examples = multiset_examples(sides, EXAMPLES)
    before, after = sides.statistics(0), sides.statistics(1)
    for name in dict.fromkeys([*before, *after]):
        number = changed.get(name, 0) if key and name in before and name in after else None
        found.columns.append(ColumnDiff(name, number, before.get(name), after.get(name)))


def _count(warehouse: Warehouse, relation: str) -> int:
    return int(warehouse.query(f"SELECT count(*) FROM {relation}")[0][0])
