"""What vendors accepted from a sync, by record, so that landing can tell it when it comes back.

The SQL here is DuckDB's, as that of the ledger's JSON is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tailrace.activate.ledger import LEDGER, within
from tailrace.activate.mapping import literal, path
from tailrace.activate.result import Scope
from tailrace.warehouse.base import META, Warehouse


def syncs_with_rows(warehouse: Warehouse, syncs: Sequence[str], obj: str) -> list[str]:
    """Those of the named syncs that have anything in the ledger, in the order given."""
    if not syncs or LEDGER.name not in warehouse.tables(META):
        return []
    names = ", ".join(literal(name) for name in syncs)
    rows = warehouse.query(
        f"SELECT DISTINCT sync FROM {warehouse.dialect.table(LEDGER)} WHERE object = ? AND sync IN ({names})",
        [obj],
    )
    found = {str(row[0]) for row in rows}
    return [name for name in syncs if name in found]


@dataclass(frozen=True)
class Written:
    """One sync's accepted values. `clears`: rows that left were cleared, so that NULL is what was accepted of them."""

    warehouse: Warehouse
    scope: Scope
    fields: tuple[str, ...]
    clears: bool = False

    @property
    def sync(self) -> str:
        return self.scope.sync

    def is_since(self, moment: datetime) -> bool:
        return bool(
            self.warehouse.query(
                f"SELECT 1 FROM {self._ledger()} WHERE {within(self.scope)} AND acked_at >= ? LIMIT 1",
                [moment],
            )
        )

    def accepted(self, columns: Mapping[str, str], keys: str, since: datetime) -> str:
        """See `land/echoes.py`: `"key"`, and each column's value as text of its engine type there."""
        values = ", ".join(
            f"{self._text(name, kind)} AS {self.warehouse.dialect.quote(name)}"
            for name, kind in columns.items()
        )
        return (
            f'SELECT remote_id AS "key", {values} FROM {self._ledger()} WHERE {within(self.scope)}'
            f" AND acked_at >= TIMESTAMP {literal(since.isoformat(sep=' '))} AND remote_id IN ({keys}) AND {self._is_known()}"
            " QUALIFY ROW_NUMBER() OVER (PARTITION BY remote_id ORDER BY acked_at DESC) = 1"
        )

    def _ledger(self) -> str:
        return self.warehouse.dialect.table(LEDGER)

    def _is_known(self) -> str:
        cleared = " OR status IN ('removed', 'filtered')" if self.clears else ""
        return f"(acked_values IS NOT NULL{cleared})"

    def _text(self, field: str, kind: str) -> str:
        """Vendors keep milliseconds, and tell a number that stands in a text without its `.0`."""
        value = f"json_extract_string(acked_values, {path(field)})"
        typed_text = self.warehouse.dialect.typed_text
        if kind.startswith("VARCHAR"):
            number = typed_text(f"TRY_CAST({value} AS DOUBLE)", "DOUBLE")
            is_double = f"json_type(acked_values, {path(field)}) = 'DOUBLE'"
            return f"CASE WHEN {is_double} THEN {number} ELSE {value} END"
        cast = f"TRY_CAST({value} AS {kind})"
        return typed_text(f"date_trunc('millisecond', {cast})" if kind == "TIMESTAMP" else cast, kind)
