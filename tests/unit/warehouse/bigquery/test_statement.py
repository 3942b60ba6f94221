"""What a statement does and to which tables, told from its text."""

from __future__ import annotations

import pytest

from tailrace.errors import WarehouseError
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.statement import read_statement

A, B = TableRef("s", "a"), TableRef("s", "b")


@pytest.mark.parametrize(
    ("sql", "kind", "target", "reads", "session"),
    [
        ('SELECT * FROM "s"."a" JOIN t USING (x)', "select", None, {A}, {"t"}),
        ('WITH b AS (SELECT 1) SELECT * FROM b, "s"."b"', "select", None, {B}, set()),
        ("(FROM s.a)", "select", None, {A}, set()),
        ('INSERT INTO "s"."a" (x) WITH r AS (SELECT * FROM t) SELECT x FROM r', "insert", A, set(), {"t"}),
        ("INSERT INTO s.a VALUES (1)", "insert", A, set(), set()),
        ("INSERT INTO s.a SELECT * FROM s.a", "insert", A, {A}, set()),
        ("DELETE FROM s.a AS t WHERE EXISTS (SELECT 1 FROM s.b AS l WHERE l.k = t.k)", "change", A, {B}, set()),
        ("DELETE FROM s.a WHERE k IN (SELECT k FROM s.a WHERE x)", "change", A, {A}, set()),
        ("UPDATE s.a SET x = 1 FROM t WHERE t.k = a.k", "change", A, set(), {"t"}),
        ("MERGE INTO s.a USING t ON a.k = t.k WHEN MATCHED THEN DELETE", "change", A, set(), {"t"}),
        ("TRUNCATE TABLE s.a", "change", A, set(), set()),
        ("CREATE TABLE IF NOT EXISTS s.a (x VARCHAR)", "make", A, set(), set()),
        ("CREATE OR REPLACE TABLE s.a AS SELECT * FROM s.b", "make", A, {B}, set()),
        ("CREATE VIEW s.a AS SELECT * FROM s.b", "view", A, {B}, set()),
        ("DROP TABLE IF EXISTS s.a", "drop", A, set(), set()),
        ("ALTER TABLE s.a ADD COLUMN x VARCHAR", "alter", A, set(), set()),
        ("CREATE SCHEMA IF NOT EXISTS s", "other", None, set(), set()),
        ("SET threads = 1", "other", None, set(), set()),
    ],
)  # fmt: skip
def test_kind_target_and_tables(sql, kind, target, reads, session):
    found = read_statement(sql)
    assert (found.kind, found.reads, found.session) == (kind, reads, session)
    if target is not None:
        assert found.target == target


@pytest.mark.parametrize(
    "sql", ["CREATE TEMP TABLE x AS SELECT 1", "CREATE OR REPLACE TEMP VIEW x AS SELECT 1", "INSERT INTO x SELECT 1", "DROP TABLE temp.x"]
)  # fmt: skip
def test_tables_of_the_session_are_temporary(sql):
    assert read_statement(sql).temporary


def test_the_body_keeps_its_ctes_and_the_names_of_what_it_fills():
    found = read_statement('INSERT INTO "s"."a" (x, "y z") WITH r AS (SELECT 1 AS x, 2 AS y) SELECT * FROM r')
    assert found.names == ("x", "y z")
    assert found.body == "WITH r AS (SELECT 1 AS x, 2 AS y) SELECT * FROM r"


def test_two_statements_at_once_are_refused():
    with pytest.raises(WarehouseError, match="one statement at a time, not 2"):
        read_statement("SELECT 1; SELECT 2")


def test_columns_of_an_insert_by_name_are_listed():
    found = read_statement('INSERT INTO d.t BY NAME SELECT 1 AS b, 2 AS "A b"')
    assert found.names == ("b", "A b")
    assert found.sql == 'INSERT INTO d.t ("b", "A b") SELECT 1 AS b, 2 AS "A b"'
    assert not found.by_name


def test_rows_name_the_columns_where_a_star_hides_them():
    found = read_statement("INSERT INTO d.t BY NAME SELECT * FROM x")
    assert found.by_name
    assert found.names == ()
