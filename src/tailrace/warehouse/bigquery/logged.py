"""Tables of ours whose rows change by key: over there a log that grows, and a view of each key's newest row.

A DELETE or UPDATE over there is billed by the size of its table, an INSERT into a log by what it adds. The table itself is here:
statements change it here, and the transaction's last word on every key that they touched is added to the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from tailrace.errors import WarehouseError
from tailrace.warehouse.base import META, STAGE, TableRef
from tailrace.warehouse.bigquery import types
from tailrace.warehouse.bigquery.ddl import create_table
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.statement import Statement
from tailrace.warehouse.bigquery.uploads import Uploads
from tailrace.warehouse.duckdb import DuckDBWarehouse

if TYPE_CHECKING:
    import pyarrow as pa

KEY = ("account", "object", "sync", "primary_key")
TABLES = frozenset({TableRef(META, "ledger"), TableRef(META, "dead_letters")})
"""Have one row a key."""
END = "__log"
OWN = {"_n": "BIGINT", "_gone": "BOOLEAN", "_at": "TIMESTAMP"}
"""What a log has besides its table's columns: a number that grows with every transaction, whether the row is gone, and when."""
DAY, CLUSTER = "_at", ("sync", "primary_key")

NUMBERS = TableRef(STAGE, "logged")
"""The last number and the rows of each log. As true as the copies are: who fetches those counts anew."""
TIMES, LEAST = 3, 100_000
"""A log of so many rows for each of its table, and of so many at all, is begun anew."""
CHANGED = "_tailrace_changed"
PAGE = 100_000
"""Rows in memory at once."""


def holds(ref: TableRef) -> bool:
    return ref in TABLES


def log_of(ref: TableRef) -> TableRef:
    return ref.suffixed(END)


def shown(ref: TableRef) -> TableRef:
    """The table that a log is of; any other as it is."""
    table = TableRef(ref.schema, ref.name.removesuffix(END))
    return table if table in TABLES else ref


def columns_of(local: DuckDBWarehouse, sql: str) -> dict[str, str]:
    """Names and types of the columns that a statement defines, as DuckDB calls them."""
    import sqlglot
    from sqlglot import exp

    columns = sqlglot.parse_one(sql, read="duckdb").find_all(exp.ColumnDef)
    found = {one.name: one.kind.sql("duckdb") for one in columns if one.kind}
    if not found:
        return {}
    kinds = ", ".join(f"typeof(CAST(NULL AS {kind}))" for kind in found.values())
    return dict(zip(found, local.query(f"SELECT {kinds}")[0], strict=True))


def _set(sql: str) -> set[str]:
    """The columns that an UPDATE sets."""
    import sqlglot
    from sqlglot import exp

    found = sqlglot.parse_one(sql, read="duckdb")
    return {one.this.name.casefold() for one in found.expressions} if isinstance(found, exp.Update) else set()


def view(project: str, ref: TableRef, columns: Iterable[str]) -> str:
    """The table as readers over there see it, in BigQuery's words; with its project, since readers may bill another one."""
    listed, key = (", ".join(f"`{name}`" for name in names) for names in (columns, KEY))
    log = log_of(ref)
    return (
        f"CREATE OR REPLACE VIEW `{project}`.`{ref.schema}`.`{ref.name}` AS SELECT {listed} FROM"
        f" (SELECT * FROM `{project}`.`{log.schema}`.`{log.name}` WHERE TRUE"
        f" QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY `_n` DESC) = 1) WHERE NOT `_gone`"
    )


def defined(jobs: Jobs, local: DuckDBWarehouse, found: Statement, ref: TableRef) -> list[str]:
    """What a CREATE or ALTER TABLE is over there: statements for log and view, which done twice do no harm."""
    new = columns_of(local, found.sql)
    if found.kind not in ("make", "alter") or not new:
        raise WarehouseError(f"{ref} is a log in BigQuery, which takes new columns alone")
    if found.kind == "make":
        create_table(jobs, log_of(ref), {**new, **OWN}, partition=DAY, cluster=CLUSTER)
        return [view(jobs.project, ref, new)]
    kinds = {name: types.to_bigquery(kind) for name, kind in new.items()}
    added = ", ".join(f"ADD COLUMN IF NOT EXISTS `{name}` {kind}" for name, kind in kinds.items())
    log = log_of(ref)
    return [
        f"ALTER TABLE `{log.schema}`.`{log.name}` {added}",
        view(jobs.project, ref, {**local.columns(ref), **new}),
    ]


def fold(local: DuckDBWarehouse, log: TableRef, ref: TableRef) -> None:
    """Make the table of its log's rows, which lie in `log` here, and take those away; in the caller's transaction."""
    rows, name = local.dialect.table(log), local.dialect.table(ref)
    listed = ", ".join(local.dialect.quote(one) for one in local.columns(log) if one not in OWN)
    key = ", ".join(KEY)
    local.execute(
        f"CREATE TABLE {name} AS SELECT {listed} FROM {rows} WHERE NOT _gone"
        f" AND rowid IN (SELECT max_by(rowid, _n) FROM {rows} GROUP BY {key})"
    )
    last, number = local.query(f"SELECT coalesce(max(_n), 0), count(*) FROM {rows}")[0]
    local.execute(f"DROP TABLE {rows}")
    _remember(local, ref, int(last), int(number))


