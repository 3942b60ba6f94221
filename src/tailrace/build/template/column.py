"""A column as templates hold it, as dbt's Column does; types are the warehouse's words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

_TYPE = re.compile(r"([^(]+)(?:\(([^)]*)\))?")
_TEXTS = ("text", "character varying", "character", "varchar", "string")
_FLOATS = ("real", "float4", "float", "double precision", "float8", "double", "float64")
_INTEGERS = (
    "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint", "int1", "int2",
    "int4", "int8", "short", "int", "signed", "long", "int64",
)  # fmt: skip
_NUMERICS = ("numeric", "decimal", "bignumeric")


@dataclass(frozen=True)
class Column:
    """`dtype` is the type's name without its sizes, which stand beside it."""

    column: str
    dtype: str
    char_size: int | None = None
    numeric_precision: Any = None
    numeric_scale: Any = None
    mark: str = '"'

    @property
    def name(self) -> str:
        return self.column

    @property
    def quoted(self) -> str:
        return f"{self.mark}{self.column.replace(self.mark, self.mark * 2)}{self.mark}"

    @property
    def data_type(self) -> str:
        if self.is_string():
            return self.string_type(self.string_size())
        if self.is_numeric():
            return self.numeric_type(self.dtype, self.numeric_precision, self.numeric_scale)
        return self.dtype

    @property
    def expanded_data_type(self) -> str:
        return self.data_type

    def is_string(self) -> bool:
        return self.dtype.lower() in _TEXTS

    def is_number(self) -> bool:
        return self.is_integer() or self.is_numeric() or self.is_float()

    def is_float(self) -> bool:
        return self.dtype.lower() in _FLOATS

    def is_integer(self) -> bool:
        return self.dtype.lower() in _INTEGERS

    def is_numeric(self) -> bool:
        return self.dtype.lower() in _NUMERICS

    def is_struct(self) -> bool:
        return self.dtype.lower().startswith("struct")

    def string_size(self) -> int:
        return 256 if self.dtype == "text" or self.char_size is None else int(self.char_size)

    def can_expand_to(self, other: Column) -> bool:
        return self.is_string() and other.is_string() and other.string_size() > self.string_size()

    def literal(self, value: Any) -> str:
        return f"{value}::{self.data_type}"

    def string_type(self, size: int) -> str:
        return f"character varying({size})" if self.mark == '"' else "string"

    @staticmethod
    def numeric_type(dtype: str, precision: Any, scale: Any) -> str:
        return dtype if precision is None or scale is None else f"{dtype}({precision},{scale})"

    def __str__(self) -> str:
        return f"<Column {self.column} ({self.data_type})>"


class ColumnClass:
    """What templates know as api.Column."""

    def __init__(self, dialect: str) -> None:
        self._bigquery = dialect == "bigquery"
        self._mark = "`" if self._bigquery else '"'

    def __call__(
        self,
        column: str,
        dtype: str,
        char_size: int | None = None,
        numeric_precision: Any = None,
        numeric_scale: Any = None,
    ) -> Column:
        return Column(column, dtype, char_size, numeric_precision, numeric_scale, self._mark)

    def create(self, name: str, label_or_dtype: str) -> Column:
        return self(name, self.translate_type(label_or_dtype))

    def translate_type(self, dtype: str) -> str:
        if not self._bigquery:
            return "TEXT" if dtype.upper() == "STRING" else dtype
        names = {"TEXT": "string", "FLOAT": "float64", "INTEGER": "int64", "BOOLEAN": "bool"}
        return names.get(dtype.upper(), dtype)

    def numeric_type(self, dtype: str, precision: Any, scale: Any) -> str:
        return dtype if self._bigquery else Column.numeric_type(dtype, precision, scale)

    def string_type(self, size: int) -> str:
        return "string" if self._bigquery else f"character varying({size})"

    def from_description(self, name: str, raw_data_type: str) -> Column:
        """A column from a type as the warehouse writes it: `DECIMAL(18,3)`."""
        found = _TYPE.match(raw_data_type)
        sizes = found[2].split(",") if found and found[2] else []
        plain = Column(name, found[1] if found else raw_data_type, mark=self._mark)
        if not found or not all(size.strip().isdigit() for size in sizes) or len(sizes) > 2:
            return replace(plain, dtype=raw_data_type)
        if len(sizes) == 1:
            return replace(plain, char_size=int(sizes[0]))
        if sizes:
            return replace(plain, numeric_precision=int(sizes[0]), numeric_scale=int(sizes[1]))
        return plain
