"""Tables of an SQLite file: types, cursors, sweeps, boundaries, resumption, and what is wrong with a pipeline."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import NoSuchModuleError, OperationalError
from tests.unit.connectors.site import Site

from tailrace.connectors.sdk.base import Counts
from tailrace.connectors.sql_database.engine import told_by_database
from tailrace.errors import AuthError, FatalError, Unavailable
from tailrace.records import Page
from tailrace.runner.steps import source_of, spec_of

TABLE = """CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, updated_at DATETIME, amount NUMERIC(10,2),
 active BOOLEAN, born DATE, extra JSON)"""


class Erp(Site):
    def sql(self, text: str, *rows: tuple) -> None:
        (self.root / "data").mkdir(exist_ok=True)
        with sqlite3.connect(self.root / "data/erp.db") as db:
            db.executemany(text, rows) if rows else db.execute(text)
        db.close()

    def pipeline(self, options: str, config: str = "credentials: sqlite:///data/erp.db") -> None:
        text = f"pipeline: erp\nsource: sql_database\nconfig: {{{config}}}\n"
        self.write("pipelines/erp.yml", text + (f"resources: {{{options}}}\n" if options else ""))

    def add(self, *ids: int, day: int = 1, name: str = "n") -> None:
        rows = [
            (i, f"{name}{i}", f"2024-01-{day:02d} 00:00:00", "1.50", 1, "1990-01-01", '{"a": 1}') for i in ids
        ]
        self.sql("INSERT OR REPLACE INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", *rows)


@pytest.fixture
def erp(tmp_path) -> Erp:
    site = Erp(tmp_path)
    site.sql(TABLE)
    return site


def ids(erp: Erp) -> list[int]:
    return [row[0] for row in erp.query("SELECT id FROM erp.customers ORDER BY id")]


def test_types_are_the_catalogues(erp):
    erp.add(1)
    erp.pipeline("customers: {}")
    assert erp.one().rows_in == 1
    assert erp.columns("erp.customers") == {
        "id": "BIGINT", "name": "VARCHAR", "updated_at": "TIMESTAMP", "amount": "DECIMAL(38,9)", "active": "BOOLEAN",
        "born": "DATE", "extra": "VARCHAR",
    }  # fmt: skip
    (row,) = erp.query("SELECT * EXCLUDE (born) FROM erp.customers")
    assert row == (1, "n1", datetime(2024, 1, 1), Decimal("1.5"), True, '{"a":1}')


def test_an_empty_table_lands_its_columns(erp):
    erp.pipeline("customers: {}")
    assert erp.one().rows_in == 0
    assert "amount" in erp.columns("erp.customers")
    erp.add(1)
    assert erp.one().rows_in == 1


def test_without_a_cursor_the_table_is_replaced(erp):
    erp.add(1, 2)
    erp.pipeline("customers: {}")
    erp.one()
    before = erp.position()
    assert erp.one().rows_in == 0
    assert erp.position() == before
    erp.sql("DELETE FROM customers WHERE id = 1")
    erp.add(3)
    erp.one()
    assert ids(erp) == [2, 3]


def test_a_cursor_reads_what_is_new(erp):
    erp.add(*range(1, 8))
    erp.pipeline("customers: {cursor: updated_at}", "credentials: sqlite:///data/erp.db, chunk_size: 2")
    assert erp.one().rows_in == 7
    before = erp.position()
    assert erp.one().rows_in == 0
    assert erp.position() == before
    erp.add(8, day=2)
    erp.add(2, day=3, name="changed")
    assert erp.one().rows_in == 2
    assert erp.query("SELECT name FROM erp.customers WHERE id = 2") == [("changed2",)]
    assert len(ids(erp)) == 8


def test_a_second_change_at_the_same_moment_is_seen(erp):
    erp.add(1, 2)
    erp.pipeline("customers: {cursor: updated_at}")
    erp.one()
    erp.add(2, name="again")
    assert erp.one().rows_in == 1
    assert erp.query("SELECT name FROM erp.customers ORDER BY id") == [("n1",), ("again2",)]


def test_fractions_of_seconds_and_the_other_separator_lose_nothing(erp):
    erp.pipeline("customers: {cursor: updated_at}")
    add = "INSERT INTO customers (id, updated_at) VALUES (?, ?)"
    erp.sql(add, (1, "2024-01-01 10:00:00.700000"), (2, "2024-01-01T10:00:00"))
    erp.one()
    erp.sql(
        add, (3, "2024-01-01 10:00:00.700000"), (4, "2024-01-01T10:00:01"), (5, "2024-01-01 10:00:00.800000")
    )
    assert erp.one().rows_in == 3
    assert erp.one().rows_in == 0
    assert ids(erp) == [1, 2, 3, 4, 5]


def test_rows_without_a_cursor_value_are_read_too(erp):
    erp.add(1)
    erp.pipeline("customers: {cursor: updated_at}")
    erp.sql("INSERT INTO customers (id, name) VALUES (5, 'no date')")
    erp.one()
    erp.sql("UPDATE customers SET name = 'still none' WHERE id = 5")
    erp.one()
    assert erp.query("SELECT name FROM erp.customers WHERE id = 5") == [("still none",)]


def test_a_sweep_sees_deletes_when_it_is_due(erp):
    erp.add(1, 2, 3)
    erp.pipeline("customers: {cursor: updated_at, sweep: 24h}")
    erp.one()
    erp.sql("DELETE FROM customers WHERE id = 2")
    assert erp.one().rows_in == 0
    assert ids(erp) == [1, 2, 3]
    erp.at += timedelta(days=1)
    erp.one()
    assert ids(erp) == [1, 3]
    erp.add(4, day=9)
    assert erp.one().rows_in == 1


def test_append_counts_its_rows(erp):
    erp.add(1, 2)
    erp.pipeline("customers: {cursor: updated_at, write: append}")
    erp.one()
    erp.add(1, day=5, name="later")
    erp.one()
    found = erp.query("SELECT row_key, id, name FROM erp.customers ORDER BY row_key")
    assert found == [("000000000001", 1, "n1"), ("000000000002", 2, "n2"), ("000000000003", 1, "later1")]


def test_a_read_that_is_cut_goes_on_from_the_last_checkpoint(erp, monkeypatch):
    from tailrace.land import reading

    erp.add(1, 2, day=1)
    erp.add(3, 4, day=2)
    erp.add(5, day=3)
    erp.pipeline("customers: {cursor: updated_at}", "credentials: sqlite:///data/erp.db, chunk_size: 2")
    monkeypatch.setattr(reading, "COMMIT_ROWS", 1)
    real, seen = reading.Reading._checkpoint, []

    def checkpoint(self, one):
        seen.append(one)
        if len(seen) == 2:
            raise FatalError("cut")
        return real(self, one)

    monkeypatch.setattr(reading.Reading, "_checkpoint", checkpoint)
    assert erp.error() == "cut"
    assert ids(erp) == [1, 2]
    assert erp.one().rows_in == 3
    assert ids(erp) == [1, 2, 3, 4, 5]


def test_all_tables_and_only_wanted_columns(erp):
    erp.sql("CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT, secret TEXT)")
    erp.sql("INSERT INTO countries VALUES ('DE', 'Germany', 'x')")
    erp.sql("CREATE VIEW big AS SELECT id FROM customers")
    erp.pipeline("")
    assert set(erp.land()) == {"erp.customers", "erp.countries"}
    erp.pipeline("", "credentials: sqlite:///data/erp.db, table_names: [big]")
    assert set(erp.land()) == {"erp.big"}


def test_included_columns_leave_the_others_where_they_are(erp):
    erp.add(1)
    erp.pipeline("customers: {included_columns: [id, name], columns: {name: json}}")
    erp.one()
    assert list(erp.columns("erp.customers")) == ["id", "name"]


def test_the_census_names_every_key(erp):
    erp.add(1, 2, 3)
    erp.pipeline("customers: {cursor: updated_at}")
    resolved = erp.resolved()
    (pipeline,) = resolved.project.pipelines
    with erp.session() as session:
        source, spec = source_of(session, pipeline), spec_of(session, pipeline, pipeline.resources[0])
        assert isinstance(source, Counts)
        pages = list(source.census(spec, source.schema(spec)))
    assert all(isinstance(page, Page) for page in pages)
    assert [row for page in pages for row in page.rows] == [{"id": 1}, {"id": 2}, {"id": 3}]


BAD_TABLES = {
    "customer: {}": "erp.yml:4:13: the source has no resource customer. did you mean customers?",
    "customers: {cursor: updated}": "customers has no column updated. did you mean updated_at?",
    "customers: {primary_key: idd}": "customers has no column idd. did you mean id?",
    "big: {write: merge}": "erp.yml:4:26: big: merge needs a primary key. Add `primary_key:`",
}


@pytest.mark.parametrize("options", BAD_TABLES)
def test_what_only_the_database_knows_is_told_with_its_place(erp, options):
    erp.sql("CREATE VIEW big AS SELECT id FROM customers")
    erp.pipeline(options)
    assert erp.check() == []
    assert BAD_TABLES[options] in erp.error()


BAD_CONFIGS = {
    "credentials: sqlite:///data/epr.db": "there is no file data/epr.db",
    "credentials: sqlite://": "the SQLite URL names no file",
    "credentials: nodb://host/x": "SQLAlchemy knows no nodb",
    "credentials: postgresql+pg8000x://u:hunter2-secret@host/x": "SQLAlchemy knows no postgresql+pg8000x",
    "credentials: mysql+pymysql://u:hunter2-secret@host/x": "the database's driver pymysql is not installed",
    "credentials: {drivername: sqlite, database: none.db}": "there is no file none.db",
}


@pytest.mark.parametrize("config", BAD_CONFIGS)
def test_a_database_that_cannot_be_opened_is_told(erp, config):
    erp.pipeline("customers: {}", config)
    assert erp.check() == []
    said = erp.error()
    assert BAD_CONFIGS[config] in said
    assert said.startswith("pipelines/erp.yml:3:")
    assert "hunter2" not in said
    assert not (erp.root / "data/epr.db").exists()


def test_a_file_that_is_no_database_is_told(erp):
    erp.write("data/erp.db", "nonsense" * 200)
    erp.pipeline("customers: {}")
    assert "erp: the database says DatabaseError: file is not a database" in erp.error()


BAD_PIPELINES = {
    "config: {}": "option 'credentials' is missing",
    "config: {credential: x}": "config has no key credential. did you mean credentials?",
    "config: {credentials: erp.db}": "credentials is no URL",
    "config: {credentials: {host: a}}": "credentials needs a drivername",
    "config: {credentials: 'sqlite:///x', chunk_size: 0}": "chunk_size is out of range",
    "config: {credentials: 'sqlite:///x', table_names: [a]}\nresources: {a: {}}": "tables are named twice",
    "config: {credentials: 'sqlite:///x'}\nresources: {a: {sweep: 1d}}": "sweep goes with a cursor and merge",
    "config: {credentials: 'sqlite:///x'}\nresources: {a: {cursor: b, write: replace}}": "replace would keep nothing",
    "conf: {}": "unknown option 'conf'. did you mean config?",
}


@pytest.mark.parametrize("rest", BAD_PIPELINES)
def test_a_bad_pipeline_is_told_offline(erp, rest):
    erp.write("pipelines/erp.yml", f"pipeline: erp\nsource: sql_database\n{rest}\n")
    assert any(BAD_PIPELINES[rest] in said for said in erp.check()), erp.check()


def test_a_secret_url_is_hidden_and_a_missing_one_named(erp, monkeypatch):
    erp.pipeline("customers: {}", "credentials: \"{{ secret('env:ERP_URL') }}\"")
    assert "the environment variable ERP_URL is not set" in erp.check()[0]
    monkeypatch.setenv("ERP_URL", "sqlite:///data/canary-9f41.db")
    assert "canary" not in erp.error()
    erp.add(1)
    monkeypatch.setenv("ERP_URL", "sqlite:///data/erp.db")
    erp.one()


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("FATAL: password authentication failed for user x", AuthError),
        ("connection to server failed: Connection refused", Unavailable),
        ("no such column: x", FatalError),
    ],
)
def test_errors_of_databases_are_told_apart(said, kind):
    error = OperationalError("SELECT 1", {}, Exception(said))
    assert type(told_by_database(error, "erp")) is kind
    assert told_by_database(ValueError("x"), "erp") is None
    assert isinstance(told_by_database(NoSuchModuleError("x"), "erp"), FatalError)


def test_a_finished_command_holds_no_connection(erp, monkeypatch):
    from tailrace.connectors.sql_database import source

    ended = []
    real = source.engine_of

    def engine_of(*args, **more):
        engine = real(*args, **more)
        dispose = engine.dispose
        monkeypatch.setattr(engine, "dispose", lambda: (ended.append(1), dispose()))
        return engine

    monkeypatch.setattr(source, "engine_of", engine_of)
    erp.pipeline("customers: {}")
    erp.one()
    assert ended == [1]
