"""Which model's rows stand where: after branches are switched, aliases move, states are lost, old data comes back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tailrace.build.compile import compile_project
from tailrace.build.run import build
from tailrace.errors import ProjectError
from tailrace.events import Notice, listening
from tailrace.project.load import load_project
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.landed import may_read

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
FILES = {
    "pyproject.toml": '[tool.tailrace]\nname = "p"\nprofile = "p"\n',
    "profiles.yml": "p: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}",
    "seeds/raw.csv": "id,v\n1,1\n2,2\n",
}


class Yard:
    def __init__(self, root):
        self.root, self.warehouse, self.runs = root, DuckDBWarehouse(None), 0
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def remove(self, name):
        (self.root / name).unlink()

    def build(self, *names):
        """What was built and what failed; the notices."""
        self.runs += 1
        graph = compile_project(load_project(self.root), now=NOW, cache_dir=None)
        notices = []
        with listening(lambda event: notices.append(event.text) if isinstance(event, Notice) else None):
            steps = build(
                self.warehouse,
                graph,
                set(names or graph.nodes),
                root=self.root,
                run_id=f"r{self.runs}",
                now=lambda: NOW,
            )
        return {step.name: step.error or step.status for step in steps if step.status != "skipped"}, notices

    def rows(self, table, columns="*"):
        return self.warehouse.query(f"SELECT {columns} FROM {table} ORDER BY 1")


@pytest.fixture
def yard(tmp_path):
    found = Yard(tmp_path)
    yield found
    found.warehouse.close()


TABLE = "{{ config(materialized='table') }} SELECT 1 AS x"


def test_a_model_that_comes_back_to_its_name_is_built_again(yard):
    yard.write("models/marts/m.sql", TABLE)
    yard.build()
    yard.remove("models/marts/m.sql")
    yard.write("models/marts/m2.sql", "{{ config(materialized='table', alias='m') }} SELECT 2 AS x")
    assert yard.build() == ({"m2": "ok"}, []), "and nobody is told to drop the table that it has just built"
    yard.remove("models/marts/m2.sql")
    yard.write("models/marts/m.sql", TABLE)
    assert yard.build()[0] == {"m": "ok"}
    assert yard.rows("marts.m") == [(1,)]


def test_an_incremental_that_moves_onto_anothers_table_does_not_join_it(yard):
    merge = "{{{{ config(materialized='incremental', unique_key='id', alias='{}') }}}} SELECT id, v FROM {{{{ ref('raw') }}}}"
    yard.write("models/marts/other.sql", "{{ config(materialized='table') }} SELECT 77 AS id, 77 AS v")
    yard.write("models/marts/m.sql", merge.format("mine"))
    yard.build()
    yard.remove("models/marts/other.sql")
    yard.write("models/marts/m.sql", merge.format("other"))
    yard.build()
    assert yard.rows("marts.other") == [(1, 1), (2, 2)]


@pytest.mark.parametrize("kind", ["incremental", "snapshot"])
def test_readers_of_what_keeps_rows_see_them_when_old_data_comes_back(yard, kind):
    configs = {
        "incremental": "materialized='incremental', unique_key='id'",
        "snapshot": "materialized='snapshot', strategy='check', unique_key='id', check_cols='all'",
    }
    yard.write(
        "models/marts/kept.sql", f"{{{{ config({configs[kind]}) }}}} SELECT id, v FROM {{{{ ref('raw') }}}}"
    )
    yard.write(
        "models/marts/reader.sql",
        "{{ config(materialized='table') }} SELECT count(*) AS n FROM {{ ref('kept') }}",
    )
    yard.build()
    yard.write("seeds/raw.csv", "id,v\n3,3\n4,4\n5,5\n")
    yard.build("raw", "kept")
    yard.write("seeds/raw.csv", FILES["seeds/raw.csv"])
    yard.build()
    assert yard.rows("marts.reader") == yard.rows("marts.kept", "count(*)")


def test_a_seed_and_a_model_of_one_table_are_refused(yard):
    yard.write("models/marts/m.sql", "{{ config(alias='raw', schema='main') }} SELECT 1 AS x")
    with pytest.raises(ProjectError, match=r"m and raw \(seeds/raw.csv\) would both build main.raw"):
        yard.build()


def test_a_history_whose_state_is_lost_is_not_overwritten(yard):
    yard.write(
        "models/marts/kept.sql",
        "{{ config(materialized='snapshot', strategy='check', unique_key='id', check_cols='all') }} SELECT * FROM {{ ref('raw') }}",
    )
    yard.build()
    yard.warehouse.execute("DELETE FROM tailrace_meta.models")
    yard.write("models/marts/kept.sql", TABLE)
    assert "holds the history of a snapshot" in yard.build("kept")[0]["kept"]
    yard.remove("models/marts/kept.sql")
    yard.write("models/marts/else.sql", TABLE.replace("'table'", "'table', alias='kept'"))
    assert "holds the history of a snapshot" in yard.build("else")[0]["else"]
    assert len(yard.rows("marts.kept")) == 2


@pytest.mark.parametrize(
    ("sql", "may"),
    [
        ('SELECT id FROM "hubspot"."contacts"', False),
        ("SELECT c.id FROM hubspot.contacts AS c WHERE c.id > 1", False),
        ("SELECT contacts.id FROM hubspot.contacts JOIN x ON x.id = contacts.id", False),
        ("SELECT * FROM hubspot.contacts", True),
        ("FROM hubspot.contacts", True),
        ("SELECT 1 AS x FROM (FROM hubspot.contacts)", True),
        ("SELECT to_json(c) FROM hubspot.contacts c", True),
        ("SELECT c FROM hubspot.contacts AS c", True),
        ("SELECT contacts FROM hubspot.contacts", True),
        ("SELECT unnest(c) FROM hubspot.contacts c", True),
        ("SELECT columns(c -> true) FROM hubspot.contacts", True),
        ("SELECT lastmodifieddate FROM hubspot.contacts", True),
    ],
)  # fmt: skip
def test_rows_taken_whole_hold_the_cursor_too(sql, may):
    assert may_read(sql, "lastmodifieddate", "hubspot.contacts") is may


@pytest.mark.parametrize(
    ("rows", "strategy", "said"),
    [
        ("1,1\n1,2", "merge", "unique_key repeats in the new rows (2 times id 1)"),
        (",1\n2,2", "merge", "unique_key id is NULL in 1 new rows"),
        (",1\n2,2", "delete+insert", "unique_key id is NULL in 1 new rows"),
    ],
)
def test_keys_that_cannot_be_joined_are_refused_in_the_first_build_too(yard, rows, strategy, said):
    yard.write("seeds/raw.csv", f"id,v\n{rows}\n")
    config = f"materialized='incremental', unique_key='id', incremental_strategy='{strategy}'"
    yard.write("models/marts/m.sql", f"{{{{ config({config}) }}}} SELECT id, v FROM {{{{ ref('raw') }}}}")
    assert said in yard.build()[0]["m"]
    assert yard.warehouse.tables("marts") == {}


def test_who_waits_behind_a_failure_is_told_which(yard):
    yard.write("models/marts/a.sql", "{{ config(materialized='table') }} SELECT CAST('x' AS INTEGER) AS x")
    yard.write("models/marts/b.sql", "{{ config(materialized='table') }} SELECT * FROM {{ ref('a') }}")
    yard.write("models/marts/c.sql", "{{ config(materialized='table') }} SELECT * FROM {{ ref('b') }}")
    graph = compile_project(load_project(yard.root), now=NOW, cache_dir=None)
    steps = build(yard.warehouse, graph, set(graph.nodes), root=yard.root, run_id="r", now=lambda: NOW)
    why = {step.name: step.detail.get("why") for step in steps if step.status == "skipped"}
    assert why == {"b": "upstream a failed", "c": "upstream b waits: a failed"}
