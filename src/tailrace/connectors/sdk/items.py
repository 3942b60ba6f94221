"""Items that carry no schema: their values as JSON has them, and the type of each column over all that was read."""

from __future__ import annotations

import base64
import dataclasses
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, cast

from tailrace.records import Column, Type

LIMIT = 2**63
EMPTY = "empty"
"""The kind of an empty text: it is NULL in any column that is not text."""
ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?\Z")
WIDER: dict[frozenset[str], str] = {
    frozenset(("bigint", "double")): "double",
    frozenset(("bigint", "decimal")): "decimal",
    frozenset(("double", "decimal")): "decimal",
    frozenset(("date", "timestamp")): "timestamp",
}
"""The type that holds the values of two; any other two make text."""


def join(one: str | None, other: str | None) -> str | None:
    """The type that holds the values of both."""
    if one == other or other in (None, EMPTY):
        return one or other
    if one in (None, EMPTY):
        return other
    return WIDER.get(frozenset((str(one), str(other))), "text")


class Kinds:
    """What the values of each column are, in the order in which the columns came."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self._found: dict[str, str | None] = dict(known or {})

    def add(self, column: str, kind: str | None) -> None:
        """None: a NULL, which only says that there is the column."""
        self._found[column] = join(self._found.get(column), kind)

    def names(self) -> tuple[str, ...]:
        """Every column that came, those without a value too."""
        return tuple(self._found)

    def types(self) -> dict[str, Type]:
        """The columns that held a value, or whose type was known before."""
        told = {column: kind for column, kind in self._found.items() if kind is not None}
        return {column: cast("Type", "text" if kind == EMPTY else kind) for column, kind in told.items()}


def columns_of(types: Mapping[str, Type]) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name, kind in types.items())


def plain_row(item: Any, kinds: Kinds) -> dict[str, Any]:
    """One item as a row of plain values; what is no mapping becomes the column `value`, as with dlt."""
    row: dict[str, Any] = {}
    for name, value in _fields(item).items():
        column = name if type(name) is str else str(name)  # SQLAlchemy's names are more than texts
        row[column], kind = plain(value)
        kinds.add(column, kind)
    return row


def _fields(item: Any) -> Mapping[Any, Any]:
    if isinstance(item, Mapping):
        return item
    if hasattr(item, "model_dump"):
        return cast("Mapping[Any, Any]", item.model_dump())
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return dataclasses.asdict(item)
    if hasattr(item, "_asdict"):
        return cast("Mapping[Any, Any]", item._asdict())
    return {"value": item}


def plain(value: Any) -> tuple[Any, str | None]:
    """A value as JSON can hold it, exactly, and its kind: a Type, `empty`, or None for what is no value at all."""
    if value is None or isinstance(value, bool):
        return value, None if value is None else "bool"
    if isinstance(value, str) and not isinstance(value, Enum):
        return _text(value)
    if isinstance(value, int) and not isinstance(value, Enum):
        return (int(value), "bigint") if -LIMIT <= value < LIMIT else (str(value), "text")
    if isinstance(value, float):
        return (None, None) if math.isnan(value) else _float(value)
    return _rarer(value)


def _text(value: str) -> tuple[str, str]:
    if not value:
        return value, EMPTY
    if value[:1].isdigit() and len(value) >= 16 and ISO.match(value):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return value, "text"
        return value, "timestamp"
    return str(value), "text"


def _float(value: float) -> tuple[Any, str]:
    return (float(value), "double") if math.isfinite(value) else (str(float(value)), "double")


def _rarer(value: Any) -> tuple[Any, str | None]:
    if isinstance(value, date | time):
        return _moment(value)
    if isinstance(value, Decimal):
        return (f"{value:f}", "decimal") if value.is_finite() else (None, None)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return nested(value), "json"
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode(), "text"
    if type(value).__name__ == "NAType":
        return None, None
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return plain(value.tolist())
    return str(value), "text"


def _moment(value: date | time) -> tuple[Any, str | None]:
    if value != value:  # noqa: PLR0124 -- pandas' NaT, which is a datetime
        return None, None
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.isoformat(timespec="microseconds"), "timestamp"
    return value.isoformat(), "date" if isinstance(value, date) else "text"


def nested(value: Any) -> Any:
    """A list or mapping all the way down."""
    if isinstance(value, Mapping):
        return {str(key): nested(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((nested(inner) for inner in value), key=str)
    if isinstance(value, list | tuple):
        return [nested(inner) for inner in value]
    return plain(value)[0]


def distinct(
    rows: Iterable[dict[str, Any]], key: tuple[str, ...], size: int
) -> Iterator[list[dict[str, Any]]]:
    """Pages of at most `size` rows in which no key comes twice: of two rows of one key the later page is the newer."""
    page: list[dict[str, Any]] = []
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        name = tuple(str(row.get(column)) for column in key)
        if len(page) >= size or name in seen:
            yield page
            page, seen = [], set()
        page.append(row)
        seen.add(name)
    if page:
        yield page
