"""The same models on DuckDB and on the emulator of BigQuery, over the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.build.materialize.plot import NOW, Plot

from tailrace.build.asked import NOTHING, Asked
from tailrace.state.runs import StepResult
from tailrace.transpile.statements import to_bigquery
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse


class FarPlot(Plot):
    """A plot whose warehouse is BigQuery's; models are written in DuckDB's words, as compile would have carried them over."""

    def __init__(self, path: Path, client: Any, now: Any = NOW, *, fresh: bool = True) -> None:
        for dataset in list(client.list_datasets()) if fresh else ():
            client.delete_dataset(dataset, delete_contents=True)
        self.jobs = Jobs(client, {"project": client.project, "location": "US"})
        self.sent: list[str] = []
        self.local = DuckDBWarehouse(path / "work.duckdb")
        super().__init__(None, now)

    def open(self, _path: Path | None) -> Any:
        warehouse = BigQueryWarehouse(self.local, self.jobs)
        run = self.jobs._run

        def heard(sql: str, *more: Any) -> Any:
            self.sent.append(str(sql))
            return run(sql, *more)

        self.jobs._run = heard  # type: ignore[method-assign]
        return warehouse

    def rows(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.warehouse.query(f"SELECT {columns} FROM marts.{name}")

    def sql(self, text: str) -> str:
        return to_bigquery(text, self.schema) if text else ""

    @property
    def schema(self) -> dict[str, dict[str, str]]:
        refs = [
            TableRef(schema, name) for schema in ("raw", "marts") for name in self.warehouse.tables(schema)
        ]
        return {str(ref): self.warehouse.columns(ref) for ref in refs}


class Twin:
    """Everything is said once and done to both; `rows` are those of both, which are equal."""

    def __init__(self, path: Path, client: Any) -> None:
        self.near, self.far = Plot(), FarPlot(path, client)
        self.both: tuple[Plot, Plot] = (self.near, self.far)

    def __getattr__(self, name: str) -> Any:
        def each(*arguments: Any, **words: Any) -> Any:
            return [getattr(plot, name)(*arguments, **words) for plot in self.both][-1]

        return each

    def at(self, now: Any) -> None:
        for plot in self.both:
            plot.now = now

    def build(self, *selected: str, asked: Asked = NOTHING) -> dict[str, StepResult]:
        """The results, which are the same but for their seconds."""
        near, far = (plot.build(*selected, asked=asked) for plot in self.both)
        told = [
            {name: (one.status, one.rows_out, one.detail.get("why")) for name, one in found.items()}
            for found in (near, far)
        ]
        assert told[1] == told[0], [one.error for one in far.values()]
        return far

    def built(self, asked: Asked = NOTHING) -> list[str]:
        results = self.build(asked=asked)
        errors = [result.error for result in results.values() if result.error]
        assert not errors, errors
        return sorted(name for name, result in results.items() if result.status == "ok")

    def rows(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        near, far = (sorted(plot.rows(name, columns), key=repr) for plot in self.both)
        assert far == near
        return far

    def close(self) -> None:
        self.near.warehouse.close()
        self.far.local.close()