def _remember(local: DuckDBWarehouse, ref: TableRef, last: int, rows: int) -> None:
    name = local.dialect.table(NUMBERS)
    local.ensure_schema(NUMBERS.schema)
    local.execute(f"CREATE TABLE IF NOT EXISTS {name} (name VARCHAR, last BIGINT, rows BIGINT)")
    local.execute(f"DELETE FROM {name} WHERE name = ?", [ref.name])
    local.execute(f"INSERT INTO {name} VALUES (?, ?, ?)", [ref.name, last, rows])


def _numbers(local: DuckDBWarehouse, ref: TableRef) -> tuple[int, int]:
    """The last number of a log, and its rows."""
    name = local.dialect.table(NUMBERS)
    ((last, rows),) = local.query(f"SELECT last, rows FROM {name} WHERE name = ?", [ref.name])
    return int(last), int(rows)


class Logged:
    """The keys that a transaction has changed, and what its script says of them."""

    def __init__(self, local: DuckDBWarehouse) -> None:
        self._local = local
        self._changed: dict[TableRef, list[pa.Table]] = {}

    def change(self, sql: str, ref: TableRef) -> int:
        """A DELETE or UPDATE here; returns the rows that it changed. A key stays what it is: its log would go on with the old one."""
        if moved := _set(sql) & set(KEY):
            raise WarehouseError(f"{min(moved)} is a key of {ref}", "delete the rows and insert them anew")
        keys = self._local.arrow(f"{sql.rstrip('; ')} RETURNING {', '.join(KEY)}")
        self.note(ref, keys)
        return int(keys.num_rows)

    def note(self, ref: TableRef, rows: pa.Table) -> None:
        """Rows whose keys were written here."""
        import pyarrow as pa

        if rows.num_rows:
            keys = rows.select(KEY).cast(pa.schema([(name, pa.string()) for name in KEY]))
            self._changed.setdefault(ref, []).append(keys)

    def forget(self) -> None:
        """The transaction is over."""
        self._changed.clear()

    def statements(self, uploads: Uploads) -> Iterator[tuple[str, TableRef]]:
        """What the script says, in BigQuery's words, and of which table; inside the transaction, at its end."""
        import pyarrow as pa

        for ref, keys in self._changed.items():
            with self._local.registered(CHANGED, pa.concat_tables(keys)) as name:
                yield from ((said, ref) for said in self._said(ref, name, uploads))

    def _said(self, ref: TableRef, changed: str, uploads: Uploads) -> Iterator[str]:
        log, table = f"`{ref.schema}`.`{log_of(ref).name}`", self._local.dialect.table(ref)
        last, logged = _numbers(self._local, ref)
        keys = f"(SELECT DISTINCT * FROM {changed})"
        more, live = (int(self._local.query(f"SELECT count(*) FROM {one}")[0][0]) for one in (keys, table))
        anew = logged + more > max(TIMES * live, LEAST)
        if anew:
            yield f"TRUNCATE TABLE {log}"
            logged, more = 0, live
        _remember(self._local, ref, last + 1, logged + more)
        if more:
            source = self._whole(ref, last + 1, uploads) if anew else self._few(ref, keys, last + 1, uploads)
            listed = ", ".join(f"`{name}`" for name in (*self._local.columns(ref), "_n", "_gone"))
            yield f"INSERT INTO {log} ({listed}, `_at`) SELECT {listed}, CURRENT_TIMESTAMP() FROM {source}"

    def _few(self, ref: TableRef, keys: str, number: int, uploads: Uploads) -> str:
        """The rows of these keys as they are now; of one that has none the key alone."""
        quote = self._local.dialect.quote
        same = " AND ".join(f"l.{name} IS NOT DISTINCT FROM k.{name}" for name in KEY)
        values = self._values(ref, number, lambda name: f"{'k' if name in KEY else 'l'}.{quote(name)}")
        joined = f"{keys} AS k LEFT JOIN {self._local.dialect.table(ref)} AS l ON {same}"
        return uploads.relation(self._local.arrow(f"SELECT {values}, l.rowid IS NULL AS _gone FROM {joined}"))

    def _whole(self, ref: TableRef, number: int, uploads: Uploads) -> str:
        """The table as it is now."""
        import pyarrow as pa

        values = self._values(ref, number, self._local.dialect.quote)
        sql = f"SELECT {values}, false AS _gone FROM {self._local.dialect.table(ref)}"
        assert self._local.path is not None
        path = self._local.path.with_name(f"{log_of(ref).name}.parquet")
        columns = {**self._local.columns(ref), "_n": OWN["_n"], "_gone": OWN["_gone"]}
        batches = self._local.native().execute(sql).to_arrow_reader(PAGE)
        return uploads.streamed(columns, (pa.Table.from_batches([one]) for one in batches), path)

    def _values(self, ref: TableRef, number: int, of: Callable[[str], str]) -> str:
        """The columns of the table, whole numbers as BigQuery has them, and the row's number."""
        quote = self._local.dialect.quote
        kinds = {
            name: "BIGINT" if kind in types.WHOLE else kind for name, kind in self._local.columns(ref).items()
        }
        listed = [f"CAST({of(name)} AS {kind}) AS {quote(name)}" for name, kind in kinds.items()]
        return f"{', '.join(listed)}, CAST({number} AS BIGINT) AS _n"
