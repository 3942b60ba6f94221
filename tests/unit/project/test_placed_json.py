"""JSON with places, against Python's own reader: the same values, the same refusals."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.project.placed_json import parse_json

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def read(text: str):
    problems: list = []
    return parse_json(text, "x.json", problems), problems


@settings(max_examples=150, deadline=None)
@given(TREES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_what_python_writes_is_read_back(tree, indent, ascii_only):
    document, problems = read(json.dumps(tree, indent=indent, ensure_ascii=ascii_only))
    assert problems == []
    assert document.data == tree


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \t\n\\ud', max_size=24))
def test_what_python_refuses_is_refused(text):
    document, problems = read(text)
    try:
        wanted = json.loads(text)
    except ValueError:
        assert document is None
        assert len(problems) >= 1
        return
    assert document is not None
    if not problems:  # else a key stands twice, of which the first counts here
        assert document.data == wanted


def test_keys_and_values_know_their_places():
    document, problems = read('{\n\t"a": [1,\n  {"é": "x"}],\n "b": {}}\n')
    assert problems == []
    places = {path: (place.line, place.col) for path, place in document.marks.places.items()}
    assert places == {
        (): (1, 1), ("a",): (2, 2), ("a", 0): (2, 8), ("a", 1): (3, 3), ("a", 1, "é"): (3, 9), ("b",): (4, 2),
    }  # fmt: skip
    assert [str(document.marks.key("a", 1, "é")), str(document.marks.key("b"))] == [
        "x.json:3:4",
        "x.json:4:2",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 60 + "]" * 60, "x.json:1:51: nested deeper than 50 levels."),
        ("9" * 5000, "x.json:1:1: a number of 5,000 digits. Put quotes around it to make it text"),
        ('["\\ud83d\\ude00"]', ""),
        ("[1e999, NaN, -Infinity]", ""),
    ],
)
def test_the_edges(text, said):
    _, problems = read(text)
    assert "".join(map(str, problems)) == said


def test_of_a_key_that_stands_twice_the_first_value_and_its_place_count():
    document, problems = read('{"a": 1, "a": {"b": 2}, "c": 3}')
    assert document.data == {"a": 1, "c": 3}
    assert str(document.marks.at("a")) == "x.json:1:7"
    assert [str(problem) for problem in problems] == [
        "x.json:1:10: a: this key is already on line 1. Remove one of the two"
    ]
