"""The SQL of a data diff: both sides copied under names of ours, so that no name of theirs can be misread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.warehouse.base import Warehouse

COPIES = ("tailrace_diff_before", "tailrace_diff_after")
MASK = "***"
FLOATS = ("DOUBLE", "FLOAT")
NOISE = "1e-9"
"""Floating point numbers that differ by less than this share of themselves are equal: sums depend on the order of rows."""
ORDERED = (
    "VARCHAR",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP",
    "TIME",
    "DECIMAL",
    "INTERVAL",
    "UUID",
    "HUGEINT",
    "UHUGEINT",
    *FLOATS,
)


@dataclass(frozen=True)
class Column:
    """`at` is its number among the columns of its side, whose copy calls it `c<at>`."""

    name: str
    type: str
    at: int

    @property
    def is_ordered(self) -> bool:
        kind = self.type.upper()
        return "[" not in kind and (kind.startswith(ORDERED) or kind.endswith(("INT", "INTEGER")))


class Sides:
    """Two relations, 0 before and 1 after; columns by lower-case name."""

    def __init__(self, warehouse: Warehouse, relations: tuple[str, str], personal: frozenset[str]) -> None:
        self.warehouse = warehouse
        self._relations = relations
        self._personal = personal
        self.columns: tuple[Mapping[str, Column], Mapping[str, Column]] = (
            self._read(relations[0]),
            self._read(relations[1]),
        )
        self.keys: tuple[str, ...] = ()

    def _read(self, relation: str) -> dict[str, Column]:
        rows = self.warehouse.query(
            f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {relation})"
        )
        return {str(name).lower(): Column(str(name), str(kind), at) for at, (name, kind) in enumerate(rows)}

    @property
    def shared(self) -> list[tuple[Column, Column]]:
        """Columns on both sides, in the order of the second."""
        before, after = self.columns
        return [(before[name], column) for name, column in after.items() if name in before]

    def on_both(self, column: str) -> bool:
        return all(column.lower() in side for side in self.columns)

    def copy(self, keys: tuple[str, ...], one_in: int) -> None:
        """Both sides, or of each the rows that a hash of their key (or of the whole row) picks."""
        self.keys = tuple(key.lower() for key in keys)
        for copy, relation, columns in zip(COPIES, self._relations, self.columns, strict=True):
            quote = self.warehouse.dialect.quote
            made = [f"{quote(column.name)} AS c{column.at}" for column in columns.values()]
            chosen = [quote(columns[key].name) for key in self.keys] or [
                quote(one.name) for one in columns.values()
            ]
            texts = ", ".join(f"CAST({name} AS VARCHAR)" for name in chosen)
            where = f" WHERE md5_number_lower(concat_ws('|', {texts})) % {one_in} = 0" if one_in > 1 else ""
            self.warehouse.execute(
                f"CREATE OR REPLACE TEMP TABLE {copy} AS SELECT true AS here, {', '.join(made)} FROM {relation}{where}"
            )

    def drop(self) -> None:
        for copy in COPIES:
            self.warehouse.execute(f"DROP TABLE IF EXISTS {copy}")

    def is_unique(self) -> bool:
        """Whether the key names every copied row, and names it once."""
        for copy, columns in zip(COPIES, self.columns, strict=True):
            names = [f"c{columns[key].at}" for key in self.keys]
            filled = " AND ".join(f"{name} IS NOT NULL" for name in names)
            rows, distinct = self.warehouse.query(
                f"SELECT count(*), count(DISTINCT row({', '.join(names)})) FILTER ({filled}) FROM {copy}"
            )[0]
            if rows != distinct:
                return False
        return True

    @property
    def joined(self) -> str:
        """Both copies side by side, `b` and `a`."""
        pairs = [(self.columns[0][key], self.columns[1][key]) for key in self.keys]
        on = " AND ".join(f"{_alike('b', one, other)} = {_alike('a', other, one)}" for one, other in pairs)
        return f"{COPIES[0]} AS b FULL JOIN {COPIES[1]} AS a ON {on}"

    @property
    def compared(self) -> list[tuple[Column, Column]]:
        """The columns that are compared where a key joins the rows."""
        return [pair for pair in self.shared if pair[1].name.lower() not in self.keys]

    @property
    def any_differs(self) -> str:
        return " OR ".join(differs(*pair) for pair in self.compared) or "false"

    def counts(self) -> tuple[tuple[int, int, int, int], dict[str, int]]:
        """Rows only before, only after, changed, the same; and by column in how many it differs."""
        both = "b.here AND a.here"
        wanted = [
            "count(*) FILTER (a.here IS NULL)",
            "count(*) FILTER (b.here IS NULL)",
            f"count(*) FILTER ({both} AND ({self.any_differs}))",
            f"count(*) FILTER ({both} AND NOT ({self.any_differs}))",
            *(f"count(*) FILTER ({both} AND {differs(*pair)})" for pair in self.compared),
        ]
        row = [
            int(value) for value in self.warehouse.query(f"SELECT {', '.join(wanted)} FROM {self.joined}")[0]
        ]
        names = [after.name.lower() for _, after in self.compared]
        return (row[0], row[1], row[2], row[3]), dict(zip(names, row[4:], strict=True))

    def whole_rows(self, side: int) -> str:
        """The shared columns of a copy, as they can be compared with the other's."""
        made = ", ".join(
            f"{_comparable(pair[side], pair[1 - side])} AS s{at}" for at, pair in enumerate(self.shared)
        )
        return f"SELECT {made or 'true AS s0'} FROM {COPIES[side]}"

    def multiset(self) -> tuple[int, int, int]:
        """Rows only before, only after, and on both sides."""
        one, other = self.whole_rows(0), self.whole_rows(1)
        rows = self.warehouse.query(
            f"SELECT (SELECT count(*) FROM ({one} EXCEPT ALL {other})), (SELECT count(*) FROM ({other} EXCEPT ALL {one})),"
            f" (SELECT count(*) FROM {COPIES[0]})"
        )[0]
        return int(rows[0]), int(rows[1]), int(rows[2]) - int(rows[0])

    def statistics(self, side: int) -> dict[str, dict[str, Any]]:
        """By column: type, min and max where the type has an order, the share of NULLs."""
        columns = self.columns[side]
        wanted = ["count(*)"]
        for column in columns.values():
            name = f"c{column.at}"
            wanted += [f"count({name})"]
            wanted += [f"min({name})", f"max({name})"] if column.is_ordered else ["NULL", "NULL"]
        row = self.warehouse.query(f"SELECT {', '.join(wanted)} FROM {COPIES[side]}")[0]
        found = {}
        for at, (name, column) in enumerate(columns.items()):
            filled, least, most = row[1 + 3 * at : 4 + 3 * at]
            nulls = (row[0] - filled) / row[0] if row[0] else 0.0
            found[name] = {
                "type": column.type, "min": self.shown(name, least), "max": self.shown(name, most), "nulls": round(nulls, 6),
            }  # fmt: skip
        return found

    def shown(self, column: str, value: Any) -> Any:
        """A value as a person may see it."""
        return MASK if value is not None and column.lower() in self._personal else value


