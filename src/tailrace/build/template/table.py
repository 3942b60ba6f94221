"""The rows of a query as templates hold them: the parts of agate's Table that dbt's packages use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Row(Sequence[Any]):
    """One row: by number, by name, or as an attribute."""

    def __init__(self, names: Sequence[str], values: Sequence[Any]) -> None:
        self._names = names
        self._values = tuple(values)

    def __getitem__(self, key: Any) -> Any:
        return self._values[_position(self._names, key)] if isinstance(key, str) else self._values[key]

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self._names else default

    def keys(self) -> list[str]:
        return list(self._names)

    def values(self) -> list[Any]:
        return list(self._values)

    def items(self) -> list[tuple[str, Any]]:
        return list(zip(self._names, self._values, strict=True))

    def dict(self) -> dict[str, Any]:
        return dict(self.items())


def _position(names: Sequence[str], name: str) -> int:
    if name not in names:
        raise KeyError(name)
    return names.index(name)


class TableColumn(Sequence[Any]):
    """One column's values."""

    def __init__(self, name: str, values: Sequence[Any]) -> None:
        self.name = name
        self._values = tuple(values)

    def __getitem__(self, key: Any) -> Any:
        return self._values[key]

    def __len__(self) -> int:
        return len(self._values)

    def values(self) -> list[Any]:
        return list(self._values)

    def values_distinct(self) -> list[Any]:
        return list(dict.fromkeys(self._values))


class TableColumns(Sequence[TableColumn]):
    """A table's columns by number or name."""

    def __init__(self, columns: Sequence[TableColumn]) -> None:
        self._columns = list(columns)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._columns[_position(self.keys(), key)]
        return self._columns[key]

    def __len__(self) -> int:
        return len(self._columns)

    def keys(self) -> list[str]:
        return [column.name for column in self._columns]

    def values(self) -> list[TableColumn]:
        return list(self._columns)

    def items(self) -> list[tuple[str, TableColumn]]:
        return [(column.name, column) for column in self._columns]


class Table(Sequence[Row]):
    """The rows of a query."""

    def __init__(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self._names = list(names)
        self._rows = [Row(self._names, row) for row in rows]

    @property
    def rows(self) -> list[Row]:
        return list(self._rows)

    @property
    def column_names(self) -> list[str]:
        return list(self._names)

    @property
    def columns(self) -> TableColumns:
        return TableColumns(
            [TableColumn(name, [row[at] for row in self._rows]) for at, name in enumerate(self._names)]
        )

    def __getitem__(self, key: Any) -> Any:
        return self._rows[key]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def result_of(table: Table, response: str) -> Mapping[str, Any]:
    """What load_result() gives: the rows as lists in `data`, and as a table in `table`."""
    return {"response": response, "data": [row.values() for row in table], "table": table}
