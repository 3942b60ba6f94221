"""YAML as dbt reads it: PyYAML's safe loader is what dbt itself uses, so it is the oracle."""

from __future__ import annotations

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tailrace.errors import Location
from tailrace.project.dbt.lax_yaml import parse_lax


def read(text):
    problems = []
    return parse_lax(text, "x.yml", problems), problems


def texts(value):
    """What is ours by choice: keys are texts, dates are ISO texts."""
    if isinstance(value, dict):
        return {str(key): texts(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [texts(inner) for inner in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return value.isoformat(sep=" ") if hasattr(value, "hour") else value.isoformat()


SAMPLES = [
    "a: yes\nb: Off\nc: 010\nd: 0x1F\ne: 1_000\nf: 12:30\ng: ~\nh: .inf\ni: 1e3\nj: 1.0e+3\nk: '010'\nl: \"yes\"",
    "d: 2020-01-01\nt: 2020-01-01 10:00:00\nz: 2020-01-01T10:00:00Z\nnone: 2020-13-45x",
    "base: &b {x: 1, y: [1, 2]}\nsame: *b\nmore: {<<: *b, y: 3}\nboth: {<<: [*b, {z: 1}]}",
    "folded: >\n  a\n  b\nliteral: |\n  a\n  b\n",
    "a: !!str 5\nb: !!int '5'\nc: [!!float 1]",
    "",
    "# only a comment",
    "- a\n- b: [c, {d: e}]",
]


def test_samples_read_as_by_pyyaml():
    for text in SAMPLES:
        document, problems = read(text)
        assert problems == []
        assert document.data == texts(yaml.safe_load(text)), text


def test_of_two_keys_the_last_counts_and_impossible_dates_are_text():
    document, problems = read("a: 1\na: 2\nd: 2020-13-45")
    assert (document.data, problems) == ({"a": 2, "d": "2020-13-45"}, [])


def test_places_are_those_of_keys_and_values():
    document, _ = read(
        "models:\n  - name: m\n    tags: [a, b]\n    config: {x: 1}\nagain: &q [1]\nother: *q\n"
    )
    marks = document.marks
    assert marks.at("models", 0, "name") == Location("x.yml", 2, 11)
    assert marks.key("models", 0, "name") == Location("x.yml", 2, 5)
    assert marks.at("models", 0, "tags") == Location("x.yml", 3, 5)
    assert marks.at("models", 0, "tags", 1) == Location("x.yml", 3, 15)
    assert marks.under("models", 0).at("config", "x") == Location("x.yml", 4, 17)
    assert marks.at("other", 0) == Location("x.yml", 5, 12)
    assert marks.at("models", 0, "nowhere") == Location("x.yml", 2, 5)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@?,<~ \n\t0.1", max_size=40))
@example("&a [*a]")
@example("&a {<<: *a}")
@example("? {a: b}\n: c")
@example("a: 1e999999\nb: " + "9" * 5000)
@example("a: !!binary x\nb: !!set {a, b}\nc: !!omap [a: b]")
def test_no_text_escapes_as_an_exception(text):
    document, problems = read(text)
    assert document is not None or problems
    lines = text.count("\n") + 2
    assert all(1 <= problem.location.line <= lines and problem.location.col >= 1 for problem in problems)
