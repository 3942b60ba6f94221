"""What is built again and why, what happens when something fails, and that a model is there whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from tests.unit.build.layout import NOW, compiled, lay_out

from tailrace.build.fingerprint import decide
from tailrace.build.run import build
from tailrace.errors import ProjectError
from tailrace.events import Notice, listening
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

FILES = {
    "models/staging/stg_deals.sql": "SELECT * FROM {{ source('hubspot', 'deals') }}",
    "models/marts/people.sql": "SELECT id, upper(email) AS email FROM stg_contacts",
    "models/marts/wide.sql": "SELECT p.*, r.usd FROM {{ ref('people') }} AS p, {{ ref('rates') }} AS r",
    "models/marts/money.sql": "SELECT sum(amount) AS amount FROM {{ ref('stg_deals') }}",
}
EVERY = ["keep", "money", "people", "rates", "stg_contacts", "stg_deals", "wide"]


class Yard:
    """A project in a folder, a warehouse with what its pipelines would land, and a clock."""

    def __init__(self, root, path=None):
        self.root = lay_out(root, FILES)
        self.warehouse = DuckDBWarehouse(path)
        self.now = NOW
        self.runs = 0
        for schema in ("hubspot", "tailrace_meta"):
            self.warehouse.ensure_schema(schema)
        run = self.warehouse.execute
        run("CREATE TABLE hubspot.contacts AS SELECT '1' AS id, 'Ann@Example.com' AS email")
        run("CREATE TABLE hubspot.deals AS SELECT '7' AS id, 10.0 AS amount")
        run("CREATE TABLE tailrace_meta.cursors (resource VARCHAR, data_version BIGINT, raw_done BIGINT)")
        run("INSERT INTO tailrace_meta.cursors VALUES ('hubspot.contacts', 1, 1), ('hubspot.deals', 2, 2)")

    def write(self, name, text):
        lay_out(self.root, {**FILES, name: text})
        FILES_NOW = self.root / name
        assert FILES_NOW.read_text() == text

    def graph(self):
        return compiled(self.root, now=self.now)

    def build(self, selected=None, stale=()):
        graph = self.graph()
        self.runs += 1
        found = build(
            self.warehouse, graph, set(graph.nodes) if selected is None else set(selected),
            root=self.root, run_id=f"run{self.runs}", now=lambda: self.now, stale=stale,
        )  # fmt: skip
        return {result.name: result for result in found}

    def built(self, **kwargs):
        return sorted(name for name, result in self.build(**kwargs).items() if result.status == "ok")

    def why(self, model, selected=None):
        return {d.model: d.why for d in decide(self.warehouse, self.graph(), selected)}[model]

    def land(self, table, sql=None):
        if sql:
            self.warehouse.execute(sql)
        self.warehouse.execute(
            f"UPDATE tailrace_meta.cursors SET data_version = data_version + 10, raw_done = raw_done + 10 WHERE resource = '{table}'"
        )

    def rows(self, table):
        return self.warehouse.query(f"SELECT * FROM {table} ORDER BY ALL")


@pytest.fixture
def yard(tmp_path):
    found = Yard(tmp_path / "p")
    yield found
    found.warehouse.close()


@pytest.fixture
def quiet(yard):
    yard.build()
    return yard


def test_the_first_build_makes_everything_and_the_second_nothing(yard):
    first = yard.build()
    assert {result.status for result in first.values()} == {"ok"}
    assert {result.detail["why"] for result in first.values()} == {"never built"}
    assert first["people"].rows_out == 1
    assert first["stg_contacts"].rows_out == 0
    assert yard.warehouse.tables("marts") == {
        "keep": "table",
        "money": "table",
        "people": "table",
        "wide": "table",
    }
    assert yard.warehouse.tables("staging") == {"stg_contacts": "view", "stg_deals": "view"}
    second = yard.build()
    assert {(result.status, result.detail["why"]) for result in second.values()} == {
        ("skipped", "up to date")
    }
    assert yard.warehouse.query("SELECT DISTINCT run_id FROM tailrace_meta.models") == [("run1",)]


def test_nothing_is_written_where_nothing_changed(tmp_path):
    path = tmp_path / "w.duckdb"
    yard = Yard(tmp_path / "p", path)
    yard.build()
    yard.warehouse.checkpoint()
    before = (path.read_bytes(), path.with_name("w.duckdb.wal").exists())
    yard.build()
    assert (path.read_bytes(), path.with_name("w.duckdb.wal").exists()) == before
    yard.warehouse.close()


def asked(yard, models):
    """How many questions a first build and an idle one ask the warehouse."""
    for index in range(models):
        lay_out(yard.root, {f"models/marts/n_{index}.sql": f"SELECT id, {index} AS n FROM hubspot.contacts"})
    graph, run, counts = compiled(yard.root), yard.warehouse._run, []
    for _ in range(2):
        said = []
        yard.warehouse._run = lambda sql, params, said=said: said.append(sql) or run(sql, params)
        build(yard.warehouse, graph, set(graph.nodes), root=yard.root, run_id="r", now=lambda: NOW)
        counts.append(sum("duckdb_columns" in sql or "duckdb_tables" in sql for sql in said))
    yard.warehouse._run = run
    return [*counts, len(said)]


def test_more_models_ask_the_catalogue_no_more(tmp_path):
    few, many = Yard(tmp_path / "few"), Yard(tmp_path / "many")
    assert asked(few, 2) == asked(many, 20)
    for yard in (few, many):
        yard.warehouse.close()


def test_comments_and_layout_are_no_change(quiet):
    quiet.write("models/marts/people.sql", "-- new\nselect id,\n  upper(email) as email from stg_contacts;")
    assert quiet.built() == []


def test_changed_sql_builds_the_model_and_its_readers(quiet):
    quiet.write("models/marts/people.sql", "SELECT id, lower(email) AS email FROM stg_contacts")
    assert quiet.why("people") == "its SQL changed"
    assert quiet.why("wide") == "upstream people changed"
    assert quiet.built() == ["people", "wide"]
    assert quiet.rows("marts.wide")[0][1] == "ann@example.com"


def test_new_data_builds_the_tables_over_it_and_no_view(quiet):
    quiet.land("hubspot.contacts", "INSERT INTO hubspot.contacts VALUES ('2', 'b@x')")
    assert quiet.why("stg_contacts") == "up to date"
    assert quiet.why("people") == "upstream stg_contacts changed"
    assert quiet.built() == ["people", "wide"]
    assert len(quiet.rows("marts.people")) == 2


def test_a_table_that_reads_a_source_says_which(quiet):
    quiet.write("models/marts/direct.sql", "SELECT * FROM hubspot.contacts, hubspot.deals")
    assert quiet.built() == ["direct"]
    quiet.land("hubspot.deals")
    assert quiet.why("direct") == "hubspot.deals has new data"
    quiet.land("hubspot.contacts")
    assert quiet.why("direct") == "hubspot.contacts and hubspot.deals have new data"


def test_a_new_column_upstream_is_a_change(quiet):
    quiet.write("models/marts/direct.sql", "SELECT * FROM {{ ref('stg_deals') }}")
    quiet.build()
    quiet.warehouse.execute("ALTER TABLE hubspot.deals ADD COLUMN stage VARCHAR")
    assert quiet.built() == ["direct", "money"]
    assert list(quiet.warehouse.columns(TableRef("marts", "direct"))) == ["id", "amount", "stage"]


def test_a_view_over_a_view_shows_new_columns(quiet):
    quiet.write("models/staging/over.sql", "SELECT * FROM {{ ref('stg_contacts') }}")
    quiet.build()
    quiet.write(
        "models/staging/stg_contacts.sql",
        "SELECT id, email, 1 AS more FROM {{ source('hubspot', 'contacts') }}",
    )
    quiet.build()
    assert quiet.rows("staging.over") == [("1", "Ann@Example.com", 1)]
    quiet.write(
        "models/staging/stg_contacts.sql", "SELECT email, id FROM {{ source('hubspot', 'contacts') }}"
    )
    quiet.build()
    assert quiet.rows("staging.over") == [("Ann@Example.com", "1")]


def test_the_day_turns(quiet):
    quiet.write("models/marts/dated.sql", "SELECT current_date AS day, now() AS at")
    assert quiet.built() == ["dated"]
    assert quiet.rows("marts.dated") == [(NOW.date(), NOW)]
    quiet.now = NOW + timedelta(hours=1)
    assert quiet.built() == []
    quiet.now = NOW + timedelta(days=1)
    assert quiet.why("dated") == "the day turned"
    assert quiet.built() == ["dated"]
    assert quiet.rows("marts.dated")[0][0] == (NOW + timedelta(days=1)).date()


def test_a_seed_changes_with_its_file_and_its_types(quiet):
    quiet.write("seeds/rates.csv", "month,usd\n2026-01-01,2.5\n")
    assert quiet.why("rates") == "its file changed"
    assert quiet.built() == ["rates", "wide"]
    quiet.write(
        "seeds/rates.yml",
        "version: 2\nseeds:\n  - name: rates\n    config: {column_types: {month: VARCHAR, USD: 'DECIMAL(9, 4)'}}\n",
    )
    (quiet.root / "seeds/rates.csv").write_text("month,usd\n2026-01-01,2.5\n")
    graph = quiet.graph()
    build(quiet.warehouse, graph, {"rates"}, root=quiet.root, run_id="r", now=lambda: NOW)
    assert quiet.warehouse.columns(TableRef("main", "rates")) == {"month": "VARCHAR", "usd": "DECIMAL(9,4)"}


def test_what_lies_outside_is_built_when_its_content_changed(quiet):
    quiet.warehouse.ensure_schema("own")
    quiet.warehouse.execute("CREATE TABLE own.t AS SELECT 1 AS x")
    quiet.write("models/marts/outside.sql", "SELECT * FROM own.t")
    assert quiet.built() == ["outside"]
    quiet.now = NOW + timedelta(minutes=1)
    assert quiet.why("outside") == "up to date"
    quiet.warehouse.execute("UPDATE own.t SET x = 2")
    assert quiet.why("outside") == "own.t has new data"
    assert quiet.built() == ["outside"]


def test_what_nobody_can_watch_is_built_each_time(quiet):
    (quiet.root / "far.csv").write_text("x\n1\n")
    quiet.write("models/marts/outside.sql", f"SELECT * FROM read_csv('{quiet.root / 'far.csv'}')")
    assert quiet.built() == ["outside"]
    quiet.now = NOW + timedelta(minutes=1)
    assert quiet.why("outside") == "it reads read_csv(), and nobody can tell whether that changed"
    assert quiet.built() == ["outside"]


def test_a_dropped_table_comes_back(quiet):
    quiet.warehouse.execute("DROP TABLE marts.people")
    assert quiet.why("people") == "its table is gone"
    assert quiet.built() == ["people"]


def test_a_view_that_came_back_as_a_table_is_a_view_again(quiet):
    """As in a work file restored from one that was published with fewer schemas: it would never see new data."""
    quiet.warehouse.execute("CREATE TABLE staging.kept AS SELECT * FROM staging.stg_contacts")
    quiet.warehouse.execute("DROP VIEW staging.stg_contacts")
    quiet.warehouse.execute("ALTER TABLE staging.kept RENAME TO stg_contacts")
    assert quiet.why("stg_contacts") == "its view is gone"
    assert "stg_contacts" in quiet.built()
    assert quiet.warehouse.tables("staging")["stg_contacts"] == "view"


def test_a_table_becomes_a_view_and_a_view_a_table(quiet):
    quiet.write(
        "models/marts/people.sql",
        "{{ config(materialized='view') }} SELECT id, upper(email) AS email FROM stg_contacts",
    )
    assert quiet.why("people") == "it was a table and becomes a view"
    quiet.built()
    assert quiet.warehouse.tables("marts")["people"] == "view"
    quiet.write("models/marts/people.sql", FILES["models/marts/people.sql"])
    quiet.built()
    assert quiet.warehouse.tables("marts")["people"] == "table"
    assert quiet.rows("marts.people") == [("1", "ANN@EXAMPLE.COM")]


def test_a_moved_model_is_built_where_it_belongs(quiet):
    quiet.write(
        "models/marts/people.sql",
        "{{ config(schema='reporting') }} SELECT id, upper(email) AS email FROM stg_contacts",
    )
    assert quiet.why("people") == "it moves from marts to reporting"
    heard = []
    with listening(heard.append):
        assert quiet.built() == ["people", "wide"]
    assert [event.text for event in heard if isinstance(event, Notice)] == [
        "people is built in reporting now; marts.people is left as it was, drop the table if nobody reads it"
    ]
    assert quiet.warehouse.tables("reporting") == {"people": "table"}


def test_an_orphan_is_told_and_left_alone(quiet):
    (quiet.root / "models/marts/wide.sql").unlink()
    graph, heard = quiet.graph(), []
    with listening(heard.append):
        build(quiet.warehouse, graph, set(graph.nodes), root=quiet.root, run_id="r", now=lambda: NOW)
    assert [event.text for event in heard if isinstance(event, Notice)] == [
        "marts.wide has no model any more; drop the table if nobody reads it"
    ]
    assert "wide" in quiet.warehouse.tables("marts")


def test_a_failure_stops_what_depends_on_it_and_nothing_else(yard):
    yard.write("models/marts/people.sql", "SELECT id,\n    nope\nFROM stg_contacts")
    found = yard.build()
    assert found["people"].status == "failed"
    assert found["people"].error.startswith(
        'models/marts/people.sql:2:5: Binder Error: Referenced column "nope" not found'
    )
    assert (found["wide"].status, found["wide"].detail) == (
        "skipped",
        {"stale": ["people"], "why": "upstream people failed"},
    )
    assert {found[name].status for name in ("money", "keep", "rates", "stg_contacts", "stg_deals")} == {"ok"}
    assert "people" not in yard.warehouse.tables("marts")
    yard.write("models/marts/people.sql", FILES["models/marts/people.sql"])
    assert yard.built() == ["people", "wide"]


@pytest.mark.parametrize("name", ["models/marts/people.sql", "models/staging/stg_contacts.sql"])
def test_after_a_failure_readers_are_built_on_old_data_and_again_when_it_is_mended(quiet, name):
    """The rebuild on old data must not count as one on the new: else it would be stale for ever, and "up to date"."""
    good = (quiet.root / name).read_text()
    quiet.write(name, good.replace("id,", "id, nope,"))
    quiet.write(
        "models/marts/wide.sql",
        "SELECT p.*, r.usd AS rate FROM {{ ref('people') }} AS p, {{ ref('rates') }} AS r",
    )
    (quiet.root / name).write_text(good.replace("id,", "id, nope,"))
    found = quiet.build()
    broken = name.rpartition("/")[2].removesuffix(".sql")
    assert found[broken].status == "failed"
    assert (found["wide"].status, found["wide"].detail["stale"]) == ("ok", [broken])
    (quiet.root / name).write_text(good.replace("id,", "id || 'x' AS id,"))
    assert {"people", "wide"} <= set(quiet.built())
    assert quiet.rows("marts.wide")[0][0] == "1x"
    assert quiet.built() == []


def test_on_stale_skip_waits(quiet):
    quiet.write(
        "models/marts/people.sql",
        "{{ config(on_stale='skip') }} SELECT id, lower(email) AS email FROM stg_contacts",
    )
    found = quiet.build(stale=["hubspot.contacts"])
    assert found["people"].status == "skipped"
    assert found["people"].detail == {
        "stale": ["hubspot.contacts"], "why": "hubspot.contacts is not up to date, and on_stale is skip"
    }  # fmt: skip
    assert quiet.rows("marts.people") == [("1", "ANN@EXAMPLE.COM")]
    assert quiet.built() == ["people", "wide"]


def test_stale_data_is_flagged_on_everything_above_it(quiet):
    found = quiet.build(stale=["hubspot.contacts"])
    assert {name for name, result in found.items() if result.detail.get("stale")} == {
        "people",
        "stg_contacts",
        "wide",
    }
    assert {result.status for result in found.values()} == {"skipped"}


def test_what_was_never_landed_waits_or_fails(yard):
    yard.warehouse.execute("DROP TABLE hubspot.deals")
    found = yard.build(stale=["hubspot.deals"])
    assert (found["stg_deals"].status, found["stg_deals"].detail["why"]) == (
        "skipped",
        "hubspot.deals is not landed yet (tailrace land)",
    )
    assert found["money"].status == "skipped"
    found = yard.build()
    assert (found["stg_deals"].status, found["stg_deals"].error) == (
        "failed", "models/staging/stg_deals.sql: hubspot.deals is not landed yet (tailrace land)"
    )  # fmt: skip
    assert found["money"].detail["why"] == "upstream stg_deals failed"


def test_a_selection_without_what_it_needs_says_so(yard):
    found = yard.build(selected=["people"])
    assert (
        found["people"].error
        == "models/marts/people.sql: upstream stg_contacts is not built (select +people)"
    )
    assert yard.build(selected=["people", "stg_contacts"])["people"].status == "ok"


def test_a_selected_table_sees_new_data_through_views_that_are_not_selected(quiet):
    quiet.land("hubspot.contacts", "INSERT INTO hubspot.contacts VALUES ('2', 'b@x')")
    assert quiet.built(selected=["people"]) == ["people"]
    assert quiet.built(selected=["people"]) == []
    assert quiet.built() == ["wide"]


def test_a_changed_view_that_is_not_selected_counts_as_it_stands(quiet):
    quiet.write("models/staging/stg_contacts.sql", "SELECT id || 'x' AS id, email FROM hubspot.contacts")
    assert quiet.built(selected=["people"]) == [], "the view in the warehouse is the old one"
    assert quiet.built() == ["people", "stg_contacts", "wide"]
    assert quiet.rows("marts.people")[0][0] == "1x"


def test_what_project_changed_is_told_from_what_data_changed(quiet):
    quiet.land("hubspot.contacts")
    quiet.write("models/marts/money.sql", "SELECT 1 AS amount")
    quiet.write("seeds/rates.csv", "month,usd\n2026-01-01,9\n")
    quiet.write("models/marts/money.sql", "SELECT 1 AS amount")
    (quiet.root / "seeds/rates.csv").write_text("month,usd\n2026-01-01,9\n")
    found = decide(quiet.warehouse, quiet.graph(), None)
    assert sorted(d.model for d in found if d.modified) == ["money", "rates"]


def test_deciding_writes_nothing(yard):
    before = yard.warehouse.tables("tailrace_meta")
    assert {d.action for d in decide(yard.warehouse, yard.graph(), None)} == {"build"}
    assert yard.warehouse.tables("tailrace_meta") == before


def test_a_seed_that_does_not_fit_names_its_line(yard):
    yard.write("seeds/rates.csv", "month,usd\n2026-01-01,1.5\n2026-02-01,oops\n")
    yard.write(
        "seeds/rates.yml", "version: 2\nseeds:\n  - name: rates\n    config: {column_types: {usd: DOUBLE}}\n"
    )
    (yard.root / "seeds/rates.csv").write_text("month,usd\n2026-01-01,1.5\n2026-02-01,oops\n")
    found = yard.build()["rates"]
    assert found.status == "failed"
    assert found.error.startswith("seeds/rates.csv:3:1: ")
    assert "oops" in found.error


def test_seed_paths_are_no_globs(tmp_path):
    yard = Yard(tmp_path / "a[1]*b?")
    assert yard.build()["rates"].status == "ok"
    yard.warehouse.close()


def test_a_model_of_another_release_is_built_again(quiet):
    quiet.warehouse.execute("UPDATE tailrace_meta.models SET parts = '{\"old\": 1}' WHERE model = 'people'")
    assert quiet.built() == ["people"]


def test_nobody_is_left_with_half_a_model(quiet):
    """A statement that fails in the middle leaves the old table and the old state."""
    before = (quiet.rows("marts.people"), quiet.rows("tailrace_meta.models"))
    quiet.write(
        "models/marts/people.sql", "{{ config(materialized='view') }} SELECT id, missing FROM stg_contacts"
    )
    assert quiet.build()["people"].status == "failed"
    assert (quiet.rows("marts.people"), quiet.rows("tailrace_meta.models")) == before
    assert quiet.warehouse.tables("marts")["people"] == "table"


KILLED = """
import sys
from pathlib import Path
from tailrace.build import grouping
from tests.unit.build.test_build_run import Yard
grouping.MODELS = 2
Yard(Path(sys.argv[1]), Path(sys.argv[2])).build()
"""


@pytest.mark.parametrize(
    ("point", "left"),
    [
        ("build:made", 0),
        ("build:before_commit", 0),
        ("build:before_commit@2", 2),
        ("build:made@4", 2),
        ("build:after_commit@3", 6),
    ],
)
def test_a_kill_leaves_whole_models_and_the_next_build_the_rest(tmp_path, point, left):
    """Two models share a transaction here."""
    path = tmp_path / "w.duckdb"
    import os

    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "p"), str(path)],
        env={**os.environ, "TAILRACE_FAILPOINT": point}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 137, done.stderr
    warehouse = DuckDBWarehouse(path)
    graph = compiled(tmp_path / "p")
    remembered = {row[0] for row in warehouse.query("SELECT model FROM tailrace_meta.models")}
    there = {name for name in graph.nodes if warehouse.columns(graph.nodes[name].table)}
    assert there == remembered
    assert len(there) == left
    found = build(warehouse, graph, set(graph.nodes), root=tmp_path / "p", run_id="r", now=lambda: NOW)
    assert sorted(result.name for result in found if result.status == "ok") == sorted(set(EVERY) - there)
    warehouse.close()


def test_a_cycle_builds_nothing(tmp_path):
    with pytest.raises(ProjectError):
        compiled(lay_out(tmp_path, {"models/a.sql": "SELECT * FROM a"}))
