"""Seeds: nothing of a CSV file is guessed but types, and what is wrong with it names its line."""

from __future__ import annotations

from datetime import date

import pytest
from tests.unit.build.layout import NOW, compiled, lay_out

from tailrace.build.run import build
from tailrace.errors import ProjectError
from tailrace.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    yield opened
    opened.close()


def built(root, warehouse, content, types=""):
    lay_out(root, {})
    (root / "seeds/rates.csv").write_bytes(content)
    if types:
        (root / "seeds/rates.yml").write_text(
            f"seeds:\n  - name: rates\n    config: {{column_types: {types}}}\n"
        )
    graph = compiled(root)
    [found] = build(warehouse, graph, {"rates"}, root=root, run_id="r", now=lambda: NOW)
    if found.status == "ok":
        assert graph.nodes["rates"].columns == tuple(warehouse.columns(graph.nodes["rates"].table))
    return found


GOOD = {
    "byte order mark": (b"\xef\xbb\xbfa,b\n1,x\n", [(1, "x")]),
    "windows lines": (b"a,b\r\n1,x\r\n", [(1, "x")]),
    "quotes and lines": (b'a,b\n"say ""hi""\nAnn",1\n', [('say "hi"\nAnn', 1)]),
    "empty is NULL": (b"a,b\n,x\n1,\n", [(None, "x"), (1, None)]),
    "leading zeros": (b"a,b\n00123,1\n", [("00123", 1)]),
    "a type that holds for every row": (b"a,b\n" + b"1,1\n" * 30_000 + b"x,2026-01-01\n", None),
    "dates": (b"a,b\n2026-01-01,1.5\n", [(date(2026, 1, 1), 1.5)]),
    "only a header": (b"a,b\n", []),
    "mixed line ends": (b'a,b\r\n1,x\n\r\n\n2,""""\n3,"y\r\nz"\r', [(1, "x"), (2, '"'), (3, "y\r\nz")]),
    "blank lines": (b"a,b\n\n1,x\n\n\n2,y\n\n", [(1, "x"), (2, "y")]),
    "spaces": (b"a, b\n1,2\n", [(1, 2)]),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_a_seed(name, tmp_path, warehouse):
    content, rows = GOOD[name]
    found = built(tmp_path, warehouse, content)
    assert found.status == "ok", found.error
    if rows is None:
        assert warehouse.query("SELECT a, b FROM main.rates WHERE a = 'x'") == [("x", "2026-01-01")]
    else:
        assert warehouse.query("SELECT * FROM main.rates") == rows
    assert found.rows_out == (30_001 if rows is None else len(rows))


BAD = {
    "longer row than the header": (b"a,b\n1,2,3\n", 2),
    "shorter row": (b"a,b\n1,2\n3\n", 3),
    "a title above the header": (b"Rates of 2026\na,b\n1,2\n", 2),
    "an open quote": (b'a,b\n1,2\n"x,1\n', 3),
    "longer row among mixed line ends": (b"a,b\r\n1,2\n\n1,2,3\n", 4),
    "shorter row among mixed line ends": (b"a,b\n1,2\r\n3\n", 3),
    "an open quote among mixed line ends": (b'a,b\r\n1,2\n"x\ny,1\n', 3),
    "one bad row of many": (b"a,b\n" + b"1,2\n" * 5000 + b"1,2,3\n", 5002),
}


@pytest.mark.parametrize("name", BAD)
def test_a_row_that_does_not_fit_is_never_left_out(name, tmp_path, warehouse):
    content, line = BAD[name]
    found = built(tmp_path, warehouse, content)
    assert found.status == "failed"
    assert found.error.startswith(f"seeds/rates.csv:{line}:1: "), found.error
    assert str(tmp_path) not in found.error
    assert len(found.error) < 120
    assert warehouse.tables("main") == {}


def test_a_row_that_does_not_fit_has_a_fix(tmp_path, warehouse):
    short = built(tmp_path, warehouse, b"a,b\n1,2\n3\n")
    assert short.error == (
        "seeds/rates.csv:3:1: the row has 1 of 2 columns. Write the missing values: nothing between two separators is NULL"
    )
    long = built(tmp_path, warehouse, b"a,b\n1,2\n3,4,5\n")
    assert (
        long.error == "seeds/rates.csv:3:1: the row has 3 of 2 columns. Quote values that hold the separator"
    )


def test_a_declared_type_that_is_none_is_said_where_it_stands(tmp_path, warehouse):
    found = built(tmp_path, warehouse, b"a,b\n1,x\n", "{a: integer, b: strng}")
    assert found.error == "seeds/rates.yml:3:44: strng of b is no type. Write an SQL type such as varchar"


def test_a_dbt_seed_with_mixed_line_ends_is_read(tmp_path, warehouse):
    files = {
        "dbt_project.yml": "name: shop\nprofile: shop\n",
        "profiles.yml": "shop: {target: d, outputs: {d: {type: duckdb, path: d.duckdb}}}\n",
        "models/one.sql": "SELECT 1 AS one",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds/mixed.csv").write_bytes(b"id,name\n1,a\r\n\n2,b\r\n")
    graph = compiled(tmp_path)
    [found] = build(warehouse, graph, {"mixed"}, root=tmp_path, run_id="r", now=lambda: NOW)
    assert (found.error, found.rows_out) == (None, 2)
    assert warehouse.query("SELECT id, name FROM main.mixed") == [(1, "a"), (2, "b")]


def test_declared_types_hold(tmp_path, warehouse):
    found = built(
        tmp_path, warehouse, b"id,day\n12345678901234567890,2026-01-01\n", "{ID: VARCHAR, day: VARCHAR}"
    )
    assert found.status == "ok", found.error
    assert warehouse.query("SELECT * FROM main.rates") == [("12345678901234567890", "2026-01-01")]
    found = built(tmp_path, warehouse, b"id,day\n1,2026-01-01\nx,2026-01-02\n", "{id: INTEGER}")
    assert found.error.startswith("seeds/rates.csv:3:1: ")
    assert "'INTEGER'" in found.error


def test_bytes_that_are_no_text_name_their_line(tmp_path):
    root = lay_out(tmp_path, {})
    (root / "seeds/rates.csv").write_bytes("month,usd\n2026-01-01,1\nM\xe4rz,1\n".encode("latin-1"))
    with pytest.raises(ProjectError) as caught:
        compiled(root)
    assert str(caught.value) == "seeds/rates.csv:3:1: the file is not UTF-8. Save it as UTF-8"
