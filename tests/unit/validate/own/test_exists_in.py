"""`exists_in`: rows without a partner are counted by Great Expectations, and held back by their exact keys."""

from __future__ import annotations

import pytest
from tests.unit.validate.made import expect
from tests.unit.validate.own.gate import Gate

ROWS = (
    "SELECT range AS id, CASE WHEN range % 10 = 0 THEN NULL ELSE 'c' || range END AS customer FROM range(200)"
)


def check(on_fail: str = "quarantine", where: str | None = None, **kwargs) -> dict:
    return expect("exists_in", on_fail, where, column="customer", table="crm.customers", **kwargs)


@pytest.fixture(autouse=True)
def customers(warehouse):
    warehouse.execute("CREATE SCHEMA crm")
    warehouse.execute(
        "CREATE TABLE crm.customers AS SELECT 'c' || range AS code, 'C' || range AS customer FROM range(300) WHERE range NOT IN (13, 77)"
        " UNION ALL SELECT NULL, NULL"
    )


def held(warehouse) -> list[int]:
    return [key for (key,) in warehouse.query('SELECT "key" FROM tailrace_stage.held__scores ORDER BY 1')]


def test_exactly_the_rows_without_a_partner_are_held_back(warehouse):
    gate = Gate(warehouse, check(to_column="code"))
    seen = gate(ROWS)
    assert (seen.decision, seen.unexpected, seen.number) == ("quarantine", 2, 2)
    assert seen.reason == "customer does not exist in crm.customers (code): 2 rows"
    assert held(warehouse) == [13, 77]
    assert gate.verdict.decision == "pass"
    warehouse.execute("INSERT INTO crm.customers VALUES ('c13', '')")
    assert gate(ROWS).unexpected == 1  # the other table has changed, so it is judged again
    assert held(warehouse) == [77]
    gate(ROWS)
    assert gate.verdict.reused


def test_the_column_of_the_same_name_is_the_default(warehouse):
    seen = Gate(warehouse, check("warn"))(ROWS)
    assert seen.reason == "customer does not exist in crm.customers (customer): 180 rows"  # 'c1' is not 'C1'


def test_mostly_and_where_are_great_expectations_own(warehouse):
    gate = Gate(
        warehouse,
        check("warn", to_column="code", mostly=0.98),
        check("warn", "id < 50", to_column="code", mostly=0.98),
    )
    one, other = gate.all(ROWS)
    assert (one.success, one.unexpected) == (True, 2)  # 2 of 180 that are not NULL
    assert (other.success, other.unexpected) == (False, 1)  # 1 of 45
    assert (
        other.expected
        == "every customer exists in crm.customers (code) in at least 98% of rows (where id < 50)"
    )


@pytest.mark.parametrize(
    "select", [f"{ROWS} LIMIT 0", "SELECT range AS id, NULL::VARCHAR AS customer FROM range(9)"]
)
def test_nothing_to_find_passes(warehouse, select):
    assert Gate(warehouse, check(to_column="code"))(select).success


def test_an_empty_table_has_nothing(warehouse):
    warehouse.execute("DELETE FROM crm.customers")
    seen = Gate(warehouse, check("warn", to_column="code"))(ROWS)
    assert seen.unexpected == 180


def test_a_model_is_found_where_it_was_built(warehouse):
    warehouse.execute(
        "CREATE TABLE tailrace_meta.models AS SELECT 'people' AS model, 'crm' AS schema_name, 'table' AS materialized, 'f' AS fingerprint,"
        """ '{"config": {"alias": "customers"}}' AS parts, 1 AS rows, now()::TIMESTAMP AS built_at, 'r' AS run_id"""
    )
    item = expect("exists_in", "warn", column="customer", table="people", to_column="code")
    gate = Gate(warehouse, item)
    assert gate(ROWS).unexpected == 2
    state = warehouse.query("SELECT inputs FROM tailrace_meta.verdicts")[0][0]
    assert state.startswith('{"people": "built f ')


@pytest.mark.parametrize(
    ("kwargs", "why"),
    [
        ({"table": "crm.customer"}, "there is no table crm.customer"),
        ({"to_column": "codes"}, "crm.customers has no column codes. Did you mean code?"),
    ],
)
def test_a_table_that_does_not_fit_blocks(warehouse, kwargs, why):
    item = expect("exists_in", "warn", **{"column": "customer", "table": "crm.customers", **kwargs})
    seen = Gate(warehouse, item)(ROWS)
    assert (seen.decision, seen.reason) == ("block", f"exists_in(customer) could not be judged: {why}")


def test_names_that_collide_change_nothing(warehouse):
    """A column of the model as the one that is added, and a struct of the other table as the judged row."""
    warehouse.execute("CREATE TABLE crm.structs AS SELECT {'code': 'c2'} AS judged, 'c1' AS code")
    rows = (
        "SELECT range AS id, 'c' || range AS code, 1 AS Tailrace_Exists, 0 AS tailrace_exists1 FROM range(3)"
    )
    gate = Gate(
        warehouse, expect("exists_in", "quarantine", column="code", table="crm.structs"), max_quarantined=1.0
    )
    assert gate(rows).unexpected == 2
    assert held(warehouse) == [0, 2]


def test_a_number_equals_its_text_as_in_sql(warehouse):
    warehouse.execute("CREATE TABLE crm.texts AS SELECT '007' AS code")
    gate = Gate(warehouse, expect("exists_in", "warn", column="code", table="crm.texts"))
    assert gate("SELECT range AS id, CAST(range AS INTEGER) AS code FROM range(8)").unexpected == 7
