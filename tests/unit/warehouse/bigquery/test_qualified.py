"""Names of tables with their project."""

from __future__ import annotations

import pytest

from tailrace.warehouse.bigquery.qualified import qualified


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM d.t -- d.t\n", "SELECT * FROM `p-1`.d.t -- d.t\n"),
        ("SELECT 'd.t' FROM `d`.`t` AS x", "SELECT 'd.t' FROM `p-1`.`d`.`t` AS x"),
        ("SELECT * FROM `d.t`", "SELECT * FROM `p-1.d.t`"),
        ("SELECT * FROM `o`.d.t, `o.d.t`, o.d.t", "SELECT * FROM `o`.d.t, `o.d.t`, o.d.t"),
        ("WITH c AS (SELECT 1) SELECT * FROM c", "WITH c AS (SELECT 1) SELECT * FROM c"),
        (
            "SELECT * FROM d.t AS e, e.items, UNNEST(e.more)",
            "SELECT * FROM `p-1`.d.t AS e, e.items, UNNEST(e.more)",
        ),
        (
            "SELECT (SELECT max(n) FROM d.u) FROM d.t UNION ALL SELECT 1",
            "SELECT (SELECT max(n) FROM `p-1`.d.u) FROM `p-1`.d.t UNION ALL SELECT 1",
        ),
        ("SELECT * FROM d.INFORMATION_SCHEMA.TABLES", "SELECT * FROM d.INFORMATION_SCHEMA.TABLES"),
        ("CREATE TABLE `d`.`a` CLONE `d`.`b`", "CREATE TABLE `p-1`.`d`.`a` CLONE `p-1`.`d`.`b`"),
        ("SELECT ( FROM d.t", "SELECT ( FROM d.t"),
    ],
)
def test_exactly_this(sql, expected):
    assert qualified(sql, "p-1") == expected
