"""YAML that reads back equal, here and by a library that knows YAML 1.1."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tailrace.project.yaml import parse_yaml
from tailrace.validate.suggest.subject import Proposal, Subject, Suggestion
from tailrace.validate.suggest.yaml_text import comment, flow, scalar, yaml_of
from tailrace.warehouse.base import TableRef

TRICKY = [
    "no", "on", "yes", "NULL", "~", "", " ", " x", "x ", "12:30", "1e5", "0x1F", "-", "- a", "? a", "a: b", "a #b", "#a", "'", "''", '"',
    "it's", "{a}", "[a]", "a,b", "*a", "&a", "!a", "%a", "@a", "`a", "a\nb", "a\tb", "a\\b", "\\d+", "<<", "=", ".5", "1_000", "True",
    "2026-01-01", "é", "naïve ünïcode", "日本語", "🙂", "\u0085", "\u2028", "\ufeff", "\x00", "\x1f", "\x7f", "\u200b", "a\r\nb", "---", "...",
    "^[^@\\s,]+@[^@\\s,]+\\.[^@\\s,.]+$", "{{ x }}", "|", ">", "Paid Search", "a.b", "24h", "1.0", "٣", "\U0001d7d8",
]  # fmt: skip


def back(text: str) -> object:
    problems: list = []
    document = parse_yaml(text, "x.yml", problems)
    assert problems == []
    return document.data


@pytest.mark.parametrize("text", TRICKY, ids=ascii)
def test_a_text_reads_back_as_itself(text):
    assert back(f"a: {scalar(text)}\nb: {flow([text, {text or 'k': text}])}\n") == {
        "a": text,
        "b": [text, {text or "k": text}],
    }
    assert yaml.safe_load(f"a: {scalar(text)}\n") == {"a": text}


@given(
    st.text()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
)
def test_any_value_reads_back_as_itself(value):
    found = back(f"a: {flow([value])}\n")["a"][0]
    assert type(found) is type(value)
    assert found == value or (
        isinstance(value, float) and math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-20)
    )


@given(st.text())
def test_a_comment_stays_one_comment(text):
    assert back(f"# {comment(text)}\na: 1\n") == {"a": 1}


def test_backslashes_stand_between_single_quotes():
    assert scalar(r"^\d+$") == r"'^\d+$'"


def test_what_was_seen_cannot_break_out_of_its_comment():
    item = Proposal(
        "statistics", "t", {"column": "a\nb: c"}, "seen: x\n  - type: evil\u2028y", columns=("a",)
    )
    subject = Subject("m", TableRef("marts", "m"), notes=("one\ntwo",))
    data = back(yaml_of(Suggestion(subject, 1, 1, None, (item,), ("remark\nkey: x",))))
    assert data == {
        "suite": "m", "model": "m", "expectations": [{"type": "t", "kwargs": {"column": "a\nb: c"}, "severity": "warning"}],
    }  # fmt: skip
