"""The tables that also live on this machine: `tailrace_meta`, and of what is landed the current rows and keys while they are few."""

from __future__ import annotations

from tailrace.warehouse.base import META, STAGE, TableRef
from tailrace.warehouse.bigquery import logged
from tailrace.warehouse.bigquery.fence import TABLE as FENCE
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.lease_entry import lock_of
from tailrace.warehouse.duckdb import DuckDBWarehouse

FEW = 2_000_000
"""Rows of a landed table up to which a copy is kept here."""


class Near:
    """Which tables are here, which are there, and how a copy gets here."""

    def __init__(self, local: DuckDBWarehouse, jobs: Jobs, limit: int = FEW) -> None:
        self._local, self._jobs, self._limit = local, jobs, limit
        self._here: dict[TableRef, bool] = {}
        self._awaited: set[TableRef] = set()
        self._compared: set[TableRef] = set()
        self._large: set[TableRef] = set()

    @property
    def limit(self) -> int:
        """Rows of a table up to which a copy is kept."""
        return self._limit

    def is_here(self, ref: TableRef) -> bool:
        """Whether a statement can read the table on this machine."""
        return ref.schema in (META, STAGE) or self.is_both(ref)

    def is_both(self, ref: TableRef) -> bool:
        """Whether what is written here has to be written there as well."""
        if ref.schema == META:
            return True
        if ref not in self._here:
            self._here[ref] = ref.schema != STAGE and bool(self._local.columns(ref))
        return self._here[ref]

    def keep(self, ref: TableRef) -> None:
        """From now on a copy is kept here, where the table is not too large; what is there already is fetched."""
        if self.is_both(ref) and self._rows(ref) > self._limit:
            self.let_go(ref)
            self._large.add(
                ref
            )  # the catalogue's number of rows may lag behind: it does not come back in this session
        if self._limit <= 0 or ref in self._large or (self.is_both(ref) and ref in self._compared):
            return
        found = self._jobs.table(ref)
        self._compared.add(ref)
        if self.is_both(ref):
            if found is not None and found.columns == self._local.columns(ref):
                return
            self.let_go(ref)  # somebody dropped it there, or gave it other columns
        if found is None:
            self._awaited.add(ref)
        elif found.rows <= self._limit:
            self.fetch(ref)
            self._here[ref] = True

    def _rows(self, ref: TableRef) -> int:
        return int(self._local.query(f"SELECT count(*) FROM {self._local.dialect.table(ref)}")[0][0])

    def is_awaited(self, ref: TableRef) -> bool:
        """Whether a copy is to be kept of a table that is not there yet."""
        return ref in self._awaited

    def came(self, ref: TableRef) -> None:
        """The table was made here, or is gone from here."""
        self._awaited.discard(ref)
        self._here.pop(ref, None)

    def fetch(self, ref: TableRef) -> None:
        """The table as it is there, in place of what is here."""
        source = logged.log_of(ref) if logged.holds(ref) else ref
        into = TableRef(STAGE, source.name) if logged.holds(ref) else ref
        found = self._jobs.table(source)
        name = self._local.dialect.table(into)
        self._local.ensure_schema(ref.schema)
        self._local.ensure_schema(into.schema)
        with self._local.transaction():
            self._local.execute(f"DROP TABLE IF EXISTS {self._local.dialect.table(ref)}")
            if found is None:
                return
            columns = ", ".join(
                f"{self._local.dialect.quote(one)} {kind}" for one, kind in found.columns.items()
            )
            self._local.execute(f"CREATE TABLE {name} ({columns})")
            for page in self._jobs.read(source):
                with self._local.registered("_tailrace_page", page) as rows:
                    self._local.execute(f"INSERT INTO {name} BY NAME SELECT * FROM {rows}")
            if logged.holds(ref):
                logged.fold(self._local, into, ref)

    def fetch_all(self) -> None:
        """Every table that is here as it is there now: somebody else may have written since."""
        kept = self._local.query(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary AND schema_name <> ?",
            [STAGE],
        )
        refs = {TableRef(schema, name) for schema, name in kept}
        meta = {name for name, kind in self._jobs.tables(META).items() if kind == "table"}
        for ref in sorted(refs | {logged.shown(TableRef(META, name)) for name in meta}):
            if ref != FENCE and (ref.schema != META or lock_of(ref.name) is None):
                self.fetch(ref)
        self._here.clear()

    def let_go(self, ref: TableRef) -> None:
        """The table is no more, or too large to be here."""
        self._local.execute(f"DROP TABLE IF EXISTS {self._local.dialect.table(ref)}")
        self._here.pop(ref, None)
