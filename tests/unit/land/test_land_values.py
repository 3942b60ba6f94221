"""Vendor values into typed columns: exactly, or into the hands of the contract."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.land.arrow import to_array
from tailrace.land.values import MisfitError, parse

FITS = [
    ("double", "12.5", 12.5),
    ("double", " 12 ", 12.0),
    ("double", "0.30000000000000004", 0.30000000000000004),
    ("double", "0.1000000000000000055511151231257827021181583404541015625", 0.1),
    ("double", "3000.0000000000001665334536937734810635447502136230468750000", 3000.0),
    ("double", 3, 3.0),
    ("double", "", None),
    ("bigint", "+5", 5),
    ("bigint", "5.0", 5),
    ("bigint", 5.0, 5),
    ("decimal", "0.1", Decimal("0.1")),
    ("bool", "TRUE", True),
    ("bool", 0, False),
    ("bool", "", None),
    ("timestamp", "2020-12-10T07:58:09.554Z", datetime(2020, 12, 10, 7, 58, 9, 554000)),
    ("timestamp", "2020-12-10T07:58:09+05:30", datetime(2020, 12, 10, 2, 28, 9)),
    ("timestamp", "2020-12-10", datetime(2020, 12, 10)),
    ("timestamp", "2020-12-10T07:58:09.554000000Z", datetime(2020, 12, 10, 7, 58, 9, 554000)),
    ("timestamp", "1675121674226", datetime(2023, 1, 30, 23, 34, 34, 226000)),
    ("timestamp", 1675121674226, datetime(2023, 1, 30, 23, 34, 34, 226000)),
    ("date", "2020-12-10", date(2020, 12, 10)),
    ("date", "2020-12-10T00:00:00Z", date(2020, 12, 10)),
    ("date", "1607558400000", date(2020, 12, 10)),
    ("text", "", ""),
    ("text", 12, "12"),
    ("text", True, "true"),
    ("text", {"b": 1, "a": [None]}, '{"a":[null],"b":1}'),
    ("json", ["x"], '["x"]'),
    ("text", "a\ud800b", "a\\ud800b"),
]
MISFITS = [
    ("double", "NaN"),
    ("double", "inf"),
    ("double", "1e400"),
    ("double", "1e-400"),
    ("double", "1_0"),
    ("double", "1234567890123456789"),
    ("double", "3.14159265358979323846264338327950288419"),
    ("double", "9007199254740993.5"),
    ("double", "1.000000000000000001"),
    ("double", True),
    ("bigint", "1.5"),
    ("bigint", 1.5),
    ("bigint", 2**63),
    ("bigint", "99999999999999999999"),
    ("bigint", True),
    ("decimal", "0.0000000001"),
    ("decimal", "1e30"),
    ("bool", "yes"),
    ("bool", 2),
    ("timestamp", "2020-13-10"),
    ("timestamp", "2020-12-10T07:58:09.123456789Z"),
    ("timestamp", "soon"),
    ("date", "2020-12-10T07:58:09Z"),
    ("date", {"day": 1}),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), FITS)
def test_what_fits_is_itself_alone_and_in_company(kind, value, wanted):
    assert parse(value, kind) == wanted
    for values in ([value], [None, value], [value, "no such value", value]):
        array, _ = to_array(values, kind)
        assert array[values.index(value)].as_py() == wanted


@pytest.mark.parametrize(("kind", "value"), MISFITS)
def test_what_does_not_fit_is_named_never_rounded(kind, value):
    with pytest.raises(MisfitError):
        parse(value, kind)
    array, misfits = to_array([None, value], kind)
    assert array.null_count == 2 and misfits == {1: value}


texts = st.one_of(
    st.text("0123456789.eE+-_ xna", max_size=18),
    st.floats().map(repr),
    st.integers().map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.dates().map(str),
    st.sampled_from(("true", "False", "1", "T", "0", "")),
)
mixed = st.one_of(
    texts, st.none(), st.booleans(), st.integers(), st.floats(), st.lists(st.integers(), max_size=1)
)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.lists(texts, max_size=3), st.lists(mixed, max_size=3)),
    st.sampled_from(("text", "json", "bigint", "double", "decimal", "bool", "timestamp", "date")),
)
def test_a_column_at_once_gives_what_its_values_give_alone(values, kind):
    """Else a row's hash would depend on which rows came with it."""
    array, misfits = to_array(values, kind)
    for number, value in enumerate(values):
        try:
            wanted = parse(value, kind)
        except MisfitError:
            assert misfits[number] is value and array[number].as_py() is None
        else:
            assert number not in misfits and array[number].as_py() == wanted


def test_landing_imports_no_pandas_and_leaves_it_usable():
    code = """
import sys
from tailrace.land.arrow import to_array
array, _ = to_array(["1", "2"], "bigint")
assert "pandas" not in sys.modules
import pyarrow as pa
assert list(pa.table({"a": array}).to_pandas()["a"]) == [1, 2]
"""
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": "src"}, timeout=60
    )
