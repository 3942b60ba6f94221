"""How a column's values are spread: what is kept of one run, what the runs before had in common, and bins to compare by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tailrace.validate.own import sql
from tailrace.warehouse.base import Dialect, Warehouse

POINTS = 200
"""Values that stand for a run's numbers, each for as many rows: what is rarer than half a percent is not remembered."""

TOP = 50
_LONGEST = 200
"""Of texts the most frequent are remembered, if they are no longer than this."""

ROWS_PER_BIN = 50
"""Fewer tell a drift from chance no more: with so many, equal spreads come to a PSI of 0.2 in one of ten thousand comparisons."""

_RAREST = 0.0005
"""A share of nothing counts as this, or as half a row."""

_FINITE = "1.7976931348623157e308"


@dataclass(frozen=True)
class Values:
    """What is compared: SQL of a column's value, as a number or a text; `unit` words it: an age is told in days."""

    sql: str
    kind: str
    unit: str = ""


def values_of(column: str, engine_type: str, today: date) -> Values | None:
    """Numbers by themselves, dates and instants by their age in days, texts and booleans by their values; None for other types."""
    quoted = sql.name(column)
    if sql.is_number(engine_type):
        number = f"CAST({quoted} AS DOUBLE)"
        return Values(f"CASE WHEN abs({number}) <= {_FINITE} THEN {number} END", "number")
    if sql.is_date(engine_type) or sql.is_instant(engine_type):
        age = f"CAST(date_diff('day', CAST({quoted} AS DATE), {sql.day(today)}) AS DOUBLE)"
        return Values(age, "number", " days old")
    return Values(f"CAST({quoted} AS VARCHAR)", "text") if sql.is_text(engine_type) else None


def seen(warehouse: Warehouse, relation: str, values: Values) -> dict[str, Any]:
    """The spread of the judged rows, as JSON keeps it: shares are of all rows."""
    return (_seen_numbers if values.kind == "number" else _seen_texts)(warehouse, relation, values)


def _values_in(dialect: Dialect, relation: str, values: Values) -> str:
    return sql.spelled(dialect, f"SELECT {values.sql} AS v FROM {sql.BATCH}").replace(sql.BATCH, relation)


def _seen_numbers(warehouse: Warehouse, relation: str, values: Values) -> dict[str, Any]:
    source = _values_in(warehouse.dialect, relation, values)
    rows, known, low, high = warehouse.query(
        f"SELECT count(*), count(v), min(v), max(v) FROM ({source}) AS judged"
    )[0]
    found = {"kind": "number", "rows": rows, "nulls": 1 - known / rows if rows else 0.0}
    if known:
        points = _points(warehouse, source, known)
        found |= {"low": low, "high": high, "points": [float(point) for point in points]}
    return found


