"""With the columns known a translation is exact or refused; without them it takes the usual meaning."""

from __future__ import annotations

import pytest

from tailrace.transpile.problem import Refused
from tailrace.transpile.schema import kind_named
from tailrace.transpile.transpile import translate, transpiled

SCHEMA = {
    "crm.t": {
        "id": "INT64",
        "day": "DATE",
        "at_": "TIMESTAMP",
        "x": "DOUBLE",
        "d": "DECIMAL(12, 2)",
        "l": "VARCHAR[]",
        "s": "VARCHAR",
    }
}


def translated(select: str, schema=None) -> str:
    return " ".join(
        translate(f"SELECT {select} FROM crm.t AS t", "duckdb", "bigquery", schema=schema).split()
    )


@pytest.mark.parametrize(
    ("select", "usual", "exact"),
    [
        ("t.day - t.day AS n", "t.day - t.day", "DATE_DIFF(t.day, t.day, DAY)"),
        ("len(t.l) AS n", "CHAR_LENGTH(t.l)", "ARRAY_LENGTH(t.l)"),
        ("CAST(t.d AS VARCHAR) AS n", "CAST(t.d AS STRING)", "FORMAT('%.2f', t.d)"),
        ("avg(t.d) AS n", "AVG(t.d)", "AVG(CAST(t.d AS FLOAT64))"),
        ("epoch_ms(t.at_) AS n", "TIMESTAMP_MILLIS(t.at_)", "UNIX_MILLIS(t.at_)"),
        ("coalesce(t.at_, t.day) AS n", "COALESCE(t.at_, t.day)", "COALESCE(t.at_, CAST(t.day AS TIMESTAMP))"),
        ("(SELECT max(u.s) FROM crm.t AS u WHERE u.day = t.at_) AS n", "u.day = t.at_", "CAST(u.day AS TIMESTAMP) = t.at_"),
    ],
)  # fmt: skip
def test_what_depends_on_a_type(select, usual, exact):
    assert usual in translated(select)
    assert exact in translated(select, SCHEMA)


@pytest.mark.parametrize(
    "select",
    [
        "t.gone - t.id AS n",
        "len(t.gone) AS n",
        "CAST(t.gone AS VARCHAR) AS n",
        "t.gone || 'x' AS n",
        "t.gone[1] AS n",
    ],
)
def test_a_type_that_is_still_unknown_is_refused(select):
    translated(select)
    with pytest.raises(Refused) as refused:
        translated(select, SCHEMA)
    [problem] = refused.value.problems
    assert problem.message == "the type of t.gone is not known here"
    assert problem.offset == len("SELECT ") + select.index("t.gone")


def test_every_place_is_told_and_the_first_is_the_message():
    with pytest.raises(Refused) as refused:
        translate("SELECT hash(a) AS h,\n  mode(b) AS m\nFROM t", "duckdb", "bigquery")
    assert str(refused.value).startswith("1:8: hash() is not carried over to BigQuery. ")
    assert len(refused.value.problems) == 2


def test_sql_that_cannot_be_read_is_refused():
    with pytest.raises(Refused, match="the SQL cannot be read"):
        translate("SELECT FROM WHERE (", "duckdb", "bigquery")


def test_a_mark_in_a_tables_place_hides_no_columns():
    sql = "SELECT len(l) AS n FROM t"
    text, problems = transpiled(
        sql, "duckdb", {sql.index("t", 22): "@mark@"}, lambda _node: None, schema={"t": {"l": "BIGINT[]"}}
    )
    assert problems == []
    assert "`@mark@`" in text and "ARRAY_LENGTH(l)" in text


def test_bigquerys_words_take_a_schema_too():
    sql = "SELECT a - b AS n FROM t"
    assert translate(sql, "bigquery", "duckdb").split() == sql.split()
    with pytest.raises(Refused, match="a difference of dates"):
        translate(sql, "bigquery", "duckdb", schema={"t": {"a": "DATE", "b": "DATE"}})


@pytest.mark.parametrize(
    ("name", "kind"),
    [("INT64", "int"), ("BIGINT", "int"), ("STRING", "text"), ("VARCHAR(10)", "text"), ("NUMERIC", "decimal"), ("BIGNUMERIC", "decimal"),
     ("DECIMAL(38, 9)", "decimal"), ("ARRAY<STRING>", "list"), ("BIGINT[]", "list"), ("TIMESTAMP", "timestamp"), ("DATETIME", "timestamp"),
     ("STRUCT(a INTEGER)", "struct"), ("BYTES", "bytes"), ("nonsense", "")],
)  # fmt: skip
def test_types_of_either_engine_are_known(name, kind):
    assert kind_named(name).name == kind
