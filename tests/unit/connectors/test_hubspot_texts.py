"""Batches of texts: the same bytes' meaning as rows one by one, and no row lost whatever HubSpot answers."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import duckdb
import orjson
import pytest
from tests.unit.connectors.scripted import JSON, Budget, utc_now, vendor

from tailrace.activate.mapping import as_sent
from tailrace.activate.texts import document_sql, exact_sql
from tailrace.connectors.hubspot import texts
from tailrace.connectors.hubspot.records import _prepare
from tailrace.connectors.hubspot.values import to_text
from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.registry import declaration
from tailrace.connectors.sdk.writing import TextBatch, WriteBatch, WriteRow

HARD = [
    ("VARCHAR", ["", "a\n\"b'\\", '=HYPERLINK("http://x")', "😀 é ﬁ", "\x00\x01\x1f\x7f\u2028", " 007 ", "NULL", "{}", None]),
    ("BIGINT", [0, -1, 2**63 - 1, -(2**63), 9_007_199_254_740_993, None]),
    ("DECIMAL(38, 0)", [Decimal(10**37), Decimal(-100), Decimal(0), None]),
    ("DECIMAL(18, 4)", [Decimal("12.5000"), Decimal("-0.0100"), Decimal("100.0000"), Decimal("0.0000"), None]),
    ("DOUBLE", [0.0, -0.0, 0.1 + 0.2, 100.0, -1.5, 123456789012345.0, 0.0001, 1e15, None]),
    ("BOOLEAN", [True, False, None]),
    ("DATE", [date(1969, 12, 31), date(1000, 1, 1), date(2026, 2, 28), None]),
    ("TIMESTAMP", [datetime(1969, 12, 31, 23, 59, 59, 999_999), datetime(1000, 1, 1), datetime(2026, 1, 2, 3, 4, 5, 678_900), None]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values"), HARD, ids=[kind for kind, _ in HARD])
@pytest.mark.parametrize("if_null", ["clear", "skip"])
def test_the_engine_says_of_a_value_what_python_says(kind, values, if_null):
    con = duckdb.connect()
    con.execute(f"CREATE TABLE t (v {kind})")
    con.executemany("INSERT INTO t VALUES (?)", [[value] for value in values])
    stored = con.execute("SELECT data_type FROM duckdb_columns() WHERE table_name = 't'").fetchall()[0][0]
    document = document_sql([('a "field"', "v", stored, if_null)])
    found = con.execute(f"SELECT v, {document}, {exact_sql([('v', stored)])} FROM t").fetchall()
    assert len(found) == len(values)
    for value, text, certain in found:
        left_out = value is None and if_null == "skip"
        assert certain
        assert json.loads(text) == ({} if left_out else {'a "field"': to_text(as_sent(value))})


@pytest.mark.parametrize("value", [1e16, 1.5e-7, 1e300, 5e-324])
def test_a_double_with_an_exponent_is_left_to_python(value):
    assert duckdb.execute(
        f"SELECT {exact_sql([('v', 'DOUBLE')])} FROM (SELECT ?::DOUBLE AS v)", [value]
    ).fetchall() == [(False,)]


@pytest.mark.parametrize(
    ("kind", "value"), [("DATE", "0999-12-31"), ("DATE", "12026-01-01"), ("TIMESTAMP", "infinity")]
)
def test_a_date_that_python_has_not_is_left_to_python(kind, value):
    [(certain,)] = duckdb.execute(
        f"SELECT {exact_sql([('v', kind)])} FROM (SELECT '{value}'::{kind} AS v)"
    ).fetchall()
    assert not certain


def test_a_type_that_is_not_known_is_left_to_python():
    assert exact_sql([("v", "BLOB")]).endswith("false")


@pytest.mark.parametrize("match_field", ["email", "hs_object_id", 'odd "name"'])
def test_the_body_is_that_of_rows_one_by_one(match_field):
    keys = ["a@x.io", 'ü"\n😀@x.io', "=1+1"]
    values = [{"score": "7", "note": 'a\n"b'}, {"score": "", "note": "😀"}, {}]
    batch = TextBatch(
        "contacts", "upsert", match_field, 40, keys, [orjson.dumps(each).decode() for each in values]
    )
    rows = [WriteRow(str(40 + n), key, each) for n, (key, each) in enumerate(zip(keys, values, strict=True))]
    sent, refused = _prepare(WriteBatch("contacts", "upsert", match_field, tuple(rows)), {})
    named = None if match_field == "hs_object_id" else match_field
    assert json.loads(texts.body(batch, named)) == {"inputs": [one.body for one in sent]}
    assert refused == []


def taken(trace):
    return {"id": f"9{trace}", "properties": {}, "objectWriteTraceId": trace}


def answered(*results, errors=(), status=200):
    return (
        status,
        JSON,
        orjson.dumps({"status": "COMPLETE", "results": list(results), "errors": list(errors)}),
    )


def refused(message, status=400):
    return status, JSON, orjson.dumps({"status": "error", "category": "VALIDATION_ERROR", "message": message})


def written(*steps, n=4):
    """What becomes of `n` rows, as {trace: outcome}, with the requests that it took."""
    with vendor(*steps) as crm:
        options = {"access_token": "x", "base_url": crm.url, "rate_limit": "off"}
        connector = declaration("hubspot").open(options, Context("hubspot", Budget(), utc_now))
        batch = TextBatch(
            "contacts", "update", "email", 0, [f"p{i}@x.io" for i in range(n)], ['{"score":"1"}'] * n
        )
        told = connector.destination().write_texts(batch)
        connector.close()
    found = dict.fromkeys(told.accepted, "acked") | {each.trace: each.outcome for each in told.others}
    return found, told, len(crm.asked)


def test_all_accepted():
    found, told, requests = written(answered(*(taken(str(i)) for i in (2, 0, 3, 1))))
    assert told.accepted == {"0": "90", "1": "91", "2": "92", "3": "93"}
    assert (len(told.others), requests, set(found.values())) == (0, 1, {"acked"})


def test_a_failure_inside_a_207_is_that_row_s_alone():
    error = {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": 'Property "score" is too long',
        "context": {"objectWriteTraceId": ["2"]},
    }
    found, told, _ = written(answered(taken("0"), taken("1"), taken("3"), errors=[error], status=207))
    assert found == {"0": "acked", "1": "acked", "2": "dead", "3": "acked"}
    assert next(each for each in told.others if each.outcome == "dead").field == "score"


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], {}),
        ([taken("0"), taken("1"), taken("2")], {"0": "acked", "1": "acked", "2": "acked"}),
        ([taken("0"), taken("0"), taken("1"), taken("2")], {"0": "unknown", "1": "acked", "2": "acked"}),
        ([taken("0"), taken("1"), taken("2"), taken("77")], {"0": "acked", "1": "acked", "2": "acked"}),
        ([{"id": "1"}, taken("1"), taken("2"), taken("3")], {"1": "acked", "2": "acked", "3": "acked"}),
        ([{**taken("0"), "id": None}, taken("1"), taken("2"), taken("3")], {"1": "acked", "2": "acked", "3": "acked"}),
    ],
    ids=["COMPLETE without results", "one missing", "one twice", "one of nobody", "one without trace", "one without id"],
)  # fmt: skip
def test_only_rows_that_the_answer_names_once_are_accepted(results, expected):
    found, _, requests = written(answered(*results))
    assert ({trace: word for trace, word in found.items() if trace in "0123"}, requests) == (expected, 1)


def test_an_empty_body_says_nothing_of_any_row():
    found, _, requests = written((200, JSON, b""))
    assert (found, requests) == ({}, 1)


def test_a_batch_refused_for_one_row_is_halved_until_that_row_is_alone():
    found, told, requests = written(
        refused("row 2 is bad"),
        answered(taken("0"), taken("1")),
        refused("row 2 is bad"),
        refused("row 2 is bad"),
        answered(taken("3")),
    )
    assert found == {"0": "acked", "1": "acked", "2": "dead", "3": "acked"}
    assert (requests, next(each for each in told.others if each.outcome == "dead").reason) == (
        5,
        "row 2 is bad",
    )


def test_an_answer_lost_after_the_commit_is_asked_for_by_sending_the_same_again():
    whole = answered(*(taken(str(i)) for i in range(4)))
    found, _, requests = written(None, whole)
    assert (set(found.values()), requests) == ({"acked"}, 2)


def test_a_storm_of_429_without_retry_after_closes_the_account_for_its_interval():
    limited = (429, JSON, b'{"policyName":"SECONDLY","message":"You have reached your secondly limit."}')
    with vendor(limited, answered(*(taken(str(i)) for i in range(2)))) as crm:
        budget = Budget()
        connector = declaration("hubspot").open(
            {"access_token": "x", "base_url": crm.url}, Context("hubspot", budget, utc_now)
        )
        batch = TextBatch("contacts", "update", "email", 0, ["a", "b"], ["{}", "{}"])
        assert len(connector.destination().write_texts(batch).accepted) == 2
        connector.close()
    assert budget.blocked == [(1.0, "")]
