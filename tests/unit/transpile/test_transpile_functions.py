"""What a translation writes are functions that the other engine has; what is carried over are functions that DuckDB has."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from sqlglot import exp

from tailrace.build.sql import Wrong, read_sql
from tailrace.transpile.to_bigquery.calls import CALLS, INSTEAD
from tailrace.transpile.to_duckdb.write import CALLS as BIGQUERY_CALLS
from tailrace.transpile.written import parse

GOLDEN = Path(__file__).parents[2] / "golden" / "transpile"
# read by the parser, or by the binder rather than the catalogue
NOT_LISTED = {
    "coalesce", "ifnull", "nullif", "if", "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile",
    "percent_rank", "rank", "row_number", "grouping",
}  # fmt: skip
# a text that some rules want written out, by function and argument
ARGUMENTS = {
    "date_trunc": ["'day'", "x"], "datetrunc": ["'day'", "x"], "date_diff": ["'day'", "x", "y"], "datediff": ["'day'", "x", "y"],
    "date_sub": ["'day'", "x", "y"], "datesub": ["'day'", "x", "y"], "date_part": ["'day'", "x"], "datepart": ["'day'", "x"],
    "strftime": ["x", "'%Y'"], "strptime": ["x", "'%Y'"], "try_strptime": ["x", "'%Y'"], "date_add": ["x", "INTERVAL 1 DAY"],
    "split_part": ["x", "','", "1"], "regexp_extract": ["x", "'a'"], "regexp_extract_all": ["x", "'a'"], "regexp_replace": ["x", "'a'", "''", "'g'"],
    "substr": ["x", "1"], "substring": ["x", "1"], "lpad": ["x", "1", "'0'"], "rpad": ["x", "1", "'0'"], "printf": ["'%d'", "x"],
    "string_agg": ["x", "',' ORDER BY x"], "group_concat": ["x", "',' ORDER BY x"], "listagg": ["x", "',' ORDER BY x"],
    "list": ["x ORDER BY x"], "array_agg": ["x ORDER BY x"], "first": ["x ORDER BY y"], "last": ["x ORDER BY y"],
    "list_transform": ["x", "e -> e"], "list_filter": ["x", "e -> e > 1"], "array_transform": ["x", "e -> e"], "array_filter": ["x", "e -> e > 1"],
    "list_apply": ["x", "e -> e"], "array_apply": ["x", "e -> e"], "filter": ["x", "e -> e > 1"], "json_extract": ["x", "'$.a'"],
    "json_extract_path": ["x", "'a'"], "json_extract_string": ["x", "'$.a'"], "json_extract_path_text": ["x", "'a'"],
    "array_to_string": ["['a']", "','"], "struct_pack": ["a := x"],
}  # fmt: skip
OVER = (
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
)


def catalogue() -> dict[str, tuple[int, int]]:
    lines = (GOLDEN / "catalogue" / "bigquery.functions").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {name: (int(fewest), 10**6 if most == "*" else int(most)) for name, fewest, most in rows}


def calls_of(sql: str) -> set[tuple[str, int]]:
    tree, _ = parse(sql, "bigquery")
    safe = {id(node.this): "SAFE." for node in tree.find_all(exp.SafeFunc)}
    return {
        (safe.get(id(node), "") + str(node.this).upper(), len(node.expressions))
        for node in tree.find_all(exp.Anonymous)
    }


def call_of(name: str) -> str:
    arguments = ARGUMENTS.get(name) or ["x", "y", "z", "u"][: CALLS[name][0]]
    window = (
        " OVER (PARTITION BY u)"
        if name in ("median", "quantile_cont")
        else " OVER (ORDER BY u)"
        if name in OVER
        else ""
    )
    return f"SELECT {name}({', '.join(arguments)}){window} AS v FROM s.t"


@pytest.mark.parametrize("name", sorted(CALLS))
def test_bigquery_has_what_is_written(name):
    known = catalogue()
    found = calls_of(read_sql(call_of(name), "duckdb", "bigquery").sql.replace("@tailrace:ctes@", ""))
    assert found or name in ("year", "quarter", "month", "week", "weekofyear", "day", "hour", "minute", "second", "dayofweek",
                             "weekday", "dayofyear", "date_part", "datepart", "isoyear", "list_value", "struct_pack"), name  # fmt: skip
    for function, count in found - {("UNNEST", 1), ("STRUCT", 1), ("ARRAY", 1)}:
        assert function in known, function
        assert known[function][0] <= count <= known[function][1], (function, count)


def test_bigquery_has_what_the_cases_write():
    known = catalogue()
    for path in GOLDEN.glob("*.txt"):
        text = path.read_text()
        if text.startswith("== duckdb") and "== bigquery\n" in text:
            written = text.partition("== bigquery\n")[2].partition("== rows\n")[0]
            unknown = {name for name, _ in calls_of(written)} - set(known)
            assert not unknown - {"UNNEST", "STRUCT", "ARRAY"}, path.name


def test_duckdb_has_what_is_carried_over():
    with duckdb.connect() as engine:
        there = {
            row[0].lower()
            for row in engine.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
        }
    assert set(CALLS) - there - NOT_LISTED == set()


def test_every_other_function_of_duckdb_is_refused():
    with duckdb.connect() as engine:
        there = {
            row[0].lower()
            for row in engine.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
        }
    others = sorted(name for name in there - set(CALLS) if name.isidentifier() and not name.startswith("_"))
    passed = []
    for name in others:
        try:
            found = read_sql(f'SELECT "{name}"(x, y) AS v FROM s.t', "duckdb", "bigquery").sql
        except Wrong:
            continue
        passed.append((name, found))
    assert len(others) > 500
    assert passed == []


def test_advice_names_no_function_that_is_carried_over():
    assert set(INSTEAD) & set(CALLS) == set()


def test_bigquerys_functions_are_many():
    assert len(BIGQUERY_CALLS) > 100


def test_a_refusal_shows_what_was_written_and_logs_nothing(caplog):
    with pytest.raises(Wrong) as refused:
        read_sql("SELECT any_value(a IGNORE NULLS) AS v FROM s.t", "duckdb", "bigquery")
    assert refused.value.problems[0].message == "a IGNORE NULLS has no counterpart in BigQuery"
    read_sql("SELECT last_value(a RESPECT NULLS) OVER (ORDER BY a) AS v FROM s.t", "duckdb", "bigquery")
    assert caplog.records == []


@pytest.mark.parametrize(
    ("written", "near"), [("trin", "trim"), ("uper", "upper"), ("hash_of", ""), ("geo", "")]
)
def test_only_a_typo_is_taken_for_one(written, near):
    with pytest.raises(Wrong) as refused:
        read_sql(f"SELECT {written}(a) AS v FROM s.t", "duckdb", "bigquery")
    [problem] = refused.value.problems
    assert problem.fix == (
        f"Did you mean {near}?" if near else "Write it in functions that both engines have"
    )
