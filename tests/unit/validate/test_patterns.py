"""Patterns are judged without an engine; the engines are here the oracle of what is refused."""

from __future__ import annotations

import random
import re

import duckdb
import pytest

from tailrace.validate.patterns import wrong_with_like, wrong_with_regex

PIECES = [
    "a", "b", "-", "^", "$", ".", "*", "+", "?", "??", "{2}", "{1,3}", "{3,1}", "{1001}", "{100}", "{50,}", "(", "(?:",
    "(?i:", "(?P<n>", "(?<n>", "(?=", "(?!", "(?<=", ")", ")", "|", "[", "[^", "]", "[a-z]", "[z-a]", "[[:alpha:]]",
    "[[:alfa:]]", "[a-", r"\d", r"\w", r"\Z", r"\z", r"\A", r"\b", r"\B", r"\1", r"\0", r"\101", r"\x41", r"\x{41}", r"\x4",
    r"\u00e9", r"\p{L}", r"\pN", r"\p{Alpha}", r"\Q", r"\E", r"\\", r"\-", r"\_", "é", r"\é", "{", "}", "{1", ":", ",", "&&",
    "\\", "(?s-i:", "(?#", "(?>", r"\n", r"\h", r"\y",
]  # fmt: skip
READ_OTHERWISE = (" stands for the signs", "which takes it for text", "is a backslash and then")


def engine_refuses(connection, pattern: str) -> bool:
    try:
        connection.execute("SELECT regexp_matches('x', ?)", [pattern])
    except duckdb.Error:
        return True
    return False


@pytest.mark.parametrize("seed", range(4))
def test_exactly_what_the_engine_refuses_is_refused(seed):
    dice, connection = random.Random(seed), duckdb.connect()
    refused = taken = 0
    for _ in range(1500):
        pattern = "".join(dice.choices(PIECES, k=dice.randint(1, 6)))
        wrong = wrong_with_regex(pattern)
        if any(words in wrong[0][0] for words in READ_OTHERWISE) if wrong else False:
            continue
        assert bool(wrong) is engine_refuses(connection, pattern), (pattern, wrong)
        refused, taken = refused + bool(wrong), taken + (not wrong)
    assert refused > 300
    assert taken > 200


OTHERWISE = [
    ("x{,3}y", "y", "Write {0,3}"),
    ("^[:alpha:]+$", "lead", "Write [[:alpha:]]"),
    (r"^\\d+$", "42", r"Write \d, or [\\]d if you mean a backslash"),
    (r"^a\\.b$", "a.b", r"Write \., or [\\]. if you mean a backslash"),
]


@pytest.mark.parametrize(("pattern", "text", "fix"), OTHERWISE)
def test_what_the_engine_reads_otherwise_than_its_writer_is_refused(pattern, text, fix):
    """Each is taken by the engine, and does not match what its writer means it to."""
    found = duckdb.sql("SELECT regexp_matches(?, ?)", params=[text, pattern]).fetchone()
    assert found == (False,)
    assert [said for _, said in wrong_with_regex(pattern)] == [fix]


REFUSED = [
    (r"^(?!test)", "(?! (look-ahead) is not known to the warehouse's regular expressions (RE2)"),
    (r"(?<=a)b", "(?<= (look-behind) is not known to the warehouse's regular expressions (RE2)"),
    (r"(a)\1", r"\1 is not known to the warehouse's regular expressions (RE2)"),
    (r"(?P<n>a)(?P=n)", "(?P= (a back reference) is not known to the warehouse's regular expressions (RE2)"),
    (r"(?<year>\d+)", "(?< (this name of a group) is not known to the warehouse's regular expressions (RE2)"),
    (r"a++b", "++: possessive quantifiers are not known to RE2"),
    (r"a{2}{3}", "{2}{3}: it repeats a repetition"),
    (r"(x{100}){100}", "{100} repeats more than 1000 times"),
    (r"\d+\Z", r"\Z is not known to the warehouse's regular expressions (RE2)"),
    (r"\mword\M", r"\m is not known to the warehouse's regular expressions (RE2)"),
    (r"[[:<:]]word", "[:<:] is not known to the warehouse's regular expressions (RE2)"),
    (r"[[=a=]]", "[= is not known to the warehouse's regular expressions (RE2), which takes it for text"),
    (r"(?x) a b", "(?x) is not known to the warehouse's regular expressions (RE2)"),
    (r"\u00e9", r"\u is not known to the warehouse's regular expressions (RE2)"),
    ("[a-", "a [ is not closed"),
    ("(a", "a ( is not closed"),
    ("a)", "a ) was never opened"),
    ("*a", "* has nothing to repeat"),
    ("a{3,1}", "{3,1} ends below its start"),
    ("[z-a]", "the range z-a ends below its start"),
    ("a\\", "it ends in a backslash"),
    ("\bword\b", "the control character U+0008 stands in it"),
]


@pytest.mark.parametrize(("pattern", "message"), REFUSED)
def test_says_what_the_engine_does_not_know(pattern, message):
    ((said, fix),) = wrong_with_regex(pattern)
    assert said == message
    assert fix


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[^@\s,]+@[^@\s,]+\.[^@\s,.]+$", r"^\+?[0-9]{7,15}$", r"(?i)^(utm_|gclid)", r"^(?P<y>\d{4})-\d\d$", r"[[:alpha:]_]\w*",
        r"^\p{Lu}\pL*\z", r"[\\]d", r"a|b||", "", "^{$", r"[]a-]", r"\Qa.b\E+", "a{0,1000}", "(?:a{2}){3}?", "a}", "(?s).*", "[a-z&&b]",
    ],
)  # fmt: skip
def test_leaves_alone_what_means_the_same(pattern):
    assert wrong_with_regex(pattern) == []
    assert not engine_refuses(duckdb.connect(), pattern)


def test_what_is_left_differs_from_python_in_other_alphabets_only():
    """docs/suites.md says so: letters, digits and blanks are ASCII's, and $ is the very end."""
    connection = duckdb.connect()

    def here(text: str, pattern: str) -> bool:
        return bool(connection.execute("SELECT regexp_matches(?, ?)", [text, pattern]).fetchone()[0])

    for text, pattern in (("José", r"^\w+$"), ("٣", r"^\d$"), ("a\u00a0b", r"a\sb"), ("a\n", "a$")):
        assert re.search(pattern, text)
        assert not here(text, pattern)
    assert here("José", r"^[\pL\pN_]+$")


LIKES = [
    (r"50\%", None, "a backslash escapes in some warehouses' LIKE and not in others"),
    ("50!", "!", "it ends in !, which escapes nothing"),
    ("a!b%", "!", "!b escapes what needs no escape"),
]


@pytest.mark.parametrize(("pattern", "escape", "message"), LIKES)
def test_a_like_pattern_escapes_only_by_an_escape_that_is_named(pattern, escape, message):
    ((said, fix),) = wrong_with_like(pattern, escape)
    assert said == message
    assert fix


@pytest.mark.parametrize(
    ("pattern", "escape"), [("%@%", None), ("50!%", "!"), ("50!!", "!"), (r"50\%", "\\")]
)
def test_a_like_pattern_that_is_right(pattern, escape):
    assert wrong_with_like(pattern, escape) == []
