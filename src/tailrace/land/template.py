"""The statements of the one transaction. Only identifiers' quotes, types and the row's hash differ between engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tailrace.land.layout import Layout, quoted, same_key
from tailrace.warehouse.base import TableRef, Warehouse

LAND, KEPT, OWN = "_tailrace_land", "_tailrace_kept", "_tailrace_own"
INFERRED = 0
"""The shape of a tombstone that a scope implies: the vendor has not said so."""


@dataclass(frozen=True)
class Span:
    """The raw rows behind `after` up to `upto`, read with the column set `shape`.

    `repeated`: some came twice under one number. `only`: a table of keys; rows of other keys are passed over.
    """

    after: int
    upto: int
    shape: int
    repeated: bool = False
    only: str | None = None


def inside(warehouse: Warehouse, layout: Layout, span: Span) -> str:
    """The span as a condition on raw rows `r`."""
    where = f"r._raw_seq > {span.after} AND r._raw_seq <= {span.upto}"
    if span.only is None:
        return where
    return (
        f"{where} AND EXISTS (SELECT 1 FROM {span.only} AS o WHERE {same_key(warehouse, layout, 'o', 'r')})"
    )


class Template:
    """The statements. Only identifiers' quotes, types and the row's hash differ between engines."""

    def __init__(self, warehouse: Warehouse, layout: Layout, span: Span, *, reshaped: bool = False) -> None:
        self._warehouse, self._layout, self._span = warehouse, layout, span
        self._reshaped = reshaped
        self._table, self._quote = warehouse.dialect.table, warehouse.dialect.quote

    def raw_rows(self) -> str:
        once = " QUALIFY ROW_NUMBER() OVER (PARTITION BY _raw_seq) = 1" if self._span.repeated else ""
        table = self._table(self._layout.raw)
        return f"SELECT r.* FROM {table} AS r WHERE {inside(self._warehouse, self._layout, self._span)}{once}"

    def hash(self) -> str:
        return f"CASE WHEN r._deleted THEN '' ELSE {self._warehouse.dialect.row_hash('r', self._layout.hashed())} END"

    def _known(self) -> str:
        """What was known of the keys; one last read with other columns is hashed again over those of this read."""
        layout = self._layout
        head = f"SELECT {self._names(layout.key, 'k')}, -1 AS _pos, k._version_at, k._deleted, k._shape"
        where = f"WHERE EXISTS (SELECT 1 FROM r WHERE {self._same('r', 'k')})"
        if not self._reshaped:
            return f"{head}, k._hash FROM {self._table(layout.keys)} AS k {where}"
        again = self._warehouse.dialect.row_hash("t", layout.hashed())
        same = f"k._deleted OR k._shape = {self._span.shape}"
        return f"""{head}, CASE WHEN {same} THEN k._hash ELSE {again} END AS _hash
  FROM {self._table(layout.keys)} AS k LEFT JOIN {self._table(layout.current)} AS t ON {self._same("t", "k")} {where}"""

    def _names(self, names: Sequence[str], alias: str = "") -> str:
        return quoted(self._warehouse, names, alias)

    def _same(self, left: str, right: str) -> str:
        return same_key(self._warehouse, self._layout, left, right)

    def land(self) -> str:
        """Narrow rows only: which raw rows are newer than all before them, and what each of them does."""
        key = self._layout.key
        bare = self._names(key)
        return f"""CREATE OR REPLACE TEMP TABLE {LAND} AS
WITH r AS ({self.raw_rows()}),
seen AS (
  SELECT {self._names(key, "r")}, r._raw_seq AS _pos, r._version_at, r._deleted, r._shape, {self.hash()} AS _hash FROM r
  UNION ALL
  {self._known()}),
ranked AS (
  SELECT *, DENSE_RANK() OVER (PARTITION BY {bare} ORDER BY _version_at, _deleted, _shape, _hash) AS _rank FROM seen),
