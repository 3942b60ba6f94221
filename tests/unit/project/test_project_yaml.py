from __future__ import annotations

import math
import re

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tailrace.errors import Location
from tailrace.project.yaml import MAX_DEPTH, parse_yaml, read_yaml


def read(text):
    problems = []
    document = parse_yaml(text, "x.yml", problems)
    return document, problems


def data(text):
    document, problems = read(text)
    assert problems == []
    return document.data


def test_only_core_scalars_have_types():
    text = "[no, on, Yes, 12:30, 2025-01-01, 1_000, 0b1, 1e3x, 0777, 0o17, 0xff, 1.5, .5, 1e3, -3, +4, true, False, ~, null]"
    assert data(text) == [
        *("no", "on", "Yes", "12:30", "2025-01-01", "1_000", "0b1", "1e3x"),
        *(777, 15, 255, 1.5, 0.5, 1000.0, -3, 4, True, False, None, None),
    ]
    assert data("[-.inf, .NaN]")[0] == -math.inf
    assert math.isnan(data("[-.inf, .NaN]")[1])
    assert data("a: '5'\nb: \"true\"\nc: |\n  5\n") == {"a": "5", "b": "true", "c": "5\n"}


def test_keys_are_text_as_they_are_written():
    assert data("on: 1\n1: 2\nnull: 3\ntrue: 4\n2025-01-01: 5") == {
        "on": 1,
        "1": 2,
        "null": 3,
        "true": 4,
        "2025-01-01": 5,
    }


def test_every_key_and_value_has_its_place():
    document, _ = read("a: 1\nb:\n  - x\n  - {c: 2}\n")
    marks = document.marks
    assert marks.at("a") == Location("x.yml", 1, 4)
    assert marks.key("a") == Location("x.yml", 1, 1)
    assert marks.at("b") == Location("x.yml", 2, 1)
    assert marks.at("b", 0) == Location("x.yml", 3, 5)
    assert marks.at("b", 1, "c") == Location("x.yml", 4, 9)
    assert marks.under("b", 1).at("c") == Location("x.yml", 4, 9)
    assert marks.at("b", 1, "c", "no such") == Location("x.yml", 4, 9)


def test_problems_are_collected_and_reading_goes_on():
    document, problems = read("a: &x 1\na: 2\nb: *x\nc: !!str 3\n<<: {d: 1}\n? [e]\n: 1\nf: 4\n")
    assert [problem.location.line for problem in problems] == [1, 2, 3, 4, 5, 6]
    assert document.data["a"] == 1
    assert document.data["f"] == 4


def test_a_number_of_too_many_digits_is_named():
    _, problems = read("a: " + "9" * 5000)
    assert "5,000 digits" in str(problems[0])


def test_nesting_has_an_end():
    document, problems = read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert document is not None and problems == []
    document, problems = read("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    assert document is None and len(problems) == 1
    _, problems = read("[" * 100_000)
    assert len(problems) == 1


def test_aliases_are_not_expanded():
    bomb = "a: &a [x]\n" + "".join(
        f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    _, problems = read(bomb)
    assert len(problems) == 9 + 40


def test_bytes_that_are_no_text(tmp_path):
    for raw, place, word in [
        (b"a: 1\nb: \xff\n", (2, 4), "UTF-8"),
        (b"a: \x01", (1, 4), "U+0001"),
        (b"\xff\xfea\x00", (1, 1), "UTF-8"),
        (b"#" * (1 << 20) + b"\n", (1, 1), "1 MiB"),
    ]:
        (tmp_path / "x.yml").write_bytes(raw)
        problems = []
        assert read_yaml(tmp_path / "x.yml", "x.yml", problems) is None
        assert (problems[0].location.line, problems[0].location.col) == place
        assert word in problems[0].message
    (tmp_path / "x.yml").write_bytes(b"\xef\xbb\xbfa: \xc3\xbc\n")
    problems = []
    assert read_yaml(tmp_path / "x.yml", "x.yml", problems).data == {"a": "ü"}


def test_a_folder_in_a_files_place(tmp_path):
    (tmp_path / "x.yml").mkdir()
    problems = []
    assert read_yaml(tmp_path / "x.yml", "x.yml", problems) is None
    assert "cannot be read" in problems[0].message


# PyYAML writes U+0085, U+2028 and U+2029 as they are where it also takes them for line ends: not ours to read back
letters = st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029")
# `0E0` is a number of YAML 1.2, and here; PyYAML knows 1.1 only and writes the text without quotes
texts = st.text(letters, max_size=8).filter(
    lambda text: not re.fullmatch(r"[-+]?[0-9]+[eE][-+]?[0-9]+", text)
)
scalars = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | texts
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(trees)
def test_what_pyyaml_writes_is_read_back(tree):
    """PyYAML quotes what YAML 1.1 would take for something else, so every text must come back as it was."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data):
            return True

    text = yaml.dump(tree, Dumper=Plain, allow_unicode=True)
    document, problems = read(text)
    if isinstance(tree, dict) or problems == []:
        assert problems == []
        assert document.data == tree


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@?,<~ \n\t0.", max_size=40))
@example("? a\n? b")
@example("%YAML 1.1\n---\na")
@example("%TAG ! x\n--- !a b")
@example("--- \n...\n")
@example("a: |2\n b")
def test_no_text_escapes_as_an_exception(text):
    document, problems = read(text)
    assert document is not None or problems
    lines = text.count("\n") + 2
    assert all(1 <= problem.location.line <= lines and problem.location.col >= 1 for problem in problems)