def _points(warehouse: Warehouse, source: str, known: int) -> list[Any]:
    """The middle values of equal parts, in order. One sort finds them all, which quantile_disc() does for each of them."""
    if warehouse.dialect.name == "bigquery":
        every = warehouse.query(f"SELECT approx_quantiles(v, {2 * POINTS}) FROM ({source}) AS judged")[0][0]
        return list(every[1::2])
    places = [(2 * part + 1) * known // (2 * POINTS) + 1 for part in range(POINTS)]
    wanted = ", ".join(str(place) for place in dict.fromkeys(places))
    rows = warehouse.query(
        f"SELECT n, v FROM (SELECT v, row_number() OVER (ORDER BY v) AS n FROM ({source}) AS judged WHERE v IS NOT NULL) AS sorted"
        f" WHERE n IN ({wanted})"
    )
    at = dict(rows)
    return [at[place] for place in places]


def _seen_texts(warehouse: Warehouse, relation: str, values: Values) -> dict[str, Any]:
    source = _values_in(warehouse.dialect, relation, values)
    rows, known = warehouse.query(f"SELECT count(*), count(v) FROM ({source}) AS judged")[0]
    top = warehouse.query(
        f"SELECT v, count(*) AS n FROM ({source}) AS judged WHERE length(v) <= {_LONGEST} GROUP BY v ORDER BY n DESC, v LIMIT {TOP}"
    )
    shares = {str(value): count / rows for value, count in top}
    return {"kind": "text", "rows": rows, "nulls": 1 - known / rows if rows else 0.0, "values": shares}


@dataclass(frozen=True)
class Bin:
    """Rows that a condition on `v` picks, the first that fits; `share` of them is usual."""

    condition: str
    label: str
    share: float


def usual(kept: Sequence[str], values: Values, bins: int) -> tuple[list[Bin], int]:
    """The bins of the mean of earlier runs' spreads, and the number of those runs; other kinds of spreads do not count."""
    runs = [run for run in map(json.loads, kept) if run["kind"] == values.kind]
    if not runs:
        return [], 0
    nulls = Bin("v IS NULL", "missing", sum(run["nulls"] for run in runs) / len(runs))
    rest = _numbers(runs, values, bins) if values.kind == "number" else _texts(runs, bins)
    return [nulls, *rest], len(runs)


def _numbers(runs: Sequence[Mapping[str, Any]], values: Values, bins: int) -> list[Bin]:
    """Bins of equal shares of all runs' points, and one on either side of what was ever seen."""
    weighted = sorted(
        (point, (1 - run["nulls"]) / len(run["points"]) / len(runs))
        for run in runs
        for point in run.get("points", ())
    )
    if not weighted:
        return [Bin("v IS NOT NULL", "any value", 0.0)]
    low, high = (pick(run[end] for run in runs if end in run) for pick, end in ((min, "low"), (max, "high")))
    edges = sorted({weighted[len(weighted) * place // bins][0] for place in range(1, bins)} - {high})
    found = [Bin(f"v < {low!r}", f"below {low:.4g}{values.unit}", 0.0)]
    before: float | None = None
    for edge in [*edges, high]:
        share = sum(
            weight for point, weight in weighted if point <= edge and (before is None or point > before)
        )
        span = f"{low if before is None else before:.4g} to {edge:.4g}{values.unit}"
        found.append(Bin(f"v <= {edge!r}", span, share))
        before = edge
    return [*found, Bin("v IS NOT NULL", f"above {high:.4g}{values.unit}", 0.0)]


def _texts(runs: Sequence[Mapping[str, Any]], bins: int) -> list[Bin]:
    """The most frequent values, and all others."""
    shares: dict[str, float] = {}
    for run in runs:
        for value, share in run["values"].items():
            shares[value] = shares.get(value, 0.0) + share / len(runs)
    top = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))[:bins]
    others = 1 - sum(run["nulls"] for run in runs) / len(runs) - sum(share for _, share in top)
    named = [Bin(f"v = {sql.text(value)}", value[:40] or "an empty text", share) for value, share in top]
    return [*named, Bin("v IS NOT NULL", "other values", max(others, 0.0))]


def parts_sql(values: Values, bins: Sequence[Bin], rows: int, source: str) -> str:
    """One row per bin of the rows in `source`: label, usual_share, share, part of the PSI, psi (the whole)."""
    rarest = max(_RAREST, 0.5 / rows)
    cases = " ".join(f"WHEN {one.condition} THEN {place}" for place, one in enumerate(bins))
    baseline = " UNION ALL\\n    ".join(
        f"SELECT {place} AS bin, {sql.text(one.label)} AS label, CAST({one.share!r} AS DOUBLE) AS usual_share"
        for place, one in enumerate(bins)
    )
    usual_share, share = (f"greatest({name}, {rarest!r})" for name in ("usual_share", "share"))
    return f"""WITH judged AS (
  SELECT CASE {cases} END AS bin FROM (SELECT {values.sql} AS v FROM {source}) AS read_values
), counted AS (
  SELECT bin, CAST(count(*) AS DOUBLE) AS n FROM judged GROUP BY bin
), baseline AS (
    {baseline}
), shares AS (
  SELECT b.label, b.usual_share, coalesce(c.n, 0) / {rows} AS share
  FROM baseline AS b LEFT JOIN counted AS c ON c.bin = b.bin
), parts AS (
  SELECT label, usual_share, share, ({share} - {usual_share}) * ln({share} / {usual_share}) AS part FROM shares
), whole AS (
  SELECT label, usual_share, share, part, sum(part) OVER () AS psi FROM parts
)
SELECT label, usual_share, share, part, psi FROM whole""".replace("\\n", "\n")