best AS (
  SELECT *, MAX(_rank) OVER (PARTITION BY {bare} ORDER BY _pos ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS _best
  FROM ranked),
kept AS (SELECT * FROM best WHERE _best IS NULL OR _rank > _best),
step AS (
  SELECT *, LAG(_deleted) OVER w AS _was_deleted, LAG(_hash) OVER w AS _was_hash, LAG(_pos) OVER w AS _was_pos,
    LEAD(_pos) OVER w IS NULL AS _last
  FROM kept WINDOW w AS (PARTITION BY {bare} ORDER BY _pos)),
told AS (
  SELECT *,
    CASE WHEN _was_deleted IS NULL OR _was_deleted THEN CASE WHEN _deleted THEN NULL ELSE 'insert' END
         WHEN _deleted THEN 'delete' WHEN _hash <> _was_hash THEN 'update' END AS _op
  FROM step WHERE _pos >= 0)
SELECT {bare}, _pos, _version_at, _deleted, _shape, _hash, _was_pos, _last, _op{self._fresh()} FROM told"""

    def _fresh(self) -> str:
        """Whether the row's present life began among these rows: then there is no last value to keep."""
        if not self._layout.kept:
            return ""
        born = "MAX(CASE WHEN _op = 'insert' THEN 1 ELSE 0 END)"
        return f", {born} OVER (PARTITION BY {self._names(self._layout.key)} ORDER BY _pos) = 1 AS _fresh"

    def compared(self) -> str:
        """What landed (`l`), its row (`r`), and what it was before: `p`, the row before it here, or `t`, the current one."""
        return f"""{LAND} AS l JOIN r ON r._raw_seq = l._pos LEFT JOIN r AS p ON p._raw_seq = l._was_pos
LEFT JOIN {self._table(self._layout.current)} AS t ON {self._same("t", "l")}"""

    def log(self, *, own: bool) -> str:
        """`own`: some of the updates are our own writes, in a temporary table."""
        layout = self._layout
        others = [name for name in layout.logged() if name not in layout.key]
        head = self._names(
            (
                *(
                    "_op",
                    "_changed_at",
                    "_seen_at",
                    "_run_id",
                    "_seq",
                    "_changed_fields",
                    "_merged_into",
                    "_origin",
                ),
                *(*layout.key, *others),
            )
        )
        text = self._warehouse.dialect.type("text")
        before = {name: self.before(name) for name in others}
        after = [self._after(name, before[name]) for name in others]
        common = f"l._op, {self._changed_at()}, r._seen_at, r._run_id, l._pos, {{fields}}, r._merged_into, {{origin}}, {self._names(layout.key, 'r')}"
        inserts = ", ".join(["", *(f"r.{self._quote(name)}" for name in others)])
        nothing = f"CAST(NULL AS {text})"
        whose, owned = ("o._origin", f" LEFT JOIN {OWN} AS o ON o._pos = l._pos") if own else (nothing, "")
        return f"""INSERT INTO {self._table(layout.log)} ({head})
WITH r AS ({self.raw_rows()})
SELECT {common.format(fields=nothing, origin=nothing)}{inserts}
FROM {LAND} AS l JOIN r ON r._raw_seq = l._pos WHERE l._op = 'insert'
UNION ALL
SELECT {common.format(fields=self._changed_fields(before), origin=whose)}{", ".join(["", *after])}
FROM {self.compared()}{owned}
WHERE l._op IN ('update', 'delete') ORDER BY 5"""

    def _changed_at(self) -> str:
        """The vendor's time; of an end that a complete read implies, when that was."""
        return f"CASE WHEN l._deleted AND l._shape = {INFERRED} THEN r._seen_at ELSE l._version_at END"

    def before(self, name: str) -> str:
        """A column as it was before the row: of the row before it here, else of the current table."""
        column = self._quote(name)
        if name in self._layout.kept:
            return f"CASE WHEN l._fresh THEN NULL ELSE t.{column} END"
        return f"CASE WHEN l._was_pos >= 0 THEN p.{column} ELSE t.{column} END"

    def _after(self, name: str, before: str) -> str:
        """A delete shows the row before it, unless the person was erased."""
        gone = f"WHEN r._erased THEN NULL ELSE {before}"
        if name in self._layout.kept:
            return f"CASE {gone} END"
        return f"CASE WHEN l._op <> 'delete' THEN r.{self._quote(name)} {gone} END"

    def _changed_fields(self, before: dict[str, str]) -> str:
        text = self._warehouse.dialect.type("text")
        read = {name: was for name, was in before.items() if name not in self._layout.kept}
        if not read:
            return f"CAST(NULL AS {text})"
        named = ", ".join(
            f"CASE WHEN r.{self._quote(name)} IS DISTINCT FROM {was} THEN '{(',' + name).replace(chr(39), chr(39) * 2)}' ELSE '' END"
            for name, was in read.items()
        )
        return f"CASE WHEN l._op = 'update' THEN SUBSTR(CONCAT({named}), 2) END"

    def current(self) -> Iterator[str]:
        """The last kept row of each key in place of what is there; touches too, since they move the cursor columns.

        DELETE and INSERT, for DuckDB rewrites every block that an UPDATE touches: five times the price at 1% changed.
        """
        layout, names = self._layout, list(self._layout.columns)
        if layout.kept:
            kept = self._names((*layout.key, *sorted(layout.kept)), "t")
            yield (
                f"CREATE OR REPLACE TEMP TABLE {KEPT} AS SELECT {kept} FROM {self._table(layout.current)} AS t"
                f" WHERE EXISTS (SELECT 1 FROM {LAND} AS l WHERE l._last AND NOT l._fresh AND {self._same('l', 't')})"
            )
        yield self._without(layout.current)
        values = ", ".join(f"{'k' if name in layout.kept else 'r'}.{self._quote(name)}" for name in names)
        join = f" LEFT JOIN {KEPT} AS k ON {self._same('k', 'l')}" if layout.kept else ""
        yield f"""INSERT INTO {self._table(layout.current)} ({self._names(names)})
WITH r AS ({self.raw_rows()})
SELECT {values} FROM {LAND} AS l JOIN r ON r._raw_seq = l._pos{join} WHERE l._last AND NOT l._deleted"""
        if layout.kept:
            yield f"DROP TABLE {KEPT}"

    def keys(self) -> Iterator[str]:
        """The newest version of every key that came."""
        names = self._names((*self._layout.key, "_version_at", "_deleted", "_shape", "_hash"))
        yield self._without(self._layout.keys)
        yield f"INSERT INTO {self._table(self._layout.keys)} ({names}) SELECT {names} FROM {LAND} WHERE _last"

    def _without(self, ref: TableRef) -> str:
        same = self._same("l", "t")
        return f"DELETE FROM {self._table(ref)} AS t WHERE EXISTS (SELECT 1 FROM {LAND} AS l WHERE l._last AND {same})"
