"""What a model was built from, and whether that has changed: its SQL, what it reads, the data, the day.

A view holds no rows: it is built again for its own definition, never for new data, but what it passes on to the tables
that read it does carry the data's version. What is not built in this run (not chosen, or it failed) counts as what it
was built from last, so that its readers are built once more when it has caught up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from tailrace.build.graph import Graph, ModelNode
from tailrace.warehouse.base import META, TableRef, Warehouse

MODELS = TableRef(META, "models")
CURSORS = TableRef(META, "cursors")
ABSENT = "absent"


@dataclass(frozen=True)
class Decision:
    """What to do with a model, and why, in words. `modified`: the project changed it, not the data."""

    model: str
    action: Literal["build", "skip"]
    why: str
    modified: bool = False


@dataclass(frozen=True)
class Parts:
    """What a relation is made of; JSON-able. `data` and `upstream` are versions by table and by model."""

    sql: str
    data: Mapping[str, str] = field(default_factory=dict)
    upstream: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    day: str | None = None

    def content(self) -> str:
        """What the relation holds, for those who read it."""
        return _digest(self.sql, self.data, self.upstream, self.unknown, self.day)

    def document(self) -> str:
        return json.dumps(self.__dict__, sort_keys=True)


@dataclass(frozen=True)
class Built:
    """A row of tailrace_meta.models: what was built last."""

    schema: str
    materialized: str
    parts: Parts


@dataclass(frozen=True)
class Judgement:
    """A decision, and the parts that the relation will be made of."""

    decision: Decision
    parts: Parts


class Judge:
    """Decides model by model in the graph's order; what became of each is told back by `settle`."""

    def __init__(self, warehouse: Warehouse, graph: Graph) -> None:
        self._graph = graph
        self._built = read_built(warehouse)
        self._data = Data(warehouse)
        self._there = {
            schema: {name.casefold(): kind for name, kind in warehouse.tables(schema).items()}
            for schema in sorted({node.schema for node in graph.nodes.values()})
        }
        self._contents: dict[str, str] = {}

    def judge(self, name: str) -> Judgement:
        """Whether the model is what it should be, given what its upstream is by now."""
        node = self._graph.nodes[name]
        parts = self._parts(node)
        built = self._built.get(name)
        modified = built is None or (built.materialized, built.schema, built.parts.sql) != (
            node.materialized, node.schema, node.canonical,
        )  # fmt: skip
        why = self._why(node, parts, built)
        return Judgement(Decision(name, "build" if why else "skip", why or "up to date", modified), parts)

    def is_there(self, name: str) -> bool:
        """Whether the model's relation exists."""
        return self.kind_of(name) is not None

    def kind_of(self, name: str) -> str | None:
        """Whether a "table" or a "view" stands where the model goes, if anything does."""
        node = self._graph.nodes[name]
        return self._there[node.schema].get(node.name.casefold())

    def is_landed(self, table: TableRef) -> bool:
        """Whether a landed table exists."""
        return self._data.shape(str(table)) != ABSENT

    def settle(self, name: str, parts: Parts | None) -> None:
        """The model is made of `parts` now; None: it is what it was before."""
        node = self._graph.nodes[name]
        if parts is not None:
            self._there[node.schema][node.name.casefold()] = (
                "view" if node.materialized == "view" else "table"
            )
        self._contents[name] = parts.content() if parts is not None else self._standing(name)

    def _standing(self, name: str) -> str:
        """What an untouched relation passes on: a table what it was built from, a view what its inputs are today."""
        built = self._built.get(name)
        if built is None or not self.is_there(name):
            return ABSENT
        parts = built.parts
        if built.materialized != "view":
            return parts.content()
        sql = self._graph.nodes[name].sql
        data = {table: self._data.version(table, sql) for table in parts.data}
        upstream = {up: self._contents.get(up, ABSENT) for up in parts.upstream}
        unknown = dict.fromkeys(parts.unknown, self._instant)
        return Parts(parts.sql, data, upstream, unknown, parts.day).content()

    @property
    def _instant(self) -> str:
        return self._graph.now.isoformat()

    def _parts(self, node: ModelNode) -> Parts:
        return Parts(
            node.canonical,
            {str(table): self._data.version(str(table), node.sql) for table in node.reads},
            {up: self._contents.get(up, ABSENT) for up in node.depends_on},
            dict.fromkeys(node.externals, self._instant),
            self._graph.run_date if node.volatile else None,
        )

    def _why(self, node: ModelNode, parts: Parts, built: Built | None) -> str:
        if built is None:
            return "never built"
        kind = "view" if node.materialized == "view" else "table"
        if built.schema != node.schema:
            return f"it moves from {built.schema} to {node.schema}"
        # a file published with fewer schemas holds views as tables, and a plan tables as views: only the first stand still
        there = self.kind_of(node.name)
        if there is None or (there, built.materialized) == ("table", "view"):
            return f"its {kind} is gone"
        if built.parts.sql != node.canonical:
            return "its file changed" if node.kind == "seed" else "its SQL changed"
        if built.materialized != node.materialized:
            return f"it was a {built.materialized} and becomes a {node.materialized}"
        if built.parts.day != parts.day:
            return "the day turned"
        return "" if kind == "view" else _why_table(node, parts, built)


