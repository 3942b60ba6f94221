"""A change of comments or blanks is told without the parser; whatever else changed is parsed."""

from __future__ import annotations

import pytest
from tests.unit.build.layout import compiled, lay_out

from tailrace.build import sql
from tailrace.build.wording import wording
from tailrace.errors import ProjectError

SQL = "SELECT id, 'a -- b' AS x, \"c--d\" AS y, 1 - -1 AS z\nFROM hubspot.contacts -- all\n"


@pytest.mark.parametrize(
    "other",
    [
        "-- new\n" + SQL,
        SQL.replace("-- all", "-- some"),
        SQL.replace(", 1", ",   1"),
        SQL.replace("\nFROM", "\n\n   FROM"),
        SQL.replace("\nFROM", " FROM"),
        SQL + ";\n",
    ],
)
def test_comments_and_blanks_do_not_count(other):
    assert wording(other) == wording(SQL)


@pytest.mark.parametrize(
    "other",
    [
        SQL.replace("a -- b", "a  -- b"),
        SQL.replace("c--d", "c-- d"),
        SQL.replace("- -1", "--1"),
        SQL.replace("id", "id2"),
        SQL.replace("'a -- b'", "'a' '-- b'"),
        SQL.replace("AS z\nFROM", "-- AS z\nFROM"),
    ],
)
def test_everything_else_does(other):
    assert wording(other) != wording(SQL)


def test_texts_on_two_lines_are_not_those_on_one():
    assert wording("SELECT 'a'\n'b'") != wording("SELECT 'a' 'b'")


@pytest.mark.parametrize("odd", ["/* a */ SELECT 1", "SELECT $$a--b$$", "SELECT `a`", "SELECT E'\\'--'"])
def test_what_only_the_parser_takes_apart_is_left_to_it(odd):
    assert wording(odd) is None


@pytest.fixture
def parsed(monkeypatch):
    texts, read = [], sql.read_sql
    monkeypatch.setattr(sql, "read_sql", lambda text, *dialects: texts.append(text) or read(text, *dialects))
    return texts


def test_an_edited_comment_is_not_parsed_and_what_runs_is_the_file(tmp_path, parsed):
    root, cache = tmp_path / "p", tmp_path / "cache"
    root.mkdir()
    model = "models/marts/a.sql"
    lay_out(root, {model: "SELECT 1 AS x FROM hubspot.contacts\n"})
    before = compiled(root, cache).nodes["a"]
    del parsed[:]
    lay_out(root, {model: "-- one\nSELECT 1 AS x -- two\nFROM hubspot.contacts\n"})
    after = compiled(root, cache).nodes["a"]
    assert parsed == []
    assert (after.canonical, after.sql) == (
        before.canonical,
        "-- one\nSELECT 1 AS x -- two\nFROM hubspot.contacts\n",
    )
    lay_out(root, {model: "SELECT 1 AS x -- three\nFROM hubspot.contacts\n"})
    compiled(root, cache)
    assert parsed == [], "known by the text before, itself not parsed"
    lay_out(root, {model: "SELECT 2 AS x -- three\nFROM hubspot.contacts\n"})
    compiled(root, cache)
    assert len(parsed) == 1


def test_what_is_wrong_beside_it_is_placed_in_the_text_of_today(tmp_path):
    root, cache = tmp_path / "p", tmp_path / "cache"
    root.mkdir()
    lay_out(
        root, {"models/marts/a.sql": "SELECT 1 AS x FROM marts.b\n", "models/marts/b.sql": "SELECT 1 AS x\n"}
    )
    compiled(root, cache)
    (root / "models/marts/b.sql").rename(root / "models/marts/bb.sql")
    lay_out(root, {"models/marts/a.sql": "-- first\nSELECT 1 AS x FROM marts.b\n"})
    (root / "models/marts/b.sql").unlink(missing_ok=True)
    with pytest.raises(ProjectError, match=r"models/marts/a.sql:2:\d+: there is no model marts.b"):
        compiled(root, cache)
