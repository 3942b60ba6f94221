"""The rows of a query as templates hold them: the parts of agate's Table that dbt's packages use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tailrace.build.template.failures import Mistake

Say = Callable[[str], object]
_TYPES = (
    ("Boolean", bool), ("Integer", int), ("Number", int | float | Decimal), ("DateTime", datetime), ("Date", date), ("Text", object),
)  # fmt: skip


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

    def keys(self) -> tuple[str, ...]:
        return tuple(self._names)

    def values(self) -> tuple[Any, ...]:
        return self._values

    def items(self) -> tuple[tuple[str, Any], ...]:
        return tuple(zip(self._names, self._values, strict=True))

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

    @property
    def data_type(self) -> str:
        """The first of agate's types, by name, that all values are of; one without values is an Integer, as in dbt."""
        given = self.values_without_nulls()
        if not given:
            return "Integer"
        exact = (kind for kind in _TYPES if all(_is(value, kind[1]) for value in given))
        return next(exact)[0]

    def values(self) -> tuple[Any, ...]:
        return self._values

    def values_distinct(self) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(self._values))

    def values_without_nulls(self) -> tuple[Any, ...]:
        return tuple(value for value in self._values if value is not None)

    def values_sorted(self) -> list[Any]:
        return sorted(self._values, key=_key)


def _is(value: Any, kind: Any) -> bool:
    """A boolean is no number here, and an instant no date."""
    if isinstance(value, bool | datetime):
        return kind in (type(value), object)
    return isinstance(value, kind)


def _key(value: Any) -> tuple[bool, Any]:
    """What is null comes last."""
    return value is None, 0 if value is None else value


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

    def keys(self) -> tuple[str, ...]:
        return tuple(column.name for column in self._columns)

    def values(self) -> tuple[TableColumn, ...]:
        return tuple(self._columns)

    def items(self) -> tuple[tuple[str, TableColumn], ...]:
        return tuple((column.name, column) for column in self._columns)


class Table(Sequence[Row]):
    """The rows of a query; `say` is what print_table() tells."""

    def __init__(
        self, names: Sequence[str], rows: Sequence[Sequence[Any]], say: Say = lambda _text: None
    ) -> None:
        self._names = tuple(names)
        self._rows = tuple(Row(self._names, row) for row in rows)
        self._say = say

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    @property
    def column_names(self) -> tuple[str, ...]:
        return self._names

    @property
    def columns(self) -> TableColumns:
        return TableColumns(
            [TableColumn(name, [row[at] for row in self._rows]) for at, name in enumerate(self._names)]
        )

    @property
    def column_types(self) -> tuple[str, ...]:
        return tuple(column.data_type for column in self.columns)

    def select(self, key: Any) -> Table:
        """The named columns alone."""
        at = [_position(self._names, name) for name in _listed(key)]
        rows = [[row[index] for index in at] for row in self._rows]
        return Table([self._names[index] for index in at], rows, self._say)

    def exclude(self, key: Any) -> Table:
        """The columns but for the named ones."""
        return self.select([name for name in self._names if name not in _listed(key)])

    def rename(self, column_names: Any = None) -> Table:
        """With other names: as many as there are columns, or a mapping of old to new ones."""
        given = column_names if column_names is not None else self._names
        names = [given.get(name, name) for name in self._names] if isinstance(given, Mapping) else list(given)
        if len(names) != len(self._names):
            raise Mistake(f"the table has {len(self._names)} columns, not {len(names)}", "Name each of them")
        return Table(names, self._rows, self._say)

    def limit(
        self, start_or_stop: int | None = None, stop: int | None = None, step: int | None = None
    ) -> Table:
        """Fewer rows: the first ones, or a slice."""
        part = slice(start_or_stop, stop, step) if stop or step else slice(start_or_stop)
        return Table(self._names, self._rows[part], self._say)

    def order_by(self, key: Any, reverse: bool = False) -> Table:
        """Sorted by one column, by several, or by what a macro makes of a row; what is null comes last."""

        def by(row: Row) -> Any:
            return _key(key(row)) if callable(key) else [_key(row[name]) for name in _listed(key)]

        rows: list[Row] = sorted(self._rows, key=by, reverse=reverse)
        return Table(self._names, rows, self._say)

    def where(self, test: Callable[[Row], Any]) -> Table:
        """The rows of which a macro says something true."""
        return Table(self._names, [row for row in self._rows if test(row)], self._say)

    def distinct(self, key: Any = None) -> Table:
        """One row, the first, for each value of the named columns, or of all."""
        names = self._names if key is None else _listed(key)
        found: dict[Any, Row] = {}
        for row in self._rows:
            found.setdefault(tuple(row[name] for name in names), row)
        return Table(self._names, list(found.values()), self._say)

    def print_table(
        self, max_rows: int | None = 20, max_columns: int | None = 6, max_column_width: int | None = 20
    ) -> None:
        """Tells the person the table."""
        shown = self.limit(max_rows).select(self._names[:max_columns])
        body = [["" if value is None else str(value) for value in row] for row in shown]
        texts = [[_cut(text, max_column_width) for text in row] for row in [list(shown.column_names), *body]]
        if len(shown.column_names) < len(self._names):
            texts = [[*row, "..."] for row in texts]
        if len(shown) < len(self):
            texts.append(["..."] * len(texts[0]))
        left = [*(kind == "Text" for kind in shown.column_types), True]
        self._say("\n" + "\n".join(_drawn(texts, left)))

    def __getitem__(self, key: Any) -> Any:
        return self._rows[key]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _listed(key: Any) -> Sequence[Any]:
    return key if isinstance(key, Sequence) and not isinstance(key, str) else [key]


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: max(0, width - 3)] + "..."


def _drawn(texts: Sequence[Sequence[str]], left: Sequence[bool]) -> Iterator[str]:
    """Lines of a table: its head first, texts at the left and the rest at the right."""
    widths = [max(len(row[at]) for row in texts) for at in range(len(texts[0]))]
    for number, row in enumerate(texts):
        cells = [
            text.ljust(width) if flush else text.rjust(width)
            for text, width, flush in zip(row, widths, left, strict=False)
        ]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"| {' | '.join('-' * width for width in widths)} |"


def result_of(table: Table, response: str) -> Mapping[str, Any]:
    """What load_result() gives: the rows in `data`, and as a table in `table`."""
    return {"response": response, "data": [row.values() for row in table], "table": table}