def _why_table(node: ModelNode, parts: Parts, built: Built) -> str:
    if node.externals:
        return f"it reads {', '.join(node.externals)}, and nobody can tell whether that changed"
    if data := _changed(built.parts.data, parts.data):
        return f"{' and '.join(data)} {'has' if len(data) == 1 else 'have'} new data"
    if upstream := _changed(built.parts.upstream, parts.upstream):
        return f"upstream {' and '.join(upstream)} changed"
    return ""


class Data:
    """Versions of landed tables: the newest landed row that altered each, and its columns.

    A row that only moved the vendor's cursor, as the echo of our own write does, counts for those who may read the cursor:
    SQL that names its column or holds a star.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._cursors: dict[str, tuple[int, int, int, str]] = {}
        self._shapes: dict[str, str] = {}
        there = warehouse.columns(CURSORS)
        if there:
            table = warehouse.dialect.table(CURSORS)
            later = "touch_version, cursor_columns" if "touch_version" in there else "data_version, ''"
            rows = warehouse.query(f"SELECT resource, data_version, raw_done, {later} FROM {table}")
            for name, version, done, touched, columns in rows:
                self._cursors[str(name).casefold()] = (version or 0, touched or 0, done or 0, columns or "")

    def version(self, table: str, sql: str) -> str:
        """Changes whenever `dataset.table` may hold other rows for `sql`; "absent" where there is no such table."""
        shape = self.shape(table)
        return shape if shape == ABSENT else f"{self._rows(table, sql)}/{shape}"

    def shape(self, table: str) -> str:
        """A digest of the table's columns; asked once, since a build lands nothing."""
        if table not in self._shapes:
            schema, _, name = table.partition(".")
            columns = self._warehouse.columns(TableRef(schema, name))
            self._shapes[table] = _digest(columns)[:8] if columns else ABSENT
        return self._shapes[table]

    def _rows(self, table: str, sql: str) -> str:
        """Raw rows and keys move with every row that arrives, the log with those that are changes."""
        folded = table.casefold()
        if folded in self._cursors:
            changed, touched, _, columns = self._cursors[folded]
            return str(touched if _may_read(sql, columns) else changed)
        base, _, suffix = folded.rpartition("__")
        changed, touched, arrived, _ = self._cursors.get(base, (0, 0, 0, ""))
        return f"{touched}:{arrived}" if suffix in ("raw", "keys") else str(changed)


def _may_read(sql: str, columns: str) -> bool:
    """Whether a query may see one of these columns; a star of multiplication only costs a rebuild."""
    folded = sql.casefold()
    return "*" in folded or any(column.casefold() in folded for column in columns.split(",") if column)


def decide(warehouse: Warehouse, graph: Graph, selected: Collection[str] | None) -> list[Decision]:
    """What a build would do with the selected models (None: all), in the order in which it would do it."""
    judge = Judge(warehouse, graph)
    decisions: list[Decision] = []
    for name in graph.order:
        if selected is not None and name not in selected:
            judge.settle(name, None)
            continue
        judgement = judge.judge(name)
        decisions.append(judgement.decision)
        judge.settle(name, judgement.parts)
    return decisions


def read_built(warehouse: Warehouse) -> dict[str, Built]:
    """What was built last, by model."""
    if not warehouse.columns(MODELS):
        return {}
    table = warehouse.dialect.table(MODELS)
    rows = warehouse.query(f"SELECT model, schema_name, materialized, parts FROM {table}")
    return {str(row[0]): Built(row[1], row[2], _read_parts(row[3])) for row in rows}


def write_built(
    warehouse: Warehouse, node: ModelNode, parts: Parts, rows: int, *, run_id: str, now: datetime
) -> None:
    """Remember what a model was built from; in the transaction that built it."""
    table = warehouse.dialect.table(MODELS)
    warehouse.execute(f"DELETE FROM {table} WHERE model = ?", [node.name])
    warehouse.execute(
        f"INSERT INTO {table} (model, schema_name, materialized, fingerprint, parts, rows, built_at, run_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [node.name, node.schema, node.materialized, parts.content(), parts.document(), rows,
         now.astimezone(UTC).replace(tzinfo=None), run_id],
    )  # fmt: skip


def ensure_built(warehouse: Warehouse) -> None:
    """Make tailrace_meta.models if it is not there."""
    if not warehouse.columns(MODELS):
        warehouse.ensure_schema(META)
        text, number, stamp = (warehouse.dialect.type(kind) for kind in ("text", "bigint", "timestamp"))
        warehouse.execute(
            f"CREATE TABLE IF NOT EXISTS {warehouse.dialect.table(MODELS)} (model {text}, schema_name {text},"
            f" materialized {text}, fingerprint {text}, parts {text}, rows {number}, built_at {stamp}, run_id {text})"
        )


def _read_parts(text: str) -> Parts:
    """Parts that another release wrote in its own way count as another model's."""
    try:
        return Parts(**json.loads(text))
    except (TypeError, ValueError):
        return Parts("")


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {**before, **after} if before.get(name) != after.get(name))


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]
