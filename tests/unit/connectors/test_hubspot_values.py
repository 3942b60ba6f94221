from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.connectors.hubspot.outcomes import Sent, gathered
from tailrace.connectors.hubspot.records import _prepare
from tailrace.connectors.hubspot.values import Unsendable, to_text
from tailrace.connectors.sdk.writing import WriteBatch, WriteRow


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (10**20, "100000000000000000000"),
        (1e21, "1000000000000000000000"),
        (1.5e-7, "0.00000015"),
        (100.0, "100"),
        (0.0, "0"),
        (Decimal("12.50"), "12.5"),
        (Decimal("1E+3"), "1000"),
        ("a\n\"b'", "a\n\"b'"),
        ("", ""),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC), "2026-01-02T03:04:05.678Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05.000Z"),
        (["a", "b"], "a;b"),
        ({"a": 1}, '{"a":1}'),
    ],
)
def test_values_reach_hubspot_as_what_they_are(value, text):
    assert to_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value_without_an_exponent(value):
    text = to_text(value)
    assert "e" not in text.lower()
    assert float(text) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), b"x", object()])
def test_what_has_no_text_is_refused(value):
    with pytest.raises(Unsendable):
        to_text(value)


def test_an_unsendable_row_holds_back_itself():
    rows = (
        WriteRow("a", "x", {"n": 1}),
        WriteRow("b", "y", {"n": float("nan")}),
        WriteRow("c", None, {"n": 1}),
    )
    sendable, refused = _prepare(WriteBatch("contacts", "update", "email", rows), {})
    assert [one.row.trace for one in sendable] == ["a"]
    assert [(result.trace, result.outcome, result.field) for result in refused] == [
        ("b", "dead", "n"),
        ("c", "dead", None),
    ]


def _sent(*keys: str) -> list[Sent]:
    return [Sent(WriteRow(f"t-{number}", key, {}), key, {}) for number, key in enumerate(keys)]


def test_outcomes_are_found_by_trace_then_id_then_match_value():
    batch = WriteBatch("contacts", "upsert", "email", ())
    document = {
        "results": [
            {"id": "9", "properties": {"email": "B@x.io"}},
            {"id": "7", "objectWriteTraceId": "t-0", "properties": {}},
        ],
        "errors": [
            {"category": "VALIDATION_ERROR", "message": "no", "context": {"objectWriteTraceId": ["t-2"]}},
            {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["d@x.io"]}},
            {"category": "X", "message": "t-4 is something else", "context": {}},
        ],
    }
    results = gathered(batch, _sent("a@x.io", "b@x.io", "c@x.io", "d@x.io", "e@x.io"), document)
    assert {result.trace: (result.outcome, result.remote_id) for result in results} == {
        "t-0": ("acked", "7"),
        "t-1": ("acked", "9"),
        "t-2": ("dead", None),
        "t-3": ("unmatched", None),
        "t-4": ("unknown", None),
    }


@pytest.mark.parametrize(
    "error",
    [
        {"message": "no", "context": {"propertyName": ["score"]}},
        {"message": "no", "errors": [{"message": "no", "context": {"propertyName": "score"}}]},
        {"message": "no", "errors": [{"message": "no", "in": "score"}]},
        {
            "message": 'Property values were not valid: [{"isValid":false,"error":"INVALID_INTEGER","name":"score"}]'
        },
        {"message": 'Property "score" does not exist'},
    ],
)
def test_the_refused_property_is_named(error):
    batch = WriteBatch("contacts", "update", "email", ())
    named = {
        **error,
        "context": {**error.get("context", {}), "ids": ["a@x.io"]},
        "category": "VALIDATION_ERROR",
    }
    assert [result.field for result in gathered(batch, _sent("a@x.io"), {"errors": [named]})] == ["score"]
