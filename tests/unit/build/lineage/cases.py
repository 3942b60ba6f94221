"""The golden cases of tests/golden/lineage: one query each with the lineage that is expected of it, and the tables they read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import sqlglot

from tailrace.build.lineage.query import Reader
from tailrace.build.lineage.relation import Ref, Relation, table

FOLDER = Path(__file__).parents[3] / "golden" / "lineage"
TABLES = (FOLDER / "tables.txt").read_text()
COLUMNS: dict[tuple[str, str], list[str]] = {
    (schema or "main", name): re.findall(
        r'(?:^|, )"?(\w+)"? [A-Z]', columns.replace("STRUCT(city VARCHAR, zip INTEGER)", "S")
    )
    for schema, name, columns in re.findall(r"CREATE TABLE (?:(\w+)\.)?(\w+) \((.*)\);", TABLES)
}


@dataclass
class Case:
    file: str
    name: str
    dialect: str
    sql: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


def cases() -> list[Case]:
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        if path.stem != "tables":
            found += read(path)
    return found


def read(path: Path) -> list[Case]:
    head, *blocks = path.read_text().split("-- == ")
    dialect = "bigquery" if "dialect: bigquery" in head else "duckdb"
    found = []
    for block in blocks:
        name, _, body = block.partition("\n")
        lines = body.splitlines()
        sql = "\n".join(line for line in lines if not line.startswith("-- "))
        expected = "\n".join(line[3:] for line in lines if line.startswith("-- "))
        found.append(Case(path.stem, name, dialect, sql, expected))
    return found


def write(path: Path) -> None:
    """Puts what is found now into the file, to be read by a person before it is believed."""
    head = path.read_text().split("-- == ")[0]
    parts = [head]
    for case in read(path):
        told = "".join(f"-- {line}\n" for line in described(*lineage(case.sql, case.dialect)).splitlines())
        parts.append(f"-- == {case.name}\n{case.sql}\n{told}")
    path.write_text("".join(parts))


def known(_catalog: str, schema: str, name: str) -> Relation:
    columns = COLUMNS.get((schema or "main", name.lower()))
    if columns is None:
        return table(schema, name, [], complete=False)
    return table(schema or "main", name.lower(), columns, complete=True)


def lineage(sql: str, dialect: str = "duckdb") -> tuple[Relation, list[str]]:
    reader = Reader(known, sql, lateral_aliases=dialect == "duckdb", kept={})
    return reader.read(sqlglot.parse_one(sql, read=dialect)), list(reader.notes)


def shown(refs: frozenset[Ref]) -> str:
    names = [
        f"{name}.{column}" if schema == "main" else f"{schema}.{name}.{column}".lstrip(".")
        for schema, name, column in refs
    ]
    return " ".join(sorted(names))


def described(relation: Relation, notes: list[str]) -> str:
    lines = []
    for output in relation.columns.values():
        inner = f" | {shown(output.indirect)}" if output.indirect else ""
        lines.append(f"{output.name} <- {shown(output.direct) or '-'}{inner}")
    for group in relation.rest:
        parts = [
            f"any of {shown(part.fixed)}" if part.fixed is not None
            else f"{part.schema}.{part.table}".lstrip(".") + (f" less {' '.join(sorted(part.excluded))}" if part.excluded else "")
            for part in group
        ]  # fmt: skip
        lines.append(f"and more: {' or '.join(parts)}")
    if relation.filters:
        lines.append(f"rows by {shown(relation.filters)}")
    lines += [f"note: {note}" for note in notes]
    return "\n".join(lines)
