"""`total_matches_source`: sums are exact, groups that one side lacks are found, and Python's decimals agree."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.validate.made import expect
from tests.unit.validate.own.gate import Gate

from tailrace.validate.own.total_matches_source import query
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

SOURCE = """CREATE SCHEMA IF NOT EXISTS ads; CREATE OR REPLACE TABLE ads.spend AS SELECT * FROM (VALUES
  ('a', 'USD', 10000000), ('a', 'USD', 5500000), ('b', 'USD', 1000000), ('b', 'EUR', 2000000), (NULL, 'USD', 300000),
  ('z', 'USD', 0)) AS t(acct, currency, cost_micros)"""
MODEL = """SELECT row_number() OVER () AS id, * FROM (VALUES ('a', 'USD', 15.5), ('b', 'USD', 1.0), ('b', 'EUR', 2.0),
  (NULL, 'USD', 0.3)) AS t(account, currency, cost)"""


def check(**kwargs) -> dict:
    return expect(
        "total_matches_source", "warn",
        **{"column": "cost", "source": "ads.spend", "source_column": "cost_micros / 1000000", **kwargs},
    )  # fmt: skip


BY = {"by": ["account", "currency"], "source_by": ["acct", "currency"]}
CHANGED = [
    ("equal", MODEL, BY, "5 totals compared, the largest difference is 0.0000%", 0.0),
    ("equal as a whole", MODEL, {}, "1 total compared, the largest difference is 0.0000%", 0.0),
    ("within the tolerance", MODEL.replace("15.5)", "15.5155)"), BY, "5 totals compared, the largest difference is 0.1000%", 0.001),
    ("beyond it", MODEL.replace("15.5)", "15.516)"), BY,
     "1 total differs: 15.516 here, 15.50 in the source (account a, currency USD)", 0.016 / 15.5),
    ("hidden in the whole", MODEL.replace("15.5)", "15.516)"), {}, "1 total compared, the largest difference is 0.0851%", 0.016 / 18.8),
    ("exactly", MODEL.replace("0.3)", "0.30000001)"), {**BY, "tolerance": 0},
     "1 total differs: 0.30000001 here, 0.30 in the source (account NULL, currency USD)", 1e-8 / 0.3),
    ("by an amount", MODEL.replace("0.3)", "0.31)"), {**BY, "absolute": 0.02}, "5 totals compared, the largest difference is 3.3333%", 1 / 30),
    ("currencies apart", MODEL.replace("2.0", "1.0").replace("'USD', 1.0", "'USD', 2.0"), BY,
     "2 totals differ: 1 here, 2 in the source (account b, currency EUR), 2 here, 1 in the source (account b, currency USD)", 1.0),
    ("missing in the model", MODEL.replace(", ('b', 'EUR', 2.0)", ""), BY,
     "1 total differs: 0 here, 2 in the source (account b, currency EUR)", 1.0),
    ("missing in the source", MODEL.replace("(NULL,", "('c', 'USD', 9.0), (NULL,"), BY,
     "1 total differs: 9 here, 0 in the source (account c, currency USD)", 1.0),
    ("nothing at all", f"{MODEL} LIMIT 0", {}, "1 total differs: 0 here, 18.80 in the source", 1.0),
    ("of some rows", MODEL, {**BY, "source_where": "currency = 'EUR' OR acct = 'a'"},
     "2 totals differ: 1 here, 0 in the source (account b, currency USD), 0.30 here, 0 in the source (account NULL, currency USD)", 1.0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "kwargs", "observed", "number"),
    [case[1:] for case in CHANGED],
    ids=[case[0] for case in CHANGED],
)
def test_totals_are_compared(warehouse, model, kwargs, observed, number):
    for statement in SOURCE.split(";"):
        warehouse.execute(statement)
    seen = Gate(warehouse, check(**kwargs))(model)
    assert seen.observed == observed
    assert seen.success is ("compared" in observed)
    assert seen.number == pytest.approx(number)


def test_a_condition_stands_for_the_models_rows(warehouse):
    for statement in SOURCE.split(";"):
        warehouse.execute(statement)
    item = check(**BY, source_where="currency = 'EUR'") | {"where": "currency = 'EUR'"}
    assert Gate(warehouse, item)(MODEL).observed == "1 total compared, the largest difference is 0.0000%"


def test_floats_add_up_to_what_they_say(warehouse):
    warehouse.execute("CREATE SCHEMA ads")
    warehouse.execute("CREATE TABLE ads.spend AS SELECT 0.1::DOUBLE AS cost_micros FROM range(100000)")
    item = check(source_column="cost_micros", tolerance=0)
    seen = Gate(warehouse, item)("SELECT 1 AS id, CAST(10000 AS DECIMAL(18, 2)) AS cost")
    assert seen.success, seen.reason  # a sum of doubles is 10000.000000018848


def test_personal_amounts_and_groups_are_not_shown(warehouse):
    for statement in SOURCE.split(";"):
        warehouse.execute(statement)
    gate = Gate(warehouse, check(**BY), personal=frozenset({"cost", "account"}))
    seen = gate(MODEL.replace("15.5)", "4711)"))
    assert not seen.success
    assert "4711" not in str(seen)
    assert "4,711" not in str(seen)


@pytest.mark.parametrize(
    ("kwargs", "reason"),
    [
        ({"source": "ads.spent"}, "there is no table ads.spent"),
        ({"source": "nowhere"}, "there is no table nowhere"),
        ({"source_column": "cost"}, 'Binder Error: Referenced column "cost" not found'),
        ({"source_column": "acct"}, 'Conversion Error: Could not convert string "***" to DECIMAL'),
    ],
)
def test_what_cannot_be_added_up_blocks(warehouse, kwargs, reason):
    for statement in SOURCE.split(";"):
        warehouse.execute(statement)
    gate = Gate(warehouse, check(**kwargs))
    seen = gate(MODEL)
    assert seen.decision == "block"
    assert seen.reason.startswith(f"total_matches_source(cost) could not be judged: {reason}")
    gate(MODEL)
    assert not gate.verdict.reused


def test_a_changed_source_is_compared_again(warehouse):
    for statement in SOURCE.split(";"):
        warehouse.execute(statement)
    gate = Gate(warehouse, check(**BY))
    assert gate(MODEL).success
    gate(MODEL)
    assert gate.verdict.reused
    warehouse.execute("UPDATE ads.spend SET cost_micros = 0 WHERE acct = 'b'")
    assert not gate(MODEL).success


_AMOUNT = st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents) / 10_000)
_SIDE = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.one_of(st.none(), _AMOUNT)), max_size=8)
_DB = DuckDBWarehouse(None)


@settings(max_examples=100, deadline=None)
@given(_SIDE, _SIDE, st.sampled_from([0, 0.001, 0.1, 1]), st.sampled_from([0, 0.01, 100]))
def test_the_query_agrees_with_decimals(ours, theirs, tolerance, absolute):
    for name, rows in (("ours", ours), ("theirs", theirs)):
        _DB.execute(f"CREATE OR REPLACE TABLE {name} (g VARCHAR, v DECIMAL(18, 4))")
        for row in rows:
            _DB.execute(f"INSERT INTO {name} VALUES (?, ?)", row)
    kwargs = {"column": "v", "source_column": "v", "by": ["g"], "tolerance": tolerance, "absolute": absolute}
    sql = query(kwargs, TableRef("main", "theirs")).replace("{batch}", "ours")
    found = {row[0]: row[1:] for row in _DB.query(sql)}
    wanted = {}
    for group in {row[0] for row in [*ours, *theirs]}:
        left, right = (
            sum((value for name, value in side if name == group and value is not None), Decimal(0))
            for side in (ours, theirs)
        )
        allowed = max(Decimal(str(tolerance)) * abs(right), Decimal(str(absolute)))
        if abs(left - right) > allowed:
            wanted[group] = (left, right, left - right)
    assert found == wanted
