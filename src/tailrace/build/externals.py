"""Versions of tables that nobody here makes: their content, read once a build, or the file that they lie in."""

from __future__ import annotations

from pathlib import Path

from tailrace.build.built import digest
from tailrace.errors import WarehouseError
from tailrace.warehouse.base import TableRef, Warehouse

HOME = "main"
"""The schema of a table that is named without one."""


class Externals:
    """Reading a table costs less than building a model on it anew; `unknown` is the version of what nobody can know."""

    def __init__(self, warehouse: Warehouse, unknown: str) -> None:
        self._warehouse = warehouse
        self._unknown = unknown
        self._found: dict[str, str] = {}

    def version(self, name: str) -> str:
        """Changes whenever the table, or `alias.schema.table` of an attached file, holds other rows."""
        if name not in self._found:
            self._found[name] = self._version(name)
        return self._found[name]

    def is_known(self, name: str) -> bool:
        """Whether it can be told at all that the table changed."""
        return self.version(name) != self._unknown

    def _version(self, name: str) -> str:
        if name.endswith("()"):
            return self._unknown
        *before, table = name.split(".", 2)
        schema = before.pop() if before else HOME
        catalog = before.pop() if before else ""
        if self._warehouse.engine != "duckdb":
            return self._unknown if catalog else self._stamp(TableRef(schema, table))
        return self._file(catalog) if catalog else self._content(TableRef(schema, table))

    def _stamp(self, table: TableRef) -> str:
        """What the catalogue tells for nothing; of a view, nothing."""
        return (self._warehouse.columns(table) and self._warehouse.stamp(table)) or self._unknown

    def _content(self, table: TableRef) -> str:
        columns = self._warehouse.columns(table)
        if not columns:
            return self._unknown
        sql = f"SELECT count(*), bit_xor(hash(t)), sum(hash(t)::HUGEINT) FROM {self._warehouse.dialect.table(table)} AS t"
        try:
            return digest(list(columns.items()), [str(value) for value in self._warehouse.query(sql)[0]])
        except WarehouseError:
            return self._unknown

    def _file(self, catalog: str) -> str:
        """An attached file is only read here, so its own times tell."""
        rows = self._warehouse.query("SELECT path FROM duckdb_databases() WHERE database_name = ?", [catalog])
        if not rows or not rows[0][0]:
            return self._unknown
        files = [Path(str(rows[0][0])), Path(f"{rows[0][0]}.wal")]
        stats = [path.stat() for path in files if path.exists()]
        return digest([[stat.st_mtime_ns, stat.st_size, stat.st_ino] for stat in stats])
