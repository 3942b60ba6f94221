"""Whatever a file's layout was: its words, comments and Jinja stay, and formatting twice is formatting once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tailrace.build.format.atoms import atoms_of
from tailrace.build.format.same import differs
from tailrace.build.format.template import Unclosed, regions
from tailrace.build.format.text import Refused, format_text

ROOT = Path(__file__).parents[4]
MODELS = sorted((ROOT / "models").rglob("*.sql"))


def shuffled(text: str, seed: int) -> str:
    """The same words with other line ends; the space beside Jinja and behind `--` stays what it has to be."""
    draw = random.Random(seed)
    atoms = atoms_of(text, regions(text), "duckdb")
    parts: list[str] = []
    for at, atom in enumerate(atoms):
        before = atoms[at - 1] if at else None
        if before is not None and before.kind == "remark":
            parts.append("\n" * draw.randint(1, 3))
        elif before is not None and not atom.glued:
            beside = "tag" in (atom.kind, before.kind)
            kept = ("\n" * atom.lines or " ") if atom.spaced else ""
            parts.append(kept if beside or not atom.spaced else draw.choice([" ", " ", "\n", "  \n\n\n "]))
        parts.append(atom.text)
    return "".join(parts)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_any_layout(path):
    for seed in range(8):
        text = shuffled(path.read_text(), seed)
        done = format_text(text)
        assert differs(text, done, "duckdb") == ""
        assert format_text(done) == done


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_reference_models_are_laid_out_so(path):
    assert format_text(path.read_text()) == path.read_text()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("SELECT a", "SELECT b", "a word"),
        ("SELECT 'a  b'", "SELECT 'a b'", "a word"),
        ("SELECT {{ a }}b", "SELECT {{ a }} b", "the space beside Jinja"),
        ("SELECT {{ a }}", "SELECT {{  a  }}", "a word"),
        ("SELECT a -- x", "SELECT a --  x", "a comment"),
        ("SELECT Name", "SELECT NAME", "canonical SQL"),
        ("SELECT a - -1", "SELECT a --1", "a word"),
        ("SELECT 'a'", "SELECT 'a", "could not be read back"),
    ],
)
def test_what_differs_is_seen(before, after, said):
    assert said in differs(before, after, "duckdb")


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("SELECT {{ a", 7, "the Jinja expression {{ is never closed"),
        ("SELECT {% if a %} b", 7, "the block {% if %} is never closed"),
        ("SELECT a {% endif %}", 9, "the block {% endif %} ends nothing"),
        ("{% if a %}{% for b in c %}{% endif %}", 26, "the block {% endif %} ends nothing"),
        ("SELECT {# a", 7, "the Jinja comment {# is never closed"),
        ("{% raw %} a", 0, "the Jinja block {% raw is never closed"),
        ("SELECT a, 'b", 10, "' is never closed"),
        ("SELECT a /* b", 9, "is never closed"),
    ],
)
def test_what_never_ends_is_told_with_its_place(text, offset, said):
    with pytest.raises(Unclosed) as found:
        format_text(text)
    assert said in found.value.message
    assert found.value.offset == offset


@pytest.mark.parametrize("text", ["", "\n\n", "-- fmt: off\nselect   1"])
def test_nothing_to_lay_out(text):
    assert format_text(text) == text


def test_windows_line_ends_stay():
    assert format_text("select a,\r\n b -- c\r\nfrom x") == "SELECT\r\n    a,\r\n    b -- c\r\nFROM x\r\n"


def test_words_of_another_dialect():
    text = "select array<string>['a'] as a, safe_cast(b as string) as b from `p.d.t` # note\nwhere c = r'\\d'"
    wanted = (
        "SELECT array<string>['a'] AS a, SAFE_CAST(b AS STRING) AS b\nFROM `p.d.t` # note\nWHERE c = r'\\d'\n"
    )
    assert format_text(text, "bigquery") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 120 + "1" + ")" * 120 + " AS a",
        "SELECT * FROM " + "(SELECT * FROM " * 40 + "x" + ") AS s" * 40,
        "\nUNION ALL\n".join(f"SELECT a FROM t{n} WHERE a > 1" for n in range(200)),
        "SELECT a FROM t ORDER BY coalesce(" + ", ".join(f"column_{n}" for n in range(40)) + ")",
        "SELECT (a, b FROM t",
        "SELECT a) FROM t",
        "SELECT end FROM t END END",
        "SELECT a FROM t WHERE x = ; DROP TABLE y",
        "SELECT {'end': 1, 'a': [1, 2]}, struct_pack(k := 1), x::STRUCT(a INT), #1, $1, ? FROM t",
    ],
)
def test_odd_sql_comes_to_rest(text):
    done = format_text(text)
    assert differs(text, done, "duckdb") == ""
    assert format_text(done) == done


def test_a_name_that_only_looks_like_a_keyword_is_left():
    with pytest.raises(Refused, match="canonical SQL"):
        format_text("SELECT struct_pack(end := 1) AS s FROM t")
