"""What a table's columns hold, counted by the warehouse in as few scans as its width allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tailrace.events import Progress, emit
from tailrace.validate.suggest.patterns import EMAIL
from tailrace.validate.suggest.rounding import shown
from tailrace.validate.suggest.subject import Subject
from tailrace.validate.suggest.words import looks_personal
from tailrace.warehouse.base import Warehouse

Kind = Literal["int", "number", "float", "text", "date", "instant", "bool", "uuid", "enum", "other"]

SAMPLE, LOOK = "tailrace_suggest_sample", "tailrace_suggest_look"
"""Temporary tables of the connection: the rows that `--rows` allows, and a few to guess from before all are asked."""

LOOKED = 1000
AT_ONCE = 200
"""Aggregates in one statement: an engine plans thousands of them slower than it scans twice."""

_INTS = frozenset(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
)  # fmt: skip
_KINDS: dict[str, Kind] = {
    "FLOAT": "float", "DOUBLE": "float", "VARCHAR": "text", "DATE": "date", "BOOLEAN": "bool", "UUID": "uuid"
}  # fmt: skip
_BOUNDED = frozenset(("int", "number", "float", "date", "instant"))


@dataclass(frozen=True)
class Column:
    """`filled` of the rows looked at are not NULL, `present` of all rows; `distinct` is a rough estimate.

    `low` and `high` are numbers, instants (without a zone) or None; `shortest` and `longest` are lengths of texts; `odd` values
    are infinite or no number, `blank` ones the empty text. Of a `personal` column no value may be shown; one that is
    `suspected` only looks like it.
    """

    name: str
    kind: Kind
    present: int
    filled: int
    distinct: int
    low: Any = None
    high: Any = None
    mean: float | None = None
    shortest: int | None = None
    longest: int | None = None
    odd: int = 0
    blank: int = 0
    personal: bool = False
    suspected: bool = False

    @property
    def is_number(self) -> bool:
        return self.kind in ("int", "number", "float")

    @property
    def is_time(self) -> bool:
        return self.kind in ("date", "instant")


class Table:
    """The rows to propose for: all of them, or a sample; every question about them goes through here."""

    def __init__(self, warehouse: Warehouse, subject: Subject, now: datetime, limit: int = 0) -> None:
        self.warehouse = warehouse
        self.subject = subject
        self.now = now
        self.quote = warehouse.dialect.quote
        self.literal = warehouse.dialect.literal
        self.types = warehouse.columns(subject.table)
        self.unnamed = [name for name in self.types if not name.isprintable()]
        self.whole = warehouse.dialect.table(subject.table)
        self.scans = 0
        self.rows = int(self.ask(self.whole, ["count(*)"])[0])
        sampled = bool(limit) and limit < self.rows
        self.looked_at = limit if sampled else self.rows
        self.source = self._some(SAMPLE, self.whole, self.rows, limit) if sampled else self.whole
        self.look = self.source
        if self.looked_at > LOOKED:
            self.look = self._some(LOOK, self.source, self.looked_at, LOOKED)
        self.looked = min(LOOKED, self.looked_at)
        self.columns = _columns(self)
        self.by_name = {column.name.lower(): column for column in self.columns}
        self.key: str | None = None
        self.grain: tuple[str, ...] = ()
        """Columns that tell the rows apart, as far as anybody knows."""

    @property
    def sampled(self) -> bool:
        return self.looked_at < self.rows

    @property
    def told_full(self) -> frozenset[str]:
        """Columns of which the key's expectations say already that they are never NULL."""
        return frozenset(self.grain if self.key or len(self.grain) > 1 else ())

    def _some(self, name: str, source: str, rows: int, limit: int) -> str:
        """`limit` of a source's rows, the same ones of the same content: those whose hash is least."""
        hashed = f"hash({', '.join(map(self.quote, self.types))})"
        likely = int(2**64 * min(1.0, 1.5 * limit / rows))
        # what is far above the least hashes need not be sorted; rows that are all alike have one hash and no share of it
        for where in (f"WHERE {hashed} < {likely}", ""):
            some = f"SELECT * FROM {source} {where} ORDER BY {hashed} LIMIT {limit}"
            self.warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {some}")
            if self.ask(name, ["count(*)"])[0] == limit:
                break
        return name

    def ask(self, source: str, aggregates: Sequence[str]) -> list[Any]:
        """The aggregates' values over a table, in their order."""
        values: list[Any] = []
        for start in range(0, len(aggregates), AT_ONCE):
            self.scans += 1
            emit(Progress("suggest", self.subject.model, self.scans, None, "questions"))
            part = aggregates[start : start + AT_ONCE]
            values += self.warehouse.query(f"SELECT {', '.join(part)} FROM {source}")[0]
        return values

    def is_sent(self, columns: Sequence[str]) -> bool:
        """Whether a sync depends on one of the columns."""
        return any(name.lower() in self.subject.sent for name in columns)

    def place(self, name: str) -> int:
        """Where a column stands in the table."""
        return list(self.types).index(name)


def kind_of(engine_type: str) -> Kind:
    """What may be asked of a column of one of the engine's types; nested ones and blobs are `other`."""
    name = engine_type.upper()
    if name in _INTS:
        return "int"
    if name.startswith("DECIMAL(") and not name.endswith("]"):
        return "number"
    if name.startswith("TIMESTAMP") and not name.endswith("]"):
        return "instant"
    if name.startswith("ENUM(") and not name.endswith("]"):
        return "enum"
    return _KINDS.get(name, "other")


