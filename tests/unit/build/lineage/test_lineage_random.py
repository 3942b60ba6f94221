"""Queries that nobody wrote: DuckDB judges whether lineage names all that changes their answer."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.build.lineage.cases import TABLES, lineage
from tests.unit.build.lineage.test_lineage_engine import influences

NUMBERS = {"people": ["id", "visits"], "deals": ["deal_id", "person_id", "amount"], "tree": ["id", "parent"]}
TEXTS = {"people": ["email", "country"], "deals": ["stage"], "tree": ["label"]}


@pytest.fixture(scope="module")
def con():
    con = duckdb.connect()
    con.execute(TABLES)
    yield con
    con.close()


@st.composite
def numbers(draw, table, alias, depth=2):
    kind = draw(
        st.sampled_from(["column", "column", "sum", "case", "length", "sub"] if depth else ["column"])
    )
    if kind == "sum":
        return f"({draw(numbers(table, alias, depth - 1))} + {draw(numbers(table, alias, depth - 1))})"
    if kind == "case":
        return f"CASE WHEN {draw(conditions(table, alias))} THEN {draw(numbers(table, alias, depth - 1))} ELSE 1 END"
    if kind == "length":
        return f"length({alias}.{draw(st.sampled_from(TEXTS[table]))})"
    if kind == "sub":
        other = draw(st.sampled_from(sorted(NUMBERS)))
        inner = draw(numbers(other, "s", 0))
        return f"(SELECT max({inner}) FROM {other} AS s WHERE s.{draw(st.sampled_from(NUMBERS[other]))} <> {alias}.{NUMBERS[table][0]})"
    return f"{alias}.{draw(st.sampled_from(NUMBERS[table]))}"


@st.composite
def conditions(draw, table, alias):
    column = draw(st.sampled_from(NUMBERS[table]))
    kind = draw(st.sampled_from(["more", "text", "in", "exists"]))
    if kind == "text":
        return f"{alias}.{draw(st.sampled_from(TEXTS[table]))} > 'b'"
    if kind == "in":
        return f"{alias}.{column} IN (SELECT person_id FROM deals WHERE stage <> 'open')"
    if kind == "exists":
        return f"EXISTS (FROM deals AS e WHERE e.person_id = {alias}.{column})"
    return f"{alias}.{column} > {draw(st.integers(0, 3))}"


@st.composite
def sources(draw, depth=2):
    """A query with columns n (number) and t (text)."""
    table = draw(st.sampled_from(sorted(NUMBERS)))
    text = f"a.{draw(st.sampled_from(TEXTS[table]))}"
    number = draw(numbers(table, "a"))
    kind = draw(st.sampled_from(["plain", "window", "group", "join", "union", "star", "limit", "distinct"]))
    where = f"WHERE {draw(conditions(table, 'a'))}" if draw(st.booleans()) else ""
    if kind == "group":
        return f"SELECT sum({number}) AS n, {text} AS t FROM {table} AS a {where} GROUP BY ALL"
    if kind == "window":
        number = f"sum({number}) OVER (PARTITION BY {text} ORDER BY a.{NUMBERS[table][0]})"
    if kind == "limit":
        return f"SELECT {number} AS n, {text} AS t FROM {table} AS a {where} ORDER BY a.{NUMBERS[table][0]}, n, t LIMIT 2"
    plain = f"SELECT {'DISTINCT ' if kind == 'distinct' else ''}{number} AS n, {text} AS t FROM {table} AS a {where}"
    if not depth or kind in ("plain", "window", "distinct"):
        return plain
    other = draw(sources(depth - 1))
    if kind == "union":
        return f"({plain}) {draw(st.sampled_from(['UNION', 'UNION ALL', 'UNION ALL BY NAME', 'EXCEPT', 'INTERSECT']))} ({other})"
    if kind == "join":
        side = draw(st.sampled_from(["", "LEFT ", "RIGHT ", "FULL ", "SEMI ", "ANTI "]))
        seen = (
            "x.n" if side in ("SEMI ", "ANTI ") else draw(st.sampled_from(["x.n", "y.n", "x.n + y.n", "n"]))
        )
        return f"WITH x AS ({plain}), y AS ({other}) SELECT {seen} AS n, x.t FROM x {side}JOIN y USING (n)"
    return f"SELECT * REPLACE (n + 1 AS n) FROM ({plain}) AS q WHERE n IN (SELECT n FROM ({other}))"


@given(sql=sources())
@settings(max_examples=25, derandomize=True, deadline=None)
def test_whatever_changes_an_answer_is_named(con, sql):
    names, found = influences(con, sql)
    relation, notes = lineage(sql)
    assert notes == [], sql
    assert [output.name for output in relation.columns.values()] == names
    for output, places in zip(relation.columns.values(), found, strict=True):
        told = output.direct | output.indirect | relation.filters
        assert places <= told, f"{sql}\n{output.name}: {sorted(places - told)}"
