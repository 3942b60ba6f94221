"""Bounds as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.validate.suggest.rounding import length, outward, shown, slack


@pytest.mark.parametrize(
    ("value", "bound"),
    [(0, 0), (97, 100), (100, 100), (101, 200), (640, 1000), (0.3, 0.5), (0.05, 0.05), (1, 1), (1.0001, 2), (-97, -100), (96420, 100000), (7e-5, 1e-4), (3e15, None), (float("inf"), None)],
)  # fmt: skip
def test_outward_is_one_two_or_five(value, bound):
    assert outward(value) == bound


@given(
    st.floats(min_value=-1e15, max_value=1e15, allow_subnormal=False).filter(
        lambda x: abs(x) > 1e-9 or x == 0
    )
)
def test_outward_never_cuts_off_and_never_more_than_doubles_and_a_half(value):
    bound = outward(value)
    assert abs(bound) >= abs(value) * 0.999999
    assert abs(bound) <= abs(value) * 2.5000001
    assert bound * value >= 0


@pytest.mark.parametrize(
    ("missed", "of", "mostly"),
    [(1, 100_000, 0.999), (3, 300, 0.95), (12, 100, 0.75), (24, 100, 0.5), (30, 100, None), (1, 20, 0.8)],
)
def test_slack_leaves_room_for_twice_as_many_and_for_chance(missed, of, mostly):
    assert slack(missed, of) == mostly


@given(st.integers(1, 10_000), st.integers(1, 100_000))
def test_what_was_seen_always_passes_its_own_slack(missed, of):
    mostly = slack(min(missed, of), of)
    assert mostly is None or (of - min(missed, of)) / of >= mostly


def test_lengths_and_numbers():
    assert [length(n) for n in (1, 7, 119, 3000, 90_000)] == [5, 20, 255, 10_000, None]
    assert [shown(n) for n in (48210, 41.237, 0.000123, 1234567.8, True, float("nan"))] == ["48,210", "41.24", "0.000123", "1,234,568", "true", "nan"]  # fmt: skip
