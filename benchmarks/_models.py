"""A generated project of models in five shapes, and the same SQL as plain statements.

Views over 100,000 landed rows (10%), groups by person (15%), chains of CASE and window (55%), joins of three (15%), unions of
four (5%). Nothing is random: a number of models always gives the same files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

PROJECT = """[tool.tailrace]
name = "bench"
profile = "bench"
"""
PROFILE = "bench:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: warehouse.duckdb}\n"
PIPELINE = """pipeline: raw
source: filesystem
dataset: raw
resources:
  visits: {path: data/visits.parquet, primary_key: visit_id, write: merge}
"""
VISITS = """CREATE TABLE raw.visits AS SELECT i AS visit_id, CAST(hash(i) % 10000 AS BIGINT) AS person,
    TIMESTAMP '2026-01-01' + to_seconds(i * 61 % 7000000) AS seen_at,
    ['ads', 'mail', 'search', 'social', 'direct'][1 + CAST(hash(i * 5) % 5 AS INTEGER)] AS channel,
    CAST(hash(i * 11) % 9000 AS DOUBLE) / 100 AS value FROM range(100000) AS t(i)"""
SHARES = (("base", 10), ("person", 15), ("chain", 55), ("three", 15), ("mart", 5))


@dataclass(frozen=True)
class Model:
    """`sql` names its inputs as `{0}`, `{1}`, ..."""

    name: str
    kind: str
    sql: str
    reads: tuple[str, ...] = ()

    @property
    def materialized(self) -> str:
        return "view" if self.kind == "base" else "table"

    def template(self) -> str:
        """The file in models/."""
        names = [f"{{{{ ref('{name}') }}}}" for name in self.reads] or ["{{ source('raw', 'visits') }}"]
        return f"{{{{ config(materialized='{self.materialized}') }}}}\n{self.sql.format(*names)}\n"

    def statement(self) -> str:
        """The CREATE that it comes to."""
        names = [f"main.{name}" for name in self.reads] or ["raw.visits"]
        return (
            f"CREATE OR REPLACE {self.materialized.upper()} main.{self.name} AS\n{self.sql.format(*names)}\n"
        )


def models(count: int) -> list[Model]:
    """In an order in which each comes after what it reads."""
    kinds = [kind for kind, share in SHARES for _ in range(count * share // 100)]
    kinds += ["mart"] * (count - len(kinds))
    found: list[Model] = []
    base: list[str] = []
    rows: list[str] = []  # models with a row for each person
    for index, kind in enumerate(kinds):
        name = f"{kind}_{index:04d}"
        found.append(Model(name, kind, _sql(kind, index), _reads(kind, index, base, rows)))
        if kind == "base":
            base.append(name)
        elif kind != "mart":
            rows.append(name)
    return found


def _reads(kind: str, index: int, base: list[str], rows: list[str]) -> tuple[str, ...]:
    if kind == "base":
        return ()
    if kind == "person":
        return (base[index % len(base)],)
    if kind == "chain":  # runs of eight, so that the graph is deep and wide
        return (rows[-1] if index % 8 else rows[index * 13 % len(rows)],)
    wanted = 3 if kind == "three" else 4
    return tuple(dict.fromkeys(rows[(index + step) * 29 % len(rows)] for step in range(wanted * 2)))[:wanted]


def _sql(kind: str, index: int) -> str:
    if kind == "base":
        return f"""SELECT
    visit_id,
    person,
    CAST(seen_at AS DATE) AS day,
    upper(channel) AS channel,
    value * {1 + index % 4} AS value
FROM {{0}}
WHERE value >= {index % 3}"""
    if kind == "person":
        return """SELECT
    person,
    count(*) AS visits,
    sum(value) AS value,
    avg(value) AS score,
    min(day) AS first_day,
    max(channel) AS channel
FROM {0}
GROUP BY person"""
    if kind == "chain":
        return f"""WITH weighed AS (
    SELECT
        person,
        visits + {index % 2} AS visits,
        value,
        CASE WHEN value > {50 + index} THEN score * 1.05 ELSE score * 0.99 END AS score,
        first_day,
        channel
    FROM {{0}}
)

SELECT
    person,
    visits,
    value,
    score + row_number() OVER (PARTITION BY channel ORDER BY value DESC, person) * 0.0001 AS score,
    first_day,
    channel
FROM weighed"""
    if kind == "three":
        return """SELECT
    a.person,
    a.visits + coalesce(b.visits, 0) AS visits,
    greatest(a.value, c.value) AS value,
    (a.score + b.score + c.score) / 3 AS score,
    least(a.first_day, b.first_day) AS first_day,
    coalesce(a.channel, b.channel) AS channel
FROM {0} AS a
LEFT JOIN {1} AS b ON b.person = a.person
LEFT JOIN {2} AS c ON c.person = a.person"""
    parts = "\n    UNION ALL\n".join(
        f"    SELECT person, channel, value, score FROM {{{i}}}" for i in range(4)
    )
    return f"""WITH everybody AS (
{parts}
)

SELECT channel, count(DISTINCT person) AS people, sum(value) AS value, avg(score) AS score
FROM everybody
GROUP BY channel"""


def lay_out(root: Path, count: int) -> list[Model]:
    """The project, a landed table in its work file, and `plain/`: the statements in order over the same table."""
    from tailrace.warehouse.duckdb import DuckDBWarehouse

    made = models(count)
    files = {"pyproject.toml": PROJECT, "profiles.yml": PROFILE, "pipelines/raw.yml": PIPELINE}
    files |= {f"models/{model.name}.sql": model.template() for model in made}
    files["plain.json"] = json.dumps([model.statement() for model in made])
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for path in (root / ".tailrace" / "dev" / "work.duckdb", root / "plain.duckdb"):
        path.parent.mkdir(parents=True, exist_ok=True)
        warehouse = DuckDBWarehouse(path)
        warehouse.ensure_schema("raw")
        warehouse.execute(VISITS)
        warehouse.execute(
            "CREATE TABLE tailrace_meta.cursors AS SELECT 'raw.visits' AS resource, 1::BIGINT AS data_version, 1::BIGINT AS raw_done"
        )
        warehouse.close()
    return made
