"""A warehouse and a graph of nodes made by hand: what is built does not depend on how models are written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tailrace.build.asked import NOTHING, Asked
from tailrace.build.batches import filtered
from tailrace.build.fingerprint import decide
from tailrace.build.graph import BatchInput, Graph, ModelNode, ordered
from tailrace.build.run import build
from tailrace.build.settings.incremental import Incremental, Microbatch
from tailrace.build.settings.model import Settings
from tailrace.build.settings.snapshot import Snapshot
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


class Plot:
    """`raw.<name>` are landed tables; `land` changes one and moves its version."""

    def __init__(self, path: Path | None = None, now: datetime = NOW) -> None:
        self.warehouse = self.open(path)
        self.now = now
        self.runs = 0
        self.nodes: dict[str, ModelNode] = {}
        self.hooks: dict[str, tuple[tuple[str, str], ...]] = {}
        self.warehouse.ensure_schema("raw")
        self.warehouse.execute(
            "CREATE TABLE IF NOT EXISTS tailrace_meta.cursors (resource VARCHAR, data_version BIGINT, raw_done BIGINT)"
        )

    def open(self, path: Path | None) -> Any:
        """The warehouse that is built in."""
        return DuckDBWarehouse(path)

    def sql(self, text: str) -> str:
        """A model's SQL as the engine runs it."""
        return text

    def land(self, name: str, *statements: str) -> None:
        """Run the statements, as a landing would, and say that the table has other rows."""
        for sql in statements:
            self.warehouse.execute(sql)
        run = self.warehouse.execute
        known = self.warehouse.query(
            "SELECT 1 FROM tailrace_meta.cursors WHERE resource = ?", [f"raw.{name}"]
        )
        if known:
            run(
                "UPDATE tailrace_meta.cursors SET data_version = data_version + 1 WHERE resource = ?",
                [f"raw.{name}"],
            )
        else:
            run("INSERT INTO tailrace_meta.cursors VALUES (?, 1, 1)", [f"raw.{name}"])

    def model(
        self,
        name: str,
        sql: str,
        materialized: str = "table",
        *,
        reads: tuple[str, ...] = (),
        depends_on: tuple[str, ...] = (),
        inputs: tuple[BatchInput, ...] = (),
        incremental_sql: str = "",
        settings: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> ModelNode:
        """Put a model into the graph; `reads` are landed tables by name."""
        node = ModelNode(
            name=name,
            kind="model",
            schema="marts",
            path=f"models/marts/{name}.sql",
            materialized=materialized,
            canonical=hashlib.sha256((sql + incremental_sql).encode()).hexdigest(),
            sql=self.sql(sql),
            depends_on=depends_on,
            sources=tuple(TableRef("raw", table) for table in reads),
            reads=tuple(TableRef("raw", table) for table in reads),
            settings=Settings(materialized=materialized, **(settings or {})),
            incremental_sql=self.sql(incremental_sql),
            batch_inputs=inputs,
            **more,
        )
        self.nodes[name] = node
        return node

    def incremental(self, name: str, sql: str, incremental_sql: str = "", **more: Any) -> ModelNode:
        """An incremental model; words of Incremental as keyword arguments."""
        words = {key: more.pop(key) for key in list(more) if key in Incremental.__annotations__}
        extra = more.pop("settings", {})
        settings = {**extra, "incremental": Incremental(**words)}
        return self.model(
            name, sql, "incremental", incremental_sql=incremental_sql, settings=settings, **more
        )

    def microbatch(
        self,
        name: str,
        sql: str,
        inputs: Mapping[str, str],
        *,
        size: Any = "day",
        begin: datetime = datetime(2026, 1, 1, tzinfo=UTC),
        lookback: int = 0,
        event_time: str = "ts",
        models: Mapping[str, str] | None = None,
        **more: Any,
    ) -> ModelNode:
        """`inputs` are landed tables, `models` models, by event time: `{events}` in the SQL becomes the batch's rows."""
        reads = [BatchInput(TableRef("raw", table), time) for table, time in inputs.items()]
        reads += [BatchInput(TableRef("marts", other), time, other) for other, time in (models or {}).items()]
        for one in reads:
            quoted = self.warehouse.dialect.table(one.table)
            sql = sql.replace(f"{{{one.table.name}}}", filtered(quoted, f'"{one.event_time}"'))
        settings = more.pop("settings", {})
        full_refresh = more.pop("full_refresh", None)
        batch = Microbatch(event_time, size, begin, lookback)
        other = more.pop("reads", ())
        depends_on = more.pop("depends_on", ())
        return self.model(
            name, sql, "incremental", reads=(*inputs, *other), inputs=tuple(reads),
            depends_on=(*(models or {}), *depends_on),
            settings={**settings, "incremental": Incremental("microbatch", full_refresh=full_refresh, microbatch=batch)},
            **more,
        )  # fmt: skip

    def snapshot(self, name: str, sql: str, *, reads: tuple[str, ...] = (), **words: Any) -> ModelNode:
        """A snapshot; words of Snapshot as keyword arguments."""
        return self.model(name, sql, "snapshot", reads=reads, settings={"snapshot": Snapshot(**words)})

    @property
    def graph(self) -> Graph:
        order, cycles = ordered({name: node.depends_on for name, node in self.nodes.items()})
        assert not cycles
        return Graph(
            dict(self.nodes), order, self.now,
            on_run_start=self.hooks.get("start", ()), on_run_end=self.hooks.get("end", ()),
        )  # fmt: skip

    def build(self, *selected: str, asked: Asked = NOTHING) -> dict[str, StepResult]:
        self.runs += 1
        found = build(
            self.warehouse, self.graph, selected or set(self.nodes), root=Path(), run_id=f"run{self.runs}",
            now=lambda: self.now, asked=asked,
        )  # fmt: skip
        return {result.name: result for result in found}

    def built(self, asked: Asked = NOTHING) -> list[str]:
        """The models that a build of all makes; it must not fail."""
        results = self.build(asked=asked)
        errors = [result.error for result in results.values() if result.error]
        assert errors == []
        return sorted(name for name, result in results.items() if result.status == "ok")

    def error(self, name: str) -> str:
        """What a build says of a model that fails."""
        result = self.build()[name]
        assert result.status == "failed"
        return result.error or ""

    def why(self, name: str) -> str:
        return {one.model: one.why for one in decide(self.warehouse, self.graph, None)}[name]

    def rows(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.warehouse.query(f"SELECT {columns} FROM marts.{name} ORDER BY ALL")

    def batches(self, name: str) -> list[str]:
        """The days of the batches that the last run built."""
        rows = self.warehouse.query(
            "SELECT strftime(batch_start, '%Y-%m-%d') FROM tailrace_meta.intervals WHERE model = ? AND run_id = ? ORDER BY 1",
            [name, f"run{self.runs}"],
        )
        return [row[0] for row in rows]
