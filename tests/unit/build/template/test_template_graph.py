"""What templates read of the whole graph, and of the command that runs: known when they are rendered late."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tailrace.build.asked import Asked
from tailrace.build.compile import compile_project
from tailrace.build.run import build
from tailrace.build.testing.run import run_data_tests
from tailrace.plan.scratch import without_hooks
from tailrace.project.load import load_project
from tailrace.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
FILES = {
    "dbt_project.yml": "{name: shop, version: '1', profile: shop, models: {shop: {marts: {+tags: [folder], +meta: {a: 1}}}}}",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}",
    "models/sources.yml": "sources: [{name: raw, tables: [{name: events}]}]",
    "seeds/rows.csv": "id\n1\n",
    "models/off.sql": "{{ config(enabled=false) }} select 1 as id",
    "models/marts/people.sql": """
{{ config(materialized='table', tags=['own'], meta={'b': 2}, alias='persons', post_hook='select 1') }}
select id from {{ ref('rows') }} union all select id from {{ source('raw', 'events') }}
""",
    "models/told.sql": """select '{{ tojson(graph.nodes) | replace("'", "''") }}' as nodes""",
    "models/own.sql": "-- depends_on: {{ ref('people') }}\nselect $q${{ tojson(model.depends_on.nodes) }}$q$ as it, '{{ model.refs[0].name }}' as ref",
}  # fmt: skip
FLAGS = "'{{ flags.FULL_REFRESH }} {{ flags.WHICH }} {{ flags.STORE_FAILURES }} {{ should_full_refresh() }}' as flags"


class Shop:
    def __init__(self, root):
        self.root = root
        self.warehouse = DuckDBWarehouse(None)
        self.warehouse.execute("CREATE SCHEMA raw; CREATE TABLE raw.events AS SELECT 7 AS id")
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def graph(self):
        return compile_project(load_project(self.root), now=NOW, cache_dir=self.root / "cache")

    def build(self, asked=Asked(), graph=None):  # noqa: B008 - frozen
        graph = graph or self.graph()
        found = build(
            self.warehouse, graph, set(graph.nodes), root=self.root, run_id="r", now=lambda: NOW, asked=asked
        )
        assert not [step.error for step in found if step.error]

    def value(self, sql):
        return self.warehouse.query(sql)[0][0]


@pytest.fixture
def shop(tmp_path):
    found = Shop(tmp_path)
    yield found
    found.warehouse.close()


def test_the_graph_shows_models_as_they_are_built(shop):
    shop.build()
    nodes = json.loads(shop.value("SELECT nodes FROM main.told"))
    assert sorted(nodes) == ["model.shop.own", "model.shop.people", "model.shop.told", "seed.shop.rows"]
    people = nodes["model.shop.people"]
    assert people["config"]["materialized"] == "table"
    assert people["config"]["post-hook"] == [{"sql": "select 1", "transaction": True, "index": None}]
    assert people["tags"] == people["config"]["tags"] == ["folder", "own"]
    assert people["meta"] == people["config"]["meta"] == {"a": 1, "b": 2}
    assert people["depends_on"] == {"macros": [], "nodes": ["seed.shop.rows", "source.shop.raw.events"]}
    assert people["refs"] == [{"name": "rows", "package": None, "version": None}]
    assert people["sources"] == [["raw", "events"]]
    assert (people["alias"], people["relation_name"]) == ("persons", '"main"."persons"')
    assert people["fqn"] == ["shop", "marts", "people"]
    assert nodes["seed.shop.rows"]["depends_on"] == {"macros": [], "nodes": []}


def test_a_model_that_reads_what_it_depends_on_waits_for_the_graph(shop):
    graph = shop.graph()
    assert (graph.nodes["own"].late, graph.nodes["people"].late) == (True, False)
    shop.build()
    assert shop.warehouse.query("SELECT * FROM main.own") == [('["model.shop.people"]', "people")]


def test_flags_are_the_command_s(shop):
    shop.write("models/flagged.sql", f"{{{{ config(materialized='table') }}}} select {FLAGS}")
    shop.write(
        "models/kept.sql", f"{{{{ config(materialized='incremental', full_refresh=false) }}}} select {FLAGS}"
    )
    shop.build()
    assert shop.value("SELECT flags FROM main.flagged") == "False build False False"
    shop.build(Asked(full_refresh=True))
    assert shop.value("SELECT flags FROM main.flagged") == "True build False True"
    assert shop.value("SELECT flags FROM main.kept") == "False build False False"
    shop.build()
    assert shop.value("SELECT flags FROM main.flagged") == "False build False False"


def test_hooks_are_told_of_a_full_refresh_and_a_plan_renders_with_it(shop):
    hook = "{% if flags.FULL_REFRESH %}create or replace table main.told_hook as select 1 as x{% endif %}"
    shop.write(
        "models/marts/hooked.sql",
        f'{{{{ config(materialized="table", pre_hook="{hook}") }}}} select 1 as id, {FLAGS}',
    )
    shop.build()
    assert "told_hook" not in shop.warehouse.tables("main")
    shop.build(Asked(full_refresh=True), without_hooks(shop.graph()))
    assert shop.value("SELECT flags FROM main.hooked") == "True build False True"
    assert "told_hook" not in shop.warehouse.tables("main")
    shop.build(Asked(full_refresh=True))
    assert "told_hook" in shop.warehouse.tables("main")


def test_tests_know_that_they_are_tests(shop):
    shop.write("tests/which.sql", f"select {FLAGS}, '{{{{ should_store_failures() }}}}' as stores")
    shop.build()
    graph, project = shop.graph(), load_project(shop.root)
    for store in (False, True):
        [outcome] = run_data_tests(shop.warehouse, project, graph, project.data_tests, store=store)
        assert f"'False test {store} False'" in outcome.sql
        assert f"'{store}'" in outcome.sql
