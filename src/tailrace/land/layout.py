"""The tables of one landed resource, their columns, and what makes them or widens them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tailrace.errors import SchemaError
from tailrace.records import Type
from tailrace.warehouse.base import TableRef, Warehouse

RAW: dict[str, Type] = {
    "_raw_seq": "bigint",
    "_version_at": "timestamp",
    "_deleted": "bool",
    "_shape": "bigint",
    "_seen_at": "timestamp",
    "_run_id": "text",
    "_merged_into": "text",
    "_erased": "bool",
}
LOG: dict[str, Type] = {
    "_op": "text",
    "_changed_at": "timestamp",
    "_seen_at": "timestamp",
    "_run_id": "text",
    "_seq": "bigint",
    "_changed_fields": "text",
    "_merged_into": "text",
    "_origin": "text",
}
KEYS: dict[str, Type] = {"_version_at": "timestamp", "_deleted": "bool", "_shape": "bigint", "_hash": "text"}
RESERVED = frozenset({*RAW, *LOG, *KEYS})
VARIANT = "__v_"


@dataclass(frozen=True)
class Layout:
    """Where a resource lives. `columns` (name -> engine type) are all vendor columns stored, vanished ones included.

    `kept` are those that this read does not bring: the vendor has them no more, or nobody asks for them; their last
    values stay.
    """

    current: TableRef
    key: tuple[str, ...]
    cursors: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()

    @property
    def raw(self) -> TableRef:
        return self.current.suffixed("__raw")

    @property
    def log(self) -> TableRef:
        return self.current.suffixed("__changes")

    @property
    def keys(self) -> TableRef:
        return self.current.suffixed("__keys")

    @property
    def name(self) -> str:
        return str(self.current)

    def is_cursor(self, column: str) -> bool:
        """A cursor's variant is as little a change as the cursor itself."""
        return column in self.cursors or column.split(VARIANT, maxsplit=1)[0] in self.cursors

    def hashed(self) -> dict[str, str]:
        """What makes a row another row: every column that is read but the key's and the cursors', by name."""
        return {
            name: kind
            for name, kind in sorted(self.columns.items())
            if name not in self.key and name not in self.kept and not self.is_cursor(name)
        }

    def logged(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if not self.is_cursor(name))

    def widened(self, columns: Mapping[str, str]) -> Layout:
        return replace(self, columns={**self.columns, **columns})


def ensure(warehouse: Warehouse, layout: Layout, *, changes: bool) -> None:
    """Make what is missing, tables and columns; nothing is written where all is there.

    Raw rows and the log lie by the day on which they were seen, current rows and keys by the key, where that spares money.
    SchemaError where a column has another type than the current table's.
    """
    wanted = {
        layout.raw: raw_columns(warehouse, layout),
        layout.current: dict(layout.columns),
        layout.keys: key_columns(warehouse, layout),
    }
    if changes:
        wanted[layout.log] = log_columns(warehouse, layout)
    for ref, columns in wanted.items():
        day = "_seen_at" if ref in (layout.raw, layout.log) else ""
        _ensure_table(warehouse, ref, columns, day, layout.key)


def raw_columns(warehouse: Warehouse, layout: Layout) -> dict[str, str]:
    return {**layout.columns, **_engine(warehouse, RAW)}


def key_columns(warehouse: Warehouse, layout: Layout) -> dict[str, str]:
    return {**{name: layout.columns[name] for name in layout.key}, **_engine(warehouse, KEYS)}


def log_columns(warehouse: Warehouse, layout: Layout) -> dict[str, str]:
    return {**_engine(warehouse, LOG), **{name: layout.columns[name] for name in layout.logged()}}


def _engine(warehouse: Warehouse, columns: Mapping[str, Type]) -> dict[str, str]:
    return {name: warehouse.dialect.type(kind) for name, kind in columns.items()}


def _ensure_table(
    warehouse: Warehouse, ref: TableRef, wanted: Mapping[str, str], day: str, key: Sequence[str]
) -> None:
    found = warehouse.columns(ref)
    if not found:
        warehouse.ensure_schema(ref.schema)
        warehouse.create(ref, wanted, partition=day, cluster=key)
        return
    for name, kind in wanted.items():
        if name in found and not same_type(kind, found[name]):
            what = f"the column {name!r} of {ref} is {found[name]}, and {kind} is written to it"
            raise SchemaError(what, f"somebody changed its type: change it back, or drop {ref}")
    if new := {name: kind for name, kind in wanted.items() if name not in found}:
        warehouse.add_columns(ref, new)


def same_type(one: str, other: str) -> bool:
    """`DECIMAL(38, 9)` is `DECIMAL(38,9)`."""
    return one.replace(" ", "").upper() == other.replace(" ", "").upper()


def kept_columns(columns: Iterable[str], read: Iterable[str]) -> frozenset[str]:
    """The stored columns that a read of `read` does not bring; a variant belongs to its column."""
    brought = set(read)
    return frozenset(
        name for name in columns if name not in brought and name.split(VARIANT, maxsplit=1)[0] not in brought
    )


def quoted(warehouse: Warehouse, names: Iterable[str], alias: str = "") -> str:
    """`r."id", r."email"`."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + warehouse.dialect.quote(name) for name in names)


def same_key(warehouse: Warehouse, layout: Layout, left: str, right: str) -> str:
    """`l."id" = r."id" AND ...`."""
    quote = warehouse.dialect.quote
    return " AND ".join(f"{left}.{quote(name)} = {right}.{quote(name)}" for name in layout.key)
