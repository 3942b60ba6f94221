"""Files as tables: types over whole files, keys, changed and vanished files, and what is wrong with them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.connectors.site import Site

from tailrace.connectors.filesystem.declaration import form_of

EVENTS = "pipeline: files\nsource: filesystem\ndataset: raw\nresources: {{events: {{{}}}}}\n"
STARTED = 1_700_000_000


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(tmp_path)


def events(site: Site, options: str) -> None:
    site.write("pipelines/files.yml", EVENTS.format(options))


def csv(site: Site, name: str, *lines: str, age: int = 0) -> None:
    """A file written so many seconds before the next one."""
    path = site.write(f"data/{name}", "\n".join(lines) + "\n")
    os.utime(path, (STARTED - age, STARTED - age))


def test_suffixes_tell_the_form():
    assert [form_of(name) for name in ("a.csv", "b.CSV.gz", "c.jsonl", "d.jsonl.gz", "e.parquet")] == [
        "csv", "csv", "jsonl", "jsonl", "parquet",
    ]  # fmt: skip
    assert [form_of(name) for name in ("a.txt", "csv", "a.parquet.gz", "")] == [""] * 4


def test_csv_columns_are_typed_over_the_whole_file(site):
    head = "id,zip,n,price,on,at,flag,note,none"
    rows = [f"{i},0{i},{i},{i}.50,2024-01-0{i},2024-01-0{i}T00:00:00Z,true,x{i}," for i in (1, 2, 3)]
    csv(
        site,
        "events-1.csv",
        head,
        *rows,
        '4,9,99999999999999999999,4,2024-01-04,2024-01-04 10:00:00Z,FALSE,"",',
    )
    events(site, "path: data/events-*.csv, primary_key: id")
    assert site.one().rows_in == 4
    assert site.columns("raw.events") == {
        "id": "BIGINT", "zip": "VARCHAR", "n": "VARCHAR", "price": "DOUBLE", "on": "DATE", "at": "TIMESTAMP",
        "flag": "BOOLEAN", "note": "VARCHAR", "none": "VARCHAR",
    }  # fmt: skip
    assert site.query("SELECT * FROM raw.events WHERE id = 4") == [
        (4, "9", "99999999999999999999", 4.0, date(2024, 1, 4), datetime(2024, 1, 4, 10), False, "", None)
    ]
    assert site.query("SELECT zip, n FROM raw.events WHERE id = 1") == [("01", "1")]


def test_options_of_csv_are_followed(site):
    text = "a;Müller;NA\nb;-;7\n"
    site.write("data/e.csv", text.encode("latin-1"))
    events(
        site,
        'path: data/e.csv, delimiter: ";", header: false, encoding: latin-1, null_words: [NA], columns: {f2: text}',
    )
    site.one()
    assert site.query("SELECT f0, f1, f2 FROM raw.events ORDER BY row_key") == [
        ("a", "Müller", None),
        ("b", "-", "7"),
    ]


def test_jsonl_is_typed_as_dlt_would(site):
    lines = [
        {
            "id": 1,
            "v": 1,
            "at": "2024-01-01T00:00:00+02:00",
            "day": "2024-01-01",
            "deep": {"a": [1]},
            "mixed": 1,
            "e": "",
        },
        {
            "id": 2,
            "v": 1.5,
            "at": None,
            "day": "2024-01-02",
            "deep": None,
            "mixed": "x",
            "e": 5,
            "late": True,
        },
    ]
    text = "\n".join(json.dumps(line) for line in lines).encode()
    site.write("data/e.jsonl.gz", gzip.compress(text))
    events(site, "path: data/e.jsonl.gz, primary_key: id")
    site.one()
    assert site.columns("raw.events") == {
        "id": "BIGINT", "v": "DOUBLE", "at": "TIMESTAMP", "day": "VARCHAR", "deep": "VARCHAR", "mixed": "VARCHAR",
        "e": "BIGINT", "late": "BOOLEAN",
    }  # fmt: skip
    found = site.query("SELECT * FROM raw.events ORDER BY id")
    assert found[0] == (1, 1.0, datetime(2023, 12, 31, 22), "2024-01-01", '{"a":[1]}', "1", None, None)
    assert found[1] == (2, 1.5, None, "2024-01-02", None, "x", 5, True)


def test_parquet_keeps_its_types(site):
    table = pa.table(
        {
            "id": pa.array([1, 2]),
            "amount": pa.array([Decimal("1.50"), None]),
            "at": pa.array([datetime(2024, 1, 1, 12, 0, 0, 5), None], pa.timestamp("us", "Europe/Berlin")),
            "day": pa.array([date(2024, 1, 1), None]),
            "tags": pa.array([["a"], None]),
            "nothing": pa.nulls(2),
        }
    )
    (site.root / "data").mkdir()
    pq.write_table(table, site.root / "data/e.parquet")
    events(site, "path: data/*.parquet, primary_key: [id]")
    site.one()
    assert site.columns("raw.events") == {
        "id": "BIGINT", "amount": "DECIMAL(38,9)", "at": "TIMESTAMP", "day": "DATE", "tags": "VARCHAR", "nothing": "VARCHAR",
    }  # fmt: skip
    row = site.query("SELECT * FROM raw.events WHERE id = 1")[0]
    assert row == (1, Decimal("1.50"), datetime(2024, 1, 1, 12, 0, 0, 5), date(2024, 1, 1), '["a"]', None)


def test_merge_updates_by_key_and_the_file_written_last_stays(site):
    events(site, "path: data/*.csv, primary_key: id, write: merge, changes: true")
    csv(site, "b.csv", "id,v", "1,old", "2,two", age=50)
    csv(site, "a.csv", "id,v", "1,new", "1,newest", age=10)
    assert site.one().rows_in == 4
    assert site.query("SELECT id, v FROM raw.events ORDER BY id") == [(1, "newest"), (2, "two")]
    before = site.position()
    assert site.one().rows_in == 0
    assert site.position() == before
    csv(site, "c.csv", "id,v", "2,changed", "3,three")
    (site.root / "data/b.csv").unlink()
    assert site.one().rows_in == 2
    assert site.query("SELECT id, v FROM raw.events ORDER BY id") == [
        (1, "newest"),
        (2, "changed"),
        (3, "three"),
    ]


def test_a_touched_file_is_not_read_again(site):
    events(site, "path: data/*.csv, primary_key: id")
    csv(site, "a.csv", "id,v", "1,x")
    site.one()
    os.utime(site.root / "data/a.csv")
    assert site.one().rows_in == 0


def test_replace_drops_what_is_not_shown(site):
    events(site, "path: data/*.csv, primary_key: id, write: replace")
    csv(site, "a.csv", "id,v", "1,x", "2,y")
    csv(site, "b.csv", "id,v", "2,z", "3,w", age=-5)
    site.one()
    assert site.query("SELECT id, v FROM raw.events ORDER BY id") == [(1, "x"), (2, "z"), (3, "w")]
    (site.root / "data/b.csv").unlink()
    site.one()
    assert site.query("SELECT id, v FROM raw.events ORDER BY id") == [(1, "x"), (2, "y")]
    assert site.one().rows_in == 0
    csv(site, "a.csv", "id,v", "2,y")
    site.one()
    assert site.query("SELECT id, v FROM raw.events ORDER BY id") == [(2, "y")]


def test_append_keeps_every_row_of_every_file(site):
    events(site, "path: data/*.csv")
    csv(site, "a.csv", "v", "x", "x", "y")
    site.one()
    csv(site, "b.csv", "v", "x")
    site.one()
    assert site.query("SELECT v, row_file FROM raw.events ORDER BY row_file, row_key") == [
        ("x", "data/a.csv"), ("x", "data/a.csv"), ("y", "data/a.csv"), ("x", "data/b.csv"),
    ]  # fmt: skip
    csv(site, "a.csv", "v", "x", "z", age=-1)
    (site.root / "data/b.csv").unlink()
    site.one()
    assert site.query("SELECT v, row_file FROM raw.events ORDER BY row_file, row_key") == [
        ("x", "data/a.csv"), ("z", "data/a.csv"), ("x", "data/b.csv"),
    ]  # fmt: skip


def test_replace_without_a_key_follows_its_files(site):
    events(site, "path: data/*.csv, write: replace")
    csv(site, "a.csv", "v", "x", "y")
    csv(site, "b.csv", "v", "w")
    site.one()
    csv(site, "a.csv", "v", "x", age=-1)
    (site.root / "data/b.csv").unlink()
    assert site.one().rows_in == 1
    assert site.query("SELECT v FROM raw.events") == [("x",)]


def test_a_new_column_joins_and_other_values_get_a_variant(site):
    events(site, "path: data/*.csv, primary_key: id")
    csv(site, "a.csv", "id,n", "1,5")
    site.one()
    csv(site, "b.csv", "id,n,extra", "2,half,more")
    site.one()
    assert site.query("SELECT id, n, n__v_text, extra FROM raw.events ORDER BY id") == [
        (1, 5, None, None), (2, None, "half", "more"),
    ]  # fmt: skip


def test_an_idle_read_needs_no_dlt(site):
    events(site, "path: data/*.csv, primary_key: id")
    csv(site, "a.csv", "id,v", "1,x")
    site.one()
    code = (
        "import sys; from pathlib import Path; from tests.unit.connectors.site import Site;"
        "site = Site(Path(sys.argv[1])); site.one(); print('dlt' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(site.root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


def test_a_read_that_was_cut_goes_on_with_the_next_file(site, monkeypatch):
    from tailrace.connectors.filesystem import source

    events(site, "path: data/*.csv, primary_key: id")
    csv(site, "a.csv", "id,v", "1,x", age=9)
    csv(site, "b.csv", "id,v", "2,y")
    real, cut = source.rows, []

    def rows(file, options):
        if file.name == "data/b.csv" and not cut:
            cut.append(file.name)
            raise OSError(5, "Input/output error", file.name)
        return real(file, options)

    monkeypatch.setattr(source, "rows", rows)
    assert "Input/output error" in site.error()
    assert site.query("SELECT id FROM raw.events") == [(1,)]
    assert site.one().rows_in == 1
    assert site.query("SELECT id, v FROM raw.events ORDER BY id") == [(1, "x"), (2, "y")]


def test_a_file_that_changes_meanwhile_stops_the_read(site, monkeypatch):
    from tailrace.connectors.filesystem import source

    events(site, "path: data/*.csv, primary_key: id")
    csv(site, "a.csv", "id,v", "1,x")
    real = source.rows

    def rows(file, options):
        yield from real(file, options)
        csv(site, "a.csv", "id,v", "1,x", "2,y", age=-3)

    monkeypatch.setattr(source, "rows", rows)
    assert "data/a.csv changed while it was read" in site.error()
    monkeypatch.setattr(source, "rows", real)
    assert site.one().rows_in == 2


BAD_FILES = {
    "no match": ("path: data/none-*.csv, primary_key: id", {}, "pipelines/files.yml:4:28: no file is data/none-*.csv"),
    "wrong key": ("path: data/a.csv, primary_key: idd", {}, "is no column of data/a.csv. did you mean id?"),
    "wrong column": ("path: data/a.csv, columns: {vv: text}", {}, "data/a.csv has no column vv. did you mean v?"),
    "short row": ("path: data/a.csv", {"a.csv": "id,v\n1,x\n2\n"}, "data/a.csv:3: expected 2 columns, got 1"),
    "twice": ("path: data/a.csv", {"a.csv": "id,id\n1,2\n"}, "the column 'id' comes twice"),
    "not utf-8": ("path: data/a.csv", {"a.csv": b"id,v\n1,\xff\xfe\n"}, "check `delimiter` and `encoding`"),
    "no json": ("path: data/a.jsonl", {"a.jsonl": '{"a": 1}\n{"a": \n'}, "data/a.jsonl:2: no JSON"),
    "no object": ("path: data/a.jsonl", {"a.jsonl": "[1]\n"}, "data/a.jsonl:1: not an object"),
    "no gzip": ("path: data/a.jsonl.gz", {"a.jsonl.gz": "{}"}, "is no whole gzip file"),
    "no parquet": ("path: data/a.parquet", {"a.parquet": "PAR0"}, "data/a.parquet is no Parquet file"),
    "ours": ("path: data/a.csv", {"a.csv": "row_key\n1\n"}, "have a column row_key of their own"),
    "one column": ("path: data/a.csv, primary_key: id", {"a.csv": "id,A b,a_b\n1,2,3\n"}, "would be one column"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named_with_its_place(site, name):
    options, files, said = BAD_FILES[name]
    for file, text in {"a.csv": "id,v\n1,x\n", **files}.items():
        site.write(f"data/{file}", text)
    events(site, options)
    assert site.check() == []
    assert said in site.error()


def test_a_mended_file_lands_afterwards(site):
    events(site, "path: data/*.csv, primary_key: id")
    csv(site, "a.csv", "id,v", "1,x")
    site.one()
    csv(site, "b.csv", "id,v", "2")
    assert "data/b.csv:2" in site.error()
    assert site.query("SELECT id FROM raw.events") == [(1,)]
    csv(site, "b.csv", "id,v", "2,y")
    assert site.one().rows_in == 1


BAD_PIPELINES = {
    "path: data/a.cvs": "pipelines/files.yml:4:28: nothing is known of files that end in .cvs. did you mean csv?",
    "path: s3://bucket/a.csv": "is not local. Download or mount it",
    "primary_key: id": "option 'path' is missing",
    "path: a.csv, write: merge": "merge needs a primary_key. Add `primary_key:`",
    "path: a.csv, primary_key: id, write: append": "append looks for no key",
    "path: a.csv, primry_key: id": "unknown option 'primry_key'. did you mean primary_key?",
    "path: a.csv, write: upsert": "'upsert' is not one of replace, append, merge",
    "path: a.jsonl, delimiter: ;": "delimiter says nothing of jsonl files",
    'path: a.csv, delimiter: "--"': "delimiter must be one character",
    "path: a.csv, encoding: latin-15x": "there is no encoding latin-15x",
    "path: a.csv, columns: {a: varchar}": "'varchar' is no type of a column",
}


@pytest.mark.parametrize("options", BAD_PIPELINES)
def test_a_bad_pipeline_is_told_offline(site, options):
    events(site, options)
    (said,) = site.check()
    assert BAD_PIPELINES[options] in said


def test_files_without_resources_name_nothing(site):
    site.write("pipelines/files.yml", "pipeline: files\nsource: filesystem\ncolour: red\n")
    assert "files.yml:3:1: unknown option 'colour'" in site.check()[0]
    site.write("pipelines/files.yml", "pipeline: files\nsource: filesystem\n")
    assert "a pipeline of files needs resources" in site.check()[0]


def test_another_key_is_refused_once_landed(site):
    events(site, "path: data/*.csv, primary_key: id")
    csv(site, "a.csv", "id,v", "1,x")
    site.one()
    events(site, "path: data/*.csv, primary_key: v")
    assert "rows were named by id, and now by v" in site.error()


def test_jsonl_keeps_every_digit(site):
    site.write(
        "data/e.jsonl",
        '{"id":1,"v":0.12345678901234567890,"n":9007199254740993,"d":0.1}\n{"id":2,"v":1.5,"n":1,"d":0.2}\n',
    )
    events(site, "path: data/e.jsonl, primary_key: id")
    site.one()
    assert site.query("SELECT v, n, d FROM raw.events ORDER BY id") == [
        ("0.12345678901234567890", 9007199254740993, 0.1),
        ("1.5", 1, 0.2),
    ]


def test_jsonl_keeps_whole_numbers_beyond_64_bits(site):
    site.write("data/e.jsonl", '{"id":1,"v":12345678901234567890123}\n')
    events(site, "path: data/e.jsonl, primary_key: id")
    site.one()
    assert site.query("SELECT v FROM raw.events") == [("12345678901234567890123",)]
