"""How each engine spells what the templates need; the statements themselves are the same on both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tailrace.records import Type
from tailrace.warehouse.base import TableRef

DUCKDB_TYPES: dict[Type, str] = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "decimal": "DECIMAL(38, 9)",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "json": "VARCHAR",
}


@dataclass(frozen=True)
class DuckDBDialect:
    """DuckDB's spelling. Instants are UTC without a zone, so that no session setting changes what is read."""

    name: str = "duckdb"

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def table(self, ref: TableRef) -> str:
        return f"{self.quote(ref.schema)}.{self.quote(ref.name)}"

    def type(self, kind: Type) -> str:
        return DUCKDB_TYPES[kind]

    def literal(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def row_hash(self, alias: str, columns: Mapping[str, str]) -> str:
        """Name, length and text of every column that is not NULL, so no value can imitate a border."""
        if not columns:
            return "md5('')"
        return f"md5(concat_ws('|', {', '.join(self._named(alias, name, kind) for name, kind in columns.items())}))"

    def _named(self, alias: str, name: str, kind: str) -> str:
        column = f"{alias}.{self.quote(name)}"
        exact = kind.upper() in ("DOUBLE", "FLOAT")
        text = f"printf('%.17g', {column} + 0.0)" if exact else self.typed_text(column, kind)
        return f"{self.literal(name + '=')} || strlen({text}) || ':' || {text}"

    def typed_text(self, expression: str, engine_type: str) -> str:
        kind = engine_type.upper()
        if kind.startswith("VARCHAR"):
            return expression
        if kind.startswith("DECIMAL"):
            text = f"CAST({expression} AS VARCHAR)"
            return f"CASE WHEN strpos({text}, '.') > 0 THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
        if kind in ("DOUBLE", "FLOAT"):
            return f"printf('%.15g', {expression} + 0.0)"
        if kind.startswith("TIMESTAMP"):
            return f"CAST(epoch_us({expression}) AS VARCHAR)"
        return f"CAST({expression} AS VARCHAR)"