def _columns(table: Table) -> list[Column]:
    kinds = {name: kind_of(kind) for name, kind in table.types.items() if name not in table.unnamed}
    asked = [(name, part) for name, kind in kinds.items() for part in _facts(table.quote(name), kind)]
    found: dict[str, list[Any]] = {name: [] for name in kinds}
    for (name, _), value in zip(asked, table.ask(table.source, [part for _, part in asked]), strict=True):
        found[name].append(value)
    present = {name: int(values[0]) for name, values in found.items()}
    if table.sampled:
        present = _of_all_rows(table, kinds, found)
    mails = _mails(table, kinds)
    return [
        _column(table, name, kinds[name], values, present[name], mails[name])
        for name, values in found.items()
    ]


def _of_all_rows(table: Table, kinds: dict[str, Kind], found: dict[str, list[Any]]) -> dict[str, int]:
    """Filled values, counted in all rows of a sampled table; least and greatest values in `found` become those of all rows."""
    bounded = {name for name, kind in kinds.items() if kind in _BOUNDED}
    parts = [_facts(table.quote(name), kind) for name, kind in kinds.items()]
    wanted = [
        [part[0], *(part[2:4] if name in bounded else ())] for name, part in zip(kinds, parts, strict=True)
    ]
    values = iter(table.ask(table.whole, [sql for part in wanted for sql in part]))
    present: dict[str, int] = {}
    for name in kinds:
        present[name] = int(next(values))
        if name in bounded:
            found[name][2:4] = [next(values), next(values)]
    return present


def _facts(column: str, kind: Kind) -> list[str]:
    """Aggregates of one column; the first two are the same for all kinds."""
    distinct = f"approx_count_distinct({column})" if kind != "other" else "NULL"
    facts = [f"count({column})", distinct]
    if kind in ("int", "number"):
        facts += [f"min({column})", f"max({column})", f"avg(CAST({column} AS DOUBLE))"]
    elif kind == "float":
        sound = f"FILTER (WHERE isfinite({column}))"
        facts += [
            f"min({column}) {sound}",
            f"max({column}) {sound}",
            f"avg({column}) FILTER (WHERE abs({column}) < 1e290)",
        ]
        facts.append(f"count_if(NOT isfinite({column}))")
    elif kind in ("date", "instant"):
        moment = f"TRY_CAST({column} AS TIMESTAMP)"
        sound = f"FILTER (WHERE isfinite({moment}))"
        facts += [f"CAST(min({moment}) {sound} AS VARCHAR)", f"CAST(max({moment}) {sound} AS VARCHAR)"]
        facts.append(f"count_if(NOT coalesce(isfinite({moment}), {column} IS NULL))")
    elif kind == "text":
        facts += [f"min(length({column}))", f"max(length({column}))", f"count_if({column} = '')"]
    elif kind == "bool":
        facts.append(f"count_if({column})")
    return facts


def _mails(table: Table, kinds: dict[str, Kind]) -> dict[str, bool]:
    """Columns of which at least half of a few values are e-mail addresses, whatever their name."""
    texts = [name for name, kind in kinds.items() if kind == "text"]
    matches = f"regexp_matches({{0}}, {table.literal(EMAIL.regex)})"
    parts = [f"2 * count_if({matches.format(table.quote(name))}) >= greatest(1, count({table.quote(name)}))" for name in texts]  # fmt: skip
    found = dict(zip(texts, table.ask(table.look, parts), strict=True))
    return {name: bool(found.get(name)) for name in kinds}


def _column(table: Table, name: str, kind: Kind, values: list[Any], present: int, mail: bool) -> Column:
    filled, distinct, *rest = values
    marked = name.lower() in table.subject.personal
    by_name = kind in ("text", "enum") and looks_personal(name, table.subject.model)
    suspected = not marked and (mail or by_name)
    found = dict(personal=marked or suspected, suspected=suspected, **_read(kind, rest))
    return Column(name, kind, present, int(filled), int(distinct or 0), **found)


def _read(kind: Kind, rest: list[Any]) -> dict[str, Any]:
    if kind in ("int", "number"):
        return {"low": rest[0], "high": rest[1], "mean": rest[2]}
    if kind == "float":
        return {"low": rest[0], "high": rest[1], "mean": rest[2], "odd": rest[3]}
    if kind in ("date", "instant"):
        return {"low": _moment(rest[0]), "high": _moment(rest[1]), "odd": rest[2]}
    if kind == "text":
        return {"shortest": rest[0], "longest": rest[1], "blank": rest[2]}
    return {"high": rest[0]} if kind == "bool" else {}


def _moment(text: str | None) -> datetime | None:
    """None for what Python's calendar does not hold: years before 1 and after 9999."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def nulls(table: Table, column: Column) -> str:
    """`0 NULL of 48,210`."""
    return f"{table.rows - column.present:,} NULL of {table.rows:,}"


def seen(table: Table, column: Column) -> str:
    """A column in one line: its range where it may be shown, then its NULLs."""
    if column.personal or column.low is None:
        return nulls(table, column)
    if column.is_time:
        form = "%Y-%m-%d" if column.kind == "date" else "%Y-%m-%d %H:%M"
        return f"{column.low.strftime(form)} to {column.high.strftime(form)}; {nulls(table, column)}"
    mean = "" if column.mean is None else f", mean {shown(column.mean)}"
    return f"{shown(column.low)} to {shown(column.high)}{mean}; {nulls(table, column)}"
