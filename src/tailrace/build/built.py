"""What each model was built from: the parts that a fingerprint is made of, and their rows in tailrace_meta.models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tailrace.build.graph import ModelNode
from tailrace.warehouse.base import META, TableRef, Warehouse, in_batches

MODELS = TableRef(META, "models")
_COLUMNS = (
    "model, schema_name, materialized, fingerprint, parts, rows, built_at, run_id, sql, incremental_sql"
)
_AT_ONCE = 200


@dataclass(frozen=True)
class Parts:
    """What a relation is made of; JSON-able. `data` and `upstream` are versions by table and by model.

    `config` are the settings that shape it; `definition` is a digest of the SQL of all that it comes from; `revision` the
    run that last built it anew where nothing else tells. `batched`: rows change with the revision and with nothing else,
    since batches are rebuilt where their input changed. `unsure`: a build that did not end may have put another table there.
    """

    sql: str
    data: Mapping[str, str] = field(default_factory=dict)
    upstream: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    day: str | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    definition: str = ""
    revision: str = ""
    batched: bool = False
    unsure: bool = False

    def content(self) -> str:
        """What the relation holds, for those who read it."""
        if self.batched:
            return digest(self.sql, self.config, self.revision)
        more = (self.config, self.revision) if self.config or self.revision else ()
        return digest(self.sql, self.data, self.upstream, self.unknown, self.day, *more)

    def document(self) -> str:
        """`unsure` only where it holds: an earlier release takes parts that it does not know for another model's."""
        said = {key: value for key, value in self.__dict__.items() if key != "unsure" or value}
        return json.dumps(said, sort_keys=True)


@dataclass(frozen=True)
class Built:
    """A row of tailrace_meta.models: what was built last."""

    schema: str
    materialized: str
    parts: Parts

    def relation(self, model: str) -> str:
        """The name of the table or view in its schema."""
        return self.parts.config.get("alias") or model

    def table(self, model: str) -> TableRef:
        """Where its rows were put."""
        return TableRef(self.schema, self.relation(model))


@dataclass(frozen=True)
class Made:
    """A model that was built just now. `taken`: what stood there before was another model's, or nobody knows whose."""

    node: ModelNode
    parts: Parts
    rows: int
    taken: bool = False


def read_built(warehouse: Warehouse) -> dict[str, Built]:
    """What was built last, by model."""
    if not warehouse.columns(MODELS):
        return {}
    table = warehouse.dialect.table(MODELS)
    rows = warehouse.query(f"SELECT model, schema_name, materialized, parts FROM {table}")
    return {str(row[0]): Built(row[1], row[2], _read_parts(row[3])) for row in rows}


def write_built(warehouse: Warehouse, made: Sequence[Made], *, run_id: str, now: datetime) -> None:
    """Remember what models were built from; in the transaction that built them."""
    at = now.astimezone(UTC).replace(tzinfo=None)
    if taken := {one.node.table for one in made if one.taken}:
        built = read_built(warehouse)
        forget_built(warehouse, [name for name, was in built.items() if was.table(name) in taken])
    for some in in_batches(made, _AT_ONCE):
        forget_built(warehouse, [one.node.name for one in some])
        values = [
            value
            for one in some
            for value in (one.node.name, one.node.schema, one.node.materialized, one.parts.content(),
                          one.parts.document(), one.rows, at, run_id, one.node.sql, one.node.incremental_sql)
        ]  # fmt: skip
        rows = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(some))
        warehouse.execute(f"INSERT INTO {warehouse.dialect.table(MODELS)} ({_COLUMNS}) VALUES {rows}", values)


def doubt_built(warehouse: Warehouse, made: Made, *, run_id: str, now: datetime) -> Built | None:
    """The model's table may become another one before `write_built` says so: a build until then begins from nothing.

    Committed at once. Returns what was remembered, for `trust_built`.
    """
    before = read_built(warehouse).get(made.node.name)
    with warehouse.transaction():
        if before is None:
            write_built(
                warehouse, [replace(made, parts=replace(made.parts, unsure=True))], run_id=run_id, now=now
            )
        else:
            _write_parts(warehouse, made.node.name, replace(before.parts, unsure=True))
    return before


def trust_built(warehouse: Warehouse, name: str, before: Built | None) -> None:
    """The table is the one that it was."""
    with warehouse.transaction():
        if before is None:
            forget_built(warehouse, [name])
        else:
            _write_parts(warehouse, name, before.parts)


def _write_parts(warehouse: Warehouse, name: str, parts: Parts) -> None:
    table = warehouse.dialect.table(MODELS)
    warehouse.execute(f"UPDATE {table} SET parts = ? WHERE model = ?", [parts.document(), name])


def forget_built(warehouse: Warehouse, names: Sequence[str]) -> None:
    """These models count as never built."""
    if not names:
        return
    marks = ", ".join("?" * len(names))
    warehouse.execute(f"DELETE FROM {warehouse.dialect.table(MODELS)} WHERE model IN ({marks})", list(names))


def read_built_sql(warehouse: Warehouse) -> dict[str, tuple[str, str]]:
    """The SQL that each model was built from, and what it is where its table stands; none for what an older release built."""
    if "sql" not in warehouse.columns(MODELS):
        return {}
    table = warehouse.dialect.table(MODELS)
    rows = warehouse.query(f"SELECT model, sql, incremental_sql FROM {table} WHERE sql IS NOT NULL")
    return {str(model): (str(sql), str(incremental or "")) for model, sql, incremental in rows}


def ensure_built(warehouse: Warehouse) -> None:
    """Make tailrace_meta.models if it is not there, or as an older release made it."""
    columns, table = warehouse.columns(MODELS), warehouse.dialect.table(MODELS)
    text, number, stamp = (warehouse.dialect.type(kind) for kind in ("text", "bigint", "timestamp"))
    if not columns:
        warehouse.ensure_schema(META)
        warehouse.execute(
            f"CREATE TABLE IF NOT EXISTS {table} (model {text}, schema_name {text}, materialized {text},"
            f" fingerprint {text}, parts {text}, rows {number}, built_at {stamp}, run_id {text}, sql {text},"
            f" incremental_sql {text})"
        )
    elif new := {name: text for name in ("sql", "incremental_sql") if name not in columns}:
        warehouse.add_columns(MODELS, new)


def _read_parts(text: str) -> Parts:
    """Parts that another release wrote in its own way count as another model's."""
    try:
        return Parts(**json.loads(text))
    except (TypeError, ValueError):
        return Parts("")


def digest(*parts: Any) -> str:
    """Of anything that JSON can say."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]
