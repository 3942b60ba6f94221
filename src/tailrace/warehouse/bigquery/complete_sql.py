"""The statements behind the views of the last complete run, in BigQuery's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from tailrace.warehouse.base import META, TableRef
from tailrace.warehouse.bigquery.literals import text

CLONES = "tailrace_published"
"""The dataset of the clones; nobody reads it by name."""
SUFFIX = "_complete"


@dataclass(frozen=True)
class Shown:
    """One publication of a relation: `body` is its SELECT, `columns` with BigQuery's types."""

    number: int
    body: str
    columns: Mapping[str, str]


LEGACY = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


def type_of(field: Any) -> str:
    """The type of a `bigquery.SchemaField`, as a CAST writes it."""
    kind = LEGACY.get(field.field_type, str(field.field_type))
    if kind == "STRUCT":
        kind += f"<{', '.join(f'`{one.name}` {type_of(one)}' for one in field.fields)}>"
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind


def complete(ref: TableRef) -> TableRef:
    """The view that shows a relation's last complete run."""
    return TableRef(ref.schema + SUFFIX, ref.name)


def clone(ref: TableRef, mark: str) -> TableRef:
    """A table's rows as they were at a publication; `mark` is its own, whatever one that was killed has left."""
    return TableRef(CLONES, f"{ref.schema}__{ref.name}__{mark}")


def is_clone_of(name: str, ref: TableRef) -> bool:
    """Whether a clone is one of this table's."""
    return re.fullmatch(re.escape(f"{ref.schema}__{ref.name}__") + r"\d+_[0-9a-f]{6}", name) is not None


def quoted(ref: TableRef) -> str:
    return f"`{ref.schema}`.`{ref.name}`"


def cloned(ref: TableRef, mark: str) -> str:
    return f"CREATE TABLE {quoted(clone(ref, mark))} CLONE {quoted(ref)}"


def plain(ref: TableRef, shown: Shown) -> str:
    return f"CREATE OR REPLACE VIEW {quoted(complete(ref))} AS\n{shown.body}"


def dropped(ref: TableRef) -> str:
    return f"DROP VIEW IF EXISTS {quoted(complete(ref))}"


def asking(ref: TableRef, old: Shown | None, new: Shown | None) -> str:
    """The view while it moves: it shows whichever publication `tailrace_meta.published` names, nothing where it names none."""
    columns = {**(new.columns if new else {}), **(old.columns if old else {}), **(new.columns if new else {})}
    branches = [
        _branch(ref, one, other, columns) for one, other in ((old, new), (new, old)) if one is not None
    ]
    return f"CREATE OR REPLACE VIEW {quoted(complete(ref))} AS\n" + "\nUNION ALL\n".join(branches)


def _branch(ref: TableRef, shown: Shown, other: Shown | None, columns: Mapping[str, str]) -> str:
    listed = ", ".join(_column(name, kind, shown, other) for name, kind in columns.items())
    named = f"relation = {text(str(ref))} AND number = {shown.number}"
    return f"SELECT {listed} FROM (\n{shown.body}\n) WHERE EXISTS (SELECT 1 FROM `{META}`.`published` WHERE {named})"


def _column(name: str, kind: str, shown: Shown, other: Shown | None) -> str:
    """A column that only the other publication has is NULL, of its type; one of another type is cast as far as it goes."""
    if shown.columns.get(name) == kind:
        return f"`{name}`"
    if name in shown.columns and "<" not in kind + shown.columns[name]:
        return f"SAFE_CAST(`{name}` AS {kind}) AS `{name}`"
    assert other is not None, "a column is the one's or the other's"
    return f"(SELECT `{name}` FROM (\n{other.body}\n) LIMIT 0) AS `{name}`"


def rewritten(sql: str, relations: frozenset[TableRef]) -> str:
    """A view's query over the views of the last complete run in place of these relations; all else as it was written."""
    spans = {
        (table.parts[0].meta["start"], table.parts[-1].meta["end"] + 1): TableRef(table.db, table.name)
        for table in _tables(sql)
    }
    for (start, end), ref in sorted(spans.items(), reverse=True):
        if ref in relations:
            sql = sql[:start] + quoted(complete(ref)) + sql[end:]
    return sql


def complete_read(body: str) -> frozenset[TableRef]:
    """Whose views of the last complete run a query reads."""
    return frozenset(
        TableRef(table.db.removesuffix(SUFFIX), table.name)
        for table in _tables(body)
        if table.db.endswith(SUFFIX)
    )


def _tables(sql: str) -> Iterator[exp.Table]:
    for table in sqlglot.parse_one(sql, read="bigquery").find_all(exp.Table):
        if table.db and isinstance(table.this, exp.Identifier):
            yield table