def examples_of(sides: Sides, number: int) -> list[dict[str, Any]]:
    """Changed rows first, then those that came and went, by key: the fields that differ, before and after."""
    both = "b.here AND a.here"
    found: list[dict[str, Any]] = []
    for operation, where in (("changed", f"{both} AND ({sides.any_differs})"), ("only after", "b.here IS NULL"),
                             ("only before", "a.here IS NULL")):  # fmt: skip
        if len(found) < number:
            found += _examples(sides, operation, where, number - len(found))
    return found


def _examples(sides: Sides, operation: str, where: str, number: int) -> list[dict[str, Any]]:
    before, after = sides.columns
    names = list(dict.fromkeys([*after, *before]))
    made = [
        f"coalesce({_alike('a', after[key], before[key])}, {_alike('b', before[key], after[key])})"
        for key in sides.keys
    ]
    for name in names:
        made += [f"b.c{before[name].at}" if name in before else "NULL"]
        made += [f"a.c{after[name].at}" if name in after else "NULL"]
        made += [differs(before[name], after[name]) if name in before and name in after else "true"]
    width = len(sides.keys)
    order = ", ".join(str(at + 1) for at in range(width))
    rows = sides.warehouse.query(
        f"SELECT {', '.join(made)} FROM {sides.joined} WHERE {where} ORDER BY {order} LIMIT {number}"
    )
    found = []
    for row in rows:
        fields = {}
        for at, name in enumerate(names):
            one, other, differ = row[width + 3 * at : width + 3 * at + 3]
            if name not in sides.keys and (operation != "changed" or differ) and (one, other) != (None, None):
                fields[(after.get(name) or before[name]).name] = [
                    sides.shown(name, one),
                    sides.shown(name, other),
                ]
        key = [sides.shown(name, value) for name, value in zip(sides.keys, row[:width], strict=True)]
        found.append({"key": key[0] if width == 1 else key, "operation": operation, "fields": fields})
    return found


def multiset_examples(sides: Sides, number: int) -> list[dict[str, Any]]:
    """Rows that are on one side only, half of them each."""
    found = []
    for side, operation in ((0, "only before"), (1, "only after")):
        rows = sides.warehouse.query(
            f"({sides.whole_rows(side)} EXCEPT ALL {sides.whole_rows(1 - side)}) ORDER BY ALL LIMIT {number // 2}"
        )
        for row in rows:
            fields = {}
            for pair, value in zip(sides.shared, row, strict=False):
                shown = sides.shown(pair[side].name, value)
                fields[pair[1].name] = [shown, None] if side == 0 else [None, shown]
            found.append({"key": None, "operation": operation, "fields": fields})
    return found


def differs(before: Column, after: Column) -> str:
    """Whether a joined row has other values in a column."""
    one, other = _alike("b", before, after), _alike("a", after, before)
    apart = f"({one} IS DISTINCT FROM {other})"
    if not (_is_float(before) and _is_float(after)):
        return apart
    near = f"abs({one} - {other}) < {NOISE} * greatest(abs({one}), abs({other}))"
    return f"({apart} AND NOT coalesce({near}, false))"


def _alike(side: str, column: Column, other: Column) -> str:
    """A column of a side as it can be compared with the other side's."""
    name = f"{side}.c{column.at}"
    return (
        name
        if column.type == other.type or (_is_number(column) and _is_number(other))
        else f"CAST({name} AS VARCHAR)"
    )


def _comparable(column: Column, other: Column) -> str:
    """A column of a copy as it can be compared as part of a whole row."""
    if _is_float(column) or _is_float(other):
        return (
            f"printf('%.9g', CAST(c{column.at} AS DOUBLE))"
            if _is_number(column) and _is_number(other)
            else f"CAST(c{column.at} AS VARCHAR)"
        )
    return f"c{column.at}" if column.type == other.type else f"CAST(c{column.at} AS VARCHAR)"


def _is_float(column: Column) -> bool:
    return column.type.upper() in FLOATS


def _is_number(column: Column) -> bool:
    kind = column.type.upper()
    return (
        _is_float(column)
        or kind.startswith("DECIMAL")
        or (kind.endswith(("INT", "INTEGER")) and "[" not in kind)
    )
